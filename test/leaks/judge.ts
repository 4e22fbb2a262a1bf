// Holds what came through the gateway against what the server itself answered: was anything seen that is hidden, was
// anything hidden that is not.
import type { Watch } from './canaries.ts'
import { type Cell, rowsOf } from './modes.ts'
import type { Expected, Query } from './shapes.ts'
import type { Answer } from './wire.ts'

export interface Verdict {
  readonly query: Query
  readonly mode: string
  /** What went wrong; undefined: nothing. */
  readonly leak: string | undefined
  /** Other than by masking: rows that are missing, values that are changed. */
  readonly broken: string | undefined
  readonly fate: 'answered' | 'refused' | 'failed'
  /** The gateway's words, when refused. */
  readonly words: string | undefined
  /** Columns that had to be told, and those of them that were not. */
  readonly plain: number
  readonly masked: number
  /** The server's own answer had a canary in it: the watch would have seen it. */
  readonly visible: boolean
}

export interface Case {
  readonly query: Query
  readonly mode: string
  /** Columns of the answer are those of the query. */
  readonly columns: boolean
}

export function judge(each: Case, direct: Answer, through: Answer, watch: Watch): Verdict {
  const { query, mode } = each
  const seen = watch.sees(through.bytes)
  const expected = query.expected
  const wanted = rowsOf(direct, mode.startsWith('COPY csv'))
  const got = rowsOf(through, mode.startsWith('COPY csv'))
  const failedThere = errorOf(direct) !== undefined
  const words = errorOf(through)
  const base = { query, mode, words, visible: watch.sees(direct.bytes) !== undefined }
  const leak = seen === undefined ? undefined : `shows ${seen.what}`
  const none = { plain: 0, masked: 0, broken: undefined }
  if (through.ended) return { ...base, ...none, leak, fate: 'refused', words: 'session ended' }
  if (words !== undefined && !failedThere) return { ...base, ...none, leak, fate: 'refused' }
  if (failedThere || !each.columns || expected === undefined) {
    return { ...base, ...none, leak, fate: failedThere ? 'failed' : 'answered' }
  }
  if (got.length !== wanted.length || got[0]?.length !== wanted[0]?.length) {
    const broken = `${got.length} rows for ${wanted.length}`
    return { ...base, ...none, broken, leak, fate: 'answered' }
  }
  let plain = 0
  let masked = 0
  let told = leak
  let broken: string | undefined
  // `(x).*` makes one column several: all of them are as the first.
  const fits = (wanted[0]?.length ?? expected.length) === expected.length
  const allHidden = !fits && !expected.includes('plain')
  for (let index = 0; index < (wanted[0]?.length ?? 0); index++) {
    const meant: Expected = fits ? (expected[index] ?? 'either') : allHidden ? 'hidden' : 'either'
    // Rows without an order may come in another one.
    const there = wanted.map(row => row[index] ?? null)
    const here = got.map(row => row[index] ?? null)
    if (meant === 'hidden') {
      const same = here.find(cell => cell !== null && there.includes(cell))
      if (same !== undefined) told ??= `column ${index + 1} is as it is: ${same}`
    } else if (meant === 'plain') {
      plain += 1
      const other = firstOther(here, there)
      if (other === undefined) continue
      masked += 1
      if (!isMask(other)) broken ??= `column ${index + 1} is ${other} for ${there.join()}`
    }
  }
  return { ...base, leak: told, broken, fate: 'answered', plain, masked }
}

/** A cell of the one list that the other has not, or has less often. */
function firstOther(cells: readonly Cell[], of: readonly Cell[]): Cell | undefined {
  const left = [...of]
  return cells.find(cell => {
    const at = left.indexOf(cell)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

function isMask(cell: Cell): boolean {
  return cell === null || cell.includes(MARK) || /\*\*\*|tok_/.test(cell)
}

/** The sentinel of a redacted value, as latin1 reads its UTF-8. */
const MARK = Buffer.from('⟦m:').toString('latin1')

/** The text of the first error in an answer. */
function errorOf({ frames }: Answer): string | undefined {
  const error = frames.find(({ type }) => type === 'E')
  return error?.body.toString('utf8').replaceAll('\0', ' ')
}
