// A session that lives: decides each statement, discharges its obligations, puts it on record, mints the
// permit. The order is the product: decide → record → permit; nothing reaches an upstream by another way.
import type { Socket } from 'node:net'
import type { Facts, SessionPolicies } from '#engines/policy'
import {
  AccessDenied,
  type CloseReason,
  type DataClass,
  type Decision,
  GatewayError,
  type Origin,
  type Principal,
  type ResolvedSecrets,
  type Resource,
  type SessionId,
  type SessionSummary,
  type Statement,
} from '#model'
import type { AuditLog } from '#services/audit'
import type { SessionRecorder } from '#services/recording'
import { type Approvals, oneLine } from './approvals.ts'
import { Evidence } from './evidence.ts'
import { factsOf, type RunTotals } from './facts.ts'
import { type Masks, planCells, scrubText } from './masks.ts'
import { type Approve, type Discharged, discharge } from './obligations/index.ts'
import { mintPermit, type Permit } from './permit.ts'
import type { Outcome, RecordedAnswer, Session, Waiting } from './session.ts'

/** Outcomes wait this long, or until there are so many, to go into the log as one entry. */
const MOST_OUTCOMES = 64
/** Texts whose preparation is on record already, so that preparing them again is not. */
const MOST_PREPARED = 256

const DURABLE_ACTIONS: ReadonlySet<string> = new Set([
  'write',
  'define',
  'administer',
  'execute',
  'tunnel',
])

/** What may change under a live session, and is therefore asked each time. */
export interface Rules {
  readonly policies: SessionPolicies
  /** The hash of the policy set, for the record. */
  readonly policySet: string
  readonly masks: Masks
}

export interface LiveSessionParts<Upstream> {
  readonly id: SessionId
  readonly principal: Principal
  readonly resource: Resource<Upstream>
  readonly origin: Origin
  readonly rules: Rules
  readonly audit: AuditLog
  /** `audit.durability: strict`: reads wait for the disk too. */
  readonly strict: boolean
  readonly recorder: SessionRecorder
  readonly approvals: Approvals
  readonly run: RunTotals
  readonly now: () => number
  readonly dial: (host: string, port: number, signal: AbortSignal) => Promise<Socket>
  readonly lease: () => Promise<{ user: string; secrets: ResolvedSecrets; release(): void }>
  /** Called once, when the session has ended and its last entries are written. */
  readonly onClosed: (reason: CloseReason) => Promise<void>
  /** Something broke on the way to the end, for the operator's log. */
  readonly onTrouble?: (error: unknown) => void
  readonly onDecided?: (effect: 'permit' | 'deny' | 'held') => void
}

export class LiveSession<Upstream = unknown> implements Session<Upstream> {
  readonly id: SessionId
  readonly principal: Principal
  readonly resource: Resource<Upstream>
  readonly origin: Origin
  readonly startedAt: number
  readonly #parts: LiveSessionParts<Upstream>
  readonly #evidence: Evidence
  readonly #ending = new AbortController()
  readonly #prepared = new Map<string, number>()
  #rules: Rules
  #reason: string | undefined
  #outcomes: { index: number; at: number; outcome: Outcome }[] = []
  #closed: Promise<void> | undefined
  #statements = 0
  #denied = 0
  #rows = 0
  #bytes = 0

  constructor(parts: LiveSessionParts<Upstream>) {
    this.#parts = parts
    this.id = parts.id
    this.principal = parts.principal
    this.resource = parts.resource
    this.origin = parts.origin
    this.startedAt = parts.now()
    this.#rules = parts.rules
    this.#evidence = new Evidence(parts.id, parts.principal, parts.resource, parts.recorder.salt)
  }

  get dataClasses(): readonly DataClass[] {
    return this.#rules.masks.classes
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  get evidence(): Evidence {
    return this.#evidence
  }

  /** Policies, data classes or grants changed: what comes next is judged by the new ones. */
  follow(rules: Rules): void {
    this.#rules = rules
    this.#prepared.clear()
  }

  /** Judges by the rules and facts of this moment; records nothing. */
  decide(statement: Statement): Decision {
    return this.#rules.policies.decide(statement, this.facts(false))
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
    this.#parts.recorder.add({
      kind: 'note',
      at: this.#parts.now(),
      text: `reason given: ${this.#reason ?? ''}`,
    })
  }

  authorize(statement: Statement, waiting: Waiting): Permit | Promise<Permit> {
    if (this.signal.aborted) throw ended()
    const { policies, policySet } = this.#rules
    const facts = this.facts(false)
    const decision = policies.decide(statement, facts)
    if (decision.effect === 'deny')
      return this.#deny(statement, decision, policySet, denial(decision))
    if (decision.obligations.length === 0) return this.#permit(statement, decision, facts, {})
    return this.#discharge(statement, decision, facts, waiting)
  }

  refused(text: string, error: GatewayError): void {
    this.#denied += 1
    const index = this.#parts.audit.append(this.#evidence.refused(text, error))
    this.#parts.onDecided?.('deny')
    this.#record(index, {
      text,
      effect: 'deny',
      code: error.code,
      policies: [],
      message: error.message,
    })
  }

  complete(permit: Permit, outcome: Outcome): void {
    if (permit.statement.phase === 'prepare') return
    const at = this.#parts.now()
    this.#rows += outcome.rows
    this.#bytes += outcome.bytes
    this.#parts.run.rows += outcome.rows
    this.#parts.run.bytes += outcome.bytes
    this.#parts.recorder.add({
      kind: 'outcome',
      at,
      entry: permit.auditIndex,
      status: outcome.status,
      rows: outcome.rows,
      bytes: outcome.bytes,
      ...(outcome.errorCode === undefined ? {} : { errorCode: outcome.errorCode }),
    })
    this.#outcomes.push({ index: permit.auditIndex, at, outcome })
    if (this.#outcomes.length >= MOST_OUTCOMES) this.flushOutcomes()
  }

  /** Writes the outcomes that wait. Called by the owner's one timer, and at the end. */
  flushOutcomes(): void {
    if (this.#outcomes.length === 0) return
    const outcomes = this.#outcomes
    this.#outcomes = []
    try {
      this.#parts.audit.append(this.#evidence.completed(outcomes))
    } catch (error) {
      // Safe: the decisions are on record; the log has failed, so nothing more is permitted, and the
      // outcomes are tried again with the next ones (bounded).
      if (!(error instanceof GatewayError)) throw error
      this.#outcomes = outcomes.slice(-MOST_OUTCOMES)
    }
  }

  recordAnswer(permit: Permit, answer: RecordedAnswer): void {
    this.#parts.recorder.add({
      kind: 'answer',
      at: this.#parts.now(),
      entry: permit.auditIndex,
      columns: answer.columns,
      rows: answer.rows,
      truncated: answer.truncated,
    })
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
      statements: this.#statements,
      denied: this.#denied,
      rows: this.#rows,
      bytes: this.#bytes,
    }
  }

  facts(approved: boolean): Facts {
    return factsOf(
      {
        principal: this.principal,
        origin: this.origin,
        run: this.#parts.run,
        reason: this.#reason,
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
    return discharged.then(
      done => this.#permit(statement, decision, facts, done),
      error => this.#refuse(statement, decision, error),
    )
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
    const index = this.#parts.audit.append(
      this.#evidence.decided(
        'statement.held',
        statement,
        { ...decision, policies },
        this.#rules.policySet,
      ),
    )
    await this.#parts.audit.durable(index)
    this.#parts.onDecided?.('held')
    this.#record(index, {
      ...textOf(statement),
      effect: 'held',
      code: 'approval_required',
      policies,
      message: obligations.map(({ message }) => message).join('; '),
    })
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
    if (judgedBy !== this.#rules) {
      throw new AccessDenied('approval_superseded', 'The policy changed after this was approved.', {
        hint: 'Run the statement again to ask anew.',
      })
    }
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
    if (this.signal.aborted) throw ended()
    const { audit } = this.#parts
    const preparing = statement.phase === 'prepare'
    const index = preparing
      ? this.#putPreparedOnRecord(statement, decision)
      : audit.append(
          this.#evidence.decided(
            'statement.permitted',
            statement,
            decision,
            this.#rules.policySet,
            discharged.approval,
          ),
        )
    if (!preparing) {
      this.#statements += 1
      this.#parts.run.statements += 1
      this.#parts.onDecided?.('permit')
      this.#record(index, {
        ...textOf(statement),
        effect: 'permit',
        code: 'permitted',
        policies: decision.policies,
      })
    }
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
    if (this.signal.aborted) throw ended()
    if (permit.current) return permit
    const { policies, policySet } = this.#rules
    const facts = this.facts(discharged.approval !== undefined)
    const decision = policies.decide(statement, facts)
    if (decision.effect === 'permit' && decision.obligations.length === 0) {
      return this.#mint(statement, auditIndex, facts, discharged)
    }
    const denied: Decision = { ...decision, effect: 'deny' }
    return this.#deny(statement, denied, policySet, denial(denied))
  }

  #mint(statement: Statement, auditIndex: number, facts: Facts, discharged: Discharged): Permit {
    const rules = this.#rules
    const { policies, masks } = rules
    return mintPermit({
      statement,
      auditIndex,
      maxRows: discharged.maxRows,
      limit: discharged.limit ?? {},
      plan: columns => planCells(masks, policies, facts, statement, columns),
      scrub: text => scrubText(masks, policies, facts, statement, text),
      isCurrent: () => this.#rules === rules,
    })
  }

  #deny(
    statement: Statement,
    decision: Decision,
    policySet: string,
    error: AccessDenied,
  ): Promise<Permit> {
    this.#denied += 1
    const { audit } = this.#parts
    const index = audit.append(
      this.#evidence.decided('statement.denied', statement, decision, policySet),
    )
    this.#parts.onDecided?.('deny')
    this.#record(index, {
      ...textOf(statement),
      effect: 'deny',
      code: error.code,
      policies: decision.policies,
      message: error.message,
    })
    return audit.durable(index).then(() => {
      throw error
    })
  }

  #record(
    entry: number,
    event: {
      text: string
      parameters?: readonly (string | null)[]
      effect: 'permit' | 'deny' | 'held'
      code: string
      policies: readonly string[]
      message?: string
    },
  ): void {
    this.#parts.recorder.add({ kind: 'statement', at: this.#parts.now(), entry, ...event })
  }

  /** Preparing the same text again under the same rules is on record already. */
  #putPreparedOnRecord(statement: Statement, decision: Decision): number {
    const known = this.#prepared.get(statement.text)
    if (known !== undefined) return known
    const index = this.#parts.audit.append(
      this.#evidence.decided('statement.prepared', statement, decision, this.#rules.policySet),
    )
    if (this.#prepared.size >= MOST_PREPARED) {
      const oldest = this.#prepared.keys().next()
      if (!oldest.done) this.#prepared.delete(oldest.value)
    }
    this.#prepared.set(statement.text, index)
    return index
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

function ended(): AccessDenied {
  return new AccessDenied('session_ended', 'The session has ended.')
}

function textOf(statement: Statement): { text: string; parameters?: readonly (string | null)[] } {
  if (statement.parameters === undefined || statement.parameters.length === 0)
    return { text: statement.text }
  return {
    text: statement.text,
    parameters: statement.parameters.map(({ value, format }) =>
      value === null
        ? null
        : Buffer.from(value)
            .toString(format === 'text' ? 'utf8' : 'hex')
            .slice(0, 1_000),
    ),
  }
}
