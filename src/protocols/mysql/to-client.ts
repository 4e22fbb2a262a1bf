// Payloads on their way to the client, numbered anew.
import type { Conversation } from './conversation.ts'
import type { Exchange } from './exchange.ts'
import { FULL, HEADER, packets } from './packets.ts'

export class ToClient {
  readonly #talk: Conversation

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  say(exchange: Exchange, payload: Uint8Array): void {
    if (!exchange.hidden && !exchange.limited) this.#talk.say(payload)
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
