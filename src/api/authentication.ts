// Who calls: a bearer token, or a browser's cookie that holds one, judged by the same gateway as on every wire.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { AuthenticationFailed, isGatewayError, type Origin, type Principal, Secret } from '#model'
import { cookieOf, refuseOtherSites, SIGN_IN_COOKIE } from './cookies.ts'
import type { ApiParts, Caller } from './parts.ts'

const MOST_TOKEN_BYTES = 16 * 1024

/**
 * Who a page is shown to: pages are reached from other sites too (the issuer sends people here), and show or do
 * nothing by themselves. Undefined: nobody, or nobody any more.
 */
export async function visitor(
  parts: ApiParts,
  request: IncomingMessage,
): Promise<Principal | undefined> {
  const token = cookieOf(request, SIGN_IN_COOKIE)
  if (token === undefined) return undefined
  try {
    return await parts.gateway.authenticate(new Secret(token), originOf(request))
  } catch (error) {
    if (!isGatewayError(error)) throw error
    // Safe: they are treated as nobody, and asked to sign in.
    return undefined
  }
}

/** Throws AuthenticationFailed. */
export async function authenticate(parts: ApiParts, request: IncomingMessage): Promise<Caller> {
  const origin = originOf(request)
  const header = request.headers.authorization
  if (header === undefined) {
    const token = cookieOf(request, SIGN_IN_COOKIE)
    if (token !== undefined) {
      refuseOtherSites(request)
      return { principal: await parts.gateway.authenticate(new Secret(token), origin), origin }
    }
  }
  const match = header === undefined ? null : /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(header)
  if (match?.[1] === undefined || match[1].length > MOST_TOKEN_BYTES) {
    parts.gateway.loginFailed(origin, 'token_required')
    throw new AuthenticationFailed('token_required', 'This needs a token.', {
      hint: 'Sign in (sallyport login), or send a token as Authorization: Bearer TOKEN (the CLI: SALLYPORT_TOKEN).',
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
