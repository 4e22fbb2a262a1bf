// WITH: what its queries' columns are, found when they are first named; a recursive one by going round until
// nothing changes.
import type { Cte, With } from './plan.ts'
import { Row } from './row.ts'
import type { Run } from './run.ts'
import type { CteEntry, Ctes, Place } from './scope.ts'
import { CONSTANT, either, isConstant, made, UNKNOWN, type Value } from './value.ts'

/** Values that go round through more columns than this are not followed. */
const ROUNDS = 64

/** The place of a query behind its WITH. All of its queries are resolved: their conditions and writes count. */
export function withCtes(clause: With | undefined, place: Place, run: Run): Place {
  if (clause === undefined) return place
  let { ctes } = place
  const entries: CteEntry[] = []
  for (const cte of clause.ctes) {
    const entry: CteEntry = {
      cte,
      ctes,
      scope: place.scope,
      row: undefined,
      asked: CONSTANT,
      soFar: undefined,
      state: 'waiting',
      recursive: false,
    }
    entries.push(entry)
    ctes = { name: cte.name, entry, outer: ctes } satisfies Ctes
  }
  if (clause.recursive) for (const entry of entries) entry.ctes = ctes
  for (const entry of entries) cteRow(entry, run)
  return { scope: place.scope, ctes }
}

/** The columns of a CTE. */
export function cteRow(entry: CteEntry, run: Run): Row {
  if (entry.row !== undefined) {
    run.found.again(entry.asked)
    return entry.row
  }
  if (entry.state === 'running') {
    entry.recursive = true
    return entry.soFar ?? Row.open(UNKNOWN)
  }
  entry.state = 'running'
  let row: Row | undefined
  entry.asked = run.found.watch(() => {
    row = resolved(entry, run)
  })
  entry.row = row ?? Row.open(UNKNOWN)
  entry.state = 'done'
  return entry.row
}

function resolved(entry: CteEntry, run: Run): Row {
  const { cte, scope, ctes } = entry
  const place = { scope, ctes }
  const { query } = cte
  // The part that does not name itself says how many columns there are.
  const start = query.kind === 'set' ? query.parts[0] : undefined
  if (start !== undefined && ctes !== undefined && mayNameItself(entry)) {
    const inner = query.kind === 'set' ? withCtes(query.with, place, run) : place
    entry.soFar = run.query(start, inner).renamed(cte.columns)
    entry.recursive = false
  }
  for (let round = 0; round < ROUNDS; round++) {
    const row = run.query(query, place).renamed(cte.columns)
    if (!entry.recursive) return extended(row, cte, run)
    const next = entry.soFar === undefined ? row : joined(entry.soFar, row, run)
    if (entry.soFar !== undefined && same(entry.soFar, next)) return extended(next, cte, run)
    entry.soFar = next
  }
  return Row.open(UNKNOWN)
}

/** Only a recursive WITH lets a query see its own name. */
function mayNameItself(entry: CteEntry): boolean {
  for (let each = entry.ctes; each !== undefined; each = each.outer)
    if (each.entry === entry) return true
  return false
}

function joined(one: Row, other: Row, run: Run): Row {
  if (one.others !== undefined || other.others !== undefined) return Row.open(UNKNOWN)
  if (one.names.length !== other.names.length) return Row.open(UNKNOWN)
  return Row.of(
    one.names,
    one.names.map((_, index) => eitherPart(one.at(index), other.at(index), run)),
  )
}

/** A round that adds nothing changes nothing: a constant that meets itself is one. */
function eitherPart(one: Value, other: Value, run: Run): Value {
  if (isConstant(one) && isConstant(other)) return one
  return either([one, other], run.fuel)
}

function same(one: Row, other: Row): boolean {
  if (one.names.length !== other.names.length) return false
  return one.names.every((_, index) => {
    const [a, b] = [one.at(index), other.at(index)]
    return a.how === b.how && a.sources.size === b.sources.size
  })
}

/** SEARCH and CYCLE add columns. How many rows there are tells what CYCLE found to be equal. */
function extended(row: Row, cte: Cte, run: Run): Row {
  if (cte.extra.length === 0) return row
  const values = cte.extra.map(({ of, ends }) => {
    const held = of.map(name => row.find(name, run.fuel) ?? UNKNOWN)
    if (ends) for (const each of held) run.found.use('condition', each)
    return made(held, 'transformed', run.fuel)
  })
  return Row.of(
    [...row.names, ...cte.extra.map(({ name }) => name)],
    [...row.values(), ...values],
    row.others,
  )
}
