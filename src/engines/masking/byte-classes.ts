// What each byte of a UTF-8 text may be part of. Tables, so that the hot loops look up instead of compare.
// Knows nothing about any detector's rules beyond the alphabets they share.

export const DIGIT = 1
export const UPPER = 2
export const LOWER = 4
export const LETTER = UPPER | LOWER
export const ALNUM = DIGIT | LETTER
/** Part of a code point above U+007F: lead and continuation bytes alike, so that spans never split one. */
export const WIDE = 8
/** RFC 4648 section 5, without padding. */
export const BASE64URL = 16
/** RFC 4648 section 4, without padding. */
export const BASE64 = 32
/** What a number that people write may consist of besides its digits: separators, brackets, a plus. */
export const SEPARATOR = 64
export const HEX = 128

/** Class bits of each byte. */
export const classOf = /* @__PURE__ */ build()

function build(): Uint8Array {
  const table = new Uint8Array(256)
  const add = (bytes: string, bits: number) => {
    for (let i = 0; i < bytes.length; i++) table[bytes.charCodeAt(i)]! |= bits
  }
  add('0123456789', DIGIT | BASE64URL | BASE64 | HEX)
  add('ABCDEFGHIJKLMNOPQRSTUVWXYZ', UPPER | BASE64URL | BASE64)
  add('abcdefghijklmnopqrstuvwxyz', LOWER | BASE64URL | BASE64)
  add('abcdefABCDEF', HEX)
  add('-_', BASE64URL)
  add('+/', BASE64)
  add(' -./()+', SEPARATOR)
  for (let byte = 0x80; byte < 0x100; byte++) table[byte] = WIDE
  return table
}

/** Bits of the byte at `at`; 0 outside of the cell. */
export function classAt(src: Uint8Array, start: number, end: number, at: number): number {
  return at < start || at >= end ? 0 : classOf[src[at]!]!
}

/** True when `text` (ASCII) stands at `at`. */
export function textAt(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  text: string,
): boolean {
  if (at < start || at + text.length > end) return false
  for (let i = 0; i < text.length; i++) {
    if (src[at + i] !== text.charCodeAt(i)) return false
  }
  return true
}

/** As `textAt`, for lower-case `text`, with ASCII letters of either case. */
export function foldedTextAt(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  text: string,
): boolean {
  if (at < start || at + text.length > end) return false
  for (let i = 0; i < text.length; i++) {
    const byte = src[at + i]!
    const folded = (classOf[byte]! & UPPER) !== 0 ? byte | 0x20 : byte
    if (folded !== text.charCodeAt(i)) return false
  }
  return true
}

/** The end of the longest run of bytes of the class `bits` from `at`, but not past `at + most`. */
export function runEnd(
  src: Uint8Array,
  end: number,
  at: number,
  bits: number,
  most: number = end - at,
): number {
  const limit = Math.min(end, at + most)
  while (at < limit && (classOf[src[at]!]! & bits) !== 0) at++
  return at
}

/** 256 flags: the bytes of `text` (ASCII). */
export function bytesOf(text: string): Uint8Array {
  const set = new Uint8Array(256)
  for (let i = 0; i < text.length; i++) set[text.charCodeAt(i)] = 1
  return set
}

/** 256 flags: the bytes of these classes. */
export function bytesOfClass(bits: number): Uint8Array {
  return Uint8Array.from(classOf, each => ((each & bits) !== 0 ? 1 : 0))
}

/** 256 flags: what stands before a word, the cell's beginning included. */
export const outsideWord: Uint8Array = Uint8Array.from(classOf, bits =>
  (bits & ALNUM) === 0 ? 1 : 0,
)
