// `npm run bench`: the ratios of one run, on this machine, against direct access and PgBouncer.
//   --quick      fewer and shorter rounds: for a look, not for a claim
//   --only TEXT  the cases whose name contains TEXT
//   --gate       exit status 1 when a ratio is under its floor
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { analysisLines } from './analysis.ts'
import { bulkClient, idleSessions, pgbench, type QueryMode, slowClients } from './cases.ts'
import { compare } from './compare.ts'
import { httpCases, httpLines } from './http.ts'
import { kubernetesCases, kubernetesLines } from './kubernetes.ts'
import { addedLatency, type CaseResult, interleave, type Target } from './method.ts'
import { mysqlCases, mysqlLines } from './mysql.ts'
import { type Line, printLines } from './report.ts'
import { sshCases, sshLines } from './ssh.ts'
import { type Bench, startTargets } from './targets.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})
const quick = options.quick
const rounds = quick ? 3 : 7
const seconds = quick ? 1 : 2
const bigRows = quick ? 200_000 : 1_000_000

// Whatever hangs, the run ends: the servers go with this process.
setTimeout(() => stopHard('the benchmark took too long'), quick ? 600_000 : 2_700_000).unref()
process.once('SIGINT', () => stopHard('interrupted'))

process.exitCode = await main()

async function main(): Promise<number> {
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}, Node ${process.version}`)
  console.log(`${rounds} rounds, order shuffled in each; ratios are medians of paired rounds\n`)
  const lines: Line[] = []
  const raw: CaseResult[] = []
  const wanted = (name: string) => name.includes(options.only)
  const keep = (line: Line) => {
    lines.push(line)
    printLines([line])
  }
  if (wanted('analysis')) for (const line of await analysisLines()) keep(line)
  if (Object.values(sshCases).some(({ name }) => wanted(name))) {
    const bench = { rounds, megabytes: quick ? 100 : 400, wanted }
    for await (const line of sshLines(bench, raw)) keep(line)
  }
  if (Object.values(httpCases).some(({ name }) => wanted(name)))
    for await (const line of httpLines({ rounds, seconds: quick ? 3 : 4, wanted }, raw)) keep(line)
  if (Object.values(mysqlCases).some(({ name }) => wanted(name)))
    for await (const line of mysqlLines({ rounds, seconds, rows: bigRows, wanted }, raw)) keep(line)
  if (Object.values(kubernetesCases).some(({ name }) => wanted(name)))
    for await (const line of kubernetesLines({ rounds, wanted }, raw)) keep(line)
  // These need none of the servers below.
  const alone = ['analysis', ...[sshCases, httpCases, mysqlCases, kubernetesCases].flatMap(namesOf)]
  const only = options.only
  if (only === '' || !alone.some(name => name.includes(only))) await measure(wanted, keep, raw)
  const file = save(lines, raw)
  console.log(`\nAll samples: ${file}`)
  const under = lines.filter(line => line.holds === false)
  if (under.length > 0)
    console.log(`${under.length} under the floor: ${under.map(l => l.name).join('; ')}`)
  return options.gate && under.length > 0 ? 1 : 0
}

function namesOf(cases: Readonly<Record<string, { readonly name: string }>>): readonly string[] {
  return Object.values(cases).map(({ name }) => name)
}

/** All that is asked of the servers. */
async function measure(
  wanted: (name: string) => boolean,
  keep: (line: Line) => void,
  raw: CaseResult[],
): Promise<void> {
  const bench = await startTargets(quick ? 2 : 10, bigRows)
  try {
    for (const clients of [1, 8, 64]) {
      for (const mode of ['simple', 'extended', 'prepared'] as const) {
        const name = `pgbench -S, ${mode}, ${clients} ${clients === 1 ? 'client' : 'clients'}`
        if (!wanted(name)) continue
        const result = await selects(bench, name, mode, clients)
        raw.push(result)
        for (const line of selectLines(result, bench, clients)) keep(line)
      }
    }
    const logins = 'pgbench -C, 8 clients'
    if (wanted(logins)) {
      const result = await interleave(logins, 'sessions/s', all(bench), rounds, target =>
        pgbench(target, { mode: 'simple', clients: 8, seconds, reconnect: true }),
      )
      raw.push(result)
      keep(compare(result, 'direct', 0.5))
      if (bench.pgbouncer) keep(compare(result, 'pgbouncer', undefined))
    }
    if (wanted('big answer')) for (const line of await bulk(bench, raw)) keep(line)
    if (wanted('memory')) for (const line of await memory(bench)) keep(line)
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
async function selects(
  bench: Bench,
  name: string,
  mode: QueryMode,
  clients: number,
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

async function bulk(bench: Bench, raw: CaseResult[]): Promise<Line[]> {
  const client = await bulkClient()
  const query = 'select id::text, name, email, phone, note, amount from big'
  const few = Math.max(3, rounds - 2)
  try {
    const masked = await interleave(
      'big answer, one column masked',
      'rows/s',
      all(bench),
      few,
      target => client.read(target, query),
    )
    const scanned = await bench.withGateway(true, scanning =>
      interleave(
        'big answer, detectors on every value',
        'rows/s',
        [...all(bench).filter(target => target.name !== 'sallyport'), scanning],
        few,
        target => client.read(target, query),
      ),
    )
    raw.push(masked, scanned)
    const base = bench.pgbouncer ? 'pgbouncer' : 'direct'
    console.log(`(${bigRows.toLocaleString('en')} rows x 6; client: ${client.name})`)
    return [
      compare(masked, 'direct', 0.6),
      compare(masked, base, undefined),
      compare(scanned, 'direct', 0.3),
      compare(scanned, base, undefined),
    ]
  } finally {
    client.remove()
  }
}

async function memory(bench: Bench): Promise<Line[]> {
  const megabytes = (bytes: number) => bytes / 1e6
  const count = quick ? 200 : 1000
  // Each in a process that has done nothing before: memory that was once used is not given back.
  const idle = megabytes(await bench.withGateway(false, fresh => idleSessions(fresh, count)))
  const readers = { sessions: 4, seconds: quick ? 5 : 12, bytesPerSecond: 2e6 }
  const slow = megabytes(await bench.withGateway(false, fresh => slowClients(fresh, readers)))
  return [
    {
      name: `memory, ${count} idle sessions`,
      what: 'above the idle gateway',
      value: `${idle.toFixed(1)} MB`,
      floor: `${(60 * count) / 1000} MB`,
      holds: idle <= (60 * count) / 1000,
      note: `${((idle * 1000) / count).toFixed(1)} KB each`,
    },
    {
      name: 'memory, 1 GB at a slow client',
      what: 'most, per session',
      value: `${slow.toFixed(1)} MB`,
      floor: '8 MB',
      holds: slow <= 8,
      note: '4 sessions at 2 MB/s',
    },
  ]
}

function save(lines: readonly Line[], raw: readonly CaseResult[]): string {
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'results')
  mkdirSync(folder, { recursive: true })
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const file = join(folder, `${stamp}${quick ? '-quick' : ''}.json`)
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model,
    load: loadavg(),
    node: process.version,
  }
  writeFileSync(file, `${JSON.stringify({ machine, quick, lines, cases: raw }, undefined, 1)}\n`)
  return file
}

function stopHard(why: string): never {
  console.error(`bench: ${why}`)
  process.exit(2)
}
