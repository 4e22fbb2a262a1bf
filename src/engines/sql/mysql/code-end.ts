// Where the body of stored code ends: it holds `;`, and so does a text of several statements. Whoever is taken in by a name
// such as `begin` would take the next statement for a part of the body, so in any doubt the text is refused.
import { Cursor, isMark, isWord, unread } from './cursor.ts'
import { MARK, NUMBER, STRING, type Token, WORD } from './lexer.ts'

const kinds: ReadonlySet<string> = new Set(['procedure', 'function', 'trigger', 'event'])
const others: ReadonlySet<string> = new Set([
  ...[
    'table',
    'tables',
    'view',
    'index',
    'database',
    'schema',
    'user',
    'role',
    'sequence',
    'server',
    'temporary',
  ],
])

/** The index behind the statement that begins at `from`, when it defines stored code; undefined when it does not. */
export function codeEnd(tokens: readonly Token[], from: number): number | undefined {
  const first = tokens[from]
  const alters = isWord(first, 'alter')
  if (!isWord(first, 'create') && !alters) return undefined
  for (let at = from + 1; at < tokens.length && at < from + 20; at++) {
    const token = tokens[at] as Token
    if (isMark(token, ';')) return undefined
    if (token.kind !== WORD || isMark(tokens[at - 1], '=')) continue
    if (token.text === 'package') throw unread()
    if (others.has(token.text)) return undefined
    if (!kinds.has(token.text)) continue
    // ALTER PROCEDURE has options only.
    if (alters && token.text !== 'event') return undefined
    const start = bodyStart(token.text, new Cursor(tokens, at + 1))
    return start === undefined ? undefined : bodyEnd(tokens, start)
  }
  return undefined
}

/** Undefined: it has none (a library's function, an event whose DO is not changed). */
function bodyStart(kind: string, cursor: Cursor): number | undefined {
  cursor.take('if not exists')
  cursor.take('if exists')
  cursor.relation()
  if (kind === 'event') {
    const end = statementEnd(cursor)
    const at = cursor.find('do')
    return at === -1 || at > end ? undefined : at + 1
  }
  if (kind === 'trigger') return triggerStart(cursor)
  if (cursor.take('returns')) {
    // `CREATE FUNCTION f RETURNS STRING SONAME 'lib'`
    cursor.name()
    return cursor.take('soname') ? undefined : fail()
  }
  brackets(cursor)
  if (kind === 'function') {
    if (!cursor.take('returns')) throw unread()
    type(cursor)
  }
  characteristics(cursor)
  return cursor.at
}

function statementEnd(cursor: Cursor): number {
  const end = cursor.tokens.findIndex((each, at) => at >= cursor.at && isMark(each, ';'))
  return end === -1 ? cursor.tokens.length : end
}

function fail(): never {
  throw unread()
}

function triggerStart(cursor: Cursor): number {
  if (!cursor.take('before') && !cursor.take('after')) throw unread()
  do {
    if (!['insert', 'update', 'delete'].some(each => cursor.take(each))) throw unread()
  } while (cursor.take('or'))
  if (!cursor.take('on')) throw unread()
  cursor.relation()
  if (!cursor.take('for each row')) throw unread()
  if (cursor.take('follows') || cursor.take('precedes')) cursor.name()
  return cursor.at
}

function brackets(cursor: Cursor): void {
  if (!cursor.takeMark('(')) throw unread()
  for (let depth = 1; depth > 0; cursor.at++) {
    if (cursor.done || isMark(cursor.token, ';')) throw unread()
    if (isMark(cursor.token, '(')) depth++
    else if (isMark(cursor.token, ')')) depth--
  }
}

/** `VARCHAR(20) CHARACTER SET utf8`, `INT UNSIGNED` */
function type(cursor: Cursor): void {
  if (!typeWords.has(cursor.word)) throw unread()
  for (;;) {
    if (cursor.take('charset') || cursor.take('character set') || cursor.take('collate')) {
      if (cursor.string() === undefined) cursor.name()
    } else if (typeWords.has(cursor.word)) cursor.at++
    else if (isMark(cursor.token, '(')) brackets(cursor)
    else return
  }
}

const typeWords: ReadonlySet<string> = new Set(
  `
  bigint binary bit blob bool boolean char character date datetime dec decimal double enum fixed float geometry inet4 inet6
  int integer json long longblob longtext mediumblob mediumint mediumtext national nchar numeric nvarchar point precision
  real set signed smallint string text time timestamp tinyblob tinyint tinytext unsigned uuid varbinary varchar varying year
  zerofill
`.match(/\w+/g),
)

function characteristics(cursor: Cursor): void {
  for (;;) {
    if (cursor.take('comment')) {
      if (cursor.string() === undefined) throw unread()
    } else if (!sayings.some(each => cursor.take(each))) return
  }
}

const sayings: readonly string[] = [
  ...['language sql', 'not deterministic', 'deterministic', 'contains sql', 'no sql'],
  ...['reads sql data', 'modifies sql data', 'sql security definer', 'sql security invoker'],
]

type Block = 'begin' | 'if' | 'case' | 'choice' | 'loop' | 'while' | 'repeat' | 'for'
const statements: Readonly<Record<string, Block>> = {
  begin: 'begin',
  if: 'if',
  case: 'case',
  loop: 'loop',
  while: 'while',
  repeat: 'repeat',
  for: 'for',
}

function bodyEnd(tokens: readonly Token[], from: number): number {
  const labelled = isMark(tokens[from + 1], ':') ? from + 2 : from
  const first = tokens[labelled]
  if (first?.kind !== WORD || !Object.hasOwn(statements, first.text)) {
    const end = tokens.findIndex((each, at) => at >= from && isMark(each, ';'))
    return end === -1 ? tokens.length : end
  }
  return new Body(tokens).end(labelled)
}

/** Follows the blocks of a body. `choice`: CASE as an expression. */
class Body {
  readonly #tokens: readonly Token[]
  readonly #blocks: Block[] = []
  /** A statement begins here. */
  #starts = true
  /** In DECLARE ... HANDLER. */
  #declares = false

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  end(from: number): number {
    for (let at = from; at < this.#tokens.length; at++) {
      at = this.#token(at)
      if (this.#blocks.length === 0) return this.#after(at)
    }
    throw unread()
  }

  /** The index of the last word that was read. */
  #token(at: number): number {
    const token = this.#tokens[at] as Token
    if (isMark(token, ';')) {
      if (this.#blocks.at(-1) === 'choice') throw unread()
      this.#starts = true
      this.#declares = false
      return at
    }
    if (token.kind !== WORD || isMark(this.#tokens[at - 1], '.')) {
      // `label:` leaves it a start.
      this.#starts = this.#starts && isMark(this.#tokens[at + 1], ':')
      return at
    }
    if (this.#starts && isMark(this.#tokens[at + 1], ':')) return at + 1
    return this.#word(token.text, at)
  }

  #word(word: string, at: number): number {
    const starts = this.#starts
    const top = this.#blocks.at(-1)
    this.#starts = false
    if (word === 'end') return this.#close(at, starts, top)
    if (starts) {
      const block = Object.hasOwn(statements, word) ? statements[word] : undefined
      this.#declares = word === 'declare'
      if (block !== undefined) {
        this.#blocks.push(block)
        this.#starts = block === 'begin' || block === 'loop' || block === 'repeat'
        return block === 'begin' && isWord(this.#tokens[at + 1], 'not') ? fail() : at
      }
      // `else` follows a `;`.
      this.#starts = word === 'else' && (top === 'if' || top === 'case')
      return at
    }
    if (word === 'case') this.#blocks.push('choice')
    else if (word === 'then' || word === 'else') this.#starts = top === 'if' || top === 'case'
    else if (word === 'do') this.#starts = top === 'while' || top === 'for'
    else if (word === 'begin' && this.#declares && this.#handles(at)) {
      this.#blocks.push('begin')
      this.#starts = true
      this.#declares = false
    }
    return at
  }

  /** `DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN` */
  #handles(at: number): boolean {
    const before = this.#tokens[at - 1]
    if (before?.kind === STRING || before?.kind === NUMBER) return true
    return ['sqlexception', 'sqlwarning', 'found'].some(each => isWord(before, each))
  }

  #close(at: number, starts: boolean, top: Block | undefined): number {
    if (top === 'choice') {
      this.#blocks.pop()
      return at
    }
    // `UNTIL x END REPEAT` follows an expression; others a `;` (or BEGIN).
    if (top === undefined || (!starts && top !== 'repeat')) throw unread()
    const named = top === 'begin' ? undefined : top
    if (named !== undefined && !isWord(this.#tokens[at + 1], named)) throw unread()
    this.#blocks.pop()
    return named === undefined ? at : at + 1
  }

  /** Behind the last END: its label, then `;` or nothing. */
  #after(at: number): number {
    let next = at + 1
    const token = this.#tokens[next]
    if (token !== undefined && token.kind !== MARK) next++
    if (next < this.#tokens.length && !isMark(this.#tokens[next], ';')) throw unread()
    return next
  }
}
