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
