// Text → Analysis or Unreadable. Owns the limits and what is kept; the meaning is in postgres/.
// Nothing that a text says makes `analyse` throw.

import { hasSqlDetails, loadModule, parseSync } from 'libpg-query'
import type { ReasonCode } from '#model'
import type { Analysis, SqlStatement, Unreadable } from './analysis.ts'
import { TextCache } from './cache.ts'
import { Refusal } from './draft.ts'
import { isTree, listOf } from './postgres/tree.ts'
import { MOST_WORDS, Walk } from './postgres/walk.ts'
import { type Reduced, reduce } from './reduce.ts'
import { hasCostlyRun } from './runs.ts'
import { ShapeCache } from './shape-cache.ts'
import { weightOf } from './weight.ts'

export interface Analyser {
  analyse(text: string): Analysis | Unreadable
  /** The same with the values that columns are compared with in its plans, for `comparedValues`; read anew each time. */
  analyseWithValues(text: string): Analysis | Unreadable
}

export interface AnalyserOptions {
  /** The longest text, in UTF-8 bytes. */
  readonly maxTextBytes?: number
  /** How many texts are kept. */
  readonly maxEntries?: number
  /** How many bytes are kept, about. */
  readonly maxKeptBytes?: number
}

const MOST_STATEMENTS = 10_000
/** Each is decided; a text with more is no statement that a person could approve. */
const MOST_OPERATIONS = 10_000

/** Loads the grammar. One analyser serves all sessions. */
export async function createPostgresAnalyser(options: AnalyserOptions = {}): Promise<Analyser> {
  await loadModule()
  return new PostgresAnalyser(options)
}

class PostgresAnalyser implements Analyser {
  readonly #maxTextBytes: number
  readonly #byText: TextCache<Analysis | Unreadable>
  readonly #byShape: ShapeCache<Analysis>

  constructor(options: AnalyserOptions) {
    const {
      maxTextBytes = 1024 * 1024,
      maxEntries = 4096,
      maxKeptBytes = 16 * 1024 * 1024,
    } = options
    this.#maxTextBytes = maxTextBytes
    this.#byText = new TextCache(maxEntries, maxKeptBytes / 2)
    this.#byShape = new ShapeCache(maxEntries, maxKeptBytes / 2, '"')
  }

  analyse(text: string): Analysis | Unreadable {
    // First by shape: texts with values mostly come once, and looking for one that was not there costs as much as its shape.
    const known = this.#byShape.get(text)
    if (known !== undefined) return known
    const kept = this.#byText.get(text)
    if (kept !== undefined) return kept
    return text.length > MOST_WORDS ? this.#long(text) : this.#short(text)
  }

  analyseWithValues(text: string): Analysis | Unreadable {
    // Longer ones say more values than anybody is allowed.
    return text.length > MOST_WORDS ? tooManyWords : this.#read(text, true).result
  }

  #short(text: string): Analysis | Unreadable {
    const { result, literalsMatter } = this.#read(text)
    const weight = weightOf(result)
    const byShape = result.readable && !literalsMatter && this.#byShape.set(text, result, weight)
    if (!byShape) this.#byText.set(text, result, weight)
    return result
  }

  /** A text that may hold more words than we read. */
  #long(text: string): Analysis | Unreadable {
    const result = refusal(text, this.#maxTextBytes) ?? this.#bulk(text)
    this.#byText.set(text, result, weightOf(result))
    return result
  }

  #bulk(text: string): Analysis | Unreadable {
    const reduced = reduce(text)
    if (reduced === undefined || reduced.tokens > MOST_WORDS) return tooManyWords
    const read = this.#reduced(text, reduced)
    const whole = reduced.text === text
    if (whole || !read.literalsMatter || !read.result.readable) return read.result
    // A value that was taken out may matter.
    return reduced.allTokens > MOST_WORDS ? tooManyWords : this.#read(text).result
  }

  /** Lists made short are often the same text, or of the same shape, as other long ones. */
  #reduced(text: string, reduced: Reduced): Read {
    const shorter = reduced.text !== text
    const known = shorter ? this.#byShape.get(reduced.text) : undefined
    if (known !== undefined) return { result: known, literalsMatter: false }
    const read = this.#read(reduced.text)
    if (shorter && read.result.readable && !read.literalsMatter)
      this.#byShape.set(reduced.text, read.result, weightOf(read.result))
    if (read.result.readable || read.result.position === undefined) return read
    const position = reduced.original(read.result.position)
    return { ...read, result: { ...read.result, position } }
  }

  #read(text: string, withValues = false): Read {
    try {
      const unfit = refusal(text, this.#maxTextBytes)
      return unfit === undefined
        ? readStatements(text, withValues)
        : { result: unfit, literalsMatter: true }
    } catch (error) {
      // Whatever went wrong, the text is not understood, and what is not understood is refused.
      return { result: unreadable(error), literalsMatter: true }
    }
  }
}

interface Read {
  readonly result: Analysis | Unreadable
  readonly literalsMatter: boolean
}

const tooManyWords: Unreadable = {
  readable: false,
  code: 'statement_too_large',
  message: `the statement has over ${MOST_WORDS} words: send it in parts (rows of VALUES and items of IN that are alike count twice at most), or use COPY for rows`,
}

/** What no text may be, whatever it says. */
function refusal(text: string, maxBytes: number): Unreadable | undefined {
  const refused = (code: ReasonCode, message: string): Unreadable => ({
    readable: false,
    code,
    message,
  })
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) {
    return refused('statement_too_large', `the statement is over ${maxBytes} bytes`)
  }
  // The parser reads what precedes a NUL, the server refuses it: we must not judge the half.
  if (text.includes('\0')) return refused('statement_unreadable', 'the statement holds a NUL')
  if (!text.isWellFormed()) return refused('statement_unreadable', 'the statement is not Unicode')
  if (hasCostlyRun(text)) {
    return refused('statement_too_large', 'the statement holds too long a run of operators')
  }
  return undefined
}

function readStatements(text: string, withValues: boolean): Read {
  if (text === '') return { result: { readable: true, statements: [] }, literalsMatter: true }
  const parsed = listOf(parseSync(text).stmts)
  if (parsed.length > MOST_STATEMENTS) {
    throw new Refusal('statement_too_large', `the text holds over ${MOST_STATEMENTS} statements`)
  }
  const statements: SqlStatement[] = []
  let literalsMatter = false
  let operations = 0
  const left = { words: MOST_WORDS }
  for (const raw of parsed) {
    const node = isTree(raw) ? raw['stmt'] : undefined
    const walk = new Walk(withValues, left)
    const statement = walk.statement(node)
    if (walk.draft.literalsMatter) literalsMatter = true
    statements.push(statement)
    operations += statement.operations.length
    if (operations > MOST_OPERATIONS) {
      throw new Refusal('statement_too_large', `the text holds over ${MOST_OPERATIONS} operations`)
    }
  }
  return { result: { readable: true, statements }, literalsMatter }
}

function unreadable(error: unknown): Unreadable {
  if (error instanceof Refusal) {
    return { readable: false, code: error.code, message: error.message }
  }
  if (hasSqlDetails(error)) {
    const { message, cursorPosition } = error.sqlDetails ?? {
      message: error.message,
      cursorPosition: 0,
    }
    return { readable: false, code: 'statement_unreadable', message, position: cursorPosition + 1 }
  }
  // RangeError: nested too deeply for us. Others: the parser gave up.
  return {
    readable: false,
    code: 'statement_unreadable',
    message: 'the statement is too complex to be read',
  }
}
