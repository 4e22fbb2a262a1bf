// For tests of the relay against real servers: a listener that lets every client in and relays it, with the
// real upstream login and the real catalog, and a session that decides by a function of the test.
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { CloseReason } from '#model'
import { createCatalogs } from './catalogs.ts'
import { B, message, parameterStatus, readyForQuery } from './messages.ts'
import { relay } from './relay.ts'
import {
  analyser,
  type SessionDouble,
  type SessionOptions,
  sessionDouble,
} from './relay-doubles.ts'
import { fakeSession } from './test-doubles.ts'
import { logIn } from './upstream.ts'

/** Where the real server is; it takes the password. */
export interface UpstreamServer {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface RelayListener {
  readonly port: number
  readonly sessions: SessionDouble[]
  readonly ended: CloseReason[]
  /** What a relay rejected with: a bug. */
  readonly bugs: unknown[]
  close(): Promise<void>
}

const LIMITS = {
  messageBytes: 64 << 20,
  heldBodyBytes: 1 << 28,
  bodyBytesPerSecond: 0,
  loginMs: 5_000,
  upstreamLoginMs: 5_000,
}

export async function relayListener(
  pg: UpstreamServer,
  options: SessionOptions = {},
): Promise<RelayListener> {
  const catalogs = createCatalogs(() => performance.now())
  const sockets = new Set<Socket>()
  const cancels = new Map<string, () => void>()
  const sessions: SessionDouble[] = []
  const ended: CloseReason[] = []
  const bugs: unknown[] = []
  let number = 0

  async function serve(client: Socket): Promise<void> {
    client.setNoDelay(true)
    const packet = await startupOf(client)
    if (packet.readUInt32BE(4) === 80877102) {
      cancels.get(packet.toString('hex', 8))?.()
      client.destroy()
      return
    }
    const login = fakeSession(
      { host: pg.host, port: pg.port, database: pg.database, tls: 'disable' },
      { user: pg.user, secrets: { password: pg.password } },
    )
    const { catalog, leave } = catalogs.join(login, pg.database, LIMITS)
    const [upstream] = await Promise.all([
      logIn(login, { database: pg.database, settings: new Map(), applicationName: 'test' }, LIMITS),
      catalog.fresh(),
    ])
    const session = sessionDouble(options)
    sessions.push(session)
    const key = Buffer.alloc(8)
    key.writeUInt32BE(++number)
    let onCancel = (): void => {}
    cancels.set(key.toString('hex'), () => {
      onCancel()
      upstream.cancel().catch(() => {})
    })
    const greeting = [
      message(B.authentication, writer => writer.int32(0)),
      ...[...upstream.parameterStatuses].map(([name, value]) => parameterStatus(name, value)),
      message(B.backendKeyData, writer => writer.bytes(key)),
      readyForQuery('I'),
    ]
    client.write(Buffer.concat(greeting))
    try {
      ended.push(
        await relay({
          client,
          clientRest: new Uint8Array(0),
          upstream: upstream.socket,
          upstreamRest: upstream.rest,
          session,
          catalog,
          analyser: await analyser(),
          limits: LIMITS,
          searchPath: catalog.searchPath,
          cancelUpstream: () => upstream.cancel().catch(() => {}),
          onCancelRequest: listener => {
            onCancel = listener
          },
        }),
      )
    } finally {
      leave()
    }
  }

  const server = createServer(client => {
    sockets.add(client)
    client.on('error', () => {})
    client.on('close', () => sockets.delete(client))
    serve(client).catch(error => {
      bugs.push(error)
      client.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    sessions,
    ended,
    bugs,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The StartupMessage or CancelRequest; TLS is declined. */
async function startupOf(client: Socket): Promise<Buffer> {
  for (;;) {
    const [chunk] = (await once(client, 'data')) as [Buffer]
    if (chunk.readUInt32BE(4) !== 80877103) {
      client.pause()
      client.removeAllListeners('data')
      return chunk
    }
    client.write('N')
  }
}
