// A client's connection that speaks HTTP/2. The frames are Node's (nghttp2); what a connection may ask of it is bounded here, and
// each stream is judged as a request of HTTP/1.1 is.
import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Duplex } from 'node:stream'
import { unwatch, type Watched, watch } from './deadlines.ts'
import type { HttpConnection, ServeHttpOptions } from './exchange.ts'
import { Http2Exchange } from './http2-exchange.ts'
import { readHttp2Head } from './http2-head.ts'
import type { HttpLimits } from './limits.ts'
import { HttpRefusal } from './refusal.ts'
import { problem } from './refusal-answer.ts'

/** Pseudo-fields of a request. */
const PSEUDO_FIELDS = 5
const RESETS_WITHIN_MS = 10_000
const NEVER = Number.POSITIVE_INFINITY

export class Http2Connection implements HttpConnection, Watched {
  readonly version = '2'
  readonly socket: Duplex
  readonly closed: Promise<void>
  readonly #limits: HttpLimits
  readonly #options: ServeHttpOptions
  readonly #session: ServerHttp2Session
  #exchanges = 0
  /** Of streams that their client reset, lately. */
  #resets = 0
  #resetsSince = 0
  deadline: number

  constructor(socket: Duplex, limits: HttpLimits, options: ServeHttpOptions) {
    this.socket = socket
    this.#limits = limits
    this.#options = options
    this.deadline = performance.now() + limits.headTimeoutMs
    socket.on('error', () => {})
    const session = performServerHandshake(socket, {
      maxHeaderListPairs: limits.fields + PSEUDO_FIELDS,
      maxSessionMemory: 8,
      maxSettings: 16,
      maxOutstandingPings: 4,
      maxSessionRejectedStreams: limits.streams,
      maxSessionInvalidFrames: 50,
      streamResetBurst: limits.resets,
      streamResetRate: Math.max(1, Math.floor(limits.resets / (RESETS_WITHIN_MS / 1_000))),
      settings: {
        maxConcurrentStreams: limits.streams,
        maxHeaderListSize: limits.headBytes,
        initialWindowSize: 262_144,
        enablePush: false,
        enableConnectProtocol: true,
      },
    })
    this.#session = session
    session.on('error', () => {})
    session.on('stream', (stream, headers, flags, raw) => this.#stream(stream, headers, flags, raw))
    this.closed = new Promise(resolve => {
      session.once('close', () => {
        unwatch(this)
        resolve()
      })
    })
    watch(this)
  }

  get exchanges(): number {
    return this.#exchanges
  }

  async close(graceMs: number): Promise<void> {
    if (this.#exchanges === 0 || graceMs <= 0) this.#session.destroy()
    else this.#session.close()
    const timer = setTimeout(() => this.#session.destroy(), graceMs)
    await this.closed
    clearTimeout(timer)
  }

  #stream(
    stream: ServerHttp2Stream,
    _headers: IncomingHttpHeaders,
    flags: number,
    raw: readonly string[],
  ): void {
    this.#exchanges += 1
    this.deadline = NEVER
    stream.on('error', () => {})
    stream.once('close', () => this.#left(stream))
    // Streams that were reset do not count for the peer, but what was begun for them goes on for a while.
    if (this.#exchanges > this.#limits.streams) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
      return
    }
    try {
      const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
      const head = readHttp2Head(raw, ended, this.#limits)
      this.#serve(new Http2Exchange(stream, head, this.#limits))
    } catch (error) {
      if (error instanceof HttpRefusal) this.#refuse(stream, error)
      else {
        // A bug of ours in reading: this stream ends, and it goes to the log.
        this.#options.onFailure?.(error)
        stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      }
    }
  }

  #serve(exchange: Http2Exchange): void {
    const failed = (error: unknown): void => {
      // A bug in serving this one: it ends its stream, and goes to the log.
      this.#options.onFailure?.(error)
      exchange.abort(error instanceof Error ? error : new Error(String(error)))
    }
    try {
      const done = this.#options.onExchange(exchange)
      if (done !== undefined) done.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #refuse(stream: ServerHttp2Stream, refusal: HttpRefusal): void {
    this.#options.onRefused?.(refusal)
    if (stream.destroyed || stream.closed) return
    const { head, body } = (this.#options.refuse ?? problem)(refusal)
    const fields = Object.fromEntries(head.fields)
    stream.respond({ ...fields, ':status': head.status, 'content-length': Buffer.byteLength(body) })
    stream.end(body)
    // Nothing of its body is read.
    stream.resume()
  }

  #left(stream: ServerHttp2Stream): void {
    this.#exchanges -= 1
    const now = performance.now()
    if (this.#exchanges === 0) this.deadline = now + this.#limits.idleTimeoutMs
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR || !stream.aborted) return
    if (now - this.#resetsSince > RESETS_WITHIN_MS) {
      this.#resetsSince = now
      this.#resets = 0
    }
    this.#resets += 1
    if (this.#resets <= this.#limits.resets) return
    this.#options.onRefused?.(new HttpRefusal('stream_flood'))
    this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  /** Nothing was asked for in time. */
  overdue(): void {
    this.deadline = NEVER
    this.#session.close()
    setTimeout(() => this.#session.destroy(), 1_000).unref()
  }
}
