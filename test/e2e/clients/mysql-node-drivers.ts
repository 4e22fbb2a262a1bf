// The two connectors of Node, as an application would use them. Each gives what it saw, step by step.
import * as mariadb from 'mariadb'
import { createConnection } from 'mysql2/promise'

export interface Where {
  readonly port: number
  readonly user: string
  readonly password: string
  /** PEM. */
  readonly ca?: string
}

/** What mysql2 has under its promises. */
type Callback = { query(text: string): { stream(): AsyncIterable<unknown> } }

type Step = readonly [string, unknown]

const PEOPLE =
  'select id, name, born, balance, active, nothing from people where id <= ? order by id'

export async function mysql2(where: Where): Promise<readonly Step[]> {
  const { ca, ...rest } = where
  const db = await createConnection({
    ...rest,
    host: '127.0.0.1',
    database: 'shop',
    dateStrings: true,
    multipleStatements: true,
    ...(ca === undefined ? {} : { ssl: { ca } }),
  })
  const steps: Step[] = []
  const say = (what: string, seen: unknown) => steps.push([what, seen])
  const rows = async (text: string, values: string[] | number[] = []) =>
    (await db.query(text, values))[0]
  const failing = async (text: string) => {
    const error = await db.query(text).catch((thrown: unknown) => thrown)
    const { errno, sqlState, message } = error as {
      errno: number
      sqlState: string
      message: string
    }
    // The words of a syntax error are the gateway's own.
    say(text, [errno, sqlState, errno === 1064 ? '' : message])
  }
  say('text', await rows(PEOPLE, [3]))
  say('prepared', (await db.execute(PEOPLE, [3]))[0])
  say('prepared again', (await db.execute(PEOPLE, [4]))[0])
  await rows('drop table if exists work_mysql2')
  await rows('create table work_mysql2 (id int primary key, t longtext)')
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, id) =>
      db.execute('insert into work_mysql2 values (?, ?)', [id, `é ${id}`]),
    ),
  )
  say('at once', all.length)
  await db.beginTransaction()
  say('deleted', ((await rows('delete from work_mysql2')) as { affectedRows: number }).affectedRows)
  await db.rollback()
  say('kept', await rows('select count(*) as n from work_mysql2'))
  say('several', await rows('select 1 as a; select 2 as b'))
  say('call', ((await rows('call two_results()')) as unknown[]).slice(0, 2))
  await rows('insert into work_mysql2 values (99, ?)', ['x'.repeat(900_000)])
  say('big', await rows('select length(t) as n from work_mysql2 where id = 99'))
  const big = (await db.execute('select t from work_mysql2 where id = 99'))[0] as { t: string }[]
  say('big back', big[0]?.t.length)
  for (const text of [
    'selec 1',
    'select * from nowhere',
    'insert into work_mysql2 values (1, null)',
  ]) {
    await failing(text)
  }
  const refused = await db.execute('selec 1').catch((error: { errno: number }) => error.errno)
  say('prepared error', refused)
  let streamed = 0
  const stream = (db as unknown as { connection: Callback }).connection
    .query('select a.id from people a, people b, people c')
    .stream()
  for await (const _ of stream) streamed += 1
  say('streamed', streamed)
  await db.ping()
  await db.beginTransaction()
  await rows('delete from work_mysql2')
  await rows('set @mine = 1')
  await db.changeUser({ user: where.user, password: where.password, database: 'shop' })
  say('changed user', await rows('select count(*) as n, @mine as mine from work_mysql2'))
  say('prepared anew', (await db.execute(PEOPLE, [2]))[0])
  await rows('drop table work_mysql2')
  await db.end()
  return steps
}

export async function mariadbConnector(where: Where): Promise<readonly Step[]> {
  const { ca, ...rest } = where
  const db = await mariadb.createConnection({
    ...rest,
    host: '127.0.0.1',
    database: 'shop',
    dateStrings: true,
    ...(ca === undefined ? {} : { ssl: { ca } }),
  })
  const steps: Step[] = []
  const plain = (seen: unknown) =>
    JSON.parse(
      JSON.stringify(seen, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
    )
  const say = (what: string, seen: unknown) => steps.push([what, plain(seen)])
  say('text', await db.query(PEOPLE, [3]))
  say('prepared', await db.execute(PEOPLE, [3]))
  await db.query('create or replace table work_mariadb (id int primary key, t longtext)')
  const values = Array.from({ length: 200 }, (_, id) => [id, `é ${id}`])
  // (In bulk where the server offers it, one by one where not: told otherwise, done the same.)
  await db.batch('insert into work_mariadb values (?, ?)', values)
  say('batch', await db.query('select count(*) as n, max(t) as t from work_mariadb'))
  say(
    'pipeline',
    await Promise.all([
      db.query('select 1 as a'),
      db.query('select 2 as b'),
      db.query('select 3 as c'),
    ]),
  )
  await db.beginTransaction()
  say('deleted', (await db.query('delete from work_mariadb')).affectedRows)
  await db.rollback()
  say('kept', await db.query('select count(*) as n from work_mariadb'))
  for (const text of [
    'selec 1',
    'select * from nowhere',
    'insert into work_mariadb values (1, null)',
  ]) {
    const error = await db.query(text).catch((thrown: unknown) => thrown)
    const { errno, sqlState } = error as { errno: number; sqlState: string }
    say(text, [errno, sqlState])
  }
  let streamed = 0
  for await (const _ of db.queryStream('select a.id from people a, people b, people c'))
    streamed += 1
  say('streamed', streamed)
  const prepared = await db.prepare('select ? + id as n from people where id = 1')
  say('by hand', [await prepared.execute([1]), await prepared.execute([2])])
  prepared.close()
  await db.ping()
  await db.beginTransaction()
  await db.query('insert into work_mariadb values (700, null)')
  await db.query('set @mine = 1')
  await db.changeUser({ user: where.user, password: where.password, database: 'shop' })
  say(
    'changed user',
    await db.query('select count(*) as n, @mine as mine from work_mariadb where id = 700'),
  )
  await db.query('drop table work_mariadb')
  await db.end()
  return steps
}
