// Words that say what a number next to them is. ASCII letters, in either case.
import { classAt, classOf, LETTER, UPPER } from './byte-classes.ts'

/** How far a word that explains a number may stand before it, in bytes. */
const CONTEXT_BYTES = 40

const LETTERS = Uint8Array.from(classOf, bits => ((bits & LETTER) !== 0 ? 1 : 0))
/** Each byte, letters in lower case. */
const LOWER = Uint8Array.from(classOf, (bits, byte) => ((bits & UPPER) !== 0 ? byte | 0x20 : byte))

/** Which cell is looked at: what is remembered of one holds for no other, whatever buffer it lies in. */
let cell = 0

/** Call before another cell is looked at, or the same one with other bytes in it. */
export function nextCell(): void {
  cell += 1
}

export interface ContextWords {
  /** 1 for each byte that one of them may begin with: of most bytes nothing else has to be looked at. */
  readonly begin: Uint8Array
  /** By their first letter, in lower case. */
  readonly byFirst: readonly (readonly Uint8Array[])[]
  /** Within `cell` none of them begins from `from` on and before `to`: numbers stand close to one another. */
  cell: number
  from: number
  to: number
}

/** `words`: ASCII, in lower case. */
export function contextWords(words: readonly string[]): ContextWords {
  const begin = new Uint8Array(256)
  const byFirst: Uint8Array[][] = Array.from({ length: 256 }, () => [])
  for (const word of words) {
    const first = word.charCodeAt(0)
    if (first >= 0x80 || (classOf[first]! & LETTER) === 0) continue
    begin[first] = begin[first & ~0x20] = 1
    byFirst[first]!.push(Uint8Array.from(word, letter => letter.charCodeAt(0)))
  }
  return { begin, byFirst, cell: -1, from: 0, to: 0 }
}

/** True when one of `words` begins a word in the text shortly before `at`. */
export function wordBefore(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  words: ContextWords,
): boolean {
  return wordIn(src, start, end, at - CONTEXT_BYTES, at, words)
}

/** True when one of `words` begins a word within so many bytes before or behind the value. */
export function wordNear(
  src: Uint8Array,
  start: number,
  end: number,
  from: number,
  to: number,
  words: ContextWords,
  within: number = CONTEXT_BYTES,
): boolean {
  return (
    wordIn(src, start, end, from - within, from, words) ||
    wordIn(src, start, end, to, to + within, words)
  )
}

function wordIn(
  src: Uint8Array,
  start: number,
  end: number,
  from: number,
  to: number,
  known: ContextWords,
): boolean {
  const { begin, byFirst } = known
  const limit = Math.min(end, to)
  let i = Math.max(start, from)
  if (known.cell === cell && i >= known.from && i <= known.to) i = known.to
  else {
    known.cell = cell
    known.from = i
    known.to = i
  }
  for (; i < limit; i++) {
    const byte = src[i]!
    if (begin[byte] === 0) continue
    if (i > start && LETTERS[src[i - 1]!] === 1 && !isHump(src, i)) continue
    for (const word of byFirst[byte | 0x20]!) {
      const after = i + word.length
      if (after > end || !stands(src, i, word)) continue
      // `card` does not explain a number in `cardio`, but does in `cards` and `cardNumber`.
      const plural = (src[after]! | 0x20) === 0x73
      if (endsAt(src, start, end, after) || (plural && endsAt(src, start, end, after + 1))) {
        known.to = i
        return true
      }
    }
  }
  if (limit > known.to) known.to = limit
  return false
}

function stands(src: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 1; i < word.length; i++) if (LOWER[src[at + i]!] !== word[i]) return false
  return true
}

function endsAt(src: Uint8Array, start: number, end: number, at: number): boolean {
  return !isLetter(src, start, end, at) || isHump(src, at)
}

function isLetter(src: Uint8Array, start: number, end: number, at: number): boolean {
  return (classAt(src, start, end, at) & LETTER) !== 0
}

/** True where a word of camel case begins: `homePhone`. */
function isHump(src: Uint8Array, at: number): boolean {
  return src[at]! >= 0x41 && src[at]! <= 0x5a && src[at - 1]! >= 0x61 && src[at - 1]! <= 0x7a
}
