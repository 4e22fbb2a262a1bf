// The certificate that our listeners show, and its replacement while they run.
// New connections see the new one; connections that are open keep theirs.
import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { hostname } from 'node:os'
import { createSecureContext, type SecureContext } from 'node:tls'
import { ConfigurationError } from '#model'
import type { Authority } from './authority.ts'

/** The longest delay that a timer takes. */
const LONGEST_TIMER_MS = 2_147_483_647
/** A certificate of ours is replaced when a third of its 90 days is left. */
const RENEW_BEFORE_MS = 30 * 86_400_000
/** After a failed renewal. */
const RETRY_MS = 60_000

export type TlsSource =
  /** PEM texts from wherever the operator keeps them; asked again at each reload. */
  | { readonly kind: 'given'; load(): Promise<{ certificate: string; key: string }> }
  /** Issued by our own CA for these names, besides localhost and this host's own. */
  | { readonly kind: 'own'; authority: Authority; names: readonly string[]; now: () => number }

export interface TlsIdentity {
  /** For each new connection; current at each call. */
  context(): SecureContext
  /** For those that ask clients for a certificate of these authorities (PEM). */
  asking(authorities: string): SecureContext
  /** The leaf, DER: what `tls-server-end-point` channel binding hashes (RFC 5929). */
  certificateDer(): Uint8Array
  /** For servers that take PEM (the REST API); `onChange` tells when to take it again. */
  pem(): { readonly certificate: string; readonly key: string }
  onChange(listener: () => void): () => void
  /** Throws ConfigurationError, and keeps the old certificate, when the new one does not hold. */
  reload(): Promise<void>
  /** Ends the renewal timer. */
  close(): void
}

interface Loaded {
  readonly context: SecureContext
  readonly der: Uint8Array
  readonly pem: { readonly certificate: string; readonly key: string }
}

/** `onFailure` hears of a renewal that failed; it is tried again every minute. */
export async function tlsIdentity(
  source: TlsSource,
  onFailure: (error: unknown) => void = () => {},
): Promise<TlsIdentity> {
  let timer: NodeJS.Timeout | undefined
  const listeners = new Set<() => void>()

  async function load(): Promise<Loaded> {
    if (source.kind === 'given') return build(await source.load())
    const issued = await source.authority.issueServer(serverNames(source.names))
    schedule(issued.notAfter - RENEW_BEFORE_MS - source.now())
    return build(issued)
  }
  function schedule(delayMs: number): void {
    clearTimeout(timer)
    timer = setTimeout(renew, Math.min(Math.max(delayMs, RETRY_MS), LONGEST_TIMER_MS))
    timer.unref()
  }
  function renew(): void {
    identity.reload().catch(error => {
      onFailure(error)
      schedule(RETRY_MS)
    })
  }

  let current = await load()
  let asking: { of: Loaded; authorities: string; context: SecureContext } | undefined
  const identity: TlsIdentity = {
    context: () => current.context,
    asking(authorities) {
      if (asking?.of !== current || asking.authorities !== authorities)
        asking = { of: current, authorities, context: contextOf(current.pem, authorities) }
      return asking.context
    },
    certificateDer: () => current.der,
    pem: () => current.pem,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async reload() {
      current = await load()
      for (const listener of listeners) listener()
    },
    close: () => clearTimeout(timer),
  }
  return identity
}

/** Names of this machine that clients use, then the operator's; each once, lower case. */
export function serverNames(names: readonly string[]): readonly string[] {
  const own = ['localhost', '127.0.0.1', '::1', hostname()]
  return [...new Set([...own, ...names].map(name => name.toLowerCase()))].filter(isName)
}

/** What a certificate can carry; a host name with an underscore or a blank would break its encoding. */
function isName(name: string): boolean {
  return /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) || /^[0-9a-f:.]+$/.test(name)
}

function build(pem: { certificate: string; key: string }): Loaded {
  try {
    const leaf = new X509Certificate(pem.certificate)
    if (!leaf.checkPrivateKey(createPrivateKey(pem.key))) {
      throw new ConfigurationError(
        'configuration_invalid',
        'the TLS key does not belong to the TLS certificate',
      )
    }
    const context = contextOf(pem)
    return { context, der: leaf.raw, pem: { certificate: pem.certificate, key: pem.key } }
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
    throw new ConfigurationError(
      'configuration_invalid',
      'the TLS certificate or its key cannot be read (PEM is expected)',
      { cause: error },
    )
  }
}

/** With `authorities`, clients are told whose certificates are asked for. Sessions are resumed by the very context only. */
function contextOf(pem: { certificate: string; key: string }, authorities?: string): SecureContext {
  return createSecureContext({
    cert: pem.certificate,
    key: pem.key,
    minVersion: 'TLSv1.2',
    // A client that renegotiates makes us do its work again and again.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
    ...(authorities === undefined ? {} : { ca: authorities, sessionIdContext: 'sallyport' }),
  })
}
