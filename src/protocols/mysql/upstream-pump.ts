// The server's leg: cuts packets and holds each against the answer that is owed. The server is not trusted: what does
// not fit ends the session, and nothing of it goes out. Packets are numbered anew, in place.
import type { RowPlan } from '#engines/masking'
import { keepsReading } from '#engines/sql'
import { Feed, type FrameReader } from '#engines/wire'
import { AccessDenied, ProtocolError, UpstreamError } from '#model'
import { AnswerSample } from './answer-sample.ts'
import {
  type ColumnDefinition,
  type Format,
  fixedBytes,
  planOf,
  readColumnDefinition,
} from './columns.ts'
import type { Conversation } from './conversation.ts'
import { denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import {
  type Ok,
  readError,
  readOk,
  type StateChange,
  writeEof,
  writeError,
  writeOk,
} from './messages.ts'
import { status } from './numbers.ts'
import { FULL, HEADER, packetFrames, packets, payloadLength } from './packets.ts'
import { PayloadReader } from './payload.ts'
import type { Cursor, Prepared } from './prepared.ts'
import { areDiagnostics, diagnosticOf, Reports } from './reports.ts'
import { rewriteBinaryRow, rewriteTextRow, written } from './rows.ts'

const MOST_COLUMNS = 4096
const INTERRUPTED = 1317
const NO_PLAN: readonly never[] = []

type Phase = 'first' | 'parameters' | 'columns' | 'defined' | 'rows'

export class UpstreamPump implements FrameReader {
  readonly #talk: Conversation
  readonly #feed: Feed
  readonly #reports = new Reports()
  readonly #answered: () => void
  #phase: Phase = 'first'
  #parts: Buffer[] = []
  #partBytes = 0
  /** Column definitions that are still to come. */
  #left = 0
  #columnsAfter = 0
  #definitions: ColumnDefinition[] = []
  #format: Format = 'text'
  #plan: RowPlan | undefined
  #sizes: readonly (number | 'dated' | undefined)[] = NO_PLAN
  #sample: AnswerSample | undefined
  #preparing: Prepared | undefined
  /** The rows are those of SHOW WARNINGS. */
  #diagnostics = false
  /** The answer under way told of warnings. */
  #warned = false

  /** `answered`: what was owed is there whole. */
  constructor(talk: Conversation, answered: () => void) {
    this.#talk = talk
    this.#feed = new Feed(this, packetFrames)
    this.#answered = answered
  }

  /** The chunk is ours. The caller flushes. */
  receive(chunk: Buffer): void {
    this.#feed.push(chunk)
  }

  /** A FETCH's rows are those of its cursor. */
  expectRowsOf(cursor: Cursor): void {
    this.#plan = cursor.plan
    this.#definitions = [...cursor.definitions]
    this.#sizes = cursor.definitions.map(({ type }) => fixedBytes(type))
    this.#format = 'binary'
    this.#phase = 'rows'
  }

  expectPrepared(prepared: Prepared): void {
    this.#preparing = prepared
  }

  read(bytes: Buffer, at: number, end: number): number {
    const talk = this.#talk
    while (!talk.ended) {
      if (end - at < HEADER) return at
      const length = payloadLength(bytes, at)
      if (this.#partBytes + length > talk.parts.messageBytes + HEADER) {
        talk.distrust(`a message larger than ${talk.parts.messageBytes} bytes`)
        return end
      }
      const next = at + HEADER + length
      if (next > end) return at
      const { exchange } = talk
      if (exchange === undefined) {
        this.#unasked(bytes, at, next)
        return end
      }
      if (bytes[at + 3] !== (talk.expected & 0xff)) {
        talk.distrust('a packet out of order')
        return end
      }
      talk.expected += 1
      if (length === FULL || this.#parts.length > 0) this.#part(exchange, bytes, at, next)
      else this.#payload(exchange, bytes, at + HEADER, next, true)
      at = next
    }
    return end
  }

  /** What the server says before it hangs up. */
  #unasked(bytes: Buffer, at: number, end: number): void {
    const error = bytes[at + HEADER] === 0xff ? readError(bytes, at + HEADER, end) : undefined
    if (error === undefined) this.#talk.distrust('an answer that nobody asked for')
    else
      this.#talk.parts.end(
        'upstream_left',
        new UpstreamError('upstream_lost', 'the database closed the connection', {
          cause: new Error(`${error.code}: ${error.message}`),
        }),
      )
  }

  #part(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    this.#parts.push(Buffer.from(bytes.subarray(at + HEADER, end)))
    this.#partBytes += end - at - HEADER
    if (end - at - HEADER === FULL) return
    const whole = Buffer.concat(this.#parts)
    this.#parts = []
    this.#partBytes = 0
    this.#payload(exchange, whole, 0, whole.length, false)
  }

  /** `framed`: its header stands right before it. */
  #payload(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    if (from === to) {
      // (A row of no columns is none; every other message has a first byte.)
      talk.distrust('an empty packet')
      return
    }
    if (bytes[from] === 0xff) {
      this.#error(exchange, bytes, from, to)
      return
    }
    switch (this.#phase) {
      case 'first':
        this.#first(exchange, bytes, from, to, framed)
        return
      case 'parameters':
      case 'columns':
        this.#definition(exchange, bytes, from, to, framed)
        return
      case 'defined':
      case 'rows':
        if (bytes[from] === 0xfe && to - from < FULL) this.#endOfRows(exchange, bytes, from, to)
        else this.#row(exchange, bytes, from, to, framed)
    }
  }

  // ——— the first packet of an answer ———

  #first(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const head = bytes[from] as number
    const { kind } = exchange
    if (kind === 'prepare') {
      if (head === 0x00) this.#prepareOk(exchange, bytes, from, to, framed)
      else talk.distrust('an answer out of turn')
      return
    }
    if (kind === 'fields') {
      if (head === 0xfe && to - from < FULL) this.#endOfFields(exchange, bytes, from, to)
      else if (readColumnDefinition(bytes, from, to) === undefined)
        talk.distrust('a malformed description')
      else this.#pass(bytes, from, to, framed)
      return
    }
    if (kind === 'end' ? head === 0xfe || head === 0x00 : head === 0x00) {
      this.#ok(exchange, bytes, from, to)
      return
    }
    if (kind !== 'result') {
      talk.distrust('an answer out of turn')
      return
    }
    // 0xfb asks the client for one of its files, which it never offered.
    const count = head === 0xfb ? null : countOf(bytes, from, to)
    if (count === null || count < 1 || count > MOST_COLUMNS) {
      talk.distrust(head === 0xfb ? 'a request for a file of the client' : 'an impossible answer')
      return
    }
    if (exchange.permit === undefined) {
      talk.distrust('rows that nobody asked for')
      return
    }
    this.#format = exchange.prepared === undefined ? 'text' : 'binary'
    this.#begin('columns', count)
    this.#pass(bytes, from, to, framed)
  }

  #begin(phase: 'parameters' | 'columns', count: number): void {
    this.#phase = phase
    this.#left = count
    this.#definitions = []
  }

  #prepareOk(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const prepared = this.#preparing
    // (What stands behind the twelve bytes is not ours to hand on; one flag may.)
    if (to - from < 12 || to - from > 13 || prepared === undefined) {
      talk.distrust('a malformed answer')
      return
    }
    const columns = bytes.readUInt16LE(from + 5)
    const parameters = bytes.readUInt16LE(from + 7)
    const id = bytes.readUInt32LE(from + 1)
    if (columns > MOST_COLUMNS) {
      talk.distrust('an impossible answer')
      return
    }
    // (Of two that have one id it could not be told which one runs.)
    if (talk.prepared.has(id)) {
      talk.distrust('an id that another statement has')
      return
    }
    this.#preparing = { ...prepared, id, parameters }
    if (bytes.readUInt16LE(from + 10) > 0) this.#warned = true
    this.#pass(bytes, from, to, framed)
    this.#columnsAfter = columns
    if (parameters > 0) this.#begin('parameters', parameters)
    else if (columns > 0) this.#begin('columns', columns)
    else this.#prepareDone(exchange)
  }

  #prepareDone(exchange: Exchange): void {
    const prepared = this.#preparing
    if (prepared !== undefined) {
      this.#talk.prepared.set(prepared.id, prepared)
      this.#talk.lastPrepared = prepared.id
    }
    this.#finish(exchange)
  }

  // ——— columns ———

  #definition(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const definition = readColumnDefinition(bytes, from, to)
    if (definition === undefined) {
      talk.distrust('a malformed description')
      return
    }
    this.#definitions.push(definition)
    if (!exchange.limited) this.#pass(bytes, from, to, framed)
    this.#left -= 1
    if (this.#left > 0) return
    if (exchange.kind === 'prepare') {
      this.#say(exchange, writeEof(0, talk.flags & ~status.moreResults))
      if (this.#phase === 'parameters' && this.#columnsAfter > 0)
        this.#begin('columns', this.#columnsAfter)
      else this.#prepareDone(exchange)
      return
    }
    this.#planRows(exchange)
    this.#phase = 'defined'
  }

  #planRows(exchange: Exchange): void {
    const { permit, statementIndex, analysis } = exchange
    if (permit === undefined) return
    const statement =
      statementIndex === undefined ? undefined : analysis?.statements[statementIndex]
    const { session, builder } = this.#talk.parts
    const outputs =
      this.#talk.doubts(exchange) || statementIndex === undefined
        ? undefined
        : permit.statement.lineage?.[statementIndex]?.outputs
    this.#plan = planOf(permit, this.#definitions, outputs, builder, this.#format)
    // (The columns of any other answer may be called so, too.)
    this.#diagnostics = statement?.verb === 'SHOW' && areDiagnostics(this.#definitions)
    this.#sizes =
      this.#format === 'binary' ? this.#definitions.map(({ type }) => fixedBytes(type)) : NO_PLAN
    const { recording } = session.resource
    if (recording.keep !== 'answers' || recording.answerBytes <= 0) return
    this.#sample = new AnswerSample(recording.answerBytes, this.#definitions, this.#format)
  }

  // ——— rows ———

  #row(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const plan = this.#plan
    if (plan === undefined) {
      talk.distrust('a row without a description')
      return
    }
    if (this.#phase === 'defined') {
      // The client hears that the columns are over before the first row, as it was promised.
      this.#say(exchange, writeEof(0, talk.flags & ~status.moreResults))
      this.#phase = 'rows'
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
        this.#format === 'text'
          ? rewriteTextRow(bytes, from, to, plan, toClient, sequence)
          : rewriteBinaryRow(bytes, from, to, plan, this.#sizes, toClient, sequence)
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
    let row: Uint8Array | undefined
    try {
      const { level, code } = diagnosticOf(bytes, from, to, this.#format)
      row = this.#reports.diagnostic(level, code, this.#format)
    } catch (error) {
      // Safe: nothing of the row goes out, and the session ends.
      if (!(error instanceof ProtocolError)) throw error
      this.#talk.distrust('a row that does not hold what it says')
      return true
    }
    if (row === undefined) return false
    this.#say(exchange, row)
    exchange.bytes += row.length
    return true
  }

  #passRow(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    this.#pass(bytes, from, to, framed)
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

  // ——— ends ———

  #endOfRows(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    const ok = readOk(bytes, from, to)
    if (ok === undefined || !this.#heard(ok)) {
      if (ok === undefined) this.#talk.distrust('a malformed end')
      return
    }
    if (ok.warnings > 0) this.#warned = true
    const cursor = this.#phase === 'defined' && (ok.status & status.cursorExists) !== 0
    if (this.#phase === 'defined' && !cursor) this.#say(exchange, writeEof(0, this.#quiet(ok)))
    if (cursor) this.#openCursor(exchange)
    this.#tally(exchange)
    if (exchange.limited) {
      this.#limitedEnd(exchange, ok.status)
      return
    }
    this.#say(exchange, writeEof(ok.warnings, ok.status))
    if (exchange.kind === 'fetch' && (ok.status & status.lastRowSent) !== 0) exchange.cursor = true
    this.#goOn(exchange, ok.status)
  }

  #endOfFields(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    const ok = readOk(bytes, from, to)
    if (ok === undefined) {
      this.#talk.distrust('a malformed end')
      return
    }
    if (!this.#heard(ok)) return
    this.#say(exchange, writeEof(ok.warnings, ok.status))
    this.#finish(exchange)
  }

  #ok(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    const ok = readOk(bytes, from, to)
    if (ok === undefined) {
      this.#talk.distrust('a malformed answer')
      return
    }
    if (!this.#heard(ok)) return
    if (ok.warnings > 0) this.#warned = true
    exchange.rows += ok.affectedRows
    if (exchange.limited) {
      this.#limitedEnd(exchange, ok.status)
      return
    }
    this.#say(exchange, exchange.kind === 'end' ? writeEof(ok.warnings, ok.status) : writeOk(ok))
    this.#goOn(exchange, ok.status)
  }

  #goOn(exchange: Exchange, flags: number): void {
    if ((flags & status.moreResults) === 0) {
      this.#finish(exchange)
      return
    }
    exchange.index += 1
    this.#phase = 'first'
    this.#plan = undefined
  }

  /** The client hears of the bound when all results are over: nothing of ours may come between. */
  #limitedEnd(exchange: Exchange, flags: number): void {
    if ((flags & status.moreResults) !== 0) {
      exchange.index += 1
      this.#phase = 'first'
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
    this.#finish(exchange, 'failed')
  }

  #error(exchange: Exchange, bytes: Buffer, from: number, to: number): void {
    const error = readError(bytes, from, to)
    if (error === undefined) {
      this.#talk.distrust('a malformed error')
      return
    }
    this.#tally(exchange)
    if (exchange.limited) {
      this.#refuseRest(exchange)
      return
    }
    exchange.errorCode = String(error.code)
    this.#talk.doubts(exchange)
    // The client was promised the end of the columns before anything else.
    if (this.#phase === 'defined')
      this.#say(exchange, writeEof(0, this.#talk.flags & ~status.moreResults))
    this.#say(exchange, writeError(this.#reports.clean(error, exchange.permit)))
    this.#finish(exchange, error.code === INTERRUPTED ? 'cancelled' : 'failed')
  }

  #finish(exchange: Exchange, outcome: 'completed' | 'failed' | 'cancelled' = 'completed'): void {
    const talk = this.#talk
    const { permit, analysis, prepared } = exchange
    this.#tally(exchange)
    this.#finishSample(exchange)
    this.#phase = 'first'
    this.#plan = undefined
    this.#preparing = undefined
    talk.exchange = undefined
    if (permit !== undefined && (this.#warned || exchange.errorCode !== undefined))
      this.#reports.noted(permit)
    this.#warned = false
    this.#diagnostics = false
    if (permit !== undefined && exchange.kind !== 'prepare') {
      this.#reports.ran(permit)
      if (maySilence(exchange)) talk.retrack = true
    }
    if (analysis !== undefined && exchange.kind === 'result') {
      // Of a text that ends in an error the statements before that one ran.
      talk.parts.builder.ran(analysis, exchange.text, outcome === 'completed' && exchange.isPlain)
      talk.forgetChanged(exchange)
      talk.closeDefinitions()
    }
    if (exchange.kind === 'fetch' && prepared !== undefined) this.#fetched(exchange, prepared)
    else if (prepared?.cursor === undefined) talk.complete(exchange, outcome)
    if (!talk.inTransaction) this.#reports.transactionEnded()
    exchange.onAnswer?.(outcome === 'completed')
    this.#answered()
  }

  // ——— cursors ———

  #openCursor(exchange: Exchange): void {
    const { prepared, permit } = exchange
    if (prepared === undefined || permit === undefined || this.#plan === undefined) return
    prepared.cursor = {
      permit,
      definitions: this.#definitions,
      plan: this.#plan,
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

  #tally(exchange: Exchange): void {
    if (this.#plan !== undefined) exchange.masked = this.#plan.tally(exchange.masked)
  }

  #finishSample(exchange: Exchange): void {
    const sample = this.#sample
    this.#sample = undefined
    if (sample !== undefined && exchange.permit !== undefined)
      this.#talk.parts.session.recordAnswer(exchange.permit, sample)
  }

  // ——— what the server tells of its session ———

  /** False: the session is over, for its texts no longer mean what we read. */
  #heard({ status: flags, changes }: Ok): boolean {
    const talk = this.#talk
    talk.flags = flags
    const { builder } = talk.parts
    const modes = flags & status.noBackslashEscapes
    const quotes = builder.reading.flavour === 'mariadb' ? flags & status.ansiQuotes : 0
    if (modes !== 0 || quotes !== 0) return this.#turned('sql_mode')
    for (const change of changes) {
      if (change.kind === 'schema')
        builder.reading = {
          ...builder.reading,
          database: change.name === '' ? undefined : change.name,
        }
      else if (!keeps(change)) return this.#turned(change.name)
    }
    return true
  }

  #turned(name: string): false {
    this.#talk.parts.end(
      'failed',
      new AccessDenied(
        'setting_refused',
        `${name} was changed; the session cannot be judged any more`,
      ),
    )
    return false
  }

  // ——— to the client ———

  #quiet(ok: Ok): number {
    return ok.status & ~status.moreResults
  }

  #say(exchange: Exchange, payload: Uint8Array): void {
    if (!exchange.hidden && !exchange.limited) this.#talk.say(payload)
  }

  /** A payload as it came, under the client's next number. */
  #pass(bytes: Buffer, from: number, to: number, framed: boolean): void {
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

/** Its own words, or code that it ran, may have changed what the server tells of the session. */
function maySilence({ analysis, permit }: Exchange): boolean {
  if (analysis?.statements.some(({ settings }) => settings.some(isTracking)) === true) return true
  return (
    permit?.statement.operations.some(
      ({ flags }) => flags.includes('indirect') || flags.includes('dynamic'),
    ) === true
  )
}

/** Settings of what the server tells. */
export function isTracking({ name }: { readonly name: string }): boolean {
  return name.startsWith('session_track_')
}

function countOf(bytes: Buffer, from: number, to: number): number | null {
  const reader = new PayloadReader(bytes, from, to)
  try {
    const count = reader.count()
    return reader.remaining === 0 ? count : null
  } catch {
    // Safe: no count, no answer.
    return null
  }
}

function keeps(change: StateChange & { kind: 'variable' }): boolean {
  const value = change.value.toLowerCase()
  switch (change.name) {
    case 'sql_mode':
      return keepsReading(change.value)
    case 'character_set_client':
    case 'character_set_connection':
      return value === 'utf8mb4' || value === 'utf8mb3' || value === 'utf8'
    case 'character_set_results':
      // (`binary`, or NULL: each column in its own set, as dumps ask for; `columns` knows which of them are no text to us.)
      return ['utf8mb4', 'utf8mb3', 'utf8', 'binary', ''].includes(value)
    default:
      return true
  }
}
