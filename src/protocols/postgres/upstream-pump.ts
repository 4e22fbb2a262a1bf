// The upstream's leg: cuts frames and gives each to what knows its kind. The upstream is not trusted: what does
// not fit the answer that is owed ends the session, and nothing of it goes out.

import { performance } from 'node:perf_hooks'
import { Feed, type FrameReader } from '#engines/wire'
import { AccessDenied } from '#model'
import { AnswerCopy } from './answer-copy.ts'
import { AnswerEnds } from './answer-ends.ts'
import { AnswerRows } from './answer-rows.ts'
import type { Conversation } from './conversation.ts'
import { frames, HEADER, lengthAt } from './feed.ts'
import { readMessageFields } from './fields.ts'
import { B } from './messages.ts'
import { Reports } from './reports.ts'
import type { Shape } from './shape.ts'

/** PostgreSQL's own bound of a message (PQ_LARGE_MESSAGE_LIMIT). */
const LARGEST = 0x3fffffff

export class UpstreamPump implements FrameReader {
  readonly #talk: Conversation
  readonly #feed: Feed
  readonly #pauseFor: (work: Promise<void>) => void
  readonly #rows: AnswerRows
  readonly #copy: AnswerCopy
  readonly #ends: AnswerEnds
  readonly #reports: Reports
  /** Notices for the client that wait for a border of frames. */
  readonly #notices: Uint8Array[] = []
  #streaming = 0
  #dropping = false
  /** Tables that the catalog did not know even after it was read again, by its version. */
  readonly #missing = new Map<number, number>()

  /** `pauseFor`: stop reading the upstream until the work is done, then call `resume`. */
  constructor(talk: Conversation, pauseFor: (work: Promise<void>) => void) {
    this.#talk = talk
    this.#feed = new Feed(this, frames)
    this.#pauseFor = pauseFor
    this.#reports = new Reports(talk.parts.toClient)
    this.#rows = new AnswerRows(talk)
    this.#copy = new AnswerCopy(talk, this.#rows)
    this.#ends = new AnswerEnds(talk, this.#rows, this.#copy, this.#reports)
  }

  /** True while the client is in the middle of a message: nothing of ours may come between. */
  get midFrame(): boolean {
    return this.#streaming > 0 && !this.#dropping
  }

  /** True once the upstream said that it closes. */
  get fatal(): boolean {
    return this.#ends.fatal
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
      if (this.#streaming > 0) at = this.#stream(bytes, at, end)
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
        return this.#rows.row(bytes, at, end)
      case B.commandComplete:
        return this.#ends.commandComplete(bytes, at, end)
      case B.readyForQuery:
        return this.#ends.readyForQuery(bytes, at, end)
      case B.rowDescription:
        return this.#rowDescription(bytes, at, end)
      case B.parseComplete:
        return this.#ends.simple('parse', bytes, at, end)
      case B.bindComplete:
        return this.#ends.simple('bind', bytes, at, end)
      case B.closeComplete:
        return this.#ends.simple('close', bytes, at, end)
      case B.noData:
        return this.#ends.simple('describe', bytes, at, end)
      case B.parameterDescription:
        return this.#parameterDescription(bytes, at, end)
      case B.portalSuspended:
        return this.#ends.portalSuspended(bytes, at, end)
      case B.emptyQueryResponse:
        return this.#ends.emptyQuery(bytes, at, end)
      case B.errorResponse:
        return this.#ends.error(bytes, at, end)
      case B.noticeResponse:
        return this.#notice(bytes, at, end)
      case B.parameterStatus:
        return this.#parameterStatus(bytes, at, end)
      case B.notificationResponse:
        return (
          this.#reports.notification(bytes, at, end) ||
          this.#talk.distrust('a malformed notification')
        )
      case B.copyInResponse:
        return this.#copy.inResponse(bytes, at, end)
      case B.copyOutResponse:
        return this.#copy.outResponse(bytes, at, end)
      case B.copyData:
        return this.#copy.data(bytes, at, end)
      case B.copyDone:
        return this.#copy.done(bytes, at, end)
      default:
        return this.#talk.distrust('a message of a type that has no place here')
    }
  }

  // ——— descriptions ———

  #parameterDescription(bytes: Buffer, at: number, end: number): boolean {
    const exchange = this.#talk.queue.head
    if (exchange?.kind !== 'describe' || exchange.hidden)
      return this.#talk.distrust('an answer out of turn')
    const count = end - at >= HEADER + 2 ? bytes.readUInt16BE(at + HEADER) : -1
    if (end - at !== HEADER + 2 + count * 4) return this.#talk.distrust('a malformed description')
    if (exchange.prepared !== undefined) {
      exchange.prepared.parameterTypes = Array.from({ length: count }, (_, index) =>
        bytes.readUInt32BE(at + HEADER + 2 + index * 4),
      )
    }
    this.#talk.parts.toClient.pass(bytes, at, end)
    return true
  }

  #rowDescription(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const { queue, parts } = talk
    const exchange = queue.head
    if (exchange?.kind !== 'query' && exchange?.kind !== 'describe')
      return talk.distrust('an answer out of turn')
    const prepared = exchange.prepared ?? exchange.portal?.prepared
    const statement =
      exchange.kind === 'query' ? exchange.statement : prepared?.analysis.statements[0]
    const effective =
      statement === undefined ? undefined : parts.builder.effective(statement, exchange.segment)
    const shape = this.#rows.shapeOf(effective, bytes, at + HEADER, end)
    if (shape === undefined) return talk.distrust('a malformed description')
    if (this.#mustRefresh(shape)) return false
    if (exchange.kind === 'query') {
      if (exchange.permit === undefined) return talk.distrust('rows that nobody asked for')
      this.#rows.begin(shape, exchange.permit, undefined)
      if (exchange.limited) return true
    } else {
      if (exchange.portal !== undefined) exchange.portal.shape = shape
      // What a portal shows is what its statement shows, unless that is only a name for another one.
      if (prepared !== undefined && statement === effective) {
        prepared.shape = shape
        prepared.describedUnder = talk.meaning
        prepared.describedAt = performance.now()
      }
      queue.shift()
      talk.complete(exchange, 'completed')
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

  // ——— what belongs to no answer ———

  #notice(bytes: Buffer, at: number, end: number): boolean {
    const fields = readMessageFields(bytes, at + HEADER, end)
    if (fields === undefined) return this.#talk.distrust('a malformed notice')
    const { head } = this.#talk.queue
    if (head !== undefined) this.#talk.doubts(head)
    this.#reports.pass('notice', fields, head, bytes, at, end)
    return true
  }

  #parameterStatus(bytes: Buffer, at: number, end: number): boolean {
    const zero = bytes.indexOf(0, at + HEADER)
    if (zero < 0 || zero + 1 >= end || bytes.indexOf(0, zero + 1) !== end - 1)
      return this.#talk.distrust('a malformed parameter status')
    const name = bytes.toString('utf8', at + HEADER, zero)
    const value = bytes.toString('utf8', zero + 1, end - 1)
    const { scope, toClient, end: endSession } = this.#talk.parts
    const pinned = PINNED.get(name.toLowerCase())
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
    if (name === 'search_path') {
      scope.reported(value)
      this.#talk.meaning += 1
    }
    // A function may put any value into a setting that takes any text: the client then keeps what it was told before.
    const told = CHECKED.has(name) || this.#reports.mayShow(value, this.#talk.queue.head)
    if (told) toClient.pass(bytes, at, end)
    return true
  }

  // ——— rows that are longer than a chunk ———

  #stream(bytes: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#streaming)
    if (!this.#dropping) this.#talk.parts.toClient.pass(bytes, at, to)
    this.#streaming -= to - at
    if (this.#streaming === 0) this.#sayNotices()
    return to
  }

  #mayStream(type: number, length: number): boolean {
    if (type !== B.dataRow && type !== B.copyData) return false
    const exchange = this.#talk.queue.head
    if (exchange === undefined) return false
    const may =
      !exchange.limited &&
      (type === B.copyData
        ? this.#copy.mayStream(exchange, length)
        : this.#rows.mayStream(exchange, length))
    this.#dropping = exchange.limited
    if (may) this.#rows.streamed(exchange, length + 1)
    return may || exchange.limited
  }

  #sayNotices(): void {
    for (const notice of this.#notices.splice(0)) this.#talk.parts.toClient.own(notice)
  }

  #breach(what: string, end: number): number {
    this.#talk.distrust(what)
    return end
  }
}

/** Settings whose values the server checks: none of them holds a value of a table. */
const CHECKED: ReadonlySet<string> = new Set([
  'client_encoding',
  'DateStyle',
  'default_transaction_read_only',
  'in_hot_standby',
  'integer_datetimes',
  'IntervalStyle',
  'is_superuser',
  'scram_iterations',
  'server_encoding',
  'server_version',
  'session_authorization',
  'standard_conforming_strings',
  'TimeZone',
])

/** What the analysis of texts rests on. */
const PINNED: ReadonlyMap<string, string> = new Map([
  ['client_encoding', 'utf8'],
  ['standard_conforming_strings', 'on'],
])
