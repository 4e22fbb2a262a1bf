// The Query message: one text, judged whole and sent as it came. Where an approval bounds the rows, it runs in a
// transaction that can be undone.
import { isGatewayError } from '#model'
import type { Conversation } from './conversation.ts'
import type { CopyIn } from './copy-in.ts'
import { Exchange } from './exchange.ts'
import { HEADER } from './feed.ts'
import { countability, RowGuard } from './guard.ts'
import type { Judge } from './judge.ts'
import type { Pause } from './pause.ts'
import { readQuery } from './prepared.ts'
import type { Refusals } from './refusals.ts'
import type { Sending } from './sending.ts'
import { begin } from './stand-ins.ts'

export class SimpleQuery {
  readonly #talk: Conversation
  readonly #judge: Judge
  readonly #pause: Pause
  readonly #refusals: Refusals
  readonly #sending: Sending
  readonly #copyIn: CopyIn

  constructor(
    talk: Conversation,
    judge: Judge,
    pause: Pause,
    refusals: Refusals,
    sending: Sending,
    copyIn: CopyIn,
  ) {
    this.#talk = talk
    this.#judge = judge
    this.#pause = pause
    this.#refusals = refusals
    this.#sending = sending
    this.#copyIn = copyIn
  }

  /** False: it waits, untouched. */
  query(bytes: Buffer, at: number, end: number): boolean {
    let text: string
    try {
      text = readQuery(bytes, at + HEADER, end)
    } catch (error) {
      // Safe: nothing of the frame was forwarded.
      if (!isGatewayError(error)) throw error
      this.#refusals.refuse(error, 'query')
      return true
    }
    const judge = this.#judge
    const analysis = judge.analyse(text, 'query')
    if (analysis === undefined) return true
    if (!judge.settled(analysis)) return this.#pause.untilAnswered()
    const statement = judge.statement(analysis, text, 'query')
    if (statement === undefined) return true
    if (statement === 'later') return this.#pause.untilAnswered()
    const send = (permit: Exchange['permit']): void => {
      const exchange = new Exchange('query', permit, analysis, text, this.#talk.segment)
      exchange.judgedAt = this.#talk.judgedAt
      this.#permitted(exchange, bytes, at, end)
    }
    const permit = judge.authorize(statement, 'query', send)
    if (permit !== undefined) send(permit)
    return true
  }

  #permitted(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    if (!this.#sending.prepareCopies(exchange, 'query')) return
    const most = exchange.permit?.maxRows
    if (most === undefined || countability(exchange.analysis.statements) === 'none') {
      this.#send(exchange, bytes, at, end)
      return
    }
    this.#guard(exchange, most, bytes, at, end)
  }

  #send(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    const { names, toUpstream } = talk.parts
    // A simple query destroys the unnamed statement (exec_simple_query).
    if (names.prepared.has('')) {
      exchange.definition = names.prepared.define('', undefined, talk.segment)
    }
    this.#judge.noteChanges(exchange)
    toUpstream.pass(bytes, at, end)
    talk.queue.push(exchange)
    // It ends what the segment left open, with a ReadyForQuery of its own.
    talk.closeSegment()
    this.#sending.noteLimit(exchange)
    this.#copyIn.expect(exchange)
  }

  /** Runs it in a transaction, ours or the client's, so that it can be undone when it changes too many rows. */
  #guard(exchange: Exchange, most: number, bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    if (countability(exchange.analysis.statements) !== 'countable' || talk.segmentOpen) {
      this.#sending.refuseUncountable(exchange, 'query', 'cancelled')
      return
    }
    this.#pause.until(
      () => talk.queue.length === 0,
      () => {
        const own = talk.status === 'I'
        exchange.guard = new RowGuard(most, own)
        if (!own) {
          this.#sendGuarded(exchange, bytes, at, end)
          return
        }
        const opening = new Exchange('query')
        opening.hidden = true
        talk.queue.push(opening)
        talk.parts.toUpstream.own(begin)
        this.#pause.until(
          () => opening.done,
          () => this.#sendGuarded(exchange, bytes, at, end),
        )
      },
    )
  }

  #sendGuarded(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    if (this.#talk.status !== 'T' && exchange.guard?.own === true) {
      // No transaction, no way back: then it does not run.
      this.#sending.refuseUncountable(exchange, 'query', 'failed')
      return
    }
    this.#send(exchange, bytes, at, end)
    if (!this.#pause.on) this.#pause.until(() => exchange.done)
  }
}
