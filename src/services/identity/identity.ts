// Who is it: tokens and ephemeral credentials in, principals out; and who is it no longer. What the room promises;
// create-identity.ts keeps it.
import type { ClientCertificateSettings, IssuerSettings } from '#config'
import type { Principal, Secret } from '#model'
import type { CredentialSummary } from './credentials.ts'
import type { DeviceRequest, DeviceStart } from './device-codes.ts'
import type { KnownPrincipals } from './directory.ts'
import type { RunName } from './revocations.ts'
import type { ScramVerifier } from './scram.ts'

/** What has ended. Each field that is set ends the sessions that rest on it. */
export interface IdentityEnd {
  readonly principalId?: string
  /** A credential's id, a `jti`, or a token's hash: `Principal.credential.id`. */
  readonly credentialId?: string
  readonly issuer?: string
  readonly run?: RunName
  readonly reason:
    | 'credential_revoked'
    | 'token_revoked'
    | 'principal_revoked'
    | 'run_ended'
    | 'issuer_changed'
}

export interface EphemeralProof {
  readonly verifier: ScramVerifier
  /** For wires that carry the secret itself, inside their own encryption. The same work for ids that do not exist. */
  matches(secret: Secret): Promise<boolean>
  /** Call after the client's proof was verified. Throws AuthenticationFailed. */
  accept(resource: string): Promise<Principal>
}

export interface Identity {
  /** Throws AuthenticationFailed (`token_invalid`, `token_expired`, `identity_ended`, `unavailable`). */
  verify(token: Secret): Promise<Principal>
  /** Who a client certificate (DER) is of; its key was proved. Throws AuthenticationFailed. */
  verifyCertificate(der: Uint8Array): Principal
  /** Whose certificates are taken, as PEM; empty: nobody's. */
  certificateAuthorities(): string
  isCredentialId(name: string): boolean
  /**
   * A credential for one resource, for 15 minutes at most and never longer than the identity itself. The secret is
   * not kept. Throws AccessDenied for principals that came by such a credential, Unavailable.
   */
  issue(
    principal: Principal,
    resource: string,
    ttlMs: number,
  ): Promise<{ id: string; secret: Secret; expiresAt: number }>
  ephemeral(id: string): EphemeralProof
  /** Those in force, of one principal or of all. */
  list(principalId?: string): readonly CredentialSummary[]
  /** Ends it at once. True when it was in force. `settled` tells when that is stored. */
  revokeCredential(id: string): boolean
  /** By `jti` or hash; with it ends what was issued for it. `until` (Unix ms) is when nobody could use it anyhow. */
  revokeToken(jtiOrHash: string, until?: number): void
  /**
   * Ends every session and credential of the principal, of agents it owns, and of whoever acts by or for it. Tokens
   * that were issued before are refused; with `until` (Unix ms), newer ones too.
   */
  revokePrincipal(id: string, until?: number): void
  /** Unix ms: what proved this principal up to then is refused; undefined when nothing is. */
  principalEndedAt(id: string): number | undefined
  /**
   * Ends every session and credential of the run, and refuses it from now on, whatever token names it. `settled` tells
   * when that is stored.
   */
  endRun(run: RunName): void
  /** When the run was ended by somebody; undefined when it was not. */
  runEndedAt(run: RunName): number | undefined
  /** Who was ever here. */
  readonly known: KnownPrincipals
  readonly people: PeopleSignIn
  /** Calls back at once, within the call that ends. Expiry is the caller's timer (`Principal.expiresAt`). */
  onEnded(listener: (end: IdentityEnd) => void): () => void
  /** Replaces those who say who somebody is. Throws ConfigurationError, and changes nothing, when it does not hold. */
  update(
    issuers: readonly IssuerSettings[],
    certificates?: readonly ClientCertificateSettings[],
  ): void
  /** Reads what other processes on the same store have issued and revoked. */
  refresh(): Promise<void>
  /** Resolves when all revocations are stored. Throws Unavailable when one could not be. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** Signing in with a browser, and handing that to a program on another machine (RFC 8628). */
export interface PeopleSignIn {
  /** Where to send the browser, and the sealed text that it must bring back. Throws Unavailable. */
  begin(returnTo: string): Promise<{ url: URL; pending: string }>
  /** Throws AuthenticationFailed, Unavailable. */
  finish(
    query: string,
    pending: string | undefined,
  ): Promise<{ token: Secret; principal: Principal; returnTo: string }>
  /** Who signed in here with this address, verified, within 12 hours, and has not ended that since. */
  byAddress(address: string): Principal | undefined
  /** Ends the sign-in that the principal rests on. False when it rests on none. */
  end(principal: Principal): boolean
  /** A program asks to be signed in by a person elsewhere. Throws Unavailable. */
  startDevice(asks: { readonly client: string; readonly ip: string }): DeviceStart
  /** What waits under the code that a person typed; undefined when nothing does. */
  device(userCode: string, person: Principal): DeviceRequest | undefined
  /** The person's answer. False when nothing waits under the code. */
  answerDevice(userCode: string, person: Principal, yes: boolean): boolean
  /** The token, once. Throws AuthenticationFailed with `approval_pending`, `approval_denied`, `token_expired`. */
  takeDevice(deviceCode: string): { token: Secret; principal: Principal }
  /**
   * Who said yes, for one connection: no token comes of it, and it ends with the sign-in that the person said it by.
   * Throws AuthenticationFailed; `approval_pending` until somebody answers.
   */
  confirmed(deviceCode: string): Principal
}
