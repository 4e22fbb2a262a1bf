// The keys that a certificate may be for: their numbers as wires carry them, and what they have signed (RFC 8709,
// RFC 5656, RFC 8332). No key in a security device yet: those sign something else.
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { ByteReader } from '#engines/wire'
import { ProtocolError } from '#model'
import { numberOf, string, stringOf, textOf } from './fields.ts'

const ED25519_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64
const LEAST_RSA_BITS = 2_048
const MOST_RSA_BYTES = 1_024
const LONGEST_NAME = 64

interface Curve {
  readonly name: string
  readonly jwk: string
  readonly bytes: number
  readonly hash: string
}

const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['ecdsa-sha2-nistp256', { name: 'nistp256', jwk: 'P-256', bytes: 32, hash: 'sha256' }],
  ['ecdsa-sha2-nistp384', { name: 'nistp384', jwk: 'P-384', bytes: 48, hash: 'sha384' }],
  ['ecdsa-sha2-nistp521', { name: 'nistp521', jwk: 'P-521', bytes: 66, hash: 'sha512' }],
])

/** By the algorithm that a signature names: SHA-1 is none of them. */
const RSA_HASHES: ReadonlyMap<string, string> = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
])

/** A key without its private half. */
export interface SubjectKey {
  /** As a plain key of it is called. */
  readonly type: string
  readonly key: KeyObject
  /** Its numbers as they stand in a blob, behind the type. */
  readonly numbers: Uint8Array
}

/** Reads the numbers of a key where a blob has them. Throws ProtocolError. */
export function readNumbers(type: string, blob: Uint8Array, reader: ByteReader): SubjectKey {
  const from = blob.length - reader.remaining
  const key = keyOf(type, reader)
  return { type, key, numbers: blob.subarray(from, blob.length - reader.remaining) }
}

/** A plain key, whole. Throws ProtocolError when it is of another kind, or anything follows it. */
export function readSubjectKey(blob: Uint8Array): SubjectKey {
  const reader = new ByteReader(blob)
  const key = readNumbers(textOf(reader, LONGEST_NAME), blob, reader)
  reader.expectEnd()
  return key
}

/** A plain key as the wire has it. */
export function keyBlob({ type, numbers }: SubjectKey): Buffer {
  return Buffer.concat([string(type), numbers])
}

/** By which algorithms a key of this type signs. */
export function signatureAlgorithmsOf(type: string): readonly string[] {
  return type === 'ssh-rsa' ? [...RSA_HASHES.keys()] : [type]
}

/** True when the key made this signature, by this very algorithm, over the bytes. */
export function signed(
  { type, key }: SubjectKey,
  algorithm: string,
  signature: Uint8Array,
  bytes: Uint8Array,
): boolean {
  const reader = new ByteReader(signature)
  if (textOf(reader, LONGEST_NAME) !== algorithm) return false
  const value = stringOf(reader, MOST_RSA_BYTES)
  reader.expectEnd()
  const hash = RSA_HASHES.get(algorithm)
  if (hash !== undefined) return type === 'ssh-rsa' && verify(hash, bytes, key, value)
  if (algorithm !== type) return false
  const curve = CURVES.get(type)
  if (curve === undefined)
    return value.length === ED25519_SIGNATURE_BYTES && verify(null, bytes, key, value)
  const pair = new ByteReader(value)
  const numbers = [numberOf(pair, curve.bytes), numberOf(pair, curve.bytes)]
  pair.expectEnd()
  const fixed = Buffer.concat(
    numbers.flatMap(each => [Buffer.alloc(curve.bytes - each.length), each]),
  )
  return verify(curve.hash, bytes, { key, dsaEncoding: 'ieee-p1363' }, fixed)
}

function keyOf(type: string, reader: ByteReader): KeyObject {
  const curve = CURVES.get(type)
  if (type === 'ssh-ed25519') {
    const x = stringOf(reader, ED25519_BYTES)
    if (x.length !== ED25519_BYTES) throw malformed()
    return jwk({ kty: 'OKP', crv: 'Ed25519', x: base64url(x) })
  }
  if (curve !== undefined) {
    if (textOf(reader, LONGEST_NAME) !== curve.name) throw malformed()
    const point = stringOf(reader, 1 + 2 * curve.bytes)
    // Uncompressed, as RFC 5656 section 3.1 has every one.
    if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) throw malformed()
    const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)]
    return jwk({ kty: 'EC', crv: curve.jwk, x: base64url(x), y: base64url(y) })
  }
  if (type === 'ssh-rsa') {
    const [e, n] = [numberOf(reader, 8), numberOf(reader, MOST_RSA_BYTES)]
    if (n.length * 8 < LEAST_RSA_BITS) throw malformed()
    return jwk({ kty: 'RSA', e: base64url(e), n: base64url(n) })
  }
  throw malformed()
}

function jwk(key: { readonly [field: string]: string }): KeyObject {
  try {
    // Refuses points that are not on their curve.
    return createPublicKey({ key, format: 'jwk' })
  } catch (cause) {
    throw new ProtocolError('protocol_violation', 'a key is none', { cause })
  }
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

function malformed(): ProtocolError {
  return new ProtocolError('protocol_violation', 'a key is of no kind that is taken')
}
