// A token in place of a value: the same value of a class gives the same token, so that joins and counts
// still work, and nobody without the key can make or test one. Values of few possibilities (a year, a
// yes or no) can be told by their frequency: docs/detectors.md says so.
import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import type { Normal } from '../detector.ts'
import { labelOf, type Mask, writeBytes } from '../masker.ts'

// RFC 4648 section 6, lower case.
const BASE32 = new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz234567')
/** How many stand behind the class in a token. */
export const TOKEN_CHARACTERS = 16

/** `tok_<class>_<16 base32>`: 80 bits of HMAC-SHA-256 under a key of the class alone. */
export function hashToken(dataClass: string, normal: Normal, tokenKey: Uint8Array): Mask {
  const key = createHmac('sha256', tokenKey).update(`sallyport data class ${dataClass}`).digest()
  const prefix = new TextEncoder().encode(`tok_${labelOf(dataClass)}_`)
  return {
    write: (src, start, end, out, at) => {
      const value = Buffer.from(src.buffer, src.byteOffset + start, end - start)
      const digest = createHmac('sha256', key).update(normalise(value, normal)).digest()
      writeBytes(prefix, out, at)
      writeBase32(digest, out, at + prefix.length)
      return prefix.length + TOKEN_CHARACTERS
    },
    fixed: prefix.length + TOKEN_CHARACTERS,
    copies: false,
  }
}

/** One form for the ways to write one value; a value that has nothing of its kind stays as it is. */
function normalise(value: Buffer, normal: Normal): Uint8Array | string {
  if (normal === 'exact') return value
  const text = value.toString('utf8')
  if (normal === 'folded') return text.trim().normalize('NFC').toLowerCase()
  const kept =
    normal === 'digits'
      ? text.replace('(0)', '').replace(/\D/g, '').replace(/^00/, '')
      : text.replace(/[^A-Za-z0-9]/g, '').toUpperCase()
  return kept === '' ? value : kept
}

function writeBase32(bytes: Uint8Array, out: Uint8Array, at: number): void {
  let bits = 0
  let held = 0
  let next = 0
  for (let i = 0; i < TOKEN_CHARACTERS; i++) {
    if (held < 5) {
      bits = ((bits << 8) | bytes[next++]!) & 0xffff
      held += 8
    }
    held -= 5
    out[at + i] = BASE32[(bits >> held) & 31]!
  }
}
