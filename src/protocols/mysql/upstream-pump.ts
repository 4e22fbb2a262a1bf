// The server's leg: cuts packets and holds each against the answer that is owed. The server is not trusted: what does
// not fit ends the session, and nothing of it goes out. Packets are numbered anew, in place.
import { Feed, type FrameReader } from '#engines/wire'
import { UpstreamError } from '#model'
import { Answer } from './answer.ts'
import { AnswerEnds } from './answer-ends.ts'
import { AnswerRows } from './answer-rows.ts'
import { readColumnDefinition } from './columns.ts'
import type { Conversation } from './conversation.ts'
import type { Exchange } from './exchange.ts'
import type { FileIn } from './file-in.ts'
import { readError } from './messages.ts'
import { status } from './numbers.ts'
import { FULL, HEADER, packetFrames, payloadLength } from './packets.ts'
import { PayloadReader } from './payload.ts'
import type { Cursor, Prepared } from './prepared.ts'
import { Reports } from './reports.ts'
import { describedBefore, keepDescribed, Shape } from './shape.ts'
import { ToClient } from './to-client.ts'

const MOST_COLUMNS = 4096

export class UpstreamPump implements FrameReader {
  readonly #talk: Conversation
  readonly #feed: Feed
  readonly #answer = new Answer()
  readonly #out: ToClient
  readonly #rows: AnswerRows
  readonly #ends: AnswerEnds
  readonly #file: FileIn
  #parts: Buffer[] = []
  /** Where the description under way begins, while it goes out as it came. */
  #describedIn: Buffer | undefined
  #describedFrom = 0
  #partBytes = 0

  /** `answered`: what was owed is there whole. */
  constructor(talk: Conversation, file: FileIn, answered: () => void) {
    this.#talk = talk
    this.#file = file
    this.#feed = new Feed(this, packetFrames)
    const reports = new Reports()
    this.#out = new ToClient(talk)
    this.#rows = new AnswerRows(talk, this.#answer, reports, this.#out)
    this.#ends = new AnswerEnds(talk, this.#answer, this.#rows, reports, this.#out, answered)
  }

  /** A FETCH's rows are those of its cursor. */
  expectRowsOf(cursor: Cursor): void {
    this.#rows.expect(cursor)
  }

  /** The chunk is ours. The caller flushes. */
  receive(chunk: Buffer): void {
    this.#feed.push(chunk)
  }

  expectPrepared(prepared: Prepared): void {
    this.#answer.preparing = prepared
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
      if (this.#file.open) {
        this.#file.interrupted(bytes, at + HEADER, next)
        return end
      }
      if (this.#answer.phase === 'first') {
        const past = this.#describedBefore(exchange, bytes, at, end)
        if (past > at) {
          at = past
          continue
        }
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
      this.#ends.error(exchange, bytes, from, to)
      return
    }
    switch (this.#answer.phase) {
      case 'first':
        this.#first(exchange, bytes, from, to, framed)
        return
      case 'parameters':
      case 'columns':
        this.#definition(exchange, bytes, from, to, framed)
        return
      case 'defined':
      case 'rows':
        if (bytes[from] === 0xfe && to - from < FULL)
          this.#ends.endOfRows(exchange, bytes, from, to)
        else this.#rows.row(exchange, bytes, from, to, framed)
    }
  }

  #first(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const head = bytes[from] as number
    const { kind } = exchange
    // (No error: the server has read the values, and their types.)
    if (kind === 'result' && exchange.prepared !== undefined) exchange.prepared.typesKept = true
    if (kind === 'prepare') {
      if (head === 0x00) this.#prepareOk(exchange, bytes, from, to, framed)
      else talk.distrust('an answer out of turn')
      return
    }
    if (kind === 'fields') {
      if (head === 0xfe && to - from < FULL) this.#ends.endOfFields(exchange, bytes, from, to)
      else if (readColumnDefinition(bytes, from, to) === undefined)
        talk.distrust('a malformed description')
      else this.#out.pass(bytes, from, to, framed)
      return
    }
    if (kind === 'end' ? head === 0xfe || head === 0x00 : head === 0x00) {
      this.#ends.ok(exchange, bytes, from, to)
      return
    }
    if (kind !== 'result') {
      talk.distrust('an answer out of turn')
      return
    }
    if (head === 0xfb) {
      if (!this.#file.ask(exchange, bytes, from + 1, to))
        talk.distrust('a request for a file of the client')
      return
    }
    const count = countOf(bytes, from, to)
    if (count === null || count < 1 || count > MOST_COLUMNS) {
      talk.distrust('an impossible answer')
      return
    }
    if (exchange.permit === undefined || exchange.guard !== undefined) {
      talk.distrust('rows that nobody asked for')
      return
    }
    this.#answer.format = exchange.prepared === undefined ? 'text' : 'binary'
    this.#answer.begin('columns', count)
    const asIs = framed && bytes[from - 1] === (talk.sequence & 0xff)
    this.#describedIn = asIs && !exchange.limited ? bytes : undefined
    this.#describedFrom = from - HEADER
    this.#out.pass(bytes, from, to, framed)
  }

  #prepareOk(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const prepared = this.#answer.preparing
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
    this.#answer.preparing = { ...prepared, id, parameters }
    if (bytes.readUInt16LE(from + 10) > 0) this.#answer.warned = true
    this.#out.pass(bytes, from, to, framed)
    this.#answer.columnsAfter = columns
    if (parameters > 0) this.#answer.begin('parameters', parameters)
    else if (columns > 0) this.#answer.begin('columns', columns)
    else this.#prepareDone(exchange)
  }

  #prepareDone(exchange: Exchange): void {
    const prepared = this.#answer.preparing
    if (prepared !== undefined) {
      this.#talk.prepared.set(prepared.id, prepared)
      this.#talk.lastPrepared = prepared.id
    }
    this.#ends.finish(exchange)
  }

  #definition(exchange: Exchange, bytes: Buffer, from: number, to: number, framed: boolean): void {
    const talk = this.#talk
    const definition = readColumnDefinition(bytes, from, to)
    if (definition === undefined) {
      talk.distrust('a malformed description')
      return
    }
    this.#answer.definitions.push(definition)
    if (!exchange.limited) this.#out.pass(bytes, from, to, framed)
    this.#answer.left -= 1
    if (this.#answer.left > 0) return
    if (exchange.kind === 'prepare') {
      this.#out.eof(exchange, 0, talk.flags & ~status.moreResults)
      if (this.#answer.phase === 'parameters' && this.#answer.columnsAfter > 0)
        this.#answer.begin('columns', this.#answer.columnsAfter)
      else this.#prepareDone(exchange)
      return
    }
    const shape = new Shape(this.#answer.definitions)
    const { statement } = exchange
    // All in one chunk, so that it stands there as one.
    if (this.#describedIn === bytes && framed && statement !== undefined)
      keepDescribed(statement, bytes, this.#describedFrom, to, shape)
    this.#describedIn = undefined
    this.#defined(exchange, shape)
  }

  #defined(exchange: Exchange, shape: Shape): void {
    this.#rows.plan(exchange, shape)
    this.#answer.phase = 'defined'
  }

  /** Takes a description that this statement had before, byte for byte; where it ends, or `at` when there is none. */
  #describedBefore(exchange: Exchange, bytes: Buffer, at: number, end: number): number {
    const { kind, permit, statement } = exchange
    if (kind !== 'result' || permit === undefined || statement === undefined) return at
    if (exchange.limited || exchange.hidden) return at
    const known = this.#parts.length > 0 ? undefined : describedBefore(statement)
    if (known === undefined) return at
    const talk = this.#talk
    const past = at + known.bytes.length
    // Numbered as it was, on both legs.
    const number = known.bytes[3]
    if (number !== (talk.expected & 0xff) || number !== (talk.sequence & 0xff)) return at
    if (past > end || known.bytes.compare(bytes, at, past) !== 0) return at
    const count = known.shape.definitions.length + 1
    talk.expected += count
    talk.sequence += count
    talk.parts.toClient.pass(bytes, at, past)
    if (exchange.prepared !== undefined) exchange.prepared.typesKept = true
    this.#answer.format = exchange.prepared === undefined ? 'text' : 'binary'
    this.#defined(exchange, known.shape)
    return past
  }
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
