// What a test of MySQL's wire stands on: a MariaDB, an issuer, and the gateway between. The same client is run to the
// server itself and through the gateway, so that "as the server itself would answer" is measured and not remembered.
import { type Issuer, type Persona, startIssuer } from '../../demo/index.ts'
import {
  type GatewayOptions,
  issuerEntry,
  type RunningGateway,
  startGateway,
} from '../servers/gateway.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'

export interface Where {
  readonly port: number
  readonly user: string
  readonly password: string
  /** The file of the certificate that the other side's is held against. */
  readonly ca: string
}

export interface MysqlStage {
  readonly server: MariadbServer
  readonly issuer: Issuer
  readonly gateway: RunningGateway
  direct(): Where
  through(client: string): Promise<Where>
  stop(): Promise<void>
}

export interface MysqlStageOptions {
  /** The name of the resource and of the server's database. */
  readonly name: string
  readonly init: string
  readonly policies: Readonly<Record<string, string>>
  readonly dataClasses?: object
  readonly server?: Readonly<Record<string, string>>
  readonly resource?: Readonly<Record<string, unknown>>
  /** Other resources on the same server, by name. */
  readonly beside?: readonly string[]
  /** Laid over the resource's `upstream`. */
  readonly upstream?: Readonly<Record<string, unknown>>
  readonly people?: Readonly<Record<string, Persona>>
  readonly gateway?: Partial<GatewayOptions>
}

export async function startMysqlStage(options: MysqlStageOptions): Promise<MysqlStage> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const { name, init, people } = options
    const server = await startMariadb({
      database: name,
      init,
      ...(options.server ? { settings: options.server } : {}),
    })
    stops.push(() => server.stop())
    await server.query(`grant all on *.* to ${server.user} with grant option`)
    const issuer = await startIssuer(people ? { more: people } : {})
    stops.push(() => issuer.stop())
    const gateway = await startGateway({
      issuers: [issuerEntry(issuer.url)],
      resources: [
        mysqlResource(name, server, options.resource, options.upstream),
        ...(options.beside ?? []).map(each => mysqlResource(each, server)),
      ],
      policies: options.policies,
      dataClasses: options.dataClasses ?? {},
      listener: 'mysql',
      ...options.gateway,
      env: { UPSTREAM_PASSWORD: server.password, ...options.gateway?.env },
    })
    stops.push(() => gateway.remove())
    return {
      server,
      issuer,
      gateway,
      direct: () => ({
        port: server.port,
        user: server.user,
        password: server.password,
        ca: server.ca,
      }),
      through: async client => ({
        port: gateway.port,
        user: client,
        password: await issuer.token({ client }),
        ca: gateway.ca,
      }),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The resource entry of a server, with its credential in the environment variable UPSTREAM_PASSWORD. */
export function mysqlResource(
  name: string,
  server: { readonly port: number; readonly user: string; readonly database: string },
  more: Readonly<Record<string, unknown>> = {},
  upstream: Readonly<Record<string, unknown>> = {},
): object {
  return {
    name,
    protocol: 'mysql',
    tags: { env: 'test' },
    upstream: {
      host: '127.0.0.1',
      port: server.port,
      database: server.database,
      tls: 'disable',
      ...upstream,
    },
    credential: { user: server.user, password: 'env:UPSTREAM_PASSWORD' },
    ...more,
  }
}

/** Words of the command line for MariaDB's own programs. */
export function cli({ port, user, password, ca }: Where): readonly string[] {
  return [
    '--no-defaults',
    '--default-character-set=utf8mb4',
    '--host=127.0.0.1',
    `--port=${port}`,
    `--user=${user}`,
    `--password=${password}`,
    `--ssl-ca=${ca}`,
    '--ssl-verify-server-cert',
  ]
}

/** The environment that the scripts in clients/ read. */
export function environment({ port, user, password, ca }: Where): Record<string, string> {
  return { MYSQL_PORT: String(port), MYSQL_USER: user, MYSQL_SECRET: password, MYSQL_CA: ca }
}
