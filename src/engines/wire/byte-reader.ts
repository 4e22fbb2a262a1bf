// Reads numbers, strings and spans out of one message. Knows byte order and bounds, no protocol. Every
// length is checked against the message before it is used, whoever sent it (peers.md 2, no. 17, 20).
import { ProtocolError } from '#model'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A cursor over `bytes[start, end)`. Reading past the end throws ProtocolError('protocol_violation'). */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start < 0 || end > bytes.length || start > end) throw tooShort()
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  uint8(): number {
    return this.#bytes[this.#skip(1)] ?? 0
  }

  uint16(): number {
    const at = this.#skip(2)
    return ((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0)
  }

  int16(): number {
    return (this.uint16() << 16) >> 16
  }

  int32(): number {
    return int32At(this.#bytes, this.#skip(4))
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const at = this.#skip(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** All that is left, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.remaining)
  }

  /** A string that ends with a zero byte: strict UTF-8. */
  cstring(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end === -1 || end >= this.#end) {
      throw new ProtocolError('protocol_violation', 'a string in a message has no end')
    }
    const view = this.#bytes.subarray(this.#at, end)
    this.#at = end + 1
    return utf8(view)
  }

  /** Throws unless all was read: trailing bytes mean that the two ends read the message differently. */
  expectEnd(): void {
    if (this.#at !== this.#end) {
      throw new ProtocolError('protocol_violation', 'a message is longer than its fields')
    }
  }

  #skip(length: number): number {
    if (!(length >= 0) || length > this.#end - this.#at) throw tooShort()
    const at = this.#at
    this.#at += length
    return at
  }
}

/** The signed 32-bit big-endian number at `at`; the caller has checked the bounds. */
export function int32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  )
}

/** Strict UTF-8; throws ProtocolError('protocol_violation'). */
export function utf8(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes)
  } catch (cause) {
    throw new ProtocolError('protocol_violation', 'text in a message is not UTF-8', { cause })
  }
}

function tooShort(): ProtocolError {
  return new ProtocolError('protocol_violation', 'a message is shorter than its fields')
}
