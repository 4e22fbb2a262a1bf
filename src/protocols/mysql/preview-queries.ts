// What we ask a server so that an approver can see what a statement would do. They run on a connection of our own, in
// transactions that are undone, with short limits.
import type { MysqlReading } from '#engines/sql'
import type { Parameter } from '#model'

/** Of the plan, and of each other question. */
const MOST_MS = 2_000
/** The largest table whose rows are counted: what its statistics say may be old, or nothing. */
const MOST_COUNTED_BYTES = 1024 * 1024

/** Nothing of a look runs for long, or waits for a lock for long. */
export function limits({ flavour }: Pick<MysqlReading, 'flavour'>): string {
  const time =
    flavour === 'mariadb'
      ? `max_statement_time = ${MOST_MS / 1000}`
      : `max_execution_time = ${MOST_MS}`
  return `SET SESSION ${time}, lock_wait_timeout = 1, innodb_lock_wait_timeout = 1`
}

export const LOOK = 'START TRANSACTION READ ONLY'
/** A server plans no write where it may only read. (Planning changes nothing; should it, that is undone.) */
export const LOOK_AT_WRITE = 'START TRANSACTION'
export const END_LOOK = 'ROLLBACK'

export interface TableName {
  readonly schema: string
  readonly name: string
}

/** Which of them there are: schema, name, kind, rows, whether they are small, triggers, and what hangs on them by foreign keys that change rows. */
export function tables(names: readonly TableName[]): string {
  const asked = names.map(({ schema, name }) => `(${literal(schema)}, ${literal(name)})`).join(', ')
  return `SELECT t.table_schema, t.table_name, t.table_type, t.table_rows,
    t.table_type = 'BASE TABLE' AND COALESCE(t.data_length, ${MOST_COUNTED_BYTES + 1}) <= ${MOST_COUNTED_BYTES},
    (SELECT COUNT(*) FROM information_schema.triggers g
      WHERE g.event_object_schema = t.table_schema AND g.event_object_table = t.table_name),
    (SELECT COUNT(*) FROM information_schema.referential_constraints r
      WHERE r.unique_constraint_schema = t.table_schema AND r.referenced_table_name = t.table_name
        AND (r.delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
          OR r.update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT')))
    FROM information_schema.tables t WHERE (t.table_schema, t.table_name) IN (${asked})`
}

export function countRows(names: readonly TableName[]): string {
  return names
    .map(({ schema, name }, at) => `SELECT ${at}, COUNT(*) FROM ${quoted(schema)}.${quoted(name)}`)
    .join(' UNION ALL ')
}

/** The plan as a table. */
export function explain(text: string, { flavour }: Pick<MysqlReading, 'flavour'>): string {
  // (Its own default may be another form.)
  return `${flavour === 'mariadb' ? 'EXPLAIN EXTENDED' : 'EXPLAIN FORMAT=TRADITIONAL'} ${text}`
}

/** The same of a text with values, as texts: what is answered to a prepared statement of the wire is not. */
export function prepared(question: string, values: readonly Parameter[]): readonly string[] {
  const names = values.map((_, at) => `@sallyport_${at}`)
  const given = values.map((value, at) => `${names[at]} = ${literalOf(value)}`)
  return [
    `SET @sallyport = ${literal(question)}, ${given.join(', ')}`,
    'PREPARE sallyport FROM @sallyport',
    `EXECUTE sallyport USING ${names.join(', ')}`,
  ]
}

function literalOf({ type, value }: Parameter): string {
  if (value === null) return 'NULL'
  const text = Buffer.from(value).toString('utf8')
  if (NUMBERS.has(type) && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return text
  const bytes = `X'${Buffer.from(value).toString('hex')}'`
  return type.endsWith('lob') ? bytes : `_utf8mb4 ${bytes}`
}

const NUMBERS: ReadonlySet<string> = new Set([
  ...['tiny', 'short', 'long', 'int24', 'longlong', 'float', 'double', 'year', 'decimal'],
  'newDecimal',
])

/** Whatever is in it: no quote, no escape. */
function literal(text: string): string {
  return `_utf8mb4 X'${Buffer.from(text).toString('hex')}'`
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
