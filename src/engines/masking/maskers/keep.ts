// Leaves the first and last characters of a value. What is between becomes eight marks however long it is, and
// a value of which the half or more would be seen is redacted.
import type { KeepMask } from '#model'
import { copyBytes, type Mask, writeBytes } from '../masker.ts'

const MARKS = 8

export function keep({ keep: { first, last }, with: mark }: KeepMask, otherwise: Mask): Mask {
  const marks = new TextEncoder().encode(mark.repeat(MARKS))
  const least = 2 * (first + last)
  return {
    write: (src, start, end, out, at) => {
      let head = start
      let tail = end
      let characters = 0
      for (let i = start; i < end; i++) if ((src[i]! & 0xc0) !== 0x80) characters++
      if (characters < least || characters === 0) return otherwise.write(src, start, end, out, at)
      for (let n = 0; n < first; n++) head = next(src, head, end)
      for (let n = 0; n < last; n++) tail = before(src, start, tail)
      let written = copyBytes(src, start, head, out, at)
      written += writeBytes(marks, out, at + written)
      return written + copyBytes(src, tail, end, out, at + written)
    },
    fixed: Math.max(otherwise.fixed, marks.length),
    copies: true,
  }
}

/** Behind the code point at `at`: a lead byte and its continuations, or a byte alone. */
function next(src: Uint8Array, at: number, end: number): number {
  at++
  while (at < end && (src[at]! & 0xc0) === 0x80) at++
  return at
}

function before(src: Uint8Array, start: number, at: number): number {
  at--
  while (at > start && (src[at]! & 0xc0) === 0x80) at--
  return at
}
