// The key by which wires without certificates know this gateway. Made once; losing it looks to clients like an attack.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError } from '#model'
import { createOnce } from './key-files.ts'

/**
 * Opens `keys/host.key` (PKCS #8, Ed25519, mode 0600) under `folder`, and makes it at the first start. Safe for several
 * processes at once. Throws ConfigurationError when others can read it or it is no such key.
 */
export function openHostKey(folder: string): KeyObject {
  const file = join(folder, 'keys', 'host.key')
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 })
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
    // Never replaced silently: clients know us by it.
    throw new ConfigurationError('configuration_invalid', `${file} is not a private key`, { cause })
  }
  throw new ConfigurationError('configuration_invalid', `${file} is not an Ed25519 key`)
}
