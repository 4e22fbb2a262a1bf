// Names of tables and columns in the parser's tree. Columns and aliases are found in any case, tables as they are written.
import type { RelationName } from '../analysis.ts'
import { Refusal } from '../draft.ts'
import { foldedName, isBeyondAscii } from '../lineage/index.ts'
import { lowered } from './lexer.ts'
import { type Word, wordOf, wordsOf } from './syntax-tree.ts'
import { unknown } from './walk.ts'

export function wordsIn(value: unknown): readonly Word[] {
  const words = wordsOf(value)
  if (words === undefined) throw unknown('a name')
  return words
}

/** `db.table` */
export function relationIn(value: unknown): RelationName {
  const words = wordsIn(value)
  if (words.length > 2) throw unknown('a name of three parts')
  return { schema: words.at(-2)?.text, name: words.at(-1)?.text ?? '' }
}

/** `db.routine` as one text, of which the last dot is that between them. */
export function routineIn({ schema, name }: RelationName): string {
  if (name.includes('.'))
    throw new Refusal('statement_unsupported', 'a name with a dot, where it may be two')
  return schema === undefined ? name : `${schema}.${name}`
}

/** The name by which columns are qualified. */
export function aliasIn(value: unknown): string | undefined {
  return wordOf(value)?.text
}

/** A column's or an alias's name as it is compared. */
export function folded(name: string): string {
  return isBeyondAscii(name) ? foldedName(name) : lowered(name)
}
