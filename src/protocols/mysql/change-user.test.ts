// A login in the place of a command, by sockets: it has to be proven as the first one has.
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  changeUserBody,
  type MysqlClient,
  MysqlError,
  openMysql,
  scramble,
} from '../../../test/servers/mysql-client.ts'
import { framed } from '../../../test/servers/mysql-packets.ts'
import { CREDENTIAL, type FakeGateway, fakeGateway, TOKEN } from '../postgres/test-doubles.ts'
import { greetAgain } from './change-user.ts'
import { serveErrands } from './errands.ts'
import { greet } from './handshake.ts'
import type { ClientLogin } from './login.ts'

let gateway: FakeGateway
let server: Server
let port = 0
let more: object = {}
let logins: (ClientLogin | undefined)[] = []

// Between two logins there is what a connection is that names no resource: it answers PING and no more.
beforeAll(async () => {
  gateway = await fakeGateway({ loginMs: 700 })
  server = createServer(async socket => {
    const listener = { host: '127.0.0.1', port: 0, allowPlaintext: false, ...more }
    const named = { version: '8.0.11-sallyport', connectionId: 77 }
    const greeter = { gateway, listener, localFiles: false, ...named }
    let client = await greet(socket, greeter)
    while (client !== undefined) {
      const change = await serveErrands(client, () => false, { loginMs: 5_000 })
      client = change && (await greetAgain(client, change, greeter))
      if (change !== undefined) logins.push(client)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as { port: number }).port
})
beforeEach(() => {
  logins = []
  more = {}
  gateway.failures.length = 0
})
afterAll(() => {
  server.close()
  gateway.close()
})

const open = (options: object = {}): Promise<MysqlClient> =>
  openMysql({ port, user: 'token', password: TOKEN, ...options })
const good = { user: 'bob', password: TOKEN, database: 'shop/stock' }

async function refused(options: object, first: object = {}): Promise<MysqlError> {
  const client = await open(first)
  const error = await client.changeUser({ ...good, ...options }).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(MysqlError)
  // Nobody is on that connection any more.
  await client.packets.read().catch(() => undefined)
  expect(client.packets.ended).toBe(true)
  expect(logins).toEqual([undefined])
  return error as MysqlError
}

describe('a change of user', () => {
  it.each([
    'caching_sha2_password',
    'mysql_native_password',
    'mysql_clear_password',
    'sha256_password',
    '',
  ])('is proven by the token itself, whatever plugin it begins with (%s)', async plugin => {
    const client = await open()
    await client.changeUser({ ...good, plugin })
    expect(logins[0]).toMatchObject({ resource: 'shop', database: 'stock', secured: true })
    expect(logins[0]?.origin.port).toBeGreaterThan(0)
    expect((await client.ask(Buffer.of(14)))[0]?.error).toBeUndefined()
    client.destroy()
  })

  it('is proven again each time, on one connection', async () => {
    const client = await open()
    for (let turn = 0; turn < 30; turn++) await client.changeUser(good)
    expect(logins).toHaveLength(30)
    client.destroy()
  })

  it('is refused with a wrong token, without any, and with a credential’s wrong secret', async () => {
    expect((await refused({ password: 'wrong' })).code).toBe(1045)
    expect(gateway.failures).toEqual(['token_invalid'])
    logins = []
    expect((await refused({ password: '' })).message).toContain('reason: token_required')
    logins = []
    expect((await refused({ plugin: 'mysql_clear_password', password: '' })).code).toBe(1045)
    logins = []
    const bad = await refused({ user: CREDENTIAL, password: 'not its secret' })
    expect(bad.message).toContain('reason: credential_invalid')
    logins = []
    const nowhere = await refused({ user: CREDENTIAL, database: undefined })
    expect(nowhere.message).toContain('names no resource')
    expect(gateway.failures).toEqual([
      'token_invalid',
      'token_required',
      'token_required',
      'credential_invalid',
    ])
  })

  it('takes no scramble, neither one that was heard before nor one of a new nonce', async () => {
    const client = await open()
    client.packets.command(changeUserBody({ ...good, plugin: 'caching_sha2_password' }))
    const nonces: string[] = []
    for (let turn = 0; turn < 2; turn++) {
      const asked = (await client.packets.read()).body
      expect(asked.toString('latin1', 0, 23)).toBe('\xfecaching_sha2_password\0')
      const nonce = asked.subarray(23, 43)
      nonces.push(nonce.toString('hex'))
      client.packets.write(scramble('caching_sha2_password', TOKEN, nonce))
      // The password itself is asked for, however right the scramble is.
      expect((await client.packets.read()).body).toEqual(Buffer.of(1, 4))
      client.packets.write(Buffer.from(`${TOKEN}\0`))
      expect((await client.packets.read()).body[0]).toBe(0)
      if (turn === 0)
        client.packets.command(changeUserBody({ ...good, plugin: 'caching_sha2_password' }))
    }
    expect(new Set(nonces).size).toBe(2)
    client.destroy()
  })

  it('is not waited for longer than a first login is', async () => {
    const client = await open()
    client.packets.command(changeUserBody(good))
    await client.packets.read()
    const { body } = await client.packets.read()
    expect(body.toString('latin1')).toContain('the login took too long')
    await client.packets.read().catch(() => undefined)
    expect(client.packets.ended).toBe(true)
  })

  it('is over when its client leaves in the middle', async () => {
    const client = await open()
    client.packets.command(changeUserBody(good))
    await client.packets.read()
    client.destroy()
    await expect.poll(() => logins).toEqual([undefined])
  })

  it('does not let a command pass that stands where the proof is due', async () => {
    for (const sequence of [0, 1, 2]) {
      logins = []
      const client = await open()
      const ping = framed(Buffer.of(14), sequence)
      client.packets.socket.write(
        Buffer.concat([framed(changeUserBody(good), 0), ping, ping, ping]),
      )
      const heads: number[] = []
      for (;;) {
        const next = await client.packets.read().catch(() => undefined)
        if (next === undefined) break
        heads.push(next.body[0] as number)
      }
      // It is asked to prove itself, and refused: an OK would be the command's.
      expect(heads[0]).toBe(0xfe)
      expect(heads).not.toContain(0)
      expect(logins).toEqual([undefined])
    }
  })

  it('serves what came behind a proof as the one who proved it', async () => {
    const client = await open()
    const proven = { ...good, plugin: 'mysql_clear_password' }
    client.packets.socket.write(
      Buffer.concat([framed(changeUserBody(proven), 0), framed(Buffer.of(14), 0)]),
    )
    expect((await client.packets.read()).body[0]).toBe(0)
    expect((await client.packets.read()).body[0]).toBe(0)
    expect(logins).toHaveLength(1)
    client.destroy()
  })

  it('needs TLS as the first login did, or a listener that does without', async () => {
    more = { allowPlaintext: true }
    const client = await open({ tls: false })
    await client.changeUser(good)
    expect(logins[0]).toMatchObject({ resource: 'shop', secured: false })
    client.destroy()
  })

  it('opens what the tunnel opens, and nothing else, without a proof', async () => {
    more = { tunnel: { principal: { id: 'alice' }, resource: 'shop', origin: {} } }
    const client = await open({ tls: false, password: '' })
    await client.changeUser({ user: 'bob', password: '' })
    expect(logins[0]).toMatchObject({ resource: 'shop', principal: { id: 'alice' } })
    const other = client.changeUser({ user: 'bob', password: '', database: 'other' })
    expect(await other.catch((error: MysqlError) => error.code)).toBe(1049)
  })
})

it('nothing of a client that changed its user stays on its socket', async () => {
  const client = await open()
  await client.changeUser(good)
  const socket = logins[0]?.socket
  const names = ['data', 'end', 'close', 'error', 'drain'] as const
  const count = () => names.map(name => socket?.listenerCount(name))
  const before = count()
  for (let turn = 0; turn < 10; turn++) await client.changeUser(good)
  expect(count()).toEqual(before)
  client.destroy()
})
