// Frames of SPDY/3.1 from bytes, in one direction, cut anywhere: SPDY Protocol draft 3.1, section 2.2. Data goes on as it
// comes; a control frame is held until it is whole. What breaks the wire's rules is refused, and so is what it does not know.
import { Buffer } from 'node:buffer'
import { ByteReader } from '#engines/wire'
import { ProtocolError } from '#model'
import { HeaderReader, type Headers } from './header-block.ts'

export interface SpdyReceiver {
  synStream(stream: SynStream): void
  synReply(id: number, headers: Headers, fin: boolean): void
  reset(id: number, status: number): void
  ping(id: number): void
  goAway(lastStream: number, status: number): void
  headers(id: number, headers: Headers, fin: boolean): void
  /** A stream's, or the connection's (0). */
  windowUpdate(id: number, delta: number): void
  /** A part of a frame, or all of it. `fin` only with the last part. */
  data(id: number, bytes: Buffer, fin: boolean): void
}

export interface SynStream {
  readonly id: number
  /** The stream it belongs to; 0: none. */
  readonly associated: number
  readonly headers: Headers
  readonly fin: boolean
  readonly unidirectional: boolean
}

const HEAD = 8
/** Of a control frame behind its head. */
const MOST_CONTROL = 16 * 1024
const FIN = 1
const UNIDIRECTIONAL = 2

export class SpdyReader {
  readonly #receiver: SpdyReceiver
  readonly #blocks = new HeaderReader()
  /** A frame's head, or a control frame, that is not whole yet. */
  #kept: Buffer = Buffer.alloc(0)
  /** Bytes of a data frame that are still to come. */
  #left = 0
  #stream = 0
  #fin = false

  constructor(receiver: SpdyReceiver) {
    this.#receiver = receiver
  }

  /** Throws ProtocolError; nothing more can be read then. The chunk is the receiver's. */
  push(chunk: Uint8Array): void {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (this.#kept.length > 0) {
      bytes = Buffer.concat([this.#kept, bytes])
      this.#kept = Buffer.alloc(0)
    }
    while (bytes.length > 0) {
      if (this.#left > 0) {
        bytes = this.#data(bytes)
        continue
      }
      const size = bytes.length < HEAD ? 0 : this.#frame(bytes)
      if (size === 0) {
        this.#kept = Buffer.from(bytes)
        return
      }
      bytes = bytes.subarray(size)
    }
  }

  /** True when what came ends with a whole frame. */
  get whole(): boolean {
    return this.#left === 0 && this.#kept.length === 0
  }

  #data(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#left)
    this.#left -= part.length
    this.#receiver.data(this.#stream, part, this.#fin && this.#left === 0)
    return bytes.subarray(part.length)
  }

  /** How much of it was read; 0: it is not whole. */
  #frame(bytes: Buffer): number {
    const first = bytes.readUInt32BE(0)
    const flags = bytes[4]!
    const length = bytes.readUIntBE(5, 3)
    if (first >>> 31 === 0) {
      if (first === 0) throw broken('data for no stream')
      if ((flags & ~FIN) !== 0) throw broken('unknown flags on data')
      this.#stream = first
      this.#fin = flags === FIN
      this.#left = length
      if (length === 0) this.#receiver.data(first, Buffer.alloc(0), this.#fin)
      return HEAD
    }
    if (first >>> 16 !== 0x8003) throw broken('another version')
    const type = first & 0xffff
    if (CONTROL[type] === undefined) throw broken('an unknown control frame')
    if (length > MOST_CONTROL) throw broken('a control frame is too long')
    if (bytes.length < HEAD + length) return 0
    if ((flags & ~CONTROL[type].flags) !== 0) throw broken('unknown flags')
    CONTROL[type].read(
      new ByteReader(bytes, HEAD, HEAD + length),
      flags,
      this.#receiver,
      this.#blocks,
    )
    return HEAD + length
  }
}

interface ControlFrame {
  /** Those that there are. */
  readonly flags: number
  read(bytes: ByteReader, flags: number, receiver: SpdyReceiver, blocks: HeaderReader): void
}

/** By their type: section 2.6. */
const CONTROL: Readonly<Record<number, ControlFrame>> = {
  1: {
    flags: FIN | UNIDIRECTIONAL,
    read(bytes, flags, receiver, blocks) {
      const id = streamId(bytes)
      const associated = bytes.uint32() & 0x7fffffff
      // Priority and credential slot: nobody acts upon them.
      bytes.uint16()
      receiver.synStream({
        id,
        associated,
        headers: blocks.read(bytes.rest()),
        fin: (flags & FIN) !== 0,
        unidirectional: (flags & UNIDIRECTIONAL) !== 0,
      })
    },
  },
  2: {
    flags: FIN,
    read(bytes, flags, receiver, blocks) {
      receiver.synReply(streamId(bytes), blocks.read(bytes.rest()), flags === FIN)
    },
  },
  3: {
    flags: 0,
    read(bytes, _flags, receiver) {
      const id = streamId(bytes)
      const status = bytes.uint32()
      bytes.expectEnd()
      if (status === 0) throw broken('a reset for no reason')
      receiver.reset(id, status)
    },
  },
  4: {
    flags: 1,
    // Hints of a connection, of which nobody here keeps any.
    read(bytes) {
      const count = bytes.uint32()
      if (bytes.remaining !== count * 8) throw broken('settings of another length')
    },
  },
  6: {
    flags: 0,
    read(bytes, _flags, receiver) {
      const id = bytes.uint32()
      bytes.expectEnd()
      if (id === 0) throw broken('a ping without a number')
      receiver.ping(id)
    },
  },
  7: {
    flags: 0,
    read(bytes, _flags, receiver) {
      const last = bytes.uint32() & 0x7fffffff
      const status = bytes.uint32()
      bytes.expectEnd()
      receiver.goAway(last, status)
    },
  },
  8: {
    flags: FIN,
    read(bytes, flags, receiver, blocks) {
      receiver.headers(streamId(bytes), blocks.read(bytes.rest()), flags === FIN)
    },
  },
  9: {
    flags: 0,
    read(bytes, _flags, receiver) {
      const id = bytes.uint32() & 0x7fffffff
      const delta = bytes.uint32()
      bytes.expectEnd()
      if (delta === 0 || delta > 0x7fffffff) throw broken('a window that cannot be')
      receiver.windowUpdate(id, delta)
    },
  },
}

function streamId(bytes: ByteReader): number {
  const id = bytes.uint32() & 0x7fffffff
  if (id === 0) throw broken('a frame for no stream')
  return id
}

function broken(message: string): ProtocolError {
  return new ProtocolError('protocol_violation', `SPDY: ${message}`)
}
