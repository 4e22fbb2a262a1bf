// node-postgres and postgres.js at work. Each answers with what it saw, so that two runs can be compared.
import { Client, type ClientConfig } from 'pg'
import postgres from 'postgres'

export interface Where {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** The CA's certificate; absent: no TLS. */
  readonly ca?: string
}

export async function nodePostgres(where: Where): Promise<unknown[]> {
  const seen: unknown[] = []
  const settings: ClientConfig = { ...connection(where), ssl: where.ca ? { ca: where.ca } : false }
  const db = new Client(settings)
  await db.connect()
  db.on('notification', ({ channel, payload }) => seen.push([channel, payload]))
  db.on('notice', notice => seen.push(notice.message))
  const ask = async (text: string, values?: unknown[]) => (await db.query(text, values)).rows
  seen.push(await ask('select 1 as one, $1::text as two, null as three', ['zwei']))
  for (let id = 1; id <= 3; id += 1) {
    const named = { name: 'by-id', text: 'select name from customers where id = $1', values: [id] }
    seen.push((await db.query(named)).rows)
  }
  seen.push(
    await Promise.all([1, 2, 3].map(id => ask('select city from customers where id = $1', [id]))),
  )
  seen.push(await ask('select 1/0').catch(errorOf))
  seen.push(await ask('selec 1').catch(errorOf))
  await ask('begin')
  seen.push(await ask('select * from nowhere').catch(errorOf))
  seen.push(await ask('select 1').catch(errorOf))
  await ask('rollback')
  await ask('listen ping')
  await ask("notify ping, 'pong'")
  await ask("do $$ begin raise notice 'noted'; end $$")
  const big = await db.query({ text: 'select id from customers order by id', rowMode: 'array' })
  seen.push(
    big.rows.length,
    big.fields.map(field => field.name),
  )
  seen.push(await ask('select length($1)', ['x'.repeat(2_000_000)]))
  await db.end()
  return seen
}

export async function postgresJs(where: Where): Promise<unknown[]> {
  const seen: unknown[] = []
  const sql = postgres({
    ...connection(where),
    ssl: where.ca ? { ca: where.ca } : false,
    max: 1,
    onnotice: notice => seen.push(notice['message']),
  })
  seen.push([...(await sql`select name, city from customers where id = ${7}`)])
  // One connection: these go out in a pipeline.
  const many = await Promise.all([...Array(50).keys()].map(i => sql`select ${i}::int * 2 as twice`))
  seen.push(many.flatMap(rows => rows.map(row => row['twice'])))
  seen.push(await sql`select 1/0`.catch(errorOf))
  await sql`create temp table t (a int primary key, b jsonb, c text[])`
  const rows = [1, 2, 3].map(a => ({ a, b: { a }, c: [`c${a}`] }))
  seen.push([...(await sql`insert into t ${sql(rows)} returning a, c`)])
  const failed = await sql
    .begin(async within => {
      await within`insert into t (a) values (10)`
      await within`insert into t (a) values (10)`
    })
    .catch(errorOf)
  seen.push(failed, [...(await sql`select count(*)::int as n from t`)])
  let walked = 0
  await sql`select id from customers order by id`.cursor(40, batch => {
    walked += batch.length
  })
  seen.push(walked)
  const asked = sql`select pg_sleep(20)`
  const cancelled = asked.catch(errorOf)
  setTimeout(() => asked.cancel(), 1_000)
  seen.push(await cancelled)
  const out =
    await sql`copy (select id, city from customers order by id limit 3) to stdout`.readable()
  let copied = ''
  for await (const chunk of out) copied += String(chunk)
  seen.push(copied)
  seen.push(await sql.unsafe('select 1 as a; select 2 as b').simple())
  await sql.end({ timeout: 5 })
  return seen
}

function connection({ port, user, password, database }: Where) {
  return { host: '127.0.0.1', port, user, password, database }
}

function errorOf(error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string }
  return { code, message }
}
