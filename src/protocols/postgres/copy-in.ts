// Rows of COPY FROM STDIN: they ride on the permit of their statement, in its turn, unless the permit's watch sees
// a mask of ours in them: then the COPY is failed. What a client still sends of one that failed is dropped, as a
// server drops it.
import type { StoredWatch } from '#gateway'
import type { AccessDenied } from '#model'
import type { Conversation } from './conversation.ts'
import { denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { HEADER } from './feed.ts'
import { F } from './messages.ts'
import type { Pause } from './pause.ts'
import { failingCopy } from './stand-ins.ts'

export class CopyIn {
  readonly #talk: Conversation
  readonly #pause: Pause
  /** Bytes of a CopyData that are still to come, and whether they go on. */
  #streaming = 0
  #dropping = false
  /** Of the COPY that is open. */
  #watch: StoredWatch | undefined
  /** Seen in a frame of which a part is upstream already: told when that is whole. */
  #refusal: AccessDenied | undefined

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
    this.#streaming -= to - at
    if (this.#dropping) return to
    this.#refusal ??= this.#watch?.(bytes, at, to)
    // (The rows that went before are undone with the COPY.)
    this.#talk.parts.toUpstream.pass(bytes, at, to)
    if (this.#streaming === 0 && this.#refusal !== undefined) this.#fail(this.#refusal)
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
    if (this.#dropping) {
      this.#watch = undefined
      return
    }
    if (type === F.copyData) {
      this.#watch ??= talk.queue.head?.permit?.stored()
      const refusal = this.#watch?.(bytes, at + HEADER, end)
      if (refusal === undefined) talk.parts.toUpstream.pass(bytes, at, end)
      else this.#fail(refusal)
      return
    }
    this.#watch = undefined
    talk.parts.toUpstream.pass(bytes, at, end)
    // A simple query may go on to another COPY: which one the next row belongs to, the upstream says.
    if (talk.queue.head?.kind === 'query') {
      talk.copyIn = 'expected'
      this.#pause.until(() => talk.copyIn !== 'expected')
    } else {
      talk.copyIn = 'none'
    }
  }

  /** The upstream is made to fail the COPY, and the client is told why in place of its error. */
  #fail(refusal: AccessDenied): void {
    const talk = this.#talk
    const exchange = talk.queue.head
    this.#refusal = undefined
    this.#watch = undefined
    this.#dropping = true
    talk.copyIn = 'tail'
    talk.parts.toUpstream.own(failingCopy)
    if (exchange === undefined) return
    exchange.refusal = denial(refusal)
    try {
      talk.parts.session.refused(exchange.permit?.statement.text ?? '', refusal)
    } catch (error) {
      // Safe: it stays refused, for the other reason.
      exchange.refusal = denial(error)
    }
  }

  /** The statement was sent: when it may ask for rows, what comes next waits until that is known. */
  expect(exchange: Exchange): void {
    for (const { copy } of exchange.analysis.statements) {
      if (copy?.to !== 'stdin') continue
      const talk = this.#talk
      this.#watch = undefined
      talk.copyIn = 'expected'
      this.#pause.until(() => talk.copyIn !== 'expected')
      return
    }
  }
}
