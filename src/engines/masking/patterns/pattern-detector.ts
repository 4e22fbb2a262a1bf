// A detector from a pattern that an operator wrote. The engine that matches runs in linear time, but slowly
// (some 15 MB/s), so it reads only stretches around bytes that every match must hold. Where a value is cut by
// the edge of a stretch, more is hidden and never less.
import type { DetectorSettings } from '#model'
import { ALNUM, classAt } from '../byte-classes.ts'
import { checkOf } from '../checksums.ts'
import { contextWords, wordNear } from '../context-words.ts'
import type { Detector, Found, Search } from '../detector.ts'
import { demandOf, pairsOf, type Wanted } from './demand.ts'

/** Matches in linear time. Somebody else loads it, and only where a pattern is configured. */
export interface PatternEngine {
  /** Throws an Error that says what is wrong with the pattern. */
  compile(pattern: string, ignoreCase: boolean): Pattern
}

export interface Pattern {
  readonly groups: number
  /**
   * Tells each match of `bytes` from the left by its groups `whole` and `value`; looks on behind `whole`, or
   * with its last character when matches may `share` that. Ends when `each` answers false.
   */
  scan(
    bytes: Uint8Array,
    whole: number,
    value: number,
    share: boolean,
    each: (start: number, end: number, from: number, to: number) => boolean,
  ): void
}

/** The longest match that a bounded pattern may have, and how far matches of others are followed. */
export const LONGEST = 1024
const USUAL = 256
/** What repeats in a pattern without a bound is shorter, as a rule: a match that ends so near the edge may go on. */
const SLACK = 128
/** What is read at a time where every cell must be. */
const STRETCH = 4096
/** After each value the engine may read on to the longest match before it settles for less: so often at most. */
const PASSES = 32
/** One value in so many bytes: past that the rest of the stretch is hidden, so that no text costs a second look. */
const BYTES_PER_VALUE = 8

/** Outside of what it takes to be one, letters and digits do not touch it. */
const EDGE = '[^0-9A-Za-z]'

export interface PatternDetector extends Detector {
  /** True when every cell must be read by the engine. */
  readonly slow: boolean
}

/** Throws what the engine throws for a pattern that it cannot read. */
export function createPatternDetector(
  settings: DetectorSettings,
  engine: PatternEngine,
): PatternDetector {
  const { pattern, ignoreCase, boundary, context, within, checksum } = settings
  const words =
    context.length > 0 ? contextWords(context.map(word => word.toLowerCase())) : undefined
  const check = checksum === undefined ? undefined : checkOf[checksum]
  const plain = engine.compile(pattern, ignoreCase)
  const value = plain.groups > 0 ? 2 : 1
  const { longest, wanted } = demandOf(pattern, ignoreCase)
  const bounded = longest <= LONGEST
  const compile = (before: string, behind: string) =>
    engine.compile(`${before}(${pattern})${behind}`, ignoreCase)
  const atStart = boundary ? compile(`(?:^|${EDGE})`, `(?:${EDGE}|$)`) : compile('', '')
  // Without a bound, a match may begin before its stretch, which then cuts it.
  const inside = boundary && bounded ? compile(EDGE, `(?:${EDGE}|$)`) : atStart
  const reach = bounded ? Math.max(longest, 1) : USUAL
  /** Where the last value of this cell ended: a stretch may overlap the one before it. */
  let last = 0

  /** Judges [low, high); where the next stretch may begin. */
  const judge = (
    src: Uint8Array,
    start: number,
    end: number,
    low: number,
    high: number,
    found: Found,
  ): number => {
    // With the character on either side that tells whether a match is touched, and none of them in part.
    const from = whole(src, start, end, boundary && low > start ? low - 1 : low, -1)
    const to = whole(src, start, end, high < end ? high + 1 : high, 1)
    let left = Math.min(
      16 + Math.ceil((to - from) / BYTES_PER_VALUE),
      Math.ceil((PASSES * (to - from)) / Math.min(longest, to - from)),
    )
    const compiled = from === start ? atStart : inside
    compiled.scan(
      src.subarray(from, to),
      1,
      value,
      boundary,
      (wholeStart, wholeEnd, valueStart, valueEnd) => {
        const [first, behind] = [from + wholeStart, from + wholeEnd]
        // A word boundary alone is no value.
        if (first === behind) return true
        const cutBefore = first <= low && from > start
        // What begins here may go on behind the edge: the next stretch holds all of it.
        if (to < end && first + reach >= to) return false
        const cutAfter = !bounded && to < end && behind + SLACK >= to
        // What is cut cannot be told from what is touched: it is hidden as far as it may go.
        const cut = !bounded && (cutBefore || cutAfter)
        if (boundary && !cut && touched(src, start, end, first, behind)) return true
        if (--left === 0) {
          found(first, to)
          last = to
          return false
        }
        let [begin, until] = [from + valueStart, from + valueEnd]
        if (check !== undefined && !cut && !check(src, begin, until)) return true
        if (words !== undefined && !wordNear(src, start, end, first, behind, words, within))
          return true
        if (!bounded && cutBefore)
          while (begin > Math.max(start, last) && !isBlank(src[begin - 1]!)) begin--
        if (!bounded && cutAfter) while (until < end && !isBlank(src[until]!)) until++
        found(begin, until)
        last = Math.max(until, behind)
        return true
      },
    )
    return high >= end ? end : Math.max(last, high - reach, low + 1)
  }

  const search: Search = (src, start, end, at, from, found) => {
    if (from === start) last = start
    if (wanted === undefined) {
      for (let low = start; low < end; ) {
        low = judge(src, start, end, low, Math.min(end, low + STRETCH), found)
      }
      return end
    }
    if (!stands(wanted, src, start, end, at)) return from
    const low = Math.max(last, start, at - reach)
    return judge(src, start, end, low, Math.min(end, at + 3 * reach), found)
  }

  return {
    name: settings.name,
    description: `A detector of the configuration: ${pattern}`,
    // The operator's own word on what a value is goes before ours.
    rank: 10,
    wake:
      wanted === undefined
        ? { on: 'cell', search }
        : { on: 'stretch', pairs: pairsOf(wanted), search },
    visible: 'tail',
    normal: 'exact',
    slow: wanted === undefined,
  }
}

/** True when one of the rows stands where its waking byte is at `at`. */
function stands(
  wanted: readonly Wanted[],
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
): boolean {
  for (const { row, wake } of wanted) {
    const first = at - wake
    if (first < start || first + row.length > end) continue
    let i = 0
    while (i < row.length && row[i]![src[first + i]!] === 1) i++
    if (i === row.length) return true
  }
  return false
}

/** The nearest place in that direction where a code point begins; bytes that are no UTF-8 count as one each. */
function whole(src: Uint8Array, start: number, end: number, at: number, step: 1 | -1): number {
  let i = at
  while (i > start && i < end && Math.abs(i - at) < 3 && (src[i]! & 0xc0) === 0x80) i += step
  return i
}

function touched(src: Uint8Array, start: number, end: number, from: number, to: number): boolean {
  return (
    (classAt(src, start, end, from - 1) & ALNUM) !== 0 ||
    (classAt(src, start, end, to) & ALNUM) !== 0
  )
}

/** Spaces, controls and quotes end what is hidden for being too long. */
function isBlank(byte: number): boolean {
  return byte <= 0x20 || byte === 0x22
}
