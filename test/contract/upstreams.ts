// What stands behind the gateway when a protocol is put through the contract suite. The one place of the
// suite that knows more than a harness tells: how a server of each kind is started.
import { connect, createServer, type Socket } from 'node:net'
import { startPostgres } from '../servers/postgres.ts'

export interface Upstream {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  stop(): Promise<void>
}

/** Protocol name to the real server behind it, prepared with the harness's `setup`. */
export const upstreams: Readonly<Record<string, (setup: string) => Promise<Upstream>>> = {
  postgres: setup => startPostgres({ version: 18, database: 'contract', init: setup }),
}

export interface Tap {
  readonly port: number
  /** Called with the bytes of the gateway, before they go on to the upstream. */
  onForward: (bytes: Buffer) => void
  stop(): Promise<void>
}

/** A wire-tap between the gateway and its upstream. */
export async function startTap(upstream: { port: number }): Promise<Tap> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    const onward = connect(upstream.port, '127.0.0.1')
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    socket.on('data', bytes => {
      tap.onForward(Buffer.from(bytes))
      onward.write(bytes)
    })
    onward.on('data', bytes => socket.write(bytes))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const tap: Tap = {
    port: typeof address === 'object' && address ? address.port : 0,
    onForward: () => {},
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return tap
}
