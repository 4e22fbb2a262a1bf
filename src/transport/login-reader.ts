// Reads what is needed from a socket, and not a byte more than a chunk ahead: for the phase before the relay,
// where each answer decides what may come next. Knows frames, no messages.
import type { Duplex } from 'node:stream'
import { type FrameLayout, measureFrame } from '#engines/wire'
import { type GatewayError, ProtocolError } from '#model'

/** The peer closed the connection where a message was due. Nobody is left to be told. */
export class PeerLeft extends ProtocolError {}

const none = new Uint8Array(0)

/** Takes the socket's `data`; give it back with `detach`. One read at a time. */
export class LoginReader {
  readonly #socket: Duplex
  #held: Uint8Array
  #failure: GatewayError | undefined
  #wake: (() => void) | undefined

  /** `held`: what its owner before read ahead. */
  constructor(socket: Duplex, held: Uint8Array = none) {
    this.#socket = socket
    this.#held = held
    socket.pause()
    socket.on('data', this.#onData)
    socket.on('end', this.#onClose)
    socket.on('close', this.#onClose)
    if (socket.destroyed || socket.readableEnded) this.#onClose()
  }

  /** Bytes that have come and were not asked for yet. */
  get buffered(): number {
    return this.#held.length + this.#socket.readableLength
  }

  /** The next `count` bytes, left in place. */
  async peek(count: number): Promise<Uint8Array> {
    await this.#fill(count)
    return this.#held.subarray(0, count)
  }

  /** The next `count` bytes. */
  async exactly(count: number): Promise<Uint8Array> {
    await this.#fill(count)
    return this.#take(count)
  }

  /** The next whole frame. Throws ProtocolError, also for one over `maxBytes`, without reading it. */
  async frame(layout: FrameLayout, maxBytes: number): Promise<Uint8Array> {
    for (;;) {
      const next = measureFrame(layout, this.#held, 0, this.#held.length, maxBytes)
      if ('end' in next) return this.#take(next.end)
      await this.#fill(this.#held.length + next.missing)
    }
  }

  /** Ends the wait of the present and all later reads with `error`. */
  fail(error: GatewayError): void {
    this.#failure ??= error
    this.#wake?.()
  }

  /** Lets go of the socket, paused: its next owner resumes it. Answers the bytes that were read ahead. */
  detach(): Uint8Array {
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onClose)
    this.#socket.off('close', this.#onClose)
    const parts = [this.#held]
    while (this.#socket.readableLength > 0) {
      const part: unknown = this.#socket.read()
      if (!(part instanceof Uint8Array)) break
      parts.push(part)
    }
    this.#held = none
    return Buffer.concat(parts)
  }

  async #fill(count: number): Promise<void> {
    while (this.#held.length < count) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>(resolve => {
        this.#wake = resolve
        this.#socket.resume()
      })
      this.#wake = undefined
    }
    if (this.#failure !== undefined && !(this.#failure instanceof PeerLeft)) throw this.#failure
  }

  #take(count: number): Uint8Array {
    const taken = this.#held.slice(0, count)
    this.#held = this.#held.length === count ? none : this.#held.subarray(count)
    return taken
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#socket.pause()
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#wake?.()
  }

  readonly #onClose = (): void => {
    this.fail(new PeerLeft('protocol_violation', 'the connection was closed during login'))
  }
}
