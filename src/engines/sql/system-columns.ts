// Columns that every table of PostgreSQL has.
const systemColumns: ReadonlySet<string> = new Set([
  'ctid',
  'xmin',
  'xmax',
  'cmin',
  'cmax',
  'tableoid',
])

export function isSystemColumn(name: string): boolean {
  return systemColumns.has(name)
}

const tables: ReadonlySet<string> = new Set([
  'table',
  'materialized view',
  'foreign table',
  'sequence',
])

/** A view has none, nor has what we do not know: `v.xmin` is a function of its row, `xmin` a column around it. */
export function hasSystemColumns(kind: string): boolean {
  return tables.has(kind)
}
