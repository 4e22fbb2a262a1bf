// A coarser value of the same kind: the first day of a date's year or month, the beginning of a number's bucket.
// What is no date or no number is redacted.
import { Buffer } from 'node:buffer'
import type { GeneralizeMask } from '#model'
import { type Mask, type Masker, writeBytes } from '../masker.ts'

/** Longer ones are no dates, and no numbers that a double holds exactly. */
const LONGEST = 40

export function generalize({ generalize: to }: GeneralizeMask, otherwise: Mask): Mask {
  const coarse = typeof to === 'number' ? bucketOf(to) : dayOf(to)
  const write: Masker = (src, start, end, out, at) => {
    const text =
      end - start > LONGEST
        ? undefined
        : coarse(Buffer.from(src.buffer, src.byteOffset + start, end - start).toString('latin1'))
    if (text === undefined) return otherwise.write(src, start, end, out, at)
    return writeBytes(Buffer.from(text, 'latin1'), out, at)
  }
  return { write, fixed: Math.max(otherwise.fixed, LONGEST), copies: false }
}

/** ISO 8601, with or without a time, which is left out: it would tell values apart. */
function dayOf(unit: 'year' | 'month'): (text: string) => string | undefined {
  return text => {
    const found = /^\s*(\d{4,6})-(\d\d)-(\d\d)(?:[T ][0-9:.+\-Z ]*)?( BC)?\s*$/.exec(text)
    if (found === null) return undefined
    const [, year, month, , era = ''] = found
    return `${year}-${unit === 'year' ? '01' : month}-01${era}`
  }
}

function bucketOf(width: number): (text: string) => string | undefined {
  return text => {
    if (!/^\s*[-+]?(?:\d{1,15}(?:\.\d{0,18})?|\.\d{1,18})\s*$/.test(text)) return undefined
    const bucket = Math.floor(Number(text) / width) * width
    return Number.isSafeInteger(bucket) ? String(bucket) : undefined
  }
}
