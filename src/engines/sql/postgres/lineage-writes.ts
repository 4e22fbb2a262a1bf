// INSERT, UPDATE, DELETE and MERGE as the plan of values has them.
import type {
  Assignment,
  Condition,
  Conflict,
  Expression,
  Merge,
  MergeAction,
  Query,
  Returning,
  WriteTarget,
} from '../lineage/index.ts'
import { partOf } from './lineage-expressions.ts'
import { aliasNames } from './lineage-names.ts'
import { CONSTANT, type Planner } from './lineage-planner.ts'
import { targetsOf, withIn } from './lineage-queries.ts'
import { aliasOf, relationNameOf } from './relations.ts'
import { fieldsOf, isTree, listOf, type Tree, textOf } from './tree.ts'

export function writeOf(value: unknown, planner: Planner): Query {
  const insert = fieldsOf(value, 'InsertStmt')
  if (insert !== undefined) return insertOf(insert, planner)
  const update = fieldsOf(value, 'UpdateStmt')
  if (update !== undefined) return changeOf(update, 'UPDATE', 'fromClause', planner)
  const remove = fieldsOf(value, 'DeleteStmt')
  if (remove !== undefined) return changeOf(remove, 'DELETE', 'usingClause', planner)
  const merge = fieldsOf(value, 'MergeStmt')
  return merge === undefined ? { kind: 'unknown' } : mergeOf(merge, planner)
}

function targetIn(fields: Tree): WriteTarget {
  const relation = isTree(fields['relation']) ? fields['relation'] : {}
  const alias = isTree(relation['alias']) ? relation['alias'] : {}
  return {
    relation: relationNameOf(relation),
    alias: aliasOf(relation),
    columns: aliasNames(alias['colnames']),
  }
}

function returningIn(fields: Tree, planner: Planner): Returning {
  const clause = fields['returningClause']
  if (!isTree(clause)) return { targets: [], rows: [] }
  const named = listOf(clause['options']).map(
    each => textOf(fieldsOf(each, 'ReturningOption')?.['value']) ?? '',
  )
  return { targets: targetsOf(clause['exprs'], planner), rows: ['old', 'new', ...named] }
}

function insertOf(fields: Tree, planner: Planner): Query {
  const source = fields['selectStmt']
  const conflict = fields['onConflictClause']
  return {
    kind: 'insert',
    ...withIn(fields, planner),
    target: targetIn(fields),
    columns: columnsIn(fields['cols']),
    source: source === undefined ? undefined : planner.query(source),
    conflict: isTree(conflict)
      ? {
          assignments: assignmentsIn(conflict['targetList'], planner),
          where: planner.conditions(conflict['whereClause']),
          on: arbitersIn(conflict['infer'], planner),
        }
      : undefined,
    returning: returningIn(fields, planner),
  }
}

/** What ON CONFLICT names; a constraint's columns are not known. */
function arbitersIn(infer: unknown, planner: Planner): Conflict['on'] {
  const clause = isTree(infer) ? (fieldsOf(infer, 'InferClause') ?? infer) : {}
  const elements = listOf(clause['indexElems'])
  if (elements.length === 0) return 'any'
  return elements.map(each => {
    const { name, expr } = fieldsOf(each, 'IndexElem') ?? {}
    const column = textOf(name)
    const value = column === undefined ? planner.expression(expr) : columnNamed(column)
    return { use: 'conflict', value }
  })
}

function columnNamed(name: string): Expression {
  return { kind: 'column', path: [name] }
}

/** The columns of INSERT; a part of one (`a[1]`, `a.f`) is taken for it. */
function columnsIn(list: unknown): readonly string[] {
  return listOf(list).map(each => textOf(fieldsOf(each, 'ResTarget')?.['name']) ?? '')
}

function assignmentsIn(list: unknown, planner: Planner): readonly Assignment[] {
  return listOf(list).map(each => {
    const fields = fieldsOf(each, 'ResTarget') ?? {}
    const part = fieldsOf(fields['val'], 'MultiAssignRef')
    const value = part === undefined ? planner.expression(fields['val']) : partOf(part, planner)
    return { column: textOf(fields['name']) ?? '', value: withSubscripts(fields, value, planner) }
  })
}

/** `SET a[i] = x`: where it goes tells of `i`. */
function withSubscripts(fields: Tree, value: Expression, planner: Planner): Expression {
  const held = listOf(fields['indirection']).flatMap(part => {
    const subscript = fieldsOf(part, 'A_Indices')
    if (subscript === undefined) return []
    return ['lidx', 'uidx'].map(bound => planner.expression(subscript[bound]))
  })
  if (held.every(each => each.kind === 'constant')) return value
  return { kind: 'made', how: 'transformed', of: [value, ...held] }
}

function changeOf(fields: Tree, verb: string, from: string, planner: Planner): Query {
  return {
    kind: 'change',
    verb,
    ...withIn(fields, planner),
    target: targetIn(fields),
    from: listOf(fields[from]).map(each => planner.from(each)),
    assignments: assignmentsIn(fields['targetList'], planner),
    where: planner.conditions(fields['whereClause']),
    returning: returningIn(fields, planner),
  }
}

function mergeOf(fields: Tree, planner: Planner): Merge {
  return {
    kind: 'merge',
    ...withIn(fields, planner),
    target: targetIn(fields),
    source: planner.from(fields['sourceRelation']),
    on: planner.conditions(fields['joinCondition']),
    actions: listOf(fields['mergeWhenClauses']).map(each => actionOf(each, planner)),
    returning: returningIn(fields, planner),
  }
}

function actionOf(value: unknown, planner: Planner): MergeAction {
  const fields = fieldsOf(value, 'MergeWhenClause')
  const unread: Condition = { use: 'condition', value: { kind: 'unknown' } }
  if (fields === undefined) return { condition: [unread], assignments: [], insert: undefined }
  const inserts = fields['commandType'] === 'CMD_INSERT'
  return {
    condition: planner.conditions(fields['condition']),
    assignments: inserts ? [] : assignmentsIn(fields['targetList'], planner),
    insert: inserts
      ? {
          columns: columnsIn(fields['targetList']),
          values: listOf(fields['values']).map(each =>
            each === undefined ? CONSTANT : planner.expression(each),
          ),
        }
      : undefined,
  }
}
