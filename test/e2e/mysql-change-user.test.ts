// One connection, several people after one another (COM_CHANGE_USER), by a real server: each change is a login of its own and a
// session of its own, and nothing of one reaches the next. And what somebody tries who would rather have it otherwise.
import { readFileSync } from 'node:fs'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditRecords } from '../servers/audit-files.ts'
import {
  changeUserBody,
  type MysqlClient,
  MysqlError,
  openMysql,
  scramble,
  type UserOptions,
} from '../servers/mysql-client.ts'
import { framed } from '../servers/mysql-packets.ts'
import { run, until } from '../servers/programs.ts'
import { environment, type MysqlStage, startMysqlStage } from './mysql-stage.ts'

const policies = {
  'shop.cedar': `
@id("all") permit (principal, action, resource) unless { action == Action::"reveal" };
@id("analysts-see") permit (principal in Group::"analysts", action == Action::"reveal", resource);
@id("stock-is-for-people") forbid (principal is Agent, action, resource in Resource::"stock");
@id("agents-write-with-a-person") @approvers("dba") @within("5m") @reason("a person looks at it")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
`,
}

let stage: MysqlStage
beforeAll(async () => {
  stage = await startMysqlStage({
    name: 'shop',
    beside: ['stock'],
    init: `create table people (id int primary key, email varchar(80)) engine = innodb;
      insert into people values (1, 'ann@example.com');`,
    policies,
    dataClasses: { email: { columns: ['*.email'], mask: 'redact' } },
    gateway: {
      settings: {
        approvals: { hold: { user: '60s', agent: '60s', transaction: '60s' } },
        limits: { loginMs: 4_000, sessionsPerPrincipal: 5 },
      },
    },
  })
})
afterAll(() => stage?.stop())

async function as(client: string, more: Partial<UserOptions> = {}): Promise<UserOptions> {
  const password = await stage.issuer.token({ client })
  return { user: client, password, database: 'shop', ...more }
}
const open = async (client: string): Promise<MysqlClient> =>
  openMysql({ port: stage.gateway.port, ...(await as(client)) })

async function rows(client: MysqlClient, text: string) {
  const [answer] = await client.query(text)
  return answer?.error === undefined ? answer?.rows : answer.error.code
}

interface Entry {
  readonly kind: string
  readonly session?: string
  readonly principal?: { readonly id: string }
  readonly result?: { readonly reason?: string; readonly statements?: number }
  readonly details?: { readonly code?: string }
}
const entries = () => auditRecords(stage.gateway.data) as unknown as readonly Entry[]
/** What went on record since, of logins and sessions alone. */
function since(mark: number): readonly string[] {
  const own = entries().slice(mark)
  const told = ({ kind, principal, result, details }: Entry) =>
    [kind, principal?.id.split('#').at(-1)?.split(':').at(-1), result?.reason ?? details?.code]
      .filter(word => word !== undefined)
      .join(' ')
  return own.filter(({ kind }) => /^(session|login)\./.test(kind)).map(told)
}

/** Refused, and the connection is nobody's any more. */
async function refused(client: MysqlClient, options: UserOptions): Promise<MysqlError> {
  const error = await client.changeUser(options).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(MysqlError)
  await gone(client)
  return error as MysqlError
}

async function gone(client: MysqlClient): Promise<void> {
  client.packets.socket.write(framed(Buffer.from('\x03select 1'), 0))
  const next = await client.packets.read().catch(() => undefined)
  expect(next).toBeUndefined()
  expect(client.packets.ended).toBe(true)
}

describe('a change of user', () => {
  test('is another session: of another principal, decided, masked and recorded apart', async () => {
    const mark = entries().length
    const client = await open('ana')
    expect(await rows(client, 'select email from people')).toEqual([['ann@example.com']])
    await client.changeUser(await as('order-bot'))
    expect(await rows(client, 'select email from people')).not.toEqual([['ann@example.com']])
    await client.changeUser(await as('ana'))
    expect(await rows(client, 'select email from people')).toEqual([['ann@example.com']])
    client.end()
    await until('the last end', async () => since(mark).length === 6)
    const told = since(mark).map(line => line.replace(/ \S*\/(?=\S+)/, ' '))
    expect(told.map(line => line.split(' ')[0])).toEqual(
      Array.from({ length: 3 }, () => ['session.opened', 'session.closed']).flat(),
    )
    expect(told.filter(line => line.endsWith(' user_changed'))).toHaveLength(2)
    expect(told.at(-1)).toMatch(/client_left$/)
    const opened = entries()
      .slice(mark)
      .filter(({ kind }) => kind === 'session.opened')
    expect(new Set(opened.map(({ session }) => session)).size).toBe(3)
    expect(opened.map(({ principal }) => /order-bot/.test(principal?.id ?? ''))).toEqual([
      false,
      true,
      false,
    ])
    const token = await stage.issuer.token({ client: 'dora' })
    for (const { session } of opened) {
      const replay = await stage.gateway.cli(['session', 'replay', session ?? '', '--json'], token)
      expect(replay.code, replay.stderr).toBe(0)
      expect(replay.stdout.match(/select email/g)).toHaveLength(1)
    }
    const verified = await stage.gateway.cli(['audit', 'verify', '--data', stage.gateway.data])
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  })

  test('leaves nothing at the server: transaction, locks, tables, variables, statements', async () => {
    const client = await open('ana')
    const made = await client.prepare('select 1')
    for (const text of [
      "set @mine = 1, time_zone = '+05:00'",
      'create temporary table mine (id int)',
      "select get_lock('held', 0)",
      'start transaction',
      "insert into people values (77, 'x')",
    ])
      expect((await client.query(text))[0]?.error).toBeUndefined()
    await client.changeUser(await as('ana'))
    // At once: a server that does it itself has done it when it says so.
    expect(
      await rows(client, "select @mine, @@time_zone, get_lock('held', 0), @@in_transaction"),
    ).toEqual([[null, 'SYSTEM', '1', '0']])
    expect(await rows(client, 'select * from mine')).toBe(1146)
    expect(await rows(client, 'select count(*) from people')).toEqual([['1']])
    expect(await rows(client, "insert into people values (77, 'y')")).toEqual([])
    expect(await rows(client, 'delete from people where id = 77')).toEqual([])
    if (!('id' in made)) throw new Error('it was not prepared')
    expect((await client.execute(made))[0]?.error?.code).toBe(1243)
    client.end()
  })

  test('keeps the number of the connection, by which its principal of now stops it', async () => {
    const client = await open('ana')
    await client.changeUser(await as('order-bot'))
    const [ana, bot] = [await open('ana'), await open('order-bot')]
    const slow = client.query('select sleep(20) from people limit 1')
    const running = async () => {
      const found = await stage.server.query(
        "select count(*) as n from information_schema.processlist where info like 'select sleep(20)%'",
      )
      return Number(found[0]?.['n'])
    }
    await until('it to run', async () => (await running()) > 0)
    // Who it was before has no say any more.
    expect((await ana.query(`KILL QUERY ${client.connectionId}`))[0]?.error?.code).toBe(1094)
    expect(await running()).toBe(1)
    expect((await bot.query(`KILL QUERY ${client.connectionId}`))[0]?.error).toBeUndefined()
    await slow
    expect(await running()).toBe(0)
    for (const each of [client, ana, bot]) each.end()
  })

  test('counts once among the sessions of its principal, however often it is made', async () => {
    const client = await open('ana')
    for (let turn = 0; turn < 25; turn++) await client.changeUser(await as('ana'))
    const token = await stage.issuer.token({ client: 'dora' })
    const live = await stage.gateway.cli(['sessions', '--live', '--json'], token)
    const own = (JSON.parse(live.stdout) as { principal: string }[]).filter(({ principal }) =>
      /ana$/.test(principal),
    )
    expect(own).toHaveLength(1)
    client.end()
  })

  test('may be of an ephemeral credential, by its id and secret', async () => {
    const token = await stage.issuer.token({ client: 'order-bot' })
    const made = await stage.gateway.cli(['credential', 'shop', '--json'], token)
    const { id, secret } = JSON.parse(made.stdout) as { id: string; secret: string }
    const client = await open('ana')
    await client.changeUser({ user: id, password: secret, database: 'shop' })
    expect(await rows(client, 'select email from people')).not.toEqual([['ann@example.com']])
    const other = await refused(client, { user: id, password: secret, database: 'stock' })
    expect(other.code).toBe(1045)
    const wrong = await refused(await open('ana'), { user: id, password: token, database: 'shop' })
    expect(wrong.message).toContain('reason: credential_invalid')
  })

  test('may come first on a connection that named no resource', async () => {
    const { user, password } = await as('ana')
    const client = await openMysql({ port: stage.gateway.port, user, password })
    expect(await rows(client, 'select 1')).toBe(1049)
    await client.changeUser(await as('ana'))
    expect(await rows(client, 'select 1')).toEqual([['1']])
    await client.changeUser({ user, password })
    expect(await rows(client, 'select 1')).toBe(1049)
    client.end()
  })
})

describe('whoever changes the user without being one', () => {
  test('is refused, on record, and has no connection any more', async () => {
    const ana = await as('ana')
    for (const [options, code] of [
      [{ ...ana, password: 'not a token' }, 'token_invalid'],
      [{ ...ana, password: '' }, 'token_required'],
      [{ ...ana, password: '', plugin: 'mysql_clear_password' }, 'token_required'],
      [{ ...ana, user: 'root', password: 'root' }, 'token_invalid'],
    ] as const) {
      const client = await open('ana')
      await client.query('start transaction')
      await client.query("insert into people values (5, 'x')")
      const mark = entries().length
      expect((await refused(client, options)).message).toContain(`reason: ${code}`)
      expect(since(mark).map(line => line.split(' ').at(-1))).toEqual(['user_changed', code])
    }
    const left = await stage.server.query('select count(*) as n from people')
    expect(Number(left[0]?.['n'])).toBe(1)
  })

  test('tries one password on a connection, not two', async () => {
    const client = await open('ana')
    const mark = entries().length
    const tries = Array.from({ length: 50 }, (_, at) =>
      framed(
        changeUserBody({
          user: 'dora',
          password: `guess ${at}`,
          database: 'shop',
          plugin: 'mysql_clear_password',
        }),
        0,
      ),
    )
    client.packets.socket.write(Buffer.concat(tries))
    await client.packets.read()
    await gone(client)
    expect(since(mark).filter(line => line.startsWith('login.failed'))).toHaveLength(1)
  })

  test('replays a proof in vain', async () => {
    const ana = await as('ana')
    const replay = scramble('caching_sha2_password', ana.password, Buffer.alloc(20, 1))
    for (const plugin of ['caching_sha2_password', 'mysql_native_password', 'client_ed25519']) {
      const client = await open('order-bot')
      client.packets.command(changeUserBody({ ...ana, plugin, proof: replay }))
      const asked = await client.packets.read()
      expect(asked.body.toString('latin1', 0, 23)).toBe('\xfecaching_sha2_password\0')
      client.packets.write(replay)
      expect((await client.packets.read()).body).toEqual(Buffer.of(1, 4))
      client.packets.write(replay)
      expect((await client.packets.read()).body[0]).toBe(0xff)
      await gone(client)
    }
  })

  test('reaches no resource that is not theirs, and keeps none that was', async () => {
    for (const database of ['stock', 'nothing', 'shop/nothing']) {
      const bot = await as('order-bot', { database })
      const first = await openMysql({ port: stage.gateway.port, ...bot }).catch(
        (error: MysqlError) => error,
      )
      expect(first).toBeInstanceOf(MysqlError)
      const { code, message } = await refused(await open('ana'), bot)
      expect([code, message]).toEqual([(first as MysqlError).code, (first as MysqlError).message])
    }
    const person = await open('ana')
    await person.changeUser(await as('ana', { database: 'stock' }))
    expect(await rows(person, 'select count(*) from people')).toEqual([['1']])
    person.end()
  })

  test('has nothing run that it sends ahead, neither as before nor unproven', async () => {
    const write = framed(Buffer.from("\x03insert into people values (9, 'x')"), 0)
    const bad = { ...(await as('ana')), password: 'wrong' }
    for (const plugin of [
      'mysql_clear_password',
      'mysql_native_password',
      'caching_sha2_password',
    ]) {
      const client = await open('ana')
      const change = framed(changeUserBody({ ...bad, plugin }), 0)
      client.packets.socket.write(Buffer.concat([change, write, write]))
      const heads: (number | undefined)[] = []
      for (;;) {
        const next = await client.packets.read().catch(() => undefined)
        if (next === undefined) break
        heads.push(next.body[0])
      }
      expect(heads).not.toContain(0)
      expect(heads.at(-1)).toBe(0xff)
    }
    const left = await stage.server.query('select count(*) as n from people')
    expect(Number(left[0]?.['n'])).toBe(1)
  })

  test('waits while a statement is held, which is judged as of who asked it', async () => {
    const client = await open('order-bot')
    const mark = entries().length
    client.packets.command(Buffer.from("\x03insert into people values (8, 'x')"))
    const dora = await stage.issuer.token({ client: 'dora' })
    let request: { id: string; principal: string } | undefined
    await until('a request', async () => {
      const listed = await stage.gateway.cli(['requests', '--json'], dora)
      const all = JSON.parse(listed.stdout) as { id: string; principal: string; state: string }[]
      request = all.find(({ state }) => state === 'pending')
      return request !== undefined
    })
    expect(request?.principal).toMatch(/order-bot/)
    client.packets.socket.write(framed(changeUserBody(await as('ana')), 0))
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(since(mark)).toEqual([])
    const denied = await stage.gateway.cli(['deny', request?.id ?? ''], dora)
    expect(denied.code, denied.stderr).toBe(0)
    expect((await client.packets.read()).body.readUInt16LE(1)).toBe(1142)
    await client.proved((await as('ana')).password)
    expect(await rows(client, 'select email from people')).toEqual([['ann@example.com']])
    client.end()
  })

  test('is not waited for longer than at a first login', async () => {
    const client = await open('ana')
    client.packets.command(changeUserBody(await as('ana')))
    await client.packets.read()
    const told = await client.packets.read()
    expect(told.body.toString('latin1')).toContain('the login took too long')
    await gone(client)
  }, 30_000)

  test('comes in no more once the identity was withdrawn', async () => {
    const first = await as('order-bot')
    const client = await open('ana')
    const dora = await stage.issuer.token({ client: 'dora' })
    const listed = await stage.gateway.cli(['sessions', '--json', '--limit', '200'], dora)
    const id = (JSON.parse(listed.stdout) as { principal: string }[]).find(({ principal }) =>
      /order-bot/.test(principal),
    )?.principal
    const withdrawn = await stage.gateway.cli(['withdraw', id ?? ''], dora)
    expect(withdrawn.code, withdrawn.stderr).toBe(0)
    expect((await refused(client, first)).code).toBe(3169)
  })
})

describe('clients as they are', () => {
  test('mysql2 changes who it is, and is told when it may not', async () => {
    const ana = await stage.through('ana')
    const dora = await stage.through('dora')
    const ca = readFileSync(stage.gateway.ca, 'utf8')
    const db = await createConnection({
      host: '127.0.0.1',
      port: ana.port,
      user: ana.user,
      password: ana.password,
      database: 'shop',
      ssl: { ca },
    })
    db.on('error', () => {}) // it is told of the end too
    const seen = async () => (await db.query('select email from people'))[0]
    expect(await seen()).toEqual([{ email: 'ann@example.com' }])
    await db.changeUser({ user: 'dora', password: dora.password, database: 'shop' })
    expect(await seen()).not.toEqual([{ email: 'ann@example.com' }])
    await db.changeUser({ user: 'ana', password: ana.password, database: 'stock' })
    expect(await seen()).toEqual([{ email: 'ann@example.com' }])
    const error = await db
      .changeUser({ user: 'ana', password: 'wrong' })
      .catch((caught: { errno: number }) => caught.errno)
    expect(error).toBe(1045)
    await expect(db.query('select 1')).rejects.toThrow()
  })

  test('mysqlclient and PHP', async () => {
    const ana = await stage.through('ana')
    const env = { ...environment(ana), OTHER_SECRET: (await stage.through('dora')).password }
    const python = `
import os, MySQLdb
e = os.environ
db = MySQLdb.connect(host='127.0.0.1', port=int(e['MYSQL_PORT']), user='ana', password=e['MYSQL_SECRET'], database='shop', ssl={'ca': e['MYSQL_CA']})
def seen():
    cursor = db.cursor()
    cursor.execute('select email from people')
    return cursor.fetchone()[0] == 'ann@example.com'
print(seen())
db.change_user('dora', e['OTHER_SECRET'], 'shop')
print(seen())
db.change_user('ana', e['MYSQL_SECRET'], 'stock')
print(seen())
for _ in range(2):
    try:
        db.change_user('ana', 'wrong', 'shop')
    except MySQLdb.Error as error:
        print(error.args[0])
`
    const mysqlclient = await run('/usr/bin/python3', ['-c', python], { env })
    expect(mysqlclient.stderr).toBe('')
    expect(mysqlclient.stdout).toMatch(/^True\nFalse\nTrue\n1045\n20\d\d\n$/)
    const php = `
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$db = mysqli_init();
$db->ssl_set(null, null, getenv('MYSQL_CA'), null, null);
$db->real_connect('127.0.0.1', 'ana', getenv('MYSQL_SECRET'), 'shop', (int) getenv('MYSQL_PORT'), null, MYSQLI_CLIENT_SSL);
$seen = fn() => print(json_encode($db->query('select email from people')->fetch_row()[0] === 'ann@example.com') . "\\n");
$seen();
$db->change_user('dora', getenv('OTHER_SECRET'), 'shop');
$seen();
$db->change_user('ana', getenv('MYSQL_SECRET'), 'stock');
$seen();
try { $db->change_user('ana', 'wrong', 'shop'); } catch (mysqli_sql_exception $error) { print($error->getCode() . "\\n"); }
`
    const mysqli = await run('php', ['-r', php], { env })
    expect(mysqli.stderr).toBe('')
    expect(mysqli.stdout).toBe('true\nfalse\ntrue\n1045\n')
  })
})
