// Which relations a statement gives another meaning, and which it reads, by their last names.
import type { DefinedNames, ReadNames, SqlStatement } from '#engines/sql'
import type { Operation } from '#model'
import type { Catalog } from './catalog-types.ts'

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

/** What operations read, those of code among them: views with all that they show. */
export function readNames(operations: readonly Operation[], catalog: Catalog): ReadNames {
  const names = new Set<string>()
  let tables = true
  let all = false
  for (const { action, object, flags } of operations) {
    if (flags.includes('dynamic')) all = true
    // (Code may be another one by then.)
    if (action === 'execute') tables = false
    if (action === 'execute' || object.name.startsWith('pg_catalog.')) continue
    const name = lastName(object.name)
    names.add(name)
    // Wherever it is looked for: this asks for too much rather than too little.
    for (const found of catalog.resolve({ schema: undefined, name }, undefined)) {
      if (found.kind === 'table') continue
      tables = false
      for (const column of found.columns) {
        const sources = catalog.columnOf(found.object, column)?.sources ?? 'all'
        if (sources === 'all') all = true
        else for (const source of sources) names.add(lastName(source.object))
      }
    }
  }
  return { names: all ? 'all' : names, tables }
}

/** What is known of one of them may be old. */
export function hasChanged({ names, tables }: ReadNames, catalog: Catalog): boolean {
  if (names === 'all') return true
  for (const name of names) if (catalog.mayHaveChanged(name)) return true
  // (No relation has that name: true when anything may have.)
  return !tables && catalog.mayHaveChanged('')
}

/** Of `schema.name`, as the catalog writes it. */
function lastName(object: string): string {
  if (!object.endsWith('"')) return object.slice(object.lastIndexOf('.') + 1)
  const from = object.startsWith('"') ? object.indexOf('"."') + 2 : object.indexOf('."') + 1
  return object.slice(from + 1, -1).replaceAll('""', '"')
}
