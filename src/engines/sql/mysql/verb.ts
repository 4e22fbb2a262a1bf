// A statement by its first word: what reads it, and what it is read with.
import type { SqlStatement } from '../analysis.ts'
import type { Draft } from '../draft.ts'
import type { Cursor } from './cursor.ts'
import type { Reader } from './parsed.ts'
import type { Edit } from './settings.ts'

export interface Read {
  readonly statement: SqlStatement
  readonly literalsMatter: boolean
}

/** What a statement is read with, and what it leaves behind. */
export interface Text extends Reader {
  /** What is sent, of which `edits` change places. */
  readonly text: string
  readonly edits: Edit[]
  /** Reads the text of a literal (PREPARE ... FROM '...'). */
  inner(text: string): Read
}

/** Reads on behind its word. What it gives is the statement, whole; undefined: all that it does is in the draft. */
export type Verb = (cursor: Cursor, draft: Draft, text: Text) => Read | undefined

/** For administrators, whatever it says in detail. */
export function administer(
  word: string,
  category: 'system' | 'privilege' | 'tx' | 'file_program' = 'system',
): Verb {
  return (cursor, draft) => {
    draft.literalsMatter = true
    const next = /^[a-z_]+$/.test(cursor.word) ? ` ${cursor.word.toUpperCase()}` : ''
    draft.verb = `${word}${next}`
    draft.add('administer', draft.verb, undefined, [], category)
    draft.changesCatalog = true
  }
}

/** All that it does is in the draft. */
export function only(run: (cursor: Cursor, draft: Draft, text: Text) => void): Verb {
  return (cursor, draft, text) => {
    run(cursor, draft, text)
    return undefined
  }
}
