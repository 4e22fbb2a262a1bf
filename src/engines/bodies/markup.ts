// HTML and XML as text: a value may be written with character references (`&#52;`, `&commat;`), so detectors read what
// they stand for. Tags are not taken out: a value that a tag parts is not seen.
import { putCodePoint } from '#engines/json'
import { maskedBytes, type Scanner } from '#engines/masking'

const AMPERSAND = 0x26
const REFERENCE = /^&(?:#(\d{1,12})|#[xX]([0-9a-fA-F]{1,10})|([A-Za-z]{2,10}));?/
const LONGEST = 16
const LINE_BREAK = 0x0a
const CARRIAGE_RETURN = 0x0d
/** A line grows by no more, so that all of them fit where they are written. */
const GROWTH = 3
const STARS = new TextEncoder().encode('***')
/** HTML's names of what values are made of. */
const NAMED: Readonly<Record<string, number>> = {
  commat: 0x40,
  period: 0x2e,
  hyphen: 0x2d,
  dash: 0x2d,
  lowbar: 0x5f,
  plus: 0x2b,
  sol: 0x2f,
  colon: 0x3a,
  lpar: 0x28,
  rpar: 0x29,
  num: 0x23,
  nbsp: 0x20,
  ensp: 0x20,
  emsp: 0x20,
  Tab: 0x20,
}
/** These stay references: as themselves they would be markup. */
const MARKUP = new Set([...'<>&"\''].map(each => each.charCodeAt(0)))

/**
 * Reads each line that has character references as what they stand for; where nothing is found it stays as it is. Then
 * all lines together, for what goes over several.
 */
export function markupScanner(scan: Scanner): Scanner {
  return (src, start, end, out, at) => {
    if (src.subarray(start, end).indexOf(AMPERSAND) < 0) return scan(src, start, end, out, at)
    const lines = new Uint8Array(maskedBytes(end - start))
    let to = 0
    let changed = false
    for (let from = start; from < end; ) {
      let next = from + 1
      while (next < end && src[next - 1] !== LINE_BREAK && src[next - 1] !== CARRIAGE_RETURN) next++
      const written = scanLine(scan, src, from, next, lines, to)
      changed ||= written >= 0
      if (written < 0) lines.set(src.subarray(from, next), to)
      to += written < 0 ? next - from : written
      from = next
    }
    if (!changed) return scan(src, start, end, out, at)
    const rest = new Uint8Array(maskedBytes(to))
    const again = scan(lines, 0, to, rest, 0)
    const whole = again < 0 ? lines.subarray(0, to) : rest.subarray(0, again)
    // Only of lines that are shorter than their masks.
    const kept = whole.length <= maskedBytes(end - start) ? whole : STARS
    out.set(kept, at)
    return kept.length
  }
}

/** -1: there is nothing in it that only the references hid. */
function scanLine(
  scan: Scanner,
  src: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  if (src.subarray(start, end).indexOf(AMPERSAND) < 0) return -1
  const plain = new Uint8Array(end - start)
  const length = undo(src, start, end, plain)
  if (length === end - start) return -1
  const masked = new Uint8Array(maskedBytes(length))
  const written = scan(plain, 0, length, masked, 0)
  if (written < 0) return -1
  const kept = written <= GROWTH * (end - start) ? masked.subarray(0, written) : STARS
  out.set(kept, at)
  return kept.length
}

function undo(src: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let to = 0
  for (let i = start; i < end; ) {
    if (src[i] === AMPERSAND) {
      const reference = read(src, i, end)
      if (reference !== undefined) {
        to = putCodePoint(reference.code, out, to)
        i += reference.length
        continue
      }
    }
    out[to++] = src[i++]!
  }
  return to
}

function read(src: Uint8Array, at: number, end: number) {
  const text = String.fromCharCode(...src.subarray(at, Math.min(end, at + LONGEST)))
  const [whole, decimal, hex, name] = REFERENCE.exec(text) ?? []
  if (whole === undefined) return undefined
  const code =
    decimal !== undefined
      ? Number(decimal)
      : hex !== undefined
        ? Number.parseInt(hex, 16)
        : NAMED[name ?? '']
  if (code === undefined || code < 0x20 || code > 0x10ffff || MARKUP.has(code)) return undefined
  if (code >= 0xd800 && code <= 0xdfff) return undefined
  return { code: code === 0xa0 ? 0x20 : code, length: whole.length }
}
