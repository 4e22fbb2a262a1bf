// Who is trusted to say who somebody is. The rules for tokens themselves are in services/identity.
import { z } from 'zod'
import { clientCertificatesSchema } from './client-certificates.ts'
import { duration, isLoopback, secretReference } from './values.ts'

/** Asymmetric ones only: with HS* whoever can check a token can make one. */
export const signatureAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

/** https, or http on loopback; no credentials, query or fragment in it. */
export const issuerUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    context.addIssue(`"${text}" is not an https URL`)
    return z.NEVER
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    context.addIssue('plain http is accepted on loopback only: use https')
    return z.NEVER
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    context.addIssue('the URL may carry no user, password or fragment')
    return z.NEVER
  }
  return text
})

const oneOrMore = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform(value => (typeof value === 'string' ? [value] : value))

/** A claim by its name, or by a JSON pointer (RFC 6901) when it begins with a slash. */
const claim = z.string().min(1).max(256)

const principal = z.union([
  z.enum(['user', 'agent']),
  z.strictObject({
    claim,
    /** Values of the claim that make the principal an agent. */
    agent: oneOrMore,
    /** With it, any other value (and none at all) is refused; without it, the rest are users. */
    user: oneOrMore.optional(),
  }),
])

export const issuerSchema = z.strictObject({
  issuer: issuerUrl,
  audience: oneOrMore,
  profile: z.enum(['rfc9068', 'generic-jwt']).default('rfc9068'),
  groups: claim.default('groups'),
  principal: principal.default('user'),
  /** Put before subjects and groups, so that two issuers can never mean the same principal. */
  prefix: z.string().max(64).default(''),
  algorithms: z
    .array(z.enum(signatureAlgorithms))
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']),
  /** The claim that names the run; `jti` when absent. */
  run: claim.optional(),
  /** The claim that names the owners of an agent. */
  owners: claim.default('owners'),
  /** Claims that are kept as attributes of the principal. */
  attributes: z.array(claim).max(32).default(['client_id', 'scope']),
  /** Values of `acr` that mean a second factor. */
  mfa: z.array(z.string().min(1)).default([]),
  /** Where the keys are, when discovery does not tell: an https URL or `file:PATH`. */
  jwks: z.union([z.string().regex(/^file:.+/), issuerUrl]).optional(),
  /** How old a token may be, whatever it says. Default: 1h for agents, 24h for people. */
  maxTokenAge: duration.optional(),
  clockSkew: duration.prefault('30s').refine(ms => ms <= 60_000, 'at most 60s'),
})

/** An issuer entry, as checked. Durations are in ms. */
export type IssuerSettings = z.infer<typeof issuerSchema>

/** How people sign in with a browser. The issuer is one of `issuers`, whose entry says what its claims mean. */
const loginSchema = z.strictObject({
  issuer: issuerUrl,
  clientId: z.string().min(1),
  clientSecret: secretReference.optional(),
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).default(['openid', 'profile']),
  /** The longest that one sign-in holds, and the longest without use. */
  lifetime: duration.prefault('8h').refine(ms => ms <= 7 * 86_400_000, 'at most 7d'),
  idle: duration.prefault('1h'),
})
export type LoginSettings = z.infer<typeof loginSchema>

export const identitySchema = z.strictObject({
  issuers: z.array(issuerSchema).default([]),
  /** Whose client certificates are taken as identity, by the listeners that ask for them. */
  certificates: z.array(clientCertificatesSchema).max(16).default([]),
  login: loginSchema.optional(),
})

/**
 * The same for token issuers and authorities of certificates: one that stands in both lists is one issuer. The index is of the two
 * lists behind each other.
 */
export function issuersConflict(
  issuers: readonly { readonly issuer: string; readonly prefix: string }[],
  certificates: readonly { readonly issuer: string; readonly prefix: string }[],
): ReturnType<typeof prefixConflict> {
  const others = certificates.filter(
    each => !issuers.some(({ issuer, prefix }) => issuer === each.issuer && prefix === each.prefix),
  )
  const conflict = prefixConflict([...issuers, ...others])
  const other = conflict && others[conflict.index - issuers.length]
  if (conflict === undefined || other === undefined) return conflict
  return { ...conflict, index: issuers.length + certificates.indexOf(other) }
}

/** Why these prefixes do not keep the issuers apart, with the index of the entry; undefined when they do. */
function prefixConflict(
  issuers: readonly { readonly issuer: string; readonly prefix: string }[],
): { index: number; key: 'issuer' | 'prefix'; message: string } | undefined {
  for (const [index, entry] of issuers.entries()) {
    for (const other of issuers.slice(0, index)) {
      if (other.issuer === entry.issuer) {
        return { index, key: 'issuer', message: `${entry.issuer} is listed twice` }
      }
      if (entry.prefix.startsWith(other.prefix) || other.prefix.startsWith(entry.prefix)) {
        const message = `several issuers need prefixes of which none begins with another ("${other.prefix}", "${entry.prefix}"): two people could get the same name`
        return { index, key: 'prefix', message }
      }
    }
  }
  return undefined
}
