// Turns an open TCP connection to TLS, in band, on either side. Knows no wire that does so.
// Bytes that came before the handshake and are used after it are an injection (CVE-2021-23214, -23222,
// CVE-2021-3935): whatever is buffered at the turn ends the connection.
//
// How to hand a socket over: take your `data` and `readable` listeners off, read nothing more, and call in
// the same turn of the event loop. From then on only the TLSSocket may be used; ending it ends the socket.
import { isIP, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type SecureContext,
  TLSSocket,
} from 'node:tls'
import { ProtocolError, UpstreamError } from '#model'

export type TlsMode =
  /** The chain and the name. */
  | 'verify-full'
  /** The chain only. */
  | 'verify-ca'
  /** Neither: encrypts against listeners, not against somebody in the middle. */
  | 'require'

export interface UpgradeOptions {
  readonly mode: TlsMode
  /** The name or address that the certificate must carry. */
  readonly servername: string
  /** PEM. Without it the roots that ship with Node. */
  readonly ca?: string
  /** PEM: a client certificate and its key. */
  readonly cert?: string
  readonly key?: string
  readonly alpn?: readonly string[]
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** The client's part, towards an upstream. Throws UpstreamError; the socket is then destroyed. */
export async function upgradeToTls(socket: Socket, options: UpgradeOptions): Promise<TLSSocket> {
  if (socket.readableLength > 0) {
    socket.destroy()
    throw new UpstreamError('upstream_refused', 'the resource sent data ahead of the TLS handshake')
  }
  socket.pause()
  const { mode, servername, ca, cert, key, alpn } = options
  const settings: ConnectionOptions = {
    socket,
    host: servername,
    // RFC 6066 section 3: no address in SNI. `host` still is what the certificate is checked against.
    ...(isIP(servername) === 0 ? { servername } : {}),
    rejectUnauthorized: mode !== 'require',
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
  }
  let tls: TLSSocket
  try {
    tls = connect({ ...settings, secureContext: contextOf(ca, cert, key) })
  } catch (error) {
    // A CA, certificate or key that is not PEM throws at once.
    socket.destroy()
    throw new UpstreamError(
      'upstream_unreachable',
      'the TLS settings of the resource do not hold',
      {
        cause: error,
      },
    )
  }
  try {
    await handshake(tls, 'secureConnect', options)
    return tls
  } catch (error) {
    tls.destroy()
    socket.destroy()
    throw new UpstreamError('upstream_unreachable', upstreamMessage(error), { cause: error })
  }
}

/** By CA: reading one costs as much as a handshake. Contexts with a client's key are not kept. */
const trusting = new Map<string, SecureContext>()
const MOST_KEPT = 64

function contextOf(ca?: string, cert?: string, key?: string): SecureContext {
  const known = cert === undefined && key === undefined ? trusting.get(ca ?? '') : undefined
  if (known !== undefined) return known
  const context = createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  })
  if (cert === undefined && key === undefined) {
    if (trusting.size >= MOST_KEPT) trusting.clear()
    trusting.set(ca ?? '', context)
  }
  return context
}

export interface ServeOptions {
  /** What we are willing to speak; a client that offers ALPN and none of these is refused (RFC 7301). */
  readonly alpn?: readonly string[]
  /** Sent in the clear first: the wire's "yes, TLS". */
  readonly reply?: Uint8Array
  /** The client may prove itself by a certificate: whether it holds is for the caller. */
  readonly asksCertificate?: boolean
  /** Bytes of the ClientHello that the caller has read already (TLS from the first byte on). */
  readonly peeked?: Uint8Array
  readonly timeoutMs: number
}

/** The server's part, towards a client. Throws ProtocolError; the socket is then destroyed. */
export async function serveTls(
  socket: Socket,
  context: SecureContext,
  options: ServeOptions,
): Promise<TLSSocket> {
  socket.pause()
  if (socket.readableLength > 0) {
    socket.destroy()
    throw new ProtocolError('protocol_violation', 'data came ahead of the TLS handshake')
  }
  if (options.reply !== undefined) socket.write(options.reply)
  // Put back, so that the TLS layer reads them first: it drains what the socket has buffered.
  if (options.peeked !== undefined && options.peeked.length > 0) socket.unshift(options.peeked)
  const tls = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ...(options.asksCertificate === true ? { requestCert: true, rejectUnauthorized: false } : {}),
    ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
  })
  try {
    await handshake(tls, 'secure', options)
    // Node says so itself only where a tls.Server owns the socket; its HTTP/2 waits for it.
    Object.assign(tls, { secureConnecting: false })
    return tls
  } catch (error) {
    tls.destroy()
    socket.destroy()
    throw new ProtocolError('protocol_violation', 'the TLS handshake failed', { cause: error })
  }
}

function handshake(
  tls: TLSSocket,
  done: 'secure' | 'secureConnect',
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<void> {
  // Stays: a reset between two owners is no uncaught error.
  tls.on('error', () => {})
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new Error('aborted'))
      return
    }
    const timer = setTimeout(() => settle(new Error('timed out')), timeoutMs)
    const failed = (error: Error) => settle(error)
    const closed = () => settle(new Error('closed'))
    const aborted = () => settle(new Error('aborted'))
    const completed = () => settle()
    function settle(error?: Error): void {
      clearTimeout(timer)
      tls.off('error', failed)
      tls.off('_tlsError', failed)
      tls.off('close', closed)
      tls.off(done, completed)
      signal?.removeEventListener('abort', aborted)
      if (error === undefined) resolve()
      else reject(error)
    }
    tls.once('error', failed)
    // Where Node reports a failed handshake of a server side that has no tls.Server.
    tls.once('_tlsError', failed)
    tls.once('close', closed)
    tls.once(done, completed)
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

function upstreamMessage(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'the certificate of the resource is for another name'
  }
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate of the resource has expired'
  if (/SELF_SIGNED|UNABLE_TO|CERT_|ISSUER/.test(code)) {
    return 'the certificate of the resource is not trusted'
  }
  if (error instanceof Error && error.message === 'timed out') {
    return 'the TLS handshake with the resource took too long'
  }
  return 'the TLS handshake with the resource failed'
}
