// What the definition of a table or a view says behind its name: the query that fills it, what it looks at, options that
// lead to the server's files or elsewhere, and what ALTER does besides. No expression in it reads a table or calls a stored
// function: the server does not let it.
import type { Flag } from '#model'
import type { RelationName } from '../analysis.ts'
import type { SqlCategory } from '../categories.ts'
import { type Draft, Refusal } from '../draft.ts'
import { type Cursor, isMark, isWord, unread } from './cursor.ts'
import { MARK, NAME, STRING, type Token, WORD } from './lexer.ts'
import { planned, type Reader, treeOf, walkTree } from './parsed.ts'
import { isSystemDatabase } from './sensitive-relations.ts'
import { questions } from './table-questions.ts'
import { reservedWords } from './words.ts'

export function define(
  draft: Draft,
  name: RelationName,
  flags: readonly Flag[],
  reader: Reader,
): void {
  const own = isSystemDatabase(name.schema ?? reader.database)
  draft.touch(own ? 'administer' : 'define', draft.verb, name, flags, own ? 'system' : undefined)
}

/** `AS SELECT ...` of a view. */
export function viewQuery(cursor: Cursor, draft: Draft, reader: Reader): void {
  const as = cursor.find('as')
  if (as === -1) throw unread()
  let tokens = cursor.tokens.slice(as + 1)
  const check = tokens.findIndex(
    (each, at) =>
      isWord(each, 'with') && tokens.slice(at + 1).some(other => isWord(other, 'check')) && at > 0,
  )
  if (check !== -1 && tokens.slice(check).every(each => ofCheck.has(each.text))) {
    tokens = tokens.slice(0, check)
  }
  // What it shows the catalog is asked for.
  selected(tokens, draft, reader, { silent: true })
}

const ofCheck: ReadonlySet<string> = new Set(['with', 'cascaded', 'local', 'check', 'option'])

function selected(
  tokens: readonly Token[],
  draft: Draft,
  reader: Reader,
  plan: { readonly into?: string; readonly silent?: boolean },
): void {
  const tree = treeOf(tokens, reader)
  walkTree(tree, draft.verb, draft, reader)
  draft.planned = planned(tree, reader, plan)
}

/** Columns, options, and the query of CREATE TABLE. */
export function tableQuery(cursor: Cursor, draft: Draft, reader: Reader, name: RelationName): void {
  if (cursor.take('like')) {
    draft.touch('read', draft.verb, cursor.relation(), [])
    cursor.end()
    return
  }
  if (isMark(cursor.token, '(') && isWord(cursor.tokens[cursor.at + 1], 'like')) {
    cursor.at += 2
    draft.touch('read', draft.verb, cursor.relation(), [])
    return
  }
  const query = queryStart(cursor)
  const said = cursor.tokens.slice(cursor.at, query)
  options(said, draft)
  if (query < cursor.tokens.length) {
    selected(cursor.tokens.slice(query), draft, reader, { into: 'CREATE TABLE AS' })
  } else {
    const asked = questions(said, name, false, reader)
    if (asked !== undefined) draft.planned = asked.planned
  }
  if (copiesColumns(said)) draft.planned = undefined
}

/** Where the query begins that fills the table: its first word outside of brackets, or a bracket that holds one. */
function queryStart(cursor: Cursor): number {
  const { tokens } = cursor
  let depth = 0
  for (let at = cursor.at; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token.kind === MARK) {
      if (token.text === '(') {
        if (depth === 0 && startsQuery(tokens[at + 1], tokens[at + 2])) return at
        depth++
      } else if (token.text === ')') depth--
    } else if (depth === 0 && startsQuery(token, tokens[at + 1]) && !isMark(tokens[at - 1], '.'))
      return at
  }
  return tokens.length
}

function startsQuery(token: Token | undefined, next: Token | undefined): boolean {
  // (WITH begins options too.)
  if (isWord(token, 'with')) return !isWord(next, 'system') && !isWord(next, 'parser')
  return ['select', 'values', 'table'].some(word => isWord(token, word))
}

const engines: ReadonlySet<string> = new Set([
  'innodb',
  'myisam',
  'aria',
  'memory',
  'heap',
  'archive',
  'rocksdb',
  'ndb',
  'ndbcluster',
  'columnstore',
])

/** Of a table's definition: what it looks at, and options that lead out of the database. */
function options(tokens: readonly Token[], draft: Draft): void {
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== WORD || isMark(tokens[at - 1], '.')) continue
    const next = tokens[at + 1]
    const after = isMark(next, '=') ? tokens[at + 2] : next
    if (token.text === 'references') {
      draft.touch('read', draft.verb, relationAt(tokens, at + 1), [])
    } else if (token.text === 'engine' || (token.text === 'type' && isMark(next, '='))) {
      const named = after?.kind === STRING || after?.kind === WORD ? after.text.toLowerCase() : ''
      if (merges.has(named)) throw merge()
      if (!engines.has(named)) leads(draft, 'system')
    } else if (token.text === 'connection' && after?.kind === STRING) leads(draft, 'network')
    else if ((token.text === 'data' || token.text === 'index') && isWord(next, 'directory')) {
      leads(draft, 'file_program', ['server_files'])
    } else if (token.text === 'union' && (isMark(next, '=') || isMark(next, '('))) throw merge()
    else if (token.text === 'file_name' || token.text === 'srcdef' || token.text === 'tabname') {
      leads(draft, 'file_program', ['server_files'])
    }
  }
}

const merges: ReadonlySet<string> = new Set(['merge', 'mrg_myisam'])

/** It has the rows of other tables, whose columns it takes by their places and calls as it likes. */
function merge(): Refusal {
  return new Refusal('statement_unsupported', 'MERGE tables are not supported: use a view')
}

/** A default that is made of other columns: rows that are there already get it, too. */
function copiesColumns(tokens: readonly Token[]): boolean {
  return tokens.some(
    (token, at) =>
      isWord(token, 'default') && !isMark(tokens[at - 1], '.') && ofColumns(tokens, at + 1),
  )
}

/** What stands behind DEFAULT where that is no value (`DEFAULT CHARSET`), or a function without brackets. */
const plainDefaults: ReadonlySet<string> = new Set([
  ...['null', 'true', 'false', 'current_timestamp', 'localtime', 'localtimestamp', 'next'],
  ...['charset', 'character', 'collate', 'encryption', 'current_user', 'current_role'],
])

function ofColumns(tokens: readonly Token[], start: number): boolean {
  const first = tokens[start]
  if (first?.kind === NAME) return true
  const calls = first?.kind === WORD && isMark(tokens[start + 1], '(')
  if (first?.kind === WORD && !calls) return !plainDefaults.has(first.text)
  let depth = 0
  for (let at = calls ? start + 1 : start; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (isMark(token, '(')) depth++
    else if (isMark(token, ')')) depth--
    else if (token.kind === NAME) return true
    else if (token.kind === WORD && !isMark(tokens[at + 1], '(') && !reservedWords.has(token.text))
      return true
    if (depth <= 0) return false
  }
  return false
}

/** Rows that are another's: a file, a server, tables of any database. */
function leads(draft: Draft, category: SqlCategory, flags: readonly Flag[] = []): void {
  draft.add('administer', draft.verb, undefined, flags, category)
}

function relationAt(tokens: readonly Token[], at: number): RelationName {
  const first = nameAt(tokens, at)
  if (!isMark(tokens[at + 1], '.')) return { schema: undefined, name: first }
  return { schema: first, name: nameAt(tokens, at + 2) }
}

function nameAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at]
  if (token === undefined || token.kind === MARK || token.kind === STRING) throw unread()
  return token.kind === WORD ? token.written : token.text
}

/** ALTER TABLE: what it does besides. */
export function altered(cursor: Cursor, draft: Draft, reader: Reader, name: RelationName): void {
  const { tokens } = cursor
  options(cursor.left(), draft)
  const asked = questions(cursor.left(), name, true, reader)
  if (asked !== undefined) draft.planned = asked.planned
  if (copiesColumns(cursor.left())) draft.planned = undefined
  let destroys = false
  for (let at = cursor.at; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token.kind !== WORD || isMark(tokens[at - 1], '.')) continue
    const { text } = token
    if (text === 'drop' || text === 'truncate' || text === 'discard') destroys = true
    else if (text === 'rename' && !ofParts(tokens[at + 1])) {
      const named = isWord(tokens[at + 1], 'to') || isWord(tokens[at + 1], 'as') ? at + 2 : at + 1
      const to = relationAt(tokens, isMark(tokens[named], '=') ? named + 1 : named)
      draft.shadows.push(to.name)
      define(draft, to, [], reader)
      draft.planned = undefined
    } else if (text === 'change' || text === 'rename') {
      // What is known of columns goes by their names.
      draft.planned = undefined
    } else if (text === 'exchange') {
      draft.planned = undefined
      const table = tokens.findIndex((each, index) => index > at && isWord(each, 'table'))
      if (table !== -1) define(draft, relationAt(tokens, table + 1), ['destructive'], reader)
    } else if (text === 'import' || text === 'convert' || text === 'select') {
      if (text === 'select') throw unread()
      if (text === 'import') leads(draft, 'file_program', ['server_files'])
      else if (isWord(tokens[at + 1], 'table'))
        define(draft, relationAt(tokens, at + 2), ['destructive'], reader)
    }
  }
  const [first] = draft.operations
  if (destroys && first !== undefined) first.flags.push('destructive')
}

/** RENAME COLUMN, RENAME INDEX, RENAME KEY. */
function ofParts(token: Token | undefined): boolean {
  return ['column', 'index', 'key', 'constraint'].some(word => isWord(token, word))
}
