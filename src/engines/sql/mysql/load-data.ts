// LOAD DATA and LOAD XML. A file of the server's is for administrators. With LOCAL the server asks the client for the file: the rows
// are the client's own, so it is read as the INSERT IGNORE or REPLACE that it amounts to, with a parameter for each value of the file.
import { type Draft, Refusal } from '../draft.ts'
import { type Cursor, isMark, isWord, unread } from './cursor.ts'
import {
  BYTES,
  MARK,
  NAME,
  NUMBER,
  PARAMETER,
  STRING,
  type Token,
  VARIABLE,
  WORD,
} from './lexer.ts'
import { planned, type Reader, treeOf, walkTree } from './parsed.ts'
import { fileCharsets } from './settings.ts'
import { unquoted } from './strings.ts'

const VERB = 'LOAD DATA LOCAL'
const MOST_NAME_BYTES = 1024

/** Behind LOAD DATA or LOAD XML. */
export function loadData(cursor: Cursor, draft: Draft, reader: Reader, xml: boolean): void {
  draft.literalsMatter = true
  if (!cursor.take('low_priority')) cursor.take('concurrent')
  if (cursor.take('local')) local(cursor, draft, reader, xml)
  else ofServer(cursor, draft)
}

function ofServer(cursor: Cursor, draft: Draft): void {
  draft.verb = 'LOAD DATA'
  const into = cursor.find('into')
  if (into === -1 || !isWord(cursor.tokens[into + 1], 'table')) throw unread()
  cursor.at = into + 2
  const written = draft.touch('write', 'LOAD DATA', cursor.relation(), ['bulk'], 'copy_in')
  written.star = true
  draft.add('administer', 'LOAD DATA', undefined, ['server_files'], 'file_program')
  // SET x = (SELECT ...) and the like are not read.
  if (cursor.tokens.slice(cursor.at).some(each => isWord(each, 'select'))) throw unread()
}

function local(cursor: Cursor, draft: Draft, reader: Reader, xml: boolean): void {
  if (!reader.localFiles) {
    throw new Refusal(
      'statement_unsupported',
      'LOAD DATA LOCAL is not supported through the gateway',
    )
  }
  draft.verb = VERB
  if (!cursor.take('infile')) throw unread()
  const file = fileName(cursor)
  const replaces = cursor.take('replace')
  if (!replaces) cursor.take('ignore')
  if (!cursor.take('into table')) throw unread()
  const from = cursor.at
  cursor.relation()
  const target = cursor.tokens.slice(from, cursor.at)
  if (cursor.take('partition')) names(cursor)
  charset(cursor)
  if (xml && cursor.take('rows identified by')) literal(cursor)
  form(cursor)
  const listed = isMark(cursor.token, '(') ? list(cursor) : undefined
  const given = cursor.take('set') ? assignments(cursor, listed?.variables ?? new Set()) : []
  cursor.end()
  asInsert({ target, replaces, columns: listed?.columns, given }, draft, reader)
  // Besides writing: whoever may only write says what is written. This has the client's program open a file, by a name in the text.
  draft.add('execute', VERB, { name: `local:${file}`, kind: 'client file' }, [], 'file_program')
  draft.clientFile = file
}

/** One plain string: what the server sends back must be the very same bytes, and what a person is shown must be what is opened. */
function fileName(cursor: Cursor): string {
  const { token } = cursor
  const name = cursor.string()
  // (Strings side by side are one to us, and here a mistake to the server.)
  const plain = token !== undefined && /^['"]/.test(token.written)
  if (name === undefined || !plain || unquoted(token.written) !== name) throw unread()
  if (name === '' || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)) {
    throw new Refusal(
      'statement_unreadable',
      'the name of the file is empty or holds what cannot be shown',
    )
  }
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) {
    throw new Refusal(
      'statement_too_large',
      `the name of the file is over ${MOST_NAME_BYTES} bytes`,
    )
  }
  return name
}

/** In UTF-16 and its like a mask of ours would come back unseen. */
function charset(cursor: Cursor): void {
  if (!cursor.take('character set') && !cursor.take('charset')) return
  const name = cursor.string() ?? cursor.name()
  if (!fileCharsets.has(name.toLowerCase()) && name.toLowerCase() !== 'default') {
    throw new Refusal(
      'statement_unsupported',
      `a file is loaded as ${[...fileCharsets].join(', ')}, and as nothing else`,
    )
  }
}

/** How the file is cut into rows and columns. */
function form(cursor: Cursor): void {
  if (cursor.take('fields') || cursor.take('columns')) {
    const options = ['terminated by', 'optionally enclosed by', 'enclosed by', 'escaped by']
    clauses(cursor, options)
  }
  if (cursor.take('lines')) clauses(cursor, ['terminated by', 'starting by'])
  if (!cursor.take('ignore')) return
  if (cursor.token?.kind !== NUMBER) throw unread()
  cursor.at++
  if (!cursor.take('lines') && !cursor.take('rows')) throw unread()
}

function clauses(cursor: Cursor, options: readonly string[]): void {
  let found = 0
  while (options.some(option => cursor.take(option))) {
    literal(cursor)
    found++
  }
  if (found === 0) throw unread()
}

function literal(cursor: Cursor): void {
  const kind = cursor.token?.kind
  if (kind !== STRING && kind !== BYTES) throw unread()
  cursor.at++
}

function names(cursor: Cursor): void {
  if (!cursor.takeMark('(')) throw unread()
  do cursor.name()
  while (cursor.takeMark(','))
  if (!cursor.takeMark(')')) throw unread()
}

/** `(a, t.b, @c)`: what the values of a row go to, one after the other. */
function list(cursor: Cursor): { columns: Token[]; variables: Set<string> } {
  const columns: Token[] = []
  const variables = new Set<string>()
  cursor.at++
  if (cursor.takeMark(')')) return { columns, variables }
  do {
    const { token } = cursor
    if (token?.kind === VARIABLE) {
      variables.add(token.text)
      cursor.at++
    } else columns.push(column(cursor))
  } while (cursor.takeMark(','))
  if (!cursor.takeMark(')')) throw unread()
  return { columns, variables }
}

function column(cursor: Cursor): Token {
  const { token } = cursor
  let name = cursor.name()
  for (let parts = 1; cursor.takeMark('.'); parts++) {
    if (parts > 2) throw unread()
    name = cursor.name()
  }
  return made(token, NAME, name)
}

interface Given {
  readonly column: Token
  readonly value: readonly Token[]
}

/** `a = @c + 1, ...`. A variable that stands in the list holds a value of the file. */
function assignments(cursor: Cursor, variables: ReadonlySet<string>): Given[] {
  const found: Given[] = []
  do {
    const named = column(cursor)
    if (!cursor.takeMark('=') && !cursor.takeMark(':=')) throw unread()
    const value = expression(cursor).map(each =>
      each.kind === VARIABLE && variables.has(each.text) ? made(each, PARAMETER, '?') : each,
    )
    found.push({ column: named, value })
  } while (cursor.takeMark(','))
  return found
}

/** The words up to the next comma that stands in no bracket. */
function expression(cursor: Cursor): readonly Token[] {
  const start = cursor.at
  let depth = 0
  for (; !cursor.done; cursor.at++) {
    const token = cursor.token as Token
    // (The words of the parameters are ours: one in the text would be none of the file.)
    if (token.kind === PARAMETER) throw unread()
    if (isMark(token, '(')) depth++
    else if (isMark(token, ')')) depth--
    else if (isMark(token, ',') && depth === 0) break
    if (depth < 0) throw unread()
  }
  if (cursor.at === start || depth !== 0) throw unread()
  return cursor.tokens.slice(start, cursor.at)
}

interface Loaded {
  readonly target: readonly Token[]
  readonly replaces: boolean
  /** Undefined: all, in their order. */
  readonly columns: readonly Token[] | undefined
  readonly given: readonly Given[]
}

/** Without REPLACE a row whose key is there is left out, also where IGNORE is not said: the server cannot tell the client to stop. */
function asInsert(
  { target, replaces, columns, given }: Loaded,
  draft: Draft,
  reader: Reader,
): void {
  const [first] = target
  const word = (text: string) => made(first, WORD, text)
  const mark = (text: string) => made(first, MARK, text)
  const parameter = made(first, PARAMETER, '?')
  const into = [...(columns ?? []), ...given.map(each => each.column)]
  const values = [...(columns ?? []).map(() => [parameter]), ...given.map(each => each.value)]
  const separated = (lists: readonly (readonly Token[])[]) =>
    lists.flatMap((each, index) => (index === 0 ? each : [mark(','), ...each]))
  const tree = treeOf(
    [
      ...(replaces ? [word('replace')] : [word('insert'), word('ignore')]),
      ...[word('into'), ...target],
      ...(into.length === 0 ? [] : [mark('('), ...separated(into.map(each => [each])), mark(')')]),
      ...[word('values'), mark('(')],
      ...(values.length === 0 ? [parameter] : separated(values)),
      mark(')'),
    ],
    reader,
  )
  walkTree(tree, VERB, draft, reader)
  draft.planned = planned(tree, reader)
  for (const each of draft.operations) {
    if (each.verb !== 'INSERT' && each.verb !== 'REPLACE') continue
    each.verb = VERB
    each.flags.push('bulk')
    each.category = each.action === 'write' ? 'copy_in' : each.category
    if (columns !== undefined) continue
    each.star = true
    draft.allColumns = true
  }
}

function made(like: Token | undefined, kind: number, text: string): Token {
  const { start = 0, end = 0 } = like ?? {}
  return { kind, start, end, text, written: text, apart: true }
}
