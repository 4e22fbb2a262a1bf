// A side that speaks WebSocket: messages in and out of its bytes. Pings are answered here, on either side: what a ping
// holds is nobody's else.
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import {
  CLOSE,
  closeFrame,
  type FrameHead,
  FrameReader,
  type FrameReceiver,
  serverFrame,
} from '#proxy'
import type { Carrier } from './end.ts'

const BINARY = 2
const PING = 9
const PONG = 10

export interface MessageReceiver {
  /** A part of a message, however it was cut. `first`, `last`: of the message. */
  message(part: Buffer, first: boolean, last: boolean): void
  /** The other side says that it is over. */
  closed(code: number, reason: string): void
}

export class MessageEnd implements Carrier, FrameReceiver {
  readonly #end: Carrier
  readonly #isClient: boolean
  readonly #receiver: MessageReceiver
  readonly #reader: FrameReader
  #head: FrameHead | undefined
  #fresh = true
  #control: Buffer[] = []
  #closing = false

  /** `isClient`: who is on the other end of it; clients mask what they send, and servers never do. */
  constructor(end: Carrier, isClient: boolean, receiver: MessageReceiver) {
    this.#end = end
    this.#isClient = isClient
    this.#receiver = receiver
    this.#reader = new FrameReader(isClient, this)
  }

  /** Throws ProtocolError. */
  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
  }

  /** One message. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#closing ? undefined : this.#end.write(this.#frame(BINARY, bytes))
  }

  hold(until: Promise<unknown> | undefined): void {
    this.#end.hold(until)
  }

  /** Once; nothing is written behind it. */
  close(code: number, reason: string): void {
    if (this.#closing) return
    this.#closing = true
    const frame = closeFrame(code, reason)
    this.#end.write(this.#isClient ? frame : masked(CLOSE, frame.subarray(2)))
  }

  // The frames.

  head(head: FrameHead): void {
    this.#head = head
    this.#control = []
  }

  payload(bytes: Uint8Array, offset: number): void {
    const { opcode, mask, length, final } = this.#head!
    const plain = unmasked(bytes, mask, offset)
    if (opcode > BINARY) this.#control.push(plain)
    else this.#part(plain, final && offset + bytes.length === length)
  }

  end(): void {
    const { opcode, length, final } = this.#head!
    if (opcode <= BINARY) {
      if (length === 0) this.#part(Buffer.alloc(0), final)
      return
    }
    const payload = Buffer.concat(this.#control)
    if (opcode === PING) this.#end.hold(this.#end.write(this.#frame(PONG, payload)))
    else if (opcode === CLOSE)
      this.#receiver.closed(
        payload.length >= 2 ? payload.readUInt16BE(0) : 1005,
        payload.toString('utf8', 2),
      )
  }

  #part(bytes: Buffer, last: boolean): void {
    const first = this.#fresh
    this.#fresh = last
    this.#receiver.message(bytes, first, last)
  }

  #frame(opcode: number, payload: Uint8Array): Buffer {
    return this.#isClient ? serverFrame(opcode, payload) : masked(opcode, payload)
  }
}

/** RFC 6455 section 5.3: as a client sends it. */
function masked(opcode: number, payload: Uint8Array): Buffer {
  const plain = serverFrame(opcode, payload)
  const head = plain.length - payload.length
  plain[1] = plain[1]! | 0x80
  const mask = randomBytes(4)
  return Buffer.concat([plain.subarray(0, head), mask, unmasked(plain.subarray(head), mask, 0)])
}

/** A mask taken off is the mask put on. Four bytes at a time: all that a client sends goes through here twice. */
function unmasked(bytes: Uint8Array, mask: Uint8Array | undefined, offset: number): Buffer {
  // Not of the pool: words lie at multiples of four.
  const out = Buffer.allocUnsafeSlow(bytes.length)
  out.set(bytes)
  if (mask === undefined) return out
  const turned = Uint8Array.from({ length: 4 }, (_, i) => mask[(offset + i) & 3]!)
  const word = new Uint32Array(turned.buffer)[0]!
  const words = new Uint32Array(out.buffer, 0, out.length >> 2)
  for (let i = 0; i < words.length; i += 1) words[i] = words[i]! ^ word
  for (let i = words.length * 4; i < out.length; i += 1) out[i] = out[i]! ^ turned[i & 3]!
  return out
}
