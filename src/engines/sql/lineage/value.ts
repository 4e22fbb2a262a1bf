// Where a value comes from, while it is being found out. Values are shared and never changed.
import type { ColumnName, Derivation } from '#model'
import type { Row } from './row.ts'

export interface Value {
  readonly sources: ReadonlySet<ColumnName>
  readonly how: Derivation
  /** A whole row: what its fields are. */
  readonly row?: Row
}

const nothing: ReadonlySet<ColumnName> = new Set()
export const CONSTANT: Value = { sources: nothing, how: 'transformed' }
export const UNKNOWN: Value = { sources: nothing, how: 'unknown' }

/** True when no value of a table is in it. */
export function isConstant({ sources, how }: Value): boolean {
  return sources.size === 0 && how !== 'unknown'
}

/** What is thrown inside this room when a text asks for more work than it is worth; the door answers `unknown`. */
export class TooMuch extends Error {}

/** Work that may still be done for one statement: a megabyte of text could ask for billions of steps. */
export class Fuel {
  #left: number
  constructor(steps: number) {
    this.#left = steps
  }

  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new TooMuch()
  }
}

/** An expression over values. */
export function made(
  values: readonly Value[],
  how: 'transformed' | 'aggregate',
  fuel: Fuel,
): Value {
  let unknown = false
  for (const value of values) if (value.how === 'unknown') unknown = true
  const sources = unionOf(values, fuel)
  if (unknown) return { sources, how: 'unknown' }
  return sources.size === 0 ? CONSTANT : { sources, how }
}

/** One of several values: a set operation's column, a column that is assigned to. `none`: when there are none. */
export function either(values: readonly Value[], fuel: Fuel, none = CONSTANT): Value {
  const [first] = values
  if (first === undefined) return none
  if (values.every(value => value === first)) return first
  let how: Derivation = 'identity'
  for (const value of values) how = worse(how, value.how)
  // (A constant's `how` is `transformed`: a mixture of values and what the sender says himself is one too.)
  const sources = unionOf(values, fuel)
  return sources.size === 0 && how !== 'unknown' ? CONSTANT : { sources, how }
}

const order: readonly Derivation[] = ['identity', 'aggregate', 'transformed', 'unknown']

function worse(one: Derivation, other: Derivation): Derivation {
  return order.indexOf(one) < order.indexOf(other) ? other : one
}

function unionOf(values: readonly Value[], fuel: Fuel): ReadonlySet<ColumnName> {
  let only = nothing
  let union: Set<ColumnName> | undefined
  for (const { sources } of values) {
    if (sources.size === 0 || sources === only) continue
    if (only.size === 0) {
      only = sources
      continue
    }
    if (union === undefined) {
      fuel.spend(only.size)
      union = new Set(only)
    }
    fuel.spend(sources.size)
    for (const source of sources) union.add(source)
  }
  fuel.spend(1)
  return union ?? only
}
