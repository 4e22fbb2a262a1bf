// Upstream credentials: resolves references, lends what they give for the length of a handshake, wipes it.
// Nothing is kept between leases: a rotated secret is used by the next session, and a heap holds none.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { environment } from '#config'
import {
  ConfigurationError,
  type ResolvedSecrets,
  type Resource,
  Secret,
  Unavailable,
} from '#model'

/** Keys and certificates are a few KiB; more is some other file. */
const LARGEST_SECRET = 65_536
const WORLD_READABLE = 0o004

/** An upstream credential on loan. */
export interface Lease {
  readonly user: string
  readonly secrets: ResolvedSecrets
  /** Overwrites the secrets. Idempotent. */
  release(): void
}

export interface Vault {
  /**
   * The secret behind `env:NAME` or `file:path`; of a file without one trailing newline. The caller wipes it.
   * Throws ConfigurationError: unset, empty, unreadable, not a file, too large, or a kind we do not have.
   */
  resolve(reference: string): Promise<Secret>
  /** The credential of a resource. Throws Unavailable; what a client reads names no path. */
  lease(resource: Pick<Resource, 'name' | 'credential'>): Promise<Lease>
}

export function createVault(
  options: {
    /** Where relative `file:` references start; config makes all of them absolute. */
    baseFolder?: string
    /** Hears, once for each file, of secrets that every user of the machine can read. */
    onExposed?: (file: string) => void
  } = {},
): Vault {
  const exposed = new Set<string>()

  async function readSecret(path: string): Promise<Secret> {
    const file = isAbsolute(path) ? path : resolve(options.baseFolder ?? '.', path)
    // Not blocking: a pipe in the place of the file must not hold the caller.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch(error => {
      throw new ConfigurationError(
        'configuration_invalid',
        `the secret file ${file} cannot be read`,
        {
          cause: error,
        },
      )
    })
    const bytes = Buffer.alloc(LARGEST_SECRET + 1)
    try {
      // Of the open file, so that what is judged is what is read.
      const status = await handle.stat()
      if (!status.isFile()) {
        throw new ConfigurationError('configuration_invalid', `${file} is not a file`)
      }
      let length = 0
      while (length < bytes.length) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      const open = (status.mode & WORLD_READABLE) !== 0 && !isCertificate(bytes)
      if (open && !exposed.has(file)) {
        exposed.add(file)
        options.onExposed?.(file)
      }
      if (length > LARGEST_SECRET) {
        throw new ConfigurationError('configuration_invalid', `${file} is too large for a secret`)
      }
      const end = withoutNewline(bytes, length)
      if (end === 0) throw new ConfigurationError('configuration_invalid', `${file} is empty`)
      return new Secret(bytes.subarray(0, end))
    } finally {
      bytes.fill(0)
      await handle.close()
    }
  }

  const vault: Vault = {
    async resolve(reference) {
      const colon = reference.indexOf(':')
      const kind = reference.slice(0, Math.max(colon, 0))
      const name = reference.slice(colon + 1)
      if (kind === 'env' && name !== '') {
        const value = environment(name)
        if (value === undefined || value === '') {
          throw new ConfigurationError(
            'configuration_invalid',
            `the environment variable ${name} is not set`,
          )
        }
        return new Secret(value)
      }
      if (kind === 'file' && name !== '') return readSecret(name)
      // Never repeated when it is no reference: it may be the secret itself.
      const what = kind === 'vault' || kind === 'stored' ? `${kind}: references are` : 'this is'
      throw new ConfigurationError(
        'configuration_invalid',
        `${what} not a secret reference of this version: use env:NAME or file:PATH`,
      )
    },

    async lease({ name, credential }) {
      const secrets: Record<string, Secret> = {}
      const release = () => {
        for (const secret of Object.values(secrets)) secret.wipe()
      }
      try {
        for (const [field, reference] of Object.entries(credential.secrets)) {
          secrets[field] = await vault.resolve(reference)
        }
      } catch (error) {
        // Not safe to go on with a part of the credential.
        release()
        throw new Unavailable('unavailable', `the credential of "${name}" is not available`, {
          cause: error,
          hint: 'Tell whoever runs the gateway: its log says why.',
        })
      }
      return { user: credential.user ?? '', secrets, release }
    },
  }
  return vault
}

/** Those of an authority, or of our own: public, and often given by reference beside secrets. */
function isCertificate(bytes: Buffer): boolean {
  return bytes.indexOf('-----BEGIN CERTIFICATE-----') === 0 && !bytes.includes('PRIVATE KEY-----')
}

/** The length without one `\n` or `\r\n` at the end. */
function withoutNewline(bytes: Uint8Array, length: number): number {
  if (length === 0 || bytes[length - 1] !== 0x0a) return length
  return length > 1 && bytes[length - 2] === 0x0d ? length - 2 : length - 1
}
