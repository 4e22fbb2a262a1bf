// Parse, Bind, Describe, Execute, Close, Sync: the shape is judged at Parse, what runs at Execute, with its
// values. Each name means what it means upstream, or the frame waits until that is known.

import { performance } from 'node:perf_hooks'
import type { Permit } from '#gateway'
import { AccessDenied, isGatewayError } from '#model'
import type { Conversation } from './conversation.ts'
import type { CopyIn } from './copy-in.ts'
import { Exchange } from './exchange.ts'
import { HEADER } from './feed.ts'
import { countability, RowGuard } from './guard.ts'
import type { Judge } from './judge.ts'
import { describe } from './messages.ts'
import type { Pause } from './pause.ts'
import { Portal, Prepared, readBind, readExecute, readParse, readTarget } from './prepared.ts'
import type { Refusals } from './refusals.ts'
import type { Sending } from './sending.ts'
import { executeAll } from './stand-ins.ts'

/**
 * What a Describe of a prepared statement told may change when others change definitions; the portal of one
 * Execute cannot. After so long it is asked again, in the same turn, before an Execute.
 */
const FRESH_MS = 1_000

type Reader<T> = (bytes: Buffer, start: number, end: number) => T

export class ExtendedQuery {
  readonly #talk: Conversation
  readonly #judge: Judge
  readonly #pause: Pause
  readonly #refusals: Refusals
  readonly #sending: Sending
  readonly #copyIn: CopyIn

  constructor(
    talk: Conversation,
    judge: Judge,
    pause: Pause,
    refusals: Refusals,
    sending: Sending,
    copyIn: CopyIn,
  ) {
    this.#talk = talk
    this.#judge = judge
    this.#pause = pause
    this.#refusals = refusals
    this.#sending = sending
    this.#copyIn = copyIn
  }

  // (All answer false when the frame must wait, untouched.)

  parse(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#read(readParse, bytes, at, end)
    if (read === undefined) return true
    const { names } = talk.parts
    const analysis = this.#judge.analyse(read.text, 'extended')
    if (analysis === undefined) return true
    if (names.full && !names.prepared.has(read.name)) return this.#tooMany('prepared statements')
    if (!this.#judge.settled(analysis)) return this.#pause.untilAnswered()
    const statement = this.#judge.statement(analysis, read.text, 'extended', read)
    if (statement === undefined) return true
    if (statement === 'later') return this.#pause.untilAnswered()
    const send = (permit: Permit): void => {
      const prepared = new Prepared(read.text, analysis, read.parameterTypes)
      prepared.permit = permit
      const exchange = new Exchange('parse', permit)
      exchange.prepared = prepared
      exchange.definition = names.prepared.define(read.name, prepared, talk.segment)
      this.#send(exchange, bytes, at, end)
    }
    const permit = this.#judge.authorize(statement, 'extended', send)
    if (permit !== undefined) send(permit)
    return true
  }

  bind(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#read(readBind, bytes, at, end)
    if (read === undefined) return true
    const { names } = talk.parts
    if (talk.changes > 0) return this.#pause.untilAnswered()
    const prepared = names.prepared.find(read.statement, talk.segment)
    if (prepared === 'unsettled') return this.#pause.untilAnswered()
    if (prepared === undefined) {
      return this.#refusals.unknown('26000', 'prepared statement', read.statement)
    }
    if (names.full && !names.portals.has(read.portal)) return this.#tooMany('portals')
    const exchange = new Exchange('bind')
    exchange.prepared = prepared
    exchange.definition = names.portals.define(
      read.portal,
      new Portal(prepared, read.values, talk.parts.scope.key),
      talk.segment,
    )
    this.#send(exchange, bytes, at, end)
    return true
  }

  describe(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#read(readTarget, bytes, at, end)
    if (read === undefined) return true
    const { names } = talk.parts
    if (talk.changes > 0) return this.#pause.untilAnswered()
    const exchange = new Exchange('describe')
    if (read.kind === 'S') {
      const prepared = names.prepared.find(read.name, talk.segment)
      if (prepared === 'unsettled') return this.#pause.untilAnswered()
      exchange.prepared = prepared
      if (prepared !== undefined) {
        prepared.describedIn = talk.segment
        prepared.describedUnder = talk.meaning
      }
    } else {
      const portal = names.portals.find(read.name, talk.segment)
      if (portal === 'unsettled') return this.#pause.untilAnswered()
      exchange.portal = portal
      if (portal !== undefined) portal.describedIn = talk.segment
    }
    this.#send(exchange, bytes, at, end)
    return true
  }

  execute(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#read(readExecute, bytes, at, end)
    if (read === undefined) return true
    const portal = talk.parts.names.portals.find(read.portal, talk.segment)
    if (portal === 'unsettled' || talk.changes > 0) return this.#pause.untilAnswered()
    if (portal === undefined) return this.#refusals.unknown('34000', 'portal', read.portal)
    const { permit: earlier } = portal
    if (earlier?.current === true) {
      // The same statement goes on: an approval is used once, and a portal runs once.
      this.#sendExecute(portal, earlier, read.portal, bytes, at, end)
      return true
    }
    const { analysis, text } = portal.prepared
    if (!this.#judge.settled(analysis)) return this.#pause.untilAnswered()
    // (Under rules that have changed since, what goes on is judged like what begins.)
    const statement = this.#judge.statement(analysis, text, 'extended', portal.prepared, portal)
    if (statement === undefined) return true
    if (statement === 'later') return this.#pause.untilAnswered()
    const send = (permit: Permit): void => {
      if (earlier !== undefined) talk.completePart(portal)
      portal.permit = permit
      portal.judgedAt = talk.judgedAt
      this.#sendExecute(portal, permit, read.portal, bytes, at, end)
    }
    const permit = this.#judge.authorize(statement, 'extended', send)
    if (permit !== undefined) send(permit)
    return true
  }

  close(bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    const read = this.#read(readTarget, bytes, at, end)
    if (read === undefined) return true
    if (talk.changes > 0) return this.#pause.untilAnswered()
    const { names } = talk.parts
    const exchange = new Exchange('close')
    if (read.kind === 'S' && names.prepared.has(read.name)) {
      exchange.definition = names.prepared.define(read.name, undefined, talk.segment)
    } else if (read.kind === 'P') {
      names.portalClosed(read.name)
      if (names.portals.has(read.name)) {
        exchange.definition = names.portals.define(read.name, undefined, talk.segment)
      }
    }
    this.#send(exchange, bytes, at, end)
    return true
  }

  sync(bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    talk.parts.toUpstream.pass(bytes, at, end)
    const exchange = new Exchange('sync')
    // It may undo settings that were made before it: what comes behind it means one thing or the other.
    if (talk.changes > 0 || talk.parts.scope.dirty) {
      exchange.changes = true
      talk.changes += 1
    }
    talk.queue.push(exchange)
    talk.closeSegment()
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
    const { statements } = prepared.analysis
    const exchange = new Exchange('execute', permit, prepared.analysis, prepared.text, talk.segment)
    exchange.portal = portal
    exchange.prepared = prepared
    exchange.judgedAt = portal.judgedAt
    if (!this.#sending.prepareCopies(exchange, 'extended')) return
    const counted = permit.maxRows === undefined ? 'none' : countability(statements)
    if (counted === 'uncountable') {
      this.#sending.refuseUncountable(exchange, 'extended', 'cancelled')
      return
    }
    if (this.#mustDescribe(portal)) this.#describeForUs(portal, name)
    this.#judge.noteChanges(exchange)
    talk.segmentRuns = true
    if (!talk.segmentWrites && doesMoreThanRead(permit)) talk.segmentWrites = true
    if (counted === 'countable') {
      exchange.guard = new RowGuard(permit.maxRows as number, false)
      // All rows at once: a suspended portal has no count yet.
      talk.parts.toUpstream.own(executeAll(name))
      talk.segmentOpen = true
      talk.queue.push(exchange)
      this.#pause.until(() => exchange.done)
      return
    }
    this.#send(exchange, bytes, at, end)
    this.#sending.noteLimit(exchange)
    this.#copyIn.expect(exchange)
  }

  /**
   * Rows are masked by their columns: an Execute whose columns are not known as they are now is preceded by our own
   * question. A prepared statement reads another table once a setting or a definition has changed.
   */
  #mustDescribe(portal: Portal): boolean {
    const { prepared } = portal
    const { segment, meaning } = this.#talk
    if (portal.shape !== undefined || portal.describedIn === segment) return false
    let returnsRows = false
    for (const statement of prepared.analysis.statements) {
      // What these run may be another statement each time.
      if ((statement.executes ?? statement.fetches) !== undefined) return true
      returnsRows ||= statement.returnsRows
    }
    if (!returnsRows) return false
    if (prepared.describedUnder !== meaning) return true
    if (prepared.describedIn === segment) return false
    return prepared.shape === undefined || performance.now() - prepared.describedAt > FRESH_MS
  }

  #describeForUs(portal: Portal, name: string): void {
    const exchange = new Exchange('describe')
    exchange.hidden = true
    exchange.portal = portal
    portal.describedIn = this.#talk.segment
    this.#talk.parts.toUpstream.own(describe('P', name))
    this.#talk.queue.push(exchange)
  }

  #send(exchange: Exchange, bytes: Buffer, at: number, end: number): void {
    const talk = this.#talk
    talk.segmentOpen = true
    talk.parts.toUpstream.pass(bytes, at, end)
    talk.queue.push(exchange)
  }

  /** Undefined: malformed, and refused. */
  #read<T>(reader: Reader<T>, bytes: Buffer, at: number, end: number): T | undefined {
    try {
      return reader(bytes, at + HEADER, end)
    } catch (error) {
      // Safe: nothing of the frame was forwarded.
      if (!isGatewayError(error)) throw error
      this.#refusals.refuse(error, 'extended')
      return undefined
    }
  }

  #tooMany(what: string): true {
    this.#refusals.refuse(new AccessDenied('limit_exceeded', `too many ${what}`), 'extended')
    return true
  }
}

function doesMoreThanRead(permit: Permit): boolean {
  for (const { action } of permit.statement.operations) {
    if (action !== 'read' && action !== 'connect') return true
  }
  return false
}
