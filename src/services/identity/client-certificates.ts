// Client certificates in, principals out. That the client has the key was shown by its TLS handshake; whether the certificate still
// holds is asked here each time: signature, time, use, and the authority's revocation lists, read again when their files change.

import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import type { ClientCertificateSettings } from '#config'
import { AuthenticationFailed, ConfigurationError, type Principal } from '#model'
import { certificatesOf, certificateText, listBytes, revokedSerials } from './certificate-text.ts'

interface Authority {
  readonly certificate: X509Certificate
  /** Undefined: there is no list, and nothing to be asked. */
  readonly revoked: { readonly serials: ReadonlySet<string>; readonly until: number } | undefined
}

interface Loaded {
  readonly settings: ClientCertificateSettings
  readonly pem: string
  readonly authorities: readonly Authority[]
  /** Of the files, as they were read. */
  readonly version: string
}

const LOOK_MS = 1_000
/** Who came in lately, to be told when a list withdraws them. */
const MOST_SEEN = 10_000
const LARGEST_FILE = 16 * 1_048_576
const LONGEST_NAME = 256

export class ClientCertificates {
  readonly #now: () => number
  readonly #ended: (credentialId: string) => void
  readonly #seen = new Map<string, X509Certificate>()
  #loaded: readonly Loaded[] = []
  #timer: NodeJS.Timeout | undefined

  /** `ended` hears of certificates that no longer hold. */
  constructor(now: () => number, ended: (credentialId: string) => void) {
    this.#now = now
    this.#ended = ended
  }

  /** The authorities as PEM, for the handshake; empty: nobody comes in so. */
  get authorities(): string {
    return this.#loaded.map(({ pem }) => pem).join('\n')
  }

  /** Throws ConfigurationError, and changes nothing, when a file does not hold. */
  update(settings: readonly ClientCertificateSettings[]): void {
    this.#loaded = settings.map(load)
    clearInterval(this.#timer)
    if (settings.some(({ ca, crl }) => crl !== undefined || ca.startsWith('file:'))) {
      this.#timer = setInterval(() => this.#look(), LOOK_MS)
      this.#timer.unref()
    }
    this.#endWhatDoesNotHold()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Throws AuthenticationFailed. */
  verify(der: Uint8Array): Principal {
    const certificate = read(der)
    const principal = this.#judge(certificate)
    if (this.#seen.size >= MOST_SEEN) {
      const oldest = this.#seen.keys().next()
      if (!oldest.done) this.#seen.delete(oldest.value)
    }
    this.#seen.set(principal.credential.id, certificate)
    return principal
  }

  #judge(certificate: X509Certificate): Principal {
    const now = this.#now()
    const text = textOf(certificate)
    const from = certificate.validFromDate.getTime()
    const until = certificate.validToDate.getTime()
    if (!(now >= from)) throw invalid('The client certificate is of the future.')
    if (!(now < until)) throw invalid('The client certificate has expired.')
    if (certificate.ca || !text.provesClients)
      throw invalid('The certificate is not one that a client proves itself with.')
    if (text.unknown.length > 0)
      throw invalid('The client certificate asks for what is not known here.')
    if (!text.sound)
      throw invalid('The client certificate is signed in a way that is not accepted.')
    for (const { settings, authorities } of this.#loaded) {
      const by = authorities.filter(each => isSignedBy(certificate, each.certificate, now))
      if (by.length === 0) continue
      const names = namesOf(text, settings.subject)
      const [subject] = names
      if (subject === undefined || names.length > 1)
        throw invalid(
          `The client certificate has not exactly one name of the kind ${settings.subject}.`,
        )
      if (!isName(subject)) throw invalid('The client certificate has a strange name.')
      if (settings.begins !== undefined && !subject.startsWith(settings.begins)) continue
      for (const each of by) refuseRevoked(text.serial, each, now)
      return principalOf(certificate, subject, settings)
    }
    throw invalid('The client certificate is of no authority that is known here.')
  }

  /** Once a second: lists and authorities that their owners replaced. */
  #look(): void {
    let changed = false
    this.#loaded = this.#loaded.map(each => {
      try {
        if (versionOf(each.settings) === each.version) return each
        const fresh = load(each.settings)
        changed = true
        return fresh
      } catch {
        // Safe: a file that is being written, or is broken, changes nothing; a list that has ended by then refuses by itself.
        return each
      }
    })
    if (changed) this.#endWhatDoesNotHold()
  }

  #endWhatDoesNotHold(): void {
    for (const [id, certificate] of this.#seen) {
      try {
        this.#judge(certificate)
      } catch {
        // Safe: whoever came by it is ended.
        this.#seen.delete(id)
        this.#ended(id)
      }
    }
  }
}

function load(settings: ClientCertificateSettings): Loaded {
  try {
    const version = versionOf(settings)
    const pem = settings.ca.startsWith('file:')
      ? readWhole(settings.ca.slice(5)).toString('latin1')
      : settings.ca
    const certificates = certificatesOf(pem)
    if (certificates.length === 0) throw new Error('there is no certificate in it')
    for (const each of certificates) {
      const { signsCertificates, constrainsNames, unknown } = certificateText(each.raw)
      if (!each.ca || !signsCertificates) throw new Error('a certificate in it signs no others')
      // (Nobody here would heed them.)
      if (constrainsNames || unknown.length > 0)
        throw new Error('an authority with constraints on names, or of an unknown kind')
    }
    const lists =
      settings.crl === undefined ? undefined : listBytes(readWhole(settings.crl.slice(5)))
    const authorities = certificates.map(certificate => ({
      certificate,
      revoked: lists && listOf(lists, certificate),
    }))
    return { settings, pem, authorities, version }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'cannot be read'
    throw new ConfigurationError(
      'configuration_invalid',
      `identity.certificates, ${settings.issuer}: ${why}`,
      { cause },
    )
  }
}

/** All that this authority signed, as one; without any, nothing of it is accepted. */
function listOf(lists: readonly Uint8Array[], certificate: X509Certificate) {
  const serials = new Set<string>()
  let until = -Infinity
  for (const list of lists) {
    try {
      const said = revokedSerials(list, certificate)
      for (const serial of said.serials) serials.add(serial)
      until = Math.max(until, said.until)
    } catch {
      // Safe: it is somebody else's, or broken; without one that holds, this authority's certificates are refused.
    }
  }
  return { serials, until }
}

function refuseRevoked(serial: string, { revoked }: Authority, now: number): void {
  if (revoked === undefined) return
  if (now >= revoked.until)
    throw invalid('Whether the client certificate was revoked cannot be told: the list has ended.')
  if (revoked.serials.has(serial)) throw invalid('The client certificate was revoked.')
}

function isSignedBy(leaf: X509Certificate, authority: X509Certificate, now: number): boolean {
  return (
    now >= authority.validFromDate.getTime() &&
    now < authority.validToDate.getTime() &&
    leaf.checkIssued(authority) &&
    leaf.verify(authority.publicKey)
  )
}

function principalOf(
  certificate: X509Certificate,
  subject: string,
  { issuer, prefix, groups, principal }: ClientCertificateSettings,
): Principal {
  const id = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  return Object.freeze({
    kind: principal,
    id: prefix + subject,
    subject,
    issuer,
    name: subject,
    groups: Object.freeze(groups.map(group => prefix + group)),
    attributes: Object.freeze({}),
    actors: Object.freeze([]),
    owners: Object.freeze([]),
    mfa: false,
    credential: Object.freeze({ kind: 'certificate' as const, id }),
    run: id,
    expiresAt: certificate.validToDate.getTime(),
    issuedAt: certificate.validFromDate.getTime(),
  })
}

function read(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (cause) {
    throw invalid('The client certificate cannot be read.', cause)
  }
}

function textOf({ raw }: X509Certificate) {
  try {
    return certificateText(raw)
  } catch (cause) {
    throw invalid('The client certificate cannot be read.', cause)
  }
}

function namesOf(text: ReturnType<typeof textOf>, kind: ClientCertificateSettings['subject']) {
  try {
    return text.names(kind)
  } catch (cause) {
    throw invalid('The client certificate has a strange name.', cause)
  }
}

function isName(text: string): boolean {
  return text.length > 0 && text.length <= LONGEST_NAME && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)
}

function versionOf({ ca, crl }: ClientCertificateSettings): string {
  return [ca, crl]
    .filter(each => each?.startsWith('file:'))
    .map(each => {
      const { mtimeMs, size, ino } = statSync(each!.slice(5))
      return `${mtimeMs} ${size} ${ino}`
    })
    .join(', ')
}

function readWhole(path: string): Buffer {
  if (statSync(path).size > LARGEST_FILE) throw new Error('a file of it is too large')
  return readFileSync(path)
}

function invalid(message: string, cause?: unknown): AuthenticationFailed {
  return new AuthenticationFailed(
    'credential_invalid',
    message,
    cause === undefined ? {} : { cause },
  )
}
