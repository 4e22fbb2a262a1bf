// What a detector is: which bytes wake it, and how it tells what it sees. The scanner calls it; it never
// sees a class, a policy or an output.

/** Where a match found its value; written by the match, read by the scanner. */
export interface Span {
  start: number
  end: number
}

/**
 * Judges what stands around `at` in the cell `[start, end)`; on success writes `span` and answers true.
 * Reads nothing outside of the cell, and not more than a constant number of bytes per call beyond the
 * span it reports or a run that no later call reads again: a scan stays linear.
 */
export type Match = (src: Uint8Array, start: number, end: number, at: number, span: Span) => boolean

/** Judges the number whose digit groups begin at `groups.first`. As `Match` otherwise. */
export type NumberMatch = (
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  span: Span,
) => boolean

/** The digit groups of a run and what stands between them: `4111-1111` is two, with `-` behind the first. */
export interface DigitGroups {
  /** The index of the group that the number is to begin with. */
  first: number
  /** The index behind the last group that is read; of those from `first` on, twenty at least if there are. */
  count: number
  readonly start: Int32Array
  /** Digits in the group; `LONG_GROUP` stands for that many or more. */
  readonly length: Int32Array
  /** The separator behind the group (a bracket in any form is `)`); 0 when the next group is not joined. */
  readonly separator: Uint8Array
}

/**
 * Looks at one stretch of the cell for every value in it and hands each to `found`, by start. `at` is the byte
 * that woke it; nothing before `from` is to be read but what explains a value. Answers how far it has judged:
 * it is asked again only behind that. `from` instead: it was woken for nothing.
 */
export type Search = (
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  from: number,
  found: Found,
) => number

/** Takes a value that was found; `doubtful`: it was not told what is in there, so no part of it may show. */
export type Found = (start: number, end: number, doubtful?: boolean) => void

/** Two sets of bytes (256 flags each), one right behind the other; no `before`: whatever stands there. */
export interface BytePair {
  readonly before?: Uint8Array
  readonly at: Uint8Array
}

/** What wakes a detector. */
export type Wake =
  /** One of these: an ASCII character (`at` is its place), behind the one before it where two are named. */
  | { readonly on: 'ending'; readonly endings: readonly string[]; readonly match: Match }
  /** The start of a digit group in a run of at least seven digits. */
  | { readonly on: 'number'; readonly match: NumberMatch }
  /** Two letters and two digits; `at` is the first digit. */
  | { readonly on: 'prefix'; readonly match: Match }
  /** One of these pairs of bytes; `at` is the place of the second. */
  | { readonly on: 'pair'; readonly pairs: readonly BytePair[]; readonly match: Match }
  /** The same, for what finds its values itself. */
  | { readonly on: 'stretch'; readonly pairs: readonly BytePair[]; readonly search: Search }
  /** Every cell, once, from its first byte. */
  | { readonly on: 'cell'; readonly search: Search }

/** What a partial mask may leave to be seen. `nothing`: it redacts. */
export type Visible = 'domain' | 'card' | 'ssn' | 'phone' | 'iban' | 'tail' | 'nothing'

/** How two ways to write one value become one, before a token is made of it. */
export type Normal = 'folded' | 'digits' | 'alphanumeric' | 'exact'

/** Recognises one kind of value in any text. */
export interface Detector {
  readonly name: string
  /** For people: what it accepts. */
  readonly description: string
  /** Decides between findings of the same length, and which class is more sensitive: higher wins. */
  readonly rank: number
  readonly wake: Wake
  readonly visible: Visible
  readonly normal: Normal
}
