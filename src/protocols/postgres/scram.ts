// SCRAM-SHA-256 and -PLUS (RFC 5802, RFC 7677, RFC 5929): the sums and the grammar that both roles share.
// Pure but for hashing. The roles are in scram-server.ts and scram-client.ts.
import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto'
import { AuthenticationFailed, ProtocolError } from '#model'

export const SCRAM = 'SCRAM-SHA-256'
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS'
export const KEY_BYTES = 32

export function hmac(key: Uint8Array, text: string | Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(text).digest()
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

/** StoredKey and ServerKey are what a server keeps; ClientKey is what proves. */
export interface ScramKeys {
  readonly clientKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** RFC 5802 section 3, from SaltedPassword. */
export function keysOf(saltedPassword: Uint8Array): ScramKeys {
  return {
    clientKey: hmac(saltedPassword, 'Client Key'),
    serverKey: hmac(saltedPassword, 'Server Key'),
  }
}

export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0))
}

/** Constant time for equal lengths; lengths are no secret. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Strict: exactly the canonical form, so that one value has one spelling. Undefined otherwise. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/**
 * The attributes of a message, which must be exactly those of `names`, in that order (RFC 5802 section 7:
 * the order is fixed; extensions would stand at the end, and a mandatory one (`m=`) must be refused, so all are).
 */
export function attributes(message: string, names: string): readonly string[] | undefined {
  const parts = message.split(',')
  if (parts.length !== names.length) return undefined
  const values: string[] = []
  for (const [index, part] of parts.entries()) {
    if (part[0] !== names[index] || part[1] !== '=') return undefined
    values.push(part.slice(2))
  }
  return values
}

/** RFC 5802 section 7: printable ASCII without a comma. */
export function isNonce(text: string): boolean {
  return text.length <= 512 && /^[\x21-\x2b\x2d-\x7e]+$/.test(text)
}

/**
 * The channel binding `tls-server-end-point` of a certificate (RFC 5929 section 4.1): its hash with the hash of its
 * signature, SHA-256 in place of MD5 and SHA-1. Undefined where the signature names no hash
 * (Ed25519, RSA-PSS): then there is no binding that both ends would compute alike.
 */
export function serverEndPoint(certificate: Uint8Array): Uint8Array | undefined {
  const algorithm = new X509Certificate(certificate).signatureAlgorithm ?? ''
  const named = /(?:sha|SHA|md5|MD5)-?(\d*)/.exec(algorithm)
  if (named === null || /pss|sha3/i.test(algorithm)) return undefined
  const hash = ['224', '384', '512'].includes(named[1] ?? '') ? `sha${named[1]}` : 'sha256'
  return createHash(hash).update(certificate).digest()
}

export function violation(what: string): ProtocolError {
  return new ProtocolError('protocol_violation', `SCRAM: ${what}`)
}

export function wrongSecret(): AuthenticationFailed {
  return new AuthenticationFailed('credential_invalid', 'the credential or its secret is wrong', {
    hint: 'ask for a new one: sallyport credential RESOURCE',
  })
}
