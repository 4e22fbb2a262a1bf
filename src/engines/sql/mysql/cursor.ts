// Walks the words of one statement that no parser reads: what it is, and which names it has.
import type { RelationName } from '../analysis.ts'
import { Refusal } from '../draft.ts'
import { MARK, NAME, STRING, type Token, WORD } from './lexer.ts'

export class Cursor {
  readonly tokens: readonly Token[]
  at: number

  constructor(tokens: readonly Token[], at = 0) {
    this.tokens = tokens
    this.at = at
  }

  get done(): boolean {
    return this.at >= this.tokens.length
  }

  get token(): Token | undefined {
    return this.tokens[this.at]
  }

  /** The key word here, in lower case; empty when there is none. */
  get word(): string {
    const token = this.tokens[this.at]
    return token?.kind === WORD ? token.text : ''
  }

  /** True when these words stand here; then it goes behind them. */
  take(words: string): boolean {
    const all = words.split(' ')
    if (!all.every((word, index) => isWord(this.tokens[this.at + index], word))) return false
    this.at += all.length
    return true
  }

  takeMark(mark: string): boolean {
    const token = this.tokens[this.at]
    if (token?.kind !== MARK || token.text !== mark) return false
    this.at++
    return true
  }

  /** A name, with or without quotes. */
  name(): string {
    const token = this.tokens[this.at]
    if (token === undefined || (token.kind !== WORD && token.kind !== NAME)) throw unread()
    this.at++
    return token.kind === WORD ? token.written : token.text
  }

  /** `db.t` */
  relation(): RelationName {
    const first = this.name()
    if (!this.takeMark('.')) return { schema: undefined, name: first }
    return { schema: first, name: this.name() }
  }

  string(): string | undefined {
    const token = this.tokens[this.at]
    if (token?.kind !== STRING) return undefined
    this.at++
    return token.text
  }

  /** The words from here on as one text: what is no key word and no mark stands as `?`. */
  rest(): string {
    return this.tokens
      .slice(this.at)
      .map(each => (each.kind === WORD || each.kind === MARK ? each.text : '?'))
      .join(' ')
  }

  /** What stands from here on. */
  left(): readonly Token[] {
    return this.tokens.slice(this.at)
  }

  /** The index of the first of these words from here on that stands in no bracket; -1 when there is none. */
  find(...words: readonly string[]): number {
    let depth = 0
    for (let index = this.at; index < this.tokens.length; index++) {
      const token = this.tokens[index] as Token
      if (token.kind === MARK && token.text === '(') depth++
      else if (token.kind === MARK && token.text === ')') depth--
      else if (depth === 0 && token.kind === WORD && words.includes(token.text)) {
        if (!isMark(this.tokens[index - 1], '.')) return index
      }
    }
    return -1
  }

  end(): void {
    if (!this.done) throw unread()
  }
}

export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === WORD && token.text === word
}

export function isMark(token: Token | undefined, mark: string): boolean {
  return token?.kind === MARK && token.text === mark
}

export function unread(): Refusal {
  return new Refusal('statement_unreadable', 'the statement is not understood')
}
