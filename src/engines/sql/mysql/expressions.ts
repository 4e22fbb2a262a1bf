// Expressions: columns, calls, sub-queries, and what holds them.
import { call } from './calls.ts'
import { folded, wordsIn } from './names.ts'
import { query } from './queries.ts'
import { isTree, wordOf } from './syntax-tree.ts'
import { systemVariable } from './variables.ts'
import { eachOf, type Fields, opened, unknown, type Walk } from './walk.ts'

type Handler = (held: unknown, walk: Walk) => void

export function expression(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'an expression')
  const handler = Object.hasOwn(handlers, type) ? handlers[type] : undefined
  if (handler === undefined) throw unknown(type)
  handler(held, walk)
}

export function expressions(values: unknown, walk: Walk): void {
  eachOf(values, each => expression(each, walk))
}

/** A column by its own name. */
export function column(name: string, walk: Walk): void {
  const key = folded(name)
  walk.draft.columnNames.push(key)
  walk.scope?.column(key)
}

const identifier: Handler = (held, walk) => {
  const word = wordOf(held)
  if (word === undefined) throw unknown('a name')
  if (!word.quoted) {
    if (word.text.startsWith('@@')) {
      systemVariable(word.text, walk.draft)
      return
    }
    if (word.text.startsWith('@') || isValueWord(word.text)) return
  }
  column(word.text, walk)
}

/** `t.a`, `db.t.a` */
const compound: Handler = (held, walk) => {
  const words = wordsIn(held)
  const name = words.at(-1)
  const alias = words.at(-2)
  if (name === undefined || alias === undefined || words.length > 3) throw unknown('a name')
  const key = folded(name.text)
  walk.draft.columnNames.push(key)
  walk.scope?.qualifiedColumn(folded(alias.text), key)
}

/** DEFAULT and the functions that need no bracket. */
const valueWords =
  /^(default|current_user|current_role|current_date|current_time|current_timestamp|localtime|localtimestamp|utc_date|utc_time|utc_timestamp)$/i

function isValueWord(word: string): boolean {
  return valueWords.test(word)
}

/** `DATE 'x'`. Behind other words a string is an alias: `text 'x'` is a column. */
function typedString(value: unknown): void {
  const [type] = opened(isTree(value) ? value['data_type'] : undefined, 'a literal')
  if (type !== 'Date' && type !== 'Time' && type !== 'Timestamp') throw unknown('TypedString')
}

const held: Handler = (value, walk) => expression(value, walk)
const all: Handler = (values, walk) => expressions(values, walk)
const nothing: Handler = () => {}

function node(type: string, fields: Fields): Handler {
  return (value, walk) => walk.fields(value, type, fields)
}

/** `WHEN a THEN b` */
const when = node('CaseWhen', { condition: held, result: held })

const handlers: Readonly<Record<string, Handler>> = {
  Identifier: identifier,
  CompoundIdentifier: compound,
  Value: nothing,
  TypedString: typedString,
  Nested: held,
  IsNull: held,
  IsNotNull: held,
  IsTrue: held,
  IsNotTrue: held,
  IsFalse: held,
  IsNotFalse: held,
  IsUnknown: held,
  IsNotUnknown: held,
  Tuple: all,
  Subquery: query,
  Function: call,
  BinaryOp: node('BinaryOp', { left: held, right: held, op: binaryOperator }),
  UnaryOp: node('UnaryOp', { expr: held, op: true }),
  InList: node('InList', { expr: held, list: all, negated: true }),
  InSubquery: node('InSubquery', { expr: held, subquery: query, negated: true }),
  Exists: node('Exists', { subquery: query, negated: true }),
  Between: node('Between', { expr: held, low: held, high: held, negated: true }),
  Like: node('Like', { expr: held, pattern: held, escape_char: true, negated: true }),
  RLike: node('RLike', { expr: held, pattern: held, negated: true, regexp: true }),
  AnyOp: node('AnyOp', { left: held, right: held, compare_op: true, is_some: true }),
  AllOp: node('AllOp', { left: held, right: held, compare_op: true }),
  Cast: node('Cast', { expr: held, kind: true, data_type: true }),
  Convert: node('Convert', { expr: held, data_type: true, charset: true }),
  Collate: node('Collate', { expr: held, collation: true }),
  Extract: node('Extract', { expr: held, field: true, syntax: true }),
  Ceil: node('Ceil', { expr: held, field: true }),
  Floor: node('Floor', { expr: held, field: true }),
  Position: node('Position', { expr: held, in: held }),
  Substring: node('Substring', {
    expr: held,
    substring_from: held,
    substring_for: held,
    special: true,
    shorthand: true,
  }),
  Trim: node('Trim', { expr: held, trim_what: held, trim_where: true, trim_characters: all }),
  Interval: node('Interval', {
    value: held,
    leading_field: true,
    leading_precision: true,
    last_field: true,
    fractional_seconds_precision: true,
  }),
  MemberOf: node('MemberOf', { value: held, array: held }),
  Case: node('Case', {
    operand: held,
    conditions: (value, walk) => eachOf(value, each => when(each, walk)),
    else_result: held,
    case_token: true,
    end_token: true,
  }),
  MatchAgainst: node('MatchAgainst', {
    columns: (value, walk) =>
      eachOf(value, each => {
        const words = wordsIn(each)
        if (words.length === 1) column(words[0]?.text ?? '', walk)
        else compound(each, walk)
      }),
    match_value: true,
    opt_search_modifier: true,
  }),
}

const operators: ReadonlySet<string> = new Set([
  'And',
  'Arrow',
  'Assignment',
  'BitwiseAnd',
  'BitwiseOr',
  'BitwiseXor',
  'Divide',
  'Eq',
  'Gt',
  'GtEq',
  'LongArrow',
  'Lt',
  'LtEq',
  'Minus',
  'Modulo',
  'Multiply',
  'MyIntegerDivide',
  'NotEq',
  'Or',
  'PGBitwiseShiftLeft',
  'PGBitwiseShiftRight',
  'Plus',
  'Spaceship',
  'Xor',
])

function binaryOperator(value: unknown): void {
  if (typeof value !== 'string' || !operators.has(value)) {
    throw unknown(typeof value === 'string' ? value : 'an operator')
  }
}
