// A checked set of policies: what `checkPolicies` gives, what sessions are narrowed from.
import { createHash } from 'node:crypto'
import type { Grant, Json, PolicyId, Principal } from '#model'
import { applies } from './compile/authorize.ts'
import { CedarRecord, Entity, EvaluationError } from './compile/values.ts'
import { SharedFields, UnusableFact } from './context.ts'
import { actingEntities, dataOf, type PolicyResource } from './entities.ts'
import type { Facts } from './facts.ts'
import { actionEntity } from './judge.ts'
import type { Rule } from './rule.ts'
import type { ConsoleAction } from './schema.ts'
import { narrow, type SessionPolicies, surroundingsOf } from './session-policies.ts'

/** A policy as lists show it. */
export interface PolicySummary {
  readonly id: PolicyId
  readonly effect: 'permit' | 'forbid'
  readonly file: string
  readonly line: number
  readonly annotations: Readonly<Record<string, string>>
}

export interface PolicySet {
  /** SHA-256 (hex) of the policies' meaning: layout, comments and files do not change it. */
  readonly hash: string
  readonly policies: readonly PolicySummary[]
  /** The policies of one session. Narrow again when grants or the principal change. */
  narrow(principal: Principal, resource: PolicyResource, grants: readonly Grant[]): SessionPolicies
}

/** A set with its rules, for this room. */
export class CheckedPolicies implements PolicySet {
  readonly hash: string
  readonly policies: readonly PolicySummary[]
  readonly rules: readonly Rule[]

  constructor(rules: readonly Rule[], forms: readonly Json[]) {
    this.rules = rules
    this.hash = hashOf(forms)
    this.policies = rules.map(({ id, policy, file, line }) => ({
      id,
      effect: policy.effect,
      file,
      line,
      annotations: policy.annotations,
    }))
  }

  narrow(
    principal: Principal,
    resource: PolicyResource,
    grants: readonly Grant[],
  ): SessionPolicies {
    return narrow(this.rules, principal, resource, grants)
  }
}

/** The rules of a set. Sets come from `checkPolicies` only; anything else is a bug. */
export function rulesOf(set: PolicySet): readonly Rule[] {
  if (set instanceof CheckedPolicies) return set.rules
  throw new Error('not a policy set of this engine')
}

function hashOf(forms: readonly Json[]): string {
  const texts = forms.map(form => JSON.stringify(sorted(form))).sort()
  return createHash('sha256').update(texts.join('\n')).digest('hex')
}

function sorted(node: Json): Json {
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return node.map(sorted)
  const entries = Object.entries(node).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(entries.map(([name, value]) => [name, sorted(value)]))
}

/** True when the principal, and whoever acts for it, may do this on the gateway itself. */
export function mayOperate(
  set: PolicySet,
  principal: Principal,
  action: ConsoleAction,
  facts: Facts,
): boolean {
  const acting = actingEntities(principal)
  const around = surroundingsOf(principal, acting[0])
  const shared = {
    action: actionEntity(action),
    resource: new Entity('Gateway', 'sallyport'),
    context: new CedarRecord(new SharedFields(facts, around)),
    entities: dataOf(acting),
  }
  const rules = rulesOf(set)
  try {
    return acting.every(entity => {
      const environment = { principal: entity, ...shared }
      const found = rules.filter(({ policy }) => {
        try {
          return applies(policy, environment)
        } catch (error) {
          // A permit whose evaluation fails does not apply; a forbid does.
          if (error instanceof EvaluationError) return policy.effect === 'forbid'
          throw error
        }
      })
      return found.length > 0 && found.every(({ policy }) => policy.effect === 'permit')
    })
  } catch (error) {
    // An address that cannot be read operates nothing.
    if (error instanceof UnusableFact) return false
    throw error
  }
}
