// International Bank Account Numbers (ISO 13616-1): country, its length and structure, mod 97. The
// structures come from ibantools' copy of the registry, compiled once; its functions want strings.
import { countrySpecs } from 'ibantools'
import { ALNUM, classAt, classOf, DIGIT, LETTER } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const SPACE = 0x20
const DASH = 0x2d

/** By country (26 × 26): the class bits that each place of the BBAN allows. */
const STRUCTURES = readStructures()

function readStructures(): readonly (Uint8Array | undefined)[] {
  const table: (Uint8Array | undefined)[] = new Array(26 * 26).fill(undefined)
  for (const [country, { chars, bban_regexp: pattern }] of Object.entries(countrySpecs)) {
    if (typeof pattern !== 'string' || typeof chars !== 'number') continue
    const places: number[] = []
    const parts = pattern.matchAll(/\[([^\]]+)\]\{(\d+)\}/g)
    for (const [, set = '', count = '0'] of parts) {
      const bits = (set.includes('0-9') ? DIGIT : 0) | (set.includes('A-Z') ? LETTER : 0)
      for (let i = 0; i < Number(count); i++) places.push(bits)
    }
    // A country whose pattern says something else than its length is left out rather than half checked.
    if (places.length !== chars - 4) continue
    table[country.charCodeAt(0) * 26 + country.charCodeAt(1) - 65 * 27] = Uint8Array.from(places)
  }
  return table
}

/** `at` is the first check digit: two letters stand before it, a digit behind it. */
function matchIban(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const from = at - 2
  if ((classAt(src, start, end, from - 1) & ALNUM) !== 0) return false
  const first = src[from]! & 0xdf
  const second = src[from + 1]! & 0xdf
  const places = STRUCTURES[first * 26 + second - 65 * 27]
  if (places === undefined) return false
  let i = at + 2
  let remainder = 0
  for (let place = 0; place < places.length; place++) {
    // Written in fours, with one space or dash between.
    if (place % 4 === 0 && i < end && (src[i] === SPACE || src[i] === DASH)) i++
    if (i >= end) return false
    const byte = src[i]!
    if ((classOf[byte]! & places[place]!) === 0) return false
    remainder = appended(remainder, byte)
    i++
  }
  if ((classAt(src, start, end, i) & ALNUM) !== 0) return false
  // ISO 7064 mod 97-10, with country and check digits moved to the end.
  remainder = appended(
    appended(appended(appended(remainder, first), second), src[at]!),
    src[at + 1]!,
  )
  if (remainder !== 1) return false
  span.start = from
  span.end = i
  return true
}

function appended(remainder: number, byte: number): number {
  if ((classOf[byte]! & DIGIT) !== 0) return (remainder * 10 + byte - 0x30) % 97
  return (remainder * 100 + (byte & 0xdf) - 55) % 97
}

export const iban: Detector = {
  name: 'iban',
  description:
    'IBANs: country, length, structure and mod 97, in either case, with or without spaces',
  rank: 4,
  wake: { on: 'prefix', match: matchIban },
  visible: 'iban',
  normal: 'alphanumeric',
}
