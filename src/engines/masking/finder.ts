// Finds the values of a set of detectors in a cell: one pass, linear in the cell, no allocation.
// A byte costs two look-ups; a detector is asked only where its value could stand.
import { classOf, DIGIT, LETTER, SEPARATOR } from './byte-classes.ts'
import { nextCell } from './context-words.ts'
import type { BytePair, Detector, Found, Match, NumberMatch, Search, Span } from './detector.ts'
import { createDigitGroups, joinedBefore, nextGroup, readGroups } from './digit-groups.ts'
import { FindingList } from './finding-list.ts'

/** Fills `lastFindings` for `[start, end)` of `src`; false: nothing found. A kind is the detector's index. */
export type Finder = (src: Uint8Array, start: number, end: number) => boolean

/** The least digits of any number: fewer are never read. */
const MIN_DIGITS = 7

// A byte's entry: two bits say what it is, one further up whether it wakes detectors.
// The bits of four bytes and of those before them are judged at once, as numbers in a word.
const OTHER = 0
const IS_LETTER = 1
const IS_DIGIT = 2
const IS_SEPARATOR = 3
/** The flag of a byte that wakes: far enough up to stay clear of four symbols shifted together. */
const WAKES = 256
const FOUR_SYMBOLS = 255
/** The high bits of four symbols, and the flags: without any of them nothing can be found. */
const ANY_WAKE = ~0x55
/** One bit for each of the four newest symbols. */
const FOUR = 0x55

const NUMERIC = Uint8Array.from(classOf, bits => ((bits & (DIGIT | SEPARATOR)) !== 0 ? 1 : 0))
const DIGITS = Uint8Array.from(classOf, bits => ((bits & DIGIT) !== 0 ? 1 : 0))

// One set of scratch for all finders: a call is synchronous and leaves nothing behind but its list.
const found = new FindingList()
const span: Span = { start: 0, end: 0 }
const groups = createDigitGroups()

/** What the last call of any finder found: valid until the next one. */
export const lastFindings = found

/** Detectors of one wake, side by side so that no call allocates. */
interface Waking<M> {
  readonly kinds: number[]
  readonly matches: M[]
}

/** The detectors that a byte wakes, and behind which bytes. */
interface Slot extends Waking<Match> {
  readonly behind: Uint8Array
  readonly searches: Waking<Search>
}

/** Builds the finder of these detectors. */
export function createFinder(active: readonly Detector[]): Finder {
  const table = Uint16Array.from(classOf, symbolOf)
  const slots: (Slot | undefined)[] = new Array(256).fill(undefined)
  const numbers: Waking<NumberMatch> = { kinds: [], matches: [] }
  const prefixes: Waking<Match> = { kinds: [], matches: [] }
  const cells: Waking<Search> = { kinds: [], matches: [] }
  active.forEach(({ wake }, kind) => {
    if (wake.on === 'number') add(numbers, kind, wake.match)
    else if (wake.on === 'prefix') add(prefixes, kind, wake.match)
    else if (wake.on === 'cell') add(cells, kind, wake.search)
    else if (wake.on === 'ending') {
      for (const ending of wake.endings) {
        for (const slot of slotsOf(table, slots, pairOf(ending))) add(slot, kind, wake.match)
      }
    } else {
      for (const pair of wake.pairs) {
        for (const slot of slotsOf(table, slots, pair)) {
          if (wake.on === 'pair') add(slot, kind, wake.match)
          else add(slot.searches, kind, wake.search)
        }
      }
    }
  })
  const wantsNumbers = numbers.kinds.length > 0 ? FOUR : 0
  const wantsPrefixes = prefixes.kinds.length > 0 ? FOUR : 0
  /** By kind: nothing that begins before it is looked at, so that no byte is read again and again. */
  const until = new Int32Array(active.length)
  let stale = false
  const searches = active.some(({ wake }) => wake.on === 'stretch' || wake.on === 'cell')

  return (src, start, end) => {
    if (found.count > 0) found.clear()
    nextCell()
    if (stale) until.fill(0)
    const wide = end - 3
    let symbols = 0
    let runUntil = start
    for (let i = start; i < end; i += 4) {
      let four: number
      if (i < wide) {
        four =
          (table[src[i]!]! << 6) |
          (table[src[i + 1]!]! << 4) |
          (table[src[i + 2]!]! << 2) |
          table[src[i + 3]!]!
      } else {
        // The last one to three bytes; what is not there is neither letter nor digit.
        four = table[src[i]!]! << 6
        if (i + 1 < end) four |= table[src[i + 1]!]! << 4
        if (i + 2 < end) four |= table[src[i + 2]!]! << 2
      }
      symbols = (symbols << 8) | (four & FOUR_SYMBOLS)
      if ((four & ANY_WAKE) === 0) continue
      const high = symbols >>> 1
      // Seven digits and separators in a row, the newest of them among the four.
      const two = high & (high >>> 2)
      const fours = two & (two >>> 4)
      const run = fours & (fours >>> 6) & wantsNumbers
      // Neither letter nor digit, then two letters, two digits.
      const digits = high & ~symbols
      const letters = symbols & ~high
      const prefix =
        digits &
        (digits >>> 2) &
        (letters >>> 4) &
        (letters >>> 6) &
        ~((digits | letters) >>> 8) &
        wantsPrefixes
      if (four > FOUR_SYMBOLS) {
        if ((four & (WAKES << 6)) !== 0) wakeSlot(src, start, end, i, slots, until)
        if ((four & (WAKES << 4)) !== 0) wakeSlot(src, start, end, i + 1, slots, until)
        if ((four & (WAKES << 2)) !== 0) wakeSlot(src, start, end, i + 2, slots, until)
        if ((four & WAKES) !== 0) wakeSlot(src, start, end, i + 3, slots, until)
      }
      if (prefix !== 0) {
        // A bit of the pair of symbols at 6, 4, 2, 0 stands for the second digit at i, i + 1, ...
        for (let k = 0; k < 4; k++) {
          if (((prefix >> (6 - 2 * k)) & 1) !== 0) wake(src, start, end, i + k - 1, prefixes, until)
        }
      }
      if (run !== 0) {
        const at = i + ((run & 64) !== 0 ? 0 : (run & 16) !== 0 ? 1 : (run & 4) !== 0 ? 2 : 3)
        if (at >= runUntil) runUntil = wakeRun(src, start, end, at, runUntil, numbers, until)
      }
    }
    if (cells.kinds.length > 0 && start < end) {
      search(src, start, end, start, cells, until)
    }
    if (searches) found.sort()
    stale = searches || found.count > 0
    return found.count > 0
  }
}

function add<M>(waking: Waking<M>, kind: number, match: M): void {
  if (waking.kinds.includes(kind)) return
  waking.kinds.push(kind)
  waking.matches.push(match)
}

/** An ending as its pair: the byte that wakes, with the one that must stand before it, if any must. */
function pairOf(ending: string): BytePair {
  const flags = (code: number) => {
    const set = new Uint8Array(256)
    set[code] = 1
    return set
  }
  const at = flags(ending.charCodeAt(ending.length - 1))
  return ending.length === 1 ? { at } : { before: flags(ending.charCodeAt(0)), at }
}

function newSlot(): Slot {
  const searches = { kinds: [], matches: [] }
  return { behind: new Uint8Array(256), kinds: [], matches: [], searches }
}

/** The slots of the bytes that wake by this pair. */
function slotsOf(
  table: Uint16Array,
  slots: (Slot | undefined)[],
  { before, at }: BytePair,
): readonly Slot[] {
  const woken: Slot[] = []
  for (let code = 0; code < 256; code++) {
    if (at[code] !== 1) continue
    const slot = slots[code] ?? newSlot()
    slots[code] = slot
    table[code]! |= WAKES
    for (let byte = 0; byte < 256; byte++) {
      if (before === undefined || before[byte] === 1) slot.behind[byte] = 1
    }
    woken.push(slot)
  }
  return woken
}

function symbolOf(bits: number): number {
  if ((bits & DIGIT) !== 0) return IS_DIGIT
  if ((bits & LETTER) !== 0) return IS_LETTER
  return (bits & SEPARATOR) !== 0 ? IS_SEPARATOR : OTHER
}

function wakeSlot(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  slots: readonly (Slot | undefined)[],
  until: Int32Array,
): void {
  const slot = slots[src[at]!]
  if (slot === undefined || slot.behind[at > start ? src[at - 1]! : 0] === 0) return
  wake(src, start, end, at, slot, until)
  if (slot.searches.kinds.length > 0) search(src, start, end, at, slot.searches, until)
}

/** Judges each number of the run of digits and separators around `at`; where the run ends. */
function wakeRun(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  floor: number,
  numbers: Waking<NumberMatch>,
  until: Int32Array,
): number {
  let from = at
  let to = at
  let digits = 0
  while (from > floor && NUMERIC[src[from - 1]!] === 1) digits += DIGITS[src[--from]!]!
  while (to < end && NUMERIC[src[to]!] === 1) digits += DIGITS[src[to++]!]!
  if (digits < MIN_DIGITS) return to
  while (DIGITS[src[from]!] === 0) from++
  readGroups(src, to, from, groups)
  do {
    const at = groups.start[groups.first]!
    if (!joinedBefore(src, start, end, at)) wakeNumber(src, start, end, at, numbers, until)
  } while (nextGroup(src, to, groups))
  return to
}

function wake(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  { kinds, matches }: Waking<Match>,
  until: Int32Array,
): void {
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i]!
    if (at < until[kind]! || !matches[i]!(src, start, end, at, span)) continue
    found.add(span.start, span.end, kind)
    until[kind] = span.end
  }
}

function wakeNumber(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  { kinds, matches }: Waking<NumberMatch>,
  until: Int32Array,
): void {
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i]!
    if (at < until[kind]! || !matches[i]!(src, start, end, groups, span)) continue
    found.add(span.start, span.end, kind)
    until[kind] = span.end
  }
}

/** Which kind searches now; `take` adds to its findings. */
let seeing = 0
const take: Found = (start, end, doubtful = false) => {
  if (doubtful) found.doubtful = true
  found.add(start, end, seeing)
}

function search(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  { kinds, matches }: Waking<Search>,
  until: Int32Array,
): void {
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i]!
    const from = Math.max(start, until[kind]!)
    if (at < from) continue
    seeing = kind
    until[kind] = Math.max(from, matches[i]!(src, start, end, at, from, take))
  }
}
