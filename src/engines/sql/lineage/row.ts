// The columns of what stands in FROM, or of a query: names and values, and whether these are all of them.
import { alike, isBeyondAscii } from './alike.ts'
import { either, type Fuel, made, UNKNOWN, type Value } from './value.ts'

/** The name of a column that may be called anything: of VALUES, where servers differ. */
export const ANYHOW = '\0'
/** Up to here looking through the names beats making a map. */
const FEW = 8

export class Row {
  /** In order. A name may stand twice. */
  readonly names: readonly string[]
  /** Undefined when there are no other columns; else what any of them may be. */
  readonly others: Value | undefined
  /** Columns that it has besides: system columns (ctid, ...), and those that `*` passes over. */
  readonly #beside: ((name: string) => Value | undefined) | undefined
  readonly #valueAt: (index: number) => Value
  #index: Map<string, number[]> | undefined

  constructor(
    names: readonly string[],
    valueAt: (index: number) => Value,
    others?: Value,
    beside?: (name: string) => Value | undefined,
  ) {
    this.names = names
    this.#valueAt = valueAt
    this.others = others
    this.#beside = beside
  }

  static of(names: readonly string[], values: readonly Value[], others?: Value): Row {
    return new Row(names, index => values[index] ?? UNKNOWN, others)
  }

  /** Columns that are not known, of which each may be `value`. */
  static open(value: Value): Row {
    return new Row([], () => value, value)
  }

  at(index: number): Value {
    return this.#valueAt(index)
  }

  values(): readonly Value[] {
    return this.names.map((_, index) => this.at(index))
  }

  /** A column that is surely there. */
  find(name: string, fuel: Fuel): Value | undefined {
    const found = this.#indexes(name)
    if (found.length === 1) return this.at(found[0] as number)
    if (found.length > 1)
      return either(
        found.map(index => this.at(index)),
        fuel,
      )
    return this.#beside?.(name)
  }

  /** Some are called what is not known here. */
  get hasUntold(): boolean {
    return this.#indexes('').length + this.#indexes(ANYHOW).length > 0
  }

  /** Of a column that is none of `names`. */
  besides(name: string): Value | undefined {
    return this.#beside?.(name)
  }

  /** An expression without an alias is called by its own text, which is not kept here, a literal by its value (`'ssn'`): any name may be its. */
  findByText(fuel: Fuel): Value | undefined {
    const found = [...this.#indexes(''), ...this.#indexes(ANYHOW)]
    return found.length === 0
      ? undefined
      : either(
          found.map(index => this.at(index)),
          fuel,
        )
  }

  /** A column that some server may take for that name; what is made of it is not sure then. */
  findAlike(name: string, fuel: Fuel): Value | undefined {
    const odd = isBeyondAscii(name)
    const found: Value[] = []
    for (const [index, each] of this.names.entries())
      if ((odd || isBeyondAscii(each)) && alike(each, name)) found.push(this.at(index))
    return found.length === 0 ? undefined : either([...found, UNKNOWN], fuel)
  }

  /** All of it as one value. */
  whole(fuel: Fuel): Value {
    fuel.spend(this.names.length)
    const values = this.values()
    const all = made(
      this.others === undefined ? values : [...values, this.others],
      'transformed',
      fuel,
    )
    return { ...all, row: this }
  }

  /** The first columns get other names. */
  renamed(names: readonly string[]): Row {
    if (names.length === 0) return this
    const own = this.names
    const more = names.length > own.length && this.others !== undefined
    const { others } = this
    // Names for columns that we do not know of.
    const all = more ? names : [...names.slice(0, own.length), ...own.slice(names.length)]
    return new Row(
      all,
      index => (index < own.length ? this.at(index) : (others ?? UNKNOWN)),
      others,
      this.#beside,
    )
  }

  /** The same row with other values for some columns. */
  with(changed: ReadonlyMap<string, Value>): Row {
    if (changed.size === 0) return this
    return new Row(
      this.names,
      index => changed.get(this.names[index] as string) ?? this.at(index),
      this.others,
      name => changed.get(name) ?? this.#beside?.(name),
    )
  }

  #indexes(name: string): readonly number[] {
    if (this.names.length <= FEW && this.#index === undefined) {
      const at = this.names.indexOf(name)
      if (at === -1) return none
      const last = this.names.lastIndexOf(name)
      if (at === last) return [at]
    }
    if (this.#index === undefined) {
      this.#index = new Map()
      for (const [index, each] of this.names.entries()) {
        const known = this.#index.get(each)
        if (known === undefined) this.#index.set(each, [index])
        else known.push(index)
      }
    }
    return this.#index.get(name) ?? none
  }
}

const none: readonly number[] = []
