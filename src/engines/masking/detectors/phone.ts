// Telephone numbers: E.164 with a plus or 00, the North American plan and national numbers with a trunk
// zero in the groups that people write, and any number where the text says that it is one.
import { ALNUM, classAt, classOf, DIGIT, foldedTextAt, LETTER } from '../byte-classes.ts'
import { contextWords, wordBefore } from '../context-words.ts'
import type { Detector, DigitGroups, Span } from '../detector.ts'
import { joinedAfter, joinedBefore } from '../digit-groups.ts'
import { nationalLengths } from './calling-codes.ts'

const SPACE = 0x20
const HASH = 0x23
const OPEN = 0x28
const CLOSE = 0x29
const PLUS = 0x2b
const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f
const ZERO = 0x30
const WORDS = contextWords([
  'phone',
  'telephone',
  'tel',
  'mobile',
  'cell',
  'cellphone',
  'fax',
  'call',
  'dial',
  'desk',
  'whatsapp',
  'sms',
  'phonenumber',
  'telefon',
  'telefono',
  'mobil',
  'handy',
  'celular',
])
/** Say so only of digits in groups: next to bare ones they explain ids of messages and accounts. */
const WEAK_WORDS = contextWords([
  'answering',
  'answer',
  'message',
  'messages',
  'registered',
  'contact',
  'reach',
])
const WORDS_AFTER = ['phone', 'office', 'fax', 'mobile', 'cell', 'desk']
const MAX_DIGITS = 15
const MAX_GROUPS = 19

function matchPhone(
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  span: Span,
): boolean {
  if (groups.length[groups.first]! > MAX_DIGITS || isListItem(src, start, groups)) return false
  const from = leadOf(src, start, groups)
  const before = classAt(src, start, end, from - 1)
  if ((before & ALNUM) !== 0) return false
  const to =
    src[from] === PLUS
      ? international(src, end, groups, 0)
      : joinedBefore(src, start, end, from)
        ? -1
        : unmarked(src, start, end, groups, from)
  if (to < 0) return false
  span.start = from
  span.end = extensionEnd(src, end, to)
  return true
}

/** A group between spaces and digits on both sides: numbers that are written so begin before it. */
function isListItem(src: Uint8Array, start: number, groups: DigitGroups): boolean {
  const at = groups.start[groups.first]!
  if (at < start + 2 || src[at - 1] !== SPACE || groups.separator[groups.first] !== SPACE)
    return false
  return (classOf[src[at - 2]!]! & DIGIT) !== 0 && !(src[at] === ZERO && src[at + 1] === ZERO)
}

function unmarked(
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  from: number,
): number {
  const bracketed = src[from] === OPEN
  const first = groups.start[groups.first]!
  if (
    src[first] === ZERO &&
    src[first + 1] === ZERO &&
    groups.length[groups.first]! >= 3 &&
    groups.separator[groups.first] !== 0
  ) {
    const to = international(src, end, groups, 2)
    if (to >= 0) return to
  }
  const american = northAmerican(src, start, end, groups, from, bracketed)
  if (american >= 0) return american
  const national = withTrunkZero(src, start, end, groups, from, bracketed)
  if (national >= 0) return national
  return explained(src, start, end, groups, from)
}

/** Where the number begins: a plus, or a bracket around the first group, belongs to it. */
function leadOf(src: Uint8Array, start: number, groups: DigitGroups): number {
  let at = groups.start[groups.first]!
  if (at > start && src[at - 1] === OPEN && groups.separator[groups.first] === CLOSE) at--
  return at > start && src[at - 1] === PLUS ? at - 1 : at
}

/** `skip`: digits of an international prefix to leave out. The end of the longest possible number, or -1. */
function international(src: Uint8Array, end: number, groups: DigitGroups, skip: number): number {
  let value = 0
  let digits = 0
  let lengths = 0
  let codeDigits = 0
  let best = -1
  const last = Math.min(groups.count, groups.first + MAX_GROUPS)
  for (let k = groups.first; k < last; k++) {
    const at = groups.start[k]!
    const length = groups.length[k]!
    // +46 (0)8: the trunk zero in brackets is not dialled from abroad.
    const trunk = length === 1 && src[at] === ZERO && src[at - 1] === OPEN && src[at + 1] === CLOSE
    if (!trunk) {
      for (let i = at + (k === groups.first ? skip : 0); i < at + length; i++) {
        digits++
        if (digits > MAX_DIGITS) return best
        if (codeDigits > 0) continue
        value = value * 10 + (src[i]! - ZERO)
        // Calling codes are prefix-free (ITU-T E.164), one to three digits.
        const plan = nationalLengths.get(value)
        if (plan !== undefined) {
          codeDigits = digits
          lengths = plan
        } else if (digits === 3 || value === 0) return -1
      }
      const national = digits - codeDigits
      if (codeDigits > 0 && (lengths & (1 << national)) !== 0 && endsHere(src, end, at + length)) {
        best = at + length
      }
    }
    if (groups.separator[k] === 0) break
  }
  return best
}

/** [1] NXX NXX XXXX with brackets, dashes, dots or spaces: never bare, since ten digits are any id. */
function northAmerican(
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  from: number,
  bracketed: boolean,
): number {
  const one = groups.length[groups.first] === 1 && src[groups.start[groups.first]!] === 0x31
  const joined = groups.separator[groups.first] !== 0
  const long = groups.first + (one && joined && !bracketed ? 1 : 0)
  if (groups.count < long + 3) return -1
  if (groups.length[long] !== 3 || groups.length[long + 1] !== 3) return -1
  if (groups.length[long + 2] !== 4) return -1
  const area = groups.start[long]!
  const exchange = groups.start[long + 1]!
  const first = groups.separator[long]!
  const second = groups.separator[long + 1]!
  const style = second
  if (first !== second && first !== CLOSE) return -1
  if (style !== DASH && style !== DOT && style !== SPACE) return -1
  if (src[area]! < 0x32) return -1
  // Spaces alone are weak: then both parts must be assignable.
  if (style === SPACE && first === SPACE && src[exchange]! < 0x32) return -1
  if (joinedBefore(src, start, end, from, style)) return -1
  const to = groups.start[long + 2]! + 4
  return endsHere(src, end, to) && !joinedAfterDigits(src, end, to, style) ? to : -1
}

/** 0X.. in groups of one style: 07700 063 966, 03.93.92.16.85, (08) 8747 6301, 0961-7596216. */
function withTrunkZero(
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  from: number,
  bracketed: boolean,
): number {
  const first = groups.start[groups.first]!
  if (src[first] !== ZERO || groups.count < groups.first + 2) return -1
  if (
    groups.length[groups.first]! < 2 ||
    groups.length[groups.first]! > 5 ||
    src[first + 1] === ZERO
  )
    return -1
  if (bracketed !== (groups.separator[groups.first] === CLOSE)) return -1
  const style = bracketed
    ? groups.separator[groups.first + 1] === 0
      ? SPACE
      : groups.separator[groups.first + 1]!
    : groups.separator[groups.first]!
  if (style !== SPACE && style !== DOT && style !== DASH && style !== SLASH) return -1
  if (joinedBefore(src, start, end, from, style)) return -1
  let digits = groups.length[groups.first]!
  let k = groups.first + 1
  for (; k < groups.count; k++) {
    digits += groups.length[k]!
    if (groups.length[k]! < 2 || digits > 11) return -1
    if (groups.separator[k] !== style) break
  }
  if (k >= groups.count) k = groups.count - 1
  // A dash or a slash joins two groups only: more of them are dates, parts and accounts.
  if (
    (style === DASH || style === SLASH) &&
    !bracketed &&
    (k !== groups.first + 1 || groups.length[groups.first + 1]! < 6)
  )
    return -1
  const to = groups.start[k]! + groups.length[k]!
  if (digits < 9 || !endsHere(src, end, to)) return -1
  // A clock's colon behind the last group makes it a time.
  return to < end && src[to] === 0x3a && isDigitAt(src, end, to + 1) ? -1 : to
}

/** Seven to fifteen digits in any form, where a word before or right behind them says what they are. */
function explained(
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  from: number,
): number {
  if (joinedBefore(src, start, end, from, SPACE)) return -1
  let digits = 0
  let to = -1
  let k = groups.first
  for (; k < groups.count; k++) {
    digits += groups.length[k]!
    if (digits > MAX_DIGITS) return -1
    to = groups.start[k]! + groups.length[k]!
    if (groups.separator[k] === 0) break
  }
  if (digits < 7 || !endsHere(src, end, to) || looksLikeDate(groups)) return -1
  if (wordBefore(src, start, end, from, WORDS) || wordAfter(src, start, end, to)) return to
  return k > groups.first && wordBefore(src, start, end, from, WEAK_WORDS) ? to : -1
}

/** 2024-01-31, 31.01.2024, with or without what follows. */
function looksLikeDate(groups: DigitGroups): boolean {
  if (groups.count < groups.first + 3) return false
  const [a, b, c] = [
    groups.length[groups.first],
    groups.length[groups.first + 1],
    groups.length[groups.first + 2],
  ]
  const joined =
    groups.separator[groups.first] !== SPACE &&
    groups.separator[groups.first] === groups.separator[groups.first + 1]
  return joined && b! <= 2 && ((a === 4 && c! <= 2) || (a! <= 2 && c === 4))
}

function wordAfter(src: Uint8Array, start: number, end: number, at: number): boolean {
  let i = at
  const limit = Math.min(end, at + 3)
  while (i < limit && (classOf[src[i]!]! & LETTER) === 0) i++
  return WORDS_AFTER.some(
    word =>
      foldedTextAt(src, start, end, i, word) &&
      (classAt(src, start, end, i + word.length) & LETTER) === 0,
  )
}

/** True when a number may end before `at`; an extension may follow. */
function endsHere(src: Uint8Array, end: number, at: number): boolean {
  return extensionEnd(src, end, at) > at || !joinedAfter(src, end, at)
}

function joinedAfterDigits(src: Uint8Array, end: number, at: number, separator: number): boolean {
  return at < end && src[at] === separator && isDigitAt(src, end, at + 1)
}

/** x4587, ext. 12, #3: one to six digits, at most one space before and after the mark. */
function extensionEnd(src: Uint8Array, end: number, at: number): number {
  let i = at
  if (i < end && src[i] === SPACE) i++
  if (i >= end) return at
  if (foldedTextAt(src, at, end, i, 'ext')) i += 3
  else if ((src[i]! | 0x20) === 0x78 || src[i] === HASH) i += 1
  else return at
  if (i < end && src[i] === DOT) i++
  if (i < end && src[i] === SPACE) i++
  const digits = i
  while (i < end && i < digits + 7 && (classOf[src[i]!]! & DIGIT) !== 0) i++
  if (i === digits || i === digits + 7) return at
  return (classAt(src, at, end, i) & ALNUM) !== 0 ? at : i
}

function isDigitAt(src: Uint8Array, end: number, at: number): boolean {
  return at < end && (classOf[src[at]!]! & DIGIT) !== 0
}

export const phone: Detector = {
  name: 'phone',
  description: 'Telephone numbers: +, 00, North American groups, trunk zero, or named as one',
  rank: 2,
  wake: { on: 'number', match: matchPhone },
  visible: 'phone',
  normal: 'digits',
}
