// Masks the rows of one COPY TO STDOUT as they pass. A row may be cut by CopyData messages anywhere; what
// goes out is one message for each row. Knows the plan of each column; not where the rows go.
import { MASK, MASK_NULLS, maskedBytes, NULL, PASS, type RowPlan } from '#engines/masking'
import type { CopyShape } from '#engines/sql'
import { UpstreamError } from '#model'
import type { Outlet } from '#transport'
import {
  type CopyBytes,
  contentEnd,
  copyBytes,
  decodeField,
  encodeField,
  type FieldSpan,
  isNull,
  nextField,
  RowEnds,
} from './copy-rows.ts'
import { HEADER } from './feed.ts'

const COPY_DATA = 0x64
const NONE: Buffer = Buffer.alloc(0)

/** Bytes that grow; shared by all sessions, because each is used within one call only. */
class Scratch {
  bytes: Buffer = Buffer.alloc(8 << 10)
  length = 0

  room(wanted: number): void {
    if (this.length + wanted <= this.bytes.length) return
    const larger = Buffer.allocUnsafe((this.length + wanted) * 2)
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }

  add(bytes: Buffer, from: number, to: number): void {
    this.room(to - from)
    bytes.copy(this.bytes, this.length, from, to)
    this.length += to - from
  }

  /** A giant row must not keep its memory for good. */
  reset(): void {
    this.length = 0
    if (this.bytes.length > 1 << 20) this.bytes = Buffer.alloc(8 << 10)
  }
}
const line = new Scratch()
const decoded = new Scratch()
const masked = new Scratch()

export class CopyOut {
  readonly #planOf: (width: number) => RowPlan
  readonly #copy: CopyBytes | undefined
  readonly #ends: RowEnds | undefined
  readonly #mostBytes: number
  #plan: RowPlan | undefined
  #header: boolean
  #part: Buffer = NONE
  /** False when some column must be masked and the format has no text to mask: it must not run then. */
  readonly runs: boolean

  /** `planOf`: the cells' plans, given a number of columns; `width`: how many are expected. */
  constructor(
    shape: CopyShape,
    planOf: (width: number) => RowPlan,
    width: number,
    mostBytes: number,
  ) {
    this.#planOf = planOf
    this.runs = shape.format !== 'binary' || planOf(width).untouched
    this.#header = shape.options.header
    this.#mostBytes = mostBytes
    this.#copy = shape.format === 'binary' ? undefined : copyBytes(shape.format, shape.options)
    this.#ends = this.#copy === undefined ? undefined : new RowEnds(this.#copy)
  }

  get plan(): RowPlan | undefined {
    return this.#plan
  }

  /** CopyOutResponse came. Answers whether rows must be rewritten; throws when they cannot be. */
  begin(format: number, width: number): boolean {
    this.#plan = this.#planOf(width)
    if (this.#plan.untouched) return false
    if (format !== 0 || this.#copy === undefined) throw broken()
    return true
  }

  /** Takes the payload of one CopyData; writes whole rows as messages. Calls `sent` for each, with where it begins. */
  push(
    bytes: Buffer,
    start: number,
    end: number,
    outlet: Outlet,
    sent: (from: number) => void,
  ): void {
    const ends = this.#ends
    if (ends === undefined) throw broken()
    let at = start
    while (at < end) {
      const next = ends.next(bytes, at, end)
      if (next < 0) {
        this.#keep(bytes, at, end)
        return
      }
      if (this.#part.length === 0) sent(this.#row(bytes, at, next, outlet))
      else {
        this.#keep(bytes, at, next)
        const row = this.#part
        this.#part = NONE
        sent(this.#row(row, 0, row.length, outlet))
      }
      at = next
    }
  }

  /** CopyDone came: what is left is a row without a line end. */
  finish(outlet: Outlet, sent: (from: number) => void): void {
    if (this.#part.length === 0) return
    const row = this.#part
    this.#part = NONE
    sent(this.#row(row, 0, row.length, outlet))
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    if (this.#part.length + end - start > this.#mostBytes) throw broken()
    this.#part = Buffer.concat([this.#part, bytes.subarray(start, end)])
  }

  #row(bytes: Buffer, start: number, end: number, outlet: Outlet): number {
    const copy = this.#copy
    const plan = this.#plan
    if (copy === undefined || plan === undefined) throw broken()
    line.reset()
    if (this.#header) {
      this.#header = false
      line.add(bytes, start, end)
      return emit(outlet)
    }
    const content = contentEnd(bytes, start, end)
    const field: FieldSpan = { from: start, to: start, quoted: false }
    let at = start
    for (let column = 0; column < plan.width; column++) {
      if (column > 0) {
        // Fewer fields than columns: we do not understand this row, so nobody sees it.
        if (at >= content || bytes[at] !== copy.delimiter) throw broken()
        line.add(bytes, at, at + 1)
        at += 1
      }
      nextField(copy, bytes, at, content, field)
      this.#field(copy, plan, column, bytes, field)
      at = field.to
    }
    if (at !== content) throw broken()
    line.add(bytes, content, end)
    return emit(outlet)
  }

  #field(copy: CopyBytes, plan: RowPlan, column: number, bytes: Buffer, field: FieldSpan): void {
    const kind = plan.kinds[column]
    if (kind === PASS || (kind !== MASK_NULLS && isNull(copy, bytes, field))) {
      line.add(bytes, field.from, field.to)
      return
    }
    if (kind === NULL) line.add(copy.nullText, 0, copy.nullText.length)
    else {
      decoded.reset()
      decoded.room(field.to - field.from)
      const length = decodeField(copy, bytes, field, decoded.bytes)
      masked.reset()
      masked.room(maskedBytes(length))
      const write = plan.writers[column] as RowPlan['writers'][number]
      const written = write(decoded.bytes, 0, length, masked.bytes, 0)
      if (written < 0) {
        if (kind === MASK || kind === MASK_NULLS) throw new Error('a masker must write')
        line.add(bytes, field.from, field.to)
        return
      }
      line.room(written * 2 + 2)
      line.length = encodeField(copy, masked.bytes, written, line.bytes, line.length)
    }
    plan.replaced[column] = (plan.replaced[column] as number) + 1
  }
}

/** Answers where the message begins in the outlet's slab. */
function emit(outlet: Outlet): number {
  outlet.room(HEADER + line.length)
  const { slab, position } = outlet
  slab[position] = COPY_DATA
  slab.writeInt32BE(line.length + 4, position + 1)
  line.bytes.copy(slab, position + HEADER, 0, line.length)
  outlet.position = position + HEADER + line.length
  return position
}

function broken(): UpstreamError {
  return new UpstreamError('upstream_lost', 'the database sent COPY rows that cannot be masked')
}
