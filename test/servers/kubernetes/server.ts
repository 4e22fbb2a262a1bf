// The front of the stand-in: connections, who asks, what is asked, the answer or its refusal, and the journal.
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createSecureServer, type Http2ServerRequest } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { parse } from 'yaml'
import { jsonOfProtobuf, PROTOBUF } from '#engines/kubernetes-protobuf'
import {
  type Caller,
  callerOf,
  forbidden,
  impersonated,
  rbacAllows,
  type Tokens,
  type Wish,
} from './access.ts'
import type { Certificates } from './certificates.ts'
import { type Target, targetOf } from './info.ts'
import type { Logs } from './logs.ts'
import type { Response } from './reads.ts'
import { Cluster } from './requests.ts'
import { StatusError } from './status.ts'
import { Store } from './store.ts'
import { upgraded } from './streams.ts'

export interface Heard {
  readonly method: string
  readonly url: string
  /** `2.0`, `1.1`, or what the connection was upgraded to. */
  readonly protocol: string
  readonly user: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
  /** Who impersonated the user. */
  readonly by: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  status: number
}

export interface StandIn {
  readonly url: string
  readonly port: number
  readonly store: Store
  /** What came, in order; not that of the controllers. */
  readonly heard: Heard[]
  stop(): Promise<void>
}

export interface StandInOptions {
  readonly certificates: Certificates
  readonly tokens: Tokens
  readonly logs: Logs
  readonly bookmarkMs?: number
  readonly port?: number
}

type Request = IncomingMessage | Http2ServerRequest

/** Answers that are longer are compressed for those who take it, as the API server does. */
const COMPRESSED = 128 * 1024

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const { certificates, tokens, logs } = options
  const store = new Store()
  const heard: Heard[] = []
  const cluster = new Cluster(store, logs, { bookmarkMs: options.bookmarkMs ?? 60_000 })
  const sockets = new Set<TLSSocket>()
  const server = createSecureServer({
    allowHTTP1: true,
    cert: readFileSync(certificates.cert),
    key: readFileSync(certificates.key),
    ca: readFileSync(certificates.ca),
    requestCert: true,
    rejectUnauthorized: false,
    settings: { maxConcurrentStreams: 250 },
  })
  server.on('secureConnection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  server.on('sessionError', () => {})

  /** Who asks for what; written into the journal before it is answered. */
  function enter(request: Request, body: string, protocol: string) {
    const url = new URL(request.url ?? '/', 'https://cluster')
    const socket = request.socket as TLSSocket
    const entry: Heard = {
      method: request.method ?? '',
      url: request.url ?? '',
      protocol,
      user: '',
      groups: [],
      extra: {},
      by: undefined,
      headers: { ...request.headers },
      body,
      status: 0,
    }
    let caller: Caller | undefined
    try {
      const real = callerOf(request.headers, socket, tokens)
      caller = impersonated(request.headers, real, (user, wish) => rbacAllows(store, user, wish))
    } finally {
      if (caller?.name.startsWith('system:kube-') !== true)
        heard.push(
          Object.assign(entry, {
            user: caller?.name ?? '',
            groups: caller?.groups ?? [],
            extra: caller?.extra ?? {},
            by: caller?.by,
          }),
        )
    }
    const target = targetOf(entry.method, url, cluster.types)
    const wish = wishOf(entry.method, url, target)
    if (!rbacAllows(store, caller, wish)) throw forbidden(caller, wish)
    return { url, caller, target, entry }
  }

  async function serve(request: Request, response: Response): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const type = String(request.headers['content-type'] ?? 'application/json').split(';')[0] ?? ''
    const body = textOf(bytes, type)
    const at = heard.length
    try {
      const { url, caller, target } = enter(request, body, request.httpVersion)
      const answer = cluster.answer(
        {
          method: request.method ?? '',
          url,
          target,
          caller,
          accept: request.headers['accept'],
          type,
          program: String(request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? '',
          body: body === '' ? undefined : bodyOf(body, type),
        },
        response,
      )
      if (answer !== undefined) send(request, response, answer.status, answer.type, answer.body)
    } catch (error) {
      const status = (error instanceof StatusError ? error : new StatusError(500, String(error)))
        .status
      if (response.headersSent) return void response.end()
      send(request, response, status.code, 'application/json', JSON.stringify(status))
    } finally {
      const entry = heard[at]
      if (entry !== undefined) entry.status = response.statusCode
    }
  }

  server.on('request', (request: Http2ServerRequest, response: Response) => {
    response.on('error', () => {})
    serve(request, response).catch(() => response.destroy())
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    const at = heard.length
    try {
      const { url, target } = enter(request, '', String(request.headers.upgrade))
      upgraded(cluster, request, socket, head, url, target)
      const entry = heard[at]
      if (entry !== undefined) entry.status = 101
    } catch (error) {
      const status = (error instanceof StatusError ? error : new StatusError(500, String(error)))
        .status
      const text = JSON.stringify(status)
      socket.end(
        `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      )
    }
  })
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    store,
    heard,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

function wishOf(method: string, url: URL, target: Target | undefined): Wish {
  if (target === undefined)
    return {
      verb: method.toLowerCase(),
      group: '',
      resource: '',
      namespace: '',
      name: '',
      path: url.pathname,
    }
  const { type, verb, namespace = '', name, subresource } = target
  const resource = subresource === '' ? type.resource : `${type.resource}/${subresource}`
  return { verb, group: type.group, resource, namespace, name }
}

/** Clients that write protobuf are read as what it says. */
function textOf(bytes: Uint8Array, type: string): string {
  if (type !== PROTOBUF || bytes.length === 0) return Buffer.from(bytes).toString('utf8')
  return JSON.stringify(jsonOfProtobuf(bytes))
}

function bodyOf(text: string, type: string): unknown {
  try {
    return type.endsWith('yaml') ? parse(text) : JSON.parse(text)
  } catch (error) {
    throw new StatusError(400, `the object provided is unrecognized: ${String(error)}`)
  }
}

function send(
  request: Request,
  response: Response,
  status: number,
  type: string,
  body: string | Uint8Array,
): void {
  const plain = Buffer.from(body)
  const zipped =
    plain.length > COMPRESSED && /gzip/.test(String(request.headers['accept-encoding'] ?? ''))
  const bytes = zipped ? gzipSync(plain, { level: 1 }) : plain
  response.statusCode = status
  response.setHeader('content-type', type)
  response.setHeader('cache-control', 'no-cache, private')
  response.setHeader('audit-id', 'stand-in')
  response.setHeader('content-length', bytes.length)
  if (zipped) response.setHeader('content-encoding', 'gzip')
  response.end(request.method === 'HEAD' ? '' : bytes)
}
