// Finnish personal identity codes: DDMMYY, a sign for the century, three digits and a check character: all nine
// digits modulo 31 (Digital and Population Data Services Agency; the signs of 2024 included).
import { ALNUM, bytesOf, bytesOfClass, classAt, classOf, DIGIT } from '../byte-classes.ts'
import { isDay } from '../checked-number.ts'
import type { Detector, Span } from '../detector.ts'

const CHECKS = '0123456789ABCDEFHJKLMNPRSTUVWXY'

/** `at` is the sign of the century. */
function matchHetu(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const from = at - 6
  if (from < start || at + 5 > end) return false
  let value = 0
  for (let i = from; i < at + 4; i++) {
    if (i === at) continue
    if ((classOf[src[i]!]! & DIGIT) === 0) return false
    value = value * 10 + src[i]! - 0x30
  }
  if (src[at + 4] !== CHECKS.charCodeAt(value % 31)) return false
  const date = Math.floor(value / 1000)
  if (!isDay(Math.floor(date / 100) % 100, Math.floor(date / 10_000)) || value % 1000 < 2)
    return false
  if ((classAt(src, start, end, from - 1) & ALNUM) !== 0) return false
  if ((classAt(src, start, end, at + 5) & ALNUM) !== 0) return false
  span.start = from
  span.end = at + 5
  return true
}

export const fiHetu: Detector = {
  name: 'fi-hetu',
  description: 'Finnish personal identity codes: date, century and check character',
  rank: 6,
  wake: {
    on: 'pair',
    pairs: [{ before: bytesOfClass(DIGIT), at: bytesOf('+-ABCDEFUVWXY') }],
    match: matchHetu,
  },
  visible: 'nothing',
  normal: 'alphanumeric',
}
