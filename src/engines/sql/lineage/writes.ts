// INSERT, UPDATE, DELETE and MERGE: which values go into which columns, and what RETURNING shows.
import type { ColumnName } from '#model'
import type { RelationName } from '../analysis.ts'
import { alike } from './alike.ts'
import type {
  Assignment,
  Change,
  Insert,
  Key,
  Merge,
  MergeAction,
  Returning,
  WriteTarget,
} from './plan.ts'
import { targetRow } from './queries.ts'
import { Row } from './row.ts'
import type { Run } from './run.ts'
import { type Item, type Place, Scope } from './scope.ts'
import { CONSTANT, either, isConstant, UNKNOWN, type Value } from './value.ts'
import { withCtes } from './with.ts'

/** A relation that is written to, and what is written so far. */
class Written {
  readonly row: Row
  readonly name: string
  /** As in an Item. */
  readonly relation: RelationName | undefined
  readonly #object: string | undefined
  readonly #by: string
  readonly #rewritten: boolean
  readonly #run: Run
  readonly #values = new Map<string, Value>()
  /** Written, but where is not known. */
  #somewhere: Value | undefined

  constructor(target: WriteTarget, by: string, run: Run) {
    const { row, object, rewritten } = run.relation(target.relation)
    this.#rewritten = rewritten
    this.row = row.renamed(target.columns)
    this.name = target.alias ?? target.relation.name
    const outward = run.names.rules?.outward === true
    this.relation = outward || target.alias === undefined ? target.relation : undefined
    this.#object = target.columns.length === 0 ? object : undefined
    this.#by = by
    this.#run = run
  }

  /** `column` undefined: it is not known which one. */
  set(column: string | undefined, value: Value): void {
    if (isConstant(value)) return
    const { fuel, found } = this.#run
    if (column === undefined) {
      found.transfer(value, this.#by)
      this.#somewhere = either([value, ...(this.#somewhere ? [this.#somewhere] : [])], fuel)
      return
    }
    const to: ColumnName | undefined =
      this.#object === undefined ? undefined : { object: this.#object, column }
    found.transfer(value, this.#by, to)
    const before = this.#values.get(column) ?? this.row.find(column, fuel)
    this.#values.set(column, before === undefined ? value : either([before, value], fuel))
  }

  isCalled(alias: string): boolean {
    return alike(this.name, alias)
  }

  mayHave(column: string, run: Run): boolean {
    return this.row.others !== undefined || this.row.find(column, run.fuel) !== undefined
  }

  /** As the rest of the statement sees it: before, or afterwards. */
  item(row: Row): Item {
    return { alias: this.name, row, plain: true, relation: this.relation }
  }

  /** The same columns, of which nothing is known. */
  #anything(): Row {
    const { names, others } = this.row
    return new Row(names, index => ({ ...this.row.at(index), how: 'unknown' }), others)
  }

  /** The row as it is afterwards: its own values, and what was written. */
  after(): Row {
    const row = this.#rewritten ? this.#anything() : this.row.with(this.#values)
    if (this.#somewhere === undefined) return row
    const any = either([row.whole(this.#run.fuel), this.#somewhere], this.#run.fuel)
    return Row.of(
      row.names,
      row.names.map(() => any),
      any,
    )
  }
}

export function inserted(query: Insert, place: Place, run: Run): Row {
  const within = withCtes(query.with, place, run)
  const target = new Written(query.target, 'INSERT', run)
  const source = query.source === undefined ? undefined : run.query(query.source, within)
  const given = new Map<string, Value>()
  if (source !== undefined) insertRow(source, query.columns, target, given)
  const { conflict } = query
  if (conflict !== undefined) {
    const scope = new Scope(place.scope)
    // What would have been inserted; where nothing was said, the column's own value stands for its default.
    const excluded = source?.others === undefined ? target.row.with(given) : target.after()
    scope.items.push(target.item(target.row))
    scope.items.push({ alias: 'excluded', row: excluded, plain: false })
    for (const each of conflict.sees ?? []) run.join(each, scope, within)
    const level = { scope, ctes: within.ctes }
    // Whether a row was there already is told by what becomes of it.
    if (conflict.on === 'any')
      for (const each of mayConflict(query, target, run)) run.found.use('conflict', each)
    else run.ask(conflict.on, level)
    assign(conflict.assignments, level, target, run)
    run.ask(conflict.where, level)
  }
  return returned(query.returning, target, new Scope(place.scope), within, run)
}

/** Which of the columns that are given values are unique is not known here. */
function mayConflict({ columns }: Insert, { row }: Written, run: Run): readonly Value[] {
  const named = columns.length > 0 ? columns : row.names
  const values = named.map(name => row.find(name, run.fuel) ?? row.others ?? UNKNOWN)
  return row.others === undefined ? values : [...values, row.others]
}

/** By position. `given` gets what each column was given. */
function insertRow(
  source: Row,
  columns: readonly string[],
  target: Written,
  given: Map<string, Value>,
): void {
  const names = columns.length > 0 ? columns : target.row.names
  const known = columns.length > 0 || target.row.others === undefined
  for (const [index] of source.names.entries()) {
    const name = known ? names[index] : undefined
    const value = source.at(index)
    if (name !== undefined) given.set(name, value)
    // (Behind a star that cannot be counted the positions are not known.)
    target.set(source.others === undefined ? name : undefined, value)
  }
  if (source.others !== undefined) target.set(undefined, source.others)
}

function assign(assignments: readonly Assignment[], place: Place, target: Written, run: Run): void {
  const values = assignments.map(({ value }) => run.value(value, place))
  for (const [index, { column }] of assignments.entries()) {
    target.set(column, values[index] ?? CONSTANT)
  }
}

/** Each goes to the relation that it names, or to all that have, or may have, such a column. */
function assignEach(
  assignments: readonly Assignment[],
  place: Place,
  targets: readonly Written[],
  run: Run,
): void {
  const values = assignments.map(({ value }) => run.value(value, place))
  for (const [index, { column, of }] of assignments.entries()) {
    const value = values[index] ?? CONSTANT
    const named = of === undefined ? targets : targets.filter(each => each.isCalled(of))
    const having = named.filter(each => each.mayHave(column, run))
    if (having.length === 0) run.found.transfer(value, 'UPDATE')
    for (const each of having) each.set(column, value)
  }
}

function keyOf(key: Key, place: Place, run: Run): Value {
  return key.kind === 'output' ? CONSTANT : run.value(key, place)
}

/** UPDATE and DELETE. */
export function changed(query: Change, place: Place, run: Run): Row {
  const surroundings = withCtes(query.with, place, run)
  const target = new Written(query.target, query.verb, run)
  const scope = new Scope(place.scope)
  scope.items.push(target.item(target.row))
  for (const each of query.from) run.join(each, scope, surroundings)
  const within = { scope, ctes: surroundings.ctes }
  const also = (query.also ?? []).map(each => new Written(each, query.verb, run))
  if (also.length === 0) assign(query.assignments, within, target, run)
  else assignEach(query.assignments, within, [target, ...also], run)
  run.ask(query.where, within)
  for (const each of query.order ?? []) run.found.use('order', keyOf(each, within, run))
  for (const each of run.values(query.limits ?? [], within)) run.found.use('condition', each)
  scope.items.shift()
  return returned(query.returning, target, scope, surroundings, run)
}

export function mergedInto(query: Merge, place: Place, run: Run): Row {
  const surroundings = withCtes(query.with, place, run)
  const target = new Written(query.target, 'MERGE', run)
  const scope = new Scope(place.scope)
  scope.items.push(target.item(target.row))
  run.join(query.source, scope, surroundings)
  const within = { scope, ctes: surroundings.ctes }
  run.ask(query.on, within)
  for (const each of query.actions) act(each, within, target, run)
  scope.items.shift()
  // The source's columns come first in `*`.
  return returned(query.returning, target, scope, surroundings, run, 'last')
}

function act(action: MergeAction, place: Place, target: Written, run: Run): void {
  run.ask(action.condition, place)
  assign(action.assignments, place, target, run)
  if (action.insert === undefined) return
  const { columns, values } = action.insert
  const row = Row.of(
    values.map(() => ''),
    run.values(values, place),
  )
  insertRow(row, columns, target, new Map())
}

/** RETURNING, at a level that has what else it sees. */
function returned(
  { targets, rows }: Returning,
  target: Written,
  scope: Scope,
  place: Place,
  run: Run,
  where: 'first' | 'last' = 'first',
): Row {
  const row = target.after()
  const item = target.item(row)
  if (where === 'first') scope.items.unshift(item)
  else scope.items.push(item)
  // Before and after: which is which makes no difference to where values come from.
  for (const alias of rows) scope.items.push({ alias, row, plain: false })
  return targetRow(targets, { scope, ctes: place.ctes }, run)
}
