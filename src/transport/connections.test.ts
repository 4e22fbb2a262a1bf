import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError, ProtocolError, UpstreamError } from '#model'
import { until, within } from '../../test/servers/programs.ts'
import {
  type Authority,
  dialTcp,
  type Listener,
  type ListenOptions,
  listen,
  openServerAuthority,
  serveTls,
  type TlsIdentity,
  tlsIdentity,
  type UpgradeOptions,
  upgradeToTls,
} from './index.ts'
import { addressGroup } from './listen.ts'

const YES = Buffer.from('S')
let folder: string
let authority: Authority
let identity: TlsIdentity
const listeners: Listener[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'))
  authority = await openServerAuthority({ folder, now: Date.now })
  identity = await tlsIdentity({ kind: 'own', authority, names: [], now: Date.now })
})
afterAll(() => {
  identity.close()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  await Promise.all(listeners.splice(0).map(listener => listener.close()))
})

async function start(options: Partial<ListenOptions>): Promise<Listener> {
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    maxConnections: 10,
    onConnection: () => {},
    ...options,
  })
  listeners.push(listener)
  return listener
}
const dial = (port: number) => dialTcp('127.0.0.1', port, { timeoutMs: 30_000 })
const once = (socket: Socket, event: string) =>
  new Promise<Buffer>(resolve => socket.once(event, resolve))

describe('a listener', () => {
  it('goes on when serving one connection throws, at once or later', async () => {
    const failures: unknown[] = []
    let count = 0
    const { port } = await start({
      onConnection: socket => {
        count += 1
        if (count === 1) throw new Error('at once')
        if (count === 2) return Promise.reject(new Error('later'))
        socket.end('served')
      },
      onFailure: (_where, error) => failures.push(error),
    })
    for (const _ of [1, 2]) await once(await dial(port), 'close')
    expect(String(await once(await dial(port), 'data'))).toBe('served')
    expect(failures.map(String)).toEqual(['Error: at once', 'Error: later'])
  })

  it('survives a client that resets', async () => {
    const listener = await start({ onConnection: socket => void socket.resume() })
    const socket = await dial(listener.port)
    await until('it to hold', () => listener.connections === 1)
    socket.resetAndDestroy()
    await until('it to hold', () => listener.connections === 0)
    expect((await dial(listener.port)).destroyed).toBe(false)
  })

  it('closes what comes above its bounds, and frees the place of what left', async () => {
    const refused: string[] = []
    const listener = await start({
      maxConnections: 3,
      perIpLimit: 2,
      onRefused: why => refused.push(why),
      onConnection: socket => void socket.resume(),
    })
    const first = await dial(listener.port)
    await dial(listener.port)
    const third = connectTcp({ host: '127.0.0.1', port: listener.port }).on('error', () => {})
    await once(third, 'close')
    expect(refused).toEqual(['per_ip'])
    first.destroy()
    await until('it to hold', () => listener.connections === 1)
    const fourth = await dial(listener.port)
    await until('it to hold', () => listener.connections === 2)
    expect(fourth.destroyed).toBe(false)
  })

  it('says in words why it cannot listen', async () => {
    const { port } = await start({})
    const second = listen({ host: '127.0.0.1', port, maxConnections: 1, onConnection: () => {} })
    await expect(second).rejects.toThrow(ConfigurationError)
    await expect(second).rejects.toThrow('another program listens there')
  })

  it('ends what is open when it closes', async () => {
    const listener = await start({ onConnection: socket => void socket.resume() })
    const socket = await dial(listener.port)
    await until('it to hold', () => listener.connections === 1)
    const closed = once(socket, 'close')
    await listener.close()
    await closed
    await expect(dial(listener.port)).rejects.toThrow(UpstreamError)
  })
})

describe('who counts as one address', () => {
  it('is an IPv4 address, mapped or not, and an IPv6 network of 64 bits', () => {
    expect(addressGroup('::ffff:10.0.0.7')).toBe('10.0.0.7')
    expect(addressGroup('10.0.0.7')).toBe('10.0.0.7')
    const one = addressGroup('2001:db8:0:1::1')
    for (const same of ['2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1:2::3']) {
      expect(addressGroup(same)).toBe(one)
    }
    expect(addressGroup('2001:db8:0:2::1')).not.toBe(one)
    expect(addressGroup('2001:db8::1')).toBe(addressGroup('2001:db8:0:0:5:6:7:8'))
    expect(addressGroup('::1')).toBe('0:0:0:0')
    expect(addressGroup('fe80::1%eth0')).toBe(addressGroup('fe80::2%eth0'))
  })
})

describe('dialling', () => {
  it('says why, without the address', async () => {
    const listener = await start({})
    const { port } = listener
    await listener.close()
    const failure = await dial(port).catch(error => error)
    expect(failure).toBeInstanceOf(UpstreamError)
    expect(failure.message).toBe('the resource cannot be reached: connection refused')
    const unknown = await dialTcp('no-such-host.invalid', 1, { timeoutMs: 5_000 }).catch(e => e)
    expect(unknown.message).not.toContain('no-such-host')
  })

  it('gives up when told to, and when the time is over', async () => {
    const abort = new AbortController()
    abort.abort()
    await expect(
      dialTcp('127.0.0.1', 9, { timeoutMs: 1_000, signal: abort.signal }),
    ).rejects.toThrow('no longer wanted')
    // TEST-NET-1 (RFC 5737): no one answers there.
    const started = Date.now()
    await expect(dialTcp('192.0.2.1', 9, { timeoutMs: 50 })).rejects.toThrow(UpstreamError)
    within(2_000, Date.now() - started)
  })
})

describe('turning to TLS', () => {
  /** A server that answers one byte in the clear and then speaks TLS, as PostgreSQL does. */
  async function inBand(onTls: (tls: TLSSocket) => void = tls => tls.pipe(tls)): Promise<Listener> {
    return start({
      onConnection: async socket => {
        await once(socket, 'data')
        socket.removeAllListeners('data')
        const tls = await serveTls(socket, identity.context(), { reply: YES, timeoutMs: 2_000 })
        onTls(tls)
      },
    })
  }
  async function ask(port: number): Promise<Socket> {
    const socket = await dial(port)
    socket.write('?')
    await once(socket, 'data')
    return socket
  }
  const upgrade = (socket: Socket, options: Partial<UpgradeOptions> = {}) =>
    upgradeToTls(socket, {
      mode: 'verify-full',
      servername: 'localhost',
      ca: authority.certificate,
      timeoutMs: 2_000,
      ...options,
    })

  it('carries bytes both ways after an upgrade of both sides, and closes both layers', async () => {
    const listener = await inBand()
    const tls = await upgrade(await ask(listener.port))
    tls.write('hello')
    expect(String(await once(tls, 'data'))).toBe('hello')
    expect(tls.getPeerX509Certificate()?.raw.equals(identity.certificateDer())).toBe(true)
    tls.destroy()
    await until('it to hold', () => listener.connections === 0)
  })

  it('checks chain and name as the mode says', async () => {
    const { port } = await inBand()
    const name = { servername: 'other.example.com' }
    const other = await openServerAuthority({ folder: join(folder, 'other'), now: Date.now })
    const stranger = { ca: other.certificate }
    await expect(upgrade(await ask(port), name)).rejects.toThrow('is for another name')
    await expect(upgrade(await ask(port), stranger)).rejects.toThrow('is not trusted')
    await expect(upgrade(await ask(port), { mode: 'verify-ca', ...stranger })).rejects.toThrow(
      'is not trusted',
    )
    await expect(upgrade(await ask(port), { ca: 'garbage' })).rejects.toThrow(UpstreamError)
    const byAddress = await upgrade(await ask(port), { servername: '127.0.0.1' })
    const anyName = await upgrade(await ask(port), { mode: 'verify-ca', ...name })
    const anyone = await upgrade(await ask(port), { mode: 'require', ...name, ...stranger })
    for (const tls of [byAddress, anyName, anyone]) {
      expect(tls.encrypted).toBe(true)
      tls.destroy()
    }
  })

  it('refuses what an upstream sent ahead of the handshake', async () => {
    const { port } = await start({ onConnection: socket => void socket.write('Sinjected') })
    const socket = await dial(port)
    await once(socket, 'readable')
    expect(String(socket.read(1))).toBe('S')
    await expect(upgrade(socket)).rejects.toThrow('ahead of the TLS handshake')
    expect(socket.destroyed).toBe(true)
  })

  it('refuses what a client sent ahead of the handshake', async () => {
    const outcome = Promise.withResolvers<{ error: Error; destroyed: boolean }>()
    const { port } = await start({
      onConnection: async socket => {
        await once(socket, 'readable')
        socket.read(1)
        const serving = serveTls(socket, identity.context(), { reply: YES, timeoutMs: 500 })
        const error = await serving.catch(thrown => thrown)
        outcome.resolve({ error, destroyed: socket.destroyed })
      },
    })
    const socket = await dial(port)
    socket.write('?injected')
    const { error, destroyed } = await outcome.promise
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error.message).toContain('ahead of the TLS handshake')
    expect(destroyed).toBe(true)
  })

  it('shows a client certificate to an upstream that asks for one', async () => {
    const client = await authority.issueServer(['client.example.com'])
    const seen = Promise.withResolvers<boolean>()
    const { certificate: cert, key } = identity.pem()
    const options = { cert, key, requestCert: true, rejectUnauthorized: false }
    const server = createTlsServer(options, tls => {
      const shown = tls.getPeerX509Certificate()?.checkHost('client.example.com')
      seen.resolve(shown === 'client.example.com')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const tls = await upgrade(await dial(port), { cert: client.certificate, key: client.key })
    expect(await seen.promise).toBe(true)
    tls.destroy()
    server.close()
  })

  it('speaks TLS from the first byte on when the first bytes were peeked at', async () => {
    const { port } = await start({
      onConnection: async socket => {
        const first = await once(socket, 'data')
        socket.removeAllListeners('data')
        const tls = await serveTls(socket, identity.context(), {
          peeked: first,
          alpn: ['postgresql'],
          timeoutMs: 2_000,
        }).catch(() => undefined)
        tls?.end(`spoke ${tls.alpnProtocol}`)
      },
    })
    const options = { host: '127.0.0.1', port, ca: authority.certificate }
    const good = connectTls({ ...options, ALPNProtocols: ['postgresql'] })
    expect(String(await once(good, 'data'))).toBe('spoke postgresql')
    const without = connectTls(options)
    expect(String(await once(without, 'data'))).toBe('spoke false')
    const wrong = connectTls({ ...options, ALPNProtocols: ['h2'] })
    expect(String(await once(wrong, 'error'))).toContain('alert')
  })

  it('ends a client that says garbage, and one that says nothing', async () => {
    const outcomes: unknown[] = []
    const listener = await start({
      onConnection: async socket => {
        await serveTls(socket, identity.context(), { timeoutMs: 100 }).catch(error =>
          outcomes.push(error),
        )
      },
    })
    const garbage = await dial(listener.port)
    garbage.write('GET / HTTP/1.1\r\n\r\n')
    await once(garbage, 'close')
    const silent = await dial(listener.port)
    await once(silent, 'close')
    expect(outcomes).toHaveLength(2)
    expect(outcomes.every(outcome => outcome instanceof ProtocolError)).toBe(true)
    await until('it to hold', () => listener.connections === 0)
  })

  it('gives up on an upstream that never answers the handshake', async () => {
    const silent = createServer(socket => void socket.resume())
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const socket = connectTcp({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    await expect(upgrade(socket, { timeoutMs: 50 })).rejects.toThrow('took too long')
    expect(socket.destroyed).toBe(true)
    silent.close()
  })

  it('speaks nothing older than TLS 1.2', async () => {
    const { port } = await start({
      onConnection: async socket => {
        await serveTls(socket, identity.context(), { timeoutMs: 1_000 }).catch(() => {})
      },
    })
    const old = connectTls({
      host: '127.0.0.1',
      port,
      ca: authority.certificate,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    expect(String(await once(old, 'error'))).toContain('protocol version')
  })

  it('shows a reloaded certificate to the next connection', async () => {
    const { port } = await inBand()
    const before = await upgrade(await ask(port))
    await identity.reload()
    const after = await upgrade(await ask(port))
    expect(after.getPeerX509Certificate()?.raw.equals(identity.certificateDer())).toBe(true)
    expect(before.getPeerX509Certificate()?.raw.equals(identity.certificateDer())).toBe(false)
    before.destroy()
    after.destroy()
  })
})
