// A client's connection, once it is open and encrypted: which HTTP it speaks, and whoever serves that.
import type { Duplex } from 'node:stream'
import { ClientConnection } from './client-connection.ts'
import type { HttpConnection, ServeHttpOptions } from './exchange.ts'
import { defaultLimits } from './limits.ts'

/**
 * Takes the socket over: no other listener for its data may be there. HTTP/2 when ALPN settled on it. Owners watch `closed`.
 */
export function serveHttp(socket: Duplex, options: ServeHttpOptions): HttpConnection {
  const limits = { ...defaultLimits, ...options.limits }
  return new ClientConnection(socket, limits, options)
}
