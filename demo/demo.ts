// `sallyport demo`: a database with made-up customers, an issuer, a gateway, and lines to paste. The
// gateway is the real program with a configuration file; the demo only starts what it needs and prints.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { hasPostgres, type PostgresServer, startPostgres } from '../test/servers/postgres.ts'
import { startApi } from './api.ts'
import { shopOwner, shopSql } from './customers.ts'
import {
  type DemoAddress,
  makeFolder,
  ROOT,
  writeConfiguration,
  writePersona,
  writePrograms,
  writeToken,
  writeVisitor,
} from './folder.ts'
import { type Issuer, startIssuer } from './issuer.ts'
import { type Step, stepsOf } from './steps.ts'

const WHO = ['order-bot', 'ana', 'dora'] as const
const REFRESH_MS = 10 * 60_000
const TOKEN_SECONDS = 2 * 3600

export interface Demo {
  readonly folder: string
  readonly at: DemoAddress
  readonly client: 'psql' | 'sql'
  readonly steps: readonly Step[]
  /** Resolves when the gateway ends by itself. */
  readonly gatewayEnded: Promise<void>
  /** Ends everything, and removes the folder. */
  stop(): Promise<void>
}

/** Starts all of it. What was started is ended again when a part fails. */
export async function startDemo(): Promise<Demo> {
  const folder = makeFolder()
  const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    const server = await startShop()
    stops.push(() => server.stop())
    const api = await startApi()
    stops.push(() => api.stop())
    const at = {
      postgres: await portNear(15432),
      http: await portNear(18443),
      console: await portNear(8443),
    }
    const issuer = await startIssuer({ callback: `https://127.0.0.1:${at.console}/auth/callback` })
    stops.push(() => issuer.stop())
    writeFileSync(join(folder, 'upstream.password'), server.password, { mode: 0o600 })
    const file = writeConfiguration(folder, at, issuer.url, server, api)
    writePrograms(folder)
    for (const name of WHO) writePersona(folder, name, at)
    writeVisitor(folder, at)
    await writeTokens(folder, issuer)
    const refresh = setInterval(() => void writeTokens(folder, issuer).catch(complain), REFRESH_MS)
    stops.push(() => clearInterval(refresh))
    const gateway = runGateway(file, join(folder, 'gateway.log'))
    stops.push(() => endGateway(gateway))
    await ready(gateway, at, folder)
    const client = onPath('psql') ? 'psql' : 'sql'
    return {
      folder,
      at,
      client,
      steps: stepsOf(folder, client, onPath('curl')),
      gatewayEnded: once(gateway, 'exit').then(() => {}),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startShop(): Promise<PostgresServer> {
  const version = (await hasPostgres(18)) ? 18 : 15
  return startPostgres({ version, database: 'shop', init: shopSql() + shopOwner('app') })
}

/** Tokens outlive an hour; new ones lie ready long before that. */
async function writeTokens(folder: string, issuer: Issuer): Promise<void> {
  for (const name of WHO) {
    writeToken(folder, name, await issuer.token({ client: name, ttl: TOKEN_SECONDS }))
  }
}

function runGateway(file: string, log: string): ChildProcess {
  const main = join(ROOT, 'src', 'main.ts')
  const args = [...process.execArgv, main, 'server', '--config', file]
  // In a group of its own: Ctrl-C reaches the demo alone, which ends the gateway in order.
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const kept = createWriteStream(log, { mode: 0o600 })
  child.stdout?.pipe(kept, { end: false })
  child.stderr?.pipe(kept, { end: false })
  child.once('close', () => kept.end())
  process.once('exit', () => child.kill('SIGKILL'))
  return child
}

async function endGateway(gateway: ChildProcess): Promise<void> {
  if (gateway.exitCode !== null || gateway.signalCode !== null) return
  const gone = once(gateway, 'exit')
  gateway.kill('SIGTERM')
  const timer = setTimeout(() => gateway.kill('SIGKILL'), 8000)
  await gone
  clearTimeout(timer)
}

async function ready(gateway: ChildProcess, at: DemoAddress, folder: string): Promise<void> {
  const end = Date.now() + 30_000
  while (Date.now() < end) {
    if (gateway.exitCode !== null) break
    const all =
      (await answers(at.postgres)) && (await answers(at.http)) && (await answers(at.console))
    if (all && existsSync(join(folder, 'data', 'ca.pem'))) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  const said = readFileSync(join(folder, 'gateway.log'), 'utf8').trim()
  throw new Error(`the gateway did not start${said === '' ? '' : `:\n${said}`}`)
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(socket.destroy() !== undefined))
    socket.once('error', () => resolve(false))
  })
}

/** The port, or any free one when it is taken. */
function portNear(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', () =>
      wanted === 0 ? reject(new Error('no free port')) : resolve(portNear(0)),
    )
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : wanted))
    })
  })
}

function onPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.some(folder => folder !== '' && existsSync(join(folder, program)))
}

function complain(error: unknown): void {
  console.error(`demo: no new tokens: ${String(error)}`)
}
