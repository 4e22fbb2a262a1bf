// CREATE, ALTER, DROP, RENAME, TRUNCATE: what is defined, what of it holds code, reaches into the server's files or
// elsewhere. No expression in a table's definition reads a table or calls a stored function: the server does not let it.
import type { Action, Flag } from '#model'
import type { RelationName } from '../analysis.ts'
import type { SqlCategory } from '../categories.ts'
import { type Draft, Refusal } from '../draft.ts'
import { fixedPlan } from '../lineage/index.ts'
import { type Cursor, isMark, isWord, unread } from './cursor.ts'
import { effectOf } from './functions.ts'
import { MARK, STRING, type Token, WORD } from './lexer.ts'
import { planned, type Reader, treeOf, walkTree } from './parsed.ts'
import { isSystemDatabase } from './sensitive-relations.ts'

/** What a definition is of, by its words; the longest first. */
const relations: readonly string[] = ['table', 'tables', 'view', 'sequence']
const objects: readonly (readonly [words: string, kind: string])[] = [
  ['database', 'database'],
  ['schema', 'database'],
  ['function', 'function'],
  ['procedure', 'procedure'],
  ['package body', 'package'],
  ['package', 'package'],
  ['trigger', 'trigger'],
  ['event', 'event'],
]
const ofServer: readonly string[] = [
  ...['server', 'tablespace', 'logfile group', 'undo tablespace', 'instance', 'resource group'],
  ...['spatial reference system', 'library'],
]

export function definition(verb: string, cursor: Cursor, draft: Draft, reader: Reader): void {
  draft.verb = verb
  // Nothing moves, unless a query fills it.
  draft.planned = fixedPlan(0)
  draft.changesCatalog = true
  draft.literalsMatter = true
  scanCalls(cursor.left(), draft)
  const modifiers = takeModifiers(cursor)
  const account = /^(user|role)\b/.exec(cursor.word)
  if (account !== null) {
    draft.verb = `${verb} ${account[0].toUpperCase()}`
    draft.add('administer', draft.verb, undefined, [], 'privilege')
    return
  }
  for (const words of ofServer) {
    if (!cursor.take(words)) continue
    draft.verb = `${verb} ${words.toUpperCase()}`
    // A SERVER holds a password, and leads elsewhere.
    draft.add('administer', draft.verb, undefined, [], words === 'server' ? 'network' : 'system')
    return
  }
  for (const word of relations) {
    if (!cursor.take(word)) continue
    relation(verb, word, cursor, draft, reader, modifiers)
    return
  }
  if (cursor.take('index')) {
    index(verb, cursor, draft, reader)
    return
  }
  for (const [words, kind] of objects) {
    if (!cursor.take(words)) continue
    object(verb, words, kind, cursor, draft, reader)
    return
  }
  throw unread()
}

interface Modifiers {
  readonly temporary: boolean
  readonly replaces: boolean
}

/** What may stand between CREATE and what is created. */
function takeModifiers(cursor: Cursor): Modifiers {
  let temporary = false
  let replaces = false
  for (;;) {
    if (cursor.take('or replace')) replaces = true
    else if (cursor.take('temporary')) temporary = true
    else if (cursor.take('definer')) account(cursor)
    else if (cursor.take('algorithm') || cursor.take('sql security')) {
      cursor.takeMark('=')
      cursor.at++
    } else if (!skipped.some(each => cursor.take(each))) return { temporary, replaces }
  }
}

const skipped: readonly string[] = [
  ...[
    'online',
    'offline',
    'unique',
    'fulltext',
    'spatial',
    'aggregate',
    'ignore',
    'vector',
    'undo',
  ],
]

/** `= 'a'@'b'`, `= CURRENT_USER()`, `= root@localhost` */
function account(cursor: Cursor): void {
  if (!cursor.takeMark('=')) throw unread()
  if (cursor.take('current_user') || cursor.take('current_role')) {
    if (cursor.takeMark('(') && !cursor.takeMark(')')) throw unread()
    return
  }
  // `'a'@'b'` is a string or a name and a variable.
  cursor.at++
  if (cursor.token?.written.startsWith('@') === true) cursor.at++
}

function relation(
  verb: string,
  word: string,
  cursor: Cursor,
  draft: Draft,
  reader: Reader,
  { temporary, replaces }: Modifiers,
): void {
  const sort = word === 'tables' ? 'TABLE' : word.toUpperCase()
  draft.verb = `${verb} ${sort}`
  cursor.take('if not exists')
  cursor.take('if exists')
  if (verb === 'DROP') {
    do {
      const name = cursor.relation()
      if (temporary) draft.uncovers.push(name.name)
      define(draft, name, ['destructive'], reader)
    } while (cursor.takeMark(','))
    if (!/^((wait \?|nowait)|restrict|cascade| )*$/.test(cursor.rest())) throw unread()
    return
  }
  const name = cursor.relation()
  if (temporary) draft.shadows.push(name.name)
  define(draft, name, verb === 'CREATE' && replaces ? ['destructive'] : [], reader)
  if (sort === 'SEQUENCE') return
  if (verb === 'ALTER') {
    altered(cursor, draft, reader)
    return
  }
  if (sort === 'VIEW') viewQuery(cursor, draft, reader)
  else tableQuery(cursor, draft, reader)
}

function define(draft: Draft, name: RelationName, flags: readonly Flag[], reader: Reader): void {
  const own = isSystemDatabase(name.schema ?? reader.database)
  draft.touch(own ? 'administer' : 'define', draft.verb, name, flags, own ? 'system' : undefined)
}

/** `AS SELECT ...` of a view. */
function viewQuery(cursor: Cursor, draft: Draft, reader: Reader): void {
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
function tableQuery(cursor: Cursor, draft: Draft, reader: Reader): void {
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
  options(cursor.tokens.slice(cursor.at, query), draft)
  if (query < cursor.tokens.length) {
    selected(cursor.tokens.slice(query), draft, reader, { into: 'CREATE TABLE AS' })
  }
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
      if (!engines.has(named)) leads(draft, 'system')
    } else if (token.text === 'connection' && after?.kind === STRING) leads(draft, 'network')
    else if ((token.text === 'data' || token.text === 'index') && isWord(next, 'directory')) {
      leads(draft, 'file_program', ['server_files'])
    } else if (token.text === 'union' && (isMark(next, '=') || isMark(next, '(')))
      leads(draft, 'system')
    else if (token.text === 'file_name' || token.text === 'srcdef' || token.text === 'tabname') {
      leads(draft, 'file_program', ['server_files'])
    }
  }
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
function altered(cursor: Cursor, draft: Draft, reader: Reader): void {
  const { tokens } = cursor
  options(cursor.left(), draft)
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

/** CREATE INDEX, DROP INDEX: of their table. */
function index(verb: string, cursor: Cursor, draft: Draft, reader: Reader): void {
  draft.verb = `${verb} INDEX`
  const on = cursor.find('on')
  if (on === -1) throw unread()
  cursor.at = on + 1
  define(draft, cursor.relation(), verb === 'DROP' ? ['destructive'] : [], reader)
}

function object(
  verb: string,
  words: string,
  kind: string,
  cursor: Cursor,
  draft: Draft,
  reader: Reader,
): void {
  draft.verb = `${verb} ${words.toUpperCase()}`
  cursor.take('if not exists')
  cursor.take('if exists')
  const { schema, name } = cursor.relation()
  const full = schema === undefined ? name : `${schema}.${name}`
  const destroys: readonly Flag[] = verb === 'DROP' ? ['destructive'] : []
  const own =
    kind === 'database' ? isSystemDatabase(name) : isSystemDatabase(schema ?? reader.database)
  const action: Action = own ? 'administer' : 'define'
  const library = kind === 'function' && cursor.find('soname') !== -1
  if (library) {
    // Code of a library, in the server's own process.
    draft.add('administer', draft.verb, { name: full, kind }, ['server_files'], 'file_program')
    return
  }
  const code = kind === 'event' || kind === 'package' ? 'code' : undefined
  draft.add(action, draft.verb, { name: full, kind }, destroys, verb === 'DROP' ? undefined : code)
  if (kind === 'trigger' && verb === 'CREATE') {
    const on = cursor.find('on')
    if (on === -1) throw unread()
    cursor.at = on + 1
    draft.touch(action, draft.verb, cursor.relation(), [])
  }
}

/** RENAME TABLE a TO b, c TO d. */
export function renameStatement(cursor: Cursor, draft: Draft, reader: Reader): void {
  draft.changesCatalog = true
  if (cursor.take('user')) {
    draft.verb = 'RENAME USER'
    draft.planned = fixedPlan(0)
    draft.add('administer', draft.verb, undefined, [], 'privilege')
    return
  }
  if (!cursor.take('tables') && !cursor.take('table')) throw unread()
  draft.verb = 'RENAME TABLE'
  cursor.take('if exists')
  do {
    define(draft, cursor.relation(), [], reader)
    if (!cursor.take('to')) {
      if (!/^(wait \?|nowait) to /.test(cursor.rest())) throw unread()
      cursor.at = cursor.find('to') + 1
    }
    const to = cursor.relation()
    draft.shadows.push(to.name)
    define(draft, to, [], reader)
  } while (cursor.takeMark(','))
  cursor.end()
}

export function truncateStatement(cursor: Cursor, draft: Draft, reader: Reader): void {
  cursor.take('table')
  draft.planned = fixedPlan(0)
  draft.verb = 'TRUNCATE'
  const name = cursor.relation()
  const own = isSystemDatabase(name.schema ?? reader.database)
  draft.touch(own ? 'administer' : 'write', 'TRUNCATE', name, ['destructive', 'unfiltered'])
  if (!/^(wait \?|nowait)?$/.test(cursor.rest())) throw unread()
}

/** Built-in functions with effects, in a default or a check. */
function scanCalls(tokens: readonly Token[], draft: Draft): void {
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== WORD || !isMark(tokens[at + 1], '(') || isMark(tokens[at - 1], '.')) continue
    const effect = effectOf(token.text)
    if (effect === undefined) continue
    draft.add(
      'execute',
      draft.verb,
      { name: token.text, kind: 'function' },
      effect.flags,
      effect.category,
    )
  }
}

export function refuseCompound(): never {
  throw new Refusal(
    'statement_unsupported',
    'statements in blocks (BEGIN NOT ATOMIC, IF, LOOP) are supported in stored code only: put them into a procedure',
  )
}
