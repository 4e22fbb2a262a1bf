import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect as connectTcp, createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client, type ClientConfig } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ListenerSettings, Protocol, Session } from '#gateway'
import { AccessDenied, type CloseReason } from '#model'
import {
  hasPostgres,
  nativeBin,
  type PostgresServer,
  runs,
  startPostgres,
} from '../../../test/servers/postgres.ts'
import { within } from '../../../test/servers/programs.ts'
import { createPostgres, type PostgresSettings } from './index.ts'
import { cancelRequest } from './messages.ts'
import {
  alice,
  CREDENTIAL,
  CREDENTIAL_SECRET,
  type FakeGateway,
  fakeGateway,
  fakeSession,
  TOKEN,
} from './test-doubles.ts'

const run = promisify(execFile)
const psql = '/usr/bin/psql'

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`a connection to PostgreSQL ${version}`, () => {
    let upstream: PostgresServer
    let gateway: FakeGateway
    let protocol: Protocol<PostgresSettings>
    let server: Server
    let port = 0
    let tunnel: ListenerSettings['tunnel']
    let sessions: { session: Session<PostgresSettings>; closed: CloseReason | undefined }[] = []
    const bugs: unknown[] = []

    beforeAll(async () => {
      upstream = await startPostgres({
        version,
        init: "create table t(a int, b text); insert into t select g, 'x' from generate_series(1, 1000) g; grant all on t to public",
      })
      gateway = await fakeGateway()
      protocol = createPostgres()
      const opening = {
        ...gateway,
        async open(
          _principal: unknown,
          _protocol: unknown,
          resource: string,
          _origin: unknown,
          begin?: (session: never) => void,
        ) {
          if (resource !== 'shop') throw new AccessDenied('no_permit', 'no policy lets you in')
          const { host, port: upstreamPort, user, password } = upstream
          const session = fakeSession(
            { host, port: upstreamPort, databases: ['postgres'] },
            { user, secrets: { password } },
          )
          const entry: (typeof sessions)[number] = { session, closed: undefined }
          sessions.push(entry)
          const close = session.close
          session.close = async reason => {
            entry.closed ??= reason
            await close(reason)
          }
          begin?.(session as never)
          return session as never
        },
      }
      server = createServer(socket => {
        const listener = {
          host: '127.0.0.1',
          port,
          allowPlaintext: false,
          ...(tunnel === undefined ? {} : { tunnel }),
        }
        protocol.serve(socket, listener, opening).catch(error => bugs.push(error))
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      port = typeof address === 'object' && address !== null ? address.port : 0
    })
    afterAll(async () => {
      server.close()
      gateway.close()
      await upstream.stop()
    })
    afterEach(() => {
      expect(bugs).toEqual([])
      sessions = []
      tunnel = undefined
    })

    const client = (more: ClientConfig = {}) => {
      const made = new Client({
        host: 'localhost',
        port,
        user: 'anything',
        password: TOKEN,
        database: 'shop',
        ssl: { ca: gateway.ca },
        ...more,
      })
      made.on('error', () => {}) // sessions are ended under it
      return made
    }

    it('goes from a token to rows and back to nothing', async () => {
      const first = client()
      await first.connect()
      expect((await first.query('select count(*)::int as n from t')).rows).toEqual([{ n: 1000 }])
      expect((await first.query('select a from t where a = $1', [7])).rows).toEqual([{ a: 7 }])
      const [shown] = (await first.query("select current_setting('application_name') as name")).rows
      expect(shown?.name).toMatch(/^sallyport:test:alice:[0-9a-f-]{36}$/)
      await first.end()
      await expect.poll(() => sessions[0]?.closed).toBe('client_left')
    })

    it('lets a credential in, with settings of the client', async () => {
      const second = client({
        user: CREDENTIAL,
        password: CREDENTIAL_SECRET,
        options: '-c TimeZone=Asia/Tokyo -c search_path=pg_catalog',
      })
      await second.connect()
      expect((await second.query('show timezone')).rows).toEqual([{ TimeZone: 'Asia/Tokyo' }])
      await second.end()
    })

    it.skipIf(!existsSync(psql))('serves psql: \\d, \\dt and a script', async () => {
      const line = `host=localhost hostaddr=127.0.0.1 port=${port} dbname=shop user=x sslmode=require`
      const { stdout } = await run(
        psql,
        [
          '-X',
          '-v',
          'ON_ERROR_STOP=1',
          '-c',
          '\\d t',
          '-c',
          '\\dt',
          '-c',
          'select sum(a) from t',
          line,
        ],
        { env: { PGPASSWORD: TOKEN } },
      )
      expect(stdout).toContain('public.t')
      expect(stdout).toContain('500500')
    })

    it.skipIf(!existsSync(psql) || version !== 18)(
      'serves libpq 18: protocol 3.2 with long cancel keys, direct TLS, a newer version negotiated down',
      async () => {
        const libraries = join(dirname(nativeBin(18)), 'lib')
        for (const more of [
          'max_protocol_version=3.2',
          'sslnegotiation=direct',
          'max_protocol_version=latest',
        ]) {
          const line = `host=localhost hostaddr=127.0.0.1 port=${port} dbname=shop user=x sslmode=require ${more}`
          const environment = { PGPASSWORD: TOKEN, LD_LIBRARY_PATH: libraries }
          const { stdout } = await run(psql, ['-X', '-At', '-c', 'select sum(a) from t', line], {
            env: environment,
          })
          expect(stdout.trim()).toBe('500500')
        }
      },
    )

    it('opens another database of the resource when the settings allow it', async () => {
      const other = client({ database: 'shop/postgres' })
      await other.connect()
      expect((await other.query('select current_database() as d')).rows).toEqual([
        { d: 'postgres' },
      ])
      await other.end()
      await expect(client({ database: 'shop/template1' }).connect()).rejects.toMatchObject({
        code: '3D000',
      })
    })

    it('refuses in the words of the gateway', async () => {
      await expect(client({ database: 'hr' }).connect()).rejects.toMatchObject({
        severity: 'FATAL',
        code: '42501',
        message: 'no policy lets you in',
        routine: 'no_permit',
      })
    })

    it('routes a cancel request by our own key, and forgets it with the session', async () => {
      const busy = client()
      await busy.connect()
      const { processID, secretKey } = busy as unknown as { processID: number; secretKey: number }
      const key = Buffer.alloc(4)
      key.writeInt32BE(secretKey)
      const [row] = (await busy.query('select pg_backend_pid() as pid')).rows
      expect(row?.pid).not.toBe(processID)
      const ask = (bytes: Uint8Array) =>
        new Promise(resolve =>
          connectTcp(port, '127.0.0.1')
            .on('error', () => {})
            .once('close', resolve)
            .resume()
            .end(bytes),
        )
      const sleeping = busy.query('select pg_sleep(20)')
      const refused = expect(sleeping).rejects.toMatchObject({ code: '57014' })
      await runs(upstream, '%pg_sleep(20)')
      await ask(cancelRequest(processID, Buffer.alloc(4, 1)))
      await ask(cancelRequest(processID, key))
      await refused
      await busy.end()
    })

    it('ends when its identity does, and says why', async () => {
      const ending = client()
      await ending.connect()
      const failed = new Promise<{ code?: string }>(resolve => ending.once('error', resolve))
      await sessions[0]?.session.close('identity_ended')
      expect(await failed).toMatchObject({ code: '57P01', routine: 'identity_ended' })
    })

    it('stops what runs upstream when it is ended', async () => {
      const busy = client()
      await busy.connect()
      busy.query('/* stop me */ select pg_sleep(30)').catch(() => {}) // the session ends under it
      const running = async () =>
        (
          await upstream.query(
            "select from pg_stat_activity where state = 'active' and query like '/* stop me%'",
          )
        ).length
      await expect.poll(running).toBe(1)
      await sessions[0]?.session.close('ended_by_operator')
      const asked = performance.now()
      await expect.poll(running).toBe(0)
      within(2_000, performance.now() - asked)
    })

    it('takes the word of a tunnel for who it is, for its one resource, in the clear', async () => {
      tunnel = {
        principal: alice,
        resource: 'shop',
        origin: { ip: '10.1.2.3', port: 7, client: 'cli' },
      }
      const environment = protocol.tool.environment({
        host: 'localhost',
        port,
        resource: 'shop',
        ca: '',
      })
      const inside = client({
        user: environment['PGUSER'],
        password: undefined,
        database: environment['PGDATABASE'],
        ssl: false,
      })
      await inside.connect()
      await inside.query('select')
      await inside.end()
      await expect(client({ database: 'hr', ssl: false }).connect()).rejects.toMatchObject({
        code: '3D000',
      })
      const unnamed = client({ user: 'osuser', database: 'osuser', ssl: false })
      await expect(unnamed.connect()).rejects.toThrow(/opens shop only/)
    })

    it('reads a statement alone, for "policy why"', async () => {
      const { operations } = await protocol.read('delete from t')
      expect(operations[0]).toMatchObject({ action: 'write', object: { name: 'public.t' } })
      await expect(protocol.read('nonsense')).rejects.toMatchObject({
        code: 'statement_unreadable',
      })
    })

    it('outlives its upstream: a clear error then, service again afterwards', async () => {
      const cut = client()
      await cut.connect()
      const failed = new Promise<{ code?: string }>(resolve => cut.once('error', resolve))
      await upstream.kill()
      expect(['08006', '57P01', '57P02']).toContain((await failed).code)
      await expect(client().connect()).rejects.toMatchObject({
        code: '08001',
        routine: 'upstream_unreachable',
      })
      await upstream.start()
      const again = client()
      await again.connect()
      expect((await again.query('select count(*)::int as n from t')).rows).toEqual([{ n: 1000 }])
      await again.end()
    })
  })
}
