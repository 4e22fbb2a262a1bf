// What stands in FROM, and relations named elsewhere. Knows which catalogs hold other people's data.
import type { RelationName } from '../analysis.ts'
import { Refusal } from '../draft.ts'
import { call } from './functions.ts'
import { sensitiveRelations } from './sensitive-relations.ts'
import { isPublicSetting } from './settings.ts'
import { constantOf, fieldsOf, isTree, listOf, namesOf, type Tree, textOf } from './tree.ts'
import type { Handler, Walk } from './walk.ts'

export function relationNameOf(fields: Tree): RelationName {
  return { schema: textOf(fields['schemaname']), name: textOf(fields['relname']) ?? '' }
}

/** Notes a relation that is being made for this session only. */
export function noteTemporary(fields: Tree, walk: Walk): void {
  const { schema, name } = relationNameOf(fields)
  if (fields['relpersistence'] === 't' || schema?.startsWith('pg_temp') === true) {
    walk.draft.shadows.push(name)
  }
}

/** The name by which columns are qualified. */
export function aliasOf(fields: Tree): string | undefined {
  const alias = fields['alias']
  return isTree(alias) ? textOf(alias['aliasname']) : undefined
}

function renamesColumns(fields: Tree): boolean {
  const alias = fields['alias']
  return isTree(alias) && listOf(alias['colnames']).length > 0
}

/** True for a name in pg_catalog, which is searched first unless a search_path says otherwise. */
function isCatalog(relation: RelationName, name: string): boolean {
  return (
    relation.name === name && (relation.schema === undefined || relation.schema === 'pg_catalog')
  )
}

/** A relation that rows are written to, or whose definition changes. Never a CTE. */
export function writeTo(
  fields: Tree,
  walk: Walk,
  verb: string,
): ReturnType<typeof walk.draft.touch> {
  const relation = relationNameOf(fields)
  // pg_settings has a rule that calls set_config for each row updated.
  if (isCatalog(relation, 'pg_settings')) {
    throw new Refusal(
      'setting_refused',
      'settings are changed by SET, not by a write to pg_settings',
    )
  }
  const operation = walk.draft.touch('write', verb, relation, [])
  const alias = aliasOf(fields)
  walk.draft.rowNames.push(alias ?? relation.name)
  walk.scope?.refer(alias ?? relation.name, operation)
  if (renamesColumns(fields)) walk.draft.allColumns = true
  return operation
}

function rangeVar(fields: Tree, walk: Walk): void {
  const relation = relationNameOf(fields)
  const { scope, use, draft } = walk
  const alias = aliasOf(fields) ?? relation.name
  if (scope !== undefined && relation.schema === undefined && scope.hides(relation.name)) {
    scope.refer(alias, undefined)
    return
  }
  if (use.action === 'define') noteTemporary(fields, walk)
  const sensitive = use.action === 'read' && sensitiveRelations(relation)
  const operation = draft.touch(
    sensitive ? 'administer' : use.action,
    use.verb,
    relation,
    use.flags,
    sensitive ? undefined : use.category,
  )
  if (isCatalog(relation, 'pg_settings') && asksPublicSetting(walk)) operation.publicOnly = true
  draft.rowNames.push(alias)
  scope?.refer(alias, operation)
  if (renamesColumns(fields)) {
    // The columns have other names from here on: any of them may be meant.
    draft.allColumns = true
    operation.star = true
  }
}

/** `FROM pg_settings WHERE name = 'search_path'`, of a setting that tells nothing. */
function asksPublicSetting({ query, draft }: Walk): boolean {
  const where = fieldsOf(query?.['whereClause'], 'A_Expr')
  if (where === undefined || listOf(query?.['fromClause']).length !== 1) return false
  draft.literalsMatter = true
  const name = fieldsOf(where['lexpr'], 'ColumnRef')
  return (
    where['kind'] === 'AEXPR_OP' &&
    namesOf(where['name']).join('.') === '=' &&
    namesOf(name?.['fields']).at(-1) === 'name' &&
    isPublicSetting(constantOf(where['rexpr']))
  )
}

function joinExpr(fields: Tree, walk: Walk): void {
  walk.children('JoinExpr', fields, ['usingClause', 'alias', 'join_using_alias'])
  if (fields['isNatural'] === true) {
    walk.draft.allColumns = true
    walk.scope?.everyColumn()
  }
  if (fields['isNatural'] === true || fields['usingClause'] !== undefined) {
    walk.draft.operators.push('=')
  }
  for (const name of namesOf(fields['usingClause'])) {
    walk.draft.columnNames.push(name)
    walk.scope?.column(name)
  }
  if (renamesColumns(fields)) {
    walk.draft.allColumns = true
    walk.scope?.everyColumn()
  }
  const using = fields['join_using_alias']
  for (const alias of [aliasOf(fields), isTree(using) ? textOf(using['aliasname']) : undefined]) {
    if (alias === undefined) continue
    walk.draft.rowNames.push(alias)
    walk.scope?.referJoin(alias)
  }
}

function rangeSubselect(fields: Tree, walk: Walk): void {
  if (fields['lateral'] === true) walk.node(fields['subquery'])
  else walk.apart(() => walk.node(fields['subquery']))
  const alias = aliasOf(fields)
  if (alias !== undefined) walk.scope?.refer(alias, undefined)
}

/** `named`: how its columns are qualified when it has no alias. */
function rangeFunction(type: string, named?: string): Handler {
  return (fields, walk) => {
    walk.children(type, fields, ['alias'])
    const alias = aliasOf(fields) ?? named
    if (alias !== undefined) walk.scope?.refer(alias, undefined)
  }
}

/** TABLESAMPLE calls a function of the server by name. */
function rangeTableSample(fields: Tree, walk: Walk): void {
  const method = namesOf(fields['method'])
  const name = method.at(-1) ?? ''
  const builtIn = method.length === 1 || (method.length === 2 && method[0] === 'pg_catalog')
  if (!builtIn || (name !== 'bernoulli' && name !== 'system')) {
    walk.draft.functions.push(method.join('.'))
    call(method.join('.'), walk)
  }
  walk.children('RangeTableSample', fields, ['method'])
}

/** What another relation is looked at for in a definition (LIKE, REFERENCES). */
function lookedAt(type: string, field: string): Handler {
  return (fields, walk) => {
    const relation = fields[field]
    if (isTree(relation)) {
      const { verb } = walk.use
      walk.draft.touch('read', verb, relationNameOf(relation), [])
    }
    walk.children(type, fields, [field])
  }
}

export const relationNodes: Readonly<Record<string, Handler>> = {
  RangeVar: rangeVar,
  JoinExpr: joinExpr,
  RangeSubselect: rangeSubselect,
  RangeFunction: rangeFunction('RangeFunction'),
  RangeTableFunc: rangeFunction('RangeTableFunc', 'xmltable'),
  JsonTable: rangeFunction('JsonTable', 'json_table'),
  RangeTableSample: rangeTableSample,
  TableLikeClause: lookedAt('TableLikeClause', 'relation'),
  Constraint: lookedAt('Constraint', 'pktable'),
}
