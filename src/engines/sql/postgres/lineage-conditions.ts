// WHERE, ON and the like, taken apart at AND and OR: which columns are only compared with what the statement says itself.
import type { ComparedValue } from '#model'
import type { Condition } from '../lineage/index.ts'
import { builtInTypes } from './catalog-names.ts'
import type { Planner } from './lineage-planner.ts'
import { fieldsOf, isTree, listOf, namesOf, numberOf, type Tree, textOf, typeOf } from './tree.ts'

export function conditionsOf(value: unknown, planner: Planner): readonly Condition[] {
  planner.count()
  const both = fieldsOf(value, 'BoolExpr')
  if (both !== undefined) {
    const args = listOf(both['args'])
    // NOT EXISTS asks what EXISTS asks.
    if (both['boolop'] === 'NOT_EXPR' && !isTest(args[0])) return [other(value, planner)]
    return args.flatMap(each => conditionsOf(each, planner))
  }
  const compared = fieldsOf(value, 'A_Expr')
  if (compared !== undefined) return comparison(compared, value, planner)
  return [other(value, planner)]
}

function other(value: unknown, planner: Planner): Condition {
  return { use: 'condition', value: planner.expression(value) }
}

function isTest(value: unknown): boolean {
  return fieldsOf(value, 'SubLink') !== undefined
}

function comparison(fields: Tree, value: unknown, planner: Planner): readonly Condition[] {
  const { kind, lexpr, rexpr } = fields
  const name = namesOf(fields['name'])
  const operator = name.length === 1 || name[0] === 'pg_catalog' ? name.at(-1) : undefined
  if (kind === 'AEXPR_IN' && operator === '=') {
    const items = listOf(fieldsOf(rexpr, 'List')?.['items'] ?? rexpr)
    if (isColumn(lexpr) && items.length > 0 && items.every(isSaid)) {
      return [equality(lexpr, items, planner)]
    }
  }
  if (kind !== 'AEXPR_OP') return [other(value, planner)]
  const pairs = operator === '=' ? paired(lexpr, rexpr) : undefined
  if (pairs !== undefined) {
    return pairs.flatMap(([left, right]) => equal(left, right, planner))
  }
  if (operator === '=') return equal(lexpr, rexpr, planner)
  if (isColumn(lexpr) && isColumn(rexpr)) {
    return [{ use: 'join', value: planner.expression(value) }]
  }
  return [other(value, planner)]
}

/** `(a, b) = (1, 2)` is `a = 1 AND b = 2`. */
function paired(
  lexpr: unknown,
  rexpr: unknown,
): readonly (readonly [unknown, unknown])[] | undefined {
  const left = fieldsOf(lexpr, 'RowExpr')
  const right = fieldsOf(rexpr, 'RowExpr')
  if (left === undefined || right === undefined) return undefined
  const [one, two] = [listOf(left['args']), listOf(right['args'])]
  if (one.length !== two.length || one.length === 0) return undefined
  return one.map((each, index) => [each, two[index]])
}

function equal(left: unknown, right: unknown, planner: Planner): readonly Condition[] {
  if (isColumn(left) && isSaid(right)) return [equality(left, [right], planner)]
  if (isColumn(right) && isSaid(left)) return [equality(right, [left], planner)]
  const sides = [planner.expression(left), planner.expression(right)]
  const use = isColumn(left) && isColumn(right) ? 'join' : 'condition'
  return [{ use, value: { kind: 'made', how: 'transformed', of: sides } }]
}

function equality(column: unknown, said: readonly unknown[], planner: Planner): Condition {
  return {
    use: 'equality',
    value: planner.expression(column),
    ...(planner.withValues ? { against: said.map(saidValue) } : {}),
  }
}

function isColumn(value: unknown): boolean {
  return fieldsOf(value, 'ColumnRef') !== undefined
}

/** A literal or a parameter, with or without a cast to a built-in type. */
function isSaid(value: unknown): boolean {
  const type = typeOf(value)
  if (type === 'A_Const' || type === 'ParamRef') return true
  const cast = fieldsOf(value, 'TypeCast')
  if (cast === undefined || !isTree(cast['typeName'])) return false
  const parts = namesOf(cast['typeName']['names'])
  const builtIn = parts.length === 1 || (parts.length === 2 && parts[0] === 'pg_catalog')
  return builtIn && builtInTypes.has(parts.at(-1) ?? '') && isSaid(cast['arg'])
}

/** As the text writes it. */
export function saidValue(value: unknown): ComparedValue['value'] | undefined {
  const cast = fieldsOf(value, 'TypeCast')
  if (cast !== undefined) return saidValue(cast['arg'])
  const parameter = fieldsOf(value, 'ParamRef')
  if (parameter !== undefined) {
    const number = numberOf(parameter['number'])
    return number > 0 ? { parameter: number - 1 } : undefined
  }
  const literal = fieldsOf(value, 'A_Const')
  if (literal === undefined) return undefined
  if (literal['isnull'] === true) return { text: 'null' }
  for (const [field, inner] of [
    ['sval', 'sval'],
    ['fval', 'fval'],
    ['bsval', 'bsval'],
  ] as const) {
    const node = literal[field]
    if (isTree(node)) return { text: textOf(node[inner]) ?? '' }
  }
  if (isTree(literal['ival'])) return { text: String(numberOf(literal['ival']['ival'])) }
  if (isTree(literal['boolval'])) return { text: String(literal['boolval']['boolval'] === true) }
  return undefined
}
