import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret, UpstreamError } from '#model'
import { type MariadbServer, startMariadb } from '../../../test/servers/mariadb.ts'
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
    const started = performance.now()
    const slow = questions.ask('select sleep(20)')
    await new Promise(resolve => setTimeout(resolve, 200))
    await login.cancel()
    // (MariaDB tells SLEEP apart from a statement: interrupted, it answers 1.)
    await slow.catch(() => {})
    expect(performance.now() - started).toBeLessThan(5_000)
    questions.detach()
    sayGoodbye(login.socket)
  })
})
