// Italian codice fiscale: six letters, year, month letter, day, place, check letter (D.M. 23 December 1976); digits
// may be letters where two people would have the same (omocodia).
import { ALNUM, bytesOfClass, classAt, DIGIT, LETTER } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const MONTHS = 'ABCDEHLMPRST'
/** Stand for 0 to 9. */
const OMOCODIA = 'LMNPQRSTUV'
const ODD = [
  1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
]
const DIGITS_AT = [6, 7, 9, 10, 12, 13, 14]

/** `at` is the first digit of the year: six letters stand before it. */
function matchFiscal(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const from = at - 6
  if (from < start || from + 16 > end) return false
  if ((classAt(src, start, end, from - 1) & ALNUM) !== 0) return false
  if ((classAt(src, start, end, from + 16) & ALNUM) !== 0) return false
  let sum = 0
  let day = 0
  for (let i = 0; i < 16; i++) {
    const byte = src[from + i]!
    const isDigit = (classAt(src, start, end, from + i) & DIGIT) !== 0
    if (!isDigit && (classAt(src, start, end, from + i) & LETTER) === 0) return false
    const letter = String.fromCharCode(byte & 0xdf)
    const value = isDigit ? byte - 0x30 : (byte & 0xdf) - 0x41
    if (DIGITS_AT.includes(i)) {
      const digit = isDigit ? value : OMOCODIA.indexOf(letter)
      if (digit < 0) return false
      if (i === 9 || i === 10) day = day * 10 + digit
    } else if (isDigit || (i === 8 && !MONTHS.includes(letter))) return false
    if (i === 15) {
      if (sum % 26 !== value) return false
    } else sum += i % 2 === 0 ? ODD[value]! : value
  }
  // Forty is added for women.
  if (day < 1 || (day > 31 && day < 41) || day > 71) return false
  span.start = from
  span.end = from + 16
  return true
}

export const itCf: Detector = {
  name: 'it-cf',
  description: 'Italian fiscal codes: letters, date and check letter',
  rank: 6,
  wake: {
    on: 'pair',
    pairs: [{ before: bytesOfClass(LETTER), at: bytesOfClass(DIGIT) }],
    match: matchFiscal,
  },
  visible: 'tail',
  normal: 'alphanumeric',
}
