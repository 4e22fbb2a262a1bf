// Names that have another meaning since definitions were changed that the catalog has not read yet. A text that names
// tables only, and none of these, means what the catalog says: a migration's own bookkeeping is not judged blindly.
import type { Analysis, RelationName, SqlStatement } from '#engines/sql'

/** What these change are the relations that they name; anything else (functions, types, schemas) may change all. */
const NAMED_ONLY: ReadonlySet<string> = new Set([
  'CREATE TABLE',
  'ALTER TABLE',
  'ALTER COLUMN',
  'DROP TABLE',
  'CREATE INDEX',
  'DROP INDEX',
  'CREATE SEQUENCE',
  'ALTER SEQUENCE',
  'DROP SEQUENCE',
  'CREATE VIEW',
  'DROP VIEW',
])

export class Redefined {
  #names = new Set<string>()
  #all = false

  /** A statement that changes definitions has run. */
  note(statement: SqlStatement): void {
    const names = namesOf(statement)
    if (names.length === 0 || !NAMED_ONLY.has(statement.verb)) this.#all = true
    for (const name of names) this.#names.add(name)
  }

  /** The catalog was read since. */
  clear(): void {
    if (this.#names.size > 0) this.#names = new Set()
    this.#all = false
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

/** Relations by their last name: a new one may hide another of that name in any schema. */
function namesOf({ operations, shadows }: SqlStatement): readonly string[] {
  const names = [...shadows]
  for (const { relation, object } of operations) {
    if (relation !== undefined) names.push(relation.name)
    else if (object !== undefined) names.push(object.name.slice(object.name.lastIndexOf('.') + 1))
  }
  return names
}
