// Words → a text for the parser in which no word can be read in two ways: strings, names in quotes and variables are numbers
// in private characters, comments are gone, and what the parser's grammar lacks is said in words that it has. After it has
// read, each word is accounted for (account.ts).
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
import { grammarFunctions, intervalUnits, keyWords, reservedWords } from './words.ts'

/** Stand before the number of the word that a string, a name, ... stands for. */
export const STANDS_FOR = '\ue000'

export interface Rendered {
  readonly text: string
  /** The word that stands at a column of the text, from 1. */
  readonly at: ReadonlyMap<number, number>
  readonly tokens: readonly Token[]
  /** Words that say nothing, or were said in another way. */
  readonly dropped: ReadonlySet<number>
}

const writeModifiers: ReadonlySet<string> = new Set([
  'low_priority',
  'delayed',
  'high_priority',
  'quick',
  'ignore',
])
const selectModifiers: ReadonlySet<string> = new Set([
  'high_priority',
  'straight_join',
  'sql_small_result',
  'sql_big_result',
  'sql_buffer_result',
  'sql_no_cache',
  'sql_cache',
  'sql_calc_found_rows',
  'all',
])

export function render(tokens: readonly Token[]): Rendered {
  return new Renderer(tokens).run()
}

class Renderer {
  readonly #tokens: readonly Token[]
  readonly #at = new Map<number, number>()
  readonly #dropped = new Set<number>()
  /** Added before or behind a word. */
  readonly #before = new Map<number, string>()
  readonly #after = new Map<number, string>()
  #text = ''
  #column = 1
  #parameters = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  run(): Rendered {
    this.#statement()
    for (let index = 0; index < this.#tokens.length; index++) this.#word(index)
    return { text: this.#text, at: this.#at, tokens: this.#tokens, dropped: this.#dropped }
  }

  /** What the first words say. */
  #statement(): void {
    const verb = this.#text_(0)
    if (verb === 'insert' || verb === 'replace' || verb === 'update' || verb === 'delete') {
      for (let index = 1; writeModifiers.has(this.#text_(index)); index++) {
        // What IGNORE leaves out tells which values are there already: the parser has words for it.
        if (verb === 'insert' && this.#is(index, 'ignore')) continue
        if (verb === 'update' && this.#is(index, 'ignore')) this.#before.set(index, 'OR IGNORE')
        this.#dropped.add(index)
      }
    }
    if (verb === 'update') this.#commas(1)
  }

  /** The tables of UPDATE. */
  #commas(index: number): void {
    let depth = 0
    for (; index < this.#tokens.length; index++) {
      const mark = this.#mark(index)
      if (mark === '(') depth++
      else if (mark === ')') depth--
      else if (depth === 0 && mark === ',') this.#swap(index, 'CROSS JOIN')
      else if (depth === 0 && this.#is(index, 'set')) return
    }
  }

  #word(index: number): void {
    const token = this.#tokens[index] as Token
    const before = this.#before.get(index)
    if (before !== undefined) this.#put(before)
    if (!this.#dropped.has(index)) {
      if (token.kind === WORD) this.#key(index, token)
      else this.#other(index, token)
    }
    const after = this.#after.get(index)
    if (after !== undefined) this.#put(after)
  }

  #other(index: number, { kind, text }: Token): void {
    if (kind === STRING || kind === BYTES) this.#put(`'${STANDS_FOR}${index}'`, index)
    else if (kind === NAME || kind === VARIABLE) this.#put(`\`${STANDS_FOR}${index}\``, index)
    else if (kind === SYSTEM) this.#system(index)
    else if (kind === PARAMETER) this.#put(`?${this.#parameters++}`, index)
    else if (kind === NUMBER) this.#put(text, index)
    else if (text === '{') this.#odbc(index)
    else if (kind === MARK) this.#put(markOf(text))
  }

  /** `{d '2020-01-01'}`: the string says it all. */
  #odbc(index: number): void {
    const sort = this.#text_(index + 1)
    const plain = sort === 'd' || sort === 't' || sort === 'ts'
    if (!plain || this.#tokens[index + 2]?.kind !== STRING || this.#mark(index + 3) !== '}') {
      throw new Refusal('statement_unreadable', 'the statement is not understood')
    }
    this.#dropped.add(index + 1)
    this.#dropped.add(index + 3)
  }

  /** `@@global.x` is one name. */
  #system(index: number): void {
    this.#put(`\`${STANDS_FOR}${index}\``, index)
    while (this.#mark(index + 1) === '.' && this.#tokens[index + 2] !== undefined) {
      this.#dropped.add(index + 1)
      this.#dropped.add(index + 2)
      index += 2
    }
  }

  #key(index: number, token: Token): void {
    // Behind a dot any word is a name.
    if (this.#mark(index - 1) === '.' || this.#mark(index + 1) === '.') {
      this.#name(index, token)
      return
    }
    const { text } = token
    if (text === 'select') this.#select(index)
    else if (text === 'interval') this.#interval(index, token)
    else if (text === 'match') this.#match(index, token)
    else if (text === 'mod' && this.#isInfix(index)) this.#put('%')
    else if (text === 'sounds' && this.#is(index + 1, 'like')) return
    else if (text === 'distinctrow') this.#put('DISTINCT')
    else if (intervalUnits.has(text) && text.includes('_')) this.#put('DAY')
    else if (text === 'character' && this.#is(index + 1, 'set') && this.#endsType(index + 1)) {
      this.#drop(index, 3)
    } else if (text === 'charset' && this.#endsType(index)) this.#drop(index, 2)
    else if (text === 'lock' && this.#words(index, 'lock in share mode')) this.#swap4(index)
    else if (text === 'with' && this.#is(index + 1, 'rollup')) this.#drop(index, 2)
    else if (text === 'using' && this.#isOfChar(index)) this.#drop(index, 2)
    else if (text === 'next' && this.#words(index, 'next value for')) this.#sequence(index)
    else if (text === 'rows' && this.#is(index + 1, 'examined')) this.#examined(index)
    else this.#name(index, token)
  }

  /** What the parser's own lexer might cut in another way goes as names in quotes do. */
  #name(index: number, { written }: Token): void {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(written)) this.#put(written, index)
    else this.#put(`\`${STANDS_FOR}${index}\``, index)
  }

  #select(index: number): void {
    this.#put('select')
    for (let next = index + 1; ; next++) {
      const word = this.#text_(next)
      if (this.#mark(next + 1) === '.') return
      if (selectModifiers.has(word)) this.#dropped.add(next)
      else if (word !== 'distinct' && word !== 'distinctrow') return
    }
  }

  /** `INTERVAL 1 DAY`, or the function `INTERVAL(1, 2, 3)`. */
  #interval(index: number, token: Token): void {
    if (this.#mark(index + 1) === '(') {
      const unit = this.#text_(this.#close(index + 1) + 1)
      if (!intervalUnits.has(unit)) {
        this.#put('`interval`')
        return
      }
    }
    this.#put(token.written, index)
  }

  /** The brackets of MATCH may be left out. */
  #match(index: number, token: Token): void {
    this.#put(token.written, index)
    if (this.#mark(index + 1) === '(') return
    for (let next = index + 1; next < this.#tokens.length; next++) {
      if (!this.#is(next, 'against')) continue
      this.#before.set(index + 1, '(')
      this.#after.set(next - 1, ')')
      return
    }
  }

  #swap4(index: number): void {
    this.#put('FOR SHARE')
    for (let next = 1; next < 4; next++) this.#dropped.add(index + next)
  }

  /** `NEXT VALUE FOR s` is `nextval(s)`. */
  #sequence(index: number): void {
    this.#put('`nextval`(')
    this.#dropped.add(index + 1)
    this.#dropped.add(index + 2)
    const end = this.#mark(index + 4) === '.' ? index + 5 : index + 3
    this.#after.set(end, ')')
  }

  /** `LIMIT 5 ROWS EXAMINED 100` */
  #examined(index: number): void {
    if (this.#tokens[index + 2]?.kind !== NUMBER) {
      throw new Refusal('statement_unreadable', 'the statement is not understood')
    }
    for (let next = 0; next < 3; next++) this.#dropped.add(index + next)
  }

  #drop(index: number, count: number): void {
    for (let next = 0; next < count; next++) {
      // Only words and names say so little.
      const kind = this.#tokens[index + next]?.kind
      if (kind !== WORD && kind !== NAME && kind !== STRING) {
        throw new Refusal('statement_unreadable', 'the statement is not understood')
      }
      this.#dropped.add(index + next)
    }
  }

  /** `a MOD b`: an operand stands before. */
  #isInfix(index: number): boolean {
    const before = this.#tokens[index - 1]
    if (before === undefined) return false
    if (before.kind === MARK) return before.text === ')'
    return before.kind !== WORD || !reservedWords.has(before.text)
  }

  /** `CAST(a AS CHAR CHARSET utf8)`: the end of a cast's type. Elsewhere the word is a name, an alias say. */
  #endsType(index: number): boolean {
    const named = this.#tokens[index + 1]
    if (this.#mark(index + 2) !== ')') return false
    if (named?.kind === WORD && reservedWords.has(named.text) && named.text !== 'binary')
      return false
    const holder = this.#holder(index)
    return holder === 'cast' || holder === 'convert'
  }

  /** The word before the bracket that a word stands in. */
  #holder(index: number): string {
    let depth = 0
    for (let at = index - 1; at > 0; at--) {
      const mark = this.#mark(at)
      if (mark === ')') depth++
      else if (mark === '(' && depth-- === 0) return this.#text_(at - 1)
    }
    return ''
  }

  /** `CHAR(65 USING utf8)` */
  #isOfChar(index: number): boolean {
    if (this.#mark(index + 2) !== ')') return false
    return this.#holder(index) === 'char'
  }

  #close(index: number): number {
    let depth = 0
    for (; index < this.#tokens.length; index++) {
      const mark = this.#mark(index)
      if (mark === '(') depth++
      else if (mark === ')' && --depth === 0) return index
    }
    return index
  }

  #swap(index: number, by: string): void {
    this.#before.set(index, by)
    this.#dropped.add(index)
  }

  #words(index: number, words: string): boolean {
    return words.split(' ').every((word, next) => this.#is(index + next, word))
  }

  #is(index: number, word: string): boolean {
    const token = this.#tokens[index]
    return token?.kind === WORD && token.text === word
  }

  #text_(index: number): string {
    const token = this.#tokens[index]
    return token?.kind === WORD ? token.text : ''
  }

  #mark(index: number): string | undefined {
    const token = this.#tokens[index]
    return token?.kind === MARK ? token.text : undefined
  }

  #put(text: string, index?: number): void {
    if (index !== undefined) this.#at.set(this.#column, index)
    this.#text += `${text} `
    this.#column += text.length + 1
  }
}

/** As the server ranks them with PIPES_AS_CONCAT and HIGH_NOT_PRECEDENCE off. */
function markOf(text: string): string {
  if (text === '||') return 'OR'
  if (text === '&&') return 'AND'
  // Binds closer than NOT; what it makes of its operand nobody asks.
  return text === '!' ? '~' : text
}

/** True for a word that may stand in the parser's text without being a name. */
export function isGrammar(word: string): boolean {
  return reservedWords.has(word) || keyWords.has(word) || grammarFunctions.has(word)
}
