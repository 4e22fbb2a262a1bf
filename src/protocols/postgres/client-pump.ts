// The client's leg: cuts frames, has each intent judged, forwards exactly what was judged, and keeps the order
// while something must be waited for. Knows no answer: upstream-pump.ts owns those.
import type { Analysis } from '#engines/sql'
import type { Permit } from '#gateway'
import { AccessDenied, isGatewayError, ProtocolError, type Statement } from '#model'
import type { Conversation } from './conversation.ts'
import { copyOutsOf } from './copy-plan.ts'
import { denialFields } from './denial.ts'
import { Exchange } from './exchange.ts'
import { Feed, type FrameReader, HEADER, lengthAt } from './feed.ts'
import { countability, RowGuard } from './guard.ts'
import { Hold } from './hold.ts'
import { describe, errorResponse, F, flush, type MessageFields, readyForQuery } from './messages.ts'
import {
  Portal,
  Prepared,
  readBind,
  readExecute,
  readParse,
  readQuery,
  readTarget,
} from './prepared.ts'
import { changesScope } from './scope.ts'
import { changesNames } from './session-names.ts'
import { begin, executeAll, failingParse, failingQuery } from './stand-ins.ts'
import { UnreadableText } from './statement.ts'

/** More answers owed than this, and the client waits: a pipeline's memory is ours too. */
const MOST_OWED = 2_048
const FEW_OWED = 256

type Mode = 'query' | 'extended'

export class ClientPump implements FrameReader {
  readonly #talk: Conversation
  readonly #hold: Hold
  readonly #feed: Feed
  readonly #leave: () => void
  readonly #turn: (step: () => void) => void
  /** Bytes of a CopyData that are still to come, and whether they go on. */
  #streaming = 0
  #dropping = false
  #held = false
  #until: (() => boolean) | undefined
  #then: (() => void) | undefined
  /** An Execute with a limit on its answer: what must not run when it is exceeded waits for it. */
  #limited: Exchange | undefined

  /**
   * `say`: a message for the client at the next border. `leave`: the client said Terminate. `turn`: runs what
   * comes later than the frame that asked for it; what it throws ends the session.
   */
  constructor(
    talk: Conversation,
    say: (notice: Uint8Array) => void,
    leave: () => void,
    turn: (step: () => void) => void,
  ) {
    this.#talk = talk
    this.#hold = new Hold(say)
    this.#feed = new Feed(this)
    this.#leave = leave
    this.#turn = turn
  }

  /** Bytes that wait because a statement does. */
  get waiting(): number {
    return this.#feed.waiting
  }

  get held(): boolean {
    return this.#held
  }

  receive(chunk: Buffer): void {
    this.#feed.push(chunk)
    this.#flush()
  }

  /** The client left or cancelled: whoever is asked on its behalf need not answer. */
  abort(): void {
    this.#hold.abort()
  }

  /** Something was answered: goes on when that is what was waited for. */
  progress(): void {
    while (!this.#talk.ended && this.#until?.() === true) {
      this.#until = undefined
      const then = this.#then
      this.#then = undefined
      then?.()
      if (!this.#held && this.#until === undefined) this.#feed.resume()
    }
    this.#flush()
  }

  read(bytes: Buffer, at: number, end: number): number {
    const talk = this.#talk
    while (!talk.ended) {
      if (this.#streaming > 0) {
        const to = Math.min(end, at + this.#streaming)
        if (!this.#dropping) talk.parts.toUpstream.pass(bytes, at, to)
        this.#streaming -= to - at
        at = to
      }
      if (end - at < HEADER) return at
      const type = bytes[at] as number
      const length = lengthAt(bytes, at)
      if (length < 4) return this.#violation('a message has an impossible length', end)
      if (length >= talk.parts.messageBytes) return this.#tooLarge(end)
      const next = at + 1 + length
      if (next > end && type !== F.copyData) {
        // Nothing is kept of what will be refused whatever follows (a second startup packet, for one).
        if (KNOWN[type] !== 1) return this.#violation('a message of unknown type', end)
        return at
      }
      if (!this.#frame(type, bytes, at, Math.min(next, end))) return this.#stopped(at, end)
      if (next > end) {
        // Rows of COPY ride on its permit whatever they hold: they need not be whole.
        this.#streaming = next - end
        return end
      }
      at = next
      if (this.#feed.blocked) return at
    }
    return end
  }

  /** Not taken: it waits, unless the session is over. */
  #stopped(at: number, end: number): number {
    return this.#talk.ended ? end : at
  }

  /** False: not yet, or never; the frame was not touched. */
  #frame(type: number, bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    if (type === F.terminate) return this.#terminate()
    if (type === F.copyData || type === F.copyDone || type === F.copyFail) {
      return this.#copyFrame(type, bytes, at, end)
    }
    if (talk.copyIn === 'open') {
      // As the server does: clients send these without noticing that their command was COPY.
      if (type === F.sync || type === F.flush) return true
      return this.#breach('a message that is no COPY data came during COPY')
    }
    if (talk.copyIn === 'tail') talk.copyIn = 'none'
    if (talk.skipping !== 'no') return this.#skip(type, bytes, at, end)
    if (talk.queue.length > MOST_OWED) return this.#wait(() => talk.queue.length <= FEW_OWED)
    if (this.#limitPending(type)) return this.#wait(() => this.#limited?.done !== false)
    switch (type) {
      case F.query:
        return this.#query(bytes, at, end)
      case F.parse:
        return this.#parse(bytes, at, end)
      case F.bind:
        return this.#bind(bytes, at, end)
      case F.describe:
        return this.#describe(bytes, at, end)
      case F.execute:
        return this.#execute(bytes, at, end)
      case F.close:
        return this.#close(bytes, at, end)
      case F.sync:
        return this.#sync(bytes, at, end)
      case F.flush:
        if (end - at !== HEADER) return this.#breach('the message is malformed')
        talk.parts.toUpstream.pass(bytes, at, end)
        return true
      case F.functionCall:
        return this.#functionCall()
      default:
        return this.#breach('a message of unknown type')
    }
  }

  // ——— simple query ———

  #query(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#try('query', () => readQuery(bytes, at + HEADER, end))
    if (read === undefined) return true
    const analysis = this.#analyse(read, 'query')
    if (analysis === undefined) return true
    if (!this.#settled(analysis)) return this.#waitForAnswers()
    const statement = this.#statement(analysis, read, 'query')
    if (statement === undefined) return true
    this.#authorize(statement, 'query', permit => {
      const exchange = new Exchange('query', permit, analysis, read, talk.segment)
      if (!this.#prepareCopies(exchange, 'query')) return
      if (permit.maxRows === undefined || countability(analysis.statements) === 'none') {
        this.#sendQuery(exchange, bytes, at, end)
        return
      }
      this.#guardQuery(exchange, permit.maxRows, bytes, at, end)
    })
    return true
  }

  #sendQuery(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    const { names, toUpstream } = talk.parts
    // A simple query destroys the unnamed statement (exec_simple_query).
    if (names.prepared.has('')) {
      exchange.definition = names.prepared.define('', undefined, talk.segment)
    }
    this.#noteChanges(exchange)
    toUpstream.pass(bytes, at, end)
    talk.queue.push(exchange)
    // It ends what the segment left open, with a ReadyForQuery of its own.
    this.#closeSegment()
    this.#noteLimit(exchange)
    this.#expectCopyIn(exchange)
  }

  /** Runs it in a transaction, ours or the client's, so that it can be undone when it changes too many rows. */
  #guardQuery(exchange: Exchange, most: number, bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    if (countability(exchange.analysis.statements) !== 'countable' || talk.segmentOpen) {
      talk.complete(exchange, 'cancelled')
      this.#refuse(uncountable(), 'query')
      return
    }
    this.#wait(
      () => talk.queue.length === 0,
      () => {
        const own = talk.status === 'I'
        exchange.guard = new RowGuard(most, own)
        if (!own) {
          this.#sendGuarded(exchange, bytes, at, end)
          return
        }
        const opening = new Exchange('query')
        opening.hidden = true
        talk.queue.push(opening)
        talk.parts.toUpstream.own(begin)
        this.#wait(
          () => opening.done,
          () => this.#sendGuarded(exchange, bytes, at, end),
        )
      },
    )
  }

  #sendGuarded(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    if (talk.status !== 'T' && exchange.guard?.own === true) {
      // No transaction, no way back: then it does not run.
      talk.complete(exchange, 'failed')
      this.#refuse(uncountable(), 'query')
      return
    }
    this.#sendQuery(exchange, bytes, at, end)
    if (this.#until === undefined) this.#wait(() => exchange.done)
  }

  // ——— extended query ———

  #parse(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#try('extended', () => readParse(bytes, at + HEADER, end))
    if (read === undefined) return true
    const { names } = talk.parts
    const analysis = this.#analyse(read.text, 'extended')
    if (analysis === undefined) return true
    if (names.full && !names.prepared.has(read.name)) {
      this.#refuse(new AccessDenied('limit_exceeded', 'too many prepared statements'), 'extended')
      return true
    }
    if (!this.#settled(analysis)) return this.#waitForAnswers()
    const statement = this.#statement(analysis, read.text, 'extended')
    if (statement === undefined) return true
    this.#authorize(statement, 'extended', permit => {
      const prepared = new Prepared(read.text, analysis, read.parameterTypes)
      prepared.permit = permit
      const exchange = new Exchange('parse', permit)
      exchange.prepared = prepared
      exchange.definition = names.prepared.define(read.name, prepared, talk.segment)
      this.#sendExtended(exchange, bytes, at, end)
    })
    return true
  }

  #bind(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#try('extended', () => readBind(bytes, at + HEADER, end))
    if (read === undefined) return true
    const { names } = talk.parts
    if (talk.changes > 0) return this.#waitForAnswers()
    const prepared = names.prepared.find(read.statement, talk.segment)
    if (prepared === 'unsettled') return this.#waitForAnswers()
    if (prepared === undefined) return this.#unknown('26000', 'prepared statement', read.statement)
    if (names.full && !names.portals.has(read.portal)) {
      this.#refuse(new AccessDenied('limit_exceeded', 'too many portals'), 'extended')
      return true
    }
    const exchange = new Exchange('bind')
    exchange.prepared = prepared
    exchange.definition = names.portals.define(
      read.portal,
      new Portal(prepared, read.values),
      talk.segment,
    )
    this.#sendExtended(exchange, bytes, at, end)
    return true
  }

  #describe(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#try('extended', () => readTarget(bytes, at + HEADER, end))
    if (read === undefined) return true
    const { names } = talk.parts
    if (talk.changes > 0) return this.#waitForAnswers()
    const exchange = new Exchange('describe')
    if (read.kind === 'S') {
      const prepared = names.prepared.find(read.name, talk.segment)
      if (prepared === 'unsettled') return this.#waitForAnswers()
      exchange.prepared = prepared
      if (prepared !== undefined) prepared.describedIn = talk.segment
    } else {
      const portal = names.portals.find(read.name, talk.segment)
      if (portal === 'unsettled') return this.#waitForAnswers()
      exchange.portal = portal
      if (portal !== undefined) portal.describedIn = talk.segment
    }
    this.#sendExtended(exchange, bytes, at, end)
    return true
  }

  #execute(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#try('extended', () => readExecute(bytes, at + HEADER, end))
    if (read === undefined) return true
    const portal = talk.parts.names.portals.find(read.portal, talk.segment)
    if (portal === 'unsettled' || talk.changes > 0) return this.#waitForAnswers()
    if (portal === undefined) return this.#unknown('34000', 'portal', read.portal)
    if (portal.permit !== undefined) {
      // The same statement goes on: an approval is used once, and a portal runs once.
      this.#sendExecute(portal, portal.permit, read.portal, bytes, at, end)
      return true
    }
    const { analysis, text } = portal.prepared
    if (!this.#settled(analysis)) return this.#waitForAnswers()
    const statement = this.#statement(analysis, text, 'extended', portal)
    if (statement === undefined) return true
    this.#authorize(statement, 'extended', permit => {
      portal.permit = permit
      this.#sendExecute(portal, permit, read.portal, bytes, at, end)
    })
    return true
  }

  #sendExecute(
    portal: Portal,
    permit: Permit,
    name: string,
    bytes: Buffer,
    at: number,
    end: number,
  ): void {
    const talk = this.#talk
    const { prepared } = portal
    const exchange = new Exchange('execute', permit, prepared.analysis, prepared.text, talk.segment)
    exchange.portal = portal
    exchange.prepared = prepared
    if (!this.#prepareCopies(exchange, 'extended')) return
    const guarded =
      permit.maxRows !== undefined && countability(prepared.analysis.statements) !== 'none'
    if (guarded && countability(prepared.analysis.statements) !== 'countable') {
      talk.complete(exchange, 'cancelled')
      this.#refuse(uncountable(), 'extended')
      return
    }
    if (this.#mustDescribe(portal)) this.#describeForUs(portal, name)
    this.#noteChanges(exchange)
    talk.segmentRuns = true
    if (
      permit.statement.operations.some(({ action }) => action !== 'read' && action !== 'connect')
    ) {
      talk.segmentWrites = true
    }
    const { toUpstream } = talk.parts
    if (guarded) {
      exchange.guard = new RowGuard(permit.maxRows as number, false)
      // All rows at once: a suspended portal has no count yet.
      toUpstream.own(executeAll(name))
      talk.segmentOpen = true
      talk.queue.push(exchange)
      this.#wait(() => exchange.done)
      return
    }
    this.#sendExtended(exchange, bytes, at, end)
    this.#noteLimit(exchange)
    this.#expectCopyIn(exchange)
  }

  /** Rows are masked by their columns: an Execute whose columns nobody asked for is preceded by our own question. */
  #mustDescribe(portal: Portal): boolean {
    const { prepared } = portal
    const { segment } = this.#talk
    if (portal.shape !== undefined || portal.describedIn === segment) return false
    // What these run may be another statement each time.
    if (prepared.analysis.statements.some(({ executes, fetches }) => executes ?? fetches))
      return true
    if (prepared.shape !== undefined || prepared.describedIn === segment) return false
    return prepared.analysis.statements.some(({ returnsRows }) => returnsRows)
  }

  #describeForUs(portal: Portal, name: string): void {
    const exchange = new Exchange('describe')
    exchange.hidden = true
    exchange.portal = portal
    portal.describedIn = this.#talk.segment
    this.#talk.parts.toUpstream.own(describe('P', name))
    this.#talk.queue.push(exchange)
  }

  #close(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#try('extended', () => readTarget(bytes, at + HEADER, end))
    if (read === undefined) return true
    if (talk.changes > 0) return this.#waitForAnswers()
    const { names } = talk.parts
    const exchange = new Exchange('close')
    if (read.kind === 'S' && names.prepared.has(read.name)) {
      exchange.definition = names.prepared.define(read.name, undefined, talk.segment)
    } else if (read.kind === 'P' && names.portals.has(read.name)) {
      exchange.definition = names.portals.define(read.name, undefined, talk.segment)
    }
    this.#sendExtended(exchange, bytes, at, end)
    return true
  }

  #sync(bytes: Buffer, at: number, end: number): boolean {
    if (end - at !== HEADER) return this.#breach('the message is malformed')
    const talk = this.#talk
    talk.parts.toUpstream.pass(bytes, at, end)
    talk.queue.push(new Exchange('sync'))
    this.#closeSegment()
    return true
  }

  #closeSegment(): void {
    const talk = this.#talk
    talk.segment += 1
    talk.segmentOpen = false
    talk.segmentRuns = false
    talk.segmentWrites = false
  }

  #sendExtended(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    talk.segmentOpen = true
    talk.parts.toUpstream.pass(bytes, at, end)
    talk.queue.push(exchange)
  }

  // ——— COPY FROM STDIN ———

  #copyFrame(type: number, bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    if (talk.copyIn === 'open') {
      this.#dropping = false
      talk.parts.toUpstream.pass(bytes, at, end)
      if (type === F.copyData) return true
      // A simple query may go on to another COPY: which one the next row belongs to, the upstream says.
      if (talk.queue.head?.kind === 'query') {
        talk.copyIn = 'expected'
        this.#wait(() => talk.copyIn !== 'expected')
      } else {
        talk.copyIn = 'none'
      }
      return true
    }
    this.#dropping = true
    if (talk.copyIn === 'tail' || talk.skipping !== 'no') return true
    return this.#breach('COPY data came without a COPY')
  }

  #expectCopyIn(exchange: Exchange): void {
    if (!exchange.analysis.statements.some(({ copy }) => copy?.to === 'stdin')) return
    const talk = this.#talk
    talk.copyIn = 'expected'
    this.#wait(() => talk.copyIn !== 'expected')
  }

  #prepareCopies(exchange: Exchange, mode: Mode): boolean {
    const talk = this.#talk
    if (!exchange.analysis.statements.some(({ copy }) => copy?.to === 'stdout')) return true
    exchange.copies = copyOutsOf(exchange, talk.parts, talk.catalogDirty)
    if (exchange.copies.every(copy => copy?.runs !== false)) return true
    talk.complete(exchange, 'cancelled')
    this.#refuse(
      new AccessDenied(
        'statement_unsupported',
        'COPY in binary format of columns that are masked for you',
        {
          hint: 'Use the text or csv format.',
        },
      ),
      mode,
    )
    return false
  }

  // ——— judging ———

  #analyse(text: string, mode: Mode): Analysis | undefined {
    const { builder, session } = this.#talk.parts
    try {
      return builder.analyse(text)
    } catch (error) {
      // Safe: a text that cannot be read is refused; anything else is a bug and ends the session.
      if (!(error instanceof UnreadableText)) throw error
      this.#refuse(
        this.#onRecord(() => session.refused(text, error), error),
        mode,
      )
      return undefined
    }
  }

  #statement(analysis: Analysis, text: string, mode: Mode, portal?: Portal): Statement | undefined {
    const talk = this.#talk
    return this.#try(mode, () =>
      talk.parts.builder.build(analysis, text, {
        phase: mode === 'extended' && portal === undefined ? 'prepare' : 'execute',
        inTransaction: talk.inTransaction,
        segment: talk.segment,
        catalogDirty: talk.catalogDirty,
        ...(portal === undefined ? {} : { parameters: portal.parameters() }),
      }),
    )
  }

  #authorize(statement: Statement, mode: Mode, proceed: (permit: Permit) => void): void {
    const talk = this.#talk
    let verdict: Permit | Promise<Permit>
    try {
      verdict = talk.parts.session.authorize(statement, this.#hold)
    } catch (error) {
      // Safe: the refusal is on record, or the log failed; either way nothing is forwarded.
      this.#refuse(error, mode)
      return
    }
    if (!(verdict instanceof Promise)) {
      proceed(verdict)
      return
    }
    this.#held = true
    this.#feed.blocked = true
    const go = (step: () => void): void =>
      this.#turn(() => {
        this.#held = false
        step()
        if (this.#until === undefined) this.#feed.resume()
      })
    verdict.then(
      permit => {
        this.#hold.reset()
        if (talk.ended || talk.skipping !== 'no') {
          // Meanwhile an earlier message of the pipeline failed: a server would have skipped this one.
          talk.parts.session.complete(permit, { status: 'cancelled', rows: 0, bytes: 0 })
          go(() => {})
          return
        }
        go(() => proceed(permit))
      },
      error => {
        const cancelled = this.#hold.aborted
        this.#hold.reset()
        go(() => {
          if (talk.skipping !== 'no') return
          if (cancelled) this.#refuseWith(CANCELLED, mode)
          else this.#refuse(error, mode)
        })
      },
    )
  }

  /** Runs a reader; what it refuses is refused to the client, and the session goes on. */
  #try<T>(mode: Mode, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      // Safe: nothing of the frame was forwarded.
      if (!isGatewayError(error)) throw error
      this.#refuse(error, mode)
      return undefined
    }
  }

  /** A refusal whose record fails is refused for that. */
  #onRecord(record: () => void, error: unknown): unknown {
    try {
      record()
      return error
    } catch (unavailable) {
      return unavailable
    }
  }

  // ——— refusing ———

  #refuse(error: unknown, mode: Mode): void {
    if (!isGatewayError(error)) throw error
    const fields = denialFields(error, 'ERROR')
    const position = error instanceof UnreadableText ? error.position : undefined
    this.#refuseWith(position === undefined ? fields : [...fields, ['P', String(position)]], mode)
  }

  /**
   * The client gets the refusal in its turn. Where the upstream has something open, it gets a message that it
   * will refuse itself in place of ours: so its transaction fails and its pipeline skips exactly like the client's.
   */
  #refuseWith(fields: MessageFields, mode: Mode): void {
    const talk = this.#talk
    const { toClient, toUpstream } = talk.parts
    const refusal = errorResponse(fields)
    if (talk.quiet && talk.status !== 'T') {
      toClient.own(refusal)
      if (mode === 'query') toClient.own(readyForQuery(talk.status))
      else talk.skipping = 'local'
      return
    }
    const exchange = new Exchange(mode === 'query' ? 'query' : 'parse')
    exchange.refusal = refusal
    talk.queue.push(exchange)
    if (mode === 'query') {
      toUpstream.own(failingQuery)
      this.#closeSegment()
    } else {
      toUpstream.own(failingParse)
      talk.segmentOpen = true
      talk.skipping = 'upstream'
    }
  }

  #unknown(code: string, kind: string, name: string): boolean {
    this.#refuseWith(
      [
        ['S', 'ERROR'],
        ['V', 'ERROR'],
        ['C', code],
        ['M', name === '' ? `unnamed ${kind} does not exist` : `${kind} "${name}" does not exist`],
      ],
      'extended',
    )
    return true
  }

  #functionCall(): boolean {
    const error = new AccessDenied(
      'statement_unsupported',
      'function call messages are not supported',
      {
        hint: 'Call the function in SQL.',
      },
    )
    this.#refuse(
      this.#onRecord(() => this.#talk.parts.session.refused('FunctionCall', error), error),
      'query',
    )
    return true
  }

  /** Drops what a server in the same state would drop. */
  #skip(type: number, bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    if (type === F.sync) {
      const local = talk.skipping === 'local'
      talk.skipping = 'no'
      if (!local) return this.#sync(bytes, at, end)
      talk.parts.toClient.own(readyForQuery(talk.status))
      return true
    }
    if (SKIPPED.has(type)) return true
    return this.#breach('a message of unknown type')
  }

  #terminate(): boolean {
    this.#leave()
    return true
  }

  #breach(message: string): boolean {
    this.#talk.parts.end('protocol_violation', new ProtocolError('protocol_violation', message))
    return false
  }

  #violation(message: string, end: number): number {
    this.#breach(message)
    return end
  }

  #tooLarge(end: number): number {
    const { messageBytes } = this.#talk.parts
    this.#talk.parts.end(
      'protocol_violation',
      new ProtocolError('message_too_large', `a message is larger than ${messageBytes} bytes`),
    )
    return end
  }

  // ——— waiting ———

  /** Stops until `ready`; the frame at hand was not taken, unless `then` finishes it. Always answers false. */
  #wait(ready: () => boolean, then?: () => void): boolean {
    this.#feed.blocked = true
    this.#until = ready
    this.#then = then
    // Without a Sync the server keeps its answers back.
    if (this.#talk.segmentOpen) this.#talk.parts.toUpstream.own(flush())
    return false
  }

  #waitForAnswers(): boolean {
    const talk = this.#talk
    return this.#wait(() => talk.queue.length === 0 && talk.cancelling === undefined)
  }

  /** Whether the names that the text refers to are known, and nothing sent before it can change how it is read. */
  #settled(analysis: Analysis): boolean {
    const talk = this.#talk
    if (talk.changes > 0 || talk.cancelling !== undefined) return false
    const { prepared } = talk.parts.names
    return analysis.statements.every(
      ({ executes }) =>
        executes === undefined || prepared.find(executes.name, talk.segment) !== 'unsettled',
    )
  }

  #noteChanges(exchange: Exchange): void {
    const talk = this.#talk
    const { builder, scope } = talk.parts
    const { analysis } = exchange
    exchange.changes = analysis.statements.some(statement => {
      const effective = builder.effective(statement, talk.segment)
      return (
        changesNames(statement) ||
        changesScope(effective) ||
        effective.changesCatalog ||
        (scope.dirty && statement.transaction !== undefined && statement.transaction !== 'begin')
      )
    })
    if (exchange.changes) talk.changes += 1
  }

  /** True when what comes must not run if the limited answer before it turns out too long. */
  #limitPending(type: number): boolean {
    const limited = this.#limited
    if (limited === undefined) return false
    if (limited.done) {
      this.#limited = undefined
      return false
    }
    return limited.kind === 'query' || type !== F.sync || this.#talk.segmentWrites
  }

  #noteLimit(exchange: Exchange): void {
    const limit = exchange.permit?.limit
    if (limit?.rows !== undefined || limit?.bytes !== undefined) this.#limited = exchange
  }

  #flush(): void {
    const { toUpstream, toClient } = this.#talk.parts
    toUpstream.flush()
    toClient.flush()
  }
}

/** By type byte. */
const KNOWN = new Uint8Array(256)
for (const type of Object.values(F)) KNOWN[type] = 1

const SKIPPED: ReadonlySet<number> = new Set([
  F.query,
  F.parse,
  F.bind,
  F.describe,
  F.execute,
  F.close,
  F.flush,
  F.functionCall,
])

const CANCELLED: MessageFields = [
  ['S', 'ERROR'],
  ['V', 'ERROR'],
  ['C', '57014'],
  ['M', 'canceling statement due to user request'],
  ['D', 'The request for approval was withdrawn.'],
]

function uncountable(): AccessDenied {
  return new AccessDenied(
    'statement_unsupported',
    'the approval is bound to a number of rows, and the rows that this text changes cannot be counted',
    { hint: 'Send one INSERT, UPDATE, DELETE or MERGE by itself.' },
  )
}
