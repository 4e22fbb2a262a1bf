// Keeps the first rows of an answer as the principal saw them (after masking), up to the resource's limit, for the
// recording. Copies raw bytes while rows flow; makes texts of them only at the end.
import type { RecordedAnswer } from '#gateway'
import { ProtocolError } from '#model'
import type { ColumnDefinition, Format } from './columns.ts'
import { BINARY } from './numbers.ts'
import { PayloadReader } from './payload.ts'
import { readValue } from './prepared.ts'
import type { Shape } from './shape.ts'

const UNSIGNED = 0x20
/** How long a row is stands before it. */
const MARK = 4

export class AnswerSample implements RecordedAnswer {
  readonly #limit: number
  readonly #shape: Shape
  readonly #format: Format
  /** Rows, each behind four bytes of its length. */
  #kept: Buffer | undefined
  #length = 0
  /** Of the rows alone. */
  #bytes = 0
  truncated = false

  constructor(limit: number, shape: Shape, format: Format) {
    this.#limit = limit
    this.#shape = shape
    this.#format = format
  }

  /** Takes a row's payload; false when the limit is reached, so that the caller stops asking. */
  add(bytes: Buffer, start: number, end: number): boolean {
    if (this.truncated) return false
    this.#bytes += end - start
    if (this.#bytes > this.#limit) {
      this.truncated = true
      return false
    }
    const at = this.#length + MARK
    const wanted = at + end - start
    if (this.#kept === undefined || wanted > this.#kept.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted * 2, 256))
      this.#kept?.copy(larger, 0, 0, this.#length)
      this.#kept = larger
    }
    this.#kept.writeUInt32LE(end - start, this.#length)
    bytes.copy(this.#kept, at, start, end)
    this.#length = wanted
    return true
  }

  get columns(): readonly string[] {
    return this.#shape.names
  }

  get rows(): RecordedAnswer['rows'] {
    const rows: (readonly (string | null)[])[] = []
    const kept = this.#kept
    let at = 0
    while (kept !== undefined && at < this.#length) {
      const end = at + MARK + kept.readUInt32LE(at)
      rows.push(this.#row(kept, at + MARK, end))
      at = end
    }
    return rows
  }

  /** Lengths are checked again: rows that pass unchanged were never read. */
  #row(bytes: Buffer, start: number, end: number): readonly (string | null)[] {
    const { definitions } = this.#shape
    const values: (string | null)[] = []
    try {
      const reader = new PayloadReader(bytes, start, end)
      if (this.#format === 'text') {
        for (const definition of definitions) {
          const length = reader.lenenc()
          values.push(length === null ? null : shown(reader.bytes(length), definition))
        }
        return values
      }
      reader.uint8()
      const nulls = reader.bytes((definitions.length + 9) >> 3)
      for (const [index, definition] of definitions.entries()) {
        const bit = index + 2
        const isNull = ((nulls[bit >> 3] as number) & (1 << (bit & 7))) !== 0
        const value = isNull
          ? null
          : readValue(reader, definition.type, (definition.flags & UNSIGNED) !== 0)
        values.push(value === null ? null : shown(value, definition))
      }
    } catch (error) {
      // Safe: what cannot be read of a row is not in the recording; the client got the row as it was.
      if (!(error instanceof ProtocolError)) throw error
    }
    return values
  }
}

const TEXT_TYPES_FROM = 245

function shown(bytes: Uint8Array, { characterSet, type }: ColumnDefinition): string {
  const view = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const binary = characterSet === BINARY && type > TEXT_TYPES_FROM && type !== 246
  return binary ? `0x${view.toString('hex')}` : view.toString('utf8')
}
