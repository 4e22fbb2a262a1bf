// Our side of SCRAM towards an upstream: proves that we know the password, and demands that the server
// proves it too. The slow derivation runs in the thread pool and is kept, bounded, by what it was made from.
import { createHash, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '#model'
import { saslPrepared } from './saslprep.ts'
import {
  attributes,
  base64,
  equal,
  fromBase64,
  hmac,
  isNonce,
  KEY_BYTES,
  keysOf,
  type ScramKeys,
  sha256,
  violation,
  xor,
} from './scram.ts'

const derive = promisify(pbkdf2)
/** A server that asks for more wants our processor, not our proof. PostgreSQL's default is 4,096. */
const MAX_ITERATIONS = 1_000_000
const MAX_KEPT = 256

export interface ScramClient {
  readonly first: string
  /** server-first-message → client-final-message. Throws ProtocolError. */
  final(serverFirst: string): Promise<string>
  /** Throws ProtocolError when the server does not prove that it knows the password as well. */
  verify(serverFinal: string): void
}

/** `binding`: undefined without channel binding. `nonce`: at least 18 random bytes as base64. */
export function createScramClient(
  password: Secret,
  binding: Uint8Array | undefined,
  nonce: string,
): ScramClient {
  const gs2 = binding === undefined ? 'n,,' : 'p=tls-server-end-point,,'
  const firstBare = `n=,r=${nonce}` // PostgreSQL takes the user from the startup packet
  let signature: Uint8Array | undefined

  return {
    first: gs2 + firstBare,

    async final(serverFirst) {
      if (signature !== undefined) throw violation('a second challenge')
      const [fullNonce, saltText, count] = attributes(serverFirst, 'rsi') ?? []
      const salt = fromBase64(saltText ?? '')
      if (
        fullNonce === undefined ||
        salt === undefined ||
        salt.length === 0 ||
        salt.length > 1024
      ) {
        throw violation('malformed challenge')
      }
      if (
        !isNonce(fullNonce) ||
        !fullNonce.startsWith(nonce) ||
        fullNonce.length === nonce.length
      ) {
        throw violation('the nonce does not match')
      }
      const iterations = /^[1-9]\d{0,6}$/.test(count ?? '') ? Number(count) : 0
      if (iterations < 1 || iterations > MAX_ITERATIONS)
        throw violation('impossible iteration count')
      const keys = await keysFor(password, salt, iterations)
      const channel = base64(
        Buffer.concat([Buffer.from(gs2), binding === undefined ? new Uint8Array(0) : binding]),
      )
      const authMessage = `${firstBare},${serverFirst},c=${channel},r=${fullNonce}`
      const proof = xor(keys.clientKey, hmac(sha256(keys.clientKey), authMessage))
      signature = hmac(keys.serverKey, authMessage)
      return `c=${channel},r=${fullNonce},p=${base64(proof)}`
    },

    verify(serverFinal) {
      const [given] = attributes(serverFinal, 'v') ?? []
      const bytes = fromBase64(given ?? '')
      if (signature === undefined || bytes === undefined || !equal(bytes, signature)) {
        throw violation('the server does not know the password')
      }
    },
  }
}

const kept = new Map<string, Promise<ScramKeys>>()

/** Keyed by a hash of password, salt and count: a changed password is another key, and nothing is readable from it. */
function keysFor(password: Secret, salt: Uint8Array, iterations: number): Promise<ScramKeys> {
  const prepared = saslPrepared(password.bytes())
  const name = createHash('sha256')
    .update(`${iterations}:${salt.length}:`)
    .update(salt)
    .update(prepared)
    .digest('base64')
  const known = kept.get(name)
  if (known !== undefined) return known
  const making = derive(prepared, salt, iterations, KEY_BYTES, 'sha256').then(keysOf)
  const oldest = kept.keys().next().value
  if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest)
  kept.set(name, making)
  making.catch(() => kept.delete(name)) // the caller sees the failure; the next one tries again
  return making
}
