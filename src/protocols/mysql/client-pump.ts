// The client's leg: cuts commands, judges each that carries intent, and sends it on when the one before is answered.
// What is on no list is refused by its name.
import type { MysqlAnalysis, SqlStatement } from '#engines/sql'
import { Feed, type FrameReader, utf8 } from '#engines/wire'
import type { Permit } from '#gateway'
import {
  AccessDenied,
  type GatewayError,
  isGatewayError,
  ProtocolError,
  type Statement,
} from '#model'
import type { Conversation } from './conversation.ts'
import { denial } from './denial.ts'
import { Exchange } from './exchange.ts'
import { Hold } from './hold.ts'
import { killOf } from './kill.ts'
import { plainOk, writeError } from './messages.ts'
import { command, commandNames } from './numbers.ts'
import { FULL, HEADER, packetCount, packetFrames, payloadLength } from './packets.ts'
import { PayloadReader } from './payload.ts'
import { dropLongData, keepLongData, type Prepared, readExecute } from './prepared.ts'
import { UnreadableText } from './statement.ts'
import { trackAgain } from './upstream.ts'
import { isTracking, type UpstreamPump } from './upstream-pump.ts'

/** Prepared statements of one session: a server's own bound is for all sessions together. */
const MOST_PREPARED = 16_382
/** Their texts together, in characters. */
const MOST_PREPARED_TEXT = 64 << 20
const NO_SUCH_STATEMENT = 1243
const CURSOR = 0x01

const QUERY_PREFIX = Buffer.from([command.query])
const PREPARE_PREFIX = Buffer.from([command.stmtPrepare])

/** What carries a text, or stands for one. */
const JUDGED: ReadonlySet<number> = new Set([
  command.query,
  command.initDb,
  command.fieldList,
  command.stmtPrepare,
  command.stmtExecute,
])

/** The statement that was prepared last, for clients that do not wait for its id (MariaDB's). */
const LAST_PREPARED = 0xffffffff

/** A command as it came: where its payload stands, and its packets when there is but one. */
interface Command {
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
  readonly framed: boolean
}

export class ClientPump implements FrameReader {
  readonly #talk: Conversation
  readonly #feed: Feed
  readonly #upstream: UpstreamPump
  readonly #hold = new Hold()
  readonly #leave: () => void
  readonly #turn: (step: () => void) => void
  #parts: Buffer[] = []
  #partBytes = 0
  /** A person is asked, or the catalog is read. */
  #held = false
  /** Tables that the catalog did not have even after it was read again. */
  readonly #missed = new Set<string>()

  /** `turn`: does a step later, as a turn of its own. */
  constructor(
    talk: Conversation,
    upstream: UpstreamPump,
    leave: () => void,
    turn: (step: () => void) => void,
  ) {
    this.#talk = talk
    this.#upstream = upstream
    this.#feed = new Feed(this, packetFrames)
    this.#leave = leave
    this.#turn = turn
  }

  /** Bytes that wait behind the command under way. */
  get waiting(): number {
    return this.#feed.waiting
  }

  receive(chunk: Buffer): void {
    this.#feed.push(chunk)
  }

  /** The client left, or asked to stop: whoever is asked on its behalf need not answer. */
  abort(): void {
    this.#hold.abort()
  }

  /** What was waited for may be there. */
  progress(): void {
    if (this.#feed.blocked && !this.#busy) this.#feed.resume()
  }

  get #busy(): boolean {
    const { exchange, cancelling } = this.#talk
    return this.#held || exchange !== undefined || cancelling !== undefined
  }

  read(bytes: Buffer, at: number, end: number): number {
    const talk = this.#talk
    while (!talk.ended) {
      if (this.#busy) {
        this.#feed.blocked = true
        return at
      }
      if (talk.retrack) {
        this.#track()
        continue
      }
      if (end - at < HEADER) return at
      const length = payloadLength(bytes, at)
      if (this.#partBytes + length > talk.parts.messageBytes) {
        this.#violation(
          new ProtocolError('message_too_large', 'the message is too large'),
          this.#parts.length + 1,
        )
        return end
      }
      if (bytes[at + 3] !== (this.#parts.length & 0xff)) {
        this.#violation(new ProtocolError('protocol_violation', 'a packet is out of order'), 1)
        return end
      }
      const next = at + HEADER + length
      if (next > end) return at
      if (length === FULL || this.#parts.length > 0) this.#part(bytes, at, next)
      else this.#command({ bytes, from: at + HEADER, to: next, framed: true })
      at = next
    }
    return end
  }

  #part(bytes: Buffer, at: number, end: number): void {
    this.#parts.push(Buffer.from(bytes.subarray(at + HEADER, end)))
    this.#partBytes += end - at - HEADER
    if (end - at - HEADER === FULL) return
    const whole = Buffer.concat(this.#parts)
    this.#parts = []
    this.#partBytes = 0
    this.#command({ bytes: whole, from: 0, to: whole.length, framed: false })
  }

  #command(one: Command): void {
    const { bytes, from, to } = one
    this.#talk.sequence = packetCount(to - from)
    if (JUDGED.has(bytes[from] as number) && this.#mustReadCatalog())
      this.#afterCatalog(() => this.#begin(one))
    else this.#begin(one)
  }

  /** Where columns are masked, what a text asks of them must be told by the catalog of its own time. */
  #mustReadCatalog(): boolean {
    const { catalog, session } = this.#talk.parts
    return catalog.stale && session.dataClasses.some(({ columns }) => columns.length > 0)
  }

  #afterCatalog(then: () => void): void {
    const { catalog } = this.#talk.parts
    this.#held = true
    const go = (step: () => void): void =>
      this.#turn(() => {
        this.#held = false
        step()
      })
    catalog.fresh().then(
      () => go(() => this.#guarded(then)),
      error =>
        go(() => {
          // Safe: what cannot be told of its columns is refused.
          if (isGatewayError(error)) this.#refuse(error)
          else throw error
        }),
    )
  }

  #begin(one: Command): void {
    this.#guarded(() => this.#do(one.bytes[one.from] as number, one))
  }

  #guarded(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'protocol_violation')
        this.#violation(error, this.#talk.sequence)
      else if (isGatewayError(error)) this.#refuse(error)
      // Safe: nothing of the command was forwarded.
      else throw error
    }
  }

  #do(code: number, one: Command): void {
    const { from, to } = one
    if (from === to) throw new ProtocolError('protocol_violation', 'an empty command')
    switch (code) {
      case command.query:
        this.#query(one)
        return
      case command.ping:
        this.#forward(one, new Exchange('plain'))
        return
      case command.quit:
        this.#leave()
        return
      case command.initDb:
        this.#initDb(one)
        return
      case command.fieldList:
        this.#fieldList(one)
        return
      case command.processKill:
        this.#kill(new PayloadReader(one.bytes, from + 1, to).uint32())
        return
      case command.setOption:
        this.#setOption(one)
        return
      case command.resetConnection:
        this.#reset(one)
        return
      case command.stmtPrepare:
        this.#prepare(one)
        return
      case command.stmtExecute:
        this.#execute(one)
        return
      case command.stmtFetch:
        this.#fetch(one)
        return
      case command.stmtSendLongData:
        this.#longData(one)
        return
      case command.stmtReset:
        this.#resetStatement(one)
        return
      case command.stmtClose:
        this.#close(one)
        return
      default:
        throw new AccessDenied(
          'message_unsupported',
          `${commandNames[code] ?? `command ${code}`} does not pass this gateway`,
          code === command.changeUser
            ? { hint: 'open another connection to log in as somebody else' }
            : {},
        )
    }
  }

  // ——— texts ———

  #query(one: Command): void {
    const text = textOf(one, 1)
    const killed = killOf(text)
    if (killed !== undefined) {
      this.#kill(killed)
      return
    }
    this.#judged(text, 'execute', (permit, analysis) => {
      const exchange = new Exchange('result', permit, analysis, text)
      if (analysis.forward === text) this.#forward(one, exchange)
      else this.#talk.ask(Buffer.concat([QUERY_PREFIX, Buffer.from(analysis.forward)]), exchange)
    })
  }

  #prepare(one: Command): void {
    const text = textOf(one, 1)
    this.#talk.lastPrepared = undefined
    const { prepared } = this.#talk
    let length = text.length
    for (const each of prepared.values()) length += each.text.length
    if (prepared.size >= MOST_PREPARED || length > MOST_PREPARED_TEXT)
      throw new AccessDenied('too_many_requests', 'too many prepared statements are open')
    this.#judged(text, 'prepare', (permit, analysis) => {
      const exchange = new Exchange('prepare', permit, analysis, text)
      this.#upstream.expectPrepared({
        id: 0,
        text,
        analysis,
        database: this.#talk.parts.builder.reading.database,
        parameters: 0,
        types: [],
        long: new Map(),
        cursor: undefined,
      })
      if (analysis.forward === text) this.#forward(one, exchange)
      else this.#talk.ask(Buffer.concat([PREPARE_PREFIX, Buffer.from(analysis.forward)]), exchange)
    })
  }

  /** What a command asks for that has words of its own is judged by the text that asks the same. */
  #initDb(one: Command): void {
    const name = textOf(one, 1)
    this.#judged(`USE ${quoted(name)}`, 'execute', permit =>
      this.#forward(one, new Exchange('plain', permit)),
    )
  }

  #fieldList(one: Command): void {
    const table = new PayloadReader(one.bytes, one.from + 1, one.to).cstring()
    this.#judged(`SHOW COLUMNS FROM ${quoted(table)}`, 'execute', permit =>
      this.#forward(one, new Exchange('fields', permit)),
    )
  }

  /** True while the catalog is read again for tables that it does not have: once for each. */
  #missing(analysis: MysqlAnalysis, again: () => void): boolean {
    const { builder, catalog, session } = this.#talk.parts
    if (!session.dataClasses.some(({ columns }) => columns.length > 0)) return false
    const unknown = builder.missing(analysis).filter(name => !this.#missed.has(name))
    if (unknown.length === 0 || analysis.statements.every(({ changesCatalog }) => changesCatalog))
      return false
    if (this.#missed.size > 1_000) this.#missed.clear()
    for (const name of unknown) this.#missed.add(name)
    catalog.invalidate()
    this.#afterCatalog(again)
    return true
  }

  #judged(
    text: string,
    phase: 'prepare' | 'execute',
    permitted: (permit: Permit, analysis: MysqlAnalysis) => void,
  ): void {
    const talk = this.#talk
    const { builder, session } = talk.parts
    let analysis: ReturnType<typeof builder.analyse>
    try {
      analysis = builder.analyse(text)
    } catch (error) {
      // Safe: a text that cannot be read is refused; anything else is a bug and ends the session.
      if (!(error instanceof UnreadableText)) throw error
      this.#refuseOnRecord(() => session.refused(text, error), error)
      return
    }
    if (analysis.statements.length > 1 && analysis.statements.some(turnsTracking)) {
      const error = new AccessDenied(
        'setting_refused',
        'what the server tells of the session is set by a text of its own',
      )
      this.#refuseOnRecord(() => session.refused(text, error), error)
      return
    }
    if (this.#missing(analysis, () => this.#judged(text, phase, permitted))) return
    const { inTransaction } = talk
    const { database } = builder.reading
    talk.judgedAt = talk.parts.catalog.definitions.changes
    const statement = builder.build(analysis, text, { phase, inTransaction, database })
    this.#authorized(statement, permit => permitted(permit, analysis))
  }

  #authorized(statement: Statement, permitted: (permit: Permit) => void): void {
    const { session } = this.#talk.parts
    // (It throws what #command answers: the refusal is on record, or the log failed; nothing is forwarded.)
    const verdict = session.authorize(statement, this.#hold)
    const send = (permit: Permit): void => {
      if (this.#bounded(permit)) permitted(permit)
    }
    if (verdict instanceof Promise) this.#wait(verdict, send)
    else send(verdict)
  }

  /** False: it was approved for a number of rows, which nobody can hold it to here. */
  #bounded(permit: Permit): boolean {
    if (permit.maxRows === undefined) return true
    const { operations } = permit.statement
    if (operations.every(({ action }) => action === 'read' || action === 'connect')) return true
    this.#talk.parts.session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
    this.#refuse(
      new AccessDenied(
        'statement_unsupported',
        'the approval is bound to a number of rows, and this server cannot be held to it',
        { hint: 'Whoever approves can allow it without a bound.' },
      ),
    )
    return false
  }

  #wait(verdict: Promise<Permit>, permitted: (permit: Permit) => void): void {
    const talk = this.#talk
    this.#held = true
    const go = (step: () => void): void =>
      this.#turn(() => {
        this.#held = false
        step()
      })
    verdict.then(
      permit => {
        this.#hold.reset()
        if (talk.ended) {
          talk.parts.session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
          return
        }
        go(() => {
          if (!this.#turned(permit)) {
            permitted(permit)
            return
          }
          talk.parts.session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
          this.#refuse(new AccessDenied('approval_superseded', TURNED))
        })
      },
      error => {
        const cancelled = this.#hold.aborted
        this.#hold.reset()
        go(() => {
          if (cancelled) this.#talk.say(writeError(INTERRUPTED))
          else if (isGatewayError(error)) this.#refuse(error)
          else throw error
        })
      },
    )
  }

  /** What was approved for one who may not see everything may read other columns by now. */
  #turned({ approved, statement }: Permit): boolean {
    const { parts, judgedAt } = this.#talk
    const masked = parts.session.dataClasses.some(({ columns }) => columns.length > 0)
    return approved && masked && parts.builder.mayDiffer(statement, judgedAt)
  }

  // ——— prepared statements ———

  #execute(one: Command): void {
    const body = new PayloadReader(one.bytes, one.from + 1, one.to)
    const asked = body.uint32()
    const prepared = this.#preparedOf(asked)
    if (prepared === undefined) return
    // By its own id: not every server knows the other name.
    if (asked === LAST_PREPARED) one.bytes.writeUInt32LE(prepared.id, one.from + 1)
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
    this.#authorized(statement, permit => {
      // As the server does, and only when it hears of it: it keeps values that were sent ahead until then.
      prepared.types = types
      dropLongData(prepared, this.#talk)
      const exchange = new Exchange('result', permit, analysis, text)
      exchange.prepared = prepared
      this.#forward(one, exchange)
    })
  }

  #fetch(one: Command): void {
    const body = new PayloadReader(one.bytes, one.from + 1, one.to)
    const prepared = this.#preparedOf(body.uint32())
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
    this.#forward(one, exchange)
    this.#upstream.expectRowsOf(cursor)
  }

  /** No answer is owed: one that cannot be kept is heard of by the Execute. */
  #longData(one: Command): void {
    const body = new PayloadReader(one.bytes, one.from + 1, one.to)
    const prepared = this.#talk.prepared.get(body.uint32())
    const index = body.uint16()
    if (prepared === undefined) return
    try {
      keepLongData(prepared, index, body.rest(), this.#talk)
    } catch (error) {
      // Not safe to go on: the server would have other values than those that are judged.
      if (isGatewayError(error)) this.#violation(error, 0)
      else throw error
      return
    }
    this.#send(one)
  }

  #resetStatement(one: Command): void {
    const prepared = this.#preparedOf(new PayloadReader(one.bytes, one.from + 1, one.to).uint32())
    if (prepared === undefined) return
    dropLongData(prepared, this.#talk)
    this.#talk.closeCursor(prepared)
    this.#forward(one, new Exchange('plain'))
  }

  #close(one: Command): void {
    const id = new PayloadReader(one.bytes, one.from + 1, one.to).uint32()
    const prepared = this.#talk.prepared.get(id)
    if (prepared === undefined) return
    dropLongData(prepared, this.#talk)
    this.#talk.closeCursor(prepared)
    this.#talk.prepared.delete(id)
    if (this.#talk.lastPrepared === id) this.#talk.lastPrepared = undefined
    this.#send(one)
  }

  /** Undefined: the client was told that there is none. */
  #preparedOf(id: number): Prepared | undefined {
    const { lastPrepared } = this.#talk
    const prepared = this.#talk.prepared.get(id === LAST_PREPARED ? (lastPrepared ?? -1) : id)
    if (prepared === undefined)
      this.#talk.say(writeError({ ...UNKNOWN, message: 'Unknown prepared statement handler' }))
    return prepared
  }

  // ——— the session ———

  #setOption(one: Command): void {
    const option = new PayloadReader(one.bytes, one.from + 1, one.to).uint16()
    // Several statements in a text are judged as such, whether or not the server would take them.
    if (option > 1) throw new AccessDenied('message_unsupported', 'an unknown option')
    this.#forward(one, new Exchange('end'))
  }

  /** The server forgets what was pinned with all else: it is pinned anew before the client hears of it. */
  #reset(one: Command): void {
    const talk = this.#talk
    for (const prepared of talk.prepared.values()) talk.closeCursor(prepared)
    const first = new Exchange('plain')
    first.hidden = true
    first.onAnswer = ok => {
      if (!ok) {
        this.#pinsLost()
        return
      }
      talk.prepared.clear()
      talk.longBytes = 0
      talk.parts.builder.forget()
      const again = new Exchange('plain')
      again.hidden = true
      again.onAnswer = pinned => {
        if (pinned) talk.say(plainOk(talk.flags))
        else this.#pinsLost()
      }
      talk.ask(Buffer.concat([QUERY_PREFIX, Buffer.from(talk.parts.pins)]), again)
    }
    this.#forward(one, first)
  }

  #track(): void {
    const talk = this.#talk
    talk.retrack = false
    const exchange = new Exchange('plain')
    exchange.hidden = true
    exchange.onAnswer = ok => {
      if (!ok) this.#pinsLost()
    }
    talk.ask(Buffer.concat([QUERY_PREFIX, Buffer.from(trackAgain)]), exchange)
  }

  #pinsLost(): void {
    this.#talk.parts.end(
      'failed',
      new AccessDenied('setting_refused', 'the session could not be reset'),
    )
  }

  #kill(target: number): void {
    if (this.#talk.parts.kill(target) === 'done') this.#talk.say(plainOk(this.#talk.flags))
    else
      this.#talk.say(
        writeError({ code: 1094, state: 'HY000', message: `Unknown thread id: ${target}` }),
      )
  }

  // ——— ways out ———

  #forward(one: Command, exchange: Exchange): void {
    this.#talk.expected = packetCount(one.to - one.from)
    this.#talk.begin(exchange)
    this.#send(one)
  }

  #send({ bytes, from, to, framed }: Command): void {
    if (framed) this.#talk.parts.toUpstream.pass(bytes, from - HEADER, to)
    else this.#talk.send(bytes.subarray(from, to))
  }

  #refuse(error: GatewayError): void {
    this.#talk.say(denial(error))
  }

  /** Puts the refusal on record first; one whose record fails is refused for that. */
  #refuseOnRecord(record: () => void, error: GatewayError): void {
    try {
      record()
      this.#refuse(error)
    } catch (unavailable) {
      // Safe: it stays refused.
      if (!isGatewayError(unavailable)) throw unavailable
      this.#refuse(unavailable)
    }
  }

  #violation(error: GatewayError, sequence: number): void {
    this.#talk.sequence = sequence
    this.#talk.parts.end('protocol_violation', error)
  }
}

const TURNED =
  'what the text names was given another meaning while it waited: what was approved may not be what would run'
const INTERRUPTED = { code: 1317, state: '70100', message: 'Query execution was interrupted' }
const UNKNOWN = { code: NO_SUCH_STATEMENT, state: 'HY000' }

function turnsTracking({ settings }: SqlStatement): boolean {
  return settings.some(isTracking)
}

/** The text from `skip` bytes on. Throws ProtocolError where it is not UTF-8. */
function textOf({ bytes, from, to }: Command, skip: number): string {
  try {
    return utf8(bytes.subarray(from + skip, to))
  } catch (cause) {
    throw new AccessDenied('statement_unreadable', 'the text is not UTF-8', {
      hint: 'this gateway speaks utf8mb4; give bytes as hexadecimal literals (mysqldump --hex-blob)',
      cause,
    })
  }
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
