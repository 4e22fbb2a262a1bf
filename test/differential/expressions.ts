// Random expressions over the columns in sight, most of them well typed. `deep` bounds how far they nest.
import type { Random } from './random.ts'

export interface Row {
  readonly alias: string
  readonly ints: readonly string[]
  readonly texts: readonly string[]
}

export interface Sight {
  readonly random: Random
  readonly rows: readonly Row[]
  /** A sub-query with one column of that type. */
  subquery(type: Kind, deep: number): string
}

export type Kind = 'int' | 'text' | 'bool'

const INTS = ['0', '1', '2', '7', '-3', '100', "'5'::int", 'null::int']
const TEXTS = ["'a'", "'name1'", "e'b\\n'", "U&'\\0061'", '$$c$$', '$q$d$q$', "''", "'it''s'"]
/** Calls that do or read what their name does not say. */
const INT_CALLS =
  `f_write() f_write_sql() f_definer() f_pure(1) nextval('counter') setval('counter',9) lastval()
  pg_advisory_xact_lock(1)::text::int f_dynamic('select_1') nextval('serials_id_seq'::regclass)
  currval('counter') pg_backend_pid() lo_create(0)::int public.f_write() other.f_nothing() txid_current()::int
  (select total_of(n) from generate_series(1,2) n) f_read()::int lo_unlink(4242) (row(1,'x')::pair).a
  pg_try_advisory_lock(7)::int pg_notify('c','x')::text::int`.split(/\s+/)
const TEXT_CALLS = [
  'f_liar()',
  "lower(row(1,'x')::pair)",
  "row(1,'x')::pair::text",
  "cast(row(1,'x')::pair as text)",
  "lower('A')",
  "upper('a')",
  "other.upper('a')",
  "pg_catalog.upper('a')",
  "query_to_xml('select 1 from orders',true,true,'')::text",
  "table_to_xml('orders',true,true,'')::text",
  "'x'::code",
  "'y'::plain_code",
  "'ok'::mood::text",
  "set_config('application_name','x',true)",
  "set_config('search_path','other',true)",
  "current_setting('search_path')",
  "pg_read_file('PG_VERSION')",
  'lo_get(4242)::text',
  'current_user::text',
  "convert_from(lo_get(4242),'UTF8')",
  "(xpath('/a','<a/>'))[1]::text",
  "format('%s',f_pure(1))",
  "pg_get_viewdef('v_orders'::regclass)",
  "ts_headline('a','b')",
]

export function expression(sight: Sight, kind: Kind, deep: number): string {
  if (kind === 'int') return intOf(sight, deep)
  return kind === 'text' ? textOf(sight, deep) : condition(sight, deep)
}

function column(sight: Sight, kind: 'int' | 'text'): string | undefined {
  const { random, rows } = sight
  if (rows.length === 0) return undefined
  const row = random.of(rows)
  const names = kind === 'int' ? row.ints : row.texts
  if (names.length === 0) return undefined
  const name = random.of(names)
  return random.chance(0.75) || rows.length > 1 ? `${row.alias}.${name}` : name
}

function intOf(sight: Sight, deep: number): string {
  const { random } = sight
  const sub = (kind: Kind) => expression(sight, kind, deep - 1)
  if (deep <= 0 || random.chance(0.3)) return column(sight, 'int') ?? random.of(INTS)
  switch (random.below(14)) {
    case 0:
      return random.of(INT_CALLS)
    case 1:
      return `(${sub('int')} ${random.of(['+', '-', '*', '% 7 +', '<<'])} 1)`
    case 2:
      return `length(${sub('text')})`
    case 3:
      return `case when ${sub('bool')} then ${sub('int')} else ${sub('int')} end`
    case 4:
      return sight.subquery('int', deep - 1)
    case 5:
      return `coalesce(${sub('int')}, ${sub('int')})`
    case 6:
      return `greatest(${sub('int')}, ${sub('int')})`
    case 7:
      return `(array[${sub('int')}, 2])[1]`
    case 8:
      return `cast(${sub('int')} as ${random.of(['int', 'integer', 'pg_catalog.int4', 'smallint'])})`
    case 9:
      return `f_pure(${sub('int')})`
    case 10:
      return `(${sub('int')} operator(${random.of(['pg_catalog.+', 'other.+'])}) 1)`
    case 11:
      return `nullif(${sub('int')}, 3)`
    default:
      return column(sight, 'int') ?? random.of(INTS)
  }
}

function textOf(sight: Sight, deep: number): string {
  const { random, rows } = sight
  const sub = (kind: Kind) => expression(sight, kind, deep - 1)
  if (deep <= 0 || random.chance(0.3)) return column(sight, 'text') ?? random.of(TEXTS)
  switch (random.below(14)) {
    case 0:
      return random.of(TEXT_CALLS)
    case 1:
      return `(${sub('text')} || ${sub('text')})`
    case 2:
      return `${random.of(['lower', 'upper', 'pg_catalog.lower', '"upper"', 'md5'])}(${sub('text')})`
    case 3:
      return `case when ${sub('bool')} then ${sub('text')} end`
    case 4:
      return sight.subquery('text', deep - 1)
    case 5:
      return `(${sub('int')})::text`
    case 6: {
      // The whole row, a function of it in the notation of a column, and as text.
      const row = rows.length === 0 ? undefined : random.of(rows)
      if (row === undefined) return random.of(TEXTS)
      const forms = [
        `${row.alias}::text`,
        `row_to_json(${row.alias})::text`,
        `${row.alias}.f_rowwise`,
        `f_rowwise(${row.alias})`,
        `(${row.alias}).name`,
        `to_jsonb(${row.alias})->>'name'`,
        `(row(${row.alias}.*))::text`,
        `${row.alias}.c`,
        `${row.alias}.p::text`,
        `(${row.alias}.p).b`,
        `lower(${row.alias}.p)`,
      ]
      return random.of(forms)
    }
    case 7:
      return `concat_ws('-', ${sub('text')}, ${sub('int')})`
    case 8:
      return `substring(${sub('text')} from 1 for 2)`
    case 9:
      return `(${sub('text')} collate "C")`
    default:
      return column(sight, 'text') ?? random.of(TEXTS)
  }
}

export function condition(sight: Sight, deep: number): string {
  const { random, rows } = sight
  const sub = (kind: Kind) => expression(sight, kind, deep - 1)
  if (deep <= 0) return random.of(['true', '1 = 1', `${sub('int')} > 0`, `${sub('text')} <> 'q'`])
  switch (random.below(16)) {
    case 0:
      return `(${sub('bool')} and ${sub('bool')})`
    case 1:
      return `(${sub('bool')} or not ${sub('bool')})`
    case 2:
      return `${sub('int')} in (1, 2, ${sub('int')})`
    case 3:
      return `${sub('int')} in ${sight.subquery('int', deep - 1)}`
    case 4:
      return `exists ${sight.subquery('int', deep - 1)}`
    case 5:
      return `${sub('text')} like '%a%'`
    case 6:
      return `${sub('int')} between 0 and ${sub('int')}`
    case 7:
      return `${sub('text')} is not null`
    case 8:
      return `${sub('int')} = any (array[1, ${sub('int')}])`
    case 9:
      return `${sub('text')} === ${sub('text')}`
    case 10:
      return `row(${sub('int')}, 'x')::pair = row(1, 'x')::pair`
    case 11: {
      const row = rows.length === 0 ? undefined : random.of(rows)
      return row === undefined ? 'true' : `${row.alias} is distinct from null`
    }
    case 12:
      return `${sub('int')} = all ${sight.subquery('int', deep - 1)}`
    default:
      return `${sub('int')} ${random.of(['=', '<', '>=', '<>'])} ${sub('int')}`
  }
}
