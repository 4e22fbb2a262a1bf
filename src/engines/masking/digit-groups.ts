// Reads the digit groups of a number as people write it, once, for every detector of numbers.
import { ALNUM, classAt, classOf, DIGIT } from './byte-classes.ts'
import type { DigitGroups } from './detector.ts'

/** Stands for a group of this many digits or more: no number that we know has one. */
export const LONG_GROUP = 21
/** Groups read at a time, and how many of them any number can need. */
const ROOM = 64
const NEEDED = 20

const SPACE = 0x20
const OPEN = 0x28
const CLOSE = 0x29
const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f

export function createDigitGroups(): DigitGroups {
  return {
    first: 0,
    count: 0,
    start: new Int32Array(ROOM),
    length: new Int32Array(ROOM),
    separator: new Uint8Array(ROOM),
  }
}

/** Reads groups of the run that ends at `to`, from the digit at `at` on. */
export function readGroups(src: Uint8Array, to: number, at: number, groups: DigitGroups): void {
  const { start, length, separator } = groups
  let count = 0
  while (at < to && count < ROOM) {
    const from = at
    while (at < to && (classOf[src[at]!]! & DIGIT) !== 0) at++
    start[count] = from
    length[count] = at - from < LONG_GROUP ? at - from : LONG_GROUP
    separator[count] = 0
    const width = at < to ? separatorWidth(src, to, at) : 0
    if (width > 0) {
      const first = src[at]!
      const last = src[at + width - 1]!
      separator[count] = first === CLOSE || last === OPEN ? CLOSE : first
      at += width
    } else {
      while (at < to && (classOf[src[at]!]! & DIGIT) === 0) at++
    }
    count++
  }
  groups.first = 0
  groups.count = count
}

/** Goes on to the next group; false: there is none. Reads further when too few are left. */
export function nextGroup(src: Uint8Array, to: number, groups: DigitGroups): boolean {
  const next = groups.first + 1
  if (next >= groups.count) return false
  if (groups.count === ROOM && next + NEEDED > ROOM)
    readGroups(src, to, groups.start[next]!, groups)
  else groups.first = next
  return true
}

/** Bytes between two groups: one of ` -./`, or a bracket with at most one space or dash; 0: not joined. */
function separatorWidth(src: Uint8Array, end: number, at: number): number {
  const byte = src[at]!
  const next = at + 1 < end ? src[at + 1]! : 0
  if (byte === SPACE || byte === DASH || byte === DOT || byte === SLASH) {
    if ((classOf[next]! & DIGIT) !== 0) return 1
    return byte === SPACE && next === OPEN && isDigit(src, end, at + 2) ? 2 : 0
  }
  if (byte === OPEN) return (classOf[next]! & DIGIT) !== 0 ? 1 : 0
  if (byte !== CLOSE) return 0
  if ((classOf[next]! & DIGIT) !== 0) return 1
  return (next === SPACE || next === DASH) && isDigit(src, end, at + 2) ? 2 : 0
}

function isDigit(src: Uint8Array, end: number, at: number): boolean {
  return at < end && (classOf[src[at]!]! & DIGIT) !== 0
}

/**
 * True when the number at `at` is the tail of something longer: letters or digits touch it, or a
 * separator that joins (`.`, `-`, `/`, and `also`) stands between it and a digit.
 */
export function joinedBefore(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  also: number = 0,
): boolean {
  const before = classAt(src, start, end, at - 1)
  if (before === 0 && at - 1 < start) return false
  if ((before & ALNUM) !== 0) return true
  const byte = src[at - 1]!
  if (byte !== DASH && byte !== DOT && byte !== SLASH && (byte !== also || also === 0)) return false
  return (classAt(src, start, end, at - 2) & DIGIT) !== 0
}

/** The same for what follows a number that ends before `at`. */
export function joinedAfter(src: Uint8Array, end: number, at: number, also: number = 0): boolean {
  if (at >= end) return false
  const byte = src[at]!
  if ((classOf[byte]! & ALNUM) !== 0) return true
  if (byte !== DASH && byte !== DOT && (byte !== also || also === 0)) return false
  return isDigit(src, end, at + 1)
}
