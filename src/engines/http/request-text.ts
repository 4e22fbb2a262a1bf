// A request as it is judged, as one text: what goes on record, what a person reads, and what a yes is bound to. Two
// requests that an upstream could tell apart in what they ask for have different texts; secrets are in none.
import { createHash } from 'node:crypto'
import { InvalidRequest } from '#model'
import { isServed } from './methods.ts'
import { withoutSecretValues } from './secret-values.ts'

/** `text`: all of it, UTF-8; `bytes`: known by their hash; `stream`: it goes on as it comes, unread. */
export type AskedBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly length: number; readonly sha256: string }
  | { readonly kind: 'stream' }

export interface AskedRequest {
  readonly method: string
  /** Begins with `/`, or is `*`. */
  readonly path: string
  readonly query: string | undefined
  /** Lower case names. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: AskedBody
  /** `websocket`. */
  readonly upgrade?: string | undefined
}

/** How an answer is wanted, who passes it on, what frames it: none of what is asked for. */
const NOT_ASKED: ReadonlySet<string> = new Set(
  `accept accept-charset accept-encoding accept-language baggage cache-control connection content-length date dnt expect
  forwarded host idempotency-key if-modified-since if-none-match if-range keep-alive origin pragma priority
  proxy-connection range referer te traceparent tracestate trailer transfer-encoding upgrade upgrade-insecure-requests
  user-agent via x-request-id x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port x-real-ip`.split(
    /\s+/,
  ),
)
const SECRET = /auth|token|secret|key|cookie|session|passw|signature|credential/
const FIRST_LINE = /^([A-Z-]+) (\S+)(?: <(.*)>)?$/

/** True for a field that belongs to what is asked. */
export function isAsked(name: string): boolean {
  return !NOT_ASKED.has(name) && !name.startsWith('sec-') && !name.startsWith('sallyport-')
}

/**
 * What `Prefer` asks of the service (RFC 7240): whoever waits for a person asks nothing by it, but a preference may make an
 * insert an update.
 */
export function withoutWait(prefer: string): string {
  const members = prefer.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? []
  return members
    .map(member => member.trim())
    .filter(member => member !== '' && !/^wait\s*=/i.test(member))
    .join(', ')
}

/** `secrets`: names of parameters that hold secrets besides those that everybody knows. */
export function requestText(
  { method, path, query, fields, body, upgrade }: AskedRequest,
  secrets?: ReadonlySet<string>,
): string {
  const note =
    upgrade !== undefined
      ? ` <${upgrade}>`
      : body.kind === 'stream'
        ? ' <body as it comes>'
        : body.kind === 'bytes'
          ? ` <${body.length} bytes, SHA-256 ${body.sha256}>`
          : ''
  const first = `${method} ${path}${query === undefined ? '' : `?${withoutSecretValues(query, secrets)}`}${note}`
  const lines = fields
    .map(([name, value]) => [name, name === 'prefer' ? withoutWait(value) : value] as const)
    .filter(([name, value]) => isAsked(name) && (name !== 'prefer' || value !== ''))
    // Of several of one name some read the first, and some the last: their order counts.
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
    .map(([name, value]) => `\n${name}: ${SECRET.test(name) ? hashed(value) : value}`)
  return `${first}${lines.join('')}${body.kind === 'text' ? `\n\n${body.text}` : ''}`
}

function hashed(value: string): string {
  return `[SHA-256 ${createHash('sha256').update(value).digest('hex')}]`
}

/** The reverse, as far as a text tells. Throws InvalidRequest. */
export function readRequestText(text: string): AskedRequest {
  const end = text.indexOf('\n\n')
  const [first = '', ...lines] = (end < 0 ? text : text.slice(0, end))
    .replace(/\n$/, '')
    .split('\n')
  const [, method = '', target = '', note] = FIRST_LINE.exec(first) ?? []
  if (!isServed(method) || !/^(?:\/|\*$)/.test(target))
    throw new InvalidRequest('statement_unreadable', 'a request begins with METHOD /path', {
      hint: 'As in: GET /v1/customers/7?expand=card, then fields, a blank line and the body.',
    })
  const mark = target.indexOf('?')
  const sized = /^(\d+) bytes, SHA-256 ([\da-f]{64})$/.exec(note ?? '')
  const body: AskedBody =
    sized !== null
      ? { kind: 'bytes', length: Number(sized[1]), sha256: sized[2]! }
      : note === 'body as it comes'
        ? { kind: 'stream' }
        : end < 0
          ? { kind: 'none' }
          : { kind: 'text', text: text.slice(end + 2) }
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? undefined : target.slice(mark + 1),
    fields: lines.map(line => {
      const colon = line.indexOf(':')
      if (colon < 1) throw new InvalidRequest('statement_unreadable', 'a field is NAME: VALUE')
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
    }),
    body,
    upgrade: note === 'websocket' ? note : undefined,
  }
}
