// What a MariaDB knows by another rule of equality, of length or of order than it looks: names that are one, values that are
// read in other places. Each of these told a masked value, or ran what was not judged.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { foldedName } from '../../src/engines/sql/index.ts'
import { type MysqlStage, startMysqlStage } from '../e2e/mysql-stage.ts'
import { type MysqlClient, openMysql } from '../servers/mysql-client.ts'
import { FLAGS } from '../servers/mysql-packets.ts'

const CANARY = 'canary-of-ann'

const policies = {
  'policies.cedar': `
@id("people-see-no-ssn")
permit (principal is User, action, resource) unless { action == Action::"reveal" };
@id("agents-read")
permit (principal is Agent, action in [Action::"connect", Action::"read"], resource);
@id("agents-write-with-a-person") @within("2s")
permit (principal is Agent, action == Action::"write", resource == Object::"shop/shop.orders") when { context.approved };
`,
}

let stage: MysqlStage
beforeAll(async () => {
  stage = await startMysqlStage({
    name: 'shop',
    init: `
      create table people (id int primary key, name varchar(40), ssn varchar(40));
      insert into people (id, name, ssn) values (1, 'Ann', '${CANARY}'), (2, 'Bob', '${CANARY}');
      create table history (id int, name varchar(40)); insert into history values (1, 'old');
      create table notes (id int primary key auto_increment, t varchar(80));
      create table orders (id int primary key, note varchar(40)); insert into orders values (1, 'one'), (2, 'two'), (3, 'three');
      create table flat (a int, ssn varchar(40)) engine=myisam; insert into flat values (1, '${CANARY}');
      create table merged (a int, plain varchar(40)) engine=merge union=(flat);
      create database other; create view other.v as select ssn as name from shop.people; create view v as select name from people;
      create procedure silent() set session_track_schema = 0;
      create function f_silent() returns int begin set session_track_schema = 0; return 1; end;
      create procedure other.nothing() select 1;
      create procedure \`other.nothing\`() modifies sql data insert into notes (t) select ssn from people;
      create function other.f_nothing() returns int return 1;
      create function \`other.f_nothing\`() returns int modifies sql data begin insert into notes (t) select ssn from people; return 1; end;
      create procedure p_note() modifies sql data insert into notes (t) select ssn from people;
      create function f_note() returns int modifies sql data begin insert into notes (t) select ssn from people; return 1; end;
    `,
    policies,
    dataClasses: { ssn: { columns: ['*.ssn'], mask: 'redact' } },
    resource: { masking: { predicates: 'allow' } },
    // (Where rows are not chosen by what is masked.)
    beside: ['strict'],
  })
})
afterAll(() => stage?.stop())

const opened: MysqlClient[] = []
afterAll(() => {
  for (const client of opened) client.destroy()
})

async function open(who: string, database = 'shop'): Promise<MysqlClient> {
  const where = who === 'direct' ? stage.direct() : await stage.through(who)
  const client = await openMysql({ ...where, database, flags: FLAGS.multiStatements })
  opened.push(client)
  return client
}

/** All that came, and what is in the one table that others may read. */
async function told(client: MysqlClient, texts: readonly string[]): Promise<string> {
  let all = ''
  for (const text of [...texts, 'select t from notes'])
    for (const { bytes } of await client.query(text)) all += bytes.toString('utf8')
  await stage.server.query('truncate notes')
  return all
}

const outer = (name: string, called: string) =>
  `select (select \`${name}\` from (select concat(ssn, '') as \`${called}\` from people limit 1) d) as z from (select 'y' as \`${name}\`) e`

describe('names that a server takes for one', () => {
  const attacks: readonly (readonly [string, readonly string[]])[] = [
    [
      'of prepared statements, with accents',
      [
        "prepare à from 'select 1'",
        "prepare á from 'select concat(ssn, 0x2d) from people'",
        'execute à',
      ],
    ],
    [
      'of prepared statements, in other places of the same length',
      [
        "prepare `aé` from 'select 1'",
        "prepare `áe` from 'select concat(ssn, 0x2d) from people'",
        'execute `aé`',
      ],
    ],
    [
      'of a CTE and a table',
      ["with hİstory as (select concat(ssn, '') as id from people) select id from history"],
    ],
    [
      'of two CTEs',
      [
        "with i as (select 'x' as v) select v from (with İ as (select concat(ssn, '') as v from people) select v from i) d",
      ],
    ],
    ['of columns, by the lower case of a sigma', [outer('xσ', 'xΣ')]],
    ['of procedures, by an accent', ['call p_notë()']],
    ['of functions, by another letter', ['select f_ñote()']],
  ]
  /** Two to the server, which looks further out. */
  const twos: readonly (readonly [string, readonly string[]])[] = [
    ['ƚ', 'Ƚ'],
    ['Ⴀ', 'ⴀ'],
    ['k', '\u212a'],
  ].map(([name, other]) => [
    `whose letters have no case there (${name})`,
    [
      `select (select ${name} from (select 'x' as ${other}, 1 as o) d limit 1) as z from (select concat(ssn, '') as ${name} from people) e`,
    ],
  ])

  test.each([...attacks, ...twos])('%s show nothing', async (_, texts) => {
    expect(await told(await open('direct'), texts)).toContain(CANARY)
    expect(await told(await open('ana'), texts)).not.toContain(CANARY)
  })

  test('do not run what was not judged', async () => {
    const bot = await open('order-bot')
    for (const text of [
      "prepare à from 'select 1'",
      "prepare á from 'delete from orders'",
      'execute à',
    ])
      expect((await bot.query(text))[0]?.error?.code).toBe(1235)
    expect(await stage.server.query('select count(*) as n from orders')).toEqual([{ n: 3 }])
    // What has a plain name goes on.
    await bot.query("prepare one from 'select note from orders where id = 1'")
    expect((await bot.query('execute `ONE`'))[0]?.rows).toEqual([['one']])
  })

  test('are those that are folded here, letter by letter', async () => {
    const client = await open('direct')
    const letters = Array.from({ length: 0xd7ff - 0x80 }, (_, at) => String.fromCharCode(at + 0x80))
    const folded = letters.filter(each => foldedName(each) !== each)
    expect(folded.length).toBeGreaterThan(80)
    const asked = folded.map(
      each => `(select d.\`x${foldedName(each)}\` from (select 1 as \`x${each}\`) d)`,
    )
    const [answer] = await client.query(`select ${asked.join(', ')}`)
    expect(answer?.error).toBeUndefined()
    expect(new Set(answer?.rows[0])).toEqual(new Set(['1']))
  })
})

describe('values that get the name of another column', () => {
  test.each([
    [
      'by a default',
      ['alter table copies add column more varchar(40) default (ssn)', 'select more from copies'],
    ],
    [
      'by a default without brackets',
      ['alter table copies add column more varchar(40) default ssn', 'select more from copies'],
    ],
    [
      'by a default of a function',
      [
        'alter table copies add column more varchar(40) default concat(ssn)',
        'select more from copies',
      ],
    ],
    [
      'by a default that is set',
      [
        'alter table copies alter column plain set default (`ssn`)',
        'update copies set plain = default',
        'select plain from copies',
      ],
    ],
    [
      'in a MERGE table',
      [
        'create table more (a int, plain varchar(40)) engine=merge union=(flat)',
        "select concat(plain, '') from more",
      ],
    ],
    [
      'in a table that becomes one',
      [
        'create table more (a int, plain varchar(40)) engine=myisam',
        "alter table more engine='MERGE', union=(flat)",
        "select concat(plain, '') from more",
      ],
    ],
    ['in a MERGE table that was there', ["select concat(plain, '') from merged"]],
  ])('%s are not shown', async (_, texts) => {
    const fresh = async () => {
      await stage.server.query(
        `drop table if exists copies, more; create table copies (id int, ssn varchar(40), plain varchar(40)); insert into copies values (1, '${CANARY}', 'x')`,
      )
      // (The catalog hears of it.)
      const ana = await open('ana')
      await ana.query('create or replace table heard (a int)')
      return ana
    }
    await fresh()
    expect(await told(await open('direct'), texts)).toContain(CANARY)
    expect(await told(await fresh(), texts)).not.toContain(CANARY)
  })

  test('are not those of other defaults', async () => {
    const ana = await open('ana')
    const plain = `create or replace table heard (a int default 5, b varchar(9) default 'default x' not null, c timestamp default current_timestamp on update current_timestamp,
      d datetime default now(), e varchar(40) default (uuid()), f int default (1 + 2), g int default -1, h int default null, primary key (a)) default charset=utf8mb4 default collate utf8mb4_bin`
    expect((await ana.query(plain))[0]?.error).toBeUndefined()
    expect(
      (
        await ana.query(
          'alter table heard alter column a set default 7, add column i int default 3 after b',
        )
      )[0]?.error,
    ).toBeUndefined()
  })
})

describe('a definition that asks what values are there', () => {
  test.each([
    "alter table people add check (ssn <> 'x')",
    "alter table people add constraint c check (id <> 1 or ssn > 'm')",
    'alter table people modify ssn int',
    'alter table people modify column if exists `ssn` int',
    "alter table people add column more int as (ssn > 'm') stored",
    "alter table people drop primary key, partition by list columns (ssn) (partition p values in ('a'))",
    'alter table people drop primary key, partition by range (crc32(ssn)) (partition p values less than (5))',
    'alter table orders add foreign key (note) references people (ssn)',
    'alter table orders add foreign key (note) references shop.people (name, ssn)',
    'create table child (a varchar(40), foreign key (a) references people (ssn))',
    'create table child (a varchar(40) references people (`ssn`))',
  ])('is refused where rows may not be chosen by them: %s', async text => {
    const ana = await open('ana', 'strict')
    const [answer] = await ana.query(text)
    expect(answer?.error?.code).toBe(1142)
    expect(answer?.error?.text).toContain('masked for you as ssn')
  })

  test.each([
    "alter table history add column more varchar(9) default 'x', add check (name <> 'y'), modify id bigint",
    "alter table people add check (name <> 'y'), modify column name varchar(50), add index (name)",
    'alter table history partition by hash (id) partitions 2',
    'create table child (a int, foreign key (a) references people (id) on delete cascade, check (a > 0))',
  ])('passes where it asks nothing of them: %s', async text => {
    const [answer] = await (await open('ana', 'strict')).query(text)
    expect(answer?.error).toBeUndefined()
  })
})

describe('a column that nobody has named', () => {
  const within = (from: string) =>
    `select (select ssn from (${from}) d limit 1) as z from (select 'y' as ssn) e`

  test.each([
    ['behind a plus', within('select +ssn, 1 as o from people')],
    ['behind signs and brackets', within('select + +((people.ssn)) from people')],
    ['of a star over it', within('select * from (select +ssn from people) f')],
    [
      'of a CTE',
      "with t as (select +ssn from people) select (select ssn from t limit 1) as z from (select 'y' as ssn) e",
    ],
    [
      'called by a string',
      "select (select ssn from (select 'ssn' union all select concat(ssn) from people) d limit 1, 1) as z from (select 'y' as ssn) e",
    ],
    [
      'called by a number',
      "select (select `1` from (select 1 union all select concat(ssn) from people) d limit 1, 1) as z from (select 'y' as `1`) e",
    ],
    [
      'called by a word',
      "select (select `TRUE` from (select true union all select concat(ssn) from people) d limit 1, 1) as z from (select 'y' as `TRUE`) e",
    ],
    [
      'called by bytes',
      "select (select `0x41` from (select 0x41 union all select concat(ssn) from people) d limit 1, 1) as z from (select 'y' as `0x41`) e",
    ],
    [
      'common to two tables',
      "select concat(ssn, '') from (select +ssn, 2 as z from people) d natural join (select ssn from people) e",
    ],
  ])('is found by the name that the server gives it: %s', async (_, text) => {
    expect(await told(await open('direct'), [text])).toContain(CANARY)
    expect(await told(await open('ana'), [text])).not.toContain(CANARY)
  })
})

describe('a routine whose name has a dot', () => {
  test.each([
    'call `other.nothing`()',
    'select `other.f_nothing`()',
    'select shop.`other.f_nothing`()',
  ])('is not taken for one of another database: %s', async text => {
    expect(await told(await open('direct'), [text])).toContain(CANARY)
    expect(await told(await open('ana'), [text])).not.toContain(CANARY)
  })

  test('is not known before it is read, also when it was made a moment ago', async () => {
    const ana = await open('ana')
    await ana.query('call nobody()')
    await stage.server.query(
      'create procedure late() modifies sql data insert into notes (t) select ssn from people',
    )
    expect(await told(ana, ['call late()'])).not.toContain(CANARY)
    expect(await told(await open('direct'), ['call late()'])).toContain(CANARY)
  })
})

describe('a default database that the server was made silent about', () => {
  const asks = "select concat(name, '') from v"

  test.each([
    [
      'by what was prepared',
      ["prepare s from 'set session_track_schema = 0'", 'execute s', 'use other'],
    ],
    [
      'by what was prepared, within a text',
      ["prepare s from 'set session_track_schema = 0'", 'execute s; use other'],
    ],
    ['by a procedure, within a text', ['call silent(); use other']],
    ['by a function, within a text', ['select f_silent(); use other']],
    ['by a procedure, in a text that fails', ['call silent(); use other; select missing']],
    ['by a procedure', ['call silent()', 'use other']],
    [
      'by a procedure, and chosen by what was prepared',
      ["prepare s from 'use other'", 'call silent(); execute s'],
    ],
  ])('%s is known, or the session is over', async (_, texts) => {
    expect(await told(await open('direct'), [...texts, asks])).toContain(CANARY)
    const ana = await open('ana')
    let all = ''
    for (const text of [...texts, asks]) {
      if (ana.packets.ended) break
      const answers = await ana.query(text).catch(() => [])
      for (const { bytes } of answers) all += bytes.toString('utf8')
    }
    expect(all).not.toContain(CANARY)
  })

  test('is chosen as ever otherwise', async () => {
    const ana = await open('ana')
    for (const text of [
      'use shop',
      'use shop; use shop',
      'use other; use shop',
      'select 1; use shop',
    ])
      for (const { error, ended } of await ana.query(text))
        expect([error, ended]).toEqual([undefined, false])
    expect((await ana.ask(Buffer.from('\x02shop')))[0]?.error).toBeUndefined()
    await ana.query("prepare s from 'use shop'")
    expect((await ana.query('execute s; execute s')).map(({ error }) => error)).toEqual([
      undefined,
      undefined,
    ])
    expect((await ana.query('select missing; use shop'))[0]?.error?.code).toBe(1054)
    expect((await ana.query('use shop; select missing'))[1]?.error?.code).toBe(1054)
    expect((await ana.query('select database()'))[0]?.rows).toEqual([['shop']])
  })
})

/** An Execute, of which all behind the id is given. */
function execute(id: number, ...rest: readonly (readonly number[] | string)[]): Buffer {
  const head = Buffer.from([0x17, 0, 0, 0, 0, 0, 1, 0, 0, 0])
  head.writeUInt32LE(id, 1)
  return Buffer.concat([head, ...rest.map(each => Buffer.from(each as string))])
}

async function prepared(client: MysqlClient, text: string): Promise<number> {
  const made = await client.prepare(text)
  if (!('id' in made)) throw new Error('it was not prepared')
  return made.id
}

describe('values that a server reads in other places', () => {
  const text = 'insert into notes (id, t) values (null, concat(?, hex(?)))'
  const noted = async () => {
    const rows = await stage.server.query('select t from notes order by id desc limit 1')
    return rows[0]?.['t']
  }
  const VARCHAR = [0x0f, 0]

  test.each([
    ['INT24', 9, [4, 97, 98, 99]],
    ['YEAR', 13, [1, 97]],
    ['BIT', 16, [1, 97]],
    ['GEOMETRY', 255, [1, 97]],
  ])('a value of type %s, which has no bytes for MariaDB, is refused', async (_, type, bytes) => {
    const client = await open('ana')
    const id = await prepared(client, text)
    const [answer] = await client.ask(execute(id, [0, 1, type, 0], VARCHAR, bytes, [1, 98]))
    expect(answer?.error?.code).toBe(1047)
    expect(await noted()).toBeUndefined()
    // The session goes on.
    expect((await client.query('select 1'))[0]?.rows).toEqual([['1']])
  })

  test.each([
    ['a decimal that is no number', 246, '\x03Bob'],
    ['a day of no month', 10, '\x04\xe4\x07\x0d\x01'],
    ['a moment of no hour', 12, '\x07\xe4\x07\x01\x01\x18\x00\x00'],
  ])('%s, which is zero for the server, is refused', async (_, type, bytes) => {
    const client = await open('ana')
    const id = await prepared(client, 'insert into notes (t) values (?)')
    const given = Buffer.from(bytes, 'latin1')
    const [answer] = await client.ask(execute(id, [0, 1, type, 0], [...given]))
    expect(answer?.error?.code).toBe(1047)
  })

  test('types that were sent with an Execute that failed are sent again, or it is refused', async () => {
    const client = await open('ana')
    const id = await prepared(client, 'insert into notes (id, t) values (7, ?)')
    const first = await client.ask(execute(id, [0, 1, 0xfd, 0], '\x03one'))
    expect(first[0]?.affected).toBe(1)
    // Another type; the server ends with an error (the key is there).
    const number = [9, 0, 0, 0, 0, 0, 0, 0]
    const failed = await client.ask(execute(id, [0, 1, 8, 0], number))
    expect(failed[0]?.error?.code).toBe(1062)
    await stage.server.query('truncate notes')
    expect((await client.ask(execute(id, [0, 0], number)))[0]?.error?.code).toBe(1047)
    expect((await client.ask(execute(id, [0, 1, 8, 0], number)))[0]?.affected).toBe(1)
    await stage.server.query('truncate notes')
    // Those that are known are kept as ever, also behind an error.
    expect((await client.ask(execute(id, [0, 0], number)))[0]?.affected).toBe(1)
    expect((await client.ask(execute(id, [0, 0], number)))[0]?.error?.code).toBe(1062)
    await stage.server.query('truncate notes')
    expect((await client.ask(execute(id, [0, 0], number)))[0]?.affected).toBe(1)
    await stage.server.query('truncate notes')
  })

  test('a value for a place that is none ends the session: servers then pass over what follows', async () => {
    const client = await open('ana')
    const id = await prepared(client, text)
    client.packets.command(Buffer.from([0x18, id, 0, 0, 0, 7, 0, 97]))
    const [answer] = await client.ask(execute(id, [0, 1], VARCHAR, VARCHAR, [1, 97, 1, 98]))
    expect(answer?.error?.code ?? 1043).toBe(1043)
    expect(client.packets.ended || answer?.ended || answer?.error !== undefined).toBe(true)
  })

  test('whether types come is told by 0 and 1 alone', async () => {
    const client = await open('ana')
    const id = await prepared(client, text)
    const [answer] = await client.ask(execute(id, [0, 2], VARCHAR, VARCHAR, [1, 97, 1, 98]))
    expect(answer?.error?.code).toBe(1043)
  })
})
