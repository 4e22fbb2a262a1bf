// The cases of the benchmark: each says how one target is asked once, and what is counted.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { firstExisting, run } from '../test/servers/programs.ts'
import { quantile, residentBytes, type Sample, type Target } from './method.ts'
import { openRaw, type RawSession } from './raw-client.ts'

export type QueryMode = 'simple' | 'extended' | 'prepared'

/** pgbench -S, for `seconds`. With `reconnect` each transaction logs in anew. */
export async function pgbench(
  target: Target,
  options: { mode: QueryMode; clients: number; seconds: number; reconnect?: boolean },
): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pgbench-'))
  try {
    const args = ['-n', '-S', '-M', options.mode, '-c', String(options.clients), '-j', '1']
    args.push('-T', String(options.seconds), '-l', `--log-prefix=${join(folder, 'p')}`)
    if (options.reconnect) args.push('-C')
    else args.push('--sampling-rate=0.05')
    const done = await run('pgbench', [...args, target.database], {
      timeoutMs: options.seconds * 1000 + 30_000,
      env: {
        PGHOST: '127.0.0.1',
        PGPORT: String(target.port),
        PGUSER: target.user,
        PGPASSWORD: target.password,
        PGSSLMODE: 'disable',
      },
    })
    const rate = /^tps = ([\d.]+)/m.exec(done.stdout)
    const operations = /^number of transactions actually processed: (\d+)/m.exec(done.stdout)
    const failed = /^number of failed transactions: (\d+)/m.exec(done.stdout)
    if (done.code !== 0 || !rate || !operations || (failed && failed[1] !== '0')) {
      throw new Error(`pgbench on ${target.name} failed:\n${done.stdout}${done.stderr}`)
    }
    // client, transaction, microseconds, ...
    const latencies = readdirSync(folder)
      .flatMap(name => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
      .map(line => Number(line.split(' ')[2]))
      .filter(Number.isFinite)
    return {
      rate: Number(rate[1]),
      operations: Number(operations[1]),
      ...(latencies.length > 0
        ? { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
        : {}),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface BulkAnswer extends Sample {
  readonly bytes: number
}

/** Makes the client for big answers: C where a compiler is at hand, else this process on a bare socket. */
export async function bulkClient() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bulk-'))
  const binary = join(folder, 'bulk-client')
  const compiler = firstExisting('/usr/bin/cc', '/usr/bin/gcc', '/usr/bin/clang')
  if (compiler) {
    const source = join(dirname(fileURLToPath(import.meta.url)), 'bulk-client.c')
    const made = await run(compiler, ['-O2', '-o', binary, source])
    if (made.code !== 0)
      throw new Error(`the client for big answers does not compile: ${made.stderr}`)
  }
  const compiled = existsSync(binary)
  return {
    name: compiled ? 'C, 1 MiB buffer' : 'Node, bare socket',
    read: (target: Target, query: string) =>
      compiled ? readWith(binary, target, query) : readHere(target, query),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function readWith(binary: string, target: Target, query: string): Promise<BulkAnswer> {
  const args = [String(target.port), target.user, target.database, target.password, query]
  const done = await run(binary, args, { timeoutMs: 120_000 })
  const [rows = 0, bytes = 0, seconds = 0] = done.stdout.trim().split(' ').map(Number)
  if (done.code !== 0 || rows === 0) throw new Error(`${target.name}: ${done.stderr}`)
  return { rate: rows / seconds, operations: rows, bytes }
}

async function readHere(target: Target, query: string): Promise<BulkAnswer> {
  const session = await openRaw(target)
  const begun = process.hrtime.bigint()
  const { rows, bytes } = await session.ask(query)
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9
  session.end()
  return { rate: rows / seconds, operations: rows, bytes }
}

/** What `count` sessions that sit idle cost in resident memory, above the same process without them. */
export async function idleSessions(target: Target, count: number): Promise<number> {
  // The first sessions warm code and caches that do not grow with the number of sessions.
  await endAll(await openMany(target, 20))
  await pause(1500)
  const before = residentBytes(target.pids)
  const sessions = await openMany(target, count)
  try {
    await pause(3000)
    return residentBytes(target.pids) - before
  } finally {
    await endAll(sessions)
    await pause(500)
  }
}

/** The most that clients which read slowly made the process grow, in bytes per session. */
export async function slowClients(
  target: Target,
  options: { sessions: number; seconds: number; bytesPerSecond: number },
): Promise<number> {
  const readers = await openMany(target, options.sessions)
  // What any traffic makes a process grow once (code, heap, buffers) is no cost of a slow reader.
  for (const reader of readers) await reader.ask(answer(100_000))
  await pause(1000)
  const before = residentBytes(target.pids)
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, residentBytes(target.pids))
  }, 100)
  try {
    const takes = readers.map(reader =>
      reader.sip(answer(1_000_000), options.bytesPerSecond, options.seconds * 1000),
    )
    const taken = await Promise.all(takes)
    if (taken.some(bytes => bytes === 0)) throw new Error('a slow client got nothing at all')
    return (most - before) / options.sessions
  } finally {
    clearInterval(watch)
    await endAll(readers)
  }
}

/** A query whose answer has so many rows of a kilobyte. */
function answer(rows: number): string {
  return `select repeat('x', 1000) from generate_series(1, ${rows})`
}

async function openMany(target: Target, count: number): Promise<RawSession[]> {
  const sessions: RawSession[] = []
  for (let opened = 0; opened < count; opened += 20) {
    const batch = Array.from({ length: Math.min(20, count - opened) }, () => openRaw(target))
    sessions.push(...(await Promise.all(batch)))
  }
  return sessions
}

async function endAll(sessions: readonly RawSession[]): Promise<void> {
  for (const session of sessions) session.end()
  await pause(100)
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
