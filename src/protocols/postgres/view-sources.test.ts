// Of which columns a view makes its own, by the rules that real servers keep.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts'
import { isNode, listOf, readNodeTree } from './node-tree.ts'
import { viewSources } from './view-sources.ts'

const schema = `
create table people (id int, ssn text, name text, site text);
create table orders (person int, item text, card text);
create function secret() returns text language sql as 'select max(ssn) from public.people';
create function same(text, text) returns bool language sql as 'select true';
create operator public.=== (leftarg = text, rightarg = text, function = same);
`
/** A query, and what its columns are made of. */
const views: readonly (readonly [sql: string, ...columns: (string | undefined)[]])[] = [
  ['select upper(name), length(ssn), 1 from people where ssn > $$1$$', 'name', 'ssn', ''],
  [
    'select ssn, name from people union all select id::text, site from people',
    'id ssn',
    'name site',
  ],
  ['select 1 as a union select id from people except select length(ssn) from people', 'id ssn'],
  [
    "select p.name || ' ' || o.item, o.card || p.ssn, coalesce(p.name, o.card) from people p join orders o on o.person = p.id",
    'item name',
    'card ssn',
    'card name',
  ],
  [
    "select coalesce(id, 0) as i, x.item || '!' from people p full join (select person as id, item from orders) x using (id)",
    'id person',
    'item',
  ],
  [
    "select name, max(ssn), count(*), string_agg(item, ',' order by card) from people join orders on person = id group by name",
    'name',
    'ssn',
    '',
    'card item',
  ],
  [
    'select upper(name), count(*) filter (where ssn is null) from people group by grouping sets (upper(name), ())',
    'name',
    'ssn',
  ],
  [
    'select lower(v), n + 1 from (select name as v, count(*) as n from people group by name) x',
    'name',
    '',
  ],
  [
    'select (select max(card) from orders where person = id), exists (select from orders where item = name) from people',
    'card id person',
    'item name',
  ],
  [
    'with w as (select ssn as a, name as b from people) select upper(w.b), upper(v.a) from w, w v',
    'name',
    'ssn',
  ],
  [
    'with recursive w(id, v, q) as (select 1, ssn, name from people union all select id + 1, q, q from w where id < 3) select id + 0, v || $$$$, q || $$$$ from w',
    '',
    'name ssn',
    'name',
  ],
  [
    'select rank() over (order by ssn), sum(id) over (partition by site), upper(name) from people',
    'site ssn',
    'id site ssn',
    'name',
  ],
  [
    'select case when ssn is null then name end, nullif(site, name), greatest(name, site) from people',
    'name ssn',
    'name site',
    'name site',
  ],
  ['select upper(l.v) from people p, lateral (select p.ssn as v limit 1) l', 'ssn'],
  ["select x.a || '' from people p, unnest(array[p.name, p.site]) x(a)", 'name site'],
  ['select v.b || $$$$ from people p, lateral (values (1, p.ssn), (2, $$x$$)) v(a, b)', 'ssn'],
  ['select exists (with w as (select from people where ssn is null) select from w)', 'ssn'],
  ['select p::text, upper(name) from people p', undefined, 'name'],
  ['select secret() || name, upper(name) from people', undefined, 'name'],
  ["select name operator(public.===) 'x', upper(name) from people", undefined, 'name'],
  [
    "select query_to_xml('select 1', true, true, '')::text, upper(name) from people",
    undefined,
    'name',
  ],
]
const ODD = ':resno 1 :expr {VAR) ('

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(
    `what views of PostgreSQL ${version} are made of`,
    () => {
      let server: PostgresServer
      const names = new Map<string, string>()
      beforeAll(async () => {
        server = await startPostgres({ version, init: schema })
        const columns = await server.query(
          `select attrelid::int as oid, attnum, attname from pg_attribute where attrelid in ('people'::regclass, 'orders'::regclass) and attnum > 0`,
        )
        for (const { oid, attnum, attname } of columns)
          names.set(`${oid} ${attnum}`, String(attname))
      })
      afterAll(() => server?.stop())

      const treeOf = async (sql: string, columns: string): Promise<string> => {
        await server.query(`drop view if exists v; create view v ${columns} as ${sql}`)
        const [row] = await server.query(
          "select ev_action::text as tree from pg_rewrite where ev_class = 'v'::regclass",
        )
        return String(row?.['tree'])
      }
      const readers = async (): Promise<ReadonlySet<number>> =>
        new Set(
          (
            await server.query("select oid::int as oid from pg_proc where proname = 'query_to_xml'")
          ).map(({ oid }) => Number(oid)),
        )

      it.each(views)('%s', async (sql, ...expected) => {
        const opaque = await readers()
        const letters = expected.map((_, index) => `"${ODD}${index}"`).join(', ')
        const sourcesOf = viewSources(
          await treeOf(String(sql), `(${letters})`),
          oid => oid >= 16_384 || opaque.has(oid),
        )
        const found = expected.map((_, index) =>
          sourcesOf(index + 1)
            ?.map(({ oid, attnum }) => names.get(`${oid} ${attnum}`))
            .sort()
            .join(' '),
        )
        expect(found).toEqual(expected)
        expect(sourcesOf(expected.length + 1)).toBeUndefined()
      })

      it('says nothing of a tree that is cut or changed', async () => {
        const tree = await treeOf('select upper(name) as n, ssn as s from people', '')
        expect(isNode(listOf(readNodeTree(tree))[0])).toBe(true)
        for (let at = 0; at < tree.length - 1; at += 7) {
          expect(readNodeTree(tree.slice(0, at + 1))).toBeUndefined()
        }
      })
    },
  )
}

it('reads any noise without an error', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('{', '}', '(', ')', ':a', 'b', ' ', '\\', '<>')),
      parts => {
        readNodeTree(parts.join(''))
        viewSources(`({QUERY ${parts.join(' ')}})`, () => false)(1)
      },
    ),
  )
  expect(readNodeTree('('.repeat(100_000))).toBeUndefined()
})
