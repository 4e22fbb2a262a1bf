// INSERT, REPLACE, UPDATE and DELETE as the plan of values has them.
import type {
  Assignment,
  Condition,
  Conflict,
  Expression,
  FromItem,
  Query,
  Returning,
  WriteTarget,
} from '../lineage/index.ts'
import { fromItems } from './lineage-from.ts'
import { columnName, type Planner, Unplannable } from './lineage-planner.ts'
import { orderKeys, targetsOf } from './lineage-queries.ts'
import {
  fieldsOf,
  heldIn,
  isEmpty,
  isTree,
  listOf,
  onlyHas,
  type Tree,
  typeOf,
} from './syntax-tree.ts'

const writes: ReadonlySet<string> = new Set(['Insert', 'Update', 'Delete'])

export function isWrite(value: unknown): boolean {
  return writes.has(typeOf(value) ?? '')
}

export function writeOf(value: unknown, planner: Planner): Query {
  const type = typeOf(value) ?? ''
  const fields = fieldsOf(value, type)
  if (fields === undefined) throw new Unplannable()
  switch (type) {
    case 'Insert':
      return insertOf(fields, planner)
    case 'Update':
      return updateOf(fields, planner)
    case 'Delete':
      return deleteOf(fields, planner)
    default:
      throw new Unplannable()
  }
}

const insertFields: ReadonlySet<string> = new Set([
  ...[
    'insert_token',
    'optimizer_hints',
    'ignore',
    'into',
    'table',
    'columns',
    'source',
    'assignments',
  ],
  ...['partitioned', 'on', 'returning', 'replace_into', 'priority', 'insert_alias'],
])

function insertOf(fields: Tree, planner: Planner): Query {
  if (!onlyHas(fields, insertFields)) throw new Unplannable()
  const relation = planner.relation(heldIn(fields['table'], 'TableName'))
  const given = listOf(fields['assignments']).map(each => assignmentOf(each, planner))
  const source: Query | undefined =
    given.length > 0
      ? { kind: 'values', rows: [given.map(({ value }) => value)], order: [], limits: [] }
      : isEmpty(fields['source'])
        ? undefined
        : planner.query(fields['source'])
  const listed = listOf(fields['columns']).map(each => columnName(planner.path(each).at(-1) ?? ''))
  const conflict = conflictOf(fields, source, planner)
  return {
    kind: 'insert',
    target: { relation, alias: undefined, columns: [] },
    columns: given.length > 0 ? given.map(({ column }) => column) : listed,
    source,
    conflict,
    returning: returningIn(fields, planner),
  }
}

/** ON DUPLICATE KEY UPDATE; IGNORE and REPLACE tell by what becomes of a row whether there was one. */
function conflictOf(
  fields: Tree,
  source: Query | undefined,
  planner: Planner,
): Conflict | undefined {
  const on = fields['on']
  const tells = fields['ignore'] === true || fields['replace_into'] === true
  if (isEmpty(on)) {
    return tells ? { on: 'any', assignments: [], where: [] } : undefined
  }
  const list = heldIn(on, 'DuplicateKeyUpdate')
  if (!Array.isArray(list)) throw new Unplannable()
  const row = fields['insert_alias']
  // Names of columns of its own (`AS new (a, b)`) are not followed.
  if (isTree(row) && !isEmpty(row['col_aliases'])) throw new Unplannable()
  planner.inserted = isTree(row) ? (planner.path(row['row_alias']).at(-1) ?? '') : ''
  const assignments = list.map(each => assignmentOf(each, planner))
  planner.inserted = undefined
  // (Its CTEs are not seen from here: what is called like one would be taken for a table.)
  const own: readonly FromItem[] = source?.kind === 'select' ? source.from : []
  const sees: readonly FromItem[] =
    source?.kind === 'select' && source.with !== undefined ? [{ kind: 'unknown' }] : own
  return { on: 'any', assignments, where: [], sees }
}

const assignmentFields: ReadonlySet<string> = new Set(['target', 'value'])

interface Assigned extends Assignment {
  readonly of: string | undefined
}

function assignmentOf(value: unknown, planner: Planner): Assigned {
  if (!isTree(value) || !onlyHas(value, assignmentFields)) throw new Unplannable()
  const path = planner.path(heldIn(value['target'], 'ColumnName'))
  return {
    column: columnName(path.at(-1) ?? ''),
    of: path.at(-2),
    value: planner.expression(value['value']),
  }
}

function returningIn(fields: Tree, planner: Planner): Returning {
  return { targets: targetsOf(fields['returning'], planner), rows: [] }
}

const updateFields: ReadonlySet<string> = new Set([
  ...['update_token', 'optimizer_hints', 'table', 'assignments', 'selection', 'returning'],
  ...['order_by', 'limit', 'or'],
])

function updateOf(fields: Tree, planner: Planner): Query {
  if (!onlyHas(fields, updateFields)) throw new Unplannable()
  const from = fromItems([fields['table']], planner)
  const [first, ...others] = targetsIn(from)
  if (first === undefined) throw new Unplannable()
  const assignments = listOf(fields['assignments']).map(each => assignmentOf(each, planner))
  return {
    kind: 'change',
    verb: 'UPDATE',
    target: first,
    also: others,
    // (A single table stands for itself.)
    from: others.length === 0 && from.every(({ kind }) => kind === 'relation') ? [] : from,
    assignments,
    where: [...planner.conditions(fields['selection']), ...toldBy(fields['or'], assignments)],
    order: orderKeys(fields['order_by'], planner),
    limits: limitOf(fields, planner),
    returning: returningIn(fields, planner),
  }
}

/** UPDATE IGNORE leaves a row as it was, with all else that was to be changed in it, where another has the value already. */
function toldBy(or: unknown, assignments: readonly Assigned[]): readonly Condition[] {
  if (isEmpty(or)) return []
  return assignments.map(({ column, of }) => ({
    use: 'conflict',
    value: { kind: 'column', path: of === undefined ? [column] : [of, column] },
  }))
}

function limitOf(fields: Tree, planner: Planner): readonly Expression[] {
  return isEmpty(fields['limit']) ? [] : [planner.expression(fields['limit'])]
}

/** The relations in FROM: any of them may be written to. */
function targetsIn(from: readonly FromItem[]): readonly WriteTarget[] {
  return from.flatMap((each): readonly WriteTarget[] => {
    if (each.kind === 'relation') {
      return [{ relation: each.relation, alias: each.alias, columns: [] }]
    }
    return each.kind === 'join' ? targetsIn([each.left, each.right]) : []
  })
}

const deleteFields: ReadonlySet<string> = new Set([
  ...['delete_token', 'optimizer_hints', 'tables', 'from', 'using', 'selection', 'returning'],
  ...['order_by', 'limit'],
])

/** Which rows go is what it asks; no value moves. */
function deleteOf(fields: Tree, planner: Planner): Query {
  if (!onlyHas(fields, deleteFields)) throw new Unplannable()
  const named =
    heldIn(fields['from'], 'WithFromKeyword') ?? heldIn(fields['from'], 'WithoutKeyword')
  const using = fields['using']
  const from = fromItems(isEmpty(using) ? named : using, planner)
  const [first] = targetsIn(from)
  if (first === undefined) throw new Unplannable()
  return {
    kind: 'change',
    verb: 'DELETE',
    target: first,
    from: from.length === 1 && from[0]?.kind === 'relation' ? [] : from,
    assignments: [],
    where: planner.conditions(fields['selection']),
    order: orderKeys(fields['order_by'], planner),
    limits: limitOf(fields, planner),
    returning: returningIn(fields, planner),
  }
}
