// Check digits, over the letters and digits that stand in a span of bytes; what separates them is passed over.
// Each rule is by its standard; checksums.test.ts holds them to published numbers.
import type { Checksum } from '#model'
import { ALNUM, classOf, DIGIT } from './byte-classes.ts'

/** True when the characters in [from, to) check. No characters, or ones the rule does not know: false. */
export type Check = (src: Uint8Array, from: number, to: number) => boolean

/** ISO/IEC 7812-1 annex B: cards, SIM cards, IMEI, the Canadian SIN. */
export const luhn: Check = (src, from, to) => {
  let sum = 0
  let digits = 0
  for (let i = to - 1; i >= from; i--) {
    const byte = src[i]!
    if ((classOf[byte]! & DIGIT) === 0) continue
    const digit = byte - 0x30
    sum += digits % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2
    digits++
  }
  return digits > 1 && sum % 10 === 0
}

/** ISO 7064 MOD 97-10: LEI, and IBANs whose first four characters were moved to the end. */
const mod97: Check = (src, from, to) => {
  let remainder = 0
  let count = 0
  for (let i = from; i < to; i++) {
    const value = worth(src[i]!)
    if (value < 0) continue
    remainder = (remainder * (value < 10 ? 10 : 100) + value) % 97
    count++
  }
  return count > 2 && remainder === 1
}

/** ISO 7064 MOD 11-2: ISNI and ORCID, the Chinese resident number. The last character may be an X. */
const mod11to2: Check = (src, from, to) => {
  let sum = 0
  let count = 0
  let closed = false
  for (let i = from; i < to; i++) {
    const value = worth(src[i]!)
    if (value < 0) continue
    // An X is ten, and the check character only.
    if (closed || (value > 9 && value !== X)) return false
    closed = value === X
    sum = ((sum + (closed ? 10 : value)) * 2) % 11
    count++
  }
  // Doubled once more than the standard says, for the check character too: 2 in place of 1.
  return count > 1 && sum === 2
}

/** ISO 7064 MOD 11,10: the German tax number, the Croatian OIB. */
export const mod11to10: Check = (src, from, to) => {
  let product = 10
  let last = -1
  let count = 0
  for (let i = from; i < to; i++) {
    const byte = src[i]!
    if ((classOf[byte]! & DIGIT) === 0) continue
    if (last >= 0) product = (((last + product) % 10 || 10) * 2) % 11
    last = byte - 0x30
    count++
  }
  return count > 1 && (last + product) % 10 === 1
}

// The dihedral group D5 (J. Verhoeff, 1969).
const D5 = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
].map(row => [...row].map(Number))
const PERMUTED = permutations([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])

function permutations(first: readonly number[]): readonly (readonly number[])[] {
  const all = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]
  for (let i = 1; i < 8; i++) all.push(all[i - 1]!.map(digit => first[digit]!))
  return all
}

export const verhoeff: Check = (src, from, to) => {
  let check = 0
  let digits = 0
  for (let i = to - 1; i >= from; i--) {
    const byte = src[i]!
    if ((classOf[byte]! & DIGIT) === 0) continue
    check = D5[check]![PERMUTED[digits % 8]![byte - 0x30]!]!
    digits++
  }
  return digits > 1 && check === 0
}

// The quasigroup of H. M. Damm's thesis (2004).
const DAMM = [
  '0317598642',
  '7092154863',
  '4206871359',
  '1750983426',
  '6123045978',
  '3674209581',
  '5869720134',
  '8945362017',
  '9438617205',
  '2581436790',
].map(row => [...row].map(Number))

const damm: Check = (src, from, to) => {
  let interim = 0
  let digits = 0
  for (let i = from; i < to; i++) {
    const byte = src[i]!
    if ((classOf[byte]! & DIGIT) === 0) continue
    interim = DAMM[interim]![byte - 0x30]!
    digits++
  }
  return digits > 1 && interim === 0
}

const X = 33

/** 0 to 9, A to Z as 10 to 35 in either case; -1: neither letter nor digit. */
function worth(byte: number): number {
  const bits = classOf[byte]!
  if ((bits & DIGIT) !== 0) return byte - 0x30
  return (bits & ALNUM) !== 0 ? (byte & 0xdf) - 55 : -1
}

/** By the names that configuration uses. */
export const checkOf: Readonly<Record<Checksum, Check>> = {
  luhn,
  mod97,
  'mod11-2': mod11to2,
  'mod11-10': mod11to10,
  verhoeff,
  damm,
}
