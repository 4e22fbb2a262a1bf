// The sessions that live on this node: found, listed, followed by new rules, ended.
import type { CloseReason, SessionSummary } from '#model'
import type { LiveSession } from './live-session.ts'

export class LiveSessions {
  readonly #sessions = new Map<string, LiveSession<unknown>>()
  readonly #expiries = new Map<string, NodeJS.Timeout>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Keeps a session until it ends, and ends it when its identity does. */
  add(session: LiveSession<unknown>): void {
    this.#sessions.set(session.id, session)
    this.#watchExpiry(session)
  }

  remove(id: string): void {
    this.#sessions.delete(id)
    clearTimeout(this.#expiries.get(id))
    this.#expiries.delete(id)
  }

  get(id: string): LiveSession<unknown> | undefined {
    return this.#sessions.get(id)
  }

  all(): readonly LiveSession<unknown>[] {
    return [...this.#sessions.values()]
  }

  summaries(): readonly SessionSummary[] {
    return this.all().map(session => session.summary())
  }

  count(principal: string): number {
    let count = 0
    for (const session of this.#sessions.values())
      if (session.principal.id === principal) count += 1
    return count
  }

  /** Ends those that match; resolves when their last entries are written. */
  async end(
    match: (session: LiveSession<unknown>) => boolean,
    reason: CloseReason,
  ): Promise<number> {
    const ending = this.all().filter(match)
    await Promise.all(ending.map(session => session.close(reason)))
    return ending.length
  }

  #watchExpiry(session: LiveSession<unknown>): void {
    const left = session.principal.expiresAt - this.#now()
    // A timer holds 24.8 days at most: wait in steps.
    const timer = setTimeout(
      () => {
        if (session.principal.expiresAt <= this.#now()) void session.close('identity_ended')
        else this.#watchExpiry(session)
      },
      Math.min(Math.max(left, 0), 2 ** 31 - 1),
    )
    timer.unref()
    this.#expiries.set(session.id, timer)
  }
}
