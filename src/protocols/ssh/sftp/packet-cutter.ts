// Cuts a channel's bytes into packets that may be kept and changed. What a chunk has whole is a view of it; what it has
// in part is put together in a buffer of the packet's very length: files are large, and each further copy costs.
import { ProtocolError } from '#model'
import { HEADER_BYTES, MOST_PACKET_BYTES, malformed } from './wire.ts'

const LENGTH_BYTES = 4
const NOTHING = Buffer.alloc(0)

export class PacketCutter {
  readonly #length = Buffer.alloc(LENGTH_BYTES)
  #lengthBytes = 0
  /** The packet that is not whole, and how much of it there is. */
  #packet: Buffer | undefined
  #filled = 0
  #rest: Buffer = NOTHING

  /** The chunk that is cut next. */
  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
  }

  /** The next packet that is whole; undefined when the chunk is used up. Throws where none can be so long. */
  next(): Buffer | undefined {
    while (this.#rest.length > 0) {
      if (this.#packet !== undefined) {
        const whole = this.#fill(this.#packet)
        if (whole !== undefined) return whole
        continue
      }
      if (this.#lengthBytes === 0 && this.#rest.length >= LENGTH_BYTES) {
        const length = measure(this.#rest)
        if (this.#rest.length >= length) return this.#take(length)
      }
      this.#begin()
    }
    return undefined
  }

  /** Takes what there is of a length, and makes room for its packet once it is known. */
  #begin(): void {
    const part = this.#take(Math.min(LENGTH_BYTES - this.#lengthBytes, this.#rest.length))
    this.#length.set(part, this.#lengthBytes)
    this.#lengthBytes += part.length
    if (this.#lengthBytes < LENGTH_BYTES) return
    const packet = Buffer.allocUnsafeSlow(measure(this.#length))
    packet.set(this.#length)
    this.#packet = packet
    this.#filled = LENGTH_BYTES
    this.#lengthBytes = 0
  }

  #fill(packet: Buffer): Buffer | undefined {
    const part = this.#take(Math.min(packet.length - this.#filled, this.#rest.length))
    packet.set(part, this.#filled)
    this.#filled += part.length
    if (this.#filled < packet.length) return undefined
    this.#packet = undefined
    return packet
  }

  #take(bytes: number): Buffer {
    const part = this.#rest.subarray(0, bytes)
    this.#rest = this.#rest.subarray(bytes)
    return part
  }
}

/** The whole packet's length: what stands there does not count itself. */
function measure(bytes: Buffer): number {
  const length = LENGTH_BYTES + bytes.readUInt32BE()
  if (length > MOST_PACKET_BYTES)
    throw new ProtocolError('message_too_large', 'a file packet is larger than any may be')
  // A type, and an id or a version.
  if (length < HEADER_BYTES) throw malformed()
  return length
}
