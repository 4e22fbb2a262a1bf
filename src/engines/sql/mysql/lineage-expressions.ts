// Expressions: what flows into a value. A type or an operator that stands in no table here ends the plan.
import type { Expression, SubQuery } from '../lineage/index.ts'
import { callOf } from './lineage-calls.ts'
import { asked, inTurn, isSaid, type Step } from './lineage-failures.ts'
import { CONSTANT, columnName, type Planner, PROPOSED, Unplannable } from './lineage-planner.ts'
import { isValueWord } from './reserved-words.ts'
import {
  fieldsOf,
  heldIn,
  isEmpty,
  isTree,
  listOf,
  onlyHas,
  type Tree,
  textOf,
  typeOf,
  wordOf,
  wordsOf,
} from './syntax-tree.ts'

type Compile = (held: unknown, planner: Planner) => Expression

const CARRIED: Expression = { kind: 'carried' }

/** Nodes whose value is made of these fields, and which cannot fail. */
const made: Readonly<Record<string, readonly string[]>> = {
  InList: ['expr', 'list', 'negated'],
  Between: ['expr', 'low', 'high', 'negated'],
  Cast: ['expr', 'kind', 'data_type', 'format'],
  Convert: ['expr', 'data_type', 'charset', 'target_before_value', 'is_try', 'styles'],
  Collate: ['expr', 'collation'],
  Extract: ['expr', 'field', 'syntax'],
  Position: ['expr', 'in'],
  Substring: ['expr', 'substring_from', 'substring_for', 'special', 'shorthand'],
  Trim: ['expr', 'trim_where', 'trim_what', 'trim_characters'],
  Ceil: ['expr', 'field'],
  Floor: ['expr', 'field'],
  Interval: [
    'value',
    'leading_field',
    'leading_precision',
    'last_field',
    'fractional_seconds_precision',
  ],
  Prefixed: ['prefix', 'value'],
}
/** Fields of these that hold no expression. */
const words: ReadonlySet<string> = new Set([
  ...[
    'negated',
    'kind',
    'data_type',
    'format',
    'charset',
    'target_before_value',
    'is_try',
    'styles',
  ],
  ...['collation', 'field', 'syntax', 'special', 'shorthand', 'trim_where', 'prefix'],
  ...['leading_field', 'leading_precision', 'last_field', 'fractional_seconds_precision'],
])

/** Their one operand is all that they hold. */
const tests: readonly string[] = [
  ...['IsNull', 'IsNotNull', 'IsTrue', 'IsNotTrue', 'IsFalse', 'IsNotFalse', 'IsUnknown'],
  ...['IsNotUnknown', 'Nested'],
]

/** Operators that answer whatever they are given. */
const total: ReadonlySet<string> = new Set([
  ...[
    'Eq',
    'NotEq',
    'Lt',
    'LtEq',
    'Gt',
    'GtEq',
    'Spaceship',
    'BitwiseAnd',
    'BitwiseOr',
    'BitwiseXor',
  ],
  ...['PGBitwiseShiftLeft', 'PGBitwiseShiftRight', 'Xor', 'Divide', 'Modulo'],
])
/** Operators that may end the statement by what they are given: BIGINT out of range, a path, a pattern. */
const failing: ReadonlySet<string> = new Set([
  ...[
    'Plus',
    'Minus',
    'Multiply',
    'MyIntegerDivide',
    'Arrow',
    'LongArrow',
    'StringConcat',
    'DuckIntegerDivide',
  ],
])
const unary: ReadonlySet<string> = new Set(['Plus', 'Minus', 'Not', 'BitwiseNot', 'PGBitwiseNot'])

const compilers = new Map<string, Compile>([
  ['Identifier', identifier],
  ['CompoundIdentifier', compound],
  ['Value', literal],
  ['TypedString', () => CONSTANT],
  ['Tuple', (held, planner) => ofAll(planner.expressions(held))],
  ...tests.map((type): [string, Compile] => [type, (held, planner) => test(type, held, planner)]),
  ...Object.entries(made).map(([type, known]): [string, Compile] => [
    type,
    (held, planner) => ofFields(held, new Set(known), planner),
  ]),
  ['BinaryOp', binary],
  ['UnaryOp', unaryOf],
  ['Like', pattern],
  ['RLike', pattern],
  ['Case', caseOf],
  ['Function', (held, planner) => callOf(tree(held), planner)],
  ['MatchAgainst', matched],
  ['Exists', (held, planner) => subQuery(tree(held)['subquery'], 'test', [], planner)],
  ['Subquery', (held, planner) => subQuery(held, 'scalar', [], planner)],
  ['InSubquery', inQuery],
  ['AnyOp', against],
  ['AllOp', against],
])

export function expressionOf(value: unknown, planner: Planner): Expression {
  planner.count()
  const type = typeOf(value)
  const compile = type === undefined ? undefined : compilers.get(type)
  if (type === undefined || compile === undefined || !isTree(value)) throw new Unplannable()
  return compile(value[type], planner)
}

function tree(held: unknown): Tree {
  if (!isTree(held)) throw new Unplannable()
  return held
}

export function ofAll(
  of: readonly Expression[],
  how: 'transformed' | 'aggregate' = 'transformed',
): Expression {
  const parts = of.filter(each => each.kind !== 'constant')
  return parts.length === 0 ? CONSTANT : { kind: 'made', how, of: parts }
}

/** `(a)` is `a`. */
function test(type: string, held: unknown, planner: Planner): Expression {
  const of = planner.expression(held)
  return type === 'Nested' ? of : ofAll([of])
}

function identifier(held: unknown, planner: Planner): Expression {
  const word = wordOf(held)
  if (word === undefined) throw new Unplannable()
  const { text, quoted } = word
  if (!quoted) {
    if (text.startsWith('@@')) return countsWarnings(text) ? CARRIED : CONSTANT
    if (text.startsWith('@')) return CARRIED
    if (isValueWord(text) || /^0[bx][\da-f]+$/i.test(text)) return CONSTANT
  }
  return column([columnName(planner.plain(word))])
}

/** How many rows of the statement before made one. */
function countsWarnings(variable: string): boolean {
  return /(^|[@.])(warning|error)_count$/i.test(variable)
}

function compound(held: unknown, planner: Planner): Expression {
  const parts = wordsOf(held) ?? []
  const [first] = parts
  if (first !== undefined && !first.quoted && first.text.startsWith('@')) {
    if (first.text.startsWith('@@'))
      return parts.some(({ text }) => countsWarnings(text)) ? CARRIED : CONSTANT
    throw new Unplannable()
  }
  const path = planner.path(held)
  if (path.length > 3) throw new Unplannable()
  const name = columnName(path.at(-1) ?? '')
  if (path.length === 2 && path[0] === planner.inserted) return column([PROPOSED, name])
  return column([...path.slice(0, -1), name])
}

function column(path: readonly string[]): Expression {
  // Another name of the key, which no catalog lists.
  if (path.at(-1) === '_rowid') return { kind: 'unknown' }
  return { kind: 'column', path }
}

function literal(held: unknown): Expression {
  const placed = textOf(heldIn(tree(held)['value'], 'Placeholder'))
  if (placed === undefined) return CONSTANT
  if (placed.startsWith('@')) return CARRIED
  if (placed !== '?') throw new Unplannable()
  return CONSTANT
}

function ofFields(held: unknown, known: ReadonlySet<string>, planner: Planner): Expression {
  const fields = tree(held)
  if (!onlyHas(fields, known)) throw new Unplannable()
  const of: Expression[] = []
  for (const field in fields) {
    if (words.has(field) || isEmpty(fields[field])) continue
    const value = fields[field]
    if (Array.isArray(value)) of.push(...planner.expressions(value))
    else of.push(planner.expression(value))
  }
  const all = ofAll(of)
  // MySQL refuses a text that is no JSON.
  return fields['data_type'] === 'JSON' ? asked(all, planner) : all
}

function binary(held: unknown, planner: Planner): Expression {
  const { left, op, right } = tree(held)
  const operator = textOf(op) ?? ''
  if (operator === 'Assignment') return assignment(left, right, planner)
  if (operator === 'And' || operator === 'Or' || operator === 'StringConcat') {
    return ofAll(inTurn([left, right].map(toStep), planner))
  }
  if (!total.has(operator) && !failing.has(operator)) throw new Unplannable()
  const all = ofAll([planner.expression(left), planner.expression(right)])
  return total.has(operator) ? all : asked(all, planner)
}

function toStep(value: unknown): Step {
  return { value, gate: true }
}

/** `@v := a`. */
function assignment(left: unknown, right: unknown, planner: Planner): Expression {
  const name = wordOf(heldIn(left, 'Identifier'))?.text ?? variableIn(left)
  if (name?.startsWith('@') !== true) throw new Unplannable()
  const of = planner.expression(right)
  // (Whether it was kept is told later.)
  planner.failures += 1
  return { kind: 'kept', by: '@', of }
}

function variableIn(value: unknown): string | undefined {
  return textOf(heldIn(fieldsOf(value, 'Value')?.['value'], 'Placeholder'))
}

function unaryOf(held: unknown, planner: Planner): Expression {
  const { op, expr } = tree(held)
  if (!unary.has(textOf(op) ?? '')) throw new Unplannable()
  const of = ofAll([planner.expression(expr)])
  return op === 'Minus' && !isSaid(expr) ? asked(of, planner) : of
}

const likeFields: ReadonlySet<string> = new Set([
  ...['negated', 'any', 'expr', 'pattern', 'escape_char', 'regexp'],
])

/** LIKE and REGEXP. A pattern out of a table may be no pattern. */
function pattern(held: unknown, planner: Planner): Expression {
  const fields = tree(held)
  if (!onlyHas(fields, likeFields) || fields['any'] === true) throw new Unplannable()
  const of = ofAll([planner.expression(fields['expr']), planner.expression(fields['pattern'])])
  return isSaid(fields['pattern']) ? of : asked(of, planner)
}

function caseOf(held: unknown, planner: Planner): Expression {
  const { operand, conditions, else_result: otherwise } = tree(held)
  const steps: Step[] = isEmpty(operand) ? [] : [{ value: operand, gate: true }]
  for (const each of listOf(conditions)) {
    const { condition, result } = tree(each)
    steps.push({ value: condition, gate: true }, { value: result, gate: false })
  }
  if (!isEmpty(otherwise)) steps.push({ value: otherwise, gate: false })
  return ofAll(inTurn(steps, planner))
}

/** MATCH (a, b) AGAINST ('x'). */
function matched(held: unknown, planner: Planner): Expression {
  const { columns, match_value: said } = tree(held)
  if (!isTree(said)) throw new Unplannable()
  return ofAll(listOf(columns).map(each => pathOf(each, planner)))
}

function pathOf(value: unknown, planner: Planner): Expression {
  const path = planner.path(value)
  return column([...path.slice(0, -1), columnName(path.at(-1) ?? '')])
}

function subQuery(
  value: unknown,
  as: SubQuery['as'],
  beside: readonly Expression[],
  planner: Planner,
): SubQuery {
  // More than one row is an error, and any takes time.
  planner.failures += 1
  return { kind: 'query', query: planner.query(value), as, beside, at: 0 }
}

function inQuery(held: unknown, planner: Planner): Expression {
  const { expr, subquery } = tree(held)
  return subQuery(subquery, 'test', besideOf(expr, planner), planner)
}

/** A row is held against columns one by one. */
function besideOf(value: unknown, planner: Planner): readonly Expression[] {
  const row = heldIn(value, 'Tuple')
  return Array.isArray(row) ? planner.expressions(row) : [planner.expression(value)]
}

/** `a = ANY (SELECT ...)`. */
function against(held: unknown, planner: Planner): Expression {
  const { left, right } = tree(held)
  const query = heldIn(right, 'Subquery')
  if (query === undefined) throw new Unplannable()
  return subQuery(query, 'test', besideOf(left, planner), planner)
}
