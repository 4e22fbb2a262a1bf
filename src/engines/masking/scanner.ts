// Rewrites a cell: what the finder found is replaced, the rest is copied. Knows no configuration.
import type { Finder } from './finder.ts'
import { lastFindings } from './finder.ts'
import type { FindingList } from './finding-list.ts'
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

/** What stands where a whole mark would outgrow `maskedBytes`: many tiny values in one cell. */
const SHORT = 3

/** Findings that overlap, as one span. */
interface Cluster {
  start: number
  end: number
  kind: number
  /** True when the span is exactly what `kind` found. */
  exact: boolean
}

/** Walks three sorted lists as one, and joins what overlaps. */
class Clusters {
  #a = 0
  #b = 0
  #c = 0
  readonly cluster: Cluster = { start: 0, end: 0, kind: 0, exact: true }
  readonly #treatments: readonly Treatment[]

  constructor(treatments: readonly Treatment[]) {
    this.#treatments = treatments
  }

  reset(): void {
    this.#a = this.#b = this.#c = 0
  }

  next(): boolean {
    const cluster = this.cluster
    let list = this.#first()
    if (list === undefined) return false
    let i = this.#take(list)
    cluster.start = list.start[i]!
    cluster.end = list.end[i]!
    cluster.kind = list.kind[i]!
    let width = cluster.end - cluster.start
    for (;;) {
      list = this.#first()
      if (list === undefined) break
      i = this.#peek(list)
      const start = list.start[i]!
      if (start >= cluster.end) break
      this.#take(list)
      const end = list.end[i]!
      const kind = list.kind[i]!
      const longer = end - start > width
      if (longer || (end - start === width && this.#rank(kind) > this.#rank(cluster.kind))) {
        width = end - start
        cluster.kind = kind
      }
      if (end > cluster.end) cluster.end = end
    }
    cluster.exact = width === cluster.end - cluster.start
    return true
  }

  #rank(kind: number): number {
    return this.#treatments[kind]!.rank
  }

  /** The list whose next finding begins first. */
  #first(): FindingList | undefined {
    const { bytes, numbers, prefixes } = lastFindings
    let best: FindingList | undefined
    let start = Number.POSITIVE_INFINITY
    if (this.#a < bytes.count) {
      start = bytes.start[this.#a]!
      best = bytes
    }
    if (this.#b < numbers.count && numbers.start[this.#b]! < start) {
      start = numbers.start[this.#b]!
      best = numbers
    }
    if (this.#c < prefixes.count && prefixes.start[this.#c]! < start) best = prefixes
    return best
  }

  #peek(list: FindingList): number {
    if (list === lastFindings.bytes) return this.#a
    return list === lastFindings.numbers ? this.#b : this.#c
  }

  #take(list: FindingList): number {
    if (list === lastFindings.bytes) return this.#a++
    return list === lastFindings.numbers ? this.#b++ : this.#c++
  }
}

/** A scanner that counts what it replaced, by data class. */
export interface CountingScanner extends Scanner {
  /** Adds the values replaced since the last call to `into`, by data class, and begins anew. */
  drain(into: Map<string, number>): void
}

/** Builds the scanner. Treatments are by the finder's kinds. */
export function createScanner(finder: Finder, treatments: readonly Treatment[]): CountingScanner {
  const clusters = new Clusters(treatments)
  const { cluster } = clusters
  const counts = new Int32Array(treatments.length)

  const scan: Scanner = (src, start, end, out, at) => {
    if (!finder(src, start, end)) return -1
    clusters.reset()
    let from = start
    let written = 0
    while (clusters.next()) {
      written += copyBytes(src, from, cluster.start, out, at + written)
      from = cluster.end
      counts[cluster.kind]!++
      const treatment = treatments[cluster.kind]!
      const mask = cluster.exact ? treatment.mask : treatment.redact
      const needed = mask.fixed + (mask.copies ? cluster.end - cluster.start : 0)
      // Keeps the promise of maskedBytes at each step: three bytes for each read so far, and the rest.
      if (written + needed <= (cluster.end - start) * GROWTH + FIXED) {
        written += mask.write(src, cluster.start, cluster.end, out, at + written)
      } else {
        for (let i = 0; i < SHORT; i++) out[at + written++] = 0x2a
      }
    }
    return written + copyBytes(src, from, end, out, at + written)
  }

  return Object.assign(scan, {
    drain: (into: Map<string, number>) => {
      treatments.forEach(({ dataClass }, kind) => {
        if (counts[kind] === 0) return
        into.set(dataClass, (into.get(dataClass) ?? 0) + counts[kind]!)
        counts[kind] = 0
      })
    },
  })
}
