// Payloads on their way to the client, numbered anew.
import type { Conversation } from './conversation.ts'
import type { Exchange } from './exchange.ts'
import { status } from './numbers.ts'
import { FULL, HEADER, packets, writeHeader } from './packets.ts'

/** Warnings and flags stand behind its first byte. */
const EOF_BYTES = 5

export class ToClient {
  readonly #talk: Conversation

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  say(exchange: Exchange, payload: Uint8Array): void {
    if (!exchange.hidden && !exchange.limited) this.#talk.say(payload)
  }

  /** The end of columns or rows, as a session that tracks no state hears it: written where it leaves from. */
  eof(exchange: Exchange, warnings: number, flags: number): void {
    if (exchange.hidden || exchange.limited) return
    const talk = this.#talk
    const { toClient } = talk.parts
    toClient.room(HEADER + EOF_BYTES)
    const { slab, position: at } = toClient
    const told = flags & ~status.sessionStateChanged
    writeHeader(slab, at, EOF_BYTES, talk.sequence)
    slab[at + HEADER] = 0xfe
    slab[at + HEADER + 1] = warnings
    slab[at + HEADER + 2] = warnings >>> 8
    slab[at + HEADER + 3] = told
    slab[at + HEADER + 4] = told >>> 8
    toClient.position = at + HEADER + EOF_BYTES
    talk.sequence += 1
  }

  /** A payload as it came, under the client's next number. */
  pass(bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const { toClient } = talk.parts
    const exchange = talk.exchange
    if (exchange?.hidden === true || exchange?.limited === true) return
    if (framed) {
      bytes[from - 1] = talk.sequence
      talk.sequence += 1
      toClient.pass(bytes, from - HEADER, to)
      return
    }
    const whole = packets(bytes.subarray(from, to), talk.sequence & 0xff)
    talk.sequence += Math.floor((to - from) / FULL) + 1
    toClient.own(whole)
  }
}
