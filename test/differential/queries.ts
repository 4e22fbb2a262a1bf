// Random SELECTs and the statements that change rows, over the relations of the world.
import { condition, expression, type Kind, type Row, type Sight } from './expressions.ts'
import type { Random } from './random.ts'

interface Relation {
  readonly name: string
  readonly ints: readonly string[]
  readonly texts: readonly string[]
  readonly writable: boolean
}

const relation = (name: string, ints: string, texts: string, writable = true): Relation => ({
  name,
  ints: ints.split(' ').filter(Boolean),
  texts: texts.split(' ').filter(Boolean),
  writable,
})

const relations: readonly Relation[] = [
  relation('customers', 'id age', 'name ssn region'),
  relation('public.customers', 'id age', 'name ssn'),
  relation('other.customers', 'id', 'name hidden'),
  relation('orders', 'id customer_id', 'note'),
  relation('audit_log', 'id', 'who what'),
  relation('empty_one', 'id', 'name'),
  relation('parent', 'id', 'name'),
  relation('only parent', 'id', 'name'),
  relation('child', 'id', 'name extra'),
  relation('measured', 'id at', 'name'),
  relation('measured_low', 'id at', 'name'),
  relation('"Odd Name"', '"Id"', '"a.b" "select"'),
  relation('serials', 'id', 'name'),
  relation('pairs', 'id', 'd'),
  relation('watched', 'id', 'name'),
  relation('ruled', 'id', 'name'),
  relation('defaulted', 'id', 'name'),
  relation('secrets', 'id', 'owner body'),
  relation('indexed', 'id', 'name'),
  relation('tmp', 'id', 'name'),
  relation('v_customers', 'id', 'name ssn'),
  relation('v_orders', 'id', 'name', false),
  relation('v_nested', '', 'name', false),
  relation('v_writes', 'id wrote', '', false),
  relation('v_reads', '', '', false),
  relation('v_ruled', 'id', 'name'),
  relation('v_triggered', 'id', 'name'),
  relation('m_orders', 'customer_id', '', false),
  relation('tmp_view', 'id', 'ssn', false),
  relation('other.v', 'id', 'name ssn'),
  relation('only_here', 'id', 'name'),
  relation('pg_class', 'relpages', 'relname', false),
  relation('pg_settings', '', 'name setting', false),
  relation('pg_roles', '', 'rolname', false),
  relation('pg_stat_activity', 'pid', 'query', false),
  relation('information_schema.tables', '', 'table_name', false),
]
const writable = relations.filter(each => each.writable)

/** The names of CTEs in sight, which hide relations. */
interface Context {
  readonly random: Random
  readonly ctes: readonly Row[]
  readonly outer: readonly Row[]
}

export function sightOf(context: Context, rows: readonly Row[]): Sight {
  return {
    random: context.random,
    rows,
    subquery: (kind, deep) =>
      `(${select({ ...context, outer: [...context.outer, ...rows].slice(-3) }, deep, [kind])})`,
  }
}

export function query(random: Random, deep: number): string {
  return select({ random, ctes: [], outer: [] }, deep)
}

/** `kinds`: the columns that are wanted; without it any number of any kind. */
function select(context: Context, deep: number, kinds?: readonly Kind[]): string {
  const { random } = context
  const simple = kinds !== undefined
  const columns =
    kinds ?? Array.from({ length: 1 + random.below(3) }, () => random.of(['int', 'text'] as const))
  if (!simple && random.chance(0.18)) return withQuery(context, deep, columns)
  if (!simple && deep > 0 && random.chance(0.1)) {
    const operator = random.of(['union', 'union all', 'intersect', 'except'])
    return `${core(context, deep - 1, columns)} ${operator} ${core(context, deep - 1, columns)}`
  }
  if (!simple && random.chance(0.05)) return `table ${random.of(relations).name}`
  if (random.chance(0.04)) {
    const sight = sightOf(context, context.outer)
    return `values (${columns.map(kind => expression(sight, kind, deep - 1)).join(', ')})`
  }
  return core(context, deep, columns) + (simple ? ' limit 1' : tail(context))
}

function core(context: Context, deep: number, columns: readonly Kind[]): string {
  const { random } = context
  const rows: Row[] = []
  const from: string[] = []
  const count = random.of([0, 1, 1, 1, 1, 2, 2])
  for (let at = 0; at < count; at += 1) {
    const [text, row] = fromItem(context, deep, rows)
    from.push(
      at === 0 ? text : `${random.of([',', 'cross join', 'natural join', 'left join'])} ${text}`,
    )
    if (from.at(-1)?.startsWith('left join')) from.push('on true')
    rows.push(row)
  }
  const sight = sightOf(context, rows.length === 0 ? context.outer : rows)
  const star = random.chance(0.1) && columns.length > 1 && rows.length > 0
  const list = star
    ? random.of(['*', `${random.of(rows).alias}.*`])
    : columns.map(kind => expression(sight, kind, deep)).join(', ')
  const where = random.chance(0.5) ? ` where ${condition(sight, Math.min(deep, 2))}` : ''
  return `select ${random.chance(0.06) ? 'distinct ' : ''}${list}${
    from.length === 0 ? '' : ` from ${from.join(' ')}`
  }${where}`
}

function fromItem(context: Context, deep: number, before: readonly Row[]): readonly [string, Row] {
  const { random, ctes } = context
  const alias = `t${before.length}_${random.below(100)}`
  if (ctes.length > 0 && random.chance(0.5)) {
    const cte = random.of(ctes)
    return [`${cte.alias} ${alias}`, { ...cte, alias }]
  }
  if (deep > 0 && random.chance(0.2)) {
    const lateral = random.chance(0.4)
    const inner = select(
      { ...context, outer: lateral ? [...context.outer, ...before] : context.outer },
      deep - 1,
      ['int', 'text'],
    )
    return [
      `${lateral ? 'lateral ' : ''}(${inner}) ${alias}(a, b)`,
      { alias, ints: ['a'], texts: ['b'] },
    ]
  }
  if (random.chance(0.06)) {
    const call = random.of(['f_rows()', 'generate_series(1, 2)', 'rows from (f_rows())'])
    return [`${call} ${alias}`, { alias, ints: [], texts: [] }]
  }
  const { name, ints, texts } = random.of(relations)
  if (random.chance(0.2) && !/[ ."]/.test(name)) return [name, { alias: name, ints, texts }]
  const sample = random.chance(0.02) ? ' tablesample system (50)' : ''
  return [`${name} ${random.of(['', 'as '])}${alias}${sample}`, { alias, ints, texts }]
}

function tail({ random }: Context): string {
  const order = random.chance(0.2) ? ' order by 1' : ''
  const limit = random.chance(0.15) ? ` limit ${random.of(['1', 'all', '(select 1)'])}` : ''
  const lock = random.chance(0.1)
    ? ` for ${random.of(['update', 'share', 'no key update', 'key share'])}${random.of(['', ' skip locked'])}`
    : ''
  return order + limit + lock
}

function withQuery(context: Context, deep: number, columns: readonly Kind[]): string {
  const { random } = context
  // At times one that hides a relation.
  const name = random.of(['w', 'customers', 'orders', 'delete', 'v_writes'])
  const writes = random.chance(0.4)
  const materialized = random.of(['', '', ' materialized', ' not materialized'])
  const inner = writes
    ? change(context.random, deep - 1, 'id, id::text')
    : select(context, deep - 1, ['int', 'text'])
  const cte = { alias: name === 'delete' ? '"delete"' : name, ints: ['a'], texts: ['b'] }
  const body = core({ ...context, ctes: [...context.ctes, cte] }, deep - 1, columns)
  const recursive = random.chance(0.2) ? 'recursive ' : ''
  return `with ${recursive}${cte.alias}(a, b) as${materialized} (${inner}) ${body}`
}

/** INSERT, UPDATE, DELETE or MERGE. */
export function change(random: Random, deep: number, returned?: string): string {
  const target = random.of(writable)
  const context: Context = { random, ctes: [], outer: [] }
  const { name, ints, texts } = target
  const row = { alias: 'z', ints, texts }
  const sight = sightOf(context, [row])
  const apart = sightOf(context, [])
  const returning =
    returned === undefined
      ? random.chance(0.25)
        ? ` returning ${random.of(['*', expression(sight, 'int', 1)])}`
        : ''
      : ` returning ${returned.replaceAll('id', `z.${ints[0]}`)}`
  const prefix =
    returned === undefined && random.chance(0.1) ? `with w as (${query(random, deep - 1)}) ` : ''
  const where = () => (random.chance(0.8) ? ` where ${condition(sight, deep)}` : '')
  const set = () => {
    const text = texts[0]
    return text === undefined || random.chance(0.3)
      ? `${ints.at(-1)} = ${expression(sight, 'int', deep)}`
      : `${text} = ${expression(sight, 'text', deep)}`
  }
  switch (random.below(8)) {
    case 0:
    case 1: {
      const columns = [ints[0], texts[0]].filter(each => each !== undefined)
      const source = random.chance(0.5)
        ? `values (${1000 + random.below(9999)}${texts.length > 0 ? `, ${expression(apart, 'text', deep)}` : ''})`
        : select(context, deep, texts.length > 0 ? ['int', 'text'] : ['int'])
      const conflict = random.chance(0.15)
        ? random.of([
            ' on conflict do nothing',
            ` on conflict (id) do update set ${texts[0] ?? ints[0]} = excluded.${texts[0] ?? ints[0]}`,
          ])
        : ''
      return `${prefix}insert into ${name.replace('only ', '')} as z (${columns.join(', ')}) ${source}${conflict}${returning}`
    }
    case 2:
    case 3:
      return `${prefix}update ${name} z set ${set()}${where()}${returning}`
    case 4: {
      const other = random.of(relations)
      const joined = other.ints[0] ?? other.texts[0]
      const on = joined === undefined ? 'true' : `y.${joined} is not null`
      return `${prefix}update ${name} z set ${set()} from ${other.name} y where ${on} and z.${ints[0]} = 1${returning}`
    }
    case 5: {
      const other = random.of(relations)
      return `${prefix}delete from ${name} z using ${other.name} y${where()}${returning}`
    }
    case 6:
      return `${prefix}delete from ${name} z${where()}${returning}`
    default: {
      const source = random.chance(0.4)
        ? `(${select(context, deep - 1, ['int', 'text'])})`
        : '(select 1, null::text)'
      const text = texts[0] ?? ints[0]
      const whens = [
        'when matched then delete',
        `when matched and z.${ints[0]} > 1 then update set ${set()}`,
        `when not matched then insert (${ints[0]}, ${text}) values (s.a + 5000, ${texts[0] ? 's.b' : 's.a'})`,
        'when matched then do nothing',
        'when not matched then do nothing',
      ]
      // RETURNING of MERGE is newer than the older server.
      return `${prefix}merge into ${name} z using ${source} s(a, b) on z.${ints[0]} = s.a ${random.of(whens)} ${random.of(whens.slice(3))}`
    }
  }
}
