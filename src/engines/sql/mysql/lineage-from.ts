// FROM: relations, sub-queries, JSON_TABLE and joins, as the plan of values has them.
import type { Condition, FromItem } from '../lineage/index.ts'
import { columnName, type Planner, Unplannable } from './lineage-planner.ts'
import { columnsOf } from './lineage-queries.ts'
import {
  fieldsOf,
  heldIn,
  isEmpty,
  isTree,
  listOf,
  onlyHas,
  type Tree,
  typeOf,
  wordsOf,
} from './syntax-tree.ts'

/** A list of tables with what is joined to each. */
export function fromItems(list: unknown, planner: Planner): readonly FromItem[] {
  return listOf(list)
    .filter(each => !isDual(each))
    .map(each => joined(each, planner))
}

/** No table at all. */
function isDual(value: unknown): boolean {
  const table = isTree(value) ? fieldsOf(value['relation'], 'Table') : undefined
  const [only, ...more] = wordsOf(table?.['name']) ?? []
  return (
    only !== undefined && more.length === 0 && !only.quoted && only.text.toLowerCase() === 'dual'
  )
}

/** A table with joins. */
export function joined(value: unknown, planner: Planner): FromItem {
  planner.count()
  if (!isTree(value)) throw new Unplannable()
  let left = factor(value['relation'], planner)
  for (const each of listOf(value['joins'])) left = join(left, each, planner)
  return left
}

const tableFields: ReadonlySet<string> = new Set(['name', 'alias', 'partitions', 'index_hints'])
const derivedFields: ReadonlySet<string> = new Set(['lateral', 'subquery', 'alias'])
const jsonFields: ReadonlySet<string> = new Set(['json_expr', 'json_path', 'columns', 'alias'])

function factor(value: unknown, planner: Planner): FromItem {
  const type = typeOf(value)
  const fields = type === undefined ? undefined : fieldsOf(value, type)
  if (fields === undefined) throw new Unplannable()
  switch (type) {
    case 'Table':
      if (!onlyHas(fields, tableFields)) throw new Unplannable()
      return {
        kind: 'relation',
        relation: planner.relation(fields['name']),
        ...aliasIn(fields, planner),
        opaque: false,
        sample: [],
      }
    case 'Derived':
      if (!onlyHas(fields, derivedFields)) throw new Unplannable()
      return {
        kind: 'query',
        query: planner.query(fields['subquery']),
        lateral: fields['lateral'] === true,
        ...aliasIn(fields, planner),
      }
    case 'NestedJoin':
      if (!isEmpty(fields['alias'])) throw new Unplannable()
      return joined(fields['table_with_joins'], planner)
    case 'JsonTable':
      return jsonTable(fields, planner)
    default:
      throw new Unplannable()
  }
}

const aliasFields: ReadonlySet<string> = new Set(['explicit', 'name', 'columns'])

function aliasIn(
  fields: Tree,
  planner: Planner,
): { readonly alias: string | undefined; readonly columns: readonly string[] } {
  const alias = fields['alias']
  if (isEmpty(alias)) return { alias: undefined, columns: [] }
  if (!isTree(alias) || !onlyHas(alias, aliasFields)) throw new Unplannable()
  return { alias: planner.name(alias['name']), columns: columnsOf(alias['columns'], planner) }
}

/** Its columns are made of the document. */
function jsonTable(fields: Tree, planner: Planner): FromItem {
  if (!onlyHas(fields, jsonFields)) throw new Unplannable()
  const names = jsonColumns(fields['columns'], planner)
  const of = planner.expression(fields['json_expr'])
  return {
    kind: 'function',
    calls: [
      { value: { kind: 'made', how: 'transformed', of: [of] }, columns: names, single: false },
    ],
    ordinality: false,
    ...aliasIn(fields, planner),
  }
}

function jsonColumns(list: unknown, planner: Planner): readonly string[] {
  return listOf(list).flatMap(each => {
    const ordinal = heldIn(each, 'ForOrdinality')
    if (ordinal !== undefined) return [columnName(planner.name(ordinal))]
    const nested = fieldsOf(each, 'Nested')
    if (nested !== undefined) return jsonColumns(nested['columns'], planner)
    const named = fieldsOf(each, 'Named')
    if (named === undefined) throw new Unplannable()
    return [columnName(planner.name(named['name']))]
  })
}

const inner: ReadonlySet<string> = new Set(['Join', 'Inner', 'CrossJoin', 'StraightJoin'])
const left: ReadonlySet<string> = new Set(['Left', 'LeftOuter'])
const right: ReadonlySet<string> = new Set(['Right', 'RightOuter'])
const joinFields: ReadonlySet<string> = new Set(['relation', 'join_operator'])

function join(before: FromItem, value: unknown, planner: Planner): FromItem {
  if (!isTree(value) || !onlyHas(value, joinFields)) throw new Unplannable()
  const operator = value['join_operator']
  const type = typeOf(operator) ?? ''
  // Other kinds the server takes for an alias (`a FULL JOIN b`).
  if (!inner.has(type) && !left.has(type) && !right.has(type)) throw new Unplannable()
  const after = factor(value['relation'], planner)
  const constraint = heldIn(operator, type)
  const natural = constraint === 'Natural'
  const named = heldIn(constraint, 'Using')
  const on = heldIn(constraint, 'On')
  if (!natural && named === undefined && on === undefined && !isEmpty(constraint)) {
    throw new Unplannable()
  }
  const using = natural ? ('natural' as const) : usingOf(named, planner)
  // Of a right join the right table's columns come first, where some are common.
  const turned = right.has(type) && using.length > 0
  return {
    kind: 'join',
    left: turned ? after : before,
    right: turned ? before : after,
    using,
    usingAlias: undefined,
    on: on === undefined ? noCondition : planner.conditions(on),
    alias: undefined,
    columns: [],
  }
}

const noCondition: readonly Condition[] = []

function usingOf(list: unknown, planner: Planner): readonly string[] {
  return listOf(list).map(each => columnName(planner.path(each).at(-1) ?? ''))
}
