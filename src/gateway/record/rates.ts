// How many statements this node saw lately, by what became of them: a ring of ten-second steps, for a page that opens
// now. Counting is an addition; nothing is allocated. It decides nothing and survives no restart.

/** One step of the ring. */
export const STEP_MS = 10_000
/** A quarter of an hour. */
export const STEPS = 90

export type Counted = 'permit' | 'held' | 'deny' | 'masked'
const kinds: Readonly<Record<Counted, number>> = { permit: 0, held: 1, deny: 2, masked: 3 }
const KINDS = 4

/** Counts per step, oldest first. */
export interface RatesView {
  /** When the first step began, Unix ms. */
  readonly from: number
  readonly stepMs: number
  readonly permitted: readonly number[]
  readonly held: readonly number[]
  readonly denied: readonly number[]
  /** Answers in which something was masked; they are among the permitted. */
  readonly masked: readonly number[]
}

export class Rates {
  /** Which step each slot counts. */
  readonly #steps = new Float64Array(STEPS)
  readonly #counts = new Float64Array(STEPS * KINDS)

  count(what: Counted, now: number): void {
    const step = Math.floor(now / STEP_MS)
    const slot = step % STEPS
    const at = slot * KINDS
    if (this.#steps[slot] !== step) {
      this.#steps[slot] = step
      this.#counts.fill(0, at, at + KINDS)
    }
    this.#counts[at + kinds[what]]! += 1
  }

  /** The last `steps` of them; the one that is not over is the last. */
  read(now: number, steps = STEPS): RatesView {
    const last = Math.floor(now / STEP_MS)
    const first = last - steps + 1
    const of = (what: Counted): number[] =>
      Array.from({ length: steps }, (_, index) => {
        const slot = (first + index) % STEPS
        return this.#steps[slot] === first + index
          ? (this.#counts[slot * KINDS + kinds[what]] ?? 0)
          : 0
      })
    return {
      from: first * STEP_MS,
      stepMs: STEP_MS,
      permitted: of('permit'),
      held: of('held'),
      denied: of('deny'),
      masked: of('masked'),
    }
  }
}
