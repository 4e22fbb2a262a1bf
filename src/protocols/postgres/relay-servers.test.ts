// The relay with real clients and real servers: what unmodified drivers do must come out as without it.
import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { Client, type QueryConfig } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccessDenied } from '#model'
import {
  type PostgresServer,
  type PostgresVersion,
  runs,
  startPostgres,
} from '../../../test/servers/postgres.ts'
import { Frames, type SessionOptions } from './relay-doubles.ts'
import { bindFrame, executeFrame, parseFrame, queryFrame, syncFrame } from './relay-frames.ts'
import { type RelayListener, relayListener } from './relay-listener.ts'

const run = promisify(execFile)

const INIT = `
  create table customers (id int primary key, name text, email text, age int, ssn varchar(11), tags text[]);
  insert into customers select i, 'Customer ' || i, 'user' || i || '@example.com', i % 90, '123-45-' || lpad(i::text, 4, '0'), array['a', 'x' || i || '@example.org'] from generate_series(1, 500) i;
  create table orders (id serial primary key, customer int, total numeric, unique (customer));
  create view contacts as select id, email as contact from customers;
  create table parts (id int, email text) partition by range (id);
  create table parts_1 partition of parts for values from (0) to (100);
  insert into parts values (1, 'part@example.com');
  grant all on all tables in schema public to app; grant all on all sequences in schema public to app;
`
const classes = [
  { name: 'email', columns: ['*.email'], detect: 'email', mask: 'redact' },
  { name: 'ssn', columns: ['public.customers.ssn'], mask: 'partial' },
  { name: 'age', columns: ['customers.age'], mask: 'redact' },
] as const

const decide: SessionOptions['decide'] = ({ text, phase }) => {
  if (phase === 'execute' && text.includes('forbidden'))
    throw new AccessDenied('forbidden', 'not this')
  if (phase === 'execute' && text.includes('guarded')) return { maxRows: 3 }
  if (text.includes('limited')) return { limit: { rows: 10 } }
  return undefined
}

describe.each([15, 18] as PostgresVersion[])('PostgreSQL %i', version => {
  let pg: PostgresServer
  let masked: RelayListener
  let plain: RelayListener

  beforeAll(async () => {
    pg = await startPostgres({ version, init: INIT })
    masked = await relayListener(pg, { classes, decide })
    plain = await relayListener(pg, { decide })
  })

  afterAll(async () => {
    await masked?.close()
    await plain?.close()
    await pg?.stop()
    expect([...(masked?.bugs ?? []), ...(plain?.bugs ?? [])]).toEqual([])
  })

  async function connected(listener: RelayListener): Promise<Client> {
    const client = new Client({
      host: '127.0.0.1',
      port: listener.port,
      user: 'x',
      database: 'shop',
      password: 'x',
    })
    await client.connect()
    return client
  }

  const psql = async (listener: RelayListener, ...args: string[]): Promise<string> => {
    const { stdout, stderr } = await run('psql', [
      '-X',
      '-At',
      '-h',
      '127.0.0.1',
      '-p',
      String(listener.port),
      '-U',
      'x',
      'shop',
      ...args,
    ])
    return stdout + stderr
  }

  test('node-postgres: values, parameters, errors and transactions as without the relay', async () => {
    const client = await connected(plain)
    try {
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      expect((await client.query('select $1::int + 1 as two', [1])).rows).toEqual([{ two: 2 }])
      expect(
        (
          await client.query({
            name: 'n',
            text: 'select name from customers where id = $1',
            values: [7],
          })
        ).rows,
      ).toEqual([{ name: 'Customer 7' }])
      expect(
        (
          await client.query({
            name: 'n',
            text: 'select name from customers where id = $1',
            values: [8],
          })
        ).rows,
      ).toEqual([{ name: 'Customer 8' }])
      await expect(client.query('select * from nowhere')).rejects.toMatchObject({ code: '42P01' })
      await client.query('begin')
      await client.query('insert into orders (customer, total) values (1, 2.5)')
      await expect(client.query('select forbidden from orders')).rejects.toMatchObject({
        code: '42501',
        routine: 'forbidden',
      })
      await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
      await client.query('rollback')
      expect((await client.query('select count(*)::int as n from orders')).rows).toEqual([{ n: 0 }])
      const multi = (await client.query('select 1 as a; select 2 as b')) as unknown as {
        rows: object[]
      }[]
      expect(multi.map(({ rows }) => rows)).toEqual([[{ a: 1 }], [{ b: 2 }]])
    } finally {
      await client.end()
    }
  })

  test('every way to a classed column is masked', async () => {
    const client = await connected(masked)
    const leaks: string[] = []
    const failed: string[] = []
    try {
      for (const text of [
        'select email from customers',
        'select email as x from customers',
        'select * from customers',
        'select c from customers c',
        'select c.* from customers c',
        'select upper(email) from customers',
        "select email || '' from customers",
        'select (select email from customers limit 1)',
        'select max(email) from customers',
        'select email from (select email from customers) s',
        'with c as (select email from customers) select * from c',
        'with recursive r as (select id, email from customers union all select id, email from r where false) select * from r',
        'select row_to_json(c) from customers c',
        'select array_agg(email) from customers',
        'select json_agg(email) from customers',
        "select string_agg(email, ',') from customers",
        'select coalesce(email, name) from customers',
        'table customers',
        'select email from customers union select name from customers',
        'select contact from contacts',
        'select * from contacts',
        'select email from parts',
        'select email from parts_1',
        'select tags from customers',
        'select email::varchar from customers',
        "select format('%s', email) from customers",
        'select unnest(array[email]) from customers',
        'select distinct email from customers',
        'select case when true then email end from customers',
        'select substr(email, 1, 100) from customers',
        'update customers set name = name where id = 1 returning email',
        'select name || email from customers',
        'select xmlforest(email) from customers limit 1',
        'select (c).email from customers c',
        'select email from customers natural join (select id from customers) x',
        'values ((select email from customers limit 1))',
      ]) {
        for (const query of [
          { text },
          { text, values: [], queryMode: 'extended' },
        ] as QueryConfig[]) {
          let seen: string
          try {
            seen = JSON.stringify((await client.query(query)).rows)
          } catch (error) {
            seen = String(error)
            failed.push(text)
          }
          if (/@example/.test(seen)) leaks.push(`${text}: ${seen.slice(0, 80)}`)
        }
      }
      const asked: QueryConfig & { binary: boolean } = {
        text: 'select email, age, ssn from customers where id = 1',
        binary: true,
        values: [],
      }
      const binary = await client.query(asked)
      expect(binary.rows[0]).toMatchObject({ age: null })
      expect(String(binary.rows[0]?.email)).toContain('⟦m:')
      expect(leaks).toEqual([])
      expect(failed).toEqual([])
    } finally {
      await client.end()
    }
  })

  test('errors that quote a value do not show it', async () => {
    const client = await connected(masked)
    try {
      for (const text of [
        'select email::int from customers',
        'insert into customers (id, email) select 1, email from customers where id = 2',
      ]) {
        const error = await client.query(text).catch((error: unknown) => error)
        expect(JSON.stringify(error)).not.toContain('@example')
      }
      const cast = await client
        .query('select email::int from customers')
        .catch((error: unknown) => error)
      expect(cast).toMatchObject({ code: '22P02' })
    } finally {
      await client.end()
    }
  })

  test('postgres.js: pipelines, prepared statements, cursors, COPY both ways, large answers', async () => {
    const sql = postgres({
      host: '127.0.0.1',
      port: plain.port,
      user: 'x',
      database: 'shop',
      password: 'x',
      max: 2,
      onnotice: () => {},
    })
    try {
      const all = await Promise.all(
        Array.from({ length: 50 }, (_, i) => sql`select ${i}::int as i`),
      )
      expect(all.map(rows => rows[0]?.['i'])).toEqual(Array.from({ length: 50 }, (_, i) => i))
      let count = 0
      for await (const rows of sql`select * from generate_series(1, 1000) g`.cursor(100))
        count += rows.length
      expect(count).toBe(1_000)
      await sql`create table if not exists copied (a int, b text)`
      const lines = Array.from({ length: 5_000 }, (_, i) => `${i}\tline ${i}\n`)
      const into = await sql`copy copied from stdin`.writable()
      await new Promise((resolve, reject) =>
        Readable.from(lines).pipe(into).on('finish', resolve).on('error', reject),
      )
      expect((await sql`select count(*)::int as n from copied`)[0]?.['n']).toBe(5_000)
      let out = ''
      for await (const chunk of await sql`copy copied to stdout`.readable()) out += chunk
      expect(out).toBe(lines.join(''))
      const big = await sql`select repeat('x', 3000000) as big, i from generate_series(1, 3) i`
      expect(big.map(row => row['big'].length)).toEqual([3_000_000, 3_000_000, 3_000_000])
      await expect(
        sql.begin(async tx => {
          await tx`insert into orders (customer, total) values (77, 1)`
          await tx`select 1 as forbidden from orders`
        }),
      ).rejects.toMatchObject({ code: '42501' })
      expect((await sql`select count(*)::int as n from orders where customer = 77`)[0]?.['n']).toBe(
        0,
      )
    } finally {
      await sql.end()
    }
  })

  test('psql: meta commands, \\copy, cursors, masked COPY', async () => {
    expect(await psql(plain, '-c', '\\d customers')).toContain('email')
    expect(await psql(plain, '-c', '\\dt')).toContain('orders')
    const copied = await psql(
      masked,
      '-c',
      '\\copy (select id, email from customers order by id) to stdout with csv',
    )
    expect(copied.split('\n')).toHaveLength(501)
    expect(copied).not.toContain('@example')
    const whole = await psql(masked, '-c', '\\copy customers to stdout')
    expect(whole).not.toContain('@example')
    expect(whole).not.toContain('123-45')
    expect(whole.split('\n')[0]?.split('\t')).toHaveLength(6)
    expect(
      await psql(plain, '-v', 'FETCH_COUNT=50', '-c', 'select id from customers order by id'),
    ).toContain('500')
    expect(
      await psql(masked, '-v', 'FETCH_COUNT=50', '-c', 'select email from customers'),
    ).not.toContain('@example')
  })

  test('a bound on changed rows is kept in simple and extended queries', async () => {
    const client = await connected(plain)
    const count = async (): Promise<unknown> =>
      (await client.query("select count(*)::int as n from copied where b = 'x'")).rows[0]
    try {
      await client.query('create table if not exists copied (a int, b text)')
      await client.query("insert into copied select i, 'x' from generate_series(1, 10) i")
      await expect(
        client.query("delete /* guarded */ from copied where b = 'x'"),
      ).rejects.toMatchObject({ routine: 'rows_exceeded' })
      expect(await count()).toEqual({ n: 10 })
      await expect(
        client.query('delete /* guarded */ from copied where b = $1', ['x']),
      ).rejects.toMatchObject({ routine: 'rows_exceeded' })
      expect(await count()).toEqual({ n: 10 })
      await client.query("delete /* guarded */ from copied where b = 'x' and a <= 2")
      const rest = await client.query(
        'delete /* guarded */ from copied where b = $1 and a <= 4 returning a',
        ['x'],
      )
      expect(rest.rows).toHaveLength(2)
      expect(await count()).toEqual({ n: 6 })
      await client.query('begin')
      await expect(
        client.query("delete /* guarded */ from copied where b = 'x'"),
      ).rejects.toMatchObject({ routine: 'rows_exceeded' })
      await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
      await client.query('rollback')
      expect(await count()).toEqual({ n: 6 })
    } finally {
      await client.end()
    }
  })

  async function raw(listener: RelayListener): Promise<Frames> {
    const socket = connect(listener.port, '127.0.0.1')
    const frames = new Frames(socket)
    const startup = Buffer.from('\0\0\0\0\0\x03\0\0user\0x\0\0', 'latin1')
    startup.writeInt32BE(startup.length, 0)
    socket.write(startup)
    await frames.until('Z')
    return frames
  }

  test('a refusal in a pipeline undoes what the pipeline did, and the next one goes on', async () => {
    const frames = await raw(plain)
    const step = (text: string): Uint8Array[] => [
      parseFrame('', text),
      bindFrame('', ''),
      executeFrame(),
    ]
    frames.send(
      ...step('insert into orders (customer, total) values (501, 1)'),
      ...step('select 1 as forbidden'),
      ...step('insert into orders (customer, total) values (502, 1)'),
      syncFrame(),
      ...step('insert into orders (customer, total) values (503, 1)'),
      syncFrame(),
    )
    const types = async (): Promise<string> =>
      (await frames.until('Z')).map(({ type }) => type).join('')
    expect(await types()).toBe('12C12EZ')
    expect(await types()).toBe('12CZ')
    frames.send(
      ...step('begin'),
      ...step('insert into orders (customer, total) values (504, 1)'),
      syncFrame(),
      queryFrame('select 1 as forbidden'),
      queryFrame('insert into orders (customer, total) values (505, 1)'),
      queryFrame('commit'),
    )
    expect(await types()).toBe('12C12CZ')
    expect(await types()).toBe('EZ')
    expect(await types()).toBe('EZ')
    expect((await frames.until('Z')).map(({ body }) => body.toString())).toEqual([
      'ROLLBACK\0',
      'I',
    ])
    frames.socket.destroy()
    expect(await pg.query('select customer from orders where customer > 500')).toEqual([
      { customer: 503 },
    ])
    await pg.query('delete from orders where customer > 500')
  })

  test('a cancel request ends what runs, and LISTEN hears', async () => {
    const client = await connected(plain)
    try {
      const asked = client.query('select pg_sleep(20)').catch((error: unknown) => error)
      await runs(pg, 'select pg_sleep(20)')
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
      const packet = Buffer.alloc(16)
      packet.writeInt32BE(16, 0)
      packet.writeInt32BE(80877102, 4)
      packet.writeInt32BE(processID, 8)
      packet.writeInt32BE(secretKey, 12)
      connect(plain.port, '127.0.0.1').end(packet)
      expect(await asked).toMatchObject({ code: '57014' })
      const heard = new Promise(resolve =>
        client.on('notification', ({ payload }) => resolve(payload)),
      )
      await client.query('listen news')
      await pg.query("notify news, 'hello'")
      expect(await heard).toBe('hello')
    } finally {
      await client.end()
    }
  })

  test('a limit on the answer cuts it off, and the session goes on', async () => {
    const client = await connected(plain)
    try {
      for (const values of [undefined, [1]]) {
        const text = `select /* limited */ ${values === undefined ? '1' : '$1::int'} from generate_series(1, 2000000)`
        await expect(
          client.query({ text, ...(values === undefined ? {} : { values }) }),
        ).rejects.toMatchObject({ routine: 'limit_exceeded' })
        expect((await client.query('select 5 as five')).rows).toEqual([{ five: 5 }])
      }
      expect(
        (await client.query('select /* limited */ i from generate_series(1, 10) i')).rows,
      ).toHaveLength(10)
      expect(plain.sessions.at(-1)?.outcomes.every(({ outcome }) => outcome.rows <= 10)).toBe(true)
    } finally {
      await client.end()
    }
  })

  test('a new table is known as soon as it is used', async () => {
    const client = await connected(masked)
    try {
      await client.query("create table fresh as select 1 as id, 'new@example.com'::text as email")
      expect(JSON.stringify((await client.query('select * from fresh')).rows)).not.toContain(
        '@example',
      )
      await client.query('drop table fresh')
    } finally {
      await client.end()
    }
  })

  test('a view that is replaced in the same transaction, text or chunk hides what it shows now', async () => {
    const client = await connected(masked)
    try {
      await client.query('create view shown as select id, name::varchar(11) as c from customers')
      const replace = 'create or replace view shown as select id, ssn as c from customers'
      const back =
        'create or replace view shown as select id, name::varchar(11) as c from customers'
      await client.query('begin')
      await client.query(replace)
      expect(JSON.stringify((await client.query('select c from shown')).rows)).not.toContain(
        '123-45',
      )
      await client.query('rollback')
      expect(JSON.stringify(await client.query(`${replace}; select c from shown`))).not.toContain(
        '123-45',
      )
      await client.query(back)
      const both = await Promise.all([client.query(replace), client.query('select c from shown')])
      expect(JSON.stringify(both[1].rows)).not.toContain('123-45')
      await client.query(back)
      const frames = await raw(masked)
      frames.send(
        queryFrame(replace),
        queryFrame('select c from shown'),
        queryFrame('drop view shown'),
      )
      const all = [
        ...(await frames.until('Z')),
        ...(await frames.until('Z')),
        ...(await frames.until('Z')),
      ]
      expect(all.filter(({ type }) => type === 'D')).toHaveLength(500)
      expect(Buffer.concat(all.map(({ frame }) => frame)).includes('123-45')).toBe(false)
      frames.socket.destroy()
    } finally {
      await client.end()
    }
  })

  test('a server that dies in the middle of an answer is told to the client', async () => {
    const client = await connected(plain)
    const errors: unknown[] = []
    client.on('error', error => errors.push(error))
    const asked = client.query('select pg_sleep(10)').catch((error: unknown) => error)
    await runs(pg, 'select pg_sleep(10)')
    await pg.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(10)%' and pid <> pg_backend_pid()",
    )
    expect(await asked).toMatchObject({ code: '57P01' })
    await client.end().catch(() => {})
  })
})
