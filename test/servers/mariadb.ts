// A real MariaDB (Debian's) on a free loopback port, for tests and benchmarks: TLS on, users with a native password
// and with ed25519. Knows folders, ports and processes; nothing of Sallyport, nothing of vitest. A server ends with
// the process that started it, even when that one is killed (see `watch`).
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  access,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Connection, createConnection } from 'mysql2/promise'
import { freePort } from './ports.ts'
import { ended, until } from './programs.ts'

export interface MariadbOptions {
  /** Owned by `user`. Default: app. */
  readonly database?: string
  /** Run in `database` as root, statement by statement as the server cuts them, before the server is handed out. */
  readonly init?: string
  /** Default: app. */
  readonly user?: string
  readonly password?: string
  /** How `user` proves itself. Default: native. */
  readonly auth?: 'native' | 'ed25519'
  /** Lines of the option file: name to value. */
  readonly settings?: Readonly<Record<string, string>>
  /** PEM texts in place of our own certificate. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly required?: boolean }
}

export interface MariadbServer {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** Its certificate as a path: it is signed by itself, where `tls` was not given. */
  readonly ca: string
  /** The Unix socket; there root needs no password. */
  readonly socket: string
  /** The folder that the server may read files from and write them to. */
  readonly files: string
  readonly folder: string
  readonly pid: number
  /** The server's error log so far. */
  log(): Promise<string>
  /** Runs SQL as root in `database`; the rows of the last statement that gave rows. */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** A session of root's own over the Unix socket, in `database`. Ended by `stop` at the latest. */
  session(options?: { readonly rowsAsArray?: boolean }): Promise<Connection>
  /** Ends the server and removes its folder. Idempotent. */
  stop(): Promise<void>
  /** The server vanishes at once, as in a crash. The folder stays: `start` again or `stop`. */
  kill(): Promise<void>
  /** Starts again on the same port after `kill`. */
  start(): Promise<void>
}

const run = promisify(execFile)
const SERVER = '/usr/sbin/mariadbd'
const HOST = '127.0.0.1'

/** Starts a server of its own for the caller. */
export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const made = await template()
  const root = await mkdtemp(join(tmpdir(), 'sp-my-'))
  try {
    await run('cp', ['-R', join(made, 'data'), join(root, 'data')])
    for (const name of ['server.crt', 'server.key']) await cp(join(made, name), join(root, name))
    await mkdir(join(root, 'files'))
    const server = await configured(options, root)
    await server.start()
    await populate(options, server)
    return server
  } catch (error) {
    await rm(root, { recursive: true, force: true })
    throw error
  }
}

async function configured(options: MariadbOptions, root: string): Promise<MariadbServer> {
  let port = await freePort()
  let child: ChildProcess | undefined
  let watcher: ChildProcess | undefined
  const socket = join(root, 'socket')
  const logFile = join(root, 'log')
  const database = options.database ?? 'app'
  const sessions = new Set<Connection>()
  if (options.tls !== undefined) {
    await writeFile(join(root, 'server.crt'), options.tls.certificate)
    await writeFile(join(root, 'server.key'), options.tls.key, { mode: 0o600 })
  }

  async function launch(): Promise<boolean> {
    const file = join(root, 'options.cnf')
    await writeFile(file, optionFile(options, port, root))
    const words = ['-c', 'exec "$0" --defaults-file="$1" >>"$2" 2>&1', SERVER, file, logFile]
    const started = spawn('/bin/sh', words, {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      cwd: root,
    })
    started.unref()
    child = started
    watcher = watch(started, root)
    let gone = false
    await until(
      'MariaDB to listen',
      async () => {
        gone = started.exitCode !== null || started.signalCode !== null
        return (
          gone || /ready for connections/.test((await readLog(logFile)).split('# try').at(-1) ?? '')
        )
      },
      100_000,
    )
    return !gone
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    watcher?.kill('SIGKILL')
    watcher = undefined
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    ending.ref()
    ending.kill(signal)
    if (await ended(ending, 10_000)) return
    ending.kill('SIGKILL')
    await ended(ending, 10_000)
  }

  const server: MariadbServer = {
    host: HOST,
    get port() {
      return port
    },
    user: options.user ?? 'app',
    password: options.password ?? 'secret-of-app',
    database,
    ca: join(root, 'server.crt'),
    socket,
    files: join(root, 'files'),
    folder: root,
    get pid() {
      return child?.pid ?? 0
    },
    log: () => readLog(logFile),
    async session(more = {}) {
      const opened = await rootSession(socket, more)
      sessions.add(opened)
      await opened.query('use ??', [database])
      return opened
    },
    async query(sql, values = []) {
      const session = await server.session()
      try {
        const [answer] = await session.query(sql, [...values] as string[])
        if (!Array.isArray(answer)) return []
        const lists = (answer as unknown[]).filter(Array.isArray)
        return (lists.at(-1) ?? answer) as Record<string, unknown>[]
      } finally {
        sessions.delete(session)
        await session.end()
      }
    },
    async start() {
      if (child !== undefined) return
      // The port was free a moment ago; another process may have taken it since.
      for (let attempt = 0; attempt < 8; attempt += 1) {
        await writeFile(logFile, '# try\n', { flag: 'a' })
        if (await launch()) return
        await end('SIGKILL')
        if (!/Address already in use/.test(await readLog(logFile))) break
        port = await freePort()
      }
      throw new Error(`MariaDB did not start: ${await readLog(logFile)}`)
    },
    kill: () => end('SIGKILL'),
    async stop() {
      for (const session of sessions) session.destroy()
      // Nothing is to be kept: no shutdown is waited for.
      await end('SIGKILL')
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return server
}

function optionFile(options: MariadbOptions, port: number, root: string): string {
  const all: Record<string, string> = {
    ...ENGINE,
    datadir: join(root, 'data'),
    socket: join(root, 'socket'),
    'pid-file': join(root, 'pid'),
    port: String(port),
    'bind-address': HOST,
    'secure-file-priv': join(root, 'files'),
    'ssl-cert': join(root, 'server.crt'),
    'ssl-key': join(root, 'server.key'),
    ...(options.tls?.required === true ? { 'require-secure-transport': 'on' } : {}),
    ...options.settings,
  }
  return `[mariadbd]\n${Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')}skip-name-resolve\nskip-log-bin\n`
}

/** Small and quick; what it holds may be lost. */
const ENGINE: Readonly<Record<string, string>> = {
  'innodb-log-file-size': '8M',
  'innodb-buffer-pool-size': '32M',
  'innodb-flush-log-at-trx-commit': '0',
  'innodb-flush-method': 'nosync',
  'innodb-doublewrite': 'off',
  'character-set-server': 'utf8mb4',
  'collation-server': 'utf8mb4_general_ci',
  'max-connections': '400',
  'max-allowed-packet': '64M',
  // Root runs the tests in many containers, and the server asks to be told so.
  ...(process.getuid?.() === 0 ? { user: 'root' } : {}),
}

async function populate(options: MariadbOptions, server: MariadbServer): Promise<void> {
  const session = await rootSession(server.socket)
  // Over TCP root would need no password.
  await session.query("delete from mysql.global_priv where user = 'root' and host <> 'localhost'")
  await session.query('flush privileges; create database if not exists ??', [server.database])
  await session.query('use ??', [server.database])
  const account = { name: server.user, secret: server.password }
  if (options.auth === 'ed25519') {
    await session.query("install soname 'auth_ed25519'")
    await session.query('create user ?@? identified via ed25519 using password(?)', [
      account.name,
      '%',
      account.secret,
    ])
  } else {
    await session.query('create user ?@? identified by ?', [account.name, '%', account.secret])
  }
  await session.query('grant all on ??.* to ?@?', [server.database, account.name, '%'])
  if (options.init !== undefined) await session.query(options.init)
  await session.end()
}

async function rootSession(socketPath: string, more: object = {}): Promise<Connection> {
  // (Left on, code made here would be kept with a mode that the gateway turns off.)
  const flags = ['-IGNORE_SPACE']
  const plain = { socketPath, user: 'root', multipleStatements: true, charset: 'utf8mb4', flags }
  const session = await createConnection({ ...plain, ...more })
  session.on('error', () => {}) // the server may be killed under us: `query` rejects as well
  return session
}

// ——— folders ———

/** A data folder fresh from mariadb-install-db and a certificate, made once per machine and copied for each server. */
async function template(): Promise<string> {
  const place = join(tmpdir(), `sallyport-mariadb-${process.getuid?.() ?? 0}-1`)
  if (await exists(place)) {
    const status = await lstat(place)
    if (status.uid !== (process.getuid?.() ?? status.uid)) {
      throw new Error(`${place} belongs to somebody else`)
    }
    return place
  }
  const making = await mkdtemp(`${place}-making-`)
  const options = join(making, 'options.cnf')
  const lines = Object.entries(ENGINE).map(([name, value]) => `${name} = ${value}\n`)
  await writeFile(options, `[mariadbd]\n${lines.join('')}`)
  await run('mariadb-install-db', [
    `--defaults-file=${options}`,
    `--datadir=${join(making, 'data')}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ])
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-keyout', join(making, 'server.key'), '-out', join(making, 'server.crt')],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-days', '3650'],
  ])
  try {
    // Several processes may make it at once: the first to finish wins.
    await rename(making, place)
  } catch (error) {
    await rm(making, { recursive: true, force: true })
    if (!(await exists(place))) throw error
  }
  return place
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false // the answer to the question
  }
}

async function readLog(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '') // nothing was logged yet
}

// Holds a pipe of ours: when this process goes, however it goes, the pipe closes and the server is ended.
function watch(child: ChildProcess, root: string): ChildProcess {
  const script =
    'cat >/dev/null; [ "$(head -n 1 "$1/pid" 2>/dev/null)" = "$0" ] && kill -KILL "$0"; sleep 1; rm -rf "$1"'
  const watcher = spawn('/bin/sh', ['-c', script, String(child.pid), root], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  })
  watcher.unref()
  // A pipe is a socket in Node, and would keep this process alive.
  if (watcher.stdin !== null && 'unref' in watcher.stdin)
    (watcher.stdin as { unref(): void }).unref()
  return watcher
}
