// The bytes of a message on their way, in either direction, with back-pressure: who reads says when it is enough,
// who writes is told. Nothing here keeps more than one chunk.
import { Fields } from './fields.ts'

/** A chunk is the receiver's from then on. */
export interface BodyReceiver {
  /** False: no more until `resume`. */
  data(chunk: Uint8Array): boolean
  end(trailers: Fields): void
  /** Cut short: whatever was made of it must not look whole. */
  fail(error: Error): void
}

/** How the source is told. */
export interface Flow {
  pause(): void
  resume(): void
  /** Nobody wants the rest. */
  cancel(): void
}

export interface BodyWriter {
  /** False: what waits is more than is good; `onDrain` says when it is sent. The bytes must not change any more. */
  write(chunk: Uint8Array): boolean
  end(trailers?: Fields): void
  /** Cuts it short, so that the other side sees that it is not whole. */
  abort(error: Error): void
  /** One listener; a later one takes its place. */
  onDrain(listener: () => void): void
  /** One listener: the other side is gone, and what is written from then on goes nowhere. */
  onLost(listener: (error: Error) => void): void
}

/** A connection that has become something else: bytes both ways. */
export interface Tunnel {
  readonly incoming: Body
  readonly outgoing: BodyWriter
}

const STILL: Flow = { pause() {}, resume() {}, cancel() {} }

type End = { readonly trailers: Fields } | { readonly error: Error }

/** What is read: of one producer, for one receiver. */
export class Body implements AsyncIterable<Uint8Array> {
  readonly #flow: Flow
  #receiver: BodyReceiver | undefined
  /** What came while nobody read, or while its reader paused. */
  readonly #kept: Uint8Array[] = []
  #end: End | undefined
  #paused = false
  #told = false
  #bytes = 0

  constructor(flow: Flow) {
    this.#flow = flow
  }

  /** One that is over already. */
  static empty(): Body {
    return EMPTY
  }

  /** One of bytes that are there. */
  static of(bytes: Uint8Array, trailers: Fields = Fields.none): Body {
    const body = new Body(STILL)
    if (bytes.length > 0) body.push(bytes)
    body.finish(trailers)
    return body
  }

  /** Bytes that came so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** True when all came, whether it was read or not. */
  get complete(): boolean {
    return this.#end !== undefined && 'trailers' in this.#end
  }

  /** True when nothing more comes. */
  get over(): boolean {
    return this.#end !== undefined
  }

  /** Once. What came by then is handed over before this returns. */
  read(receiver: BodyReceiver): void {
    if (this === EMPTY) {
      receiver.end(Fields.none)
      return
    }
    if (this.#receiver !== undefined) throw new Error('a body is read once')
    this.#receiver = receiver
    this.#drain()
    if (!this.#paused && this.#end === undefined) this.#flow.resume()
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    // All of it has come: the source may be serving somebody else by now.
    if (this.#end === undefined) this.#flow.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#drain()
    if (!this.#paused && this.#end === undefined) this.#flow.resume()
  }

  /** The rest is not wanted: the source is told, and the reader that there may be fails with `error`. */
  cancel(error: Error): void {
    if (this.#end !== undefined) return
    this.fail(error)
    this.#flow.cancel()
  }

  /** Reads on and drops what comes. */
  discard(): void {
    if (this === EMPTY) return
    this.read({ data: () => true, end() {}, fail() {} })
  }

  /** All of it; rejects with what cut it short, and with `tooMuch()` as soon as there is more than `limit`. */
  collect(limit: number, tooMuch: () => Error): Promise<{ bytes: Buffer; trailers: Fields }> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = []
      let size = 0
      this.read({
        data: chunk => {
          size += chunk.length
          if (size > limit) {
            chunks.length = 0
            reject(tooMuch())
            return true
          }
          chunks.push(chunk)
          return true
        },
        end: trailers => resolve({ bytes: Buffer.concat(chunks, size), trailers }),
        fail: reject,
      })
    })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    const chunks: Uint8Array[] = []
    let over: { readonly error?: Error } | undefined
    let wake: (() => void) | undefined
    this.read({
      data: chunk => {
        chunks.push(chunk)
        wake?.()
        return false
      },
      end: () => {
        over = {}
        wake?.()
      },
      fail: error => {
        over = { error }
        wake?.()
      },
    })
    for (;;) {
      const chunk = chunks.shift()
      if (chunk !== undefined) {
        yield chunk
        this.resume()
      } else if (over !== undefined) {
        if (over.error !== undefined) throw over.error
        return
      } else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
  }

  /** The producer's: false when the reader has enough for now (the source has been told). */
  push(chunk: Uint8Array): boolean {
    if (this.#end !== undefined) return true
    this.#bytes += chunk.length
    if (this.#receiver === undefined || this.#paused || this.#kept.length > 0) {
      this.#kept.push(chunk)
      if (!this.#paused) this.#flow.pause()
      return false
    }
    if (!this.#receiver.data(chunk)) this.pause()
    return !this.#paused
  }

  /** The producer's. */
  finish(trailers: Fields = Fields.none): void {
    if (this.#end !== undefined) return
    this.#end = { trailers }
    this.#drain()
  }

  /** The producer's. */
  fail(error: Error): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    // What is cut short is not worth the rest.
    this.#kept.length = 0
    this.#drain()
  }

  #drain(): void {
    const receiver = this.#receiver
    if (receiver === undefined || this.#told) return
    while (!this.#paused) {
      const chunk = this.#kept.shift()
      if (chunk === undefined) break
      if (!receiver.data(chunk)) this.pause()
    }
    if (this.#end === undefined || this.#kept.length > 0) return
    this.#told = true
    if ('error' in this.#end) receiver.fail(this.#end.error)
    else receiver.end(this.#end.trailers)
  }
}

const EMPTY = new Body(STILL)
EMPTY.finish()

/**
 * From one to the other until it is over. What happens to one end, the other is told. `onward`: what goes on of the fields behind
 * it.
 */
export function pipe(
  body: Body,
  writer: BodyWriter,
  onward: (trailers: Fields) => Fields = trailers => trailers,
): void {
  writer.onDrain(() => body.resume())
  writer.onLost(error => body.cancel(error))
  body.read({
    data: chunk => writer.write(chunk),
    end: trailers => {
      writer.end(onward(trailers))
    },
    fail: error => writer.abort(error),
  })
}
