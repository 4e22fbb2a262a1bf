// E-mail addresses as they occur in text: RFC 5321 mailboxes without quoted local parts and address
// literals, RFC 6531 letters included. A local part is never cut short: what touches it is hidden with it.
import { ALNUM, classOf, LETTER, WIDE } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const DOT = 0x2e
const DASH = 0x2d
const LOCAL = alphabet('._%+-~')
const DOMAIN = alphabet('.-')
const LETTERS = LETTER | WIDE
const MAX_DOMAIN = 255
const MAX_LABEL = 63

function alphabet(marks: string): Uint8Array {
  const table = Uint8Array.from(classOf, bits => ((bits & (ALNUM | WIDE)) !== 0 ? 1 : 0))
  for (let i = 0; i < marks.length; i++) table[marks.charCodeAt(i)] = 1
  return table
}

/** `at` is the `@`. */
export function matchEmail(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  span: Span,
): boolean {
  const until = domainEnd(src, end, at + 1)
  if (until < 0) return false
  // Reads back to the previous `@` at most, so all calls together read each byte once.
  let from = at
  while (from > start) {
    const byte = src[from - 1]!
    if (LOCAL[byte] === 1) from--
    else if (from < at && isInner(src, start, from - 1)) from--
    else break
  }
  while (from < at && src[from] === DOT) from++
  if (from === at) return false
  span.start = from
  span.end = until
  return true
}

/** `o'brien`: an apostrophe or ampersand belongs to the local part only behind a letter or digit. */
function isInner(src: Uint8Array, start: number, at: number): boolean {
  if (at <= start) return false
  const byte = src[at]!
  return (byte === 0x27 || byte === 0x26) && (classOf[src[at - 1]!]! & ALNUM) !== 0
}

/**
 * The end of the longest domain from `at`: labels of at most 63 bytes, the last of two or more letters
 * (or `xn--`). -1: no domain.
 */
function domainEnd(src: Uint8Array, end: number, at: number): number {
  const limit = Math.min(end, at + MAX_DOMAIN)
  let best = -1
  let label = at
  let before = -1
  for (let i = at; i <= limit; i++) {
    const byte = i < limit ? src[i]! : 0
    if (DOMAIN[byte] === 1 && byte !== DOT) {
      if (byte === DASH && i === label) break
      const length = byte < 0x80 ? 1 : sequenceLength(src, i, limit)
      // What is no UTF-8 is no letter: else bytes that are no text would be full of addresses.
      if (length > 0) {
        i += length - 1
        continue
      }
    }
    // The label [label, i) is complete.
    if (i === label || i - label > MAX_LABEL) break
    const top = before >= 0 ? topLevelEnd(src, before, label, i) : -1
    if (top >= 0) best = top
    if (byte !== DOT || src[i - 1] === DASH) break
    before = label
    label = i + 1
  }
  return best < 0 ? -1 : wholeCodePoint(src, end, best)
}

/**
 * Two or more letters, up to the end of the label or to what no top level holds: `com-Office`, `com2024`
 * are `com` and more text. Behind digits alone a label is part of a version: `gem@1.0.rc1`.
 */
function topLevelEnd(src: Uint8Array, before: number, from: number, to: number): number {
  if (isPunycode(src, from, to)) return to
  let i = from
  while (i < to && (classOf[src[i]!]! & LETTERS) !== 0) i++
  if (i - from < 2) return -1
  if (i === to || src[i] === DASH) return i
  for (let k = before; k < from; k++) if ((classOf[src[k]!]! & LETTERS) !== 0) return i
  return -1
}

function isPunycode(src: Uint8Array, from: number, to: number): boolean {
  return (
    to - from > 4 &&
    (src[from]! | 0x20) === 0x78 &&
    (src[from + 1]! | 0x20) === 0x6e &&
    src[from + 2] === DASH &&
    src[from + 3] === DASH
  )
}

/** Of a character of more than one byte (RFC 3629 section 4); 0: it is none, or ends behind the limit. */
function sequenceLength(src: Uint8Array, at: number, limit: number): number {
  const lead = src[at]!
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  if (length === 0 || at + length > limit) return 0
  for (let i = at + 1; i < at + length; i++) if ((src[i]! & 0xc0) !== 0x80) return 0
  return length
}

/** A limit may fall inside of a code point: continuation bytes go with their lead. */
function wholeCodePoint(src: Uint8Array, end: number, at: number): number {
  while (at < end && (src[at]! & 0xc0) === 0x80) at++
  return at
}

export const email: Detector = {
  name: 'email',
  description: 'E-mail addresses with a dotted domain, international letters included',
  rank: 1,
  wake: { on: 'ending', endings: ['@'], match: matchEmail },
  visible: 'domain',
  normal: 'folded',
}
