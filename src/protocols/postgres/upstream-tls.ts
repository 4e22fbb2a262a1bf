// TLS towards the protected server: asks for it in band, and checks what the resource's settings demand.
// There is no falling back: a server without TLS is refused unless the settings say `disable`.
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type ResolvedSecrets, UpstreamError } from '#model'
import { LoginReader, upgradeToTls } from '#transport'
import { sslRequest } from './messages.ts'
import { serverEndPoint } from './scram.ts'
import type { PostgresSettings } from './settings.ts'

export interface UpstreamLeg {
  readonly socket: Socket | TLSSocket
  readonly secured: boolean
  /** `tls-server-end-point` of the server's certificate, where SCRAM can be bound to it. */
  readonly binding: Uint8Array | undefined
}

const YES = 0x53

/** Throws UpstreamError; the socket is then destroyed. */
export async function secureUpstream(
  plain: Socket,
  settings: PostgresSettings,
  secrets: ResolvedSecrets,
  timeoutMs: number,
): Promise<UpstreamLeg> {
  if (settings.tls === 'disable') return { socket: plain, secured: false, binding: undefined }
  const ca = await caText(settings)
  const reader = new LoginReader(plain)
  const giveUp = setTimeout(() => {
    reader.fail(new UpstreamError('upstream_unreachable', 'the database did not answer in time'))
  }, timeoutMs)
  try {
    plain.write(sslRequest())
    const [answer] = await reader.exactly(1)
    if (answer !== YES || reader.buffered > 0) {
      throw new UpstreamError(
        'upstream_refused',
        answer === YES
          ? 'the database sent data ahead of the TLS handshake'
          : 'the database does not speak TLS, and the resource demands it',
      )
    }
  } catch (error) {
    plain.destroy()
    throw error
  } finally {
    clearTimeout(giveUp)
    reader.detach()
  }
  const certificate = secrets['clientCertificate']
  const key = secrets['clientKey']
  const socket = await upgradeToTls(plain, {
    // As libpq has it: `require` with a CA at hand checks the chain.
    mode: settings.tls === 'require' && ca !== undefined ? 'verify-ca' : settings.tls,
    servername: settings.host,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate.reveal() }),
    ...(key === undefined ? {} : { key: key.reveal() }),
    alpn: ['postgresql'],
    timeoutMs,
  })
  const peer = socket.getPeerX509Certificate()
  return {
    socket,
    secured: true,
    binding: peer === undefined ? undefined : serverEndPoint(peer.raw),
  }
}

async function caText({ ca }: PostgresSettings): Promise<string | undefined> {
  if (ca === undefined || !ca.startsWith('file:')) return ca
  try {
    return await readFile(ca.slice('file:'.length), 'utf8')
  } catch (cause) {
    // Without it the certificate cannot be checked as the operator wants: not reachable, not unchecked.
    throw new UpstreamError('upstream_unreachable', 'the CA file of the resource cannot be read', {
      cause,
    })
  }
}
