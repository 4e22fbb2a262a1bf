// Singapore's NRIC and FIN: a letter for the kind and century, seven weighted digits, and a check letter.
import { ALNUM, bytesOf, classAt, DIGIT } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const WEIGHTS = [2, 7, 6, 5, 4, 3, 2]
/** By the leading letter: what is added, and the check letters. */
const SERIES: Readonly<Record<string, readonly [number, string]>> = {
  S: [0, 'JZIHGFEDCBA'],
  T: [4, 'JZIHGFEDCBA'],
  F: [0, 'XWUTRQPNMLK'],
  G: [4, 'XWUTRQPNMLK'],
  M: [3, 'XWUTRQPNJLK'],
}

/** `at` is the first digit. */
function matchFin(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const from = at - 1
  if (from < start || at + 8 > end) return false
  const [offset, letters] = SERIES[String.fromCharCode(src[from]!)] ?? [0, '']
  let sum = offset
  for (let i = 0; i < 7; i++) {
    if ((classAt(src, start, end, at + i) & DIGIT) === 0) return false
    sum += (src[at + i]! - 0x30) * WEIGHTS[i]!
  }
  if (src[at + 7] !== letters.charCodeAt(sum % 11)) return false
  if ((classAt(src, start, end, from - 1) & ALNUM) !== 0) return false
  if ((classAt(src, start, end, at + 8) & ALNUM) !== 0) return false
  span.start = from
  span.end = at + 8
  return true
}

export const sgFin: Detector = {
  name: 'sg-fin',
  description: 'Singapore NRIC and FIN numbers: check letter, in capitals',
  rank: 6,
  wake: {
    on: 'pair',
    pairs: [{ before: bytesOf('STFGM'), at: bytesOf('0123456789') }],
    match: matchFin,
  },
  visible: 'tail',
  normal: 'alphanumeric',
}
