// What stands in a payload: numbers little end first, texts behind their length or before a zero. Every length is
// checked against the payload before it is used, whoever sent it.
import { ByteWriter, utf8 } from '#engines/wire'
import { ProtocolError } from '#model'

/** A cursor over `bytes[start, end)`. Reading past the end throws ProtocolError('protocol_violation'). */
export class PayloadReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get at(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  uint8(): number {
    return this.#bytes[this.#skip(1)] as number
  }

  uint16(): number {
    const at = this.#skip(2)
    return (this.#bytes[at] as number) | ((this.#bytes[at + 1] as number) << 8)
  }

  uint24(): number {
    const low = this.uint16()
    return low | (this.uint8() << 16)
  }

  uint32(): number {
    const low = this.uint16()
    return low + this.uint16() * 0x10000
  }

  /** Eight bytes; exact up to 2^53, which every length that is within its payload is. */
  uint64(): number {
    const low = this.uint32()
    return low + this.uint32() * 0x100000000
  }

  /** A number that says how long it is; null is SQL's NULL. */
  lenenc(): number | null {
    const first = this.uint8()
    if (first < 0xfb) return first
    if (first === 0xfb) return null
    if (first === 0xfc) return this.uint16()
    if (first === 0xfd) return this.uint24()
    if (first === 0xfe) return this.uint64()
    throw broken()
  }

  count(): number {
    const value = this.lenenc()
    if (value === null) throw broken()
    return value
  }

  bytes(length: number): Uint8Array {
    const at = this.#skip(length)
    return this.#bytes.subarray(at, at + length)
  }

  lenencBytes(): Uint8Array {
    return this.bytes(this.count())
  }

  /** Strict UTF-8. */
  lenencText(): string {
    return utf8(this.lenencBytes())
  }

  /** Up to a zero byte, strict UTF-8. */
  cstring(): string {
    return utf8(this.cbytes())
  }

  cbytes(): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end === -1 || end >= this.#end) throw broken()
    const view = this.#bytes.subarray(this.#at, end)
    this.#at = end + 1
    return view
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining)
  }

  expectEnd(): void {
    if (this.#at !== this.#end)
      throw new ProtocolError('protocol_violation', 'a packet is longer than its fields')
  }

  #skip(length: number): number {
    if (!(length >= 0) || length > this.#end - this.#at) throw broken()
    const at = this.#at
    this.#at += length
    return at
  }
}

/** Builds one payload. */
export class PayloadWriter {
  readonly #writer = new ByteWriter()

  uint8(value: number): this {
    this.#writer.uint8(value)
    return this
  }

  uint16(value: number): this {
    this.#writer.uint8(value).uint8(value >>> 8)
    return this
  }

  uint32(value: number): this {
    return this.uint16(value).uint16(value >>> 16)
  }

  lenenc(value: number): this {
    if (value < 0xfb) return this.uint8(value)
    if (value < 0x10000) return this.uint8(0xfc).uint16(value)
    if (value < 0x1000000)
      return this.uint8(0xfd)
        .uint16(value)
        .uint8(value >>> 16)
    return this.uint8(0xfe)
      .uint32(value)
      .uint32(Math.floor(value / 0x100000000))
  }

  bytes(value: Uint8Array): this {
    this.#writer.bytes(value)
    return this
  }

  zeros(count: number): this {
    return this.bytes(new Uint8Array(count))
  }

  /** UTF-8, without an end mark. */
  text(value: string): this {
    this.#writer.text(value)
    return this
  }

  cstring(value: string): this {
    this.#writer.cstring(value)
    return this
  }

  lenencBytes(value: Uint8Array): this {
    return this.lenenc(value.length).bytes(value)
  }

  lenencText(value: string): this {
    return this.lenencBytes(Buffer.from(value))
  }

  finish(): Uint8Array {
    return this.#writer.finish()
  }
}

function broken(): ProtocolError {
  return new ProtocolError('protocol_violation', 'a packet is shorter than its fields')
}
