// The shape of a text: its integers and plain strings taken out. Two texts of one shape parse to the same
// tree but for the values of those literals. Only plain texts have a shape; in any doubt there is none.
// Whether the values matter is the walk's to say: it marks each look at one.

const NUMBER = '\x01'
const STRING = '\x02'
// biome-ignore lint/suspicious/noControlCharactersInRegex: no text that has a shape holds them
const VALUE = /[\x01\x02]/g
/** Longer integers are another token of the grammar. */
const MOST_DIGITS = 9
/** Longer texts are rarely one of many of their shape. */
const MOST_LENGTH = 4096

const verbs = /^\s*(?:select|insert|update|delete)\b/i

/**
 * Undefined when the text has no shape that could stand for it. `names`: the quote of names; where it is the backtick, `"`
 * quotes strings, `#` begins a comment and `@` a variable.
 */
export function literalFree(text: string, names: '"' | '`' = '"'): string | undefined {
  if (text.length > MOST_LENGTH || !verbs.test(text)) return undefined
  let shape = ''
  let from = 0
  const end = text.length
  for (let at = 0; at < end; ) {
    const code = text.charCodeAt(at)
    if (code === 0x27) {
      // A letter before a quote makes another kind of string (E, B, X, N, U&).
      if (at > 0 && isWord(text.charCodeAt(at - 1))) return undefined
      const after = stringEnd(text, at + 1)
      if (after === -1) return undefined
      shape += text.slice(from, at) + STRING
      from = at = after
    } else if (code >= 0x30 && code <= 0x39) {
      const after = integerEnd(text, at)
      if (after === -1) return undefined
      shape += text.slice(from, at) + NUMBER
      from = at = after
    } else if (code === names.charCodeAt(0)) {
      // A quoted name stays as it is.
      const after = quotedEnd(text, at + 1, code)
      if (after === -1) return undefined
      at = after
    } else if (isWord(code)) {
      at++
      // Digits within a name stay.
      while (at < end && isWord(text.charCodeAt(at))) at++
    } else {
      if (!isPlain(code) || (names === '`' && (code === 0x23 || code === 0x40))) return undefined
      const next = text.charCodeAt(at + 1)
      // Comments, and U&'...'.
      if ((code === 0x2d && next === 0x2d) || (code === 0x2f && next === 0x2a)) return undefined
      if (code === 0x26 && (next === 0x27 || next === 0x22)) return undefined
      at++
    }
  }
  return from === 0 ? undefined : shape + text.slice(from)
}

/** A shape to hold texts against. */
export class LiteralForm {
  /** What stands before, between and behind the values. */
  readonly #parts: readonly string[]
  /** What each value is: true of a string. */
  readonly #strings: readonly boolean[]

  /** `shape`: as `literalFree` gave it. */
  constructor(shape: string) {
    this.#parts = shape.split(VALUE)
    this.#strings = (shape.match(VALUE) ?? []).map(each => each === STRING)
  }

  /**
   * True when `literalFree` gives this shape for the text: parts that are the same, with values of the same kind between them,
   * are read the same way. (A part says nothing else because of the value that follows: a word goes on in no value, and of `--`,
   * `/*` and `&'` either both signs are in a part, or the shape would not be one.)
   */
  has(text: string): boolean {
    if (text.length > MOST_LENGTH) return false
    const parts = this.#parts
    const strings = this.#strings
    let at = 0
    for (let index = 0; index < strings.length; index++) {
      const part = parts[index] as string
      if (!text.startsWith(part, at)) return false
      at += part.length
      const code = text.charCodeAt(at)
      if (strings[index] === true) at = code === 0x27 ? stringEnd(text, at + 1) : -1
      else at = code >= 0x30 && code <= 0x39 ? integerEnd(text, at) : -1
      if (at === -1) return false
    }
    const last = parts[strings.length] as string
    return text.length - at === last.length && text.endsWith(last)
  }
}

/** Letters, digits and `_`. */
function isWord(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f
  )
}

/** Blanks and the punctuation of SQL: no backslash, `$`, double quote, control character or non-ASCII. */
function isPlain(code: number): boolean {
  if (code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d) return true
  return (
    code > 0x20 && code < 0x7f && code !== 0x5c && code !== 0x24 && code !== 0x22 && code !== 0x60
  )
}

/** The index after the closing quote; -1 when a character needs the parser. */
function stringEnd(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x27) {
      if (text.charCodeAt(at + 1) !== 0x27) return at + 1
      at++
    } else if (code < 0x20 || code > 0x7e || code === 0x5c) return -1
  }
  return -1
}

function quotedEnd(text: string, at: number, quote: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at + 1
    if (code < 0x20 || code > 0x7e) return -1
  }
  return -1
}

/** The index after the last digit; -1 for what is no plain integer (`1.5`, `1e5`, `1_000`, `.5`). */
function integerEnd(text: string, at: number): number {
  if (at > 0 && text.charCodeAt(at - 1) === 0x2e) return -1
  const start = at
  while (at < text.length && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++
  if (at - start > MOST_DIGITS) return -1
  const code = text.charCodeAt(at)
  return isWord(code) || code === 0x2e ? -1 : at
}
