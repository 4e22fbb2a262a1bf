// The rates of the last quarter of an hour: what the page opened with, gone on by the live stream. Steps in which
// nothing was told are empty, for the gateway tells of every step in which something happened.
import type { RatesView } from '#contract'

type Counts = readonly [permitted: number, held: number, denied: number, masked: number]
const NONE: Counts = [0, 0, 0, 0]

export interface RateSteps {
  /** When each step began, Unix ms, oldest first. */
  readonly at: readonly number[]
  readonly permitted: readonly number[]
  readonly held: readonly number[]
  readonly denied: readonly number[]
  readonly masked: readonly number[]
}

/** Takes steps into what is known; gives it without what is older than the window. */
export function withRates(
  known: ReadonlyMap<number, Counts>,
  { from, stepMs, permitted, held, denied, masked }: RatesView,
  window: number,
): ReadonlyMap<number, Counts> {
  const all = new Map(known)
  for (const [index, count] of permitted.entries()) {
    all.set(from + index * stepMs, [
      count,
      held[index] ?? 0,
      denied[index] ?? 0,
      masked[index] ?? 0,
    ])
  }
  const newest = from + permitted.length * stepMs
  for (const at of all.keys()) if (at < newest - window * stepMs) all.delete(at)
  return all
}

/** The last `window` steps up to this moment. */
export function stepsAt(
  known: ReadonlyMap<number, Counts>,
  now: number,
  stepMs: number,
  window: number,
): RateSteps {
  const last = Math.floor(now / stepMs) * stepMs
  const at = Array.from({ length: window }, (_, index) => last - (window - 1 - index) * stepMs)
  const of = (which: 0 | 1 | 2 | 3): number[] => at.map(each => (known.get(each) ?? NONE)[which])
  return { at, permitted: of(0), held: of(1), denied: of(2), masked: of(3) }
}

/** By the minute, for a table that a person can read. */
export function byMinute(
  steps: RateSteps,
): readonly { readonly at: number; readonly counts: Counts }[] {
  const minutes = new Map<number, Counts>()
  for (const [index, at] of steps.at.entries()) {
    const minute = Math.floor(at / 60_000) * 60_000
    const [permitted, held, denied, masked] = minutes.get(minute) ?? NONE
    minutes.set(minute, [
      permitted + (steps.permitted[index] ?? 0),
      held + (steps.held[index] ?? 0),
      denied + (steps.denied[index] ?? 0),
      masked + (steps.masked[index] ?? 0),
    ])
  }
  return [...minutes].map(([at, counts]) => ({ at, counts })).toReversed()
}

export const sum = (counts: readonly number[]): number =>
  counts.reduce((total, each) => total + each, 0)
