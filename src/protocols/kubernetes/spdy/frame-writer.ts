// Frames of SPDY/3.1 as we write them, in one direction. Data is cut to frames of a size that every reader takes.
import { Buffer } from 'node:buffer'
import { type Headers, HeaderWriter } from './header-block.ts'

/** Of one data frame. */
const MOST_DATA = 64 * 1024
const FIN = 1

export class SpdyWriter {
  readonly #blocks = new HeaderWriter()

  synStream(id: number, headers: Headers, fin = false): Buffer {
    const block = this.#blocks.write(headers)
    const fixed = Buffer.alloc(10)
    fixed.writeUInt32BE(id)
    return control(1, fin ? FIN : 0, Buffer.concat([fixed, block]))
  }

  synReply(id: number, headers: Headers, fin = false): Buffer {
    return control(2, fin ? FIN : 0, Buffer.concat([number(id), this.#blocks.write(headers)]))
  }

  reset(id: number, status: number): Buffer {
    return control(3, 0, number(id, status))
  }

  ping(id: number): Buffer {
    return control(6, 0, number(id))
  }

  goAway(lastStream: number, status = 0): Buffer {
    return control(7, 0, number(lastStream, status))
  }

  data(id: number, bytes: Uint8Array, fin = false): Buffer {
    if (bytes.length <= MOST_DATA) return dataFrame(id, bytes, fin)
    const parts: Buffer[] = []
    for (let at = 0; at < bytes.length; at += MOST_DATA) {
      const last = at + MOST_DATA >= bytes.length
      parts.push(dataFrame(id, bytes.subarray(at, at + MOST_DATA), fin && last))
    }
    return Buffer.concat(parts)
  }
}

function dataFrame(id: number, bytes: Uint8Array, fin: boolean): Buffer {
  const frame = Buffer.allocUnsafe(8 + bytes.length)
  frame.writeUInt32BE(id, 0)
  frame.writeUInt32BE(((fin ? FIN : 0) << 24) | bytes.length, 4)
  frame.set(bytes, 8)
  return frame
}

function control(type: number, flags: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(8 + payload.length)
  frame.writeUInt32BE(0x80030000 + type, 0)
  frame.writeUInt32BE(((flags << 24) | payload.length) >>> 0, 4)
  frame.set(payload, 8)
  return frame
}

function number(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, 4 * index)
  })
  return bytes
}
