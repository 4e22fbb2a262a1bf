// PostgreSQL: pgbench, a big answer and memory at one server, directly, through PgBouncer, and through Sallyport with
// everything on.
import { bulkClient, idleSessions, pgbench, type QueryMode, slowClients } from './cases.ts'
import { compare } from './compare.ts'
import { addedLatency, type CaseResult, interleave, type Target } from './method.ts'
import type { Line } from './report.ts'
import { type Bench, startTargets } from './targets.ts'

const selects = [1, 8, 64].flatMap(clients =>
  (['simple', 'extended', 'prepared'] as const).map(mode => ({
    name: `pgbench -S, ${mode}, ${clients} ${clients === 1 ? 'client' : 'clients'}`,
    mode,
    clients,
  })),
)
const logins = 'pgbench -C, 8 clients'
const masked = 'big answer, one column masked'
const scanned = 'big answer, detectors on every value'
const idle = 'memory, idle sessions'
const slow = 'memory, 1 GB at a slow client'

export const postgresNames: readonly string[] = [
  ...selects.map(({ name }) => name),
  ...[logins, masked, scanned, idle, slow],
]

export interface PostgresBench {
  readonly quick: boolean
  readonly rounds: number
  readonly seconds: number
  readonly rows: number
  readonly wanted: (name: string) => boolean
}

/** Measures the cases that are wanted and gives lines of each as they are there. */
export async function* postgresLines(
  asked: PostgresBench,
  raw: CaseResult[],
): AsyncGenerator<Line> {
  const { quick, rounds, seconds, rows, wanted } = asked
  const bench = await startTargets(quick ? 2 : 10, rows)
  try {
    for (const each of selects) {
      if (!wanted(each.name)) continue
      const result = await select(bench, each, asked)
      raw.push(result)
      yield* selectLines(result, bench, each.clients)
    }
    if (wanted(logins)) {
      const result = await interleave(logins, 'sessions/s', all(bench), rounds, target =>
        pgbench(target, { mode: 'simple', clients: 8, seconds, reconnect: true }),
      )
      raw.push(result)
      yield compare(result, 'direct', 0.5)
      if (bench.pgbouncer) yield compare(result, 'pgbouncer', undefined)
    }
    if (wanted(masked) || wanted(scanned)) yield* bulk(bench, asked, raw)
    yield* memory(bench, asked)
  } finally {
    await bench.stop()
  }
}

function all(bench: Bench): Target[] {
  return [
    bench.direct,
    bench.control,
    ...(bench.pgbouncer ? [bench.pgbouncer] : []),
    bench.sallyport,
  ]
}

/** After one round that does not count: a process that has just started is compiling, and a session of many is logging in. */
async function select(
  bench: Bench,
  { name, mode, clients }: { name: string; mode: QueryMode; clients: number },
  { rounds, seconds }: PostgresBench,
): Promise<CaseResult> {
  const options = { mode, clients, seconds: clients > 8 ? 2 * seconds : seconds }
  for (const target of all(bench)) await pgbench(target, options)
  return interleave(name, 'transactions/s', all(bench), rounds, target => pgbench(target, options))
}

function selectLines(result: CaseResult, bench: Bench, clients: number): Line[] {
  const base = bench.pgbouncer ? 'pgbouncer' : 'direct'
  const lines = [
    compare(result, base, base === 'pgbouncer' && clients > 1 ? 0.5 : undefined),
    compare(result, 'direct', undefined),
  ]
  if (clients === 1) {
    const added = addedLatency(result, 'sallyport', 'direct')
    const proxied = bench.pgbouncer ? addedLatency(result, 'pgbouncer', 'direct') : Number.NaN
    lines.push({
      name: result.name,
      what: 'added p50',
      value: `${added.toFixed(0)} us`,
      floor: '60 us',
      holds: added <= 60,
      note: Number.isNaN(proxied) ? '' : `pgbouncer ${proxied.toFixed(0)} us`,
    })
  }
  return lines
}

async function* bulk(
  bench: Bench,
  { rounds, rows, wanted }: PostgresBench,
  raw: CaseResult[],
): AsyncGenerator<Line> {
  const client = await bulkClient()
  const query = 'select id::text, name, email, phone, note, amount from big'
  const few = Math.max(3, rounds - 2)
  const base = bench.pgbouncer ? 'pgbouncer' : 'direct'
  const read = (name: string, targets: Target[]) =>
    interleave(name, 'rows/s', targets, few, target => client.read(target, query))
  console.log(`(${rows.toLocaleString('en')} rows x 6; client: ${client.name})`)
  try {
    if (wanted(masked)) {
      const result = await read(masked, all(bench))
      raw.push(result)
      yield* [compare(result, 'direct', 0.6), compare(result, base, undefined)]
    }
    if (wanted(scanned)) {
      const others = all(bench).filter(target => target.name !== 'sallyport')
      const result = await bench.withGateway(true, own => read(scanned, [...others, own]))
      raw.push(result)
      yield* [compare(result, 'direct', 0.3), compare(result, base, undefined)]
    }
  } finally {
    client.remove()
  }
}

/** Each in a process that has done nothing before: memory that was once used is not given back. */
async function* memory(bench: Bench, { quick, wanted }: PostgresBench): AsyncGenerator<Line> {
  const megabytes = (bytes: number) => bytes / 1e6
  if (wanted(idle)) {
    const count = quick ? 200 : 1000
    const floor = (60 * count) / 1000
    const used = megabytes(await bench.withGateway(false, fresh => idleSessions(fresh, count)))
    yield {
      name: idle,
      what: 'above the idle gateway',
      value: `${used.toFixed(1)} MB`,
      floor: `${floor} MB`,
      holds: used <= floor,
      note: `${count} of them, ${((used * 1000) / count).toFixed(1)} KB each`,
    }
  }
  if (wanted(slow)) {
    const readers = { sessions: 4, seconds: quick ? 5 : 12, bytesPerSecond: 2e6 }
    const used = megabytes(await bench.withGateway(false, fresh => slowClients(fresh, readers)))
    yield {
      name: slow,
      what: 'most, per session',
      value: `${used.toFixed(1)} MB`,
      floor: '8 MB',
      holds: used <= 8,
      note: '4 sessions at 2 MB/s',
    }
  }
}
