// SELECT, INSERT, UPDATE, DELETE, MERGE and what is common to them: CTEs, targets, RETURNING.
import type { DraftOperation } from '../draft.ts'
import type { Scope } from '../scope.ts'
import { aliasOf, noteTemporary, relationNameOf, writeTo } from './relations.ts'
import { fieldsOf, isTree, listOf, type Tree, textOf } from './tree.ts'
import { narrowsNothing } from './unfiltered.ts'
import type { Handler, Walk } from './walk.ts'

/** The verb and the answer are those of the outermost statement. */
function top(walk: Walk, verb: string, returnsRows: boolean): void {
  if (walk.draft.verb !== '' || walk.scope !== undefined) return
  walk.draft.verb = verb
  walk.draft.returnsRows = returnsRows
}

function withClause(value: unknown, walk: Walk, scope: Scope): void {
  if (!isTree(value)) return
  const ctes = listOf(value['ctes']).map(each => fieldsOf(each, 'CommonTableExpr') ?? {})
  const recursive = value['recursive'] === true
  if (recursive) for (const cte of ctes) scope.addCte(textOf(cte['ctename']) ?? '')
  for (const cte of ctes) {
    walk.apart(() => walk.children('CommonTableExpr', cte))
    if (!recursive) scope.addCte(textOf(cte['ctename']) ?? '')
  }
}

const select: Handler = (fields, walk) => {
  top(walk, isTree(fields['intoClause']) ? 'SELECT INTO' : 'SELECT', !isTree(fields['intoClause']))
  const into = fields['intoClause']
  if (isTree(into)) {
    // SELECT INTO makes a table. In a set operation it stands in the leftmost part.
    walk.draft.returnsRows = false
    intoClause(into, walk, 'SELECT INTO')
  }
  const { query } = walk
  walk.query = walk.scope === undefined ? fields : undefined
  walk.level(scope => {
    if (listOf(fields['lockingClause']).length > 0) scope.locking = true
    withClause(fields['withClause'], walk, scope)
    walk.children('SelectStmt', fields, ['withClause', 'intoClause', 'lockingClause'])
  })
  walk.query = query
}

export function intoClause(fields: Tree, walk: Walk, verb: string): void {
  const relation = fields['rel']
  if (isTree(relation)) {
    walk.draft.touch('define', verb, relationNameOf(relation), [])
    noteTemporary(relation, walk)
  }
  walk.draft.changesCatalog = true
  walk.children('IntoClause', fields, ['rel', 'colNames'])
}

/** The columns that a target list assigns to. */
function assigned(list: unknown, target: DraftOperation, walk: Walk): void {
  for (const each of listOf(list)) {
    const fields = fieldsOf(each, 'ResTarget')
    const name = textOf(fields?.['name'])
    if (name === undefined) continue
    // Not `qualified`: a name that is no column is an error here, never a function.
    target.columns.push(name)
    walk.draft.columnNames.push(name)
  }
}

/** What is returned is read. */
function returning(fields: Tree, walk: Walk, verb: string): void {
  const clause = fields['returningClause']
  const relation = fields['relation']
  if (!isTree(clause) || !isTree(relation)) return
  const name = relationNameOf(relation)
  walk.level(scope => {
    const operation = walk.draft.touch('read', verb, name, [])
    scope.refer(aliasOf(relation) ?? name.name, operation)
    rowAliases(clause, scope, operation, walk)
    walk.children('ReturningClause', clause)
  })
}

/** `old`, `new` (or what WITH (OLD AS o) names them) and `excluded` are rows of the target. */
function rowAliases(clause: Tree, scope: Scope, operation: DraftOperation, walk: Walk): void {
  const named = listOf(clause['options']).map(
    option => textOf(fieldsOf(option, 'ReturningOption')?.['value']) ?? '',
  )
  for (const alias of ['old', 'new', ...named]) {
    scope.refer(alias, operation)
    walk.draft.rowNames.push(alias)
  }
}

function modifies(walk: Walk, verb: string, fields: Tree): void {
  top(walk, verb, isTree(fields['returningClause']))
  walk.draft.modifications += 1
}

const insert: Handler = (fields, walk) => {
  modifies(walk, 'INSERT', fields)
  const relation = fields['relation']
  if (!isTree(relation)) return
  walk.level(scope => {
    withClause(fields['withClause'], walk, scope)
    const target = writeTo(relation, walk, 'INSERT')
    if (fields['cols'] === undefined) target.star = true
    assigned(fields['cols'], target, walk)
    walk.each(fields['cols'])
    walk.apart(() => {
      if (fields['selectStmt'] !== undefined) walk.node(fields['selectStmt'])
    })
    const conflict = fields['onConflictClause']
    if (isTree(conflict)) {
      if (conflict['action'] === 'ONCONFLICT_UPDATE') {
        const update = walk.draft.touch('write', 'UPDATE', relationNameOf(relation), [])
        assigned(conflict['targetList'], update, walk)
        scope.refer('excluded', update)
        walk.draft.rowNames.push('excluded')
      }
      walk.struct('OnConflictClause', conflict)
    }
    returning(fields, walk, 'INSERT')
  })
}

const update: Handler = (fields, walk) => {
  modifies(walk, 'UPDATE', fields)
  changeRows('UpdateStmt', 'UPDATE', fields, walk)
}

const remove: Handler = (fields, walk) => {
  modifies(walk, 'DELETE', fields)
  changeRows('DeleteStmt', 'DELETE', fields, walk)
}

function changeRows(type: string, verb: string, fields: Tree, walk: Walk): void {
  const relation = fields['relation']
  if (!isTree(relation)) return
  walk.level(scope => {
    withClause(fields['withClause'], walk, scope)
    const target = writeTo(relation, walk, verb)
    assigned(fields['targetList'], target, walk)
    if (narrowsNothing(fields['whereClause'], targetNames(relation), walk.draft)) {
      target.flags.push('unfiltered')
    }
    walk.children(type, fields, ['relation', 'withClause', 'returningClause'])
    returning(fields, walk, verb)
  })
}

/** By which names a condition can speak of the target's rows. */
function targetNames(relation: Tree): { readonly alias: string; readonly relation: string } {
  const { name } = relationNameOf(relation)
  return { alias: aliasOf(relation) ?? name, relation: name }
}

const mergeVerbs: Readonly<Record<string, string>> = {
  CMD_INSERT: 'INSERT',
  CMD_UPDATE: 'UPDATE',
  CMD_DELETE: 'DELETE',
}

const merge: Handler = (fields, walk) => {
  modifies(walk, 'MERGE', fields)
  const relation = fields['relation']
  if (!isTree(relation)) return
  walk.level(scope => {
    withClause(fields['withClause'], walk, scope)
    const target = writeTo(relation, walk, 'MERGE')
    const names = targetNames(relation)
    const joinsAll = narrowsNothing(fields['joinCondition'], names, walk.draft)
    for (const each of listOf(fields['mergeWhenClauses'])) {
      const clause = fieldsOf(each, 'MergeWhenClause')
      if (clause === undefined) continue
      const verb = mergeVerbs[textOf(clause['commandType']) ?? '']
      if (verb === undefined) continue
      const operation = walk.draft.touch('write', verb, relationNameOf(relation), [])
      assigned(clause['targetList'], operation, walk)
      const allRows = joinsAll || clause['matchKind'] === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE'
      const wide = allRows && narrowsNothing(clause['condition'], names, walk.draft)
      if (wide && verb !== 'INSERT') {
        operation.flags.push('unfiltered')
        if (!target.flags.includes('unfiltered')) target.flags.push('unfiltered')
      }
    }
    walk.children('MergeStmt', fields, ['relation', 'withClause', 'returningClause'])
    returning(fields, walk, 'MERGE')
  })
}

export const queryNodes: Readonly<Record<string, Handler>> = {
  SelectStmt: select,
  InsertStmt: insert,
  UpdateStmt: update,
  DeleteStmt: remove,
  MergeStmt: merge,
  MergeWhenClause: (fields, walk) => walk.children('MergeWhenClause', fields),
  // Names relations that FROM has already named.
  LockingClause: () => {},
}
