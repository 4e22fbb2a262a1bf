// What reading a statement's text costs, in process and without sockets: one that was read before, and a new one,
// names and lineage included. Measured in the thread's own CPU time, so that a busy machine does not count.
import {
  createPostgresAnalyser,
  type Names,
  type RelationName,
  type ResolvedRelation,
  toStatement,
} from '#engines/sql'
import { quantile } from './method.ts'
import type { Line } from './report.ts'

/** A shop of the usual size: what texts are resolved by. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  customers: ['id', 'name', 'email', 'phone', 'country', 'created_at'],
  orders: ['id', 'customer_id', 'status', 'total', 'placed_at', 'note'],
  order_items: ['order_id', 'product_id', 'quantity', 'price'],
  products: ['id', 'sku', 'title', 'category', 'stock'],
}

/** What applications and analysts send, as often as they send it: `N` makes each text a new one. */
const TYPICAL = [
  'select id, name, email from customers where id = N',
  "update orders set status = 'paid', note = 'by N' where id = N and status = 'open'",
  'insert into order_items (order_id, product_id, quantity, price) values (N, 7, 2, 19.90)',
  'select o.id, o.total, c.name, c.email from orders o join customers c on c.id = o.customer_id where o.status = $1 order by o.placed_at desc limit 20',
  `select c.country, count(*) as orders, sum(i.quantity * i.price) as revenue from orders o
   join customers c on c.id = o.customer_id join order_items i on i.order_id = o.id
   where o.placed_at >= now() - interval '30 days' group by c.country having count(*) > 3 order by revenue desc`,
  `with recent as (select customer_id, max(placed_at) as last from orders group by customer_id)
   select c.id, c.email, r.last from customers c left join recent r on r.customer_id = c.id where r.last is null or r.last < $1`,
] as const

const NEW_EACH = 300
const REPEATED = 500_000

function shop(): Names {
  const names: Names = {
    resolve: ({ schema, name }: RelationName): readonly ResolvedRelation[] => {
      const columns = TABLES[name]
      if (columns === undefined || (schema ?? 'public') !== 'public') return []
      return [{ object: `public.${name}`, kind: 'table', columns }]
    },
    withSearchPath: () => names,
  }
  return names
}

/** Microseconds of CPU for one call, over `count` calls. */
function cost(count: number, call: (index: number) => void): number {
  const before = process.threadCpuUsage()
  for (let index = 0; index < count; index++) call(index)
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / count
}

export async function analysisLines(): Promise<Line[]> {
  const analyser = await createPostgresAnalyser()
  const names = shop()
  const read = (text: string): void => {
    const analysis = analyser.analyse(text)
    if (!analysis.readable) throw new Error(`the text is not read: ${text}`)
    toStatement(analysis, names, { phase: 'execute', text })
  }
  // The comment makes it a text that was never read: one with other literals alone is known by its shape.
  const fresh = (text: string, index: number): string =>
    `${text.replaceAll('N', String(index))} -- ${index}`
  const kinds: number[] = []
  for (const text of TYPICAL) {
    cost(NEW_EACH, index => read(fresh(text, index)))
    kinds.push(cost(NEW_EACH, index => read(fresh(text, NEW_EACH + index))))
  }
  // A string of its own each time, as it comes from the wire.
  const known = TYPICAL.map(text => Buffer.from(fresh(text, 0)))
  const again = (index: number): void =>
    void analyser.analyse((known[index % known.length] as Buffer).toString('utf8'))
  cost(REPEATED, again)
  const repeated = Math.min(...[0, 1, 2].map(() => cost(REPEATED, again)))
  const typical = quantile(kinds, 0.5)
  return [
    line('a repeated statement', repeated, 2, 'kept by its exact text'),
    line(
      'a new typical statement',
      typical,
      150,
      `lineage included; ${TYPICAL.length} kinds, ${kinds.map(each => each.toFixed(0)).join(', ')} us`,
    ),
  ]
}

function line(name: string, microseconds: number, floor: number, note: string): Line {
  return {
    name: `analysis, ${name}`,
    what: 'CPU each',
    value: `${microseconds.toFixed(microseconds < 10 ? 2 : 0)} us`,
    floor: `${floor} us`,
    holds: microseconds < floor,
    note,
  }
}
