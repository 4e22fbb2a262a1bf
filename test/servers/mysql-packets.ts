// MySQL's packets on a socket, for the tests' own client and stand-in server: cut, joined, counted, kept. Shares no
// code with the gateway. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
import type { Duplex } from 'node:stream'

export const MOST = 0xffffff

export interface Packet {
  readonly sequence: number
  readonly body: Buffer
}

export class Packets {
  socket: Duplex
  /** The number of the next packet that is written. */
  sequence = 0
  /** Everything that was read, as it came, headers included. */
  readonly received: Buffer[] = []
  #held: Buffer = Buffer.alloc(0)
  #waiting: (() => void) | undefined
  #ended = false
  readonly #hear = (bytes: Buffer) => {
    this.received.push(bytes)
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    this.#waiting?.()
  }
  readonly #leave = () => {
    this.#ended = true
    this.#waiting?.()
  }

  constructor(socket: Duplex) {
    this.socket = socket
    this.#listen()
  }

  /** One message, its continuations joined. Rejects when the other side has left. */
  async read(): Promise<Packet> {
    const parts: Buffer[] = []
    for (;;) {
      const head = await this.#take(4)
      const length = head.readUIntLE(0, 3)
      const sequence = head[3] ?? 0
      this.sequence = (sequence + 1) & 0xff
      parts.push(await this.#take(length))
      if (length < MOST) return { sequence, body: Buffer.concat(parts) }
    }
  }

  /** One message, cut where it must be. */
  write(body: Uint8Array, sequence = this.sequence): void {
    let next = sequence
    for (let at = 0; ; at += MOST) {
      const part = body.subarray(at, at + MOST)
      this.socket.write(framed(part, next))
      next = (next + 1) & 0xff
      if (part.length < MOST) break
    }
    this.sequence = next
  }

  /** What a command begins with: numbers start again. */
  command(body: Uint8Array): void {
    this.write(body, 0)
  }

  /** Goes on over another stream on top of this one; bytes that came early go there. */
  upgrade(over: (socket: Duplex) => Duplex): void {
    this.socket.off('data', this.#hear).off('close', this.#leave)
    this.socket.pause()
    if (this.#held.length > 0) this.socket.unshift(this.#held)
    this.#held = Buffer.alloc(0)
    this.socket = over(this.socket)
    this.#listen()
  }

  get ended(): boolean {
    return this.#ended
  }

  #listen(): void {
    this.socket.on('error', this.#leave).on('close', this.#leave).on('data', this.#hear)
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#held.length < length) {
      if (this.#ended) throw new Error('the other side has left')
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
    }
    const taken = this.#held.subarray(0, length)
    this.#held = this.#held.subarray(length)
    return taken
  }
}

/** A packet as it lies on the wire. */
export function framed(body: Uint8Array, sequence: number): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = sequence
  return Buffer.concat([head, body])
}

export function lenenc(value: number): Buffer {
  if (value < 251) return Buffer.from([value])
  const made = Buffer.alloc(value < 0x10000 ? 3 : 4)
  made[0] = value < 0x10000 ? 0xfc : 0xfd
  made.writeUIntLE(value, 1, made.length - 1)
  return made
}

export function lenencText(text: string | Uint8Array): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text)
  return Buffer.concat([lenenc(bytes.length), bytes])
}

/** Reads the fields of one message. Throws past its end. */
export class Fields {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get rest(): Buffer {
    return this.bytes.subarray(this.at)
  }

  number(length: number): number {
    const value = this.bytes.readUIntLE(this.at, length)
    this.at += length
    return value
  }

  take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new RangeError('past the end of the message')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Ended by a zero byte. */
  text(): string {
    const end = this.bytes.indexOf(0, this.at)
    const text = this.bytes.toString('utf8', this.at, end < 0 ? this.bytes.length : end)
    this.at = end < 0 ? this.bytes.length : end + 1
    return text
  }

  lenenc(): number {
    const first = this.number(1)
    if (first < 0xfb) return first
    if (first === 0xfc) return this.number(2)
    if (first === 0xfd) return this.number(3)
    if (first === 0xfe) return this.number(4) + this.number(4) * 2 ** 32
    throw new RangeError(`no length begins with ${first}`)
  }

  bytesOfLenenc(): Buffer {
    return this.take(this.lenenc())
  }
}

/** Capability flags, by the names of the manual. */
export const FLAGS = {
  longPassword: 1,
  longFlag: 1 << 2,
  connectWithDatabase: 1 << 3,
  compress: 1 << 5,
  localFiles: 1 << 7,
  protocol41: 1 << 9,
  tls: 1 << 11,
  transactions: 1 << 13,
  secureConnection: 1 << 15,
  multiStatements: 1 << 16,
  multiResults: 1 << 17,
  psMultiResults: 1 << 18,
  pluginAuth: 1 << 19,
  connectAttributes: 1 << 20,
  lenencAuth: 1 << 21,
  sessionTrack: 1 << 23,
  deprecateEof: 1 << 24,
  optionalMetadata: 1 << 25,
  queryAttributes: 1 << 27,
} as const
