// One guarded POST: the address is looked up once and pinned, redirects are not followed, the answer is bounded in
// size and time. Nothing is kept between calls.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Target, targetOf } from './addresses.ts'
import { DeliveryFailed } from './channel.ts'

const TIMEOUT_MS = 10_000
const MOST_ANSWER_BYTES = 64 * 1024
const LONGEST_WAIT_MS = 24 * 3_600_000

export interface Posted {
  readonly status: number
  readonly text: string
}

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly allowPrivate: boolean
  /** PEM. */
  readonly ca: string | undefined
  readonly signal: AbortSignal
  readonly now: () => number
  readonly timeoutMs?: number
}

/** Resolves with any 2xx. Throws DeliveryFailed for all else. */
export async function post(url: URL, options: PostOptions): Promise<Posted> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new DeliveryFailed('the address is not https', { final: true })
  }
  const target = await targetOf(url.hostname, options.allowPrivate)
  // What a secret address says was not seen by the configuration's check.
  if (url.protocol === 'http:' && !['127.0.0.1', '::1'].includes(target.address)) {
    throw new DeliveryFailed('plain http is used on loopback only')
  }
  const answer = await exchange(url, target, options)
  const { status } = answer
  if (status >= 200 && status < 300) return answer
  throw refusal(answer, options.now())
}

interface Answer extends Posted {
  readonly retryAfter: string | undefined
}

function exchange(url: URL, target: Target, options: PostOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { body, ca, signal, timeoutMs = TIMEOUT_MS } = options
    const late = AbortSignal.timeout(timeoutMs)
    const settings = {
      method: 'POST',
      agent: false,
      signal: AbortSignal.any([signal, late]),
      // The name stays in TLS and in Host; the connection goes where it was looked up.
      lookup: (_host: string, { all }: { all?: boolean }, done: (...found: unknown[]) => void) =>
        all === true ? done(null, [target]) : done(null, target.address, target.family),
      headers: {
        ...options.headers,
        'content-length': Buffer.byteLength(body),
        'user-agent': 'sallyport',
        connection: 'close',
      },
    } as const
    const failed = (error: unknown): void => reject(unreachable(url, error, late.aborted))
    const answered = (answer: IncomingMessage): void => {
      read(answer).then(
        text =>
          resolve({
            status: answer.statusCode ?? 0,
            text,
            retryAfter: answer.headers['retry-after'],
          }),
        failed,
      )
    }
    const lookedUp = settings as unknown as Parameters<typeof httpsRequest>[1]
    const asked: ClientRequest =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...lookedUp, ...(ca === undefined ? {} : { ca }) }, answered)
        : httpRequest(url, { ...lookedUp }, answered)
    asked.on('error', failed)
    asked.end(body)
  })
}

/** As much of the answer as anybody could need; the rest is not waited for. */
async function read(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece)
    length += piece.length
    if (length > MOST_ANSWER_BYTES) {
      answer.destroy()
      throw new DeliveryFailed('the answer is too long to be read')
    }
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** 400, 404 and 413 are about this message or this address; whoever answers 410 wants to hear nothing any more. */
const FINAL = [400, 405, 410, 413, 414, 422]

function refusal({ status, retryAfter }: Answer, now: number): DeliveryFailed {
  if (status >= 300 && status < 400) {
    return new DeliveryFailed(`answered ${status}: redirects are not followed`)
  }
  const retryAfterMs = retryAfter === undefined ? undefined : waitOf(retryAfter, now)
  return new DeliveryFailed(`answered ${status}`, {
    final: FINAL.includes(status),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
export function waitOf(retryAfter: string, now: number): number | undefined {
  const ms = /^\d{1,9}$/.test(retryAfter)
    ? Number(retryAfter) * 1_000
    : Date.parse(retryAfter) - now
  if (!Number.isFinite(ms)) return undefined
  return Math.min(Math.max(ms, 0), LONGEST_WAIT_MS)
}

function unreachable(url: URL, error: unknown, late: boolean): DeliveryFailed {
  if (error instanceof DeliveryFailed) return error
  if (late) return new DeliveryFailed(`${url.hostname} did not answer in time`)
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'it failed'
  return new DeliveryFailed(`${url.hostname} cannot be reached (${code})`)
}
