// A session that lives: decides each statement, discharges its obligations, puts it on record, mints the
// permit. The order is the product: decide → record → permit; nothing reaches an upstream by another way.
import type { Socket } from 'node:net'
import type { BodyMasker, BodySettings } from '#engines/bodies'
import { markRefused, type UseRefusal } from '#engines/exposure'
import type { Facts, SessionPolicies } from '#engines/policy'
import {
  AccessDenied,
  type CloseReason,
  type DataClass,
  type Decision,
  type GatewayError,
  type JsonObject,
  type MaskingSettings,
  type Origin,
  type Principal,
  type ResolvedSecrets,
  type Resource,
  type SessionId,
  type SessionMarks,
  type SessionSummary,
  type Statement,
} from '#model'
import type { AuditLog } from '#services/audit'
import type { SessionRecorder } from '#services/recording'
import { superseded } from './approval-refusals.ts'
import type { Approvals } from './approvals.ts'
import type { AskedValues } from './asked-values.ts'
import {
  bodyMasker,
  entireMasker,
  hiddenColumns,
  hidesInBodies,
  messageMasker,
} from './body-masks.ts'
import { type Departures, SessionDeparture } from './departures.ts'
import { endingError } from './endings.ts'
import type { Evidence } from './evidence.ts'
import { factsOf, type RunTotals } from './facts.ts'
import { KeptForms, type KeptText } from './kept-forms.ts'
import { refuseUse } from './masked-uses.ts'
import { planCells, scrubText, textStream, valuePlan } from './masks.ts'
import { type Approve, type Discharged, discharge } from './obligations/index.ts'
import { mintPermit, type Permit, type PermitBasis } from './permit.ts'
import { holds } from './rights.ts'
import type {
  Departure,
  Outcome,
  OutputStream,
  RecordedAnswer,
  Session,
  TerminalSize,
  Waiting,
} from './session.ts'
import { SessionRecord } from './session-record.ts'
import { type Masks, type SessionView, Sight } from './sight.ts'
import { oneLine } from './voting.ts'

const DURABLE_ACTIONS: ReadonlySet<string> = new Set([
  'write',
  'define',
  'administer',
  'execute',
  'tunnel',
])

interface Basis extends PermitBasis {
  readonly rules: Rules
  readonly view: SessionView
}

const NO_LIMIT: Permit['limit'] = {}

/** What may change under a live session, and is therefore asked each time. */
export interface Rules {
  readonly policies: SessionPolicies
  /** The hash of the policy set, for the record. */
  readonly policySet: string
  readonly masks: Masks
  readonly masking: MaskingSettings
}

export interface LiveSessionParts<Upstream> {
  readonly id: SessionId
  readonly principal: Principal
  readonly resource: Resource<Upstream>
  readonly origin: Origin
  readonly rules: Rules
  /** The rights that it was opened with, and no other session has; and whether one of them was taken in an emergency. */
  readonly carried: ReadonlySet<string>
  readonly breakGlass: boolean
  readonly audit: AuditLog
  readonly departures: Departures
  /** `audit.durability: strict`: reads wait for the disk too. */
  readonly strict: boolean
  readonly recorder: SessionRecorder
  readonly approvals: Approvals
  readonly run: RunTotals
  readonly asked: AskedValues
  readonly now: () => number
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
  readonly #ending = new AbortController()
  readonly #followers = new Set<() => void>()
  #rules: Rules
  #sight: Sight
  /** Of the latest permit: mostly the next one has the same. */
  #basis: Basis | undefined
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
    this.#rules = parts.rules
    this.#sight = new Sight(parts.rules.masks, parts.rules.policies)
    this.#record = new SessionRecord(parts, new KeptForms(() => this.#sight.at(this.facts(false))))
  }

  get dataClasses(): readonly DataClass[] {
    return this.#rules.masks.classes
  }

  entireMasker(settings: BodySettings): BodyMasker | undefined {
    return entireMasker(this.#rules.masks, settings)
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  get evidence(): Evidence {
    return this.#record.evidence
  }

  /** Policies, data classes or grants changed: what comes next is judged by the new ones. */
  follow(rules: Rules): void {
    this.#rules = rules
    this.#sight = new Sight(rules.masks, rules.policies)
    this.#record.forgetPrepared()
    for (const listener of this.#followers) listener()
  }

  onRules(listener: () => void): () => void {
    this.#followers.add(listener)
    return () => void this.#followers.delete(listener)
  }

  /** Judges by the rules and facts of this moment; records nothing. */
  decide(statement: Statement, approved = false): Decision {
    return this.#rules.policies.decide(statement, this.facts(approved))
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
    if (this.signal.aborted) throw this.#ended()
    const { policies, policySet } = this.#rules
    const facts = this.facts(false)
    const decision = policies.decide(statement, facts)
    if (decision.effect === 'deny')
      return this.#deny(statement, decision, policySet, denial(decision))
    // Before anybody is asked: no yes lifts what follows from what one may see.
    const refused = this.#refusedUse(statement, this.#sight.at(facts))
    if (refused !== undefined) return this.#denyUse(statement, decision, refused)
    if (decision.obligations.length === 0) return this.#permit(statement, decision, facts, {})
    return this.#discharge(statement, decision, facts, waiting)
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
    const { statement, auditIndex, approved, maxRows, limit } = permit
    const facts = this.facts(approved)
    if (this.signal.aborted || !holds(this.#rules.policies.decide(statement, facts)))
      return undefined
    if (permit.current) return permit
    const basis = this.#basisFor(this.#rules, this.#sight.at(facts))
    return mintPermit({ statement, auditIndex, approved, maxRows, limit, basis })
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

  #discharge(
    statement: Statement,
    decision: Decision,
    facts: Facts,
    waiting: Waiting,
  ): Permit | Promise<Permit> {
    let discharged: Discharged | Promise<Discharged>
    try {
      discharged = discharge(decision.obligations, {
        statement,
        decision,
        waiting,
        hold: obligations => this.#hold(statement, decision, obligations, waiting),
      })
    } catch (error) {
      return this.#refuse(statement, decision, error)
    }
    if (!(discharged instanceof Promise))
      return this.#permit(statement, decision, facts, discharged)
    const rules = this.#rules
    return discharged.then(
      done =>
        done.decision === undefined
          ? this.#permit(statement, decision, facts, done)
          : this.#approved(statement, done.decision, done, rules),
      error => this.#refuse(statement, decision, error),
    )
  }

  /** What was decided with the yes goes on record, and what may be seen is judged by it too. */
  #approved(
    statement: Statement,
    decision: Decision,
    discharged: Discharged,
    askedUnder: Rules,
  ): Permit | Promise<Permit> {
    const facts = this.facts(true)
    if (askedUnder !== this.#rules) {
      const refused = this.#refusedUse(statement, this.#sight.at(facts))
      if (refused !== undefined) return this.#denyUse(statement, decision, refused)
    }
    return this.#permit(statement, decision, facts, discharged)
  }

  async #hold(
    statement: Statement,
    decision: Decision,
    obligations: readonly Approve[],
    waiting: Waiting,
  ): Promise<Discharged> {
    // What permits it, and what holds it.
    const policies = [
      ...new Set([...decision.policies, ...obligations.flatMap(each => each.policies)]),
    ]
    const index = this.#record.held(
      statement,
      { ...decision, policies },
      this.#rules.policySet,
      obligations.map(({ message }) => message).join('; '),
    )
    await this.#parts.audit.durable(index)
    let judgedBy = this.#rules
    const done = await this.#parts.approvals.hold({
      session: this.id,
      principal: this.principal,
      resource: this.resource,
      statement,
      reason: this.#reason,
      obligations,
      waiting,
      signal: this.signal,
      decide: approved => {
        judgedBy = this.#rules
        return judgedBy.policies.decide(statement, this.facts(approved))
      },
    })
    // While the yes was being used up the rules became others: what it was judged by does not hold any more.
    if (judgedBy !== this.#rules) throw superseded()
    return done
  }

  #refuse(statement: Statement, decision: Decision, error: unknown): Permit | Promise<Permit> {
    if (!(error instanceof AccessDenied)) throw error
    const denied: Decision = {
      ...decision,
      effect: 'deny',
      code: error.code,
      message: error.message,
    }
    return this.#deny(statement, denied, this.#rules.policySet, error)
  }

  #permit(
    statement: Statement,
    decision: Decision,
    facts: Facts,
    discharged: Discharged,
  ): Permit | Promise<Permit> {
    // The wait may have outlived the session.
    if (this.signal.aborted) throw this.#ended()
    const { policySet } = this.#rules
    const preparing = statement.phase === 'prepare'
    const index = preparing
      ? this.#record.prepared(statement, decision, policySet)
      : this.#record.permitted(statement, decision, policySet, discharged.approval)
    const permit = this.#mint(statement, index, facts, discharged)
    const mustLast =
      !preparing &&
      (this.#parts.strict ||
        discharged.approval !== undefined ||
        statement.operations.some(operation => DURABLE_ACTIONS.has(operation.action)))
    return mustLast ? this.#onceDurable(permit, discharged) : permit
  }

  /** The disk takes a moment: what ended or changed in it counts, before anything is forwarded. */
  async #onceDurable(permit: Permit, discharged: Discharged): Promise<Permit> {
    const { statement, auditIndex } = permit
    await this.#parts.audit.durable(auditIndex)
    if (this.signal.aborted) throw this.#ended()
    if (permit.current) return permit
    const { policies, policySet } = this.#rules
    const facts = this.facts(discharged.approval !== undefined)
    const decision = policies.decide(statement, facts)
    if (decision.effect === 'permit' && decision.obligations.length === 0) {
      const refused = this.#refusedUse(statement, this.#sight.at(facts))
      if (refused !== undefined) return this.#denyUse(statement, decision, refused)
      return this.#mint(statement, auditIndex, facts, discharged)
    }
    const denied: Decision = { ...decision, effect: 'deny' }
    return this.#deny(statement, denied, policySet, denial(denied))
  }

  #mint(statement: Statement, auditIndex: number, facts: Facts, discharged: Discharged): Permit {
    return mintPermit({
      statement,
      auditIndex,
      maxRows: discharged.maxRows,
      limit: discharged.limit ?? NO_LIMIT,
      approved: discharged.approval !== undefined,
      basis: this.#basisFor(this.#rules, this.#sight.at(facts)),
    })
  }

  #basisFor(rules: Rules, view: SessionView): PermitBasis {
    const known = this.#basis
    if (known?.rules === rules && known.view === view) return known
    const basis: Basis = {
      rules,
      view,
      plan: (statement, auditIndex, columns) =>
        planCells(view, statement, columns, ({ classes }) =>
          this.#record.disagreed(auditIndex, classes),
        ),
      scrub: (statement, text) => scrubText(view, statement, text),
      text: () => textStream(view),
      masks: () => hidesInBodies(view),
      hiddenColumns: () => hiddenColumns(view),
      hidden: (column, told) => valuePlan(view, column, told),
      body: settings => bodyMasker(view, settings),
      messages: () => messageMasker(view),
      isCurrent: () => this.#rules === rules,
      stored: () => {
        const watch = view.masks.marks.watch()
        return (bytes, start, end) => (watch(bytes, start, end) ? markRefused() : undefined)
      },
    }
    this.#basis = basis
    return basis
  }

  #refusedUse(statement: Statement, view: SessionView): UseRefusal | undefined {
    const { principal, resource } = this
    const { asked, now } = this.#parts
    return refuseUse(statement, view, {
      principal,
      resource,
      asked,
      now,
      settings: this.#rules.masking,
    })
  }

  /** Policies permit it; what this principal may not see forbids it. */
  #denyUse(statement: Statement, decision: Decision, refused: UseRefusal): Promise<Permit> {
    const { error, columns, classes } = refused
    const { code, message, hint = '' } = error
    const denied: Decision = {
      ...decision,
      effect: 'deny',
      obligations: [],
      policies: [],
      code,
      message,
      hint,
    }
    return this.#deny(statement, denied, this.#rules.policySet, error, {
      columns: [...columns],
      classes: [...classes],
    })
  }

  #ended(): AccessDenied {
    const { code, message } = endingError(this.signal.reason as CloseReason)
    return new AccessDenied(code, message)
  }

  #deny(
    statement: Statement,
    decision: Decision,
    policySet: string,
    error: AccessDenied,
    masking?: JsonObject,
  ): Promise<Permit> {
    const index = this.#record.denied(statement, decision, policySet, error, masking)
    return this.#parts.audit.durable(index).then(() => {
      throw error
    })
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

function denial(decision: Decision): AccessDenied {
  return new AccessDenied(decision.code, decision.message, {
    ...(decision.policies.length === 0
      ? {}
      : { detail: `policies: ${decision.policies.join(', ')}` }),
    ...(decision.hint === '' ? {} : { hint: decision.hint }),
  })
}
