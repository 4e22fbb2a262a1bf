// What a SCRAM-SHA-256 server keeps of a secret (RFC 5802 section 3, RFC 7677), and the ids and secrets themselves.
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** RFC 7677 section 4: at least 4096. The secrets are 160 random bits: more rounds would protect nothing. */
export const ITERATIONS = 4_096

/** What an ephemeral credential's SCRAM exchange needs. Never the secret. */
export interface ScramVerifier {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

const derive = promisify(pbkdf2)

/** The secret is ASCII of ours: SASLprep (RFC 4013) leaves it as it is. */
export async function scramVerifier(
  secret: string,
  salt: Uint8Array,
  iterations: number = ITERATIONS,
): Promise<ScramVerifier> {
  const salted = await derive(secret, salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest()
  const serverKey = createHmac('sha256', salted).update('Server Key').digest()
  salted.fill(0)
  clientKey.fill(0)
  return { salt, iterations, storedKey, serverKey }
}

/** True when the verifier is of this secret. The time it takes tells nothing about either. */
export async function isSecretOf(secret: string, verifier: ScramVerifier): Promise<boolean> {
  const { storedKey } = await scramVerifier(secret, verifier.salt, verifier.iterations)
  return timingSafeEqual(storedKey, verifier.storedKey)
}

/** RFC 4648 section 6, lower case, without padding. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** `length` random characters of five bits each. */
export function randomBase32(length: number): string {
  let text = ''
  // 256 is a multiple of 32: no character is likelier than another.
  for (const byte of randomBytes(length)) text += BASE32[byte & 31]
  return text
}

/** 160 bits. */
export const newSecret = (): string => randomBase32(32)
export const newCredentialId = (): string => `sp-${randomBase32(10)}`
export const isCredentialId = (name: string): boolean => /^sp-[a-z2-7]{10}$/.test(name)
