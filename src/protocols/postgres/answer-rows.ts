// The rows of an answer: what is done with each cell, the bound on how many go out, and what of them is kept for
// the recording. One result at a time; knows no order of messages.

import type { RowPlan } from '#engines/masking'
import type { SqlStatement } from '#engines/sql'
import type { Permit } from '#gateway'
import { UpstreamError } from '#model'
import { AnswerSample } from './answer-sample.ts'
import type { Conversation } from './conversation.ts'
import type { Exchange } from './exchange.ts'
import { rewriteRow } from './rewrite.ts'
import { readFields, Shape } from './shape.ts'

/** Rows above this pass in pieces when nothing in them is rewritten. */
const STREAMED = 256 << 10
/** Descriptions up to this are kept to be known again. */
const KEPT = 16 << 10

// One memory for all sessions: most descriptions were seen before. The bytes say whether it is the same one.
const described = new WeakMap<SqlStatement, { readonly bytes: Buffer; readonly shape: Shape }>()

export class AnswerRows {
  readonly #talk: Conversation
  #plan: RowPlan | undefined
  #sample: AnswerSample | undefined

  constructor(talk: Conversation) {
    this.#talk = talk
  }

  get plan(): RowPlan | undefined {
    return this.#plan
  }

  /** The shape that a RowDescription tells, whose body is `bytes[start, end)`; undefined when it is malformed. */
  shapeOf(
    statement: SqlStatement | undefined,
    bytes: Buffer,
    start: number,
    end: number,
  ): Shape | undefined {
    const known = statement === undefined ? undefined : described.get(statement)
    if (known?.bytes.length === end - start && known.bytes.compare(bytes, start, end) === 0) {
      return known.shape
    }
    const fields = readFields(bytes, start, end)
    if (fields === undefined) return undefined
    const shape = new Shape(fields)
    if (statement !== undefined && end - start <= KEPT) {
      described.set(statement, { bytes: Buffer.from(bytes.subarray(start, end)), shape })
    }
    return shape
  }

  begin(shape: Shape, permit: Permit, formats: readonly number[] | undefined): void {
    const { session, catalog } = this.#talk.parts
    // (An extended query is one statement; so is what a cursor or a prepared statement stands for.)
    const { head } = this.#talk.queue
    const doubtful = head !== undefined && this.#talk.doubts(head)
    const outputs = doubtful ? undefined : permit.statement.lineage?.[head?.index ?? 0]?.outputs
    const suspect = doubtful || this.#talk.catalogDirty
    this.#plan = shape.plan(permit, outputs, catalog, formats, suspect)
    const { recording } = session.resource
    if (recording.keep !== 'answers' || recording.answerBytes <= 0) return
    const { names, hex } = shape.sampled
    this.#sample = new AnswerSample(recording.answerBytes, names, hex)
  }

  /** A DataRow's whole frame; false when the session is over. */
  row(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const exchange = talk.queue.head
    if (exchange === undefined) return talk.distrust('a row that nobody asked for')
    const plan = this.#plan ?? this.#planOfPortal(exchange)
    if (plan === undefined) return talk.distrust('a row without a description')
    if (this.over(exchange, end - at)) return true
    if (plan.untouched) {
      this.pass(exchange, bytes, at, end)
      return true
    }
    const { toClient } = talk.parts
    let from: number
    try {
      from = rewriteRow(bytes, at, end, plan, toClient)
    } catch (error) {
      // Safe: nothing of the row was written; a row that we do not understand ends the session.
      if (!(error instanceof UpstreamError)) throw error
      return talk.distrust('a row that does not hold what it says')
    }
    if (from < 0) this.pass(exchange, bytes, at, end)
    else this.rewritten(exchange, from)
    return true
  }

  /** A frame of rows goes out as it came. */
  pass(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    this.#talk.parts.toClient.pass(bytes, at, end)
    exchange.bytes += end - at
    if (this.#sample !== undefined) this.#keep(this.#sample, bytes, at, end, true)
  }

  /** A frame of rows was written to the outlet, from `from` of its slab on. */
  rewritten(exchange: Exchange, from: number): void {
    const { toClient } = this.#talk.parts
    exchange.bytes += toClient.position - from
    if (this.#sample !== undefined)
      this.#keep(this.#sample, toClient.slab, from, toClient.position, false)
  }

  /** Counts one more row; true when it and all that follows must not go out. */
  over(exchange: Exchange, bytes: number): boolean {
    if (exchange.limited) return true
    exchange.rows += 1
    const limit = exchange.permit?.limit
    if (limit === undefined || (limit.rows === undefined && limit.bytes === undefined)) return false
    const { portal } = exchange
    const tooMany = limit.rows !== undefined && exchange.rows + (portal?.rows ?? 0) > limit.rows
    const tooMuch =
      limit.bytes !== undefined && exchange.bytes + (portal?.bytes ?? 0) + bytes > limit.bytes
    if (!tooMany && !tooMuch) return false
    exchange.rows -= 1
    exchange.limited = true
    this.#talk.cancel()
    return true
  }

  /** Whether a row so long may go out before it is whole: only as it came, and if no bound asks for its length. */
  mayStream(exchange: Exchange, length: number): boolean {
    if (!isLong(exchange, length)) return false
    const plan = this.#plan ?? this.#planOfPortal(exchange)
    return plan?.untouched === true && !this.over(exchange, 0)
  }

  /** A row goes out in pieces: nothing of it is kept. */
  streamed(exchange: Exchange, bytes: number): void {
    exchange.bytes += bytes
    if (this.#sample === undefined) return
    this.#sample.truncated = true
    this.#finishSample()
  }

  /** Lines of COPY are kept as they stand. */
  sampleLines(): void {
    const { recording } = this.#talk.parts.session.resource
    if (recording.keep === 'answers' && recording.answerBytes > 0) {
      this.#sample = new AnswerSample(recording.answerBytes, [], [])
    }
  }

  /** The rows of one statement are over; `copied`: the plan when they were those of COPY. */
  end(exchange: Exchange, copied?: RowPlan): void {
    const plan = this.#plan ?? copied
    if (plan !== undefined) exchange.masked = plan.tally(exchange.masked)
    this.#finishSample()
    this.#plan = undefined
  }

  #planOfPortal(exchange: Exchange): RowPlan | undefined {
    const { portal, permit, kind } = exchange
    if (kind !== 'execute' || portal === undefined || permit === undefined) return undefined
    const shape = portal.shape ?? portal.prepared.shape
    if (shape === undefined) return undefined
    this.begin(shape, permit, portal.resultFormats)
    return this.#plan
  }

  #keep(sample: AnswerSample, bytes: Buffer, from: number, to: number, lasting: boolean): void {
    if (!sample.add(bytes, from, to, lasting)) this.#finishSample()
  }

  #finishSample(): void {
    const sample = this.#sample
    const permit = this.#talk.queue.head?.permit
    this.#sample = undefined
    if (sample !== undefined && permit !== undefined) {
      this.#talk.parts.session.recordAnswer(permit, sample)
    }
  }
}

/** Worth sending in pieces, with no bound that asks for its length. */
export function isLong(exchange: Exchange, length: number): boolean {
  return length >= STREAMED && exchange.permit?.limit.bytes === undefined
}
