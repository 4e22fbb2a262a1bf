// A request that is permitted, and what its way upstream and back is made from.
import type { Permit } from '#gateway'
import type { Exchange, Scheme } from '#transport/http'
import type { TagPlace } from './entity-tags.ts'
import type { ReadBody } from './request-body.ts'
import type { OpenSession, RequestForm } from './sessions.ts'

export interface PermittedRequest {
  readonly open: OpenSession
  readonly permit: Permit
  readonly body: ReadBody
  /** Of a request that may come again: what is made of it is kept there. */
  readonly form: RequestForm | undefined
  readonly exchange: Exchange
  readonly ip: string
  /** `https`, or `http` inside a tunnel. */
  readonly scheme: Scheme
}

/** Where the tags of its answer count. */
export function tagPlace({
  open,
  exchange,
}: Pick<PermittedRequest, 'open' | 'exchange'>): TagPlace {
  const { resource, principal } = open.session
  const { path } = exchange.request.target
  return { resource: resource.name, principal: principal.id, path }
}
