// `sallyport connect`: a byte stream to a resource inside the API's own TLS, for a caller who has proved
// who it is. The protocol serves it like any other connection; only the login is done already.
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import { AccessDenied } from '#model'
import { authenticate, originOf } from './authentication.ts'
import type { ApiParts } from './parts.ts'
import { problemOf } from './problem.ts'

/** The token of the HTTP Upgrade header. */
const UPGRADE = 'sallyport-tunnel'
/** After a stop: what sessions need to say their last word. */
const LAST_WORDS_MS = 2_000

export interface Tunnels {
  /** Takes no more; ends those that are open. */
  close(): void
}

export function serveTunnels(server: Server, parts: ApiParts): Tunnels {
  const open = new Set<Socket>()
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    // A peer may reset at any time: never an uncaught error.
    socket.on('error', () => socket.destroy())
    openTunnel(parts, request, socket, head).catch(error => {
      const problem = problemOf(error)
      if (problem.code === 'internal') parts.log.error({ err: error }, 'tunnel.failed')
      const body = JSON.stringify(problem)
      socket.end(
        `HTTP/1.1 ${problem.status} Refused\r\nContent-Type: application/problem+json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      )
      // Whoever does not read the refusal is not waited for.
      setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref()
    })
  })
  return {
    close() {
      const end = setTimeout(() => {
        for (const socket of open) socket.destroy()
      }, LAST_WORDS_MS)
      end.unref()
    },
  }
}

async function openTunnel(
  parts: ApiParts,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const name = /^\/api\/connect\/([a-z0-9][a-z0-9._-]{0,62})$/.exec(request.url ?? '')?.[1]
  const { principal } = await authenticate(parts, request)
  const origin = originOf({ socket, headers: request.headers })
  const resource = name === undefined ? undefined : parts.inventory.get(name)
  const protocol = parts.protocols.find(each => each.name === resource?.protocol)
  if (
    request.method !== 'GET' ||
    request.headers.upgrade !== UPGRADE ||
    resource === undefined ||
    protocol === undefined ||
    // The protocol's own `open` decides again; here it spares the client a login that leads nowhere.
    !parts.gateway.rights.mayConnect(principal, resource, origin)
  ) {
    throw new AccessDenied('resource_unknown', 'There is no such resource that you may connect to.')
  }
  // Bytes that came with the request would be ambiguous: nothing was agreed yet.
  if (head.length > 0)
    throw new AccessDenied('protocol_violation', 'Bytes came before the tunnel was open.')
  if (socket.destroyed) return
  socket.setTimeout(0)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${UPGRADE}\r\n\r\n`,
  )
  const listener = {
    host: '',
    port: 0,
    allowPlaintext: true,
    tunnel: { principal, resource: resource.name, origin },
  }
  protocol.serve(socket, listener, parts.gateway).catch(error => {
    // A bug of ours: this connection ends, and the operator hears of it.
    parts.log.error({ err: error }, 'tunnel.failed')
    socket.destroy()
  })
}
