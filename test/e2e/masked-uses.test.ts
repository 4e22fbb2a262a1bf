// What may be asked about masked columns, and where their values may go: the oracles and copies that others missed,
// from unmodified clients on a real server.
import { readFileSync } from 'node:fs'
import { Client, type DatabaseError, type QueryConfig } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../servers/programs.ts'
import { type Stage, startStage } from './stage.ts'

const policies = {
  'shop.cedar': `
@id("all-use")
permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"define", Action::"execute"], resource in Resource::"shop");
@id("analysts-see-email")
permit (principal in Group::"analysts", action == Action::"reveal", resource == DataClass::"email");
`,
}
const dataClasses = {
  email: { columns: ['*.email'], detect: 'email', mask: 'partial' },
  card: { columns: ['*.card'], detect: 'card', mask: 'hash-token' },
  ssn: { columns: ['*.ssn'], mask: 'redact' },
}
const SSN = '912-54-7610'

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    policies,
    dataClasses,
    init: `
create table people (id int primary key, ssn text, email text, name text);
create type mood as enum ('happy', 'sad');
create table notes (id int generated always as identity, note text);
insert into people select id, ssn, email, name from customers;
create view seen as select id, ssn as s, upper(ssn) as u, name from people;
alter table people owner to app; alter table notes owner to app; alter view seen owner to app;`,
  })
})
afterAll(() => stage?.stop())

async function connected(client: string): Promise<Client> {
  const db = new Client({
    host: '127.0.0.1',
    port: stage.gateway.port,
    user: client,
    password: await stage.token(client),
    database: 'shop',
    ssl: { ca: readFileSync(stage.gateway.ca, 'utf8') },
  })
  db.on('error', () => {
    // The session is over; the query that was under way says so.
  })
  await db.connect()
  return db
}

/** The reason code of the refusal; the rows when there is none. */
async function outcome(client: string, query: string | QueryConfig): Promise<unknown> {
  const db = await connected(client)
  try {
    return (await db.query(query)).rows
  } catch (error) {
    const { routine, code } = error as DatabaseError
    return routine ?? code
  } finally {
    await db.end()
  }
}

/** Everything after the rule is what one asks of people; agents may ask less. */
const oracles: readonly (readonly [string, string])[] = [
  ['LIKE', "select id from customers where ssn like '9%'"],
  ['a pattern', "select id from customers where ssn ~ '^9'"],
  ['a range', "select id from customers where ssn between '9' and 'a'"],
  ['not equal', "select id from customers where ssn <> '1'"],
  ['a comparison of an expression', "select id from customers where upper(ssn) = 'X'"],
  ['a cast', "select id from customers where ssn::varchar(3) = '912'"],
  ['IS NULL', 'select id from customers where ssn is null'],
  ['ORDER BY', 'select id from customers order by ssn'],
  ['ORDER BY an ordinal', 'select ssn, id from customers order by 1'],
  ['ORDER BY an alias', 'select id, ssn as x from customers order by x'],
  ['ORDER BY an expression', "select id from customers order by ssn < '5'"],
  ['LIMIT behind an order', 'select name from customers order by substr(ssn, 1, 1) limit 1'],
  ['GROUP BY', 'select count(*) from customers group by ssn'],
  ['HAVING', "select city from customers group by city having max(ssn) > '9'"],
  ['DISTINCT', 'select distinct ssn from customers'],
  ['DISTINCT ON', 'select distinct on (ssn) id from customers'],
  ['a window', 'select rank() over (order by ssn), id from customers'],
  ['a partition', 'select count(*) over (partition by ssn) from customers'],
  ['a named window', 'select row_number() over w from customers window w as (order by ssn)'],
  ['UNION', 'select ssn from customers union select ssn from people'],
  ['EXCEPT', "select ssn from customers except select '912-54-7610'"],
  ['INTERSECT', "select ssn from customers intersect values ('912-54-7610')"],
  [
    'a join with VALUES',
    "select c.id from customers c join (values ('912')) v(p) on c.ssn like v.p || '%'",
  ],
  ['a join with itself', 'select a.id from customers a join people b on a.ssn = b.ssn'],
  ['USING', 'select count(*) from customers join people using (ssn)'],
  ['NATURAL', 'select count(*) from customers natural join people'],
  ['IN a sub-query', "select id from customers where ssn in (select '912-54-7610')"],
  ['EXISTS', "select 1 where exists (select 1 from customers where ssn like '9%')"],
  ['a sub-query under another', "select (select count(*) from customers where ssn > '5')"],
  ['FILTER', "select count(*) filter (where ssn like '9%') from customers"],
  ['an aggregate in order', 'select array_agg(id order by ssn) from customers'],
  ['a view', "select id from seen where s like '9%'"],
  ['a computed column of a view', "select id from seen where u = 'X'"],
  ['a CTE', "with q as (select id, ssn as x from customers) select id from q where x > '5'"],
  ['LATERAL', "select l.* from customers c, lateral (select 1 where c.ssn like '9%') l"],
  ['EXPLAIN', "explain select id from customers where ssn like '9%'"],
  ['EXPLAIN ANALYZE', "explain (analyze, verbose) select id from customers where ssn like '9%'"],
  ['UPDATE', "update customers set city = city where ssn like '9%'"],
  ['DELETE', "delete from notes using customers c where c.ssn like '9%'"],
  ['a cursor', "declare c cursor with hold for select id from customers where ssn like '9%'"],
  ['PREPARE', "prepare p as select id from customers where ssn like '9%'"],
  ['a write that leaves out rows', "insert into people values (1, 'x') on conflict do nothing"],
  [
    'ON CONFLICT',
    "insert into people (id) values (1) on conflict (id) do update set name = 'x' where people.ssn like '9%'",
  ],
  [
    'MERGE',
    "merge into people p using customers c on p.id = c.id when matched and c.ssn like '9%' then update set name = 'x'",
  ],
  ['COPY', "copy (select id from customers where ssn like '9%') to stdout"],
]

/** What shows nothing, but fails on some values and not on others, or has more or fewer rows. */
const failing: readonly (readonly [string, string])[] = [
  ['a division by zero', "select 1 / (case when ssn like '9%' then 0 else 1 end) from customers"],
  [
    'a division that a condition guards',
    "select case when ssn like '9%' then 1 / (id - id) end from customers",
  ],
  [
    'a cast that a condition guards',
    "select coalesce(nullif(ssn, '1'), name::int::text) from customers",
  ],
  [
    'one row too many',
    "select case when ssn like '9%' then (select id from customers) end from customers",
  ],
  ['a cast', 'select ssn::int from customers'],
  ['a cast in a WHERE', 'select 1 from customers where ssn::int > 0'],
  ['an enum', 'select ssn::mood from customers'],
  ['a regular expression from a value', "select 'x' ~ ssn from customers"],
  ['rows of a function', "select regexp_matches(ssn, '^9') from customers"],
  ['a series', 'select 1 from customers c, generate_series(1, ascii(c.ssn)) g'],
  [
    'a view that chooses by it',
    "create view chosen as select id from customers where ssn like '9%'",
  ],
]

describe('asking for a masked value', () => {
  test.each(oracles)('by %s is refused for people and agents', async (_what, text) => {
    expect(await outcome('dora', text)).toBe('masked_predicate')
    expect(await outcome('order-bot', text)).toBe('masked_predicate')
    expect(await outcome('order-bot', { text, values: [] })).toBe('masked_predicate')
  })

  test.each(failing)('by %s is refused', async (_what, text) => {
    expect(await outcome('dora', text)).toBe('masked_predicate')
    expect(await outcome('order-bot', text)).toBe('masked_predicate')
  })

  test('is compared with values by people, a bounded number of them, and not by agents', async () => {
    const equal = { text: 'select id from customers where ssn = $1', values: [SSN] }
    expect(await outcome('order-bot', equal)).toBe('masked_predicate')
    expect(await outcome('order-bot-for-ana', equal)).toBe('masked_predicate')
    expect(await outcome('dora', equal)).toEqual([{ id: 1 }])
    expect(await outcome('dora', `select id from customers where ssn = '${SSN}'`)).toEqual([
      { id: 1 },
    ])
    for (let n = 0; n < 18; n++)
      expect(await outcome('dora', { ...equal, values: [`none-${n}`] })).toEqual([])
    const list = "select id from customers where ssn in ('none-1', 'new-1', 'new-2')"
    expect(await outcome('dora', list)).toBe('masked_values_exceeded')
    expect(await outcome('dora', { ...equal, values: ['new-1'] })).toEqual([])
    expect(await outcome('dora', { ...equal, values: ['new-2'] })).toBe('masked_values_exceeded')
    expect(await outcome('dora', equal)).toEqual([{ id: 1 }])
  })

  test('is told which column, why, and what would be permitted', async () => {
    const { stderr } = await stage.psql(
      await stage.through('dora'),
      'select id from customers order by ssn;',
    )
    expect(stderr).toContain('public.customers.ssn is masked for you as ssn: it may not order rows')
    expect(stderr).toContain('rule: masking.predicates: equality')
    expect(stderr).toContain('ask for the right to reveal ssn')
  })
})

describe('copying a masked value', () => {
  const copies: readonly (readonly [string, string])[] = [
    ['INSERT ... SELECT', 'insert into notes (note) select ssn from customers'],
    [
      'INSERT of a sub-query',
      'insert into notes (note) values ((select ssn from customers where id = 1))',
    ],
    ['CREATE TABLE AS', 'create table stolen as select ssn as x from customers'],
    ['SELECT INTO', 'select ssn as x into stolen from customers'],
    ['a temporary table', 'create temp table stolen as select * from customers'],
    ['UPDATE', 'update people set name = ssn where id = 1'],
    ['UPDATE FROM', 'update people p set name = c.ssn from customers c where c.id = p.id'],
    [
      'UPDATE of a row',
      'update people set (name, id) = (select ssn, 1 from customers where id = 1) where id = 1',
    ],
    ['another class', 'update people set email = ssn where id = 1'],
    ['a masked value turned over', 'update people set email = reverse(email) where id = 1'],
    [
      'MERGE',
      'merge into people p using customers c on p.id = c.id when matched then update set name = c.ssn',
    ],
    [
      'ON CONFLICT',
      'insert into people (id, ssn) values (1, null) on conflict (id) do update set name = people.ssn',
    ],
    [
      'a writing CTE',
      'with w as (insert into notes (note) select ssn from customers returning id) select count(*) from w',
    ],
    ['a view', 'insert into notes (note) select s from seen'],
    ['pg_notify', "select pg_notify('c', ssn) from customers"],
    ['set_config', "select set_config('search_path', ssn, false) from customers where id = 1"],
    ['a large object', 'select lo_from_bytea(0, ssn::bytea) from customers where id = 1'],
  ]
  test.each(copies)('by %s is refused', async (_what, text) => {
    for (const who of ['dora', 'order-bot']) {
      const refused = await outcome(who, text)
      expect(['masked_copy', 'masked_predicate', 'setting_refused']).toContain(refused)
    }
  })

  test('to where it is as well hidden is not', async () => {
    const text =
      'update people set ssn = (select ssn from customers where id = 2) where id = 1 returning id, ssn'
    expect(await outcome('dora', text)).toEqual([{ id: 1, ssn: '⟦m:ssn⟧' }])
  })

  test('is shown by RETURNING as its mask', async () => {
    expect(
      await outcome('dora', 'update people set name = name where id = 3 returning ssn'),
    ).toEqual([{ ssn: '⟦m:ssn⟧' }])
  })

  test('that one may see is free', async () => {
    expect(
      await outcome('ana', 'insert into notes (note) select email from customers where id = 1'),
    ).toEqual([])
    expect(
      await outcome(
        'ana',
        'select id from customers where email like $$ivo%$$ order by email limit 1',
      ),
    ).toHaveLength(1)
  })
})

describe('a mask', () => {
  test('does not come back in a text, a value or the rows of COPY', async () => {
    const db = await connected('dora')
    const { rows } = await db.query('select ssn, card from customers where id = 1')
    const [{ ssn, card }] = rows as [{ ssn: string; card: string }]
    expect(card).toMatch(/^tok_card_[a-z2-7]{16}$/)
    await db.end()
    for (const value of [ssn, card]) {
      expect(await outcome('dora', `insert into notes (note) values ('${value}')`)).toBe(
        'mask_written_back',
      )
      const bound = { text: 'update people set name = $1 where id = 1', values: [value] }
      expect(await outcome('dora', bound)).toBe('mask_written_back')
      const copied = await stage.psql(
        await stage.through('dora'),
        `copy notes (note) from stdin;\nfine\n${value}\n\\.\nselect count(*) as still from notes where note = 'fine';\n`,
      )
      expect(copied.stderr).toContain('mask_written_back')
      expect(copied.stdout).toMatch(/still\s+-+\s+0/)
    }
    expect(await outcome('dora', `select id from notes where note = '${card}'`)).toEqual([])
  })
})

describe('ordinary work', () => {
  const work: readonly (readonly [string, string | QueryConfig, number])[] = [
    ['a row by its key', { text: 'select * from customers where id = $1', values: [7] }, 1],
    [
      'rows by other columns',
      'select name, email from customers where city is not null order by name limit 5',
      5,
    ],
    ['counting', 'select count(*), count(ssn) from customers', 1],
    [
      'a join by keys',
      'select c.email, p.name from customers c join people p using (id) order by c.id limit 3',
      3,
    ],
    ['groups of other columns', 'select city, count(*) from customers group by city limit 1', 1],
    ['a new row', "insert into notes (note) values ('own') returning id", 1],
    [
      'an upsert of own values',
      "insert into people values (9001, '2', 'a@b.example', 'n') on conflict (id) do update set ssn = excluded.ssn, name = excluded.name returning id",
      1,
    ],
    ['a change of a masked column', "update people set ssn = '3' where id = 9001 returning id", 1],
    ['a removal', 'delete from notes where id = -1 returning id', 0],
    ['the plan of a query', 'explain (costs off) select id from customers where id = 7', 2],
  ]
  test.each(work)('passes: %s', async (_what, query, rows) => {
    for (const who of ['dora', 'order-bot']) expect(await outcome(who, query)).toHaveLength(rows)
  })

  test('passes: what psql asks of the catalog', async () => {
    const { stdout, stderr } = await stage.psql(
      await stage.through('order-bot'),
      '\\d\n\\d customers\n\\d+ seen\n\\dt+\n\\df\n\\dn\n\\du\n\\l\n',
    )
    expect(stderr).not.toContain('masked')
    expect(stdout).toContain('customers')
  })

  test('passes: a migration that keeps its books in the transaction in which it defines', async () => {
    const { stderr } = await stage.psql(
      await stage.through('dora'),
      `begin; create table scratch (id int, city text); insert into scratch values (1, 'Oslo');
       create index on scratch (city); alter table people add column age int;
       update notes set note = 'v2' where note = 'v1'; select id from customers where name = 'x'; rollback;`,
    )
    expect(stderr).toBe('')
  })

  test('passes: what is asked right behind a definition', async () => {
    const db = await connected('dora')
    for (let n = 0; n < 5; n++) {
      await db.query(`create table fresh (id int, city text)`)
      expect((await db.query(`select id from fresh where city = 'Oslo' order by id`)).rows).toEqual(
        [],
      )
      await db.query('drop table fresh')
    }
    await db.end()
  })

  test('passes: what is asked while others change definitions', async () => {
    const [definer, reader] = [await connected('dora'), await connected('ana')]
    await definer.query('create table busy (id int, city text)')
    for (let n = 0; n < 5; n++) {
      await definer.query(`alter table busy add column c${n} int`)
      const { rows } = await reader.query("select id from busy where city = 'Oslo'")
      expect(rows).toEqual([])
    }
    await definer.query('drop table busy')
    await Promise.all([definer.end(), reader.end()])
  })

  test('is refused where a definition hides from us what it means', async () => {
    const where = await stage.through('dora')
    const { stderr } = await stage.psql(
      where,
      "begin; create view peep as select id, ssn as x from customers; select id from peep where x like '9%'; rollback;",
    )
    expect(stderr).toContain('masked_predicate')
  })
})

describe('a definition that another session changes', () => {
  const turn = 'create or replace view turned as select ssn as v from people'
  let one: Client
  let other: Client
  beforeEach(async () => {
    ;[one, other] = [await connected('ana'), await connected('ana')]
    await other.query('create or replace view turned as select name as v from people')
    await other.query(
      "create or replace function told() returns text language sql as 'select v from turned limit 1'",
    )
    await one.query('select v, told() from turned')
  })
  afterEach(() => Promise.all([one.end(), other.end()]))

  /** All that the client hears of them. */
  async function heard(texts: readonly string[]): Promise<string> {
    const all: unknown[] = []
    for (const text of texts) {
      all.push(
        await one.query(text).catch(error => ({ ...error, message: (error as Error).message })),
      )
    }
    return JSON.stringify(all)
  }

  test.each([
    ['rows', ['select v from turned']],
    ['an expression', ["select v || '!' as v from turned"]],
    ['an error', ["select ('x' || v)::int from turned"]],
    ['a cursor', ['begin', 'declare c cursor for select v from turned', 'fetch all from c']],
    ['a text of several statements', ['select 1; select lower(v) from turned']],
    ['what code reads', ['select told()']],
    ['a copy', ['create temp table kept as select v from turned', 'select v from kept']],
  ])('shows nothing to a statement that waits for its locks: %s', async (_, texts) => {
    await other.query(`begin; ${turn}`)
    const seen = heard(texts)
    await new Promise(resolve => setTimeout(resolve, 150))
    await other.query('commit')
    expect(await seen).not.toContain(SSN)
    expect(await seen).toMatch(/⟦m:ssn⟧|masked_/)
    // And what comes behind it is told again.
    const { rows } = await other.query('select name from people where id = 1')
    expect(rows[0]?.name).not.toContain('⟦')
  })

  test.each([
    ['rows', 'select v from turned'],
    ['an error', "select ('x' || v)::int from turned"],
  ])('shows nothing to a text that had begun: %s', async (_, text) => {
    const lock = new Client({ connectionString: stage.server.superuser })
    await lock.connect()
    await lock.query('select pg_advisory_lock(7)')
    const seen = heard([`select pg_advisory_xact_lock(7); ${text}`])
    await until('it to wait', async () => {
      const held = "select from pg_locks where locktype = 'advisory' and not granted"
      return (await lock.query(held)).rowCount === 1
    })
    await other.query(turn)
    await lock.end()
    expect(await seen).not.toContain(SSN)
    expect(await seen).toMatch(/⟦m:ssn⟧|hidden/)
  })

  test('is known when that session left behind its COMMIT', async () => {
    await other.query(`begin; ${turn}`)
    other.query('commit').catch(() => {
      // It is cut off: whether it was heard is what this is about.
    })
    await other.end()
    const { rows } = await one.query('select v from turned')
    expect(JSON.stringify(rows)).not.toContain(SSN)
    other = await connected('ana')
  })

  test.each([
    ['its own transaction', `begin; ${turn}`],
    ['its own session', turn],
  ])('counts for the code that reads it, in %s', async (_, text) => {
    await one.query(text)
    const { rows } = await one.query('select told()')
    expect(JSON.stringify(rows)).not.toContain(SSN)
  })

  test('counts when code changes it', async () => {
    await other.query(`create or replace function turns() returns void language sql as '${turn}'`)
    await other.query('select turns()')
    for (const each of [one, other])
      expect(JSON.stringify(await each.query('select v from turned'))).not.toContain(SSN)
  })

  test('does not change what a cursor shows that was declared before', async () => {
    await other.query(turn)
    await one.query('declare held cursor with hold for select v from turned')
    await other.query('drop view turned')
    await other.query('create view turned as select name as v from people')
    const { rows } = await one.query('fetch all from held')
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(SSN)
  })
})
