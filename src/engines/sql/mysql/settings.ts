// SET. Settings are an allow-list: others are `administer`. Those that decide where a word ends are pinned: sql_mode keeps
// its reading modes off, what the client sends stays UTF-8. Where such a value is not known before it runs, the server is
// made to look: what is sent refuses, by its own error, a value under which texts would read in another way.
import { type Draft, Refusal } from '../draft.ts'
import { fixedPlan } from '../lineage/index.ts'
import { type Cursor, isMark, isWord, unread } from './cursor.ts'
import { MARK, NAME, STRING, SYSTEM, type Token, VARIABLE, WORD } from './lexer.ts'
import { isLiteral, type Reader, walkExpressions } from './parsed.ts'
import { keepsReading } from './reading.ts'

const harmless: ReadonlySet<string> = new Set(
  `
  auto_increment_increment auto_increment_offset autocommit block_encryption_mode character_set_client
  character_set_connection character_set_results collation_connection default_week_format div_precision_increment
  error_count explicit_defaults_for_timestamp foreign_key_checks group_concat_max_len identity idle_transaction_timeout
  idle_readonly_transaction_timeout idle_write_transaction_timeout information_schema_stats_expiry innodb_lock_wait_timeout insert_id interactive_timeout join_buffer_size
  last_insert_id lc_messages lc_time_names lock_wait_timeout low_priority_updates max_error_count max_execution_time
  max_join_size max_length_for_sort_data max_recursive_iterations max_sort_length max_statement_time net_read_timeout
  net_write_timeout names optimizer_switch profiling rand_seed1 rand_seed2 session_track_schema session_track_state_change
  session_track_system_variables session_track_transaction_info sort_buffer_size sql_auto_is_null sql_big_selects
  sql_buffer_result sql_mode sql_notes sql_quote_show_create sql_safe_updates sql_select_limit sql_warnings time_zone
  timestamp tmp_table_size transaction_isolation transaction_read_only tx_isolation tx_read_only unique_checks wait_timeout
`.match(/\w+/g),
)

/** What the client's bytes are read as. */
const clientCharsets: ReadonlySet<string> = new Set([
  'character_set_client',
  'character_set_connection',
])
/** What LOAD DATA takes a file's bytes for; mysqlimport sets it. In these a mask of ours shows as it does in UTF-8, or is none. */
export const fileCharsets: ReadonlySet<string> = new Set([
  ...['utf8mb4', 'utf8mb3', 'utf8', 'ascii', 'latin1', 'binary'],
])
const utf8: ReadonlySet<string> = new Set(['utf8mb4', 'utf8mb3', 'utf8'])
/** For answers also as they are. */
const resultCharsets: ReadonlySet<string> = new Set([...utf8, 'binary', 'null'])

/** A change of the text that is sent, by its places. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly by: string
}

export function setStatement(
  cursor: Cursor,
  draft: Draft,
  reader: Reader,
  text: string,
  edits: Edit[],
): void {
  draft.verb = 'SET'
  draft.literalsMatter = true
  draft.planned = fixedPlan(0)
  if (cursor.word === 'statement') {
    throw new Refusal('statement_unsupported', 'SET STATEMENT is not supported: use SET')
  }
  if (special(cursor, draft)) return
  const values: Token[] = []
  for (;;) {
    for (const each of assignment(cursor, draft, reader, text, edits)) values.push(each)
    if (!cursor.takeMark(',')) break
  }
  cursor.end()
  if (values.length > 0) walkExpressions(values.slice(0, -1), 'SET', draft, reader, { into: 'SET' })
  else draft.planned = fixedPlan(0)
}

/** What SET says besides variables. */
function special(cursor: Cursor, draft: Draft): boolean {
  const rest = cursor.rest()
  if (/^(global |session |local )?transaction /.test(rest)) {
    const global = rest.startsWith('global')
    const level = 'isolation level (read (un)?committed|repeatable read|serializable)'
    const one = `(${level}|read (only|write))`
    if (!new RegExp(`^(\\w+ )?transaction ${one}( , ${one})*$`).test(rest)) throw unread()
    draft.add(global ? 'administer' : 'connect', 'SET', undefined, [], global ? 'settings' : 'tx')
    return true
  }
  if (/^(password|default role|resource group)\b/.test(rest)) {
    draft.add('administer', 'SET', undefined, [], 'privilege')
    return true
  }
  if (/^role\b/.test(rest)) {
    draft.add('administer', 'SET', undefined, [], 'session_identity')
    return true
  }
  return false
}

const scopes: ReadonlySet<string> = new Set([
  'global',
  'session',
  'local',
  'persist',
  'persist_only',
])

function assignment(
  cursor: Cursor,
  draft: Draft,
  reader: Reader,
  text: string,
  edits: Edit[],
): readonly Token[] {
  if (cursor.take('names') || cursor.take('character set') || cursor.take('charset')) {
    names(cursor, draft)
    return []
  }
  const first = cursor.token
  let scope = ''
  let name: string
  if (first?.kind === VARIABLE) {
    cursor.at++
    equals(cursor)
    draft.add('connect', 'SET', undefined, [], 'settings')
    return listed(value(cursor))
  }
  if (first?.kind === SYSTEM) {
    cursor.at++
    name = first.text
    if (cursor.takeMark('.')) {
      scope = name
      name = cursor.name().toLowerCase()
    }
  } else {
    if (scopes.has(cursor.word) && !isMark(cursor.tokens[cursor.at + 1], '=')) {
      scope = cursor.word
      cursor.at++
    }
    name = cursor.name().toLowerCase()
    // `SET global.x` is another thing (a key cache, a variable of a trigger).
    if (isMark(cursor.token, '.')) {
      if (!scopes.has(name)) throw unread()
      cursor.at++
      scope = name
      name = cursor.name().toLowerCase()
    }
  }
  equals(cursor)
  return variable(scope, name, value(cursor), draft, reader, text, edits)
}

const COMMA: Token = { kind: MARK, start: 0, end: 0, text: ',', written: ',', apart: false }

/** One of a list of expressions. */
function listed(tokens: readonly Token[]): readonly Token[] {
  return [...tokens, COMMA]
}

function equals(cursor: Cursor): void {
  if (!cursor.takeMark('=') && !cursor.takeMark(':=')) throw unread()
}

/** The words up to the next comma. */
function value(cursor: Cursor): readonly Token[] {
  const start = cursor.at
  let depth = 0
  for (; !cursor.done; cursor.at++) {
    const token = cursor.token as Token
    if (token.kind !== MARK) continue
    if (token.text === '(') depth++
    else if (token.text === ')') depth--
    else if (token.text === ',' && depth === 0) break
  }
  if (cursor.at === start) throw unread()
  return cursor.tokens.slice(start, cursor.at)
}

/** SET NAMES and SET CHARACTER SET. */
function names(cursor: Cursor, draft: Draft): void {
  const charset = cursor.string() ?? cursor.name()
  if (!utf8.has(charset.toLowerCase())) {
    throw new Refusal('setting_refused', 'the character set stays utf8mb4')
  }
  if (cursor.take('collate') && cursor.string() === undefined) cursor.name()
  draft.settings.push({ name: 'names', value: charset.toLowerCase(), local: false })
  draft.add('connect', 'SET', undefined, [], 'settings')
}

function variable(
  scope: string,
  name: string,
  tokens: readonly Token[],
  draft: Draft,
  reader: Reader,
  text: string,
  edits: Edit[],
): readonly Token[] {
  let computed: readonly Token[] = []
  const own = scope === '' || scope === 'session' || scope === 'local'
  const literal = isLiteral(tokens) && !isComputed(tokens[0]) ? literalOf(tokens) : undefined
  if (name === 'sql_mode') {
    if (literal === undefined || literal.toLowerCase() === 'default') {
      guard(tokens, edits, text, reader, sqlModeGuard)
    } else if (!keepsReading(literal)) {
      throw new Refusal(
        'setting_refused',
        `sql_mode stays without modes that change how texts are read`,
      )
    }
  } else if (clientCharsets.has(name)) charset(tokens, literal, utf8, edits, text, reader)
  else if (name === 'character_set_results')
    charset(tokens, literal, resultCharsets, edits, text, reader)
  else if (
    name === 'collation_connection' &&
    literal !== undefined &&
    !/^(utf8|default$)/i.test(literal)
  ) {
    throw new Refusal('setting_refused', 'the character set stays utf8mb4')
  } else if (name === 'collation_connection' && literal === undefined && !isSaved(tokens)) {
    throw new Refusal('setting_refused', 'the value of collation_connection must be a literal')
  } else if (literal === undefined) {
    // (A word alone, `ON`, is a literal here.)
    computed = listed(tokens)
  }
  draft.settings.push({ name: own ? name : `${scope}.${name}`, value: literal, local: false })
  const category = name === 'role' ? 'session_identity' : 'settings'
  const ofFile =
    reader.localFiles &&
    name === 'character_set_database' &&
    fileCharsets.has(literal?.toLowerCase() ?? '')
  const open = own && (harmless.has(name) || ofFile)
  draft.add(open ? 'connect' : 'administer', 'SET', undefined, [], category)
  return computed
}

/** CURRENT_ROLE and its like: a function without brackets. */
function isComputed(token: Token | undefined): boolean {
  return token?.kind === WORD && token.text.startsWith('current_')
}

function literalOf(tokens: readonly Token[]): string {
  return tokens.map(each => (each.kind === WORD ? each.written : each.text)).join('')
}

/** `@saved`, `@@x`: as dumps put back what they have changed. */
function isSaved(tokens: readonly Token[]): boolean {
  return tokens.every(
    ({ kind, text }, index) =>
      kind === VARIABLE ||
      kind === SYSTEM ||
      (index > 0 && (text === '.' || kind === WORD || kind === NAME)),
  )
}

function charset(
  tokens: readonly Token[],
  literal: string | undefined,
  allowed: ReadonlySet<string>,
  edits: Edit[],
  text: string,
  reader: Reader,
): void {
  if (literal !== undefined) {
    if (allowed.has(literal.toLowerCase())) return
    throw new Refusal('setting_refused', 'the character set stays utf8mb4')
  }
  if (!isSaved(tokens)) {
    throw new Refusal('setting_refused', 'the value of a character set must be a literal')
  }
  const list = [...allowed].filter(each => each !== 'null').map(each => `'${each}'`)
  guard(tokens, edits, text, reader, given => {
    const or = allowed.has('null') ? ` OR ${given} IS NULL` : ''
    return `IF(LOWER(${given}) IN (${list.join(', ')})${or}, ${given}, '${REFUSED}')`
  })
}

/** What the server's own error then names. */
const REFUSED = 'refused_by_the_gateway'

function sqlModeGuard(given: string): string {
  const modes =
    'ANSI|BACKSLASH|PIPES|IGNORE_SPACE|NOT_PREC|EMPTY_STRING|DB2|MAXDB|MSSQL|MYSQL|ORACLE|POSTGRES|[^A-Z_0-9,]|(^|,)[0-9]'
  return `IF(UPPER(CONVERT(${given} USING utf8mb4)) RLIKE '${modes}', '${REFUSED}', CONCAT(${given}, ''))`
}

const plainFunctions: ReadonlySet<string> = new Set([
  'concat',
  'concat_ws',
  'replace',
  'upper',
  'lower',
  'trim',
])

/**
 * Puts a condition around the value. It is said twice, so it must be the same both times: literals, variables and functions
 * that join them.
 */
function guard(
  tokens: readonly Token[],
  edits: Edit[],
  text: string,
  _reader: Reader,
  around: (given: string) => string,
): void {
  const [first] = tokens
  const last = tokens.at(-1)
  if (first === undefined || last === undefined) throw unread()
  if (tokens.length === 1 && isWord(first, 'default')) {
    edits.push({ start: first.start, end: last.end, by: around('@@global.sql_mode') })
    return
  }
  for (const [index, token] of tokens.entries()) {
    const { kind } = token
    if (kind === VARIABLE || kind === STRING) continue
    if (kind === SYSTEM || isPart(tokens, index)) continue
    if (kind === MARK && '(),'.includes(token.text)) continue
    if (kind === WORD && plainFunctions.has(token.text) && isMark(tokens[index + 1], '(')) continue
    throw new Refusal('setting_refused', 'the value of sql_mode must be a literal')
  }
  const given = text.slice(first.start, last.end)
  edits.push({ start: first.start, end: last.end, by: around(given) })
}

/** `.sql_mode` behind `@@session`. */
function isPart(tokens: readonly Token[], index: number): boolean {
  if (isMark(tokens[index], '.')) return tokens[index - 1]?.kind === SYSTEM
  return isMark(tokens[index - 1], '.') && tokens[index - 2]?.kind === SYSTEM
}
