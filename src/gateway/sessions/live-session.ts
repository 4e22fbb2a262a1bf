// A session that lives: who it is of and where it leads, the rules that it follows, its end. What its statements may do is
// judged in authorizer.ts, what they did is kept in record/session-record.ts.
import type { Socket } from 'node:net'
import type { BodyMasker, BodySettings } from '#engines/bodies'
import type { Facts } from '#engines/policy'
import type {
  CloseReason,
  DataClass,
  Decision,
  GatewayError,
  Origin,
  Principal,
  ResolvedSecrets,
  Resource,
  SessionId,
  SessionMarks,
  SessionSummary,
  Statement,
} from '#model'
import type { SessionRecorder } from '#services/recording'
import type {
  Departure,
  KeptText,
  Outcome,
  OutputStream,
  Permit,
  RecordedAnswer,
  Session,
  TerminalSize,
  Waiting,
} from '../protocol/index.ts'
import {
  type Departures,
  type Evidence,
  KeptForms,
  oneLine,
  type RunTotals,
  SessionDeparture,
  SessionRecord,
} from '../record/index.ts'
import { factsOf, type Rules } from '../rights/index.ts'
import { entireMasker } from '../sight/index.ts'
import { Authorizer, type AuthorizerParts } from './authorizer.ts'

export interface LiveSessionParts<Upstream> extends AuthorizerParts {
  readonly id: SessionId
  readonly principal: Principal
  readonly resource: Resource<Upstream>
  readonly origin: Origin
  /** The rights that it was opened with, and no other session has; and whether one of them was taken in an emergency. */
  readonly carried: ReadonlySet<string>
  readonly breakGlass: boolean
  readonly departures: Departures
  readonly recorder: SessionRecorder
  readonly run: RunTotals
  readonly dial: (host: string, port: number, signal: AbortSignal) => Promise<Socket>
  readonly lease: () => Promise<{ user: string; secrets: ResolvedSecrets; release(): void }>
  /** Called once, when the session has ended and its last entries are written. */
  readonly onClosed: (reason: CloseReason) => Promise<void>
  /** Something broke on the way to the end, for the operator's log. */
  readonly onTrouble?: (error: unknown) => void
  readonly onDecided?: (effect: 'permit' | 'deny' | 'held') => void
  /** Something in the answer of a statement was masked. */
  readonly onMasked?: () => void
}

export class LiveSession<Upstream = unknown> implements Session<Upstream> {
  readonly id: SessionId
  readonly principal: Principal
  readonly resource: Resource<Upstream>
  readonly origin: Origin
  readonly startedAt: number
  readonly carried: ReadonlySet<string>
  readonly breakGlass: boolean
  readonly #parts: LiveSessionParts<Upstream>
  readonly #record: SessionRecord
  readonly #authorizer: Authorizer
  readonly #ending = new AbortController()
  readonly #followers = new Set<() => void>()
  #reason: string | undefined
  #closed: Promise<void> | undefined

  constructor(parts: LiveSessionParts<Upstream>) {
    this.#parts = parts
    this.id = parts.id
    this.principal = parts.principal
    this.resource = parts.resource
    this.origin = parts.origin
    this.carried = parts.carried
    this.breakGlass = parts.breakGlass
    this.startedAt = parts.now()
    this.#record = new SessionRecord(parts, new KeptForms(() => this.#authorizer.view))
    this.#authorizer = new Authorizer(this, parts, this.#record)
  }

  get dataClasses(): readonly DataClass[] {
    return this.#authorizer.rules.masks.classes
  }

  entireMasker(settings: BodySettings): BodyMasker | undefined {
    return entireMasker(this.#authorizer.rules.masks, settings)
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  get reason(): string | undefined {
    return this.#reason
  }

  get evidence(): Evidence {
    return this.#record.evidence
  }

  /** Policies, data classes or grants changed: what comes next is judged by the new ones. */
  follow(rules: Rules): void {
    this.#authorizer.follow(rules)
    for (const listener of this.#followers) listener()
  }

  onRules(listener: () => void): () => void {
    this.#followers.add(listener)
    return () => void this.#followers.delete(listener)
  }

  /** Judges by the rules and facts of this moment; records nothing. */
  decide(statement: Statement, approved = false): Decision {
    return this.#authorizer.decide(statement, approved)
  }

  dial(host: string, port: number): Promise<Socket> {
    return this.#parts.dial(host, port, this.signal)
  }

  credential(): Promise<{ user: string; secrets: ResolvedSecrets; release(): void }> {
    return this.#parts.lease()
  }

  justify(reason: string): void {
    const said = oneLine(reason.slice(0, 2_000))
    this.#reason = said === '' ? undefined : said
    this.#record.note(`reason given: ${this.#reason ?? ''}`)
  }

  authorize(statement: Statement, waiting: Waiting): Permit | Promise<Permit> {
    return this.#authorizer.authorize(statement, waiting)
  }

  refused(text: string, error: GatewayError, kept?: KeptText): void {
    this.#record.refused(text, error, kept)
  }

  departs(depart: () => void): Departure {
    const departure = new SessionDeparture(this.#parts.departures, depart)
    this.#record.departure = departure
    return departure
  }

  renew(permit: Permit): Permit | undefined {
    return this.#authorizer.renew(permit)
  }

  complete(permit: Permit, outcome: Outcome): void {
    if (permit.statement.phase !== 'prepare') this.#record.completed(permit, outcome)
  }

  /** Writes the outcomes that wait. Called by the owner's one timer, and at the end. */
  flushOutcomes(): void {
    this.#record.flush()
  }

  recordAnswer(permit: Permit, answer: RecordedAnswer): void {
    this.#record.answer(permit, answer)
  }

  recordOutput(permit: Permit, stream: OutputStream, bytes: Uint8Array): Promise<void> | undefined {
    return this.#record.output(permit, stream, bytes)
  }

  recordInput(permit: Permit, bytes: Uint8Array): void {
    this.#record.input(permit, bytes)
  }

  recordSize(permit: Permit, size: TerminalSize): void {
    this.#record.size(permit, size)
  }

  catchUp(): void {
    this.#record.turnOver()
  }

  close(reason: CloseReason): Promise<void> {
    this.#closed ??= this.#close(reason)
    return this.#closed
  }

  summary(): SessionSummary {
    const actor = this.principal.actors[0]?.id
    return {
      id: this.id,
      resource: this.resource.name,
      protocol: this.resource.protocol,
      principal: this.principal.id,
      principalKind: this.principal.kind,
      ...(actor === undefined ? {} : { actor }),
      run: this.principal.run,
      origin: this.origin,
      startedAt: this.startedAt,
      ...this.#record.counts,
    }
  }

  marks(): SessionMarks {
    return this.#record.marks()
  }

  facts(approved: boolean): Facts {
    return factsOf(
      {
        principal: this.principal,
        origin: this.origin,
        run: this.#parts.run,
        reason: this.#reason,
        breakGlass: this.breakGlass,
      },
      this.#parts.now(),
      approved,
    )
  }

  /** Never rejects: nobody who ends a session can do anything about what fails on the way. */
  async #close(reason: CloseReason): Promise<void> {
    this.#ending.abort(reason)
    try {
      this.flushOutcomes()
      this.#parts.recorder.add({ kind: 'closed', at: this.#parts.now(), reason })
    } catch (error) {
      // Safe: the session has ended; what could not be written is said to the operator.
      this.#parts.onTrouble?.(error)
    }
    this.#record.departure?.end()
    await this.#parts.onClosed(reason)
  }
}
