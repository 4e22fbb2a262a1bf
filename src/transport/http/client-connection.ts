// A client's connection that speaks HTTP/1.x: requests in order, one at a time. What is pipelined behind one waits unread.
import type { Duplex } from 'node:stream'
import { Leg } from '#transport'
import { Body, type BodyWriter, type Flow, type Tunnel } from './body.ts'
import { ClientExchange } from './client-exchange.ts'
import { unwatch, type Watched, watch } from './deadlines.ts'
import type { HttpConnection, ServeHttpOptions } from './exchange.ts'
import type { Fields } from './fields.ts'
import { responseHead } from './heads.ts'
import type { HttpLimits } from './limits.ts'
import type { RequestHead } from './message.ts'
import { HttpRefusal } from './refusal.ts'
import { problem } from './refusal-answer.ts'
import { RequestReader, type RequestSink } from './request-reader.ts'

/** From our last word to the end of a connection whose client still sends. */
const LINGER_MS = 1_000
const NEVER = Number.POSITIVE_INFINITY

export class ClientConnection implements HttpConnection, RequestSink, Watched, Flow {
  readonly version = '1'
  readonly socket: Duplex
  readonly limits: HttpLimits
  readonly closed: Promise<void>
  readonly #options: ServeHttpOptions
  readonly #leg: Leg
  readonly #reader: RequestReader
  #exchange: ClientExchange | undefined
  /** Read, and not begun with: `onExchange` is called when the rest of its chunk was read. */
  #starting: ClientExchange | undefined
  /** What came behind the request that is being answered. */
  #rest: Buffer | undefined
  #tunnel: Body | undefined
  #feeding = false
  #paused = false
  /** No more requests are read. */
  #closing = false
  /** Our last word is out: what still comes is dropped. */
  #lingering = false
  #readBy: number
  #writeBy = NEVER

  constructor(socket: Duplex, limits: HttpLimits, options: ServeHttpOptions) {
    this.socket = socket
    this.limits = limits
    this.#options = options
    this.#leg = new Leg(socket)
    this.#reader = new RequestReader(limits, this)
    this.#readBy = performance.now() + limits.headTimeoutMs
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        unwatch(this)
        this.#lost(new HttpRefusal('connection_lost'))
        resolve()
      })
    })
    socket.on('error', () => {})
    socket.once('end', () => this.#ended())
    watch(this)
    this.#leg.onDrain(() => this.#drained())
    this.#leg.onData(chunk => this.#receive(chunk))
    socket.resume()
  }

  get exchanges(): number {
    return this.#exchange === undefined ? 0 : 1
  }

  get closing(): boolean {
    return this.#closing
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true
    if (this.#exchange === undefined || graceMs <= 0) this.destroy()
    const timer = setTimeout(() => this.destroy(), graceMs)
    await this.closed
    clearTimeout(timer)
  }

  destroy(): void {
    this.socket.destroy()
  }

  // What is read.

  #receive(chunk: Buffer): void {
    if (this.#lingering) return
    if (this.#tunnel !== undefined) {
      this.#tunnel.push(chunk)
      return
    }
    this.#feed(this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]))
  }

  #feed(bytes: Buffer): void {
    this.#rest = undefined
    this.#feeding = true
    let at = 0
    try {
      while (at < bytes.length && !this.#lingering && this.#tunnel === undefined) {
        if (this.#exchange === undefined ? this.#closing : this.#exchange.requestOver) break
        at = this.#reader.read(bytes, at)
        this.#start()
      }
    } catch (error) {
      this.#feeding = false
      this.#broken(error)
      return
    }
    this.#feeding = false
    if (at < bytes.length) this.#keep(bytes.subarray(at))
    if (this.#paused || this.#rest !== undefined) this.socket.pause()
    this.#setReadDeadline()
  }

  #keep(rest: Buffer): void {
    if (this.#tunnel !== undefined) this.#tunnel.push(rest)
    else if (!this.#lingering && !this.#closing) this.#rest = rest
  }

  head(head: RequestHead): void {
    const over =
      head.body.kind === 'none' || (head.body.kind === 'length' && head.body.length === 0)
    const body = over ? Body.empty() : new Body(this)
    this.#exchange = new ClientExchange(this, head, body, over)
    this.#starting = this.#exchange
  }

  data(chunk: Buffer): void {
    this.#exchange?.body.push(chunk)
  }

  end(trailers: Fields): void {
    const exchange = this.#exchange
    if (exchange === undefined) return
    exchange.requestOver = true
    exchange.body.finish(trailers)
    // Read on, so that a client that goes away is noticed.
    this.#paused = false
    if (!this.#feeding) this.socket.resume()
    this.#next()
  }

  #start(): void {
    const exchange = this.#starting
    if (exchange === undefined) return
    this.#starting = undefined
    try {
      const done = this.#options.onExchange(exchange)
      if (done !== undefined) done.catch(error => this.#failed(exchange, error))
    } catch (error) {
      // A bug in serving this one: it ends its connection, and goes to the log.
      this.#failed(exchange, error)
    }
  }

  #failed(exchange: ClientExchange, error: unknown): void {
    this.#options.onFailure?.(error)
    exchange.abort(error instanceof Error ? error : new Error(String(error)))
  }

  // Back-pressure: the body's reader says.

  pause(): void {
    this.#paused = true
    if (!this.#feeding) this.socket.pause()
  }

  resume(): void {
    this.#paused = false
    this.#exchange?.continue()
    this.#setReadDeadline()
    if (!this.#feeding && this.#rest === undefined) this.socket.resume()
  }

  cancel(): void {
    // The answer says that this connection ends; what still comes is dropped then.
    this.#paused = false
    if (!this.#feeding) this.socket.resume()
  }

  // What is written.

  /** False: more waits than is good. */
  send(bytes: Uint8Array): boolean {
    if (this.#leg.destroyed) return false
    this.#leg.write(bytes)
    if (this.#leg.unsent <= this.limits.unsentBytes) return true
    if (this.#writeBy === NEVER) this.#writeBy = performance.now() + this.limits.writeIdleMs
    return false
  }

  #drained(): void {
    this.#writeBy = NEVER
    this.#exchange?.drained()
  }

  /** The answer is out as a whole. */
  answered(close: boolean): void {
    if (close || this.#closing) this.#linger()
    else this.#next()
  }

  #next(): void {
    const exchange = this.#exchange
    if (exchange === undefined || !exchange.requestOver || !exchange.answerOver) return
    this.#exchange = undefined
    if (this.#closing) {
      this.#linger()
      return
    }
    this.#paused = false
    if (this.#feeding) return
    const rest = this.#rest
    this.socket.resume()
    if (rest !== undefined) this.#feed(rest)
    else this.#setReadDeadline()
  }

  upgrade(): Tunnel {
    const flow: Flow = {
      pause: () => void this.socket.pause(),
      resume: () => void this.socket.resume(),
      cancel: () => this.destroy(),
    }
    const incoming = new Body(flow)
    this.#tunnel = incoming
    this.#readBy = NEVER
    const rest = this.#rest
    this.#rest = undefined
    if (rest !== undefined) incoming.push(rest)
    return { incoming, outgoing: this.#tunnelWriter() }
  }

  #tunnelWriter(): BodyWriter {
    return {
      write: chunk => this.send(chunk),
      end: () => this.#leg.end(),
      abort: () => this.destroy(),
      onDrain: listener => this.#exchange?.onDrain(listener),
      onLost: listener => this.#exchange?.onLost(listener),
    }
  }

  // The end.

  #linger(): void {
    this.#lingering = true
    this.#closing = true
    this.#rest = undefined
    this.#readBy = performance.now() + this.limits.writeIdleMs
    this.#writeBy = NEVER
    // The time of its silence runs from when all of our last word was sent: whoever reads slowly gets all of it.
    this.socket.once('finish', () => {
      this.#readBy = performance.now() + LINGER_MS
    })
    this.#leg.end()
    this.socket.resume()
  }

  #broken(error: unknown): void {
    const exchange = this.#exchange
    this.#starting = undefined
    if (!(error instanceof HttpRefusal)) {
      // A bug of ours in reading: nobody is served by what it left behind.
      this.#options.onFailure?.(error)
      this.destroy()
      return
    }
    this.#options.onRefused?.(error)
    const unanswered = exchange === undefined || !exchange.answered
    if (exchange !== undefined) {
      exchange.silence()
      exchange.body.fail(error)
      exchange.lost(error)
    }
    if (!unanswered) {
      this.destroy()
      return
    }
    const { head, body } = (this.#options.refuse ?? problem)(error)
    this.send(Buffer.from(responseHead(head, { version: '1.1', method: 'GET' }, true), 'latin1'))
    this.send(Buffer.from(body))
    this.#linger()
  }

  #ended(): void {
    if (this.#tunnel !== undefined) this.#tunnel.finish()
    else this.destroy()
  }

  #lost(error: Error): void {
    const exchange = this.#exchange
    this.#rest = undefined
    this.#tunnel?.fail(error)
    exchange?.body.fail(error)
    exchange?.lost(error)
    this.#exchange = undefined
  }

  get deadline(): number {
    return Math.min(this.#readBy, this.#writeBy)
  }

  overdue(): void {
    const now = performance.now()
    const reading = this.#readBy <= now && this.#writeBy > now
    this.#readBy = NEVER
    if (reading && !this.#lingering && this.#reader.inHead)
      this.#broken(new HttpRefusal('head_late'))
    else if (reading && !this.#lingering && this.#reader.inBody)
      this.#broken(new HttpRefusal('body_late'))
    else this.destroy()
  }

  /** What is awaited of the client from now on. A head has one time for all of it, a body for each chunk. */
  #setReadDeadline(): void {
    if (this.#lingering || this.#tunnel !== undefined) return
    const { limits } = this
    if (this.#reader.inHead) {
      if (!this.#waitsForHead) this.#readBy = performance.now() + limits.headTimeoutMs
      this.#waitsForHead = true
      return
    }
    this.#waitsForHead = false
    if (this.#exchange === undefined) this.#readBy = performance.now() + limits.idleTimeoutMs
    else if (this.#reader.inBody && !this.#paused)
      this.#readBy = performance.now() + limits.bodyIdleMs
    else this.#readBy = NEVER
  }

  /** True from the start: an open connection owes a head. */
  #waitsForHead = true
}
