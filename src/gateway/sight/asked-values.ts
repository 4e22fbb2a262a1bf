// How many different values of a class each principal has asked a resource for within the last hour. Keeps keyed
// hashes only, under a secret of this process: neither the values nor whether two principals asked for the same.
import { createHmac, randomBytes } from 'node:crypto'

const HOUR_MS = 60 * 60_000
/** Of all principals together. When there is no more room, new values are refused. */
const MOST_KEPT = 250_000
const HASH_BYTES = 16

/** On whose account a value is asked for. */
export interface Account {
  readonly principal: string
  readonly resource: string
  readonly dataClass: string
}

export class AskedValues {
  readonly #key = randomBytes(32)
  readonly #most: number
  /** By account; in it the values by when they were last asked for, oldest first. */
  readonly #accounts = new Map<string, Map<string, number>>()
  #kept = 0

  constructor(most: number = MOST_KEPT) {
    this.#most = most
  }

  /** Takes all of the values or, when they are too many, none of them: then false. */
  take(account: Account, values: readonly Uint8Array[], limit: number, now: number): boolean {
    const key = JSON.stringify([account.principal, account.resource, account.dataClass])
    const asked = this.#current(key, now)
    const hashes = new Set(values.map(value => this.#hash(key, value)))
    let added = 0
    for (const hash of hashes) if (asked?.has(hash) !== true) added += 1
    if (added > 0) {
      if ((asked?.size ?? 0) + added > limit) return false
      if (this.#kept + added > this.#most && !this.#makeRoom(added, now)) return false
    }
    let kept = this.#accounts.get(key)
    if (kept === undefined) {
      kept = new Map()
      this.#accounts.set(key, kept)
    }
    for (const hash of hashes) {
      // Last again: asking goes on.
      kept.delete(hash)
      kept.set(hash, now)
    }
    this.#kept += added
    return true
  }

  #current(key: string, now: number): Map<string, number> | undefined {
    const asked = this.#accounts.get(key)
    if (asked === undefined) return undefined
    for (const [hash, at] of asked) {
      if (now - at < HOUR_MS) break
      asked.delete(hash)
      this.#kept -= 1
    }
    if (asked.size > 0) return asked
    this.#accounts.delete(key)
    return undefined
  }

  #makeRoom(wanted: number, now: number): boolean {
    for (const key of [...this.#accounts.keys()]) this.#current(key, now)
    return this.#kept + wanted <= this.#most
  }

  #hash(account: string, value: Uint8Array): string {
    return createHmac('sha256', this.#key)
      .update(`${account.length}:${account}`)
      .update(value)
      .digest()
      .toString('latin1', 0, HASH_BYTES)
  }
}
