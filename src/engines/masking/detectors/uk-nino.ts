// British National Insurance numbers: two letters, six digits, a suffix from A to D (HMRC's NIM39110); together or
// in pairs. They have no check digit.
import { ALNUM, bytesOf, bytesOfClass, classAt, classOf, DIGIT } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const SPACE = 0x20
const FIRST = bytesOf('ABCEGHJKLMNOPRSTWXYZ')
const SECOND = bytesOf('ABCEGHJKLMNPRSTWXYZ')
const NEVER = ['BG', 'GB', 'KN', 'NK', 'NT', 'TN', 'ZZ']

/** `at` is the suffix. */
function matchNino(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const spaced = at > start && src[at - 1] === SPACE
  let i = at - 1
  for (let pair = 0; pair < 3; pair++) {
    if (spaced && (i < start || src[i--] !== SPACE)) return false
    for (let n = 0; n < 2; n++, i--) {
      if ((classAt(src, start, end, i) & DIGIT) === 0) return false
    }
  }
  if (spaced && (i < start || src[i--] !== SPACE)) return false
  const from = i - 1
  if (from < start) return false
  const [first, second] = [src[from]! & 0xdf, src[from + 1]! & 0xdf]
  if ((classOf[src[from]!]! & ALNUM) === 0 || FIRST[first] !== 1 || SECOND[second] !== 1)
    return false
  if (NEVER.includes(String.fromCharCode(first, second))) return false
  if ((classAt(src, start, end, from - 1) & ALNUM) !== 0) return false
  if ((classAt(src, start, end, at + 1) & ALNUM) !== 0) return false
  span.start = from
  span.end = at + 1
  return true
}

export const ukNino: Detector = {
  name: 'uk-nino',
  description: 'British National Insurance numbers, together or in pairs',
  rank: 6,
  wake: {
    on: 'pair',
    pairs: [
      { before: bytesOfClass(DIGIT), at: bytesOf('ABCDabcd') },
      { before: bytesOf(' '), at: bytesOf('ABCD') },
    ],
    match: matchNino,
  },
  visible: 'tail',
  normal: 'alphanumeric',
}
