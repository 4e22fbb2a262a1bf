// One request of an HTTP/1.x connection, and its answer.
import type { Body, BodyWriter, Tunnel } from './body.ts'
import { encodeChunk, encodeEnd, joined } from './chunked.ts'
import type { ClientConnection } from './client-connection.ts'
import type { Exchange } from './exchange.ts'
import { Fields } from './fields.ts'
import { responseHead } from './heads.ts'
import { bodyFollows, type RequestHead, type ResponseHead } from './message.ts'
import { HttpRefusal } from './refusal.ts'
import { RepeatedResponse } from './repeated.ts'

/** Head and first chunk go out as one below this. */
const ONE_WRITE = 65_536
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')

type Mode = 'none' | 'length' | 'chunked' | 'close'

export class ClientExchange implements Exchange, BodyWriter {
  readonly request: RequestHead
  readonly body: Body
  readonly #connection: ClientConnection
  /** All of the request was read. */
  requestOver: boolean
  answerOver = false
  #continued = false
  #answered = false
  /** A head that waits for the first chunk to go with. */
  #head: Buffer | undefined
  #mode: Mode = 'none'
  #left = 0
  #close = false
  #silenced = false
  #gone: Error | undefined
  #controller: AbortController | undefined
  #drain: (() => void) | undefined
  #departure: ((error: Error) => void) | undefined
  #loss: ((error: Error) => void) | undefined

  constructor(connection: ClientConnection, request: RequestHead, body: Body, over: boolean) {
    this.#connection = connection
    this.request = request
    this.body = body
    this.requestOver = over
  }

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

  /** The body is wanted: a client that waits to be told so is told. */
  continue(): void {
    if (!this.request.expectContinue || this.#continued || this.#answered || this.#silenced) return
    this.#continued = true
    this.#connection.send(CONTINUE)
  }

  informational(status: 100 | 102 | 103, fields: Fields = Fields.none): void {
    if (this.#answered || this.#silenced || this.request.version === '1.0') return
    if (status === 100) {
      this.continue()
      return
    }
    const head: ResponseHead = { status, fields, body: { kind: 'none' } }
    this.#connection.send(Buffer.from(responseHead(head, this.request, false), 'latin1'))
  }

  respond(head: ResponseHead): BodyWriter {
    this.#begin(head)
    if (this.#head !== undefined) process.nextTick(flush, this)
    return this
  }

  answer(head: ResponseHead, body: Uint8Array | string = ''): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    this.#begin({ ...head, body: { kind: 'length', length: bytes.length } })
    if (bytes.length > 0 && this.#mode !== 'none') this.write(bytes)
    this.end()
  }

  #begin(head: ResponseHead): void {
    if (this.#answered) throw new Error('an exchange is answered once')
    if (head.status < 200) throw new Error('a final answer was expected')
    const { request } = this
    this.#mode = mode(head, request)
    if (head.body.kind === 'length') this.#left = head.body.length
    // A body that was not read to its end stands where the next request would.
    this.#close =
      request.close || !this.requestOver || this.#mode === 'close' || this.#connection.closing
    const written =
      head instanceof RepeatedResponse
        ? head.head(request, this.#close)
        : Buffer.from(responseHead(head, request, this.#close), 'latin1')
    this.#answered = true
    this.#head = written
  }

  upgrade(fields: Fields): Tunnel {
    const { upgrade } = this.request
    if (this.#answered || upgrade === undefined) throw new Error('nothing to upgrade')
    const head: ResponseHead = { status: 101, fields, body: { kind: 'none' } }
    const text = responseHead(head, this.request, false)
    this.#answered = true
    const lines = `connection: upgrade\r\nupgrade: ${upgrade}\r\n\r\n`
    this.#connection.send(Buffer.from(text.slice(0, -2) + lines, 'latin1'))
    return this.#connection.upgrade()
  }

  // The writer.

  write(chunk: Uint8Array): boolean {
    if (this.#silenced || this.answerOver || this.#gone !== undefined) return false
    if (chunk.length === 0 || this.#mode === 'none') return true
    if (this.#mode === 'length') {
      this.#left -= chunk.length
      if (this.#left < 0) {
        this.abort(new HttpRefusal('body_surplus'))
        return false
      }
    }
    const bytes = this.#mode === 'chunked' ? encodeChunk(chunk) : chunk
    const head = this.#head
    if (head === undefined) return this.#connection.send(bytes)
    this.#head = undefined
    if (head.length + bytes.length <= ONE_WRITE) return this.#connection.send(joined(head, bytes))
    this.#connection.send(head)
    return this.#connection.send(bytes)
  }

  end(trailers: Fields = Fields.none): void {
    if (this.#silenced || this.answerOver || this.#gone !== undefined) return
    if (this.#mode === 'length' && this.#left > 0) {
      this.abort(new HttpRefusal('body_missing'))
      return
    }
    if (this.#mode === 'chunked') this.#sendBehindHead(encodeEnd(trailers))
    else this.flush()
    this.answerOver = true
    this.#connection.answered(this.#close)
  }

  #sendBehindHead(bytes: Uint8Array): void {
    const head = this.#head
    this.#head = undefined
    this.#connection.send(head === undefined ? bytes : joined(head, bytes))
  }

  flush(): void {
    const head = this.#head
    if (head === undefined || this.#silenced) return
    this.#head = undefined
    this.#connection.send(head)
  }

  abort(error: Error): void {
    // The refusal that stands in its place is on its way out.
    if (this.#silenced) return
    // The connection may be at the next exchange by now.
    if (this.answerOver && this.requestOver) return
    this.lost(error)
    this.#connection.destroy()
  }

  onDrain(listener: () => void): void {
    this.#drain = listener
  }

  onLost(listener: (error: Error) => void): void {
    this.#loss = listener
    if (this.#gone !== undefined) listener(this.#gone)
  }

  // The connection's.

  drained(): void {
    this.#drain?.()
  }

  /** Another answer is given in its place. */
  silence(): void {
    this.#silenced = true
  }

  lost(error: Error): void {
    if (this.#gone !== undefined) return
    this.#gone = error
    this.#controller?.abort(error)
    this.#loss?.(error)
    this.#departure?.(error)
  }
}

function flush(exchange: ClientExchange): void {
  exchange.flush()
}

function mode({ status, body }: ResponseHead, { method, version }: RequestHead): Mode {
  if (!bodyFollows(method, status) || body.kind === 'none') return 'none'
  if (body.kind === 'length') return 'length'
  return version === '1.0' ? 'close' : 'chunked'
}
