// From what a pattern demands to the bytes that wake its search: how long a match can be, and a short row of
// bytes that stands in every match, as rare in texts as there is one.
import type { BytePair } from '../detector.ts'
import { type Node, readPattern, UNKNOWN } from './syntax.ts'

/** Sets of bytes that stand one behind the other. */
export type Row = readonly Uint8Array[]

/** A row that is looked for, and the two of its places that wake. */
export interface Wanted {
  readonly row: Row
  /** The place in the row of the byte that wakes. */
  readonly wake: number
}

export interface Demand {
  /** The most bytes of a match; Infinity: no bound. */
  readonly longest: number
  /** One of these rows stands in every match; undefined: nothing is sure enough to look for. */
  readonly wanted: readonly Wanted[] | undefined
}

/** Longer rows tell no more. */
const ROW = 16
/** More alternatives than this are not looked for one by one. */
const MOST = 16
/** Bits of surprise that a row must have: one place in a thousand bytes of ordinary text. */
const ENOUGH = 10

/** Bits of surprise of each byte in ordinary data: mostly letters and digits. */
const SHARE = Float64Array.from({ length: 256 }, (_, code) => {
  const c = String.fromCharCode(code)
  if (/[0-9]/.test(c)) return 0.25 / 10
  if (/[a-z]/.test(c)) return 0.45 / 26
  if (/[A-Z]/.test(c)) return 0.1 / 26
  if (c === ' ') return 0.08
  return code > 32 && code < 127 ? 0.1 / 32 : 0.02 / 161
})

export function demandOf(pattern: string, ignoreCase: boolean): Demand {
  const node = readPattern(pattern, ignoreCase)
  if (node === UNKNOWN) return { longest: Number.POSITIVE_INFINITY, wanted: undefined }
  const rows = rowsOf(node)
  const sure = rows?.every(row => bits(row) >= ENOUGH) ?? false
  return { longest: longestOf(node), wanted: sure ? rows?.map(wantedIn) : undefined }
}

/** The pairs of bytes that wake for these rows. */
export function pairsOf(wanted: readonly Wanted[]): readonly BytePair[] {
  return wanted.map(({ row, wake }) =>
    wake === 0 ? { at: row[0]! } : { before: row[wake - 1]!, at: row[wake]! },
  )
}

function longestOf(node: Node): number {
  if (node.kind === 'byte') return 1
  if (node.kind === 'any') return node.max
  if (node.kind === 'sequence') return node.parts.reduce((sum, part) => sum + longestOf(part), 0)
  if (node.kind === 'either') return Math.max(...node.parts.map(longestOf))
  const once = longestOf(node.part)
  return once === 0 || node.max === 0 ? 0 : once * node.max
}

/** Rows of which one stands in every match; the rarest choice that there is. */
function rowsOf(node: Node): readonly Row[] | undefined {
  if (node.kind === 'either') return oneOfEach(node.parts)
  let best: readonly Row[] | undefined
  let run: Uint8Array[] = []
  const offer = (rows: readonly Row[] | undefined) => {
    if (rows !== undefined && (best === undefined || least(rows) > least(best))) best = rows
  }
  const close = () => {
    if (run.length > 0) offer([rarest(run)])
    run = []
  }
  const follow = (part: Node): void => {
    const set = setOf(part)
    if (set !== undefined) run.push(set)
    else if (part.kind === 'sequence') part.parts.forEach(follow)
    else if (part.kind === 'either') {
      close()
      offer(oneOfEach(part.parts))
    } else if (part.kind === 'repeat' && part.min > 0) {
      const each = setOf(part.part)
      if (each === undefined) {
        // What is repeated stands there once at least, next to nothing that is known.
        close()
        offer(rowsOf(part.part))
      } else {
        const row = new Array<Uint8Array>(Math.min(part.min, ROW)).fill(each)
        run.push(...row)
        if (part.max === part.min && part.min <= ROW) return
        close()
        run.push(...row)
      }
    } else if (longestOf(part) > 0) close()
  }
  follow(node)
  close()
  return best
}

function oneOfEach(parts: readonly Node[]): readonly Row[] | undefined {
  const rows: Row[] = []
  for (const part of parts) {
    const own = rowsOf(part)
    if (own === undefined) return undefined
    rows.push(...own)
  }
  return rows.length > MOST ? undefined : rows
}

/** The bytes of what is always one byte. */
function setOf(node: Node): Uint8Array | undefined {
  if (node.kind === 'byte') return node.set
  if (node.kind === 'sequence' && node.parts.length === 1) return setOf(node.parts[0]!)
  if (node.kind !== 'either') return undefined
  const union = new Uint8Array(256)
  for (const part of node.parts) {
    const set = setOf(part)
    if (set === undefined) return undefined
    for (let code = 0; code < 256; code++) if (set[code] === 1) union[code] = 1
  }
  return union
}

function surprise(set: Uint8Array): number {
  let share = 0
  for (let code = 0; code < 256; code++) if (set[code] === 1) share += SHARE[code]!
  // A class without members matches nothing: as rare as can be.
  return share === 0 ? 64 : -Math.log2(share)
}

function bits(row: Row): number {
  return row.reduce((sum, set) => sum + surprise(set), 0)
}

function least(rows: readonly Row[]): number {
  return Math.min(...rows.map(bits))
}

/** The part of a longer row that surprises most. */
function rarest(run: Row): Row {
  let best = run.slice(0, ROW)
  for (let at = 1; at + ROW <= run.length; at++) {
    const part = run.slice(at, at + ROW)
    if (bits(part) > bits(best)) best = part
  }
  return best
}

function wantedIn(row: Row): Wanted {
  let wake = 0
  let best = 0
  for (let i = 1; i < row.length; i++) {
    const both = surprise(row[i - 1]!) + surprise(row[i]!)
    if (both > best) {
      best = both
      wake = i
    }
  }
  return { row, wake }
}
