// One side of a connection that has become streams, read and written at the pace of whoever is slower.
import type { Tunnel } from '#transport/http'

/** Where bytes of one side go to, and what its reading waits for. */
export interface Carrier {
  /** A promise: nothing more should be written before it resolves. */
  write(bytes: Uint8Array): Promise<void> | undefined
  /** Nothing more is read from this side before that. */
  hold(until: Promise<unknown> | undefined): void
}

/** How long a side may take to close what is over for us. */
const LINGER_MS = 30_000

export class End implements Carrier {
  readonly #tunnel: Tunnel
  #left = false
  #linger: NodeJS.Timeout | undefined
  #drain: PromiseWithResolvers<void> | undefined
  #holds = 0
  #over = false

  constructor(tunnel: Tunnel) {
    this.#tunnel = tunnel
    tunnel.outgoing.onDrain(() => this.#drained())
    // What is written then goes nowhere, and nobody is to wait for it.
    tunnel.outgoing.onLost(() => this.#drained())
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#over || bytes.length === 0 || this.#tunnel.outgoing.write(bytes)) return undefined
    this.#drain ??= Promise.withResolvers<void>()
    return this.#drain.promise
  }

  hold(until: Promise<unknown> | undefined): void {
    if (until === undefined || this.#over) return
    this.#holds += 1
    this.#tunnel.incoming.pause()
    void until.then(() => {
      this.#holds -= 1
      if (this.#holds === 0 && !this.#over) this.#tunnel.incoming.resume()
    })
  }

  /** `push` may throw: then it is over with that. */
  read(push: (chunk: Uint8Array) => void, over: (error?: unknown) => void): void {
    this.#tunnel.incoming.read({
      data: chunk => {
        if (this.#over) return true
        try {
          push(chunk)
        } catch (error) {
          // Not passed over: it ends the connection, and both sides are told.
          over(error)
        }
        return true
      },
      end: () => this.#leaves(over),
      fail: () => this.#leaves(over),
    })
  }

  #leaves(over: () => void): void {
    this.#left = true
    clearTimeout(this.#linger)
    over()
  }

  /** All that was written is sent, and no more. */
  finish(): void {
    if (this.#over) return
    this.#over = true
    this.#tunnel.outgoing.end()
    // It may still be sending, and must not be kept from reading our end by that.
    if (this.#holds > 0) this.#tunnel.incoming.resume()
    if (this.#drain === undefined) this.#wait()
    else void this.#drain.promise.then(() => this.#wait())
  }

  #wait(): void {
    if (this.#left) return
    const late = new Error('the other side did not close')
    this.#linger = setTimeout(() => this.#tunnel.outgoing.abort(late), LINGER_MS)
    this.#linger.unref()
  }

  #drained(): void {
    const drain = this.#drain
    this.#drain = undefined
    drain?.resolve()
  }
}
