// What a host may show: a key that is pinned, or a certificate of an authority that is; and never a key that is revoked.
import { isGatewayError } from '#model'
import { readPublicKey } from '../public-key.ts'
import { acceptCertificates, isHostCertificate, verifyHostCertificate } from './host-proof.ts'
import { keyBlob, readSubjectKey, type SubjectKey } from './subject-key.ts'

/** As known_hosts has it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), without its list of names. */
const MARKED = /^@(cert-authority|revoked)[ \t]+/

export type HostKey =
  | { readonly kind: 'key'; readonly type: string; readonly blob: Buffer }
  | { readonly kind: 'revoked'; readonly blob: Buffer }
  | { readonly kind: 'authority'; readonly key: SubjectKey }

/** A line of `hostKeys`; undefined when it is none. */
export function readHostKey(line: string): HostKey | undefined {
  const trimmed = line.trim()
  const [, marker] = MARKED.exec(trimmed) ?? []
  const read = readPublicKey(trimmed.replace(MARKED, ''))
  if (read === undefined) return undefined
  if (marker !== 'cert-authority')
    return marker === 'revoked' ? { kind: 'revoked', blob: read.blob } : { kind: 'key', ...read }
  try {
    return { kind: 'authority', key: readSubjectKey(read.blob) }
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
    if (this.#revoked(shown)) return false
    return this.#keys.some(known => {
      if (known.kind === 'key') return known.blob.equals(shown)
      if (known.kind === 'revoked' || !isHostCertificate(shown)) return false
      // Also of an authority: what it certified is no better than itself.
      if (this.#revoked(keyBlob(known.key))) return false
      try {
        const of = {
          authority: known.key,
          revoked: (key: Buffer) => this.#revoked(key),
          host: this.#host,
          now: Date.now(),
        }
        return verifyHostCertificate(connection, shown, of)
      } catch (error) {
        if (!isGatewayError(error)) throw error
        // Safe: what cannot be read, or is of another authority, is not this host.
        return false
      }
    })
  }

  #revoked(blob: Buffer): boolean {
    return this.#keys.some(known => known.kind === 'revoked' && known.blob.equals(blob))
  }
}
