// Finds the values of a set of detectors in a cell, in time linear in the cell. Three passes, each over
// only what can wake its detectors: rare bytes; runs of digits; country codes. No allocation.
import { ALNUM, classOf, DIGIT, LETTER, SEPARATOR } from './byte-classes.ts'
import type { Detector, Match, NumberMatch, Span } from './detector.ts'
import { createDigitGroups, readGroups } from './digit-groups.ts'
import { FindingList } from './finding-list.ts'

/** What the finder tells about a cell. The lists are reused by the next call of any finder. */
export interface Findings {
  readonly bytes: FindingList
  readonly numbers: FindingList
  readonly prefixes: FindingList
}

/** Fills the lists for `[start, end)` of `src`; false: nothing found. A kind is the detector's index. */
export type Finder = (src: Uint8Array, start: number, end: number) => boolean

interface Waking<M> {
  readonly kind: number
  readonly match: M
}

/** The least digits of any number: fewer are never read. */
const MIN_DIGITS = 7
/** In the tables: a digit. The other bits of a byte's entry are its slot of byte detectors. */
const HAS_DIGIT = 128
const NUMERIC = Uint8Array.from(classOf, bits => ((bits & (DIGIT | SEPARATOR)) !== 0 ? 1 : 0))
const DIGITS = Uint8Array.from(classOf, bits => ((bits & DIGIT) !== 0 ? 1 : 0))

// One set of scratch for all finders: a call is synchronous and leaves nothing behind but its lists.
const lists: Findings = {
  bytes: new FindingList(),
  numbers: new FindingList(),
  prefixes: new FindingList(),
}
const span: Span = { start: 0, end: 0 }
const groups = createDigitGroups()

/** The lists that the last call filled. */
export const lastFindings = lists

/** Builds the finder of these detectors. */
export function createFinder(active: readonly Detector[]): Finder {
  const table = Uint8Array.from(DIGITS, digit => (digit === 1 ? HAS_DIGIT : 0))
  const slots: Waking<Match>[][] = [[]]
  const slotOf = new Map<number, number>()
  const numbers: Waking<NumberMatch>[] = []
  const prefixes: Waking<Match>[] = []
  active.forEach(({ wake }, kind) => {
    if (wake.on === 'number') numbers.push({ kind, match: wake.match })
    else if (wake.on === 'prefix') prefixes.push({ kind, match: wake.match })
    else {
      for (const byte of new Set(wake.bytes)) {
        const code = byte.charCodeAt(0)
        const slot = slotOf.get(code) ?? slots.push([]) - 1
        slotOf.set(code, slot)
        slots[slot]!.push({ kind, match: wake.match })
        table[code]! |= slot
      }
    }
  })
  const wantsDigits = numbers.length + prefixes.length > 0

  return (src, start, end) => {
    lists.bytes.clear()
    lists.numbers.clear()
    lists.prefixes.clear()
    const digits = findByBytes(src, start, end, table, slots)
    if (wantsDigits && digits) {
      if (numbers.length > 0) findNumbers(src, start, end, numbers)
      if (prefixes.length > 0) findPrefixes(src, start, end, prefixes)
    }
    return lists.bytes.count + lists.numbers.count + lists.prefixes.count > 0
  }
}

/** Looks at each byte; true when one was a digit. */
function findByBytes(
  src: Uint8Array,
  start: number,
  end: number,
  table: Uint8Array,
  slots: readonly (readonly Waking<Match>[])[],
): boolean {
  let seen = 0
  let i = start
  const wide = end - 3
  while (i < end) {
    if (i < wide) {
      const four = table[src[i]!]! | table[src[i + 1]!]! | table[src[i + 2]!]! | table[src[i + 3]!]!
      seen |= four
      if ((four & ~HAS_DIGIT) === 0) {
        i += 4
        continue
      }
    }
    const until = Math.min(i + 4, end)
    while (i < until) {
      const entry = table[src[i]!]!
      seen |= entry
      const slot = entry & ~HAS_DIGIT
      i = slot === 0 ? i + 1 : wakeAll(src, start, end, i, slots[slot]!)
    }
  }
  return (seen & HAS_DIGIT) !== 0
}

/** Asks the detectors of one byte; where to go on. */
function wakeAll(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  waking: readonly Waking<Match>[],
): number {
  let next = at + 1
  for (const { kind, match } of waking) {
    if (!match(src, start, end, at, span)) continue
    lists.bytes.add(span.start, span.end, kind)
    if (span.end > next) next = span.end
  }
  return next
}

/** Every run of seven or more bytes of numbers holds one byte of each seven: only those are looked at. */
function findNumbers(
  src: Uint8Array,
  start: number,
  end: number,
  waking: readonly Waking<NumberMatch>[],
): void {
  let floor = start
  let at = start + MIN_DIGITS - 1
  while (at < end) {
    if (NUMERIC[src[at]!] === 0) {
      at += MIN_DIGITS
      continue
    }
    let from = at
    let to = at + 1
    let digits = DIGITS[src[at]!]!
    while (from > floor && NUMERIC[src[from - 1]!] === 1) digits += DIGITS[src[--from]!]!
    while (to < end && NUMERIC[src[to]!] === 1) digits += DIGITS[src[to++]!]!
    if (digits >= MIN_DIGITS) findInRun(src, start, end, from, to, waking)
    floor = to
    at = to + MIN_DIGITS
  }
}

function findInRun(
  src: Uint8Array,
  start: number,
  end: number,
  from: number,
  to: number,
  waking: readonly Waking<NumberMatch>[],
): void {
  let at = from
  while (at < to) {
    if (DIGITS[src[at]!] === 0) {
      at++
      continue
    }
    const glued = at > start && (classOf[src[at - 1]!]! & ALNUM) !== 0
    if (!glued) {
      readGroups(src, end, at, groups)
      for (const { kind, match } of waking) {
        if (match(src, start, end, groups, span)) lists.numbers.add(span.start, span.end, kind)
      }
    }
    while (at < to && DIGITS[src[at]!] === 1) at++
  }
}

/** Two letters, two digits: one of the digits stands at every other byte. */
function findPrefixes(
  src: Uint8Array,
  start: number,
  end: number,
  waking: readonly Waking<Match>[],
): void {
  const wide = end - 6
  let at = start + 2
  while (at < end) {
    if (
      at < wide &&
      (DIGITS[src[at]!]! |
        DIGITS[src[at + 2]!]! |
        DIGITS[src[at + 4]!]! |
        DIGITS[src[at + 6]!]!) ===
        0
    ) {
      at += 8
      continue
    }
    const until = Math.min(at + 8, end)
    for (; at < until; at += 2) {
      if (DIGITS[src[at]!] === 0) continue
      const first = (classOf[src[at - 1]!]! & LETTER) !== 0 ? at : at - 1
      // Letters are ruled out by their place first: most digits stand in numbers.
      if (first - 2 < start || (classOf[src[first - 1]!]! & LETTER) === 0) continue
      if ((classOf[src[first - 2]!]! & LETTER) === 0) continue
      if (DIGITS[src[first]!] === 0 || first + 1 >= end || DIGITS[src[first + 1]!] === 0) continue
      for (const { kind, match } of waking) {
        if (match(src, start, end, first, span)) lists.prefixes.add(span.start, span.end, kind)
      }
    }
  }
}
