// One stream of a client's HTTP/2 connection.
import type { ServerHttp2Stream } from 'node:http2'
import { UpstreamError } from '#model'
import { Body, type BodyWriter, type Flow, type Tunnel } from './body.ts'
import { isSendable } from './chunked.ts'
import { unwatch, type Watched, watch } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { mayTrail } from './field-lines.ts'
import { Fields } from './fields.ts'
import { isFraming, UnsendableHead } from './heads.ts'
import { readHttp2Trailers } from './http2-head.ts'
import type { HttpLimits } from './limits.ts'
import { bodyFollows, type RequestHead, type ResponseHead, STREAM } from './message.ts'
import { HttpRefusal } from './refusal.ts'
import { websocketAccept } from './websocket-accept.ts'

const NEVER = Number.POSITIVE_INFINITY

export class Http2Exchange implements Exchange, BodyWriter, Flow, Watched {
  readonly request: RequestHead
  readonly body: Body
  readonly #stream: ServerHttp2Stream
  readonly #limits: HttpLimits
  #left: number
  #trailers = Fields.none
  #answered = false
  #continued = false
  #bodiless = false
  #answerLeft: number | undefined
  #answerTrailers = Fields.none
  #ended = false
  #gone: Error | undefined
  #readBy = NEVER
  #writeBy = NEVER
  #controller: AbortController | undefined
  #drain: (() => void) | undefined
  #loss: ((error: Error) => void) | undefined
  #departure: ((error: Error) => void) | undefined

  constructor(stream: ServerHttp2Stream, request: RequestHead, limits: HttpLimits) {
    this.#stream = stream
    this.request = request
    this.#limits = limits
    this.#left = request.body.kind === 'length' ? request.body.length : NEVER
    this.body = request.body.kind === 'none' ? Body.empty() : new Body(this)
    stream.on('drain', () => {
      this.#writeBy = NEVER
      this.#drain?.()
    })
    stream.on('error', () => {})
    stream.once('close', () => this.#closed())
    watch(this)
    if (request.body.kind === 'none') return
    stream.on('data', (chunk: Buffer) => this.#data(chunk))
    stream.on('trailers', (_headers, _flags, raw: string[]) => this.#trailing(raw))
    stream.once('end', () => this.#whole())
    stream.pause()
  }

  // The request's body.

  #data(chunk: Buffer): void {
    this.#left -= chunk.length
    if (this.#left < 0) {
      this.abort(new HttpRefusal('body_surplus'))
      return
    }
    this.#readBy = performance.now() + this.#limits.bodyIdleMs
    this.body.push(chunk)
  }

  #trailing(raw: readonly string[]): void {
    try {
      this.#trailers = readHttp2Trailers(raw)
    } catch (error) {
      // What must not trail ends the stream, as it does in chunks.
      this.abort(error instanceof Error ? error : new HttpRefusal('trailer'))
    }
  }

  #whole(): void {
    this.#readBy = NEVER
    if (this.#stream.aborted || this.#gone !== undefined) return
    // A reset looks like an end here; with any code, for a body that was streamed says no length.
    if (this.#stream.closed && !this.#ended) return
    if (this.request.body.kind === 'length' && this.#left > 0)
      this.abort(new HttpRefusal('body_missing'))
    else this.body.finish(this.#trailers)
  }

  pause(): void {
    this.#readBy = NEVER
    this.#stream.pause()
  }

  resume(): void {
    this.continue()
    this.#readBy = performance.now() + this.#limits.bodyIdleMs
    this.#stream.resume()
  }

  cancel(): void {
    // Dropped as it comes, until the answer ends the stream.
    this.#stream.resume()
  }

  // The answer.

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#gone !== undefined) this.#controller.abort(this.#gone)
    }
    return this.#controller.signal
  }

  onGone(listener: (error: Error) => void): void {
    this.#departure = listener
    if (this.#gone !== undefined) listener(this.#gone)
  }

  get answered(): boolean {
    return this.#answered
  }

  continue(): void {
    if (!this.request.expectContinue || this.#continued || this.#answered || this.#dead) return
    this.#continued = true
    this.#stream.additionalHeaders({ ':status': 100 })
  }

  informational(status: 100 | 102 | 103, fields: Fields = Fields.none): void {
    if (this.#answered || this.#dead) return
    if (status === 100) this.continue()
    else this.#stream.additionalHeaders(asObject(status, fields))
  }

  respond(head: ResponseHead): BodyWriter {
    if (this.#answered) throw new Error('an exchange is answered once')
    if (head.status < 200) throw new Error('a final answer was expected')
    const { method } = this.request
    const follows = bodyFollows(method, head.status)
    const declared = head.body.kind === 'length' ? head.body.length : undefined
    const headers = rawHeaders(head, declared)
    this.#answered = true
    if (this.#dead) return this
    this.#bodiless = !follows || head.body.kind === 'none'
    this.#answerLeft = declared
    if (this.#bodiless) this.#stream.respond(headers, { endStream: true })
    else {
      this.#stream.once('wantTrailers', () => this.#sendTrailers())
      this.#stream.respond(headers, { waitForTrailers: true })
    }
    return this
  }

  answer(head: ResponseHead, body: Uint8Array | string = ''): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    this.respond({ ...head, body: { kind: 'length', length: bytes.length } })
    if (bytes.length > 0) this.write(bytes)
    this.end()
  }

  /** RFC 8441 section 5: 200 in place of 101, and without what only HTTP/1.1 needs. */
  upgrade(fields: Fields): Tunnel {
    if (this.request.upgrade === undefined) throw new Error('nothing to upgrade')
    const key = this.request.fields.get('sec-websocket-key') ?? ''
    if (fields.get('sec-websocket-accept') !== websocketAccept(key))
      throw new UpstreamError('upstream_refused', 'the upstream did not accept the WebSocket')
    const kept = fields.without(name => name === 'sec-websocket-accept' || name === 'upgrade')
    this.respond({ status: 200, fields: kept, body: STREAM })
    const stream = this.#stream
    const incoming = new Body({
      pause: () => void stream.pause(),
      resume: () => void stream.resume(),
      cancel: () => this.abort(new HttpRefusal('connection_lost')),
    })
    stream.on('data', (chunk: Buffer) => {
      if (!incoming.push(chunk)) stream.pause()
    })
    stream.once('end', () => {
      // A reset looks like an end here.
      if (stream.rstCode === 0 && !stream.aborted) incoming.finish(Fields.none)
    })
    stream.once('close', () => incoming.fail(new HttpRefusal('connection_lost')))
    return { incoming, outgoing: this }
  }

  write(chunk: Uint8Array): boolean {
    if (this.#dead || this.#ended) return false
    if (chunk.length === 0 || this.#bodiless) return true
    if (this.#answerLeft !== undefined) {
      this.#answerLeft -= chunk.length
      if (this.#answerLeft < 0) {
        this.abort(new HttpRefusal('body_surplus'))
        return false
      }
    }
    this.#stream.write(chunk)
    if (this.#stream.writableLength <= this.#limits.unsentBytes && !this.#stream.writableNeedDrain)
      return true
    if (this.#writeBy === NEVER) this.#writeBy = performance.now() + this.#limits.writeIdleMs
    return false
  }

  end(trailers: Fields = Fields.none): void {
    if (this.#dead || this.#ended) return
    if (!this.#bodiless && this.#answerLeft !== undefined && this.#answerLeft > 0) {
      this.abort(new HttpRefusal('body_missing'))
      return
    }
    this.#ended = true
    this.#answerTrailers = trailers
    if (!this.#bodiless) this.#stream.end()
  }

  #sendTrailers(): void {
    const trailers = this.#answerTrailers.without(
      (name, value) => !mayTrail(name) || !isSendable(value),
    )
    if (this.#dead) return
    // None: Node ends the stream with an empty DATA frame. (Closing it would reset it, which strict clients take for a failure.)
    this.#stream.sendTrailers(asObject(undefined, trailers))
  }

  abort(error: Error): void {
    this.#lost(error)
    // `close` would end the body first, and then reset: what is cut short would look whole.
    this.#stream.destroy(error)
  }

  onDrain(listener: () => void): void {
    this.#drain = listener
  }

  onLost(listener: (error: Error) => void): void {
    this.#loss = listener
    if (this.#gone !== undefined) listener(this.#gone)
  }

  get #dead(): boolean {
    return this.#gone !== undefined || this.#stream.destroyed || this.#stream.closed
  }

  #closed(): void {
    unwatch(this)
    // Answered and read to its end: there is nobody left to tell.
    if (this.#ended && this.body.over && this.#stream.rstCode === 0) return
    this.#lost(new HttpRefusal('connection_lost'))
  }

  #lost(error: Error): void {
    if (this.#gone !== undefined) return
    this.#gone = error
    this.body.fail(error)
    this.#controller?.abort(error)
    this.#loss?.(error)
    this.#departure?.(error)
  }

  get deadline(): number {
    return Math.min(this.#readBy, this.#writeBy)
  }

  overdue(): void {
    this.abort(new HttpRefusal('body_late'))
  }
}

/** In order, repeated fields as they are. */
function rawHeaders(head: ResponseHead, length: number | undefined): string[] {
  const headers = [':status', String(head.status)]
  for (const [name, value] of head.fields) {
    if (isFraming(name)) continue
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || !isSendable(value))
      throw new UnsendableHead(`the field ${name}`)
    headers.push(name, value)
  }
  if (length !== undefined && head.status !== 204) headers.push('content-length', String(length))
  return headers
}

function asObject(status: number | undefined, fields: Fields): Record<string, string[] | number> {
  const headers: Record<string, string[] | number> =
    status === undefined ? {} : { ':status': status }
  for (const [name] of fields)
    if (!isFraming(name)) headers[name] = fields.all(name).filter(isSendable)
  return headers
}
