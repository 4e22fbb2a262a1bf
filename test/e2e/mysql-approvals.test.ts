// Writes that wait for a person on this wire: bounds on how many rows change, by a real server, and what ends a yes. And what
// holds of tables that the gateway has not heard of yet.
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Preview } from '#model'
import { type Answer, type MysqlClient, openMysql } from '../servers/mysql-client.ts'
import { until } from '../servers/programs.ts'
import { type MysqlStage, startMysqlStage } from './mysql-stage.ts'

const policies = {
  'shop.cedar': `
@id("all") permit (principal, action, resource) unless { action == Action::"reveal" };
@id("agents-write-with-a-person") @approvers("dba") @within("5m") @reason("a person looks at it")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
`,
}

let stage: MysqlStage
let bot: MysqlClient
beforeAll(async () => {
  stage = await startMysqlStage({
    name: 'shop',
    init: `create table people (id int primary key, name varchar(40), email varchar(80));
      insert into people select seq, concat('Name ', seq), concat('p', seq, '@example.com') from seq_1_to_20;
      create table notes (id int primary key auto_increment, note varchar(40));
      create table kept (id int primary key, note varchar(40)) engine = myisam;
      insert into kept values (1, 'a'), (2, 'b'), (3, 'c');
      create table watched (id int primary key); insert into watched values (1), (2), (3);
      create trigger watching after delete on watched for each row insert into kept values (old.id + 10, 'gone');
      create table ran (who varchar(20));
      create function springs() returns int modifies sql data begin insert into ran values ('it ran'); return 1; end;
      create view trap as select id from watched where springs() = 1;
      create sequence numbers;
      create table big (id int primary key, g int, key (g)); insert into big select seq, seq % 10 from seq_1_to_40000;
      analyze table big, people;
      create table versioned (id int primary key, email varchar(80)) with system versioning;
      insert into versioned values (1, 'old@example.com'); update versioned set email = 'new@example.com';
      create view shown as select id, name from people;`,
    policies,
    dataClasses: { email: { columns: ['*.email'], mask: 'redact' } },
    gateway: {
      settings: { approvals: { hold: { user: '60s', agent: '60s', transaction: '60s' } } },
    },
  })
  bot = await open('order-bot')
})
afterAll(async () => {
  bot?.destroy()
  await stage?.stop()
})

async function open(user: string): Promise<MysqlClient> {
  const password = await stage.issuer.token({ client: user })
  return openMysql({ port: stage.gateway.port, user, password, database: 'shop' })
}

async function api<T>(method: string, path: string, body?: object): Promise<T> {
  const authorization = `Bearer ${await stage.issuer.token({ client: 'dora' })}`
  const headers = { authorization, ...(body ? { 'content-type': 'application/json' } : {}) }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const ca = readFileSync(stage.gateway.ca)
    request(
      `${stage.gateway.consoleUrl}/api/${path}`,
      { method, ca, headers, agent: false },
      resolve,
    )
      .on('error', reject)
      .end(body && JSON.stringify(body))
  })
  const text = Buffer.concat(await response.toArray()).toString('utf8')
  expect(response.statusCode, text).toBe(200)
  return JSON.parse(text)
}

interface Held {
  readonly id: string
  readonly state: string
  readonly statement: string
  readonly preview?: Preview
  readonly defaultMaxRows?: number
}

/** The request that `asked` waits for. */
async function pending(asked: Promise<readonly Answer[]>): Promise<Held> {
  let found: Held | undefined
  let answer: Answer | undefined
  asked.then(
    ([first]) => {
      answer = first
    },
    () => {}, // whoever asked hears of it
  )
  await until(
    'a request',
    async () => {
      if (answer !== undefined) throw new Error(`answered at once: ${answer.error?.text}`)
      found = (await api<Held[]>('GET', 'requests')).find(({ state }) => state === 'pending')
      return found !== undefined
    },
    60_000,
  )
  return found!
}

/** What the client is answered once a person has said yes to `maxRows` rows. */
async function approved(
  ask: () => Promise<readonly Answer[]>,
  maxRows?: number,
  meanwhile: () => Promise<void> = async () => {},
): Promise<Answer> {
  const asked = ask()
  const { id } = await pending(asked)
  await meanwhile()
  await api('POST', `requests/${id}/approve`, maxRows === undefined ? {} : { maxRows })
  const [answer] = await asked
  return answer!
}

const write = (text: string, maxRows?: number) => approved(() => bot.query(text), maxRows)
const cell = async (text: string) => (await bot.query(text))[0]?.rows[0]?.[0]
const real = async (text: string) => String(Object.values((await stage.server.query(text))[0]!)[0])

describe('a write that was approved for some rows', { timeout: 120_000 }, () => {
  test('is kept when it changes no more', async () => {
    const answer = await write("update people set name = 'kept' where id < 4", 3)
    expect(answer).toMatchObject({ error: undefined, affected: 3 })
    expect(await real("select count(*) from people where name = 'kept'")).toBe('3')
    expect(await cell('select @@autocommit + 10 * @@in_transaction')).toBe('1')
  })

  test('is undone when it changes more, and the session goes on as it was', async () => {
    const { error } = await write("update people set name = 'too many' where id < 9", 3)
    expect(error).toMatchObject({ code: 1142 })
    expect(error?.text).toContain(
      'would have changed 8 rows; 3 were approved. Nothing was changed; ',
    )
    expect(error?.text).toContain('reason: rows_exceeded')
    expect(await real("select count(*) from people where name = 'too many'")).toBe('0')
    expect(await cell('select @@autocommit + 10 * @@in_transaction')).toBe('1')
  })

  test('is undone alone in the transaction of the client, which goes on', async () => {
    await bot.query('start transaction')
    expect(await write("insert into notes (note) values ('mine')", 1)).toMatchObject({
      error: undefined,
      affected: 1,
    })
    const { error } = await write("update people set name = 'too many'", 2)
    expect(error?.text).toContain('reason: rows_exceeded')
    expect(await cell('select @@in_transaction')).toBe('1')
    await bot.query('commit')
    expect(await real("select count(*) from people where name = 'too many'")).toBe('0')
    expect(await real("select count(*) from notes where note = 'mine'")).toBe('1')
  })

  test('is the same without autocommit, and for what was prepared', async () => {
    await bot.query('set autocommit = 0')
    expect((await write("update people set name = 'off' where id < 9", 1)).error?.code).toBe(1142)
    await bot.query('commit')
    await bot.query('set autocommit = 1')
    const made = await bot.prepare('update people set name = ? where id < ?')
    if (!('id' in made)) throw new Error(made.error?.text)
    const run = (below: string) => () => bot.execute(made, ['off', below])
    expect((await approved(run('9'), 2)).error?.code).toBe(1142)
    expect(await real("select count(*) from people where name = 'off'")).toBe('0')
    expect(await approved(run('3'), 2)).toMatchObject({ error: undefined, affected: 2 })
    expect(await real("select count(*) from people where name = 'off'")).toBe('2')
  })

  test('keeps the locks that the client holds', async () => {
    expect((await write('lock tables people write')).error).toBe(undefined)
    expect((await write("update people set name = 'locked' where id < 9", 2)).error?.code).toBe(
      1142,
    )
    // (A table that was not locked is refused by the server for as long as they hold.)
    expect((await bot.query('select 1 from notes'))[0]?.error?.code).toBe(1100)
    await bot.query('unlock tables')
  })

  test('tells the server’s own error, and leaves nothing open behind it', async () => {
    const { error } = await write("insert into people values (1, 'again', 'a@example.com')", 5)
    expect(error?.code).toBe(1062)
    expect(await cell('select @@autocommit + 10 * @@in_transaction')).toBe('1')
  })

  test.each([
    ["update kept set note = 'x'", 'shop.kept is in no transaction'],
    ['delete from watched', 'shop.kept is in no transaction'],
    ["insert into notes (note) values ('r') returning id", 'RETURNING'],
    ["update people set name = 'a' where id = 1; update people set name = 'b'", 'several'],
    ["update people set name = 'a' where id = 1", undefined],
  ])('is refused where nobody can undo or count it: %s', async (text, why) => {
    const several = why === 'several'
    const client = several
      ? await openMysql({
          port: stage.gateway.port,
          user: 'order-bot',
          password: await stage.issuer.token({ client: 'order-bot' }),
          database: 'shop',
          flags: 0x10000,
        })
      : bot
    const before = await real('select group_concat(note) from kept')
    const { error } = await approved(() => client.query(text), 1)
    if (why === undefined) expect(error).toBe(undefined)
    else
      expect(error?.text).toMatch(
        new RegExp(`cannot be held to it: .*${why}.*reason: statement_unsupported`),
      )
    expect(await real('select group_concat(note) from kept')).toBe(before)
    if (several) client.destroy()
  })

  test('is refused on a temporary table, whatever table has its name', async () => {
    await bot.query('create temporary table people (id int, name varchar(40)) engine = myisam')
    const { error } = await write("insert into people values (1, 'x'), (2, 'y')", 1)
    expect(error?.text).toContain('reason: statement_unsupported')
    expect(await cell('select count(*) from people')).toBe('0')
    await bot.query('drop temporary table people')
  })
})

test('a yes ends when what it names becomes something else while it waits', {
  timeout: 120_000,
}, async () => {
  const ana = await open('ana')
  const answer = await approved(
    () => bot.query("update shown set name = 'v' where id = 20"),
    undefined,
    async () => {
      const [made] = await ana.query(
        'create or replace view shown as select id, email as name from people',
      )
      expect(made?.error).toBe(undefined)
    },
  )
  ana.end()
  expect(answer.error?.text).toContain('reason: approval_superseded')
  expect(await real("select count(*) from people where email = 'v'")).toBe('0')
})

test('what a text means is told as a session would read it, and which columns a class has', async () => {
  const why = await api<{ names: string; objects?: unknown }>('POST', 'policy/why', {
    resource: 'shop',
    statement: 'select * from shown',
  })
  expect(why.names).toBe('catalog')
  const { classes, resources } = await api<{
    classes: { name: string; matches: object[] }[]
    resources: object[]
  }>('GET', 'data-classes')
  expect(resources).toContainEqual(expect.objectContaining({ name: 'shop', known: true }))
  expect(classes[0]?.matches).toContainEqual({
    resource: 'shop',
    object: 'shop.people',
    column: 'email',
  })
})

/** What whoever approves is shown of it; then it is denied. */
async function looked(ask: () => Promise<readonly Answer[]>): Promise<Held & { preview: Preview }> {
  const asked = ask()
  const { id } = await pending(asked)
  let found: Held | undefined
  await until(
    'the preview',
    async () => {
      found = await api<Held>('GET', `requests/${id}`)
      return found.preview !== undefined
    },
    60_000,
  )
  await api('POST', `requests/${id}/deny`, { reason: 'it was looked at' })
  const [answer] = await asked
  expect(answer?.error?.text).toContain('it was looked at')
  return found as Held & { preview: Preview }
}

describe('what an approver is shown', { timeout: 120_000 }, () => {
  const look = (text: string) => looked(() => bot.query(text))

  test('is the plan, the tables with their rows, and about how many change', async () => {
    const { preview, defaultMaxRows } = await look("update people set name = 'x' where id < 6")
    expect(preview.estimate).toEqual({ rows: 5, effect: 'changes', guarded: true })
    expect(preview.plan).toMatch(/^id {2}select_type {2}table .*\n.* people .*range.*PRIMARY.* 5 /)
    expect(preview.tables).toEqual([{ name: 'shop.people', kind: 'table', rows: 20, exact: true }])
    expect(defaultMaxRows).toBe(15)
    const large = (await look('delete from big where g = 3')).preview
    expect(large.estimate?.rows).toBeGreaterThan(3_000)
    expect(large.tables[0]).toMatchObject({ exact: false })
    expect(await real('select count(*) from big')).toBe('40000')
  })

  test('is of the bound values', async () => {
    const made = await bot.prepare('update people set name = ? where id = ?')
    if (!('id' in made)) throw new Error(made.error?.text)
    const { preview } = await looked(() => bot.execute(made, ["it's", '3']))
    expect(preview).toMatchObject({ estimate: { rows: 1, guarded: true } })
  })

  test.each([
    ['update ran set who = springs()', 'It calls shop.springs'],
    ['delete from notes where id in (select id from trap)', 'It calls shop.springs'],
    ['insert into watched values (nextval(numbers))', 'change something already'],
    ['truncate people', 'There are no plans for TRUNCATE'],
    ['delete from nobody', 'is new to the gateway'],
  ])('is no plan where planning could run something, and says so: %s', async (text, why) => {
    const { preview } = await look(text)
    expect(preview.plan).toBe(undefined)
    expect(preview.unavailable).toContain(why)
    expect(await real('select count(*) from ran')).toBe('0')
  })

  test('says what it cannot know', async () => {
    await bot.query('start transaction')
    const { preview } = await look('delete from watched where id = @mine')
    await bot.query('rollback')
    expect(preview.notes.join()).toMatch(/open transaction.*Variables.*watched set off triggers/)
    expect(preview.estimate?.guarded).toBe(false)
  })
})

describe('what is made outside the gateway', { timeout: 120_000 }, () => {
  const shown = async (client: MysqlClient, text: string) =>
    (await client.query(text))[0]?.rows[0]?.join(' ')

  test('is known at the first statement that names it, and hidden until then', async () => {
    const ana = await open('ana')
    await stage.server.query('create table fresh (id int, email varchar(80))')
    await stage.server.query("insert into fresh values (1, 'secret@example.com')")
    expect(await shown(ana, 'select id, email from fresh')).toMatch(/^1 (?!secret)/)
    ana.end()
  })

  test('is hidden also where its name was asked for before it was there', async () => {
    const ana = await open('ana')
    expect((await ana.query('select * from later'))[0]?.error?.code).toBe(1146)
    await stage.server.query('create table later (id int, email varchar(80), note varchar(80))')
    await stage.server.query("insert into later values (1, 'secret@example.com', 'secret too')")
    const all = await ana.query('select * from later')
    const asText = await ana.query('select concat(email, 1) as x, upper(note) as y from later')
    const prepared = await ana.prepared('select email from later')
    expect(all[0]?.rows).toHaveLength(1)
    for (const answers of [all, asText, prepared])
      expect(JSON.stringify(answers.map(({ rows }) => rows))).not.toMatch(/secret/i)
    // What nobody knows may not be asked about either.
    const [asked] = await ana.query("select 1 from later where email like 'sec%'")
    expect(asked?.error?.text).toContain('reason: masked_predicate')
    ana.end()
  })

  test('is hidden where a known table has a new column', async () => {
    const ana = await open('ana')
    await stage.server.query("insert into notes (id, note) values (99, 'n')")
    expect(await shown(ana, 'select id from notes where id = 99')).toBe('99')
    await stage.server.query(
      "alter table notes add column email varchar(80) default 'secret@example.com'",
    )
    for (const text of [
      'select * from notes',
      'select email from notes',
      'select upper(email) as x from notes',
    ])
      expect(JSON.stringify((await ana.query(text))[0]?.rows)).not.toMatch(/secret/i)
    ana.end()
  })
})

test('rows as they were and lists of tables in parentheses are read, and masked like others', async () => {
  const ana = await open('ana')
  for (const [text, many] of [
    ['select id, email from versioned for system_time all', 2],
    [
      "select upper(v.email) from versioned for system_time as of timestamp '2035-01-01 00:00:00' as v",
      1,
    ],
    ["select email from versioned for system_time between '2001-01-01' and '2035-01-01'", 2],
    [
      'select * from (watched w, people) left join notes n on n.id = w.id where people.id = w.id',
      3,
    ],
    ['select v.email from notes right join (watched, versioned as v) on 1 = 0', 3],
  ] as const) {
    const [answer] = await ana.query(text)
    expect(answer?.error, text).toBe(undefined)
    expect(answer?.rows, text).toHaveLength(many)
    expect(JSON.stringify(answer?.rows), text).not.toMatch(/@example/i)
  }
  const [hidden] = await ana.query(
    "select 1 from versioned for system_time all where email like 'o%'",
  )
  expect(hidden?.error?.text).toContain('reason: masked_predicate')
  ana.end()
})
