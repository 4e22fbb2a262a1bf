// What policies compare with what a run did so far (`context.run.rows > 1000`): for people who look at a run. Nothing
// is decided by it, and a bound that is not a plain number is not found.
import type { Json, Principal } from '#model'
import { isList } from './compile/est.ts'
import { scopeMatches } from './compile/policy.ts'
import { actingEntities, dataOf } from './entities.ts'
import { type PolicySet, rulesOf } from './policy-set.ts'

const COMPARISONS = new Set(['<', '<=', '>', '>='])
const FIELDS = ['statements', 'rows', 'bytes'] as const

export interface Budget {
  readonly policy: string
  readonly effect: 'permit' | 'forbid'
  readonly of: (typeof FIELDS)[number]
  readonly bound: number
}

/** Of the policies whose scope is of this principal (or of who acts for it), on whatever resource. */
export function budgetsOf(set: PolicySet, principal: Principal): readonly Budget[] {
  const acting = actingEntities(principal)
  const known = dataOf(acting)
  const budgets = rulesOf(set).flatMap(({ id, policy }) =>
    acting.some(entity => scopeMatches(policy.principal, entity, known))
      ? policy.conditions
          .flatMap(({ body }) => boundsIn(body))
          .map(({ of, bound }) => ({ policy: id, effect: policy.effect, of, bound }))
      : [],
  )
  return [...new Map(budgets.map(each => [JSON.stringify(each), each])).values()]
}

function boundsIn(node: Json): readonly Pick<Budget, 'of' | 'bound'>[] {
  if (typeof node !== 'object' || node === null) return []
  if (isList(node)) return node.flatMap(boundsIn)
  return Object.entries(node).flatMap(([name, body]) => {
    const found = COMPARISONS.has(name) ? boundOf(body) : undefined
    return found === undefined ? boundsIn(body) : [found]
  })
}

/** Of `{ left, right }`, in either order. */
function boundOf(body: Json): Pick<Budget, 'of' | 'bound'> | undefined {
  const { left, right } = members(body)
  for (const [field, value] of [
    [left, right],
    [right, left],
  ]) {
    const of = runField(field)
    const bound = members(value)['Value']
    if (of !== undefined && typeof bound === 'number') return { of, bound }
  }
  return undefined
}

/** The name behind `context.run.`. */
function runField(node: Json | undefined): Budget['of'] | undefined {
  const { left, attr } = members(members(node)['.'])
  const run = members(members(left)['.'])
  if (run['attr'] !== 'run' || members(run['left'])['Var'] !== 'context') return undefined
  return FIELDS.find(each => each === attr)
}

function members(node: Json | undefined): Readonly<Record<string, Json>> {
  return typeof node === 'object' && node !== null && !isList(node) ? node : {}
}
