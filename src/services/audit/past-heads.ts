// Earlier signed heads out of `checkpoints.jsonl`, which grows for ever: found by halving, for their sizes never fall.
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { Unavailable } from '#model'

/** A line is a head of three short lines and a signature. */
const MOST_LINE_BYTES = 4 * 1024

export interface PastHead {
  readonly size: number
  readonly note: string
}

/** The last `count` heads over fewer than `below` records, newest first. A line that is cut is not one yet. */
export function headsBelow(path: string, below: number, count: number): readonly PastHead[] {
  if (!existsSync(path)) return []
  const fd = openSync(path, 'r')
  try {
    const read = (from: number, to: number): Buffer => {
      const bytes = Buffer.alloc(Math.max(0, to - from))
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, from))
    }
    const { size } = fstatSync(fd)
    const end = endOfSmaller(size, below, read)
    const from = Math.max(0, end - count * MOST_LINE_BYTES)
    const lines = read(from, end).toString('utf8').split('\n')
    // What comes before the first line end may be half a line; after the last one there is nothing.
    return lines
      .slice(from === 0 ? 0 : 1, -1)
      .slice(-count)
      .map(headOf)
      .reverse()
  } finally {
    closeSync(fd)
  }
}

/** Where the first line begins that is over `below` records or more, or is not whole. */
function endOfSmaller(
  size: number,
  below: number,
  read: (from: number, to: number) => Buffer,
): number {
  // Every line that begins before `low` is smaller; none that begins at `high` or later is.
  let [low, high] = [0, size]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const from = Math.max(0, middle - 1)
    const window = read(from, Math.min(size, from + 2 * MOST_LINE_BYTES))
    const begins = middle === 0 ? 0 : window.indexOf(10) + 1
    const ends = window.indexOf(10, begins)
    const whole = ends >= 0 && (middle === 0 || begins > 0)
    if (
      whole &&
      from + begins < high &&
      headOf(window.toString('utf8', begins, ends)).size < below
    ) {
      low = from + ends + 1
    } else high = middle
  }
  return low
}

function headOf(line: string): PastHead {
  try {
    const { checkpoint } = JSON.parse(line) as { checkpoint?: unknown }
    const size = Number(String(checkpoint).split('\n')[1])
    if (typeof checkpoint === 'string' && Number.isSafeInteger(size))
      return { size, note: checkpoint }
  } catch {
    // Not JSON: told below, for nothing may be passed over.
  }
  throw new Unavailable('audit_unavailable', 'The list of signed heads cannot be read.')
}
