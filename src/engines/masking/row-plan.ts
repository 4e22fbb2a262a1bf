// A permit's cell plans, laid out for the row loop, and what was masked by them. Decided once for an answer.
import type { CellPlan } from './index.ts'
import type { Masker, Scanner } from './masker.ts'
import type { CountingScanner } from './scanner.ts'

export const PASS = 0
export const NULL = 1
export const MASK = 2
export const SCAN = 3
/** Detectors can read the value, but what they would write does not fit its form: NULL when they find anything. */
export const SCAN_NULL = 4
/** NULL is written over like any value: whether it is NULL was chosen by values that are hidden. */
export const MASK_NULLS = 5

const keep: Masker = () => -1

export class RowPlan {
  readonly width: number
  readonly kinds: Uint8Array
  readonly writers: readonly (Masker | Scanner)[]
  readonly #plans: readonly CellPlan[]
  /** Cells that were replaced, by column. */
  readonly replaced: Uint32Array
  /** True when no cell is ever changed. */
  readonly untouched: boolean

  /** `rigid`: columns whose values may be read but not rewritten. */
  constructor(plans: readonly CellPlan[], rigid?: readonly boolean[]) {
    this.width = plans.length
    this.#plans = plans
    this.untouched = allPass(plans)
    // Most answers are small and pass: then nothing is laid out.
    if (this.untouched) {
      this.kinds = plans.length > ALL_PASS.length ? new Uint8Array(plans.length) : ALL_PASS
      this.writers = NO_WRITERS
      this.replaced = NO_COUNTS
      return
    }
    this.kinds = Uint8Array.from(plans, (plan, index) => {
      if (plan.kind === 'scan' && rigid?.[index] === true) return SCAN_NULL
      return plan.kind === 'mask' && plan.nulls === true ? MASK_NULLS : codes[plan.kind]
    })
    this.writers = plans.map(plan =>
      plan.kind === 'mask' ? plan.write : plan.kind === 'scan' ? plan.scan : keep,
    )
    this.replaced = new Uint32Array(plans.length)
  }

  /** Adds what was replaced since the last call to `totals`. */
  tally(totals: Map<string, number> | undefined): Map<string, number> | undefined {
    if (this.untouched) return totals
    for (let i = 0; i < this.width; i++) {
      const count = this.replaced[i] as number
      if (count === 0) continue
      const plan = this.#plans[i] as CellPlan
      this.replaced[i] = 0
      totals ??= new Map()
      if (plan.kind === 'scan') {
        // A scanner looks for several classes at once, and counts what it found itself.
        if (counts(plan.scan)) plan.scan.drain(totals)
      } else if (plan.kind !== 'pass') {
        totals.set(plan.dataClass, (totals.get(plan.dataClass) ?? 0) + count)
      }
    }
    return totals
  }
}

function allPass(plans: readonly CellPlan[]): boolean {
  for (const plan of plans) if (plan.kind !== 'pass') return false
  return true
}

/** A server's result has 1,664 columns at most. */
const ALL_PASS = new Uint8Array(1_664)
const NO_WRITERS: readonly Masker[] = []
const NO_COUNTS = new Uint32Array(0)

function counts(scan: Scanner): scan is CountingScanner {
  return 'drain' in scan
}

const codes: Readonly<Record<CellPlan['kind'], number>> = {
  pass: PASS,
  null: NULL,
  mask: MASK,
  scan: SCAN,
}
