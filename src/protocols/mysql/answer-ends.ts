// How answers end: OK, EOF, errors, and bounds that were exceeded. What the session knows changes when an answer is there whole.
import { AccessDenied } from '#model'
import type { Answer } from './answer.ts'
import type { AnswerRows } from './answer-rows.ts'
import type { Conversation } from './conversation.ts'
import { denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { type Ok, readError, readOk, writeError, writeOk } from './messages.ts'
import { status } from './numbers.ts'
import type { Prepared } from './prepared.ts'
import type { Reports } from './reports.ts'
import { SessionState } from './session-state.ts'
import type { ToClient } from './to-client.ts'

const INTERRUPTED = 1317
const NO_INFO = new Uint8Array(0)

export class AnswerEnds {
  readonly #talk: Conversation
  readonly #answer: Answer
  readonly #rows: AnswerRows
  readonly #reports: Reports
  readonly #out: ToClient
  readonly #state: SessionState
  readonly #answered: () => void

  /** `answered`: what was owed is there whole. */
  constructor(
    talk: Conversation,
    answer: Answer,
    rows: AnswerRows,
    reports: Reports,
    out: ToClient,
    answered: () => void,
  ) {
    this.#talk = talk
    this.#answer = answer
    this.#rows = rows
    this.#reports = reports
    this.#out = out
    this.#state = new SessionState(talk)
    this.#answered = answered
  }

  endOfRows(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    const ok = readOk(bytes, from, to)
    if (ok === undefined || !this.#state.heard(ok)) {
      if (ok === undefined) this.#talk.distrust('a malformed end')
      return
    }
    if (ok.warnings > 0) this.#answer.warned = true
    const cursor = this.#answer.phase === 'defined' && (ok.status & status.cursorExists) !== 0
    if (this.#answer.phase === 'defined' && !cursor) this.#out.eof(exchange, 0, this.#quiet(ok))
    if (cursor) this.#openCursor(exchange)
    this.#rows.tally(exchange)
    if (exchange.limited) {
      this.#limitedEnd(exchange, ok.status)
      return
    }
    this.#out.eof(exchange, this.#told(exchange, ok).warnings, ok.status)
    if (exchange.kind === 'fetch' && (ok.status & status.lastRowSent) !== 0) exchange.cursor = true
    this.#goOn(exchange, ok.status)
  }

  endOfFields(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    const ok = readOk(bytes, from, to)
    if (ok === undefined) {
      this.#talk.distrust('a malformed end')
      return
    }
    if (!this.#state.heard(ok)) return
    this.#out.eof(exchange, ok.warnings, ok.status)
    this.finish(exchange)
  }

  ok(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    const ok = readOk(bytes, from, to)
    if (ok === undefined) {
      this.#talk.distrust('a malformed answer')
      return
    }
    if (!this.#state.heard(ok)) return
    if (ok.warnings > 0) {
      this.#answer.warned = true
      exchange.warned = true
    }
    exchange.rows += ok.affectedRows
    if (exchange.limited) {
      this.#limitedEnd(exchange, ok.status)
      return
    }
    if (exchange.guard !== undefined && !exchange.hidden) exchange.guard.counted(ok)
    else if (exchange.kind === 'end')
      this.#out.eof(exchange, this.#told(exchange, ok).warnings, ok.status)
    else this.#out.say(exchange, writeOk(this.#told(exchange, ok)))
    this.#goOn(exchange, ok.status)
  }

  #goOn(exchange: Exchange, flags: number): void {
    if ((flags & status.moreResults) === 0) {
      this.finish(exchange)
      return
    }
    exchange.index += 1
    this.#answer.phase = 'first'
    this.#answer.plan = undefined
  }

  /** The client hears of the bound when all results are over: nothing of ours may come between. */
  #limitedEnd(exchange: Exchange, flags: number): void {
    if ((flags & status.moreResults) !== 0) {
      exchange.index += 1
      this.#answer.phase = 'first'
      return
    }
    this.#refuseRest(exchange)
  }

  #refuseRest(exchange: Exchange): void {
    exchange.errorCode = '1142'
    this.#talk.say(
      denial(
        new AccessDenied(
          'limit_exceeded',
          'the answer is longer than the policy allows; the rest was not sent',
        ),
      ),
    )
    this.finish(exchange, 'failed')
  }

  error(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    const error = readError(bytes, from, to)
    if (error === undefined) {
      this.#talk.distrust('a malformed error')
      return
    }
    this.#rows.tally(exchange)
    if (exchange.limited) {
      this.#refuseRest(exchange)
      return
    }
    exchange.errorCode = String(error.code)
    this.#talk.doubts(exchange)
    // The client was promised the end of the columns before anything else.
    if (this.#answer.phase === 'defined')
      this.#out.eof(exchange, 0, this.#talk.flags & ~status.moreResults)
    const told = writeError(this.#reports.clean(error, exchange.permit ?? exchange.guard?.permit))
    if (exchange.hidden) exchange.error = told
    else if (exchange.guard !== undefined) exchange.guard.failed(told, exchange.errorCode)
    else this.#out.say(exchange, told)
    this.finish(exchange, error.code === INTERRUPTED ? 'cancelled' : 'failed')
  }

  finish(exchange: Exchange, outcome: 'completed' | 'failed' | 'cancelled' = 'completed'): void {
    const talk = this.#talk
    const { permit, analysis, prepared } = exchange
    if (!this.#state.settled(exchange, outcome)) return
    this.#rows.end(exchange)
    this.#answer.phase = 'first'
    this.#answer.plan = undefined
    this.#answer.preparing = undefined
    talk.exchange = undefined
    if (permit !== undefined && (this.#answer.warned || exchange.errorCode !== undefined))
      this.#reports.noted(permit)
    this.#answer.warned = false
    if (permit !== undefined && exchange.kind !== 'prepare') {
      this.#reports.ran(permit)
      if (exchange.effects.silences) talk.retrack = true
    }
    if (analysis !== undefined && exchange.kind === 'result') {
      // Of a text that ends in an error the statements before that one ran.
      const whole = outcome === 'completed' && exchange.effects.isPlain
      talk.parts.builder.ran(analysis, exchange.text, whole, exchange.warned)
      talk.forgetChanged(exchange)
      talk.closeDefinitions()
    }
    if (exchange.kind === 'fetch' && prepared !== undefined) this.#fetched(exchange, prepared)
    else if (exchange.guard === undefined && prepared?.cursor === undefined)
      talk.complete(exchange, outcome)
    if (!talk.inTransaction) this.#reports.transactionEnded()
    if (exchange.guard !== undefined && !exchange.hidden) exchange.guard.settle(outcome)
    exchange.onAnswer?.(outcome === 'completed')
    this.#answered()
  }

  #openCursor(exchange: Exchange): void {
    const { prepared, permit } = exchange
    const { plan, shape } = this.#answer
    if (prepared === undefined || permit === undefined) return
    if (plan === undefined || shape === undefined) return
    prepared.cursor = {
      permit,
      shape,
      plan,
      rows: 0,
      bytes: 0,
      masked: undefined,
    }
  }

  #fetched(exchange: Exchange, prepared: Prepared): void {
    const { cursor } = prepared
    if (cursor === undefined) return
    cursor.rows += exchange.rows
    cursor.bytes += exchange.bytes
    cursor.masked = exchange.masked
    if (exchange.cursor) this.#talk.closeCursor(prepared)
    else if (exchange.errorCode !== undefined) this.#talk.closeCursor(prepared, 'failed')
  }

  /** Without what its warnings would tell of hidden values. */
  #told(exchange: Exchange, ok: Ok): Ok {
    if (ok.warnings === 0) return ok
    const permit = exchange.permit ?? exchange.prepared?.cursor?.permit
    return this.#reports.hidesWarnings(permit) ? { ...ok, warnings: 0, info: NO_INFO } : ok
  }

  #quiet(ok: Ok): number {
    return ok.status & ~status.moreResults
  }
}
