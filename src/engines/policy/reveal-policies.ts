// Which policies speak of revealing a class of data, by their scopes alone: what their conditions ask is told by `why`.
import type { ScopePart } from './compile/policy.ts'
import { Entity } from './compile/values.ts'
import { actionEntity } from './judge.ts'
import { type PolicySet, type PolicySummary, rulesOf } from './policy-set.ts'

export function revealPolicies(set: PolicySet, dataClass: string): readonly PolicySummary[] {
  const reveal = actionEntity('reveal')
  const target = new Entity('DataClass', dataClass)
  const matching = new Set(
    rulesOf(set)
      .filter(({ policy }) => {
        const { entities } = policy.action
        const acts = entities === undefined || entities.some(({ key }) => key === reveal.key)
        return acts && mayMean(policy.resource, target)
      })
      .map(({ id }) => id),
  )
  return set.policies.filter(({ id }) => matching.has(id))
}

function mayMean(scope: ScopePart, target: Entity): boolean {
  if (scope.op === 'any') return true
  if (scope.op === 'is') return scope.type === target.type && scope.within === undefined
  return scope.entity.key === target.key
}
