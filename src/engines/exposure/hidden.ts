// Which of some columns are hidden, and of what classes. Who may see what is the caller's answer.
import type { ColumnName, DataClass, Statement } from '#model'

/** The class of a column whose values this principal may not see; undefined when it may, or it has none. */
export type Hides = (column: ColumnName) => DataClass | undefined

/** Hidden columns with their classes, each once. Never empty. */
export interface Exposed {
  readonly columns: readonly ColumnName[]
  readonly classes: readonly DataClass[]
}

/** Longer lists (a partitioned table's column) are looked through once for each `hides`: they come again and again. */
const FEW = 8
const kept = new WeakMap<Hides, WeakMap<readonly ColumnName[], Exposed | 'none'>>()

/** Undefined: none of them is hidden. `hides` must go on answering alike, and nobody may change the list. */
export function hiddenAmong(columns: readonly ColumnName[], hides: Hides): Exposed | undefined {
  if (columns.length <= FEW) return found(columns, hides)
  let byList = kept.get(hides)
  if (byList === undefined) {
    byList = new WeakMap()
    kept.set(hides, byList)
  }
  const known = byList.get(columns)
  if (known !== undefined) return known === 'none' ? undefined : known
  const answer = found(columns, hides)
  byList.set(columns, answer ?? 'none')
  return answer
}

function found(columns: readonly ColumnName[], hides: Hides): Exposed | undefined {
  let exposed: { columns: ColumnName[]; classes: DataClass[] } | undefined
  for (const column of columns) {
    const dataClass = hides(column)
    if (dataClass === undefined) continue
    exposed ??= { columns: [], classes: [] }
    exposed.columns.push(column)
    if (!exposed.classes.includes(dataClass)) exposed.classes.push(dataClass)
  }
  return exposed
}

/** What one principal may not see. */
export interface View {
  readonly hides: Hides
  /** The classes that are hidden somewhere, when it is not known where. */
  readonly hiddenAnywhere: () => readonly DataClass[]
}

/** What a part of a statement that cannot be told must be taken for: anything that the statement may touch. */
export type Untold = () => Exposed | undefined

export function untoldOf(
  { mayDeriveFrom }: Pick<Statement, 'mayDeriveFrom'>,
  { hides, hiddenAnywhere }: View,
): Exposed | undefined {
  if (mayDeriveFrom !== 'all') return hiddenAmong(mayDeriveFrom, hides)
  const classes = hiddenAnywhere()
  return classes.length === 0 ? undefined : { columns: [], classes }
}
