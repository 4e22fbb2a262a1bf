// Where secrets come from, the certificate that listeners show, and the keys of our own.
import type { Config } from '#config'
import { createVault, type Vault } from '#services/vault'
import {
  type Authority,
  openGatewayKeys,
  openServerAuthority,
  type TlsSource,
  tlsIdentity,
} from '#transport'
import type { Server } from './server.ts'

export async function openSecrets({ config, log, now, undo }: Server) {
  const vault = createVault({ onExposed: file => log.warn({ file }, 'secret.exposed') })
  const authority = await openServerAuthority({ folder: config.data, now })
  const tls = await tlsIdentity(tlsSource(config, authority, vault, now), error =>
    log.error({ err: error }, 'tls.renewal_failed'),
  )
  undo.push(() => tls.close())
  return { vault, tls, keys: openGatewayKeys(config.data) }
}

/** The operator's own certificate, or one of our CA's. */
function tlsSource(
  config: Config,
  authority: Authority,
  vault: Vault,
  now: () => number,
): TlsSource {
  const { tls, url } = config
  if (tls === undefined) {
    const reached = url === undefined ? [] : [new URL(url).hostname.replace(/^\[|\]$/g, '')]
    return { kind: 'own', authority, names: [...config.names, ...reached], now }
  }
  return {
    kind: 'given',
    load: async () => {
      const [certificate, key] = await Promise.all([
        vault.resolve(tls.certificate),
        vault.resolve(tls.key),
      ])
      return { certificate: certificate.reveal(), key: key.reveal() }
    },
  }
}
