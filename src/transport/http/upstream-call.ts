// One request to an upstream over HTTP/1.1, and its answer.
import { UpstreamError } from '#model'
import type { Body, BodyWriter, Tunnel } from './body.ts'
import { encodeChunk, encodeEnd } from './chunked.ts'
import { Fields } from './fields.ts'
import type { ResponseHead } from './message.ts'
import { RepeatedRequest, writtenHead } from './repeated.ts'
import type { UpstreamConnection } from './upstream-connection.ts'
import type {
  AnswerListener,
  UpstreamCall,
  UpstreamRequest,
  UpstreamResponse,
} from './upstream-types.ts'

const ONE_WRITE = 65_536

/** The connection was closed before a byte of the answer came, and it had served others before: it was closed for being idle. */
export class StaleConnection extends UpstreamError {
  constructor() {
    super('upstream_lost', 'the resource closed the connection before it answered')
  }
}

export class ConnectionCall implements UpstreamCall, BodyWriter {
  readonly request: UpstreamRequest
  readonly #connection: UpstreamConnection
  #response: Promise<UpstreamResponse> | undefined
  #listener: AnswerListener | undefined
  /** What came before anybody listened. */
  #answer: UpstreamResponse | undefined
  #failure: Error | undefined
  /** All of the request was written. */
  sent = false
  /** The final head has come. */
  answered = false
  #over = false
  #head: Buffer | undefined
  #left: number
  #gone: Error | undefined
  #drain: (() => void) | undefined
  #loss: ((error: Error) => void) | undefined
  #aborted: (() => void) | undefined

  constructor(connection: UpstreamConnection, request: UpstreamRequest) {
    this.#connection = connection
    this.request = request
    this.#left = request.body.kind === 'length' ? request.body.length : 0
    const { signal } = request
    if (signal !== undefined) {
      this.#aborted = () => this.abort(gone(signal.reason))
      signal.addEventListener('abort', this.#aborted, { once: true })
    }
  }

  get body(): BodyWriter {
    return this
  }

  get response(): Promise<UpstreamResponse> {
    if (this.#response === undefined) {
      this.#response = new Promise((answered, failed) => this.listen({ answered, failed }))
      // Whoever aborts before asking for the answer is told by that, not by an unhandled rejection.
      this.#response.catch(() => {})
    }
    return this.#response
  }

  listen(listener: AnswerListener): void {
    if (this.#listener !== undefined) throw new Error('an answer is listened to once')
    this.#listener = listener
    if (this.#answer !== undefined) listener.answered(this.#answer)
    else if (this.#failure !== undefined) listener.failed(this.#failure)
  }

  /** Throws UnsendableHead, and nothing was sent. */
  begin(): void {
    const { request } = this
    const { body } = request
    const head = request instanceof RepeatedRequest ? request.head : writtenHead(request)
    if (body.kind === 'none' || (body.kind === 'length' && body.length === 0)) {
      this.sent = true
      this.#connection.write(head)
      return
    }
    this.#head = head
    process.nextTick(flush, this)
  }

  // The writer.

  write(chunk: Uint8Array): boolean {
    if (this.#gone !== undefined || this.sent) return false
    if (chunk.length === 0) return true
    if (this.request.body.kind === 'length') {
      this.#left -= chunk.length
      if (this.#left < 0) {
        this.abort(new UpstreamError('upstream_lost', 'the request was longer than it said'))
        return false
      }
    }
    return this.#send(this.request.body.kind === 'stream' ? encodeChunk(chunk) : chunk)
  }

  end(trailers: Fields = Fields.none): void {
    if (this.#gone !== undefined || this.sent) return
    if (this.#left > 0) {
      this.abort(new UpstreamError('upstream_lost', 'the request was shorter than it said'))
      return
    }
    if (this.request.body.kind === 'stream') this.#send(encodeEnd(trailers))
    else this.flush()
    this.sent = true
  }

  #send(bytes: Uint8Array): boolean {
    const head = this.#head
    if (head === undefined) return this.#connection.write(bytes)
    this.#head = undefined
    if (head.length + bytes.length <= ONE_WRITE)
      return this.#connection.write(Buffer.concat([head, bytes]))
    this.#connection.write(head)
    return this.#connection.write(bytes)
  }

  flush(): void {
    const head = this.#head
    if (head === undefined || this.#gone !== undefined) return
    this.#head = undefined
    this.#connection.write(head)
  }

  abort(error: Error): void {
    // Its connection may be serving somebody else by now.
    if (this.#over) return
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

  informed(head: ResponseHead): void {
    this.request.onInformational?.(head)
    this.#listener?.informed?.(head)
  }

  answer(head: ResponseHead, body: Body, tunnel: Tunnel | undefined): void {
    this.answered = true
    this.#answer = { head, body, tunnel }
    this.#listener?.answered(this.#answer)
  }

  drained(): void {
    this.#drain?.()
  }

  /** The answer is whole: whoever still writes is told that nobody reads it. */
  over(): void {
    this.#over = true
    if (!this.sent) this.#lose(new UpstreamError('upstream_lost', 'the answer was over first'))
    this.#leave()
  }

  lost(error: Error): void {
    if (this.#gone !== undefined) return
    this.#lose(error)
    this.#leave()
    if (this.#answer !== undefined || this.#failure !== undefined) return
    this.#failure = error
    this.#listener?.failed(error)
  }

  #lose(error: Error): void {
    this.#gone = error
    this.#loss?.(error)
  }

  #leave(): void {
    if (this.#aborted !== undefined)
      this.request.signal?.removeEventListener('abort', this.#aborted)
    this.#aborted = undefined
  }
}

function flush(call: ConnectionCall): void {
  call.flush()
}

export function gone(cause: unknown): UpstreamError {
  return new UpstreamError('upstream_lost', 'the request was no longer wanted', { cause })
}
