// What stands in FROM: its columns, by the names that the rest of the query has for them.
import { alike, isBeyondAscii } from './alike.ts'
import type { FromItem, FunctionCall } from './plan.ts'
import { Row } from './row.ts'
import type { Run } from './run.ts'
import { cteOf, type Item, mayBeCte, type Place, type Scope } from './scope.ts'
import { CONSTANT, either, UNKNOWN, type Value } from './value.ts'
import { cteRow } from './with.ts'

type Join = Extract<FromItem, { kind: 'join' }>

/** Adds it to the level; `place`: what surrounds the query (the level is what LATERAL sees besides). */
export function itemOf(from: FromItem, scope: Scope, place: Place, run: Run): void {
  run.fuel.spend(1)
  switch (from.kind) {
    case 'relation': {
      const { relation, alias, columns, opaque, sample } = from
      const within = { scope, ctes: place.ctes }
      for (const each of run.values(sample, within)) run.found.use('condition', each)
      const cte = relation.schema === undefined ? cteOf(relation.name, place.ctes) : undefined
      const row = cte === undefined ? run.relation(relation).row : cteRow(cte, run)
      const outward = run.names.rules?.outward === true
      const other = outward && relation.schema === undefined && mayBeCte(relation.name, place.ctes)
      const unsure = other || (opaque && cte === undefined)
      const shown = unsure ? Row.open(UNKNOWN) : row.renamed(columns)
      scope.items.push({
        alias: alias ?? relation.name,
        row: shown,
        plain: true,
        relation: cte === undefined && (outward || alias === undefined) ? relation : undefined,
      })
      return
    }
    case 'query': {
      const { query, lateral, alias, columns } = from
      const within = lateral ? { scope, ctes: place.ctes } : place
      scope.items.push({ alias, row: run.query(query, within).renamed(columns), plain: true })
      return
    }
    case 'function':
      scope.items.push({
        alias: from.alias,
        row: functionRow(from, scope, place, run),
        plain: true,
      })
      return
    case 'join':
      join(from, scope, place, run)
      return
    case 'unknown':
      run.found.lose()
      scope.items.push({ alias: undefined, row: Row.open(UNKNOWN), plain: true })
  }
}

function functionRow(
  from: Extract<FromItem, { kind: 'function' }>,
  scope: Scope,
  place: Place,
  run: Run,
): Row {
  const { calls, ordinality, alias, columns } = from
  const names: string[] = []
  const values: Value[] = []
  let others: Value | undefined
  for (const call of calls) {
    const value = run.value(call.value, { scope, ctes: place.ctes })
    // The number of its rows tells of what it was given.
    run.found.use('argument', value)
    if (call.columns === undefined) {
      others = others === undefined ? value : either([others, value], run.fuel)
      // One that takes the alias, if it has one column.
      if (alias !== undefined) add(alias, value)
      continue
    }
    for (const name of named(call, calls.length === 1 ? alias : undefined)) add(name, value)
  }
  if (ordinality) add('ordinality', CONSTANT)
  function add(name: string, value: Value): void {
    names.push(name)
    values.push(value)
  }
  if (others === undefined) return Row.of(names, values).renamed(columns)
  // Which name goes with which column cannot be told: each may be any.
  const any = either([others, ...values], run.fuel)
  const all = [...names, ...columns]
  return Row.of(
    all,
    all.map(() => any),
    any,
  )
}

function named(call: FunctionCall, alias: string | undefined): readonly string[] {
  return call.single && alias !== undefined ? [alias] : (call.columns ?? [])
}

function join(from: Join, scope: Scope, place: Place, run: Run): void {
  const start = scope.items.length
  run.join(from.left, scope, place)
  const middle = scope.items.length
  run.join(from.right, scope, place)
  const left = scope.items.slice(start, middle)
  const right = scope.items.slice(middle)
  // ON sees the two sides; names alone find either.
  run.ask(from.on, { scope, ctes: place.ctes })
  const shared = merged(rowOf(left, run), rowOf(right, run), from.using, run)
  const row = shared.all.renamed(from.columns)
  const sides = [...left, ...right].map((item): Item => ({ ...item, plain: false }))
  scope.items.length = start
  if (from.alias !== undefined) {
    scope.items.push({ alias: from.alias, row, plain: true })
    return
  }
  scope.items.push(...sides, { alias: undefined, row, plain: true })
  if (from.usingAlias !== undefined) {
    scope.items.push({ alias: from.usingAlias, row: shared.common, plain: false })
  }
}

/** The columns of one side, by names alone. */
function rowOf(items: readonly Item[], run: Run): Row {
  const plain = items.filter(item => item.plain)
  const [first] = plain
  if (plain.length === 1 && first !== undefined) return first.row
  return beside(
    plain.map(({ row }) => row),
    run,
  )
}

/** The columns of several rows, one behind the other. */
export function beside(rows: readonly Row[], run: Run): Row {
  const names: string[] = []
  const values: Value[] = []
  const others: Value[] = []
  for (const row of rows) {
    run.fuel.spend(row.names.length)
    for (const [index, name] of row.names.entries()) {
      names.push(name)
      values.push(row.at(index))
    }
    if (row.others !== undefined) others.push(row.others)
  }
  return new Row(
    names,
    index => values[index] ?? UNKNOWN,
    others.length === 0 ? undefined : either(others, run.fuel),
    hiddenIn(rows, run),
  )
}

/** Columns that `*` passes over are found by name in a join, too. (System columns are not.) */
function hiddenIn(
  rows: readonly Row[],
  run: Run,
): ((name: string) => Value | undefined) | undefined {
  if (run.names.rules?.outward !== true) return undefined
  return name => {
    const found = rows.map(row => row.besides(name)).filter(each => each !== undefined)
    return found.length === 0 ? undefined : either(found, run.fuel)
  }
}

/** USING and NATURAL: the common columns first, then those of the left, then those of the right side. */
function merged(
  left: Row,
  right: Row,
  using: Join['using'],
  run: Run,
): { readonly all: Row; readonly common: Row } {
  if (using.length === 0) return { all: beside([left, right], run), common: Row.of([], []) }
  const { fuel } = run
  if (using === 'natural' && run.names.rules?.outward === true && mayShareMore(left, right)) {
    run.found.use('join', anyOf(left, right, run))
    return { all: Row.open(UNKNOWN), common: Row.of([], []) }
  }
  const common = commonOf(left, right, using, run)
  const open = left.others !== undefined || right.others !== undefined
  const values = common.map(name =>
    either([left.find(name, fuel) ?? openOf(left), right.find(name, fuel) ?? openOf(right)], fuel),
  )
  for (const each of values) run.found.use('join', each)
  if (open && using === 'natural') run.found.use('join', anyOf(left, right, run))
  const isCommon = new Set(common)
  const rest = (row: Row): Row => {
    const indexes = [...row.names.keys()].filter(index => !isCommon.has(row.names[index] as string))
    return new Row(
      indexes.map(index => row.names[index] as string),
      index => row.at(indexes[index] as number),
      row.others,
      name => row.besides(name),
    )
  }
  const shared = Row.of([...common], values)
  return { all: beside([shared, rest(left), rest(right)], run), common: shared }
}

function openOf(row: Row): Value {
  return row.others ?? UNKNOWN
}

function commonOf(left: Row, right: Row, using: Join['using'], run: Run): readonly string[] {
  if (using === 'natural') {
    const inRight = new Set(right.names)
    return left.names.filter(name => inRight.has(name))
  }
  if (run.names.rules?.usingByTable !== true) return using
  const wanted = new Set(using)
  const known = left.names.filter(name => wanted.has(name))
  return [...known, ...using.filter(name => !left.names.includes(name))]
}

/** Columns of two names that the server may take for one. */
function mayShareMore(left: Row, right: Row): boolean {
  if (left.hasUntold || right.hasUntold) return true
  return left.names.some(one =>
    right.names.some(
      other => one !== other && (isBeyondAscii(one) || isBeyondAscii(other)) && alike(one, other),
    ),
  )
}

/** Which columns are common is not known: any may be. */
function anyOf(left: Row, right: Row, run: Run): Value {
  return either([left.whole(run.fuel), right.whole(run.fuel)], run.fuel)
}
