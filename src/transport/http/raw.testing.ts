// Raw bytes to a front and from it, for tests.
import { connect, type Socket } from 'node:net'
import { listen } from '#transport'
import type { Exchange, HttpConnection, ServeHttpOptions } from './exchange.ts'
import { serveHttp } from './serve.ts'

export interface Front {
  readonly port: number
  readonly failures: unknown[]
  readonly connections: HttpConnection[]
  close(): Promise<void>
}

export async function startFront(
  onExchange: (exchange: Exchange) => void | Promise<void>,
  options: Partial<ServeHttpOptions> = {},
): Promise<Front> {
  const failures: unknown[] = []
  const connections: HttpConnection[] = []
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    maxConnections: 1_000,
    onConnection: socket => {
      const onFailure = (error: unknown): number => failures.push(error)
      const connection = serveHttp(socket, { onExchange, onFailure, ...options })
      connections.push(connection)
      connection.closed.then(() => connections.splice(connections.indexOf(connection), 1))
    },
  })
  return { port: listener.port, failures, connections, close: () => listener.close() }
}

/** A client that says what it is told to, and keeps what it hears. */
export class RawClient {
  readonly socket: Socket
  heard = ''
  closed = false
  #waiting: (() => void) | undefined

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.socket.on('data', chunk => {
      this.heard += chunk.toString('latin1')
      this.#waiting?.()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.closed = true
      this.#waiting?.()
    })
  }

  send(text: string | Uint8Array): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }

  /** Until what was heard matches; throws when the connection ends without it. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      if (pattern.test(this.heard)) return this.heard
      if (this.closed) throw new Error(`closed after ${JSON.stringify(this.heard)}`)
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
    }
  }

  /** All that was heard until the connection ended. */
  async end(): Promise<string> {
    while (!this.closed)
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
    return this.heard
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** Until it is so; whoever waits in vain is ended by the test's own time. */
export async function becomes(ask: () => boolean): Promise<void> {
  while (!ask()) await new Promise(resolve => setTimeout(resolve, 2))
}
