// Queries: SELECT, VALUES and set operations, with WITH; what writes is in lineage-writes.ts.
import type { Cte, Expression, Key, Query, Select, Target, With } from '../lineage/index.ts'
import { namedWindow, windowSpec } from './lineage-calls.ts'
import { columnName, type Planner, Unplannable } from './lineage-planner.ts'
import { isWrite, writeOf } from './lineage-writes.ts'
import {
  fieldsOf,
  heldIn,
  isEmpty,
  isTree,
  listOf,
  onlyHas,
  type Tree,
  textOf,
  typeOf,
  wordOf,
  wordsOf,
} from './syntax-tree.ts'

type Clauses = Pick<Select, 'with' | 'order' | 'limits'>

const knownInQuery: ReadonlySet<string> = new Set([
  ...['with', 'body', 'order_by', 'limit_clause', 'fetch', 'locks'],
])
const knownInSelect: ReadonlySet<string> = new Set([
  ...['select_token', 'distinct', 'select_modifiers', 'projection', 'into', 'from', 'selection'],
  ...['group_by', 'having', 'named_window', 'window_before_qualify', 'flavor', 'optimizer_hints'],
])

/** A Query's fields. */
export function queryOf(value: unknown, planner: Planner): Query {
  planner.count()
  if (!isTree(value) || !onlyHas(value, knownInQuery)) throw new Unplannable()
  const { body } = value
  const clauses = (): Clauses => ({
    ...withIn(value['with'], planner),
    order: orderOf(value['order_by'], planner),
    limits: limitsOf(value, planner),
  })
  const select = fieldsOf(body, 'Select')
  if (select !== undefined) return selectOf(select, clauses, planner)
  const set = fieldsOf(body, 'SetOperation')
  if (set !== undefined) {
    const all = set['op'] === 'Union' && set['set_quantifier'] === 'All'
    return { kind: 'set', all, parts: partsOf(set, planner), ...clauses() }
  }
  const values = fieldsOf(body, 'Values')
  if (values !== undefined) return { kind: 'values', rows: rowsOf(values, planner), ...clauses() }
  const inner = fieldsOf(body, 'Query')
  if (inner !== undefined) {
    // What stands behind the parentheses sorts and cuts what is inside.
    return { kind: 'set', all: true, parts: [queryOf(inner, planner)], ...clauses() }
  }
  const write = heldIn(body, typeOf(body) ?? '')
  if (isWrite(write)) return { ...writeOf(write, planner), ...withIn(value['with'], planner) }
  throw new Unplannable()
}

function limitsOf(fields: Tree, planner: Planner): readonly Expression[] {
  const found: unknown[] = []
  const clause = fields['limit_clause']
  const type = typeOf(clause)
  if (!isEmpty(clause)) {
    const held = fieldsOf(clause, type ?? '')
    if (held === undefined) throw new Unplannable()
    if (!onlyHas(held, limitFields)) throw new Unplannable()
    const { limit, offset } = held
    found.push(limit, isTree(offset) && 'rows' in offset ? offset['value'] : offset)
  }
  const fetch = fields['fetch']
  if (isTree(fetch)) found.push(fetch['quantity'])
  return found.filter(each => !isEmpty(each)).map(each => planner.expression(each))
}

const limitFields: ReadonlySet<string> = new Set(['limit', 'offset'])

/** `a UNION b UNION c` is one operation on three: a chain of thousands is no deep tree. */
function partsOf(set: Tree, planner: Planner): readonly Query[] {
  const right: unknown[] = []
  let left: Tree = set
  for (;;) {
    right.push(left['right'])
    const next = fieldsOf(left['left'], 'SetOperation')
    const same = next?.['op'] === set['op'] && next?.['set_quantifier'] === set['set_quantifier']
    if (next === undefined || !same) break
    left = next
  }
  return [left['left'], ...right.reverse()].map(part => partOf(part, planner))
}

function partOf(body: unknown, planner: Planner): Query {
  return queryOf({ body }, planner)
}

function rowsOf(values: Tree, planner: Planner): readonly (readonly Expression[])[] {
  return listOf(values['rows']).map(row => {
    const cells = isTree(row) ? row['content'] : row
    return planner.expressions(cells)
  })
}

function selectOf(fields: Tree, clauses: () => Clauses, planner: Planner): Select {
  if (!onlyHas(fields, knownInSelect)) throw new Unplannable()
  const outer = planner.windows
  const windows = windowsIn(fields['named_window'], planner)
  const distinct = fields['distinct']
  if (!isEmpty(distinct) && distinct !== 'Distinct' && distinct !== 'All') throw new Unplannable()
  const select: Select = {
    kind: 'select',
    from: planner.from(fields['from']),
    targets: targetsOf(fields['projection'], planner),
    where: planner.conditions(fields['selection']),
    group: groupOf(fields['group_by'], planner),
    having: planner.conditions(fields['having']),
    windows,
    distinct: distinct === 'Distinct',
    distinctOn: [],
    ...clauses(),
  }
  planner.windows = outer
  return select
}

/** Makes the names of WINDOW known; all that they hold. */
function windowsIn(list: unknown, planner: Planner): readonly Expression[] {
  const windows = new Map<string, readonly Expression[]>()
  planner.windows = windows
  const all: Expression[] = []
  for (const each of listOf(list)) {
    const [name, held] = listOf(each)
    const spec = heldIn(held, 'WindowSpec')
    const named = heldIn(held, 'NamedWindow')
    const own = named === undefined ? windowSpec(spec, planner) : namedWindow(named, planner)
    windows.set(planner.name(name).toLowerCase(), own)
    all.push(...own)
  }
  return all
}

export function targetsOf(list: unknown, planner: Planner): readonly Target[] {
  return listOf(list).map((each): Target => {
    const star = fieldsOf(each, 'Wildcard')
    if (star !== undefined) return plainStar(star, [])
    const qualified = listOf(heldIn(each, 'QualifiedWildcard'))
    if (qualified.length > 0) {
      const path = planner.path(heldIn(qualified[0], 'ObjectName'))
      return plainStar(qualified[1], path)
    }
    const named = fieldsOf(each, 'ExprWithAlias')
    if (named !== undefined) {
      const name = columnName(planner.name(named['alias']))
      return { kind: 'value', name, value: planner.expression(named['expr']) }
    }
    const value = heldIn(each, 'UnnamedExpr')
    return { kind: 'value', name: nameOf(value), value: planner.expression(value) }
  })
}

const starFields: ReadonlySet<string> = new Set(['wildcard_token'])

function plainStar(fields: unknown, path: readonly string[]): Target {
  if (!isTree(fields) || !onlyHas(fields, starFields)) throw new Unplannable()
  return { kind: 'star', path }
}

/** A column keeps its name, behind any `+` too; what is no column is called by its text. */
function nameOf(value: unknown): string {
  let inner = value
  for (;;) {
    const sign = fieldsOf(inner, 'UnaryOp')
    if (typeOf(inner) === 'Nested') inner = heldIn(inner, 'Nested')
    else if (sign?.['op'] === 'Plus') inner = sign['expr']
    else break
  }
  const alone = wordOf(heldIn(inner, 'Identifier'))?.text
  const last = wordsOf(heldIn(inner, 'CompoundIdentifier'))?.at(-1)?.text
  return columnName(alone ?? last ?? '')
}

function groupOf(value: unknown, planner: Planner): readonly Key[] {
  const [keys, modifiers] = listOf(heldIn(value, 'Expressions'))
  if (!Array.isArray(keys)) throw new Unplannable()
  // ROLLUP only adds rows.
  if (listOf(modifiers).some(each => each !== 'Rollup')) throw new Unplannable()
  return keys.map(each => keyOf(each, planner))
}

function orderOf(value: unknown, planner: Planner): readonly Key[] {
  if (isEmpty(value)) return []
  const kind = isTree(value) ? heldIn(value['kind'], 'Expressions') : undefined
  if (!Array.isArray(kind)) throw new Unplannable()
  return orderKeys(kind, planner)
}

/** A list of ORDER BY. */
export function orderKeys(list: unknown, planner: Planner): readonly Key[] {
  return listOf(list).map(each => keyOf(sorted(each), planner))
}

/** The same where a number is no output: inside an aggregate or a window. */
export function sortKeys(list: unknown, planner: Planner): readonly Expression[] {
  return listOf(list).map(each => planner.expression(sorted(each)))
}

const orderFields: ReadonlySet<string> = new Set(['expr', 'options'])

function sorted(value: unknown): unknown {
  if (!isTree(value) || !onlyHas(value, orderFields)) throw new Unplannable()
  return value['expr']
}

function keyOf(value: unknown, planner: Planner): Key {
  const number = heldIn(fieldsOf(value, 'Value')?.['value'], 'Number')
  const text = textOf(listOf(number)[0])
  if (text === undefined) return planner.expression(value)
  planner.literalsMatter = true
  return { kind: 'output', at: Number(text) }
}

export function withIn(value: unknown, planner: Planner): { readonly with?: With } {
  if (!isTree(value)) return {}
  const ctes = listOf(value['cte_tables']).map(each => cteOf(each, planner))
  return { with: { recursive: value['recursive'] === true, ctes } }
}

const cteFields: ReadonlySet<string> = new Set(['alias', 'query', 'closing_paren_token'])

function cteOf(value: unknown, planner: Planner): Cte {
  if (!isTree(value) || !onlyHas(value, cteFields)) throw new Unplannable()
  const { alias } = value
  const named = isTree(alias) ? alias : {}
  return {
    name: planner.name(named['name']),
    query: queryOf(value['query'], planner),
    columns: columnsOf(named['columns'], planner),
    extra: [],
  }
}

/** The names that an alias gives to columns. */
export function columnsOf(list: unknown, planner: Planner): readonly string[] {
  return listOf(list).map(each => columnName(planner.name(isTree(each) ? each['name'] : each)))
}
