// Payment card numbers: issuer prefix, length of that issuer, Luhn (ISO/IEC 7812-1). A bare digit string
// of an unusual length is a card only where the text says so: numeric ids pass Luhn one time in ten.
import { classOf, DIGIT } from '../byte-classes.ts'
import { luhn } from '../checksums.ts'
import { contextWords, wordBefore } from '../context-words.ts'
import type { Detector, DigitGroups, Span } from '../detector.ts'
import { joinedAfter } from '../digit-groups.ts'

const DASH = 0x2d
const SPACE = 0x20
const MIN = 12
const MAX = 19
const WORDS = contextWords([
  'card',
  'cards',
  'creditcard',
  'visa',
  'mastercard',
  'amex',
  'maestro',
  'cc',
  'pan',
  'credit',
  'debit',
])

/** Lengths as bits; `bare` are those that need no word before them when written without separators. */
interface Issuer {
  /** The first six digits, from and to. */
  readonly from: number
  readonly to: number
  readonly lengths: number
  readonly bare: number
}

const bits = (...lengths: readonly number[]) => lengths.reduce((sum, each) => sum | (1 << each), 0)
const range = (first: number, last: number, lengths: number, bare: number): Issuer => {
  const missing = 10 ** (6 - String(first).length)
  return { from: first * missing, to: (last + 1) * missing - 1, lengths, bare }
}
const UP_TO_19 = bits(16, 17, 18, 19)
const MAESTRO = bits(12, 13, 14, 15, 16, 17, 18, 19)

/** Published issuer ranges; the first that contains the number decides. */
const ISSUERS: readonly Issuer[] = [
  range(4, 4, bits(13, 16, 19), bits(16)), // Visa
  range(51, 55, bits(16), bits(16)), // Mastercard
  range(2221, 2720, bits(16), bits(16)), // Mastercard
  range(34, 34, bits(15), bits(15)), // American Express
  range(37, 37, bits(15), bits(15)), // American Express
  range(6011, 6011, UP_TO_19, bits(16)), // Discover
  range(644, 659, UP_TO_19, bits(16)), // Discover
  range(622126, 622925, UP_TO_19, bits(16)), // Discover, UnionPay
  range(62, 62, UP_TO_19, bits(16)), // UnionPay
  range(8100, 8171, UP_TO_19, 0), // UnionPay
  range(3528, 3589, UP_TO_19, bits(16)), // JCB
  range(35, 35, bits(16), 0), // next to JCB's ranges
  range(1800, 1800, bits(15), bits(15)), // JCB
  range(2131, 2131, bits(15), bits(15)), // JCB
  range(300, 305, bits(14, 16, 19), bits(14)), // Diners Club
  range(3095, 3095, bits(14, 16, 19), bits(14)), // Diners Club
  range(36, 36, bits(14, 16, 19), bits(14)), // Diners Club
  range(38, 39, bits(14, 16, 19), bits(14)), // Diners Club
  range(2200, 2204, UP_TO_19, bits(16)), // Mir
  range(9792, 9792, bits(16), bits(16)), // Troy
  range(60, 60, MAESTRO, 0), // RuPay, Maestro
  range(81, 82, bits(16), 0), // RuPay
  range(50, 50, MAESTRO, 0), // Maestro, RuPay, Elo
  range(56, 58, MAESTRO, 0), // Maestro
  range(61, 69, MAESTRO, 0), // Maestro, Elo, InterPayment
]

function matchCard(
  src: Uint8Array,
  start: number,
  end: number,
  groups: DigitGroups,
  span: Span,
): boolean {
  const from = groups.start[groups.first]!
  const first = groups.length[groups.first]!
  if (first >= MIN) {
    if (first > MAX) return false
    const to = from + first
    if (joinedAfter(src, end, to)) return false
    const issuer = issuerOf(src, from, to, first)
    if (issuer === undefined) return false
    const usual = (issuer.bare & (1 << first)) !== 0
    if (!usual && !wordBefore(src, start, end, from, WORDS)) return false
    return report(span, from, to)
  }
  // Written in groups, the first of four: 4-4-4-4, 4-6-5, 4-6-4, 4-4-4-4-3 and the like.
  const separator = groups.separator[groups.first]!
  if (first !== 4 || (separator !== DASH && separator !== SPACE)) return false
  let digits = first
  let best = -1
  for (let k = groups.first + 1; k < groups.count && groups.separator[k - 1] === separator; k++) {
    const length = groups.length[k]!
    digits += length
    if (length > 6 || digits > MAX || (length < 3 && k < groups.first + 3)) break
    // Behind a space more digits may follow that are no part of it; behind a dash they are.
    if (digits < 13 || (separator === DASH && groups.separator[k] === DASH)) continue
    const to = groups.start[k]! + length
    if (joinedAfter(src, end, to)) continue
    if (issuerOf(src, from, to, digits) !== undefined) best = to
  }
  return best >= 0 && report(span, from, best)
}

function report(span: Span, from: number, to: number): boolean {
  span.start = from
  span.end = to
  return true
}

/** The issuer whose prefix and length these digits have, if their check digit is right too. */
function issuerOf(src: Uint8Array, from: number, to: number, digits: number): Issuer | undefined {
  let prefix = 0
  for (let i = from, seen = 0; seen < 6; i++) {
    if ((classOf[src[i]!]! & DIGIT) === 0) continue
    prefix = prefix * 10 + (src[i]! - 0x30)
    seen++
  }
  // 0604 is Maestro (UK), the one range with a leading zero; as a number it falls into the 60s.
  if (src[from] === 0x30) prefix = Math.floor(prefix / 100) === 604 ? 604_000 : 0
  for (const issuer of ISSUERS) {
    if (prefix < issuer.from || prefix > issuer.to) continue
    if ((issuer.lengths & (1 << digits)) === 0) continue
    return luhn(src, from, to) ? issuer : undefined
  }
  return undefined
}

export const card: Detector = {
  name: 'card',
  description: 'Payment card numbers: issuer prefix, length and Luhn check digit',
  rank: 5,
  wake: { on: 'number', match: matchCard },
  visible: 'card',
  normal: 'digits',
}
