// French NIR (social security): sex, year, month, department (2A and 2B on Corsica), commune, order, and a key
// of two digits: 97 less the rest modulo 97 (INSEE).
import { ALNUM, bytesOf, classAt, classOf, DIGIT, outsideWord } from '../byte-classes.ts'
import { contextWords, wordNear } from '../context-words.ts'
import type { Detector, Span } from '../detector.ts'

const SPACE = 0x20
const GROUPS = [1, 2, 2, 2, 3, 3, 2]
const WORDS = contextWords([
  'nir',
  'insee',
  'secu',
  'securite',
  'sociale',
  'social security',
  'vitale',
  'assure',
  'nss',
])
const text = new Uint8Array(15)

/** `at` is the first digit. */
function matchNir(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const spaced = src[at + 1] === SPACE
  let i = at
  let count = 0
  for (const length of GROUPS) {
    if (spaced && count > 0 && (i >= end || src[i++] !== SPACE)) return false
    for (let n = 0; n < length; n++, i++, count++) {
      if (i >= end) return false
      text[count] = src[i]!
      const corsican =
        count === 6 && text[5] === 0x32 && ((src[i]! & 0xdf) === 0x41 || (src[i]! & 0xdf) === 0x42)
      if (!corsican && (classOf[src[i]!]! & DIGIT) === 0) return false
    }
  }
  if ((classAt(src, start, end, i) & ALNUM) !== 0 || !holds()) return false
  if (!spaced && !wordNear(src, start, end, at, i, WORDS)) return false
  span.start = at
  span.end = i
  return true
}

function holds(): boolean {
  const month = number(3, 2)
  // Above twelve for those whose month of birth is not known.
  if (month < 1 || (month > 12 && month < 20) || (month > 42 && month < 50)) return false
  const letter = text[6]! & 0xdf
  const corsica = text[6]! > 0x39
  if (corsica) text[6] = letter === 0x41 ? 0x39 : 0x38
  // 2A counts as 19, 2B as 18.
  if (corsica) text[5] = 0x31
  return 97 - (number(0, 13) % 97) === number(13, 2)
}

function number(from: number, count: number): number {
  let value = 0
  for (let i = from; i < from + count; i++) value = value * 10 + text[i]! - 0x30
  return value
}

export const frNir: Detector = {
  name: 'fr-nir',
  description:
    'French social security numbers (NIR), in groups, or bare next to the words that name them',
  rank: 6,
  wake: { on: 'pair', pairs: [{ before: outsideWord, at: bytesOf('123478') }], match: matchNir },
  visible: 'tail',
  normal: 'alphanumeric',
}
