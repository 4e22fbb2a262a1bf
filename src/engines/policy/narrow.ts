// The policies that can concern one principal on one resource, by action and kind of target. What a scope says
// of the principal, the action and the resource is settled here, once; left per request are its conditions and,
// where a scope names one object, whether it is this one.
import type { Environment } from './compile/expression.ts'
import { actionMatches, type ScopePart, scopeMatches } from './compile/policy.ts'
import { type Entities, Entity, EvaluationError } from './compile/values.ts'
import type { Rule } from './rule.ts'

/** What a request can be about. */
export type TargetType = 'Resource' | 'Object' | 'DataClass'

/** A rule that applies when its conditions hold, on `target` alone when that is set. */
export interface Candidate {
  readonly rule: Rule
  readonly target: string | undefined
}

/** What became of a request's candidates. */
export interface Verdict {
  readonly permits: readonly Rule[]
  readonly forbids: readonly Rule[]
  readonly errors: readonly Rule[]
}

/** What becomes of every request for an action on a type: none of its candidates asks for anything. */
export interface Settled {
  readonly verdict: Verdict
  readonly permitted: boolean
  /** The verdict, as those of one party. */
  readonly alone: readonly [Verdict]
}

interface List {
  readonly candidates: readonly Candidate[]
  readonly settled: Settled | undefined
}

/** One principal's policies on one resource. */
export class Narrowed {
  readonly principal: Entity
  readonly #rules: readonly Rule[]
  readonly #resource: Entity
  readonly #entities: Entities
  // By type and then by action: a key put together for each question would cost more than the answer.
  readonly #lists: Readonly<Record<TargetType, Map<string, List>>> = {
    Resource: new Map(),
    Object: new Map(),
    DataClass: new Map(),
  }

  constructor(rules: readonly Rule[], principal: Entity, resource: Entity, entities: Entities) {
    this.principal = principal
    this.#resource = resource
    this.#entities = entities
    this.#rules = rules.filter(({ policy }) => scopeMatches(policy.principal, principal, entities))
  }

  candidates(action: string, type: TargetType): readonly Candidate[] {
    return this.#list(action, type).candidates
  }

  /** Undefined: it has to be evaluated. */
  settled(action: string, type: TargetType): Settled | undefined {
    return this.#list(action, type).settled
  }

  /** Built when first asked for, as most sessions use few actions. */
  #list(action: string, type: TargetType): List {
    const lists = this.#lists[type]
    let list = lists.get(action)
    if (list === undefined) {
      const candidates = this.#select(new Entity('Action', action), type)
      list = { candidates, settled: settle(candidates) }
      lists.set(action, list)
    }
    return list
  }

  #select(action: Entity, type: TargetType): readonly Candidate[] {
    return this.#rules.flatMap(rule => {
      if (!actionMatches(rule.policy.action, action, this.#entities)) return []
      const target = this.#target(rule.policy.resource, type)
      return target === false ? [] : [{ rule, target: target === true ? undefined : target }]
    })
  }

  /** True: any target of the type; a key: this one only; false: none. */
  #target(part: ScopePart, type: TargetType): boolean | string {
    if (type === 'Resource') return scopeMatches(part, this.#resource, this.#entities)
    switch (part.op) {
      case 'any':
        return true
      case '==':
        return part.entity.type === type ? part.entity.key : false
      case 'in':
        return this.#within(part.entity, type)
      case 'is':
        if (part.type !== type) return false
        return part.within === undefined ? true : this.#within(part.within, type)
    }
  }

  /** Objects are in their resource and its tags; everything is in itself. */
  #within(group: Entity, type: TargetType): boolean | string {
    if (group.type === type) return group.key
    if (type !== 'Object') return false
    return (
      group.key === this.#resource.key || this.#resource.data?.ancestors.has(group.key) === true
    )
  }
}

/** Without conditions, without one object that a scope names, and without an end there is nothing left to evaluate. */
function settle(candidates: readonly Candidate[]): Settled | undefined {
  const asksNothing = candidates.every(
    ({ rule, target }) =>
      target === undefined &&
      rule.policy.conditions.length === 0 &&
      rule.endsAt === Number.POSITIVE_INFINITY,
  )
  if (!asksNothing) return undefined
  const of = (effect: string) =>
    candidates.flatMap(({ rule }) => (rule.policy.effect === effect ? [rule] : []))
  const verdict: Verdict = { permits: of('permit'), forbids: of('forbid'), errors: [] }
  return { verdict, permitted: isPermitted(verdict), alone: [verdict] }
}

/** Evaluates the candidates. `now` ends grants. */
export function evaluate(
  candidates: readonly Candidate[],
  environment: Environment,
  now: number,
): Verdict {
  const verdict: { permits: Rule[]; forbids: Rule[]; errors: Rule[] } = {
    permits: [],
    forbids: [],
    errors: [],
  }
  const key = environment.resource.key
  for (const { rule, target } of candidates) {
    if ((target !== undefined && target !== key) || !(now < rule.endsAt)) continue
    try {
      if (!holds(rule, environment)) continue
      if (rule.policy.effect === 'permit') verdict.permits.push(rule)
      else verdict.forbids.push(rule)
    } catch (error) {
      // Cedar: a policy whose evaluation fails does not apply, and is reported. All else is a bug of ours.
      if (!(error instanceof EvaluationError)) throw error
      verdict.errors.push(rule)
    }
  }
  return verdict
}

function holds(rule: Rule, environment: Environment): boolean {
  for (const condition of rule.policy.conditions) if (!condition.holds(environment)) return false
  return true
}

export function isPermitted(verdict: Verdict): boolean {
  return verdict.permits.length > 0 && forbidding(verdict).length === 0
}

/**
 * What stands against it: forbids, and those that cannot be evaluated. Cedar sets the latter aside; but whoever asks chooses
 * the number that is too large for their sums.
 */
export function forbidding({ forbids, errors }: Verdict): readonly Rule[] {
  if (errors.length === 0) return forbids
  return [...forbids, ...errors.filter(({ policy }) => policy.effect === 'forbid')]
}

/** The policies that determined a verdict. */
export function determining(verdict: Verdict): readonly Rule[] {
  const against = forbidding(verdict)
  return against.length > 0 ? against : verdict.permits
}
