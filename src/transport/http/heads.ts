// Heads as HTTP/1.1 writes them, from what was judged.
import { isSendable } from './chunked.ts'
import type { Fields } from './fields.ts'
import { bodyFollows, type Framing, type HttpVersion, type ResponseHead } from './message.ts'

/** A defect of ours, never a client's: what came was checked when it was read. */
export class UnsendableHead extends Error {}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const names = new Set<string>()
const MOST_NAMES = 1_000

function isName(name: string): boolean {
  if (names.has(name)) return true
  if (!NAME.test(name)) return false
  if (names.size < MOST_NAMES) names.add(name)
  return true
}

/** Framing and hop-by-hop fields are written by us alone. */
export function isFraming(name: string): boolean {
  return (
    name === 'content-length' ||
    name === 'transfer-encoding' ||
    name === 'connection' ||
    name === 'keep-alive' ||
    name === 'upgrade'
  )
}

function lines(fields: Fields): string {
  const { flat } = fields
  let text = ''
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at]!
    const value = flat[at + 1]!
    if (isFraming(name)) continue
    if (!isName(name) || !isSendable(value)) throw new UnsendableHead(`the field ${name}`)
    text += `${name}: ${value}\r\n`
  }
  return text
}

export function requestHead(
  method: string,
  target: string,
  authority: string,
  fields: Fields,
  body: Framing,
  upgrade?: string,
): string {
  if (!/^[A-Z-]+$/.test(method) || !/^[!-~]+$/.test(target) || !/^[!-~]+$/.test(authority))
    throw new UnsendableHead('the request line')
  let text = `${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n${lines(fields.without(name => name === 'host'))}`
  if (body.kind === 'stream') text += 'transfer-encoding: chunked\r\n'
  else if (body.kind === 'length') text += `content-length: ${body.length}\r\n`
  if (upgrade !== undefined) {
    if (!isSendable(upgrade)) throw new UnsendableHead('the upgrade')
    text += `connection: upgrade\r\nupgrade: ${upgrade}\r\n`
  }
  return `${text}\r\n`
}

export function responseHead(
  head: ResponseHead,
  to: { readonly version: HttpVersion; readonly method: string },
  close: boolean,
): string {
  const reason = head.reason ?? reasons[head.status] ?? ''
  if (!isSendable(reason)) throw new UnsendableHead('the reason')
  let text = `HTTP/1.1 ${head.status} ${reason}\r\n${lines(head.fields)}`
  if (head.status >= 200 && !head.fields.has('date')) text += `date: ${httpDate()}\r\n`
  if (head.status >= 200) text += framing(head, to)
  if (close && head.status >= 200) text += 'connection: close\r\n'
  return `${text}\r\n`
}

function framing(
  { status, body }: ResponseHead,
  { version, method }: { readonly version: HttpVersion; readonly method: string },
): string {
  if (status === 204) return ''
  if (body.kind === 'length') return `content-length: ${body.length}\r\n`
  if (!bodyFollows(method, status)) return ''
  if (body.kind === 'none') return 'content-length: 0\r\n'
  // HTTP/1.0 knows no chunks: the close is the end.
  return version === '1.0' ? '' : 'transfer-encoding: chunked\r\n'
}

let dateSecond = 0
let dateText = ''

function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date(second * 1000).toUTCString()
  }
  return dateText
}

const reasons: Record<number, string> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}
