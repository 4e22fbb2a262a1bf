// One exchange to its upstream and back, with nothing changed but what belongs to each connection. It knows no decision: whoever
// asks for one does so before.
import { pipe, type Tunnel } from './body.ts'
import type { Exchange } from './exchange.ts'
import { type ForwardedBy, forwardable, returnable } from './forwarding.ts'
import { bodyFollows, type Target } from './message.ts'
import type { Upstream } from './upstream.ts'
import type { UpstreamResponse } from './upstream-types.ts'

export interface RelayOptions {
  readonly authority: string
  readonly by?: ForwardedBy
}

/** Path and query as one. */
export function targetText({ path, query }: Target): string {
  return query === undefined ? path : `${path}?${query}`
}

/** Rejects with UpstreamError while nothing was answered; from then on the exchange is cut short with it. */
export async function relay(
  exchange: Exchange,
  upstream: Upstream,
  { authority, by }: RelayOptions,
): Promise<void> {
  const { request } = exchange
  const call = await upstream.open({
    method: request.method,
    target: targetText(request.target),
    authority,
    fields: forwardable(request, by),
    body: request.body,
    ...(request.upgrade === undefined ? {} : { upgrade: request.upgrade }),
  })
  exchange.onGone(error => call.abort(error))
  if (request.body.kind !== 'none') pipe(exchange.body, call.body)
  answer(exchange, await call.response)
}

function answer(exchange: Exchange, { head, body, tunnel }: UpstreamResponse): void {
  const fields = returnable(head.fields)
  if (tunnel !== undefined) {
    join(exchange.upgrade(fields), tunnel)
    return
  }
  const writer = exchange.respond({ ...head, fields })
  if (bodyFollows(exchange.request.method, head.status)) pipe(body, writer)
  else writer.end()
}

function join(client: Tunnel, upstream: Tunnel): void {
  pipe(client.incoming, upstream.outgoing)
  pipe(upstream.incoming, client.outgoing)
}
