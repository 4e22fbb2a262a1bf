// PostgreSQL's own regression suite, file by file, to a server itself and through the gateway under a policy
// that permits everything. The SQL is read from where others keep it; none of it is copied here.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startIssuer } from '../../demo/index.ts'
import { issuerEntry, postgresResource, startGateway } from '../servers/gateway.ts'
import { type PostgresServer, type PostgresVersion, startPostgres } from '../servers/postgres.ts'
import { run, until } from '../servers/programs.ts'
import { dataFolder } from './data.ts'
import { difference, normal } from './difference.ts'
import { explain, leaveOut, type Reason } from './explained.ts'

const ROOT = resolve('../shared/vectors/postgres-regress/test/sql')
const FOLDERS = ['postgres_regress', 'plpgsql_regress'].map(name => join(ROOT, name))

// What later files build on runs first; then what reads the catalogs as they are in a fresh database, as in the
// suite's own schedule; the others in their alphabetical order.
const FIRST =
  `test_setup boolean char name varchar text int2 int4 int8 oid float4 float8 bit numeric strings
  point lseg line box path polygon circle date time timetz timestamp timestamptz interval
  opr_sanity type_sanity oidjoins misc_sanity create_type create_table create_function_c create_function_sql
  create_misc create_operator create_procedure create_index create_view copy insert`.split(/\s+/)

export interface Compared {
  readonly name: string
  /** Lines that only one side printed: `- ` the server itself, `+ ` through the gateway; those by design apart. */
  readonly differences: readonly string[]
  readonly byDesign: ReadonlyMap<Reason, number>
  readonly lines: number
  /** In ms, both sides at once. */
  readonly took: number
}

/** The environment of a libpq program: to the server itself, and through the gateway to its twin. */
export interface Sides {
  direct(): Record<string, string>
  through(): Promise<Record<string, string>>
  /** A log of what the gateway said. */
  log(): string
}

export interface Comparison extends Sides {
  compare(name: string): Promise<Compared>
  stop(): Promise<void>
}

export interface ComparisonOptions {
  readonly version?: PostgresVersion
  /** Neither side behind a gateway: what differs then is noise. */
  readonly control?: boolean
  /** A detector looks at every value, finds nothing, and none may change. */
  readonly scan?: boolean
}

/** False where the vectors are not beside the project. */
export const hasSuite = existsSync(ROOT)
export const suiteFolder = ROOT

export function schedule(): string[] {
  const all = FOLDERS.flatMap(folder => readdirSync(folder).map(file => file.replace(/\.sql$/, '')))
  return [...FIRST.filter(name => all.includes(name)), ...all.filter(name => !FIRST.includes(name))]
}

/** A file of the suite, without what is refused by design. */
export function scriptOf(name: string): string {
  const path = FOLDERS.map(folder => join(folder, `${name}.sql`)).find(file => existsSync(file))
  if (path === undefined) throw new Error(`the suite has no ${name}.sql`)
  return leaveOut(name, readFileSync(path, 'utf8'))
}

/** Two servers alike, one of them behind a gateway. */
export async function startComparison(options: ComparisonOptions = {}): Promise<Comparison> {
  const { version = 18, control = false, scan = false } = options
  const stops: (() => unknown)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const source = dataFolder()
    stops.push(() => rmSync(source, { recursive: true, force: true }))
    const direct = await regressionServer(version)
    stops.push(() => direct.stop())
    const behind = await regressionServer(version)
    stops.push(() => behind.stop())
    let through: () => Promise<Record<string, string>> = async () => straight(behind)
    let log = () => ''
    if (!control) {
      const issuer = await startIssuer()
      stops.push(() => issuer.stop())
      const gateway = await startGateway({
        issuers: [issuerEntry(issuer.url)],
        resources: [postgresResource('regression', behind)],
        policies: scan ? MASKED : EVERYTHING,
        dataClasses: scan ? { key: { detect: 'private-key' } } : {},
        env: { UPSTREAM_PASSWORD: behind.password },
      })
      stops.push(() => gateway.remove())
      log = gateway.log
      through = async () =>
        gateway.libpq(await issuer.token({ client: 'ana' }), 'regression', 'app')
    }
    return {
      direct: () => straight(direct),
      through,
      log,
      async compare(name) {
        const script = scriptOf(name)
        const started = performance.now()
        const outputs = await Promise.all([
          psql(script, source, straight(direct)),
          psql(script, source, await through()),
        ])
        const took = performance.now() - started
        const [expected, got] = outputs.map(normal)
        const { byDesign, left } = explain(difference(expected ?? [], got ?? []))
        if (name === 'test_setup') await settle([direct, behind])
        return { name, differences: left, byDesign, lines: expected?.length ?? 0, took }
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * While the gateway reads the catalog after DDL, its snapshot keeps VACUUM from seeing that all rows are visible to
 * everybody, and plans hang on that: once more, when nobody reads.
 */
async function settle(servers: readonly PostgresServer[]): Promise<void> {
  for (const server of servers) {
    await until('the catalog to be read', async () => {
      const others = await server.query(
        'select from pg_stat_activity where backend_xmin is not null and pid <> pg_backend_pid()',
      )
      return others.length === 0
    })
    await server.query('vacuum analyze')
  }
}

const EVERYTHING = { 'all.cedar': '@id("everything") permit (principal, action, resource);' }
const MASKED = {
  'all.cedar':
    '@id("everything") permit (principal, action, resource) unless { action == Action::"reveal" };',
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

function regressionServer(version: PostgresVersion): Promise<PostgresServer> {
  return startPostgres({
    version,
    database: 'regression',
    init: 'alter role app superuser',
    // Without autovacuum rows stay where they were put: what has no ORDER BY comes in the same order twice.
    settings: {
      autovacuum: 'off',
      max_prepared_transactions: '2',
      max_wal_senders: '4',
      wal_level: 'logical',
    },
  })
}

/** As pg_regress runs it: from standard input, with each statement before its answer, in one stream. */
async function psql(
  script: string,
  source: string,
  where: Record<string, string>,
): Promise<string> {
  const args = '-X -a -q -v HIDE_TABLEAM=on -v HIDE_TOAST_COMPRESSION=on'
  const ran = await run('sh', ['-c', `exec psql ${args} 2>&1`], {
    input: script,
    env: {
      ...where,
      PGTZ: 'PST8PDT',
      PGDATESTYLE: 'Postgres, MDY',
      PG_ABS_SRCDIR: source,
      PG_ABS_BUILDDIR: '/nonexistent',
      PG_LIBDIR: '/nonexistent',
      PG_DLSUFFIX: '.so',
    },
    cwd: '/tmp',
    timeoutMs: 120_000,
  })
  return `${ran.stdout}\nexit ${ran.code}\n`
}
