// The signing key of a log: made once, kept in the folder with mode 0600, and never replaced in silence.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { formatVkey, type NoteSigner, parseVkey } from '#engines/merkle'
import { ConfigurationError } from '#model'
import type { LogFolder } from './folder.ts'

/** The name of a fork: the origin that is configured, with the fork's number. */
export const forkOrigin = (origin: string, number: number): string => `${origin}/fork-${number}`

/**
 * The signer of the log in the folder; with `create`, a new key when there is none. Throws ConfigurationError
 * when key, public key and origin do not belong together, or when others could read the key.
 */
export function loadSigner(
  folder: LogFolder,
  origin: string,
  create: boolean,
): { signer: NoteSigner; vkey: string } {
  const privateKey = existsSync(folder.key)
    ? readKey(folder.key)
    : create
      ? makeKey(folder.key)
      : undefined
  if (privateKey === undefined) {
    throw new ConfigurationError(
      'configuration_invalid',
      `The audit log in ${folder.path} has no key (audit.key). Bring the key back, or start a new origin with --fork.`,
    )
  }
  const name = existsSync(folder.vkey)
    ? parseVkey(readFileSync(folder.vkey, 'utf8').trim()).name
    : origin
  if (name !== origin && !isForkOf(name, origin)) {
    throw new ConfigurationError(
      'configuration_invalid',
      `The audit log in ${folder.path} is that of ${name}, not of ${origin}. Set the origin back, or use another folder.`,
    )
  }
  const vkey = formatVkey(name, createPublicKey(privateKey))
  if (!existsSync(folder.vkey)) writeFileSync(folder.vkey, `${vkey}\n`, { mode: 0o644 })
  else if (readFileSync(folder.vkey, 'utf8').trim() !== vkey) {
    throw new ConfigurationError(
      'configuration_invalid',
      `The key of the audit log in ${folder.path} is not the one of its audit.vkey. Bring the right key back, or start a new origin with --fork.`,
    )
  }
  return { signer: { name, privateKey }, vkey }
}

function isForkOf(name: string, origin: string): boolean {
  return name.startsWith(`${origin}/fork-`) && /^[0-9]+$/.test(name.slice(`${origin}/fork-`.length))
}

function readKey(path: string): KeyObject {
  if ((statSync(path).mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw new ConfigurationError(
      'configuration_invalid',
      `${path} can be read by others. Set its mode to 0600.`,
    )
  }
  try {
    const key = createPrivateKey(readFileSync(path))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (cause) {
    // Unreadable or no key: without it nothing can be signed, so we do not go on.
    throw new ConfigurationError('configuration_invalid', `${path} is not a private key.`, {
      cause,
    })
  }
  throw new ConfigurationError('configuration_invalid', `${path} is not an Ed25519 key.`)
}

function makeKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519')
  // Renamed into place: half a key must never be taken for one.
  const temporary = `${path}.new`
  writeFileSync(temporary, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
    flush: true,
  })
  renameSync(temporary, path)
  return privateKey
}
