// Packets of a login, one at a time, in their order: each has the number after the one before, whoever wrote it.
import type { Duplex } from 'node:stream'
import { ProtocolError } from '#model'
import { LoginReader } from '#transport'
import { FULL, HEADER, packetFrames, packets, payloadLength } from './packets.ts'

export class LoginPackets {
  readonly #socket: Duplex
  readonly #reader: LoginReader
  #sequence: number

  /** `sequence`: the next packet's number, of either side; `held`: what was read ahead. */
  constructor(socket: Duplex, sequence = 0, held?: Uint8Array) {
    this.#socket = socket
    this.#reader = new LoginReader(socket, held)
    this.#sequence = sequence
  }

  get sequence(): number {
    return this.#sequence
  }

  /** Bytes that have come and were not asked for yet. */
  get buffered(): number {
    return this.#reader.buffered
  }

  /** The next payload. Throws ProtocolError, also for one over `mostBytes`, without reading it. */
  async next(mostBytes: number): Promise<Uint8Array> {
    const frame = await this.#reader.frame(packetFrames, mostBytes + HEADER)
    if (payloadLength(frame, 0) === FULL)
      throw new ProtocolError('message_too_large', 'a packet of a login is too large')
    if (frame[3] !== this.#sequence)
      throw new ProtocolError('protocol_violation', 'a packet is out of order')
    this.#sequence = (this.#sequence + 1) & 0xff
    return frame.subarray(HEADER)
  }

  send(payload: Uint8Array): void {
    this.#socket.write(packets(payload, this.#sequence))
    this.#sequence = (this.#sequence + 1) & 0xff
  }

  /** A new exchange begins. */
  restart(): void {
    this.#sequence = 0
  }

  fail(error: Parameters<LoginReader['fail']>[0]): void {
    this.#reader.fail(error)
  }

  /** Lets go of the socket, paused. Answers the bytes that were read ahead. */
  detach(): Uint8Array {
    return this.#reader.detach()
  }
}
