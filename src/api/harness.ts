// The API on a real port, on a gateway with real engines, log and store; the protocol is one in name only, whose
// connections the test holds. For the tests of this room.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { z } from 'zod'
import type { ListenerSettings, Protocol } from '#gateway'
import { AccessDenied, Secret, type Statement } from '#model'
import { openDatabase } from '#services/db'
import { Explainer } from '#services/explaining'
import { openPolicies, PolicyHistory, policyMigrations, Workbench } from '#services/policies'
import type { Log, LogFields } from '#telemetry'
import { read, statement, type TestGateway, testGateway } from '../gateway/gateway.testing.ts'
import { Channels, type ChannelTables, channelMigrations } from '../services/channels/index.ts'
import { openServerAuthority, tlsIdentity } from '../transport/index.ts'
import { type Api, type ApiLimits, startApi } from './index.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The body as JSON; undefined when it is none. */
  readonly body: unknown
}

export interface Call {
  readonly token?: string | undefined
  readonly body?: unknown
  /** Sent as it is, whatever it is. */
  readonly raw?: string | Buffer
  readonly headers?: Record<string, string>
}

export interface Stream {
  readonly status: number
  readonly events: { event: string; data: unknown; id?: string }[]
  readonly ended: Promise<void>
  readonly response: IncomingMessage
  destroy(): void
}

export interface TestApi extends TestGateway {
  readonly port: number
  readonly routes: readonly string[]
  readonly ca: string
  readonly logged: string[]
  readonly channels: Channels
  readonly channelSecrets: Map<string, string>
  /** Connections that came through tunnels. */
  readonly served: { socket: Socket; listener: ListenerSettings }[]
  /** Where the policies stand that the console may change. */
  readonly policyFolder: string
  call(method: string, path: string, call?: Call): Promise<Answer>
  stream(path: string, token: string, headers?: Record<string, string>): Promise<Stream>
  /** A TLS connection that speaks for itself. */
  connect(): Promise<Socket>
  stop(): Promise<void>
}

export async function testApi(
  policies: string,
  limits: ApiLimits = {},
  storePath?: string,
): Promise<TestApi> {
  const test = await testGateway(policies, storePath)
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-api-'))
  const authority = await openServerAuthority({ folder, now: Date.now })
  const tls = await tlsIdentity({ kind: 'own', authority, names: [], now: Date.now })
  const ca = authority.certificate
  const logged: string[] = []
  const served: TestApi['served'] = []
  const channelSecrets = new Map<string, string>()
  const protocol = namedProtocol(served)
  const policyFolder = join(folder, 'policies')
  mkdirSync(policyFolder)
  writeFileSync(join(policyFolder, 'test.cedar'), policies)
  const store = await openDatabase(':memory:', [policyMigrations, channelMigrations])
  const policyHistory = new PolicyHistory(store, () => test.clock.now)
  const vocabulary = () => ({
    resources: test.inventory.list(),
    dataClasses: test.masks().classes.map(({ name }) => name),
  })
  const policyFiles = await openPolicies({
    folder: policyFolder,
    editable: true,
    history: policyHistory,
    vocabulary,
    onProblem: () => {},
    settleMs: 20,
  })
  const inForce = async () => {
    const { files } = await policyFiles.look()
    test.usePolicies(files.map(({ text }) => text).join('\n'))
  }
  policyFiles.onChange(() => void inForce())
  const workbench = new Workbench()
  const explainer = new Explainer()
  const channels = new Channels({
    kysely: store.tables<ChannelTables>(),
    now: () => test.clock.now,
    secret: async reference => new Secret(channelSecrets.get(reference) ?? ''),
    url: () => `https://127.0.0.1:${port}`,
    find: id => test.requests.find(id),
    pending: async () => [],
    onOutcome: () => {},
    log: keepingLog(logged),
  })
  test.requests.onChange(request => channels.heard(request))
  const api: Api = await startApi(
    {
      gateway: test.gateway,
      identity: test.identity,
      inventory: test.inventory,
      recordings: test.recordings,
      requests: test.requests,
      explainer,
      grants: test.grants,
      audit: test.audit,
      channels,
      policies: test.policies,
      policyFiles,
      policyHistory,
      workbench,
      vocabulary,
      masks: test.masks,
      detectors: () => [],
      protocols: [protocol],
      endpoint: () => ({ host: '127.0.0.1', port: 4 }),
      url: () => `https://127.0.0.1:${port}`,
      ca: '/ca.pem',
      now: () => test.clock.now,
      ready: () => !test.audit.failing,
      metrics: async () => 'sallyport_sessions 0\n',
      log: keepingLog(logged),
    },
    { host: '127.0.0.1', port: 0 },
    tls.pem(),
    limits,
  )
  const { port } = api
  const ask = (method: string, path: string, { token, body, raw, headers }: Call) => {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    return new Promise<IncomingMessage>((resolve, reject) => {
      const asked = httpsRequest(
        {
          method,
          host: '127.0.0.1',
          port,
          path,
          ca,
          agent: false,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
        },
        resolve,
      )
      asked.once('error', reject)
      asked.end(payload)
    })
  }
  return Object.assign(Object.create(null) as object, test, {
    port,
    routes: api.routes,
    ca,
    logged,
    served,
    policyFolder,
    channels,
    channelSecrets,
    async call(method: string, path: string, call: Call = {}) {
      const response = await ask(method, path, call)
      const pieces: Buffer[] = []
      for await (const piece of response) pieces.push(piece)
      const text = Buffer.concat(pieces).toString('utf8')
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        body: json(text),
      }
    },
    async stream(path: string, token: string, headers: Record<string, string> = {}) {
      const response = await ask('GET', path, { token, headers })
      const events: Stream['events'] = []
      let buffer = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        buffer += piece
        const blocks = buffer.split('\n\n')
        buffer = blocks.pop() ?? ''
        for (const block of blocks) {
          const found = /^(?:id: (.*)\n)?event: (.*)\ndata: (.*)$/.exec(block)
          if (found === null) continue
          const [, id, event = '', data = ''] = found
          events.push({ event, data: json(data), ...(id === undefined ? {} : { id }) })
        }
      })
      // A stream that is cut ends too: how it ended is not what these tests ask.
      response.on('error', () => {})
      const ended = new Promise<void>(resolve => response.once('close', resolve))
      const destroy = () => response.destroy()
      return { status: response.statusCode ?? 0, events, ended, response, destroy }
    },
    connect: () =>
      new Promise<Socket>((resolve, reject) => {
        const socket = tlsConnect({ host: '127.0.0.1', port, ca }, () => resolve(socket))
        socket.on('error', reject)
      }),
    async stop() {
      for (const { socket } of served) socket.destroy()
      workbench.close()
      policyFiles.close()
      await explainer.close()
      await channels.stop()
      await Promise.all([api.close(), test.close()])
      await store.close()
      tls.close()
      rmSync(folder, { recursive: true, force: true })
    },
  })
}

const customers = (column: string) => ({ object: 'public.customers', column })

/** As with a catalog: shows an e-mail address, and the rows are ordered by it. */
const KNOWN: Statement = {
  ...read('known'),
  compared: () => [],
  mayDeriveFrom: [customers('email')],
  lineage: [
    {
      outputs: [{ sources: [customers('email')], how: 'identity' }],
      probes: [{ use: 'order', columns: [customers('email')] }],
      transfers: [],
    },
  ],
}

/** The address alone, for nothing but to be seen. */
const SHOWS: Statement = {
  ...read('shows'),
  mayDeriveFrom: [customers('email')],
  lineage: [
    {
      outputs: [{ sources: [customers('email')], how: 'identity' }],
      probes: [],
      transfers: [],
    },
  ],
}

function namedProtocol(served: TestApi['served']): Protocol {
  return {
    name: 'test',
    label: 'Test',
    defaultPort: 4,
    settings: z.unknown(),
    secretFields: [],
    recording: 'statements',
    connectHint: ({ host, port }) => [`test ${host} ${port}`],
    tool: { command: ['true'], environment: () => ({}), url: () => 'x:' },
    read: async text => {
      if (text === 'unreadable')
        throw new AccessDenied('statement_unreadable', 'It does not parse.')
      return text === '' ? statement(text, []) : read(text)
    },
    columnsAt: () => [customers('email'), customers('name')],
    readAt: async text =>
      text.startsWith('known') ? KNOWN : text.startsWith('shows') ? SHOWS : undefined,
    serve: (socket, listener) => {
      served.push({ socket, listener })
      return new Promise(resolve => socket.once('close', () => resolve()))
    },
  }
}

function keepingLog(lines: string[]): Log {
  const keep = (fields: LogFields, event: string) => {
    const shown = JSON.stringify(fields, (_name, value) =>
      value instanceof Error ? { type: value.name, message: value.message } : value,
    )
    lines.push(`${event} ${shown}`)
  }
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log }
  return log
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is an answer too: the test looks at `text`.
    return undefined
  }
}
