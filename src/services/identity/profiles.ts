// What a token must be besides signed and in time, by the profile of its issuer's entry (standards 1.2).
import type { IssuerSettings } from '#config'
import { AuthenticationFailed, type JsonObject } from '#model'
import { claimAt, dateAt, isName, nameAt } from './claims.ts'
import { invalid } from './jws.ts'

const HOUR_MS = 3_600_000
/** How old a token of a principal may be when its issuer's entry does not say. */
const OLDEST_MS = { agent: HOUR_MS, user: 24 * HOUR_MS } as const

/** Throws AuthenticationFailed unless the token is of the kind that the entry accepts. */
export function checkProfile(
  header: JsonObject,
  claims: JsonObject,
  settings: IssuerSettings,
): void {
  checkAudience(claims, settings.audience)
  // RFC 7800: bound to a key whose possession nothing here proves. Accepting it would unbind it.
  if (Object.hasOwn(claims, 'cnf')) {
    throw invalid('The token is bound to a key, and this connection cannot prove possession of it.')
  }
  if (settings.profile === 'rfc9068') checkAccessToken(header, claims)
  else checkGenericToken(header, claims)
}

/** RFC 7519 section 4.1.3; compared as it stands, no prefix and no case folded. */
function checkAudience(claims: JsonObject, accepted: readonly string[]): void {
  const written = claimAt(claims, 'aud')
  const audiences = typeof written === 'string' ? [written] : written
  if (!Array.isArray(audiences) || !audiences.every(isName)) {
    throw invalid('The token does not say who it is for.')
  }
  if (!audiences.some(audience => accepted.includes(audience))) {
    throw new AuthenticationFailed('token_invalid', 'The token is for another audience.', {
      hint: `Ask the issuer for a token with the audience ${accepted.join(' or ')}.`,
    })
  }
}

/** RFC 9068 sections 2.1, 2.2 and 4. */
function checkAccessToken(header: JsonObject, claims: JsonObject): void {
  const typ = mediaType(header)
  if (typ !== 'at+jwt') throw invalid('The token is not an access token (RFC 9068: "at+jwt").')
  for (const claim of ['jti', 'client_id']) nameAt(claims, claim)
  if (dateAt(claims, 'iat') === undefined) throw invalid('The token has no "iat".')
}

/** For issuers without `at+jwt`: whatever looks like something other than an access token is refused. */
function checkGenericToken(header: JsonObject, claims: JsonObject): void {
  const typ = mediaType(header)
  if (typ !== undefined && typ !== 'jwt' && typ !== 'at+jwt') {
    throw invalid('The token is not an access token.')
  }
  const idToken =
    ['nonce', 'at_hash', 'c_hash', 's_hash'].some(claim => Object.hasOwn(claims, claim)) ||
    claimAt(claims, 'token_use') === 'id'
  if (idToken) throw invalid('This is an ID token; an access token is needed.')
  // A logout token or a security event (RFC 8417) is signed by the same keys.
  if (Object.hasOwn(claims, 'events')) throw invalid('The token is not an access token.')
}

/** RFC 7515 section 4.1.9: `application/` may be left out; media types ignore case. */
function mediaType(header: JsonObject): string | undefined {
  const typ = header['typ']
  if (typ === undefined) return undefined
  if (typeof typ !== 'string') throw invalid('The header of the token cannot be read.')
  return typ.toLowerCase().replace(/^application\//, '')
}

export interface Validity {
  readonly expiresAt: number
  readonly issuedAt: number | undefined
}

/**
 * When the identity ends. `exp` has no grace: sessions end by it too. The skew only excuses an issuer whose
 * clock is ahead. Throws AuthenticationFailed (`token_expired`, `token_invalid`).
 */
export function validity(
  claims: JsonObject,
  kind: 'user' | 'agent',
  settings: IssuerSettings,
  now: number,
): Validity {
  const expires = dateAt(claims, 'exp')
  const issuedAt = dateAt(claims, 'iat')
  const notBefore = dateAt(claims, 'nbf')
  if (expires === undefined) throw invalid('The token does not say when it ends.')
  if (expires <= now)
    throw new AuthenticationFailed('token_expired', 'The token has expired.', {
      hint: 'Ask its issuer for a new one.',
    })
  const latest = now + settings.clockSkew
  if (notBefore !== undefined && notBefore > latest) throw invalid('The token is not valid yet.')
  if (issuedAt !== undefined && issuedAt > latest) {
    throw invalid('The token was issued in the future.')
  }
  const oldest = settings.maxTokenAge ?? OLDEST_MS[kind]
  if (issuedAt === undefined) {
    if (expires - now > oldest) throw invalid('The token does not say when it was issued.')
    return { expiresAt: expires, issuedAt }
  }
  const expiresAt = Math.min(expires, issuedAt + oldest)
  if (expiresAt <= now) {
    throw new AuthenticationFailed('token_expired', 'The token is too old.', {
      hint: `A token is accepted for ${oldest / 60_000} minutes here. Ask for a new one.`,
    })
  }
  return { expiresAt, issuedAt }
}
