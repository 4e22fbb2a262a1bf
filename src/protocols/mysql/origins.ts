// Where the values of an answer's column come from: what the text says, and what the column's definition says besides.
// A definition only ever adds: a derived table or a CTE that is called like a table is described as that table
// (docs/mysql-metadata.md), so it never shows that a value is harmless. Sees no value.
import { type ColumnOrigins, foldedName } from '#engines/sql'
import type { ResultColumn } from '#gateway'
import type { ColumnName, OutputLineage } from '#model'
import { objectName } from './catalog-object.ts'

/** Of a column definition. */
export interface Described {
  readonly schema: string
  readonly orgTable: string
  readonly orgName: string
}

export type ColumnOrigin = Pick<
  ResultColumn,
  'origin' | 'sources' | 'computed' | 'harmless' | 'lineage'
>

/** `lineage`: of the text, expanded; undefined when it does not fit the answer. */
export function originOf(
  described: Described,
  lineage: OutputLineage | undefined,
  catalog: ColumnOrigins,
): ColumnOrigin {
  const own = columnOf(described)
  const known = own === undefined ? undefined : catalog.columnOf(own.object, own.column)
  if (lineage === undefined || lineage.how === 'unknown') {
    // (One that the catalog does not have is new, and may be of a class by its own name.)
    const more = own === undefined ? [] : known === undefined ? [own] : sourcesOf(own, known)
    const sources = [...(lineage?.sources ?? []), ...more]
    return { origin: 'unknown', harmless: false, lineage: { sources, how: 'unknown' } }
  }
  const harmless = lineage.sources.length === 0
  if (own === undefined || known === undefined) return { origin: 'unknown', harmless, lineage }
  if (known.sources === 'all') {
    const sources = [...lineage.sources, own]
    return { origin: 'unknown', harmless: false, lineage: { sources, how: 'unknown' } }
  }
  return {
    origin: own,
    harmless: false,
    lineage,
    ...(known.sources.length > 1 ? { sources: known.sources } : {}),
    ...(known.shape === 'computed' ? { computed: true } : {}),
  }
}

function sourcesOf(
  own: ColumnName,
  { sources }: NonNullable<ReturnType<ColumnOrigins['columnOf']>>,
): readonly ColumnName[] {
  return sources === 'all' ? [own] : sources
}

/** The table's own column, where the server names one. Names of columns have no case. */
function columnOf({ schema, orgTable, orgName }: Described): ColumnName | undefined {
  if (schema === '' || orgTable === '' || orgName === '') return undefined
  return { object: objectName(schema, orgTable), column: foldedName(orgName) }
}
