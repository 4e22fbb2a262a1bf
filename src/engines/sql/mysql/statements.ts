// One statement's words → what it does. The first words say what it is; queries and writes go to the parser, whatever has no
// line here is refused.
import { Draft, Refusal } from '../draft.ts'
import { fixedPlan, quotedPlan } from '../lineage/index.ts'
import { Cursor, isMark, unread } from './cursor.ts'
import { definition, renameStatement, truncateStatement } from './definitions.ts'
import { analyze, explain } from './explain.ts'
import { STRING, type Token, WORD } from './lexer.ts'
import { loadData } from './load-data.ts'
import { routineIn } from './names.ts'
import { planned, treeOf, walkExpressions } from './parsed.ts'
import { beginsQuery, parsedStatement } from './parsed-statement.ts'
import { deallocate, execute, prepare } from './prepared-statements.ts'
import { isSystemDatabase } from './sensitive-relations.ts'
import { setStatement } from './settings.ts'
import { showStatement } from './show.ts'
import { begin, commit, release, rollback, savepoint, start } from './transactions.ts'
import { administer, only, type Read, type Text, type Verb } from './verb.ts'

export function readStatement(tokens: readonly Token[], text: Text): Read {
  const cursor = new Cursor(tokens)
  const draft = new Draft()
  const first = tokens[0]
  if (beginsQuery(first)) {
    parsedStatement(tokens, draft, text)
  } else {
    const word = cursor.word
    const handler = Object.hasOwn(verbs, word) ? verbs[word] : undefined
    if (handler === undefined) throw unread()
    cursor.at++
    const whole = handler(cursor, draft, text)
    if (whole !== undefined) return whole
  }
  // (Which relations of the server are sensitive was said where they were met.)
  const statement = draft.finish(() => false)
  return {
    statement,
    literalsMatter: draft.literalsMatter || draft.planned?.literalsMatter === true,
  }
}

const use: Verb = (cursor, draft) => {
  draft.verb = 'USE'
  draft.literalsMatter = true
  const name = cursor.name()
  cursor.end()
  draft.settings.push({ name: 'database', value: name, local: false })
  draft.planned = fixedPlan(0)
  draft.add('connect', 'USE', undefined, [], 'settings')
}

/** CHECKSUM TABLE tells something of all values. */
const checksum: Verb = (cursor, draft) => {
  if (!cursor.take('table') && !cursor.take('tables')) throw unread()
  draft.verb = 'CHECKSUM TABLE'
  draft.returnsRows = true
  do {
    draft.touch('read', draft.verb, cursor.relation(), []).star = true
  } while (cursor.takeMark(','))
}

const lock: Verb = (cursor, draft, text) => {
  if (!cursor.take('tables') && !cursor.take('table'))
    return administer('LOCK')(cursor, draft, text)
  draft.verb = 'LOCK'
  draft.planned = fixedPlan(0)
  do {
    const name = cursor.relation()
    if (!['read', 'write', 'low_priority'].includes(cursor.word)) {
      cursor.take('as')
      cursor.name()
    }
    cursor.take('low_priority')
    const reads = cursor.take('read')
    if (reads) cursor.take('local')
    else if (cursor.take('write')) cursor.take('concurrent')
    else throw unread()
    draft.touch(reads ? 'read' : 'write', 'LOCK', name, ['locking'])
  } while (cursor.takeMark(','))
  if (!/^(wait \?|nowait)?$/.test(cursor.rest())) throw unread()
}

const unlock: Verb = (cursor, draft) => {
  if (!cursor.take('tables') && !cursor.take('table')) throw unread()
  cursor.end()
  draft.verb = 'UNLOCK TABLES'
  draft.planned = fixedPlan(0)
  draft.add('connect', draft.verb, undefined, [], 'tx')
}

const call: Verb = (cursor, draft, text) => {
  draft.verb = 'CALL'
  const named = cursor.relation()
  const object = { name: routineIn(named), kind: 'procedure' }
  const last = cursor.tokens.at(-1)
  if (cursor.takeMark('(')) {
    if (!isMark(last, ')')) throw unread()
    const given = cursor.tokens.slice(cursor.at, -1)
    if (given.length > 0) walkExpressions(given, 'CALL', draft, text, {})
  } else cursor.end()
  draft.planned = planned(treeOf(cursor.tokens, text), text)
  draft.returnsRows = true
  const system = isSystemDatabase(named.schema ?? text.database)
  draft.add(system ? 'administer' : 'execute', 'CALL', object, [], system ? 'admin_fn' : 'unknown')
}

const perform: Verb = (cursor, draft, text) => {
  draft.verb = 'DO'
  walkExpressions(cursor.left(), 'DO', draft, text, { silent: true })
  draft.returnsRows = false
}

const load: Verb = (cursor, draft, text) => {
  const xml = cursor.word === 'xml'
  if (!cursor.take('data') && !cursor.take('xml')) return administer('LOAD')(cursor, draft, text)
  loadData(cursor, draft, text, xml)
}

const defines =
  (verb: string): Verb =>
  (cursor, draft, text) => {
    definition(verb, cursor, draft, text)
  }

const drop: Verb = (cursor, draft, text) =>
  cursor.word === 'prepare' ? deallocate(cursor, draft, text) : defines('DROP')(cursor, draft, text)

/** `KILL QUERY 5`: of which connection, the protocol knows. */
const kill: Verb = (cursor, draft) => {
  draft.literalsMatter = true
  cursor.take('hard')
  cursor.take('soft')
  const query = cursor.take('query')
  cursor.take('connection')
  draft.verb = query ? 'KILL QUERY' : 'KILL'
  const token = cursor.token
  const name = cursor.tokens.length === cursor.at + 1 ? (token?.text ?? '') : ''
  draft.planned = fixedPlan(0)
  draft.add('administer', draft.verb, { name, kind: 'connection' }, [], 'admin_fn')
}

const help: Verb = (cursor, draft) => {
  if (cursor.token?.kind !== STRING && cursor.token?.kind !== WORD) throw unread()
  draft.verb = 'HELP'
  draft.returnsRows = true
  draft.add('connect', 'HELP')
}

const verbs: Readonly<Record<string, Verb>> = {
  alter: defines('ALTER'),
  analyze: analyze(readStatement),
  backup: administer('BACKUP'),
  begin,
  cache: administer('CACHE'),
  call,
  change: administer('CHANGE'),
  check: administer('CHECK'),
  checksum,
  clone: administer('CLONE', 'file_program'),
  commit,
  create: defines('CREATE'),
  deallocate,
  desc: explain(readStatement),
  describe: explain(readStatement),
  do: perform,
  drop,
  execute,
  explain: explain(readStatement),
  flush: administer('FLUSH'),
  grant: administer('GRANT', 'privilege'),
  handler: () => {
    throw new Refusal('statement_unsupported', 'HANDLER is not supported: use SELECT')
  },
  help,
  import: administer('IMPORT', 'file_program'),
  install: administer('INSTALL'),
  kill,
  load,
  lock,
  optimize: administer('OPTIMIZE'),
  prepare,
  purge: administer('PURGE'),
  release,
  rename: only(renameStatement),
  repair: administer('REPAIR'),
  reset: administer('RESET'),
  restart: administer('RESTART'),
  revoke: administer('REVOKE', 'privilege'),
  rollback,
  savepoint,
  set: only((cursor, draft, text) => setStatement(cursor, draft, text, text.text, text.edits)),
  show: (cursor, draft, text) => {
    const quotes = /^(warnings|errors)\b/.test(cursor.rest())
    const width = showStatement(cursor, draft, text)
    if (quotes) draft.planned = quotedPlan(3)
    else if (/^count\b/.test(cursor.rest())) draft.planned = quotedPlan(1)
    else if (width !== undefined) draft.planned = fixedPlan(width)
  },
  shutdown: administer('SHUTDOWN'),
  start,
  stop: administer('STOP'),
  truncate: only(truncateStatement),
  uninstall: administer('UNINSTALL'),
  unlock,
  use,
  xa: administer('XA', 'tx'),
}
