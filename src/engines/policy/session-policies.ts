// A session's policies: narrowed once, asked for each statement. The whole decision is here; the same input gives the
// same answer. What is kept between two questions is only what no question can change.
import type {
  ColumnName,
  Decision,
  Grant,
  Obligation,
  OperationDecision,
  Principal,
  ReasonCode,
} from '#model'
import { CedarRecord, Entity } from './compile/values.ts'
import { type Judged, RevealFields, SharedFields, Surroundings, UnusableFact } from './context.ts'
import {
  actingEntities,
  dataOf,
  objectAncestors,
  type PolicyResource,
  RequestEntities,
  resourceEntity,
} from './entities.ts'
import type { Facts } from './facts.ts'
import { APPROVED, COLUMN, PASSING, REASON } from './facts-used.ts'
import { grantRule } from './grants.ts'
import {
  actionEntity,
  judge,
  judgeOperation,
  type OperationVerdict,
  type Standing,
} from './judge.ts'
import { limitOf } from './limits.ts'
import { determining, evaluate, isPermitted, Narrowed } from './narrow.ts'
import type { Rule } from './rule.ts'
import { whatIf } from './what-if.ts'
import { refusal } from './wording.ts'

/** The policies of one principal on one resource. */
export interface SessionPolicies {
  /** Decides a statement: each operation for the subject and for whoever acts for it. */
  decide(statement: Judged, facts: Facts): Decision
  /** True when this principal may see the column's values of this class in clear. No what-if. */
  reveals(dataClass: string, column: ColumnName | 'unknown', facts: Facts): boolean
  /**
   * True when `reveals` answers the same for as long as the session lives by these policies: none of them asks for
   * a fact that changes in it. What was answered may then be kept.
   */
  revealsSteadily(): boolean
  /**
   * True when this principal, a person in their own name, may approve on the resource: for the
   * statement that is held when it is given, each of its operations; else in general.
   */
  mayApprove(facts: Facts, held?: Judged): boolean
  /** True when this principal, a person in their own name, may take a right here in an emergency. */
  mayBreakGlass(facts: Facts): boolean
}

/** Who takes part, as the context tells it: `sub` alone and an agent, or `sub` a person and `act` an agent. */
export function surroundingsOf(principal: Principal, subject: Entity): Surroundings {
  const actor = principal.actors[0]
  const human = principal.kind === 'user' || actor?.kind === 'user'
  const onBehalfOf = actor !== undefined && principal.kind === 'user' ? subject : undefined
  return new Surroundings(!human, onBehalfOf)
}

export function narrow(
  rules: readonly Rule[],
  principal: Principal,
  resource: PolicyResource,
  grants: readonly Grant[],
): SessionPolicies {
  const target = resourceEntity(resource)
  const acting = actingEntities(principal)
  const known = dataOf([...acting, target])
  const party = (entity: Entity) => {
    const own = grants.flatMap(grant => grantRule(grant, entity, target) ?? [])
    return new Narrowed([...rules, ...own], entity, target, known)
  }
  const [subject, ...others] = acting
  return new NarrowedSession(principal, {
    parties: [party(subject), ...others.map(party)],
    resource: target,
    objectAncestors: objectAncestors(target),
    known,
    surroundings: surroundingsOf(principal, subject),
  })
}

/** What is asked when approving is asked for in general. */
const nothingHeld: Judged = {
  text: '',
  operations: [
    {
      action: 'connect',
      verb: '',
      object: { name: '', kind: 'resource' },
      columns: [],
      flags: [],
    },
  ],
  functions: [],
  phase: 'execute',
}

class NarrowedSession implements SessionPolicies {
  readonly #principal: Principal
  readonly #standing: Standing
  /** Of the latest operations that are permitted whatever is asked besides: clients repeat themselves. */
  #latest: { operations: Judged['operations']; decision: Decision } | undefined

  constructor(principal: Principal, standing: Standing) {
    this.#principal = principal
    this.#standing = standing
  }

  decide(statement: Judged, facts: Facts): Decision {
    try {
      return this.#decide(statement, facts)
    } catch (error) {
      // A fact that cannot be used makes every policy on it doubtful: nothing is permitted.
      if (error instanceof UnusableFact) return unusable(statement, error)
      throw error
    }
  }

  #decide(statement: Judged, facts: Facts): Decision {
    if (statement.operations === this.#latest?.operations) return this.#latest.decision
    const { permitted, operations } = judge(this.#standing, statement, facts)
    if (permitted) {
      const decision = permit(operations, [])
      if (operations.every(({ settled }) => settled))
        this.#latest = { operations: statement.operations, decision }
      return decision
    }
    const lifted = whatIf(this.#standing, statement, facts)
    if (lifted !== undefined) return permit(lifted.operations, lifted.obligations)
    const decided = operations.map(operationDecision)
    return {
      effect: 'deny',
      obligations: [],
      policies: distinct(decided),
      operations: decided,
      ...refusal(this.#standing, statement, facts, operations),
    }
  }

  reveals(dataClass: string, column: ColumnName | 'unknown', facts: Facts): boolean {
    const { parties, known, resource, surroundings } = this.#standing
    const unknown = column === 'unknown'
    const { object, column: name } = unknown ? { object: '', column: '' } : column
    const shared = new SharedFields(facts, surroundings)
    const target = new Entity('DataClass', dataClass)
    const context = new CedarRecord(new RevealFields(shared, resource, object, name))
    const entities = new RequestEntities(known, target)
    const action = actionEntity('reveal')
    try {
      return parties.every(party => {
        const all = party.candidates('reveal', 'DataClass')
        const applicable = all.filter(one => one.target === undefined || one.target === target.key)
        const doubtful = unknown ? applicable.filter(({ rule }) => (rule.uses & COLUMN) !== 0) : []
        // Of an unknown column, a policy about columns may forbid it and cannot permit it.
        if (doubtful.some(({ rule }) => rule.policy.effect === 'forbid')) return false
        const sure = applicable.filter(candidate => !doubtful.includes(candidate))
        const { principal } = party
        const environment = { principal, action, resource: target, context, entities }
        return isPermitted(evaluate(sure, environment, facts.now))
      })
    } catch (error) {
      // Masked rather than shown: the policies about this fact could not be asked.
      if (error instanceof UnusableFact) return false
      throw error
    }
  }

  revealsSteadily(): boolean {
    // A grant never gives `reveal`, so no end of one changes the answer.
    return this.#standing.parties.every(party =>
      party
        .candidates('reveal', 'DataClass')
        .every(({ rule }) => (rule.uses & (REASON | APPROVED | PASSING)) === 0),
    )
  }

  mayApprove(facts: Facts, held: Judged = nothingHeld): boolean {
    return this.#mayInPerson('approve', facts, held)
  }

  mayBreakGlass(facts: Facts): boolean {
    return this.#mayInPerson('break_glass', facts, nothingHeld)
  }

  /** An agent cannot do it, nor anyone who acts for a person. */
  #mayInPerson(action: string, facts: Facts, held: Judged): boolean {
    if (this.#principal.kind !== 'user' || this.#principal.actors.length > 0) return false
    const { operations } = held
    try {
      return (
        operations.length > 0 &&
        operations.every(operation => {
          const asked = { ...operation, object: { name: '', kind: 'resource' } }
          return judgeOperation(this.#standing, held, asked, facts, action).permitted
        })
      )
    } catch (error) {
      // Nobody does it on facts that policies cannot read.
      if (error instanceof UnusableFact) return false
      throw error
    }
  }
}

function permit(operations: readonly OperationVerdict[], duties: readonly Obligation[]): Decision {
  const decided = operations.map(operationDecision)
  const limits = limitOf(operations)
  const { code, message, hint } = waiting(duties)
  return {
    effect: 'permit',
    obligations: duties.length === 0 ? limits : [...duties, ...limits],
    policies: distinct(decided),
    operations: decided,
    code,
    message,
    hint,
  }
}

/** What a permit with duties says until they are met: the first duty speaks. */
function waiting(duties: readonly Obligation[]): {
  code: ReasonCode
  message: string
  hint: string
} {
  const [first] = duties
  switch (first?.kind) {
    case 'justify':
      return {
        code: 'reason_required',
        message: 'a reason is required',
        hint: 'State a reason for this session or statement.',
      }
    case 'step-up':
      return {
        code: 'step_up_required',
        message: 'a fresh second factor is required',
        hint: 'Sign in again with a second factor.',
      }
    case 'approve':
      return { code: 'approval_required', message: first.message, hint: '' }
  }
  return { code: 'permitted', message: '', hint: '' }
}

function operationDecision({ permitted, verdicts }: OperationVerdict): OperationDecision {
  const policies: string[] = []
  const errors: string[] = []
  for (const verdict of verdicts) {
    if (!permitted && isPermitted(verdict)) continue
    addIds(policies, determining(verdict))
  }
  for (const verdict of verdicts) addIds(errors, verdict.errors)
  return { effect: permitted ? 'permit' : 'deny', policies, errors }
}

function addIds(ids: string[], rules: readonly Rule[]): void {
  for (const { id } of rules) if (!ids.includes(id)) ids.push(id)
}

function distinct(operations: readonly OperationDecision[]): readonly string[] {
  const only = operations.length === 1 ? operations[0] : undefined
  return only?.policies ?? [...new Set(operations.flatMap(operation => operation.policies))]
}

function unusable(statement: Judged, error: UnusableFact): Decision {
  const denied = { effect: 'deny', policies: [], errors: [] } as const
  return {
    effect: 'deny',
    obligations: [],
    policies: [],
    operations: statement.operations.map(() => denied),
    code: 'policy_error',
    message: `policies cannot be asked: ${error.message} is not usable`,
    hint: '',
  }
}
