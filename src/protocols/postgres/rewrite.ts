// Rewrites a DataRow in one pass into the outlet's arena. No object per row, no view per cell; every length
// of the upstream is checked before it is used, because it may be hostile.
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
import { HEADER } from './feed.ts'

const DATA_ROW = 0x44
/** Runs up to this are copied byte by byte: cheaper than a call. */
const SHORT = 40

/**
 * Writes the row whose whole frame is `src[start, end)`. Answers where it begins in `outlet.slab` (it ends at
 * `outlet.position`), or -1 when no cell changed: then nothing was written and the frame passes as it is.
 * Throws UpstreamError when the frame does not hold what it says; nothing of it is then sent.
 */
export function rewriteRow(
  src: Buffer,
  start: number,
  end: number,
  plan: RowPlan,
  outlet: Outlet,
): number {
  const { kinds, writers, width, replaced } = plan
  let at = start + HEADER
  if (end - at < 2 || (((src[at] as number) << 8) | (src[at + 1] as number)) !== width)
    throw broken()
  at += 2
  outlet.room(end - start + 64)
  let out = outlet.slab
  let base = outlet.position
  let to = base
  let copied = start
  let changed = false
  for (let column = 0; column < width; column++) {
    if (end - at < 4) throw broken()
    const length =
      ((src[at] as number) << 24) |
      ((src[at + 1] as number) << 16) |
      ((src[at + 2] as number) << 8) |
      (src[at + 3] as number)
    const kind = kinds[column] as number
    if (length < -1) throw broken()
    if (length === -1 && kind !== MASK_NULLS) {
      at += 4
      continue
    }
    if (length > end - at - 4) throw broken()
    if (kind === PASS) {
      at += 4 + length
      continue
    }
    const value = at + 4
    const next = length === -1 ? value : value + length
    const run = at - copied
    // The rest of the frame always fits behind the cell.
    const wanted = run + 4 + maskedBytes(next - value) + (end - next) + SHORT
    if (wanted > out.length - to) {
      const done = to - base
      outlet.position = to
      outlet.room(wanted)
      out = outlet.slab
      to = outlet.position
      base = to - done
      // A frame that proves broken further on must leave nothing behind.
      outlet.position = base
    }
    if (kind === NULL) {
      copy(src, copied, at, out, to)
      to += run
      out.fill(0xff, to, to + 4)
      to += 4
    } else {
      const cell = to + run + 4
      const written = (writers[column] as (typeof writers)[number])(src, value, next, out, cell)
      if (written < 0) {
        at = next
        if (kind === MASK || kind === MASK_NULLS) throw new Error('a masker must write')
        continue
      }
      copy(src, copied, at, out, to)
      if (kind === SCAN_NULL) {
        out.fill(0xff, to + run, cell)
        to = cell
      } else {
        writeLength(out, to + run, written)
        to = cell + written
      }
    }
    replaced[column] = (replaced[column] as number) + 1
    changed = true
    at = next
    copied = next
  }
  if (at !== end) throw broken()
  outlet.position = base
  if (!changed) return -1
  copy(src, copied, end, out, to)
  to += end - copied
  out[base] = DATA_ROW
  writeLength(out, base + 1, to - base - 1)
  outlet.position = to
  return base
}

function copy(src: Buffer, from: number, to: number, out: Buffer, at: number): void {
  if (to - from > SHORT) {
    src.copy(out, at, from, to)
    return
  }
  while (from < to) out[at++] = src[from++] as number
}

/** Buffer's own writers check what is known here. */
function writeLength(out: Buffer, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}

function broken(): UpstreamError {
  return new UpstreamError(
    'upstream_lost',
    'the database sent a row that does not hold what it says',
  )
}
