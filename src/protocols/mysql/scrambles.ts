// Proofs of a password that do not show it, as servers of this wire ask for them. Pure.
import { constants, createHash, createPublicKey, publicEncrypt } from 'node:crypto'

const sha1 = (...parts: readonly Uint8Array[]): Buffer => digest('sha1', parts)
const sha256 = (...parts: readonly Uint8Array[]): Buffer => digest('sha256', parts)

function digest(name: string, parts: readonly Uint8Array[]): Buffer {
  const hash = createHash(name)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.from(a, (byte, index) => byte ^ (b[index % b.length] as number))
}

/** mysql_native_password: SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password))). */
export function nativeScramble(password: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (password.length === 0) return password
  const once = sha1(password)
  return xor(once, sha1(nonce, sha1(once)))
}

/** caching_sha2_password: SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce). */
export function sha2Scramble(password: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (password.length === 0) return password
  const once = sha256(password)
  return xor(once, sha256(sha256(once), nonce))
}

/** The password for whoever holds the private key, and for this exchange alone. Throws for what is no RSA key. */
export function sealedPassword(password: Uint8Array, nonce: Uint8Array, pem: string): Uint8Array {
  const key = createPublicKey(pem)
  if (key.asymmetricKeyType !== 'rsa') throw new TypeError('no RSA key')
  const ended = Buffer.concat([password, Uint8Array.of(0)])
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, xor(ended, nonce))
}
