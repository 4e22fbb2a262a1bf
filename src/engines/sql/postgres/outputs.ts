// Which columns of an answer can hold no value of any table. A wrong "harmless" is a leak: what is not
// listed here is not harmless.
import type { Output } from '../analysis.ts'
import { builtInOperators, builtInTypes, safeFunctions } from './catalog-names.ts'
import { fieldsOf, isTree, listOf, namesOf, type Tree, textOf, typeOf } from './tree.ts'

/** Nodes that are harmless when all they hold is. */
const transparent: ReadonlySet<string> = new Set([
  'A_ArrayExpr',
  'BoolExpr',
  'NullTest',
  'BooleanTest',
  'CaseExpr',
  'CaseWhen',
  'CoalesceExpr',
  'MinMaxExpr',
  'NamedArgExpr',
  'CollateClause',
  'List',
])

/** Nodes that hold nothing of a table whatever is in them. */
const constant: ReadonlySet<string> = new Set([
  'A_Const',
  'ParamRef',
  'SQLValueFunction',
  'String',
  'Integer',
  'Float',
  'Boolean',
  'SetToDefault',
])

/** True for an expression that no value of a table can flow into. */
export function isHarmless(value: unknown): boolean {
  const type = typeOf(value)
  if (type === undefined || !isTree(value)) return value === undefined || isEmpty(value)
  if (constant.has(type)) return true
  const fields = value[type]
  if (!isTree(fields)) return false
  if (transparent.has(type)) return harmlessFields(fields)
  if (type === 'A_Expr')
    return isBuiltIn(fields['name'], builtInOperators, fields) && operands(fields)
  if (type === 'TypeCast') return isBuiltInType(fields['typeName']) && isHarmless(fields['arg'])
  if (type === 'FuncCall') return isHarmlessCall(fields)
  if (type === 'SubLink') return isHarmlessSubLink(fields)
  return false
}

/** The same, for what may be undefined: an argument that is not there. */
export function onlyOwnValues(value: unknown): boolean {
  return value === undefined || isHarmless(value)
}

function isEmpty(value: unknown): boolean {
  return isTree(value) && Object.keys(value).length === 0
}

function harmlessFields(fields: Tree): boolean {
  for (const field in fields) {
    const value = fields[field]
    if (typeof value !== 'object' || value === null || field === 'collname') continue
    if (Array.isArray(value) ? !value.every(isHarmless) : !isHarmless(value)) return false
  }
  return true
}

function operands(fields: Tree): boolean {
  return isHarmless(fields['lexpr']) && isHarmless(fields['rexpr'])
}

function isBuiltIn(list: unknown, known: ReadonlySet<string>, fields: Tree): boolean {
  if (textOf(fields['kind'])?.includes('BETWEEN')) return true
  const parts = namesOf(list)
  const builtIn = parts.length === 1 || (parts.length === 2 && parts[0] === 'pg_catalog')
  return builtIn && known.has(parts.at(-1) ?? '')
}

function isBuiltInType(value: unknown): boolean {
  if (!isTree(value)) return false
  return isBuiltIn(value['names'], builtInTypes, {})
}

function isCount(fields: Tree): boolean {
  const parts = namesOf(fields['funcname'])
  return parts.at(-1) === 'count' && isBuiltIn(fields['funcname'], safeFunctions, {})
}

/** A number of rows is no value of a row. What else is called must be safe, on harmless arguments. */
function isHarmlessCall(fields: Tree): boolean {
  if (isCount(fields)) return true
  if (!isBuiltIn(fields['funcname'], safeFunctions, {})) return false
  return (
    listOf(fields['args']).every(isHarmless) &&
    // Order, filter and window could choose by a column's value.
    fields['agg_order'] === undefined &&
    fields['agg_filter'] === undefined &&
    fields['over'] === undefined
  )
}

/**
 * `(SELECT count(*) FROM t)`, or a sub-query that chooses no row. EXISTS, IN and the like answer a question
 * about values.
 */
function isHarmlessSubLink(fields: Tree): boolean {
  if (fields['subLinkType'] !== 'EXPR_SUBLINK') return false
  const query = fieldsOf(fields['subselect'], 'SelectStmt')
  if (query === undefined || query['op'] !== 'SETOP_NONE') return false
  const targets = listOf(query['targetList'])
  const chooses = ['fromClause', 'whereClause', 'limitCount', 'limitOffset', 'withClause'].some(
    clause => query[clause] !== undefined,
  )
  const groups = ['groupClause', 'havingClause', 'valuesLists'].some(
    clause => query[clause] !== undefined,
  )
  if (targets.length === 0 || groups) return false
  return targets.every(target => {
    const value = fieldsOf(target, 'ResTarget')?.['val']
    const call = fieldsOf(value, 'FuncCall')
    if (call !== undefined && isCount(call) && call['over'] === undefined) return true
    return !chooses && isHarmless(value)
  })
}

/** The columns of a statement's answer; none when it has no answer. */
export function outputsOf(statement: unknown): readonly Output[] | 'unknown' {
  const select = fieldsOf(statement, 'SelectStmt')
  if (select !== undefined) return selectOutputs(select)
  for (const type of ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']) {
    const fields = fieldsOf(statement, type)
    if (fields === undefined) continue
    const returning = fields['returningClause']
    return isTree(returning) ? targetOutputs(returning['exprs']) : []
  }
  return 'unknown'
}

function selectOutputs(fields: Tree): readonly Output[] | 'unknown' {
  const { larg, rarg } = fields
  if (isTree(larg) && isTree(rarg)) return both(selectOutputs(larg), selectOutputs(rarg))
  if (fields['valuesLists'] !== undefined) {
    return (
      listOf(fields['valuesLists'])
        .map(row => rowOutputs(fieldsOf(row, 'List')?.['items']))
        .reduce<readonly Output[] | 'unknown' | undefined>(
          (all, row) => (all === undefined ? row : both(all, row)),
          undefined,
        ) ?? []
    )
  }
  return targetOutputs(fields['targetList'])
}

/** Columns of a set operation: harmless where both sides are. */
function both(
  one: readonly Output[] | 'unknown',
  other: readonly Output[] | 'unknown',
): readonly Output[] | 'unknown' {
  if (one === 'unknown' || other === 'unknown' || one.length !== other.length) return 'unknown'
  return one.map((each, index) => ({ harmless: each.harmless && other[index]?.harmless === true }))
}

function rowOutputs(items: unknown): readonly Output[] {
  return listOf(items).map(item => ({ harmless: isHarmless(item) }))
}

function targetOutputs(targets: unknown): readonly Output[] | 'unknown' {
  const outputs: Output[] = []
  for (const target of listOf(targets)) {
    const value = fieldsOf(target, 'ResTarget')?.['val']
    if (mayExpand(value)) return 'unknown'
    outputs.push({ harmless: isHarmless(value) })
  }
  return outputs
}

/** `*`, `c.*` and `(c).*` become several columns. */
function mayExpand(value: unknown): boolean {
  const parts =
    fieldsOf(value, 'ColumnRef')?.['fields'] ?? fieldsOf(value, 'A_Indirection')?.['indirection']
  return listOf(parts).some(part => typeOf(part) === 'A_Star')
}
