// US Social Security numbers: AAA-GG-SSSS with the Social Security Administration's rules for what was
// never issued. Nine bare digits are one only where the text says so.
import { contextWords, wordBefore } from '../context-words.ts'
import type { Detector, DigitGroups, Span } from '../detector.ts'
import { joinedAfter, joinedBefore } from '../digit-groups.ts'

const DASH = 0x2d
const SPACE = 0x20
const WORDS = contextWords(['ssn', 'social', 'socialsecurity'])

function matchSsn(
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  span: Span,
): boolean {
  const k = groups.first
  const from = groups.start[k]!
  if (groups.length[k] === 9) {
    const to = from + 9
    if (joinedAfter(src, end, to)) return false
    if (!isIssued(src, from, from + 3, from + 5)) return false
    if (!wordBefore(src, start, end, from, WORDS)) return false
    span.start = from
    span.end = to
    return true
  }
  if (groups.length[k] !== 3 || groups.count < k + 3) return false
  if (groups.length[k + 1] !== 2 || groups.length[k + 2] !== 4) return false
  const separator = groups.separator[k]!
  if (separator !== groups.separator[k + 1]) return false
  if (separator !== DASH && separator !== SPACE) return false
  const to = groups.start[k + 2]! + 4
  if (joinedBefore(src, start, end, from, separator)) return false
  if (joinedAfter(src, end, to, separator)) return false
  if (!isIssued(src, from, groups.start[k + 1]!, groups.start[k + 2]!)) return false
  span.start = from
  span.end = to
  return true
}

/** Area never 000, 666 or 900 to 999; group never 00; serial never 0000. */
function isIssued(src: Uint8Array, area: number, group: number, serial: number): boolean {
  const a = number(src, area, 3)
  return (
    a !== 0 && a !== 666 && a < 900 && number(src, group, 2) !== 0 && number(src, serial, 4) !== 0
  )
}

function number(src: Uint8Array, at: number, digits: number): number {
  let value = 0
  for (let i = at; i < at + digits; i++) value = value * 10 + (src[i]! - 0x30)
  return value
}

export const usSsn: Detector = {
  name: 'us-ssn',
  description: 'US Social Security numbers, in groups, or bare next to the words that name them',
  rank: 6,
  wake: { on: 'number', match: matchSsn },
  visible: 'ssn',
  normal: 'digits',
}
