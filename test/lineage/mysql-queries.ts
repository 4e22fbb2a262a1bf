// Random queries for MariaDB over tables whose columns each carry a mark: names that hide each other, derived tables, CTEs,
// sub-queries that look outwards, aliases in every clause, unions, joins. Some the server refuses.
import type { Random } from '../differential/random.ts'

export const WORLD = `
create table t1 (id int primary key, a varchar(40), b varchar(40), c varchar(40));
create table t2 (id int primary key, a varchar(40), d varchar(40), s varchar(40) invisible);
create table T3 (c varchar(40), x varchar(40), g varchar(60) as (concat(x, '-')) stored);
insert into t1 values (1, 'qt1aq1', 'qt1bq1', 'qt1cq1'), (2, 'qt1aq2', 'qt1bq2', 'qt1cq2');
insert into t2 (id, a, d, s) values (1, 'qt2aq1', 'qt2dq1', 'qt2sq1'), (2, 'qt2aq2', 'qt2dq2', 'qt2sq2');
insert into T3 (c, x) values ('qt3cq1', 'qt3xq1'), ('qt3cq2', 'qt3xq2');
create table w (id int primary key auto_increment, x text, y text);
create view v1 as select a, concat(b, c) as d, id from t1;
create algorithm = temptable view v2 as select v1.d as x, t2.a from v1 join t2 using (id);
`

/** Mark → the column that it is of. */
export const marks: ReadonlyMap<string, string> = new Map([
  ['qt1aq', 'app.t1.a'],
  ['qt1bq', 'app.t1.b'],
  ['qt1cq', 'app.t1.c'],
  ['qt2aq', 'app.t2.a'],
  ['qt2dq', 'app.t2.d'],
  ['qt2sq', 'app.t2.s'],
  ['qt3cq', 'app.T3.c'],
  ['qt3xq', 'app.T3.x'],
])

interface Source {
  readonly alias: string
  readonly columns: readonly string[]
}

interface Query {
  readonly sql: string
  readonly columns: readonly string[]
}

const tables: readonly (readonly [name: string, columns: readonly string[]])[] = [
  ['t1', ['id', 'a', 'b', 'c']],
  ['t2', ['id', 'a', 'd']],
  ['T3', ['c', 'x', 'g']],
  ['v1', ['a', 'd', 'id']],
  ['v2', ['x', 'a']],
  ['app.t1', ['id', 'a', 'b', 'c']],
]
const ALIASES = ['s', 'S', 't', 't1', 'T1', 'v1', 'd']
const NAMES = ['a', 'b', 'A', 'c', 'd', 'x', 'y', 's']

export class MysqlQueries {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  query(depth: number, outer: readonly Source[] = [], width?: number): Query {
    const random = this.#random
    if (depth > 0 && random.chance(0.15)) return this.#union(depth - 1, outer, width)
    if (depth > 0 && random.chance(0.2)) return this.#with(depth - 1, outer, width)
    return this.#select(depth, outer, width, [])
  }

  /** A write to `w`. */
  write(): string {
    const random = this.#random
    const target: Source = { alias: 'w', columns: ['x', 'y'] }
    switch (random.below(5)) {
      case 0: {
        const { sql } = this.query(2, [], 2)
        return `insert into w (x, y) select * from (${sql}) q limit 3`
      }
      case 1: {
        const { sql, columns } = this.#select(1, [], 2, [])
        const name = random.of(columns)
        const value = random.of(['values(y)', 'values(x)', name, `concat(values(x), ${name})`, 'y'])
        return `insert into w (id, x) select 1, b from t1 limit 1 on duplicate key update y = (${sql} limit 1), x = ${value}`
      }
      case 2: {
        const { sql, sources } = this.#from(1, [])
        const value = random.of([this.#plain(sources), 'values(x)', 'x'])
        return `insert into w (id, x) select 1, ${this.#plain(sources)} from ${sql} limit 1 on duplicate key update y = ${value}`
      }
      case 3: {
        const { sql, source } = this.#source(1, [])
        const scope = [source, target]
        const of = random.of(['w.', ''])
        return `update w join ${sql} set ${of}x = ${this.#value(1, scope, [])}, w.y = ${this.#plain(scope)}`
      }
      default: {
        const { sql, source } = this.#source(1, [])
        return `replace into w (x, id, y) select ${this.#value(1, [source], [])}, 1, ${this.#plain([source])} from ${sql} limit 1`
      }
    }
  }

  #union(depth: number, outer: readonly Source[], width = 1 + this.#random.below(3)): Query {
    const random = this.#random
    const one = this.#select(depth, outer, width, [])
    const other = this.#select(depth, outer, width, [])
    const kind = random.of(['union', 'union all', 'union all', 'except', 'intersect'])
    const order = random.chance(0.3) ? ' order by 1 limit 5' : ''
    return { sql: `(${one.sql}) ${kind} (${other.sql})${order}`, columns: one.columns }
  }

  #with(depth: number, outer: readonly Source[], width?: number): Query {
    const random = this.#random
    const name = random.of(['k', 't1', 'T3', 'v1'])
    const inner = this.query(depth, [], undefined)
    const renamed = random.chance(0.4) && inner.columns.length <= 3
    const columns = renamed ? inner.columns.map((_, at) => `w${at}`) : inner.columns
    const list = renamed ? ` (${columns.join(', ')})` : ''
    const body = this.#select(depth, outer, width, [{ alias: name, columns }])
    return { sql: `with ${name}${list} as (${inner.sql}) ${body.sql}`, columns: body.columns }
  }

  #select(
    depth: number,
    outer: readonly Source[],
    width: number | undefined,
    ctes: readonly Source[],
  ): Query {
    const random = this.#random
    const { sql: from, sources } = this.#from(depth, ctes)
    const scope = [...sources, ...outer]
    const targets: string[] = []
    const columns: string[] = []
    const many = width ?? 1 + random.below(3)
    if (width === undefined && random.chance(0.15)) {
      targets.push(random.chance(0.5) ? '*' : `${random.of(sources).alias}.*`)
      columns.push(...NAMES.slice(0, 2))
    }
    for (let at = 0; at < many; at++) {
      const value = this.#value(depth, scope, columns)
      if (random.chance(0.7)) {
        const name = random.of(NAMES)
        targets.push(`${value} as ${random.chance(0.3) ? `\`${name}\`` : name}`)
        columns.push(name)
      } else {
        targets.push(value)
        columns.push(/^\w+$/.test(value) ? value : `\`${value}\``)
      }
    }
    const where = random.chance(0.15) ? ` where ${this.#condition(depth, scope)}` : ''
    const group = random.chance(0.1) ? ` group by ${this.#plain(scope)}` : ''
    const having = random.chance(0.1) ? ` having ${random.of(columns)} <> 'n'` : ''
    const order = random.chance(0.15)
      ? ` order by ${random.of(['1', `concat(${random.of(columns)}, '')`])}`
      : ''
    const limit = random.chance(0.2) ? ' limit 3' : ''
    const distinct = random.chance(0.1) ? 'distinct ' : ''
    return {
      sql: `select ${distinct}${targets.join(', ')} from ${from}${where}${group}${having}${order}${limit}`,
      columns,
    }
  }

  #from(
    depth: number,
    ctes: readonly Source[],
  ): { readonly sql: string; readonly sources: readonly Source[] } {
    const random = this.#random
    const first = this.#source(depth, ctes)
    if (!random.chance(0.4)) return { sql: first.sql, sources: [first.source] }
    const second = this.#source(depth, ctes)
    const shared = first.source.columns.filter(each => second.source.columns.includes(each))
    const how = random.of(['cross', 'comma', 'on', 'natural', 'using', 'right'])
    const sources = [first.source, second.source]
    if (how === 'comma') return { sql: `${first.sql}, ${second.sql}`, sources }
    if (how === 'natural')
      return {
        sql: `${first.sql} natural ${random.of(['', 'left', 'right'])} join ${second.sql}`,
        sources,
      }
    if (shared.length > 0 && (how === 'using' || how === 'right')) {
      const kind = how === 'right' ? 'right join' : random.of(['join', 'left join'])
      return { sql: `${first.sql} ${kind} ${second.sql} using (${random.of(shared)})`, sources }
    }
    if (how === 'on') return { sql: `${first.sql} left join ${second.sql} on 1`, sources }
    return { sql: `${first.sql} cross join ${second.sql}`, sources }
  }

  #source(
    depth: number,
    ctes: readonly Source[],
  ): { readonly sql: string; readonly source: Source } {
    const random = this.#random
    if (depth > 0 && random.chance(0.4)) {
      const inner = this.query(depth - 1, [], undefined)
      const alias = random.of(ALIASES)
      return { sql: `(${inner.sql}) ${alias}`, source: { alias, columns: inner.columns } }
    }
    const cte = random.chance(0.6) ? ctes[0] : undefined
    const [name, columns] =
      cte === undefined ? random.of(tables) : ([cte.alias, cte.columns] as const)
    if (random.chance(0.5)) {
      const alias = random.of(ALIASES)
      return {
        sql: `${name} ${random.chance(0.5) ? 'as ' : ''}${alias}`,
        source: { alias, columns },
      }
    }
    return { sql: name, source: { alias: name.split('.').at(-1) ?? name, columns } }
  }

  #plain(scope: readonly Source[]): string {
    const random = this.#random
    const source = random.of(scope)
    const column = random.chance(0.05) ? 's' : random.of(source.columns)
    if (random.chance(0.4)) return column
    const written = /^`/.test(column) || random.chance(0.8) ? column : column.toUpperCase()
    return random.chance(0.1) ? `app.${source.alias}.${written}` : `${source.alias}.${written}`
  }

  #value(depth: number, scope: readonly Source[], before: readonly string[]): string {
    const random = this.#random
    const plain = () => this.#plain(scope)
    if (random.chance(0.45)) return plain()
    if (depth > 0 && random.chance(0.35)) {
      if (before.length > 0 && random.chance(0.4)) return `(select ${random.of(before)})`
      const inner = this.query(depth - 1, scope, 1)
      return random.chance(0.85)
        ? `(select * from (${inner.sql} limit 1) q limit 1)`
        : `(${inner.sql} limit 1)`
    }
    if (depth > 0 && random.chance(0.2)) {
      return `(${this.#select(depth - 1, scope, 1, []).sql} limit 1)`
    }
    return random.of<() => string>([
      () => `concat(${plain()}, ${plain()})`,
      () => `ifnull(${plain()}, ${plain()})`,
      () => `if(${this.#condition(depth, scope)}, ${plain()}, ${plain()})`,
      () => `case when ${this.#condition(depth, scope)} then ${plain()} else 'n' end`,
      () => `coalesce(null, ${plain()})`,
      () => `lower(${plain()})`,
      () => `group_concat(${plain()} order by ${plain()} separator '/')`,
      () => `max(${plain()})`,
      () => `json_arrayagg(${plain()})`,
      () => `first_value(${plain()}) over (order by ${plain()})`,
      () => `lag(${plain()}) over (order by ${plain()})`,
      () => `cast(${plain()} as char)`,
      () => `${plain()} collate utf8mb4_bin`,
      () => `(${plain()})`,
      () => `@v := ${plain()}`,
      () => `greatest(${plain()}, 'a')`,
      () => `replace(${plain()}, 'z', ${plain()})`,
      () => `elt(1, ${plain()}, ${plain()})`,
      () => `nullif(${plain()}, 'x')`,
      () => `json_object('k', ${plain()})`,
      () => `count(${plain()})`,
      () => "'lit'",
    ])()
  }

  #condition(depth: number, scope: readonly Source[]): string {
    const random = this.#random
    const plain = this.#plain(scope)
    if (depth > 0 && random.chance(0.2)) return `exists (${this.query(depth - 1, scope, 1).sql})`
    return random.of([`${plain} <> 'n'`, `${plain} like 'q%'`, `${plain} is not null`, '1'])
  }
}
