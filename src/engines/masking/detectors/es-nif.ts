// Spanish DNI and NIE: eight digits, or X, Y, Z and seven, and the letter that the number modulo 23 has.
import { ALNUM, bytesOf, classAt, DIGIT } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE'
const DASH = 0x2d
const DOT = 0x2e
const X = 0x58

/** `at` is the letter behind the number. */
function matchNif(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  let i = at - 1
  if (i >= start && src[i] === DASH) i--
  let value = 0
  let scale = 1
  let digits = 0
  for (; i >= start && digits < 8; i--) {
    if ((classAt(src, start, end, i) & DIGIT) !== 0) {
      value += (src[i]! - 0x30) * scale
      scale *= 10
      digits++
    } else if (src[i] !== DOT || (digits !== 3 && digits !== 6)) break
  }
  let from = i + 1
  if (digits === 7) {
    if (i >= start && src[i] === DASH) i--
    const lead = i >= start ? src[i]! - X : -1
    if (lead < 0 || lead > 2) return false
    value += lead * 10_000_000
    from = i
  } else if (digits !== 8) return false
  if (src[at] !== LETTERS.charCodeAt(value % 23)) return false
  const before = classAt(src, start, end, from - 1)
  if ((before & ALNUM) !== 0 || (classAt(src, start, end, at + 1) & ALNUM) !== 0) return false
  span.start = from
  span.end = at + 1
  return true
}

export const esNif: Detector = {
  name: 'es-nif',
  description: 'Spanish DNI and NIE numbers: check letter, in capitals',
  rank: 6,
  wake: {
    on: 'pair',
    pairs: [{ before: bytesOf('0123456789-'), at: bytesOf(LETTERS) }],
    match: matchNif,
  },
  visible: 'tail',
  normal: 'alphanumeric',
}
