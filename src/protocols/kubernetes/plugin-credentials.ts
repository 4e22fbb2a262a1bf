// What programs gave: kept until shortly before it ends, one asking at a time for all sessions. In this process's memory only.
import { createHash } from 'node:crypto'
import { askPlugin, type ExecCredential, type ExecSettings } from './exec-plugin.ts'

/** It is asked for again so long before it ends; one that is short, in the last fifth of its time. */
const EARLY_MS = 30_000
/** One that says nothing of an end; what a cluster no longer takes is asked for again at once. */
const UNSAID_MS = 300_000
/** A program that is asked again and again, because a cluster takes nothing that it gives. */
const AGAIN_MS = 10_000
const MOST_KEPT = 1_000

interface Kept {
  readonly asked: number
  until: number
  readonly credential: Promise<ExecCredential>
}

export interface GivenCredential extends ExecCredential {
  /** By `performance.now()`. */
  readonly until: number
  /** The cluster did not take it: true when the program may be asked for another. */
  refused(): boolean
}

export class PluginCredentials {
  readonly #kept = new Map<string, Kept>()
  readonly #ask: typeof askPlugin

  constructor(ask = askPlugin) {
    this.#ask = ask
  }

  /** Throws UpstreamError. */
  async of(
    resource: string,
    settings: ExecSettings,
    environment: Readonly<Record<string, string>>,
  ): Promise<GivenCredential> {
    const key = createHash('sha256')
      .update(JSON.stringify([resource, settings, Object.entries(environment).sort()]))
      .digest('hex')
    let kept = this.#kept.get(key)
    if (kept === undefined || kept.until <= performance.now()) {
      kept = this.#begin(key, settings, environment)
    }
    const given = await kept.credential
    return { ...given, until: kept.until, refused: () => this.#refused(key, kept) }
  }

  #begin(key: string, settings: ExecSettings, environment: Readonly<Record<string, string>>): Kept {
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    const asked = performance.now()
    const kept: Kept = {
      asked,
      // Nobody asks beside it: the program has a deadline of its own.
      until: Number.POSITIVE_INFINITY,
      credential: this.#ask(settings, environment),
    }
    this.#kept.set(key, kept)
    kept.credential.then(
      ({ expiresAt }) => {
        const lasts = expiresAt === undefined ? UNSAID_MS : expiresAt - Date.now()
        kept.until = performance.now() + lasts - Math.min(EARLY_MS, Math.max(lasts, 0) / 5)
      },
      () => {
        // It is thrown where it was asked for; the next request asks again.
        if (this.#kept.get(key) === kept) this.#kept.delete(key)
      },
    )
    return kept
  }

  #refused(key: string, kept: Kept): boolean {
    const known = this.#kept.get(key)
    // Another was given meanwhile.
    if (known !== kept) return true
    if (performance.now() - kept.asked < AGAIN_MS) return false
    this.#kept.delete(key)
    return true
  }
}
