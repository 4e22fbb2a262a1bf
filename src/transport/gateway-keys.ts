// The keys by which wires without X.509 certificates know this gateway, and by which it signs for others. Made once;
// losing the first looks to clients like an attack, losing one of the others takes its certificates away.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError } from '#model'
import { createOnce } from './key-files.ts'

/** Each signs for one purpose: what one of them made is nothing to whoever trusts another. */
export interface KeyAuthorities {
  /** `keys/client-ca.key`: for clients of ours. Only we trust it. */
  readonly clients: KeyObject
  /** `keys/user-ca.key`: for our own way into hosts. Hosts trust it. */
  readonly upstreams: KeyObject
  /** `keys/host-ca.key`: for our own host keys. Clients trust it. */
  readonly gateways: KeyObject
}

export interface GatewayKeys {
  /** `keys/host.key`. */
  readonly host: KeyObject
  readonly authorities: KeyAuthorities
}

/**
 * Opens the keys (PKCS #8, Ed25519, mode 0600) under `folder`, and makes those that are missing. Safe for several
 * processes at once. Throws ConfigurationError when others can read one or it is no such key.
 */
export function openGatewayKeys(folder: string): GatewayKeys {
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 })
  const open = (name: string) => openKey(join(folder, 'keys', `${name}.key`))
  return {
    host: open('host'),
    authorities: {
      clients: open('client-ca'),
      upstreams: open('user-ca'),
      gateways: open('host-ca'),
    },
  }
}

function openKey(file: string): KeyObject {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519')
    createOnce(file, String(privateKey.export({ type: 'pkcs8', format: 'pem' })), 0o600)
  }
  if ((statSync(file).mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw new ConfigurationError(
      'configuration_invalid',
      `${file} can be read by others, who could stand in for this gateway. Set its mode to 0600.`,
    )
  }
  try {
    const key = createPrivateKey(readFileSync(file, 'utf8'))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (cause) {
    // Never replaced silently: others know us by it.
    throw lost(file, 'a private key', cause)
  }
  throw lost(file, 'an Ed25519 key')
}

function lost(file: string, what: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    'configuration_invalid',
    `${file} is not ${what}. Bring it back from a backup; without it a new one is made, which whoever trusted the old one has to be given.`,
    { cause },
  )
}
