// Reads what EXPLAIN answers as a table: how many rows a write would look through, and the plan for people. The server that wrote it
// is not trusted: whatever does not fit is "not known". Pure.
import type { Row } from './questions.ts'

/** Which columns there are, by how many: MariaDB with EXTENDED, MySQL. */
const NAMES: ReadonlyMap<number, readonly string[]> = new Map(
  [
    'id select_type table type possible_keys key key_len ref rows filtered Extra',
    'id select_type table partitions type possible_keys key key_len ref rows filtered Extra',
  ].map(names => [names.split(' ').length, names.split(' ')] as const),
)
const SHOWN = ['id', 'select_type', 'table', 'type', 'key', 'rows', 'filtered', 'Extra'] as const

type Line = Readonly<Record<(typeof SHOWN)[number], string | null>>

/**
 * The rows of the outermost query: of each of its tables as many as are read and pass what the server can tell without
 * reading. So a write changes that many at most, about. Undefined: not known (a list of VALUES, a UNION).
 */
export function readEstimate(rows: readonly Row[]): number | undefined {
  const lines = linesOf(rows)
  if (lines === undefined || lines.some(({ select_type }) => select_type?.startsWith('UNION')))
    return undefined
  const [first] = lines
  let product: number | undefined
  for (const { id, select_type, rows: many, filtered, Extra } of lines) {
    if (id !== first?.id || select_type === 'INSERT' || select_type === 'REPLACE') continue
    if (/^(Impossible|no matching row)/i.test(Extra ?? '')) return 0
    const read = numberOf(many)
    if (read === undefined) return undefined
    product = (product ?? 1) * read * ((numberOf(filtered) ?? 100) / 100)
  }
  return product === undefined ? undefined : Math.ceil(product)
}

/** As lines under each other; undefined when it is not what EXPLAIN answers. */
export function planText(rows: readonly Row[]): string | undefined {
  const lines = linesOf(rows)
  if (lines === undefined) return undefined
  const cells = [SHOWN, ...lines.map(line => SHOWN.map(name => line[name] ?? '-'))]
  const widths = SHOWN.map((_, at) => Math.max(...cells.map(row => (row[at] ?? '').length)))
  return cells
    .map(row =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function linesOf(rows: readonly Row[]): readonly Line[] | undefined {
  const found: Line[] = []
  for (const row of rows) {
    const names = NAMES.get(row.length)
    if (names === undefined) return undefined
    found.push(
      Object.fromEntries(SHOWN.map(name => [name, row[names.indexOf(name)] ?? null])) as Line,
    )
  }
  return found.length === 0 ? undefined : found
}

function numberOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : undefined
}
