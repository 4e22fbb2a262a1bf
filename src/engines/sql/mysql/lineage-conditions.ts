// WHERE, ON and the like, taken apart at AND and OR: which columns are only compared with what the statement says itself.
import type { ComparedValue } from '#model'
import type { Condition } from '../lineage/index.ts'
import type { Planner } from './lineage-planner.ts'
import { fieldsOf, heldIn, isTree, listOf, textOf, typeOf } from './syntax-tree.ts'

export function conditionsOf(value: unknown, planner: Planner): readonly Condition[] {
  planner.count()
  const nested = heldIn(value, 'Nested')
  if (nested !== undefined) return conditionsOf(nested, planner)
  const listed = fieldsOf(value, 'InList')
  if (listed !== undefined) return inList(listed, value, planner)
  const both = fieldsOf(value, 'BinaryOp')
  if (both === undefined) return [other(value, planner)]
  const { left, op, right } = both
  if (op === 'And' || op === 'Or') {
    return [...conditionsOf(left, planner), ...conditionsOf(right, planner)]
  }
  if (op === 'Eq' || op === 'Spaceship') return equal(left, right, planner)
  const columns = isColumn(left) && isColumn(right)
  return [{ use: columns ? 'join' : 'condition', value: planner.expression(value) }]
}

function other(value: unknown, planner: Planner): Condition {
  return { use: 'condition', value: planner.expression(value) }
}

function inList(
  fields: { readonly [field: string]: unknown },
  value: unknown,
  planner: Planner,
): readonly Condition[] {
  const items = listOf(fields['list'])
  const plain = isColumn(fields['expr']) && fields['negated'] !== true
  if (!plain || items.length === 0 || !items.every(each => saidAs(each) !== undefined)) {
    return [other(value, planner)]
  }
  return [equality(fields['expr'], items, planner)]
}

function equal(left: unknown, right: unknown, planner: Planner): readonly Condition[] {
  const pairs = paired(left, right)
  if (pairs !== undefined) return pairs.flatMap(([one, two]) => equal(one, two, planner))
  if (isColumn(left) && saidAs(right) !== undefined) return [equality(left, [right], planner)]
  if (isColumn(right) && saidAs(left) !== undefined) return [equality(right, [left], planner)]
  const sides = [planner.expression(left), planner.expression(right)]
  const use = isColumn(left) && isColumn(right) ? 'join' : 'condition'
  return [{ use, value: { kind: 'made', how: 'transformed', of: sides } }]
}

/** `(a, b) = (1, 2)` is `a = 1 AND b = 2`. */
function paired(
  left: unknown,
  right: unknown,
): readonly (readonly [unknown, unknown])[] | undefined {
  const [one, two] = [listOf(heldIn(left, 'Tuple')), listOf(heldIn(right, 'Tuple'))]
  if (one.length !== two.length || one.length === 0) return undefined
  return one.map((each, index) => [each, two[index]])
}

function equality(column: unknown, said: readonly unknown[], planner: Planner): Condition {
  for (const each of said) planner.expression(each)
  const kinds = said.map(saidAs)
  const number = kinds.includes('number')
    ? ('literal' as const)
    : kinds.includes('parameter')
      ? ('bound' as const)
      : undefined
  return {
    use: 'equality',
    value: planner.expression(column),
    ...(number === undefined ? {} : { number }),
    ...(planner.withValues ? { against: said.map(each => saidValue(each, planner)) } : {}),
  }
}

function isColumn(value: unknown): boolean {
  const inner = unnested(value)
  if (typeOf(inner) === 'CompoundIdentifier') return true
  const name = fieldsOf(inner, 'Identifier')
  const quoted = name?.['quote_style']
  const bare = quoted === undefined || quoted === null
  return name !== undefined && !(bare && textOf(name['value'])?.startsWith('@') === true)
}

function unnested(value: unknown): unknown {
  let inner = value
  while (typeOf(inner) === 'Nested') inner = heldIn(inner, 'Nested')
  return inner
}

const texts: ReadonlySet<string> = new Set([
  ...['SingleQuotedString', 'DoubleQuotedString', 'NationalStringLiteral', 'HexStringLiteral'],
  ...['SingleQuotedByteStringLiteral', 'DoubleQuotedByteStringLiteral', 'Null'],
])

/** What the statement says itself; undefined for anything else. A text held against a number is turned into one. */
function saidAs(value: unknown): 'text' | 'number' | 'parameter' | undefined {
  const inner = unnested(value)
  if (typeOf(inner) === 'TypedString') return 'number'
  const minus = fieldsOf(inner, 'UnaryOp')
  if (minus !== undefined) {
    const number = minus['op'] === 'Minus' && typeof numberIn(minus['expr']) === 'string'
    return number ? 'number' : undefined
  }
  const held = fieldsOf(inner, 'Value')?.['value']
  const type = typeOf(held)
  if (type === undefined) return undefined
  if (texts.has(type)) return 'text'
  if (type === 'Number' || type === 'Boolean') return 'number'
  return heldIn(held, 'Placeholder') === '?' ? 'parameter' : undefined
}

function numberIn(value: unknown): string | undefined {
  const held = heldIn(fieldsOf(unnested(value), 'Value')?.['value'], 'Number')
  return textOf(listOf(held)[0])
}

/** As the text writes it. */
function saidValue(value: unknown, planner: Planner): ComparedValue['value'] | undefined {
  const inner = unnested(value)
  const typed = fieldsOf(inner, 'TypedString')
  if (typed !== undefined)
    return textIn(isTree(typed['value']) ? typed['value']['value'] : undefined)
  const minus = fieldsOf(inner, 'UnaryOp')
  if (minus !== undefined) {
    const number = numberIn(minus['expr'])
    return number === undefined ? undefined : { text: `-${number}` }
  }
  const fields = fieldsOf(inner, 'Value')
  if (heldIn(fields?.['value'], 'Placeholder') === '?') {
    const parameter = planner.parameterAt(fields?.['span'])
    return parameter === undefined ? undefined : { parameter }
  }
  return textIn(fields?.['value'])
}

function textIn(held: unknown): ComparedValue['value'] | undefined {
  const type = typeOf(held)
  if (type === undefined) return undefined
  if (type === 'Null') return { text: 'null' }
  const value = heldIn(held, type)
  if (typeof value === 'string') return { text: value }
  if (typeof value === 'boolean') return { text: value ? '1' : '0' }
  const number = textOf(listOf(value)[0])
  return number === undefined ? undefined : { text: number }
}
