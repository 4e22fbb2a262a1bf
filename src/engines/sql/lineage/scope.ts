// Which value a name means, by the server's rules: the innermost level that has such a column; else, for a name
// alone, the whole row of the relation of that name; `t.name` without such a column is a function of the row.
import type { RelationName } from '../analysis.ts'
import { alike } from './alike.ts'
import { lookOutward, rowOutward } from './outward.ts'
import type { Cte } from './plan.ts'
import type { Row } from './row.ts'
import type { NameRules } from './rules.ts'
import { either, type Fuel, UNKNOWN, type Value } from './value.ts'

export interface Item {
  /** By which its columns are qualified. */
  readonly alias: string | undefined
  readonly row: Row
  /** False for the sides of a join: a name alone finds the join's columns. */
  readonly plain: boolean
  /** As written, of a relation without an alias: the only ones that a name with a schema finds. */
  readonly relation?: RelationName | undefined
}

/** A level of query. */
export class Scope {
  readonly outer: Scope | undefined
  readonly items: Item[] = []
  /** What it answers with so far, where that is seen by name. */
  outputs: Outputs | undefined

  constructor(outer: Scope | undefined) {
    this.outer = outer
  }
}

/** The columns of an answer while they are being made. */
export class Outputs {
  readonly #names: string[] = []
  readonly #values: Value[] = []
  readonly #others: Value[] = []

  add(names: readonly string[], values: readonly Value[], others: Value | undefined): void {
    this.#names.push(...names)
    this.#values.push(...values)
    if (others !== undefined) this.#others.push(others)
  }

  find(name: string, fuel: Fuel): Value | undefined {
    fuel.spend(this.#names.length / 8)
    const found = this.#values.filter((_, index) => alike(this.#names[index] as string, name))
    return found.length + this.#others.length === 0
      ? undefined
      : either([...found, ...this.#others], fuel)
  }
}

/** The CTEs that are seen from a place. */
export interface Ctes {
  readonly name: string
  readonly entry: CteEntry
  readonly outer: Ctes | undefined
}

export interface CteEntry {
  readonly cte: Cte
  /** From where its own query is seen; set once, when all of a recursive WITH are known. */
  ctes: Ctes | undefined
  readonly scope: Scope | undefined
  row: Row | undefined
  /** While it is being resolved: what is known so far, when it may name itself. */
  soFar: Row | undefined
  state: 'waiting' | 'running' | 'done'
  /** What its query asks of columns. */
  asked: Value
  /** It was named by itself. */
  recursive: boolean
}

export interface Place {
  readonly scope: Scope | undefined
  readonly ctes: Ctes | undefined
}

/** Whether a name in other letters is that of a CTE hangs on the server, by the same rules. */
export function mayBeCte(name: string, ctes: Ctes | undefined): boolean {
  for (let each = ctes; each !== undefined; each = each.outer)
    if (each.name !== name && alike(each.name, name)) return true
  return false
}

export function cteOf(name: string, ctes: Ctes | undefined): CteEntry | undefined {
  for (let each = ctes; each !== undefined; each = each.outer)
    if (each.name === name) return each.entry
  return undefined
}

/** What a path of names means; `call`: what a function of a whole row makes of it. */
export function lookUp(
  path: readonly string[],
  scope: Scope | undefined,
  fuel: Fuel,
  call: (name: string, row: Value) => Value,
  rules?: NameRules,
): Value {
  if (rules?.outward === true) return lookOutward(path, scope, fuel, rules.outputsByName)
  const name = path.at(-1) ?? ''
  if (path.length === 1) return unqualified(name, scope, fuel)
  const items = named(path.slice(0, -1), scope, fuel)
  return either(
    items.map(({ row }) => columnOf(row, name, fuel, call)),
    fuel,
    // (No such relation: the server refuses the text, or we do not see what it sees.)
    UNKNOWN,
  )
}

function columnOf(
  row: Row,
  name: string,
  fuel: Fuel,
  call: (name: string, row: Value) => Value,
): Value {
  const found = row.find(name, fuel)
  if (row.others === undefined) return found ?? call(name, row.whole(fuel))
  return either([found ?? call(name, row.whole(fuel)), row.others], fuel)
}

/** The whole row of what an alias, or the name of a relation, names. */
export function rowOf(
  path: readonly string[],
  scope: Scope | undefined,
  fuel: Fuel,
  rules?: NameRules,
): Row | undefined {
  if (rules?.outward === true) return rowOutward([...path, '*'], scope)
  const items = named(path, scope, fuel)
  return items.length === 1 ? items[0]?.row : undefined
}

/** The relations that an alias names, at the innermost level that has one. */
function named(path: readonly string[], scope: Scope | undefined, fuel: Fuel): readonly Item[] {
  const alias = path.at(-1) ?? ''
  if (path.length > 1) return ofSchema({ schema: path.at(-2), name: alias }, scope, fuel)
  for (let level = scope; level !== undefined; level = level.outer) {
    fuel.spend(1 + level.items.length / 8)
    const items = level.items.filter(item => item.alias === alias)
    if (items.length > 0) return items
  }
  return []
}

/**
 * The server looks for that very relation and passes over everything else of the name, at any level. Which one a
 * relation without a schema is, is not known here: all that it may be.
 */
function ofSchema(wanted: RelationName, scope: Scope | undefined, fuel: Fuel): readonly Item[] {
  const found: Item[] = []
  for (let level = scope; level !== undefined; level = level.outer) {
    fuel.spend(1 + level.items.length / 8)
    found.push(...level.items.filter(({ relation }) => mayBe(relation, wanted)))
  }
  return found
}

function mayBe(relation: RelationName | undefined, { schema, name }: RelationName): boolean {
  if (relation?.name !== name) return false
  if (relation.schema === undefined || relation.schema === schema) return true
  // One schema of two names.
  return isTemporary(relation.schema) && isTemporary(schema)
}

function isTemporary(schema: string | undefined): boolean {
  return schema?.startsWith('pg_temp') === true
}

function unqualified(name: string, scope: Scope | undefined, fuel: Fuel): Value {
  const possible: Value[] = []
  for (let level = scope; level !== undefined; level = level.outer) {
    fuel.spend(1 + level.items.length / 8)
    const certain: Value[] = []
    const perhaps: Value[] = []
    for (const { row, plain } of level.items) {
      if (!plain) continue
      const found = row.find(name, fuel)
      if (found !== undefined && row.others === undefined) certain.push(found)
      else if (row.others !== undefined) {
        perhaps.push(found === undefined ? row.others : either([found, row.others], fuel))
      }
    }
    // Two relations with the same column: the server refuses the name. So where one surely has it, no other has.
    if (certain.length > 0) return either([...certain, ...possible], fuel)
    possible.push(...perhaps)
  }
  const rows = named([name], scope, fuel).map(({ row }) => row.whole(fuel))
  const all = [...rows, ...possible]
  return all.length === 1 ? (all[0] as Value) : either(all, fuel, UNKNOWN)
}
