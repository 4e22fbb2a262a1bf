// Puts the words back into what the parser has made, and holds it against them: each string, name in quotes, variable, number
// and parameter stands in the tree, each other word is a name in it or a key word, and no reserved word is taken for a name.
// Where parser and lexer disagree the text is refused.
import { Refusal } from '../draft.ts'
import {
  BYTES,
  MARK,
  NAME,
  NUMBER,
  PARAMETER,
  STRING,
  SYSTEM,
  type Token,
  VARIABLE,
  WORD,
} from './lexer.ts'
import { isGrammar, type Rendered, STANDS_FOR } from './render.ts'
import { reservedWords } from './words.ts'

/** Reserved words that the parser gives as names, and what they are. */
const reservedNames: ReadonlySet<string> = new Set([
  'default',
  'current_user',
  'current_role',
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
  'utc_date',
  'utc_time',
  'utc_timestamp',
  // An index, and a table that is none.
  'primary',
  'dual',
])

interface Node {
  [field: string]: unknown
}

export function account(trees: readonly unknown[], rendered: Rendered): void {
  new Account(rendered).run(trees)
}

class Account {
  readonly #rendered: Rendered
  readonly #seen = new Set<number>()
  #numbers = 0

  constructor(rendered: Rendered) {
    this.#rendered = rendered
  }

  run(trees: readonly unknown[]): void {
    for (const tree of trees) this.#visit(tree)
    let numbers = 0
    for (const [index, token] of this.#rendered.tokens.entries()) {
      if (this.#rendered.dropped.has(index) || token.kind === MARK) continue
      if (token.kind === NUMBER) numbers++
      else if (token.kind === WORD) {
        if (!this.#seen.has(index) && !isGrammar(token.text)) throw disagreed()
      } else if (!this.#seen.has(index)) throw disagreed()
    }
    if (numbers !== this.#numbers) throw disagreed()
  }

  #visit(value: unknown): void {
    if (Array.isArray(value)) {
      for (const each of value) this.#visit(each)
    } else if (typeof value === 'number' || typeof value === 'bigint') this.#numbers++
    else if (typeof value === 'object' && value !== null) this.#node(value as Node)
  }

  #node(node: Node): void {
    const name = node['value']
    if (typeof name === 'string' && node['span'] !== undefined && name !== 'Null') {
      this.#name(node, name)
    }
    for (const field in node) {
      if (field === 'span' || field.endsWith('_token')) continue
      else {
        const value = node[field]
        if (typeof value === 'string') this.#string(node, field, value)
        else if (field === 'Number' && Array.isArray(value)) this.#numbers++
        else if (typeof value === 'object') this.#visit(value)
        else if (typeof value === 'number' || typeof value === 'bigint') this.#numbers++
      }
    }
  }

  /** A name. */
  #name(node: Node, name: string): void {
    if (name.startsWith(STANDS_FOR)) return
    const column = (node['span'] as { start?: { column?: number } }).start?.column
    const index = column === undefined ? undefined : this.#rendered.at.get(column)
    const token = index === undefined ? undefined : this.#rendered.tokens[index]
    if (index === undefined || token === undefined) {
      // A word that the rendering has put there.
      if (node['quote_style'] === '`') return
      throw disagreed()
    }
    if (token.kind !== WORD || token.written !== name) throw disagreed()
    this.#seen.add(index)
    if (!reservedWords.has(token.text) || reservedNames.has(token.text)) return
    if (!this.#mayBeName(index)) throw disagreed()
  }

  /** Behind a dot, or the name of a function. */
  #mayBeName(index: number): boolean {
    const { tokens } = this.#rendered
    const isMark = (at: number, mark: string): boolean => {
      const token = tokens[at]
      return token?.kind === MARK && token.text === mark
    }
    return isMark(index - 1, '.') || isMark(index + 1, '(')
  }

  #string(node: Node, field: string, value: string): void {
    if (value.startsWith('?') && field === 'Placeholder') {
      const at = Number(value.slice(1))
      const index = this.#parameter(at)
      this.#seen.add(index)
      node[field] = '?'
      return
    }
    if (!value.includes(STANDS_FOR)) return
    const index = Number(value.slice(1))
    const token = this.#rendered.tokens[index]
    if (token === undefined || value !== `${STANDS_FOR}${index}` || this.#seen.has(index)) {
      throw disagreed()
    }
    this.#seen.add(index)
    if (token.kind === STRING || token.kind === NAME) node[field] = token.text
    else if (token.kind === WORD) {
      node[field] = token.written
      delete node['quote_style']
    } else if (token.kind === BYTES) {
      delete node[field]
      // In a name's place (an alias) it stands for itself.
      node[field === 'SingleQuotedString' ? 'HexStringLiteral' : field] = token.text
    } else if (token.kind === VARIABLE || token.kind === SYSTEM) this.#variable(node, index, token)
    else throw disagreed()
  }

  #variable(node: Node, index: number, token: Token): void {
    if (node['quote_style'] !== '`') throw disagreed()
    // As the parser has them where they are written plainly: a name without quotes that begins with its signs.
    delete node['quote_style']
    if (token.kind === VARIABLE) {
      node['value'] = `@${token.text}`
      return
    }
    let name = token.text
    const { tokens, dropped } = this.#rendered
    for (let next = index + 1; dropped.has(next) && dropped.has(next + 1); next += 2) {
      if (tokens[next]?.text !== '.') break
      name += `.${tokens[next + 1]?.text}`
    }
    node['value'] = `@@${name}`
  }

  #parameter(at: number): number {
    let left = at
    for (const [index, token] of this.#rendered.tokens.entries()) {
      if (token.kind === PARAMETER && left-- === 0) return index
    }
    throw disagreed()
  }
}

function disagreed(): Refusal {
  return new Refusal('statement_unreadable', 'the statement is not understood')
}
