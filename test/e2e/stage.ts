// What an end-to-end test stands on: a PostgreSQL with the shop in it, an issuer, and the gateway between.
// Each test file has a stage of its own. The same client can be run directly and through the gateway, so
// that "as the server itself would answer" is measured and not remembered.
import { type Issuer, type Persona, shopOwner, shopSql, startIssuer } from '../../demo/index.ts'
import {
  type GatewayOptions,
  issuerEntry,
  postgresResource,
  type RunningGateway,
  startGateway,
} from '../servers/gateway.ts'
import { type PostgresServer, type PostgresVersion, startPostgres } from '../servers/postgres.ts'
import { type Ran, type RunOptions, run } from '../servers/programs.ts'

export interface Stage {
  readonly server: PostgresServer
  readonly issuer: Issuer
  readonly gateway: RunningGateway
  /** A fresh token. */
  token(client: string): Promise<string>
  /** Environment of a libpq program: to the server itself, or through the gateway as `client`. */
  direct(): Record<string, string>
  through(client: string): Promise<Record<string, string>>
  /** psql, to the server itself or through the gateway, reading `script`. */
  psql(where: Record<string, string>, script: string, options?: PsqlOptions): Promise<Ran>
  stop(): Promise<void>
}

export interface PsqlOptions extends RunOptions {
  readonly args?: readonly string[]
}

export interface StageOptions {
  /** Default: 18, or what the environment's E2E_POSTGRES says. */
  readonly version?: PostgresVersion
  readonly policies?: Readonly<Record<string, string>>
  readonly dataClasses?: object
  readonly settings?: Readonly<Record<string, unknown>>
  readonly gateway?: Partial<GatewayOptions>
  readonly people?: Readonly<Record<string, Persona>>
  readonly init?: string
  readonly server?: Readonly<Record<string, string>>
  readonly resource?: Readonly<Record<string, unknown>>
  /** More resources beside `shop`, once the server is known. */
  readonly more?: (server: PostgresServer) => readonly object[]
}

/** Everything is permitted, and everybody sees everything: what is left is the wire. */
export const allowAll = {
  'all.cedar': '@id("everything")\npermit (principal, action, resource);\n',
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const server = await startPostgres({
      version: options.version ?? (process.env['E2E_POSTGRES'] === '15' ? 15 : 18),
      database: 'shop',
      init: `${shopSql(300)}${shopOwner('app')}grant all on schema public to app;${options.init ?? ''}`,
      ...(options.server ? { settings: options.server } : {}),
    })
    stops.push(() => server.stop())
    const issuer = await startIssuer(options.people ? { more: options.people } : {})
    stops.push(() => issuer.stop())
    const gateway = await startGateway({
      issuers: [issuerEntry(issuer.url)],
      resources: [
        postgresResource('shop', server, options.resource),
        ...(options.more?.(server) ?? []),
      ],
      policies: options.policies ?? allowAll,
      dataClasses: options.dataClasses ?? {},
      settings: options.settings ?? {},
      ...options.gateway,
      env: { UPSTREAM_PASSWORD: server.password, ...options.gateway?.env },
    })
    stops.push(() => gateway.remove())
    return {
      server,
      issuer,
      gateway,
      token: client => issuer.token({ client }),
      direct: () => ({
        PGHOST: '127.0.0.1',
        PGPORT: String(server.port),
        PGUSER: server.user,
        PGPASSWORD: server.password,
        PGDATABASE: server.database,
        PGSSLMODE: 'disable',
      }),
      through: async client => gateway.libpq(await issuer.token({ client }), 'shop'),
      psql: (where, script, { args = [], ...more } = {}) =>
        run('psql', ['-X', '-v', 'VERBOSITY=verbose', ...args], {
          ...more,
          input: script,
          env: { ...where, ...more.env },
        }),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
