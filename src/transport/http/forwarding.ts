// Which fields of a judged message go on. What belongs to one connection stays there, and what a client says of itself in
// the words that proxies use is never believed: ours are written after theirs were dropped (peers.md 2, no. 28 and 29).
import { Fields, looseName } from './fields.ts'
import type { RequestHead } from './message.ts'

const OF_A_CONNECTION = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** In lower case; `close` is no field. */
export function isOfConnection(loose: string): boolean {
  return loose === 'close' || OF_A_CONNECTION.has(loose) || loose.startsWith('proxy-')
}

const OF_PROXIES = new Set([
  'cf-connecting-ip',
  'client-ip',
  'fastly-client-ip',
  'forwarded',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-real-ip',
])

export type Scheme = 'http' | 'https'

export function schemeOf(secure: boolean): Scheme {
  return secure ? 'https' : 'http'
}

export interface ForwardedBy {
  /** The client's address. */
  readonly for: string
  readonly proto: Scheme
  readonly host: string
}

/** For the request that goes upstream, without `host`. */
export function forwardable(request: Pick<RequestHead, 'fields'>, by?: ForwardedBy): Fields {
  const named = connectionNames(request.fields)
  const kept = request.fields.without(name => {
    const loose = looseName(name)
    return (
      loose === 'host' ||
      OF_A_CONNECTION.has(loose) ||
      OF_PROXIES.has(loose) ||
      loose.startsWith('proxy-') ||
      loose.startsWith('x-forwarded') ||
      named.has(loose)
    )
  })
  if (by === undefined) return kept
  return new Fields([
    ...kept.flat,
    'forwarded',
    `for=${node(by.for)};host=${quoted(by.host)};proto=${by.proto}`,
    'x-forwarded-for',
    by.for,
    'x-forwarded-host',
    by.host,
    'x-forwarded-proto',
    by.proto,
  ])
}

/** For the answer that goes to the client. Alt-Svc would lead it past us. */
export function returnable(fields: Fields): Fields {
  const named = connectionNames(fields)
  return fields.without(
    name =>
      OF_A_CONNECTION.has(name) ||
      name.startsWith('proxy-') ||
      name === 'alt-svc' ||
      named.has(looseName(name)),
  )
}

const NOBODY: ReadonlySet<string> = new Set()

function connectionNames(fields: Fields): ReadonlySet<string> {
  if (!fields.has('connection')) return NOBODY
  return new Set(fields.list('connection').map(looseName))
}

/** RFC 7239 section 6. */
function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}

function quoted(text: string): string {
  return /^[A-Za-z0-9._-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '')}"`
}
