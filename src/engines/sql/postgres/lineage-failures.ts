// Which expressions may fail, or take their time, by the values that they get: whether an answer comes at all then tells
// of them (`1 / (CASE WHEN ssn LIKE '1%' ...)`, `ssn::int`). A list of what cannot; all else may. From PostgreSQL 15 and 18.
import type { Expression } from '../lineage/index.ts'
import { isBuiltInName, type Planner } from './lineage-planner.ts'
import { fieldsOf, isTree, listOf, namesOf, type Tree, textOf, typeOf } from './tree.ts'

function names(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

/** One value for each that they get, of whatever form. */
const total: ReadonlySet<string> = names(`
  abbrev age any_value array_agg array_length array_lower array_ndims array_position array_positions array_to_json
  array_to_string array_upper ascii avg bit_and bit_length bit_or bit_xor bool_and bool_or broadcast btrim cardinality ceil
  ceiling char_length character_length concat concat_ws count cume_dist current_setting dense_rank every
  family first_value floor host initcap isfinite json_agg json_build_array json_strip_nulls
  json_typeof jsonb_agg jsonb_build_array jsonb_strip_nulls jsonb_typeof justify_days justify_hours lag last_value lead
  length lower ltrim masklen max md5 min mode netmask network octet_length percent_rank pg_typeof quote_ident quote_literal
  quote_nullable rank reverse round row_number row_to_json rtrim sha224 sha256 sha384 sha512 sign starts_with
  string_agg strpos sum to_json to_jsonb trunc upper`)

/** The same where all but the first argument are literals: a pattern, a format, a length. */
const totalByLiterals: ReadonlySet<string> = names(`
  encode left like_escape lpad notlike nullif overlay position regexp_count regexp_instr regexp_like regexp_match
  regexp_replace regexp_substr replace right rpad set_masklen similar_to_escape split_part string_to_array substr substring to_char
  translate trim`)

/** The same where the first argument is a literal: a unit, a number of buckets, a fraction. */
const totalByFirst: ReadonlySet<string> = names(`
  date_part date_trunc extract ntile percentile_cont percentile_disc`)

const totalOperators: ReadonlySet<string> = new Set([
  ...['=', '<>', '!=', '<', '>', '<=', '>=', '||', '->', '->>', '#>', '#>>', '@>', '<@', '&&', '?'],
])
/** The same where the right side is a literal: a pattern. */
const patternOperators: ReadonlySet<string> = new Set([
  ...['~', '~*', '!~', '!~*', '~~', '~~*', '!~~', '!~~*', '^@'],
])
const totalKinds: ReadonlySet<string> = new Set([
  'AEXPR_DISTINCT',
  'AEXPR_NOT_DISTINCT',
  'AEXPR_NULLIF',
  'AEXPR_IN',
  'AEXPR_BETWEEN',
  'AEXPR_NOT_BETWEEN',
  'AEXPR_BETWEEN_SYM',
  'AEXPR_NOT_BETWEEN_SYM',
])
const textTypes: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'name'])

/** Nodes that fail by their value, besides calls, operators and casts. */
const failing: ReadonlySet<string> = new Set([
  'XmlExpr',
  'XmlSerialize',
  'JsonFuncExpr',
  'JsonParseExpr',
  'JsonSerializeExpr',
  'JsonObjectConstructor',
  'JsonObjectAgg',
  'JsonValueExpr',
])

/** Says of what was compiled that whether it can be made tells of its values. */
export function withFailures(
  type: string,
  fields: Tree,
  made: Expression,
  planner: Planner,
): Expression {
  // More than one row is an error, and any takes time; what it asks inside stands by itself.
  if (type === 'SubLink') {
    planner.failures += 1
    return made
  }
  if (!mayFail(type, fields)) return made
  planner.failures += 1
  // What goes to code that we know nothing of goes there as a transfer.
  const gone = made.kind === 'call' && made.trust !== 'safe'
  return gone || made.kind === 'constant' || made.kind === 'unknown'
    ? made
    : { kind: 'asked', of: made }
}

function mayFail(type: string, fields: Tree): boolean {
  switch (type) {
    case 'A_Expr':
      return operatorMayFail(fields)
    case 'TypeCast':
      return castMayFail(fields)
    case 'FuncCall':
      return callMayFail(fields)
    default:
      return failing.has(type)
  }
}

function operatorMayFail({ kind, name, lexpr, rexpr }: Tree): boolean {
  const parts = namesOf(name)
  const last = parts.at(-1) ?? ''
  if (!isBuiltInName(parts)) return true
  if (isLiteral(lexpr) && isLiteral(rexpr)) return false
  if (totalKinds.has(textOf(kind) ?? '') || totalOperators.has(last)) return false
  return !patternOperators.has(last) || !isPattern(rexpr)
}

function castMayFail({ arg, typeName }: Tree): boolean {
  if (isLiteral(arg)) return false
  if (!isTree(typeName) || listOf(typeName['arrayBounds']).length > 0) return true
  const parts = namesOf(typeName['names'])
  return !isBuiltInName(parts) || !textTypes.has(parts.at(-1) ?? '')
}

function callMayFail({ funcname, args }: Tree): boolean {
  const parts = namesOf(funcname)
  const name = parts.at(-1) ?? ''
  if (!isBuiltInName(parts)) return true
  const given = listOf(args)
  if (given.length === 0 || total.has(name)) return false
  // Keys may not be NULL.
  if (name === 'json_build_object' || name === 'jsonb_build_object')
    return given.some((each, index) => index % 2 === 0 && !isLiteral(each))
  if (totalByFirst.has(name)) return !isLiteral(given[0])
  // (Not `format`: what stands for NULL in it, or a width, hangs on a text that is not kept.)
  return !totalByLiterals.has(name) || !given.slice(1).every(isPattern)
}

/** A literal, or one that SIMILAR TO or ESCAPE turns into another pattern. */
function isPattern(value: unknown): boolean {
  const call = fieldsOf(value, 'FuncCall')
  return isLiteral(value) || (call !== undefined && listOf(call['args']).every(isLiteral))
}

/** Known before a row is read: whether it fails tells nothing of one. */
function isLiteral(value: unknown): boolean {
  switch (typeOf(value)) {
    case undefined:
      return value === undefined
    case 'A_Const':
      return true
    case 'TypeCast':
      return isLiteral(fieldsOf(value, 'TypeCast')?.['arg'])
    case 'A_ArrayExpr':
      return listOf(fieldsOf(value, 'A_ArrayExpr')?.['elements']).every(isLiteral)
    case 'List':
      return listOf(fieldsOf(value, 'List')?.['items']).every(isLiteral)
    default:
      return false
  }
}

/** A part of what is evaluated one after the other; `gate`: whether what follows is evaluated hangs on its value. */
export interface Step {
  readonly value: unknown
  readonly gate: boolean
}

/** The parts, and what decides whether one that may fail is reached. */
export function inTurn(steps: readonly Step[], planner: Planner): readonly Expression[] {
  const parts: Expression[] = []
  const gates: Expression[] = []
  let decisive = 0
  for (const { value, gate } of steps) {
    const { failures } = planner
    const part = planner.expression(value)
    if (planner.failures > failures) decisive = gates.length
    parts.push(part)
    if (gate) gates.push(part)
  }
  if (decisive === 0) return parts
  const asked = { kind: 'made', how: 'transformed', of: gates.slice(0, decisive) } as const
  return [...parts, { kind: 'asked', of: asked }]
}

export function stepsOfCase(fields: Tree): readonly Step[] {
  const whens = listOf(fields['args']).flatMap(each => {
    const when = fieldsOf(each, 'CaseWhen')
    return [
      { value: when?.['expr'], gate: true },
      { value: when?.['result'], gate: false },
    ]
  })
  const tested = fields['arg'] === undefined ? [] : [{ value: fields['arg'], gate: true }]
  const otherwise =
    fields['defresult'] === undefined ? [] : [{ value: fields['defresult'], gate: false }]
  return [...tested, ...whens, ...otherwise]
}

/** COALESCE, AND, OR: each is looked at only when those before it leave it open. */
export function stepsOfList(fields: Tree): readonly Step[] {
  return listOf(fields['args']).map(value => ({ value, gate: true }))
}
