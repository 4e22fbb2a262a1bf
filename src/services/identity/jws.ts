// Takes a compact JWS apart (RFC 7515 section 7.1), and checks its signature with keys of ours.
// Nothing that the header says chooses a key, other than the `kid` among the issuer's own keys.
import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import { AuthenticationFailed, type JsonObject } from '#model'
import { parseStrictObject } from './strict-json.ts'

/** Above this, a header or a password field is no token. */
export const LARGEST_TOKEN = 16_384

export interface Jws {
  readonly compact: string
  readonly header: JsonObject & { readonly alg: string }
  readonly payload: Uint8Array
  /** What is signed. Unlike the whole it cannot be varied: an ECDSA signature has two valid forms. */
  readonly signed: string
}

/**
 * Headers that bring or point at a key (CVE-2018-0114 and kin), that change what is signed (`b64`), or that
 * must be understood (`crit`, RFC 7515 section 4.1.11: we understand none).
 */
const REFUSED_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'enc', 'zip', 'epk']

export function invalid(message: string): AuthenticationFailed {
  return new AuthenticationFailed('token_invalid', message)
}

/** Whoever types a password of before learns what stands in its place. */
export function noToken(cause?: unknown): AuthenticationFailed {
  return new AuthenticationFailed('token_invalid', 'This is not a signed token (JWT).', {
    cause,
    hint: 'Give an access token of your issuer, or ID and SECRET of: sallyport credential RESOURCE.',
  })
}

/** Throws AuthenticationFailed. Nothing of it is trusted yet. */
export function readJws(compact: string): Jws {
  if (compact.length > LARGEST_TOKEN) throw invalid('The token is too large.')
  const parts = compact.split('.')
  const [head, body, signature] = parts
  if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined) {
    throw noToken()
  }
  const header = parseStrictObject(decode(head))
  if (header === undefined) throw invalid('The header of the token cannot be read.')
  const { alg } = header
  if (typeof alg !== 'string') throw invalid('The token does not say how it is signed.')
  const refused = REFUSED_HEADERS.find(name => Object.hasOwn(header, name))
  if (refused !== undefined) throw invalid(`The header "${refused}" is not accepted in a token.`)
  if (header['kid'] !== undefined && typeof header['kid'] !== 'string') {
    throw invalid('The header of the token cannot be read.')
  }
  decode(signature)
  return { compact, header: { ...header, alg }, payload: decode(body), signed: `${head}.${body}` }
}

/** Base64url in its one canonical form: no padding, no other alphabet, no stray bits at the end. */
function decode(part: string): Uint8Array {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw invalid('The token is not encoded as tokens are.')
  return bytes
}

/** A token without a `kid` costs as many checks at most. */
const MOST_CANDIDATES = 8

/** `unknown_key`: the set has no key for this header; perhaps a newer set has. */
export type SignatureCheck = 'good' | 'bad' | 'unknown_key'

/** Picks keys from a set, and keeps them imported. */
export type KeySelector = ReturnType<typeof createLocalJWKSet>

export function selector(keys: JSONWebKeySet): KeySelector {
  return createLocalJWKSet(keys)
}

export async function checkSignature(
  jws: Jws,
  keys: KeySelector,
  algorithms: readonly string[],
): Promise<SignatureCheck> {
  const options = { algorithms: [...algorithms] }
  try {
    // The header that was judged, not another reading of it.
    await compactVerify(jws.compact, () => keys({ ...jws.header }), options)
    return 'good'
  } catch (error) {
    // Every failure is a refusal; the kinds only tell whether other or newer keys could change it.
    if (error instanceof errors.JWKSNoMatchingKey) return 'unknown_key'
    if (error instanceof errors.JWKSMultipleMatchingKeys) return tryEach(jws, error, options)
    return 'bad'
  }
}

/** An issuer that names no keys, or several alike: each of them may have signed. */
async function tryEach(
  jws: Jws,
  candidates: errors.JWKSMultipleMatchingKeys,
  options: { algorithms: string[] },
): Promise<SignatureCheck> {
  let tried = 0
  for await (const key of candidates) {
    tried += 1
    if (tried > MOST_CANDIDATES) break
    try {
      await compactVerify(jws.compact, key, options)
      return 'good'
    } catch {
      // Not this one. When none is left the token is refused.
    }
  }
  return 'bad'
}
