// Leaves of a value what tells it apart for a person. A value that does not look as its class says is
// not shown in part: its mark takes its place.
import { ALNUM, classOf, DIGIT, LETTER } from '../byte-classes.ts'
import type { Visible } from '../detector.ts'
import { matchEmail } from '../detectors/email.ts'
import { copyBytes, type Mask, type Masker } from '../masker.ts'

const SPACE = 0x20
const STAR = 0x2a
const AT = 0x40

/** `otherwise` takes the place of what is not as expected; `tail` is for classes without a detector. */
export function partial(visible: Visible | 'tail', otherwise: Mask): Mask {
  const span = { start: 0, end: 0 }
  const shows: Record<Visible | 'tail', Masker> = {
    nothing: otherwise.write,
    domain: (src, start, end, out, at) => {
      const from = trimmedStart(src, start, end)
      const to = trimmedEnd(src, from, end)
      let sign = from
      while (sign < to && src[sign] !== AT) sign++
      // Only one whole address: the other half of two would be shown as a domain.
      const whole =
        sign < to && matchEmail(src, from, to, sign, span) && span.start === from && span.end === to
      const first = whole ? codePointBytes(src, from, sign) : 0
      if (first === 0) return otherwise.write(src, start, end, out, at)
      // One character alone would be the whole name.
      let n = from + first < sign ? copyBytes(src, from, from + first, out, at) : 0
      n += stars(out, at + n, 3)
      return n + copyBytes(src, sign, to, out, at + n)
    },
    card: digits(12, 19, 12, 4, otherwise.write),
    phone: digits(7, 19, 8, 2, otherwise.write),
    ssn: (src, start, end, out, at) => {
      const n = tailDigits(src, start, end, 9, 9, out, at + 7, 4)
      if (n === 0) return otherwise.write(src, start, end, out, at)
      stars(out, at, 7)
      out[at + 3] = out[at + 6] = 0x2d
      return 7 + n
    },
    iban: (src, start, end, out, at) => {
      const n = showIban(src, start, end, out, at)
      return n === 0 ? otherwise.write(src, start, end, out, at) : n
    },
    tail: (src, start, end, out, at) => {
      const from = tailOf(src, start, end)
      if (from < 0) return otherwise.write(src, start, end, out, at)
      const n = stars(out, at, 4)
      return n + copyBytes(src, from, end, out, at + n)
    },
  }
  return { write: shows[visible], fixed: Math.max(otherwise.fixed, 24), copies: true }
}

/** Always the same number of stars, so that the length is not shown either. */
function digits(
  min: number,
  max: number,
  hidden: number,
  shown: number,
  otherwise: Masker,
): Masker {
  return (src, start, end, out, at) => {
    const n = tailDigits(src, start, end, min, max, out, at + hidden, shown)
    if (n === 0) return otherwise(src, start, end, out, at)
    return stars(out, at, hidden) + n
  }
}

/** Writes the last digits of a value that is nothing but digits and separators; 0: it is something else. */
function tailDigits(
  src: Uint8Array,
  start: number,
  end: number,
  min: number,
  max: number,
  out: Uint8Array,
  at: number,
  shown: number,
): number {
  let count = 0
  for (let i = start; i < end; i++) {
    const byte = src[i]!
    if ((classOf[byte]! & DIGIT) !== 0) count++
    else if (!isMark(byte)) return 0
  }
  if (count < min || count > max) return 0
  for (let i = end - 1, left = shown; left > 0; i--) {
    if ((classOf[src[i]!]! & DIGIT) !== 0) out[at + --left] = src[i]!
  }
  return shown
}

/** ` +-./()` and the `x` of an extension. */
function isMark(byte: number): boolean {
  return (
    byte === SPACE ||
    (byte >= 0x28 && byte <= 0x2f && byte !== STAR && byte !== 0x2c) ||
    byte === 0x78
  )
}

/** Country and last four: GB, stars, 9119. */
function showIban(
  src: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  const from = trimmedStart(src, start, end)
  const to = trimmedEnd(src, from, end)
  let count = 0
  for (let i = from; i < to; i++) {
    const byte = src[i]!
    if ((classOf[byte]! & ALNUM) === 0) {
      if (byte !== SPACE && byte !== 0x2d) return 0
      continue
    }
    const wanted = count < 2 ? LETTER : count < 4 ? DIGIT : ALNUM
    if ((classOf[byte]! & wanted) === 0) return 0
    if (count < 2) out[at + count] = byte
    count++
  }
  if (count < 15 || count > 34) return 0
  stars(out, at + 2, 16)
  for (let i = to - 1, left = 4; left > 0; i--) {
    if ((classOf[src[i]!]! & ALNUM) !== 0) out[at + 18 + --left] = src[i]!
  }
  return 22
}

/** Where the last four of at least eight code points begin; -1: too short, or not UTF-8. */
function tailOf(src: Uint8Array, start: number, end: number): number {
  let i = end
  for (let n = 0; n < 8; n++) {
    let lead = i - 1
    while (lead > start && i - lead < 4 && (src[lead]! & 0xc0) === 0x80) lead--
    if (lead < start || codePointBytes(src, lead, i) !== i - lead) return -1
    i = lead
    if (n === 3) end = i
  }
  return end
}

/** Bytes of the code point at `at`; 0 when it is malformed or not whole before `end`. */
function codePointBytes(src: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0
  const lead = src[at]!
  const bytes =
    lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  if (bytes === 0 || at + bytes > end) return 0
  for (let i = 1; i < bytes; i++) if ((src[at + i]! & 0xc0) !== 0x80) return 0
  return bytes
}

function stars(out: Uint8Array, at: number, count: number): number {
  for (let i = 0; i < count; i++) out[at + i] = STAR
  return count
}

function trimmedStart(src: Uint8Array, start: number, end: number): number {
  while (start < end && src[start] === SPACE) start++
  return start
}

/** Blank-padded types end in spaces. */
function trimmedEnd(src: Uint8Array, start: number, end: number): number {
  while (end > start && src[end - 1] === SPACE) end--
  return end
}
