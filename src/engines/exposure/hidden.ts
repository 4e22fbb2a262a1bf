// Which of some columns are hidden, and of what classes. Who may see what is the caller's answer.
import type { ColumnName, DataClass, Statement } from '#model'

/** The class of a column whose values this principal may not see; undefined when it may, or it has none. */
export type Hides = (column: ColumnName) => DataClass | undefined

/** Hidden columns with their classes, each once. Never empty. */
export interface Exposed {
  readonly columns: readonly ColumnName[]
  readonly classes: readonly DataClass[]
}

/** Undefined: none of them is hidden. */
export function hiddenAmong(columns: readonly ColumnName[], hides: Hides): Exposed | undefined {
  let found: { columns: ColumnName[]; classes: DataClass[] } | undefined
  for (const column of columns) {
    const dataClass = hides(column)
    if (dataClass === undefined) continue
    found ??= { columns: [], classes: [] }
    found.columns.push(column)
    if (!found.classes.includes(dataClass)) found.classes.push(dataClass)
  }
  return found
}

/** What a part of a statement that cannot be told must be taken for: anything that the statement may touch. */
export type Untold = () => Exposed | undefined

/** `all` stands for the classes that are hidden somewhere: `hiddenAnywhere` says which. */
export function untoldOf(
  { mayDeriveFrom }: Pick<Statement, 'mayDeriveFrom'>,
  hides: Hides,
  hiddenAnywhere: () => readonly DataClass[],
): Exposed | undefined {
  if (mayDeriveFrom !== 'all') return hiddenAmong(mayDeriveFrom, hides)
  const classes = hiddenAnywhere()
  return classes.length === 0 ? undefined : { columns: [], classes }
}
