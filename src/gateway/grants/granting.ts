// Rights for a time while they last: made of a yes, used up, revoked, over. Each step is on record, and the request that
// asked for the right follows it.
import {
  type AuditEntry,
  type Grant,
  grantIdOf,
  InvalidRequest,
  type Principal,
  type TimeRequest,
} from '#model'
import type { Grants, Requests } from '#services/access'
import { grantEndedEntry, grantEntry, principalEntry, requestEntry } from '../record/index.ts'

export interface GrantingParts {
  readonly requests: Requests
  readonly grants: Grants
  /** Puts an entry in the log and resolves when it is durable. */
  readonly append: (entry: AuditEntry) => Promise<void>
  readonly now: () => number
}

export class Granting {
  readonly #parts: GrantingParts

  constructor(parts: GrantingParts) {
    this.#parts = parts
  }

  /** Makes the right that was approved; that it was is on record already. */
  async grant(request: TimeRequest): Promise<Grant> {
    const grant = await this.#parts.grants.createFor(request)
    await this.#parts.append(grantEntry(grant))
    return grant
  }

  /** A crash can come between the last yes and the right that follows from it: what it left out is made. */
  async grantLeftOut(): Promise<void> {
    const { requests, grants } = this.#parts
    for (const request of await requests.inForce())
      if ((await grants.find(grantIdOf(request))) === undefined) await this.grant(request)
  }

  /** Takes one use of a right for so many sessions. False when none is left. */
  async takeUse(grant: Grant): Promise<boolean> {
    const { grants } = this.#parts
    if (!(await grants.take(grant.id))) return false
    const { uses = 0, maxUses = 0 } = await grants.get(grant.id)
    if (uses >= maxUses) await this.#follow(grant, 'consume')
    return true
  }

  /** Ends a right; the sessions that rest on it end. On record before. */
  async revoke(by: Principal, id: string): Promise<Grant> {
    const { grants, append, now } = this.#parts
    const grant = await grants.get(id)
    if (grant.revokedAt !== undefined || grant.expiresAt <= now())
      throw new InvalidRequest('request_conflict', `Grant ${grant.id} has ended already.`)
    await append({ ...grantEndedEntry(grant, 'revoked'), principal: principalEntry(by) })
    const revoked = await grants.revoke(id)
    await this.#follow(revoked, 'revoke')
    return revoked
  }

  async #follow(grant: Grant, kind: 'revoke' | 'consume'): Promise<void> {
    if (grant.request === undefined) return
    try {
      const after = await this.#parts.requests.apply(grant.request, { kind })
      await this.#parts.append(
        kind === 'revoke'
          ? requestEntry('request.ended', after, { state: after.state })
          : requestEntry('request.consumed', after),
      )
    } catch (error) {
      // Safe: its time is over, or it was used up before; the right itself says what holds.
      if (!(error instanceof InvalidRequest)) throw error
    }
  }
}
