import { execFile } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter } from '#engines/wire'
import { type ClientLogin, greet } from './handshake.ts'
import {
  B,
  cancelRequest,
  commandComplete,
  F,
  passwordMessage,
  readyForQuery,
  requestCodes,
  saslInitialResponse,
  sslRequest,
} from './messages.ts'
import {
  CREDENTIAL,
  CREDENTIAL_SECRET,
  type FakeGateway,
  fakeGateway,
  TOKEN,
} from './test-doubles.ts'
import { fieldsOf } from './upstream-refusal.ts'
import { welcome } from './welcome.ts'

const run = promisify(execFile)
const psql = '/usr/bin/psql'
let gateway: FakeGateway
let server: Server
let port = 0
let folder: string
let allowPlaintext = false
let logins: ClientLogin[] = []
let cancels: { pid: number; key: Uint8Array }[] = []
let bugs: unknown[] = []
const open = new Set<Socket>()

/** Greets each client; one that proves itself gets an empty answer to each query. */
async function serve(socket: Socket): Promise<void> {
  open.add(socket)
  socket.once('close', () => open.delete(socket))
  const login = await greet(socket, {
    gateway,
    listener: { host: '127.0.0.1', port, allowPlaintext },
    cancel: (pid, key) => void cancels.push({ pid, key }),
  })
  if (login === undefined) return
  logins.push(login)
  const key = { pid: 1, key: Buffer.alloc(login.protocolMinor === 0 ? 4 : 32), forget() {} }
  const statuses = new Map([
    ['client_encoding', 'UTF8'],
    ['server_version', '18.0'],
    ['standard_conforming_strings', 'on'],
  ])
  login.socket.on('data', (chunk: Buffer) => {
    if (chunk[0] === F.terminate) login.socket.end()
    else login.socket.write(Buffer.concat([commandComplete('SELECT 0'), readyForQuery('I')]))
  })
  login.socket.write(welcome(login, statuses, key))
  login.socket.resume()
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-psql-'))
  gateway = await fakeGateway({ loginMs: 1_500 })
  writeFileSync(join(folder, 'ca.pem'), gateway.ca)
  server = createServer(socket => void serve(socket).catch(error => bugs.push(error)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})
afterAll(() => {
  for (const socket of open) socket.destroy()
  server.close()
  gateway.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  logins = []
  cancels = []
  bugs = []
  gateway.failures.length = 0
  allowPlaintext = false
})

function startup(minor: number, ...words: string[]): Uint8Array {
  const writer = new ByteWriter().int32(0).int32((3 << 16) | minor)
  for (const word of words) writer.cstring(word)
  writer.uint8(0).setInt32(0, writer.length)
  return writer.finish()
}

/** All that comes until the server closes. */
function untilClosed(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = []
  return new Promise(resolve => {
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', () => {}) // `close` follows
    socket.once('close', () => resolve(Buffer.concat(parts)))
  })
}

async function refusal(bytes: Promise<Buffer>): Promise<Record<string, string>> {
  const all = await bytes
  const at = all.indexOf(B.errorResponse)
  if (at === -1) return {}
  return Object.fromEntries(fieldsOf(new ByteReader(all, at + 5)))
}

const dialPlain = () => connectTcp(port, '127.0.0.1')
const tlsOptions = () => ({ ca: gateway.ca, servername: 'localhost' })

async function dialTls(): Promise<TLSSocket> {
  const plain = dialPlain()
  plain.write(sslRequest())
  const answer = await new Promise<Buffer>(resolve => plain.once('data', resolve))
  expect(answer.toString()).toBe('S')
  plain.pause()
  const tls = connectTls({ socket: plain, ...tlsOptions() })
  await new Promise<void>((resolve, reject) =>
    tls.once('secureConnect', resolve).once('error', reject),
  )
  return tls
}

describe('real clients', () => {
  const pg = (user: string, password: string, more: object = {}) =>
    new Client({
      host: 'localhost',
      port,
      user,
      password,
      database: 'shop',
      ssl: tlsOptions(),
      ...more,
    })

  it('let node-postgres in with a token, and with a credential', async () => {
    for (const [user, password] of [
      ['anything', TOKEN],
      [CREDENTIAL, CREDENTIAL_SECRET],
    ] as const) {
      const client = pg(user, password)
      await client.connect()
      await client.query('select')
      await client.end()
    }
    expect(logins.map(login => [login.resource, login.principal.id, login.protocolMinor])).toEqual([
      ['shop', 'test:alice', 0],
      ['shop', 'test:alice', 0],
    ])
  })

  it('let node-postgres in by SCRAM-SHA-256-PLUS', async () => {
    const client = pg(CREDENTIAL, CREDENTIAL_SECRET, { enableChannelBinding: true })
    await client.connect()
    await client.end()
    expect(logins.length).toBe(1)
  })

  it('refuse node-postgres with a wrong token, a wrong secret and an unknown credential alike', async () => {
    for (const [user, password] of [
      ['x', 'wrong'],
      [CREDENTIAL, 'wrong'],
      ['sp-unknown', CREDENTIAL_SECRET],
    ] as const) {
      await expect(pg(user, password).connect()).rejects.toMatchObject({ code: '28P01' })
    }
    expect(gateway.failures).toEqual(['token_invalid', 'credential_invalid', 'credential_invalid'])
  })

  it.skipIf(!existsSync(psql))(
    'let psql in, with every sslmode that verifies and with channel binding',
    async () => {
      const line = (more: string) =>
        `host=localhost hostaddr=127.0.0.1 port=${port} dbname=shop sslrootcert=${join(folder, 'ca.pem')} ${more}`
      const ask = (more: string, password: string) =>
        run(psql, ['-X', '-c', 'select', line(more)], {
          env: { PGPASSWORD: password, HOME: folder },
        })
      for (const mode of ['require', 'verify-ca', 'verify-full']) {
        await ask(`user=token sslmode=${mode}`, TOKEN)
      }
      await ask(`user=${CREDENTIAL} sslmode=verify-full channel_binding=require`, CREDENTIAL_SECRET)
      await ask('user=token sslmode=require gssencmode=prefer client_encoding=LATIN1', TOKEN)
      expect(logins.length).toBe(5)
      await expect(ask('user=token sslmode=disable', TOKEN)).rejects.toThrow(
        /speaks TLS only[\s\S]*sslmode=require/,
      )
      await expect(ask('user=token sslmode=require', 'wrong')).rejects.toThrow(
        /reason: token_invalid/,
      )
    },
  )
})

describe('the way to TLS', () => {
  it('takes TLS from the first byte, with ALPN "postgresql" only', async () => {
    const tls = connectTls({
      host: '127.0.0.1',
      port,
      ...tlsOptions(),
      ALPNProtocols: ['postgresql'],
    })
    tls.write(startup(0, 'user', 'x', 'database', 'shop'))
    tls.once('data', () => tls.write(passwordMessage(TOKEN)))
    await expect.poll(() => logins.length).toBe(1)
    tls.destroy()
    const without = connectTls({ host: '127.0.0.1', port, ...tlsOptions() })
    expect(await refusal(untilClosed(without))).toMatchObject({ C: '08P01' })
    const other = connectTls({ host: '127.0.0.1', port, ...tlsOptions(), ALPNProtocols: ['h2'] })
    expect((await untilClosed(other)).length).toBe(0)
  })

  it('answers N to GSSAPI, and goes on', async () => {
    const socket = dialPlain()
    const all = untilClosed(socket)
    socket.write(new ByteWriter().int32(8).int32(requestCodes.gss).finish())
    await new Promise(resolve => socket.once('data', resolve))
    socket.write(startup(0, 'user', 'x'))
    expect((await all).subarray(0, 1).toString()).toBe('N')
    expect(gateway.failures).toEqual(['plaintext_refused'])
  })

  it.each([
    [
      'a startup packet behind the TLS request',
      () => Buffer.concat([sslRequest(), startup(0, 'user', 'x')]),
    ],
    [
      'a second GSSAPI request',
      () => {
        const gss = new ByteWriter().int32(8).int32(requestCodes.gss).finish()
        return Buffer.concat([gss, gss])
      },
    ],
    ['a length below the header', () => Buffer.from([0, 0, 0, 4])],
    ['a negative length', () => Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['a length over the cap', () => Buffer.from([0, 1, 0, 0, 0, 3, 0, 0])],
    ['a message of a session', () => Buffer.from('Q\0\0\0\x0dselect 1\0', 'latin1')],
  ])('refuses %s', async (_, bytes) => {
    const socket = dialPlain()
    const all = untilClosed(socket)
    socket.write(bytes())
    expect(await refusal(all)).toMatchObject({ S: 'FATAL' })
    expect(logins).toEqual([])
    expect(bugs).toEqual([])
  })

  it('refuses a TLS request inside TLS', async () => {
    const tls = await dialTls()
    const all = untilClosed(tls)
    tls.write(sslRequest())
    expect(await refusal(all)).toMatchObject({ C: '08P01' })
  })

  it('ends a login that does not come to an end', async () => {
    const silent = dialPlain()
    const slow = await dialTls()
    slow.write(startup(0, 'user', 'x', 'database', 'shop'))
    const [first, second] = await Promise.all([untilClosed(silent), refusal(untilClosed(slow))])
    expect(first.toString()).toContain('took too long')
    expect(second).toMatchObject({ C: '08P01' })
  })
})

describe('the proof', () => {
  it('is not asked for in the clear, unless the listener says so', async () => {
    const refused = dialPlain()
    refused.write(startup(0, 'user', 'x', 'database', 'shop'))
    expect(await refusal(untilClosed(refused))).toMatchObject({
      C: '28000',
      R: 'plaintext_refused',
    })
    allowPlaintext = true
    const client = new Client({
      host: '127.0.0.1',
      port,
      user: 'x',
      password: TOKEN,
      database: 'shop',
    })
    await client.connect()
    await client.end()
    expect(logins.length).toBe(1)
  })

  it('cannot be replaced by a second startup packet (CVE-2026-107350)', async () => {
    for (const user of ['x', CREDENTIAL]) {
      const tls = await dialTls()
      const all = untilClosed(tls)
      tls.write(startup(0, 'user', user, 'database', 'shop'))
      await new Promise(resolve => tls.once('data', resolve))
      tls.write(startup(0, 'user', 'admin', 'database', 'other'))
      expect(await refusal(all)).toMatchObject({ S: 'FATAL' })
    }
    expect(logins).toEqual([])
  })

  it.each([
    ['an empty password', passwordMessage(''), 'token_required'],
    ['a password with a tail', Buffer.from('p\0\0\0\x0aab\0cd\0', 'latin1'), 'protocol_violation'],
    ['a password without its end', Buffer.from('p\0\0\0\x06ab', 'latin1'), 'protocol_violation'],
    ['a password over the cap', Buffer.from([0x70, 0, 1, 0, 0]), 'message_too_large'],
    ['another message', Buffer.from('Q\0\0\0\x06a\0', 'latin1'), 'protocol_violation'],
  ])('refuses %s', async (_, bytes, code) => {
    const tls = await dialTls()
    tls.write(startup(0, 'user', 'x', 'database', 'shop'))
    await new Promise(resolve => tls.once('data', resolve))
    tls.write(bytes)
    expect(await refusal(untilClosed(tls))).toMatchObject({ S: 'FATAL', R: code })
  })

  it('refuses SCRAM messages with lengths that do not hold', async () => {
    for (const length of [-1, 0x7fffffff, 3]) {
      const tls = await dialTls()
      const all = untilClosed(tls)
      tls.write(startup(0, 'user', CREDENTIAL, 'database', 'shop'))
      await new Promise(resolve => tls.once('data', resolve))
      const message = Buffer.from(saslInitialResponse('SCRAM-SHA-256', 'n,,n=,r=abc'))
      message.writeInt32BE(length, 5 + 'SCRAM-SHA-256'.length + 1)
      tls.write(message)
      expect(await refusal(all)).toMatchObject({ C: '08P01' })
    }
  })

  it('works when every byte comes alone', async () => {
    const tls = await dialTls()
    for (const byte of startup(0, 'user', 'x', 'database', 'shop')) {
      tls.write(Buffer.from([byte]))
      await new Promise(resolve => setImmediate(resolve))
    }
    await new Promise(resolve => tls.once('data', resolve))
    for (const byte of passwordMessage(TOKEN)) tls.write(Buffer.from([byte]))
    await expect.poll(() => logins.length).toBe(1)
    tls.destroy()
  })
})

describe('protocol versions', () => {
  const versionAnswer = async (minor: number, ...options: string[]) => {
    const tls = await dialTls()
    const first = new Promise<Buffer>(resolve => tls.once('data', resolve))
    tls.write(startup(minor, 'user', 'x', 'database', 'shop', ...options))
    const bytes = await first
    tls.write(passwordMessage(TOKEN))
    await expect.poll(() => logins.length).toBe(1)
    tls.destroy()
    return { bytes, minor: logins[0]?.protocolMinor }
  }

  it('speaks 3.0 and 3.2 as asked', async () => {
    const { bytes, minor } = await versionAnswer(2)
    expect([bytes[0], minor]).toEqual([B.authentication, 2])
  })

  it('negotiates newer minors and unknown options down', async () => {
    const { bytes, minor } = await versionAnswer(9999, '_pq_.grease', '1')
    expect(minor).toBe(2)
    const reader = new ByteReader(bytes, 5)
    expect([bytes[0], reader.int32(), reader.int32(), reader.cstring()]).toEqual([
      B.negotiateProtocolVersion,
      (3 << 16) | 2,
      1,
      '_pq_.grease',
    ])
  })
})

describe('cancel requests', () => {
  it('are heard in the clear and inside TLS, with short and long keys, and answered with silence', async () => {
    const plain = dialPlain()
    plain.write(cancelRequest(7, Buffer.alloc(4, 1)))
    expect((await untilClosed(plain)).length).toBe(0)
    const tls = await dialTls()
    tls.write(cancelRequest(8, Buffer.alloc(256, 2)))
    expect((await untilClosed(tls)).length).toBe(0)
    expect(cancels.map(({ pid, key }) => [pid, key.length])).toEqual([
      [7, 4],
      [8, 256],
    ])
  })
})

describe('noise', () => {
  /** A startup packet with something wrong in it, or plain noise. */
  function noisy(index: number): Buffer {
    const packet = Buffer.from(
      index % 3 === 0 ? startup(randomInt(4), 'user', 'x', 'options', '-c a=b') : sslRequest(),
    )
    if (index % 5 === 0) return randomBytes(randomInt(1, 300))
    for (let flips = randomInt(4); flips >= 0; flips -= 1)
      packet[randomInt(packet.length)] = randomInt(256)
    return index % 7 === 0 ? packet.subarray(0, randomInt(1, packet.length)) : packet
  }

  it('of 10,000 connections is answered or closed each time, and the next client is served', async () => {
    const send = (bytes: Buffer) =>
      new Promise<void>(resolve => {
        const socket = dialPlain()
        socket.on('error', () => {}) // a reset is an answer
        socket.once('close', () => resolve())
        socket.resume()
        socket.end(bytes)
      })
    let sent = 0
    const sender = async () => {
      while (sent < 10_000) {
        sent += 1
        await send(noisy(sent))
      }
    }
    await Promise.all(Array.from({ length: 64 }, sender))
    expect(bugs).toEqual([])
    const client = new Client({
      host: 'localhost',
      port,
      user: 'x',
      password: TOKEN,
      database: 'shop',
      ssl: tlsOptions(),
    })
    await client.connect()
    await client.end()
    await expect.poll(() => open.size).toBe(0)
  })
})
