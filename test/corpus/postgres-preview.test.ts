// Attacks by way of the approver's look: statements that would run code while they are only planned, and servers
// that answer the look with what should hurt the gateway or the approver. A way that is found later is added here.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPostgresAnalyser } from '#engines/sql'
import type { Parameter, Preview, Statement } from '#model'
import { createCatalog } from '../../src/protocols/postgres/catalog.ts'
import { readCatalog } from '../../src/protocols/postgres/catalog-reader.ts'
import { createPreviewer } from '../../src/protocols/postgres/preview.ts'
import {
  commandComplete,
  dataRow,
  parameterStatus,
  readyForQuery,
  serverError,
} from '../../src/protocols/postgres/relay-frames.ts'
import { Scope } from '../../src/protocols/postgres/scope.ts'
import { SessionNames } from '../../src/protocols/postgres/session-names.ts'
import { StatementBuilder } from '../../src/protocols/postgres/statement.ts'
import { fakeSession } from '../../src/protocols/postgres/test-doubles.ts'
import { logIn } from '../../src/protocols/postgres/upstream.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { within } from '../servers/programs.ts'

const analyser = await createPostgresAnalyser()
const limits = { upstreamLoginMs: 2_000 }

/** A look at `statement` by the server there, as an approver's request would have it. */
async function look(
  server: { host: string; port: number; user: string; password: string; database: string },
  statement: Statement,
  signal = AbortSignal.timeout(2_700),
): Promise<Preview> {
  const { resource, dial, credential } = fakeSession(
    { host: server.host, port: server.port, database: server.database },
    { user: server.user, secrets: { password: server.password } },
  )
  const preview = createPreviewer({
    resource,
    database: server.database,
    settings: new Map(),
    analyser,
    limits,
  })
  return preview(statement, { dial, credential, signal })
}

// Each trap tells the server's log who sprang it: a READ ONLY transaction does not keep it from that.
const SPRUNG = "raise log 'sprung by %', current_setting('application_name')"
const TRAPS = `
create table t (id int primary key, name text);
insert into t select i, 'x' from generate_series(1, 100) i;
create function public.spring() returns void language plpgsql as $$ begin ${SPRUNG}; end $$;
create function public.eq(int, text) returns boolean language plpgsql immutable as $$ begin ${SPRUNG}; return true; end $$;
create function public.ok(text) returns boolean language plpgsql immutable as $$ begin ${SPRUNG}; return true; end $$;
create function public.num(text) returns int language plpgsql immutable as $$ begin ${SPRUNG}; return 1; end $$;
create function public.diff(float8, float8) returns float8 language plpgsql immutable as $$ begin ${SPRUNG}; return 1; end $$;
create table parts (id int) partition by range (public.num(id::text));
create table checked (id int, name text check (public.ok('x')));
create table ruled (id int);
create rule r as on insert to ruled do also select public.ok('x');
create table base (id int);
create table heir (n text default public.num('1')) inherits (base);
create view deep_1 as select id from t where public.ok('x');
create view deep_2 as select * from deep_1;
create view deep_3 as select * from deep_2;
create materialized view stored as select * from deep_3;
create schema mine;
create function mine.upper(text) returns text language plpgsql immutable as $$ begin ${SPRUNG}; return $1; end $$;
create extension postgres_fdw;
create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');
create user mapping for app server far options (user 'x', password 'x');
create foreign table distant (id int) server far options (use_remote_estimate 'true');
grant all on all tables in schema public to app;
grant usage on schema mine to app;
`
/** Of these one alone is enough: no statement at all is planned then. */
const UNNAMED: Readonly<
  Record<string, { make: string; drop: string; text: string; values?: string[] }>
> = {
  'an operator by the name of a built-in one': {
    make: 'create operator public.= (leftarg = int, rightarg = text, function = public.eq)',
    drop: 'drop operator public.= (int, text)',
    text: "select * from t where id = 'x'::text",
  },
  'an operator that IN stands for': {
    make: 'create operator public.= (leftarg = int, rightarg = text, function = public.eq)',
    drop: 'drop operator public.= (int, text)',
    text: "select * from t where 1 in ('x'::text)",
  },
  'an implicit cast': {
    make: 'create type pair as (a int); create function public.one(pair) returns int language plpgsql immutable as $$ begin perform public.spring(); return 1; end $$; create cast (pair as int) with function public.one(pair) as implicit; create table pairs (p pair); grant select on pairs to app',
    drop: 'drop type pair cascade',
    text: 'select * from t, pairs where t.id = pairs.p',
  },
  'the check of a domain, by a bound value': {
    make: 'create domain word as text check (public.ok(value)); create table said (w word); grant all on said to app',
    drop: 'drop domain word cascade',
    text: 'insert into said values ($1)',
    values: ['x'],
  },
  'the distance of a range': {
    make: 'create type span as range (subtype = float8, subtype_diff = public.diff); create table spans (s span); insert into spans select span(i, i + 1) from generate_series(1, 500) i; analyze spans; grant select on spans to app',
    drop: 'drop type span cascade',
    text: "select * from spans where s && '[1.5,2.5]'",
  },
}

describe('planning for an approver runs no code of a user', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ version: 15, init: TRAPS })
  })
  afterAll(() => server.stop())

  const statement = async (
    text: string,
    path: readonly string[] = ['public'],
    values: readonly string[] = [],
  ): Promise<Statement> => {
    const catalog = createCatalog(
      async () =>
        readCatalog(
          await logIn(
            fakeSession(
              { host: server.host, port: server.port, database: server.database },
              { user: server.user, secrets: { password: server.password } },
            ),
            { database: server.database, settings: new Map(), applicationName: 'catalog' },
            limits,
          ),
        ),
      () => performance.now(),
    )
    await catalog.fresh()
    const names = new SessionNames()
    const builder = new StatementBuilder(analyser, catalog, new Scope(path, server.user), names)
    const parameters: Parameter[] = values.map(value => ({
      type: 'unknown',
      format: 'text',
      value: Buffer.from(value),
    }))
    return builder.build(builder.analyse(text), text, {
      phase: 'execute',
      inTransaction: false,
      segment: 1,
      catalogDirty: false,
      parameters,
    })
  }
  const unsprung = async (): Promise<void> => {
    expect(await server.log()).not.toContain('sprung by sallyport:preview')
  }

  test('though a plain EXPLAIN of such a statement does', async () => {
    await server.query("set application_name = 'control'; explain select * from deep_1")
    expect(await server.log()).toContain('sprung by control')
  })

  test.each([
    'select * from deep_3',
    'refresh materialized view stored',
    'insert into ruled values (1)',
    'insert into heir (id) values (1)',
    'select * from base where id = 1',
    "insert into checked values (1, 'x')",
    'select * from parts where id = 1',
    'select * from distant',
    "update t set name = public.num('x') where id = 1",
    'select t.num from t',
    "with a as materialized (select public.ok('x')) delete from t using a",
  ])('in what it names or touches: %s', async text => {
    const seen = await look(server, await statement(text))
    expect(seen.plan).toBeUndefined()
    expect(seen.unavailable).toBeDefined()
    await unsprung()
  })

  test('in a function that hides a built-in one on the session’s path', async () => {
    const text = "select * from t where name = upper('x')"
    expect(
      (await look(server, await statement(text, ['mine', 'pg_catalog', 'public']))).plan,
    ).toBeUndefined()
    await unsprung()
    expect((await look(server, await statement(text))).plan).toContain("'X'::text")
  })

  test.each(Object.entries(UNNAMED))('in %s', async (_, { make, drop, text, values }) => {
    await server.query(make)
    const seen = await look(server, await statement(text, ['public'], values))
    expect(seen.plan).toBeUndefined()
    expect(seen.unavailable).toMatch(
      /^The database has \w+( \w+)? made of users' code|^It calls public\./,
    )
    await unsprung()
    await server.query(drop)
  })

  test.each([
    'analyze delete from t',
    '(analyze) delete from t',
    '(analyze, verbose) select 1',
    'analyse select 1',
  ])('and a text that would turn EXPLAIN into a run is not planned: %s', async text => {
    const reading = analyser.analyse(text)
    const operations = [
      {
        action: 'write',
        verb: 'DELETE',
        object: { name: 'public.t', kind: 'table' },
        columns: [],
        flags: [],
      },
    ] as const
    const forged: Statement = {
      text,
      operations,
      functions: [],
      phase: 'execute',
      mayDeriveFrom: [],
      state: { role: '', search_path: '["public"]' },
    }
    expect((await look(server, forged)).plan).toBeUndefined()
    expect(reading.readable && reading.statements[0]?.verb === 'DELETE').toBe(false)
    expect(await server.query('select count(*) from t')).toEqual([{ count: '100' }])
  })
})

describe('a hostile server', () => {
  const sockets = new Set<Socket>()
  let listening: Server | undefined
  const held: Statement = {
    text: 'delete from t',
    operations: [
      {
        action: 'write',
        verb: 'DELETE',
        object: { name: 'public.t', kind: 'table' },
        columns: [],
        flags: [],
      },
    ],
    functions: [],
    phase: 'execute',
    mayDeriveFrom: [],
    state: { role: '', search_path: '["public"]' },
  }
  const TABLE = dataRow('public.t', '4711', 'r', '1000', 'f', 'f', null)
  const SAFE = dataRow('f', 'f', 'f', null)

  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    listening?.close()
  })

  /** Takes anybody in, and answers each question: by `answers` in their order, then with nothing. */
  async function hostile(
    answers: readonly (readonly Uint8Array[] | ((socket: Socket) => void))[],
  ): Promise<Parameters<typeof look>[0]> {
    for (const socket of sockets) socket.destroy()
    listening?.close()
    const server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {})
      let asked = 0
      socket.once('data', () => {
        const ok = Buffer.from('52000000080000000052'.slice(0, 18), 'hex')
        socket.write(
          Buffer.concat([
            ok,
            parameterStatus('client_encoding', 'UTF8'),
            parameterStatus('standard_conforming_strings', 'on'),
            Buffer.from('4b0000000c0000000100000001', 'hex'),
            readyForQuery('I'),
          ]),
        )
        socket.on('data', chunk => {
          if (chunk[0] === 0x51) {
            socket.write(Buffer.concat([commandComplete('OK'), readyForQuery('T')]))
            return
          }
          const answer = answers[asked] ?? []
          asked += 1
          if (typeof answer === 'function') answer(socket)
          else
            socket.write(Buffer.concat([...answer, commandComplete('EXPLAIN'), readyForQuery('T')]))
        })
      })
    })
    listening = server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { host: '127.0.0.1', port, user: 'app', password: 'x', database: 'app' }
  }
  const json = (rows: unknown): Uint8Array =>
    dataRow(
      `[{"Plan": {"Node Type": "ModifyTable", "Plan Rows": 0, "Plans": [{"Parent Relationship": "Outer", "Plan Rows": ${String(rows)}}]}}]`,
    )

  test('that answers as a server should is understood (the control)', async () => {
    const server = await hostile([[TABLE], [], [SAFE], [json(7)], [dataRow('Delete on t')]])
    expect(await look(server, held)).toMatchObject({
      estimate: { rows: 7, effect: 'changes', guarded: true },
      plan: 'Delete on t',
      tables: [{ name: 'public.t', rows: 1000 }],
    })
  })

  test.each([
    ['no number', json('"many"')],
    ['less than nothing', json(-5)],
    ['more than there is', json('1e999')],
    ['no JSON', dataRow('{"Plan"')],
    ['another tree', dataRow('[{"Plan": [1, 2, 3]}]')],
    ['a tower', dataRow(`${'['.repeat(400_000)}`)],
    ['a tower of plans', dataRow(`[{"Plan":${'{"Plans":[{"Plan Rows":1},'.repeat(30_000)}`)],
  ])('that estimates %s is not believed', async (_, answer) => {
    const server = await hostile([[TABLE], [], [SAFE], [answer], [dataRow('Delete on t')]])
    expect((await look(server, held)).estimate).toBeUndefined()
  })

  test.each([
    ['a row longer than any plan', [Buffer.from('44ffffff00', 'hex')]],
    ['a row of a gigabyte', [Buffer.from('4440000000', 'hex')]],
    ['rows without end', Array.from({ length: 30_000 }, () => dataRow('x'.repeat(50)))],
    [
      'notices without end',
      Array.from({ length: 100_000 }, () => serverError('00000', 'y'.repeat(40))),
    ],
    ['a row that is none', [Buffer.from('4400000006ffff', 'hex')]],
  ])('that answers %s costs the look, and what is known stays', async (_, frames) => {
    const before = process.memoryUsage().rss
    const server = await hostile([[TABLE], [], [SAFE], frames])
    const seen = await look(server, held)
    expect(seen.plan).toBeUndefined()
    expect(seen.unavailable).toBeDefined()
    expect(seen.tables).toHaveLength(1)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })

  test('that trickles, or says nothing any more, is left in time', async () => {
    const trickle = (socket: Socket): void => {
      const timer = setInterval(() => socket.write(dataRow('x')), 20)
      socket.once('close', () => clearInterval(timer))
    }
    for (const answer of [trickle, () => {}]) {
      const server = await hostile([[TABLE], [], [SAFE], answer])
      const from = performance.now()
      const seen = await look(server, held, AbortSignal.timeout(300))
      within(1_500, performance.now() - from)
      expect(seen.unavailable).toBe('The database did not answer in time.')
    }
  })

  test('that hangs up in the middle leaves what is known', async () => {
    const server = await hostile([[TABLE], [], [SAFE], socket => socket.destroy()])
    expect(await look(server, held)).toMatchObject({ tables: [{ name: 'public.t' }] })
  })

  test('that does not say what code is in reach gets no statement to plan', async () => {
    const server = await hostile([[TABLE], [], []])
    expect((await look(server, held)).unavailable).toMatch(/does not tell what code/)
    const lying = await hostile([[TABLE], [], [dataRow('f', 'f', 'f', '{"not": "a list"}')]])
    expect((await look(lying, held)).plan).toBeUndefined()
  })

  test('that speaks of tables that nobody asked for is not listened to', async () => {
    const other = dataRow('public.other', '1', 'r', '5', 'f', 'f', null)
    const server = await hostile([
      [other, TABLE, dataRow('public.t', 'x', 'zz', 'NaN', 't', 't', '-1')],
      [],
      [SAFE],
    ])
    const { tables } = await look(server, held)
    expect(tables.map(({ name }) => name)).not.toContain('public.other')
    for (const { rows } of tables) expect(rows === undefined || rows >= 0).toBe(true)
    await sleep(0)
  })
})
