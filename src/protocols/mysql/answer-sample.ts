// Keeps the first rows of an answer as the principal saw them (after masking), up to the resource's limit, for the
// recording. Copies raw bytes while rows flow; makes texts of them only at the end.
import type { RecordedAnswer } from '#gateway'
import { ProtocolError } from '#model'
import type { ColumnDefinition, Format } from './columns.ts'
import { BINARY } from './numbers.ts'
import { PayloadReader } from './payload.ts'
import { readValue } from './prepared.ts'

const UNSIGNED = 0x20

export class AnswerSample implements RecordedAnswer {
  readonly #limit: number
  readonly #definitions: readonly ColumnDefinition[]
  readonly #format: Format
  readonly #kept: Buffer[] = []
  #length = 0
  truncated = false

  constructor(limit: number, definitions: readonly ColumnDefinition[], format: Format) {
    this.#limit = limit
    this.#definitions = definitions
    this.#format = format
  }

  /** Takes a row's payload; false when the limit is reached, so that the caller stops asking. */
  add(bytes: Buffer, start: number, end: number): boolean {
    if (this.truncated) return false
    this.#length += end - start
    if (this.#length > this.#limit) {
      this.truncated = true
      return false
    }
    this.#kept.push(Buffer.from(bytes.subarray(start, end)))
    return true
  }

  get columns(): readonly string[] {
    return this.#definitions.map(({ name }) => name)
  }

  get rows(): RecordedAnswer['rows'] {
    return this.#kept.map(row => this.#row(row))
  }

  /** Lengths are checked again: rows that pass unchanged were never read. */
  #row(bytes: Buffer): readonly (string | null)[] {
    const values: (string | null)[] = []
    try {
      const reader = new PayloadReader(bytes)
      if (this.#format === 'text') {
        for (const definition of this.#definitions) {
          const length = reader.lenenc()
          values.push(length === null ? null : shown(reader.bytes(length), definition))
        }
        return values
      }
      reader.uint8()
      const nulls = reader.bytes((this.#definitions.length + 9) >> 3)
      for (const [index, definition] of this.#definitions.entries()) {
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
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const binary = characterSet === BINARY && type > TEXT_TYPES_FROM && type !== 246
  return binary ? `0x${view.toString('hex')}` : view.toString('utf8')
}
