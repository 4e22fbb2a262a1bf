// The whole life of a client's connection: TLS, requests, and the sessions they open.
import type { Socket } from 'node:net'
import type { Gateway, ListenerSettings, Session } from '#gateway'
import { GatewayError } from '#model'
import { serveTls } from '#transport'
import { type HttpConnection, httpProtocols, schemeOf, serveHttp } from '#transport/http'
import type { Dialect } from './dialect.ts'
import { HeldBodies } from './held-bodies.ts'
import { serveRequest } from './request.ts'
import { Sessions } from './sessions.ts'
import { Upstreams } from './upstreams.ts'

const TLS_HANDSHAKE = 0x16
/** For exchanges that are under way when a connection must end. */
const GRACE_MS = 1_000

/** One per protocol: it holds the connections to upstreams. */
export class ReverseProxy {
  readonly upstreams: Upstreams
  readonly #held = new WeakMap<Gateway, HeldBodies>()

  constructor(upstreams = new Upstreams()) {
    this.upstreams = upstreams
  }

  /** Resolves when both legs are closed. Rejects for a bug of ours only. */
  async serve<Upstream>(
    socket: Socket,
    listener: ListenerSettings,
    gateway: Gateway,
    dialect: Dialect<Upstream>,
  ): Promise<void> {
    const ip = listener.tunnel?.origin.ip ?? socket.remoteAddress ?? ''
    const address = { ip, port: socket.remotePort ?? 0 }
    const first = await firstBytes(socket, gateway.limits.loginMs)
    if (first === undefined) return
    const secure = first[0] === TLS_HANDSHAKE
    if (!secure && !listener.allowPlaintext) {
      gateway.loginFailed({ ...address, client: '' }, 'plaintext_refused')
      return refusePlaintext(socket, dialect)
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
    const sessions = new Sessions({ gateway, dialect, listener, origin: address, certificate })
    const failures: unknown[] = []
    const served = {
      dialect,
      sessions,
      held: this.#heldBy(gateway),
      upstreams: this.upstreams,
      onTrouble: (session: Session, error: GatewayError) => gateway.upstreamFailed(session, error),
      ip,
      scheme: schemeOf(secure),
      onExhausted: () => void connection.close(GRACE_MS),
      onBug: (error: unknown) => void failures.push(error),
    } as const
    const connection: HttpConnection = serveHttp(open, {
      limits: dialect.limits,
      onExchange: exchange => serveRequest(exchange, served),
      refuse: error => dialect.denial(error),
      onFailure: error => failures.push(error),
    })
    await connection.closed
    await sessions.close('client_left')
    // A bug of ours: the caller logs it.
    if (failures.length > 0) throw failures[0]
  }

  #heldBy(gateway: Gateway): HeldBodies {
    const known = this.#held.get(gateway) ?? new HeldBodies(() => gateway.limits)
    this.#held.set(gateway, known)
    return known
  }
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

function refusePlaintext(socket: Socket, dialect: Pick<Dialect<never>, 'denial'>): void {
  const { head, body } = dialect.denial(
    new GatewayError('plaintext_refused', 'this port speaks TLS only: use https://'),
  )
  const type = head.fields.get('content-type') ?? 'text/plain'
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
  setTimeout(() => socket.destroy(), GRACE_MS).unref()
}
