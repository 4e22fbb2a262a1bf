// Who calls: a bearer token, judged by the same gateway as on every wire. No cookie, no session here.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { AuthenticationFailed, type Origin, Secret } from '#model'
import type { ApiParts, Caller } from './parts.ts'

const MOST_TOKEN_BYTES = 16 * 1024

/** Throws AuthenticationFailed. */
export async function authenticate(parts: ApiParts, request: IncomingMessage): Promise<Caller> {
  const origin = originOf(request)
  const header = request.headers.authorization
  const match = header === undefined ? null : /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header)
  if (match?.[1] === undefined || match[1].length > MOST_TOKEN_BYTES) {
    parts.gateway.loginFailed(origin, 'token_required')
    throw new AuthenticationFailed('token_required', 'This needs a token.', {
      hint: 'Send it as Authorization: Bearer TOKEN (the CLI: SALLYPORT_TOKEN).',
    })
  }
  const principal = await parts.gateway.authenticate(new Secret(match[1]), origin)
  return { principal, origin }
}

/** The socket's own address: forwarding headers are claims of whoever connects, and decide nothing. */
export function originOf(request: {
  readonly socket: Socket
  readonly headers: IncomingMessage['headers']
}): Origin {
  return {
    ip: request.socket.remoteAddress ?? '0.0.0.0',
    port: request.socket.remotePort ?? 0,
    client: (request.headers['user-agent'] ?? '').slice(0, 128),
  }
}
