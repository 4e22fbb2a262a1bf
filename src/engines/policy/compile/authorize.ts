// Cedar's authorization algorithm over compiled policies: default deny, forbid wins, errors set aside.
// The whole of it, on any entities: what sessions use is the same, on policies that were narrowed before.
import type { Environment } from './expression.ts'
import { actionMatches, type CompiledPolicy, scopeMatches } from './policy.ts'
import { EvaluationError } from './values.ts'

/** The answer, as Cedar's diagnostics have it. */
export interface Authorization {
  readonly decision: 'allow' | 'deny'
  readonly reasons: readonly string[]
  readonly errors: readonly string[]
}

/** True when the policy applies. Throws EvaluationError. */
export function applies(policy: CompiledPolicy, environment: Environment): boolean {
  const { principal, action, resource, entities } = environment
  return (
    scopeMatches(policy.principal, principal, entities) &&
    actionMatches(policy.action, action, entities) &&
    scopeMatches(policy.resource, resource, entities) &&
    policy.conditions.every(condition => condition.holds(environment))
  )
}

export function authorize(
  policies: ReadonlyMap<string, CompiledPolicy>,
  environment: Environment,
): Authorization {
  const permits: string[] = []
  const forbids: string[] = []
  const errors: string[] = []
  for (const [id, policy] of policies) {
    try {
      if (applies(policy, environment)) (policy.effect === 'permit' ? permits : forbids).push(id)
    } catch (error) {
      // Cedar: a policy whose evaluation fails does not apply, and is reported.
      if (!(error instanceof EvaluationError)) throw error
      errors.push(id)
    }
  }
  if (forbids.length > 0) return { decision: 'deny', reasons: forbids, errors }
  return { decision: permits.length > 0 ? 'allow' : 'deny', reasons: permits, errors }
}
