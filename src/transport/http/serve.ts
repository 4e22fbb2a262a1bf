// A client's connection, once it is open and encrypted: which HTTP it speaks, and whoever serves that.
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { ClientConnection } from './client-connection.ts'
import type { HttpConnection, ServeHttpOptions } from './exchange.ts'
import { Http2Connection } from './http2-connection.ts'
import { defaultLimits } from './limits.ts'

/** What `serveTls` offers as `alpn`, in our order. */
export const httpProtocols = ['h2', 'http/1.1'] as const

/**
 * Takes the socket over: no other listener for its data may be there. HTTP/2 when ALPN settled on it, or `options.version` says so.
 * Owners watch `closed`.
 */
export function serveHttp(socket: Duplex, options: ServeHttpOptions): HttpConnection {
  const limits = { ...defaultLimits, ...options.limits }
  const settled = socket instanceof TLSSocket && socket.alpnProtocol === 'h2' ? '2' : '1'
  return (options.version ?? settled) === '2'
    ? new Http2Connection(socket, limits, options)
    : new ClientConnection(socket, limits, options)
}
