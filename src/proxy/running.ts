// The exchanges of one session that are under way: what ends the session ends them, and those that take longer stand on
// their permits. One listener and one look a quarter of a second for all of them: a timer and a listener for each request
// would cost more than deciding about it.
import { endingError, type Permit, type Session, type StandingPermit, standOn } from '#gateway'
import { AccessDenied, type CloseReason } from '#model'
import { unwatch, type Watched, watch } from '#transport/http'

/** What takes longer stands on its permit: it is asked about when rules change, and each second. */
const STANDING_MS = 500

interface Cuttable {
  readonly permit: Permit
  cut(error: Error): void
  /** True: from here on it shows what these rules let be seen. */
  follows(permit: Permit): boolean
}

export class Running implements Watched {
  readonly #session: Session
  /** In the order in which they began, with when they are to stand on their permits. */
  readonly #young = new Map<Cuttable, number>()
  readonly #standing = new Map<Cuttable, StandingPermit>()
  #watching = false

  constructor(session: Session) {
    this.#session = session
    session.signal.addEventListener('abort', () => this.#ended(), { once: true })
  }

  /** Cuts it at once when the session has ended. */
  add(one: Cuttable): void {
    this.#young.set(one, performance.now() + STANDING_MS)
    if (this.#session.signal.aborted) {
      this.#ended()
      return
    }
    if (!this.#watching) watch(this)
    this.#watching = true
  }

  delete(one: Cuttable): void {
    if (this.#young.delete(one)) return
    this.#standing.get(one)?.drop()
    this.#standing.delete(one)
  }

  get deadline(): number {
    for (const [, at] of this.#young) return at
    return Number.POSITIVE_INFINITY
  }

  overdue(): void {
    const now = performance.now()
    for (const [one, at] of this.#young) {
      if (at > now) return
      this.#young.delete(one)
      this.#stand(one)
    }
  }

  #stand(one: Cuttable): void {
    const { permit } = one
    const standing = standOn(this.#session, permit, next => {
      // What is on its way was masked by the rules of before.
      if ((permit.masks || next.masks) && !one.follows(next)) one.cut(rulesChanged())
    })
    this.#standing.set(one, standing)
    standing.signal.addEventListener('abort', () => {
      const { reason } = standing.signal
      one.cut(reason instanceof Error ? reason : rulesChanged())
    })
  }

  #ended(): void {
    if (this.#watching) unwatch(this)
    this.#watching = false
    const all = [...this.#young.keys(), ...this.#standing.keys()]
    if (all.length === 0) return
    const error = endingError(this.#session.signal.reason as CloseReason)
    for (const one of all) one.cut(error)
  }
}

function rulesChanged(): AccessDenied {
  return new AccessDenied('session_ended', 'what may be seen changed while this was answered')
}
