// `sallyport connect`: a byte stream to a resource inside the API's own TLS, for a caller who has proved
// who it is. The protocol serves it like any other connection; only the login is done already.
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { AccessDenied } from '#model'
import { authenticate, originOf } from './authentication.ts'
import type { ApiParts } from './parts.ts'
import { problemOf } from './problem.ts'

/** The token of the HTTP Upgrade header. */
const UPGRADE = 'sallyport-tunnel'

export function serveTunnels(server: Server, parts: ApiParts): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // A peer may reset at any time: never an uncaught error.
    socket.on('error', () => socket.destroy())
    open(parts, request, socket, head).catch(error => {
      const problem = problemOf(error)
      const body = JSON.stringify(problem)
      socket.end(
        `HTTP/1.1 ${problem.status} Refused\r\nContent-Type: application/problem+json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      )
    })
  })
}

async function open(
  parts: ApiParts,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const name = /^\/api\/connect\/([a-z0-9][a-z0-9._-]{0,62})$/.exec(request.url ?? '')?.[1]
  const { principal } = await authenticate(parts, request)
  const resource = name === undefined ? undefined : parts.inventory.get(name)
  const protocol = parts.protocols.find(each => each.name === resource?.protocol)
  if (request.headers.upgrade !== UPGRADE || resource === undefined || protocol === undefined) {
    throw new AccessDenied('resource_unknown', 'There is no such resource that you may connect to.')
  }
  // Bytes that came with the request would be ambiguous: nothing was agreed yet.
  if (head.length > 0)
    throw new AccessDenied('protocol_violation', 'Bytes came before the tunnel was open.')
  socket.setTimeout(0)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${UPGRADE}\r\n\r\n`,
  )
  const origin = originOf({ socket, headers: request.headers })
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
