// COPY in the upstream's answers: only where the statement at hand is one, and its rows masked like any others.
import { UpstreamError } from '#model'
import { type AnswerRows, isLong } from './answer-rows.ts'
import type { Conversation } from './conversation.ts'
import type { CopyOut } from './copy-out.ts'
import type { Exchange } from './exchange.ts'
import { HEADER } from './feed.ts'

export class AnswerCopy {
  readonly #talk: Conversation
  readonly #rows: AnswerRows
  #copy: CopyOut | undefined
  #rewrites = false

  constructor(talk: Conversation, rows: AnswerRows) {
    this.#talk = talk
    this.#rows = rows
  }

  get under(): boolean {
    return this.#copy !== undefined
  }

  /** Whether data so long may go out before it is whole. */
  mayStream(exchange: Exchange, length: number): boolean {
    return (
      isLong(exchange, length) &&
      this.#copy !== undefined &&
      !this.#rewrites &&
      !this.#rows.over(exchange, 0)
    )
  }

  /** The rows of one statement are over. */
  end(exchange: Exchange): void {
    this.#rows.end(exchange, this.#copy?.plan)
    this.#copy = undefined
  }

  // (All answer false when the session is over.)

  inResponse(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const statement = talk.queue.head?.statement
    if (talk.copyIn !== 'expected' || statement?.copy?.to !== 'stdin')
      return talk.distrust('COPY that nobody asked for')
    talk.copyIn = 'open'
    talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  outResponse(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const exchange = talk.queue.head
    const copy = exchange?.copies?.[exchange.index]
    if (copy === undefined || this.#copy !== undefined || end - at < HEADER + 3)
      return talk.distrust('COPY that nobody asked for')
    const format = bytes[at + HEADER] as number
    try {
      this.#rewrites = copy.begin(format, bytes.readInt16BE(at + HEADER + 1))
    } catch (error) {
      return this.#broken(error)
    }
    this.#copy = copy
    if (format === 0) this.#rows.sampleLines()
    talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  data(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const exchange = talk.queue.head
    const copy = this.#copy
    if (exchange === undefined || copy === undefined) return talk.distrust('COPY data out of turn')
    if (this.#rows.over(exchange, end - at)) return true
    if (!this.#rewrites) {
      this.#rows.pass(exchange, bytes, at, end)
      return true
    }
    try {
      copy.push(bytes, at + HEADER, end, talk.parts.toClient, from =>
        this.#rows.rewritten(exchange, from),
      )
    } catch (error) {
      return this.#broken(error)
    }
    return true
  }

  done(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const exchange = talk.queue.head
    const copy = this.#copy
    if (exchange === undefined || copy === undefined || end - at !== HEADER)
      return talk.distrust('COPY data out of turn')
    if (exchange.limited) return true
    const { toClient } = talk.parts
    try {
      if (this.#rewrites) copy.finish(toClient, from => this.#rows.rewritten(exchange, from))
    } catch (error) {
      return this.#broken(error)
    }
    toClient.pass(bytes, at, end)
    return true
  }

  #broken(error: unknown): false {
    // Safe: a row that we do not understand was not written, and the session ends.
    if (!(error instanceof UpstreamError)) throw error
    return this.#talk.distrust('COPY rows that cannot be masked')
  }
}
