// A record that recurs: what a session runs again and again differs in a hash, a number and a time. The rest is
// written out once and kept as bytes; what is put together from them is what `encodeRecord` would write.
import type { AuditEntry } from '#model'
import { encodeRecord } from './record.ts'

/** Hex digits of a commitment (SHA-256). */
const HASH_DIGITS = 64
/** RFC 3339 in UTC with milliseconds. */
const TIME_CHARACTERS = 24
/** Digits of the largest safe integer. */
const MOST_DIGITS = 16

/** An entry whose `details` are one commitment, which stands in it as zeros until it is known. */
export class RecordForm {
  readonly #entry: AuditEntry
  /** The parts that are constant, one behind the other. */
  readonly #bytes: Buffer
  readonly #commitmentAt: number
  readonly #numberAt: number

  /** `entry` without details. Throws InvalidRequest, as `encodeRecord` does. */
  constructor(entry: Omit<AuditEntry, 'details'>) {
    this.#entry = entry
    const empty = encodeRecord(entry, 0, '')
    const zeros = '0'.repeat(HASH_DIGITS)
    const full = encodeRecord({ ...entry, details: { commitment: zeros } }, 0, '')
    // Where two records begin to differ that differ in one part is where this part stands.
    const at = difference(full, encodeRecord({ ...entry, details: { commitment: ONES } }, 0, ''))
    const number = difference(
      full,
      encodeRecord({ ...entry, details: { commitment: zeros } }, 1, ''),
    )
    if (full.length !== empty.length + '"details":{"commitment":""},'.length + HASH_DIGITS)
      throw new RangeError('a record is not made as expected')
    this.#commitmentAt = Buffer.byteLength(full.slice(0, at))
    const middle = full.slice(at + HASH_DIGITS, number)
    this.#numberAt = this.#commitmentAt + Buffer.byteLength(middle)
    this.#bytes = Buffer.from(full.slice(0, at) + middle + full.slice(number + 1), 'utf8')
  }

  /** No record of this form is longer, in bytes. */
  get mostBytes(): number {
    return this.#bytes.length + HASH_DIGITS + MOST_DIGITS + TIME_CHARACTERS
  }

  /** The entry, for whoever wants it as values. */
  entry(commitment: string): AuditEntry {
    return { ...this.#entry, details: { commitment } }
  }

  /** Writes the record behind `at` of `target`, which has room for `mostBytes`; gives its end. */
  write(target: Buffer, at: number, commitment: string, seq: number, ts: string): number {
    const bytes = this.#bytes
    const end = bytes.length - CLOSING
    bytes.copy(target, at, 0, this.#commitmentAt)
    let to = at + this.#commitmentAt
    to += target.write(commitment, to, 'latin1')
    bytes.copy(target, to, this.#commitmentAt, this.#numberAt)
    to += this.#numberAt - this.#commitmentAt
    to = writeNumber(target, to, seq)
    bytes.copy(target, to, this.#numberAt, end)
    to += end - this.#numberAt
    to += target.write(ts, to, 'latin1')
    bytes.copy(target, to, end)
    return to + CLOSING
  }
}

const ONES = '1'.repeat(HASH_DIGITS)
/** What stands behind the time: `"}`. */
const CLOSING = 2

function difference(a: string, b: string): number {
  let at = 0
  while (a[at] === b[at]) at++
  return at
}

function writeNumber(target: Buffer, at: number, value: number): number {
  let end = at + 1
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end++
  let rest = value
  for (let to = end - 1; to >= at; to--) {
    const tens = Math.floor(rest / 10)
    target[to] = 48 + (rest - tens * 10)
    rest = tens
  }
  return end
}
