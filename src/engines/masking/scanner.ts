// Rewrites a cell: what the finder found is replaced, the rest is copied. Knows no configuration.

import { type Answer, takeUp } from './answer.ts'
import type { Finder } from './finder.ts'
import { lastFindings } from './finder.ts'
import { copyBytes, FIXED, GROWTH, type Mask, type Scanner } from './masker.ts'

/** What a detector's findings become. */
export interface Treatment {
  readonly dataClass: string
  /** Decides when two findings of the same length overlap. */
  readonly rank: number
  readonly mask: Mask
  /** For a span that is wider than what the detector found: shows nothing. */
  readonly redact: Mask
}

/** A scanner that counts what it replaced, by data class. */
export interface CountingScanner extends Scanner {
  /** Adds the values replaced since the last call to `into`, by data class, and begins anew. */
  drain(into: Map<string, number>): void
  /** Another answer begins: it has a budget of its own. */
  begin(): void
}

/** What stands where a whole mark would outgrow `maskedBytes`: many tiny values in one cell. */
const SHORT = 3
const STAR = 0x2a

/** Builds the scanner. Treatments are by the finder's kinds. */
export function createScanner(finder: Finder, treatments: readonly Treatment[]): CountingScanner {
  const counts = new Int32Array(treatments.length)
  const cluster: Cluster = { end: 0, kind: 0, exact: true }

  let answer: Answer = { spentMs: 0 }

  const scan: Scanner = (src, start, end, out, at) => {
    takeUp(answer)
    if (!finder(src, start, end)) return -1
    let from = start
    let written = 0
    for (let i = 0; i < lastFindings.count; ) {
      const first = lastFindings.start[i]!
      i = joinOverlapping(i, treatments, cluster)
      written += copyBytes(src, from, first, out, at + written)
      from = cluster.end
      counts[cluster.kind]!++
      const treatment = treatments[cluster.kind]!
      const mask = cluster.exact && !lastFindings.doubtful ? treatment.mask : treatment.redact
      const needed = mask.fixed + (mask.copies ? from - first : 0)
      // Keeps the promise of maskedBytes at each step: three bytes for each read so far, and the rest.
      if (written + needed <= (from - start) * GROWTH + FIXED) {
        written += mask.write(src, first, from, out, at + written)
      } else {
        for (let n = 0; n < SHORT; n++) out[at + written++] = STAR
      }
    }
    return written + copyBytes(src, from, end, out, at + written)
  }

  return Object.assign(scan, {
    begin: () => {
      answer = { spentMs: 0 }
    },
    drain: (into: Map<string, number>) => {
      treatments.forEach(({ dataClass }, kind) => {
        const count = counts[kind]!
        if (count > 0) into.set(dataClass, (into.get(dataClass) ?? 0) + count)
        counts[kind] = 0
      })
    },
  })
}

/** Findings that overlap, as one: its end, and the kind of the longest. */
interface Cluster {
  end: number
  kind: number
  /** True when the span is exactly what `kind` found. */
  exact: boolean
}

/** Joins the findings from `i` on that overlap; the index behind them. Of equally long ones rank decides. */
function joinOverlapping(i: number, treatments: readonly Treatment[], cluster: Cluster): number {
  const { start, end, kind, count } = lastFindings
  const first = start[i]!
  let until = end[i]!
  let best = i
  for (i++; i < count && start[i]! < until; i++) {
    const longer = end[i]! - start[i]! - (end[best]! - start[best]!)
    if (longer > 0 || (longer === 0 && treatments[kind[i]!]!.rank > treatments[kind[best]!]!.rank))
      best = i
    if (end[i]! > until) until = end[i]!
  }
  cluster.end = until
  cluster.kind = kind[best]!
  cluster.exact = end[best]! - start[best]! === until - first
  return i
}
