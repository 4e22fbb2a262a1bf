// Which relations a command gives another meaning, and which it reads: by their objects' names, in lower case, for whether case
// counts hangs on the server.
import type { DefinedNames, MysqlAnalysis, ReadNames } from '#engines/sql'
import type { Operation, Statement } from '#model'
import type { Catalog } from './catalog-types.ts'

const RELATIONS: ReadonlySet<string> = new Set(['table', 'view', 'sequence'])

/** For other sessions; `all`: it cannot be told which. */
export function definedNames(
  operations: readonly Operation[],
  analysis: MysqlAnalysis | undefined,
): DefinedNames {
  const temporary = new Set(
    (analysis?.statements ?? []).flatMap(({ verb, shadows }) =>
      verb === 'CREATE TABLE' ? shadows.map(name => name.toLowerCase()) : [],
    ),
  )
  const names: string[] = []
  for (const { action, object, flags, verb } of operations) {
    if (action !== 'define') {
      if (flags.includes('dynamic')) return 'all'
      continue
    }
    // (An index may take hours, and changes the meaning of nothing.)
    if (verb.endsWith(' INDEX')) continue
    if (!RELATIONS.has(object.kind)) return 'all'
    const name = object.name.toLowerCase()
    // A temporary table is its session's own.
    const own = verb === 'CREATE TABLE' && temporary.has(name.slice(name.indexOf('.') + 1))
    if (!own) names.push(name)
  }
  return names
}

export function readNames({ operations }: Statement, catalog: Catalog): ReadNames {
  const names = new Set<string>()
  let tables = true
  let all = false
  for (const { object, flags } of operations) {
    if (flags.includes('dynamic')) all = true
    if (!RELATIONS.has(object.kind)) continue
    names.add(object.name.toLowerCase())
    if (object.kind === 'table') continue
    tables = false
    const shown = catalog.shownBy(object.name)
    if (shown === undefined) all = true
    else for (const each of shown) names.add(each.toLowerCase())
  }
  return { names: all ? 'all' : names, tables }
}
