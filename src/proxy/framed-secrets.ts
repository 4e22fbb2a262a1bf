// The upstream's credential out of messages that come in frames: of the same length, so that each frame keeps its own, and
// found wherever the frames cut it. What may be the beginning of one waits, and the frames behind it wait with it.
import { Buffer } from 'node:buffer'
import { ProtocolError } from '#model'
import { SecretFilter } from './secret-filter.ts'

/** Of frames behind a beginning: nobody needs so many for one word. */
const MOST_WAITING = 16 * 1024

export class FramedSecrets {
  readonly #secrets: readonly string[]
  readonly #filter: SecretFilter
  readonly #frame: (bytes: Uint8Array) => void
  readonly #payload: (bytes: Uint8Array) => void
  /** Bytes of payload: that came, and that went on. */
  #came = 0
  #gone = 0
  /** Heads and control frames that stand behind payload that waits. */
  #waiting: { readonly at: number; readonly bytes: Buffer }[] = []
  #size = 0

  /** `frame` is told what frames, `payload` what they hold, in wire order. */
  constructor(
    secrets: readonly string[],
    sinks: {
      readonly frame: (bytes: Uint8Array) => void
      readonly payload: (bytes: Uint8Array) => void
    },
  ) {
    this.#secrets = secrets
    this.#filter = new SecretFilter(secrets)
    this.#frame = sinks.frame
    this.#payload = sinks.payload
  }

  /** True when there is anything to look for. */
  get looks(): boolean {
    return this.#secrets.length > 0
  }

  /** A frame's head, or a control frame whole. Throws ProtocolError. */
  frame(bytes: Uint8Array): void {
    if (this.#gone === this.#came) {
      this.#frame(bytes)
      return
    }
    this.#size += bytes.length
    if (this.#size > MOST_WAITING)
      throw new ProtocolError('protocol_violation', 'WebSocket: too many frames for one word')
    this.#waiting.push({ at: this.#came, bytes: Buffer.from(bytes) })
  }

  /** A part of a message. */
  payload(bytes: Uint8Array): void {
    this.#came += bytes.length
    this.#pass(this.#filter.write(bytes))
  }

  /** The message is whole: what waits was no beginning. */
  end(): void {
    this.#pass(this.#filter.end())
  }

  /** What comes whole, and is no part of the messages. */
  whole(bytes: Uint8Array): Uint8Array {
    if (!this.looks) return bytes
    const filter = new SecretFilter(this.#secrets)
    return Buffer.concat([filter.write(bytes), filter.end()])
  }

  #pass(bytes: Uint8Array): void {
    let from = 0
    for (;;) {
      const next = this.#waiting[0]
      const to =
        next === undefined ? bytes.length : Math.min(bytes.length, from + next.at - this.#gone)
      if (to > from) this.#payload(bytes.subarray(from, to))
      this.#gone += to - from
      from = to
      if (next === undefined || next.at > this.#gone) return
      this.#waiting.shift()
      this.#size -= next.bytes.length
      this.#frame(next.bytes)
    }
  }
}
