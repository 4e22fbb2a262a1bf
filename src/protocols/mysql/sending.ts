// A command on its way to the server, as it came.
import type { Command } from './command.ts'
import type { Conversation } from './conversation.ts'
import type { Exchange } from './exchange.ts'
import { HEADER, packetCount } from './packets.ts'

export class Sending {
  readonly #talk: Conversation

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  forward(one: Command, exchange: Exchange): void {
    this.#talk.expected = packetCount(one.to - one.from)
    this.#talk.begin(exchange)
    this.send(one)
  }

  send({ bytes, from, to, framed }: Command): void {
    if (framed) this.#talk.parts.toUpstream.pass(bytes, from - HEADER, to)
    else this.#talk.send(bytes.subarray(from, to))
  }
}
