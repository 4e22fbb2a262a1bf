// Which types hold text, and how (see TextForm). Pure. What is not known counts as `within`: a mask is NULL,
// and detectors look into its text.
import type { TextForm } from './catalog-types.ts'

export interface TypeRow {
  readonly oid: number
  /** Of pg_catalog's types and citext; empty for others, whose name says nothing. */
  readonly name: string
  readonly typtype: string
  readonly category: string
  readonly base: number
  readonly element: number
}

const whole: ReadonlySet<string> = new Set([
  'text',
  'varchar',
  'bpchar',
  'name',
  'citext',
  'unknown',
])

/** Built-in types in whose values there is no text of a person. */
const none: ReadonlySet<string> = new Set([
  'bytea',
  'uuid',
  'pg_lsn',
  'pg_snapshot',
  'txid_snapshot',
  'tid',
  'xid',
  'xid8',
  'cid',
  'char',
  'void',
  'money',
  'macaddr',
  'macaddr8',
  'oidvector',
  'int2vector',
  'trigger',
  'event_trigger',
])

/** Boolean, date/time, geometric, network, numeric (and oid aliases), timespan, bit string, enum. */
const plainCategories = 'BDGINTVE'

/** The form of each type that is not `within`. */
export function textForms(rows: readonly TypeRow[]): ReadonlyMap<number, TextForm> {
  const byOid = new Map(rows.map(row => [row.oid, row]))
  const forms = new Map<number, TextForm>()
  for (const row of rows) {
    const form = formOf(row, byOid, 0)
    if (form !== 'within') forms.set(row.oid, form)
  }
  return forms
}

function formOf(row: TypeRow, types: ReadonlyMap<number, TypeRow>, depth: number): TextForm {
  if (depth > 16) return 'within'
  const inner = types.get(row.typtype === 'd' ? row.base : row.element)
  if (row.typtype === 'd') return inner === undefined ? 'within' : formOf(inner, types, depth + 1)
  if (row.category === 'A') {
    return inner !== undefined && formOf(inner, types, depth + 1) === 'none' ? 'none' : 'within'
  }
  if (row.typtype === 'e') return 'none'
  if (whole.has(row.name)) return 'whole'
  if (none.has(row.name)) return 'none'
  // Built-in ranges are over numbers and times; a range of a user's own may be over text.
  if (row.category === 'R') return row.name === '' ? 'within' : 'none'
  return row.name !== '' && plainCategories.includes(row.category) ? 'none' : 'within'
}
