import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ByteReader } from '#engines/wire'
import { Secret, UpstreamError } from '#model'
import { DialAhead, dialTcp } from '#transport'
import { fc } from '../../../test/property.ts'
import {
  hasPostgres,
  type PostgresServer,
  runs,
  startPostgres,
} from '../../../test/servers/postgres.ts'
import { until } from '../../../test/servers/programs.ts'
import {
  authenticationOk,
  B,
  backendKeyData,
  errorResponse,
  message,
  parameterStatus,
  query,
  readyForQuery,
  saslFinal,
  saslRequest,
} from './messages.ts'
import { type FakeGateway, fakeGateway, fakeSession } from './test-doubles.ts'
import { logIn, sayGoodbye, type UpstreamLogin, upstreamApplicationName } from './upstream.ts'
import { createUpstreamProof } from './upstream-proof.ts'

const limits = { upstreamLoginMs: 5_000 }
const request = {
  database: 'app',
  settings: new Map<string, string>(),
  applicationName: 'sallyport:test',
}
let gateway: FakeGateway
let folder: string

beforeAll(async () => {
  gateway = await fakeGateway()
  folder = mkdtempSync(join(tmpdir(), 'sallyport-upstream-'))
})
afterAll(() => {
  gateway.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The answer of a simple query on a fresh login, as text. */
function ask(login: UpstreamLogin, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = ''
    login.socket.on('data', (chunk: Buffer) => {
      all += chunk.toString('latin1')
      if (all.includes('Z\0\0\0\x05')) resolve(all)
    })
    login.socket.once('close', () => reject(new Error('closed')))
    login.socket.resume()
    login.socket.write(query(text))
  })
}

/** A client certificate for `user`, and the CA that signed it. */
function clientIdentity(user: string): { ca: string; certificate: string; key: string } {
  const file = (name: string) => join(folder, `${user}-${name}`)
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'ignore' })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...curve,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
    '-subj',
    '/CN=client CA',
  )
  openssl('req', ...curve, '-keyout', file('key'), '-out', file('csr'), '-subj', `/CN=${user}`)
  openssl(
    'x509',
    '-req',
    '-in',
    file('csr'),
    '-CA',
    file('ca.pem'),
    '-CAkey',
    file('ca.key'),
    '-CAcreateserial',
    '-out',
    file('crt'),
  )
  const read = (name: string) => readFileSync(file(name), 'utf8')
  return { ca: read('ca.pem'), certificate: read('crt'), key: read('key') }
}

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`a real PostgreSQL ${version}`, () => {
    let servers: Record<'scram' | 'md5' | 'password' | 'trust' | 'cert', PostgresServer>
    let client: ReturnType<typeof clientIdentity>

    beforeAll(async () => {
      const { certificate, key } = await gateway.issue(['localhost'])
      client = clientIdentity('app')
      const tls = { certificate, key }
      const start = (auth: keyof typeof servers, more = {}) =>
        startPostgres({ version, auth, tls: { ...tls, ...more } })
      const [scram, md5, password, trust, cert] = await Promise.all([
        start('scram'),
        start('md5'),
        start('password'),
        start('trust'),
        start('cert', { clientCa: client.ca }),
      ])
      servers = { scram, md5, password, trust, cert }
    })
    afterAll(async () => {
      await Promise.all(Object.values(servers ?? {}).map(server => server.stop()))
    })

    const session = (
      auth: keyof typeof servers,
      upstream: Parameters<typeof fakeSession>[0] extends infer U ? Partial<U> : never,
      secrets: Record<string, string> = { password: servers[auth].password },
      user = 'app',
    ) =>
      fakeSession(
        { host: 'localhost', port: servers[auth].port, ca: gateway.ca, ...upstream },
        { user, secrets },
      )

    it.each([
      ['scram', 'disable'],
      ['scram', 'require'],
      ['scram', 'verify-ca'],
      ['scram', 'verify-full'],
      ['md5', 'disable'],
      ['md5', 'verify-full'],
      ['password', 'verify-full'],
      ['trust', 'disable'],
      ['trust', 'verify-full'],
    ] as const)('lets us in by %s with tls %s', async (auth, tls) => {
      const login = await logIn(session(auth, { tls }), request, limits)
      expect(login.parameterStatuses.get('client_encoding')).toBe('UTF8')
      expect(login.pid).toBeGreaterThan(0)
      const ssl =
        "select ssl::text || ' as ' || current_user from pg_stat_ssl where pid = pg_backend_pid()"
      expect(await ask(login, ssl)).toContain(tls === 'disable' ? 'false as app' : 'true as app')
      sayGoodbye(login.socket)
    })

    it.each(['disable', 'verify-full'] as const)(
      'lets us in over a connection that was dialled ahead, with tls %s',
      async tls => {
        const dialled: Socket[] = []
        const dial = async (host: string, port: number) => {
          const socket = await dialTcp(host, port, { timeoutMs: 2_000 })
          dialled.push(socket)
          return socket
        }
        const ahead = new DialAhead({ dial, now: () => 0 })
        const logInAndAsk = async () => {
          const login = await logIn(session('scram', { tls }), request, limits, ahead)
          expect(await ask(login, 'select 1 as one')).toContain('one')
          sayGoodbye(login.socket)
        }
        await logInAndAsk()
        expect(dialled).toEqual([])
        await logInAndAsk()
        await until('the next connection to stand', () => dialled.length === 1)
        await new Promise(setImmediate)
        await logInAndAsk()
        expect(dialled[0]?.bytesRead).toBeGreaterThan(0)
      },
    )

    it('lets us in by a client certificate', async () => {
      const secrets = { clientCertificate: client.certificate, clientKey: client.key }
      const login = await logIn(session('cert', { tls: 'verify-full' }, secrets), request, limits)
      sayGoodbye(login.socket)
    })

    it.each([
      [
        'a wrong password',
        'scram',
        { tls: 'disable' },
        { password: 'wrong' },
        'upstream_refused',
        'credential',
      ],
      ['no password', 'scram', { tls: 'disable' }, {}, 'upstream_refused', 'the resource has none'],
      [
        'a password in the clear',
        'password',
        { tls: 'disable' },
        { password: 'x' },
        'upstream_refused',
        'open line',
      ],
      [
        'a name that the certificate does not have',
        'scram',
        { tls: 'verify-full', host: '127.0.0.1' },
        { password: 'x' },
        'upstream_unreachable',
        'another name',
      ],
      [
        'a certificate of another CA',
        'scram',
        { tls: 'verify-ca', ca: undefined },
        { password: 'x' },
        'upstream_unreachable',
        'not trusted',
      ],
      [
        'a CA file that is not there',
        'scram',
        { tls: 'verify-ca', ca: 'file:/nowhere/ca.pem' },
        { password: 'x' },
        'upstream_unreachable',
        'CA file',
      ],
    ] as const)('is not spoken to with %s', async (_, auth, upstream, secrets, code, words) => {
      const attempt = logIn(
        session(auth, upstream as object, secrets as Record<string, string>),
        request,
        limits,
      )
      const error: UpstreamError = await attempt.then(
        () => expect.unreachable(),
        failure => failure,
      )
      expect(error).toBeInstanceOf(UpstreamError)
      expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
      expect(`${error.message} ${error.detail} ${error.hint}`).not.toMatch(/\bapp\b|wrong|127\.0/)
    })

    it('that has no such database, or dislikes a setting of the client, is reported so', async () => {
      const upstream = session('trust', { tls: 'disable' })
      await expect(
        logIn(upstream, { ...request, database: 'nowhere' }, limits),
      ).rejects.toMatchObject({
        code: 'upstream_refused',
        message: 'the database does not exist',
      })
      const settings = new Map([['timezone', 'Nowhere/At all']])
      await expect(logIn(upstream, { ...request, settings }, limits)).rejects.toMatchObject({
        message: expect.stringContaining('TimeZone'),
      })
    })

    it('takes settings, and shows who it is that asks', async () => {
      const settings = new Map([
        ['timezone', 'Europe/Paris'],
        ['search_path', 'pg_catalog'],
      ])
      const applicationName = upstreamApplicationName(
        'test:alice',
        '0198c0de-0000-7000-8000-000000000001',
      )
      const login = await logIn(
        session('trust', { tls: 'disable' }),
        { ...request, settings, applicationName },
        limits,
      )
      expect(login.parameterStatuses.get('TimeZone')).toBe('Europe/Paris')
      expect(login.parameterStatuses.get('application_name')).toBe(applicationName)
      expect(await ask(login, 'show search_path')).toContain('pg_catalog')
      sayGoodbye(login.socket)
    })

    it.each(['disable', 'verify-full'] as const)('cancels what runs, with tls %s', async tls => {
      const login = await logIn(session('scram', { tls }), request, limits)
      const answer = ask(login, 'select pg_sleep(20)')
      await runs(servers.scram, 'select pg_sleep(20)%')
      await login.cancel()
      expect(await answer).toContain('57014')
      sayGoodbye(login.socket)
    })
  })
}

describe('a hostile upstream', () => {
  let server: Server | undefined
  const sockets = new Set<Socket>()
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    server?.close()
  })

  /** A server that says `script`, one part for each message of ours. */
  async function attempt(
    script: readonly Uint8Array[],
    more: object = {},
    ms = 1_000,
  ): Promise<unknown> {
    server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {}) // we hang up on it
      let part = 0
      socket.on('data', () => {
        const bytes = script[part]
        part += 1
        if (bytes !== undefined) socket.write(bytes)
      })
    })
    await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const session = fakeSession(
      { host: '127.0.0.1', port, ...more },
      { user: 'app', secrets: { password: 'pencil' } },
    )
    return await logIn(session, request, { upstreamLoginMs: ms }).then(
      login => login.parameterStatuses,
      error => error,
    )
  }
  const statuses = Buffer.concat([
    parameterStatus('client_encoding', 'UTF8'),
    parameterStatus('standard_conforming_strings', 'on'),
  ])
  const key = backendKeyData(1, Buffer.alloc(4))
  const sasl = saslRequest(['SCRAM-SHA-256'])

  it('would be let through if it behaved', async () => {
    const good = Buffer.concat([authenticationOk(), statuses, key, readyForQuery('I')])
    expect(await attempt([good])).toBeInstanceOf(Map)
  })

  it.each([
    ['says yes after SCRAM began, without proving itself', [sasl, authenticationOk()]],
    ['sends a verdict without a challenge', [sasl, saslFinal('v=AAAA')]],
    ['asks for SCRAM, then for md5', [sasl, message(B.authentication, w => w.int32(5).int32(1))]],
    ['asks for the password in the clear', [message(B.authentication, w => w.int32(3))]],
    ['asks for Kerberos', [message(B.authentication, w => w.int32(7))]],
    ['offers nothing that we speak', [saslRequest(['OAUTHBEARER'])]],
    ['is ready before the login', [readyForQuery('I')]],
    ['reports before the login', [statuses]],
    [
      'begins a transaction for us',
      [Buffer.concat([authenticationOk(), statuses, key, readyForQuery('T')])],
    ],
    ['gives two cancel keys', [Buffer.concat([authenticationOk(), key, key])]],
    [
      'gives a cancel key that is too long',
      [Buffer.concat([authenticationOk(), backendKeyData(1, Buffer.alloc(257))])],
    ],
    [
      'does not keep UTF8',
      [
        Buffer.concat([
          authenticationOk(),
          parameterStatus('client_encoding', 'SJIS'),
          readyForQuery('I'),
        ]),
      ],
    ],
    ['sends rows', [Buffer.concat([authenticationOk(), message(B.dataRow, w => w.int16(0))])]],
    ['sends a negative length', [Buffer.from([B.authentication, 0xff, 0xff, 0xff, 0xff])]],
    ['sends an enormous length', [Buffer.from([B.parameterStatus, 0x7f, 0xff, 0xff, 0xff])]],
    [
      'reports without end',
      [
        Buffer.concat([
          authenticationOk(),
          ...Array.from({ length: 300 }, (_, i) => parameterStatus(`s${i}`, '')),
        ]),
      ],
    ],
    ['sends an error that never ends', [Buffer.from([B.errorResponse, 0, 0, 0, 6, 0x53, 0x41])]],
    ['says nothing', []],
  ])('that %s is refused', async (_, script) => {
    expect(await attempt(script, {}, 400)).toBeInstanceOf(UpstreamError)
  })

  it('that ended what was dialled ahead is asked on a new connection; one that answered there is not', async () => {
    const good = Buffer.concat([authenticationOk(), statuses, readyForQuery('I')])
    const refusal = errorResponse([['M', 'no']])
    /** By connection: what is answered to the first message; where it is nothing the connection ends. */
    const answers = [good, good, undefined, good, refusal]
    let connections = 0
    server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {}) // we hang up on it
      const answer = answers[connections++]
      socket.once('data', () => (answer === undefined ? socket.destroy() : socket.write(answer)))
    })
    await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    let dialled = 0
    const dial = async (host: string, to: number) => {
      const socket = await dialTcp(host, to, { timeoutMs: 2_000 })
      dialled++
      return socket
    }
    const ahead = new DialAhead({ dial, now: () => 0 })
    const session = fakeSession({ host: '127.0.0.1', port }, { user: 'app', secrets: {} })
    const attempt = () => logIn(session, request, limits, ahead)
    const standing = async (count: number, of: number) => {
      await until('the next one to stand', () => dialled === count && connections === of)
      await new Promise(setImmediate)
    }
    await attempt()
    await attempt()
    await standing(1, 3)
    // The third connection ends as soon as it is spoken on: this is a login on the fourth.
    await attempt()
    await standing(2, 5)
    // The fifth refuses, and that is the answer.
    await expect(attempt()).rejects.toMatchObject({ code: 'upstream_refused' })
    expect(connections).toBe(5)
  })

  it('cannot make us fall back from TLS, nor speak ahead of it', async () => {
    expect(await attempt([Buffer.from('N')], { tls: 'require' })).toMatchObject({
      code: 'upstream_refused',
    })
    expect(await attempt([Buffer.from('Sx')], { tls: 'require' })).toBeInstanceOf(UpstreamError)
    expect(await attempt([errorResponse([['M', 'x']])], { tls: 'require' })).toBeInstanceOf(
      UpstreamError,
    )
  })

  it('cannot put its own words, our user or our password before the client', async () => {
    const error = errorResponse([
      ['S', 'FATAL'],
      ['C', '28P01'],
      ['M', 'password "pencil" of user "app" at 10.1.2.3'],
    ])
    const refused = await attempt([error])
    expect(refused).toBeInstanceOf(UpstreamError)
    expect(JSON.stringify(refused) + (refused instanceof Error ? refused.message : '')).not.toMatch(
      /pencil|"app"|10\.1/,
    )
  })

  it('that sends noise is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 5, maxLength: 200 }), async noise => {
        expect(await attempt([noise], {}, 50)).toBeInstanceOf(UpstreamError)
        server?.close()
      }),
      { numRuns: 40 },
    )
  })
})

describe('the proof', () => {
  it('is bound to the certificate wherever both ends can', async () => {
    const first = async (binding: Uint8Array | undefined, offered: readonly string[]) => {
      const proof = createUpstreamProof({
        user: 'app',
        password: new Secret('pencil'),
        secured: true,
        binding,
        nonce: () => 'abc',
      })
      return Buffer.from(
        (await proof.answer(new ByteReader(saslRequest(offered), 5))) as Uint8Array,
      ).toString()
    }
    const both = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']
    expect(await first(Buffer.alloc(32), both)).toMatch(
      /SCRAM-SHA-256-PLUS\0.*p=tls-server-end-point,,/s,
    )
    expect(await first(undefined, both)).toMatch(/SCRAM-SHA-256\0.*n,,/s)
    expect(await first(Buffer.alloc(32), ['SCRAM-SHA-256'])).toMatch(/SCRAM-SHA-256\0.*n,,/s)
  })
})

describe('upstreamApplicationName', () => {
  it('fits 63 bytes of ASCII, with the session whole', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.uuid(),
        (principal, session) => {
          const name = upstreamApplicationName(principal, session)
          expect(name).toMatch(/^[\x20-\x7e]{1,63}$/)
          expect(name.endsWith(session)).toBe(true)
        },
      ),
    )
  })
})
