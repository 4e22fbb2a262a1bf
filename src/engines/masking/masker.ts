// What takes a value's place in a buffer, and how much room that can take. Every masker and scanner
// keeps to `maskedBytes`, so a caller reserves once per cell and never checks again.

/**
 * Writes the replacement of the value `[start, end)` of `src` into `out` at `at`; the bytes written,
 * never more than `maskedBytes(end - start)`. `out` may share memory with `src`, not the same bytes.
 */
export type Masker = (
  src: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
) => number

/** As `Masker`, for a value of which only parts are hidden; -1: nothing found, the value passes as it is. */
export type Scanner = (
  src: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
) => number

/** A masker and how much it can write: `fixed`, and once the value when `copies`. */
export interface Mask {
  readonly write: Masker
  readonly fixed: number
  readonly copies: boolean
}

/** How every redaction begins. A statement that contains it writes masked values back: refuse it. */
export const maskSentinel = '⟦m:'

/** The most that a replacement writes besides the value's own bytes. */
export const FIXED = 64
export const GROWTH = 3

/** Upper bound of what a Masker or Scanner writes for a value of so many bytes. */
export function maskedBytes(inputBytes: number): number {
  return inputBytes * GROWTH + FIXED
}

const MAX_LABEL = 32

/** A class's name as it stands in replacements: letters, digits, dashes, at most 32 bytes. */
export function labelOf(dataClass: string): string {
  const label = dataClass.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, MAX_LABEL)
  return label === '' ? 'data' : label
}

/** Copies a short text into place. */
export function writeBytes(bytes: Uint8Array, out: Uint8Array, at: number): number {
  for (let i = 0; i < bytes.length; i++) out[at + i] = bytes[i]!
  return bytes.length
}

/** Copies `[start, end)` of `src`. */
export function copyBytes(
  src: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  // A view costs about as much as copying a hundred bytes one by one.
  if (end - start > 128) out.set(src.subarray(start, end), at)
  else for (let i = start; i < end; i++) out[at + i - start] = src[i]!
  return end - start
}
