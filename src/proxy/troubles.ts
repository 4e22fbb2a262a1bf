// What the operator has to mend, for the log: once in a while, since clients ask again and again.
import type { Gateway, Session } from '#gateway'
import type { GatewayError } from '#model'

const QUIET_MS = 10_000
/** A session more or less is told once too often. */
const MOST_KEPT = 256

/** Of one connection. */
export class Troubles {
  readonly #gateway: Pick<Gateway, 'upstreamFailed'>
  readonly #now: () => number
  readonly #told = new Map<string, number>()

  constructor(gateway: Pick<Gateway, 'upstreamFailed'>, now = () => performance.now()) {
    this.#gateway = gateway
    this.#now = now
  }

  tell(session: Pick<Session, 'id' | 'resource'>, error: GatewayError): void {
    const key = `${session.id} ${error.code} ${error.message}`
    const now = this.#now()
    if (now - (this.#told.get(key) ?? -Infinity) < QUIET_MS) return
    if (this.#told.size >= MOST_KEPT) this.#told.clear()
    this.#told.set(key, now)
    this.#gateway.upstreamFailed(session, error)
  }
}
