// Lineage by a catalog: each column that a text names, with all that it comes from (views, inheritance, generated
// columns). And what the server says of an answer's columns, held against it.
import type {
  ColumnName,
  Derivation,
  Lineage,
  OutputLineage,
  Probe,
  ProbeUse,
  Transfer,
} from '#model'

/** What a catalog knows of where the values of columns come from. */
export interface ColumnOrigins {
  /** `sources`: all columns that its value may come from, itself first. `computed`: by some expression over them. */
  columnOf(
    object: string,
    column: string,
  ):
    | { readonly sources: readonly ColumnName[] | 'all'; readonly shape: 'same' | 'computed' }
    | undefined
}

interface Expanded {
  readonly columns: readonly ColumnName[]
  /** Made by an expression somewhere on the way. */
  readonly computed: boolean
  /** What it comes from cannot be told. */
  readonly unknown: boolean
}

/** The same lineage, its columns expanded to their sources. */
export function expandLineage(
  lineage: readonly Lineage[],
  catalog: ColumnOrigins,
): readonly Lineage[] {
  const known = new Map<ColumnName, Expanded>()
  const sourcesOf = (column: ColumnName): Expanded => {
    let sources = known.get(column)
    if (sources === undefined) {
      sources = sourcesIn(catalog, column)
      known.set(column, sources)
    }
    return sources
  }
  const expand = (columns: readonly ColumnName[]): Expanded => expanded(columns, sourcesOf)
  return lineage.map(({ outputs, probes, transfers }) => ({
    outputs: outputs === 'unknown' ? outputs : outputs.map(each => output(each, expand)),
    probes: probes === 'unknown' ? probes : expandProbes(probes, expand),
    transfers: transfers === 'unknown' ? transfers : transfers.map(each => transfer(each, expand)),
  }))
}

/** Columns and all that they come from; `unknown` when that cannot be told. */
export function expandColumns(
  columns: readonly ColumnName[],
  catalog: ColumnOrigins,
): readonly ColumnName[] | 'unknown' {
  const all = expanded(columns, column => sourcesIn(catalog, column))
  return all.unknown ? 'unknown' : all.columns
}

function sourcesIn(catalog: ColumnOrigins, column: ColumnName): Expanded {
  const known = catalog.columnOf(column.object, column.column)
  if (known === undefined) return { columns: [column], computed: false, unknown: false }
  if (known.sources === 'all') return { columns: [column], computed: true, unknown: true }
  return { columns: known.sources, computed: known.shape === 'computed', unknown: false }
}

function expanded(
  columns: readonly ColumnName[],
  sourcesOf: (column: ColumnName) => Expanded,
): Expanded {
  const [only] = columns
  if (columns.length === 1 && only !== undefined) return sourcesOf(only)
  const all = new Map<string, ColumnName>()
  let computed = false
  let unknown = false
  for (const column of columns) {
    const sources = sourcesOf(column)
    computed ||= sources.computed
    unknown ||= sources.unknown
    for (const each of sources.columns) all.set(`${each.object}\0${each.column}`, each)
  }
  return { columns: [...all.values()], computed, unknown }
}

function how(said: Derivation, { computed, unknown }: Expanded): Derivation {
  if (unknown || said === 'unknown') return 'unknown'
  return computed && said === 'identity' ? 'transformed' : said
}

function output(
  { sources, how: said }: OutputLineage,
  expand: (columns: readonly ColumnName[]) => Expanded,
): OutputLineage {
  const all = expand(sources)
  return { sources: all.columns, how: how(said, all) }
}

function transfer(
  { sources, how: said, ...rest }: Transfer,
  expand: (columns: readonly ColumnName[]) => Expanded,
): Transfer {
  const all = expand(sources)
  return { ...rest, sources: all.columns, how: how(said, all) }
}

function expandProbes(
  probes: readonly Probe[],
  expand: (columns: readonly ColumnName[]) => Expanded,
): readonly Probe[] | 'unknown' {
  const byUse = new Map<ProbeUse, ColumnName[]>()
  for (const { columns, use } of probes) {
    for (const column of columns) {
      const all = expand([column])
      if (all.unknown) return 'unknown'
      // To compare what a view makes of a column is to ask about the column.
      const asked = use === 'equality' && all.computed ? 'condition' : use
      const list = byUse.get(asked)
      if (list === undefined) byUse.set(asked, [...all.columns])
      else list.push(...all.columns)
    }
  }
  return [...byUse].map(([use, columns]) => ({ use, columns: distinct(columns) }))
}

function distinct(columns: readonly ColumnName[]): readonly ColumnName[] {
  if (columns.length < 2) return columns
  return [...new Map(columns.map(each => [`${each.object}\0${each.column}`, each])).values()]
}

/**
 * The lineage of an answer's columns, by what the upstream says of them (`origins`: own columns, where it says any).
 * Undefined when it does not fit. Where one origin is not among the sources, what we know of the tables is not what
 * the upstream knows: then nothing holds.
 */
export function fitting(
  outputs: Lineage['outputs'] | undefined,
  origins: readonly (ColumnName | undefined)[],
): readonly OutputLineage[] | undefined {
  if (outputs === undefined || outputs === 'unknown' || outputs.length !== origins.length) {
    return undefined
  }
  const agree = outputs.every(({ sources, how: said }, index) => {
    const origin = origins[index]
    if (origin === undefined || said === 'unknown') return true
    return sources.some(each => each.object === origin.object && each.column === origin.column)
  })
  return agree ? outputs : outputs.map(({ sources }) => ({ sources, how: 'unknown' }))
}
