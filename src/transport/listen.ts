// Accepts TCP connections, within bounds. Knows nothing of what is spoken on them.
// One connection's failure, or a shortage of descriptors, never ends the listener.
import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import { cannotListen } from '#model'

/** Idle time before the kernel probes a silent peer, in ms. */
const KEEP_ALIVE_MS = 60_000
const BACKLOG = 511

export interface ListenOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Serves one connection. Whatever it throws ends that connection alone, and goes to `onFailure`. */
  readonly onConnection: (socket: Socket) => void | Promise<void>
  readonly maxConnections: number
  /** Connections at once from one address (IPv6: one /64). */
  readonly perIpLimit?: number
  /** Several processes on one port (Linux). */
  readonly reusePort?: boolean
  /** A bug in serving (`connection`), or the kernel's refusal to accept (`accept`). Never a secret. */
  readonly onFailure?: (where: 'connection' | 'accept', error: unknown) => void
  /** A connection that was closed at once because a bound was reached. */
  readonly onRefused?: (why: 'max_connections' | 'per_ip') => void
}

export interface Listener {
  readonly host: string
  readonly port: number
  readonly connections: number
  /** Accepts no more; ends what is still open after `graceMs`. Resolves when all are closed. */
  close(graceMs?: number): Promise<void>
}

/** Throws ConfigurationError when the address cannot be listened on. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const open = new Set<Socket>()
  const perIp = new Map<string, number>()

  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  })
  server.on('connection', socket => {
    // A peer may reset at any time, also between two owners of the socket: never an uncaught error.
    socket.on('error', () => {})
    const group = addressGroup(socket.remoteAddress)
    const fromThere = perIp.get(group) ?? 0
    const full = open.size >= options.maxConnections
    if (full || (options.perIpLimit !== undefined && fromThere >= options.perIpLimit)) {
      socket.resetAndDestroy()
      options.onRefused?.(full ? 'max_connections' : 'per_ip')
      return
    }
    open.add(socket)
    perIp.set(group, fromThere + 1)
    socket.once('close', () => {
      open.delete(socket)
      const left = (perIp.get(group) ?? 1) - 1
      if (left > 0) perIp.set(group, left)
      else perIp.delete(group)
    })
    serve(socket)
  })

  async function serve(socket: Socket): Promise<void> {
    try {
      await options.onConnection(socket)
    } catch (error) {
      // A bug of ours in serving this connection: it ends, the others and the listener go on.
      socket.destroy()
      options.onFailure?.('connection', error)
    }
  }

  await bind(server, options)
  // From here on an error is a failed accept (EMFILE, ENFILE, ECONNABORTED): libuv sheds the
  // connection and goes on accepting, so there is nothing to do but to say so.
  server.on('error', error => options.onFailure?.('accept', error))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port

  return {
    host: options.host,
    port,
    get connections() {
      return open.size
    },
    async close(graceMs = 0) {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      const end = () => {
        for (const socket of open) socket.destroy()
      }
      const timer = graceMs > 0 ? setTimeout(end, graceMs) : undefined
      if (timer === undefined) end()
      await closed
      clearTimeout(timer)
    },
  }
}

function bind(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(cannotListen(options.host, options.port, error))
    server.once('error', failed)
    const { host, port, reusePort = false } = options
    server.listen({ host, port, reusePort, backlog: BACKLOG }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

/** One customer of the address space: an IPv4 address, or an IPv6 /64. */
export function addressGroup(address: string | undefined): string {
  if (address === undefined) return ''
  const mapped = address.startsWith('::ffff:') && address.includes('.')
  if (mapped) return address.slice(7)
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  const groups = address.includes('::') ? [...left, ...zeros, ...right] : left
  return groups.slice(0, 4).join(':')
}
