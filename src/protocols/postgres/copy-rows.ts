// The rows of COPY TO STDOUT in text and csv: where they end, what their fields are, and how a field is written
// back (PostgreSQL documentation, COPY, "File Formats"). Pure bytes; knows no permit and no socket.
import type { CopyOptions } from '#engines/sql'

const LF = 0x0a
const CR = 0x0d
const BACKSLASH = 0x5c

export interface CopyBytes {
  readonly csv: boolean
  readonly delimiter: number
  readonly quote: number
  readonly escape: number
  readonly nullText: Buffer
}

/** Undefined when an option is not the single byte that the server would demand. */
export function copyBytes(format: 'text' | 'csv', options: CopyOptions): CopyBytes | undefined {
  const { delimiter, quote, nullText } = options
  for (const text of [delimiter, quote, options.escape]) {
    if (text.length !== 1 || text.charCodeAt(0) > 0x7f) return undefined
  }
  return {
    csv: format === 'csv',
    delimiter: delimiter.charCodeAt(0),
    quote: quote.charCodeAt(0),
    escape: options.escape.charCodeAt(0),
    nullText: Buffer.from(nullText, 'utf8'),
  }
}

/** Finds the ends of rows in bytes that come in pieces: a quoted field of csv may hold line ends. */
export class RowEnds {
  readonly #copy: CopyBytes
  #quoted = false
  #escaped = false

  constructor(copy: CopyBytes) {
    this.#copy = copy
  }

  /** The position behind the next row's end in `bytes[from, to)`, or -1. Each byte is given once. */
  next(bytes: Buffer, from: number, to: number): number {
    if (!this.#copy.csv) {
      // A line end inside a value is written as \n: a bare one always ends the row.
      const at = bytes.indexOf(LF, from)
      return at < 0 || at >= to ? -1 : at + 1
    }
    const { quote, escape: escapeByte } = this.#copy
    for (let at = from; at < to; at++) {
      const byte = bytes[at]
      if (this.#escaped) this.#escaped = false
      else if (this.#quoted && byte === escapeByte && escapeByte !== quote) this.#escaped = true
      // A doubled quote closes and opens again: the state comes out right.
      else if (byte === quote) this.#quoted = !this.#quoted
      else if (byte === LF && !this.#quoted) return at + 1
    }
    return -1
  }
}

/** One field: `[from, to)` as it stands in the row, with its quotes. */
export interface FieldSpan {
  from: number
  to: number
  quoted: boolean
}

/** Moves `field` to the next one of the row that begins at `from` (`end` is before the line end). */
export function nextField(
  copy: CopyBytes,
  bytes: Buffer,
  from: number,
  end: number,
  field: FieldSpan,
): void {
  field.from = from
  field.quoted = false
  let at = from
  if (!copy.csv) {
    while (at < end && bytes[at] !== copy.delimiter) at += bytes[at] === BACKSLASH ? 2 : 1
    field.to = Math.min(at, end)
    return
  }
  let inside = false
  for (; at < end; at++) {
    const byte = bytes[at]
    if (inside && byte === copy.escape && copy.escape !== copy.quote) at += 1
    else if (byte === copy.quote) {
      inside = !inside
      field.quoted = true
    } else if (byte === copy.delimiter && !inside) break
  }
  field.to = Math.min(at, end)
}

export function isNull(copy: CopyBytes, bytes: Buffer, { from, to, quoted }: FieldSpan): boolean {
  return (
    !quoted && to - from === copy.nullText.length && bytes.subarray(from, to).equals(copy.nullText)
  )
}

const LETTERS: ReadonlyMap<number, number> = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x76, 0x0b],
])
const ESCAPES: ReadonlyMap<number, number> = new Map(
  [...LETTERS].map(([letter, byte]) => [byte, letter]),
)

/** The field's value into `out` at 0; answers its length. `out` holds at least the field's own bytes. */
export function decodeField(copy: CopyBytes, bytes: Buffer, field: FieldSpan, out: Buffer): number {
  let to = 0
  if (!copy.csv) {
    for (let at = field.from; at < field.to; at++) {
      let byte = bytes[at] as number
      if (byte === BACKSLASH && at + 1 < field.to) {
        at += 1
        const next = bytes[at] as number
        byte = LETTERS.get(next) ?? next
      }
      out[to++] = byte
    }
    return to
  }
  let inside = false
  for (let at = field.from; at < field.to; at++) {
    const byte = bytes[at] as number
    const next = at + 1 < field.to ? bytes[at + 1] : undefined
    if (inside && byte === copy.escape && (next === copy.quote || next === copy.escape)) {
      out[to++] = next as number
      at += 1
    } else if (byte === copy.quote) inside = !inside
    else out[to++] = byte
  }
  return to
}

/** Writes a value as a field at `at`; answers the position behind it. At most `2 * length + 2` bytes. */
export function encodeField(
  copy: CopyBytes,
  value: Buffer,
  length: number,
  out: Buffer,
  at: number,
): number {
  if (!copy.csv) {
    for (let i = 0; i < length; i++) {
      const byte = value[i] as number
      const letter = ESCAPES.get(byte)
      if (letter !== undefined || byte === BACKSLASH || byte === copy.delimiter)
        out[at++] = BACKSLASH
      out[at++] = letter ?? byte
    }
    return at
  }
  // Quoted, always: nobody can then take it for NULL, for the end marker or for two fields.
  out[at++] = copy.quote
  for (let i = 0; i < length; i++) {
    const byte = value[i] as number
    if (byte === copy.quote || byte === copy.escape) out[at++] = copy.escape
    out[at++] = byte
  }
  out[at++] = copy.quote
  return at
}

/** Where the row's fields end: before its line end. */
export function contentEnd(bytes: Buffer, start: number, end: number): number {
  if (end > start && bytes[end - 1] === LF) {
    return end - 1 > start && bytes[end - 2] === CR ? end - 2 : end - 1
  }
  return end
}
