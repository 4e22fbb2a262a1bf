// Random queries over the marked tables: every shape of FROM, expression and clause that can carry a value, nested
// in each other. Columns are text, so that whatever comes out can be searched. Some queries the server refuses.
import type { Random } from '../differential/random.ts'
import { tables } from './world.ts'

/** What stands in FROM: its alias, its text columns, and whether it has an `id`. */
export interface Source {
  readonly alias: string
  readonly columns: readonly string[]
  readonly id: boolean
  /** A row of it can be turned into JSON and the like. */
  readonly row: boolean
}

interface Query {
  readonly sql: string
  /** Names of its columns; none of a name twice, or the query around it could not name it. */
  readonly columns: readonly string[]
}

const NAMES = ['a', 'b', 'c', 'd', 'x', 'u', 'z']
const ALIASES = ['s', 't', 'r', 't1', 'a']

export class Queries {
  readonly #random: Random
  readonly #modern: boolean
  #names = 0

  /** `modern`: PostgreSQL 17 or later (JSON_TABLE, MERGE ... RETURNING). */
  constructor(random: Random, modern: boolean) {
    this.#random = random
    this.#modern = modern
  }

  /** A query of some depth. `outer`: what it may refer to besides. */
  query(depth: number, outer: readonly Source[] = [], width?: number): Query {
    const random = this.#random
    if (depth > 0 && random.chance(0.16)) return this.#setOperation(depth - 1, outer, width)
    if (depth > 0 && random.chance(0.16)) return this.#withCte(depth - 1, outer, width)
    if (random.chance(0.04)) return this.#values(depth, outer, width)
    return this.#select(depth, outer, width)
  }

  #select(
    depth: number,
    outer: readonly Source[],
    width?: number,
    ctes: readonly Source[] = [],
  ): Query {
    const random = this.#random
    const { sql: from, sources } = this.from(depth, outer, ctes)
    const scope = [...sources, ...outer]
    const targets: string[] = []
    const columns: string[] = []
    if (width === undefined && random.chance(0.2)) {
      const source = random.of(sources)
      const star = random.chance(0.5) ? '*' : `${source.alias}.*`
      const shown = star === '*' ? sources : [source]
      // (An `id` comes along: it is no text, and nobody asks for it by name.)
      targets.push(star)
      columns.push(...shown.flatMap(each => each.columns))
    }
    const grouped = random.chance(0.12)
    const count = width ?? 1 + random.below(3)
    for (let index = 0; index < count; index++) {
      const expression = grouped ? this.aggregate(depth, scope) : this.text(depth, scope)
      const name = random.chance(0.6) ? random.of(NAMES) : undefined
      const bare = /^(?:\w+\.)?([a-z]\w*)$/.exec(expression)?.[1]
      columns.push(name ?? bare ?? '?')
      targets.push(name === undefined ? expression : `${expression} as ${name}`)
    }
    const clauses: string[] = []
    if (random.chance(0.15)) clauses.push(`where ${this.condition(depth, scope)}`)
    if (!grouped && random.chance(0.1)) clauses.push('order by 1')
    if (random.chance(0.05)) clauses.push('limit 5')
    const distinct = !grouped && random.chance(0.08) ? 'distinct ' : ''
    return {
      sql: `select ${distinct}${targets.join(', ')} from ${from} ${clauses.join(' ')}`,
      columns,
    }
  }

  #setOperation(depth: number, outer: readonly Source[], width?: number): Query {
    const random = this.#random
    const columns = width ?? 1 + random.below(3)
    const one = this.query(depth, outer, columns)
    const other = this.query(depth, outer, columns)
    const kind = random.of(['union all', 'union', 'union all', 'except', 'intersect'])
    return { sql: `(${one.sql}) ${kind} (${other.sql})`, columns: one.columns }
  }

  #withCte(depth: number, outer: readonly Source[], width?: number): Query {
    const random = this.#random
    // It may hide a table.
    const name = random.of(['c1', 'c2', 't1', 't2', 'v1'])
    if (random.chance(0.3)) return this.#recursive(name, depth, outer, width)
    const inner = this.query(depth, outer)
    const renamed = random.chance(0.3) ? inner.columns.map((_, index) => `n${index}`) : undefined
    const list = renamed === undefined || renamed.length === 0 ? '' : ` (${renamed.join(', ')})`
    const source = {
      alias: name,
      columns: list === '' ? inner.columns : (renamed ?? []),
      id: false,
      row: true,
    }
    const body = this.#select(depth, outer, width, [source])
    const how = random.of(['', 'materialized ', 'not materialized '])
    return { sql: `with ${name}${list} as ${how}(${inner.sql}) ${body.sql}`, columns: body.columns }
  }

  #recursive(name: string, depth: number, outer: readonly Source[], width?: number): Query {
    const random = this.#random
    const base = this.query(Math.max(0, depth - 1), outer, 2)
    const turned = random.of(['p, q', 'q, p', `p || '', q`, `q, 'x'`, 'coalesce(q, p), p'])
    const all = random.of(['union all', 'union'])
    const source = { alias: name, columns: ['p', 'q'], id: false, row: true }
    const body = this.#select(depth, outer, width, [source])
    return {
      sql: `with recursive ${name} (n, p, q) as (select 1, z1.* from (${base.sql}) z1 ${all} select n + 1, ${turned} from ${name} where n < 3) ${body.sql}`,
      columns: body.columns,
    }
  }

  #values(depth: number, outer: readonly Source[], width?: number): Query {
    const count = width ?? 1 + this.#random.below(2)
    const row = (): string =>
      `(${Array.from({ length: count }, () => (outer.length === 0 ? `(${this.scalar(0, outer)})` : this.text(Math.min(depth, 1), outer))).join(', ')})`
    return {
      sql: `values ${row()}, ${row()}`,
      columns: Array.from({ length: count }, (_, index) => `column${index + 1}`),
    }
  }

  /** FROM: its text, and what it gives names to. */
  from(
    depth: number,
    outer: readonly Source[],
    ctes: readonly Source[] = [],
  ): { readonly sql: string; readonly sources: readonly Source[] } {
    const random = this.#random
    const first = this.#item(depth, outer, [], ctes)
    const sources = [...first.sources]
    let sql = first.sql
    const more = random.chance(0.45) ? 1 + random.below(2) : 0
    for (let index = 0; index < more; index++) {
      const next = this.#item(Math.max(0, depth - 1), outer, sources, ctes)
      const joined = this.#joined(sql, sources, next)
      sql = joined.sql
      sources.splice(0, sources.length, ...joined.sources)
    }
    return { sql, sources }
  }

  #joined(
    left: string,
    sources: readonly Source[],
    right: { readonly sql: string; readonly sources: readonly Source[] },
  ): { readonly sql: string; readonly sources: readonly Source[] } {
    const random = this.#random
    const both = [...sources, ...right.sources]
    const kind = random.of(['join', 'join', 'left join', 'full join', 'right join'])
    const ids = sources.at(-1)?.id === true && right.sources.every(each => each.id)
    const choice = random.below(6 + 1)
    if (choice < 2) return { sql: `${left}, ${right.sql}`, sources: both }
    if (choice === 2) return { sql: `${left} cross join ${right.sql}`, sources: both }
    if (!ids || choice === 3) return { sql: `${left} join ${right.sql} on true`, sources: both }
    const shared = sources[0]?.columns.find(each => right.sources[0]?.columns.includes(each))
    if (choice === 4) {
      const list = shared !== undefined && random.chance(0.3) ? `id, ${shared}` : 'id'
      return this.#aliased(`${left} ${kind} ${right.sql} using (${list})`, both)
    }
    if (choice === 5) return this.#aliased(`${left} natural ${kind} ${right.sql}`, both)
    const [one, two] = [sources.at(-1)?.alias, right.sources[0]?.alias]
    return this.#aliased(`${left} ${kind} ${right.sql} on ${one}.id = ${two}.id`, both)
  }

  /** A join may have an alias, which hides what is in it. */
  #aliased(
    sql: string,
    sources: readonly Source[],
  ): { readonly sql: string; readonly sources: readonly Source[] } {
    if (!this.#random.chance(0.2) || !/ join /.test(sql)) return { sql, sources }
    const alias = this.#alias()
    const columns = [...new Set(sources.flatMap(each => each.columns))]
    return { sql: `(${sql}) ${alias}`, sources: [{ alias, columns, id: true, row: true }] }
  }

  #alias(): string {
    const random = this.#random
    return random.chance(0.25) ? random.of(ALIASES) : `s${this.#names++}`
  }

  #item(
    depth: number,
    outer: readonly Source[],
    beside: readonly Source[],
    ctes: readonly Source[],
  ): { readonly sql: string; readonly sources: readonly Source[] } {
    const random = this.#random
    const alias = this.#alias()
    const choice = random.below(9 + 1)
    if (ctes.length > 0 && (choice < 4 || beside.length === 0)) {
      const cte = random.of(ctes)
      if (random.chance(0.5)) return { sql: cte.alias, sources: [cte] }
      return { sql: `${cte.alias} ${alias}`, sources: [{ ...cte, alias }] }
    }
    if (depth > 0 && choice < 3) {
      const lateral = beside.length > 0 && random.chance(0.5)
      const inner = this.query(depth - 1, lateral ? [...beside, ...outer] : outer)
      const renamed = random.chance(0.25)
      const columns = renamed ? inner.columns.map((_, index) => `r${index}`) : inner.columns
      const list = renamed ? ` (${columns.join(', ')})` : ''
      return {
        sql: `${lateral ? 'lateral ' : ''}(${inner.sql}) ${alias}${list}`,
        sources: [{ alias, columns, id: false, row: true }],
      }
    }
    const scope = [...beside, ...outer]
    if (choice < 5 && scope.length > 0) return this.#function(alias, scope, depth)
    const table = random.of(Object.keys(tables))
    const columns = tables[table] ?? []
    const style = random.below(5 + 1)
    if (style === 0)
      return { sql: table, sources: [{ alias: table, columns, id: true, row: true }] }
    if (style === 1) {
      const renamed = columns.map((_, index) => (index === 0 ? 'id2' : random.of(NAMES)))
      // (The first column is `id`: the list names the first columns of the table.)
      const list = ['i', ...renamed.slice(1)]
      const names = [...list.slice(1), ...columns.slice(list.length - 1)]
      return {
        sql: `${table} as ${alias} (${list.join(', ')})`,
        sources: [{ alias, columns: names, id: false, row: true }],
      }
    }
    if (style === 2)
      return { sql: `only ${table} ${alias}`, sources: [{ alias, columns, id: true, row: true }] }
    if (style === 3)
      return { sql: `public.${table}`, sources: [{ alias: table, columns, id: true, row: true }] }
    return { sql: `${table} as ${alias}`, sources: [{ alias, columns, id: true, row: true }] }
  }

  /** A function over what stands to its left, or around the query. */
  #function(
    alias: string,
    scope: readonly Source[],
    depth: number,
  ): { readonly sql: string; readonly sources: readonly Source[] } {
    const random = this.#random
    const e = this.text(Math.max(0, depth - 1), scope)
    const f = this.text(0, scope)
    const source = random.of(scope)
    const of = (columns: readonly string[], row = true): readonly Source[] => [
      { alias, columns, id: false, row },
    ]
    const whole = source.row ? source.alias : 'null::record'
    const choices: readonly (() => { sql: string; sources: readonly Source[] })[] = [
      () => ({ sql: `unnest(array[${e}, ${f}]) ${alias}`, sources: of([alias], false) }),
      () => ({ sql: `unnest(array[${e}], array[${f}]) ${alias} (u, x)`, sources: of(['u', 'x']) }),
      () => ({
        sql: `jsonb_each_text(to_jsonb(${whole})) ${alias}`,
        sources: of(['key', 'value']),
      }),
      () => ({
        sql: `json_to_recordset(json_build_array(row_to_json(${whole}))) as ${alias} (a text, b text)`,
        sources: of(['a', 'b']),
      }),
      () => ({ sql: `string_to_table(${e}, '~') ${alias}`, sources: of([alias], false) }),
      () => ({
        sql: `string_to_table(${e}, '~') with ordinality as ${alias} (w, n)`,
        sources: of(['w']),
      }),
      () => ({
        sql: `rows from (string_to_table(${e}, '~'), unnest(array[${f}])) as ${alias} (a, b)`,
        sources: of(['a', 'b']),
      }),
      () => ({
        sql: `jsonb_populate_record(null::t1, to_jsonb(${whole})) ${alias}`,
        sources: of(['a', 'b', 'c']),
      }),
      () => ({ sql: `regexp_matches(${e}, '.*') ${alias} (m)`, sources: of([]) }),
      () => ({
        sql: `xmltable('/r' passing xmlelement(name r, ${e}) columns x text path '.', b text path 'no' default ${f}) ${alias}`,
        sources: of(['x', 'b']),
      }),
      () => ({
        sql: `lateral (values (${e}, ${f}), (${f}, ${e})) ${alias} (p, q)`,
        sources: of(['p', 'q']),
      }),
      () => ({ sql: `concat(${e}, ${f}) ${alias}`, sources: of([alias], false) }),
      () => ({ sql: `coalesce(${e}, ${f}) ${alias}`, sources: of([alias], false) }),
      ...(this.#modern
        ? [
            () => ({
              sql: `json_table(jsonb_build_object('k', ${e}), '$' columns (o for ordinality, a text path '$.k', nested path '$.k' columns (b text path '$'))) ${alias}`,
              sources: of(['a', 'b']),
            }),
          ]
        : []),
    ]
    return random.of(choices)()
  }

  /** A column of the scope, as a name. */
  column(scope: readonly Source[]): string {
    const random = this.#random
    const source = random.of(scope)
    if (source.columns.length === 0) return `'none'`
    const name = random.of(source.columns)
    if (name === '?') return `'unnamed'`
    return random.chance(0.3) ? name : `${source.alias}.${name}`
  }

  /** An expression of type text. */
  text(depth: number, scope: readonly Source[]): string {
    const random = this.#random
    if (scope.length === 0) return `'nothing'`
    if (depth <= 0 || random.chance(0.35)) return this.column(scope)
    const e = (): string => this.text(depth - 1, scope)
    const source = random.of(scope)
    const row = source.row ? source.alias : `row(${this.column(scope)})`
    const choices: readonly (() => string)[] = [
      () => `upper(${e()})`,
      () => `(${e()} || '-' || ${e()})`,
      () => `coalesce(null, ${e()}, ${e()})`,
      () => `case when length(${e()}) > 3 then ${e()} else ${e()} end`,
      () => `case ${e()} when 'x' then ${e()} else ${e()} end`,
      () => `nullif(${e()}, 'x')`,
      () => `greatest(${e()}, ${e()})`,
      () => `least(${e()}, ${e()})`,
      () => `(${e()})::varchar`,
      () => `cast(${e()} as text)`,
      () => `(${e()} collate "C")`,
      () => `concat_ws(',', ${e()}, ${e()})`,
      () => `format('%s/%s', ${e()}, ${e()})`,
      () => `(array[${e()}, ${e()}])[${1 + random.below(2)}]`,
      () => `array_to_string(array[${e()}, ${e()}], ',')`,
      () => `(row(${e()}, ${e()})).f${1 + random.below(2)}`,
      () => `row(${e()}, ${e()})::text`,
      () => `(row(${e()}, ${e()})::pair).l`,
      () => `(json_build_object('k', ${e()}, 'l', ${e()}) ->> 'k')`,
      () => `jsonb_build_object(coalesce(${e()}, 'k'), ${e()})::text`,
      () => `row_to_json(${row})::text`,
      () => `to_jsonb(${row})::text`,
      () => `(${row})::text`,
      () => `(to_jsonb(${row}) ->> '${random.of(NAMES)}')`,
      () =>
        source.row && source.columns.length > 0
          ? `(${source.alias}).${random.of(source.columns)}`
          : e(),
      () => (source.row ? `(${source.alias}.*)::text` : e()),
      () => (source.row ? `${source.alias}.to_jsonb::text` : e()),
      () => (source.row ? `json_build_array(${source.alias})::text` : e()),
      () => `(${this.scalar(depth - 1, scope)})`,
      () => `(${this.scalar(depth - 1, scope)})`,
      () => `array(${this.query(depth - 1, scope, 1).sql})::text`,
      () => `(select string_agg(g, ',') from (${this.query(depth - 1, scope, 1).sql}) q (g))`,
      () => `(select row_to_json(q)::text from (${this.query(depth - 1, scope).sql}) q limit 1)`,
      () => `(select (q).g from (${this.query(depth - 1, scope, 1).sql}) q (g) limit 1)`,
      () => `first_value(${e()}) over (order by ${e()})`,
      () => `lag(${e()}, 1, ${e()}) over (partition by ${e()} order by 1)`,
      () => `string_agg(${e()}, ',') over ()`,
      () => `xmlelement(name n, xmlattributes(${e()} as z), ${e()})::text`,
      () => `xmlforest(${e()} as k)::text`,
      () => `encode(convert_to(${e()}, 'UTF8'), 'escape')`,
      () => `replace(${e()}, 'zz', ${e()})`,
      () => `split_part(${e()}, '~', 1)`,
      () => `string_to_array(${e()}, '~')::text`,
      () => `jsonb_path_query_first(jsonb_build_object('k', ${e()}), '$.k')::text`,
      () => `(${e()} in (${this.query(depth - 1, scope, 1).sql}))::text`,
      () => `exists (${this.query(depth - 1, scope).sql})::text`,
      () => `concat(variadic array[${e()}, ${e()}])`,
      ...(this.#modern
        ? [
            () => `json_object('k': ${e()}, 'l' value ${e()})::text`,
            () => `json_array(${e()}, ${e()})::text`,
            () => `json_array(${this.query(depth - 1, scope, 1).sql})::text`,
            () => `json_value(jsonb_build_object('k', ${e()}), '$.k' default ${e()} on empty)`,
            () => `json_query(jsonb_build_object('k', ${e()}), '$.k')::text`,
          ]
        : []),
    ]
    return random.of(choices)()
  }

  /** An expression over many rows. */
  aggregate(depth: number, scope: readonly Source[]): string {
    const random = this.#random
    const e = (): string => this.text(Math.min(depth, 1), scope)
    const source = random.of(scope)
    const row = source.row ? source.alias : this.column(scope)
    const choices: readonly (() => string)[] = [
      () => `max(${e()})`,
      () => `string_agg(${e()}, ',' order by ${e()})`,
      () => `array_agg(${e()})::text`,
      () => `json_agg(${row})::text`,
      () => `jsonb_object_agg(coalesce(${e()}, 'k'), ${e()})::text`,
      () => `count(${e()})::text`,
      () => `min(${e()}) filter (where ${e()} > 'a')`,
      () => `mode() within group (order by ${e()})`,
      () => `xmlagg(xmlelement(name n, ${e()}))::text`,
      () => `upper(max(${e()}))`,
      ...(this.#modern ? [() => `any_value(${e()})`, () => `json_arrayagg(${e()})::text`] : []),
    ]
    return random.of(choices)()
  }

  scalar(depth: number, outer: readonly Source[]): string {
    const { sql } = this.query(depth, outer, 1)
    return `select * from (${sql}) one limit 1`
  }

  condition(depth: number, scope: readonly Source[]): string {
    const random = this.#random
    const e = (): string => this.text(Math.min(depth, 1), scope)
    const choices: readonly (() => string)[] = [
      () => `${e()} > 'a'`,
      () => `${e()} is not null`,
      () => `length(${e()}) > 2`,
      () => `${e()} like 'q%'`,
      () => `not (${e()} = 'nobody')`,
    ]
    return random.of(choices)()
  }
}
