// A user and a password in a URL (RFC 3986 section 3.2.1): what stands between `://` and `@`.
import { ALNUM, classAt } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const COLON = 0x3a
const AT = 0x40
/** Longer ones are none: so that a text of nothing but slashes is not read again and again. */
const MOST = 512
/** What ends a URL's authority, or the URL. */
const ENDS = new Set([...' \t\r\n"\'<>/?#\\`{}|^'].map(c => c.charCodeAt(0)))

/** `at` is the second slash. */
function matchUrl(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  if (at - 3 < start || src[at - 2] !== COLON || (classAt(src, start, end, at - 3) & ALNUM) === 0)
    return false
  const from = at + 1
  const limit = Math.min(end, from + MOST)
  let colon = -1
  let sign = -1
  for (let i = from; i < limit && !ENDS.has(src[i]!); i++) {
    if (src[i] === COLON && colon < 0) colon = i
    // The last one: a password may hold others, though it should not.
    if (src[i] === AT) sign = i
  }
  if (colon < 0 || sign <= colon + 1) return false
  span.start = from
  span.end = sign
  return true
}

export const urlCredentials: Detector = {
  name: 'url-credentials',
  description: 'User and password in URLs and connection strings',
  rank: 8,
  wake: { on: 'ending', endings: ['//'], match: matchUrl },
  visible: 'nothing',
  normal: 'exact',
}
