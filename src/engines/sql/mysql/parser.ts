// The grammar: sqlparser-rs in WebAssembly, for what queries, INSERT, UPDATE and DELETE hold. Whoever calls has bounded the
// words and their depth. Should it trap all the same, that instance is given up: its stack is gone for good.
import { Refusal } from '../draft.ts'

/** (The types of Node leave it to those of the DOM.) */
declare const WebAssembly: {
  compile(code: Uint8Array): Promise<object>
  readonly RuntimeError: new () => Error
}

interface Glue {
  initSync(from: { readonly module: object }): unknown
  parse_sql(dialect: string, text: string): unknown
}

const HOME = new URL('../wasm/', import.meta.resolve('@guanmingchiu/sqlparser-ts')).href

/** Where the grammar's code lies: whoever makes an analyser hands it in, for an engine reads no file. */
export const mysqlGrammar = new URL('sqlparser_rs_wasm_bg.wasm', HOME)

/** What an instance held stays in memory. No text within the bounds is known to trap. */
const MOST_INSTANCES = 32

export class Parser {
  readonly #code: object
  #glue: Glue | undefined
  #made = 0

  private constructor(code: object) {
    this.#code = code
  }

  /** `code`: what lies at `mysqlGrammar`. */
  static async load(code: Uint8Array): Promise<Parser> {
    const parser = new Parser(await WebAssembly.compile(code))
    await parser.#renew()
    return parser
  }

  /** The statements of a text. Throws a Refusal for what is no SQL. */
  parse(text: string): readonly unknown[] {
    const glue = this.#glue
    if (glue === undefined)
      throw new Refusal('statement_unreadable', 'the statement cannot be read')
    try {
      const parsed = glue.parse_sql('mysql', text)
      return Array.isArray(parsed) ? parsed : []
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
        this.#glue = undefined
        // Until it is there texts are refused. Safe: without one they all are.
        this.#renew().catch(() => {})
        throw new Refusal('statement_unreadable', 'the statement is too complex to be read')
      }
      throw new Refusal('statement_unreadable', messageOf(error))
    }
  }

  async #renew(): Promise<void> {
    if (this.#made >= MOST_INSTANCES) return
    // (The package's own loader loads it once and for all.)
    const glue = (await import(`${HOME}sqlparser_rs_wasm.js?instance=${this.#made++}`)) as Glue
    glue.initSync({ module: this.#code })
    this.#glue = glue
  }
}

/** The parser's words name words of the text that it was given, which is not the client's own. */
function messageOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error)
  if (words.includes('recursion limit')) return 'the statement is nested too deeply'
  return 'the statement is not understood'
}
