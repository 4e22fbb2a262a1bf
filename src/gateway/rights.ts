// What a principal may do at this moment, by the policies, grants and data classes in force: for sessions, and for
// those who only want to know (`policy why`, the lists, who may vote). Decides, runs nothing, records nothing.
import { explainUses, predicateRuleFor, type UsesWhy } from '#engines/exposure'
import type { Facts, PolicySet, SessionPolicies } from '#engines/policy'
import type { Decision, Origin, Principal, Resource, Statement } from '#model'
import type { Grants } from '#services/access'
import type { Inventory } from '#services/inventory'
import { type Approver, hasStake } from './approvers.ts'
import { factsOf } from './facts.ts'
import type { Rules } from './live-session.ts'
import { type Masks, Sight } from './sight.ts'

export interface RightsParts {
  readonly now: () => number
  readonly grants: Grants
  readonly inventory: Inventory
  readonly policies: () => PolicySet
  readonly masks: () => Masks
}

export class Rights {
  readonly #parts: RightsParts

  constructor(parts: RightsParts) {
    this.#parts = parts
  }

  policiesFor(principal: Principal, resource: Pick<Resource, 'name' | 'tags'>): SessionPolicies {
    const grants = this.#parts.grants
      .holding(principal.id, resource.name)
      // Who owns an agent is in its token alone: a right that the owner gave it is a yes to one's own asking.
      .filter(({ approvedBy }) => !approvedBy.some(giver => hasStake(giver, principal)))
    return this.#parts.policies().narrow(principal, resource, grants)
  }

  /** What a session on the resource goes by. */
  rulesFor(principal: Principal, resource: Resource): Rules {
    return {
      policies: this.policiesFor(principal, resource),
      policySet: this.#parts.policies().hash,
      masks: this.#parts.masks(),
      masking: resource.masking,
    }
  }

  /** What the statement would show, ask and send of what is masked for that principal: for `policy why`. */
  explainUses(
    principal: Principal,
    resource: Pick<Resource, 'name' | 'tags' | 'masking'>,
    statement: Statement,
    facts: Facts,
  ): UsesWhy {
    const masks = this.#parts.masks()
    const view = new Sight(masks, this.policiesFor(principal, resource)).at(facts)
    const rule = predicateRuleFor(principal, resource.masking.predicates)
    return explainUses(statement, rule, view, column => masks.masking.classOf(column))
  }

  /** True when the principal may connect to the resource now: what `resources` lists. */
  mayConnect(principal: Principal, resource: Resource, origin: Origin): boolean {
    const facts = this.factsFor(principal, origin)
    return holds(this.policiesFor(principal, resource).decide(CONNECT, facts))
  }

  /** Outside any session: of a run that has done nothing yet. */
  factsFor(principal: Principal, origin: Origin): Facts {
    const run = { rows: 0, bytes: 0, statements: 0 }
    return factsOf({ principal, origin, run, reason: undefined }, this.#parts.now(), false)
  }

  /** What policies say of a voter. Narrowed once for each resource, however many requests are asked about. */
  ofApprover(approver: Principal, origin: Origin): Approver {
    const facts = this.factsFor(approver, origin)
    const narrowed = new Map<string, SessionPolicies>()
    return ({ resource: name }) => {
      let policies = narrowed.get(name)
      if (policies === undefined) {
        policies = this.policiesFor(approver, this.#parts.inventory.get(name) ?? { name, tags: {} })
        narrowed.set(name, policies)
      }
      return { policies, facts }
    }
  }
}

/** What opening a session asks the policies. */
export const CONNECT: Statement = {
  text: '',
  operations: [
    {
      action: 'connect',
      verb: 'CONNECT',
      object: { name: '', kind: 'resource' },
      columns: [],
      flags: [],
    },
  ],
  functions: [],
  phase: 'execute',
  mayDeriveFrom: [],
}

/** Permitted, and nothing is missing that would have to be asked for first. */
export function holds(decision: Decision): boolean {
  return decision.effect === 'permit' && decision.obligations.every(each => each.kind === 'limit')
}
