// What the product is for, seen from unmodified clients: deny, mask, hold, approve, record, verify.

import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, type ClientConfig, type DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runs } from '../servers/postgres.ts'
import { until, within } from '../servers/programs.ts'
import { type Stage, startStage } from './stage.ts'

const policies = {
  'shop.cedar': `
@id("all-connect-and-read")
permit (principal, action in [Action::"connect", Action::"read"], resource in Resource::"shop");
@id("all-write")
permit (principal, action == Action::"write", resource in Resource::"shop");
@id("agents-write-with-a-person")
@approvers("dba") @within("5m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource in Resource::"shop") unless { context.approved };
@id("no-unfiltered-writes")
@reason("a write needs a WHERE")
forbid (principal, action == Action::"write", resource) when { context.unfiltered };
@id("analysts-see-email")
permit (principal in Group::"analysts", action == Action::"reveal", resource == DataClass::"email");
@id("dba-looks")
permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit", Action::"console:operate"], resource);
`,
}
const dataClasses = {
  email: { columns: ['*.email'], detect: 'email', mask: 'partial' },
  card: { columns: ['*.card'], detect: 'card', mask: 'redact' },
  ssn: { columns: ['public.customers.ssn'], mask: 'null' },
}
// The first customer of the made-up shop.
const EMAIL = 'ivo.fuchs1@example.org'
const CARD = '4459 4902 9207 0456'
const SSN = '912-54-7610'

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    init: `create table drifting (id int primary key, kind text) with (autovacuum_enabled = false);
      insert into drifting select i, 'old' from generate_series(1, 400) i;
      analyze drifting; update drifting set kind = 'new'; grant all on drifting to app;`,
    policies,
    dataClasses,
    settings: { approvals: { hold: { user: '20s', agent: '20s', transaction: '2s' } } },
  })
})
afterAll(() => stage?.stop())

async function connected(client: string, more: ClientConfig = {}): Promise<Client> {
  const db = new Client({
    host: '127.0.0.1',
    port: stage.gateway.port,
    user: client,
    password: await stage.token(client),
    database: 'shop',
    ssl: { ca: readFileSync(stage.gateway.ca, 'utf8') },
    ...more,
  })
  db.on('error', () => {
    // Sessions that are ended under a client are what some tests are about.
  })
  await db.connect()
  return db
}

/** The error that a query must end in. */
async function refusal(query: Promise<unknown>): Promise<DatabaseError> {
  return query.then(
    () => {
      throw new Error('it was not refused')
    },
    (error: DatabaseError) => error,
  )
}

async function pending(): Promise<{ id: string; statement: string }[]> {
  const listed = await stage.gateway.cli(
    ['requests', '--state', 'pending', '--json'],
    await stage.token('dora'),
  )
  expect(listed.code, listed.stderr).toBe(0)
  return JSON.parse(listed.stdout)
}

describe('a refusal', () => {
  test('is a native error with the policy, a hint and a reason code', async () => {
    const db = await connected('ana')
    const error = await refusal(db.query('delete from orders'))
    expect(error.code).toBe('42501')
    expect(error.message).toContain('a write needs a WHERE')
    expect(error.detail).toContain('no-unfiltered-writes')
    expect(JSON.stringify(error)).toContain('forbidden')
    expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await db.end()
  })

  test('leaves the transaction failed, on both sides', async () => {
    const db = await connected('ana')
    await db.query('begin')
    await db.query("update customers set city = 'Rome' where id = 9")
    await refusal(db.query('delete from orders'))
    expect((await refusal(db.query('select 1'))).code).toBe('25P02')
    expect((await db.query('commit')).command).toBe('ROLLBACK')
    const [row] = (await db.query('select city from customers where id = 9')).rows
    expect(row.city).not.toBe('Rome')
    await db.end()
  })

  test.each([
    ['with a comment', 'delete /* where id = 1 */ from orders'],
    ['in a CTE', 'with gone as (delete from orders returning id) select count(*) from gone'],
    ['in EXPLAIN ANALYZE', 'explain analyze delete from orders'],
    ['as one of several', 'select 1; delete from orders'],
    ['by PREPARE', 'prepare gone as delete from orders'],
    ['with a WHERE that is always true', 'delete from orders where true'],
    ['in DO', 'do $$ begin delete from orders; end $$'],
  ])('comes for a write without WHERE %s', async (_how, text) => {
    const db = await connected('ana')
    expect((await refusal(db.query(text))).code).toBe('42501')
    const [row] = (await db.query('select count(*)::int as n from orders')).rows
    expect(row.n).toBe(900)
    await db.end()
  })

  test('comes for what only superusers and owners do, whoever asks', async () => {
    const db = await connected('ana')
    for (const text of [
      'set role postgres',
      'set session authorization postgres',
      'drop table orders',
      "copy customers to '/tmp/x'",
      "copy customers from program 'id'",
      "select pg_read_file('/etc/passwd')",
      'create extension dblink',
      "select query_to_xml('delete from orders', true, true, '')",
      "load 'x'",
    ]) {
      expect((await refusal(db.query(text))).code, text).toBe('42501')
    }
    await db.end()
  })
})

describe('masking', () => {
  const forms: readonly [string, string | { text: string; binary: true }][] = [
    ['a column', 'select email, card, ssn from customers where id = 1'],
    ['*', 'select * from customers where id = 1'],
    ['an alias', 'select c.email as x, c.card as y, c.ssn as z from customers c where c.id = 1'],
    ['a view', 'select * from big_spenders where id = 1'],
    [
      'an expression',
      "select upper(email), card || '', ssn::text, substr(card, 1, 19) from customers where id = 1",
    ],
    [
      'a subquery',
      'select q.v from (select email || card || ssn as v from customers where id = 1) q',
    ],
    ['a CTE', 'with q as (select * from customers where id = 1) select q.* from q'],
    ['a whole row', 'select c from customers c where c.id = 1'],
    [
      'json',
      'select to_json(c), row_to_json(c), jsonb_build_object($$a$$, c.card) from customers c where c.id = 1',
    ],
    [
      'an aggregate',
      'select string_agg(email, $$,$$), array_agg(card), max(ssn) from customers where id = 1',
    ],
    [
      'UNION',
      "select 'x' union all select email from customers where id = 1 union all select card from customers where id = 1",
    ],
    ['RETURNING', 'update customers set city = city where id = 1 returning email, card, ssn'],
    [
      'pg_typeof and a cast',
      'select email::bytea, card::varchar(10), ssn::name from customers where id = 1',
    ],
    [
      'binary format',
      { text: 'select email, card, ssn from customers where id = 1', binary: true },
    ],
    ['reversal', 'select reverse(email), reverse(card) from customers where id = 1'],
    ['base64', "select encode(convert_to(email, 'UTF8'), 'base64') from customers where id = 1"],
  ]
  test.each(forms)('covers %s', async (_what, asked) => {
    const db = await connected('dora')
    const query = {
      ...(typeof asked === 'string' ? { text: asked } : asked),
      rowMode: 'array' as const,
    }
    // What may fail by a value is refused; the rest is masked.
    const refused = (error: DatabaseError) => {
      expect(error.routine).toBe('masked_predicate')
      return error
    }
    const seen = JSON.stringify(await db.query<unknown[]>(query).then(({ rows }) => rows, refused))
    const reversed = (text: string) => [...text].reverse().join('')
    for (const value of [EMAIL, EMAIL.toUpperCase(), CARD, CARD.slice(0, 10), SSN]) {
      expect(seen).not.toContain(value)
      expect(seen).not.toContain(reversed(value))
      expect(seen).not.toContain(Buffer.from(value).toString('base64').slice(0, 12))
      expect(seen).not.toContain(Buffer.from(value).toString('hex'))
    }
    await db.end()
  })

  test('covers COPY, cursors, errors and EXPLAIN', async () => {
    const where = await stage.through('dora')
    const script = `
copy (select email, card, ssn from customers where id = 1) to stdout;
copy customers to stdout (format csv);
begin; declare c cursor for select email, card, ssn from customers where id = 1; fetch all in c; commit;
select email::int from customers where id = 1;
select card::int from customers where id = 1;
select ssn::date from customers where id = 1;
explain analyze select id from customers where email = (select max(email) from customers);
`
    const ran = await stage.psql(where, script)
    for (const value of [EMAIL, CARD, SSN]) {
      expect(ran.stdout).not.toContain(value)
      expect(ran.stderr).not.toContain(value)
    }
    expect(ran.stdout).toContain('Ivo Fuchs')
  })

  test('reveals a class to whom a policy reveals it, and only that class', async () => {
    const db = await connected('ana')
    const { rows } = await db.query('select name, email, card, ssn from customers where id = 1')
    expect(rows[0].email).toBe(EMAIL)
    expect(rows[0].card).not.toContain('4459')
    expect(rows[0].ssn).toBe(null)
    await db.end()
  })

  test('keeps masked for an agent what the person it acts for may see', async () => {
    const db = await connected('order-bot-for-ana')
    const { rows } = await db.query('select email from customers where id = 1')
    expect(rows[0].email).not.toBe(EMAIL)
    await db.end()
  })

  test('leaves what is not sensitive as it is', async () => {
    const db = await connected('dora')
    const { rows } = await db.query(
      'select id, name, city, born::text, balance from customers where id = 1',
    )
    expect(rows[0]).toEqual({
      id: 1,
      name: 'Ivo Fuchs',
      city: 'Lisbon',
      born: '1987-02-07',
      balance: '359.18',
    })
    const [counted] = (await db.query('select count(*)::int as n from customers')).rows
    expect(counted.n).toBe(300)
    await db.end()
  })
})

describe('a held statement', () => {
  test('waits, says so, and runs when a person approves', async () => {
    const db = await connected('order-bot')
    const notices: string[] = []
    db.on('notice', notice => notices.push(String(notice.message)))
    const asked = db.query('update customers set city = $1 where id = $2', ['Oslo', 11])
    await until('a request', async () => (await pending()).length > 0)
    const requests = await pending()
    expect(requests[0]?.statement).toContain('update customers')
    expect(notices.join()).toContain('agents change data only with a person')
    const approved = await stage.gateway.cli(
      ['approve', requests[0]?.id ?? ''],
      await stage.token('dora'),
    )
    expect(approved.code, approved.stderr).toBe(0)
    expect((await asked).rowCount).toBe(1)
    expect((await db.query('select city from customers where id = 11')).rows).toEqual([
      { city: 'Oslo' },
    ])
    // Used once: the same again asks again.
    const again = refusal(db.query('update customers set city = $1 where id = $2', ['Oslo', 11]))
    await until('a second request', async () => (await pending()).length > 0)
    await stage.gateway.cli(
      ['deny', (await pending())[0]?.id ?? '', '--reason', 'once is enough'],
      await stage.token('dora'),
    )
    const error = await again
    expect(error.code).toBe('42501')
    expect(error.message + error.detail).toContain('once is enough')
    expect(JSON.stringify(error)).toContain('approval_denied')
    await db.end()
  })

  test('is not approved by who asks, nor by the owner of the agent, nor by a stranger', async () => {
    const db = await connected('order-bot')
    const asked = refusal(db.query("update customers set city = 'Bern' where id = 12"))
    await until('a request', async () => (await pending()).length > 0)
    const id = (await pending())[0]?.id ?? ''
    for (const client of ['order-bot', 'ana', 'order-bot-for-ana']) {
      const tried = await stage.gateway.cli(['approve', id], await stage.token(client))
      expect(tried.code, client).not.toBe(0)
    }
    await stage.gateway.cli(['deny', id], await stage.token('dora'))
    await asked
    await db.end()
  })

  test('fails after a while with what to do, and the identical statement then uses a late approval', async () => {
    const db = await connected('order-bot')
    await db.query('begin')
    const text = "update customers set city = 'Turin' where id = 13"
    // In a transaction it waits for less time.
    const error = await refusal(db.query(text))
    expect(error.code).toBe('42501')
    expect(error.routine).toMatch(/^approval_(required|pending)$/)
    expect(error.hint).toContain('retry the identical statement before')
    await db.query('rollback')
    const id = (await pending())[0]?.id ?? ''
    expect((await stage.gateway.cli(['approve', id], await stage.token('dora'))).code).toBe(0)
    await db.query('begin')
    expect((await refusal(db.query(`${text} `))).code).toBe('42501')
    await db.query('rollback')
    expect((await db.query(text)).rowCount).toBe(1)
    await db.end()
  })

  test('is withdrawn when the client cancels or leaves', async () => {
    for (const request of await pending()) {
      await stage.gateway.cli(['deny', request.id], await stage.token('dora'))
    }
    const db = await connected('order-bot')
    void refusal(db.query("update customers set city = 'Graz' where id = 14"))
    await until('a request', async () => (await pending()).length > 0)
    ;(db as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    await until('no request', async () => (await pending()).length === 0)
    const [row] = await stage.server.query('select city from customers where id = 14')
    expect(row?.['city']).not.toBe('Graz')
  })

  test('shows the approver what it would do, and a plain yes bounds it by that', async () => {
    const db = await connected('order-bot')
    const text = "update drifting set id = id + 1000 where kind = 'new'"
    const asked = refusal(db.query(text))
    await until('a request', async () => (await pending()).length > 0)
    const id = (await pending())[0]?.id ?? ''
    const shown = async () =>
      (await stage.gateway.cli(['requests', id], await stage.token('dora'))).stdout
    await until('a look', async () => (await shown()).includes('plan:'))
    const page = await shown()
    expect(page).toContain('it changes about 1 row, by the estimate')
    expect(page).toContain('table public.drifting: 400 rows')
    expect(page).toContain('  | Update on drifting')
    expect(page).toContain('a yes allows 11 rows to change at most; --max-rows sets another bound')
    await stage.gateway.cli(['approve', id], await stage.token('dora'))
    // The statistics were old: nothing has happened, and whoever approves may know better.
    const error = await asked
    expect(error.routine).toBe('rows_exceeded')
    expect(error.hint).toContain('whoever approves can allow more rows')
    const again = db.query(text)
    await until('a second request', async () => (await pending()).length > 0)
    const second = (await pending())[0]?.id ?? ''
    await stage.gateway.cli(['approve', second, '--max-rows', '400'], await stage.token('dora'))
    expect((await again).rowCount).toBe(400)
    await db.end()
  })

  test('is rolled back when it changes more rows than were approved', async () => {
    const db = await connected('order-bot')
    const asked = refusal(db.query("update customers set balance = 0 where city = 'Lima'"))
    await until('a request', async () => (await pending()).length > 0)
    const id = (await pending())[0]?.id ?? ''
    const args = ['approve', id, '--max-rows', '1']
    expect((await stage.gateway.cli(args, await stage.token('dora'))).code).toBe(0)
    expect(JSON.stringify(await asked)).toContain('rows_exceeded')
    const [row] = await stage.server.query(
      "select count(*)::int as n from customers where city = 'Lima' and balance = 0",
    )
    expect(row?.['n']).toBe(0)
    await db.end()
  })
})

describe('a session', () => {
  test('reaches the server under a name that tells who and which session', async () => {
    const db = await connected('ana')
    await db.query('select 1')
    const rows = await stage.server.query(
      "select application_name from pg_stat_activity where usename = 'app' and state = 'idle'",
    )
    expect(rows.map(row => String(row['application_name'])).join()).toMatch(/sallyport:ana:/)
    await db.end()
  })

  test('ends within two seconds when an operator ends it', async () => {
    const db = await connected('ana')
    const gone = new Promise<number>(resolve => db.on('end', () => resolve(Date.now())))
    await db.query('select 1')
    const token = await stage.token('dora')
    const listed = JSON.parse((await stage.gateway.cli(['sessions', '--json'], token)).stdout) as {
      id: string
      principal: string
      endedAt?: unknown
    }[]
    const live = listed.find(each => !each.endedAt && each.principal === 'ana')
    const begun = Date.now()
    const ended = await stage.gateway.cli(['session', 'end', live?.id ?? ''], token)
    expect(ended.code, ended.stderr).toBe(0)
    within(5000, (await gone) - begun)
  })

  test('ends when its token does, also in the middle of a statement', async () => {
    const ttl = 6
    const begun = Date.now()
    const db = await connected('ana', {
      password: await stage.issuer.forge({ client: 'ana', ttl }),
    })
    const error = await refusal(
      db.query('select count(*) from customers a, customers b, customers c, customers d'),
    )
    expect(error.code).toBe('57P01')
    expect(error.routine).toBe('identity_ended')
    // (Whole seconds: what the token says may be up to one less.)
    expect(Date.now() - begun).toBeGreaterThan((ttl - 1) * 1_000 - 1)
    within((ttl + 3) * 1_000, Date.now() - begun)
  })

  test('can begin with an ephemeral credential, which is good for its resource only', async () => {
    const issued = await stage.gateway.cli(
      ['credential', 'shop', '--json'],
      await stage.token('ana'),
    )
    expect(issued.code, issued.stderr).toBe(0)
    const { id, secret } = JSON.parse(issued.stdout) as { id: string; secret: string }
    const db = await connected('ana', { user: id, password: secret })
    expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await db.end()
    await expect(connected('ana', { user: id, password: `${secret}x` })).rejects.toThrow()
    await expect(connected('ana', { user: 'sp-aaaaaaaaaa', password: secret })).rejects.toThrow()
  })
})

describe('evidence', () => {
  test('verifies offline, holds no values, and shows one altered byte', async () => {
    const { gateway } = stage
    const verified = await gateway.cli(['audit', 'verify', '--data', gateway.data])
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
    const tail = await gateway.cli(['audit', 'tail', '--json'], await stage.token('dora'))
    expect(tail.stdout).toContain('statement.permitted')
    for (const value of [EMAIL, CARD, SSN, 'Oslo']) expect(tail.stdout).not.toContain(value)
    expect(gateway.log()).not.toContain(stage.server.password)

    const copy = join(gateway.folder, 'copy')
    cpSync(gateway.data, copy, { recursive: true })
    const segment = readdirSync(join(copy, 'audit'), { recursive: true })
      .map(name => join(copy, 'audit', String(name)))
      .filter(path => statSync(path).isFile() && /segment/.test(path))
      .sort((a, b) => statSync(b).size - statSync(a).size)[0]
    const bytes = readFileSync(segment ?? '')
    const at = bytes.indexOf('statement.permitted')
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(segment ?? '', bytes)
    const altered = await gateway.cli(['audit', 'verify', '--data', copy])
    expect(altered.code, altered.stdout).toBe(1)
  })
})

describe('configuration', () => {
  test('follows an edit of a policy, and keeps the old ones when the edit is wrong', async () => {
    const db = await connected('ana')
    await db.query('select 1')
    stage.gateway.writePolicies({ 'more.cedar': 'permit (nonsense' })
    await until('it to be refused', () => stage.gateway.log().includes('more.cedar'))
    expect((await db.query('select count(*) from orders')).rows).toHaveLength(1)
    stage.gateway.writePolicies({
      'more.cedar':
        '@id("orders-are-closed") @reason("closed for stocktaking")\nforbid (principal, action, resource == Object::"shop/public.orders");',
    })
    await until('the new policy to hold', async () => {
      const fresh = await connected('ana')
      const error = await fresh.query('select count(*) from orders').catch((e: DatabaseError) => e)
      await fresh.end()
      return 'code' in error && error.code === '42501'
    })
    stage.gateway.writePolicies({ 'more.cedar': '' })
    await db.end().catch(() => {
      // A session that rested on the old policies may have been ended.
    })
  })

  test('that forbids what a session is running ends it, and lets the others run on', async () => {
    const [running, other] = [await connected('ana'), await connected('ana')]
    running.on('error', () => {})
    await until('the policies of before', () =>
      running.query('select count(*) from orders').then(
        () => true,
        () => false,
      ),
    )
    const long = 'select count(*) from orders, generate_series(1, 100000000)'
    const ends = running.query(long).catch((e: Error) => e)
    const goesOn = other.query('select count(*) from customers, generate_series(1, 30000)')
    await runs(stage.server, '%100000000)%')
    await runs(stage.server, '%30000)%')
    const asked = Date.now()
    stage.gateway.writePolicies({
      'more.cedar':
        '@id("orders-are-closed") forbid (principal, action, resource == Object::"shop/public.orders");',
    })
    expect(await ends).toMatchObject({ code: '57P01' })
    within(5_000, Date.now() - asked)
    expect((await goesOn).rowCount).toBe(1)
    expect((await other.query('select 1')).rowCount).toBe(1)
    stage.gateway.writePolicies({ 'more.cedar': '' })
    await other.end()
  })
})
