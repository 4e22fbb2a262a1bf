// Who: tokens and ephemeral credentials in, principals out.
export type { IssuerSettings } from '#config'
export { channelPrincipal } from './channel-principal.ts'
export type { CredentialSummary } from './credentials.ts'
export type { KnownPrincipal, KnownPrincipals } from './directory.ts'
export {
  createIdentity,
  type EphemeralProof,
  type Identity,
  type IdentityEnd,
  type PeopleSignIn,
} from './identity.ts'
export type { ScramVerifier } from './scram.ts'
export { identityMigrations } from './tables.ts'
