// Text → Analysis or Unreadable. Owns the limits and what is kept; the meaning is in postgres/.
// Nothing that a text says makes `analyse` throw.
import { hasSqlDetails, loadModule, parseSync } from 'libpg-query'
import type { Analysis, SqlStatement, Unreadable } from './analysis.ts'
import { TextCache } from './cache.ts'
import { literalFree } from './literal-free.ts'
import { Refusal } from './postgres/draft.ts'
import { isTree, listOf } from './postgres/tree.ts'
import { Walk } from './postgres/walk.ts'

export interface Analyser {
  analyse(text: string): Analysis | Unreadable
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
  readonly #byShape: TextCache<Analysis>

  constructor(options: AnalyserOptions) {
    const {
      maxTextBytes = 1024 * 1024,
      maxEntries = 4096,
      maxKeptBytes = 16 * 1024 * 1024,
    } = options
    this.#maxTextBytes = maxTextBytes
    this.#byText = new TextCache(maxEntries, maxKeptBytes / 2)
    this.#byShape = new TextCache(maxEntries, maxKeptBytes / 2)
  }

  analyse(text: string): Analysis | Unreadable {
    const kept = this.#byText.get(text)
    if (kept !== undefined) return kept
    const shape = literalFree(text)
    const known = shape === undefined ? undefined : this.#byShape.get(shape)
    if (known !== undefined) return known
    const { result, literalsMatter } = this.#read(text)
    if (shape !== undefined && result.readable && !literalsMatter) {
      this.#byShape.set(shape, result, weightOf(result))
    } else {
      this.#byText.set(text, result, weightOf(result))
    }
    return result
  }

  #read(text: string): { result: Analysis | Unreadable; literalsMatter: boolean } {
    try {
      this.#refuseUnfit(text)
      return readStatements(text)
    } catch (error) {
      // Whatever went wrong, the text is not understood, and what is not understood is refused.
      return { result: unreadable(error), literalsMatter: true }
    }
  }

  #refuseUnfit(text: string): void {
    if (text.length > this.#maxTextBytes || Buffer.byteLength(text) > this.#maxTextBytes) {
      throw new Refusal('statement_too_large', `the statement is over ${this.#maxTextBytes} bytes`)
    }
    // The parser reads what precedes a NUL, the server refuses it: we must not judge the half.
    if (text.includes('\0')) throw new Refusal('statement_unreadable', 'the statement holds a NUL')
    if (!text.isWellFormed())
      throw new Refusal('statement_unreadable', 'the statement is not Unicode')
  }
}

function readStatements(text: string): { result: Analysis; literalsMatter: boolean } {
  if (text === '') return { result: { readable: true, statements: [] }, literalsMatter: true }
  const parsed = listOf(parseSync(text).stmts)
  if (parsed.length > MOST_STATEMENTS) {
    throw new Refusal('statement_too_large', `the text holds over ${MOST_STATEMENTS} statements`)
  }
  const statements: SqlStatement[] = []
  let literalsMatter = false
  let operations = 0
  for (const raw of parsed) {
    const node = isTree(raw) ? raw['stmt'] : undefined
    const walk = new Walk()
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

/** About what a result costs in memory. */
function weightOf(result: Analysis | Unreadable): number {
  if (!result.readable) return 256
  let bytes = 128
  for (const each of result.statements) {
    bytes += 640 + each.operations.length * 320
    if (each.columnNames !== 'all') bytes += each.columnNames.length * 24
    for (const operation of each.operations) {
      bytes += (operation.columns.length + operation.qualified.length) * 24
    }
  }
  return bytes
}
