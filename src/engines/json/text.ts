// The bytes inside of a JSON string, both ways. RFC 8259 section 7.

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SHORT: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9 }
/** What the letter behind a backslash stands for; 0: none (`u` is none of these). */
const ESCAPED = new Uint8Array(256)
for (const each of '"\\/') ESCAPED[each.charCodeAt(0)] = each.charCodeAt(0)
for (const [letter, code] of Object.entries(SHORT)) ESCAPED[letter.charCodeAt(0)] = code
/** The letter behind the backslash that a byte must have; 1: needs `\u`; 0: stands as it is. */
const NEEDS = new Uint8Array(256).fill(1, 0, 0x20)
for (const [letter, code] of Object.entries(SHORT)) NEEDS[code] = letter.charCodeAt(0)
NEEDS[QUOTE] = QUOTE
NEEDS[BACKSLASH] = BACKSLASH
const HEX = '0123456789abcdef'

/** Which characters a backslash may stand before, `u` aside. */
export function isShortEscape(byte: number): boolean {
  return ESCAPED[byte] !== 0
}

/** The number that four hexadecimal digits write; -1: they are none. */
export function hex4(src: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 4; i++) {
    const byte = src[i]!
    const digit =
      byte >= 0x30 && byte <= 0x39
        ? byte - 0x30
        : (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
          ? (byte | 0x20) - 0x57
          : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

/**
 * Writes what the inside `[start, end)` of a string that was judged stands for, as UTF-8; where it ends. Never more
 * bytes than are read. Half a surrogate pair becomes U+FFFD.
 */
export function decodeString(
  src: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  for (let i = start; i < end; ) {
    const byte = src[i]!
    if (byte !== BACKSLASH) {
      out[at++] = byte
      i++
      continue
    }
    const short = ESCAPED[src[i + 1]!]!
    if (short !== 0) {
      out[at++] = short
      i += 2
      continue
    }
    let code = hex4(src, i + 2)
    i += 6
    if (code >= 0xd800 && code <= 0xdfff) {
      const low =
        code <= 0xdbff && i + 6 <= end && src[i] === BACKSLASH && src[i + 1] === 0x75
          ? hex4(src, i + 2)
          : 0
      if (low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
        i += 6
      } else code = 0xfffd
    }
    at = putCodePoint(code, out, at)
  }
  return at
}

/** Writes a code point as UTF-8; where it ends. */
export function putCodePoint(code: number, out: Uint8Array, at: number): number {
  if (code < 0x80) out[at++] = code
  else if (code < 0x800) {
    out[at++] = 0xc0 | (code >> 6)
    out[at++] = 0x80 | (code & 0x3f)
  } else if (code < 0x10000) {
    out[at++] = 0xe0 | (code >> 12)
    out[at++] = 0x80 | ((code >> 6) & 0x3f)
    out[at++] = 0x80 | (code & 0x3f)
  } else {
    out[at++] = 0xf0 | (code >> 18)
    out[at++] = 0x80 | ((code >> 12) & 0x3f)
    out[at++] = 0x80 | ((code >> 6) & 0x3f)
    out[at++] = 0x80 | (code & 0x3f)
  }
  return at
}

/** The most that `encodeString` writes for so many bytes. */
export function encodedBytes(inputBytes: number): number {
  return inputBytes * 6 + 2
}

/** Writes UTF-8 as a string with its quotes; where it ends. */
export function encodeString(
  src: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  out[at++] = QUOTE
  for (let i = start; i < end; i++) {
    const byte = src[i]!
    const letter = NEEDS[byte]!
    if (letter === 0) out[at++] = byte
    else {
      out[at++] = BACKSLASH
      if (letter !== 1) out[at++] = letter
      else {
        out[at++] = 0x75
        out[at++] = 0x30
        out[at++] = 0x30
        out[at++] = HEX.charCodeAt(byte >> 4)
        out[at++] = HEX.charCodeAt(byte & 15)
      }
    }
  }
  out[at++] = QUOTE
  return at
}
