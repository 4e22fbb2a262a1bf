// What a host may show: a key that is pinned, or a certificate of an authority that is.
import type { KeyObject } from 'node:crypto'
import { isGatewayError } from '#model'
import { readPublicKey } from '../public-key.ts'
import { acceptCertificates, CERTIFIED, verifyHostCertificate } from './host-proof.ts'
import { readSubjectKey } from './subject-key.ts'

const AUTHORITY = /^@cert-authority[ \t]+/

export type HostKey =
  | { readonly kind: 'key'; readonly type: string; readonly blob: Buffer }
  | { readonly kind: 'authority'; readonly key: KeyObject }

/** A line of `hostKeys`; undefined when it is neither. */
export function readHostKey(line: string): HostKey | undefined {
  const trimmed = line.trim()
  const read = readPublicKey(trimmed.replace(AUTHORITY, ''))
  if (read === undefined || !AUTHORITY.test(trimmed)) return read && { kind: 'key', ...read }
  try {
    const { type, key } = readSubjectKey(read.blob)
    return type === 'ssh-ed25519' ? { kind: 'authority', key } : undefined
  } catch (error) {
    if (!isGatewayError(error)) throw error
    // Safe: it is said to be none, and the configuration is refused.
    return undefined
  }
}

export class KnownHost {
  readonly #keys: readonly HostKey[]
  readonly #host: string

  constructor(host: string, lines: readonly string[]) {
    this.#host = host
    this.#keys = lines.map(readHostKey).filter(key => key !== undefined)
  }

  /** Types of the keys that are pinned: what the host is asked to show. */
  get types(): readonly string[] {
    return [...new Set(this.#keys.flatMap(key => (key.kind === 'key' ? [key.type] : [])))]
  }

  /** Call right after `connect`. */
  install(connection: object): void {
    if (this.#keys.some(({ kind }) => kind === 'authority'))
      acceptCertificates(connection, this.types)
  }

  /** Whether it is the host, as far as what it shows goes: that it has the key is the exchange's to prove. */
  knows(connection: object, shown: Buffer): boolean {
    return this.#keys.some(known => {
      if (known.kind === 'key') return known.blob.equals(shown)
      if (!shown.includes(CERTIFIED)) return false
      try {
        const of = { authority: known.key, host: this.#host, now: Date.now() }
        return verifyHostCertificate(connection, shown, of)
      } catch (error) {
        if (!isGatewayError(error)) throw error
        // Safe: what cannot be read, or is of another authority, is not this host.
        return false
      }
    })
  }
}
