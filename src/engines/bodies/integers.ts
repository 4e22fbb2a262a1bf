// A whole number that is written with a sign, a fraction or an exponent, as its digits.
import { Buffer } from 'node:buffer'

const MOST_DIGITS = 64
const PARTS = /^-?(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/

/** Undefined: it is written as digits alone, it is not whole, or it is too long for any number of people's. */
export function expandInteger(src: Uint8Array, start: number, end: number): Buffer | undefined {
  if (!mayBeOther(src, start, end) || end - start > 4 * MOST_DIGITS) return undefined
  const text = Buffer.from(src.buffer, src.byteOffset + start, end - start).toString('latin1')
  const [, whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? []
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (point <= 0 || point > MOST_DIGITS || /[1-9]/.test(digits.slice(point))) return undefined
  const left = digits.slice(0, point).padEnd(point, '0').replace(/^0+/, '')
  return left === '' ? undefined : Buffer.from(left)
}

/** False for digits alone, and for fractions that are none of zero: nearly all numbers. */
function mayBeOther(src: Uint8Array, start: number, end: number): boolean {
  let other = false
  let fraction = false
  let exponent = false
  let rest = false
  for (let i = start; i < end; i++) {
    const byte = src[i]!
    if (byte >= 0x30 && byte <= 0x39) {
      if (fraction && byte !== 0x30) rest = true
      continue
    }
    other = true
    if (byte === 0x2e) fraction = true
    else if ((byte | 0x20) === 0x65) exponent = true
  }
  return other && (exponent || !rest)
}
