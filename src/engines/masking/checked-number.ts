// Numbers that authorities give out: so many digits in the groups that people write, and a rule that they obey.
// How likely a number obeys it by chance decides whether a form is believed alone, or only next to a word that
// names it: of a million random cells in such a form, a hundred may be taken for one.
import { ALNUM, classAt } from './byte-classes.ts'
import { contextWords, wordNear } from './context-words.ts'
import type { Detector, DigitGroups, NumberMatch, Span, Visible } from './detector.ts'
import { joinedAfter, joinedBefore } from './digit-groups.ts'

export interface NumberRule {
  readonly name: string
  readonly description: string
  readonly rank: number
  /** Forms that are believed wherever they stand: `000.000.000-00`. */
  readonly alone?: readonly string[]
  /** Forms that need one of the words near. */
  readonly named?: readonly string[]
  readonly words: readonly string[]
  /** Judges the digits, as numbers from 0 to 9; as many as the form has. */
  readonly obeys: (digits: Uint8Array, count: number) => boolean
  readonly visible?: Visible
}

interface Form {
  readonly lengths: readonly number[]
  /** Byte codes of what stands between the groups. */
  readonly separators: readonly number[]
  readonly named: boolean
}

const DASH = 0x2d

const digits = new Uint8Array(32)

export function checkedNumber(rule: NumberRule): Detector {
  const forms = [
    ...(rule.alone ?? []).map(text => formOf(text, false)),
    ...(rule.named ?? []).map(text => formOf(text, true)),
  ]
  const words = contextWords(rule.words)
  const match: NumberMatch = (src, start, end, groups, span) => {
    for (const form of forms) {
      if (!written(src, start, end, groups, form, span)) continue
      const count = read(src, span)
      if (!rule.obeys(digits, count)) continue
      if (form.named && !wordNear(src, start, end, span.start, span.end, words)) continue
      return true
    }
    return false
  }
  return {
    name: rule.name,
    description: rule.description,
    rank: rule.rank,
    wake: { on: 'number', match },
    visible: rule.visible ?? 'tail',
    normal: 'digits',
  }
}

function formOf(text: string, named: boolean): Form {
  const groups = text.split(/[^0]/)
  return {
    lengths: groups.map(group => group.length),
    separators: [...text.replaceAll('0', '')].map(c => c.charCodeAt(0)),
    named,
  }
}

/** True when the number stands there in this form, free on both sides. */
function written(
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  { lengths, separators }: Form,
  span: Span,
): boolean {
  const { first, count } = groups
  if (first + lengths.length > count) return false
  for (let i = 0; i < lengths.length; i++) {
    if (groups.length[first + i] !== lengths[i]) return false
    if (i < separators.length && groups.separator[first + i] !== separators[i]) return false
  }
  const last = first + lengths.length - 1
  const separator = separators[0] ?? 0
  span.start = groups.start[first]!
  span.end = groups.start[last]! + lengths[lengths.length - 1]!
  if (joinedBefore(src, start, end, span.start, separator)) return false
  // Behind dashes stands no part of a UUID.
  if (
    separator === DASH &&
    (isPart(src, start, end, span.start, -1) || isPart(src, start, end, span.end - 1, 1))
  )
    return false
  return !joinedAfter(src, end, span.end, separator)
}

/** True when a dash and a letter or digit stand next to `at`, in that direction. */
function isPart(src: Uint8Array, start: number, end: number, at: number, step: 1 | -1): boolean {
  const next = at + step
  if (next < start || next >= end || src[next] !== DASH) return false
  return (classAt(src, start, end, next + step) & ALNUM) !== 0
}

function read(src: Uint8Array, { start, end }: Span): number {
  let count = 0
  for (let i = start; i < end; i++) {
    const value = src[i]! - 0x30
    if (value >= 0 && value <= 9) digits[count++] = value
  }
  return count
}

/** The sum of the first digits, each times its weight. */
export function weighted(
  numbers: Uint8Array,
  weights: readonly number[],
  from: number = 0,
): number {
  let sum = 0
  for (let i = 0; i < weights.length; i++) sum += numbers[from + i]! * weights[i]!
  return sum
}

/** The number that `count` digits from `from` on make. */
export function numberIn(numbers: Uint8Array, from: number, count: number): number {
  let value = 0
  for (let i = from; i < from + count; i++) value = value * 10 + numbers[i]!
  return value
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Whether a month has such a day in some year. */
export function isDay(month: number, day: number): boolean {
  return day >= 1 && day <= (DAYS[month - 1] ?? 0)
}

/** False for 000…, 111…: they obey most rules, and stand for nothing. */
export function varies(numbers: Uint8Array, count: number): boolean {
  for (let i = 1; i < count; i++) if (numbers[i] !== numbers[0]) return true
  return false
}

/** ISO/IEC 7812-1 annex B over digits that were read already. */
export function obeysLuhn(numbers: Uint8Array, from: number, to: number): boolean {
  let sum = 0
  for (let i = to - 1, place = 0; i >= from; i--, place++) {
    const digit = numbers[i]!
    sum += place % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2
  }
  return sum % 10 === 0
}
