// What is measured: one PostgreSQL, reached directly, through PgBouncer, and through Sallyport with
// everything on. All three on loopback without TLS, so that no one of them carries what the others do not.
import { type Issuer, startIssuer } from '../demo/index.ts'
import { type RunningGateway, startGateway } from '../test/servers/gateway.ts'
import { hasPgBouncer, startPgBouncer } from '../test/servers/pgbouncer.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../test/servers/postgres.ts'
import { run } from '../test/servers/programs.ts'
import type { Target } from './method.ts'

export interface Bench {
  readonly server: PostgresServer
  readonly direct: Target
  /** Direct access once more: what the machine's noise makes of two equal things. */
  readonly control: Target
  readonly pgbouncer: Target | undefined
  readonly sallyport: Target
  /** A gateway of its own, fresh, for as long as `use` takes; with a detector on every text value, or as usual. */
  withGateway<T>(detectors: boolean, use: (target: Target) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

const DATABASE = 'bench'
const BIG_ROWS = 1_000_000

const POLICY = `
@id("bench-does-all")
permit (principal is Agent, action in [Action::"connect", Action::"read", Action::"write", Action::"execute"], resource in Resource::"bench");
`

// The table of performance.md 11: an e-mail address and a telephone number in every row.
const BIG = `
create table big as select i as id, 'Customer Number '||i as name, 'user'||i||'@example.com' as email,
  '+1-202-555-'||lpad((i%10000)::text,4,'0') as phone,
  'Lorem ipsum dolor sit amet consectetur '||md5(i::text)||' order note' as note,
  (i*1.37)::numeric(12,2)::text as amount
from generate_series(1,ROWS) i;
alter table big owner to app;`

/** Starts the server and the proxies, and fills the tables. `scale` is pgbench's. */
export async function startTargets(scale: number, bigRows = BIG_ROWS): Promise<Bench> {
  const stops: (() => Promise<unknown>)[] = []
  try {
    const version = (await hasPostgres(15)) ? 15 : 18
    const server = await startPostgres({
      version,
      auth: 'trust',
      database: DATABASE,
      settings: {
        jit: 'off',
        autovacuum: 'off',
        max_parallel_workers_per_gather: '0',
        shared_buffers: '1GB',
        max_connections: '1300',
        max_wal_size: '8GB',
      },
      init: BIG.replace('ROWS', String(bigRows)),
    })
    stops.push(() => server.stop())
    await initialise(server, scale)
    const plain = { database: DATABASE, user: server.user, password: server.password }
    const direct: Target = { ...plain, name: 'direct', port: server.port, pids: [] }

    let pgbouncer: Target | undefined
    if (hasPgBouncer) {
      const proxy = await startPgBouncer({ port: server.port, user: server.user, connections: 200 })
      stops.push(() => proxy.stop())
      pgbouncer = { ...plain, name: 'pgbouncer', port: proxy.port, pids: [proxy.pid] }
    }

    const issuer = await startIssuer()
    stops.push(() => issuer.stop())
    const gateway = await gatewayFor(server, issuer, false)
    stops.push(() => gateway.remove())
    const password = await issuer.token({ client: 'order-bot' })
    const through = (name: string, running: RunningGateway): Target => ({
      name,
      database: 'bench',
      user: 'order-bot',
      password,
      port: running.port,
      pids: [running.pid],
    })

    return {
      server,
      direct,
      control: { ...direct, name: 'direct again' },
      pgbouncer,
      sallyport: through('sallyport', gateway),
      async withGateway(detectors, use) {
        const fresh = await gatewayFor(server, issuer, detectors)
        try {
          return await use(through('sallyport', fresh))
        } finally {
          await fresh.remove()
        }
      },
      stop: () => stopAll(stops),
    }
  } catch (error) {
    await stopAll(stops)
    throw error
  }
}

async function stopAll(stops: (() => Promise<unknown>)[]): Promise<void> {
  for (const stop of stops.reverse()) await stop()
}

async function initialise(server: PostgresServer, scale: number): Promise<void> {
  const done = await run('pgbench', ['-i', '-q', '-s', String(scale), DATABASE], {
    timeoutMs: 300_000,
    env: { PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: server.user },
  })
  if (done.code !== 0) throw new Error(`pgbench -i failed: ${done.stderr}`)
  await server.query('vacuum analyze')
}

/** Identity, policy, audit and recording as they are by default; one masked class, or all detectors. */
function gatewayFor(server: PostgresServer, issuer: Issuer, detectors: boolean) {
  const found = ['email', 'card', 'us-ssn', 'phone', 'iban', 'jwt', 'private-key', 'cloud-key']
  return startGateway({
    issuers: [
      {
        issuer: issuer.url,
        audience: 'sallyport',
        profile: 'rfc9068',
        groups: 'groups',
        principal: 'agent',
      },
    ],
    resources: [
      {
        name: 'bench',
        protocol: 'postgres',
        upstream: { host: '127.0.0.1', port: server.port, database: DATABASE, tls: 'disable' },
        credential: { user: server.user, password: 'env:UPSTREAM_PASSWORD' },
      },
    ],
    dataClasses: detectors
      ? Object.fromEntries(found.map(name => [name, { columns: [], detect: name, mask: 'redact' }]))
      : { email: { columns: ['*.big.email'], mask: 'redact' } },
    policies: { 'bench.cedar': POLICY },
    settings: { limits: { sessionsPerPrincipal: 2000 } },
    env: { UPSTREAM_PASSWORD: server.password },
    allowPlaintext: true,
  })
}
