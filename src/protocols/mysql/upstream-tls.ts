// TLS towards the protected server: asked for in band, and checked as the resource's settings demand. There is no
// falling back: a server without TLS is refused unless the settings say `disable`.
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type ResolvedSecrets, UpstreamError } from '#model'
import { upgradeToTls } from '#transport'
import type { MysqlSettings } from './settings.ts'

/** Throws UpstreamError; the socket is then destroyed. */
export async function secureUpstream(
  plain: Socket,
  settings: MysqlSettings,
  secrets: ResolvedSecrets,
  timeoutMs: number,
): Promise<TLSSocket> {
  const ca = await textOf(settings.ca)
  const certificate = secrets['clientCertificate']
  const key = secrets['clientKey']
  return upgradeToTls(plain, {
    // As for every upstream: `require` with a CA at hand checks the chain.
    mode: settings.tls === 'require' && ca !== undefined ? 'verify-ca' : modeOf(settings.tls),
    servername: settings.host,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate.reveal() }),
    ...(key === undefined ? {} : { key: key.reveal() }),
    timeoutMs,
  })
}

function modeOf(tls: MysqlSettings['tls']): 'verify-full' | 'verify-ca' | 'require' {
  if (tls === 'disable') throw new Error('asked for TLS where there is none')
  return tls
}

/** A setting that is a text, or `file:PATH`. Throws UpstreamError. */
export async function textOf(setting: string | undefined): Promise<string | undefined> {
  if (setting === undefined || !setting.startsWith('file:')) return setting
  try {
    return await readFile(setting.slice('file:'.length), 'utf8')
  } catch (cause) {
    // Without it the server cannot be checked as the operator wants: not reachable, not unchecked.
    throw new UpstreamError('upstream_unreachable', 'a file of the resource cannot be read', {
      cause,
    })
  }
}
