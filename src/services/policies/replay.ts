// Statements of the past under two sets of policies: what each would make of them, by the same inputs. What a person
// added (a yes, a reason) is not among these: a statement that waits for it waits under both.
import { explainUses, predicateRuleFor } from '#engines/exposure'
import type { Facts, PolicySet, SessionPolicies } from '#engines/policy'
import type { DataClass, Grant, Principal, Resource, Statement } from '#model'
import { namesIn } from './class-names.ts'

/** Principals and resources that are the same object count as one: their policies are narrowed once. */
export interface ReplayCase {
  readonly principal: Principal
  readonly resource: Pick<Resource, 'name' | 'tags' | 'masking'>
  readonly grants: readonly Grant[]
  readonly statement: Omit<Statement, 'compared'>
  readonly facts: Facts
}

export interface Verdict {
  readonly effect: 'permit' | 'held' | 'deny'
  readonly code: string
  readonly policies: readonly string[]
  /** Classes that are hidden in what comes back. */
  readonly masked: readonly string[]
}

export interface Replayed {
  readonly before: Verdict
  readonly after: Verdict
}

/** For each case in order; undefined where both sets say the same. */
export function replay(
  before: PolicySet,
  after: PolicySet,
  cases: readonly ReplayCase[],
  classes: readonly DataClass[],
): readonly (Replayed | undefined)[] {
  const old = judge(before, classes)
  const now = judge(after, classes)
  return cases.map(each => {
    const [was, is] = [old(each), now(each)]
    return same(was, is) ? undefined : { before: was, after: is }
  })
}

function judge(set: PolicySet, classes: readonly DataClass[]): (one: ReplayCase) => Verdict {
  const { classOf } = namesIn(classes)
  const narrowed = new Map<Principal, Map<string, SessionPolicies>>()
  const policiesOf = ({ principal, resource, grants }: ReplayCase): SessionPolicies => {
    const known = narrowed.get(principal) ?? new Map<string, SessionPolicies>()
    narrowed.set(principal, known)
    const policies = known.get(resource.name) ?? set.narrow(principal, resource, grants)
    known.set(resource.name, policies)
    return policies
  }
  return one => {
    const { statement, facts, principal, resource } = one
    const policies = policiesOf(one)
    const { effect, code, policies: ids, obligations } = policies.decide(statement, facts)
    if (effect === 'deny') return { effect, code, policies: ids, masked: [] }
    const view = {
      hides: (column: Parameters<typeof classOf>[0]) => {
        const found = classOf(column)
        return found && !policies.reveals(found.name, column, facts) ? found : undefined
      },
      hiddenAnywhere: () =>
        classes.filter(
          ({ name, columns }) => columns.length > 0 && !policies.reveals(name, 'unknown', facts),
        ),
    }
    const rule = predicateRuleFor(principal, resource.masking.predicates)
    const { refusal, statements } = explainUses(statement, rule, view, classOf)
    if (refusal !== undefined)
      return { effect: 'deny', code: refusal.error.code, policies: ids, masked: [] }
    const masked = statements.flatMap(({ outputs, untold }) =>
      outputs === 'unknown'
        ? untold
        : outputs.flatMap(({ shown, classes: names }) => (shown === 'clear' ? [] : names)),
    )
    const asks = (kind: string): boolean => obligations.some(each => each.kind === kind)
    // A reason or a second factor that is missing is said at once: nobody waits.
    const missing = asks('justify') ? 'reason_required' : asks('step-up') ? 'step_up_required' : ''
    return {
      effect: missing !== '' ? 'deny' : asks('approve') ? 'held' : 'permit',
      code: missing || code,
      // What asks for a person is what a person wants to know.
      policies: [
        ...new Set([
          ...obligations.flatMap(each => (each.kind === 'limit' ? [] : each.policies)),
          ...ids,
        ]),
      ],
      masked: [...new Set(masked)].sort(),
    }
  }
}

function same(a: Verdict, b: Verdict): boolean {
  return a.effect === b.effect && (a.effect === 'deny' || a.masked.join() === b.masked.join())
}
