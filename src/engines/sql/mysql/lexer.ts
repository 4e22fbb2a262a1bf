// A text's words, as the server's own lexer cuts them. What it would cut in a way that we are not sure of is refused.
// Knows nothing of what words mean.
import { Refusal } from '../draft.ts'
import { commentEnd, isLineComment, lineEnd, quotedEnd, unquoted } from './strings.ts'

/** A name or key word without quotes. */
export const WORD = 1
/** A name in backticks. */
export const NAME = 2
/** Strings side by side are one. */
export const STRING = 3
export const NUMBER = 4
/** `0x41`, `x'41'`, `b'01'`, and strings of `_binary`. */
export const BYTES = 5
/** `@a`, `@'a'` */
export const VARIABLE = 6
/** `@@a`; `.` and names may follow. */
export const SYSTEM = 7
/** `?` */
export const PARAMETER = 8
export const MARK = 9

export interface Token {
  readonly kind: number
  readonly start: number
  end: number
  /** Words in lower case; names, strings and variables without their quotes; marks as they are. */
  text: string
  /** For words: as written. */
  readonly written: string
  /** Something stands between it and the word before. */
  readonly apart: boolean
}

const charsets: ReadonlySet<string> = new Set([
  '_utf8mb4',
  '_utf8mb3',
  '_utf8',
  '_ascii',
  '_latin1',
  '_binary',
])

const marks = /(?:<=>|->>|:=|<=|>=|<>|!=|<<|>>|\|\||&&|->|[-+*/%=<>!~^&|(),.;:{}])/y
const hexNumber = /0x[0-9a-fA-F]+|0b[01]+/y
const number = /\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?/y
const digits = /\d+/y

export function tokenize(text: string): Token[] {
  return new Lexer(text).run()
}

class Lexer {
  readonly #text: string
  readonly #tokens: Token[] = []
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  run(): Token[] {
    const text = this.#text
    let end = -1
    while (this.#at < text.length) {
      const at = this.#at
      const code = text.charCodeAt(at)
      if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) this.#at++
      else if (code === 0x23 || isLineComment(text, at)) this.#at = lineEnd(text, at)
      else if (code === 0x2f && text.charCodeAt(at + 1) === 0x2a) this.#comment(at)
      else {
        this.#token(at, code, at !== end)
        end = this.#at
      }
    }
    return this.#tokens
  }

  #comment(at: number): void {
    const end = commentEnd(this.#text, at)
    const mark = this.#text[at + 2]
    if (mark === '!' || this.#text.startsWith('M!', at + 2)) {
      throw new Refusal('statement_unreadable', 'an executable comment was left')
    }
    // SET_VAR changes a setting for the statement, sql_mode among them.
    if (mark === '+' && /set_var|resource_group/i.test(this.#text.slice(at, end))) {
      throw new Refusal('setting_refused', 'hints that change settings are not supported')
    }
    this.#at = end
  }

  #token(at: number, code: number, apart: boolean): void {
    if (code === 0x27 || code === 0x22) this.#string(at, at, apart)
    else if (code === 0x60) this.#quotedName(at, apart)
    else if (code === 0x40) this.#variable(at, apart)
    else if (isDigit(code)) this.#number(at, apart)
    else if (isWordPart(code)) this.#word(at, apart)
    else if (code === 0x2e) this.#dot(at, apart)
    else if (code === 0x3f) this.#push(PARAMETER, at, at + 1, '?', apart)
    else if (code === 0x5c && this.#text[at + 1] === 'N' && !this.#isWordAt(at + 2)) {
      this.#push(WORD, at, at + 2, 'null', apart, 'null')
    } else this.#mark(at, apart)
  }

  #string(start: number, quote: number, apart: boolean, kind = STRING): void {
    const end = quotedEnd(this.#text, quote)
    const value = unquoted(this.#text.slice(quote, end))
    const before = this.#tokens.at(-1)
    if (before !== undefined && before.kind === STRING && start === quote) {
      before.end = this.#at = end
      before.text += value
      return
    }
    this.#push(kind, start, end, value, apart)
  }

  #quotedName(at: number, apart: boolean): void {
    const end = quotedEnd(this.#text, at)
    const name = unquoted(this.#text.slice(at, end))
    // Names are three-byte UTF-8 on the server: others it would turn into another name.
    if (name === '' || !isBasic(name)) {
      throw new Refusal('statement_unreadable', 'a name is empty or holds what names cannot')
    }
    this.#push(NAME, at, end, name, apart)
  }

  #variable(at: number, apart: boolean): void {
    const text = this.#text
    const code = text.charCodeAt(at + 1)
    if (code === 0x40) {
      const start = at + 2
      // `@@`x``: the name follows as a token of its own.
      if (text.charCodeAt(start) === 0x60) {
        const end = quotedEnd(text, start)
        this.#push(SYSTEM, at, end, lowered(unquoted(text.slice(start, end))), apart)
        return
      }
      const end = this.#wordEnd(start)
      if (end === start) throw new Refusal('statement_unreadable', 'a variable has no name')
      this.#push(SYSTEM, at, end, lowered(text.slice(start, end)), apart)
      return
    }
    if (code === 0x27 || code === 0x22 || code === 0x60) {
      const end = quotedEnd(text, at + 1)
      this.#push(VARIABLE, at, end, lowered(unquoted(text.slice(at + 1, end))), apart)
      return
    }
    let end = at + 1
    while (/[A-Za-z0-9._$]/.test(text[end] ?? '')) end++
    if (end === at + 1 || (text.charCodeAt(end) || 0) >= 0x80) {
      throw new Refusal('statement_unreadable', 'a variable has no plain name')
    }
    this.#push(VARIABLE, at, end, lowered(text.slice(at + 1, end)), apart)
  }

  #number(at: number, apart: boolean): void {
    const text = this.#text
    // `t.1a`: behind a dot that touches a name, digits are a name too.
    if (this.#afterDot(at)) {
      this.#word(at, apart)
      return
    }
    const bytes = match(hexNumber, text, at)
    if (bytes > at && !this.#isWordAt(bytes)) {
      this.#push(BYTES, at, bytes, text.slice(at, bytes), apart)
      return
    }
    const plain = match(digits, text, at)
    const end = match(number, text, at)
    if (end === plain && this.#isWordAt(plain)) {
      // A name that begins with digits.
      this.#word(at, apart)
      return
    }
    // `1e5a` and `1.5a` are two words to the server.
    if (this.#isWordAt(end) || text[end] === '.') {
      throw new Refusal('statement_unreadable', 'a number touches a word')
    }
    this.#push(NUMBER, at, end, text.slice(at, end), apart)
  }

  #dot(at: number, apart: boolean): void {
    const text = this.#text
    if (!isDigit(text.charCodeAt(at + 1))) {
      this.#push(MARK, at, at + 1, '.', apart)
      return
    }
    const before = this.#tokens.at(-1)
    const named = before !== undefined && (before.kind === WORD || before.kind === NAME)
    if (named && !apart) {
      this.#push(MARK, at, at + 1, '.', apart)
      return
    }
    const end = match(number, text, at)
    if (this.#isWordAt(end) || text[end] === '.') {
      throw new Refusal('statement_unreadable', 'a number touches a word')
    }
    this.#push(NUMBER, at, end, text.slice(at, end), apart)
  }

  #word(at: number, apart: boolean): void {
    const text = this.#text
    const end = this.#wordEnd(at)
    const lower = lowered(text.slice(at, end))
    if (text.charCodeAt(end) === 0x27 && !this.#afterDot(at)) {
      if (lower === 'n') {
        this.#string(at, end, apart)
        return
      }
      if (lower === 'x' || lower === 'b') {
        const close = quotedEnd(text, end)
        this.#push(BYTES, at, close, text.slice(at, close), apart)
        return
      }
    }
    if (lower.charCodeAt(0) === 0x5f && !this.#afterDot(at) && this.#introduces(lower, at, end)) {
      return
    }
    this.#push(WORD, at, end, lower, apart)
  }

  /** `_utf8mb4'...'`, also with blanks between. */
  #introduces(lower: string, at: number, end: number): boolean {
    const text = this.#text
    let next = end
    while (/[ \t\r\n\v\f]/.test(text[next] ?? '')) next++
    const quote = text.charCodeAt(next)
    const bytes = /[xXbB]'|0[xb]/y
    bytes.lastIndex = next
    const string = quote === 0x27 || quote === 0x22
    if (!string && !(charsets.has(lower) && bytes.test(text))) return false
    // Anything else before a string is no charset that we know, or one in which the bytes say something else.
    if (!charsets.has(lower)) {
      throw new Refusal('statement_unreadable', `strings are not to be read as ${shown(lower)}`)
    }
    if (string) this.#string(at, next, true, lower === '_binary' ? BYTES : STRING)
    else this.#at = next
    return true
  }

  #mark(at: number, apart: boolean): void {
    const end = match(marks, this.#text, at)
    if (end === at) {
      throw new Refusal('statement_unreadable', 'the statement holds a character that is no SQL')
    }
    this.#push(MARK, at, end, this.#text.slice(at, end), apart)
  }

  #push(
    kind: number,
    start: number,
    end: number,
    text: string,
    apart: boolean,
    written = this.#text.slice(start, end),
  ): void {
    this.#at = end
    this.#tokens.push({ kind, start, end, text, written, apart })
  }

  /** Directly behind the dot of a path. */
  #afterDot(at: number): boolean {
    const before = this.#tokens.at(-1)
    return before?.kind === MARK && before.text === '.' && before.end === at
  }

  #isWordAt(at: number): boolean {
    return isWordPart(this.#text.charCodeAt(at))
  }

  #wordEnd(at: number): number {
    while (this.#isWordAt(at)) at++
    return at
  }
}

/** Of ASCII letters only: a letter such as the Kelvin sign is no `k` to the server's key words. */
export function lowered(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, each => each.toLowerCase()) : text
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

function shown(word: string): string {
  return /^[a-z0-9_]{1,32}$/.test(word) ? word.slice(1) : 'that charset'
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** Letters, digits, `_`, `$`, and what is beyond ASCII in the basic plane. */
function isWordPart(code: number): boolean {
  if (code >= 0x80) {
    // (The first of those for private use stands for words in the parser's text.)
    if ((code >= 0xd800 && code <= 0xdfff) || code === 0xe000) {
      throw new Refusal('statement_unreadable', 'a name holds what names cannot')
    }
    return true
  }
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    isDigit(code) ||
    code === 0x5f ||
    code === 0x24
  )
}

function isBasic(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at)
    if (code === 0 || (code >= 0xd800 && code <= 0xdfff)) return false
  }
  return true
}
