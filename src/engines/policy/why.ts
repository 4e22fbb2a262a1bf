// Why a statement is decided as it is: the decision, and for each operation what every policy that came near
// said, with the condition that failed. For people and tools; never on the data path.
import type { Action, Decision, Grant, PolicyId, Principal } from '#model'
import type { Environment } from './compile/expression.ts'
import { actionMatches, scopeMatches } from './compile/policy.ts'
import { CedarRecord, type Entity, EvaluationError } from './compile/values.ts'
import { type Judged, SharedFields, StatementFields, UnusableFact } from './context.ts'
import {
  actingEntities,
  dataOf,
  objectAncestors,
  objectEntity,
  type PolicyResource,
  RequestEntities,
  resourceEntity,
} from './entities.ts'
import type { Facts } from './facts.ts'
import { grantRule } from './grants.ts'
import { actionEntity } from './judge.ts'
import { type PolicySet, rulesOf } from './policy-set.ts'
import type { Rule } from './rule.ts'
import { surroundingsOf } from './session-policies.ts'

export interface WhyRequest {
  readonly principal: Principal
  readonly resource: PolicyResource
  readonly grants?: readonly Grant[]
  readonly statement: Judged
  readonly facts: Facts
}

/** What one policy said of one operation, for one of those whose rights count. */
export interface Considered {
  readonly id: PolicyId
  readonly effect: 'permit' | 'forbid'
  readonly file: string
  readonly line: number
  /** `User::"x"` or `Agent::"x"`. */
  readonly party: string
  readonly outcome: 'applies' | 'missed' | 'failed'
  /** What was in the way: one part of the scope, a condition, an end; or how the evaluation failed. */
  readonly because: string
}

export interface OperationWhy {
  readonly action: Action
  readonly verb: string
  readonly object: string
  readonly category?: string
  readonly effect: 'permit' | 'deny'
  readonly policies: readonly PolicyId[]
  readonly errors: readonly PolicyId[]
  /** The policies that came near, with what was in the way. */
  readonly near: readonly { readonly policy: PolicyId; readonly condition: string }[]
  readonly considered: readonly Considered[]
}

export interface Why extends Omit<Decision, 'operations'> {
  readonly operations: readonly OperationWhy[]
}

/** Decides as a session would, and says why. */
export function why(set: PolicySet, request: WhyRequest): Why {
  const { principal, resource, statement, facts, grants = [] } = request
  const decision = set.narrow(principal, resource, grants).decide(statement, facts)
  const operations = statement.operations.map((operation, index) => {
    const decided = decision.operations[index]
    const said = consider(set, request, index)
    const near = said.flatMap(({ outcome: what, id, because }) =>
      what === 'applies' ? [] : [{ policy: id, condition: because }],
    )
    return {
      action: operation.action,
      verb: operation.verb,
      object: operation.object.name,
      ...(operation.category === undefined ? {} : { category: operation.category }),
      effect: decided?.effect ?? 'deny',
      policies: decided?.policies ?? [],
      errors: decided?.errors ?? [],
      near,
      considered: said,
    }
  })
  return { ...decision, operations }
}

function consider(set: PolicySet, request: WhyRequest, index: number): readonly Considered[] {
  const { principal, statement, facts, grants = [] } = request
  const operation = statement.operations[index]
  if (operation === undefined) return []
  const resource = resourceEntity(request.resource)
  const acting = actingEntities(principal)
  const onResource = operation.action === 'connect'
  const target = onResource
    ? resource
    : objectEntity(resource, objectAncestors(resource), operation.object)
  const shared = new SharedFields(facts, surroundingsOf(principal, acting[0]))
  const context = new CedarRecord(new StatementFields(shared, statement, operation))
  const entities = new RequestEntities(dataOf([...acting, resource]), target)
  return acting.flatMap(entity =>
    considered(
      set,
      {
        principal: entity,
        action: actionEntity(operation.action),
        resource: target,
        context,
        entities,
      },
      grants,
      resource,
      facts.now,
    ),
  )
}

/** What every policy that came near said of a request, for one of those whose rights count. */
export function considered(
  set: PolicySet,
  environment: Environment,
  grants: readonly Grant[],
  resource: Entity,
  now: number,
): readonly Considered[] {
  const { principal } = environment
  const own = grants.flatMap(grant => grantRule(grant, principal, resource) ?? [])
  return [...rulesOf(set), ...own].flatMap(rule => {
    const found = outcome(rule, environment, now)
    if (found === undefined) return []
    const { id, policy, file, line } = rule
    const party = `${principal.type}::"${principal.id}"`
    return [{ id, effect: policy.effect, file, line, party, ...found }]
  })
}

/** Undefined when the policy is about something else: more than one part of its scope is in the way. */
function outcome(
  rule: Rule,
  environment: Environment,
  now: number,
): Pick<Considered, 'outcome' | 'because'> | undefined {
  const { policy } = rule
  const { principal, action, resource, entities } = environment
  const misses = [
    scopeMatches(policy.principal, principal, entities) ? '' : 'it is not for this principal',
    actionMatches(policy.action, action, entities) ? '' : `it is not about ${action.id}`,
    scopeMatches(policy.resource, resource, entities) ? '' : 'it is not about this object',
  ].filter(miss => miss !== '')
  if (misses.length > 1) return undefined
  const [miss] = misses
  if (miss !== undefined) return { outcome: 'missed', because: miss }
  if (now >= rule.endsAt) return { outcome: 'missed', because: 'the grant has ended' }
  for (const [index, condition] of policy.conditions.entries()) {
    const failure = holdsOrFails(condition.holds, environment)
    if (failure === true) continue
    const text = rule.conditions[index] ?? condition.kind
    if (failure === false) return { outcome: 'missed', because: `does not hold: ${text}` }
    return { outcome: 'failed', because: `${failure}: ${text}` }
  }
  return { outcome: 'applies', because: '' }
}

function holdsOrFails(
  holds: (environment: Environment) => boolean,
  environment: Environment,
): boolean | string {
  try {
    return holds(environment)
  } catch (error) {
    // Reported as what became of the policy; the decision itself was made elsewhere, by the same rules.
    if (error instanceof EvaluationError || error instanceof UnusableFact) return error.message
    throw error
  }
}
