// What a request to a cluster means: its body as it is sent where an API server reads it, and as what is known of it where
// it goes on through a proxy.
import { type AskedOfCluster, readRequest, readsBody, requestInfo } from '#engines/kubernetes'
import type { Statement } from '#model'
import type { ReadBody } from '#proxy'

interface Asked extends Omit<AskedOfCluster, 'body' | 'type'> {
  readonly type?: string | undefined
  readonly body: ReadBody['asked']
  readonly bytes?: Uint8Array | undefined
}

/** Throws InvalidRequest. */
export function readStatement({ bytes, body, type, ...asked }: Asked): Statement {
  const { method, path, query } = asked
  const whole = bytes !== undefined && readsBody(requestInfo(method, path, query))
  const sent = whole ? { kind: 'whole' as const, bytes } : body
  return readRequest({ ...asked, type, body: sent }).statement
}
