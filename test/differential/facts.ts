// What the server's catalog says leads from one relation to another: views, parents, keys, triggers, rules, policies.
// Written anew here, apart from the gateway's own reading of the catalog, so that one can be held against the other.
import type { Client } from 'pg'

export interface Relation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** As the gateway writes it. */
  readonly object: string
  /** `pg_class.relkind`. */
  readonly kind: string
}

/** Why a relation is touched by a statement that does not name it. */
export type Way = 'view or rule' | 'inheritance' | 'foreign key' | 'default' | 'policy' | 'index'

export interface Facts {
  readonly relations: ReadonlyMap<number, Relation>
  readonly byObject: ReadonlyMap<string, Relation>
  /** From the oid of a relation to those that it leads to. */
  readonly ways: ReadonlyMap<number, readonly { readonly way: Way; readonly to: number }[]>
  /** Relations a change of which runs code of users: triggers, rules, defaults, checks, domains, indexes, policies. */
  readonly runsOnChange: ReadonlySet<number>
  /** Code of users runs at definitions. */
  readonly eventTriggers: boolean
  columnName(relation: number, attnum: number): string | undefined
  columnsOf(relation: number): readonly string[]
}

const RELATIONS = `select c.oid::int8::text as oid, n.nspname as schema, c.relname as name, c.relkind as kind
  from pg_class c join pg_namespace n on n.oid = c.relnamespace`

const WAYS = `
select 'view or rule' as way, r.ev_class::int8::text as "from", d.refobjid::int8::text as "to"
  from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
  where d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
union select 'inheritance', inhparent::int8::text, inhrelid::int8::text from pg_inherits
union select 'inheritance', inhrelid::int8::text, inhparent::int8::text from pg_inherits
union select 'foreign key', conrelid::int8::text, confrelid::int8::text from pg_constraint where contype = 'f'
union select 'foreign key', confrelid::int8::text, conrelid::int8::text from pg_constraint where contype = 'f'
union select 'default', a.adrelid::int8::text, d.refobjid::int8::text
  from pg_attrdef a join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = a.oid
  where d.refclassid = 'pg_class'::regclass and d.refobjid <> a.adrelid
union select 'default', d.refobjid::int8::text, d.objid::int8::text from pg_depend d
  join pg_class c on c.oid = d.objid and c.relkind = 'S' where d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
union select 'default', a.attrelid::int8::text, d.refobjid::int8::text
  from pg_attribute a join pg_depend d on d.classid = 'pg_type'::regclass and d.objid = a.atttypid
  where d.refclassid = 'pg_class'::regclass and d.refobjid <> a.attrelid and a.attnum > 0
union select 'foreign key', tgrelid::int8::text, tgconstrrelid::int8::text from pg_trigger where tgconstrrelid <> 0
union select 'policy', p.polrelid::int8::text, d.refobjid::int8::text
  from pg_policy p join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
  where d.refclassid = 'pg_class'::regclass
union select 'index', indrelid::int8::text, indexrelid::int8::text from pg_index
union select 'index', indexrelid::int8::text, indrelid::int8::text from pg_index
union select 'index', oid::int8::text, reltoastrelid::int8::text from pg_class where reltoastrelid <> 0
union select 'index', reltoastrelid::int8::text, oid::int8::text from pg_class where reltoastrelid <> 0`

const RUNS_ON_CHANGE = `
with code as (select classid, objid from pg_depend
  where refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass) and refobjid >= 16384)
select tgrelid::int8::text as oid from pg_trigger where not tgisinternal
union select adrelid::int8::text from pg_attrdef where ('pg_attrdef'::regclass, oid) in (table code)
union select conrelid::int8::text from pg_constraint where ('pg_constraint'::regclass, oid) in (table code)
union select polrelid::int8::text from pg_policy where ('pg_policy'::regclass, oid) in (table code)
union select ev_class::int8::text from pg_rewrite where ('pg_rewrite'::regclass, oid) in (table code)
union select indrelid::int8::text from pg_index where ('pg_class'::regclass, indexrelid) in (table code)
union select attrelid::int8::text from pg_attribute join pg_type t on t.oid = atttypid
  where attnum > 0 and t.oid >= 16384 and typtype in ('d', 'c')`
const EVENT_TRIGGERS = 'select exists (select from pg_event_trigger) as found'
const COLUMNS = `select attrelid::int8::text as oid, attnum, attname from pg_attribute
  where attnum > 0 and not attisdropped order by attrelid, attnum`

export async function readFacts(client: Client): Promise<Facts> {
  const ask = async <T>(sql: string): Promise<T[]> => (await client.query(sql)).rows as T[]
  const relations = new Map<number, Relation>()
  const byObject = new Map<string, Relation>()
  for (const { oid, ...rest } of await ask<Omit<Relation, 'oid' | 'object'> & { oid: string }>(
    RELATIONS,
  )) {
    const relation = { ...rest, oid: Number(oid), object: objectName(rest.schema, rest.name) }
    relations.set(relation.oid, relation)
    byObject.set(relation.object, relation)
  }
  const ways = new Map<number, { way: Way; to: number }[]>()
  for (const { way, from, to } of await ask<{ way: Way; from: string; to: string }>(WAYS)) {
    const list = ways.get(Number(from)) ?? []
    ways.set(Number(from), [...list, { way, to: Number(to) }])
  }
  const runsOnChange = new Set(
    (await ask<{ oid: string }>(RUNS_ON_CHANGE)).map(row => Number(row.oid)),
  )
  const eventTriggers = (await ask<{ found: boolean }>(EVENT_TRIGGERS))[0]?.found === true
  const columns = new Map<number, Map<number, string>>()
  for (const row of await ask<{ oid: string; attnum: number; attname: string }>(COLUMNS)) {
    const known = columns.get(Number(row.oid)) ?? new Map<number, string>()
    columns.set(Number(row.oid), known.set(row.attnum, row.attname))
  }
  return {
    relations,
    byObject,
    ways,
    runsOnChange,
    eventTriggers,
    columnName: (relation, attnum) => columns.get(relation)?.get(attnum),
    columnsOf: relation => [...(columns.get(relation)?.values() ?? [])],
  }
}

export function objectName(schema: string, name: string): string {
  return [schema, name]
    .map(part => (/[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part))
    .join('.')
}
