// SELECT, VALUES and set operations: the columns that they answer with, and what they ask on the way.
import { beside } from './from.ts'
import type { Key, Query, Select, SetOperation, Target, Values } from './plan.ts'
import { ANYHOW, Row } from './row.ts'
import type { Run } from './run.ts'
import { Outputs, type Place, rowOf as rowNamed, Scope } from './scope.ts'
import { either, UNKNOWN, type Value } from './value.ts'
import { withCtes } from './with.ts'
import { changed, inserted, mergedInto } from './writes.ts'

export function rowOf(query: Query, place: Place, run: Run): Row {
  run.fuel.spend(1)
  switch (query.kind) {
    case 'select':
      return select(query, place, run)
    case 'set':
      return setOperation(query, place, run)
    case 'values':
      return values(query, place, run)
    case 'insert':
      return inserted(query, place, run)
    case 'change':
      return changed(query, place, run)
    case 'merge':
      return mergedInto(query, place, run)
    case 'unknown':
      run.found.lose()
      return Row.open(UNKNOWN)
  }
}

function select(query: Select, place: Place, run: Run): Row {
  const { found, fuel } = run
  const surroundings = withCtes(query.with, place, run)
  const scope = new Scope(place.scope)
  for (const each of query.from) run.join(each, scope, surroundings)
  const within = { scope, ctes: surroundings.ctes }
  run.ask(query.where, within)
  if (run.names.rules?.outputsByName === true) scope.outputs = new Outputs()
  const row = targetRow(query.targets, within, run)
  for (const each of query.group) found.use('group', keyValue(each, row, within, 'column', run))
  run.ask(query.having, within)
  for (const each of run.values(query.windows, within)) found.use('window', each)
  for (const each of query.distinctOn)
    found.use('order', keyValue(each, row, within, 'output', run))
  if (query.distinct) found.use('group', row.whole(fuel))
  for (const each of query.order) found.use('order', keyValue(each, row, within, 'output', run))
  for (const each of run.values(query.limits, within)) found.use('condition', each)
  return row
}

/** `first`: where a name alone is looked for first, among the outputs or among the columns. */
function keyValue(
  key: Key,
  outputs: Row,
  place: Place,
  first: 'output' | 'column',
  run: Run,
): Value {
  const { fuel } = run
  if (key.kind === 'output') {
    const known = outputs.others === undefined && key.at <= outputs.names.length
    return known ? outputs.at(key.at - 1) : outputs.whole(fuel)
  }
  const name = key.kind === 'column' && key.path.length === 1 ? key.path[0] : undefined
  const named = name === undefined ? undefined : outputs.find(name, fuel)
  if (named === undefined) return run.value(key, place)
  if (first === 'output' && outputs.others === undefined) return named
  // Either may be meant: a column of this level comes first in GROUP BY.
  return either([named, run.value(key, place)], fuel)
}

/** The row that a target list makes. */
export function targetRow(targets: readonly Target[], place: Place, run: Run): Row {
  const { fuel } = run
  const names: string[] = []
  const values: Value[] = []
  let others: Value | undefined
  const outputs = place.scope?.outputs
  const add = (row: Row): void => {
    outputs?.add(row.names, row.values(), row.others)
    fuel.spend(row.names.length)
    for (const [index, name] of row.names.entries()) {
      names.push(name)
      values.push(row.at(index))
    }
    if (row.others === undefined) return
    others = others === undefined ? row.others : either([others, row.others], fuel)
  }
  for (const each of targets) {
    if (each.kind === 'value') {
      const value = run.value(each.value, place)
      const name = typeof each.name === 'string' ? each.name : firstName(each.name, place, run)
      names.push(name ?? '')
      values.push(value)
      outputs?.add([name ?? ''], [value], undefined)
      // Any name may be its.
      if (name === undefined) others = others === undefined ? value : either([others, value], fuel)
    } else if (each.kind === 'star') add(starRow(each.path, place, run))
    else {
      const value = run.value(each.of, place)
      add(
        value.row ??
          Row.open({ ...value, how: value.how === 'unknown' ? 'unknown' : 'transformed' }),
      )
    }
  }
  return Row.of(names, values, others)
}

/** Undefined when it cannot be told. */
function firstName(query: Query, place: Place, run: Run): string | undefined {
  const row = run.query(query, place)
  return row.others === undefined ? row.names[0] : undefined
}

function starRow(path: readonly string[], place: Place, run: Run): Row {
  if (path.length > 0)
    return rowNamed(path, place.scope, run.fuel, run.names.rules) ?? Row.open(UNKNOWN)
  const items = place.scope?.items.filter(item => item.plain) ?? []
  const [first] = items
  if (items.length === 1 && first !== undefined) return first.row
  return beside(
    items.map(({ row }) => row),
    run,
  )
}

function values(query: Values, place: Place, run: Run): Row {
  const within = withCtes(query.with, place, run)
  const columns: Value[][] = []
  for (const row of query.rows) {
    for (const [index, each] of row.entries()) {
      const value = run.value(each, within)
      const column = columns[index]
      if (column === undefined) columns[index] = [value]
      else if (column.at(-1) !== value) column.push(value)
    }
  }
  const anyhow = run.names.rules?.outward === true
  const row = Row.of(
    columns.map((_, index) => (anyhow ? ANYHOW : `column${index + 1}`)),
    columns.map(each => either(each, run.fuel)),
  )
  sortedAndCut(query, row, within, run)
  return row
}

function setOperation(query: SetOperation, place: Place, run: Run): Row {
  const within = withCtes(query.with, place, run)
  const rows = query.parts.map(part => run.query(part, within))
  const row = eachByPosition(rows, run)
  // A row is held against all others.
  if (!query.all) run.found.use('group', row.whole(run.fuel))
  sortedAndCut(query, row, within, run)
  return row
}

function eachByPosition(rows: readonly Row[], run: Run): Row {
  const { fuel } = run
  const [first] = rows
  if (first === undefined) return Row.open(UNKNOWN)
  const fit = rows.every(
    each => each.others === undefined && each.names.length === first.names.length,
  )
  if (!fit) {
    const any = either(
      rows.map(each => each.whole(fuel)),
      fuel,
    )
    return Row.of(
      first.names,
      first.names.map(() => any),
      any,
    )
  }
  return Row.of(
    first.names,
    first.names.map((_, index) =>
      either(
        rows.map(each => each.at(index)),
        fuel,
      ),
    ),
  )
}

/** ORDER BY and LIMIT of what is no SELECT: by names of the outputs, nothing else. */
function sortedAndCut(query: Values | SetOperation, row: Row, place: Place, run: Run): void {
  const scope = new Scope(place.scope)
  scope.items.push({ alias: undefined, row, plain: true })
  const within = { scope, ctes: place.ctes }
  for (const each of query.order) run.found.use('order', keyValue(each, row, within, 'output', run))
  for (const each of run.values(query.limits, within)) run.found.use('condition', each)
}
