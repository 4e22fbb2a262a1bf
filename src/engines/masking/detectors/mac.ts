// Hardware addresses: six pairs of hexadecimal digits by colons or dashes, or three fours by dots (IEEE 802).
import { ALNUM, bytesOf, bytesOfClass, classAt, classOf, HEX } from '../byte-classes.ts'
import type { Detector, Span } from '../detector.ts'

const DOT = 0x2e

/** `at` is the first separator. */
function matchMac(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const separator = src[at]!
  const width = separator === DOT ? 4 : 2
  const from = at - width
  const to = from + (separator === DOT ? 14 : 17)
  if (from < start || to > end) return false
  for (let i = from; i < to; i++) {
    const isJoint = (i - from) % (width + 1) === width
    if (isJoint ? src[i] !== separator : (classOf[src[i]!]! & HEX) === 0) return false
  }
  if (isPart(src, start, end, from - 1, separator) || isPart(src, start, end, to, separator))
    return false
  span.start = from
  span.end = to
  return true
}

/** True when what stands there would make it part of something longer. */
function isPart(
  src: Uint8Array,
  start: number,
  end: number,
  at: number,
  separator: number,
): boolean {
  return (
    (classAt(src, start, end, at) & ALNUM) !== 0 ||
    (at >= start && at < end && src[at] === separator)
  )
}

export const mac: Detector = {
  name: 'mac',
  description: 'Hardware (MAC) addresses, by colons, dashes or dots',
  rank: 1,
  wake: {
    on: 'pair',
    pairs: [{ before: bytesOfClass(HEX), at: bytesOf(':-.') }],
    match: matchMac,
  },
  visible: 'nothing',
  normal: 'alphanumeric',
}
