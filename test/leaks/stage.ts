// What the suite stands on: PostgreSQL 15 and 18 with the canaries in them, and one gateway before both. Everything
// is permitted but to see: what is left is masking.
import { startIssuer } from '../../demo/index.ts'
import { issuerEntry, postgresResource, startGateway } from '../servers/gateway.ts'
import { hasPostgres, type PostgresVersion, startPostgres } from '../servers/postgres.ts'
import { dataClasses, schemaSql } from './schema.ts'
import { type Answer, askAll, type Question, type Target } from './wire.ts'

/** Nobody may see anything; `carl` may see what class `ssn` is; `order-bot` is an agent. */
export type Who = 'ana' | 'carl' | 'order-bot'

export interface Ground {
  readonly versions: readonly PostgresVersion[]
  /** As the server itself answers. */
  direct(version: PostgresVersion, questions: readonly Question[]): Promise<readonly Answer[]>
  /** Through the gateway; `strict`: under the rules for predicates that apply when nothing is configured. */
  through(
    version: PostgresVersion,
    who: Who,
    questions: readonly Question[],
    strict?: boolean,
  ): Promise<readonly Answer[]>
  sql(version: PostgresVersion, text: string): Promise<unknown>
  log(): string
  stop(): Promise<void>
}

const POLICIES = {
  'leaks.cedar': `
@id("everything-but-seeing")
permit (principal, action, resource) unless { action == Action::"reveal" };
@id("carl-sees-ssn")
permit (principal == User::"carl", action == Action::"reveal", resource == DataClass::"ssn");
`,
}

const PEOPLE = {
  carl: { subject: 'carl', claims: { name: 'Carl', kind: 'user', groups: ['fraud'] } },
}

export async function startGround(): Promise<Ground> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const servers = new Map<PostgresVersion, Target>()
    const resources: object[] = []
    const queries = new Map<PostgresVersion, (text: string) => Promise<unknown>>()
    for (const version of [15, 18] as const) {
      if (!(await hasPostgres(version))) continue
      const server = await startPostgres({
        version,
        auth: 'trust',
        database: 'leaks',
        settings: { jit: 'off', max_parallel_workers_per_gather: '0', autovacuum: 'off' },
        init: schemaSql,
      })
      stops.push(() => server.stop())
      servers.set(version, server)
      queries.set(version, text => server.query(text))
      const open = { masking: { predicates: 'allow' } }
      resources.push(postgresResource(`open${version}`, server, open))
      resources.push(postgresResource(`strict${version}`, server))
    }
    const issuer = await startIssuer({ more: PEOPLE })
    stops.push(() => issuer.stop())
    const gateway = await startGateway({
      issuers: [issuerEntry(issuer.url)],
      resources,
      policies: POLICIES,
      dataClasses,
      // Cleartext on loopback: what is tested here is not TLS.
      allowPlaintext: true,
      env: { UPSTREAM_PASSWORD: 'none' },
    })
    stops.push(() => gateway.remove())
    return {
      versions: [...servers.keys()],
      direct: (version, questions) => askAll(known(servers, version), questions),
      through: async (version, who, questions, strict = false) => {
        const database = `${strict ? 'strict' : 'open'}${version}`
        const password = await issuer.token({ client: who })
        return askAll({ port: gateway.port, user: who, password, database }, questions)
      },
      sql: (version, text) => known(queries, version)(text),
      log: gateway.log,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function known<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const found = map.get(key)
  if (found === undefined) throw new Error('this version is not on this machine')
  return found
}
