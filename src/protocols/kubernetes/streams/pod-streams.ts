// Requests that become streams: exec, attach and port-forward, as one request asks for them and as it is served.
import { requestInfo } from '#engines/kubernetes'
import type { Permit } from '#gateway'
import { InvalidRequest, type Statement, UpstreamError } from '#model'
import type { TunnelParts } from '#proxy'
import { Fields, type RequestHead } from '#transport/http'
import { agreed, offered, type Purpose, purposeOf, UPGRADES, withOffer } from './negotiation.ts'
import { serveStreams } from './serve.ts'

const COMMANDS: ReadonlySet<string> = new Set(['exec', 'attach'])

export interface PodStreams {
  readonly upgrade: string
  /** The subprotocols that the cluster may choose from. */
  readonly offer: readonly string[]
  readonly purpose: Purpose
}

/** Undefined: it asks for no upgrade. `path`: as the cluster sees it. Throws InvalidRequest: for one that is not served. */
export function podStreams(request: RequestHead, path: string): PodStreams | undefined {
  const { method, target, upgrade } = request
  if (upgrade === undefined) return undefined
  const { resource, subresource } = requestInfo(method, path, target.query)
  const isForward = subresource === 'portforward'
  const isStreams = isForward || COMMANDS.has(subresource)
  if (resource !== 'pods' || !isStreams || !UPGRADES.some(known => known === upgrade))
    throw new InvalidRequest(
      'message_unsupported',
      'connections are turned into streams of pods, and into nothing else',
    )
  return {
    upgrade,
    offer: offered(request, isForward),
    purpose: purposeOf(isForward, target.query),
  }
}

/** The client's fields as they go on: the cluster is offered what we can follow. */
export function streamFields(fields: Fields, { upgrade, offer }: PodStreams): Fields {
  return withOffer(fields, upgrade, offer)
}

/** Both ends, joined. `portStatement`: the request, as it would ask for that port. */
export function servePodStreams(
  parts: TunnelParts,
  { upgrade, offer, purpose }: PodStreams,
  portStatement: (port: number) => Statement,
): Promise<void> {
  const { response, exchange, authorize, told } = parts
  const { head, tunnel } = response
  if (tunnel === undefined) throw new UpstreamError('upstream_refused', 'there are no streams')
  const { framing, halfClose, fields } = agreed(head, upgrade, offer)
  const judged = (port: number): Promise<Permit> => authorize(portStatement(port))
  return serveStreams({
    ...parts,
    client: exchange.upgrade(new Fields([...fields.flat])),
    upstream: tunnel,
    framing,
    halfClose,
    purpose,
    judge: judged,
    told: (bytes, failure) => told(bytes, undefined, failure),
  })
}
