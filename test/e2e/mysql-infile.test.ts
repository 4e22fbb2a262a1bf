// LOAD DATA LOCAL with unmodified clients, to a real MariaDB: as to the server itself where it is permitted, and nowhere else.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { auditRecords } from '../servers/audit-files.ts'
import { type MysqlClient, openMysql } from '../servers/mysql-client.ts'
import { FLAGS } from '../servers/mysql-packets.ts'
import { type Ran, run } from '../servers/programs.ts'
import { cli, environment, type MysqlStage, startMysqlStage, type Where } from './mysql-stage.ts'

const CLIENTS = join(dirname(fileURLToPath(import.meta.url)), 'clients')
const JAR = '/usr/share/java/mariadb-java-client.jar'
/** Five packets of a client and more; no row is like another. */
const ROWS = 20_000
const SECRET = 'a private key of the one who connects'
let stage: MysqlStage
let folder: string
let file: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-infile-'))
  // (mysqlimport takes the table's name from the file's.)
  file = join(folder, 'stock.csv')
  const rows = Array.from({ length: ROWS }, (_, id) => `${id},thing ${id} é名😀\n`)
  writeFileSync(file, rows.join(''))
  writeFileSync(join(folder, 'key'), SECRET)
  stage = await startMysqlStage({
    name: 'shop',
    init: `create table stock (id int primary key, name varchar(80));
      create table people (id int primary key, email varchar(80), note varchar(80));
      insert into people values (1, 'ann@example.com', '');
      create table hushed (id int primary key auto_increment, email varchar(80), note varchar(200));
      create table log (what varchar(80));
      create trigger noted after insert on hushed for each row insert into log values (new.note);`,
    upstream: { localInfile: true },
    beside: ['plain'],
    dataClasses: { email: { columns: ['shop.people.email'], mask: 'redact' } },
    policies: {
      'people.cedar': `@id("people")
permit (principal is User, action, resource) unless { action == Action::"reveal" };
@id("agents-write")
permit (principal is Agent, action in [Action::"connect", Action::"read", Action::"write"], resource);
@id("agents-exports")
permit (principal is Agent, action == Action::"execute", resource in Resource::"shop")
when { resource is Object && resource.kind == "client file" && resource.name == "local:/srv/exports/stock.csv" };`,
    },
  })
})
afterAll(async () => {
  await stage?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await stage.server.query('delete from stock; delete from hushed; delete from log')
})

async function both<T>(drive: (where: Where) => Promise<T>): Promise<[T, T]> {
  return [await drive(stage.direct()), await drive(await stage.through('ana'))]
}

const count = async (table = 'stock') =>
  Number((await stage.server.query(`select count(*) as n from ${table}`))[0]?.['n'])

describe('a permitted file', () => {
  test.each(['mariadb', 'mysql'])('is loaded by %s', async name => {
    const script = `delete from stock;
      load data local infile '${file}' into table stock fields terminated by ',';
      load data low_priority local infile '${file}' ignore into table stock fields terminated by ',' ignore 5 lines (id, @n) set name = concat('x', @n);
      load data local infile '${file}' replace into table stock columns terminated by ',' optionally enclosed by '"' lines terminated by '\\n';
      load data /*!50000 local */ infile '${file}' into table stock fields terminated by ',';
      load data local infile '${folder}/not-there' into table stock;
      select count(*), max(id), md5(group_concat(name order by id)) from stock;`
    const [direct, through] = await both(async where => {
      await stage.server.query('delete from stock')
      const words = [...cli(where), '--local-infile=1', '--force', '-vvv', 'shop']
      return run(name, words, { input: script })
    })
    const plain = (text: string) => text.replace(/\(?\d+\.\d+ sec\)?/g, '')
    expect(direct.stdout).toContain(`Records: ${ROWS}`)
    expect(direct.stderr).toContain('not-there')
    // (In one, so that a red run tells all of it.)
    const told = ({ code, stdout, stderr }: Ran) => ({ code, stderr, stdout: plain(stdout) })
    expect(told(through)).toEqual(told(direct))
  })

  test('is loaded by mysqlimport, with its options', async () => {
    const [direct, through] = await both(async where => {
      const words = ['--local', '--fields-terminated-by=,']
      const first = await run('mysqlimport', [...cli(where), ...words, 'shop', file], {})
      const more = [...words, '--replace', '--delete', '--lock-tables', '--columns=id,name']
      const second = await run('mysqlimport', [...cli(where), ...more, 'shop', file], {})
      await stage.server.query('delete from stock')
      return [first, second]
    })
    expect(direct[0]?.stdout).toContain(`Records: ${ROWS}`)
    expect(through).toEqual(direct)
  })

  test.each(['pymysql', 'MySQLdb'])('is loaded by Python: %s', async name => {
    const [direct, through] = await both(where =>
      run('/usr/bin/python3', [join(CLIENTS, 'mysql_load.py'), name, file], {
        env: environment(where),
      }),
    )
    expect(direct.stdout).toContain(`${ROWS}\n`)
    expect(through).toEqual(direct)
  })

  test('is loaded by PHP: mysqli and PDO', async () => {
    const script = ['-d', 'mysqli.allow_local_infile=On', join(CLIENTS, 'mysql_load.php'), file]
    const [direct, through] = await both(where => run('php', script, { env: environment(where) }))
    expect(direct.stdout).toContain(`Records: ${ROWS}`)
    expect(through).toEqual(direct)
  })

  test('is loaded by Java: the JDBC driver of MariaDB', async () => {
    const made = await run('javac', ['-d', folder, '-cp', JAR, join(CLIENTS, 'MysqlLoad.java')])
    expect(made.stderr).toBe('')
    const [direct, through] = await both(({ port, user, password, ca }) => {
      const url = `jdbc:mariadb://127.0.0.1:${port}/shop?useSsl=true&serverSslCert=${ca}&allowLocalInfile=true`
      return run('java', ['-cp', `${JAR}:${folder}`, 'MysqlLoad', url, user, password, file])
    })
    expect(direct.stdout).toContain(`${ROWS}\n0\n${ROWS} ${ROWS - 1}`)
    expect(through).toEqual(direct)
  })

  test('is loaded by Node: mysql2, from a stream', async () => {
    const [direct, through] = await both(async ({ ca, ...where }) => {
      const db = await createConnection({
        ...where,
        host: '127.0.0.1',
        database: 'shop',
        ssl: { ca: readFileSync(ca, 'utf8') },
      })
      await db.query('delete from stock')
      const asked: string[] = []
      const load = async (rows: Buffer) => {
        const [done] = await db.query({
          sql: "load data local infile 'a stream' into table stock fields terminated by ','",
          infileStreamFactory: (path: string) => {
            asked.push(path)
            return Readable.from(rows.length === 0 ? [] : [rows])
          },
        } as never)
        const { affectedRows, info } = done as { affectedRows: number; info: string }
        // (Without session tracking it takes the length before the words for one of them, of any server.)
        return [affectedRows, info.replace(/^.(?=Records)/, '')]
      }
      const first = await load(readFileSync(file))
      const none = await load(Buffer.alloc(0))
      const [rows] = await db.query('select count(*), md5(group_concat(name)) from stock')
      await db.end()
      return { first, none, rows, asked }
    })
    expect(direct.first[0]).toBe(ROWS)
    expect(through).toEqual(direct)
  })

  test('of more packets than there are numbers arrives byte for byte, whatever is in it', async () => {
    // All bytes there are, in an order that no packet's border falls together with.
    const rows = Array.from({ length: 40_000 }, (_, id) => `${id}\t${(id * 7919) % 256} \x03drop`)
    const wide = join(folder, 'wide')
    const blob = Buffer.from(rows.map(row => `${row}${'\x03\x01'.repeat(300)}\n`).join(''))
    writeFileSync(wide, blob)
    const [direct, through] = await both(async where => {
      await stage.server.query('create or replace table wide (id int, what varbinary(2000))')
      const text = `load data local infile '${wide}' into table wide`
      const ran = await run('mariadb', [...cli(where), '--local-infile=1', '-e', text, 'shop'], {})
      const sum = 'select count(*) as n, sum(crc32(what)) as s from wide'
      return [ran, await stage.server.query(sum)]
    })
    expect(blob.length).toBeGreaterThan(256 * 65_536)
    expect(through).toEqual(direct)
  })

  test('is on record with its rows and bytes, and with none of its content', async () => {
    const where = await stage.through('ana')
    const text = `load data local infile '${file}' into table stock fields terminated by ','`
    await run('mariadb', [...cli(where), '--local-infile=1', '-e', text, 'shop'], {})
    const bytes = readFileSync(file).length
    const outcomes = (): string =>
      JSON.stringify(
        auditRecords(stage.gateway.data).filter(({ kind }) => kind === 'statement.completed'),
      )
    for (let tries = 0; tries < 50 && !outcomes().includes(`"bytes":${bytes}`); tries++)
      await new Promise(resolve => setTimeout(resolve, 100))
    expect(outcomes()).toMatch(new RegExp(`"bytes":${bytes}[^}]*"rows":${ROWS}`))
    const all = JSON.stringify(auditRecords(stage.gateway.data))
    expect(all).toContain('LOAD DATA LOCAL')
    expect(all).toContain(`local:${file}`)
    expect(all).not.toContain('thing 77')
  })
})

describe('what is not permitted', () => {
  const load = async (who: string, text: string, more: readonly string[] = ['--local-infile=1']) =>
    run('mariadb', [...cli(await stage.through(who)), ...more, '-e', text, 'shop'], {})

  test('is a file for who may only write: it is told so, and its file stays where it is', async () => {
    for (const name of [file, join(folder, 'key'), '/srv/exports/../../etc/passwd']) {
      const ran = await load('order-bot', `load data local infile '${name}' into table stock`)
      expect(ran.stderr).toMatch(/ERROR 1142 .*reason: /)
      expect(await count()).toBe(0)
    }
    // The one that a policy names is asked for, and is not there.
    const named = `load data local infile '/srv/exports/stock.csv' into table stock`
    expect((await load('order-bot', named)).stderr).toContain('not found')
    // It may write that table, and does.
    expect((await load('order-bot', "insert into stock values (1, 'x')")).code).toBe(0)
  })

  test('is a hidden value on its way out by SET, a variable or a mask that comes back', async () => {
    const into = `load data local infile '${file}' into table hushed fields terminated by ','`
    for (const set of [
      '(@a, @b) set note = (select email from people limit 1)',
      '(@a, @b) set note = concat(@b, (select max(email) from people))',
      '(@a, @b) set note = @b, id = (select @x := email from people limit 1)',
    ]) {
      const ran = await load('ana', `${into} ${set}`)
      expect(ran.stderr, set).toMatch(/ERROR 1142 .*reason: /)
    }
    expect(await count('hushed')).toBe(0)
    expect(await count('log')).toBe(0)
    const shown = await load('ana', 'select email from people')
    const mask = shown.stdout.trim().split('\n').at(-1) ?? ''
    expect(mask).not.toContain('ann@')
    const back = join(folder, 'masked.csv')
    writeFileSync(back, `1,first\n${'2,more\n'.repeat(3_000)}3,${mask}\n4,last\n`)
    const ran = await load(
      'ana',
      `load data local infile '${back}' into table hushed fields terminated by ',' (@a, note)`,
    )
    expect(ran.stderr).toMatch(/ERROR 1142 .*reason: mask_written_back/)
    // The server undoes what came without an end.
    for (let tries = 0; tries < 50 && (await count('hushed')) > 0; tries++)
      await new Promise(resolve => setTimeout(resolve, 100))
    expect(await count('hushed')).toBe(0)
    // What is the file's own is let through, triggers and all.
    const own = await load('ana', `${into} (@a, @b) set note = concat(@a, '-', @b)`)
    expect(own.stderr).toBe('')
    expect(await count('log')).toBe(ROWS)
  })

  test('is a list of guesses at a hidden column: what is left out would tell which are right', async () => {
    const guesses = join(folder, 'guesses.csv')
    writeFileSync(guesses, '11,ann@example.com\n12,bob@example.com\n')
    const into = `load data local infile '${guesses}' into table people fields terminated by ','`
    for (const text of [
      `${into} (id, email)`,
      `${into} (id, @guess) set email = @guess`,
      into,
      "insert ignore into people values (11, 'ann@example.com', '')",
      "insert low_priority ignore people set email = 'ann@example.com', id = 11",
      "update ignore people set email = 'ann@example.com', note = 'x'",
    ]) {
      const ran = await load('ana', text)
      expect(ran.stderr, text).toMatch(/ERROR 1142 .*reason: masked_predicate/)
      expect(ran.stderr, text).toMatch(
        /people\.email is masked for you as email: it may not decide which rows are left out or replaced/,
      )
      expect(ran.stderr, text).toMatch(
        /Name the columns that you write .* a plain INSERT or UPDATE/,
      )
      expect(await count('people')).toBe(1)
    }
    // What it says instead is permitted.
    expect((await load('ana', `${into} (id, note)`)).stderr).toBe('')
    expect(await count('people')).toBe(3)
    for (const text of [
      "insert into people values (13, 'new@example.com', '')",
      "update people set email = 'other@example.com' where id = 13",
    ])
      expect((await load('ana', text)).stderr, text).toBe('')
    await stage.server.query('delete from people where id > 1')
  })

  test('is a load by a client that did not say it can: it is told what to turn on', async () => {
    const ran = await load('ana', `load data local infile '${file}' into table stock`, [
      '--local-infile=0',
    ])
    expect(ran.stderr).toMatch(/ERROR 1235 .*did not say that it does that.*--local-infile=1/)
  })

  test('is one that is hidden in a procedure, a prepared statement or among others', async () => {
    const where = await stage.through('ana')
    const client = await openMysql({
      ...where,
      database: 'shop',
      flags: FLAGS.localFiles | FLAGS.multiStatements,
    })
    const text = `load data local infile '${file}' into table stock`
    for (const each of [
      `select 1; ${text}`,
      `prepare s from "${text}"`,
      `execute immediate "${text}"`,
    ]) {
      const [answer] = await client.query(each)
      expect(answer?.error?.code, each).toBe(1235)
    }
    const prepared = await client.prepared(text)
    expect(prepared[0]?.error?.code).toBe(1235)
    expect(prepared[0]?.wantsFile).toBeUndefined()
    const [after] = await client.query('select 1')
    expect(after?.rows).toEqual([['1']])
    client.end()
  })
})

describe('a session', () => {
  const open = async (): Promise<MysqlClient> =>
    openMysql({ ...(await stage.through('ana')), database: 'shop', flags: FLAGS.localFiles })

  test('whose client vanishes in the middle leaves nothing behind', async () => {
    const client = await open()
    const text = `load data local infile 'x' into table stock fields terminated by ','`
    client.packets.command(Buffer.concat([Buffer.of(3), Buffer.from(text)]))
    await client.packets.read()
    client.packets.write(readFileSync(file).subarray(0, 60_000))
    await new Promise(resolve => setTimeout(resolve, 200))
    client.destroy()
    const busy = "select count(*) as n from information_schema.processlist where info like 'load%'"
    for (let tries = 0; tries < 100; tries++) {
      const [row] = await stage.server.query(busy)
      if (Number(row?.['n']) === 0) break
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(await count()).toBe(0)
  })

  test('can be stopped in the middle by its own principal, and goes on', async () => {
    const [client, other] = [await open(), await open()]
    const text = `load data local infile 'x' into table stock fields terminated by ','`
    client.packets.command(Buffer.concat([Buffer.of(3), Buffer.from(text)]))
    await client.packets.read()
    client.packets.write(Buffer.from('1,a\n2,b\n'))
    const [killed] = await other.query(`kill query ${client.connectionId}`)
    expect(killed?.error).toBeUndefined()
    await new Promise(resolve => setTimeout(resolve, 300))
    client.packets.write(Buffer.from('3,c\n4,d\n'))
    client.packets.write(Buffer.alloc(0))
    const { body } = await client.packets.read()
    expect([body[0], body.readUInt16LE(1)]).toEqual([0xff, 1317])
    expect(await count()).toBe(0)
    const [after] = await client.query('select 1')
    expect(after?.rows).toEqual([['1']])
    client.end()
    other.end()
  })
})

describe('a resource of the same server without the switch', () => {
  const REFUSED = 'LOAD DATA LOCAL is not supported through the gateway'

  test('lets nothing through, whatever the greeting offers', async () => {
    const where = await stage.through('ana')
    const text = `load data local infile '${file}' into table stock`
    const words = [...cli(where), '--local-infile=1', '-e', text, 'plain']
    const ran = await run('mariadb', words, {})
    expect(ran.stderr).toMatch(new RegExp(`ERROR 1235 .*${REFUSED}`))
    expect(await count()).toBe(0)
  })

  test('has none of it for who comes over from one with it, and the other way round', async () => {
    const { user, password, ...where } = await stage.through('ana')
    const open = { ...where, user, password, database: 'shop', flags: FLAGS.localFiles }
    const client = await openMysql(open)
    const text = "load data local infile 'x' into table stock"
    const ask = async () => (await client.query(text))[0]
    expect((await ask())?.wantsFile).toBe('x')
    await client.changeUser({ user, password, database: 'plain' })
    expect((await ask())?.error?.text).toContain(REFUSED)
    await client.changeUser({ user, password, database: 'shop' })
    expect((await ask())?.wantsFile).toBe('x')
    // Another user has that user's rights.
    const bot = await stage.through('order-bot')
    await client.changeUser({ user: bot.user, password: bot.password, database: 'shop' })
    expect((await ask())?.error?.code).toBe(1142)
    client.end()
  })
})
