// Keeps the first rows of an answer as the principal saw them (after masking), up to the resource's limit, for
// the recording. Copies raw bytes while rows flow; makes texts of them only at the end.
import type { RecordedAnswer } from '#gateway'
import { HEADER } from './feed.ts'

const COPY: readonly string[] = ['copy']
/** A chunk that is no larger is kept as it is, in place of a copy of the rows in it. */
const SMALL_CHUNK = 1_024

export class AnswerSample implements RecordedAnswer {
  readonly #limit: number
  readonly #columns: readonly string[]
  readonly #binary: readonly boolean[]
  #kept: Buffer | undefined
  /** Where the rows begin in it, and how long they are. */
  #from = 0
  #length = 0
  /** What is kept is a chunk that others have too: nothing is written into it. */
  #borrowed = false
  truncated = false

  /** `binary`: columns whose bytes are no text; they are kept as hex. Empty `columns`: lines of a COPY. */
  constructor(limit: number, columns: readonly string[], binary: readonly boolean[]) {
    this.#limit = limit
    this.#columns = columns
    this.#binary = binary
  }

  /** Takes a whole frame; false when the limit is reached, so that the caller stops asking. `lasting`: the bytes will not change. */
  add(bytes: Buffer, start: number, end: number, lasting: boolean): boolean {
    if (this.truncated) return false
    const wanted = this.#length + end - start
    if (wanted > this.#limit) {
      this.truncated = true
      return false
    }
    if (this.#borrow(bytes, start, lasting)) {
      this.#length = wanted
      return true
    }
    const kept = this.#kept
    if (kept === undefined || this.#borrowed || wanted > kept.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(wanted * 2, 512)))
      kept?.copy(larger, 0, this.#from, this.#from + this.#length)
      this.#kept = larger
      this.#from = 0
      this.#borrowed = false
    }
    bytes.copy(this.#kept as Buffer, this.#length, start, end)
    this.#length = wanted
    return true
  }

  /** Most answers are a row or two in one small chunk. */
  #borrow(bytes: Buffer, start: number, lasting: boolean): boolean {
    if (this.#kept === undefined) {
      if (!lasting || bytes.length > SMALL_CHUNK) return false
      this.#kept = bytes
      this.#from = start
      this.#borrowed = true
      return true
    }
    return this.#borrowed && this.#kept === bytes && start === this.#from + this.#length
  }

  get columns(): readonly string[] {
    return this.#columns.length === 0 ? COPY : this.#columns
  }

  get rows(): RecordedAnswer['rows'] {
    const rows: (readonly (string | null)[])[] = []
    const kept = this.#kept
    let at = this.#from
    const last = at + this.#length
    while (kept !== undefined && at < last) {
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
