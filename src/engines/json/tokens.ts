// JSON texts (RFC 8259) as tokens, from chunks that are cut anywhere, and strict: what is not JSON is refused. Bytes
// stay where they are; a token is a span of them. What is held between two chunks is at most one token.
import { JsonProblem } from './problem.ts'
import { hex4, isShortEscape } from './text.ts'

/** No token yet: all that came is used up. Feed more, or finish. */
export const NEED = 0
/** After `finish`: the text is whole. */
export const END = 1
export const OBJECT = 2
export const OBJECT_END = 3
export const ARRAY = 4
export const ARRAY_END = 5
/** A name of an object's member; the span is without its quotes. */
export const NAME = 6
/** The span is without its quotes. */
export const STRING = 7
export const NUMBER = 8
export const TRUE = 9
export const FALSE = 10
export const NULL = 11
/** A piece of a string that `passLong` gave up holding. */
export const PIECE = 12
/** Its last piece, with the quote that ends it. */
export const LAST_PIECE = 13
export type Token = number

// What may come next.
const VALUE = 0
const VALUE_OR_END = 1
const MEMBER_OR_END = 2
const MEMBER = 3
const COLON = 4
const COMMA_OR_END = 5
const AFTER_ALL = 6

const LONGEST_NUMBER = 16 * 1024
const NOTHING: Uint8Array = new Uint8Array(0)

/** Bytes of strings that need no second look: all but quote, backslash, control characters and what is above U+007F. */
const PLAIN = new Uint8Array(256).fill(1, 0x20, 0x80)
PLAIN[0x22] = 0
PLAIN[0x5c] = 0
const NESTED = new Uint8Array(256)
for (const byte of [0x20, 0x5b, 0x7b]) NESTED[byte] = 1
const [TRUE_TEXT, FALSE_TEXT, NULL_TEXT] = ['true', 'false', 'null'].map(word =>
  new TextEncoder().encode(word),
) as [Uint8Array, Uint8Array, Uint8Array]
const SPACE = new Uint8Array(256)
for (const byte of [0x20, 0x0a, 0x0d, 0x09]) SPACE[byte] = 1

export interface TokenSettings {
  /** How deep objects and arrays may nest. */
  readonly depth: number
  /** `many`: any number of texts one behind another (lines, RFC 7464 sequences); else exactly one. */
  readonly texts?: 'one' | 'many'
}

/** A name that came before. */
export interface SeenName {
  /** As it stands between its quotes; undefined: it cannot be told by its bytes, or somebody wants to look at it. */
  readonly passed: Uint8Array | undefined
}

/** Names that came before: which one most often stands behind which. */
export interface SeenNames<Name extends SeenName> {
  behind(name: Name): Name | undefined
}

export class JsonTokens {
  /** Where the spans are. Others after each `feed`. */
  src: Uint8Array = NOTHING
  /** The span of the newest token. */
  start = 0
  end = 0
  /** Of the newest name or string: it has escapes. */
  escaped = false
  /** A string so far held half a surrogate pair, or a NUL; the text begins with a byte order mark. */
  lone = false
  nul = false
  marked = false
  depth = 0
  /** How many texts are whole. */
  texts = 0

  readonly #most: number
  readonly #many: boolean
  /** One byte per open container: true for arrays. */
  readonly #arrays: Uint8Array
  #expects = VALUE
  #at = 0
  #to = 0
  /** Bytes before `src`. */
  #base = 0
  /** The token that is not whole yet: where it begins, how far it was read; -1: none. */
  #open = -1
  #mark = 0
  #high = false
  #digits = NUMBER_START
  #long = false
  #finished = false
  #carry: Uint8Array = NOTHING

  constructor({ depth, texts = 'one' }: TokenSettings) {
    this.#most = depth
    this.#many = texts === 'many'
    this.#arrays = new Uint8Array(depth)
  }

  /** Where what is held begins: all before it is done with, and goes with the next `feed`. */
  get kept(): number {
    return this.#open < 0 ? this.#at : this.#open
  }

  /** Bytes that came and are held. */
  get held(): number {
    return this.#to - this.kept
  }

  /** True when the newest token's bytes lie in a buffer that the next `feed` writes over. */
  get borrowed(): boolean {
    return this.src === this.#carry
  }

  /** True when the container at this depth (1: the outermost that is open) is an array. */
  arrayAt(depth: number): boolean {
    return depth > 0 && this.#arrays[depth - 1] === 1
  }

  /** More bytes, after NEED. What was held stands at the beginning of `src` now. */
  feed(chunk: Uint8Array): void {
    const from = this.kept
    const held = this.#to - from
    this.#base += from
    if (held === 0) {
      this.src = chunk
      this.#to = chunk.length
    } else {
      this.#hold(from, held, chunk.length)
      this.#carry.set(chunk, held)
      this.src = this.#carry
      this.#to = held + chunk.length
    }
    this.#at -= from
    this.#mark -= from
    if (this.#open >= 0) this.#open = 0
  }

  /** Nothing more comes. Throws when the text is not whole. */
  finish(): void {
    this.#finished = true
  }

  /** After NEED within a string: its bytes are not held any longer, but come as pieces. */
  passLong(): void {
    this.start = this.#open
    this.#long = true
    this.#open = -1
    this.#at = this.#mark
    this.end = this.#at
  }

  /** After NEED: a string is open, and whether it is a name. */
  get openString(): 'name' | 'string' | undefined {
    if (this.#open < 0 || this.src[this.#open] !== 0x22) return undefined
    return this.#expects === MEMBER || this.#expects === MEMBER_OR_END ? 'name' : 'string'
  }

  /**
   * Goes over members and elements of the container that is open, as far as nobody wants to look at them: names that are expected and
   * `passed`; with `values`, also strings that hold no JSON, numbers and words. It stops before all else: what is not plain, is cut or is no
   * JSON comes with `next`, as it would without this. Gives the last name that it went over; undefined: none.
   */
  skim<Name extends SeenName>(
    names: SeenNames<Name>,
    last: Name,
    values: boolean,
  ): Name | undefined {
    if (this.depth === 0 || this.#open >= 0 || this.#long) return undefined
    const src = this.src
    const to = this.#to
    const array = this.arrayAt(this.depth)
    let at = this.#at
    let expects = this.#expects
    let name: Name | undefined
    over: for (;;) {
      while (at < to && SPACE[src[at]!] === 1) at++
      if (at >= to) break
      const byte = src[at]!
      switch (expects) {
        case COMMA_OR_END:
          if (byte !== 0x2c) break over
          at++
          expects = array ? VALUE : MEMBER
          continue
        case COLON:
          if (byte !== 0x3a) break over
          at++
          expects = VALUE
          continue
        case MEMBER:
        case MEMBER_OR_END: {
          const next = names.behind(name ?? last)
          const text = next?.passed
          if (next === undefined || text === undefined || byte !== 0x22) break over
          const end = at + 1 + text.length
          if (end >= to || src[end] !== 0x22 || !standsAt(src, at + 1, text)) break over
          name = next
          at = end + 1
          expects = COLON
          continue
        }
        default: {
          const end = values ? plainEnd(src, at, to, byte) : 0
          if (end === 0) break over
          at = end
          expects = COMMA_OR_END
        }
      }
    }
    this.#at = at
    this.#expects = expects
    return name
  }

  next(): Token {
    if (this.#long) return this.#piece()
    const src = this.src
    for (;;) {
      while (this.#at < this.#to && SPACE[src[this.#at]!] === 1) this.#at++
      if (this.#at >= this.#to) return this.#dry()
      const byte = src[this.#at]!
      switch (this.#expects) {
        case COMMA_OR_END:
          if (byte === 0x2c) {
            this.#at++
            this.#expects = this.arrayAt(this.depth) ? VALUE : MEMBER
            continue
          }
          if (byte === (this.arrayAt(this.depth) ? 0x5d : 0x7d)) return this.#close()
          throw this.#problem('syntax')
        case COLON:
          if (byte !== 0x3a) throw this.#problem('syntax')
          this.#at++
          this.#expects = VALUE
          continue
        case MEMBER_OR_END:
          if (byte === 0x7d) return this.#close()
          if (byte !== 0x22) throw this.#problem('syntax')
          return this.#string(NAME)
        case MEMBER:
          if (byte !== 0x22) throw this.#problem('syntax')
          return this.#string(NAME)
        case AFTER_ALL:
          throw this.#problem('trailing')
        case VALUE_OR_END:
          if (byte === 0x5d) return this.#close()
          return this.#value(byte)
        default:
          if (this.depth === 0 && !this.#isText(byte)) {
            if (this.#open >= 0) return this.#dry()
            continue
          }
          return this.#value(byte)
      }
    }
  }

  /** False for what may stand before a text and is none of it. */
  #isText(byte: number): boolean {
    if (byte === 0x1e && this.#many) {
      this.#at++
      return false
    }
    if (byte !== 0xef || this.#base + this.#at !== 0) return true
    if (this.#to - this.#at < 3) {
      if (this.#finished) throw this.#problem('truncated')
      this.#open = this.#mark = this.#at
      return false
    }
    if (this.src[this.#at + 1] !== 0xbb || this.src[this.#at + 2] !== 0xbf)
      throw this.#problem('syntax')
    this.#open = -1
    this.#at += 3
    this.marked = true
    return false
  }

  /** Nothing is left to read. */
  #dry(): Token {
    if (!this.#finished) return NEED
    const between = this.depth === 0 && this.#open < 0
    if (between && (this.#many || this.#expects === AFTER_ALL)) return END
    throw this.#problem('truncated')
  }

  #value(byte: number): Token {
    switch (byte) {
      case 0x22:
        return this.#string(STRING)
      case 0x7b:
        return this.#enter(OBJECT)
      case 0x5b:
        return this.#enter(ARRAY)
      case 0x74:
        return this.#word('true', TRUE)
      case 0x66:
        return this.#word('false', FALSE)
      case 0x6e:
        return this.#word('null', NULL)
      default:
        if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return this.#number()
        throw this.#problem('syntax')
    }
  }

  #enter(token: Token): Token {
    if (this.depth >= this.#most) throw this.#problem('depth')
    const array = token === ARRAY
    this.#arrays[this.depth++] = array ? 1 : 0
    this.#expects = array ? VALUE_OR_END : MEMBER_OR_END
    this.start = this.#at++
    this.end = this.#at
    return token
  }

  #close(): Token {
    const token = this.#arrays[this.depth - 1] === 1 ? ARRAY_END : OBJECT_END
    this.depth--
    this.start = this.#at++
    this.end = this.#at
    this.#valueDone()
    return token
  }

  #valueDone(): void {
    if (this.depth > 0) this.#expects = COMMA_OR_END
    else {
      this.texts++
      this.#expects = this.#many ? VALUE : AFTER_ALL
    }
  }

  #word(word: string, token: Token): Token {
    const there = Math.min(word.length, this.#to - this.#at)
    for (let i = 1; i < there; i++)
      if (this.src[this.#at + i] !== word.charCodeAt(i)) throw this.#problem('syntax')
    if (there < word.length) {
      if (this.#finished) throw this.#problem('truncated')
      this.#open = this.#mark = this.#at
      return NEED
    }
    this.#open = -1
    this.start = this.#at
    this.#at += word.length
    this.end = this.#at
    this.#valueDone()
    return token
  }

  #string(token: Token): Token {
    if (this.#open < 0) {
      this.#open = this.#at
      this.#mark = this.#at + 1
      this.escaped = false
      this.#high = false
    }
    if (!this.#scan()) {
      if (this.#finished) throw this.#problem('truncated')
      return NEED
    }
    this.start = this.#open + 1
    this.end = this.#mark
    this.#at = this.#mark + 1
    this.#open = -1
    if (token === NAME) this.#expects = COLON
    else this.#valueDone()
    return token
  }

  /** What came of a string that is not held. */
  #piece(): Token {
    this.#mark = this.#at
    this.start = this.#at
    const whole = this.#scan()
    this.#at = whole ? this.#mark + 1 : this.#mark
    this.end = this.#at
    if (!whole) {
      if (this.#finished) throw this.#problem('truncated')
      return this.end > this.start ? PIECE : NEED
    }
    this.#long = false
    this.#valueDone()
    return LAST_PIECE
  }

  /** Reads on in a string, from `#mark`; true: it stands at the quote that ends it. */
  #scan(): boolean {
    const src = this.src
    const to = this.#to
    let i = this.#mark
    for (;;) {
      const from = i
      while (i < to && PLAIN[src[i]!] === 1) i++
      if (this.#high && i > from) this.#endHalf()
      this.#mark = i
      if (i >= to) return false
      const byte = src[i]!
      if (byte === 0x22) {
        if (this.#high) this.#endHalf()
        return true
      }
      if (byte === 0x5c) {
        if (i + 1 >= to) return false
        const letter = src[i + 1]!
        if (letter !== 0x75) {
          if (!isShortEscape(letter)) throw this.#problem('escape')
          if (this.#high) this.#endHalf()
          i += 2
        } else {
          if (i + 6 > to) return false
          this.#unit(hex4(src, i + 2))
          i += 6
        }
        this.escaped = true
        continue
      }
      if (byte < 0x20) throw this.#problem('control')
      if (this.#high) this.#endHalf()
      const length = utf8Length(src, i, to)
      if (length === 0) {
        if (this.#finished) throw this.#problem('encoding')
        return false
      }
      if (length < 0) throw this.#problem('encoding')
      i += length
    }
  }

  #endHalf(): void {
    this.lone = true
    this.#high = false
  }

  /** A UTF-16 code unit that an escape writes. */
  #unit(unit: number): void {
    if (unit < 0) throw this.#problem('escape')
    if (unit === 0) this.nul = true
    const low = unit >= 0xdc00 && unit <= 0xdfff
    if (this.#high !== low) this.lone = true
    this.#high = unit >= 0xd800 && unit <= 0xdbff
  }

  #number(): Token {
    if (this.#open < 0) {
      this.#open = this.#at
      this.#mark = this.#at
      this.#digits = NUMBER_START
    }
    const src = this.src
    let state = this.#digits
    let i = this.#mark
    for (; i < this.#to; i++) {
      const kind = NUMBER_BYTE[src[i]!]!
      if (kind === 0) break
      state = NUMBER_STEPS[state * KINDS + kind]!
      this.#mark = i
      if (state === NUMBER_BAD) throw this.#problem('number')
    }
    if (i - this.#open > LONGEST_NUMBER) throw this.#problem('too_long')
    this.#mark = i
    this.#digits = state
    if (i >= this.#to && !this.#finished) return NEED
    if (NUMBER_WHOLE[state] !== 1) throw this.#problem(i >= this.#to ? 'truncated' : 'number')
    this.start = this.#open
    this.end = i
    this.#at = i
    this.#open = -1
    this.#valueDone()
    return NUMBER
  }

  /** Makes room behind what is held. */
  #hold(from: number, held: number, more: number): void {
    const needed = held + more
    if (needed > this.#carry.length) {
      const wider = new Uint8Array(Math.max(1024, needed, 2 * this.#carry.length))
      wider.set(this.src.subarray(from, from + held))
      this.#carry = wider
    } else if (this.src !== this.#carry) this.#carry.set(this.src.subarray(from, from + held))
    else if (from > 0) this.#carry.copyWithin(0, from, from + held)
  }

  #problem(fault: JsonProblem['fault']): JsonProblem {
    return new JsonProblem(fault, this.#base + (this.#open < 0 ? this.#at : this.#mark))
  }
}

/** A longer string is looked at. */
const LONGEST_PLAIN = 4 * 1024

/** Where the plain value ends that begins with `byte` at `at`; 0: it is none, or its end is not there. */
function plainEnd(src: Uint8Array, at: number, to: number, byte: number): number {
  if (byte === 0x22) {
    let i = at + 1
    const most = Math.min(to, i + LONGEST_PLAIN)
    // JSON in a string begins like this, or behind a space.
    if (i < most && NESTED[src[i]!] === 1) return 0
    while (i < most && PLAIN[src[i]!] === 1) i++
    return i < most && src[i] === 0x22 ? i + 1 : 0
  }
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
    let state = NUMBER_START
    let i = at
    const most = Math.min(to, i + LONGEST_PLAIN)
    for (; i < most; i++) {
      const kind = NUMBER_BYTE[src[i]!]!
      if (kind === 0) return NUMBER_WHOLE[state] === 1 ? i : 0
      state = NUMBER_STEPS[state * KINDS + kind]!
      if (state === NUMBER_BAD) return 0
    }
    return 0
  }
  const word =
    byte === 0x74 ? TRUE_TEXT : byte === 0x66 ? FALSE_TEXT : byte === 0x6e ? NULL_TEXT : undefined
  if (word === undefined || at + word.length > to || !standsAt(src, at, word)) return 0
  return at + word.length
}

function standsAt(src: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (src[at + i] !== text[i]) return false
  return true
}

// Numbers as a table of steps (RFC 8259 section 6). A byte is none of a number, minus, zero, digit, dot, e, plus.
const NUMBER_START = 0
const NUMBER_BAD = 9
const KINDS = 7
const NUMBER_BYTE = new Uint8Array(256).fill(3, 0x31, 0x3a)
NUMBER_BYTE[0x2d] = 1
NUMBER_BYTE[0x30] = 2
NUMBER_BYTE[0x2e] = 4
NUMBER_BYTE[0x65] = 5
NUMBER_BYTE[0x45] = 5
NUMBER_BYTE[0x2b] = 6
const NUMBER_STEPS = Uint8Array.from(
  [
    // none, -, 0, 1-9, ., e, +
    [9, 1, 2, 3, 9, 9, 9], // 0: nothing yet
    [9, 9, 2, 3, 9, 9, 9], // 1: -
    [9, 9, 9, 9, 4, 6, 9], // 2: 0
    [9, 9, 3, 3, 4, 6, 9], // 3: 12
    [9, 9, 5, 5, 9, 9, 9], // 4: 12.
    [9, 9, 5, 5, 9, 6, 9], // 5: 12.3
    [9, 7, 8, 8, 9, 9, 7], // 6: 12.3e
    [9, 9, 8, 8, 9, 9, 9], // 7: 12.3e-
    [9, 9, 8, 8, 9, 9, 9], // 8: 12.3e-4
  ].flat(),
)
const NUMBER_WHOLE = Uint8Array.from([0, 0, 1, 1, 0, 1, 0, 0, 1, 0])

/** How long the character at `i` is; 0: it goes on behind `to`; -1: it is no UTF-8 (RFC 3629, table 3-7 of Unicode). */
export function utf8Length(src: Uint8Array, i: number, to: number): number {
  const lead = src[i]!
  if (lead < 0x80) return 1
  const length =
    lead >= 0xc2 && lead <= 0xdf
      ? 2
      : (lead & 0xf0) === 0xe0
        ? 3
        : lead >= 0xf0 && lead <= 0xf4
          ? 4
          : 0
  if (length === 0) return -1
  if (i + 1 >= to) return 0
  const second = src[i + 1]!
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < least || second > most) return -1
  for (let k = 2; k < length; k++) {
    if (i + k >= to) return 0
    if ((src[i + k]! & 0xc0) !== 0x80) return -1
  }
  return length
}
