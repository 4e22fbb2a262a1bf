// A certificate of OpenSSH (PROTOCOL.certkeys): read strictly, written, and whether our authority signed it. Knows no
// clock, and not who may what.
import { type KeyObject, randomBytes, sign } from 'node:crypto'
import { ByteReader, utf8 } from '#engines/wire'
import { ProtocolError } from '#model'
import { ed25519Blob } from '../public-key.ts'
import { listOf, string, stringOf, textOf, uint32, uint64, uint64Of } from './fields.ts'
import {
  keyBlob,
  readNumbers,
  readSubjectKey,
  type SubjectKey,
  signatureAlgorithmsOf,
  signed,
} from './subject-key.ts'

const SUFFIX = '-cert-v01@openssh.com'
const KINDS = { user: 1, host: 2 } as const
const MOST_BYTES = 8_192
const LONGEST_NAME = 64
const LONGEST_TEXT = 256
const MOST_NAMES = 64
const NONCE_BYTES = 32
/**
 * A comma parts names in some lists, a newline in others, and a pattern is many names: a principal is none of these
 * (CVE-2026-35414).
 */
const PRINCIPAL = /^[^\s\p{C},*?!"'\\]{1,255}$/u

export interface Certificate {
  readonly kind: keyof typeof KINDS
  readonly subject: SubjectKey
  readonly serial: bigint
  readonly id: string
  readonly principals: readonly string[]
  /** Seconds of the epoch: from the first, up to but not with the second. */
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly options: ReadonlyMap<string, Uint8Array>
  readonly extensions: ReadonlyMap<string, Uint8Array>
}

export type CertificateTerms = Omit<Certificate, 'subject' | 'serial'>

/**
 * Throws ProtocolError: not in the form that it must have to the last byte, or not signed by `authority`. The signing
 * key is compared as a whole, so a certificate in its place (CVE-2025-49825) is as wrong as any other.
 */
export function readCertificate(blob: Uint8Array, authority: KeyObject | SubjectKey): Certificate {
  if (blob.length > MOST_BYTES) throw malformed('is too long')
  const reader = new ByteReader(blob)
  const type = textOf(reader, LONGEST_NAME)
  if (!type.endsWith(SUFFIX)) throw malformed('is none')
  stringOf(reader, LONGEST_TEXT) // a nonce: whatever it is
  const subject = readNumbers(type.slice(0, -SUFFIX.length), blob, reader)
  const serial = uint64Of(reader)
  const kind = kindOf(reader.uint32())
  const id = textOf(reader, LONGEST_TEXT)
  const principals = principalsOf(stringOf(reader, MOST_BYTES))
  const [validAfter, validBefore] = [uint64Of(reader), uint64Of(reader)]
  const options = optionsOf(stringOf(reader, MOST_BYTES))
  const extensions = optionsOf(stringOf(reader, MOST_BYTES))
  if (stringOf(reader, 0).length > 0) throw malformed('has more fields')
  const signer = stringOf(reader, MOST_BYTES)
  const body = blob.subarray(0, blob.length - reader.remaining)
  const signature = stringOf(reader, MOST_BYTES)
  reader.expectEnd()
  const expected = 'numbers' in authority ? authority : readSubjectKey(ed25519Blob(authority))
  if (!keyBlob(expected).equals(signer)) throw malformed('is signed by another authority')
  const algorithms = signatureAlgorithmsOf(expected.type)
  if (!algorithms.some(algorithm => signed(expected, algorithm, signature, body)))
    throw malformed('has another signature than that of its authority')
  return { kind, subject, serial, id, principals, validAfter, validBefore, options, extensions }
}

/** Throws ProtocolError when a name in it could be read as several. */
export function writeCertificate(
  subject: SubjectKey,
  terms: CertificateTerms,
  authority: KeyObject,
): Buffer {
  const body = Buffer.concat([
    string(subject.type + SUFFIX),
    string(randomBytes(NONCE_BYTES)),
    subject.numbers,
    randomBytes(8),
    uint32(KINDS[terms.kind]),
    string(terms.id),
    string(Buffer.concat(terms.principals.map(name => string(checked(name))))),
    uint64(terms.validAfter),
    uint64(terms.validBefore),
    options(terms.options),
    options(terms.extensions),
    string(''),
    string(ed25519Blob(authority)),
  ])
  const signature = Buffer.concat([string('ssh-ed25519'), string(sign(null, body, authority))])
  return Buffer.concat([body, string(signature)])
}

/** As files have it. */
export function certificateLine(blob: Uint8Array): string {
  const type = textOf(new ByteReader(blob), LONGEST_NAME)
  return `${type} ${Buffer.from(blob).toString('base64')}`
}

function kindOf(number: number): Certificate['kind'] {
  if (number === KINDS.user) return 'user'
  if (number === KINDS.host) return 'host'
  throw malformed('is neither for a user nor for a host')
}

/** None at all would be everybody, to a reader that takes it so. */
function principalsOf(bytes: Uint8Array): readonly string[] {
  const names = [...listOf(bytes, MOST_NAMES)].map(name => checked(utf8(name)))
  if (names.length === 0) throw malformed('names nobody')
  return names
}

/** A name that no reader can take for several, or for a pattern. */
export const isPrincipal = (name: string): boolean => PRINCIPAL.test(name)

function checked(name: string): string {
  if (!isPrincipal(name)) throw malformed('has a name that is none')
  return name
}

/** In order and once each, as PROTOCOL.certkeys asks: a second one of a name could be the one that another reader takes. */
function optionsOf(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  const parts = [...listOf(bytes, 2 * MOST_NAMES)]
  if (parts.length % 2 !== 0) throw malformed('has an option without a value')
  let before = ''
  for (let at = 0; at < parts.length; at += 2) {
    const [name, value] = [utf8(parts[at]!), parts[at + 1]!]
    if (name <= before) throw malformed('has options out of order')
    found.set(name, value)
    before = name
  }
  return found
}

function options(of: ReadonlyMap<string, Uint8Array>): Buffer {
  const sorted = [...of].sort(([a], [b]) => (a < b ? -1 : 1))
  return string(Buffer.concat(sorted.flatMap(([name, value]) => [string(name), string(value)])))
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('protocol_violation', `the certificate ${what}`)
}
