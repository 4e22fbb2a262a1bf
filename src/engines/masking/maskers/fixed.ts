// One text for every value of a class, the empty value included.
import type { FixedMask } from '#model'
import { type Mask, writeBytes } from '../masker.ts'

export function fixed({ fixed: text }: FixedMask): Mask {
  const bytes = new TextEncoder().encode(text)
  return {
    write: (_src, _start, _end, out, at) => writeBytes(bytes, out, at),
    fixed: bytes.length,
    copies: false,
  }
}
