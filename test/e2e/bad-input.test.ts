// Bad input of every kind: each gets a clear native error; nothing else is touched; the process lives.
import { randomBytes, randomInt } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ForgeOptions } from '../../demo/index.ts'
import { harness } from '../../src/protocols/postgres/harness.ts'
import { postgresResource } from '../servers/gateway.ts'
import { freePort } from '../servers/ports.ts'
import { runs } from '../servers/postgres.ts'
import { within } from '../servers/programs.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
let liar: Awaited<ReturnType<typeof startLiar>>

beforeAll(async () => {
  liar = await startLiar()
  const dead = await freePort()
  const elsewhere = (name: string, port: number) =>
    postgresResource(name, { port, user: 'app', database: 'app' })
  stage = await startStage({
    more: server => [
      elsewhere('dead', dead),
      elsewhere('liar', liar.port),
      postgresResource('wrong-password', server, { secret: 'WRONG_PASSWORD' }),
      postgresResource('no-database', {
        ...server,
        port: server.port,
        user: server.user,
        database: 'nowhere',
      }),
    ],
    gateway: { allowPlaintext: true, env: { WRONG_PASSWORD: 'wrong' } },
    settings: { limits: { messageBytes: '1MiB', loginMs: 3000, upstreamLoginMs: 3000 } },
  })
})
afterAll(async () => {
  await stage?.stop()
  await liar?.stop()
})

// After whatever was done to it, the gateway serves the next client as if nothing had been.
afterEach(async () => {
  expect(stage.gateway.alive()).toBe(true)
  const ran = await stage.psql(await stage.through('ana'), 'select 40 + 2 as answer;')
  expect(ran.stdout, ran.stderr).toContain('42')
})

async function login(password: string, database = 'shop') {
  const where = { ...stage.gateway.libpq(password, database), PGCONNECT_TIMEOUT: '8' }
  return stage.psql(where, 'select 1;', { args: ['-w'] })
}

describe('a token', () => {
  const attacks: readonly [string, Omit<ForgeOptions, 'client'>, string][] = [
    ['that is expired', { ttl: -600 }, 'token_expired'],
    ['for another audience', { audience: 'elsewhere' }, 'token_invalid'],
    ['of another issuer', { claims: { iss: 'https://idp.example.com' } }, 'token_invalid'],
    ['without a signature (alg none)', { key: 'none' }, 'token_invalid'],
    [
      'signed with the public key as a secret (HS256)',
      { key: 'public-as-secret' },
      'token_invalid',
    ],
    ['signed by a stranger', { key: 'stranger' }, 'token_invalid'],
    ['with a key that nobody has', { header: { kid: 'other' } }, 'token_invalid'],
    ['that brings its own key', { header: { jku: 'http://127.0.0.1/keys' } }, 'token_invalid'],
    ['without an end', { claims: { exp: undefined } }, 'token_invalid'],
    ['that is not yet good', { claims: { nbf: 4102444800 } }, 'token_invalid'],
    ['of the wrong type (an ID token)', { header: { typ: 'JWT' } }, 'token_invalid'],
    ['bound to a key that was not shown', { claims: { cnf: { jkt: 'x' } } }, 'token_invalid'],
    ['without an id', { claims: { jti: undefined } }, 'token_invalid'],
    ['with groups that are no list', { claims: { groups: 'dba' } }, 'token_invalid'],
  ]
  test.each(attacks)('%s is refused', async (_what, forged, code) => {
    const ran = await login(await stage.issuer.forge({ client: 'ana', ...forged }))
    expect(ran.code).toBe(2)
    expect(ran.stderr).toMatch(/FATAL/)
    expect(ran.stderr).toContain(code)
    expect(ran.stdout).toBe('')
  })

  test.each([
    ['nothing', ''],
    ['a word', 'secret'],
    ['two dots', '..'],
    ['a token with a changed signature', 'flip'],
    ['16 KiB of letters', 'x'.repeat(16_000)],
    ['a token with a character more', 'more'],
  ])('that is %s is refused', async (_what, text) => {
    const good = await stage.token('ana')
    const flipped = `${good.slice(0, -10)}${good.at(-10) === 'A' ? 'B' : 'A'}${good.slice(-9)}`
    const password = text === 'flip' ? flipped : text === 'more' ? `${good}A` : text
    const ran = await login(password)
    expect(ran.code).toBe(2)
    expect(ran.stdout).toBe('')
  })

  test('that is right, over plaintext, is refused where the listener does not allow it', async () => {
    const strict = await startStage()
    try {
      const where = { ...(await strict.through('ana')), PGSSLMODE: 'disable' }
      const ran = await strict.psql(where, 'select 1;')
      expect(ran.code).toBe(2)
      expect(ran.stderr).toContain('plaintext_refused')
    } finally {
      await strict.stop()
    }
  })
})

describe('a resource', () => {
  test.each([
    ['that does not exist', 'nowhere', /resource_unknown|no_permit/],
    [
      'whose name is no name',
      '../etc',
      /resource_unknown|no_permit|request_invalid|protocol_violation/,
    ],
    ['whose server is down', 'dead', /upstream_unreachable/],
    ['whose password is wrong', 'wrong-password', /upstream_refused/],
    ['whose database does not exist', 'no-database', /upstream_refused/],
  ])('%s: a native error, without secrets', async (_what, name, code) => {
    const ran = await login(await stage.token('ana'), name)
    expect(ran.code).toBe(2)
    expect(ran.stderr).toMatch(code)
    expect(ran.stderr).not.toContain(stage.server.password)
  })

  const lies: readonly [string, (socket: Socket) => void][] = [
    ['hangs up at once', socket => socket.destroy()],
    ['says nothing', () => {}],
    ['answers with noise', socket => socket.write(randomBytes(4096))],
    [
      'claims a message of two gigabytes',
      socket => socket.write(Buffer.from([0x52, 0x7f, 0xff, 0xff, 0xff, 0, 0])),
    ],
    [
      'asks for a login nobody knows',
      socket => socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 99])),
    ],
    [
      'never stops with parameters',
      socket => {
        const status = Buffer.from('S\0\0\0\x0ea\0bbbbbbb\0', 'latin1')
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]))
        const more = () =>
          !socket.destroyed &&
          socket.write(Buffer.alloc(65536).fill(status), () => setImmediate(more))
        more()
      },
    ],
  ]
  test.each(lies)('whose server %s', async (_what, answer) => {
    liar.answer = answer
    const ran = await login(await stage.token('ana'), 'liar')
    expect(ran.code).toBe(2)
    expect(ran.stderr).toMatch(/upstream_/)
  })
})

describe('an upstream', () => {
  test('that dies in the middle of an answer: a clear error, and the next session works once it is back', async () => {
    const where = await stage.through('ana')
    const asked = stage.psql(
      where,
      'select i, pg_sleep(0.001) from generate_series(1, 100000) i;',
      {},
    )
    await runs(stage.server, 'select i, pg_sleep%')
    await stage.server.kill()
    const ran = await asked
    expect(ran.code).not.toBe(0)
    expect(ran.stderr).toMatch(/upstream_lost|08006|connection to server was lost/)
    await stage.server.start()
  })

  test('that ends one session with a FATAL error', async () => {
    const where = await stage.through('ana')
    const asked = stage.psql(where, 'select pg_sleep(20);')
    await runs(stage.server, 'select pg_sleep(20)%')
    await stage.server.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep(20)%'",
    )
    const ran = await asked
    expect(ran.stderr).toMatch(/57P01|08006|terminat/)
  })
})

describe('frames', () => {
  const raw = async (bytes: Uint8Array, wait = 1500): Promise<Buffer> => {
    const socket = connect(stage.gateway.port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', chunk => chunks.push(Buffer.from(chunk)))
    // A reset is an answer too.
    socket.on('error', () => {})
    socket.write(bytes)
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, wait)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    socket.destroy()
    return Buffer.concat(chunks)
  }

  test.each([
    ['a startup of no length', Buffer.alloc(8)],
    ['a startup of a gigabyte', Buffer.from([0x40, 0, 0, 0, 0, 3, 0, 0])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['protocol 2', Buffer.from([0, 0, 0, 9, 0, 2, 0, 0, 0])],
    ['no user', Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])],
    [
      'a cancel request for nobody',
      Buffer.from([0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2]),
    ],
    ['TLS noise', Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0]), randomBytes(512)])],
    [
      'bytes behind SSLRequest',
      Buffer.concat([Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]), harness.startup('shop')]),
    ],
    ['replication', startupOf({ user: 'a', database: 'shop', replication: 'true' })],
    [
      'an option that runs code',
      startupOf({ user: 'a', database: 'shop', options: '-c session_preload_libraries=x' }),
    ],
    [
      'another encoding by option',
      startupOf({ user: 'a', database: 'shop', options: '-c client_encoding=SJIS' }),
    ],
  ])('before login: %s', async (_what, bytes) => {
    const answer = await raw(bytes)
    // Never ready for queries, never a login that went through.
    expect(answer.includes(Buffer.from('Z\0\0\0\x05', 'latin1'))).toBe(false)
  })

  test('10,000 fuzzed startup packets leave the gateway well', async () => {
    const seed = harness.startup('shop')
    const mutate = () => {
      const bytes = Buffer.from(seed)
      for (let changes = randomInt(1, 6); changes > 0; changes -= 1) {
        bytes[randomInt(bytes.length)] = randomInt(256)
      }
      const cut = bytes.subarray(0, randomInt(1, bytes.length + 1))
      return randomInt(4) === 0 ? randomBytes(randomInt(1, 64)) : cut
    }
    const one = () =>
      new Promise<void>(resolve => {
        const socket = connect(stage.gateway.port, '127.0.0.1')
        socket.on('error', () => {})
        socket.on('close', () => resolve())
        socket.on('data', () => socket.destroy())
        socket.on('connect', () => socket.end(mutate()))
        setTimeout(() => socket.destroy(), 200)
      })
    for (let sent = 0; sent < 10_000; sent += 100)
      await Promise.all(Array.from({ length: 100 }, one))
  })

  test('a message over the cap: a native error, and the session ends', async () => {
    const ran = await stage.psql(
      await stage.through('ana'),
      `select length('${'x'.repeat(3_000_000)}');`,
    )
    expect(ran.stderr).toMatch(/54000|message_too_large/)
    expect(ran.code).not.toBe(0)
  })

  test('a client that vanishes in the middle of a message', async () => {
    const socket = connect(stage.gateway.port, '127.0.0.1')
    const session = await harness.open(socket, 'shop', await stage.token('ana'))
    session.raw(Buffer.from([0x51, 0, 0, 1, 0, 0x73]))
    socket.destroy()
  })

  test('a client that never logs in is let go', async () => {
    const begun = Date.now()
    const socket = connect(stage.gateway.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    await new Promise<void>(resolve => socket.once('close', () => resolve()))
    within(10_000, Date.now() - begun)
  })
})

describe('statements', () => {
  test.each([
    ['that do not parse', 'selec 1', /42601|42501/],
    [
      'with a call of the function-call message (\\lo_import)',
      '\\lo_import /etc/hostname',
      /0A000|42501|not supported|refused/,
    ],
    ['that turn the encoding', "set client_encoding = 'SJIS'", /42501|0A000/],
    ['that turn off standard strings', 'set standard_conforming_strings = off', /42501|0A000/],
    [
      'that turn them off by function',
      "select set_config('standard_conforming_strings', 'off', false)",
      /42501|0A000/,
    ],
    ['for replication', 'IDENTIFY_SYSTEM', /42601|42501/],
  ])('%s: a native error, and the session goes on', async (_what, text, error) => {
    const ran = await stage.psql(
      await stage.through('ana'),
      `${text}${text.startsWith('\\') ? '' : ';'}\nselect 'still here' as s;\n`,
    )
    expect(ran.stderr).toMatch(error)
    expect(ran.stdout).toContain('still here')
  })
})

function startupOf(parameters: Readonly<Record<string, string>>): Buffer {
  const body = Buffer.from(`${Object.entries(parameters).flat().join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(196608, 4)
  return Buffer.concat([head, body])
}

/** A server that is no server. `answer` says what it does with a connection. */
async function startLiar() {
  const sockets = new Set<Socket>()
  const state = { port: 0, answer: (_socket: Socket) => {}, stop: async () => {} }
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', () => state.answer(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  state.port = typeof address === 'object' && address ? address.port : 0
  state.stop = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
  return state
}
