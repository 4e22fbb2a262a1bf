// Keeps the first rows of an answer as the principal saw them (after masking), up to the resource's limit, for
// the recording. Copies raw bytes while rows flow; makes texts of them only at the end.
import type { RecordedAnswer } from '#gateway'
import { HEADER } from './feed.ts'

const COPY: readonly string[] = ['copy']

export class AnswerSample implements RecordedAnswer {
  readonly #limit: number
  readonly #columns: readonly string[]
  readonly #binary: readonly boolean[]
  #kept: Buffer | undefined
  #length = 0
  truncated = false

  /** `binary`: columns whose bytes are no text; they are kept as hex. Empty `columns`: lines of a COPY. */
  constructor(limit: number, columns: readonly string[], binary: readonly boolean[]) {
    this.#limit = limit
    this.#columns = columns
    this.#binary = binary
  }

  /** Takes a whole frame; false when the limit is reached, so that the caller stops asking. */
  add(bytes: Buffer, start: number, end: number): boolean {
    if (this.truncated) return false
    const wanted = this.#length + end - start
    if (wanted > this.#limit) {
      this.truncated = true
      return false
    }
    if (this.#kept === undefined || wanted > this.#kept.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(wanted * 2, 512)))
      this.#kept?.copy(larger, 0, 0, this.#length)
      this.#kept = larger
    }
    bytes.copy(this.#kept, this.#length, start, end)
    this.#length = wanted
    return true
  }

  get columns(): readonly string[] {
    return this.#columns.length === 0 ? COPY : this.#columns
  }

  get rows(): RecordedAnswer['rows'] {
    const rows: (readonly (string | null)[])[] = []
    const kept = this.#kept
    let at = 0
    while (kept !== undefined && at < this.#length) {
      const end = at + 1 + kept.readUInt32BE(at + 1)
      rows.push(this.#columns.length === 0 ? [copyLine(kept, at, end)] : this.#row(kept, at, end))
      at = end
    }
    return rows
  }

  /** Lengths are checked again: rows that pass unchanged were never read. */
  #row(kept: Buffer, start: number, end: number): readonly (string | null)[] {
    const row: (string | null)[] = []
    let at = start + HEADER + 2
    for (let column = 0; column < this.#columns.length && at + 4 <= end; column++) {
      const length = kept.readInt32BE(at)
      at += 4
      if (length < 0) {
        row.push(null)
        continue
      }
      const to = Math.min(at + length, end)
      row.push(
        this.#binary[column] === true
          ? `\\x${kept.toString('hex', at, to)}`
          : kept.toString('utf8', at, to),
      )
      at = to
    }
    return row
  }
}

function copyLine(kept: Buffer, start: number, end: number): string {
  return kept.toString('utf8', start + HEADER, end).replace(/\n$/, '')
}
