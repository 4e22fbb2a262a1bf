// PostgreSQL's own regression suite, twice: to a server itself, and through the gateway under a policy that
// permits everything. Prints where the two differ; writes each difference to test/regress/results/.
//   node bin/node26.cjs test/regress/run.ts [--only NAME] [--control]
// `--control` runs the server itself twice: what differs then is the suite's own noise.
// The SQL is read from ../shared/vectors/postgres-regress when it is there; none of it is kept here.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startIssuer } from '../../demo/index.ts'
import { issuerEntry, postgresResource, startGateway } from '../servers/gateway.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { run } from '../servers/programs.ts'
import { difference, normal } from './difference.ts'

const SUITE = resolve('../shared/vectors/postgres-regress/test/sql/postgres_regress')
const RESULTS = resolve('test/regress/results')
const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, control: { type: 'boolean', default: false } },
})

// What later files build on runs first; the others in their alphabetical order.
const FIRST = [
  'test_setup',
  'boolean',
  'char',
  'name',
  'varchar',
  'text',
  'int2',
  'int4',
  'int8',
  'oid',
]
  .concat(['float4', 'float8', 'bit', 'numeric', 'strings', 'point', 'lseg', 'line', 'box', 'path'])
  .concat(['polygon', 'circle', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval'])
  .concat([
    'create_type',
    'create_table',
    'create_function_c',
    'create_function_sql',
    'create_misc',
  ])
  .concat(['create_operator', 'create_procedure', 'create_index', 'create_view', 'copy', 'insert'])

process.exitCode = existsSync(SUITE) ? await main() : leaveOut()

function leaveOut(): number {
  process.stdout.write(`Left out: ${SUITE} is not there.\n`)
  return 0
}

async function main(): Promise<number> {
  const stops: (() => Promise<unknown>)[] = []
  try {
    const [direct, behind] = [await regressionServer(), await regressionServer()]
    stops.push(
      () => direct.stop(),
      () => behind.stop(),
    )
    const straight = (server: PostgresServer) => ({
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGUSER: server.user,
      PGPASSWORD: server.password,
      PGDATABASE: server.database,
    })
    let through = async () => straight(behind)
    if (!options.control) {
      const issuer = await startIssuer()
      stops.push(() => issuer.stop())
      const gateway = await startGateway({
        issuers: [issuerEntry(issuer.url)],
        resources: [postgresResource('regression', behind)],
        policies: { 'all.cedar': '@id("everything") permit (principal, action, resource);' },
        env: { UPSTREAM_PASSWORD: behind.password },
      })
      stops.push(() => gateway.remove())
      through = async () =>
        gateway.libpq(await issuer.token({ client: 'ana' }), 'regression', 'app')
    }
    rmSync(RESULTS, { recursive: true, force: true })
    mkdirSync(RESULTS, { recursive: true })
    return await compare(async () => straight(direct), through)
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

function regressionServer(): Promise<PostgresServer> {
  return startPostgres({
    version: 18,
    database: 'regression',
    init: 'alter role app superuser',
    settings: { max_prepared_transactions: '2', max_wal_senders: '4', wal_level: 'logical' },
  })
}

type Where = () => Promise<Record<string, string>>

async function compare(direct: Where, through: Where): Promise<number> {
  let same = 0
  let lines = 0
  const differing: string[] = []
  for (const name of schedule()) {
    const [expected, got] = await Promise.all([
      psql(name, await direct()),
      psql(name, await through()),
    ])
    const found = difference(normal(expected), normal(got))
    if (options.only === name) process.stdout.write(expected)
    lines += normal(expected).length
    if (found.length === 0) same += 1
    else {
      differing.push(name)
      writeFileSync(join(RESULTS, `${name}.diff`), `${found.join('\n')}\n`)
      process.stdout.write(
        `${name.padEnd(24)} ${found.length} lines differ; the first: ${found[0]?.slice(0, 140)}\n`,
      )
    }
  }
  process.stdout.write(
    `\n${same} files the same, ${differing.length} differ (${RESULTS}); ${lines} lines in all.\n`,
  )
  return 0
}

function schedule(): string[] {
  const all = readdirSync(SUITE).map(file => file.replace(/\.sql$/, ''))
  const ordered = [
    ...FIRST.filter(name => all.includes(name)),
    ...all.filter(name => !FIRST.includes(name)),
  ]
  // With --only, what it builds on still runs.
  return options.only === '' ? ordered : ['test_setup', options.only]
}

async function psql(name: string, where: Record<string, string>): Promise<string> {
  const args = ['-X', '-a', '-q', '-v', 'HIDE_TABLEAM=on', '-v', 'HIDE_TOAST_COMPRESSION=on']
  const command = `exec psql ${args.join(' ')} -f "$0" 2>&1`
  const ran = await run('sh', ['-c', command, join(SUITE, `${name}.sql`)], {
    env: {
      ...where,
      PGTZ: 'PST8PDT',
      PGDATESTYLE: 'Postgres, MDY',
      PG_ABS_SRCDIR: '/nonexistent',
      PG_LIBDIR: '/nonexistent',
      PG_DLSUFFIX: '.so',
    },
    cwd: '/tmp',
    timeoutMs: 120_000,
  })
  return `${ran.stdout}\nexit ${ran.code}\n`
}
