// The upstream's leg: says what each answer belongs to, rewrites rows on the way to the client, and keeps what
// the session knows of the upstream (transaction, names, settings). The upstream is not trusted: what does
// not fit ends the session, and nothing of it goes out.

import type { Permit } from '#gateway'
import type { GatewayError } from '#model'
import { AccessDenied, UpstreamError } from '#model'
import { AnswerSample } from './answer-sample.ts'
import type { Conversation } from './conversation.ts'
import type { CopyOut } from './copy-out.ts'
import { denial } from './denial.ts'
import { Exchange } from './exchange.ts'
import { Feed, type FrameReader, HEADER, lengthAt } from './feed.ts'
import { fieldOf, isFatal, readMessageFields, scrubFields } from './fields.ts'
import { rowsOfTag } from './guard.ts'
import { B, type MessageFields } from './messages.ts'
import { rewriteRow } from './rewrite.ts'
import { RowPlan } from './row-plan.ts'
import { REASON_SETTING } from './scope.ts'
import { readFields, Shape } from './shape.ts'
import { commit, failingParse, failingQuery, rollback } from './stand-ins.ts'

/** PostgreSQL's own bound of a message (PQ_LARGE_MESSAGE_LIMIT). */
const LARGEST = 0x3fffffff
/** Rows above this pass in pieces when nothing in them is rewritten. */
const STREAMED = 256 << 10

const STATUS = { 73: 'I', 84: 'T', 69: 'E' } as const

export class UpstreamPump implements FrameReader {
  readonly #talk: Conversation
  readonly #feed: Feed
  readonly #pauseFor: (work: Promise<void>) => void
  /** Notices for the client that wait for a border of frames. */
  readonly #notices: Uint8Array[] = []
  #streaming = 0
  #dropping = false
  #plan: RowPlan | undefined
  #copy: CopyOut | 'pass' | undefined
  #rewriteCopy = false
  #sample: AnswerSample | undefined
  #lastPermit: Permit | undefined
  #erred = false
  #catalogChanged = false
  /** Tables that the catalog did not know even after it was read again, by its version. */
  readonly #missing = new Map<number, number>()
  /** True once the upstream said that it closes. */
  fatal = false

  /** `pauseFor`: stop reading the upstream until the work is done, then call `resume`. */
  constructor(talk: Conversation, pauseFor: (work: Promise<void>) => void) {
    this.#talk = talk
    this.#feed = new Feed(this)
    this.#pauseFor = pauseFor
  }

  /** True while the client is in the middle of a message: nothing of ours may come between. */
  get midFrame(): boolean {
    return this.#streaming > 0 && !this.#dropping
  }

  /** The chunk is ours. The caller flushes. */
  receive(chunk: Buffer): void {
    this.#feed.push(chunk)
  }

  resume(): void {
    this.#feed.resume()
  }

  /** A message for the client that belongs to no answer. */
  say(notice: Uint8Array): void {
    if (this.midFrame) this.#notices.push(notice)
    else this.#talk.parts.toClient.own(notice)
  }

  read(bytes: Buffer, at: number, end: number): number {
    const talk = this.#talk
    while (!talk.ended) {
      if (this.#streaming > 0) {
        const to = Math.min(end, at + this.#streaming)
        if (!this.#dropping) talk.parts.toClient.pass(bytes, at, to)
        this.#streaming -= to - at
        at = to
        if (this.#streaming === 0) this.#sayNotices()
      }
      if (end - at < HEADER) return at
      const type = bytes[at] as number
      const length = lengthAt(bytes, at)
      const next = at + 1 + length
      if (length < 4 || length > LARGEST) return this.#breach('an impossible length', end)
      if (next > end) {
        if (!this.#mayStream(type, length)) {
          if (length < talk.parts.messageBytes) return at
          return this.#breach(`a message larger than ${talk.parts.messageBytes} bytes`, end)
        }
        this.#streaming = next - end
        this.#countRow(length + 1)
        if (!this.#dropping) talk.parts.toClient.pass(bytes, at, end)
        return end
      }
      if (!this.#frame(type, bytes, at, next)) return talk.ended ? end : at
      at = next
      if (this.#feed.blocked) return at
    }
    return end
  }

  /** False: it must wait (the catalog is read), or the session is over. */
  #frame(type: number, bytes: Buffer, at: number, end: number): boolean {
    switch (type) {
      case B.dataRow:
        return this.#dataRow(bytes, at, end)
      case B.commandComplete:
        return this.#commandComplete(bytes, at, end)
      case B.readyForQuery:
        return this.#readyForQuery(bytes, at, end)
      case B.rowDescription:
        return this.#rowDescription(bytes, at, end)
      case B.parseComplete:
        return this.#simple('parse', bytes, at, end)
      case B.bindComplete:
        return this.#simple('bind', bytes, at, end)
      case B.closeComplete:
        return this.#simple('close', bytes, at, end)
      case B.noData:
        return this.#simple('describe', bytes, at, end)
      case B.parameterDescription:
        return this.#parameterDescription(bytes, at, end)
      case B.portalSuspended:
        return this.#portalSuspended(bytes, at, end)
      case B.emptyQueryResponse:
        return this.#emptyQuery(bytes, at, end)
      case B.errorResponse:
        return this.#error(bytes, at, end)
      case B.noticeResponse:
        return this.#notice(bytes, at, end)
      case B.parameterStatus:
        return this.#parameterStatus(bytes, at, end)
      case B.notificationResponse:
        this.#talk.parts.toClient.pass(bytes, at, end)
        return true
      case B.copyInResponse:
        return this.#copyIn(bytes, at, end)
      case B.copyOutResponse:
        return this.#copyOut(bytes, at, end)
      case B.copyData:
        return this.#copyData(bytes, at, end)
      case B.copyDone:
        return this.#copyDone(bytes, at, end)
      default:
        return this.#refuse('a message of a type that has no place here')
    }
  }

  // ——— rows ———

  #dataRow(bytes: Buffer, at: number, end: number): boolean {
    const exchange = this.#talk.queue.head
    if (exchange === undefined) return this.#refuse('a row that nobody asked for')
    const plan = this.#plan ?? this.#planOfPortal(exchange)
    if (plan === undefined) return this.#refuse('a row without a description')
    if (this.#over(exchange, end - at)) return true
    const { toClient } = this.#talk.parts
    if (plan.untouched) {
      toClient.pass(bytes, at, end)
      exchange.bytes += end - at
      if (this.#sample !== undefined) this.#keep(this.#sample, bytes, at, end)
      return true
    }
    let from: number
    try {
      from = rewriteRow(bytes, at, end, plan, toClient)
    } catch (error) {
      // Safe: nothing of the row was written; a row that we do not understand ends the session.
      if (!(error instanceof UpstreamError)) throw error
      return this.#refuse('a row that does not hold what it says')
    }
    if (from < 0) {
      toClient.pass(bytes, at, end)
      exchange.bytes += end - at
      if (this.#sample !== undefined) this.#keep(this.#sample, bytes, at, end)
    } else {
      exchange.bytes += toClient.position - from
      if (this.#sample !== undefined)
        this.#keep(this.#sample, toClient.slab, from, toClient.position)
    }
    return true
  }

  /** Counts one more row; true when it and all that follows must not go out. */
  #over(exchange: Exchange, bytes: number): boolean {
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

  #planOfPortal(exchange: Exchange): RowPlan | undefined {
    const { portal, permit, kind } = exchange
    if (kind !== 'execute' || portal === undefined || permit === undefined) return undefined
    const shape = portal.shape ?? portal.prepared.shape
    if (shape === undefined) return undefined
    this.#beginRows(shape, permit, portal.resultFormats)
    return this.#plan
  }

  #beginRows(shape: Shape, permit: Permit, formats: readonly number[] | undefined): void {
    const { session, catalog } = this.#talk.parts
    this.#plan = new RowPlan(
      shape.plans(permit, catalog, session.dataClasses, formats, this.#talk.catalogDirty),
    )
    const { recording } = session.resource
    if (recording.keep !== 'answers' || recording.answerBytes <= 0) return
    this.#sample = new AnswerSample(
      recording.answerBytes,
      shape.fields.map(({ name }) => name),
      shape.fields.map(
        (field, index) =>
          shape.format(index, formats) === 1 && catalog.textForm(field.typeOid) !== 'whole',
      ),
    )
  }

  #keep(sample: AnswerSample, bytes: Buffer, from: number, to: number): void {
    if (!sample.add(bytes, from, to)) this.#finishSample()
  }

  /** The rows of one statement are over. */
  #endRows(exchange: Exchange): void {
    const plan = this.#plan ?? (this.#copy instanceof Object ? this.#copy.plan : undefined)
    if (plan !== undefined) exchange.masked = plan.tally(exchange.masked)
    this.#finishSample()
    this.#plan = undefined
    this.#copy = undefined
  }

  #finishSample(): void {
    const sample = this.#sample
    const permit = this.#talk.queue.head?.permit
    this.#sample = undefined
    if (sample !== undefined && permit !== undefined) {
      this.#talk.parts.session.recordAnswer(permit, sample.finish())
    }
  }

  #mayStream(type: number, length: number): boolean {
    if (type !== B.dataRow && type !== B.copyData) return false
    const exchange = this.#talk.queue.head
    if (exchange?.limited === true) {
      this.#dropping = true
      return true
    }
    if (length < STREAMED || exchange === undefined || exchange.permit?.limit.bytes !== undefined)
      return false
    this.#dropping = false
    if (type === B.copyData) return this.#copy !== undefined && !this.#rewriteCopy
    const plan = this.#plan ?? this.#planOfPortal(exchange)
    if (plan?.untouched !== true || this.#over(exchange, 0)) return false
    return true
  }

  #countRow(bytes: number): void {
    const exchange = this.#talk.queue.head
    if (exchange !== undefined && !this.#dropping) exchange.bytes += bytes
    if (this.#sample !== undefined) {
      this.#sample.truncated = true
      this.#finishSample()
    }
  }

  // ——— what answers one frame ———

  #simple(
    kind: 'parse' | 'bind' | 'close' | 'describe',
    bytes: Buffer,
    at: number,
    end: number,
  ): boolean {
    const { queue, parts } = this.#talk
    const exchange = queue.head
    if (exchange?.kind !== kind || exchange.refusal !== undefined || end - at !== HEADER) {
      return this.#refuse('an answer out of turn')
    }
    queue.shift()
    this.#settle(exchange, true)
    this.#talk.complete(exchange, 'completed')
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

  #parameterDescription(bytes: Buffer, at: number, end: number): boolean {
    const exchange = this.#talk.queue.head
    if (exchange?.kind !== 'describe') return this.#refuse('an answer out of turn')
    const count = end - at >= HEADER + 2 ? bytes.readUInt16BE(at + HEADER) : -1
    if (end - at !== HEADER + 2 + count * 4) return this.#refuse('a malformed description')
    if (exchange.prepared !== undefined) {
      exchange.prepared.parameterTypes = Array.from({ length: count }, (_, index) =>
        bytes.readUInt32BE(at + HEADER + 2 + index * 4),
      )
    }
    this.#talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  #rowDescription(bytes: Buffer, at: number, end: number): boolean {
    const { queue, parts } = this.#talk
    const exchange = queue.head
    if (exchange?.kind !== 'query' && exchange?.kind !== 'describe')
      return this.#refuse('an answer out of turn')
    const fields = readFields(bytes, at + HEADER, end)
    if (fields === undefined) return this.#refuse('a malformed description')
    const prepared = exchange.prepared ?? exchange.portal?.prepared
    const statement =
      exchange.kind === 'query' ? exchange.statement : prepared?.analysis.statements[0]
    const effective =
      statement === undefined ? undefined : parts.builder.effective(statement, exchange.segment)
    const shape = new Shape(fields, effective?.outputs ?? 'unknown')
    if (this.#mustRefresh(shape)) return false
    if (exchange.kind === 'query') {
      if (exchange.permit === undefined) return this.#refuse('rows that nobody asked for')
      this.#beginRows(shape, exchange.permit, undefined)
      if (exchange.limited) return true
    } else {
      if (exchange.portal !== undefined) exchange.portal.shape = shape
      else if (exchange.prepared !== undefined) exchange.prepared.shape = shape
      queue.shift()
      this.#talk.complete(exchange, 'completed')
    }
    if (!exchange.hidden) parts.toClient.pass(bytes, at, end)
    return true
  }

  /** Reads the catalog again for tables that it does not know, once for each; true while that runs. */
  #mustRefresh(shape: Shape): boolean {
    const { catalog, session } = this.#talk.parts
    if (session.dataClasses.length === 0 || !shape.unknownTo(catalog)) return false
    const unknown = shape.fields.filter(
      ({ tableOid, attnum }) =>
        tableOid !== 0 && attnum > 0 && catalog.column(tableOid, attnum) === undefined,
    )
    if (unknown.every(({ tableOid }) => this.#missing.get(tableOid) === catalog.version))
      return false
    const note = (): void => {
      if (this.#missing.size > 1_000) this.#missing.clear()
      for (const { tableOid } of unknown) this.#missing.set(tableOid, catalog.version)
    }
    this.#feed.blocked = true
    // Safe to go on after a failure: the columns then have an unknown origin, which is masked.
    this.#pauseFor(catalog.refresh().then(note, note))
    return true
  }

  #portalSuspended(bytes: Buffer, at: number, end: number): boolean {
    const { queue, parts, suspended } = this.#talk
    const exchange = queue.head
    const portal = exchange?.portal
    if (exchange?.kind !== 'execute' || portal === undefined)
      return this.#refuse('an answer out of turn')
    this.#endRows(exchange)
    if (exchange.limited) return this.#endLimited(exchange)
    queue.shift()
    exchange.done = true
    portal.rows += exchange.rows
    portal.bytes += exchange.bytes
    suspended.add(portal)
    if (exchange.changes) {
      exchange.changes = false
      this.#talk.changes -= 1
    }
    parts.toClient.pass(bytes, at, end)
    return true
  }

  #emptyQuery(bytes: Buffer, at: number, end: number): boolean {
    const { queue, parts } = this.#talk
    const exchange = queue.head
    if (exchange?.kind !== 'query' && exchange?.kind !== 'execute')
      return this.#refuse('an answer out of turn')
    if (exchange.kind === 'execute') {
      queue.shift()
      this.#talk.complete(exchange, 'completed')
    }
    parts.toClient.pass(bytes, at, end)
    return true
  }

  #commandComplete(bytes: Buffer, at: number, end: number): boolean {
    const { queue, parts } = this.#talk
    const exchange = queue.head
    if (exchange?.kind !== 'query' && exchange?.kind !== 'execute')
      return this.#refuse('an answer out of turn')
    const rows = rowsOfTag(bytes, at + HEADER, end)
    const hadRows = this.#plan !== undefined || this.#copy !== undefined
    this.#endRows(exchange)
    if (!hadRows) exchange.rows += rows
    this.#ran(exchange, bytes.toString('latin1', at + HEADER, end - 1))
    exchange.index += 1
    if (exchange.guard !== undefined) exchange.guard.rows += rows
    if (exchange.kind === 'query') {
      if (exchange.guard !== undefined) exchange.guard.kept = Buffer.from(bytes.subarray(at, end))
      else if (!exchange.hidden && !exchange.limited) parts.toClient.pass(bytes, at, end)
      return true
    }
    if (this.#talk.copyIn === 'expected') this.#talk.copyIn = 'none'
    if (exchange.limited) return this.#endLimited(exchange)
    queue.shift()
    if (exchange.guard?.exceeded === true) {
      exchange.errorCode = '42501'
      this.#talk.complete(exchange, 'failed')
      this.#failPipeline(denial(exchange.guard.error()))
      return true
    }
    this.#talk.complete(exchange, 'completed')
    parts.toClient.pass(bytes, at, end)
    return true
  }

  /** What the session knows changes with what has run. */
  #ran(exchange: Exchange, tag: string): void {
    const { statement, text, segment } = exchange
    if (statement === undefined) return
    const { builder, scope, names, session } = this.#talk.parts
    const effective = builder.effective(statement, segment)
    if (effective.settings.length > 0 || statement.transaction !== undefined) scope.ran(effective)
    for (const { name, value } of effective.settings) {
      if (name === REASON_SETTING) session.justify(value ?? '')
    }
    names.ran(statement, text)
    if (effective.changesCatalog) {
      this.#catalogChanged = true
      this.#talk.catalogDirty = true
    }
    const { transaction } = statement
    if (
      transaction === 'commit' ||
      transaction === 'rollback' ||
      transaction === 'prepare_transaction'
    ) {
      scope.transactionEnded(tag === 'COMMIT')
    }
  }

  // ——— errors and the end of an exchange ———

  #error(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const { toClient } = talk.parts
    const fields = readMessageFields(bytes, at + HEADER, end)
    if (fields === undefined) return this.#refuse('a malformed error')
    const exchange = talk.queue.head
    if (exchange === undefined || isFatal(fields)) {
      this.fatal ||= isFatal(fields)
      this.#report('error', fields, bytes, at, end)
      return true
    }
    this.#erred = true
    this.#endRows(exchange)
    exchange.failed = true
    exchange.errorCode = fieldOf(fields, 'C') ?? ''
    if (exchange.limited) {
      toClient.own(limitError())
      exchange.errorCode = '42501'
    } else if (exchange.refusal !== undefined) {
      toClient.own(exchange.refusal)
    } else if (!exchange.hidden || exchange.behind?.failed === false) {
      // (An error of a COMMIT of ours is the client's.)
      this.#report('error', fields, bytes, at, end)
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

  /** An error or a notice in the upstream's words, as far as this principal may read them. */
  #report(
    kind: 'error' | 'notice',
    fields: MessageFields,
    bytes: Buffer,
    at: number,
    end: number,
  ): void {
    const { toClient } = this.#talk.parts
    const head = this.#talk.queue.head
    const permit =
      head?.permit ??
      head?.portal?.permit ??
      head?.prepared?.permit ??
      head?.portal?.prepared.permit ??
      this.#lastPermit
    const scrubbed =
      permit === undefined ? undefined : scrubFields(kind, fields, text => permit.scrub(text))
    if (scrubbed === undefined) toClient.pass(bytes, at, end)
    else toClient.own(scrubbed)
  }

  #notice(bytes: Buffer, at: number, end: number): boolean {
    const fields = readMessageFields(bytes, at + HEADER, end)
    if (fields === undefined) return this.#refuse('a malformed notice')
    this.#report('notice', fields, bytes, at, end)
    return true
  }

  #readyForQuery(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const { queue, parts } = talk
    const status =
      end - at === HEADER + 1 ? STATUS[bytes[at + HEADER] as keyof typeof STATUS] : undefined
    const exchange = queue.head
    if (status === undefined || (exchange?.kind !== 'query' && exchange?.kind !== 'sync')) {
      return this.#refuse('ReadyForQuery out of turn')
    }
    // The upstream took what it must refuse: it is not what we think it is.
    if (exchange.refusal !== undefined && exchange.refusal.length > 0)
      return this.#refuse('an answer out of turn')
    this.#endRows(exchange)
    talk.status = status
    if (exchange.kind === 'query' && talk.copyIn !== 'tail') talk.copyIn = 'none'
    queue.shift()
    this.#settle(exchange, true)
    if (exchange.permit !== undefined) this.#lastPermit = exchange.permit
    if (exchange.limited && !exchange.failed) {
      exchange.failed = true
      exchange.errorCode = '42501'
      parts.toClient.own(limitError())
    }
    if (this.#goesOn(exchange)) return true
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

  /** No transaction is open upstream. */
  #outside(): void {
    const { names, scope, catalog } = this.#talk.parts
    this.#talk.completeSuspended()
    names.transactionEnded()
    scope.transactionEnded(!this.#erred)
    if (!this.#catalogChanged) return
    this.#catalogChanged = false
    catalog.invalidate()
    catalog.refresh().then(
      () => {
        if (!this.#catalogChanged) this.#talk.catalogDirty = false
      },
      () => {
        // Safe: until it is read again, views count as anything.
        this.#catalogChanged = true
      },
    )
  }

  // ——— bounds that were exceeded ———

  /** The answer of a limited Execute is over although it was cancelled: the pipeline must fail all the same. */
  #endLimited(exchange: Exchange): boolean {
    const talk = this.#talk
    talk.queue.shift()
    exchange.errorCode = '42501'
    const synced = [...talk.queue].some(({ kind }) => kind === 'sync')
    if (!synced) {
      talk.complete(exchange, 'failed')
      this.#failPipeline(limitError())
      return true
    }
    // Only its Sync was let through: nothing but reading is committed by it. The outcome waits for it.
    talk.parts.toClient.own(limitError())
    exchange.failed = true
    const sync = talk.queue.head
    if (sync !== undefined) {
      sync.limited = true
      sync.failed = true
      sync.behind = exchange
    }
    return true
  }

  /** Makes the upstream fail the open pipeline; the client sees `refusal` in place of its error. */
  #failPipeline(refusal: Uint8Array): void {
    const talk = this.#talk
    const exchange = new Exchange('parse')
    exchange.refusal = refusal
    talk.queue.push(exchange)
    talk.parts.toUpstream.own(failingParse)
    talk.skipping = 'upstream'
  }

  /**
   * Whether something of ours must still be answered before the client may hear that this is over: then its
   * ReadyForQuery takes the place of the one just read. The client pump waits meanwhile, so it is next in line.
   */
  #goesOn(exchange: Exchange): boolean {
    const { guard } = exchange
    const { toClient } = this.#talk.parts
    const inTransaction = this.#talk.status === 'T'
    if (guard === undefined) {
      if (!exchange.limited || !inTransaction) return false
      return this.#follow(exchange, failingQuery, new Uint8Array(0))
    }
    const exceeded = guard.exceeded && !exchange.failed
    if (exceeded) {
      exchange.failed = true
      exchange.errorCode = '42501'
      toClient.own(denial(guard.error()))
    }
    if (guard.own && this.#talk.status !== 'I') {
      return this.#follow(exchange, exchange.failed ? rollback : commit)
    }
    if (exceeded && inTransaction) return this.#follow(exchange, failingQuery, new Uint8Array(0))
    if (!exchange.failed && guard.kept !== undefined) toClient.own(guard.kept)
    return false
  }

  /** `refusal`: what the client sees of the error that is expected (nothing, when it is empty). */
  #follow(exchange: Exchange, text: Uint8Array, refusal?: Uint8Array): true {
    const next = new Exchange('query')
    next.behind = exchange.behind ?? exchange
    next.refusal = refusal
    next.hidden = true
    this.#talk.queue.pushFront(next)
    this.#talk.parts.toUpstream.own(text)
    return true
  }

  // ——— COPY ———

  #copyIn(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const exchange = talk.queue.head
    const { copyIn } = talk
    if (copyIn !== 'expected' || exchange?.statement?.copy?.to !== 'stdin')
      return this.#refuse('COPY that nobody asked for')
    talk.copyIn = 'open'
    talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  #copyOut(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const exchange = talk.queue.head
    const copy = exchange?.copies?.[exchange.index]
    if (copy === undefined || end - at < HEADER + 3)
      return this.#refuse('COPY that nobody asked for')
    try {
      this.#rewriteCopy = copy.begin(
        bytes[at + HEADER] as number,
        bytes.readInt16BE(at + HEADER + 1),
      )
    } catch (error) {
      // Safe: no row has gone out.
      if (!(error instanceof UpstreamError)) throw error
      return this.#refuse('COPY rows that cannot be masked')
    }
    this.#copy = copy
    const { recording } = talk.parts.session.resource
    if (recording.keep === 'answers' && recording.answerBytes > 0 && bytes[at + HEADER] === 0) {
      this.#sample = new AnswerSample(recording.answerBytes, [], [])
    }
    talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  #copyData(bytes: Buffer, at: number, end: number): boolean {
    const exchange = this.#talk.queue.head
    const copy = this.#copy
    if (exchange === undefined || copy === undefined || copy === 'pass')
      return this.#refuse('COPY data out of turn')
    if (this.#over(exchange, end - at)) return true
    const { toClient } = this.#talk.parts
    if (!this.#rewriteCopy) {
      toClient.pass(bytes, at, end)
      exchange.bytes += end - at
      if (this.#sample !== undefined) this.#keep(this.#sample, bytes, at, end)
      return true
    }
    try {
      copy.push(bytes, at + HEADER, end, toClient, from => this.#copied(exchange, from))
    } catch (error) {
      // Safe: a row that we do not understand was not written.
      if (!(error instanceof UpstreamError)) throw error
      return this.#refuse('COPY rows that cannot be masked')
    }
    return true
  }

  #copied(exchange: Exchange, from: number): void {
    const { toClient } = this.#talk.parts
    exchange.bytes += toClient.position - from
    if (this.#sample !== undefined) this.#keep(this.#sample, toClient.slab, from, toClient.position)
  }

  #copyDone(bytes: Buffer, at: number, end: number): boolean {
    const exchange = this.#talk.queue.head
    const copy = this.#copy
    if (exchange === undefined || copy === undefined || copy === 'pass')
      return this.#refuse('COPY data out of turn')
    if (exchange.limited) return true
    try {
      if (this.#rewriteCopy)
        copy.finish(this.#talk.parts.toClient, from => this.#copied(exchange, from))
    } catch (error) {
      // Safe: as above.
      if (!(error instanceof UpstreamError)) throw error
      return this.#refuse('COPY rows that cannot be masked')
    }
    this.#talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  // ——— the rest ———

  #parameterStatus(bytes: Buffer, at: number, end: number): boolean {
    const zero = bytes.indexOf(0, at + HEADER)
    if (zero < 0 || zero >= end || bytes[end - 1] !== 0)
      return this.#refuse('a malformed parameter status')
    const name = bytes.toString('utf8', at + HEADER, zero)
    const value = bytes.toString('utf8', zero + 1, end - 1)
    const { scope, toClient, end: endSession } = this.#talk.parts
    const pinned = PINNED.get(name)
    if (pinned !== undefined && pinned !== value.toLowerCase()) {
      endSession(
        'failed',
        new AccessDenied(
          'setting_refused',
          `${name} was changed; the session cannot be judged any more`,
        ),
      )
      return false
    }
    if (name === 'search_path') scope.reported(value)
    toClient.pass(bytes, at, end)
    return true
  }

  #sayNotices(): void {
    for (const notice of this.#notices.splice(0)) this.#talk.parts.toClient.own(notice)
  }

  #refuse(what: string): boolean {
    this.#talk.parts.end(
      'upstream_left',
      new UpstreamError('upstream_lost', `the database sent ${what}`) satisfies GatewayError,
    )
    return false
  }

  #breach(what: string, end: number): number {
    this.#refuse(what)
    return end
  }
}

/** What the analysis of texts rests on. */
const PINNED: ReadonlyMap<string, string> = new Map([
  ['client_encoding', 'utf8'],
  ['standard_conforming_strings', 'on'],
])

function limitError(): Uint8Array {
  return denial(
    new AccessDenied(
      'limit_exceeded',
      'the answer is longer than the policy allows; the rest was not sent',
    ),
  )
}
