// Random statements that write into `w1` (id, x, y), or make a table `copied`, out of the marked tables.
import type { Random } from '../differential/random.ts'
import type { Queries, Source } from './queries.ts'

const W1: Source = { alias: 'w1', columns: ['x', 'y'], id: true, row: true }

export class Writes {
  readonly #random: Random
  readonly #queries: Queries
  readonly #modern: boolean

  constructor(random: Random, queries: Queries, modern: boolean) {
    this.#random = random
    this.#queries = queries
    this.#modern = modern
  }

  statement(): string {
    const random = this.#random
    const made = random.of([
      () => this.#insert(),
      () => this.#insert(),
      () => this.#update(),
      () => this.#update(),
      () => this.#delete(),
      () => this.#merge(),
      () => this.#cte(),
      () => this.#copied(),
    ])
    return made()
  }

  #insert(): string {
    const random = this.#random
    const queries = this.#queries
    const numbered = (sql: string): string =>
      `select (row_number() over ())::int + ${random.of([0, 100])}, z.* from (${sql}) z (m, n)`
    const sources: readonly (() => string)[] = [
      () => `(id, x, y) ${numbered(queries.query(2, [], 2).sql)}`,
      () => numbered(queries.query(2, [], 2).sql),
      () =>
        `(y, x, id) select z.*, (row_number() over ())::int from (${queries.query(1, [], 2).sql}) z (m, n)`,
      () => `(id, y) select 200, max(m) from (${queries.query(2, [], 1).sql}) z (m)`,
      () =>
        `values (300, (${queries.scalar(1, [])}), default), (301, 'x', (${queries.scalar(1, [])}))`,
    ]
    const e = (): string => queries.text(1, [W1, { ...W1, alias: 'excluded' }])
    const conflict = random.chance(0.5)
      ? random.of([
          'on conflict (id) do nothing',
          `on conflict (id) do update set x = ${e()}, y = excluded.x`,
          `on conflict (id) do update set (x, y) = (${e()}, ${e()}) where w1.x > 'a'`,
          `on conflict (id) do update set y = (${queries.scalar(1, [W1])})`,
        ])
      : ''
    return `insert into w1 ${random.of(sources)()} ${conflict} ${this.#returning([W1])}`
  }

  #returning(scope: readonly Source[]): string {
    const random = this.#random
    if (random.chance(0.3)) return ''
    const old: readonly Source[] = this.#modern
      ? [
          { ...W1, alias: 'old' },
          { ...W1, alias: 'new' },
        ]
      : []
    const all = [...scope, ...(random.chance(0.5) ? old : [])]
    const star = random.chance(0.3) ? '*, ' : ''
    return `returning ${star}${this.#queries.text(2, all)} as one, ${this.#queries.column(all)}`
  }

  #update(): string {
    const random = this.#random
    const queries = this.#queries
    const alias = random.chance(0.4) ? 'w' : undefined
    const target = { ...W1, alias: alias ?? 'w1' }
    const from = random.chance(0.7) ? queries.from(1, []) : { sql: '', sources: [] }
    const scope = [target, ...from.sources]
    const set = random.of([
      () => `x = ${queries.text(2, scope)}`,
      () => `x = ${queries.text(1, scope)}, y = ${queries.text(1, scope)}`,
      () => `(x, y) = (${queries.query(1, scope, 2).sql} limit 1)`,
      () => `(y, x) = row(${queries.text(1, scope)}, ${queries.text(1, scope)})`,
      () => `x = y, y = x`,
    ])()
    const rest = from.sql === '' ? '' : `from ${from.sql}`
    return `update w1 ${alias ?? ''} set ${set} ${rest} ${this.#returning(scope)}`
  }

  #delete(): string {
    const from = this.#queries.from(1, [])
    return `delete from w1 using ${from.sql} ${this.#returning([W1, ...from.sources])}`
  }

  #merge(): string {
    const random = this.#random
    const queries = this.#queries
    const source = queries.query(1, [], 2).sql
    const from: Source = { alias: 'src', columns: ['m', 'n'], id: false, row: true }
    const e = (): string => queries.text(1, [W1, from])
    const s = (): string => queries.text(1, [from])
    const actions = [
      random.chance(0.3) ? `when matched and ${e()} > 'a' then update set y = ${e()}` : '',
      `when matched then update set x = ${e()}`,
      random.chance(0.7)
        ? `when not matched then insert (id, y, x) values (src.i + 500, ${s()}, ${s()})`
        : `when not matched then insert values (src.i + 500, ${s()})`,
    ]
    const returning = this.#modern ? this.#returning([from, W1]) : ''
    return `merge into w1 using (select (row_number() over ())::int + 1 as i, z.* from (${source}) z (m, n)) src on src.i = w1.id ${actions.join(' ')} ${returning}`
  }

  #cte(): string {
    const random = this.#random
    const write = random.of([
      () => `update w1 set x = ${this.#queries.text(1, [W1])} returning x as m, y as n`,
      () =>
        `insert into w1 select (row_number() over ())::int + 700, z.* from (${this.#queries.query(1, [], 2).sql}) z (m, n) returning y as m, x || '' as n`,
      () => `delete from w1 where id < 3 returning w1::text as m, y as n`,
    ])()
    const scope: Source = { alias: 'd', columns: ['m', 'n'], id: false, row: true }
    return `with d as (${write}) select ${this.#queries.text(1, [scope])} as one, d.n from d`
  }

  #copied(): string {
    const { sql } = this.#queries.query(2, [], 2)
    return this.#random.of([
      `create table copied as select * from (${sql}) z (m, n)`,
      `select * into copied from (${sql}) z (m, n)`,
    ])
  }
}
