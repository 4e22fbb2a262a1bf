// The way upstream of one session: what it permits waits here until its entry is on record, which several sessions may do with
// one write at the end of the loop's turn. A session that is alone does not wait.
import type { Departure, Session } from '#gateway'

interface Leaver {
  /** It may go; never throws. */
  depart(): void
}

export class Outbox {
  readonly #session: Session
  readonly #departure: Departure
  #waiting: Leaver[] = []

  constructor(session: Session) {
    this.#session = session
    this.#departure = session.departs(() => this.#depart())
  }

  /** In this turn, or at the end of the loop's. */
  leave(one: Leaver): void {
    if (!this.#departure.waits) {
      one.depart()
      return
    }
    this.#waiting.push(one)
    this.#departure.leave()
  }

  /** Before any byte goes upstream. Throws Unavailable: what was permitted is not on record, and its session ends. */
  clear(): void {
    if (!this.#departure.waits) return
    try {
      this.#departure.clear()
    } catch (error) {
      void this.#session.close('audit_unavailable')
      throw error
    }
  }

  /** The log took nothing: a session of which something was lost by that is over, and the next request opens another. */
  refused(): void {
    try {
      this.clear()
    } catch {
      // Safe: whoever asked was told, and the session ends.
    }
  }

  #depart(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const one of waiting) one.depart()
  }
}
