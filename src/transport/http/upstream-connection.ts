// A connection to an upstream that speaks HTTP/1.1: one request at a time, none pipelined. Bytes that nobody asked for, or that
// stand behind an answer, are an answer to somebody else's question: the connection ends.
import type { Socket } from 'node:net'
import { UpstreamError } from '#model'
import { Leg } from '#transport'
import { Body, type BodyWriter, type Flow } from './body.ts'
import { ChunkedReader } from './chunked.ts'
import { unwatch, type Watched, watch } from './deadlines.ts'
import type { Fields } from './fields.ts'
import type { KnownResponses } from './known-responses.ts'
import type { HttpLimits } from './limits.ts'
import { HttpRefusal } from './refusal.ts'
import type { ReadResponse } from './response-head.ts'
import { ConnectionCall, StaleConnection } from './upstream-call.ts'
import type { UpstreamRequest } from './upstream-types.ts'

const END = Buffer.from('\r\n\r\n', 'latin1')
const NEVER = Number.POSITIVE_INFINITY
/** Ahead of one final answer. */
const MOST_INFORMATIONAL = 32
/** What an upstream that does not say is trusted to keep an idle connection for. */
const IDLE_MS = 4_000
const LONGEST_IDLE_MS = 60_000
const WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE'])

export interface ConnectionOwner {
  readonly limits: HttpLimits
  readonly answerTimeoutMs: number
  /** A connection that is older is not used again. */
  readonly connectionAgeMs: number
  readonly responses: KnownResponses
  /** It can be used again. */
  onIdle(connection: UpstreamConnection): void
  onClosed(connection: UpstreamConnection): void
}

export class UpstreamConnection implements Watched, Flow {
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #leg: Leg
  #call: ConnectionCall | undefined
  #partial: Buffer | undefined
  #response: ReadResponse | undefined
  #body: Body | undefined
  #chunked: ChunkedReader | undefined
  #left = 0
  #informational = 0
  #used = 0
  #idleMs = IDLE_MS
  readonly #oldAt: number
  #reusable = true
  #tunnel: Body | undefined
  #dead = false
  deadline = NEVER

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket
    this.#owner = owner
    this.#leg = new Leg(socket)
    this.#oldAt = performance.now() + owner.connectionAgeMs
    socket.on('error', () => {})
    socket.once('end', () => this.#ended())
    socket.once('close', () => this.#closed())
    watch(this)
    this.#leg.onDrain(() => this.#call?.drained())
    this.#leg.onData(chunk => this.#receive(chunk))
    socket.resume()
  }

  get usable(): boolean {
    return !this.#dead && !this.#socket.destroyed && this.#call === undefined
  }

  /** Throws UnsendableHead, and the connection is as it was. */
  send(request: UpstreamRequest): ConnectionCall {
    const call = new ConnectionCall(this, request)
    this.deadline = performance.now() + this.#owner.answerTimeoutMs
    call.begin()
    this.#call = call
    this.#used += 1
    this.#informational = 0
    const empty =
      request.body.kind === 'none' || (request.body.kind === 'length' && request.body.length === 0)
    // Upstreams that expect no body there take it for the next request; what asked to be another protocol may be one.
    if ((!empty && WITHOUT_BODY.has(request.method)) || request.upgrade !== undefined)
      this.#reusable = false
    return call
  }

  destroy(): void {
    this.#dead = true
    this.#socket.destroy()
  }

  write(bytes: Uint8Array): boolean {
    if (this.#leg.destroyed) return false
    // While it is being asked, its answer is not late.
    if (this.deadline !== NEVER) this.deadline = performance.now() + this.#owner.answerTimeoutMs
    this.#leg.write(bytes)
    return this.#leg.unsent <= this.#owner.limits.unsentBytes
  }

  /** The body's reader says. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  cancel(): void {
    this.destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#dead) return
    if (this.#tunnel !== undefined) {
      this.#tunnel.push(chunk)
      return
    }
    if (this.#call === undefined) {
      this.destroy()
      return
    }
    try {
      this.#read(chunk)
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error
      this.#fail(
        new UpstreamError(
          'upstream_refused',
          `the answer of the resource cannot be read: ${error.message}`,
          {
            detail: error.rule,
            cause: error,
          },
        ),
      )
    }
  }

  #read(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length && !this.#dead) {
      if (this.#tunnel !== undefined) {
        this.#tunnel.push(bytes.subarray(at))
        return
      }
      // Behind a whole answer: nobody's.
      if (this.#call === undefined) {
        this.destroy()
        return
      }
      if (this.#response === undefined) at = this.#readHead(bytes, at)
      else at = this.#readBody(bytes, at)
    }
    if (this.#call === undefined && !this.#dead) this.#release()
  }

  #readHead(bytes: Buffer, at: number): number {
    const before = this.#partial?.length ?? 0
    const whole =
      this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes.subarray(at)])
    const start = this.#partial === undefined ? at : 0
    const found = whole.indexOf(END, start + Math.max(0, before - 3))
    const { limits, responses } = this.#owner
    if ((found === -1 ? whole.length : found) - start > limits.headBytes)
      throw new HttpRefusal('head_too_large')
    if (found === -1) {
      this.#partial = Buffer.from(whole.subarray(start))
      return bytes.length
    }
    this.#partial = undefined
    const call = this.#call!
    this.#head(
      call,
      responses.read(whole.toString('latin1', start, found), call.request.method, limits),
    )
    return at + found - start + END.length - before
  }

  #head(call: ConnectionCall, response: ReadResponse): void {
    const { head } = response
    if (head.status === 101) this.#switch(call, response)
    else if (head.status < 200) {
      this.#informational += 1
      if (this.#informational > MOST_INFORMATIONAL) throw new HttpRefusal('stream_flood')
      call.informed(head)
    } else this.#begin(call, response)
  }

  #begin(call: ConnectionCall, response: ReadResponse): void {
    this.#response = response
    this.deadline = NEVER
    if (response.close) this.#reusable = false
    else this.#keepFor(response.head.fields)
    const { follows, head } = response
    this.#left = head.body.kind === 'length' ? head.body.length : 0
    if (follows === 'none' || (follows === 'length' && this.#left === 0)) {
      call.answer(head, Body.empty(), undefined)
      this.#over()
      return
    }
    this.#body = new Body(this)
    if (follows === 'chunked')
      this.#chunked = new ChunkedReader(this.#owner.limits, {
        data: chunk => void this.#body?.push(chunk),
        end: trailers => this.#finish(trailers),
      })
    call.answer(head, this.#body, undefined)
  }

  #readBody(bytes: Buffer, at: number): number {
    if (this.#chunked !== undefined) return this.#chunked.read(bytes, at)
    if (this.#response?.follows === 'close') {
      this.#body?.push(at === 0 ? bytes : bytes.subarray(at))
      return bytes.length
    }
    const end = Math.min(bytes.length, at + this.#left)
    this.#left -= end - at
    const over = this.#left === 0
    this.#body?.push(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end))
    if (over) this.#finish()
    return end
  }

  #finish(trailers?: Fields): void {
    const body = this.#body
    this.#over()
    body?.finish(trailers)
  }

  /** The answer is whole. */
  #over(): void {
    const call = this.#call
    this.#call = undefined
    this.#response = undefined
    this.#chunked = undefined
    this.#body = undefined
    if (call === undefined) return
    if (!call.sent) this.#reusable = false
    call.over()
  }

  /** Nothing came behind the answer: back to the pool, or away with it. */
  #release(): void {
    const now = performance.now()
    if (!this.#reusable || now >= this.#oldAt) {
      this.destroy()
      return
    }
    this.deadline = now + this.#idleMs
    this.#socket.resume()
    this.#owner.onIdle(this)
  }

  /** `Keep-Alive: timeout=5`: a second less, so that no request meets its close. */
  #keepFor(fields: Fields): void {
    const said = /(?:^|[\s,])timeout=(\d{1,6})/.exec(fields.get('keep-alive') ?? '')
    this.#idleMs =
      said === null
        ? IDLE_MS
        : Math.min(LONGEST_IDLE_MS, Math.max(0, Number(said[1]) * 1_000 - 1_000))
  }

  /** Only what was asked for, and only after 101 was seen (CVE-2018-1002105). */
  #switch(call: ConnectionCall, { head }: ReadResponse): void {
    const { upgrade } = call.request
    if (upgrade === undefined || head.fields.get('upgrade')?.toLowerCase() !== upgrade)
      throw new HttpRefusal('upgrade')
    this.deadline = NEVER
    const incoming = new Body(this)
    this.#tunnel = incoming
    const outgoing: BodyWriter = {
      write: chunk => this.write(chunk),
      end: () => this.#leg.end(),
      abort: () => this.destroy(),
      onDrain: listener => call.onDrain(listener),
      onLost: listener => call.onLost(listener),
    }
    call.answer(head, incoming, { incoming, outgoing })
  }

  #ended(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.finish()
      return
    }
    if (this.#response?.follows === 'close') this.#finish()
    this.destroy()
  }

  #closed(): void {
    this.#dead = true
    unwatch(this)
    this.#fail(
      this.#partial === undefined &&
        this.#used > 1 &&
        this.#informational === 0 &&
        this.#response === undefined
        ? new StaleConnection()
        : new UpstreamError(
            'upstream_lost',
            'the resource ended the connection in the middle of its answer',
          ),
    )
    this.#owner.onClosed(this)
  }

  #fail(error: UpstreamError): void {
    const call = this.#call
    this.#call = undefined
    this.#body?.fail(error)
    this.#tunnel?.fail(error)
    call?.lost(error)
    this.destroy()
  }

  /** The answer did not come in time, or nobody needed the connection again. */
  overdue(): void {
    this.deadline = NEVER
    this.#fail(new UpstreamError('upstream_lost', 'the resource did not answer in time'))
  }
}
