// The one gate of a session: decides each statement, discharges its obligations, puts it on record, mints the permit.
// The order is the product: decide → record → permit; nothing reaches an upstream by another way.
import type { UseRefusal } from '#engines/exposure'
import type { Facts } from '#engines/policy'
import {
  AccessDenied,
  type CloseReason,
  type Decision,
  type JsonObject,
  type Principal,
  type Resource,
  type SessionId,
  type Statement,
} from '#model'
import type { AuditLog } from '#services/audit'
import { type Approvals, superseded } from '../approvals/index.ts'
import { type Approve, type Discharged, discharge } from '../obligations/index.ts'
import {
  endingError,
  mintPermit,
  type Permit,
  type PermitBasis,
  type Waiting,
} from '../protocol/index.ts'
import { listed, type SessionRecord } from '../record/index.ts'
import { holds, type Rules } from '../rights/index.ts'
import {
  type AskedValues,
  permitBasis,
  refuseUse,
  type SessionView,
  Sight,
} from '../sight/index.ts'
import { denialOf, forbiddenUse, unmet } from './denials.ts'

const DURABLE_ACTIONS: ReadonlySet<string> = new Set([
  'write',
  'define',
  'administer',
  'execute',
  'tunnel',
])

const NO_LIMIT: Permit['limit'] = {}

/** The session whose statements are judged, as it is at that moment. */
export interface JudgedSession {
  readonly id: SessionId
  readonly principal: Principal
  readonly resource: Resource
  /** Aborted with the reason when it ends. */
  readonly signal: AbortSignal
  /** What its client said it is for. */
  readonly reason: string | undefined
  facts(approved: boolean): Facts
}

export interface AuthorizerParts {
  readonly rules: Rules
  readonly audit: AuditLog
  /** `audit.durability: strict`: reads wait for the disk too. */
  readonly strict: boolean
  readonly approvals: Approvals
  readonly asked: AskedValues
  readonly now: () => number
}

export class Authorizer {
  readonly #session: JudgedSession
  readonly #parts: AuthorizerParts
  readonly #record: SessionRecord
  #rules: Rules
  #sight: Sight
  /** Of the latest permit: mostly the next one has the same. */
  #basis:
    | { readonly rules: Rules; readonly view: SessionView; readonly basis: PermitBasis }
    | undefined

  constructor(session: JudgedSession, parts: AuthorizerParts, record: SessionRecord) {
    this.#session = session
    this.#parts = parts
    this.#record = record
    this.#rules = parts.rules
    this.#sight = new Sight(parts.rules.masks, parts.rules.policies)
  }

  get rules(): Rules {
    return this.#rules
  }

  /** What the principal may see at this moment, nothing being approved. */
  get view(): SessionView {
    return this.#sight.at(this.#session.facts(false))
  }

  /** What comes next is judged by these. */
  follow(rules: Rules): void {
    this.#rules = rules
    this.#sight = new Sight(rules.masks, rules.policies)
    this.#record.forgetPrepared()
  }

  /** Judges by the rules and facts of this moment; records nothing. */
  decide(statement: Statement, approved: boolean): Decision {
    return this.#rules.policies.decide(statement, this.#session.facts(approved))
  }

  /** Throws AccessDenied once the refusal is on record, and when the session has ended. */
  authorize(statement: Statement, waiting: Waiting): Permit | Promise<Permit> {
    if (this.#session.signal.aborted) throw this.#ended()
    const { policies, policySet } = this.#rules
    const facts = this.#session.facts(false)
    const decision = policies.decide(statement, facts)
    if (decision.effect === 'deny')
      return this.#deny(statement, decision, policySet, denialOf(decision))
    // Before anybody is asked: no yes lifts what follows from what one may see.
    const refused = this.#refusedUse(statement, this.#sight.at(facts))
    if (refused !== undefined) return this.#denyUse(statement, decision, refused)
    if (decision.obligations.length === 0) return this.#permit(statement, decision, facts, {})
    return this.#discharge(statement, decision, facts, waiting)
  }

  /** The same permit by the rules of now, for what runs on; undefined when they do not permit it any more. */
  renew(permit: Permit): Permit | undefined {
    const { statement, auditIndex, approved, maxRows, limit } = permit
    const facts = this.#session.facts(approved)
    if (this.#session.signal.aborted || !holds(this.#rules.policies.decide(statement, facts)))
      return undefined
    if (permit.current) return permit
    const basis = this.#basisFor(this.#rules, this.#sight.at(facts))
    return mintPermit({ statement, auditIndex, approved, maxRows, limit, basis })
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
    const facts = this.#session.facts(true)
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
      session: this.#session.id,
      principal: this.#session.principal,
      resource: this.#session.resource,
      statement,
      reason: this.#session.reason,
      obligations,
      waiting,
      signal: this.#session.signal,
      decide: approved => {
        judgedBy = this.#rules
        return judgedBy.policies.decide(statement, this.#session.facts(approved))
      },
    })
    // While the yes was being used up the rules became others: what it was judged by does not hold any more.
    if (judgedBy !== this.#rules) throw superseded()
    return done
  }

  #refuse(statement: Statement, decision: Decision, error: unknown): Permit | Promise<Permit> {
    if (!(error instanceof AccessDenied)) throw error
    return this.#deny(statement, unmet(decision, error), this.#rules.policySet, error)
  }

  #permit(
    statement: Statement,
    decision: Decision,
    facts: Facts,
    discharged: Discharged,
  ): Permit | Promise<Permit> {
    // The wait may have outlived the session.
    if (this.#session.signal.aborted) throw this.#ended()
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
    if (this.#session.signal.aborted) throw this.#ended()
    if (permit.current) return permit
    const { policies, policySet } = this.#rules
    const facts = this.#session.facts(discharged.approval !== undefined)
    const decision = policies.decide(statement, facts)
    if (decision.effect === 'permit' && decision.obligations.length === 0) {
      const refused = this.#refusedUse(statement, this.#sight.at(facts))
      if (refused !== undefined) return this.#denyUse(statement, decision, refused)
      return this.#mint(statement, auditIndex, facts, discharged)
    }
    const denied: Decision = { ...decision, effect: 'deny' }
    return this.#deny(statement, denied, policySet, denialOf(denied))
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
    if (known?.rules === rules && known.view === view) return known.basis
    const basis = permitBasis(view, {
      isCurrent: () => this.#rules === rules,
      disagreed: (auditIndex, classes) => this.#record.disagreed(auditIndex, classes),
    })
    this.#basis = { rules, view, basis }
    return basis
  }

  #refusedUse(statement: Statement, view: SessionView): UseRefusal | undefined {
    const { principal, resource } = this.#session
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
    return this.#deny(statement, forbiddenUse(decision, error), this.#rules.policySet, error, {
      columns: listed([...columns]),
      classes: listed([...classes]),
    })
  }

  #ended(): AccessDenied {
    const { code, message } = endingError(this.#session.signal.reason as CloseReason)
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
}
