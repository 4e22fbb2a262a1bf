// What a certificate and a revocation list say (RFC 5280), beyond what Node tells: names one by one, critical extensions, uses, and which
// serial numbers are withdrawn. Knows nobody who signs.
import { type KeyObject, verify, X509Certificate } from 'node:crypto'
import {
  BIT_STRING,
  children,
  DerProblem,
  type Element,
  elements,
  integerHex,
  OCTET_STRING,
  objectId,
  only,
  SEQUENCE,
  SET,
  time,
} from './der.ts'

export type NameKind = 'uri' | 'dns' | 'email' | 'cn'

export interface CertificateText {
  /** As lists have it. */
  readonly serial: string
  /** All names of this kind, as they stand. */
  names(kind: NameKind): readonly string[]
  /** May prove a client: no use is said, or this one is. */
  readonly provesClients: boolean
  readonly signsCertificates: boolean
  /** Extensions that must be understood, and are not. */
  readonly unknown: readonly string[]
  readonly constrainsNames: boolean
  /** Signed by what nobody forges today. */
  readonly sound: boolean
}

const COMMON_NAME = '2.5.4.3'
const KEY_USAGE = '2.5.29.15'
const ALTERNATIVE_NAMES = '2.5.29.17'
const NAME_CONSTRAINTS = '2.5.29.30'
const EXTENDED_USAGE = '2.5.29.37'
const CLIENT = '1.3.6.1.5.5.7.3.2'
/** Heeded, or without a say in who somebody is: constraints, key ids, policies, where lists are. */
const KNOWN = new Set([
  KEY_USAGE,
  ALTERNATIVE_NAMES,
  EXTENDED_USAGE,
  '2.5.29.14',
  '2.5.29.19',
  '2.5.29.31',
  '2.5.29.32',
  '2.5.29.35',
])
const TAGS = { email: 0x81, dns: 0x82, uri: 0x86 } as const
/** RSA with SHA-2, ECDSA with SHA-2, Ed25519. */
const SOUND: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
}
const EXTENSIONS = 0xa3
const VERSION = 0xa0
const LIST_EXTENSIONS = 0xa0

/** Throws DerProblem. */
export function certificateText(der: Uint8Array): CertificateText {
  const [body, algorithm] = children(only(der, SEQUENCE))
  const parts = children(body).filter(({ tag }) => tag !== VERSION)
  const [serial, , , , subject] = parts
  if (serial === undefined) throw new DerProblem('a certificate without a number')
  const extensions = extensionsOf(parts, EXTENSIONS)
  const usage = extensions.get(KEY_USAGE)
  const bits = usage === undefined ? undefined : only(usage.value, BIT_STRING).content[1]
  const uses = extensions.get(EXTENDED_USAGE)
  const purposes =
    uses === undefined ? undefined : children(only(uses.value, SEQUENCE)).map(objectId)
  const alternative = extensions.get(ALTERNATIVE_NAMES)
  const names = alternative === undefined ? [] : children(only(alternative.value, SEQUENCE))
  return {
    serial: integerHex(serial),
    names: kind =>
      kind === 'cn'
        ? commonNames(subject)
        : names.filter(({ tag }) => tag === TAGS[kind]).map(({ content }) => ascii(content)),
    provesClients:
      (bits === undefined || (bits & 0x80) !== 0) && (purposes?.includes(CLIENT) ?? true),
    signsCertificates: bits === undefined || (bits & 0x04) !== 0,
    unknown: criticalOf(extensions).filter(id => !KNOWN.has(id)),
    constrainsNames: extensions.has(NAME_CONSTRAINTS),
    sound: hashOf(algorithm) !== undefined,
  }
}

type Extensions = ReadonlyMap<string, { readonly critical: boolean; readonly value: Uint8Array }>

/** Those of them that stand behind `tag`. */
function extensionsOf(parts: readonly Element[], tag: number): Extensions {
  const extensions = new Map<string, { critical: boolean; value: Uint8Array }>()
  for (const each of parts
    .filter(part => part.tag === tag)
    .flatMap(({ content }) => children(only(content, SEQUENCE)))) {
    const [id, second, third] = children(each)
    if (id === undefined || second === undefined)
      throw new DerProblem('an extension without a value')
    const value = third ?? second
    if (value.tag !== OCTET_STRING) throw new DerProblem('an extension without a value')
    if (extensions.has(objectId(id))) throw new DerProblem('an extension twice')
    extensions.set(objectId(id), { critical: third !== undefined, value: value.content })
  }
  return extensions
}

function criticalOf(extensions: Extensions): readonly string[] {
  return [...extensions].filter(([, { critical }]) => critical).map(([id]) => id)
}

/** A revocation list, checked by whoever should have signed it. Throws DerProblem. */
export function revokedSerials(
  der: Uint8Array,
  issuer: X509Certificate,
): { readonly serials: ReadonlySet<string>; readonly until: number } {
  const [body, algorithm, signature] = children(only(der, SEQUENCE))
  const hash = hashOf(algorithm)
  if (body === undefined || hash === undefined || signature?.tag !== BIT_STRING)
    throw new DerProblem('a list that is signed in no way known here')
  if (!signedBy(issuer.publicKey, hash, body.bytes, signature.content.subarray(1)))
    throw new DerProblem('a list that this authority did not sign')
  const parts = children(body)
  // RFC 5280 section 5.2: it is of some certificates only, of some reasons, or what changed since another one.
  if (criticalOf(extensionsOf(parts, LIST_EXTENSIONS)).length > 0)
    throw new DerProblem('a list that does not tell of all certificates')
  const [first] = parts
  // Version, algorithm, issuer, this update, next update, entries, extensions; the first, fifth and sixth may be absent.
  const from = first !== undefined && first.tag === 0x02 ? 1 : 0
  const [next, entries] = [parts[from + 3], parts[from + 4]]
  const timed = next !== undefined && next.tag !== SEQUENCE && next.tag !== LIST_EXTENSIONS
  const list = timed ? entries : next
  const serials = new Set<string>()
  if (list?.tag === SEQUENCE)
    for (const entry of children(list)) {
      const [serial] = children(entry)
      if (serial === undefined) throw new DerProblem('an entry without a number')
      serials.add(integerHex(serial))
    }
  // A list that says no end is believed as long as it lies there.
  return { serials, until: timed ? time(next) : Infinity }
}

function hashOf(algorithm: Element | undefined): string | null | undefined {
  const [id] = children(algorithm)
  return id === undefined ? undefined : SOUND[objectId(id)]
}

function signedBy(key: KeyObject, hash: string | null, body: Uint8Array, signature: Uint8Array) {
  return verify(hash, body, key, signature)
}

function commonNames(subject: Element | undefined): readonly string[] {
  return children(subject).flatMap(set =>
    children(set, SET).flatMap(pair => {
      const [id, value] = children(pair)
      if (id === undefined || value === undefined || objectId(id) !== COMMON_NAME) return []
      // UTF8String, PrintableString, IA5String; others are read differently by different readers.
      if (![0x0c, 0x13, 0x16].includes(value.tag))
        throw new DerProblem('a name in a strange alphabet')
      return [utf8.decode(value.content)]
    }),
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function ascii(bytes: Uint8Array): string {
  if (bytes.some(byte => byte < 0x21 || byte > 0x7e))
    throw new DerProblem('a name that is no ASCII')
  return Buffer.from(bytes).toString('latin1')
}

/** The certificates of a PEM text. Throws when one cannot be read. */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new X509Certificate(block))
}

/** PEM or DER. */
export function listBytes(bytes: Buffer): readonly Uint8Array[] {
  const text = bytes.toString('latin1')
  const blocks = [...text.matchAll(/-----BEGIN X509 CRL-----([\s\S]+?)-----END X509 CRL-----/g)]
  return blocks.length === 0
    ? elements(bytes).map(each => each.bytes)
    : blocks.map(([, body = '']) => Buffer.from(body, 'base64'))
}
