// Text → Analysis or Unreadable, of MySQL and MariaDB. Owns the limits and what is kept; nothing that a text says makes it
// throw.
import type { ReasonCode } from '#model'
import type { AnalyserOptions } from '../analyser.ts'
import type { SqlStatement, Unreadable } from '../analysis.ts'
import { TextCache } from '../cache.ts'
import { Refusal } from '../draft.ts'
import { ShapeCache } from '../shape-cache.ts'
import { weightOf } from '../weight.ts'
import { reduced } from './bounds.ts'
import { codeEnd } from './code-end.ts'
import { isMark } from './cursor.ts'
import { expand } from './executable-comments.ts'
import { type Token, tokenize } from './lexer.ts'
import { Parser } from './parser.ts'
import type { MysqlAnalyser, MysqlAnalysis, MysqlReading } from './reading.ts'
import { isSystemDatabase } from './sensitive-relations.ts'
import type { Edit } from './settings.ts'
import { readStatement } from './statements.ts'
import type { Read } from './verb.ts'

/** As PostgreSQL's: what takes longest to read costs some 4 us a word, and the event loop waits. */
const MOST_WORDS = 20_000
const MOST_STATEMENTS = 10_000
const MOST_OPERATIONS = 10_000
/** Versions of servers times their own databases, with and without files of clients. */
const MOST_READINGS = 16
const DEEPEST = 4

type Result = MysqlAnalysis | Unreadable

/** Of one kind of server, and of a system's own database. */
interface Kept {
  readonly flavour: MysqlReading['flavour']
  readonly version: number
  readonly own: string | undefined
  readonly localFiles: boolean
  readonly byText: TextCache<Result>
  readonly byShape: ShapeCache<MysqlAnalysis>
}

/** `code`: what lies at `mysqlGrammar`. One analyser serves all sessions. */
export async function createMysqlAnalyser(
  code: Uint8Array,
  options: AnalyserOptions = {},
): Promise<MysqlAnalyser> {
  return new Analyser(await Parser.load(code), options)
}

class Analyser implements MysqlAnalyser {
  readonly #parser: Parser
  readonly #options: Required<AnalyserOptions>
  #readings: Kept[] = []

  constructor(parser: Parser, options: AnalyserOptions) {
    this.#parser = parser
    this.#options = {
      maxTextBytes: 1024 * 1024,
      maxEntries: 4096,
      maxKeptBytes: 16 * 1024 * 1024,
      ...options,
    }
  }

  analyse(text: string, reading: MysqlReading): Result {
    const { byText, byShape } = this.#kept(reading)
    // First by shape: texts with values mostly come once, and looking for one that was not there costs as much as its shape.
    const known = byShape.get(text)
    if (known !== undefined) return { readable: true, statements: known.statements, forward: text }
    const kept = byText.get(text)
    if (kept !== undefined) return kept
    const { result, literalsMatter } = this.#read(text, reading, false)
    const weight = weightOf(result)
    const shaped =
      result.readable &&
      !literalsMatter &&
      result.forward === text &&
      byShape.set(text, result, weight)
    if (!shaped) byText.set(text, result, weight)
    return result
  }

  analyseWithValues(text: string, reading: MysqlReading): Result {
    return this.#read(text, reading, true).result
  }

  #kept({ flavour, version, database, localFiles = false }: MysqlReading): Kept {
    const own = isSystemDatabase(database) ? database : ''
    // (There are one or two: going over them is less than the hash of a key.)
    for (const each of this.#readings)
      if (
        each.version === version &&
        each.flavour === flavour &&
        each.own === own &&
        each.localFiles === localFiles
      )
        return each
    const { maxEntries, maxKeptBytes } = this.#options
    if (this.#readings.length >= MOST_READINGS) this.#readings = []
    const kept: Kept = {
      flavour,
      version,
      own,
      localFiles,
      byText: new TextCache(maxEntries, maxKeptBytes / 2),
      byShape: new ShapeCache(maxEntries, maxKeptBytes / 2, '`'),
    }
    this.#readings.push(kept)
    return kept
  }

  #read(text: string, reading: MysqlReading, withValues: boolean): Outcome {
    try {
      refuseUnfit(text, this.#options.maxTextBytes)
      const forward = expand(text, reading)
      const tokens = tokenize(forward)
      const short = withValues ? tokens : reduced(tokens)
      if (short.length > MOST_WORDS) throw tooManyWords()
      const outcome = this.#statements(forward, short, reading, withValues, 0)
      // A value that was taken out may matter.
      if (short.length === tokens.length || !outcome.literalsMatter) return outcome
      if (tokens.length > MOST_WORDS) throw tooManyWords()
      return this.#statements(forward, tokens, reading, withValues, 0)
    } catch (error) {
      // Whatever went wrong, the text is not understood, and what is not understood is refused.
      return { result: unreadable(error), literalsMatter: true }
    }
  }

  #statements(
    text: string,
    tokens: readonly Token[],
    reading: MysqlReading,
    withValues: boolean,
    depth: number,
  ): { readonly result: MysqlAnalysis; readonly literalsMatter: boolean } {
    const statements: SqlStatement[] = []
    const edits: Edit[] = []
    let literalsMatter = false
    let operations = 0
    let { database } = reading
    for (const words of split(tokens)) {
      const read = readStatement(words, {
        parser: this.#parser,
        flavour: reading.flavour,
        database,
        withValues,
        localFiles: reading.localFiles === true,
        text,
        edits,
        // (What a file of the client is asked for by is a text of its own.)
        inner: literal =>
          this.#inner(literal, { ...reading, database, localFiles: false }, withValues, depth),
      })
      literalsMatter ||= read.literalsMatter
      statements.push(read.statement)
      const used = read.statement.settings.find(({ name }) => name === 'database')
      if (used !== undefined) database = used.value
      operations += read.statement.operations.length
      if (operations > MOST_OPERATIONS || statements.length > MOST_STATEMENTS) {
        throw new Refusal('statement_too_large', 'the text holds too many statements')
      }
    }
    if (statements.length > 1 && statements.some(({ clientFile }) => clientFile !== undefined)) {
      throw new Refusal('statement_unsupported', 'LOAD DATA LOCAL must be a text of its own')
    }
    return { result: { readable: true, statements, forward: edited(text, edits) }, literalsMatter }
  }

  /** The text of a literal: it goes to the server as it stands, so it must need no other words. */
  #inner(text: string, reading: MysqlReading, withValues: boolean, depth: number): Read {
    if (depth >= DEEPEST || text.includes('/*!') || text.includes('/*M!')) {
      throw new Refusal(
        'statement_unreadable',
        'a statement in a string holds what is not read there',
      )
    }
    refuseUnfit(text, this.#options.maxTextBytes)
    const tokens = tokenize(text)
    if (tokens.length > MOST_WORDS) throw tooManyWords()
    const { result, literalsMatter } = this.#statements(
      text,
      tokens,
      reading,
      withValues,
      depth + 1,
    )
    const [statement] = result.statements
    if (result.statements.length !== 1 || statement === undefined || result.forward !== text) {
      throw new Refusal(
        'statement_unreadable',
        'a string that is run must hold one plain statement',
      )
    }
    return { statement, literalsMatter }
  }
}

interface Outcome {
  readonly result: Result
  readonly literalsMatter: boolean
}

/** The statements of a text; those of blanks are left out. */
function split(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const found: (readonly Token[])[] = []
  let from = 0
  while (from < tokens.length) {
    let end = codeEnd(tokens, from)
    if (end === undefined) {
      end = from
      while (end < tokens.length && !isMark(tokens[end], ';')) end++
    }
    if (end > from) found.push(tokens.slice(from, end))
    from = end + 1
  }
  return found
}

function edited(text: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return text
  let made = ''
  let from = 0
  for (const { start, end, by } of edits) {
    made += text.slice(from, start) + by
    from = end
  }
  return made + text.slice(from)
}

function refuseUnfit(text: string, maxBytes: number): void {
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) {
    throw new Refusal('statement_too_large', `the statement is over ${maxBytes} bytes`)
  }
  if (text.includes('\0')) throw new Refusal('statement_unreadable', 'the statement holds a NUL')
  if (!text.isWellFormed()) {
    throw new Refusal('statement_unreadable', 'the statement is not Unicode')
  }
}

function tooManyWords(): Refusal {
  return new Refusal(
    'statement_too_large',
    `the statement has over ${MOST_WORDS} words: send it in parts (rows of VALUES and items of IN that are alike count twice at most)`,
  )
}

function unreadable(error: unknown): Unreadable {
  const refused = (code: ReasonCode, message: string): Unreadable => ({
    readable: false,
    code,
    message,
  })
  if (error instanceof Refusal) return refused(error.code, error.message)
  // RangeError: nested too deeply for us. Others: a tree that is not as we know it.
  return refused('statement_unreadable', 'the statement is too complex to be read')
}
