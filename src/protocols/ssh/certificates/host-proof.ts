// Host keys under a certificate, ours towards clients and those of hosts towards us: the library knows plain ones only.
// Like `guard` it works on the library's insides; where those look different, a handshake fails, never succeeds wrongly.
import type { KeyObject } from 'node:crypto'
import { type Exchanging, type Offering, offerInstead, onExchange } from '../offer.ts'
import { ed25519Blob } from '../public-key.ts'
import { isPrincipal, readCertificate, writeCertificate } from './certificate.ts'
import { keyBlob, readSubjectKey, type SubjectKey, signatureAlgorithmsOf } from './subject-key.ts'

const PLAIN = 'ssh-ed25519'
const SUFFIX = '-cert-v01@openssh.com'
export const CERTIFIED = `${PLAIN}${SUFFIX}`
const RSA = 'ssh-rsa'
/** Keys of hosts that a certificate may be for, and by what each signs. */
const CERTIFIABLE: ReadonlyMap<string, readonly string[]> = new Map(
  [PLAIN, 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', RSA].map(type => [
    type,
    signatureAlgorithmsOf(type),
  ]),
)
const DAY_MS = 86_400_000
/** Renewed daily; a client's clock may be some way off. */
const LASTS_MS = 7 * DAY_MS
const EARLY_MS = DAY_MS / 24

/** A private key as the library holds it. */
interface HostKey {
  readonly type: string
  getPublicSSH(): Buffer
  sign(bytes: Buffer, hash?: string): Buffer | Error
}

interface Exchange {
  negotiated: { serverHostKey: string }
  _hostKey: Buffer
  _sig: Buffer
}

interface Insides {
  readonly _protocol: Offering &
    Exchanging & {
      _hostKeys: { readonly [algorithm: string]: HostKey }
      readonly _kex: Exchange
    }
}

/** Our certificate, made anew each day. */
export function hostCertificates(): (of: Issuer) => Buffer {
  // By the key itself: another gateway in this process has another.
  const made = new WeakMap<KeyObject, Made>()
  return ({ hostKey, authority, names, now }) => {
    const known = made.get(hostKey)
    const all = names.join()
    const current = known !== undefined && Math.abs(known.madeAt - now) < DAY_MS
    if (current && known.names === all && known.authority === authority) return known.blob
    const terms = {
      kind: 'host' as const,
      id: 'sallyport',
      principals: names.filter(isPrincipal),
      validAfter: BigInt(Math.floor((now - EARLY_MS) / 1_000)),
      validBefore: BigInt(Math.floor((now + LASTS_MS) / 1_000)),
      options: new Map(),
      extensions: new Map(),
    }
    const blob = writeCertificate(readSubjectKey(ed25519Blob(hostKey)), terms, authority)
    made.set(hostKey, { blob, authority, names: all, madeAt: now })
    return blob
  }
}

interface Made {
  readonly blob: Buffer
  readonly authority: KeyObject
  readonly names: string
  readonly madeAt: number
}

export interface Issuer {
  readonly hostKey: KeyObject
  readonly authority: KeyObject
  readonly names: readonly string[]
  readonly now: number
}

/** Our own: call before our first message of a key exchange. A client takes it, or the plain key. */
export function presentCertificate(connection: object, certificate: Buffer): void {
  const protocol = (connection as Insides)._protocol
  const key = protocol._hostKeys[PLAIN]
  if (key === undefined) throw new Error('the library holds no host key')
  const certified: HostKey = {
    type: key.type,
    getPublicSSH: () => certificate,
    sign: (bytes, hash) => {
      // From here on it is the name of the signature, and a certified key signs as the plain one does.
      protocol._kex.negotiated.serverHostKey = PLAIN
      return key.sign(bytes, hash)
    },
  }
  protocol._hostKeys = { ...protocol._hostKeys, [CERTIFIED]: certified }
  offerInstead(protocol, { hostKeys: [CERTIFIED, PLAIN] })
}

/** A host's: call right after `connect`. `plain`: the types of keys that it may show without one. */
export function acceptCertificates(connection: object, plain: readonly string[]): void {
  const protocol = (connection as Insides)._protocol
  const certified = [...CERTIFIABLE.values()].flat().map(algorithm => algorithm + SUFFIX)
  offerInstead(protocol, {
    hostKeys: [
      ...certified,
      ...(plain.length === 0 ? [] : protocol._offer.lists.serverHostKey.array),
    ],
  })
  // An RSA key's certificate goes by another name than what it signs with was agreed on by.
  onExchange(protocol, begun => {
    const exchange = begun as Exchange
    const agreed = exchange.negotiated.serverHostKey
    if (!certified.includes(agreed)) return
    const signature = agreed.slice(0, -SUFFIX.length)
    agreedOn.set(exchange, signature)
    if (signature.startsWith('rsa-')) exchange.negotiated.serverHostKey = RSA + SUFFIX
  })
}

/** By what a host that shows a certificate is to sign. */
const agreedOn = new WeakMap<Exchange, string>()

/** Whether it is a certificate of any kind, and not a plain key. */
export const isHostCertificate = (blob: Buffer): boolean => blob.includes(SUFFIX)

/**
 * For the library's `hostVerifier`: true when it is a certificate of this authority for this host that holds now. The
 * library then checks the signature by the key inside, which it could not find by itself.
 */
export function verifyHostCertificate(
  connection: object,
  blob: Buffer,
  {
    authority,
    revoked,
    host,
    now,
  }: {
    authority: SubjectKey
    /** Keys that no certificate makes good. */
    revoked: (key: Buffer) => boolean
    host: string
    now: number
  },
): boolean {
  const { kind, principals, validAfter, validBefore, options, subject } = readCertificate(
    blob,
    authority,
  )
  const seconds = BigInt(Math.floor(now / 1_000))
  const exchange = (connection as Insides)._protocol._kex
  const algorithm = agreedOn.get(exchange) ?? ''
  const holds =
    kind === 'host' &&
    CERTIFIABLE.get(subject.type)?.includes(algorithm) === true &&
    !revoked(keyBlob(subject)) &&
    principals.includes(host) &&
    seconds >= validAfter &&
    seconds < validBefore &&
    options.size === 0
  if (!holds) return false
  const signature = exchange._sig
  // The certificate is what the exchange is about, so it is hashed first; then the signature is looked at, by the key.
  Object.defineProperty(exchange, '_sig', {
    configurable: true,
    get() {
      exchange._hostKey = keyBlob(subject)
      exchange.negotiated.serverHostKey = algorithm
      return signature
    },
    // Forgotten when the exchange is over.
    set() {},
  })
  return true
}
