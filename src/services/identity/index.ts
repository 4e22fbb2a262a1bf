// Who: tokens and ephemeral credentials in, principals out.
export type { IssuerSettings } from '#config'
export { channelPrincipal } from './channel-principal.ts'
export { createIdentity } from './create-identity.ts'
export type { CredentialSummary } from './credentials.ts'
export type { KnownPrincipal, KnownPrincipals } from './directory.ts'
export type { EphemeralProof, Identity, IdentityEnd, PeopleSignIn } from './identity.ts'
export type { ScramVerifier } from './scram.ts'
export { identityMigrations } from './tables.ts'
