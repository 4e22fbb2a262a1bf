// Failed logins on record: each, up to a bound for each address and minute, then their number. Anybody who reaches
// a port can fail, and must not be able to fill the disk that every decision needs. Knows no log and no clock.
const EACH_MINUTE = 100
const WINDOW_MS = 60_000
/** Addresses that are told apart within a minute; those beyond share one place. */
const MOST_ADDRESSES = 10_000
const OTHERS = ''

/** What was not put on record one by one: for one entry. */
export interface PassedOver {
  /** Empty: of many addresses. */
  readonly ip: string
  readonly failures: number
}

export class LoginFailures {
  #counts = new Map<string, number>()
  #endsAt = Number.NEGATIVE_INFINITY

  /** True when this one gets an entry of its own. */
  admit(ip: string, now: number): boolean {
    if (this.#counts.size === 0) this.#endsAt = now + WINDOW_MS
    const known = this.#counts.has(ip) || this.#counts.size < MOST_ADDRESSES
    const place = known ? ip : OTHERS
    const count = (this.#counts.get(place) ?? 0) + 1
    this.#counts.set(place, count)
    return count <= EACH_MINUTE
  }

  /** Once the minute is over, or at the end (`Infinity`): who failed more often than was written down. */
  takePassedOver(now: number): readonly PassedOver[] {
    if (now < this.#endsAt && now >= this.#endsAt - WINDOW_MS) return []
    const counts = this.#counts
    this.#counts = new Map()
    return [...counts]
      .filter(([, count]) => count > EACH_MINUTE)
      .map(([ip, count]) => ({ ip, failures: count - EACH_MINUTE }))
  }
}
