import { connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type MysqlClient, MysqlError, openMysql } from '../../../test/servers/mysql-client.ts'
import { CREDENTIAL, type FakeGateway, fakeGateway, TOKEN } from '../postgres/test-doubles.ts'
import { greet } from './handshake.ts'
import type { ClientLogin } from './login.ts'
import { plainOk, readGreeting, writeLoginPacket } from './messages.ts'
import { capability } from './numbers.ts'
import { HEADER, packets, payloadLength } from './packets.ts'

let gateway: FakeGateway
let server: Server
let port = 0
let allowPlaintext = false
let localFiles = false
let tunnel: object | undefined
let logins: Promise<ClientLogin | undefined>[] = []

beforeAll(async () => {
  gateway = await fakeGateway({ loginMs: 800 })
  server = createServer(socket => {
    const login = greet(socket, {
      gateway,
      listener: { host: '127.0.0.1', port: 0, allowPlaintext, ...(tunnel as object) },
      version: '8.0.11-sallyport',
      connectionId: 77,
      localFiles,
    })
    logins.push(login)
    login.then(client => client?.socket.write(packets(plainOk(2), client.sequence)))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as { port: number }).port
})
beforeEach(() => {
  logins = []
  allowPlaintext = false
  localFiles = false
  tunnel = undefined
  gateway.failures.length = 0
})
afterAll(() => {
  server.close()
  gateway.close()
})

const base = { user: 'token', password: TOKEN, database: 'shop' }
const open = (options: object = {}): Promise<MysqlClient> =>
  openMysql({ port, ...base, ...options })

async function refused(options: object): Promise<MysqlError> {
  const error = await open(options).catch(caught => caught)
  expect(error).toBeInstanceOf(MysqlError)
  return error
}

describe('a client that comes over TLS', () => {
  it.each([
    'caching_sha2_password',
    'mysql_native_password',
    'mysql_clear_password',
    'sha256_password',
  ])('hands its token over as a password, whatever plugin it begins with (%s)', async plugin => {
    const client = await open({ plugin })
    expect(client.connectionId).toBe(77)
    expect(await logins[0]).toMatchObject({ resource: 'shop', database: undefined })
    client.packets.socket?.destroy()
  })

  it('is offered neither compression nor files of its own', async () => {
    const client = await open()
    expect(client.flags & (capability.localFiles | capability.compress)).toBe(0)
    const asked = await open({ flags: capability.localFiles })
    expect(asked.flags & capability.localFiles).toBe(0)
    expect(((await logins[1])?.capabilities ?? -1) & capability.localFiles).toBe(0)
  })

  it('is offered to load files of its own where a resource lets it, and agrees or does not', async () => {
    localFiles = true
    const client = await open({ flags: capability.localFiles })
    expect(client.flags & capability.localFiles).toBe(capability.localFiles)
    await open()
    const agreed = await Promise.all(logins)
    expect(agreed.map(each => (each?.capabilities ?? 0) & capability.localFiles)).toEqual([
      capability.localFiles,
      0,
    ])
  })

  it('names the resource as the database, with a database of it, or behind its name', async () => {
    await open({ database: 'shop/stock' })
    expect(await logins[0]).toMatchObject({ resource: 'shop', database: 'stock' })
    await open({ database: undefined, user: 'alice@example.com@shop' })
    expect(await logins[1]).toMatchObject({ resource: 'shop', database: undefined })
    await open({ database: undefined })
    expect(await logins[2]).toMatchObject({ resource: undefined })
  })

  it('is refused with a wrong token, without any, and with a credential’s wrong secret', async () => {
    expect((await refused({ password: 'wrong' })).code).toBe(1045)
    expect((await refused({ password: '' })).message).toContain('reason: token_required')
    expect((await refused({ user: CREDENTIAL })).message).toContain('reason: credential_invalid')
    expect(gateway.failures).toEqual(['token_invalid', 'token_required', 'credential_invalid'])
    for (const login of logins) expect(await login).toBeUndefined()
  })

  it('may bring its token by the plugin of OpenID Connect', async () => {
    const socket = await tlsOf(await dialled())
    const token = Buffer.from(TOKEN)
    const proof = Buffer.concat([Buffer.of(1, token.length), token])
    socket.write(
      packets(
        writeLoginPacket({
          capabilities: FLAGS | capability.ssl,
          user: 'alice',
          proof,
          database: 'shop',
          plugin: 'authentication_openid_connect_client',
          attributes: new Map(),
        }),
        2,
      ),
    )
    expect((await payload(socket))[0]).toBe(0)
    socket.destroy()
  })
})

const FLAGS =
  capability.protocol41 |
  capability.secureConnection |
  capability.pluginAuth |
  capability.lenencAuthData |
  capability.connectWithDb

describe('a client without TLS', () => {
  it('is told to use it, and asked for nothing', async () => {
    const error = await refused({ tls: false })
    expect(error.code).toBe(3159)
    expect(gateway.failures).toEqual(['plaintext_refused'])
  })

  it('gives its password in the clear where the listener allows it', async () => {
    allowPlaintext = true
    await open({ tls: false })
    expect(await logins[0]).toMatchObject({ resource: 'shop' })
  })

  it('proves nothing in a tunnel, which opens one resource', async () => {
    tunnel = { tunnel: { principal: { id: 'alice' }, resource: 'shop', origin: {} } }
    await open({ tls: false, password: '', database: undefined })
    expect(await logins[0]).toMatchObject({ resource: 'shop', principal: { id: 'alice' } })
    expect((await refused({ tls: false, database: 'other' })).code).toBe(1049)
  })
})

describe('a client that breaks the login', () => {
  it.each([
    ['a packet out of order', packets(login('shop'), 5)],
    ['a packet that is too large', Buffer.of(0xff, 0xff, 0x7f, 1)],
    ['a login of before 4.1', packets(Buffer.from('\x05\x00\x00\x00\x00root\0', 'latin1'), 1)],
    ['half a login', packets(login('shop').subarray(0, 40), 1)],
    ['an empty packet', packets(Buffer.alloc(0), 1)],
  ])('by %s ends its connection, and no other', async (_, bytes) => {
    const { socket } = await dialled()
    socket.write(bytes)
    const answer = await payload(socket).catch(() => Buffer.of(0xff))
    expect(answer[0]).toBe(0xff)
    expect(await logins[0]).toBeUndefined()
    socket.destroy()
    await open()
  })

  it('by saying nothing ends it too', async () => {
    const { socket } = await dialled()
    expect((await payload(socket)).toString('latin1')).toContain('the login took too long')
  })
})

function login(database: string): Uint8Array {
  return writeLoginPacket({
    capabilities: FLAGS,
    user: 'token',
    proof: Buffer.from('x'),
    database,
    plugin: 'mysql_clear_password',
    attributes: new Map(),
  })
}

async function dialled(): Promise<{ socket: Socket }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  expect(readGreeting(await payload(socket))).toMatchObject({
    connectionId: 77,
    plugin: 'caching_sha2_password',
  })
  return { socket }
}

async function tlsOf({ socket }: { socket: Socket }): Promise<Socket> {
  const head = Buffer.alloc(32)
  head.writeUInt32LE((FLAGS | capability.ssl) >>> 0, 0)
  socket.write(packets(head, 1))
  const secured = connectTls({ socket, rejectUnauthorized: false })
  await new Promise(resolve => secured.once('secureConnect', resolve))
  return secured
}

/** The next payload, when it comes by itself. */
function payload(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk])
      if (held.length < HEADER || held.length < HEADER + payloadLength(held, 0)) return
      socket.off('data', onData)
      resolve(held.subarray(HEADER))
    }
    socket.on('data', onData)
    socket.once('close', () => reject(new Error('closed')))
  })
}
