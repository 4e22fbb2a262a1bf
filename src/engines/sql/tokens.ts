// Where the words of a text begin and end, by the rules of PostgreSQL's scanner: enough to count them before the
// grammar sees them. Never fewer than the grammar's; knows nothing of what they mean.

export const WORD = 0
/** A number, a string of any kind, a parameter. */
export const LITERAL = 1
/** One character of all others: a bracket, a comma, part of an operator (which may end anywhere). */
export const MARK = 2
/** A quoted name. */
export const NAME = 3

/** As lists of numbers: a text of a megabyte has a million of them at worst. */
export class Tokens {
  readonly text: string
  count = 0
  #starts = new Int32Array(1024)
  #ends = new Int32Array(1024)
  #kinds = new Uint8Array(1024)

  constructor(text: string) {
    this.text = text
  }

  add(kind: number, start: number, end: number): void {
    const at = this.count++
    if (at === this.#kinds.length) this.#grow()
    this.#kinds[at] = kind
    this.#starts[at] = start
    this.#ends[at] = end
  }

  kind(index: number): number {
    return index < this.count ? (this.#kinds[index] as number) : -1
  }

  start(index: number): number {
    return this.#starts[index] as number
  }

  end(index: number): number {
    return this.#ends[index] as number
  }

  slice(index: number): string {
    return this.text.slice(this.start(index), this.end(index))
  }

  /** True for a mark of this one character. */
  is(index: number, mark: string): boolean {
    return (
      this.kind(index) === MARK &&
      this.end(index) - this.start(index) === 1 &&
      this.text[this.start(index)] === mark
    )
  }

  /** True for a word, whatever its case. */
  isWord(index: number, lower: string): boolean {
    return (
      this.kind(index) === WORD &&
      this.end(index) - this.start(index) === lower.length &&
      this.slice(index).toLowerCase() === lower
    )
  }

  #grow(): void {
    const size = this.#kinds.length * 4
    const [starts, ends, kinds] = [this.#starts, this.#ends, this.#kinds]
    this.#starts = new Int32Array(size)
    this.#ends = new Int32Array(size)
    this.#kinds = new Uint8Array(size)
    this.#starts.set(starts)
    this.#ends.set(ends)
    this.#kinds.set(kinds)
  }
}

/** Undefined when it cannot be told where something ends (the grammar may still know). */
export function tokensOf(text: string): Tokens | undefined {
  const tokens = new Tokens(text)
  const end = text.length
  for (let at = 0; at < end; ) {
    const code = text.charCodeAt(at)
    if (isBlank(code)) {
      at++
      continue
    }
    const comment = commentEnd(text, at)
    if (comment !== at) {
      at = comment
      continue
    }
    const start = at
    let kind = MARK
    if (isWordStart(code)) {
      at = wordEnd(text, at + 1)
      const quote = stringPrefix(text, start, at)
      kind = WORD
      if (quote !== -1) {
        kind = text.charCodeAt(quote) === 0x22 ? NAME : LITERAL
        const rules = rulesOf(code)
        at = quoteEnd(text, quote, rules)
        // Another piece on a new line has the same rules: the grammar must say where that ends.
        if (rules !== 'doubled' && goesOn(text, at)) return undefined
      }
    } else if (code === 0x27 || code === 0x22) {
      at = quoteEnd(text, at, 'doubled')
      kind = code === 0x27 ? LITERAL : NAME
    } else if (isDigit(code) || (code === 0x2e && isDigit(text.charCodeAt(at + 1)))) {
      at = numberEnd(text, at + 1)
      kind = LITERAL
    } else if (code === 0x24) {
      at = dollarEnd(text, at)
      kind = at === start + 1 ? MARK : LITERAL
    } else at++
    tokens.add(kind, start, at)
  }
  return tokens
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** All above ASCII counts as a letter. */
function isWordStart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x5f ||
    code >= 0x80
  )
}

function wordEnd(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (!isWordStart(code) && !isDigit(code) && code !== 0x24) return at
  }
  return at
}

/** The index of the quote that a word stands before as its prefix (E'...', U&"..."); else -1. */
function stringPrefix(text: string, start: number, end: number): number {
  if (end - start !== 1) return -1
  const letter = text.charAt(start).toLowerCase()
  const next = text.charAt(end)
  if (next === "'" && 'ebx'.includes(letter)) return end
  const quote = text.charAt(end + 1)
  return letter === 'u' && next === '&' && (quote === "'" || quote === '"') ? end + 1 : -1
}

/** How a quote stands inside quotes: twice; behind a backslash, too; not at all (B'...', X'...'). */
type QuoteRules = 'doubled' | 'escaped' | 'none'

function rulesOf(prefix: number): QuoteRules {
  const letter = String.fromCharCode(prefix).toLowerCase()
  if (letter === 'e') return 'escaped'
  return letter === 'u' ? 'doubled' : 'none'
}

/** The index after the quote that closes the one at `at`; the text's end when none does. */
function quoteEnd(text: string, at: number, rules: QuoteRules): number {
  const quote = text.charCodeAt(at++)
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (rules === 'escaped' && code === 0x5c) at++
    else if (code === quote) {
      if (rules === 'none' || text.charCodeAt(at + 1) !== quote) return at + 1
      at++
    }
  }
  return text.length
}

function goesOn(text: string, at: number): boolean {
  while (at < text.length) {
    const next = isBlank(text.charCodeAt(at)) ? at + 1 : commentEnd(text, at)
    if (next === at) break
    at = next
  }
  return text.charCodeAt(at) === 0x27
}

/** Digits around one point; what else may belong to a number (`1e5`) only counts as one more. */
function numberEnd(text: string, at: number): number {
  let point = text.charCodeAt(at - 1) === 0x2e
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isDigit(code)) continue
    if (point || code !== 0x2e || text.charCodeAt(at + 1) === 0x2e) return at
    point = true
  }
  return at
}

/** `$1`, `$$...$$`, `$tag$...$tag$`; one character when it is none of these. */
function dollarEnd(text: string, at: number): number {
  let end = at + 1
  while (isDigit(text.charCodeAt(end))) end++
  if (end > at + 1) return end
  if (isWordStart(text.charCodeAt(end))) {
    for (end++; end < text.length; end++) {
      const code = text.charCodeAt(end)
      if (!isWordStart(code) && !isDigit(code)) break
    }
  }
  if (text.charCodeAt(end) !== 0x24) return at + 1
  const tag = text.slice(at, end + 1)
  const close = text.indexOf(tag, end + 1)
  return close === -1 ? text.length : close + tag.length
}

/** The index after the comment that begins here; `at` when none does. */
function commentEnd(text: string, at: number): number {
  const code = text.charCodeAt(at)
  const next = text.charCodeAt(at + 1)
  if (code === 0x2d && next === 0x2d) {
    let end = at + 2
    while (end < text.length && text.charCodeAt(end) !== 0x0a && text.charCodeAt(end) !== 0x0d)
      end++
    return end
  }
  if (code !== 0x2f || next !== 0x2a) return at
  let depth = 1
  for (let end = at + 2; end < text.length; end++) {
    const pair = text.charCodeAt(end)
    const second = text.charCodeAt(end + 1)
    if (pair === 0x2f && second === 0x2a) {
      depth++
      end++
    } else if (pair === 0x2a && second === 0x2f) {
      end++
      if (--depth === 0) return end + 1
    }
  }
  return text.length
}
