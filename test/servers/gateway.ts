// The gateway as its users run it: a process of its own, one configuration file, real ports. Nothing here
// reaches into the program; what a test knows of it is what a script could know.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePort } from './ports.ts'
import { cleanEnvironment, ended, type Ran, run, until } from './programs.ts'

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const { FLAGS } = createRequire(import.meta.url)('../../bin/node26.cjs') as { FLAGS: string[] }

export interface GatewayOptions {
  /** The issuers' entries, as the file has them. */
  readonly issuers: readonly object[]
  /** The resources' entries, as the file has them. */
  readonly resources: readonly object[]
  /** File name to Cedar text. */
  readonly policies: Readonly<Record<string, string>>
  readonly dataClasses?: object
  /** Laid over the rest of the file. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Environment of the process: what `env:NAME` references resolve to. */
  readonly env?: Readonly<Record<string, string>>
  /** Where `data` lies; a folder beside the file when absent. */
  readonly data?: string
  readonly allowPlaintext?: boolean
  /** The protocol whose listener `port` is; PostgreSQL's when absent. */
  readonly listener?: string
  /** A free one when absent. */
  readonly consolePort?: number
  /** In ms, until ready. */
  readonly timeoutMs?: number
}

export interface RunningGateway {
  /** The port of the protocol's listener, on 127.0.0.1. */
  readonly port: number
  readonly consoleUrl: string
  /** The CA's certificate, as a path. */
  readonly ca: string
  readonly folder: string
  readonly data: string
  readonly file: string
  readonly pid: number
  /** What the process has printed so far. */
  log(): string
  /** The command line, as the holder of `token` runs it. */
  cli(
    args: readonly string[],
    token?: string,
    timeoutMs?: number,
    more?: Readonly<Record<string, string>>,
  ): Promise<Ran>
  /** The environment in which a libpq program reaches `database` with `token`. */
  libpq(token: string, database: string, user?: string): Record<string, string>
  writePolicies(policies: Readonly<Record<string, string>>): void
  alive(): boolean
  /** SIGKILL, as from the machine's memory killer. Nothing is cleaned up. */
  kill(): Promise<void>
  /** Starts again on the same folder and ports, with `more` on its command line. */
  start(...more: readonly string[]): Promise<void>
  /** SIGTERM, and its exit status. */
  stop(): Promise<number | null>
  /** Ends it if it runs, and removes its folder. */
  remove(): Promise<void>
}

/** Starts a gateway and waits until it is ready. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-gateway-'))
  const data = options.data ?? join(folder, 'data')
  const port = await freePort()
  const consolePort = options.consolePort ?? (await freePort())
  const file = join(folder, 'sallyport.yaml')
  const address = `127.0.0.1:${port}`
  writeFileSync(
    file,
    stringify({
      data,
      store: 'embedded',
      listen: {
        console: `127.0.0.1:${consolePort}`,
        [options.listener ?? 'postgres']: options.allowPlaintext
          ? { address, allowPlaintext: true }
          : address,
      },
      identity: { issuers: options.issuers },
      resources: options.resources,
      dataClasses: options.dataClasses ?? {},
      policies: './policies',
      ...options.settings,
    }),
  )
  mkdirSync(join(folder, 'policies'))
  let child: ChildProcess | undefined
  let said = ''
  const ca = join(data, 'ca.pem')
  const consoleUrl = `https://127.0.0.1:${consolePort}`
  const leave = () => child?.kill('SIGKILL')
  process.once('exit', leave)

  async function start(...more: readonly string[]) {
    const started = spawn(
      process.execPath,
      [...FLAGS, join(ROOT, 'src', 'main.ts'), 'server', '--config', file, ...more],
      { cwd: ROOT, env: cleanEnvironment(options.env), stdio: ['ignore', 'pipe', 'pipe'] },
    )
    child = started
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-200_000)
    }
    started.stdout?.on('data', hear)
    started.stderr?.on('data', hear)
    const ready = async () => {
      if (started.exitCode !== null) throw new Error(`the gateway ended at once:\n${said}`)
      return (await statusOf(`${consoleUrl}/readyz`, ca)) === 200
    }
    await until('the gateway to be ready', ready, options.timeoutMs ?? 200_000).catch(error => {
      throw new Error(`${String(error)}\n${said}`)
    })
  }

  async function stop() {
    const ending = child
    if (!ending) return null
    ending.kill('SIGTERM')
    if (!(await ended(ending, 10_000))) {
      ending.kill('SIGKILL')
      await ended(ending, 2000)
    }
    return ending.exitCode
  }

  const gateway: RunningGateway = {
    port,
    consoleUrl,
    ca,
    folder,
    data,
    file,
    get pid() {
      return child?.pid ?? 0
    },
    log: () => said,
    cli(args, token, timeoutMs = 60_000, more = {}) {
      const env = { ...more, SALLYPORT_URL: consoleUrl, SALLYPORT_CA: ca, SALLYPORT_TOKEN: token }
      const program = [...FLAGS, join(ROOT, 'src', 'main.ts'), ...args]
      return run(process.execPath, program, { env, timeoutMs, cwd: ROOT })
    },
    libpq: (token, database, user = 'someone') => ({
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGUSER: user,
      PGPASSWORD: token,
      PGDATABASE: database,
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: ca,
      PGCONNECT_TIMEOUT: '60',
    }),
    writePolicies(policies) {
      for (const [name, text] of Object.entries(policies)) {
        writeFileSync(join(folder, 'policies', name), text)
      }
    },
    alive: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    async kill() {
      child?.kill('SIGKILL')
      if (child) await ended(child, 5000)
    },
    start,
    stop,
    async remove() {
      process.off('exit', leave)
      if (gateway.alive()) await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  gateway.writePolicies(options.policies)
  try {
    await start()
  } catch (error) {
    await gateway.remove()
    throw error
  }
  return gateway
}

/** The status of a GET, trusting only the CA at `ca`; 0 while there is none or nobody answers. */
function statusOf(url: string, ca: string): Promise<number> {
  if (!existsSync(ca)) return Promise.resolve(0)
  return new Promise(resolve => {
    const asked = request(
      url,
      { ca: readFileSync(ca), timeout: 10_000, agent: false },
      response => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(0))
    asked.end()
  })
}

/** The resource entry of a PostgreSQL server, with its credential in the environment variable `secret`. */
export function postgresResource(
  name: string,
  server: { port: number; user: string; database: string },
  more: Readonly<Record<string, unknown>> = {},
): object {
  const { secret = 'UPSTREAM_PASSWORD', ...rest } = more
  return {
    name,
    protocol: 'postgres',
    tags: { env: 'test' },
    upstream: { host: '127.0.0.1', port: server.port, database: server.database, tls: 'disable' },
    credential: { user: server.user, password: `env:${String(secret)}` },
    ...rest,
  }
}

/** The issuer entry for demo/issuer.ts. */
export function issuerEntry(url: string, more: Readonly<Record<string, unknown>> = {}): object {
  return {
    issuer: url,
    audience: 'sallyport',
    profile: 'rfc9068',
    groups: 'groups',
    principal: { claim: 'kind', agent: 'agent' },
    owners: 'owners',
    maxTokenAge: '2h',
    ...more,
  }
}
