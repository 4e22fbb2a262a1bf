// Requests that a service reads otherwise than they look. The service here reads as carelessly as real ones do, all at once: Express
// and IIS know no letters' case, servlets cut `;…` and read the address before the form, Rails and Laravel act upon `_method` and
// cut formats, Rack reads `[amount]`, GraphQL is served below its path and over WebSockets, and who takes no upgrade passes over it.
// What policies forbid never runs, whatever it is called.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSchema, graphql } from 'graphql'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { type Issuer, startIssuer } from '../../demo/index.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'

const OPENAPI = `
openapi: 3.1.0
paths:
  /users/{name}:
    get: { operationId: getUser }
    post: { operationId: changeUser }
    delete: { operationId: dropUser }
  /users/keys:
    get: { operationId: listKeys }
  /refunds:
    post: { operationId: refund }
  /leave:
    get: { operationId: leave, x-sallyport-action: write }
`
const POLICIES = `
@id("all") permit (principal, action in [Action::"connect", Action::"read", Action::"write", Action::"tunnel"], resource);
@id("no-keys") forbid (principal, action, resource == Object::"shop/listKeys");
@id("no-drops") forbid (principal, action, resource == Object::"shop/dropUser");
@id("no-leave") forbid (principal, action == Action::"write", resource == Object::"shop/leave");
@id("no-deletes") forbid (principal, action == Action::"write", resource in Resource::"plain") when { context.verb == "DELETE" };
@id("no-secrets") forbid (principal, action == Action::"read", resource == Object::"plain/secrets");
@id("small") forbid (principal, action, resource == Object::"shop/refund")
unless { context.fields.hasTag("/amount") && context.fields.getTag("/amount").containsAll(["5"]) && ["5"].containsAll(context.fields.getTag("/amount")) };
@id("no-mutations") forbid (principal, action, resource == Object::"graph/Mutation.drop");
`

const schema = buildSchema(`type Query { me: String } type Mutation { drop: String }`)
const signedIn = new WeakMap<object, string>()
/** What the service did. */
let ran: string[] = []
let issuer: Issuer
let gateway: RunningGateway
let folder: string
let token: string
const server = createServer((incoming, response) => {
  void serve(incoming).then(
    done => response.setHeader('content-type', 'application/json').end(JSON.stringify(done)),
    () => response.destroy(),
  )
})
/** Takes upgrades; the other one passes over them. */
const live = createServer()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-readings-'))
  writeFileSync(join(folder, 'api.yaml'), OPENAPI)
  const sockets = new WebSocketServer({ server: live })
  sockets.on('connection', socket =>
    socket.on('message', data => void run(String(data)).then(text => socket.send(text))),
  )
  const [port, livePort] = await Promise.all([server, live].map(listening))
  issuer = await startIssuer()
  const url = `http://127.0.0.1:${port}`
  gateway = await startGateway({
    issuers: [issuerEntry(issuer.url)],
    resources: [
      {
        name: 'shop',
        protocol: 'http',
        upstream: {
          url,
          openapi: `file:${join(folder, 'api.yaml')}`,
          body: { fields: ['/amount'] },
        },
      },
      { name: 'plain', protocol: 'http', upstream: { url } },
      { name: 'graph', protocol: 'http', upstream: { url, graphql: '/graphql' } },
      {
        name: 'live',
        protocol: 'http',
        upstream: { url: `http://127.0.0.1:${livePort}`, graphql: '/graphql' },
      },
    ],
    policies: { 'readings.cedar': POLICIES },
    listener: 'http',
  })
  token = await issuer.token({ client: 'order-bot' })
}, 120_000)
beforeEach(() => {
  ran = []
})
afterAll(async () => {
  await gateway?.remove()
  await issuer?.stop()
  for (const each of [server, live]) {
    each.closeAllConnections()
    each.close()
  }
  rmSync(folder, { recursive: true, force: true })
})

function listening(each: typeof server): Promise<number> {
  return new Promise(resolve => {
    each.listen(0, '127.0.0.1', () => {
      const address = each.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

async function run(source: string): Promise<string> {
  const rootValue = {
    me: () => 'me',
    drop: () => {
      ran.push('drop')
      return 'gone'
    },
  }
  return JSON.stringify(await graphql({ schema, source, rootValue }))
}

/** One that reads everything as the most careless of them does. */
async function serve(incoming: IncomingMessage): Promise<unknown> {
  let body = ''
  for await (const chunk of incoming) body += chunk
  const [path = '', query = ''] = (incoming.url ?? '').split('?')
  const fields = new Map<string, string>()
  const form = /form/.test(incoming.headers['content-type'] ?? '') ? body : ''
  // Of one name the last, as Rack; of the address the first, as servlets.
  for (const pair of [...form.split(/[&;]/), ...query.split(/[&;]/)]) {
    const [name = '', value = ''] = pair.split('=').map(each => decodeURIComponent(each))
    fields.set(
      name
        .trim()
        .toLowerCase()
        .replace(/^[[\]]*([^[\]]*).*$/, '$1'),
      value,
    )
  }
  // As IIS does: who signed in once is signed in for the connection.
  const [, user] = /^NTLM (.+)/i.exec(incoming.headers.authorization ?? '') ?? []
  if (user !== undefined) signedIn.set(incoming.socket, user)
  const method = (incoming.method === 'POST' ? fields.get('_method') : undefined) ?? incoming.method
  const place = decodeURIComponent(path)
    .toLowerCase()
    .split('/')
    .map(each => each.replace(/;.*$/, '').replace(/[\s.]+$/, ''))
    .join('/')
    .replace(/\.json$/, '')
  if (place.startsWith('/graphql')) {
    const source = body.startsWith('{') ? JSON.parse(body).query : fields.get('query')
    return JSON.parse(await run(String(source)))
  }
  ran.push(`${method?.toUpperCase()} ${place}`)
  if (place === '/refunds') ran.push(`amount ${fields.get('amount')}`)
  return { place, user: signedIn.get(incoming.socket) }
}

const UPGRADE = {
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
}

/** 101 where the connection was upgraded. */
function ask(
  resource: string,
  path: string,
  { method = 'GET', headers = {}, body = '' } = {} as {
    method?: string
    headers?: Record<string, string>
    body?: string
  },
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: gateway.port,
      path,
      method,
      ca: readFileSync(gateway.ca),
      headers: { authorization: `Bearer ${token}`, 'sallyport-resource': resource, ...headers },
    })
    asked.once('error', reject)
    asked.once('upgrade', (_, socket) => {
      socket.destroy()
      resolve({ status: 101, text: '' })
    })
    asked.once('response', response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.end(body)
  })
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'content-type': 'application/json' }
const post = (body: string, headers: Record<string, string> = FORM) =>
  ({ method: 'POST', body, headers }) as const

describe('what policies forbid never runs', () => {
  it('though its operation is spelled otherwise', async () => {
    expect((await ask('shop', '/users/alice')).status).toBe(200)
    expect((await ask('shop', '/users/keys')).status).toBe(403)
    for (const path of [
      '/users/Keys',
      '/users/keys;x=1',
      '/users/keys%3Bx',
      '/users/keys.',
      '/users/keys%20',
      '/users/keys.json',
      '/users;x/keys',
      '/USERS/keys',
      '/users/%4Beys',
    ])
      expect((await ask('shop', path)).status, path).toBe(403)
    expect(ran).toEqual(['GET /users/alice'])
  })

  it('though another method stands before it', async () => {
    expect((await ask('shop', '/users/alice', { method: 'POST' })).status).toBe(200)
    expect((await ask('shop', '/users/alice', { method: 'DELETE' })).status).toBe(403)
    expect((await ask('shop', '/users/alice?_method=delete', { method: 'POST' })).status).toBe(403)
    expect((await ask('plain', '/x', post('a=1'))).status).toBe(200)
    for (const body of [
      '_method=delete',
      'a=1&%5Fmethod=DELETE',
      'a=1;_method=delete',
      '[_method]=delete',
    ])
      expect((await ask('plain', '/x', post(body))).status, body).toBe(403)
    expect(ran).toEqual(['POST /users/alice', 'POST /x'])
  })

  it('though the connection is to be upgraded', async () => {
    expect((await ask('plain', '/x', { method: 'DELETE' })).status).toBe(403)
    expect((await ask('plain', '/x', { method: 'DELETE', headers: UPGRADE })).status).toBe(403)
    expect((await ask('plain', '/x', { method: 'POST', headers: UPGRADE })).status).toBe(403)
    expect((await ask('shop', '/leave', { headers: UPGRADE })).status).toBe(403)
    expect(ran).toEqual([])
    // A tunnel was permitted, and not what it shows without one.
    expect((await ask('plain', '/secrets')).status).toBe(403)
    const shown = await ask('plain', '/secrets', { headers: UPGRADE })
    expect(shown.status).toBe(502)
    expect(shown.text).not.toContain('place')
  })

  it('though the form says it in other words', async () => {
    expect((await ask('shop', '/refunds', post('amount=5'))).status).toBe(200)
    for (const [path, body] of [
      ['/refunds', 'amount=1000'],
      ['/refunds', 'amount=5&[amount]=1000'],
      ['/refunds', 'amount=5&note=x;amount=1000'],
      ['/refunds', 'amount=5&Amount=1000'],
      ['/refunds?amount=1000', 'amount=5'],
      ['/refunds?x=1;amount=1000', 'amount=5'],
    ] as const)
      expect((await ask('shop', path, post(body))).status, `${path} ${body}`).toBeGreaterThan(399)
    expect(ran).toEqual(['POST /refunds', 'amount 5'])
  })

  it('though somebody else has signed in on the connection to the service', async () => {
    const proof = { 'sallyport-authorization': `Bearer ${token}` }
    for (const scheme of ['NTLM', 'ntlm', 'Negotiate']) {
      const headers = { ...proof, authorization: `${scheme} TlRMTVNTUAAB` }
      expect((await ask('plain', '/x', { headers })).status, scheme).toBeGreaterThan(399)
    }
    const headers = { ...proof, authorization: 'Bearer own' }
    expect((await ask('plain', '/x', { headers })).text).toBe('{"place":"/x"}')
    expect((await ask('plain', '/x')).text).toBe('{"place":"/x"}')
  })

  it('though GraphQL is asked beside its path, or over a WebSocket', async () => {
    const drop = JSON.stringify({ query: 'mutation { drop }' })
    const me = JSON.stringify({ query: '{ me }' })
    expect((await ask('graph', '/graphql', post(me, JSON_TYPE))).status).toBe(200)
    expect((await ask('graph', '/graphql', post(drop, JSON_TYPE))).status).toBe(403)
    for (const path of ['/GraphQL', '/graphql/x', '/graphql;x', '/graphql.', '/graphql%20'])
      expect((await ask('graph', path, post(drop, JSON_TYPE))).status, path).toBe(403)
    for (const path of ['/graphql', '/graphql?query=%7Bme%7D', '/graphql/', '/graphql/live'])
      expect((await ask('live', path, { headers: UPGRADE })).status, path).toBeGreaterThan(399)
    expect((await ask('live', '/events', { headers: UPGRADE })).status).toBe(101)
    expect(ran).toEqual([])
  })
})
