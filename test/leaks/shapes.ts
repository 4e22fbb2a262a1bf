// The places in a query where an expression can stand. Each takes the same expression twice, over a classed column
// and over its twin, and says which columns of the answer must be hidden and which must be told.
import { type ExpressionKind, expressions, write } from './expressions.ts'
import { pairs, sources } from './schema.ts'

/** For each column of an answer: hidden, plain, or either (what may count as telling nothing). */
export type Expected = 'hidden' | 'plain' | 'either'

export interface Query {
  /** For the report: which place, which expression. */
  readonly shape: string
  readonly expression: string
  readonly sql: string
  /** In order; undefined: judged by its bytes alone. */
  readonly expected: readonly Expected[] | undefined
  /** Changes data: is undone after. */
  readonly writes: boolean
  readonly since: number
}

interface Shape {
  readonly name: string
  /** `H` and `Q` are the expressions, `FROM` is where alias p comes from. */
  readonly sql: string
  /** A letter a column: h(idden), q (plain), e(ither). */
  readonly columns: string
  readonly since: number
}

const scalarShapes = `
plain: hq: select H, Q from FROM p
misnamed: hq: select H as name, Q as ssn from FROM p
of one row: hq: select H, Q from FROM p where p.id = 1
sub-query: hq: select x.h, x.q from (select H as h, Q as q from FROM p) x
sub-query with names: hq: select b, a from (select H, Q from FROM p) x(b, a)
star of a sub-query: hq: select * from (select H as h, Q as q from FROM p) x
deep sub-query: qh: select c.q, c.h from (select * from (select b.h, b.q from (select H as h, Q as q from FROM p) b offset 0) a) c
with: hq: with x as (select H as h, Q as q from FROM p) select h, q from x
with, materialized: hq: with x (b, a) as materialized (select H, Q from FROM p) select x.b, x.a from x
with over with: hq: with x as (select H as h, Q as q from FROM p), y as (select q, h from x) select y.h, y.q from y, (select 1) o
recursive: hq: with recursive x(n, h, q) as (select 1, H, Q from FROM p union all select n + 1, h, q from x where n < 2) select h, q from x
union all: hq: select H, Q from FROM p union all select H, Q from FROM p where p.id = 1
union with constants: hq: select H, Q from FROM p union all select null, null
union: hq: select H, Q from FROM p union select H, Q from FROM p
intersect: hq: select H, Q from FROM p intersect select H, Q from FROM p
except: hq: select H, Q from FROM p except select H, Q from FROM p where p.id = 2
union in a sub-query: qh: select q, h from (select H as h, Q as q from FROM p union all select H, Q from FROM p) u
swapped union: hh: select H, Q from FROM p union all select Q, H from FROM p
lateral: hq: select l.h, l.q from FROM p, lateral (select H as h, Q as q) l
lateral values: hq: select l.h, l.q from FROM p cross join lateral (values (H, Q)) l(h, q)
left lateral: hq: select l.h, l.q from FROM p left join lateral (select H as h, Q as q offset 0) l on true
inner join: hqq: select H, Q, o.item from FROM p join orders o on o.person = p.id
left join: hqq: select H, Q, o.note from FROM p left join orders o on o.person = p.id and o.id < 3
right join: hqq: select H, Q, o.item from orders o right join FROM p on o.person = p.id
full join: hqq: select H, Q, o.item from FROM p full join orders o on o.person = p.id
cross join: hqq: select H, Q, t.label from FROM p cross join plain t
joined alias: qh: select j.q, j.h from ((select Q as q, H as h, p.id as person from FROM p) a join orders o using (person)) j
using: qhq: select id, H, Q from FROM p join plain t using (id)
natural: hq: select H, Q from FROM p natural join (select id, label from plain) t
self join: hq: select H, z.name from FROM p join people z on z.id = p.id
group by: hqq: select H, Q, count(*) from FROM p group by 1, 2
group by the whole: hqq: select H, Q, p.id from FROM p group by p.id, H, Q
having: hq: select H, Q from FROM p group by 1, 2 having count(*) > 0
rollup: he: select H, count(*) from FROM p group by rollup (H)
distinct: hq: select distinct H, Q from FROM p
distinct on: hq: select distinct on (p.id) H, Q from FROM p order by p.id
order by: qh: select Q, H from FROM p order by p.id
limit: hq: select H, Q from FROM p order by p.id limit 2 offset 1
window beside: hqq: select H, Q, row_number() over (order by p.id) from FROM p
scalar sub-query: hq: select (select H from FROM p where p.id = 1), (select Q from FROM p where p.id = 1)
correlated: hqq: select (select H from people p where p.id = o.person), (select Q from people p where p.id = o.person), o.item from orders o
array sub-query: hq: select array(select H from FROM p), array(select Q from FROM p)
in a row: hq: select row(p.id, H), row(p.id, Q) from FROM p
in json: hq: select json_build_object('a', H), json_build_object('a', Q) from FROM p
in coalesce: hq: select coalesce(H, null), coalesce(Q, null) from FROM p
in case: hq: select case when p.id > 0 then H end, case when p.id > 0 then Q end from FROM p
fetch first: hq: select H, Q from FROM p order by p.id fetch first 2 rows with ties
locking: hq: select H, Q from people p for update
tablesample: hq: select H, Q from people p tablesample system (100)
function: hq: select H, Q from people_rows() p
rows from: hq: select H, Q from rows from (people_rows()) p
update returning: hq: update people p set name = name returning H, Q
update from: hqq: update orders o set item = o.item from FROM p where p.id = o.person returning H, Q, o.item
delete returning: hq: delete from people p where p.id < 3 returning H, Q
delete using: hqq: delete from orders o using FROM p where p.id = o.person returning H, Q, item
insert returning: hq: insert into twins as p (id, COLUMNS) select p.id + 70, COLUMNS from only people p returning H, Q
with update: hq: with x as (update people p set name = name returning H as h, Q as q) select h, q from x
with delete: hq: with x as (delete from people p returning H as h, Q as q) select x.h, x.q from x
18 returning old: hq: update people p set name = name returning with (old as p0) H, Q
18 merge returning: hq: merge into orders o using FROM p on o.person = p.id when matched then update set item = o.item returning H, Q
`

const aggregateShapes = `
aggregate: hq: select H, Q from FROM p
grouped: qhq: select p.id, H, Q from FROM p group by p.id
grouped in a sub-query: hq: select x.h, x.q from (select H as h, Q as q from FROM p group by p.id) x
aggregate in with: qh: with x as (select H as h, Q as q from FROM p) select q, h from x
scalar aggregate: hq: select (select H from FROM p), (select Q from FROM p)
correlated aggregate: hqq: select (select H from people p where p.id >= o.person), (select Q from people p where p.id >= o.person), o.item from orders o
lateral aggregate: hq: select l.h, l.q from plain t, lateral (select H as h, Q as q from FROM p where p.id >= t.id) l
aggregate with having: hq: select H, Q from FROM p having count(*) > 0
grouping sets: hqe: select H, Q, count(*) from FROM p group by grouping sets ((p.id), ())
joined aggregate: hqq: select H, Q, o.item from FROM p join orders o on o.person = p.id group by o.item
union of aggregates: hq: select H, Q from FROM p union all select H, Q from FROM p where p.id = 1
aggregate of a sub-query: hq: select H, Q from (select * from FROM z offset 0) p
`

const windowShapes = `
window: hq: select H, Q from FROM p WINDOW
window in a sub-query: qh: select q, h from (select H as h, Q as q from FROM p WINDOW) x
window in with: hq: with x as (select H as h, Q as q from FROM p WINDOW) select h, q from x
window over a join: hqq: select H, Q, o.item from FROM p join orders o on o.person = p.id WINDOW
window and limit: hq: select H, Q from FROM p WINDOW order by p.id limit 2
`

const setShapes = `
set-returning: hq: select H, Q from FROM p
set-returning in a sub-query: hq: select h, q from (select H as h, Q as q from FROM p) x
set-returning, lateral: hq: select l.h, l.q from FROM p, lateral (select H as h, Q as q) l
set-returning in with: qh: with x as (select H as h, Q as q from FROM p) select q, h from x
`

function parse(list: string): Shape[] {
  return list
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [, since = '0', name = '', columns = '', sql = ''] =
        /^(?:(\d\d) )?(.*?): ([hqe]+): (.*)$/.exec(line) ?? []
      return { name, columns, sql, since: Number(since) }
    })
}

const shapes: Readonly<Record<ExpressionKind, readonly Shape[]>> = {
  scalar: parse(scalarShapes),
  aggregate: parse(aggregateShapes),
  window: parse(windowShapes),
  set: parse(setShapes),
}

const columns = pairs.flatMap(({ hidden, plain }) => [hidden, plain]).join(', ')
const letters = { h: 'hidden', q: 'plain', e: 'either' } as const
const twinOf = new Map(pairs.map(({ hidden, plain }) => [hidden, plain]))

/**
 * Every expression in every place, each from one of the sources in turn. `share`: one of so many of them. What is
 * made of the column `shown` alone is no secret.
 */
export function generated(share: number, shown?: string): readonly Query[] {
  const queries: Query[] = []
  let turn = 0
  for (const { sql, kind, on, since, probes } of expressions) {
    // What no column is asked in is the whole row.
    const whole = !sql.includes('§')
    for (const shape of shapes[kind]) {
      turn += 1
      // Shifted with each round, so that no place always meets the same source.
      if (turn % share !== 0) continue
      const from = sources[(turn + Math.floor(turn / 97)) % sources.length] ?? 'people'
      const source = from.startsWith('only') && /\bz\b/.test(shape.sql) ? 'people' : from
      const window = /\bover w\b/.test(sql) ? 'window w as (order by p.id)' : ''
      queries.push({
        shape: shape.name,
        expression: `${on}: ${sql}`,
        sql: shape.sql
          .replaceAll('FROM', source)
          .replaceAll('WINDOW', window)
          .replaceAll('COLUMNS', columns)
          .replaceAll(/\bH\b/g, () => write(sql, `p.${on}`))
          .replaceAll(/\bQ\b/g, () => write(sql, `p.${twinOf.get(on)}`)),
        expected: [...shape.columns].map(letter => {
          if ((whole && letter === 'q') || (probes && letter === 'h')) return 'either'
          if (on === shown && !whole && letter === 'h') return 'plain'
          return letters[letter as keyof typeof letters]
        }),
        writes: /^(update|delete|insert|merge)\b|\b(update people|delete from|for update)\b/.test(
          shape.sql,
        ),
        since: Math.max(since, shape.since),
      })
    }
  }
  return queries
}
