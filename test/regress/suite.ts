// PostgreSQL's own regression suite, file by file, to a server itself and through the gateway under a policy
// that permits everything. The SQL is read from where others keep it; none of it is copied here.
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startIssuer } from '../../demo/index.ts'
import { issuerEntry, postgresResource, startGateway } from '../servers/gateway.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { run } from '../servers/programs.ts'
import { difference, normal } from './difference.ts'

const SUITE = resolve('../shared/vectors/postgres-regress/test/sql/postgres_regress')

// What later files build on runs first; the others in their alphabetical order.
const FIRST =
  `test_setup boolean char name varchar text int2 int4 int8 oid float4 float8 bit numeric strings
  point lseg line box path polygon circle date time timetz timestamp timestamptz interval create_type create_table
  create_function_c create_function_sql create_misc create_operator create_procedure create_index create_view
  copy insert`.split(/\s+/)

export interface Compared {
  readonly name: string
  /** Lines that only one side printed: `- ` the server itself, `+ ` through the gateway. */
  readonly differences: readonly string[]
  readonly lines: number
}

export interface Comparison {
  compare(name: string): Promise<Compared>
  stop(): Promise<void>
}

/** False where the vectors are not beside the project. */
export const hasSuite = existsSync(SUITE)
export const suiteFolder = SUITE

export function schedule(): string[] {
  const all = readdirSync(SUITE).map(file => file.replace(/\.sql$/, ''))
  return [...FIRST.filter(name => all.includes(name)), ...all.filter(name => !FIRST.includes(name))]
}

/** Two servers, one of them behind a gateway; with `control` neither is, and what differs is noise. */
export async function startComparison(control = false): Promise<Comparison> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const direct = await regressionServer()
    stops.push(() => direct.stop())
    const behind = await regressionServer()
    stops.push(() => behind.stop())
    let through: () => Promise<Record<string, string>> = async () => straight(behind)
    if (!control) {
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
    return {
      async compare(name) {
        const outputs = await Promise.all([
          psql(name, straight(direct)),
          psql(name, await through()),
        ])
        const [expected, got] = outputs.map(normal)
        const differences = difference(expected ?? [], got ?? [])
        return { name, differences, lines: expected?.length ?? 0 }
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function straight(server: PostgresServer): Record<string, string> {
  return {
    PGHOST: '127.0.0.1',
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSWORD: server.password,
    PGDATABASE: server.database,
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

async function psql(name: string, where: Record<string, string>): Promise<string> {
  const args = '-X -a -q -v HIDE_TABLEAM=on -v HIDE_TOAST_COMPRESSION=on'
  const file = join(SUITE, `${name}.sql`)
  // In one stream, so that errors stand where they came.
  const ran = await run('sh', ['-c', `exec psql ${args} -f "$0" 2>&1`, file], {
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
