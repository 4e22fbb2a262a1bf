// What a policy lets an answer be, over both of its streams: so many bytes, and as many lines as it says rows.
import type { Permit } from '#gateway'
import { AccessDenied } from '#model'

const LINE_BREAK = 0x0a

export class Allowance {
  readonly #bytes: number
  readonly #lines: number
  readonly #exceeded: () => void
  #sent = 0
  #broken = 0
  #over = false

  /** `exceeded` is called once, when more came than is let through. */
  constructor({ bytes = Infinity, rows = Infinity }: Permit['limit'], exceeded: () => void) {
    this.#bytes = bytes
    this.#lines = rows
    this.#exceeded = exceeded
  }

  /** What to tell the client, once it is over. */
  get refusal(): AccessDenied | undefined {
    if (!this.#over) return undefined
    return new AccessDenied(
      'limit_exceeded',
      'the answer is longer than the policy allows; the rest was not sent',
    )
  }

  /** As much of it as may go to the client. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#over) return bytes.subarray(0, 0)
    const part = this.#withinLines(
      bytes.subarray(0, Math.min(bytes.length, this.#bytes - this.#sent)),
    )
    this.#sent += part.length
    if (part.length < bytes.length) {
      this.#over = true
      this.#exceeded()
    }
    return part
  }

  #withinLines(bytes: Uint8Array): Uint8Array {
    if (this.#lines === Infinity) return bytes
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.#broken === this.#lines) return bytes.subarray(0, at)
      if (bytes[at] === LINE_BREAK) this.#broken += 1
    }
    return bytes
  }
}
