// JSON Web Tokens in compact form (RFC 7515 section 3.1, RFC 7516 section 3.1): three or five parts,
// and a header that looks like a JSON object with an `alg`.
import { Buffer } from 'node:buffer'
import { BASE64URL, classAt, runEnd } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const DOT = 0x2e
/** `{"alg":""}`. */
const MIN_HEADER = 14
/** A header longer than this is taken for one unread: it can only hide too much. */
const MAX_HEADER = 16_384

/** `at` is the `J` of `eyJ`, which is how base64url writes `{"`. */
function matchJwt(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const from = at - 2
  if (from < start || src[from] !== 0x65 || src[from + 1] !== 0x79) return false
  // Only at the start of a base64url word: so that no word is read twice.
  if ((classAt(src, start, end, from - 1) & BASE64URL) !== 0) return false
  const headerEnd = runEnd(src, end, at, BASE64URL)
  if (headerEnd >= end || src[headerEnd] !== DOT) return false
  const secondEnd = runEnd(src, end, headerEnd + 1, BASE64URL)
  if (secondEnd >= end || src[secondEnd] !== DOT) return false
  if (!isHeader(src, from, headerEnd)) return false
  // A signature may be empty (`alg: none`); an encrypted token has two parts more.
  let until = runEnd(src, end, secondEnd + 1, BASE64URL)
  for (let part = 3; part < 5 && until < end && src[until] === DOT; part++) {
    const next = runEnd(src, end, until + 1, BASE64URL)
    if (next === until + 1) break
    until = next
  }
  span.start = from
  span.end = until
  return true
}

/**
 * A JSON object with an `alg`, as far as its first, last and some bytes between tell. Not parsed: what
 * does not parse would cost an exception each, and a text full of those would hold up everyone.
 */
function isHeader(src: Uint8Array, from: number, to: number): boolean {
  if (to - from < MIN_HEADER) return false
  if (to - from > MAX_HEADER) return true
  const text = Buffer.from(src.buffer, src.byteOffset + from, to - from).toString('latin1')
  const header = Buffer.from(text, 'base64url').toString('latin1')
  return header.startsWith('{"') && header.includes('"alg"') && header.trimEnd().endsWith('}')
}

export const jwt: Detector = {
  name: 'jwt',
  description: 'JSON Web Tokens, signed or encrypted, in compact form',
  rank: 7,
  wake: { on: 'ending', endings: ['yJ'], match: matchJwt },
  visible: 'nothing',
  normal: 'exact',
}
