// What a pattern demands, read just well enough to skip what cannot match: the engine alone decides what does.
// Whatever is not understood here counts as "any text", so that it can only cost time, never a finding.
// Knows RE2's syntax (the parts that people use), bytes of UTF-8, and nothing of detectors.
import { Buffer } from 'node:buffer'

/** Part of a pattern. A set has 256 flags, one for each byte. */
export type Node =
  | { readonly kind: 'byte'; readonly set: Uint8Array }
  /** Something that is not told byte by byte: so many bytes of any kind. */
  | { readonly kind: 'any'; readonly min: number; readonly max: number }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly min: number; readonly max: number }

/** Anything at all. */
export const UNKNOWN: Node = { kind: 'any', min: 0, max: Number.POSITIVE_INFINITY }
const EMPTY: Node = { kind: 'sequence', parts: [] }
/** One character of any script. */
const WIDE: Node = { kind: 'any', min: 1, max: 4 }
const DEPTH = 64

/** Reads a pattern that the engine has accepted. */
export function readPattern(pattern: string, ignoreCase: boolean): Node {
  try {
    const reader = new Reader(pattern, ignoreCase)
    return reader.whole()
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error
    // Safe: nothing is skipped then, and the engine looks at every cell.
    return UNKNOWN
  }
}

class NotUnderstood extends Error {}

const flags = (test: (code: number) => boolean) =>
  Uint8Array.from({ length: 256 }, (_, code) => (code < 128 && test(code) ? 1 : 0))
const among = (text: string) => flags(code => text.includes(String.fromCharCode(code)))
const between = (first: string, last: string) =>
  flags(code => code >= first.charCodeAt(0) && code <= last.charCodeAt(0))
const union = (...sets: readonly Uint8Array[]) =>
  Uint8Array.from({ length: 256 }, (_, code) => (sets.some(set => set[code] === 1) ? 1 : 0))

const NUMBERS = between('0', '9')
const LETTERS = union(between('A', 'Z'), between('a', 'z'))
const PERL: Readonly<Record<string, Uint8Array>> = {
  d: NUMBERS,
  w: union(NUMBERS, LETTERS, among('_')),
  s: among('\t\n\f\r '),
}
const POSIX: Readonly<Record<string, Uint8Array>> = {
  alnum: union(NUMBERS, LETTERS),
  alpha: LETTERS,
  digit: NUMBERS,
  lower: between('a', 'z'),
  upper: between('A', 'Z'),
  xdigit: union(NUMBERS, between('a', 'f'), between('A', 'F')),
}
const CONTROLS: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' }

class Reader {
  readonly #text: readonly string[]
  readonly #ignoreCase: boolean
  #at = 0
  #depth = 0

  constructor(pattern: string, ignoreCase: boolean) {
    this.#text = Array.from(pattern)
    this.#ignoreCase = ignoreCase
  }

  whole(): Node {
    const node = this.#either()
    if (this.#at < this.#text.length) throw new NotUnderstood()
    return node
  }

  #either(): Node {
    if (++this.#depth > DEPTH) throw new NotUnderstood()
    const parts = [this.#sequence()]
    while (this.#takes('|')) parts.push(this.#sequence())
    this.#depth--
    return parts.length === 1 ? parts[0]! : { kind: 'either', parts }
  }

  #sequence(): Node {
    const parts: Node[] = []
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; ) {
      parts.push(this.#repeated(this.#atom()))
      next = this.#peek()
    }
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts }
  }

  #repeated(part: Node): Node {
    const found = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})/.exec(
      this.#text.slice(this.#at, this.#at + 12).join(''),
    )
    if (found === null) return part
    const [whole, sign, least, comma, most] = found
    this.#at += whole.length
    this.#takes('?')
    const min = sign === undefined ? Number(least) : sign === '+' ? 1 : 0
    const endless = sign === undefined ? comma === ',' && most === '' : sign !== '?'
    const max = endless ? Number.POSITIVE_INFINITY : sign === '?' ? 1 : Number(most || least)
    return { kind: 'repeat', part, min, max }
  }

  #atom(): Node {
    const c = this.#take()
    if (c === '(') return this.#group()
    if (c === '[') return this.#class()
    if (c === '.') return WIDE
    if (c === '^' || c === '$') return EMPTY
    if (c === '\\') return this.#escape()
    if (c === '*' || c === '+' || c === '?') throw new NotUnderstood()
    return this.#literal(c)
  }

  #group(): Node {
    if (this.#takes('?')) {
      const named = /^(?:P?<\w+>|:)/.exec(this.#text.slice(this.#at, this.#at + 64).join(''))
      // Flags within a pattern change what everything behind them means.
      if (named === null) throw new NotUnderstood()
      this.#at += named[0].length
    }
    const node = this.#either()
    if (!this.#takes(')')) throw new NotUnderstood()
    return node
  }

  #escape(): Node {
    const c = this.#take()
    const perl = PERL[c]
    // Folding adds letters of other scripts to \w.
    if (perl !== undefined && c === 'w' && this.#ignoreCase) return WIDE
    if (perl !== undefined) return { kind: 'byte', set: perl }
    if ('DSW'.includes(c)) return WIDE
    if ('bBAz'.includes(c)) return EMPTY
    return this.#literal(this.#escaped(c))
  }

  /** The character that an escape stands for, its letter read already. */
  #escaped(c: string): string {
    if (c === 'x') return this.#hexadecimal()
    const control = CONTROLS[c]
    if (control !== undefined) return control
    if (/[A-Za-z0-9]/.test(c)) throw new NotUnderstood()
    return c
  }

  #hexadecimal(): string {
    const rest = this.#text.slice(this.#at, this.#at + 12).join('')
    const found = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(rest)
    const code = Number.parseInt(found?.[1] ?? found?.[2] ?? '', 16)
    if (found === null || code > 0x10ffff) throw new NotUnderstood()
    this.#at += found[0].length
    return String.fromCodePoint(code)
  }

  #literal(c: string): Node {
    const set = this.#folded(c)
    if (set !== undefined) return { kind: 'byte', set }
    if (this.#ignoreCase) return WIDE
    const parts = [...Buffer.from(c)].map((byte): Node => {
      const one = new Uint8Array(256)
      one[byte] = 1
      return { kind: 'byte', set: one }
    })
    return { kind: 'sequence', parts }
  }

  /** The set of an ASCII character; undefined when characters of other scripts fold to it (K and S). */
  #folded(c: string): Uint8Array | undefined {
    if (c.charCodeAt(0) > 127) return undefined
    if (!this.#ignoreCase) return among(c)
    if (/[ks]/i.test(c)) return undefined
    return among(c.toLowerCase() + c.toUpperCase())
  }

  #class(): Node {
    if (this.#takes('^')) {
      this.#members()
      return WIDE
    }
    const set = this.#members()
    return set === undefined ? WIDE : { kind: 'byte', set }
  }

  /** What is between the brackets; undefined when it is not of ASCII alone. */
  #members(): Uint8Array | undefined {
    const set = new Uint8Array(256)
    let plain = true
    const include = (more: Uint8Array | undefined) => {
      if (more === undefined) plain = false
      else for (let code = 0; code < 256; code++) if (more[code] === 1) set[code] = 1
    }
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const c = this.#take()
      if (c === '[' && this.#peek() === ':') {
        const name = /^:(\w+):\]/.exec(this.#text.slice(this.#at, this.#at + 12).join(''))
        const posix = POSIX[name?.[1] ?? '']
        if (name === null || posix === undefined) throw new NotUnderstood()
        this.#at += name[0].length
        include(this.#ignoreCase ? undefined : posix)
        continue
      }
      if (c === '\\' && 'dws'.includes(this.#peek() ?? '-')) {
        const perl = PERL[this.#take()]
        include(perl === PERL['w'] && this.#ignoreCase ? undefined : perl)
        continue
      }
      if (c === '\\' && 'DWSpP'.includes(this.#peek() ?? '-')) throw new NotUnderstood()
      const from = c === '\\' ? this.#escaped(this.#take()) : c
      if (this.#peek() !== '-' || this.#text[this.#at + 1] === ']') {
        include(this.#folded(from))
        continue
      }
      this.#take()
      const next = this.#take()
      const to = next === '\\' ? this.#escaped(this.#take()) : next
      const [low, high] = [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0]
      if (high > 127 || low > high) plain = false
      else
        for (let code = low; code <= high; code++) include(this.#folded(String.fromCharCode(code)))
    }
    this.#take()
    return plain ? set : undefined
  }

  #peek(): string | undefined {
    return this.#text[this.#at]
  }

  #take(): string {
    const c = this.#text[this.#at++]
    if (c === undefined) throw new NotUnderstood()
    return c
  }

  #takes(wanted: string): boolean {
    if (this.#text[this.#at] !== wanted) return false
    this.#at++
    return true
  }
}
