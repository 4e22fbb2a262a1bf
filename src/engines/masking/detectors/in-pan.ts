// Indian permanent account numbers: three letters, the kind of holder, a letter, four digits, a letter, in capitals
// (Income Tax Department). How the last letter checks the others is not published.
import { ALNUM, bytesOf, classAt, DIGIT, UPPER } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const HOLDERS = bytesOf('ABCFGHJLPT')
const CAPITALS = bytesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ')

/** `at` is the first digit. */
function matchPan(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const from = at - 5
  if (from < start || at + 5 > end || HOLDERS[src[at - 2]!] !== 1) return false
  for (let i = from; i < at + 5; i++) {
    const wanted = i < at || i === at + 4 ? UPPER : DIGIT
    if ((classAt(src, start, end, i) & wanted) === 0) return false
  }
  if (src[at] === 0x30 && src[at + 1] === 0x30 && src[at + 2] === 0x30 && src[at + 3] === 0x30)
    return false
  if ((classAt(src, start, end, from - 1) & ALNUM) !== 0) return false
  if ((classAt(src, start, end, at + 5) & ALNUM) !== 0) return false
  span.start = from
  span.end = at + 5
  return true
}

export const inPan: Detector = {
  name: 'in-pan',
  description: 'Indian permanent account numbers, in capitals',
  rank: 6,
  wake: {
    on: 'pair',
    pairs: [{ before: CAPITALS, at: bytesOf('0123456789') }],
    match: matchPan,
  },
  visible: 'tail',
  normal: 'alphanumeric',
}
