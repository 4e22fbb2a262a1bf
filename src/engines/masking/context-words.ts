// Words that say what a number next to them is. ASCII letters, in either case.
import { classAt, classOf, foldedTextAt, LETTER } from './byte-classes.ts'

/** How far a word that explains a number may stand before it, in bytes. */
const CONTEXT_BYTES = 40

/** True when one of `words` (lower case) begins a word in the text shortly before `at`. */
export function wordBefore(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  words: readonly string[],
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
  words: readonly string[],
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
  words: readonly string[],
): boolean {
  const limit = Math.min(end, to)
  for (let i = Math.max(start, from); i < limit; i++) {
    if ((classOf[src[i]!]! & LETTER) === 0) continue
    if (isLetter(src, start, end, i - 1) && !isHump(src, i)) continue
    for (const word of words) {
      if (!foldedTextAt(src, start, end, i, word)) continue
      // `card` does not explain a number in `cardio`, but does in `cards` and `cardNumber`.
      const after = i + word.length
      if (!isLetter(src, start, end, after) || isHump(src, after)) return true
      const plural = (src[after]! | 0x20) === 0x73
      if (plural && (!isLetter(src, start, end, after + 1) || isHump(src, after + 1))) return true
    }
  }
  return false
}

function isLetter(src: Uint8Array, start: number, end: number, at: number): boolean {
  return (classAt(src, start, end, at) & LETTER) !== 0
}

/** True where a word of camel case begins: `homePhone`. */
function isHump(src: Uint8Array, at: number): boolean {
  return src[at]! >= 0x41 && src[at]! <= 0x5a && src[at - 1]! >= 0x61 && src[at - 1]! <= 0x7a
}
