// A fixed mark in place of any value, the empty one included: it says the class and nothing else.
import { labelOf, type Mask, maskSentinel, writeBytes } from '../masker.ts'

export function redact(dataClass: string): Mask {
  const mark = new TextEncoder().encode(`${maskSentinel}${labelOf(dataClass)}⟧`)
  return {
    write: (_src, _start, _end, out, at) => writeBytes(mark, out, at),
    fixed: mark.length,
    copies: false,
  }
}
