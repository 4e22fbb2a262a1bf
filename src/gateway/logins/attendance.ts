// Whose identity holds, besides sessions: readers of a live stream, and whoever is between proving an identity
// and opening a session. What ends an identity must reach these too, within 2 seconds.
import type { Principal } from '#model'
import type { IdentityEnd } from '#services/identity'

/** From a proof to what it is used for: longer than any handshake may take. */
const KEPT_MS = 15 * 60_000

/** True when what ended is what the principal rests on: itself, its owner, an actor, its token, its run, an issuer. */
export function restsOn(principal: Principal, end: IdentityEnd): boolean {
  const { principalId, credentialId, issuer, run } = end
  return (
    (principalId !== undefined &&
      (principal.id === principalId ||
        principal.owners.includes(principalId) ||
        principal.actors.some(actor => actor.id === principalId))) ||
    (credentialId !== undefined && principal.credential.id === credentialId) ||
    (run !== undefined && principal.id === run.principal && principal.run === run.run) ||
    (issuer !== undefined &&
      (principal.issuer === issuer || principal.actors.some(actor => actor.issuer === issuer)))
  )
}

/** Somebody who is present at something that goes on. */
export interface Presence {
  /** Aborts when the identity, or the right to be there, has ended. */
  readonly signal: AbortSignal
  leave(): void
}

interface Present {
  readonly principal: Principal
  readonly may: () => boolean
  readonly ending: AbortController
}

export class Attendance {
  readonly #present = new Set<Present>()
  readonly #provedAt = new WeakMap<Principal, number>()
  #ends: { readonly at: number; readonly number: number; readonly end: IdentityEnd }[] = []
  #number = 0

  /** Call before a proof is judged, and `proved` with the answer once it holds. */
  mark(): number {
    return this.#number
  }

  proved(principal: Principal, mark: number): void {
    this.#provedAt.set(principal, mark)
  }

  /** False when the identity expired, or what it rests on ended since it was proved. */
  holds(principal: Principal, now: number): boolean {
    if (principal.expiresAt <= now) return false
    const mark = this.#provedAt.get(principal)
    if (mark === undefined) return true
    return !this.#ends.some(({ number, end }) => number > mark && restsOn(principal, end))
  }

  /** `may` is asked about once a second: the right to be there, by the policies of that moment. */
  enter(principal: Principal, may: () => boolean): Presence {
    const present = { principal, may, ending: new AbortController() }
    this.#present.add(present)
    return {
      signal: present.ending.signal,
      leave: () => {
        this.#present.delete(present)
      },
    }
  }

  ended(end: IdentityEnd, now: number): void {
    this.#number += 1
    this.#ends = this.#ends.filter(({ at }) => now - at < KEPT_MS)
    this.#ends.push({ at: now, number: this.#number, end })
    for (const each of this.#present) if (restsOn(each.principal, end)) this.#end(each)
  }

  review(now: number): void {
    for (const each of this.#present)
      if (!this.holds(each.principal, now) || !mayStay(each)) this.#end(each)
  }

  endAll(): void {
    for (const each of this.#present) this.#end(each)
  }

  #end(present: Present): void {
    this.#present.delete(present)
    present.ending.abort()
  }
}

function mayStay({ may }: Present): boolean {
  try {
    return may()
  } catch {
    // What cannot be judged does not go on; the others are looked at all the same.
    return false
  }
}
