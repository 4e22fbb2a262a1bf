// Builds messages into one growing buffer. Knows byte order, no protocol.
const encoder = new TextEncoder()
const NOTHING = new Uint8Array(0)

/** Append-only. `finish` gives the bytes and starts anew. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer> = NOTHING
  readonly #capacity: number
  #length = 0

  /** `capacity`: of the first buffer, which is made when there is something to write. */
  constructor(capacity = 256) {
    this.#capacity = capacity
  }

  get length(): number {
    return this.#length
  }

  uint8(value: number): this {
    const at = this.#grow(1)
    this.#bytes[at] = value
    return this
  }

  int16(value: number): this {
    const at = this.#grow(2)
    this.#bytes[at] = value >> 8
    this.#bytes[at + 1] = value
    return this
  }

  int32(value: number): this {
    const at = this.#grow(4)
    this.setInt32(at, value)
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** UTF-8, without an end mark. */
  text(value: string): this {
    return this.bytes(encoder.encode(value))
  }

  /**
   * UTF-8 and a zero byte. A zero inside would end the string early for the reader, so that what follows
   * would be read as something else: it is refused.
   */
  cstring(value: string): this {
    if (value.includes('\0')) throw new RangeError('a zero byte inside a string of a message')
    return this.text(value).uint8(0)
  }

  /** Overwrites four bytes that were written before: for lengths that are known last. */
  setInt32(at: number, value: number): void {
    this.#bytes[at] = value >> 24
    this.#bytes[at + 1] = value >> 16
    this.#bytes[at + 2] = value >> 8
    this.#bytes[at + 3] = value
  }

  /** A view of all that was written; the writer starts anew with another buffer. */
  finish(): Uint8Array {
    const done = this.#bytes.subarray(0, this.#length)
    this.#bytes = NOTHING
    this.#length = 0
    return done
  }

  #grow(by: number): number {
    const at = this.#length
    const wanted = at + by
    if (wanted > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(wanted, this.#bytes.length * 2, this.#capacity))
      larger.set(this.#bytes.subarray(0, at))
      this.#bytes = larger
    }
    this.#length = wanted
    return at
  }
}
