// Looks at statements on real servers: estimates, plans, and everything that must not happen meanwhile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresAnalyser } from '#engines/sql'
import type { Parameter, Preview } from '#model'
import { hasPostgres, type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts'
import { until, within } from '../../../test/servers/programs.ts'
import { createCatalog } from './catalog.ts'
import { readCatalog } from './catalog-reader.ts'
import { createPreviewer } from './preview.ts'
import { Scope } from './scope.ts'
import { SessionNames } from './session-names.ts'
import { StatementBuilder } from './statement.ts'
import { fakeSession } from './test-doubles.ts'
import { logIn } from './upstream.ts'

const SCHEMA = `
create table orders (id int primary key, customer int, note text);
insert into orders select i, i % 10, 'note' from generate_series(1, 50000) i;
create table archive (like orders);
create table small (id int primary key, name text);
insert into small select i, 'x' from generate_series(1, 40) i;
create table child (id int references small (id) on delete cascade);
create view small_view as select * from small;
create table parted (id int) partition by range (id);
create table parted_1 partition of parted for values from (0) to (100000);
insert into parted select generate_series(1, 3000);
create table "odd.na""me" (id int);
create schema other;
create table other.orders (id int);
insert into other.orders select generate_series(1, 7);
create table tracks (at timestamptz default now());
analyze;
create table traps (who text);
create function writes() returns void language plpgsql as
  $$ begin insert into public.traps values ('ran'); end $$;
create function lies(text) returns boolean language plpgsql immutable as
  $$ begin perform public.writes(); return true; end $$;
create function raises(int) returns int language plpgsql immutable as
  $$ begin raise exception 'it ran'; end $$;
create view trap_view as select id from orders where raises(1) = 1;
create table trap_default (id int default raises(1), n int);
create table trap_policy (id int);
alter table trap_policy enable row level security;
create policy p on trap_policy using (raises(1) = 1);
create table trap_index (id int);
create index on trap_index (id) where lies('x');
truncate traps;
create view trap_nested as select * from (select id from trap_view) v;
grant all on all tables in schema public, other to app;
grant usage on schema other to app;
`

const analyser = await createPostgresAnalyser()

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`a look by PostgreSQL ${version}`, () => {
    let server: PostgresServer
    const session = () =>
      fakeSession(
        { host: server.host, port: server.port, database: server.database },
        { user: server.user, secrets: { password: server.password } },
      )
    const limits = { upstreamLoginMs: 2_000 }
    let builder: (path?: readonly string[]) => StatementBuilder

    beforeAll(async () => {
      server = await startPostgres({ version, init: SCHEMA })
      const catalog = createCatalog(
        async () =>
          readCatalog(
            await logIn(
              session(),
              { database: server.database, settings: new Map(), applicationName: 'test' },
              limits,
            ),
          ),
        () => performance.now(),
      )
      await catalog.fresh()
      builder = (path = ['public']) =>
        new StatementBuilder(analyser, catalog, new Scope(path, server.user), new SessionNames())
    })
    afterAll(() => server.stop())

    const look = async (
      text: string,
      more: {
        parameters?: readonly Parameter[]
        path?: readonly string[]
        inTransaction?: boolean
        signal?: AbortSignal
      } = {},
    ): Promise<Preview> => {
      const from = builder(more.path)
      const statement = from.build(from.analyse(text), text, {
        phase: 'execute',
        inTransaction: more.inTransaction ?? false,
        segment: 1,
        catalogDirty: false,
        parameters: more.parameters,
      })
      const { resource, dial, credential } = session()
      const preview = createPreviewer({
        resource,
        database: server.database,
        settings: new Map(),
        analyser,
        limits,
      })
      const signal = more.signal ?? new AbortController().signal
      return preview(statement, { dial, credential, signal })
    }

    it('tells how many rows an UPDATE changes, not that it returns none', async () => {
      const { estimate, plan, tables } = await look(
        "update orders set note = 'x' where id <= 20000",
      )
      expect(estimate).toMatchObject({ effect: 'changes', guarded: true })
      expect(estimate!.rows).toBeGreaterThan(15_000)
      expect(estimate!.rows).toBeLessThan(25_000)
      expect(plan).toMatch(/^Update on orders/)
      expect(plan).toContain('id <= 20000')
      expect(tables).toEqual([{ name: 'public.orders', kind: 'table', rows: 50_000, exact: false }])
    })

    it.each([
      ['delete from orders where id = 7', { rows: 1, effect: 'changes', guarded: true }],
      ['delete from parted', { rows: 3000, effect: 'changes', guarded: true }],
      ['insert into small values (1001), (1002)', { rows: 2, effect: 'changes', guarded: true }],
      [
        'insert into archive select * from orders',
        { rows: 50_000, effect: 'changes', guarded: true },
      ],
      ['select * from orders', { rows: 50_000, effect: 'returns', guarded: false }],
      ['select * from orders limit 5', { rows: 5, effect: 'returns', guarded: false }],
      [
        'create table copied as select * from small',
        { rows: 40, effect: 'returns', guarded: false },
      ],
      [
        'merge into small s using (select generate_series(1, 5) as id) u on s.id = u.id when matched then delete',
        { rows: 5, effect: 'changes', guarded: true },
      ],
      [
        'with gone as (delete from orders returning id) select count(*) from gone',
        { rows: 50_000, effect: 'changes', guarded: false },
      ],
    ])('estimates: %s', async (text, estimate) => {
      const seen = await look(text)
      expect(seen.unavailable).toBeUndefined()
      expect(seen.estimate).toEqual(estimate)
      expect(seen.plan).not.toBe('')
    })

    it('plans with the values that were bound, in text and in binary', async () => {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(30_000)
      const binary = await look('delete from orders where id <= $1', {
        parameters: [{ type: '23', format: 'binary', value: bytes }],
      })
      expect(binary.plan).toContain('id <= 30000')
      expect(binary.estimate!.rows).toBeGreaterThan(25_000)
      const textual = await look('delete from orders where id <= $1 and note = $2', {
        parameters: [
          { type: 'unknown', format: 'text', value: Buffer.from('30') },
          { type: 'unknown', format: 'text', value: null },
        ],
      })
      expect(textual.unavailable).toBeUndefined()
      expect(textual.estimate!.rows).toBeLessThan(100)
    })

    it('means by a name what the session means', async () => {
      const { tables, estimate } = await look('delete from orders', { path: ['other', 'public'] })
      expect(estimate!.rows).toBe(7)
      expect(tables.find(({ name }) => name === 'other.orders')).toMatchObject({ rows: 7 })
    })

    it('counts what is small, and says what rests on what is dropped', async () => {
      await server.query("insert into small values (5000, 'new')")
      expect((await look('select * from small')).tables).toEqual([
        { name: 'public.small', kind: 'table', rows: 41, exact: true },
      ])
      const { tables, unavailable, estimate } = await look('drop table small cascade')
      expect(tables).toEqual([
        { name: 'public.small', kind: 'table', rows: 41, exact: true, dependents: 2 },
      ])
      expect(estimate).toBeUndefined()
      expect(unavailable).toBe('There are no plans for DROP TABLE.')
      await server.query('delete from small where id = 5000')
    })

    it.each([
      ['truncate small', 'public.small'],
      ['create index on orders (note)', 'public.orders'],
      ['truncate parted', 'public.parted'],
      ['delete from "odd.na""me"', 'public."odd.na""me"'],
    ])('shows the tables of: %s', async (text, name) => {
      const { tables } = await look(text)
      expect(tables.map(table => table.name)).toContain(name)
      expect(tables[0]!.rows).toBeDefined()
    })

    it('says what else a change sets off, and what it cannot see', async () => {
      expect((await look('delete from small', { inTransaction: true })).notes).toEqual([
        'What the open transaction of the session has changed already is not counted.',
        'Changes of public.small set off triggers or cascades; the estimate counts none of them.',
      ])
    })

    it.each([
      ["delete from orders where lies('x')", /calls public\.(lies|writes) /],
      ['select * from trap_view', /calls public\.raises|trap_view rests on a user's code/],
      ['select * from trap_nested', /calls public\.raises|trap_nested rests on a user's code/],
      ['insert into trap_default (n) values (1)', /trap_default rests on/],
      ['select * from trap_policy', /trap_policy rests on/],
      ['select * from trap_index where id = 1', /trap_index rests on/],
    ])('runs no code of a user to plan: %s', async (text, why) => {
      const { plan, estimate, unavailable } = await look(text)
      expect({ plan, estimate }).toEqual({ plan: undefined, estimate: undefined })
      expect(unavailable).toMatch(why)
      expect(await server.query('select * from traps')).toEqual([])
    })

    it.each([
      ['select 1; delete from orders', /holds 2 statements/],
      ['explain analyze delete from orders', /no plans for EXPLAIN/],
      ['vacuum orders', /no plans for VACUUM/],
      ['execute nothing', /no plans for EXECUTE/],
      ['copy orders to stdout', /no plans for COPY/],
      [
        'select * from not_there',
        /not_there is new to the gateway, or there for the session alone/,
      ],
      ['select pg_sleep(10)', /calls pg_catalog\.pg_sleep/],
      ['delete from orders where nothing = 1', /does not plan it: column "nothing" does not exist/],
    ])('says why there is no plan: %s', async (text, why) => {
      const seen = await look(text)
      expect(seen.plan).toBeUndefined()
      expect(seen.unavailable).toMatch(why)
    })

    it('does not wait for a lock', async () => {
      const { Client } = await import('pg')
      const locker = new Client({ connectionString: server.superuser })
      await locker.connect()
      await locker.query('begin; lock orders, small in access exclusive mode')
      const from = performance.now()
      const seen = await look('delete from orders where id < 10')
      within(2_500, performance.now() - from)
      expect(seen.unavailable).toBe('A table that it touches is locked.')
      expect(seen.tables).toHaveLength(1)
      // What cannot be counted is told by its statistics.
      expect((await look('truncate small')).tables[0]).toMatchObject({ rows: 40, exact: false })
      await locker.query('rollback')
      await locker.end()
    })

    it('ends when its time is over, and with what it has when planning takes too long', async () => {
      // Join order search: the server's own way to plan for ever.
      const names = Array.from({ length: 14 }, (_, at) => `orders o${at}`)
      const joined = names.slice(1).map((_, at) => `o${at}.customer = o${at + 1}.customer`)
      const text = `select * from ${names.join(', ')} where ${joined.join(' and ')}`
      const slow = createPreviewer({
        resource: session().resource,
        database: server.database,
        settings: new Map([
          ['geqo', 'off'],
          ['join_collapse_limit', '100'],
          ['from_collapse_limit', '100'],
        ]),
        analyser,
        limits,
      })
      const from = builder()
      const statement = from.build(from.analyse(text), text, {
        phase: 'execute',
        inTransaction: false,
        segment: 1,
        catalogDirty: false,
      })
      const { dial, credential } = session()
      const start = performance.now()
      const seen = await slow(statement, { dial, credential, signal: AbortSignal.timeout(2_700) })
      within(3_000, performance.now() - start)
      expect(seen.tables).toHaveLength(1)
      expect(seen.unavailable).toBe('The database took too long.')
    })

    it('leaves nothing behind: no connection, no row', async () => {
      await look('delete from orders')
      const open = "select from pg_stat_activity where application_name = 'sallyport:preview'"
      await until('its connections to end', async () => (await server.query(open)).length === 0)
      expect(await server.query('select count(*) from orders')).toEqual([{ count: '50000' }])
    })

    it('fails in words when the server cannot be reached', async () => {
      const { resource } = session()
      const preview = createPreviewer({
        resource: { ...resource, upstream: { ...resource.upstream, port: 1 } },
        database: server.database,
        settings: new Map(),
        analyser,
        limits,
      })
      const from = builder()
      const statement = from.build(from.analyse('select 1'), 'select 1', {
        phase: 'execute',
        inTransaction: false,
        segment: 1,
        catalogDirty: false,
      })
      const { dial, credential } = session()
      const { signal } = new AbortController()
      await expect(preview(statement, { dial, credential, signal })).rejects.toMatchObject({
        name: 'UpstreamError',
      })
    })
  })
}
