// IP addresses: four decimal parts (RFC 791), or RFC 4291's hexadecimal forms with at least one digit. A port or a
// prefix length may follow; longer dotted numbers (object identifiers, versions of five parts) are none.
import { ALNUM, bytesOf, bytesOfClass, classAt, classOf, DIGIT, HEX } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const DOT = 0x2e
const COLON = 0x3a
const MAX_V6 = 45
const MIN_V6 = 6

/** `at` is the first dot, or a colon. */
function matchIp(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  return src[at] === DOT
    ? matchFour(src, start, end, at, span)
    : matchSix(src, start, end, at, span)
}

function matchFour(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  let from = at
  while (from > start && at - from < 3 && (classOf[src[from - 1]!]! & DIGIT) !== 0) from--
  const before = classAt(src, start, end, from - 1)
  if ((before & ALNUM) !== 0) return false
  if (from > start && src[from - 1] === DOT && (classAt(src, start, end, from - 2) & ALNUM) !== 0)
    return false
  const to = fourEnd(src, end, from)
  if (to < 0) return false
  span.start = from
  span.end = to
  return true
}

/** The end of four decimal parts from `from` on; -1: there are not exactly four. */
function fourEnd(src: Uint8Array, end: number, from: number): number {
  let i = from
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (i >= end || src[i++] !== DOT)) return -1
    let value = 0
    const first = i
    while (i < end && i - first < 4 && (classOf[src[i]!]! & DIGIT) !== 0) {
      value = value * 10 + src[i++]! - 0x30
    }
    // A leading zero is octal to some readers: written so it is no address.
    if (i === first || value > 255 || (i - first > 1 && src[first] === 0x30)) return -1
  }
  if ((classAt(src, from, end, i) & ALNUM) !== 0) return -1
  return i < end && src[i] === DOT && (classAt(src, from, end, i + 1) & ALNUM) !== 0 ? -1 : i
}

function matchSix(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  let from = at
  const least = Math.max(start, at - MAX_V6)
  while (from > least && isPart(src[from - 1]!)) from--
  if (
    (classAt(src, start, end, from - 1) & ALNUM) !== 0 ||
    (from > start && isPart(src[from - 1]!))
  )
    return false
  const to = sixEnd(src, end, from)
  if (to < 0) return false
  span.start = from
  span.end = to
  return true
}

const isPart = (byte: number) => (classOf[byte]! & HEX) !== 0 || byte === COLON

/** The end of an address in hexadecimal from `from` on: eight groups, or fewer with one `::`. */
function sixEnd(src: Uint8Array, end: number, from: number): number {
  let i = from
  let groups = 0
  let gap = false
  let digit = false
  while (i < end && i - from <= MAX_V6) {
    if (src[i] === COLON) {
      if (i + 1 < end && src[i + 1] === COLON) {
        if (gap) return -1
        gap = true
        i += 2
        continue
      }
      // A colon behind the last group ends a sentence or names a port.
      if (groups === 0 || i + 1 >= end || (classOf[src[i + 1]!]! & HEX) === 0) break
      i++
    }
    const first = i
    while (i < end && (classOf[src[i]!]! & HEX) !== 0 && i - first < 5) {
      if ((classOf[src[i]!]! & DIGIT) !== 0) digit = true
      i++
    }
    if (i === first) break
    if (i - first > 4) return -1
    if (i < end && src[i] === DOT && groups > 0) {
      // ::ffff:192.0.2.1
      const to = fourEnd(src, end, first)
      if (to >= 0 && (gap ? groups <= 6 : groups === 6)) return to
    }
    if (++groups > 8) return -1
  }
  if ((classAt(src, from, end, i) & ALNUM) !== 0 || !digit || i - from < MIN_V6) return -1
  return (gap ? groups <= 7 && groups > 0 : groups === 8) ? i : -1
}

export const ip: Detector = {
  name: 'ip',
  description: 'IP addresses, version 4 and 6',
  rank: 1,
  wake: {
    on: 'pair',
    pairs: [
      { before: bytesOfClass(DIGIT), at: bytesOf('.') },
      { before: bytesOfClass(HEX), at: bytesOf(':') },
      { before: bytesOf(':'), at: bytesOf(':') },
    ],
    match: matchIp,
  },
  visible: 'nothing',
  normal: 'folded',
}
