// What code that is kept on the server does: bodies of functions, procedures and triggers. The statements in them are read
// by the same analyser as anybody's; what cuts them apart is here. Never throws past its door: what cannot be read is unknown.
import type { SqlStatement } from '../analysis.ts'
import { Refusal } from '../draft.ts'
import type { Code } from '../postgres/bodies.ts'
import { MARK, NAME, type Token, tokenize, VARIABLE, WORD } from './lexer.ts'
import type { MysqlAnalyser } from './reading.ts'

/** Reads one statement's text. */
export type ReadStatement = (text: string) => ReturnType<MysqlAnalyser['analyse']>

/** `parameters`: of the routine, in lower case. */
export function readMysqlBody(
  body: string,
  parameters: readonly string[],
  read: ReadStatement,
): Code | 'unknown' {
  try {
    return new Body(body, parameters, read).run()
  } catch (error) {
    // Safe: of what is unknown the worst is assumed. RangeError: nested too deeply for us.
    if (error instanceof Refusal || error instanceof RangeError) return 'unknown'
    throw error
  }
}

/** Statements of a body that touch nothing but its own variables and its course. */
const own: ReadonlySet<string> = new Set(['leave', 'iterate', 'open', 'close', 'fetch'])
/** They run what is built at run time. */
const built: ReadonlySet<string> = new Set(['prepare', 'execute', 'deallocate'])
const scopes: ReadonlySet<string> = new Set(['session', 'global', 'local', 'persist', 'statement'])

class Body {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #read: ReadStatement
  /** Names of variables: parameters, and what is declared so far. */
  readonly #variables: Set<string>
  readonly #statements: SqlStatement[] = []
  #dynamic = false
  #at = 0

  constructor(body: string, parameters: readonly string[], read: ReadStatement) {
    // What stands in these between two statements would belong to neither.
    if (/\/\*M?!/i.test(body)) throw unread()
    this.#text = body
    this.#tokens = tokenize(body)
    this.#read = read
    this.#variables = new Set(parameters)
  }

  run(): Code {
    this.#statement()
    if (this.#isMark(';')) this.#at++
    if (this.#at < this.#tokens.length) throw unread()
    return { statements: this.#statements, dynamic: this.#dynamic, variables: true }
  }

  #statement(): void {
    if (this.#isLabel()) this.#at += 2
    const word = this.#word()
    switch (word) {
      case 'begin':
        this.#block()
        return
      case 'declare':
        this.#declare()
        return
      case 'if':
        this.#if()
        return
      case 'case':
        this.#case()
        return
      case 'while':
        this.#at++
        this.#expression('do')
        this.#body('while', 'end')
        return
      case 'loop':
        this.#at++
        this.#body('loop', 'end')
        return
      case 'repeat':
        this.#repeat()
        return
      case 'return':
        this.#at++
        this.#expression(';')
        return
      case 'set':
        this.#set()
        return
      // MariaDB's loop over a cursor or a range.
      case 'for':
        throw unread()
      default:
        this.#plain(word)
        return
    }
  }

  /** BEGIN ... END. */
  #block(): void {
    this.#at++
    if (this.#is('not')) this.#at += 2
    this.#list('end')
    this.#at++
    this.#labelBehind()
  }

  /** Statements, each with its `;`, until one of the words. */
  #list(...until: readonly string[]): void {
    while (!until.includes(this.#word())) {
      if (this.#at >= this.#tokens.length) throw unread()
      this.#statement()
      if (!this.#isMark(';')) throw unread()
      this.#at++
    }
  }

  /** Statements and `END word`. */
  #body(word: string, until: string): void {
    this.#list(until)
    this.#at++
    if (!this.#is(word)) throw unread()
    this.#at++
    this.#labelBehind()
  }

  #if(): void {
    this.#at++
    for (;;) {
      this.#expression('then')
      this.#list('elseif', 'else', 'end')
      if (!this.#is('elseif')) break
      this.#at++
    }
    if (this.#is('else')) this.#at++
    this.#body('if', 'end')
  }

  #case(): void {
    this.#at++
    if (!this.#is('when')) this.#expression('when', true)
    while (this.#is('when')) {
      this.#at++
      this.#expression('then')
      this.#list('when', 'else', 'end')
    }
    if (this.#is('else')) this.#at++
    this.#body('case', 'end')
  }

  #repeat(): void {
    this.#at++
    this.#list('until')
    this.#at++
    this.#expression('end')
    if (!this.#is('repeat')) throw unread()
    this.#at++
    this.#labelBehind()
  }

  #declare(): void {
    const start = this.#at
    this.#at++
    const second = this.#word()
    if (second === 'continue' || second === 'exit' || second === 'undo') {
      while (!this.#is('for')) this.#next()
      this.#next()
      this.#conditions()
      this.#statement()
      return
    }
    const names: string[] = []
    for (; ; this.#at++) {
      names.push(this.#name())
      if (!this.#isMark(',')) break
    }
    const kind = this.#word()
    if (kind === 'condition') {
      this.#at = this.#end()
      return
    }
    if (kind === 'cursor') {
      while (!this.#is('for')) this.#next()
      this.#next()
      this.#take(this.#at, this.#end())
      return
    }
    for (const name of names) this.#variables.add(name)
    const end = this.#end()
    let at = start
    while (at < end && !this.#isAt(at, 'default')) at++
    if (at < end) this.#analyse(`SELECT ${this.#slice(at + 1, end)}`)
    this.#at = end
  }

  /** What a handler is for: up to the statement that it is. */
  #conditions(): void {
    for (;;) {
      const word = this.#word()
      if (word === 'not') this.#at += 2
      else if (word === 'sqlstate') this.#at += this.#isAt(this.#at + 1, 'value') ? 3 : 2
      else this.#at++
      if (!this.#isMark(',')) return
      this.#at++
    }
  }

  /** `SET a = 1, NEW.b = 2`: variables of the body, row of a trigger; anything else is the session's. */
  #set(): void {
    const end = this.#end()
    let at = this.#at + 1
    while (at < end) {
      const stop = this.#comma(at, end)
      const first = this.#tokens[at]
      const row = this.#isAt(at, 'new') && this.#isMarkAt(at + 1, '.')
      const mark = row ? at + 3 : at + 1
      const plain = first?.kind === WORD || first?.kind === NAME
      const local =
        plain && !scopes.has(first.text) && this.#variables.has(first.text.toLowerCase())
      if ((row || local) && (this.#isMarkAt(mark, '=') || this.#isMarkAt(mark, ':='))) {
        this.#analyse(`SELECT ${this.#slice(mark + 1, stop)}`)
      } else this.#analyse(`SET ${this.#slice(at, stop)}`)
      at = stop + 1
    }
    this.#at = end
  }

  #plain(word: string): void {
    const start = this.#at
    const end = this.#end()
    this.#at = end
    if (word === '' && !this.#isMarkAt(start, '(')) throw unread()
    if (own.has(word)) return
    // What it says may be anything; where it goes is the answer, as of all code.
    if (word === 'signal' || word === 'resignal' || word === 'get') return
    if (built.has(word)) {
      this.#dynamic = true
      return
    }
    this.#take(start, end)
  }

  /** A statement without the variables that its answer goes into. */
  #take(start: number, end: number): void {
    this.#at = end
    const query =
      this.#isAt(start, 'select') || this.#isAt(start, 'with') || this.#isMarkAt(start, '(')
    if (!query) {
      this.#analyse(this.#slice(start, end))
      return
    }
    let text = ''
    let from = start
    for (let at = start; at < end; at++) {
      if (!this.#isAt(at, 'into')) continue
      const behind = this.#variablesBehind(at + 1)
      if (behind === undefined) continue
      text += ` ${this.#slice(from, at)}`
      from = behind
      at = behind - 1
    }
    this.#analyse(`${text} ${this.#slice(from, end)}`.trim())
  }

  /** `INTO a, @b`: the index behind; undefined for a file. */
  #variablesBehind(at: number): number | undefined {
    const isTarget = (index: number): boolean => {
      const token = this.#tokens[index]
      if (token?.kind === VARIABLE) return true
      const name = token?.kind === WORD || token?.kind === NAME
      return name && this.#variables.has(token.text.toLowerCase())
    }
    if (!isTarget(at)) return undefined
    let next = at + 1
    while (this.#isMarkAt(next, ',') && isTarget(next + 1)) next += 2
    return next
  }

  /** An expression up to that word or mark, which it passes over, but for `;` and where it is to be `kept`. */
  #expression(until: string, kept = false): void {
    const start = this.#at
    let brackets = 0
    let cases = 0
    for (; ; this.#at++) {
      const token = this.#tokens[this.#at]
      if (token === undefined) {
        if (until === ';') break
        throw unread()
      }
      if (token.kind === MARK) {
        if (token.text === '(') brackets++
        else if (token.text === ')') brackets--
        else if (token.text === ';' && until !== ';') throw unread()
      }
      const open = brackets > 0 || cases > 0
      if (!open && (token.kind === WORD || token.kind === MARK) && token.text === until) break
      if (token.kind === WORD && token.text === 'case') cases++
      else if (token.kind === WORD && token.text === 'end') cases--
    }
    this.#analyse(`SELECT ${this.#slice(start, this.#at)}`)
    if (until !== ';' && !kept) this.#at++
  }

  #analyse(text: string): void {
    const analysis = this.#read(text)
    if (!analysis.readable) throw unread()
    this.#statements.push(...analysis.statements)
  }

  #slice(start: number, end: number): string {
    const first = this.#tokens[start]
    const last = this.#tokens[end - 1]
    if (first === undefined || last === undefined || end <= start) throw unread()
    return this.#text.slice(first.start, last.end)
  }

  /** The index of the `;` that ends the statement, or behind the last word. */
  #end(): number {
    let at = this.#at
    while (at < this.#tokens.length && !this.#isMarkAt(at, ';')) at++
    return at
  }

  #comma(from: number, end: number): number {
    let depth = 0
    for (let at = from; at < end; at++) {
      if (this.#isMarkAt(at, '(')) depth++
      else if (this.#isMarkAt(at, ')')) depth--
      else if (depth === 0 && this.#isMarkAt(at, ',')) return at
    }
    return end
  }

  #next(): void {
    this.#at++
    if (this.#at >= this.#tokens.length) throw unread()
  }

  #isLabel(): boolean {
    const token = this.#tokens[this.#at]
    const name = token?.kind === WORD || token?.kind === NAME
    return name && this.#isMarkAt(this.#at + 1, ':')
  }

  #labelBehind(): void {
    const token = this.#tokens[this.#at]
    if (token?.kind === WORD || token?.kind === NAME) this.#at++
  }

  #name(): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== WORD && token?.kind !== NAME) throw unread()
    this.#at++
    return token.text.toLowerCase()
  }

  #word(): string {
    const token = this.#tokens[this.#at]
    return token?.kind === WORD ? token.text : ''
  }

  #is(word: string): boolean {
    return this.#word() === word
  }

  #isAt(at: number, word: string): boolean {
    const token = this.#tokens[at]
    return token?.kind === WORD && token.text === word
  }

  #isMark(mark: string): boolean {
    return this.#isMarkAt(this.#at, mark)
  }

  #isMarkAt(at: number, mark: string): boolean {
    const token = this.#tokens[at]
    return token?.kind === MARK && token.text === mark
  }
}

function unread(): Refusal {
  return new Refusal('statement_unreadable', 'the body is not understood')
}
