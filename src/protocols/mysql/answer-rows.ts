// The rows of an answer: what is done with each cell, the bound on how many go out, and what of them is kept for the recording.
import { ProtocolError, UpstreamError } from '#model'
import type { Answer } from './answer.ts'
import { AnswerSample } from './answer-sample.ts'
import type { Conversation } from './conversation.ts'
import type { Exchange } from './exchange.ts'
import { status } from './numbers.ts'
import type { Cursor } from './prepared.ts'
import { diagnosticOf, type Reports } from './reports.ts'
import { rewriteBinaryRow, rewriteTextRow, written } from './rows.ts'
import type { Shape } from './shape.ts'
import type { ToClient } from './to-client.ts'

export class AnswerRows {
  readonly #talk: Conversation
  readonly #answer: Answer
  readonly #reports: Reports
  readonly #out: ToClient
  #sample: AnswerSample | undefined
  /** The rows are those of SHOW WARNINGS. */
  #diagnostics = false

  constructor(talk: Conversation, answer: Answer, reports: Reports, out: ToClient) {
    this.#talk = talk
    this.#answer = answer
    this.#reports = reports
    this.#out = out
  }

  /** A FETCH's rows are those of its cursor. */
  expect(cursor: Cursor): void {
    this.#answer.plan = cursor.plan
    this.#answer.shape = cursor.shape
    this.#answer.format = 'binary'
    this.#answer.phase = 'rows'
  }

  /** All columns are described. */
  plan(exchange: Exchange, shape: Shape): void {
    const { permit, statementIndex, statement } = exchange
    if (permit === undefined) return
    const { session, builder, catalog } = this.#talk.parts
    const { format } = this.#answer
    let outputs =
      this.#talk.doubts(exchange) || statementIndex === undefined
        ? undefined
        : permit.statement.lineage?.[statementIndex]?.outputs
    // (`*` was other columns when the catalog was read: somebody else changed a table since.)
    if (Array.isArray(outputs) && outputs.length !== shape.definitions.length) {
      permit.doubt()
      catalog.invalidate()
      outputs = undefined
    }
    this.#answer.plan = shape.plan(permit, outputs, builder, catalog, format)
    this.#answer.shape = shape
    this.#diagnostics = shape.diagnostics && statement?.verb === 'SHOW'
    const { recording } = session.resource
    if (recording.keep !== 'answers' || recording.answerBytes <= 0) return
    this.#sample = new AnswerSample(recording.answerBytes, shape, format)
  }

  row(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const { plan, shape } = this.#answer
    if (plan === undefined || shape === undefined) {
      talk.distrust('a row without a description')
      return
    }
    if (this.#answer.phase === 'defined') {
      // The client hears that the columns are over before the first row, as it was promised.
      this.#out.eof(exchange, 0, talk.flags & ~status.moreResults)
      this.#answer.phase = 'rows'
    }
    if (this.#over(exchange, to - from)) return
    if (this.#diagnostics && this.#diagnostic(exchange, bytes, from, to)) return
    if (plan.untouched) {
      this.#passRow(exchange, bytes, from, to, framed)
      return
    }
    const { toClient } = talk.parts
    const sequence = talk.sequence & 0xff
    let next: number
    try {
      next =
        this.#answer.format === 'text'
          ? rewriteTextRow(bytes, from, to, plan, toClient, sequence)
          : rewriteBinaryRow(bytes, from, to, plan, shape.sizes, toClient, sequence)
    } catch (error) {
      // Safe: nothing of the row was written; a row that we do not understand ends the session.
      if (!(error instanceof UpstreamError)) throw error
      talk.distrust('a row that does not hold what it says')
      return
    }
    if (next < 0) {
      this.#passRow(exchange, bytes, from, to, framed)
      return
    }
    talk.sequence += next - sequence
    exchange.bytes += to - from
    if (this.#sample !== undefined) this.#keep(exchange, written.bytes, written.from, written.to)
  }

  /** A warning whose text may quote what is hidden goes on without it; false: it quotes nothing. */
  #diagnostic(exchange: Exchange, bytes: Buffer, from: number, to: number): boolean {
    let row: ReturnType<Reports['diagnostic']>
    try {
      const { level, code } = diagnosticOf(bytes, from, to, this.#answer.format)
      row = this.#reports.diagnostic(level, code, this.#answer.format)
    } catch (error) {
      // Safe: nothing of the row goes out, and the session ends.
      if (!(error instanceof ProtocolError)) throw error
      this.#talk.distrust('a row that does not hold what it says')
      return true
    }
    if (row === undefined) return false
    if (row === 'left out') {
      exchange.rows -= 1
      return true
    }
    this.#out.say(exchange, row)
    exchange.bytes += row.length
    return true
  }

  #passRow(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    this.#out.pass(bytes, from, to, framed)
    exchange.bytes += to - from
    if (this.#sample !== undefined) this.#keep(exchange, bytes, from, to)
  }

  #keep(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    if (this.#sample?.add(bytes, from, to) === false) this.#finishSample(exchange)
  }

  /** Counts one more row; true when it and all that follows must not go out. */
  #over(exchange: Exchange, bytes: number): boolean {
    if (exchange.limited) return true
    exchange.rows += 1
    const limit = exchange.permit?.limit
    if (limit === undefined || (limit.rows === undefined && limit.bytes === undefined)) return false
    const cursor = exchange.kind === 'fetch' ? exchange.prepared?.cursor : undefined
    const rows = exchange.rows + (cursor?.rows ?? 0)
    const size = exchange.bytes + (cursor?.bytes ?? 0) + bytes
    const tooMany = limit.rows !== undefined && rows > limit.rows
    const tooMuch = limit.bytes !== undefined && size > limit.bytes
    if (!tooMany && !tooMuch) return false
    exchange.rows -= 1
    exchange.limited = true
    this.#talk.cancel()
    return true
  }

  tally(exchange: Exchange): void {
    if (this.#answer.plan !== undefined) exchange.masked = this.#answer.plan.tally(exchange.masked)
  }

  #finishSample(exchange: Exchange): void {
    const sample = this.#sample
    this.#sample = undefined
    if (sample !== undefined && exchange.permit !== undefined)
      this.#talk.parts.session.recordAnswer(exchange.permit, sample)
  }

  /** The answer is over. */
  end(exchange: Exchange): void {
    this.tally(exchange)
    this.#finishSample(exchange)
    this.#diagnostics = false
  }
}
