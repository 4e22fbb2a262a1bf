// What an end-to-end test of HTTP stands on: a real upstream that says what it saw, an issuer, the gateway between, and
// clients that people use.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Agent, createServer as createTlsServer, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { WebSocketServer } from 'ws'
import { openServerAuthority } from '#transport'
import { type Issuer, startIssuer } from '../../demo/index.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'
import { type Ran, run } from '../servers/programs.ts'
import { startGrpc } from './clients/grpc.ts'

export const CARD = '4111111111111111'
export const EMAIL = 'secret.person@example.com'
/** What the gateway proves itself with. */
export const UPSTREAM_SECRET = 'upstream-secret-of-the-gateway'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface ApiStage {
  readonly gateway: RunningGateway
  readonly issuer: Issuer
  /** What reached the upstream, in order. */
  readonly seen: Seen[]
  readonly folder: string
  token(client?: string): Promise<string>
  /** A request over HTTP/1.1, as the agent unless `token` is given. */
  ask(
    resource: string,
    path: string,
    options?: {
      readonly method?: string
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Uint8Array
      readonly token?: string
      readonly agent?: Agent
      readonly onChunk?: (chunk: string) => void
    },
  ): Promise<Answer>
  /** curl, as the agent. */
  curl(resource: string, path: string, ...more: string[]): Promise<Ran>
  stop(): Promise<void>
}

const OPENAPI = `
openapi: 3.1.0
paths:
  /refunds:
    post: { operationId: refundCharge }
  /refunds/{id}:
    get: { operationId: getRefund, parameters: [{ name: id, in: path, schema: { type: integer } }] }
  /search:
    post: { operationId: search, x-sallyport-action: read }
`

export const POLICIES = `
@id("reads")
permit (principal, action in [Action::"connect", Action::"read"], resource);
@id("closed")
@reason("the archive is closed")
forbid (principal, action, resource == Object::"api/closed");
@id("writes")
permit (principal, action == Action::"write", resource);
@id("a-person-for-deletes")
@approvers("dba") @reason("deletes need a person")
forbid (principal is Agent, action == Action::"write", resource) when { context.verb == "DELETE" || context.verb == "PATCH" } unless { context.approved };
@id("small-refunds")
@reason("refunds are for 100 at most")
forbid (principal, action, resource == Object::"billing/refundCharge")
unless { context.numbers.hasTag("/amount") && context.numbers.getTag("/amount") <= 100 };
@id("no-mutations")
forbid (principal, action, resource == Object::"graph/Mutation.drop");
@id("no-introspection")
forbid (principal, action in [Action::"read", Action::"write"], resource) when { context.category == "introspection" };
@id("no-drops")
@reason("nothing is dropped")
forbid (principal, action, resource == Object::"calls/shop.Orders/Drop");
@id("sockets")
permit (principal, action == Action::"tunnel", resource in Resource::"api");
@id("people-elsewhere")
permit (principal, action == Action::"reveal", resource == DataClass::"person") when { context.resource != Resource::"people" };
@id("people-sockets")
permit (principal, action == Action::"tunnel", resource in Resource::"people");
@id("auditors")
permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit", Action::"console:operate"], resource);
`

export async function startApiStage(): Promise<ApiStage> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-api-'))
  const seen: Seen[] = []
  const repository = join(folder, 'repositories')
  const server = createServer((request, response) => {
    serve(request, response, seen, repository).catch(error => response.destroy(error))
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket => {
    socket.on('message', (data, binary) => {
      if (String(data) === 'card') socket.send(`{"card":"${CARD}"}`)
      else if (String(data) === 'leave') socket.close(4000, `gone: ${EMAIL}`)
      else if (String(data) === 'ping') socket.ping(EMAIL)
      else socket.send(data, { binary })
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  writeFileSync(join(folder, 'api.yaml'), OPENAPI)
  makeRepository(folder, repository)
  makeCertificates(folder)
  const [issuer, grpc] = await Promise.all([startIssuer(), startGrpc()])
  const url = `http://127.0.0.1:${port}`
  const tokens = await startTokenEndpoint(folder, issuer.url)
  const credential = { headers: { Authorization: 'env:UPSTREAM' } }
  const gateway = await startGateway({
    issuers: [issuerEntry(issuer.url)],
    resources: [
      { name: 'api', protocol: 'http', upstream: { url: `${url}/v1` }, credential },
      {
        name: 'billing',
        protocol: 'http',
        upstream: {
          url,
          openapi: `file:${join(folder, 'api.yaml')}`,
          body: { fields: ['/amount'] },
        },
        credential,
      },
      {
        name: 'partner',
        protocol: 'http',
        upstream: { url: `${url}/partner` },
        credential: {
          oauth: {
            tokenUrl: `${tokens.url}/token`,
            clientId: 'order-bot',
            clientSecret: 'env:PARTNER_SECRET',
            scope: 'gateway',
            resource: 'urn:audience:partner:600',
            ca: `file:${tokens.ca}`,
            addresses: ['loopback'],
          },
        },
      },
      { name: 'people', protocol: 'http', upstream: { url: `${url}/v1` }, credential },
      {
        name: 'calls',
        protocol: 'http',
        upstream: { url: `http://127.0.0.1:${grpc.port}`, version: '2', unreadable: 'pass' },
        credential,
      },
      { name: 'graph', protocol: 'http', upstream: { url, graphql: '/graphql' }, credential },
      {
        name: 'files',
        protocol: 'http',
        upstream: {
          url,
          unreadable: 'pass',
          body: { most: 4_096, longer: 'stream' },
          routes: [
            { route: 'POST /{repository}.git/git-upload-pack', action: 'read' },
            { route: 'GET /projects/{id}' },
          ],
          paths: { encodedSlash: 'allow' },
          unknown: 'path',
        },
        credential,
      },
    ],
    settings: {
      identity: {
        issuers: [issuerEntry(issuer.url)],
        certificates: [
          {
            issuer: issuer.url,
            ca: `file:${join(folder, 'clients.pem')}`,
            subject: 'cn',
            groups: ['agents'],
          },
        ],
      },
    },
    policies: { 'api.cedar': POLICIES },
    dataClasses: {
      card: { detect: 'card', mask: 'redact' },
      email: { detect: 'email', mask: 'redact' },
      person: { keys: ['full_name'], pointers: ['/items/*/nick'] },
    },
    env: { UPSTREAM: `Bearer ${UPSTREAM_SECRET}`, PARTNER_SECRET: 'order-bot' },
    listener: 'http',
  })
  let shared: Promise<string> | undefined
  const agent = () => {
    shared ??= issuer.token({ client: 'order-bot' })
    return shared
  }
  const stage: ApiStage = {
    gateway,
    issuer,
    seen,
    folder,
    token: async (client = 'order-bot') =>
      client === 'order-bot' ? agent() : issuer.token({ client }),
    async ask(
      resource,
      path,
      { method = 'GET', headers = {}, body, token, agent: by, onChunk } = {},
    ) {
      const authorization = `Bearer ${token ?? (await agent())}`
      return new Promise((resolve, reject) => {
        const asked = request(
          {
            host: '127.0.0.1',
            port: gateway.port,
            path,
            method,
            ca: readFileSync(gateway.ca),
            ...(by === undefined ? {} : { agent: by }),
            headers: { authorization, 'sallyport-resource': resource, ...headers },
          },
          response => {
            let text = ''
            response.setEncoding('utf8').on('data', chunk => {
              text += chunk
              onChunk?.(chunk)
            })
            response.once('error', reject)
            response.once('end', () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
            )
          },
        )
        asked.once('error', reject)
        asked.end(body)
      })
    },
    async curl(resource, path, ...more) {
      return run(
        'curl',
        [
          '-sS',
          '--max-time',
          '15',
          '--cacert',
          gateway.ca,
          '-H',
          `Sallyport-Resource: ${resource}`,
          '-H',
          `Authorization: Bearer ${await agent()}`,
          ...more,
          `https://127.0.0.1:${gateway.port}${path}`,
        ],
        {},
      )
    },
    async stop() {
      await gateway.remove()
      await issuer.stop()
      grpc.stop()
      tokens.stop()
      for (const client of sockets.clients) client.terminate()
      server.closeAllConnections()
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return stage
}

const served = new WeakSet<object>()

const encoders = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const

/** `/made?type=…&cut=…&encoding=…` answers with the body that the request brings, in two pieces. */
async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  seen: Seen[],
  repository: string,
): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://upstream')
  const again = served.has(incoming.socket)
  served.add(incoming.socket)
  const path = url.pathname.replace(/^\/v1/, '')
  if (path.startsWith('/partner')) return partner(incoming, response, seen)
  if (path.includes('.git/')) return gitBackend(incoming, response, url, repository)
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const { method = '', headers } = incoming
  seen.push({ method, url: incoming.url ?? '', headers, body: body.toString('utf8') })
  const whole = (type: string, body: Buffer) => {
    response.setHeader('content-type', type)
    // (Node says so of an answer to HEAD only when it is told.)
    response.setHeader('content-length', body.length)
    response.end(body)
  }
  const json = (value: unknown) => whole('application/json', Buffer.from(JSON.stringify(value)))
  if (path === '/made') {
    const { type = 'text/plain', cut = '0', encoding } = Object.fromEntries(url.searchParams)
    response.setHeader('content-type', type)
    response.setHeader('etag', '"whole"')
    const encoder = encoders[encoding as keyof typeof encoders]
    if (encoder !== undefined) response.setHeader('content-encoding', encoding ?? '')
    const sent = encoder === undefined ? body : encoder(body)
    response.write(sent.subarray(0, Number(cut)))
    await new Promise(resolve => setImmediate(resolve))
    response.end(sent.subarray(Number(cut)))
  } else if (path === '/events') {
    response.setHeader('content-type', 'text/event-stream')
    let count = 0
    const timer = setInterval(() => {
      count += 1
      response.write(`data: {"n":${count},"email":"${EMAIL}"}\n\n`)
      if (count === Number(url.searchParams.get('most') ?? 3)) response.end()
    }, 100)
    response.once('close', () => clearInterval(timer))
  } else if (path === '/hints') {
    response.writeEarlyHints({
      link: `</style?mail=${EMAIL}>; rel=preload`,
      'x-key': UPSTREAM_SECRET,
    })
    response.setHeader('content-type', 'image/png')
    response.setHeader('trailer', 'x-checked')
    response.write('PNG')
    response.addTrailers({ 'x-checked': `${EMAIL} ${UPSTREAM_SECRET}` })
    response.end()
  } else if (path === '/stale') {
    // A kept connection that is closed while the next request is on its way.
    if (again) return void incoming.socket.destroy()
    json([])
  } else if (path === '/away')
    response.writeHead(302, { location: 'https://elsewhere.example/x' }).end()
  else if (path === '/home')
    response
      .writeHead(302, {
        location: `http://${headers.host}/v1/echo?x=1`,
        'x-about': EMAIL,
        'set-cookie': 'a=b; Domain=upstream.example; Path=/',
        'alt-svc': 'h3=":443"',
      })
      .end()
  else if (path.startsWith('/customers')) json([{ id: 1, email: EMAIL, card: CARD }])
  else if (path === '/trailed') json(incoming.trailers)
  else if (path === '/picture') whole('image/png', Buffer.from(`PNG ${EMAIL}`))
  else json({ method, url: incoming.url, headers, body: body.toString('utf8') })
}

/** Takes each access token of the issuer five times. */
const taken = new Map<string, number>()

async function partner(incoming: IncomingMessage, response: ServerResponse, seen: Seen[]) {
  let body = ''
  for await (const chunk of incoming) body += chunk
  const { method = '', url = '', headers } = incoming
  seen.push({ method, url, headers, body })
  const [, token = ''] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
  const times = (taken.get(token) ?? 0) + 1
  taken.set(token, times)
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64').toString() || '{}')
  response.statusCode = claims.aud === 'partner' && times <= 5 ? 200 : 401
  response.setHeader('content-type', 'text/plain')
  response.end(`${times} ${token}`)
}

/** The issuer's token endpoint over TLS. */
async function startTokenEndpoint(folder: string, issuer: string) {
  const authority = await openServerAuthority({ folder, now: Date.now })
  const { certificate: cert, key } = await authority.issueServer(['127.0.0.1'])
  const server = createTlsServer({ cert, key }, async (incoming, response) => {
    let body = ''
    for await (const chunk of incoming) body += chunk
    const { authorization = '', 'content-type': type = '' } = incoming.headers
    const headers = { authorization, 'content-type': type }
    const answer = await fetch(`${issuer}${incoming.url}`, { method: 'POST', headers, body })
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(await answer.text())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `https://127.0.0.1:${port}`,
    ca: join(folder, 'ca.pem'),
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function makeRepository(folder: string, root: string): void {
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd,
      stdio: 'ignore',
    })
  const work = join(folder, 'work')
  mkdirSync(work)
  mkdirSync(root)
  git(work, 'init', '-q', '-b', 'main')
  writeFileSync(join(work, 'file'), `hello ${EMAIL}\n`)
  git(work, 'add', '.')
  git(work, 'commit', '-q', '-m', 'first')
  git(root, 'clone', '-q', '--bare', work, 'tools.git')
  git(join(root, 'tools.git'), 'config', 'http.receivepack', 'true')
}

/** `clients` is who signs; `order-bot` holds, `past` has ended, `stranger` is somebody else's. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  for (const name of ['clients', 'stranger'])
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
    )
  writeFileSync(join(folder, 'client.ext'), 'basicConstraints=CA:false')
  for (const [name, days] of [
    ['order-bot', '1'],
    ['past', '0'],
  ] as const) {
    openssl(
      'req',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      '/CN=order-bot',
    )
    const signed = ['-CA', 'clients.pem', '-CAkey', 'clients.key', '-set_serial', '7']
    const wish = ['-req', '-in', `${name}.csr`, '-extfile', 'client.ext', '-days', days]
    openssl('x509', ...wish, ...signed, '-out', `${name}.pem`)
  }
}

/** git's own server side, as CGI (RFC 3875). */
function gitBackend(
  incoming: IncomingMessage,
  response: ServerResponse,
  url: URL,
  root: string,
): void {
  const { headers, method = 'GET' } = incoming
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: method,
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      ...(headers['content-length'] === undefined
        ? {}
        : { CONTENT_LENGTH: headers['content-length'] }),
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    },
  })
  incoming.pipe(backend.stdin)
  let head: Buffer | undefined = Buffer.alloc(0)
  backend.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/: /)
      if (name === 'Status') response.statusCode = Number(value.slice(0, 3))
      else response.setHeader(name, value)
    }
    const rest = head.subarray(end + 4)
    head = undefined
    response.write(rest)
  })
  backend.stdout.once('end', () => response.end())
}
