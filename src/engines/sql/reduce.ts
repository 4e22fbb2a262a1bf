// Long lists made short before the grammar sees them: rows of VALUES and items of IN (...) and ARRAY[...] that are
// alike but for their literals mean the same to the walk as two of them. Whether a literal's value matters is
// the walk's to say (see literal-free.ts); when it does, the whole text is what counts.
import { LITERAL, MARK, NAME, type Tokens, tokensOf, WORD } from './tokens.ts'

export interface Reduced {
  readonly text: string
  /** Words of the text that is left. */
  readonly tokens: number
  /** Of the whole text. */
  readonly allTokens: number
  /** The position in the whole text, of one in the reduced. Both from 1. */
  original(position: number): number
}

/** Rows or items of one shape that stay: one, and another so that a list stays a list. */
const KEPT = 2
/** Shapes in one list; more are no bulk. */
const MOST_SHAPES = 64

/** Undefined when the text's words cannot be told apart. */
export function reduce(text: string): Reduced | undefined {
  const tokens = tokensOf(text)
  if (tokens === undefined) return undefined
  const cuts = new Cuts(tokens)
  for (let at = 0; at < tokens.count; ) at = list(tokens, at, cuts)
  return cuts.apply()
}

/** Cuts what is alike in the list that begins at a word; the index where to go on. */
function list(tokens: Tokens, at: number, cuts: Cuts): number {
  if (tokens.kind(at) !== WORD) return at + 1
  if (tokens.isWord(at, 'values') && tokens.is(at + 1, '(')) return rows(tokens, at + 1, cuts)
  const opens =
    (tokens.isWord(at, 'in') && tokens.is(at + 1, '(')) ||
    (tokens.isWord(at, 'array') && tokens.is(at + 1, '['))
  if (opens) items(tokens, at + 2, cuts)
  return at + 1
}

/** `(...), (...), ...`; the index after the last. */
function rows(tokens: Tokens, at: number, cuts: Cuts): number {
  const kept = new Kept()
  for (let first = true; tokens.is(at, '('); first = false) {
    const end = itemEnd(tokens, at + 1, false) ?? tokens.count
    // Brackets that do not close: the grammar refuses the text, whatever else it holds.
    if (!tokens.is(end, ')')) return tokens.count
    if (kept.isOneMore(shapeOf(tokens, at, end + 1)) && !first) cuts.add(at - 1, end + 1)
    if (!tokens.is(end + 1, ',')) return end + 1
    at = end + 2
  }
  return at
}

/** Literals and rows of them. Anything else (a sub-query above all) may be no list of items. */
function items(tokens: Tokens, at: number, cuts: Cuts): void {
  const kept = new Kept()
  const found: (readonly [from: number, to: number])[] = []
  for (let first = true; ; first = false) {
    const end = itemEnd(tokens, at, true)
    if (end === undefined) return
    if (end > at && kept.isOneMore(shapeOf(tokens, at, end)) && !first) found.push([at - 1, end])
    if (!tokens.is(end, ',')) break
    at = end + 1
  }
  for (const [from, to] of found) cuts.add(from, to)
}

/**
 * The index of the bracket that ends what begins here. For an item also a comma ends it, and it is undefined at the
 * first word that is none of a literal's: lists in lists are not gone through again and again.
 */
function itemEnd(tokens: Tokens, at: number, item: boolean): number | undefined {
  let depth = 0
  for (; at < tokens.count; at++) {
    if (item && !isOfLiterals(tokens, at)) return undefined
    if (tokens.kind(at) !== MARK) continue
    if (tokens.is(at, '(') || tokens.is(at, '[')) depth++
    else if (tokens.is(at, ')') || tokens.is(at, ']')) {
      if (depth-- === 0) return at
    } else if (item && depth === 0 && tokens.is(at, ',')) {
      return at
    }
  }
  return at
}

function isOfLiterals(tokens: Tokens, at: number): boolean {
  const kind = tokens.kind(at)
  if (kind === LITERAL || isConstantWord(tokens, at)) return true
  // `::uuid`
  if (kind === WORD || kind === NAME) return tokens.is(at - 1, ':')
  return isSign(tokens, at) || '()[],:'.includes(tokens.slice(at))
}

function isConstantWord(tokens: Tokens, at: number): boolean {
  return tokens.isWord(at, 'null') || tokens.isWord(at, 'true') || tokens.isWord(at, 'false')
}

/** A minus that belongs to the number behind it: nothing stands before it that it could be taken from. */
function isSign(tokens: Tokens, at: number): boolean {
  if (!tokens.is(at, '-') || tokens.kind(at + 1) !== LITERAL) return false
  return tokens.is(at - 1, ',') || tokens.is(at - 1, '(') || tokens.is(at - 1, '[')
}

/** The words with their literals taken out. */
function shapeOf(tokens: Tokens, from: number, to: number): string {
  let shape = ''
  for (let at = from; at < to; at++) {
    const kind = tokens.kind(at)
    if (kind === LITERAL) shape += literalSort(tokens, at)
    else if (kind === WORD && isConstantWord(tokens, at)) shape += '\x01'
    else if (!isSign(tokens, at)) shape += `${kind === NAME ? '\x03' : '\x02'}${tokens.slice(at)}`
  }
  return shape
}

/** Plain strings, numbers and parameters are one sort; E'...', B'...' and so on each their own. */
function literalSort(tokens: Tokens, at: number): string {
  const first = tokens.text.charAt(tokens.start(at))
  return /[a-z]/i.test(first) ? `\x04${first.toLowerCase()}` : '\x01'
}

class Kept {
  readonly #counts = new Map<string, number>()

  /** True when there are enough of this shape. */
  isOneMore(shape: string): boolean {
    const count = this.#counts.get(shape) ?? 0
    if (count === 0 && this.#counts.size >= MOST_SHAPES) return false
    this.#counts.set(shape, count + 1)
    return count >= KEPT
  }
}

class Cuts {
  readonly #tokens: Tokens
  readonly #list: (readonly [start: number, end: number])[] = []
  #words = 0

  constructor(tokens: Tokens) {
    this.#tokens = tokens
  }

  /** Takes out the words from `from` up to `to`. */
  add(from: number, to: number): void {
    const start = this.#tokens.start(from)
    const end = this.#tokens.end(to - 1)
    this.#list.push([start, end])
    this.#words += to - from
  }

  apply(): Reduced {
    const { text, count } = this.#tokens
    const list = this.#list
    if (list.length === 0) {
      return { text, tokens: count, allTokens: count, original: position => position }
    }
    let reduced = ''
    let from = 0
    for (const [start, end] of list) {
      reduced += text.slice(from, start)
      from = end
    }
    return {
      text: reduced + text.slice(from),
      tokens: count - this.#words,
      allTokens: count,
      original(position) {
        for (const [start, end] of list) {
          if (position - 1 < start) break
          position += end - start
        }
        return position
      },
    }
  }
}
