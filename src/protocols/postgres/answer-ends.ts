// How answers end: CommandComplete, PortalSuspended, ErrorResponse, ReadyForQuery. What the session knows of
// the upstream (transaction, settings, names, definitions) changes here and only here.
import type { DefinedNames } from '#engines/sql'
import type { AnswerCopy } from './answer-copy.ts'
import type { AnswerRows } from './answer-rows.ts'
import type { Conversation } from './conversation.ts'
import { definedNames, joinedNames } from './defined-names.ts'
import { denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { HEADER } from './feed.ts'
import { fieldOf, isFatal, readMessageFields } from './fields.ts'
import { rowsOfTag } from './guard.ts'
import type { Reports } from './reports.ts'
import { limitError, RowBounds } from './row-bounds.ts'
import { REASON_SETTING } from './scope.ts'

const STATUS = { 73: 'I', 84: 'T', 69: 'E' } as const

export class AnswerEnds {
  readonly #talk: Conversation
  readonly #rows: AnswerRows
  readonly #copy: AnswerCopy
  readonly #reports: Reports
  readonly #bounds: RowBounds
  #erred = false
  /** Names of relations that were defined anew in the transaction. */
  #defined: DefinedNames = []
  #catalogChanged = false
  /** True once the upstream said that it closes. */
  fatal = false

  constructor(talk: Conversation, rows: AnswerRows, copy: AnswerCopy, reports: Reports) {
    this.#talk = talk
    this.#rows = rows
    this.#copy = copy
    this.#reports = reports
    this.#bounds = new RowBounds(talk)
  }

  // (All answer false when the session is over.)

  commandComplete(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const { queue, parts } = talk
    const exchange = queue.head
    if (exchange?.kind !== 'query' && exchange?.kind !== 'execute')
      return talk.distrust('an answer out of turn')
    const rows = rowsOfTag(bytes, at + HEADER, end)
    const hadRows = this.#rows.plan !== undefined || this.#copy.under
    this.#copy.end(exchange)
    if (!hadRows) exchange.rows += rows
    this.#ran(exchange, bytes, at, end)
    exchange.index += 1
    if (exchange.guard !== undefined) exchange.guard.rows += rows
    if (exchange.kind === 'query') {
      if (exchange.guard !== undefined) exchange.guard.kept = Buffer.from(bytes.subarray(at, end))
      else if (!exchange.hidden && !exchange.limited) parts.toClient.pass(bytes, at, end)
      return true
    }
    if (talk.copyIn === 'expected') talk.copyIn = 'none'
    if (exchange.limited) return this.#bounds.endLimited(exchange)
    queue.shift()
    if (exchange.guard?.exceeded === true) {
      exchange.errorCode = '42501'
      talk.complete(exchange, 'failed')
      this.#bounds.failPipeline(denial(exchange.guard.error()))
      return true
    }
    this.#reports.ran(exchange)
    talk.complete(exchange, 'completed')
    parts.toClient.pass(bytes, at, end)
    return true
  }

  portalSuspended(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const exchange = talk.queue.head
    const portal = exchange?.portal
    if (exchange?.kind !== 'execute' || portal === undefined)
      return talk.distrust('an answer out of turn')
    this.#copy.end(exchange)
    if (exchange.limited) return this.#bounds.endLimited(exchange)
    talk.queue.shift()
    exchange.done = true
    portal.rows += exchange.rows
    portal.bytes += exchange.bytes
    talk.suspended.add(portal)
    this.#reports.ran(exchange)
    talk.changed(exchange)
    talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  emptyQuery(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const exchange = talk.queue.head
    if (exchange?.kind !== 'query' && exchange?.kind !== 'execute')
      return talk.distrust('an answer out of turn')
    if (exchange.kind === 'execute') {
      talk.queue.shift()
      talk.complete(exchange, 'completed')
    }
    talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  error(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const { toClient } = talk.parts
    const fields = readMessageFields(bytes, at + HEADER, end)
    if (fields === undefined) return talk.distrust('a malformed error')
    const exchange = talk.queue.head
    if (exchange === undefined || isFatal(fields)) {
      this.fatal ||= isFatal(fields)
      this.#reports.pass('error', fields, exchange, bytes, at, end)
      return true
    }
    this.#erred = true
    this.#copy.end(exchange)
    exchange.failed = true
    exchange.errorCode = fieldOf(fields, 'C') ?? ''
    if (exchange.limited) {
      toClient.own(limitError())
      exchange.errorCode = '42501'
    } else if (exchange.refusal !== undefined) {
      toClient.own(exchange.refusal)
    } else if (!exchange.hidden || exchange.behind?.failed === false) {
      // (An error of a COMMIT of ours is the client's.)
      talk.doubts(exchange.behind ?? exchange)
      this.#reports.pass('error', fields, exchange.behind ?? exchange, bytes, at, end)
    }
    exchange.refusal = undefined
    if (talk.copyIn !== 'none') talk.copyIn = 'tail'
    // ReadyForQuery follows for these two.
    if (exchange.kind === 'query' || exchange.kind === 'sync') return true
    talk.queue.shift()
    this.#settle(exchange, false)
    talk.complete(exchange, 'failed')
    const synced = talk.queue.skipToSync(skipped => {
      this.#settle(skipped, false)
      talk.complete(skipped, 'cancelled')
    })
    if (!synced) talk.skipping = 'upstream'
    return true
  }

  readyForQuery(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const { queue, parts } = talk
    const status =
      end - at === HEADER + 1 ? STATUS[bytes[at + HEADER] as keyof typeof STATUS] : undefined
    const exchange = queue.head
    if (status === undefined || (exchange?.kind !== 'query' && exchange?.kind !== 'sync')) {
      return talk.distrust('ReadyForQuery out of turn')
    }
    // The upstream took what it must refuse: it is not what we think it is.
    if (exchange.refusal !== undefined && exchange.refusal.length > 0)
      return talk.distrust('an answer out of turn')
    this.#copy.end(exchange)
    talk.status = status
    if (exchange.kind === 'query' && talk.copyIn !== 'tail') talk.copyIn = 'none'
    queue.shift()
    this.#settle(exchange, true)
    this.#reports.ran(exchange)
    if (exchange.limited && !exchange.failed) {
      exchange.failed = true
      exchange.errorCode = '42501'
      parts.toClient.own(limitError())
    }
    if (this.#bounds.goesOn(exchange)) return true
    const { behind } = exchange
    if (behind !== undefined) {
      // COMMIT of ours failed, so what it was for did.
      behind.failed ||= exchange.failed
      behind.errorCode ??= exchange.errorCode
      if (!behind.failed && behind.guard?.kept !== undefined) parts.toClient.own(behind.guard.kept)
      talk.complete(behind, behind.failed ? 'failed' : 'completed')
    }
    talk.complete(exchange, exchange.failed ? 'failed' : 'completed')
    if (status === 'I') this.#outside()
    this.#erred = false
    if (!exchange.hidden || behind !== undefined) parts.toClient.pass(bytes, at, end)
    return true
  }

  /** A frame that only says that the one of this kind is done. */
  simple(
    kind: 'parse' | 'bind' | 'close' | 'describe',
    bytes: Buffer,
    at: number,
    end: number,
  ): boolean {
    const talk = this.#talk
    const { queue, parts } = talk
    const exchange = queue.head
    if (exchange?.kind !== kind || exchange.refusal !== undefined || end - at !== HEADER) {
      return talk.distrust('an answer out of turn')
    }
    queue.shift()
    this.#settle(exchange, true)
    talk.complete(exchange, 'completed')
    if (!exchange.hidden) parts.toClient.pass(bytes, at, end)
    return true
  }

  #settle(exchange: Exchange, succeeded: boolean): void {
    const { definition } = exchange
    if (definition === undefined) return
    const { names } = this.#talk.parts
    // Both tables hold what they made: the kind of the exchange says which.
    if (exchange.kind === 'bind') names.portals.settle(definition as never, succeeded)
    else if (exchange.kind === 'close') {
      names.prepared.settle(definition as never, succeeded)
      names.portals.settle(definition as never, succeeded)
    } else names.prepared.settle(definition as never, succeeded)
  }

  /** What the session knows changes with what has run. The frame is its CommandComplete. */
  #ran(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    const { statement, text, segment } = exchange
    if (statement === undefined) return
    const { builder, scope, names, session } = this.#talk.parts
    const effective = builder.effective(statement, segment)
    if (effective.settings.length > 0 || statement.transaction !== undefined) scope.ran(effective)
    if (builder.turns(exchange.analysis)) scope.lose()
    for (const { name, value } of effective.settings) {
      if (name === REASON_SETTING) session.justify(value ?? '')
    }
    names.ran(statement, text, scope.key, exchange.judgedAt)
    if (effective.changesCatalog) {
      this.#noteDefined(definedNames(effective))
      this.#talk.redefined.note(effective)
    }
    const byCode = builder.defines(exchange.analysis)
    if (byCode.length > 0) {
      this.#noteDefined(byCode)
      this.#talk.redefined.noteNames('all')
    }
    const { transaction } = statement
    if (
      transaction === 'commit' ||
      transaction === 'rollback' ||
      transaction === 'prepare_transaction'
    ) {
      scope.transactionEnded(bytes.toString('latin1', at + HEADER, end - 1) === 'COMMIT')
      this.#talk.meaning += 1
    }
  }

  #noteDefined(names: DefinedNames): void {
    this.#catalogChanged = true
    this.#defined = joinedNames(this.#defined, names)
    this.#talk.catalogDirty = true
  }

  /** No transaction is open upstream. */
  #outside(): void {
    const talk = this.#talk
    const { names, scope, catalog } = talk.parts
    talk.completeSuspended()
    this.#reports.transactionEnded()
    names.transactionEnded()
    // What was set in it, or made, may be undone; temporary tables may go with it.
    if (scope.dirty || talk.catalogDirty) talk.meaning += 1
    scope.transactionEnded(!this.#erred)
    // (What was sent behind it may go on defining.)
    const settled = talk.changes === 0
    if (!this.#catalogChanged) {
      if (settled) talk.parts.definitions.end()
      return
    }
    this.#catalogChanged = false
    catalog.invalidate(this.#defined)
    if (settled) talk.parts.definitions.end()
    this.#defined = []
    talk.catalogReadings += 1
    const done = (): void => {
      talk.catalogReadings -= 1
      talk.parts.wake()
    }
    catalog.refresh().then(
      () => {
        if (!this.#catalogChanged) {
          talk.catalogDirty = false
          talk.redefined.clear()
        }
        done()
      },
      () => {
        // Safe: until it is read again, views count as anything.
        this.#catalogChanged = true
        done()
      },
    )
  }
}
