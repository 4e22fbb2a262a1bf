// Frames of RFC 6455 from bytes, in one direction, cut anywhere. Knows the wire; decides nothing. What breaks its rules
// is refused: a peer and we must agree where a message ends.
import { Buffer } from 'node:buffer'
import { ProtocolError } from '#model'

export interface FrameHead {
  readonly final: boolean
  /** 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong. */
  readonly opcode: number
  readonly length: number
  readonly mask: Uint8Array | undefined
  /** As it came. */
  readonly bytes: Uint8Array
}

export interface FrameReceiver {
  head(head: FrameHead): void
  /** A part of the payload as it came: masked, where it is. `offset`: where it stands in the payload. */
  payload(bytes: Uint8Array, offset: number): void
  end(): void
}

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
const CONTROL = 8
const KNOWN: ReadonlySet<number> = new Set([0, 1, 2, 8, 9, 10])
const MOST_CONTROL = 125

export class FrameReader {
  readonly #masked: boolean
  readonly #receiver: FrameReceiver
  #kept: Buffer = Buffer.alloc(0)
  #left = 0
  #offset = 0
  #open = false
  /** Inside a message of several frames. */
  #fragmented = false
  #closed = false

  /** `masked`: a client sends so, and a server never. */
  constructor(masked: boolean, receiver: FrameReceiver) {
    this.#masked = masked
    this.#receiver = receiver
  }

  /** Throws ProtocolError. */
  push(chunk: Uint8Array): void {
    let bytes =
      this.#kept.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#kept, chunk])
    for (;;) {
      if (this.#open) {
        const part = bytes.subarray(0, this.#left)
        if (part.length > 0) this.#receiver.payload(part, this.#offset)
        this.#offset += part.length
        this.#left -= part.length
        bytes = bytes.subarray(part.length)
        if (this.#left > 0) break
        this.#open = false
        this.#receiver.end()
      }
      const size = this.#begin(bytes)
      if (size === 0) break
      bytes = bytes.subarray(size)
    }
    // At most a head: what is behind it was passed on.
    this.#kept = Buffer.from(bytes)
  }

  /** The size of the head; 0: it is not whole yet. */
  #begin(bytes: Buffer): number {
    if (bytes.length < 2) return 0
    const [first, second] = [bytes[0]!, bytes[1]!]
    const final = (first & 0x80) !== 0
    const opcode = first & 0x0f
    if (this.#closed) throw broken('a frame follows the close')
    if ((first & 0x70) !== 0) throw broken('a frame uses an extension that nobody agreed on')
    if (!KNOWN.has(opcode)) throw broken('a frame is of an unknown kind')
    if (((second & 0x80) !== 0) !== this.#masked)
      throw broken('a frame is not masked as it must be')
    const short = second & 0x7f
    const control = opcode >= CONTROL
    if (control && (!final || short > MOST_CONTROL))
      throw broken('a control frame is too long, or in parts')
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0
    const size = 2 + extra + (this.#masked ? 4 : 0)
    if (bytes.length < size) return 0
    const length = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : longLength(bytes)
    if ((extra === 2 && length < 126) || (extra === 8 && length < 65_536))
      throw broken('a length is written too long')
    if (!control) {
      if ((opcode === 0) !== this.#fragmented)
        throw broken('the parts of a message are out of order')
      this.#fragmented = !final
    }
    if (opcode === CLOSE) this.#closed = true
    this.#open = true
    this.#left = length
    this.#offset = 0
    const mask = this.#masked ? bytes.subarray(size - 4, size) : undefined
    this.#receiver.head({ final, opcode, length, mask, bytes: bytes.subarray(0, size) })
    return size
  }
}

function longLength(bytes: Buffer): number {
  const length = bytes.readBigUInt64BE(2)
  if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw broken('a frame is longer than any can be')
  return Number(length)
}

/** One frame, as a server sends it. */
export function serverFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + extra)
  head[0] = 0x80 | opcode
  head[1] = extra === 0 ? length : extra === 2 ? 126 : 127
  if (extra === 2) head.writeUInt16BE(length, 2)
  if (extra === 8) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

export function closeFrame(code: number, reason: string): Buffer {
  const all = Buffer.from(reason)
  let end = Math.min(all.length, MOST_CONTROL - 2)
  // No part of a character: the reason is UTF-8.
  while (end < all.length && (all[end]! & 0xc0) === 0x80) end -= 1
  const text = all.subarray(0, end)
  const payload = Buffer.alloc(2 + text.length)
  payload.writeUInt16BE(code, 0)
  text.copy(payload, 2)
  return serverFrame(CLOSE, payload)
}

function broken(message: string): ProtocolError {
  return new ProtocolError('protocol_violation', `WebSocket: ${message}`)
}
