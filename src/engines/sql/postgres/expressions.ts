// Columns, operators and casts in expressions. Calls are in functions.ts.
import { builtInOperators, builtInTypes, otherFunctions } from './catalog-names.ts'
import { call, functionCall } from './functions.ts'
import { isTree, listOf, nameOf, namesOf, type Tree, typeOf } from './tree.ts'
import type { Handler, Walk } from './walk.ts'

function columnRef(fields: Tree, walk: Walk): void {
  const parts = listOf(fields['fields'])
  const { draft, scope } = walk
  const last = parts.at(-1)
  const alias = parts.length > 1 ? nameOf(parts.at(-2)) : undefined
  if (typeOf(last) === 'A_Star') {
    draft.allColumns = true
    scope?.everyColumn(alias)
    return
  }
  const name = nameOf(last) ?? ''
  draft.columnNames.push(name)
  if (alias === undefined) {
    draft.bareNames.push(name)
    scope?.column(name)
    return
  }
  attribute(name, walk)
  scope?.qualifiedColumn(alias, name)
}

/**
 * `x.name` calls the function `name(x)` when x has no such column (PostgreSQL's functional notation):
 * `('/etc/passwd'::text).pg_read_file` reads a file.
 */
function attribute(name: string, walk: Walk): void {
  if (!otherFunctions.has(name)) return
  walk.draft.functions.push(name)
  call(`pg_catalog.${name}`, walk)
}

function indirection(fields: Tree, walk: Walk): void {
  for (const part of listOf(fields['indirection'])) {
    const name = nameOf(part)
    if (typeOf(part) === 'A_Star') walk.draft.allColumns = true
    if (name === undefined) continue
    walk.draft.columnNames.push(name)
    walk.draft.attributes.push(name)
    attribute(name, walk)
  }
  walk.children('A_Indirection', fields)
}

/** Kinds whose `name` is no operator's. */
const between = /^AEXPR_(NOT_)?BETWEEN/

function operatorExpr(fields: Tree, walk: Walk): void {
  if (between.test(String(fields['kind']))) walk.draft.operators.push('>=', '<=')
  else operator(fields['name'], walk)
  walk.node(fields['lexpr'])
  walk.node(fields['rexpr'])
}

/** An operator that is not built in runs a function that we do not know. */
function operator(list: unknown, walk: Walk): void {
  const parts = namesOf(list)
  if (parts.length === 0) return
  const builtIn = parts.length === 1 || (parts.length === 2 && parts[0] === 'pg_catalog')
  const name = parts.at(-1) ?? ''
  if (builtIn && builtInOperators.has(name)) {
    // A user's operator of that name may be the better match for the types.
    if (parts.length === 1 && walk.draft.operators.at(-1) !== name) walk.draft.operators.push(name)
    return
  }
  walk.draft.add('execute', 'SELECT', { name: parts.join('.'), kind: 'operator' })
}

function subLink(fields: Tree, walk: Walk): void {
  operator(fields['operName'], walk)
  if (fields['testexpr'] !== undefined) walk.draft.operators.push('=')
  walk.children('SubLink', fields, ['operName'])
}

/** `CASE a WHEN b` asks whether a = b. */
function caseExpr(fields: Tree, walk: Walk): void {
  if (fields['arg'] !== undefined) walk.draft.operators.push('=')
  walk.children('CaseExpr', fields)
}

function sortBy(fields: Tree, walk: Walk): void {
  operator(fields['useOp'], walk)
  walk.children('SortBy', fields, ['useOp'])
}

/** A cast to a type that is not built in may run its input function, or a cast's. */
export function castTo(value: unknown, walk: Walk): void {
  if (!isTree(value)) return
  const parts = namesOf(value['names'])
  const name = parts.at(-1) ?? ''
  const schema = parts.length > 1 ? parts.at(-2) : undefined
  if ((schema === undefined || schema === 'pg_catalog') && builtInTypes.has(name)) return
  const { castsTo } = walk.draft
  const last = castsTo.at(-1)
  if (last?.name !== name || last.schema !== schema) castsTo.push({ schema, name })
}

function typed(type: string): Handler {
  return (fields, walk) => {
    castTo(fields['typeName'], walk)
    walk.children(type, fields)
  }
}

/** In a query (`f() AS (c code)`) values become of the type; in a definition there are none yet. */
function columnDefinition(fields: Tree, walk: Walk): void {
  if (walk.scope !== undefined) castTo(fields['typeName'], walk)
  walk.children('ColumnDef', fields)
}

const jsonFunctions: Readonly<Record<string, string>> = {
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
}

/** Syntax of newer servers that an older one reads as the call of a function of that name. */
function presumed(type: string, name: string | ((fields: Tree) => string)): Handler {
  return (fields, walk) => {
    const called = typeof name === 'string' ? name : name(fields)
    walk.draft.functions.push(called)
    walk.draft.presumedBuiltIn.push(called)
    walk.children(type, fields)
  }
}

export const expressionNodes: Readonly<Record<string, Handler>> = {
  A_Const: () => {},
  ColumnRef: columnRef,
  A_Indirection: indirection,
  A_Expr: operatorExpr,
  FuncCall: functionCall,
  SubLink: subLink,
  CaseExpr: caseExpr,
  SortBy: sortBy,
  TypeCast: typed('TypeCast'),
  XmlSerialize: typed('XmlSerialize'),
  JsonOutput: typed('JsonOutput'),
  JsonTableColumn: typed('JsonTableColumn'),
  RangeTableFuncCol: typed('RangeTableFuncCol'),
  ColumnDef: columnDefinition,
  JsonFuncExpr: presumed('JsonFuncExpr', f => jsonFunctions[String(f['op'])] ?? 'json_value'),
  JsonParseExpr: presumed('JsonParseExpr', 'json'),
  JsonScalarExpr: presumed('JsonScalarExpr', 'json_scalar'),
  JsonSerializeExpr: presumed('JsonSerializeExpr', 'json_serialize'),
  JsonObjectConstructor: presumed('JsonObjectConstructor', 'json_object'),
  JsonArrayConstructor: presumed('JsonArrayConstructor', 'json_array'),
  JsonArrayQueryConstructor: presumed('JsonArrayQueryConstructor', 'json_array'),
  JsonObjectAgg: presumed('JsonObjectAgg', 'json_objectagg'),
  JsonArrayAgg: presumed('JsonArrayAgg', 'json_arrayagg'),
  MergeSupportFunc: presumed('MergeSupportFunc', 'merge_action'),
}
