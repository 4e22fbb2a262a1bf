// Bodies that are read before a decision are memory that a client fills: so much for all of them together, and no slower than a least
// rate. Whoever is above the one is told to come again, whoever is below the other is let go.
import type { Buffer } from 'node:buffer'
import { InvalidRequest, Unavailable } from '#model'
import { type Body, type Exchange, HttpRefusal } from '#transport/http'
import { readUpTo } from './body-start.ts'

export interface HoldingBounds {
  /** Of all held bodies, in bytes. */
  readonly heldBodyBytes: number
  /** Bytes of one in a second, after a while of grace; 0: as slow as they like. */
  readonly bodyBytesPerSecond: number
}

export interface HeldStart {
  readonly bytes: Buffer
  /** It is held no longer. Idempotent. */
  release(): void
}

const GRACE_MS = 10_000
const LOOK_MS = 1_000

/** One for the whole process. */
export class HeldBodies {
  readonly #bounds: () => HoldingBounds
  readonly #graceMs: number
  #held = 0

  constructor(bounds: () => HoldingBounds, graceMs = GRACE_MS) {
    this.#bounds = bounds
    this.#graceMs = graceMs
  }

  get held(): number {
    return this.#held
  }

  /** All of a body of `most` bytes at most, else what it begins with and the rest. Rejects with what ends it. */
  async read(exchange: Exchange, most: number): Promise<HeldStart | { readonly rest: Body }> {
    const { heldBodyBytes, bodyBytesPerSecond } = this.#bounds()
    let mine = 0
    const release = (): void => {
      this.#held -= mine
      mine = 0
    }
    const stop = this.#watch(exchange, bodyBytesPerSecond, () => mine)
    try {
      const start = await readUpTo(exchange.body, most, bytes => {
        if (this.#held + bytes > heldBodyBytes) throw tooMuch()
        this.#held += bytes
        mine += bytes
      })
      if ('rest' in start) {
        release()
        return start
      }
      return { ...start, release }
    } catch (error) {
      release()
      throw error
    } finally {
      stop()
    }
  }

  #watch(exchange: Exchange, rate: number, read: () => number): () => void {
    if (rate <= 0) return () => {}
    const began = performance.now()
    let timer = setTimeout(look, Math.max(this.#graceMs, 1))
    const grace = this.#graceMs
    function look(): void {
      const due = ((performance.now() - began - grace) / 1_000) * rate
      if (read() >= due) timer = setTimeout(look, LOOK_MS)
      // Reset, without another word: whoever sends so slowly reads as slowly.
      else exchange.abort(new HttpRefusal('body_slow'))
    }
    return () => clearTimeout(timer)
  }
}

export function tooLarge(most: number): InvalidRequest {
  return new InvalidRequest(
    'statement_too_large',
    `the body is longer than the ${most} bytes that this resource reads before a decision`,
  )
}

function tooMuch(): Unavailable {
  return new Unavailable('unavailable', 'too many bodies wait for a decision: ask again later')
}
