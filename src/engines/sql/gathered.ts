// What is found of a statement while its analysis is resolved: operations, each once, and the columns that an answer of
// unknown origin may come from.
import type { Action, ColumnName, Flag, Operation } from '#model'
import type { SqlCategory } from './categories.ts'
import type { ResolvedRelation } from './names.ts'

/** Up to here looking through a list beats making a set. */
export const FEW = 16
export const none: readonly string[] = []

export class Gathered {
  readonly functions = new Set<string>()
  /** An answer of unknown origin may come from anywhere. */
  anything = false
  readonly #operations: Operation[] = []
  readonly #columns = new Map<string, Set<string>>()
  readonly #seen = new Set<string>()

  add(
    action: Action,
    verb: string,
    object: { readonly name: string; readonly kind: string },
    columns: readonly string[],
    flags: readonly Flag[],
    category: SqlCategory,
  ): void {
    const operation = { action, verb, object, columns, flags, category }
    if (this.#operations.length > 0) {
      const key = keyOf(operation)
      const first = this.#operations[0]
      if (this.#seen.size === 0 && first !== undefined) this.#seen.add(keyOf(first))
      if (this.#seen.has(key)) return
      this.#seen.add(key)
    }
    this.#operations.push(operation)
  }

  get executes(): boolean {
    return this.#operations.some(({ action }) => action === 'execute')
  }

  get empty(): boolean {
    return this.#operations.length === 0
  }

  operations(multiple: boolean): readonly Operation[] {
    if (this.empty) this.add('connect', 'EMPTY', { name: '', kind: 'resource' }, [], [], 'read')
    // A copy: a session's decisions are known by these very lists, which must not grow.
    if (!multiple) return [...this.#operations]
    return this.#operations.map(each => ({ ...each, flags: [...each.flags, 'multiple'] }))
  }

  /** Values of these columns of the relation may be shown. */
  derive(relation: ResolvedRelation, wanted: ReadonlySet<string> | 'all'): void {
    const { object, columns, derivesFrom } = relation
    this.#remember(object, wanted === 'all' ? columns : wantedColumns(columns, wanted))
    if (derivesFrom === 'all') this.anything = true
    else if (derivesFrom !== undefined) {
      for (const each of derivesFrom) this.#remember(each.object, [each.column])
    }
  }

  origins(): readonly ColumnName[] | 'all' {
    if (this.anything) return 'all'
    const origins: ColumnName[] = []
    for (const [object, columns] of this.#columns) {
      for (const column of columns) origins.push({ object, column })
    }
    return origins
  }

  #remember(object: string, names: readonly string[]): void {
    if (names.length === 0) return
    let columns = this.#columns.get(object)
    if (columns === undefined) {
      columns = new Set()
      this.#columns.set(object, columns)
    }
    for (const name of names) columns.add(name)
  }
}

function keyOf({ action, verb, object, columns, flags, category }: Operation): string {
  return JSON.stringify([action, verb, object.kind, object.name, columns, flags, category])
}

function wantedColumns(columns: readonly string[], wanted: ReadonlySet<string>): readonly string[] {
  if (wanted.size === 0) return none
  if (wanted.size > FEW) return columns.filter(column => wanted.has(column))
  return [...wanted].filter(name => columns.includes(name))
}
