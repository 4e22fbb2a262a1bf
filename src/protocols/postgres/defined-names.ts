// Which relations a statement gives another meaning, by their last names.
import type { DefinedNames, SqlStatement } from '#engines/sql'

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

/** For the session itself, until the catalog is read. */
export function redefinedNames(statement: SqlStatement): DefinedNames {
  const names = namesOf(statement)
  return names.length > 0 && NAMED_ONLY.has(statement.verb) ? names : 'all'
}

/** For other sessions; `all` when it defines anything else than relations. */
export function definedNames({ operations, shadows, verb }: SqlStatement): DefinedNames {
  const names: string[] = [...shadows]
  for (const { action, relation } of operations) {
    if (action === 'read' || action === 'write' || action === 'connect') continue
    if (relation === undefined) return 'all'
    names.push(relation.name)
  }
  // A temporary relation is its session's own.
  const temporary = verb.startsWith('CREATE') && names.every(name => shadows.includes(name))
  return temporary ? [] : names
}

/** The same while it runs: an index, which may take hours, changes the meaning of nothing. */
export function namesUnderWay(statement: SqlStatement): DefinedNames {
  if (!statement.changesCatalog || statement.verb.endsWith(' INDEX')) return []
  return definedNames(statement)
}

/** Relations that it names: a new one may hide another of that name in any schema. */
export function namesOf({ operations, shadows }: SqlStatement): readonly string[] {
  const names = [...shadows]
  for (const { relation, object } of operations) {
    if (relation !== undefined) names.push(relation.name)
    else if (object !== undefined) names.push(object.name.slice(object.name.lastIndexOf('.') + 1))
  }
  return names
}

export function joinedNames(one: DefinedNames, other: DefinedNames): DefinedNames {
  if (one === 'all' || other === 'all') return 'all'
  return other.length === 0 ? one : [...new Set([...one, ...other])]
}
