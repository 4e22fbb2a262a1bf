// Private keys: PEM and OpenPGP armour (RFC 7468, RFC 9580) and age identities. A block whose end is
// missing is hidden to the end of the text.
import { Buffer } from 'node:buffer'
import { ALNUM, classAt, classOf, LETTER, runEnd, textAt, UPPER } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const SPACE = 0x20
const END = '-----END '
const MAX_LABEL = 64

/** `at` is the `B` of `BEGIN` or the first dash of an age identity. */
function matchPrivateKey(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  span: Span,
): boolean {
  if (src[at] === 0x2d) return matchAge(src, start, end, at, span)
  const from = at - 5
  if (!textAt(src, start, end, from, '-----BEGIN ')) return false
  const label = from + 11
  const labelEnd = endOfLabel(src, end, label)
  if (!textAt(src, start, end, labelEnd, '-----') || !isPrivate(src, label, labelEnd)) return false
  span.start = from
  span.end = endOfBlock(src, start, end, labelEnd + 5)
  return true
}

/** Reads on to the end that has a private label, so each byte of a block is read once. */
function endOfBlock(src: Uint8Array, start: number, end: number, from: number): number {
  const bytes = Buffer.from(src.buffer, src.byteOffset, end)
  for (
    let at = bytes.indexOf(END, from, 'latin1');
    at >= 0;
    at = bytes.indexOf(END, at + 1, 'latin1')
  ) {
    const label = at + END.length
    const labelEnd = endOfLabel(src, end, label)
    if (textAt(src, start, end, labelEnd, '-----') && isPrivate(src, label, labelEnd))
      return labelEnd + 5
  }
  return end
}

function endOfLabel(src: Uint8Array, end: number, at: number): number {
  const limit = Math.min(end, at + MAX_LABEL)
  while (at < limit && (src[at] === SPACE || (classOf[src[at]!]! & ALNUM) !== 0)) at++
  return at
}

/** `PRIVATE KEY`, `RSA PRIVATE KEY`, `PGP PRIVATE KEY BLOCK`, `ENCRYPTED PRIVATE KEY`, ... */
function isPrivate(src: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at + 11 <= to; at++) if (textAt(src, from, to, at, 'PRIVATE KEY')) return true
  return false
}

/** AGE-SECRET-KEY-1 and 58 characters of Bech32, upper case. `at` is the first dash. */
function matchAge(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const from = at - 3
  if (!textAt(src, start, end, from, 'AGE-SECRET-KEY-1')) return false
  if ((classAt(src, start, end, from - 1) & LETTER) !== 0) return false
  const until = runEnd(src, end, from + 16, UPPER | 1)
  if (until - from - 16 < 58) return false
  span.start = from
  span.end = until
  return true
}

export const privateKey: Detector = {
  name: 'private-key',
  description: 'Private keys in PEM or OpenPGP armour, and age identities',
  rank: 9,
  wake: { on: 'ending', endings: ['-B', 'E-'], match: matchPrivateKey },
  visible: 'nothing',
  normal: 'exact',
}
