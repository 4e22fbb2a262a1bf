// Who is let in to a resource, and by what right: bounds on how many, names that lead nowhere, and the ways in that policies
// and grants leave open. Whoever may not is refused in words that tell nothing they could not know.
import type { Facts } from '#engines/policy'
import {
  AccessDenied,
  type AuditEntry,
  type Decision,
  type Grant,
  type Origin,
  type Principal,
  type Resource,
  Unavailable,
} from '#model'
import type { AuditLog } from '#services/audit'
import type { Inventory } from '#services/inventory'
import { recordedInFull } from '../grants/index.ts'
import type { Protocol } from '../protocol/index.ts'
import { askedName, principalEntry, sourceEntry } from '../record/index.ts'
import { CONNECT, holds, type Rights, type Rules } from '../rights/index.ts'
import type { LiveSessions } from './live-sessions.ts'

/** How many sessions there may be, and of one principal. */
export interface SessionBounds {
  readonly sessions: number
  readonly sessionsPerPrincipal: number
}

export interface AdmissionParts {
  readonly settings: () => SessionBounds
  readonly audit: AuditLog
  readonly inventory: Inventory
  readonly sessions: LiveSessions
  readonly rights: Rights
  /** Puts an entry in the log and resolves when it is durable. */
  readonly append: (entry: AuditEntry) => Promise<void>
  /** Takes one use of a right for so many sessions. False when none is left. */
  readonly takeUse: (grant: Grant) => Promise<boolean>
}

/** What a session begins with. */
export interface Admitted<Upstream> {
  readonly resource: Resource<Upstream>
  readonly rules: Rules
  /** The policies that let it in. */
  readonly policies: readonly string[]
  readonly carried: ReadonlySet<string>
  readonly breakGlass: boolean
}

/** A way in, and what the policies say of it. */
interface Tried extends Pick<Admitted<unknown>, 'rules' | 'carried' | 'breakGlass'> {
  readonly decision: Decision
}

export class Admission {
  readonly #parts: AdmissionParts
  /** Sessions that are being opened, by principal: they count too. */
  readonly #opening = new Map<symbol, string>()

  constructor(parts: AdmissionParts) {
    this.#parts = parts
  }

  /** Takes a place for a session; what comes back gives it up, once the session is among those that live or came to nothing. */
  takePlace({ id }: Principal): () => void {
    const { sessions, settings } = this.#parts
    const most = settings()
    let opening = 0
    for (const each of this.#opening.values()) if (each === id) opening += 1
    if (
      sessions.size + this.#opening.size >= most.sessions ||
      sessions.count(id) + opening >= most.sessionsPerPrincipal
    ) {
      throw new Unavailable('too_many_sessions', 'There are too many sessions.', {
        hint: 'Close some, or try later.',
      })
    }
    const place = Symbol()
    this.#opening.set(place, id)
    return () => void this.#opening.delete(place)
  }

  /** Unknown, of another protocol, or not permitted: one answer, so that names cannot be probed. */
  resource<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    name: string,
    origin: Origin,
  ): Resource<Upstream> {
    const resource = this.#parts.inventory.get(name)
    if (resource !== undefined && resource.protocol === protocol.name) {
      // The inventory holds what the protocol's own schema has checked.
      return resource as Resource<Upstream>
    }
    this.#parts.audit.append({
      kind: 'session.refused',
      principal: principalEntry(principal),
      source: sourceEntry(origin),
      target: { resource: askedName(name), protocol: protocol.name },
      decision: { effect: 'deny', code: 'resource_unknown' },
    })
    throw notHere(name)
  }

  /** Takes the use that the way in costs. Throws AccessDenied once the refusal is on record. */
  async admit<Upstream>(
    principal: Principal,
    resource: Resource<Upstream>,
    origin: Origin,
    factsOfNow: (approved: boolean, breakGlass: boolean) => Facts,
  ): Promise<Admitted<Upstream>> {
    const { decision, rules, carried, breakGlass } = await this.#enter(
      principal,
      resource,
      factsOfNow,
    )
    if (!holds(decision)) throw await this.#refuse(principal, resource.name, origin, decision)
    return {
      // Whatever its settings keep: what is done in an emergency is looked at afterwards.
      resource: breakGlass ? recordedInFull(resource) : resource,
      rules,
      policies: decision.policies,
      carried,
      breakGlass,
    }
  }

  /** Tries the ways in, and takes the use that the chosen one costs. What comes back may be a refusal. */
  async #enter(
    principal: Principal,
    resource: Resource,
    factsOfNow: (approved: boolean, breakGlass: boolean) => Facts,
  ): Promise<Tried> {
    const { rights, takeUse } = this.#parts
    let tried: Tried | undefined
    for (const { carried, take, breakGlass } of rights.ways(principal, resource.name)) {
      const rules = rights.rulesFor(principal, resource, carried)
      const decide = (approved: boolean): Decision =>
        rules.policies.decide(CONNECT, factsOfNow(approved, breakGlass))
      const decision = rights.connection(decide, principal, resource.name, carried)
      tried = { decision, rules, carried, breakGlass }
      if (holds(decision) && (take === undefined || (await takeUse(take)))) return tried
      // Another session was first, or this right alone does not help: the next way is tried.
    }
    if (tried === undefined) throw new Error('there is always a way to try')
    return tried
  }

  async #refuse(
    principal: Principal,
    resource: string,
    origin: Origin,
    { policies, code, message }: Decision,
  ): Promise<AccessDenied> {
    await this.#parts.append({
      kind: 'session.refused',
      principal: principalEntry(principal),
      source: sourceEntry(origin),
      target: { resource },
      decision: { effect: 'deny', code, policies: [...policies] },
    })
    // A policy that forbids in words is meant to be read; the lack of any permit tells as little as a wrong name.
    if (code !== 'forbidden' && code !== 'policy_error') return notHere(resource)
    return new AccessDenied(code, message, { detail: `policies: ${policies.join(', ')}` })
  }
}

function notHere(name: string): AccessDenied {
  return new AccessDenied(
    'resource_unknown',
    `There is no resource "${askedName(name)}" that you may connect to.`,
    {
      hint: 'The names that you may use: sallyport resources.',
    },
  )
}
