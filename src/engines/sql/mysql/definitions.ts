// CREATE, ALTER, DROP, RENAME, TRUNCATE: what is defined, by its words, and what of it holds code. (What stands behind the name
// of a table or a view: table-definitions.ts.)
import type { Action, Flag } from '#model'
import type { Draft } from '../draft.ts'
import { fixedPlan } from '../lineage/index.ts'
import { type Cursor, isMark, unread } from './cursor.ts'
import { effectOf } from './functions.ts'
import { type Token, WORD } from './lexer.ts'
import { routineIn } from './names.ts'
import type { Reader } from './parsed.ts'
import { isSystemDatabase } from './sensitive-relations.ts'
import { altered, define, tableQuery, viewQuery } from './table-definitions.ts'

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
    altered(cursor, draft, reader, name)
    return
  }
  if (sort === 'VIEW') viewQuery(cursor, draft, reader)
  else tableQuery(cursor, draft, reader, name)
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
  const named = cursor.relation()
  const { schema, name } = named
  const full = kind === 'database' ? name : routineIn(named)
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
  // Nobody calls it: where it puts values is judged when it is made.
  if (verb !== 'DROP' && (kind === 'trigger' || kind === 'event')) draft.planned = undefined
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
