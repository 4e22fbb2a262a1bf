// HTTP: the room's door. `serve` is the whole life of a client's connection: TLS, requests, and the sessions they open.
import type { Socket } from 'node:net'
import { httpStatement, readRequestText } from '#engines/http'
import type { Gateway, ListenerSettings, Protocol, Session } from '#gateway'
import { GatewayError, type Resource, type Statement } from '#model'
import { serveTls } from '#transport'
import { type HttpConnection, httpProtocols, serveHttp } from '#transport/http'
import { connectHint, environment, toolArguments } from './connect-hint.ts'
import { denial } from './denial.ts'
import { HeldBodies } from './held-bodies.ts'
import { AccessTokens, oauthSettings } from './oauth.ts'
import { checkDocument, Readings } from './reading.ts'
import { serveRequest } from './request.ts'
import { Sessions } from './sessions.ts'
import { type HttpSettings, httpSettings, oneOf, secretFields } from './settings.ts'
import { Upstreams } from './upstreams.ts'

export type { HttpSettings } from './settings.ts'

const TLS_HANDSHAKE = 0x16
/** For exchanges that are under way when a connection must end. */
const GRACE_MS = 1_000

/** The protocol. One per process: it holds the connections to upstreams, and what is known of their APIs. */
export function createHttp(): Protocol<HttpSettings> {
  const readings = new Readings()
  const upstreams = new Upstreams()
  const tokens = new AccessTokens(upstreams)

  const held = new WeakMap<Gateway, HeldBodies>()
  function heldBy(gateway: Gateway): HeldBodies {
    const known = held.get(gateway) ?? new HeldBodies(() => gateway.limits)
    held.set(gateway, known)
    return known
  }

  async function serve(
    socket: Socket,
    listener: ListenerSettings,
    gateway: Gateway,
  ): Promise<void> {
    const ip = listener.tunnel?.origin.ip ?? socket.remoteAddress ?? ''
    const address = { ip, port: socket.remotePort ?? 0 }
    const first = await firstBytes(socket, gateway.limits.loginMs)
    if (first === undefined) return
    const secure = first[0] === TLS_HANDSHAKE
    if (!secure && !listener.allowPlaintext) {
      gateway.loginFailed({ ...address, client: '' }, 'plaintext_refused')
      return refusePlaintext(socket)
    }
    let open: Socket = socket
    let certificate: Uint8Array | undefined
    if (secure) {
      try {
        const { context, asking } = gateway.tls()
        const tls = await serveTls(socket, asking ?? context, {
          peeked: first,
          asksCertificate: asking !== undefined,
          alpn: httpProtocols,
          timeoutMs: gateway.limits.loginMs,
        })
        certificate = tls.getPeerX509Certificate()?.raw
        open = tls
      } catch {
        // Safe: nobody was let in; the socket is destroyed by then. Port scans and old clients end here.
        return
      }
    } else socket.unshift(first)
    const sessions = new Sessions({
      gateway,
      protocol,
      listener,
      origin: address,
      tokens,
      certificate,
    })
    const scheme = secure ? 'https' : 'http'
    const failures: unknown[] = []
    const served = {
      sessions,
      readings,
      held: heldBy(gateway),
      upstreams,
      onTrouble: (session: Session, error: GatewayError) => gateway.upstreamFailed(session, error),
      ip,
      scheme,
      onExhausted: () => void connection.close(GRACE_MS),
      onBug: (error: unknown) => void failures.push(error),
    } as const
    const connection: HttpConnection = serveHttp(open, {
      // Each resource says whether it takes them.
      limits: { encodedSlash: true },
      onExchange: exchange => serveRequest(exchange, served),
      refuse: denial,
      onFailure: error => failures.push(error),
    })
    await connection.closed
    await sessions.close('client_left')
    // A bug of ours: the caller logs it.
    if (failures.length > 0) throw failures[0]
  }

  const protocol: Protocol<HttpSettings> = {
    name: 'http',
    label: 'HTTP',
    defaultPort: 18443,
    settings: httpSettings,
    secretFields,
    checkFiles: checkDocument,
    oneOf,
    credentialMaps: { oauth: oauthSettings },
    recording: 'exchanges',
    connectHint,
    tool: { command: ['curl'], environment, arguments: toolArguments },
    read: async text => statementOf(text),
    async readAt(text, { upstream }: Resource<HttpSettings>) {
      return httpStatement(readRequestText(text), await readings.of(upstream))
    },
    serve,
  }
  return protocol
}

/** By its path: without a resource there is no document to look into. */
function statementOf(text: string): Statement {
  return httpStatement(readRequestText(text), { routes: undefined, unknown: 'path' })
}

/** What comes first, to tell TLS from a request; undefined: nobody says anything. */
function firstBytes(socket: Socket, timeoutMs: number): Promise<Buffer | undefined> {
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      socket.destroy()
      settle(undefined)
    }, timeoutMs)
    const readable = () => {
      const chunk: Buffer | null = socket.read()
      if (chunk !== null && chunk.length > 0) settle(chunk)
    }
    const closed = () => settle(undefined)
    function settle(bytes: Buffer | undefined): void {
      clearTimeout(timer)
      socket.off('readable', readable)
      socket.off('close', closed)
      socket.off('end', closed)
      resolve(bytes)
    }
    socket.on('readable', readable)
    socket.once('close', closed)
    socket.once('end', closed)
    readable()
  })
}

function refusePlaintext(socket: Socket): void {
  const { body } = denial(
    new GatewayError('plaintext_refused', 'this port speaks TLS only: use https://'),
  )
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
  setTimeout(() => socket.destroy(), GRACE_MS).unref()
}
