// Rows of COPY FROM STDIN: they ride on the permit of their statement, in its turn, whatever they hold; what a
// client still sends of a COPY that failed is dropped, as a server drops it.
import type { Conversation } from './conversation.ts'
import type { Exchange } from './exchange.ts'
import { F } from './messages.ts'
import type { Pause } from './pause.ts'

export class CopyIn {
  readonly #talk: Conversation
  readonly #pause: Pause
  /** Bytes of a CopyData that are still to come, and whether they go on. */
  #streaming = 0
  #dropping = false

  constructor(talk: Conversation, pause: Pause) {
    this.#talk = talk
    this.#pause = pause
  }

  get streaming(): boolean {
    return this.#streaming > 0
  }

  /** The rest of a frame that was begun: answers how far it goes. */
  stream(bytes: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#streaming)
    if (!this.#dropping) this.#talk.parts.toUpstream.pass(bytes, at, to)
    this.#streaming -= to - at
    return to
  }

  /** So many bytes of the frame just taken are still to come. */
  owe(bytes: number): void {
    this.#streaming = bytes
  }

  /** CopyData, CopyDone or CopyFail. Out of place they are dropped: the server, and some drivers, expect that. */
  frame(type: number, bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    this.#dropping = talk.copyIn !== 'open'
    if (this.#dropping) return
    talk.parts.toUpstream.pass(bytes, at, end)
    if (type === F.copyData) return
    // A simple query may go on to another COPY: which one the next row belongs to, the upstream says.
    if (talk.queue.head?.kind === 'query') {
      talk.copyIn = 'expected'
      this.#pause.until(() => talk.copyIn !== 'expected')
    } else {
      talk.copyIn = 'none'
    }
  }

  /** The statement was sent: when it may ask for rows, what comes next waits until that is known. */
  expect(exchange: Exchange): void {
    for (const { copy } of exchange.analysis.statements) {
      if (copy?.to !== 'stdin') continue
      const talk = this.#talk
      talk.copyIn = 'expected'
      this.#pause.until(() => talk.copyIn !== 'expected')
      return
    }
  }
}
