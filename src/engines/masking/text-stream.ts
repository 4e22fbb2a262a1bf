// Hides what detectors find in text that comes in pieces: a value that two pieces share must not slip through the cut.
// Whole lines are looked at, and what is written over another (behind a carriage return) as a line of its own; what follows
// is kept until more comes, or until the caller says that nothing more will come for now, or that it has waited enough.
import { Buffer } from 'node:buffer'
import type { Scanner } from './masker.ts'
import { maskedBytes } from './masker.ts'

/** A line longer than this is looked at in parts. */
const LONGEST_LINE = 8 * 1024
/** Longer than any value but a private key. */
const LONGEST_VALUE = 512
/** A private key that is not whole yet: its lines are kept together. */
const LONGEST_KEY = 16 * 1024
const KEY_BEGINS = '-----BEGIN '
const KEY_ENDS = '-----END '
const LINE_BREAK = 0x0a
const CARRIAGE_RETURN = 0x0d
const NOTHING = new Uint8Array(0)

export interface TextStream {
  /** What may go on of all that came so far; the rest is kept. A view: use it before the next call. */
  write(chunk: Uint8Array): Uint8Array
  /** All that is kept: nothing more comes, or nothing came for a while. */
  flush(): Uint8Array
  /** All but as much as a value may be long: more comes, and what came has waited enough. */
  ease(): Uint8Array
  /** Bytes that are kept. */
  readonly held: number
}

/** Passes everything on as it is. */
export const clearStream: TextStream = {
  write: chunk => chunk,
  flush: () => NOTHING,
  ease: () => NOTHING,
  held: 0,
}

export function createTextStream(scan: Scanner): TextStream {
  let kept: Buffer = Buffer.alloc(0)

  function masked(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return NOTHING
    const out = new Uint8Array(maskedBytes(bytes.length))
    const written = scan(bytes, 0, bytes.length, out, 0)
    return written < 0 ? bytes : out.subarray(0, written)
  }

  function upTo(cut: number): Uint8Array {
    const ready = kept.subarray(0, cut)
    kept = kept.subarray(cut)
    return masked(ready)
  }

  return {
    write(chunk) {
      kept = kept.length === 0 ? Buffer.from(chunk) : Buffer.concat([kept, chunk])
      return upTo(safeCut(kept))
    },
    ease() {
      return kept.length <= LONGEST_VALUE || openKey(kept) >= 0 ? NOTHING : upTo(wordCut(kept, 0))
    },
    flush() {
      const rest = kept
      kept = Buffer.alloc(0)
      return masked(rest)
    },
    get held() {
      return kept.length
    },
  }
}

/** Where no value stands across: behind a line, before a key that is not whole, else between two words. */
function safeCut(all: Buffer): number {
  const lines = Math.max(all.lastIndexOf(LINE_BREAK), all.lastIndexOf(CARRIAGE_RETURN)) + 1
  const key = openKey(all)
  if (key >= 0 && all.length - key <= LONGEST_KEY) return Math.min(lines, key)
  if (all.length - lines <= LONGEST_LINE) return lines
  return wordCut(all, lines)
}

/**
 * Between two words, as far back as a value may reach: where two of them are apart; else between two that are no part of
 * a number with blanks in it; else between any.
 */
function wordCut(all: Buffer, from: number): number {
  const last = all.length - LONGEST_VALUE
  let between = -1
  let any = -1
  for (let at = last; at > from; at -= 1) {
    if (joins(all[at - 1]!)) continue
    if (!joins(all[at]!)) return at
    if (any < 0) any = at
    if (between < 0 && !inNumber(all, at - 2, -1) && !inNumber(all, at, 1)) between = at
  }
  return between >= 0 ? between : any >= 0 ? any : last
}

/** A digit stands in the word that begins, or ends, there. */
function inNumber(all: Buffer, from: number, step: 1 | -1): boolean {
  for (let at = from; at >= 0 && at < all.length && joins(all[at]!); at += step)
    if (all[at]! >= 0x30 && all[at]! <= 0x39) return true
  return false
}

/** Where a private key begins that has no end yet; -1: nowhere. */
function openKey(all: Buffer): number {
  const begins = all.lastIndexOf(KEY_BEGINS)
  if (begins >= 0 && all.indexOf(KEY_ENDS, begins) < 0) return begins
  return -1
}

/** True for what can stand inside a value: letters, digits, their separators, and bytes of longer characters. */
function joins(byte: number): boolean {
  return byte > 0x7f || (byte > 0x20 && byte !== 0x22 && byte !== 0x2c && byte !== 0x3b)
}
