// One statement's words → what it does. The first words say what it is; queries and writes go to the parser, whatever has no
// line here is refused.
import type { SqlStatement, TransactionVerb } from '../analysis.ts'
import { categoryOf } from '../categories.ts'
import { Draft, Refusal } from '../draft.ts'
import { fixedPlan, quotedPlan } from '../lineage/index.ts'
import { Cursor, isMark, isWord, unread } from './cursor.ts'
import { definition, refuseCompound, renameStatement, truncateStatement } from './definitions.ts'
import { sequenceFunctions } from './functions.ts'
import { MARK, STRING, type Token, WORD } from './lexer.ts'
import { loadData } from './load-data.ts'
import { folded } from './names.ts'
import {
  planned,
  type Reader,
  treeOf,
  verbOf,
  walkExpressions,
  walkTree,
  withoutInto,
} from './parsed.ts'
import { isSystemDatabase } from './sensitive-relations.ts'
import { type Edit, setStatement } from './settings.ts'
import { describeStatement, showStatement } from './show.ts'
import { withPlainTables } from './tables-written.ts'

export interface Read {
  readonly statement: SqlStatement
  readonly literalsMatter: boolean
}

/** What a statement is read with, and what it leaves behind. */
export interface Text extends Reader {
  /** What is sent, of which `edits` change places. */
  readonly text: string
  readonly edits: Edit[]
  /** Reads the text of a literal (PREPARE ... FROM '...'). */
  inner(text: string): Read
}

export function readStatement(tokens: readonly Token[], text: Text): Read {
  const cursor = new Cursor(tokens)
  const draft = new Draft()
  const first = tokens[0]
  if (isMark(first, '(') || (first?.kind === WORD && queries.has(first.text))) {
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

const queries: ReadonlySet<string> = new Set([
  ...['select', 'with', 'values', 'table', 'insert', 'replace', 'update', 'delete'],
])

type Verb = (cursor: Cursor, draft: Draft, text: Text) => Read | undefined

function parsedStatement(tokens: readonly Token[], draft: Draft, text: Text): void {
  const { tokens: words, into } = withoutInto(withPlainTables(asQuery(tokens), text.flavour))
  const tree = treeOf(words, text)
  const verb = verbOf(tree)
  draft.verb = verb
  walkTree(tree, verb, draft, text)
  draft.planned = planned(tree, text, into === undefined ? {} : { into: 'SELECT INTO' })
  if (verb === 'SELECT') draft.returnsRows ||= into === undefined
  if (into === 'file') {
    draft.add(
      'administer',
      'SELECT INTO OUTFILE',
      undefined,
      ['server_files', 'bulk'],
      'file_program',
    )
  }
}

/** `TABLE t ...` is `SELECT * FROM t ...`. */
function asQuery(tokens: readonly Token[]): readonly Token[] {
  const [first] = tokens
  if (first === undefined || !isWord(first, 'table')) return tokens
  const word = (text: string): Token => ({ ...first, text, written: text })
  return [
    word('select'),
    { ...first, kind: MARK, text: '*', written: '*' },
    word('from'),
    ...tokens.slice(1),
  ]
}

function transaction(verb: string, kind: TransactionVerb, allowed: RegExp): Verb {
  return (cursor, draft) => {
    if (!allowed.test(cursor.rest())) throw unread()
    draft.verb = verb
    draft.transaction = kind
    draft.planned = fixedPlan(0)
    draft.add('connect', verb)
  }
}

const chain = /^(work)?( ?and (no )?chain)?( ?(no )?release)?$/
const characteristic = '(with consistent snapshot|read only|read write)'
const starts = new RegExp(`^transaction( ${characteristic}( , ${characteristic})*)?$`)

const start: Verb = (cursor, draft, text) => {
  if (cursor.word !== 'transaction') return administer('START')(cursor, draft, text)
  return transaction('START TRANSACTION', 'begin', starts)(cursor, draft, text)
}

const begin: Verb = (cursor, draft, text) => {
  if (isWord(cursor.token, 'not')) refuseCompound()
  return transaction('BEGIN', 'begin', /^(work)?$/)(cursor, draft, text)
}

const rollback: Verb = (cursor, draft, text) => {
  if (!/^(work )?to /.test(cursor.rest())) {
    return transaction('ROLLBACK', 'rollback', chain)(cursor, draft, text)
  }
  cursor.take('work')
  cursor.take('to')
  cursor.take('savepoint')
  point('ROLLBACK TO', 'rollback_to', cursor, draft)
}

function point(verb: string, kind: TransactionVerb, cursor: Cursor, draft: Draft): void {
  draft.verb = verb
  draft.transaction = kind
  draft.literalsMatter = true
  draft.savepoint = folded(cursor.name())
  draft.planned = fixedPlan(0)
  draft.add('connect', verb)
  cursor.end()
}

/** For administrators, whatever it says in detail. */
function administer(
  word: string,
  category: 'system' | 'privilege' | 'tx' | 'file_program' = 'system',
): Verb {
  return (cursor, draft) => {
    draft.literalsMatter = true
    const next = /^[a-z_]+$/.test(cursor.word) ? ` ${cursor.word.toUpperCase()}` : ''
    draft.verb = `${word}${next}`
    draft.add('administer', draft.verb, undefined, [], category)
    draft.changesCatalog = true
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

const explain: Verb = (cursor, draft, text) => {
  if (cursor.word === 'for') return administer('EXPLAIN')(cursor, draft, text)
  const runs = cursor.take('analyze')
  const plain = explained(cursor)
  if (!plain && !runs) {
    draft.planned = fixedPlan(describeStatement(draft))
    return
  }
  return explanation(cursor, text, runs)
}

/** Takes the options of EXPLAIN; true when a statement follows, not the name of a table. */
function explained(cursor: Cursor): boolean {
  while (cursor.take('extended') || cursor.take('partitions'));
  if (cursor.word === 'format' && isMark(cursor.tokens[cursor.at + 1], '=')) cursor.at += 3
  if (cursor.take('for connection')) throw unread()
  return queries.has(cursor.word) || isMark(cursor.token, '(')
}

const milder: ReadonlySet<string> = new Set(['write', 'define'])

/** Plain EXPLAIN only shows what would run; with ANALYZE it is the statement itself. */
function explanation(cursor: Cursor, text: Text, runs: boolean): Read {
  const inner = readStatement(cursor.left(), text)
  const { statement } = inner
  const operations = statement.operations.map(each => {
    // (What stands for a constant is worked out while the plan is made: sequences move on.)
    const moves = sequenceFunctions.has(each.verb.toLowerCase())
    const action = !runs && !moves && milder.has(each.action) ? ('read' as const) : each.action
    const flags = runs ? each.flags : [...each.flags, 'explain' as const]
    return {
      ...each,
      action,
      flags,
      category: runs ? each.category : categoryOf({ ...each, action, flags }),
    }
  })
  return {
    literalsMatter: inner.literalsMatter,
    statement: {
      ...statement,
      verb: 'EXPLAIN',
      operations,
      plan: { kind: 'explained', plan: statement.plan, runs: true },
      modifications: 0,
      explainOnly: !runs,
      returnsRows: true,
    },
  }
}

/** ANALYZE TABLE; MariaDB's ANALYZE of a statement runs it. */
const analyze: Verb = (cursor, draft, text) => {
  const format = cursor.word === 'format'
  if (format || queries.has(cursor.word) || isMark(cursor.token, '(')) {
    if (cursor.word === 'table' && !format) return administer('ANALYZE')(cursor, draft, text)
    explained(cursor)
    return explanation(cursor, text, true)
  }
  return administer('ANALYZE')(cursor, draft, text)
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
  const { schema, name } = cursor.relation()
  const object = { name: schema === undefined ? name : `${schema}.${name}`, kind: 'procedure' }
  const last = cursor.tokens.at(-1)
  if (cursor.takeMark('(')) {
    if (!isMark(last, ')')) throw unread()
    const given = cursor.tokens.slice(cursor.at, -1)
    if (given.length > 0) walkExpressions(given, 'CALL', draft, text, {})
  } else cursor.end()
  draft.planned = planned(treeOf(cursor.tokens, text), text)
  draft.returnsRows = true
  const system = isSystemDatabase(schema ?? text.database)
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

/** Which names are one, servers see in different ways (`ς` and `σ`, `e` and `é`, `e` and `e `): in plain ASCII they agree. */
function preparedName(cursor: Cursor): string {
  const name = cursor.name()
  if (/^[!-~]+$/.test(name)) return folded(name)
  throw new Refusal(
    'statement_unsupported',
    'the name of a prepared statement may hold ASCII letters, digits and signs only: servers differ in which others are the same',
  )
}

const prepare: Verb = (cursor, draft, text) => {
  draft.verb = 'PREPARE'
  draft.literalsMatter = true
  const name = preparedName(cursor)
  if (!cursor.take('from')) throw unread()
  draft.planned = fixedPlan(0)
  const literal = cursor.tokens.length === cursor.at + 1 ? cursor.string() : undefined
  if (literal === undefined) {
    // What an earlier PREPARE of the name said no longer holds.
    draft.deallocates = { name }
    draft.add('execute', 'PREPARE', { name, kind: 'prepared statement' }, ['dynamic'], 'unknown')
    return
  }
  draft.prepares = { name, statement: text.inner(literal).statement }
  draft.add('connect', 'PREPARE', undefined, [], 'settings')
}

const execute: Verb = (cursor, draft, text) => {
  draft.literalsMatter = true
  if (cursor.take('immediate')) {
    const literal = cursor.string()
    if (literal !== undefined && (cursor.done || cursor.word === 'using')) {
      if (cursor.take('using')) walkExpressions(cursor.left(), 'EXECUTE', new Draft(), text, {})
      return text.inner(literal)
    }
    draft.verb = 'EXECUTE'
    draft.returnsRows = true
    draft.add('execute', 'EXECUTE', { name: 'immediate', kind: 'code' }, ['dynamic'], 'code')
    return
  }
  draft.verb = 'EXECUTE'
  draft.returnsRows = true
  draft.executes = { name: preparedName(cursor) }
  if (cursor.take('using')) {
    walkExpressions(cursor.left(), 'EXECUTE', draft, text, {})
  } else cursor.end()
  draft.planned = { plan: { kind: 'named' }, nodes: 1, literalsMatter: true }
  draft.add('connect', 'EXECUTE')
}

const deallocate: Verb = (cursor, draft) => {
  if (!cursor.take('prepare')) throw unread()
  draft.verb = 'DEALLOCATE'
  draft.literalsMatter = true
  draft.deallocates = { name: preparedName(cursor) }
  draft.planned = fixedPlan(0)
  cursor.end()
  draft.add('connect', 'DEALLOCATE', undefined, [], 'settings')
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

/** All that it does is in the draft. */
function only(run: (cursor: Cursor, draft: Draft, text: Text) => void): Verb {
  return (cursor, draft, text) => {
    run(cursor, draft, text)
    return undefined
  }
}

const verbs: Readonly<Record<string, Verb>> = {
  alter: defines('ALTER'),
  analyze: analyze,
  backup: administer('BACKUP'),
  begin,
  cache: administer('CACHE'),
  call,
  change: administer('CHANGE'),
  check: administer('CHECK'),
  checksum,
  clone: administer('CLONE', 'file_program'),
  commit: transaction('COMMIT', 'commit', chain),
  create: defines('CREATE'),
  deallocate,
  desc: explain,
  describe: explain,
  do: perform,
  drop,
  execute,
  explain,
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
  release: (cursor, draft) => {
    if (!cursor.take('savepoint')) throw unread()
    point('RELEASE', 'release', cursor, draft)
  },
  rename: only(renameStatement),
  repair: administer('REPAIR'),
  reset: administer('RESET'),
  restart: administer('RESTART'),
  revoke: administer('REVOKE', 'privilege'),
  rollback,
  savepoint: only((cursor, draft) => point('SAVEPOINT', 'savepoint', cursor, draft)),
  set: only((cursor, draft, text) => setStatement(cursor, draft, text, text.text, text.edits)),
  show: (cursor, draft, text) => {
    const quotes = /^(warnings|errors)\b/.test(cursor.rest())
    const width = showStatement(cursor, draft, text)
    if (quotes) draft.planned = quotedPlan(3)
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
