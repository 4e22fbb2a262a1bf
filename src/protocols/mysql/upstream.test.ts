import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret, UpstreamError } from '#model'
import { type MariadbServer, startMariadb } from '../../../test/servers/mariadb.ts'
import { type Side, type StandIn, startStandIn } from '../../../test/servers/mysql-stand-in.ts'
import { until, within } from '../../../test/servers/programs.ts'
import { Questions } from './questions.ts'
import { mysqlSettings } from './settings.ts'
import { type LoginAccess, logIn, sayGoodbye } from './upstream.ts'

const request = { database: undefined, programName: 'sallyport:alice:s1', capabilities: 0 }
const limits = { upstreamLoginMs: 5_000 }

function access(
  server: Pick<MariadbServer, 'port' | 'user' | 'password'>,
  upstream: object = { tls: 'disable' },
): LoginAccess {
  const settings = mysqlSettings.parse({ host: '127.0.0.1', port: server.port, ...upstream })
  return {
    resource: { name: 'shop', upstream: settings, connector: 'none' } as never,
    signal: new AbortController().signal,
    dial: (host, port) =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect(port, host, () => resolve(socket))
        socket.on('error', reject)
      }),
    credential: async () => ({
      user: server.user,
      secrets: { password: new Secret(server.password) },
      release() {},
    }),
  }
}

describe('our login at a real MariaDB', () => {
  let server: MariadbServer
  beforeAll(async () => {
    server = await startMariadb()
    const root = await server.session()
    await root.query("install soname 'auth_ed25519'").catch(() => {}) // it may be there already
    await root.query(
      "create user signer@'%' identified via ed25519 using password('a longer password than thirty-two bytes')",
    )
    await root.query("set global sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'")
    await root.end()
  })
  afterAll(() => server?.stop())

  it('proves itself with the native scramble, and pins what texts mean', async () => {
    const login = await logIn(access(server), { ...request, database: server.database }, limits)
    expect(login).toMatchObject({ flavour: 'mariadb', database: server.database })
    expect(login.version).toBeGreaterThan(101100)
    const questions = new Questions(login.socket)
    expect(await questions.ask('select @@sql_mode, connection_id(), "it\\"s"')).toEqual([
      ['STRICT_ALL_TABLES', String(login.connectionId), 'it"s'],
    ])
    questions.detach()
    sayGoodbye(login.socket)
  })

  it('signs with ed25519', async () => {
    const login = await logIn(
      access({ ...server, user: 'signer', password: 'a longer password than thirty-two bytes' }),
      request,
      limits,
    )
    sayGoodbye(login.socket)
  })

  it('goes through TLS, and holds the certificate against what is demanded', async () => {
    const verified = { tls: 'verify-ca', ca: `file:${server.ca}` }
    const login = await logIn(access(server, verified), request, limits)
    const questions = new Questions(login.socket)
    expect(await questions.ask("show status like 'Ssl_version'")).toEqual([
      ['Ssl_version', 'TLSv1.3'],
    ])
    questions.detach()
    sayGoodbye(login.socket)
    await expect(logIn(access(server, { tls: 'verify-full' }), request, limits)).rejects.toThrow(
      UpstreamError,
    )
  })

  it('says that it was refused, without the words of the server', async () => {
    const wrong = logIn(access({ ...server, password: 'no' }), request, limits)
    await expect(wrong).rejects.toThrow('the database refused the gateway’s credential')
  })

  it('stops what a connection runs', async () => {
    const login = await logIn(access(server), request, limits)
    const questions = new Questions(login.socket)
    // (MariaDB tells SLEEP apart from a statement: interrupted, it may answer 1, or an error.)
    const slow = questions.ask('select sleep(20)').catch(() => {})
    const sleeping = "select 1 from information_schema.processlist where info = 'select sleep(20)'"
    await until('it to run', async () => (await server.query(sleeping)).length > 0)
    const started = performance.now()
    await login.cancel()
    await slow
    within(5_000, performance.now() - started)
    questions.detach()
    sayGoodbye(login.socket)
  })
})

describe('our login at a server that speaks as MySQL 9 does', () => {
  let server: MariadbServer
  let standIn: StandIn
  const account = { user: 'app9', password: 'a password of MySQL' }
  beforeAll(async () => {
    server = await startMariadb()
    standIn = await startStandIn({ behind: server, accounts: { app9: account } })
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })
  const at = (upstream: object): LoginAccess => access({ ...account, port: standIn.port }, upstream)

  it('hands the password over inside TLS once, and scrambles it from then on', async () => {
    const tls = { tls: 'verify-ca', ca: `file:${standIn.ca}` }
    for (const how of ['full over TLS', 'fast']) {
      const login = await logIn(at(tls), request, limits)
      expect(login).toMatchObject({ flavour: 'mysql', version: 90_100 })
      expect(standIn.logins.at(-1)).toBe(how)
      sayGoodbye(login.socket)
    }
  })

  it('without TLS seals it with the key that the operator gave, and takes none from the server', async () => {
    standIn.forget()
    await expect(logIn(at({ tls: 'disable' }), request, limits)).rejects.toThrow(
      'the way to it is not secured',
    )
    const login = await logIn(at({ tls: 'disable', serverKey: standIn.rsaKey }), request, limits)
    expect(standIn.logins.at(-1)).toBe('full by RSA')
    sayGoodbye(login.socket)
  })

  it('stops at a server without the TLS that is demanded', async () => {
    const plain = await startStandIn({ behind: server, accounts: { app9: account }, tls: false })
    const one = access({ ...account, port: plain.port }, { tls: 'require' })
    await expect(logIn(one, request, limits)).rejects.toThrow('does not speak TLS')
    await plain.stop()
  })

  const PASSWORD = Buffer.from(account.password)
  it.each<[string, (side: Side) => Promise<boolean>, string]>([
    [
      'wants the password in the clear',
      async side => {
        side.greet()
        await side.packets.read()
        side.packets.write(Buffer.from('\xfemysql_clear_password\0', 'latin1'))
        const { body } = await side.packets.read()
        expect(body.includes(PASSWORD)).toBe(false)
        return true
      },
      'in the clear, without TLS',
    ],
    [
      'offers a key of its own',
      async side => {
        side.greet()
        await side.packets.read()
        side.packets.write(Buffer.from('\x01-----BEGIN PUBLIC KEY-----', 'latin1'))
        return true
      },
      'asks for more than its plugin does',
    ],
    [
      'asks for one plugin after another',
      async side => {
        side.greet()
        for (;;) {
          await side.packets.read()
          side.packets.write(
            Buffer.from('\xfemysql_native_password\0aaaaaaaaaaaaaaaaaaaa\0', 'latin1'),
          )
        }
      },
      'one proof after another',
    ],
    [
      'asks for a file',
      async side => {
        side.greet()
        await side.packets.read()
        side.packets.write(Buffer.from('\xfb/etc/passwd', 'latin1'))
        return true
      },
      'broke its protocol',
    ],
    [
      'greets as an old one',
      async side => {
        side.packets.write(Buffer.from('\x0a5.1.73\0', 'latin1'), 0)
        return true
      },
      'broke its protocol',
    ],
    [
      'says more than a login has',
      async side => {
        side.packets.write(Buffer.alloc(100_000, 0x0a), 0)
        return true
      },
      'broke its protocol',
    ],
  ])('leaves a server that %s', async (_, script, words) => {
    const hostile = await startStandIn({ behind: server, accounts: {}, login: script })
    const one = access({ ...account, port: hostile.port }, { tls: 'disable' })
    await expect(logIn(one, request, limits)).rejects.toThrow(words)
    await hostile.stop()
  })
})
