// The connections to upstreams, by where they lead and as whom: one set for each resource, TLS identity and address rule.
import { createHash } from 'node:crypto'
import { Upstream, type UpstreamOrigin } from '#transport/http'

const MOST_KEPT = 1_000
/** A set that nobody asked for so long is closed. */
const IDLE_MS = 600_000

interface Kept {
  readonly upstream: Upstream
  used: number
}

export class Upstreams {
  readonly #most: number | undefined
  readonly #kept = new Map<string, Kept>()
  readonly #keys = new WeakMap<UpstreamOrigin, string>()

  /** `most`: connections to one of them (HTTP/1.1), where each long answer keeps its own. */
  constructor(most?: number) {
    this.#most = most
  }

  /** Throws ConfigurationError when the origin's rule for addresses does not hold. */
  of(resource: string, origin: UpstreamOrigin): Upstream {
    const key = this.#keyOf(resource, origin)
    const now = performance.now()
    const known = this.#kept.get(key)
    if (known !== undefined) {
      known.used = now
      return known.upstream
    }
    this.#forget(now)
    const most = this.#most
    const upstream = new Upstream(origin, most === undefined ? {} : { maxConnections: most })
    this.#kept.set(key, { upstream, used: now })
    return upstream
  }

  /** Another certificate or CA is another set: what was proved to an upstream is not lent to who proves less. */
  #keyOf(resource: string, origin: UpstreamOrigin): string {
    const known = this.#keys.get(origin)
    if (known !== undefined) return known
    const hash = createHash('sha256').update(JSON.stringify(origin)).digest('hex')
    const key = `${resource} ${hash}`
    this.#keys.set(origin, key)
    return key
  }

  #forget(now: number): void {
    for (const [key, { upstream, used }] of this.#kept) {
      const idle = now - used > IDLE_MS && upstream.connections === 0
      if (idle || this.#kept.size >= MOST_KEPT) this.#kept.delete(key)
      if (idle) upstream.close()
    }
  }
}
