// Which streams a request asks for, and in which framing: what the client offers and we can follow goes on, and nothing else.
import { InvalidRequest, UpstreamError } from '#model'
import { Fields, type RequestHead, type ResponseHead } from '#transport/http'
import type { AskedCommand } from './command.ts'

/** What a request to a pod's streams is upgraded to. */
export const UPGRADES = ['spdy/3.1', 'websocket'] as const

export type Framing =
  /** SPDY/3.1 in the connection itself. */
  | 'spdy'
  /** SPDY/3.1 in messages of a WebSocket. */
  | 'tunnelled'
  /** A byte ahead of each message says which stream. */
  | 'channels'

export type Purpose =
  | { readonly kind: 'command'; readonly asked: AskedCommand }
  /** Ports that the request names. */
  | { readonly kind: 'forward'; readonly ports: readonly number[] }

/** The subprotocols that we can follow, and how each is framed. */
const SPDY_COMMAND = ['v4.channel.k8s.io']
const SPDY_FORWARD = ['portforward.k8s.io']
const SOCKET_COMMAND = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const TUNNEL = 'SPDY/3.1+portforward.k8s.io'
const SOCKET_FORWARD = [TUNNEL, 'v4.channel.k8s.io']

const SPDY_FIELD = 'x-stream-protocol-version'
export const SOCKET_FIELD = 'sec-websocket-protocol'

/** What a connection becomes once both sides agreed. */
export interface Agreement {
  readonly framing: Framing
  /** A stream of a WebSocket may be ended before the others. */
  readonly halfClose: boolean
  /** What the client is told of it. */
  readonly fields: Fields
}

function subprotocols(upgrade: string | undefined, forward: boolean): readonly string[] {
  if (upgrade === 'spdy/3.1') return forward ? SPDY_FORWARD : SPDY_COMMAND
  return forward ? SOCKET_FORWARD : SOCKET_COMMAND
}

function fieldOf(upgrade: string | undefined): string {
  return upgrade === 'spdy/3.1' ? SPDY_FIELD : SOCKET_FIELD
}

/** Those that the client offers and we can follow, as it prefers them. Throws InvalidRequest: there are none. */
export function offered(
  { fields, upgrade }: Pick<RequestHead, 'fields' | 'upgrade'>,
  forward: boolean,
): readonly string[] {
  const known = subprotocols(upgrade, forward)
  const both = fields.list(fieldOf(upgrade)).filter(each => known.includes(each))
  if (both.length > 0) return [...new Set(both)]
  throw new InvalidRequest(
    'message_unsupported',
    `the streams of this request are served as ${known.join(' or ')}, and by nothing else`,
  )
}

/** The client's fields with the offer that we can follow in the place of its own. */
export function withOffer(fields: Fields, upgrade: string, offer: readonly string[]): Fields {
  const own = fieldOf(upgrade)
  const kept = fields.without(name => name === SPDY_FIELD || name === SOCKET_FIELD)
  return new Fields([
    ...kept.flat,
    ...(own === SPDY_FIELD ? offer.flatMap(each => [own, each]) : [own, offer.join(', ')]),
  ])
}

/** Throws UpstreamError: it chose what nobody offered. */
export function agreed(
  { fields }: Pick<ResponseHead, 'fields'>,
  upgrade: string,
  offer: readonly string[],
): Agreement {
  const name = fieldOf(upgrade)
  const chosen = fields.all(name)
  const [protocol] = chosen
  if (chosen.length !== 1 || protocol === undefined || !offer.includes(protocol))
    throw new UpstreamError('upstream_refused', 'the cluster chose streams that nobody offered')
  if (fields.has('sec-websocket-extensions'))
    throw new UpstreamError(
      'upstream_refused',
      'the cluster uses an extension that nobody asked for',
    )
  const accept = fields.get('sec-websocket-accept')
  return {
    framing: upgrade === 'spdy/3.1' ? 'spdy' : protocol === TUNNEL ? 'tunnelled' : 'channels',
    halfClose: protocol === 'v5.channel.k8s.io',
    fields: new Fields([
      name,
      protocol,
      ...(accept === undefined || upgrade !== 'websocket' ? [] : ['sec-websocket-accept', accept]),
    ]),
  }
}

/** What the query of an exec, an attach or a port-forward asks for. Throws InvalidRequest. */
export function purposeOf(forward: boolean, query: string | undefined): Purpose {
  const asked = new URLSearchParams(query ?? '')
  if (forward) return { kind: 'forward', ports: portsOf(asked.getAll('ports')) }
  return {
    kind: 'command',
    asked: {
      stdin: isSet(asked, 'stdin'),
      stdout: isSet(asked, 'stdout'),
      stderr: isSet(asked, 'stderr'),
      tty: isSet(asked, 'tty'),
    },
  }
}

/** As the API server reads it: the first value, whatever it is but these two. */
function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

function portsOf(values: readonly string[]): readonly number[] {
  const ports = values.flatMap(value => value.split(','))
  if (ports.length > 64 || ports.some(port => !/^[1-9][0-9]{0,4}$/.test(port) || +port > 65_535))
    throw new InvalidRequest('request_invalid', 'a port to forward is not one')
  return ports.map(Number)
}
