// The secret of `mlkem768x25519-sha256` (draft-ietf-sshm-mlkem-hybrid-kex): ML-KEM-768 (FIPS 203) and X25519 (RFC 7748),
// so that who breaks one of them alone, or records now and has a quantum computer later, has nothing.
import {
  createHash,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'

const ENCAPSULATION_KEY = 1_184
const CIPHERTEXT = 1_088
const POINT = 32

interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export interface Keys {
  readonly lattice: KeyPair
  readonly curve: KeyPair
}

export const freshKeys = (): Keys => ({
  lattice: generateKeyPairSync('ml-kem-768'),
  curve: generateKeyPairSync('x25519'),
})

/** What the client says first: 1,216 bytes. */
export function firstWords({ lattice, curve }: Keys): Buffer {
  return Buffer.concat([rawOf(lattice.publicKey), rawOf(curve.publicKey)])
}

/** The server's part. Throws on keys that are none: FIPS 203's check of the modulus, RFC 7748's of the zero point. */
export function answerTo(words: Uint8Array): { readonly answer: Buffer; readonly secret: Buffer } {
  if (words.length !== ENCAPSULATION_KEY + POINT) throw new Error('a key of another length')
  const curve = generateKeyPairSync('x25519')
  const { sharedKey, ciphertext } = encapsulate(
    keyOf('ml-kem-768', words.subarray(0, ENCAPSULATION_KEY)),
  )
  const shared = diffieHellman({
    privateKey: curve.privateKey,
    publicKey: keyOf('x25519', words.subarray(ENCAPSULATION_KEY)),
  })
  return {
    answer: Buffer.concat([ciphertext, rawOf(curve.publicKey)]),
    secret: mixed(sharedKey, shared),
  }
}

/** The client's part, from the server's answer. Throws as `answerTo` does. */
export function secretFrom({ lattice, curve }: Keys, answer: Uint8Array): Buffer {
  if (answer.length !== CIPHERTEXT + POINT) throw new Error('an answer of another length')
  const shared = diffieHellman({
    privateKey: curve.privateKey,
    publicKey: keyOf('x25519', answer.subarray(CIPHERTEXT)),
  })
  return mixed(decapsulate(lattice.privateKey, answer.subarray(0, CIPHERTEXT)), shared)
}

/** Section 2.4: a string, and no number as elsewhere in SSH. */
function mixed(lattice: Uint8Array, curve: Uint8Array): Buffer {
  return createHash('sha256').update(lattice).update(curve).digest()
}

function rawOf(key: KeyObject): Buffer {
  return key.export({ format: 'raw-public' })
}

function keyOf(type: 'ml-kem-768' | 'x25519', bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: bytes, format: 'raw-public', asymmetricKeyType: type })
}
