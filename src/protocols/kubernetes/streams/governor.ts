// One stream of a connection, as whoever governs it sees it: what came from either side, and the ways on to the other.
import type { Buffer } from 'node:buffer'
import { ProtocolError } from '#model'

export interface Ways {
  /** `last`: no more goes there on this stream. A promise: enough for now; the other side is held meanwhile. */
  toClient(bytes: Uint8Array, last: boolean): Promise<void> | undefined
  toUpstream(bytes: Uint8Array, last: boolean): void
}

export interface Governor {
  /** What came belongs to the governor. Throws ProtocolError, AccessDenied: the connection ends. */
  fromClient(bytes: Buffer, last: boolean): void
  fromUpstream(bytes: Buffer, last: boolean): void
  /** Nothing more comes from the upstream: what is held goes on now. */
  flush(): void
  /** It is over: what is held is lost. */
  drop(): void
}

/** For a stream that the client may only end. */
export function nothingFromClient(ways: Ways, bytes: Uint8Array, last: boolean): void {
  if (bytes.length > 0)
    throw new ProtocolError('protocol_violation', 'a client sent on a stream that it reads')
  if (last) ways.toUpstream(bytes, true)
}

/** For one that the upstream may only end. */
export function nothingFromUpstream(ways: Ways, bytes: Uint8Array, last: boolean): void {
  if (bytes.length > 0)
    throw new ProtocolError('protocol_violation', 'an upstream sent on a stream that it reads')
  if (last) ways.toClient(bytes, true)
}
