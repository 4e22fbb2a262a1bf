// Clients of MySQL and MariaDB, unmodified: each sees through the gateway what it sees on the server.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ended, type Ran, run, until } from '../servers/programs.ts'
import { mariadbConnector, mysql2 } from './clients/mysql-node-drivers.ts'
import { cli, environment, type MysqlStage, startMysqlStage, type Where } from './mysql-stage.ts'
import { SHOP } from './mysql-world.ts'
import { allowAll } from './stage.ts'

const CLIENTS = join(dirname(fileURLToPath(import.meta.url)), 'clients')
const JAR = '/usr/share/java/mariadb-java-client.jar'
let stage: MysqlStage
let folder: string

beforeAll(async () => {
  stage = await startMysqlStage({
    name: 'shop',
    init: SHOP,
    policies: allowAll,
    // For sysbench, which does not speak TLS without a certificate of its own.
    gateway: { allowPlaintext: true },
  })
  folder = mkdtempSync(join(tmpdir(), 'sallyport-mysql-clients-'))
})
afterAll(async () => {
  await stage?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

async function both<T>(drive: (where: Where) => Promise<T>): Promise<[T, T]> {
  return [await drive(stage.direct()), await drive(await stage.through('ana'))]
}

const program = (name: string, where: Where, args: readonly string[], input = '') =>
  run(name, [...cli(where), ...args], { input })

/** For programs that first come without a database. */
const named = (where: Where): Where =>
  where.port === stage.gateway.port ? { ...where, user: `${where.user}@shop` } : where

async function credential(): Promise<Where> {
  const token = await stage.issuer.token({ client: 'ana' })
  const made = await stage.gateway.cli(['credential', 'shop', '--json'], token)
  const { id, secret } = JSON.parse(made.stdout) as { id: string; secret: string }
  return { port: stage.gateway.port, user: id, password: secret, ca: stage.gateway.ca }
}

test.each(['pymysql', 'MySQLdb'])('Python: %s', async name => {
  const [direct, through] = await both(where =>
    run('/usr/bin/python3', [join(CLIENTS, 'mysql_drivers.py'), name], {
      env: environment(where),
    }),
  )
  expect(direct.stderr).toBe('')
  expect(direct.stdout.split('\n').length).toBeGreaterThan(20)
  expect(through).toEqual(direct)
})

test('PHP: mysqli and PDO', async () => {
  const [direct, through] = await both(where =>
    run('php', [join(CLIENTS, 'mysql_drivers.php')], {
      env: environment(where),
    }),
  )
  expect(direct.stderr).toBe('')
  expect(direct.stdout.split('\n').length).toBeGreaterThan(15)
  // The persistent connection was used again.
  expect(direct.stdout).toContain('[true,[null]]')
  expect(through).toEqual(direct)
})

test.each([
  ['mysql2', mysql2],
  ['mariadb', mariadbConnector],
] as const)('Node: %s', async (_, drive) => {
  const [direct, through] = await both(({ ca, ...where }) =>
    drive({ ...where, ca: readFileSync(ca, 'utf8') }),
  )
  expect(through).toEqual(direct)
  expect(through.length).toBeGreaterThan(8)
})

test('Java: the JDBC driver of MariaDB', async () => {
  const source = join(CLIENTS, 'MysqlDrive.java')
  // Its texts are UTF-8 whatever the locale of the machine.
  const utf8 = '-Dfile.encoding=UTF-8'
  const made = await run('javac', ['-encoding', 'UTF-8', '-d', folder, '-cp', JAR, source])
  expect(made.stderr).toBe('')
  const [direct, through] = await both(({ port, user, password, ca }) => {
    const url = `jdbc:mariadb://127.0.0.1:${port}/shop?useSsl=true&serverSslCert=${ca}`
    return run('java', [utf8, '-cp', `${JAR}:${folder}`, 'MysqlDrive', url, user, password])
  })
  expect(direct.stderr).toBe('')
  expect(direct.stdout).toContain('valid true')
  expect(through).toEqual(direct)
})

describe('the command lines of MariaDB', () => {
  const SCRIPT = `
    select * from people order by id;
    select id, name from adults \\G
    show tables; describe people; show create table orders; show full columns from people;
    selec 1;
    select * from nowhere;
    insert into people (id, name) values (1, 'again');
    start transaction; update people set balance = 0; select sum(balance) from people; rollback;
    select sum(balance) from people;
    delimiter //
    create or replace procedure made() begin select 1; select 2; end //
    call made() //
    delimiter ;
    drop procedure made;
    set @a = 5; select @a + 1;
    prepare p from 'select ? as x'; execute p using @a; deallocate prepare p;
    select twice(21);
    show warnings; select 1 / 0; show warnings;
    explain select * from people where id = 1;
    use shop; select database();
    create temporary table tmp (id int); insert into tmp values (1), (2); select * from tmp;
    select repeat('x', 100000); select 'é名前😀', x'00ff';
    select /*! 1, */ /*!99999 2, */ 3; -- and a comment
    status nothing
  `

  test.each(['mariadb', 'mysql'])('%s runs a script', async name => {
    const [direct, through] = await both(where =>
      program(name, where, ['--force', '--table', '-vv', 'shop'], SCRIPT),
    )
    const plain = (ran: Ran) => ran.stdout.replace(/\(?\d+\.\d+ sec\)?/g, '')
    expect(direct.stdout).toContain('Person 20')
    // The words of a syntax error are the gateway's own.
    const errors = (ran: Ran) => ran.stderr.replace(/^(ERROR 1064 .*?): .*$/gm, '$1')
    expect(errors(through)).toBe(errors(direct))
    expect(errors(direct).split('\n').length).toBeGreaterThan(4)
    expect(plain(through)).toBe(plain(direct))
  })

  test('an ephemeral credential opens the same, and a wrong secret nothing', async () => {
    const where = await credential()
    const good = await program('mariadb', where, ['-e', 'select 1 as one', 'shop'])
    expect(good).toEqual({ code: 0, stdout: 'one\n1\n', stderr: '' })
    for (const wrong of ['', 'not it', 'x'.repeat(5000)]) {
      const bad = await program('mariadb', { ...where, password: wrong }, [
        '-e',
        'select 1',
        'shop',
      ])
      expect(bad.code).toBe(1)
      expect(bad.stderr).toContain('ERROR 1045 (28000)')
    }
    const token = await program('mariadb', { ...where, user: 'ana' }, ['-e', 'select 1', 'shop'])
    expect(token.stderr).toContain('ERROR 1045 (28000)')
  })

  test('a resource that is not there, and one that nobody named', async () => {
    const where = await stage.through('ana')
    const unknown = await program('mariadb', where, ['-e', 'select 1', 'nothing'])
    expect(unknown.stderr).toMatch(/^ERROR \d+/)
    const none = await program('mariadb', where, ['-e', 'select 1'])
    expect(none.stderr).toContain('named no resource')
    const named = await program('mariadb', { ...where, user: 'ana@shop' }, ['-N', '-e', 'select 7'])
    expect(named.stdout).toBe('7\n')
  })

  test('Ctrl-C stops the statement, and the session goes on', async () => {
    const where = await stage.through('ana')
    const child = spawn('mariadb', [...cli(where), '--force', '-N', 'shop'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        said += String(chunk)
      })
    }
    child.stdin.write('select sleep(20) from people limit 1;\n')
    await until('it to run', async () => (await sleeping()) > 0)
    child.kill('SIGINT')
    child.stdin.end("select 'still here';\n")
    expect(await ended(child, 60_000)).toBe(true)
    expect(said).toMatch(/query killed|ERROR 1317|1\n/)
    expect(await sleeping()).toBe(0)
  })

  test('mysqldump writes what it writes of the server, and the dump can be restored', async () => {
    // Without tablespaces: they are asked of the server as a whole. No dates, no host.
    const args = ['--skip-comments', '--routines', '--triggers', '--no-tablespaces', '--hex-blob']
    const [direct, through] = await both(where =>
      program('mysqldump', named(where), [...args, 'shop']),
    )
    expect(direct.stderr).toBe('')
    expect(through.stderr).toBe('')
    expect(through.stdout).toBe(direct.stdout)
    expect(direct.stdout.length).toBeGreaterThan(4_000)
    const restored = await program('mariadb', await stage.through('ana'), ['shop'], through.stdout)
    expect(restored).toEqual({ code: 0, stdout: '', stderr: '' })
    const again = await program('mysqldump', stage.direct(), [...args, 'shop'])
    expect(again.stdout).toBe(direct.stdout)
  })
})

test('sysbench reads and writes, in text and with prepared statements', async () => {
  const sysbench = async (mode: string, words: readonly string[]) => {
    const { port, user, password } = await stage.through('order-bot')
    const args = [
      ...['oltp_read_write', '--db-driver=mysql', '--mysql-host=127.0.0.1', `--mysql-port=${port}`],
      ...[
        `--mysql-user=${user}`,
        `--mysql-password=${password}`,
        '--mysql-db=shop',
        '--mysql-ssl=off',
      ],
      // One thread: several race to load a plug-in of the client's library, and one that comes second fails.
      ...['--tables=2', '--table-size=500', '--threads=1', `--db-ps-mode=${mode}`, ...words],
    ]
    return run('sysbench', args, {})
  }
  const made = await sysbench('auto', ['prepare'])
  expect(made.code, made.stdout + made.stderr).toBe(0)
  expect(made.stdout).toContain('Inserting')
  for (const mode of ['auto', 'disable']) {
    const ran = await sysbench(mode, ['--events=60', '--time=20', 'run'])
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(ran.stdout).toMatch(/transactions: +6\d/)
  }
})

/** How many sessions run a sleep at the server. */
async function sleeping(): Promise<number> {
  const [row] = await stage.server.query(
    "select count(*) as n from information_schema.processlist where info like '%sleep(20)%' and info not like '%count%'",
  )
  return Number(row?.['n'])
}

// Last: nothing answers behind the gateway after it.
test('a server that dies ends its sessions with an error, and the next are told', async () => {
  const where = await stage.through('ana')
  const waiting = program('mariadb', where, ['-e', 'select sleep(20) from people', 'shop'])
  await until('it to run', async () => (await sleeping()) > 0)
  await stage.server.kill()
  const cut = await waiting
  expect(cut.code).not.toBe(0)
  expect(cut.stderr).toMatch(/ERROR 1159 .*reason: upstream_lost/)
  const next = await program('mariadb', where, ['-e', 'select 1', 'shop'])
  expect(next.stderr).toMatch(/ERROR 1429 .*reason: upstream_unreachable/)
  expect(stage.gateway.alive()).toBe(true)
  await stage.server.start()
  const after = await program('mariadb', where, ['-N', '-e', 'select 1', 'shop'])
  expect(after.stdout).toBe('1\n')
})
