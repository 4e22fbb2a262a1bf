// What the catalog is made from, as rows of the server's own views: asked for, and put by relation. Bounded by who asks.
import { foldedName, keepsReading } from '#engines/sql'
import { COLUMNS, PARAMETERS, ROUTINES, TABLES, TRIGGERS, VIEWS } from './catalog-queries.ts'
import { isTold } from './catalog-system.ts'

export type Ask = (question: string) => Promise<readonly (readonly (string | null)[])[]>

export interface RelationRow {
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'view' | 'sequence'
  /** A transaction can undo what is written to it. */
  readonly transactional: boolean
  /** In order, without those that `*` passes over; names in lower case. */
  readonly columns: readonly string[]
  readonly hidden: readonly string[]
  readonly numeric: ReadonlySet<string>
  /** Columns that are made of others: by which expression. */
  readonly generated: ReadonlyMap<string, string>
  /** Of a view; undefined when it is not shown to us. */
  readonly definition: string | undefined
}

export interface RoutineRow {
  readonly schema: string
  readonly name: string
  readonly kind: 'function' | 'procedure'
  /** Undefined when it is not shown to us, or read under other rules than ours. */
  readonly body: string | undefined
  /** In lower case. */
  readonly parameters: readonly string[]
  readonly definer: boolean
}

export interface TriggerRow {
  readonly schema: string
  readonly table: string
  readonly name: string
  readonly event: string
  readonly body: string | undefined
}

export interface CatalogRows {
  readonly relations: readonly RelationRow[]
  readonly routines: readonly RoutineRow[]
  readonly triggers: readonly TriggerRow[]
}

/** A value of one of these that is held against a number is no other value. */
const numbers: ReadonlySet<string> = new Set([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'float', 'double', 'bit'],
  ...['year', 'date', 'datetime', 'timestamp', 'time'],
])

interface Growing {
  readonly columns: string[]
  readonly hidden: string[]
  readonly numeric: Set<string>
  readonly generated: Map<string, string>
}

export async function readRows(ask: Ask): Promise<CatalogRows> {
  const columns = new Map<string, Growing>()
  for (const [schema, table, name, type, extra, expression] of await ask(COLUMNS)) {
    const key = keyOf(schema, table)
    let entry = columns.get(key)
    if (entry === undefined) {
      entry = { columns: [], hidden: [], numeric: new Set(), generated: new Map() }
      columns.set(key, entry)
    }
    const column = foldedName(name ?? '')
    const isHidden = extra?.toUpperCase().includes('INVISIBLE') === true
    if (isHidden) entry.hidden.push(column)
    else entry.columns.push(column)
    if (numbers.has(type?.toLowerCase() ?? '')) entry.numeric.add(column)
    if (expression != null && expression !== '') entry.generated.set(column, expression)
  }
  const definitions = new Map<string, string>()
  for (const [schema, name, definition] of await ask(VIEWS)) {
    if (definition != null && definition !== '') definitions.set(keyOf(schema, name), definition)
  }
  const relations: RelationRow[] = []
  for (const [schema, name, type, engine] of await ask(TABLES)) {
    const key = keyOf(schema, name)
    // (The columns of a MERGE table are those of others, which are called as they like.)
    const told = isTold(schema ?? '', name ?? '') && engine?.toLowerCase() !== 'mrg_myisam'
    const known = told ? columns.get(key) : undefined
    relations.push({
      schema: schema ?? '',
      name: name ?? '',
      kind: kindOf(type ?? ''),
      transactional: engine?.toLowerCase() === TRANSACTIONAL,
      columns: known?.columns ?? [],
      hidden: known?.hidden ?? [],
      numeric: known?.numeric ?? none,
      generated: known?.generated ?? nothing,
      definition: definitions.get(key),
    })
  }
  return { relations, ...(await readCode(ask)) }
}

/** The one engine whose writes are undone whole, to a savepoint too, and that is everywhere. */
const TRANSACTIONAL = 'innodb'
const none: ReadonlySet<string> = new Set()
const nothing: ReadonlyMap<string, string> = new Map()

/**
 * A text kept under that `sql_mode` reads as any other does. (Under IGNORE_SPACE more calls are of built-in functions; many
 * clients set it.)
 */
function readable(mode: string): boolean {
  return keepsReading(
    mode
      .split(',')
      .filter(each => each !== 'IGNORE_SPACE')
      .join(),
  )
}

async function readCode(ask: Ask): Promise<Pick<CatalogRows, 'routines' | 'triggers'>> {
  const textOf = (text: string | null | undefined, mode: string | null | undefined) =>
    text != null && text !== '' && readable(mode ?? '') ? text : undefined
  const parameters = new Map<string, string[]>()
  for (const [schema, name, type, parameter] of await ask(PARAMETERS)) {
    const key = `${keyOf(schema, foldedName(name ?? ''))}\0${type}`
    const list = parameters.get(key)
    if (list === undefined) parameters.set(key, [foldedName(parameter ?? '')])
    else list.push(foldedName(parameter ?? ''))
  }
  const routines = (await ask(ROUTINES)).map(
    ([schema, name, type, body, security, mode]): RoutineRow => ({
      schema: schema ?? '',
      name: foldedName(name ?? ''),
      kind: type === 'FUNCTION' ? 'function' : 'procedure',
      body: textOf(body, mode),
      parameters: parameters.get(`${keyOf(schema, foldedName(name ?? ''))}\0${type}`) ?? [],
      definer: security !== 'INVOKER',
    }),
  )
  const triggers = (await ask(TRIGGERS)).map(
    ([schema, table, name, event, body, mode]): TriggerRow => ({
      schema: schema ?? '',
      table: table ?? '',
      name: name ?? '',
      event: event?.toUpperCase() ?? '',
      body: textOf(body, mode),
    }),
  )
  return { routines, triggers }
}

function kindOf(type: string): RelationRow['kind'] {
  // (Those of information_schema are called system views: they show no table.)
  if (type === 'VIEW') return 'view'
  return type === 'SEQUENCE' ? 'sequence' : 'table'
}

function keyOf(schema: string | null | undefined, name: string | null | undefined): string {
  return `${schema ?? ''}\0${name ?? ''}`
}
