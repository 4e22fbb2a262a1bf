// PostgreSQL's own tools and the features that span statements or sessions: dump and restore, maintenance,
// COPY of every format, notifications between sessions, cursors that outlive a transaction, keys during COPY.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { difference } from '../regress/difference.ts'
import { run } from '../servers/programs.ts'
import { type Stage, startStage } from './stage.ts'

const TERMINAL = join(dirname(fileURLToPath(import.meta.url)), 'terminal.py')

// What a dump must carry that the shop has not.
const MORE = `
create schema warehouse authorization app;
set role app;
create type warehouse.state as enum ('new', 'sent', 'it''s back');
create domain warehouse.grams as integer check (value > 0);
create table warehouse.parcel (
  id bigint generated always as identity primary key,
  state warehouse.state not null default 'new',
  weight warehouse.grams,
  label bytea, notes text, tags text[], doc jsonb, price numeric(10,2), seen timestamptz,
  kilos numeric generated always as (weight / 1000.0) stored
) partition by range (id);
create table warehouse.parcel_1 partition of warehouse.parcel for values from (1) to (1000);
create table warehouse.parcel_2 partition of warehouse.parcel for values from (1000) to (maxvalue);
insert into warehouse.parcel (state, weight, label, notes, tags, doc, price, seen)
  select (array['new', 'sent', 'it''s back'])[1 + i % 3]::warehouse.state, i, decode(md5(i::text), 'hex'),
    case when i % 7 = 0 then null else E'tab\\t, "quoted", back\\\\slash, line\\nbreak ü ' || i end,
    array['a', null, 'b,"c"'], jsonb_build_object('i', i, 'k', '\\.'), i * 1.37, '2026-01-01Z'::timestamptz + i * interval '1 h'
  from generate_series(1, 2000) i;
create index on warehouse.parcel (state) where weight > 10;
create view warehouse.heavy with (security_barrier) as select id, weight from warehouse.parcel where weight > 1990;
create materialized view warehouse.by_state as select state, count(*) from warehouse.parcel group by 1;
create function warehouse.touch() returns trigger language plpgsql as $$ begin new.seen := '2026-02-02Z'; return new; end $$;
create trigger touched before update on warehouse.parcel for each row execute function warehouse.touch();
create function warehouse.total() returns bigint begin atomic select sum(weight) from warehouse.parcel; end;
comment on table warehouse.parcel is 'What''s sent; "quoted"';
create sequence warehouse.odd start 7 increment 2;
create unlogged table warehouse.empty ();
reset role;
`

let stage: Stage
let folder: string
beforeAll(async () => {
  stage = await startStage({
    version: 15,
    init: MORE,
    server: { max_prepared_transactions: '4' },
  })
  folder = mkdtempSync(join(tmpdir(), 'sallyport-tools-'))
})
afterAll(async () => {
  await stage?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

async function program(
  name: string,
  args: readonly string[],
  where: Record<string, string>,
): Promise<string> {
  const ran = await run(name, args, { env: where })
  expect(`${name}: ${ran.stderr}`).toBe(`${name}: `)
  expect(ran.code).toBe(0)
  return ran.stdout
}

/** The lines of a dump, without the random word that psql is locked with. */
const dump = (text: string) => text.replaceAll(/^(\\(un)?restrict) .*$/gm, '$1').split('\n')

const inDatabase = (where: Record<string, string>, database: string) => ({
  ...where,
  PGDATABASE: where['PGSSLROOTCERT'] === undefined ? database : `shop/${database}`,
})

describe('pg_dump', () => {
  test.each(['', '--inserts', '--schema-only', '--data-only --column-inserts', '--create --clean'])(
    'writes the same through the gateway: pg_dump %s',
    async switches => {
      const args = switches === '' ? [] : switches.split(' ')
      const direct = await program('pg_dump', args, stage.direct())
      const through = await program('pg_dump', args, await stage.through('ana'))
      expect(direct.length).toBeGreaterThan(5000)
      expect(difference(dump(direct), dump(through))).toEqual([])
    },
  )

  test('what psql restores through the gateway is what was dumped', async () => {
    await stage.server.query('create database again owner app')
    const file = join(folder, 'dump.sql')
    const through = await stage.through('ana')
    await program('pg_dump', ['-f', file], through)
    const args = ['-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-f', file]
    await program('psql', args, inDatabase(through, 'again'))
    const before = await program('pg_dump', [], stage.direct())
    const after = await program('pg_dump', [], inDatabase(stage.direct(), 'again'))
    expect(difference(dump(before), dump(after))).toEqual([])
  })

  test('a dump by two workers, restored by two workers, is what was dumped', async () => {
    await stage.server.query('create database parallel owner app')
    const place = join(folder, 'parallel')
    const through = await stage.through('ana')
    await program('pg_dump', ['-Fd', '-j', '2', '-f', place], through)
    // pg_restore wants the database by name.
    const target = inDatabase(through, 'parallel')
    await program('pg_restore', ['-j', '2', '-d', target['PGDATABASE'] as string, place], target)
    const before = await program('pg_dump', [], stage.direct())
    const after = await program('pg_dump', [], inDatabase(stage.direct(), 'parallel'))
    expect(difference(dump(before), dump(after))).toEqual([])
  })

  test('large objects are refused by name: pg_dump reads them by function calls', async () => {
    await stage.server.query('create database blobs owner app')
    const direct = inDatabase(stage.direct(), 'blobs')
    await program(
      'psql',
      ['-X', '-q', '-o', '/dev/null', '-c', "select lo_from_bytea(0, 'x')"],
      direct,
    )
    const through = inDatabase(await stage.through('ana'), 'blobs')
    const ran = await run('pg_dump', [], { env: through })
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain('function call messages are not supported')
    const without = await program('pg_dump', ['--no-blobs'], through)
    const expected = await program('pg_dump', ['--no-blobs'], direct)
    expect(dump(without)).toEqual(dump(expected))
  })
})

test.each([
  ['vacuumdb', ['--quiet', '--analyze', '--table=customers', 'shop']],
  ['reindexdb', ['--quiet', '--table=customers', 'shop']],
  ['clusterdb', ['--quiet', 'shop']],
  ['createdb', ['--maintenance-db=shop', 'made']],
  ['dropdb', ['--maintenance-db=shop', 'made']],
])('%s does its work through the gateway', async (name, args) => {
  await stage.server.query('alter role app createdb')
  await program(name, args, await stage.through('ana'))
  const [made] = await stage.server.query("select from pg_database where datname = 'made'")
  expect(made !== undefined).toBe(name === 'createdb')
})

describe('COPY', () => {
  test.each([
    ['text', 'format text'],
    ['text with options', "format text, delimiter '|', null 'nil'"],
    ['csv', "format csv, header, quote '''', escape '\\', null '\\N'"],
    ['binary', 'format binary'],
  ])('goes out and comes back in %s as on the server', async (name, options) => {
    const columns = 'state, weight, label, notes, tags, doc, price, seen'
    const copies: Buffer[] = []
    const through = await stage.through('ana')
    for (const where of [stage.direct(), through]) {
      const file = join(folder, `copy-${copies.length}-${name}`)
      const out = `\\copy (select ${columns} from warehouse.parcel order by id) to '${file}' (${options})`
      await program('psql', ['-X', '-q', '-c', out], where)
      copies.push(readFileSync(file))
    }
    expect(copies[0]?.length).toBeGreaterThan(100_000)
    expect(copies[1]?.equals(copies[0] as Buffer)).toBe(true)
    const file = join(folder, `copy-1-${name}`)
    const ran = await stage.psql(
      through,
      `create temp table t as select ${columns} from warehouse.parcel limit 0;
\\copy t from '${file}' (${options})
select count(*) from (select ${columns} from warehouse.parcel except select * from t) x;
select count(*) from t;`,
      { args: ['-A', '-t', '-q'] },
    )
    expect(ran).toMatchObject({ stderr: '', stdout: '0\n2000\n' })
  })

  test('Ctrl-C during COPY in either direction leaves the session usable', async () => {
    const steps = [
      { expect: 'shop=[>#] ' },
      {
        send: "copy (select repeat('x', 100), pg_sleep(0.01) from generate_series(1, 100000)) to stdout;\n",
      },
      { expect: 'xxxxxxxxxx' },
      { send: '^C' },
      { expect: 'canceling statement due to user request' },
      { send: 'create temp table typed (a int);\n' },
      { expect: 'CREATE TABLE' },
      { send: 'copy typed from stdin;\n' },
      { expect: '>> ' },
      { send: '1\n' },
      { expect: '>> ' },
      { send: '^C' },
      { expect: 'shop=[>#] ' },
      { send: "select 'rows ' || count(*) from typed;\n" },
      { expect: 'rows 0' },
      { send: '\\q\n' },
    ]
    const played = await run('/usr/bin/python3', [TERMINAL, JSON.stringify(steps), 'psql', '-X'], {
      env: await stage.through('ana'),
    })
    expect(played.stderr).toBe('')
    expect(played.code).toBe(0)
  })
})

describe('between sessions', () => {
  async function connect(): Promise<pg.Client> {
    const where = await stage.through('ana')
    const client = new pg.Client({
      host: '127.0.0.1',
      port: Number(where['PGPORT']),
      user: 'app',
      password: where['PGPASSWORD'] ?? '',
      database: 'shop',
      ssl: { ca: readFileSync(where['PGSSLROOTCERT'] ?? '', 'utf8') },
    })
    await client.connect()
    return client
  }

  test('a notification reaches an idle listener, after commit and not before', async () => {
    const [listener, speaker] = [await connect(), await connect()]
    try {
      const heard: (string | undefined)[] = []
      listener.on('notification', ({ payload }) => heard.push(payload))
      await listener.query('listen news')
      await speaker.query('begin')
      await speaker.query("notify news, 'first'")
      await speaker.query("select pg_notify('news', $1)", ['second'])
      await listener.query('select 1')
      expect(heard).toEqual([])
      await speaker.query('commit')
      await expect.poll(() => heard).toEqual(['first', 'second'])
    } finally {
      await Promise.all([listener.end(), speaker.end()])
    }
  })

  test('a prepared transaction is finished by another session', async () => {
    const [one, other] = [await connect(), await connect()]
    try {
      await one.query('create table if not exists two_phase (a int)')
      await one.query('begin')
      await one.query('insert into two_phase values (42)')
      await one.query("prepare transaction 'half'")
      expect((await other.query('select * from two_phase')).rows).toEqual([])
      await other.query("commit prepared 'half'")
      expect((await one.query('select * from two_phase')).rows).toEqual([{ a: 42 }])
    } finally {
      await Promise.all([one.end(), other.end()])
    }
  })

  test('locks, deadlocks and advisory locks come out as on the server', async () => {
    const [one, other] = [await connect(), await connect()]
    try {
      await one.query('begin')
      await other.query('begin')
      await one.query('update customers set city = city where id = 1')
      await other.query('update customers set city = city where id = 2')
      const results = await Promise.allSettled([
        one.query('update customers set city = city where id = 2'),
        other.query('update customers set city = city where id = 1'),
      ])
      const failed = results.filter(({ status }) => status === 'rejected')
      expect(failed).toMatchObject([{ reason: { code: '40P01', message: 'deadlock detected' } }])
    } finally {
      await Promise.all([one.query('rollback'), other.query('rollback')])
      await Promise.all([one.end(), other.end()])
    }
  })
})
