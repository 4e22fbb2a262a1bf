// Rewrites a row in one pass into the outlet's arena, in either form. No object per row, no view per cell; every
// length of the server is checked before it is used, because it may be hostile.
import {
  MASK,
  MASK_NULLS,
  maskedBytes,
  NULL,
  PASS,
  type RowPlan,
  SCAN_NULL,
} from '#engines/masking'
import { UpstreamError } from '#model'
import type { Outlet } from '#transport'
import { FULL, HEADER, packets, writeHeader } from './packets.ts'

const NULL_CELL = 0xfb
/** The longest form of a length. */
const MOST_LENGTH_BYTES = 9

/** Where the value at `at` begins and ends in its row. Reused: one row is read at a time. */
const cell = { from: 0, to: 0, isNull: false }

function note(bytes: Buffer, from: number, to: number): void {
  written.bytes = bytes
  written.from = from
  written.to = to
}

function readCell(src: Buffer, at: number, end: number): void {
  if (at >= end) throw broken()
  const first = src[at] as number
  cell.isNull = first === NULL_CELL
  let length = 0
  let from = at + 1
  if (first < NULL_CELL) length = first
  else if (!cell.isNull) {
    const size = first === 0xfc ? 2 : first === 0xfd ? 3 : first === 0xfe ? 8 : 0
    if (size === 0 || size > end - from) throw broken()
    length = size === 8 ? longLength(src, from) : src.readUIntLE(from, size)
    from += size
  }
  if (length > end - from) throw broken()
  cell.from = from
  cell.to = from + length
}

function longLength(src: Buffer, at: number): number {
  return src.readUInt32LE(at) + src.readUInt32LE(at + 4) * 0x100000000
}

function writeLength(out: Buffer, at: number, length: number): number {
  if (length < NULL_CELL) {
    out[at] = length
    return 1
  }
  const size = length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4
  out[at] = size === 2 ? 0xfc : size === 3 ? 0xfd : 0xfe
  out.writeUIntLE(length, at + 1, size)
  if (size < 4) return 1 + size
  out.writeUInt32LE(0, at + 5)
  return 9
}

/** The row that was rewritten last, without its header. Reused. */
export const written: { bytes: Buffer; from: number; to: number } = {
  bytes: Buffer.alloc(0),
  from: 0,
  to: 0,
}

/** A row under way: what of it was copied, and where the next byte goes. */
class Rewriting {
  readonly #src: Buffer
  readonly #end: number
  readonly #outlet: Outlet
  #base: number
  #to: number
  #copied: number
  changed = false

  constructor(src: Buffer, start: number, end: number, outlet: Outlet) {
    this.#src = src
    this.#end = end
    this.#outlet = outlet
    outlet.room(HEADER + end - start + 64)
    this.#base = outlet.position
    this.#to = this.#base + HEADER
    this.#copied = start
  }

  /** The value in `cell`, whose length begins at `head`, is written anew; `none`: nothing takes its place. */
  replace(
    head: number,
    write: (src: Buffer, from: number, to: number, out: Buffer, at: number) => number,
  ): boolean {
    const { from, to } = cell
    const run = head - this.#copied
    this.#room(run + MOST_LENGTH_BYTES + maskedBytes(to - from) + (this.#end - to))
    const out = this.#outlet.slab
    const at = this.#to + run
    const value = at + MOST_LENGTH_BYTES
    const size = write(this.#src, from, to, out, value)
    if (size < 0) return false
    this.#src.copy(out, this.#to, this.#copied, head)
    const header = writeLength(out, at, size)
    out.copyWithin(at + header, value, value + size)
    this.#to = at + header + size
    this.#copied = to
    this.changed = true
    return true
  }

  /** What stands in `[head, to)` is left out; `mark` takes its place. */
  drop(head: number, to: number, mark?: number): true {
    const run = head - this.#copied
    this.#room(run + 1 + (this.#end - to))
    this.#src.copy(this.#outlet.slab, this.#to, this.#copied, head)
    this.#to += run
    if (mark !== undefined) this.#outlet.slab[this.#to++] = mark
    this.#copied = to
    this.changed = true
    return true
  }

  /** Sets bits of a byte that stands in the row at `offset`, once it is copied. */
  setBits(offset: number, bits: number): void {
    const at = this.#base + HEADER + offset
    this.#outlet.slab[at] = (this.#outlet.slab[at] as number) | bits
  }

  clearBits(offset: number, bits: number): void {
    const at = this.#base + HEADER + offset
    this.#outlet.slab[at] = (this.#outlet.slab[at] as number) & ~bits
  }

  /** Writes the packet's end and its header; the number of the next packet. */
  finish(sequence: number): number {
    const outlet = this.#outlet
    this.#room(this.#end - this.#copied)
    this.#src.copy(outlet.slab, this.#to, this.#copied, this.#end)
    const to = this.#to + this.#end - this.#copied
    const length = to - this.#base - HEADER
    if (length >= FULL) {
      const payload = Buffer.from(outlet.slab.subarray(this.#base + HEADER, to))
      outlet.position = this.#base
      note(payload, 0, length)
      outlet.own(packets(payload, sequence))
      return sequence + Math.floor(length / FULL) + 1
    }
    writeHeader(outlet.slab, this.#base, length, sequence)
    note(outlet.slab, this.#base + HEADER, to)
    outlet.position = to
    return sequence + 1
  }

  /** Until the row is whole nothing of it may count as written. */
  #room(wanted: number): void {
    const outlet = this.#outlet
    if (outlet.slab.length - this.#to >= wanted) return
    const done = this.#to - this.#base
    outlet.position = this.#to
    outlet.room(wanted)
    this.#to = outlet.position
    this.#base = this.#to - done
    outlet.position = this.#base
  }
}

/**
 * Writes the text row `src[start, end)` as a packet. Answers the next packet's number, or -1 when no cell changed:
 * then nothing was written. Throws UpstreamError when the row does not hold what it says.
 */
export function rewriteTextRow(
  src: Buffer,
  start: number,
  end: number,
  plan: RowPlan,
  outlet: Outlet,
  sequence: number,
): number {
  const { kinds, writers, width, replaced } = plan
  const row = new Rewriting(src, start, end, outlet)
  let at = start
  for (let column = 0; column < width; column++) {
    readCell(src, at, end)
    const next = cell.to
    const kind = kinds[column] as number
    if (kind !== PASS && (!cell.isNull || kind === MASK_NULLS)) {
      const done =
        kind === NULL
          ? row.drop(at, next, NULL_CELL)
          : row.replace(at, writers[column] as (typeof writers)[number])
      if (!done && (kind === MASK || kind === MASK_NULLS)) throw new Error('a masker must write')
      if (done) replaced[column] = (replaced[column] as number) + 1
    }
    at = next
  }
  if (at !== end) throw broken()
  return row.changed ? row.finish(sequence) : -1
}

/** Offset of the first column's bit: two bits are not used. */
const NULL_BITS = 2

/** The same for a binary row; `sizes`: of each column, as `fixedBytes` has it. */
export function rewriteBinaryRow(
  src: Buffer,
  start: number,
  end: number,
  plan: RowPlan,
  sizes: readonly (number | 'dated' | undefined)[],
  outlet: Outlet,
  sequence: number,
): number {
  const { kinds, writers, width, replaced } = plan
  const bitmap = start + 1
  let at = bitmap + ((width + NULL_BITS + 7) >> 3)
  if (at > end || src[start] !== 0) throw broken()
  const row = new Rewriting(src, start, end, outlet)
  const nulls: number[] = []
  const values: number[] = []
  for (let column = 0; column < width; column++) {
    const bit = column + NULL_BITS
    const size = sizes[column]
    if (((src[bitmap + (bit >> 3)] as number) & (1 << (bit & 7))) !== 0) {
      if (kinds[column] !== MASK_NULLS || size !== undefined) continue
      cell.from = at
      cell.to = at
      if (!row.replace(at, writers[column] as (typeof writers)[number]))
        throw new Error('a masker must write')
      values.push(bit)
      replaced[column] = (replaced[column] as number) + 1
      continue
    }
    let next: number
    if (size === undefined) {
      readCell(src, at, end)
      if (cell.isNull) throw broken()
      next = cell.to
    } else {
      if (at >= end && size !== 0) throw broken()
      next = size === 'dated' ? at + 1 + (src[at] as number) : at + size
      if (next > end) throw broken()
    }
    const kind = kinds[column] as number
    if (kind !== PASS) {
      let done = true
      if (kind === NULL || size !== undefined || kind === SCAN_NULL) {
        // (What is not behind a length is no text: a plan that is not NULL finds nothing in it.)
        done = kind === NULL
        if (done) {
          row.drop(at, next)
          nulls.push(bit)
        }
      } else {
        done = row.replace(at, writers[column] as (typeof writers)[number])
        if (!done && (kind === MASK || kind === MASK_NULLS)) throw new Error('a masker must write')
      }
      if (done) replaced[column] = (replaced[column] as number) + 1
    }
    at = next
  }
  if (at !== end) throw broken()
  if (!row.changed) return -1
  for (const bit of nulls) row.setBits(1 + (bit >> 3), 1 << (bit & 7))
  for (const bit of values) row.clearBits(1 + (bit >> 3), 1 << (bit & 7))
  return row.finish(sequence)
}

function broken(): UpstreamError {
  return new UpstreamError(
    'upstream_lost',
    'the database sent a row that does not hold what it says',
  )
}
