// What is found besides the outputs: uses of columns, values that go elsewhere, and what columns are held against.
import type { ColumnName, ComparedValue, Probe, ProbeUse, Transfer } from '#model'
import type { Value } from './value.ts'

interface Watch {
  readonly sources: Set<ColumnName>
  unknown: boolean
}

export class Findings {
  readonly #uses = new Map<ProbeUse, Set<ColumnName>>()
  readonly #transfers: Transfer[] = []
  readonly #compared: ComparedValue[] = []
  readonly #watches: Watch[] = []
  #unknownUses = false
  #unknownTransfers = false
  #unknownCompared = false

  use(use: ProbeUse, value: Value): void {
    const watch = this.#watches.at(-1)
    if (value.how === 'unknown') {
      this.#unknownUses = true
      if (watch !== undefined) watch.unknown = true
    }
    if (value.sources.size === 0) return
    let columns = this.#uses.get(use)
    if (columns === undefined) {
      columns = new Set()
      this.#uses.set(use, columns)
    }
    for (const source of value.sources) {
      columns.add(source)
      watch?.sources.add(source)
    }
  }

  /** What was used before counts for what is being watched now, too. */
  again(value: Value): void {
    const watch = this.#watches.at(-1)
    if (watch === undefined) return
    if (value.how === 'unknown') watch.unknown = true
    for (const source of value.sources) watch.sources.add(source)
  }

  /** The columns that `work` uses, as one value. */
  watch(work: () => void): Value {
    const watch: Watch = { sources: new Set(), unknown: false }
    this.#watches.push(watch)
    work()
    this.#watches.pop()
    const outer = this.#watches.at(-1)
    if (outer !== undefined) {
      for (const source of watch.sources) outer.sources.add(source)
      if (watch.unknown) outer.unknown = true
    }
    return { sources: watch.sources, how: watch.unknown ? 'unknown' : 'transformed' }
  }

  compare(value: Value, against: readonly (ComparedValue['value'] | undefined)[]): void {
    const columns = [...value.sources]
    for (const each of against) {
      if (each === undefined) this.#unknownCompared = true
      else this.#compared.push({ columns, value: each })
    }
  }

  transfer(value: Value, by: string, to?: ColumnName): void {
    const { sources, how } = value
    if (sources.size === 0 && how !== 'unknown') return
    this.#transfers.push({ sources: [...sources], how, by, ...(to === undefined ? {} : { to }) })
  }

  /** Something was met that is not understood. */
  lose(): void {
    this.#unknownUses = true
    this.#unknownTransfers = true
    const watch = this.#watches.at(-1)
    if (watch !== undefined) watch.unknown = true
  }

  /** What `work` moves does not move. */
  withoutTransfers(work: () => void): void {
    const { length } = this.#transfers
    const unknown = this.#unknownTransfers
    work()
    this.#transfers.length = length
    this.#unknownTransfers = unknown
  }

  get probes(): readonly Probe[] | 'unknown' {
    if (this.#unknownUses) return 'unknown'
    return [...this.#uses].map(([use, columns]) => ({ use, columns: [...columns] }))
  }

  get transfers(): readonly Transfer[] | 'unknown' {
    return this.#unknownTransfers ? 'unknown' : this.#transfers
  }

  get compared(): readonly ComparedValue[] | 'unknown' {
    return this.#unknownCompared || this.#unknownUses ? 'unknown' : this.#compared
  }
}
