// The upstream's credential, kept for seconds: a secret that was changed is used soon, and nothing is resolved for each request.
import { UpstreamError } from '#model'
import type { Injected, UpstreamCredential } from './dialect.ts'

const KEPT_MS = 15_000
/** Shorter ones would be found everywhere. */
const SHORTEST_SECRET = 6

export interface Resolved {
  readonly injected: Omit<Injected, 'renewable'>
  /** When it ends by itself, by `performance.now()`. */
  readonly until?: number | undefined
  /** The upstream did not take it: true when another can be had. Absent: there is no other. */
  readonly renew?: (() => Promise<boolean>) | undefined
}

interface Kept {
  until: number
  readonly injected: Promise<Injected>
  /** The same, once it is there. */
  known?: Injected
}

export class KeptCredential implements UpstreamCredential {
  readonly #resolve: () => Promise<Resolved>
  readonly #resolved = new WeakMap<Injected, Resolved>()
  #kept: Kept | undefined

  /** `resolve`: throws UpstreamError, ConfigurationError. */
  constructor(resolve: () => Promise<Resolved>) {
    this.#resolve = resolve
  }

  get known(): Injected | undefined {
    const kept = this.#kept
    return kept !== undefined && kept.until > performance.now() ? kept.known : undefined
  }

  current(): Promise<Injected> {
    const now = performance.now()
    if (this.#kept !== undefined && this.#kept.until > now) return this.#kept.injected
    const injected = this.#ask()
    const kept: Kept = { until: now + KEPT_MS, injected }
    this.#kept = kept
    injected.then(
      known => {
        kept.known = known
        kept.until = Math.min(kept.until, this.#resolved.get(known)?.until ?? Infinity)
      },
      () => {
        // It is thrown where it was asked for; the next request tries again.
        if (this.#kept === kept) this.#kept = undefined
      },
    )
    return injected
  }

  async refused(injected: Injected): Promise<boolean> {
    const renew = this.#resolved.get(injected)?.renew
    if (renew === undefined || !(await renew())) return false
    this.#kept = undefined
    return true
  }

  async #ask(): Promise<Injected> {
    const resolved = await this.#resolve()
    const { fields, origin, secrets } = resolved.injected
    const injected: Injected = {
      fields,
      origin,
      secrets: [...new Set(secrets)].filter(secret => secret.length >= SHORTEST_SECRET),
      renewable: resolved.renew !== undefined,
    }
    this.#resolved.set(injected, resolved)
    return injected
  }
}

/** A secret as a field's value. Throws UpstreamError. */
export function fieldValue(text: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]+$/.test(text) && text.trim() === text) return text
  throw new UpstreamError(
    'upstream_refused',
    'the credential of the resource cannot be a header field',
  )
}
