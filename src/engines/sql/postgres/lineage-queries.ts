// Queries: SELECT, VALUES and set operations, with WITH; what writes is in lineage-writes.ts.
import type { Cte, Expression, Key, Query, Select, Target, With } from '../lineage/index.ts'
import { aliasNames, isStar, outputName } from './lineage-names.ts'
import type { Planner } from './lineage-planner.ts'
import { writeOf } from './lineage-writes.ts'
import { constantOf, fieldsOf, isTree, listOf, namesOf, type Tree, textOf, typeOf } from './tree.ts'

export function queryOf(value: unknown, planner: Planner): Query {
  planner.count()
  const select = fieldsOf(value, 'SelectStmt')
  return select === undefined ? writeOf(value, planner) : selectOf(select, planner)
}

/** Fields that are compiled; any other may hold what we do not know. */
const known: ReadonlySet<string> = new Set([
  'distinctClause',
  'intoClause',
  'targetList',
  'fromClause',
  'whereClause',
  'groupClause',
  'groupDistinct',
  'havingClause',
  'windowClause',
  'valuesLists',
  'sortClause',
  'limitOffset',
  'limitCount',
  'limitOption',
  'lockingClause',
  'withClause',
  'op',
  'all',
  'larg',
  'rarg',
])

function selectOf(fields: Tree, planner: Planner): Query {
  for (const field in fields) if (!known.has(field)) return { kind: 'unknown' }
  const clauses = {
    ...withIn(fields, planner),
    order: keysOf(fields['sortClause'], planner),
    limits: ['limitOffset', 'limitCount']
      .filter(limit => fields[limit] !== undefined)
      .map(limit => planner.expression(fields[limit])),
  }
  if (isTree(fields['larg']) && isTree(fields['rarg'])) {
    const parts = partsOf(fields).map(part => selectOf(part, planner))
    return { kind: 'set', all: isUnionAll(fields), parts, ...clauses }
  }
  if (fields['valuesLists'] !== undefined) {
    const rows = listOf(fields['valuesLists']).map(row =>
      planner.expressions(fieldsOf(row, 'List')?.['items']),
    )
    return { kind: 'values', rows, ...clauses }
  }
  return plainSelect(fields, clauses, planner)
}

function isUnionAll(fields: Tree): boolean {
  return fields['op'] === 'SETOP_UNION' && fields['all'] === true
}

/** `a UNION b UNION c` is one operation on three: a chain of thousands is no deep tree. */
function partsOf(fields: Tree): readonly Tree[] {
  const right: Tree[] = []
  let left = fields
  for (;;) {
    const { larg, rarg } = left
    if (!isTree(larg) || !isTree(rarg)) break
    const own = ['sortClause', 'limitOffset', 'limitCount', 'withClause'].some(
      clause => left !== fields && left[clause] !== undefined,
    )
    if (own || left['op'] !== fields['op'] || left['all'] !== fields['all']) break
    right.push(rarg)
    left = larg
  }
  return [left, ...right.reverse()]
}

function plainSelect(
  fields: Tree,
  clauses: Pick<Select, 'with' | 'order' | 'limits'>,
  planner: Planner,
): Select {
  const outer = planner.windows
  const windows = windowsIn(fields['windowClause'], planner)
  const distinct = listOf(fields['distinctClause'])
  // (DISTINCT is a list that holds an empty node.)
  const on = distinct.filter(each => typeOf(each) !== undefined)
  // ORDER BY sees the windows too: `clauses` was compiled without them.
  const order = windows.length === 0 ? clauses.order : keysOf(fields['sortClause'], planner)
  const select: Select = {
    kind: 'select',
    from: listOf(fields['fromClause']).map(each => planner.from(each)),
    targets: targetsOf(fields['targetList'], planner),
    where: planner.conditions(fields['whereClause']),
    group: keysOf(fields['groupClause'], planner),
    having: planner.conditions(fields['havingClause']),
    windows,
    distinct: distinct.length > 0 && on.length === 0,
    distinctOn: keysOf(on, planner),
    ...clauses,
    order,
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
    const fields = fieldsOf(each, 'WindowDef')
    // (`name` is its own here; `refname` is the window that it rests on.)
    const { name, ...rest } = fields ?? {}
    const held = planner.window(rest)
    windows.set(textOf(name) ?? '', held)
    all.push(...held)
  }
  return all
}

export function targetsOf(list: unknown, planner: Planner): readonly Target[] {
  return listOf(list).map((each): Target => {
    const fields = fieldsOf(each, 'ResTarget') ?? {}
    const value = fields['val']
    if (isStar(value)) {
      const reference = fieldsOf(value, 'ColumnRef')
      return reference === undefined
        ? { kind: 'fields', of: planner.expression(value) }
        : { kind: 'star', path: namesOf(reference['fields']) }
    }
    const name = textOf(fields['name']) ?? outputName(value)
    return {
      kind: 'value',
      name: typeof name === 'string' ? name : queryOf(name.query, planner),
      value: planner.expression(value),
    }
  })
}

function keysOf(list: unknown, planner: Planner): readonly Key[] {
  return listOf(list).flatMap(each => keyOf(each, planner))
}

function keyOf(value: unknown, planner: Planner): readonly Key[] {
  const sorted = fieldsOf(value, 'SortBy')
  if (sorted !== undefined) return keyOf(sorted['node'], planner)
  const set = fieldsOf(value, 'GroupingSet')
  if (set !== undefined) return keysOf(set['content'], planner)
  const row = fieldsOf(value, 'RowExpr')
  if (row !== undefined) return keysOf(row['args'], planner)
  const literal = constantOf(value)
  if (typeof literal === 'number') {
    planner.literalsMatter = true
    return [{ kind: 'output', at: literal }]
  }
  return [planner.expression(value)]
}

export function withIn(fields: Tree, planner: Planner): { readonly with?: With } {
  const clause = fields['withClause']
  if (!isTree(clause)) return {}
  const ctes = listOf(clause['ctes']).map(each =>
    cteOf(fieldsOf(each, 'CommonTableExpr') ?? {}, planner),
  )
  return { with: { recursive: clause['recursive'] === true, ctes } }
}

function cteOf(fields: Tree, planner: Planner): Cte {
  const extra: Cte['extra'][number][] = []
  const search = fields['search_clause']
  if (isTree(search)) {
    const name = textOf(search['search_seq_column']) ?? ''
    extra.push({ name, of: namesOf(search['search_col_list']), ends: false })
  }
  const cycle = fields['cycle_clause']
  if (isTree(cycle)) {
    const of = namesOf(cycle['cycle_col_list'])
    extra.push({ name: textOf(cycle['cycle_mark_column']) ?? '', of, ends: true })
    extra.push({ name: textOf(cycle['cycle_path_column']) ?? '', of, ends: true })
  }
  return {
    name: textOf(fields['ctename']) ?? '',
    query: queryOf(fields['ctequery'], planner),
    columns: aliasNames(fields['aliascolnames']),
    extra,
  }
}
