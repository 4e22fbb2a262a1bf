// Cedar's `decimal`, `datetime` and `duration` extensions. Each is one 64-bit integer underneath:
// ten-thousandths, milliseconds since 1970, milliseconds. Overflow is an evaluation error.
import { EvaluationError, inLongRange, type Long, toLong } from './values.ts'

const DAY = 86_400_000n

export class Decimal {
  readonly value: bigint
  readonly key: string

  constructor(value: bigint) {
    this.value = value
    this.key = `d${value}`
  }
}

export class Duration {
  readonly value: bigint
  readonly key: string

  constructor(value: bigint) {
    this.value = value
    this.key = `u${value}`
  }

  /** Whole units, cut towards zero. */
  in(unitMs: bigint): Long {
    return toLong(this.value / unitMs)
  }
}

export class Datetime {
  readonly value: bigint
  readonly key: string

  constructor(value: bigint) {
    this.value = value
    this.key = `a${value}`
  }

  offset(by: Duration): Datetime {
    return new Datetime(checked(this.value + by.value))
  }

  durationSince(earlier: Datetime): Duration {
    return new Duration(checked(this.value - earlier.value))
  }

  toDate(): Datetime {
    return new Datetime(checked(this.value - sinceMidnight(this.value)))
  }

  toTime(): Duration {
    return new Duration(sinceMidnight(this.value))
  }
}

function sinceMidnight(value: bigint): bigint {
  return ((value % DAY) + DAY) % DAY
}

function checked(value: bigint): bigint {
  if (!inLongRange(value)) throw new EvaluationError('overflow')
  return value
}

/** `-1.25`: at most four digits after the point, at least one on each side. */
export function parseDecimal(text: string): Decimal {
  const match = /^(-?)(\d+)\.(\d{1,4})$/.exec(text)
  if (!match) throw new EvaluationError('not a decimal')
  const [, sign, whole = '', fraction = ''] = match
  const value = BigInt(whole) * 10_000n + BigInt(fraction.padEnd(4, '0'))
  return new Decimal(checked(sign === '-' ? -value : value))
}

const DURATION = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
const UNITS = [DAY, 3_600_000n, 60_000n, 1000n, 1n]

/** `1d2h3m4s5ms`, units in this order, each at most once, with one sign in front. */
export function parseDuration(text: string): Duration {
  const match = DURATION.exec(text)
  if (!match || text === '' || text === '-') throw new EvaluationError('not a duration')
  let total = 0n
  for (const [index, unit] of UNITS.entries()) total += BigInt(match[index + 2] ?? '0') * unit
  return new Duration(checked(match[1] === '-' ? -total : total))
}

const DATETIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?(?:Z|([+-])(\d\d)(\d\d)))?$/

/** `2024-10-15`, `2024-10-15T11:35:00Z`, `…00.000Z`, `…00+0100`, `…00.000-0930`. */
export function parseDatetime(text: string): Datetime {
  const match = DATETIME.exec(text)
  if (!match) throw new EvaluationError('not a datetime')
  const part = (index: number) => Number(match[index] ?? 0)
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(part) as Six
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  if (!real || hour > 23 || minute > 59 || second > 59 || part(9) > 23 || part(10) > 59) {
    throw new EvaluationError('not a datetime')
  }
  const time = ((hour * 60 + minute) * 60 + second) * 1000 + part(7)
  const away = (part(9) * 60 + part(10)) * 60_000 * (match[8] === '-' ? -1 : 1)
  return new Datetime(BigInt(date.getTime() + time - away))
}

type Six = [number, number, number, number, number, number]
