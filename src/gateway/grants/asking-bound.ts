// How often one principal was refused what it asked for. Whether a name exists, and what a policy forbids, is told to
// whoever asks for a right; guessing at it, and filling the log with guesses, comes to an end here. Knows no clock.
const MOST = 30
const WINDOW_MS = 60 * 60_000
/** Principals that are told apart; beyond, those whose hour began first are forgotten. */
const MOST_PRINCIPALS = 10_000

export class AskingBound {
  readonly #counts = new Map<string, { count: number; readonly endsAt: number }>()

  refused(principal: string, now: number): void {
    const known = this.#holding(principal, now)
    if (known !== undefined) {
      known.count += 1
      return
    }
    this.#counts.delete(principal)
    for (const [first] of this.#counts) {
      if (this.#counts.size < MOST_PRINCIPALS) break
      this.#counts.delete(first)
    }
    this.#counts.set(principal, { count: 1, endsAt: now + WINDOW_MS })
  }

  /** True when nothing more is asked within this hour. */
  isOver(principal: string, now: number): boolean {
    return (this.#holding(principal, now)?.count ?? 0) >= MOST
  }

  #holding(principal: string, now: number) {
    const known = this.#counts.get(principal)
    return known !== undefined && now < known.endsAt ? known : undefined
  }
}
