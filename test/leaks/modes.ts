// The ways in which a client can ask for one answer: by the simple and the extended protocol, in text and in binary,
// by COPY, by cursors and by prepared statements. And where the rows are in what comes back.
import {
  bindFrame,
  describeFrame,
  executeFrame,
  parseFrame,
  queryFrame,
  syncFrame,
} from '../../src/protocols/postgres/relay-frames.ts'
import type { Query } from './shapes.ts'
import type { Answer, Question } from './wire.ts'

export type Cell = string | null

interface Mode {
  readonly name: string
  /** False: this query cannot be asked so. */
  readonly fits: (query: Query) => boolean
  readonly frames: (sql: string) => readonly Uint8Array[]
  /** ReadyForQuery frames of `frames`. */
  readonly ready: number
  /** Opens and closes a transaction itself. */
  readonly own?: boolean
}

const any = () => true
const selects = ({ sql }: Query) => /^(select|with|values|table)\b/.test(sql)
const reads = (query: Query) => selects(query) && !query.writes
/** A data-modifying WITH cannot be a cursor's, and a statement with locks cannot be copied from a view. */
const copies = ({ sql }: Query) =>
  /^(select|with|values|table|update|delete|insert|merge)\b/.test(sql)

const extended = (format: number) => (sql: string) => [
  parseFrame('', sql),
  bindFrame('', '', [], [format]),
  describeFrame('P', ''),
  executeFrame(''),
  syncFrame(),
]

export const modes: readonly Mode[] = [
  { name: 'simple', fits: any, ready: 1, frames: sql => [queryFrame(sql)] },
  { name: 'extended', fits: any, ready: 1, frames: extended(0) },
  { name: 'extended, binary', fits: any, ready: 1, frames: extended(1) },
  {
    name: 'described statement, binary',
    fits: any,
    ready: 2,
    frames: sql => [
      parseFrame('s', sql),
      describeFrame('S', 's'),
      syncFrame(),
      bindFrame('p', 's', [], [1]),
      executeFrame('p', 2),
      executeFrame('p', 0),
      Buffer.from('C\0\0\0\x07Ss\0', 'latin1'),
      syncFrame(),
    ],
  },
  { name: 'COPY', fits: copies, ready: 1, frames: sql => [queryFrame(`copy (${sql}) to stdout`)] },
  {
    name: 'COPY csv',
    fits: copies,
    ready: 1,
    frames: sql => [
      queryFrame(`copy (${sql}) to stdout (format csv, force_quote *, null '~null~')`),
    ],
  },
  {
    name: 'COPY binary',
    fits: copies,
    ready: 1,
    frames: sql => [queryFrame(`copy (${sql}) to stdout (format binary)`)],
  },
  {
    name: 'COPY, extended',
    fits: copies,
    ready: 1,
    frames: sql => extended(0)(`copy (${sql}) to stdout`),
  },
  {
    name: 'cursor',
    fits: reads,
    ready: 4,
    own: true,
    frames: sql => [
      queryFrame('begin'),
      queryFrame(`declare c cursor for ${sql}`),
      queryFrame('fetch all from c'),
      queryFrame('rollback'),
    ],
  },
  {
    name: 'binary cursor',
    fits: reads,
    ready: 4,
    own: true,
    frames: sql => [
      queryFrame('begin'),
      queryFrame(`declare c binary cursor for ${sql}`),
      queryFrame('fetch all from c'),
      queryFrame('rollback'),
    ],
  },
  {
    name: 'EXECUTE',
    fits: any,
    ready: 1,
    frames: sql => [queryFrame(`prepare e as ${sql}; execute e; deallocate e`)],
  },
  {
    name: 'EXECUTE, binary',
    fits: any,
    ready: 3,
    frames: sql => [
      queryFrame(`prepare e as ${sql}`),
      ...extended(1)('execute e'),
      queryFrame('deallocate all'),
    ],
  },
  {
    name: 'EXPLAIN ANALYZE',
    fits: any,
    ready: 1,
    frames: sql => [
      queryFrame(`explain (analyze, verbose, costs off, timing off, summary off) ${sql}`),
    ],
  },
]

/** The frames of one query in one mode; what writes is undone. */
export function ask(query: Query, mode: Mode): Question {
  const frames = mode.frames(query.sql)
  if (mode.own === true) return { frames, ready: mode.ready }
  // (A failure in between leaves statements prepared: they go with the next of that name.)
  if (!query.writes) {
    const tidy = /EXECUTE|described/.test(mode.name) ? [queryFrame('deallocate all')] : []
    return { frames: [...frames, ...tidy], ready: mode.ready + tidy.length }
  }
  return {
    frames: [queryFrame('begin'), ...frames, queryFrame('rollback'), queryFrame('deallocate all')],
    ready: mode.ready + 3,
  }
}

/** The rows of an answer, each cell as bytes in latin1. */
export function rowsOf({ frames }: Answer, csv: boolean): readonly (readonly Cell[])[] {
  const rows: Cell[][] = []
  const copied: Buffer[] = []
  let binary = false
  for (const { type, body } of frames) {
    if (type === 'D') rows.push(cellsAt(body, 0).cells)
    if (type === 'H') binary = body[0] === 1
    if (type === 'd') copied.push(body)
  }
  if (copied.length === 0) return rows
  const all = Buffer.concat(copied)
  if (binary) return binaryRows(all)
  const text = all.toString('latin1')
  return csv ? csvRows(text) : textRows(text)
}

function cellsAt(bytes: Buffer, start: number): { cells: Cell[]; end: number } {
  const cells: Cell[] = []
  let at = start + 2
  for (let left = bytes.readInt16BE(start); left > 0; left--) {
    const length = bytes.readInt32BE(at)
    at += 4
    cells.push(length < 0 ? null : bytes.toString('latin1', at, at + length))
    if (length > 0) at += length
  }
  return { cells, end: at }
}

function binaryRows(bytes: Buffer): Cell[][] {
  const rows: Cell[][] = []
  // Behind the signature, the flags and an empty extension.
  let at = 19
  while (at + 2 <= bytes.length && bytes.readInt16BE(at) >= 0) {
    const { cells, end } = cellsAt(bytes, at)
    rows.push(cells)
    at = end
  }
  return rows
}

function textRows(text: string): Cell[][] {
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => line.split('\t').map(cell => (cell === '\\N' ? null : cell)))
}

function csvRows(text: string): Cell[][] {
  const rows: Cell[][] = []
  let row: Cell[] = []
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))([,\n])/g)) {
    row.push(quoted ?? (bare === '~null~' ? null : (bare ?? '')))
    if (end === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}
