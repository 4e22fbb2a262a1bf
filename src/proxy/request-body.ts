// The body of a request, as far as it is read before the decision: whole up to a bound, or not at all.
import { createHash } from 'node:crypto'
import type { AskedBody } from '#engines/http'
import {
  type Body,
  type Exchange,
  type Fields,
  NO_BODY,
  type RequestHead,
  STREAM,
} from '#transport/http'
import { type HeldBodies, type HeldStart, tooLarge } from './held-bodies.ts'

export interface BodyBounds {
  /** Read whole before the decision, in bytes. */
  readonly most: number
  /** What is longer: refused, or passed on as it comes, unread. */
  readonly longer: 'refuse' | 'stream'
}

export interface ReadBody {
  readonly asked: AskedBody
  /** All of it; undefined: it goes on as it comes, from `rest`. */
  readonly bytes: Buffer | undefined
  /** What `bytes` are, where that is not what the request says. */
  readonly type?: string
  readonly rest: Body | undefined
  /** Its bytes are needed no longer. Idempotent. */
  release(): void
}

export const NO_BODY_READ: ReadBody = {
  asked: { kind: 'none' },
  bytes: undefined,
  rest: undefined,
  release() {},
}
/** What a person can be shown, and a recording holds as text. */
const MOST_TEXT = 256 * 1024
const REMOTE_CALL = /^application\/grpc(?:[+;]|$)/i
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws InvalidRequest: it is longer than the resource takes; Unavailable: too many are held. */
export async function readBody(
  exchange: Exchange,
  body: BodyBounds,
  held: HeldBodies,
): Promise<ReadBody> {
  const { request } = exchange
  const { kind } = request.body
  if (kind === 'none') return NO_BODY_READ
  // Both sides of a call speak in turns: waiting for its end would be waiting for ever.
  if (REMOTE_CALL.test(request.fields.get('content-type') ?? '')) return streamed(exchange.body)
  const tooLong = request.body.kind === 'length' && request.body.length > body.most
  if (tooLong) {
    if (body.longer === 'refuse') throw tooLarge(body.most)
    return streamed(exchange.body)
  }
  const start = await held.read(exchange, body.most)
  if ('bytes' in start) return whole(start, request)
  if (body.longer === 'stream') return streamed(start.rest)
  const error = tooLarge(body.most)
  start.rest.cancel(error)
  throw error
}

function whole({ bytes, release }: HeldStart, { fields }: RequestHead): ReadBody {
  return { asked: askedBody(bytes, fields), bytes, rest: undefined, release }
}

function streamed(rest: Body): ReadBody {
  return { asked: { kind: 'stream' }, bytes: undefined, rest, release() {} }
}

function askedBody(bytes: Buffer, fields: Fields): AskedBody {
  if (bytes.length === 0) return { kind: 'none' }
  const encoding = fields.get('content-encoding') ?? 'identity'
  const text = encoding === 'identity' && bytes.length <= MOST_TEXT ? textOf(bytes) : undefined
  if (text !== undefined) return { kind: 'text', text }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { kind: 'bytes', length: bytes.length, sha256 }
}

function textOf(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    return utf8.decode(bytes)
  } catch {
    // Safe: then it is known by its hash.
    return undefined
  }
}

/** How what was read is framed on its way on. */
export function framingOf({ bytes, rest, asked }: ReadBody, { body }: RequestHead) {
  if (rest !== undefined) return body.kind === 'none' ? STREAM : body
  if (asked.kind === 'none' && body.kind === 'none') return NO_BODY
  return { kind: 'length' as const, length: bytes?.length ?? 0 }
}
