// Expressions: what flows into a value. A type that stands in no table here is `unknown`.
import type { Call, Expression, SubQuery } from '../lineage/index.ts'
import { builtInOperators, builtInTypes, otherFunctions, safeFunctions } from './catalog-names.ts'
import { inTurn, stepsOfCase, stepsOfList, withFailures } from './lineage-failures.ts'
import { aggregates, plainFunctions } from './lineage-functions.ts'
import { CONSTANT, isBuiltInName, nameFrom, type Planner } from './lineage-planner.ts'
import { isPublicSetting } from './settings.ts'
import {
  constantOf,
  fieldsOf,
  isTree,
  listOf,
  nameOf,
  namesOf,
  numberOf,
  type Tree,
  textOf,
  typeOf,
} from './tree.ts'

const UNKNOWN: Expression = { kind: 'unknown' }

type Compile = (fields: Tree, planner: Planner) => Expression

/** Nodes that hold nothing of a table. */
const constants: readonly string[] = [
  'A_Const',
  'ParamRef',
  'SQLValueFunction',
  'SetToDefault',
  'CurrentOfExpr',
  'MergeSupportFunc',
  'GroupingFunc',
  'String',
  'Integer',
  'Float',
  'Boolean',
  'BitString',
  'TypeName',
  'JsonFormat',
]

/** Nodes whose value is made of all that they hold. */
const transparent: readonly string[] = [
  'A_ArrayExpr',
  'NullTest',
  'BooleanTest',
  'MinMaxExpr',
  'RowExpr',
  'CollateClause',
  'List',
  'SortBy',
  'XmlExpr',
  'XmlSerialize',
  'ResTarget',
  'JsonReturning',
  'JsonOutput',
  'JsonValueExpr',
  'JsonIsPredicate',
  'JsonBehavior',
  'JsonArgument',
  'JsonTablePathSpec',
  'JsonKeyValue',
]

const jsonFunctions: Readonly<Record<string, string>> = {
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
}

const compilers = new Map<string, Compile>([
  ...constants.map((type): [string, Compile] => [type, () => CONSTANT]),
  ...transparent.map((type): [string, Compile] => [
    type,
    (fields, planner) => made(heldBy(fields, planner)),
  ]),
  ['ColumnRef', columnRef],
  ['CaseExpr', (fields, planner) => made(inTurn(stepsOfCase(fields), planner))],
  ['CoalesceExpr', (fields, planner) => made(inTurn(stepsOfList(fields), planner))],
  ['BoolExpr', (fields, planner) => made(inTurn(stepsOfList(fields), planner))],
  ['NamedArgExpr', (fields, planner) => planner.expression(fields['arg'])],
  ['A_Expr', operator],
  ['A_Indirection', indirection],
  ['TypeCast', cast],
  ['FuncCall', functionCall],
  ['SubLink', subLink],
  ['JsonFuncExpr', jsonCall(fields => jsonFunctions[String(fields['op'])] ?? 'json_value')],
  ['JsonParseExpr', jsonCall('json')],
  ['JsonScalarExpr', jsonCall('json_scalar')],
  ['JsonSerializeExpr', jsonCall('json_serialize')],
  ['JsonObjectConstructor', jsonCall('json_object')],
  ['JsonArrayConstructor', jsonCall('json_array')],
  ['JsonArrayQueryConstructor', jsonArrayQuery],
  ['JsonObjectAgg', jsonAggregate('json_objectagg')],
  ['JsonArrayAgg', jsonAggregate('json_arrayagg')],
])

export function expressionOf(value: unknown, planner: Planner): Expression {
  planner.count()
  const type = typeOf(value)
  if (type === undefined || !isTree(value)) return isNothing(value) ? CONSTANT : UNKNOWN
  const fields = value[type]
  if (!isTree(fields)) return UNKNOWN
  const compile = compilers.get(type)
  return compile === undefined
    ? UNKNOWN
    : withFailures(type, fields, compile(fields, planner), planner)
}

function isNothing(value: unknown): boolean {
  return value === undefined || (isTree(value) && Object.keys(value).length === 0)
}

/** All expressions that a node holds; a bare struct is looked through. */
function heldBy(fields: Tree, planner: Planner): Expression[] {
  const held: Expression[] = []
  for (const field in fields) {
    const value = fields[field]
    if (typeof value !== 'object' || value === null) continue
    if (field === 'collname' || field === 'typeName' || field === 'output') continue
    if (Array.isArray(value)) for (const each of value) held.push(planner.expression(each))
    else if (typeOf(value) !== undefined) held.push(planner.expression(value))
    else if (isTree(value)) held.push(...heldBy(value, planner))
  }
  return held
}

function made(
  of: readonly Expression[],
  how: 'transformed' | 'aggregate' = 'transformed',
): Expression {
  const parts = of.filter(each => each.kind !== 'constant')
  return parts.length === 0 ? CONSTANT : { kind: 'made', how, of: parts }
}

function columnRef(fields: Tree): Expression {
  const parts = listOf(fields['fields'])
  const path = namesOf(parts)
  if (typeOf(parts.at(-1)) === 'A_Star') return path.length === 0 ? UNKNOWN : { kind: 'row', path }
  return { kind: 'column', path }
}

function operator(fields: Tree, planner: Planner): Expression {
  const of = [planner.expression(fields['lexpr']), planner.expression(fields['rexpr'])]
  const parts = namesOf(fields['name'])
  const builtIn =
    textOf(fields['kind'])?.includes('BETWEEN') === true ||
    (isBuiltInName(parts) && builtInOperators.has(parts.at(-1) ?? ''))
  return builtIn ? made(of) : other(parts, of)
}

/** A call of what we know nothing of. */
function other(parts: readonly string[], of: readonly Expression[]): Call {
  return callOf(parts, 'other', of)
}

export function callOf(
  parts: readonly string[],
  trust: Call['trust'],
  of: readonly Expression[],
): Call {
  return {
    kind: 'call',
    name: nameFrom(parts),
    trust,
    how: 'transformed',
    of,
    order: [],
    filter: [],
    window: [],
  }
}

function indirection(fields: Tree, planner: Planner): Expression {
  let value = planner.expression(fields['arg'])
  for (const part of listOf(fields['indirection'])) {
    const name = nameOf(part)
    const subscript = fieldsOf(part, 'A_Indices')
    if (name !== undefined) value = { kind: 'field', of: value, name }
    else if (subscript !== undefined) {
      const bounds = ['lidx', 'uidx'].map(bound => planner.expression(subscript[bound]))
      value = made([value, ...bounds])
    } else if (typeOf(part) !== 'A_Star') return UNKNOWN
  }
  return value
}

function cast(fields: Tree, planner: Planner): Expression {
  const of = planner.expression(fields['arg'])
  const type = fields['typeName']
  const parts = isTree(type) ? namesOf(type['names']) : []
  if (isBuiltInName(parts) && builtInTypes.has(parts.at(-1) ?? '')) return made([of])
  return { kind: 'cast', to: nameFrom(parts), of }
}

function functionCall(fields: Tree, planner: Planner): Expression {
  const parts = namesOf(fields['funcname'])
  const builtIn = isBuiltInName(parts)
  const name = parts.at(-1) ?? ''
  // SYSTEM_USER without parentheses: a column's name to servers before 16.
  if (name === 'system_user' && fields['funcformat'] === 'COERCE_SQL_SYNTAX') return UNKNOWN
  const of = planner.expressions(fields['args'])
  const filter = planner.conditions(fields['agg_filter'])
  const order = planner.expressions(fields['agg_order'])
  const over = fields['over']
  const window = over === undefined ? [] : planner.window(over)
  if (builtIn && name === 'count') {
    const chosen = [...filter, ...order.map(value => ({ use: 'condition', value }) as const)]
    const distinct = fields['agg_distinct'] === true
    return { kind: 'count', of, distinct, chosen, window, name: nameFrom(parts) }
  }
  const many = over !== undefined || aggregates.has(name) || order.length + filter.length > 0
  return {
    kind: 'call',
    name: nameFrom(parts),
    trust: builtIn ? trustIn(name, fields, planner) : 'other',
    how: many ? 'aggregate' : 'transformed',
    of,
    order,
    filter,
    window,
  }
}

function trustIn(name: string, fields: Tree, planner: Planner): Call['trust'] {
  if (safeFunctions.has(name)) return 'safe'
  if (plainFunctions.has(name)) return 'plain'
  if (name !== 'current_setting' || !otherFunctions.has(name)) return 'other'
  planner.literalsMatter = true
  return isPublicSetting(constantOf(listOf(fields['args'])[0])) ? 'plain' : 'other'
}

function subLink(fields: Tree, planner: Planner): Expression {
  const query = planner.query(fields['subselect'])
  const parts = namesOf(fields['operName'])
  const tested = fields['testexpr']
  // A row is held against columns one by one.
  const row = fieldsOf(tested, 'RowExpr')
  const beside =
    tested === undefined
      ? []
      : row === undefined
        ? [planner.expression(tested)]
        : planner.expressions(row['args'])
  const known =
    parts.length === 0 || (isBuiltInName(parts) && builtInOperators.has(parts.at(-1) ?? ''))
  const as = kinds[textOf(fields['subLinkType']) ?? '']
  if (as === undefined) return UNKNOWN
  const value: SubQuery = { kind: 'query', query, as, beside, at: 0 }
  return known ? value : other(parts, [value])
}

const kinds: Readonly<Record<string, SubQuery['as']>> = {
  EXISTS_SUBLINK: 'test',
  ALL_SUBLINK: 'test',
  ANY_SUBLINK: 'test',
  EXPR_SUBLINK: 'scalar',
  ARRAY_SUBLINK: 'array',
}

/** Syntax of newer servers that an older one reads as the call of a function of that name. */
function jsonCall(name: string | ((fields: Tree) => string)): Compile {
  return (fields, planner) =>
    callOf([typeof name === 'string' ? name : name(fields)], 'safe', heldBy(fields, planner))
}

function jsonArrayQuery(fields: Tree, planner: Planner): Expression {
  const query = planner.query(fields['query'])
  return callOf(['json_array'], 'safe', [{ kind: 'query', query, as: 'array', beside: [], at: 0 }])
}

function jsonAggregate(name: string): Compile {
  return (fields, planner) => {
    const { constructor: constructing, ...held } = fields
    const about: Tree = isTree(constructing) ? constructing : {}
    return {
      ...callOf([name], 'safe', heldBy(held, planner)),
      how: 'aggregate',
      order: planner.expressions(about['agg_order']),
      filter: planner.conditions(about['agg_filter']),
      window: planner.window(about['over']),
    }
  }
}

/** The part of a sub-query or a row that a column of `SET (a, b) = ...` takes. */
export function partOf(fields: Tree, planner: Planner): Expression {
  const at = numberOf(fields['colno']) - 1
  const row = fieldsOf(fields['source'], 'RowExpr')
  if (row !== undefined) return planner.expression(listOf(row['args'])[at])
  const source = planner.expression(fields['source'])
  return source.kind === 'query' && source.as === 'scalar' ? { ...source, at } : made([source])
}
