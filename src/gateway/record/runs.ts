// What the runs of agents have done so far: one principal's sessions that share a run share its totals.
import type { Principal } from '#model'

/** What a run has done so far, across its sessions and protocols. */
export interface RunTotals {
  rows: number
  bytes: number
  statements: number
}

/** Totals by run, kept while one of its sessions lives and for a while after. */
export class Runs {
  readonly #totals = new Map<string, { totals: RunTotals; sessions: number; idleSince: number }>()
  readonly #keepIdleMs: number

  constructor(keepIdleMs: number) {
    this.#keepIdleMs = keepIdleMs
  }

  /** The totals of a run, shared by its sessions. Pair with `leave`. */
  enter(principal: Principal, now: number): RunTotals {
    this.#forget(now)
    const key = runKey(principal)
    const known = this.#totals.get(key) ?? {
      totals: { rows: 0, bytes: 0, statements: 0 },
      sessions: 0,
      idleSince: now,
    }
    known.sessions += 1
    this.#totals.set(key, known)
    return known.totals
  }

  leave(principal: Principal, now: number): void {
    const known = this.#totals.get(runKey(principal))
    if (known === undefined) return
    known.sessions -= 1
    known.idleSince = now
  }

  #forget(now: number): void {
    for (const [key, run] of this.#totals) {
      if (run.sessions === 0 && now - run.idleSince > this.#keepIdleMs) this.#totals.delete(key)
    }
  }
}

/** A run belongs to one principal: the claim is the agent's word, so it never reaches another's totals. */
function runKey(principal: Principal): string {
  return JSON.stringify([principal.id, principal.run])
}
