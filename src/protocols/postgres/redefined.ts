// Names that have another meaning since definitions were changed that the catalog has not read yet. A text that names
// tables only, and none of these, means what the catalog says: a migration's own bookkeeping is not judged blindly.
import type { Analysis, DefinedNames, ReadNames, RelationName, SqlStatement } from '#engines/sql'
import { namesOf, redefinedNames } from './defined-names.ts'

export class Redefined {
  #names = new Set<string>()
  #all = false

  /** A statement that changes definitions has run. */
  note(statement: SqlStatement): void {
    this.noteNames(redefinedNames(statement))
  }

  /** ... or code has. */
  noteNames(names: DefinedNames): void {
    if (names === 'all') this.#all = true
    else for (const name of names) this.#names.add(name)
  }

  /** The catalog was read since. */
  clear(): void {
    if (this.#names.size > 0) this.#names = new Set()
    this.#all = false
  }

  /** Whether code that reads these may do something else. */
  touchesCode({ names }: ReadNames): boolean {
    if (this.#names.size === 0) return this.#all
    if (this.#all || names === 'all') return true
    for (const name of names) if (this.#names.has(name)) return true
    return false
  }

  /**
   * Whether the text may mean something else. What a view shows hangs on what it reads, and what stands for another
   * text on that: `isTable` tells for certain that a name is a table's.
   */
  touches({ statements }: Analysis, isTable: (name: RelationName) => boolean): boolean {
    if (this.#all) return true
    return statements.some(
      each =>
        each.executes !== undefined ||
        each.fetches !== undefined ||
        each.prepares !== undefined ||
        each.declares !== undefined ||
        namesOf(each).some(name => this.#names.has(name)) ||
        each.operations.some(
          ({ relation }) =>
            relation !== undefined && relation.schema !== 'pg_catalog' && !isTable(relation),
        ),
    )
  }
}
