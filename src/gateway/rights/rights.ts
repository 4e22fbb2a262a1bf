// What a principal may do at this moment, by the policies, grants and data classes in force: for sessions, and for
// those who only want to know (`policy why`, the lists, who may vote). Decides, runs nothing, records nothing.
import { explainUses, predicateRuleFor, type UsesWhy } from '#engines/exposure'
import type { Facts, PolicySet, SessionPolicies } from '#engines/policy'
import type { Action, Decision, Grant, Origin, Principal, Resource, Statement } from '#model'
import type { Grants } from '#services/access'
import type { Inventory } from '#services/inventory'
import { type Masks, masksOn, Sight } from '../sight/index.ts'
import { type Approver, answers, hasStake } from './approvers.ts'
import { factsOf } from './facts.ts'
import type { Rules } from './rules.ts'

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

  /** `carried`: the rights that a session was opened with; without it, those that one could be opened with now. */
  policiesFor(
    principal: Principal,
    resource: Pick<Resource, 'name' | 'tags'>,
    carried?: ReadonlySet<string>,
  ): SessionPolicies {
    const grants = this.grantsOf(principal, resource.name, carried)
    return this.#parts.policies().narrow(principal, resource, grants)
  }

  /** As `policiesFor`, with one more right that is not given yet. */
  policiesWith(
    principal: Principal,
    resource: Pick<Resource, 'name' | 'tags'>,
    grant: Grant,
  ): SessionPolicies {
    const grants = [...this.grantsOf(principal, resource.name), grant]
    return this.#parts.policies().narrow(principal, resource, grants)
  }

  /** What a session on the resource goes by. */
  rulesFor(principal: Principal, resource: Resource, carried: ReadonlySet<string>): Rules {
    return {
      policies: this.policiesFor(principal, resource, carried),
      policySet: this.#parts.policies().hash,
      masks: masksOn(this.#parts.masks(), resource.protocol),
      masking: resource.masking,
    }
  }

  /** What the statement would show, ask and send of what is masked for that principal: for `policy why`. */
  explainUses(
    principal: Principal,
    resource: Pick<Resource, 'name' | 'tags' | 'masking' | 'protocol'>,
    statement: Statement,
    facts: Facts,
  ): UsesWhy {
    const masks = masksOn(this.#parts.masks(), resource.protocol)
    const view = new Sight(masks, this.policiesFor(principal, resource)).at(facts)
    const rule = predicateRuleFor(principal, resource.masking.predicates)
    return explainUses(statement, rule, view, column => masks.masking.classOf(column))
  }

  /** True when the principal may connect to the resource now: what `resources` lists. */
  mayConnect(principal: Principal, resource: Resource, origin: Origin): boolean {
    const facts = this.factsFor(principal, origin)
    return this.ways(principal, resource.name).some(({ carried, breakGlass }) => {
      const policies = this.policiesFor(principal, resource, carried)
      const decide = (approved: boolean): Decision =>
        policies.decide(CONNECT, { ...facts, approved, breakGlass })
      return holds(this.connection(decide, principal, resource.name, carried))
    })
  }

  /**
   * The decision on connecting: as things are, or by the yes that was said to a request for time, where it is the
   * yes that the policies ask for now.
   */
  connection(
    decide: (approved: boolean) => Decision,
    principal: Principal,
    resource: string,
    carried: ReadonlySet<string>,
  ): Decision {
    const plain = decide(false)
    if (plain.effect === 'deny' || holds(plain)) return plain
    // The yes was said to the person who asked, in their own name: nobody who acts for them was looked at.
    if (principal.actors.length > 0) return plain
    const given = this.grantsOf(principal, resource, carried)
      .filter(({ actions }) => actions.includes('connect'))
      .flatMap(grant => grant.answers ?? [])
    const isAnswered = plain.obligations.every(
      each =>
        each.kind === 'limit' ||
        (each.kind === 'approve' && given.some(terms => answers(terms, each))),
    )
    return isAnswered ? decide(true) : plain
  }

  /** How a session could be opened, in the order to try: with a right for so many sessions, the first to end first; with none. */
  ways(principal: Principal, resource: string): readonly Way[] {
    const grants = this.grantsOf(principal, resource)
    const broken = grants.filter(grant => grant.breakGlass === true)
    const limited = grants.filter(({ maxUses }) => maxUses !== undefined)
    const inOrder = [...limited].sort((a, b) => a.expiresAt - b.expiresAt)
    return [...inOrder, undefined].map(take => ({
      take,
      carried: new Set([...broken, ...(take === undefined ? [] : [take])].map(({ id }) => id)),
      breakGlass: broken.length > 0,
    }))
  }

  /** True while each right that a session was opened with and stands or falls by is in force. */
  stillBroken(principal: Principal, resource: string, carried: ReadonlySet<string>): boolean {
    return this.grantsOf(principal, resource, carried).some(grant => grant.breakGlass === true)
  }

  /** The rights for a time that count for this principal now. */
  grantsOf(
    principal: Principal,
    resource: string,
    carried?: ReadonlySet<string>,
  ): readonly Grant[] {
    const held = this.#parts.grants.holding(principal.id, resource)
    if (held.length === 0) return held
    return held.filter(
      grant =>
        // Who owns an agent is in its token alone: a right that the owner gave it is a yes to one's own asking.
        !grant.approvedBy.some(giver => hasStake(giver, principal)) &&
        // Taken in person, and held in person: not by an agent that acts for them, nor by one of the same id.
        (grant.breakGlass !== true ||
          (principal.kind === 'user' && principal.actors.length === 0)) &&
        (grant.principalKind === undefined || grant.principalKind === principal.kind) &&
        reaches(grant, carried),
    )
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

/** A way to open a session. */
export interface Way {
  /** The right of which it takes one use. */
  readonly take: Grant | undefined
  readonly carried: ReadonlySet<string>
  readonly breakGlass: boolean
}

/** A right for so many sessions, and one that was taken in an emergency, are those of the sessions opened with them. */
function reaches(grant: Grant, carried: ReadonlySet<string> | undefined): boolean {
  if (grant.maxUses === undefined && grant.breakGlass === undefined) return true
  if (carried !== undefined) return carried.has(grant.id)
  return grant.maxUses === undefined || (grant.uses ?? 0) < grant.maxUses
}

/** An action on the resource as a whole. */
export function asked(action: Action): Statement {
  return {
    text: '',
    operations: [
      {
        action,
        verb: action === 'connect' ? 'CONNECT' : '',
        object: { name: '', kind: 'resource' },
        columns: [],
        flags: [],
      },
    ],
    functions: [],
    phase: 'execute',
    mayDeriveFrom: [],
  }
}

/** What opening a session asks the policies. */
export const CONNECT = asked('connect')

/** Permitted, and nothing is missing that would have to be asked for first. */
export function holds(decision: Decision): boolean {
  return decision.effect === 'permit' && decision.obligations.every(each => each.kind === 'limit')
}
