// Which expressions may fail, or take their time, by the values that they get: whether an answer comes at all then tells
// of them (`1 / (CASE WHEN ssn LIKE '1%' ...)`, `ssn::int`). A list of what cannot; all else may. From PostgreSQL 15 and 18.
import type { Expression } from '../lineage/index.ts'
import { isBuiltInName, type Planner } from './lineage-planner.ts'
import { constantOf, fieldsOf, isTree, listOf, namesOf, type Tree, textOf, typeOf } from './tree.ts'

function names(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

/** One value for each that they get, of whatever form. */
const total: ReadonlySet<string> = names(`
  abbrev any_value array_length array_lower array_ndims array_to_json array_to_string array_upper ascii bit_length bool_and
  bool_or broadcast btrim cardinality char_length character_length concat concat_ws count cume_dist dense_rank every
  family first_value host initcap isfinite json_agg json_build_array json_typeof jsonb_strip_nulls jsonb_typeof lag
  last_value lead length lower ltrim masklen max md5 min mode netmask network octet_length percent_rank pg_typeof quote_ident
  quote_literal quote_nullable rank reverse row_number row_to_json rtrim sha224 sha256 sha384 sha512 sign starts_with
  string_agg strpos to_json upper`)

/** Without an argument: of others the next call tells whether one was reached (`random`, `pg_current_xact_id`). */
const still: ReadonlySet<string> = names(`
  clock_timestamp current_catalog current_database current_date current_query current_role current_schema current_time
  current_timestamp current_user getdatabaseencoding getpgusername inet_client_addr inet_server_addr localtime
  localtimestamp now pg_backend_pid pg_client_encoding pg_conf_load_time pg_is_in_recovery pg_my_temp_schema
  pg_postmaster_start_time pg_trigger_depth pi session_user statement_timestamp system_user timeofday
  transaction_timestamp user version`)

/** The same where all but the first argument are literals. */
const totalByLiterals: ReadonlySet<string> = names(`
  left position replace right string_to_array translate trim`)

/** The same where the first argument is a literal: a number of buckets, a fraction. */
const totalByFirst: ReadonlySet<string> = names('ntile percentile_cont percentile_disc')

/**
 * These fail for some values, or always by a literal that does not hold (a pattern, a length, a unit) and then for what is not
 * NULL. Of a column's own values that tells no more than whether there are any; of what was chosen by a value it tells of that.
 */
const ofWholes: ReadonlySet<string> = names(`
  age array_agg array_position array_positions avg bit_and bit_or bit_xor ceil ceiling floor json_strip_nulls jsonb_agg
  jsonb_build_array justify_days justify_hours round sum to_jsonb trunc`)
/** The same where all but the first argument are literals. */
const ofWholesByLiterals: ReadonlySet<string> = names(`
  encode like_escape lpad overlay regexp_count regexp_instr regexp_like regexp_match regexp_replace regexp_substr rpad
  similar_to_escape split_part substr substring to_char`)
/** The same where the first argument is a literal. */
const ofWholesByFirst: ReadonlySet<string> = names('date_part date_trunc extract')
/** NULL where their first argument is, and only there. */
const keepsNull: ReadonlySet<string> = names(
  'btrim initcap left lower ltrim md5 replace reverse right rtrim translate upper',
)
/** They answer with a text: of texts `||` never fails, of arrays it may. */
const texts: ReadonlySet<string> = names(`
  btrim concat concat_ws encode format initcap left lower lpad ltrim md5 overlay quote_ident quote_literal regexp_replace
  replace reverse right rpad rtrim split_part string_agg substr substring to_char to_hex translate upper`)

const totalOperators: ReadonlySet<string> = new Set([
  ...['=', '<>', '!=', '<', '>', '<=', '>=', '@>', '<@', '&&', '?', '^@'],
])
/** A pattern that ends with a backslash fails where a value gets that far. */
const likes: ReadonlySet<string> = new Set(['~~', '~~*', '!~~', '!~~*'])
const patterns: ReadonlySet<string> = new Set(['~', '~*', '!~', '!~*'])
const fields: ReadonlySet<string> = new Set(['->', '->>', '#>', '#>>'])
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
  const failing = failuresOf(type, fields)
  if (failing === 'none') return made
  planner.failures += 1
  if (failing === 'any') {
    // What goes to code that we know nothing of goes there as a transfer.
    const gone = made.kind === 'call' && made.trust !== 'safe'
    return gone || made.kind === 'constant' || made.kind === 'unknown'
      ? made
      : { kind: 'asked', of: made }
  }
  const of = failing.map(each => ({ kind: 'partly', of: planner.expression(each) }) as const)
  return of.length === 0 ? made : { kind: 'beside', value: made, of }
}

/** `any`: by any value; else it may by these, where one is not a column's own value. */
type Failures = 'none' | 'any' | readonly unknown[]

function failuresOf(type: string, node: Tree): Failures {
  switch (type) {
    case 'A_Expr':
      return ofOperator(node)
    case 'TypeCast':
      return castMayFail(node) ? 'any' : 'none'
    case 'FuncCall':
      return ofCall(node)
    case 'A_ArrayExpr': {
      // Arrays in it are of one length, or it fails.
      const elements = listOf(node['elements'])
      return elements.length < 2 ? 'none' : wholes(elements.filter(each => !isText(each)))
    }
    case 'A_Indirection':
      // A subscript becomes a smaller number.
      return wholes(
        listOf(node['indirection']).flatMap(part => {
          const bounds = fieldsOf(part, 'A_Indices')
          return bounds === undefined ? [] : [bounds['lidx'], bounds['uidx']]
        }),
      )
    default:
      return failing.has(type) ? 'any' : 'none'
  }
}

function wholes(of: readonly unknown[]): Failures {
  const some = of.filter(each => !isLiteral(each))
  return some.length === 0 ? 'none' : some
}

function ofOperator({ kind, name, lexpr, rexpr }: Tree): Failures {
  const parts = namesOf(name)
  const last = parts.at(-1) ?? ''
  if (!isBuiltInName(parts)) return 'any'
  if (isLiteral(lexpr) && isLiteral(rexpr)) return 'none'
  if (totalKinds.has(textOf(kind) ?? '') || totalOperators.has(last)) return 'none'
  // (A text with a backslash shares its plan with none of other literals.)
  if (likes.has(last)) return endsWell(rexpr) ? 'none' : 'any'
  if (patterns.has(last)) return isPattern(rexpr) ? wholes(nullsOf(lexpr)) : 'any'
  if (fields.has(last)) return isOperator(lexpr, fields) ? 'none' : wholes([lexpr])
  if (last !== '||') return 'any'
  const sides = [lexpr, rexpr]
  if (sides.some(isText)) return 'none'
  return wholes(sides.flatMap(side => (isOperator(side, joins) ? [] : valuesOf(side))))
}

const joins: ReadonlySet<string> = new Set(['||'])

function isOperator(value: unknown, of: ReadonlySet<string>): boolean {
  const node = fieldsOf(value, 'A_Expr')
  const parts = namesOf(node?.['name'])
  return node !== undefined && isBuiltInName(parts) && of.has(parts.at(-1) ?? '')
}

/** Surely a text, and no array or row. */
function isText(value: unknown): boolean {
  const call = fieldsOf(value, 'FuncCall')
  if (call !== undefined) {
    const parts = namesOf(call['funcname'])
    return isBuiltInName(parts) && texts.has(parts.at(-1) ?? '')
  }
  const cast = fieldsOf(value, 'TypeCast')
  if (cast !== undefined) return !isLiteral(value) && !castMayFail(cast)
  return isOperator(value, joins) && sidesOf(value).some(isText)
}

function sidesOf(value: unknown): readonly unknown[] {
  const node = fieldsOf(value, 'A_Expr')
  return [node?.['lexpr'], node?.['rexpr']]
}

/** What it may be. */
function valuesOf(value: unknown): readonly unknown[] {
  const either = fieldsOf(value, 'CoalesceExpr')
  return either === undefined ? [value] : listOf(either['args']).flatMap(valuesOf)
}

/** What decides whether it is NULL. */
function nullsOf(value: unknown): readonly unknown[] {
  const call = fieldsOf(value, 'FuncCall')
  const parts = namesOf(call?.['funcname'])
  if (call !== undefined && isBuiltInName(parts) && keepsNull.has(parts.at(-1) ?? ''))
    return listOf(call['args']).flatMap(nullsOf)
  const cast = fieldsOf(value, 'TypeCast')
  if (cast !== undefined && !castMayFail(cast)) return nullsOf(cast['arg'])
  if (isOperator(value, joins)) return sidesOf(value).flatMap(nullsOf)
  return valuesOf(value)
}

function castMayFail({ arg, typeName }: Tree): boolean {
  if (isLiteral(arg)) return false
  if (!isTree(typeName) || listOf(typeName['arrayBounds']).length > 0) return true
  const parts = namesOf(typeName['names'])
  return !isBuiltInName(parts) || !textTypes.has(parts.at(-1) ?? '')
}

function ofCall({ funcname, args }: Tree): Failures {
  const parts = namesOf(funcname)
  const name = parts.at(-1) ?? ''
  if (!isBuiltInName(parts)) return 'any'
  const given = listOf(args)
  const [first, ...others] = given
  if (first === undefined) return still.has(name) || total.has(name) ? 'none' : 'any'
  // With an encoding it reads bytes.
  if (total.has(name)) return name === 'length' && others.length > 0 ? 'any' : 'none'
  // Keys may not be NULL.
  if (name === 'json_build_object' || name === 'jsonb_build_object')
    return given.some((each, index) => index % 2 === 0 && !isLiteral(each)) ? 'any' : 'none'
  if (totalByFirst.has(name)) return isLiteral(first) ? 'none' : 'any'
  if (totalByLiterals.has(name)) return others.every(isLiteral) ? 'none' : 'any'
  if (ofWholes.has(name)) return wholes(given)
  if (ofWholesByFirst.has(name)) return isLiteral(first) ? wholes(others.flatMap(nullsOf)) : 'any'
  // (Not `format`: what stands for NULL in it, or a width, hangs on a text that is not kept.)
  if (!ofWholesByLiterals.has(name)) return 'any'
  return others.every(isLiteral) ? wholes(nullsOf(first)) : 'any'
}

/** A literal, or one that SIMILAR TO turns into another pattern. */
function isPattern(value: unknown): boolean {
  const call = fieldsOf(value, 'FuncCall')
  if (call === undefined) return isLiteral(value)
  return (
    namesOf(call['funcname']).at(-1) === 'similar_to_escape' &&
    listOf(call['args']).every(isLiteral)
  )
}

/** A pattern of LIKE that says what its last sign is. */
function endsWell(value: unknown): boolean {
  const text = constantOf(value)
  return typeof text === 'string' && (/\\*$/.exec(text)?.[0].length ?? 0) % 2 === 0
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
    // (Rows of different width cannot be compared.)
    if (planner.failures > failures || typeOf(value) === 'RowExpr') {
      planner.failures += 1
      decisive = gates.length
    }
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
