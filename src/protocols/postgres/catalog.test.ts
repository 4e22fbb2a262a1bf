import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Unavailable } from '#model'
import { hasPostgres, type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts'
import { createCatalog } from './catalog.ts'
import { readCatalog } from './catalog-reader.ts'
import { Routines } from './catalog-routines.ts'
import { CatalogSnapshot } from './catalog-snapshot.ts'
import { fakeSession } from './test-doubles.ts'
import { logIn } from './upstream.ts'

const schema = `
create table customers(id int primary key, name text, email varchar(80), ssn char(11), dropped int, doc jsonb);
alter table customers drop column dropped;
create table part(id int, email text) partition by range(id);
create table part_1(email text, id int);
alter table part attach partition part_1 for values from (0) to (10);
create table kid(extra int) inherits (customers);
create view v_plain as select id, email as contact, name from customers;
create view v_nested as select contact as c2 from v_plain;
create view v_computed as select upper(email) as up, count(*) as n, 1 as one, now() as t from customers group by email;
create view v_union as select email from customers union all select name from customers;
create view v_subquery as select (select max(ssn) from customers) as m from part;
create view v_row as select row_to_json(c) as j, id from customers c;
create view v_cte as with q as (select email from customers) select * from q;
create view v_child as select email from kid;
create function peek() returns text language sql as 'select max(ssn) from public.customers';
create view v_function as select peek() as p, id from customers;
create view v_xml as select query_to_xml('select * from public.customers', true, true, '') as x;
create view v_operator as select email operator(public.===) 'x' as o, id from customers;
create materialized view mv as select email, id from customers;
create table "odd.name"("a b" int, "c)d{" text);
create view v_odd as select "c)d{" as "x}{(" from "odd.name";
create schema other; create table other.customers(id int); create function other.lower(text) returns text language sql as 'select 1::text';
create table made(id int, email text, lowered text generated always as (lower(email)) stored);
create domain mail as text; create type mood as enum('a','b'); create domain checked as text check (peek() is null);
create type pair as (a int, b text);
create function spy(a int) returns text language plpgsql security definer set search_path to other, public as
  $$ begin delete from customers where id = a; return (select max(ssn) from public.customers); end $$;
create function modern() returns bigint language sql return (select count(*) from public.part);
create function run_time(t text) returns void language plpgsql as $$ begin execute t; end $$;
create procedure wipe() language sql as 'truncate public.made';
create table audit(line text); create table guarded(id int, note text);
create rule logged as on insert to guarded do also insert into audit values (new.note);
create rule kept as on delete to guarded do instead nothing;
create function touched() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before insert on part for each row execute function touched();
create view v_calling as select spy(id) from part; create view v_over as select * from v_calling;
`.replace(
  'create view v_operator',
  `create function same(text, text) returns bool language sql as 'select true';
create operator public.=== (leftarg = text, rightarg = text, function = same);
create view v_operator`,
)

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`the catalog of PostgreSQL ${version}`, () => {
    let server: PostgresServer
    let catalog: CatalogSnapshot

    beforeAll(async () => {
      server = await startPostgres({ version, init: schema })
      catalog = await read()
    })
    afterAll(() => server.stop())

    const read = async () => {
      const session = fakeSession(
        { host: server.host, port: server.port },
        { user: server.user, secrets: { password: server.password } },
      )
      const request = {
        database: server.database,
        settings: new Map<string, string>(),
        applicationName: 'test',
      }
      return await readCatalog(await logIn(session, request, { upstreamLoginMs: 5_000 }))
    }
    const column = (relation: string, name: string) => catalog.columnOf(`public.${relation}`, name)
    const sources = (relation: string, name: string) => {
      const found = column(relation, name)?.sources
      return found === 'all' || found === undefined
        ? found
        : found.map(each => `${each.object.replace('public.', '')}.${each.column}`)
    }

    it('knows a table by its number, without the columns that were dropped', async () => {
      const [row] = await server.query("select 'customers'::regclass::oid as oid")
      const oid = Number(row?.['oid'])
      expect(catalog.relation(oid)).toMatchObject({
        object: 'public.customers',
        kind: 'table',
        columns: ['id', 'name', 'email', 'ssn', 'doc'],
      })
      expect(catalog.column(oid, 6)?.own).toEqual({ object: 'public.customers', column: 'doc' })
      expect(catalog.column(oid, 5)).toBeUndefined()
      expect(catalog.column(oid, 0)).toBeUndefined()
      expect(catalog.column(1, 1)).toBeUndefined()
    })

    it.each([
      ['customers', 'email', ['customers.email', 'kid.email']],
      ['kid', 'email', ['kid.email', 'customers.email']],
      ['kid', 'extra', ['kid.extra']],
      ['part_1', 'email', ['part_1.email', 'part.email']],
      ['v_plain', 'contact', ['v_plain.contact', 'customers.email', 'kid.email']],
      ['v_plain', 'id', ['v_plain.id', 'customers.id', 'kid.id']],
      ['v_nested', 'c2', ['v_nested.c2', 'v_plain.contact', 'customers.email', 'kid.email']],
      ['v_cte', 'email', ['v_cte.email', 'customers.email', 'kid.email']],
      ['v_child', 'email', ['v_child.email', 'kid.email', 'customers.email']],
      ['mv', 'email', ['mv.email', 'customers.email', 'kid.email']],
      ['v_computed', 'n', ['v_computed.n']],
      ['v_computed', 'one', ['v_computed.one']],
      ['v_computed', 't', ['v_computed.t']],
      ['v_odd', 'x}{(', ['v_odd.x}{(', '"odd.name".c)d{']],
    ])('says where a plain column comes from: %s.%s', (relation, name, expected) => {
      expect(sources(relation, name)).toEqual(expected)
      expect(column(relation, name)?.shape).toBe('same')
    })

    it.each([
      ['v_computed', 'up', ['customers.email']],
      ['made', 'lowered', ['made.email']],
      ['v_union', 'email', ['customers.email', 'customers.name']],
      ['v_subquery', 'm', ['customers.ssn']],
      ['v_row', 'j', ['customers.email', 'customers.ssn', 'customers.doc', 'customers.name']],
    ])('counts all that a computed column may come from: %s.%s', (relation, name, expected) => {
      expect(column(relation, name)?.shape).toBe('computed')
      expect(sources(relation, name)).toEqual(expect.arrayContaining(expected))
    })

    it('knows what functions do, under the path that they set, whoever they run as', () => {
      const routines = (name: string) => catalog.routines({ schema: undefined, name }, ['public'])
      const [spy] = routines('spy')
      expect(spy).toMatchObject({ object: 'public.spy', definer: true, path: 'other, public' })
      const verbs = (name: string) => {
        const code = routines(name)[0]?.code()
        if (code === undefined || code === 'unknown') return code
        return code.statements.flatMap(({ operations }) =>
          operations.map(({ verb, relation }) => `${verb} ${relation?.schema}.${relation?.name}`),
        )
      }
      expect(verbs('spy')).toEqual(
        expect.arrayContaining(['DELETE undefined.customers', 'SELECT public.customers']),
      )
      expect(verbs('modern')).toEqual(['SELECT public.part'])
      expect(verbs('wipe')).toEqual(['TRUNCATE public.made'])
      expect(routines('run_time')[0]?.code()).toMatchObject({ dynamic: true })
      expect(catalog.operators({ schema: undefined, name: '===' }, ['public'])).toMatchObject([
        { object: 'public.same' },
      ])
      expect(catalog.routines({ schema: undefined, name: 'peek' }, ['other'])).toEqual([])
    })

    it('knows what else runs when a relation is read or written', () => {
      const [guarded] = catalog.resolved({ schema: undefined, name: 'guarded' }, ['public'])
      expect(guarded?.rules?.map(({ event }) => event).sort()).toEqual(['DELETE', 'INSERT'])
      const insert = guarded?.rules?.find(({ event }) => event === 'INSERT')?.code()
      expect(insert).toMatchObject({
        statements: [
          { operations: [{ verb: 'INSERT', relation: { schema: 'public', name: 'audit' } }] },
        ],
      })
      const [part] = catalog.resolved({ schema: undefined, name: 'part' }, ['public'])
      expect(part?.triggers).toBe(true)
      for (const name of ['v_calling', 'v_over']) {
        const [view] = catalog.resolved({ schema: undefined, name }, ['public'])
        expect(view?.calls?.map(({ object }) => object)).toEqual(['public.spy'])
      }
      const [plain] = catalog.resolved({ schema: undefined, name: 'v_plain' }, ['public'])
      expect(plain?.calls).toBeUndefined()
    })

    it('knows nothing of a column that code of a user, or a query in a string, makes', () => {
      expect(sources('v_function', 'p')).toBe('all')
      expect(sources('v_function', 'id')).toEqual(['v_function.id', 'customers.id', 'kid.id'])
      expect(sources('v_xml', 'x')).toBe('all')
      expect(sources('v_operator', 'o')).toBe('all')
      expect(catalog.columnOf('pg_catalog.pg_stats', 'histogram_bounds')?.sources).toBe('all')
      expect(catalog.columnOf('pg_catalog.pg_stats', 'tablename')?.sources).not.toBe('all')
      expect(catalog.expand([{ object: 'public.v_xml', column: 'x' }])).toBe('all')
    })

    it('expands names by what they may come from', () => {
      expect(
        catalog.expand([
          { object: 'public.v_nested', column: 'c2' },
          { object: 'nowhere', column: 'x' },
        ]),
      ).toEqual([
        { object: 'public.v_nested', column: 'c2' },
        { object: 'public.v_plain', column: 'contact' },
        { object: 'public.customers', column: 'email' },
        { object: 'public.kid', column: 'email' },
        { object: 'nowhere', column: 'x' },
      ])
    })

    it('resolves names by the path, and by all schemas when there is none', () => {
      const objects = (name: string, path: readonly string[] | undefined, from?: string) =>
        catalog
          .resolve({ schema: from, name }, path)
          .map(found => found.object)
          .sort()
      expect(catalog.searchPath).toEqual(['$user', 'public'])
      expect(objects('customers', catalog.searchPath)).toEqual(['public.customers'])
      expect(objects('customers', ['other', 'public'])).toEqual([
        'other.customers',
        'public.customers',
      ])
      expect(objects('customers', undefined)).toEqual(['other.customers', 'public.customers'])
      expect(objects('customers', [], 'other')).toEqual(['other.customers'])
      expect(objects('pg_class', [])).toEqual(['pg_catalog.pg_class'])
      expect(objects('customers', [])).toEqual([])
    })

    it('tells where an unqualified table is made, and what a name or cast may run', () => {
      const inPublic = ['$user', 'public']
      expect(catalog.creationSchema(inPublic)).toBe('public')
      expect(catalog.creationSchema(['nowhere'])).toBeUndefined()
      expect(catalog.functions({ schema: undefined, name: 'peek' }, inPublic)).toEqual([
        'public.peek',
      ])
      expect(catalog.functions({ schema: undefined, name: 'lower' }, inPublic)).toEqual([])
      expect(catalog.functions({ schema: undefined, name: 'lower' }, undefined)).toEqual([
        'other.lower',
      ])
      const plain = (name: string) => catalog.isPlainType({ schema: undefined, name }, inPublic)
      // `checked` reads a table in its check.
      expect(['mood', 'mail', 'checked', 'pair', 'customers', 'nothing'].filter(plain)).toEqual([
        'mood',
        'mail',
        'pair',
      ])
    })

    it('says of each type how it holds text', async () => {
      const names = [
        'text',
        'varchar',
        'bpchar',
        'name',
        'mail',
        'json',
        'jsonb',
        'xml',
        '_text',
        'tsvector',
        'record',
        'customers',
        'int4',
        '_int4',
        'uuid',
        'mood',
        'bytea',
        'timestamptz',
        'inet',
        'int4range',
        'oid',
      ]
      const rows = await server.query('select oid, typname from pg_type where typname = any($1)', [
        names,
      ])
      const form = (name: string) =>
        catalog.textForm(Number(rows.find(row => row['typname'] === name)?.['oid']))
      expect(Object.groupBy(names, form)).toEqual({
        whole: ['text', 'varchar', 'bpchar', 'name', 'mail'],
        within: ['json', 'jsonb', 'xml', '_text', 'tsvector', 'record', 'customers'],
        none: ['int4', '_int4', 'uuid', 'mood', 'bytea', 'timestamptz', 'inet', 'int4range', 'oid'],
      })
    })

    it('has the temporary tables of others, under every path', async () => {
      const session = fakeSession(
        { host: server.host, port: server.port },
        { user: server.user, secrets: { password: server.password } },
      )
      const request = {
        database: server.database,
        settings: new Map<string, string>(),
        applicationName: 'test',
      }
      const login = await logIn(session, request, { upstreamLoginMs: 5_000 })
      const { query } = await import('./messages.ts')
      login.socket.write(query('create temp table scratch(a text)'))
      await new Promise(resolve => login.socket.resume().once('data', resolve))
      const later = await read()
      expect(later.resolve({ schema: undefined, name: 'scratch' }, [])[0]?.object).toMatch(
        /^pg_temp_\d+\.scratch$/,
      )
      expect(later.resolve({ schema: 'pg_temp', name: 'scratch' }, []).length).toBe(1)
      login.socket.destroy()
    })
  })
}

describe('keeping a catalog', () => {
  const empty = () =>
    new CatalogSnapshot({
      relations: [],
      parents: new Map(),
      views: new Map(),
      forms: new Map(),
      generated: new Map(),
      routines: new Routines(),
      calls: new Map(),
      valueCalls: new Map(),
      rules: new Map(),
      triggers: new Set(),
      ownCode: { ofRelations: new Map(), leadsTo: new Map(), ofTypes: new Map(), unasked: [] },
      namedTypes: new Map(),
      usable: new Set(),
      searchPath: ['public'],
      user: 'app',
    })
  /** A catalog whose readings end when the test says so. */
  function controlled() {
    const ends: ((error?: Error) => void)[] = []
    const clock = { now: 0 }
    const read = vi.fn(
      () =>
        new Promise<CatalogSnapshot>((resolve, reject) => {
          ends.push(error => (error === undefined ? resolve(empty()) : reject(error)))
        }),
    )
    const catalog = createCatalog(
      read,
      () => clock.now,
      () => Promise.resolve(),
    )
    return { catalog, read, ends, clock }
  }
  const turn = () => new Promise(resolve => setImmediate(resolve))

  it('reads once for all who wait, and not again while it is fresh', async () => {
    const { catalog, read, ends } = controlled()
    const waiting = Promise.all([catalog.fresh(), catalog.fresh(), catalog.fresh()])
    ends[0]?.()
    await waiting
    await catalog.fresh()
    expect([read.mock.calls.length, catalog.version]).toEqual([1, 1])
  })

  it('reads again for a refresh that comes while one runs: that one may have begun too early', async () => {
    const { catalog, read, ends } = controlled()
    const first = catalog.refresh()
    const second = catalog.refresh()
    const third = catalog.refresh()
    ends[0]?.()
    await first
    await turn()
    expect(read).toHaveBeenCalledTimes(2)
    ends[1]?.()
    await Promise.all([second, third])
    expect([read.mock.calls.length, catalog.version]).toEqual([2, 2])
  })

  it('looks once for names that it does not know, and not again at once', async () => {
    const { catalog, read, ends, clock } = controlled()
    const first = catalog.fresh()
    ends[0]?.()
    await first
    const looking = [catalog.lookFor(['late']), catalog.lookFor(['late', 'later'])]
    await turn()
    expect(read).toHaveBeenCalledTimes(2)
    ends[1]?.()
    await Promise.all(looking)
    expect(catalog.lookFor(['late'])).toBeUndefined()
    expect(catalog.lookFor(['later', 'late'])).toBeUndefined()
    clock.now += 5_000
    const again = catalog.lookFor(['late'])
    await turn()
    ends[2]?.(new Error('lost'))
    await expect(again).rejects.toThrow('the catalog of the database cannot be read')
    expect(catalog.lookFor(['late'])).not.toBeUndefined()
  })

  it('tells all sessions which names may mean something else, until it was read again', async () => {
    const { catalog, ends } = controlled()
    const first = catalog.refresh()
    ends[0]?.()
    await first
    expect([catalog.changing, catalog.mayHaveChanged('orders')]).toEqual([false, false])
    catalog.invalidate(['orders'])
    expect(catalog.mayHaveChanged('orders')).toBe(true)
    expect(catalog.mayHaveChanged('customers')).toBe(false)
    const second = catalog.refresh()
    catalog.invalidate(['customers'])
    expect(catalog.mayHaveChanged('orders')).toBe(true)
    ends[1]?.()
    await second
    expect(catalog.mayHaveChanged('orders')).toBe(false)
    expect(catalog.mayHaveChanged('customers')).toBe(true)
    const third = catalog.refresh()
    catalog.invalidate()
    ends[2]?.(new Error('lost'))
    await expect(third).rejects.toThrow()
    expect(catalog.mayHaveChanged('customers')).toBe(true)
    expect(catalog.mayHaveChanged('anything')).toBe(true)
  })

  it('pauses between readings that follow each other at once', async () => {
    let readings = 0
    const catalog = createCatalog(
      async () => {
        readings += 1
        await new Promise(resolve => setTimeout(resolve, 20))
        return empty()
      },
      () => 0,
    )
    const from = Date.now()
    const took = () => Date.now() - from
    while (took() < 300 || readings < 3) {
      catalog.invalidate(['t'])
      catalog.refresh().catch(() => {})
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    // Each but the first comes after a pause of 75 ms.
    expect(readings).toBeLessThan(4 + took() / 75)
    await catalog.refresh()
    expect(catalog.changing).toBe(false)
  })

  it('is stale after a change, even one that comes during a reading', async () => {
    const { catalog, read, ends } = controlled()
    const first = catalog.fresh()
    catalog.invalidate()
    ends[0]?.()
    await first
    const second = catalog.fresh()
    await turn()
    expect(read).toHaveBeenCalledTimes(2)
    ends[1]?.()
    await second
  })

  it('is not fresh before a reading that a change asked for has ended, for whoever comes', async () => {
    const { catalog, ends } = controlled()
    const first = catalog.fresh()
    ends[0]?.()
    await first
    catalog.invalidate()
    const reading = catalog.refresh()
    let known = 0
    const later = catalog.fresh().then(() => {
      known = catalog.version
    })
    await turn()
    expect(known).toBe(0)
    ends[1]?.()
    await Promise.all([reading, later])
    expect(known).toBe(2)
  })

  it('is read anew for who waits for a reading that is lost with its session', async () => {
    const { catalog, read, ends } = controlled()
    const lost = catalog.fresh()
    ends[0]?.()
    await lost
    catalog.invalidate()
    const reading = catalog.refresh()
    const later = catalog.fresh()
    ends[1]?.(new Error('the session has ended'))
    await expect(reading).rejects.toThrow('cannot be read')
    await turn()
    expect(read).toHaveBeenCalledTimes(3)
    ends[2]?.()
    await later
  })

  it('is read again in the background when it grows old, and waited for when it is', async () => {
    const { catalog, read, ends, clock } = controlled()
    const first = catalog.fresh()
    ends[0]?.()
    await first
    clock.now = 4.5 * 60_000
    await catalog.fresh()
    expect(read).toHaveBeenCalledTimes(2)
    ends[1]?.()
    await turn()
    clock.now = 20 * 60_000
    let done = false
    const last = catalog.fresh().then(() => {
      done = true
    })
    await turn()
    expect(done).toBe(false)
    ends[2]?.()
    await last
  })

  it('says so when it cannot be read, and tries again next time', async () => {
    const { catalog, read, ends } = controlled()
    const first = catalog.fresh()
    ends[0]?.(new Error('secret of the driver'))
    await expect(first).rejects.toThrow(Unavailable)
    await expect(first).rejects.toMatchObject({
      code: 'catalog_unavailable',
      message: expect.not.stringContaining('secret'),
    })
    expect(() => catalog.relation(1)).toThrow(Unavailable)
    const second = catalog.fresh()
    ends[1]?.()
    await second
    expect(read).toHaveBeenCalledTimes(2)
  })
})
