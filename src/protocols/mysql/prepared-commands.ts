// Commands of prepared statements: the shape is judged when it is prepared, what runs at each Execute, with its values.
import { AccessDenied, isGatewayError } from '#model'
import { type Command, textOf } from './command.ts'
import type { Conversation } from './conversation.ts'
import { Exchange } from './exchange.ts'
import type { Judge } from './judge.ts'
import { writeError } from './messages.ts'
import { command } from './numbers.ts'
import { PayloadReader } from './payload.ts'
import { dropLongData, keepLongData, type Prepared, readExecute, sendTypes } from './prepared.ts'
import type { Refusals } from './refusals.ts'
import type { Sending } from './sending.ts'
import type { UpstreamPump } from './upstream-pump.ts'

/** Prepared statements of one session: a server's own bound is for all sessions together. */
const MOST_PREPARED = 16_382
/** Their texts together, in characters. */
const MOST_PREPARED_TEXT = 64 << 20
const CURSOR = 0x01
const PREPARE_PREFIX = Buffer.from([command.stmtPrepare])

/** The statement that was prepared last, for clients that do not wait for its id (MariaDB's). */
const LAST_PREPARED = 0xffffffff

export class PreparedCommands {
  readonly #talk: Conversation
  readonly #judge: Judge
  readonly #refusals: Refusals
  readonly #sending: Sending
  readonly #upstream: UpstreamPump

  constructor(
    talk: Conversation,
    judge: Judge,
    refusals: Refusals,
    sending: Sending,
    upstream: UpstreamPump,
  ) {
    this.#talk = talk
    this.#judge = judge
    this.#refusals = refusals
    this.#sending = sending
    this.#upstream = upstream
  }

  prepare(one: Command): void {
    const text = textOf(one, 1)
    this.#talk.lastPrepared = undefined
    const { prepared } = this.#talk
    let length = text.length
    for (const each of prepared.values()) length += each.text.length
    if (prepared.size >= MOST_PREPARED || length > MOST_PREPARED_TEXT)
      throw new AccessDenied('too_many_requests', 'too many prepared statements are open')
    this.#judge.text(text, 'prepare', (permit, analysis) => {
      const exchange = new Exchange('prepare', permit, analysis, text)
      this.#upstream.expectPrepared({
        id: 0,
        text,
        analysis,
        database: this.#talk.parts.builder.reading.database,
        parameters: 0,
        types: [],
        typesKept: true,
        long: new Map(),
        cursor: undefined,
      })
      if (analysis.forward === text) this.#sending.forward(one, exchange)
      else this.#talk.ask(Buffer.concat([PREPARE_PREFIX, Buffer.from(analysis.forward)]), exchange)
    })
  }

  execute(one: Command): void {
    const body = new PayloadReader(one.bytes, one.from + 1, one.to)
    const prepared = this.#named(one, body)
    if (prepared === undefined) return
    this.#talk.closeCursor(prepared)
    const { flags, types, parameters } = readExecute(body, prepared)
    if ((flags & ~CURSOR) !== 0)
      throw new AccessDenied('message_unsupported', 'a cursor that scrolls or updates')
    const { analysis, text, database } = prepared
    const { builder } = this.#talk.parts
    const { inTransaction } = this.#talk
    this.#talk.judgedAt = this.#talk.parts.catalog.definitions.changes
    const statement = builder.build(analysis, text, {
      phase: 'execute',
      inTransaction,
      parameters,
      database,
    })
    this.#judge.authorize(statement, analysis, permit => {
      // As the server does, and only when it hears of it: it keeps values that were sent ahead until then.
      sendTypes(prepared, types)
      dropLongData(prepared, this.#talk)
      const exchange = new Exchange('result', permit, analysis, text)
      exchange.prepared = prepared
      this.#sending.forward(one, exchange)
    })
  }

  fetch(one: Command): void {
    const body = new PayloadReader(one.bytes, one.from + 1, one.to)
    const prepared = this.#named(one, body)
    if (prepared === undefined) return
    body.uint32()
    body.expectEnd()
    const { cursor } = prepared
    if (cursor === undefined) {
      this.#talk.say(writeError({ ...UNKNOWN, message: 'The statement has no open cursor' }))
      return
    }
    // What goes on under a permit is judged again when the rules have changed.
    const permit = cursor.permit.current
      ? cursor.permit
      : this.#talk.parts.session.renew(cursor.permit)
    if (permit === undefined || !cursor.permit.current) {
      this.#talk.closeCursor(prepared, 'failed')
      throw new AccessDenied('session_ended', 'the rules changed while rows were read: ask again')
    }
    const exchange = new Exchange('fetch', permit)
    exchange.prepared = prepared
    exchange.masked = cursor.masked
    this.#sending.forward(one, exchange)
    this.#upstream.expectRowsOf(cursor)
  }

  /** No answer is owed: one that cannot be kept is heard of by the Execute. */
  longData(one: Command): void {
    const body = new PayloadReader(one.bytes, one.from + 1, one.to)
    const prepared = this.#talk.prepared.get(body.uint32())
    const index = body.uint16()
    if (prepared === undefined) return
    try {
      keepLongData(prepared, index, body.rest(), this.#talk)
    } catch (error) {
      // Not safe to go on: the server would have other values than those that are judged.
      if (isGatewayError(error)) this.#refusals.violation(error, 0)
      else throw error
      return
    }
    this.#sending.send(one)
  }

  reset(one: Command): void {
    const prepared = this.#named(one, new PayloadReader(one.bytes, one.from + 1, one.to))
    if (prepared === undefined) return
    dropLongData(prepared, this.#talk)
    this.#talk.closeCursor(prepared)
    this.#sending.forward(one, new Exchange('plain'))
  }

  close(one: Command): void {
    const id = new PayloadReader(one.bytes, one.from + 1, one.to).uint32()
    const prepared = this.#talk.prepared.get(id)
    if (prepared === undefined) return
    dropLongData(prepared, this.#talk)
    this.#talk.closeCursor(prepared)
    this.#talk.prepared.delete(id)
    if (this.#talk.lastPrepared === id) this.#talk.lastPrepared = undefined
    this.#sending.send(one)
  }

  /** Undefined: the client was told that there is none. */
  #named({ bytes, from }: Command, body: PayloadReader): Prepared | undefined {
    const id = body.uint32()
    const { lastPrepared } = this.#talk
    const prepared = this.#talk.prepared.get(id === LAST_PREPARED ? (lastPrepared ?? -1) : id)
    if (prepared === undefined)
      this.#talk.say(writeError({ ...UNKNOWN, message: 'Unknown prepared statement handler' }))
    // It goes on by its own id: not every server knows the other name.
    else if (id === LAST_PREPARED) bytes.writeUInt32LE(prepared.id, from + 1)
    return prepared
  }
}

const NO_SUCH_STATEMENT = 1243
const UNKNOWN = { code: NO_SUCH_STATEMENT, state: 'HY000' }
