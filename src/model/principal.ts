// Who acts. Built by services/identity only, from something that was verified.
import type { JsonObject } from './json.ts'

/** `user` is a person; `agent` is anything else: an AI agent, a CI job, a service. */
export type PrincipalKind = 'user' | 'agent'

/** What was presented to prove identity. */
export type CredentialKind = 'token' | 'ephemeral' | 'certificate' | 'sign-in' | 'channel'

/** Somebody in the delegation chain of a token (RFC 8693 section 4.1). */
export interface Actor {
  readonly kind: PrincipalKind
  /** The Cedar entity id, as `Principal.id`. */
  readonly id: string
  readonly subject: string
  readonly issuer: string
  readonly groups: readonly string[]
}

/** An authenticated principal. Accounts are keyed by (issuer, subject), never by a name or an e-mail. */
export interface Principal {
  readonly kind: PrincipalKind
  /**
   * The Cedar entity id: the issuer entry's `prefix` and the subject. Prefixes are prefix-free
   * (config refuses others), so two issuers can never produce the same id.
   */
  readonly id: string
  readonly subject: string
  readonly issuer: string
  /** A label for people: the `name` or `preferred_username` claim, else the subject. Never decides. */
  readonly name: string
  /** With the issuer entry's `prefix`. */
  readonly groups: readonly string[]
  readonly attributes: JsonObject
  /** Outermost first: [0] is the current actor; the others are prior actors and decide nothing. */
  readonly actors: readonly Actor[]
  /** Entity ids that own the agent: their approval is consent, never four-eyes. */
  readonly owners: readonly string[]
  /** True when the token says that a second factor was used (`amr`, `acr`). */
  readonly mfa: boolean
  readonly credential: {
    readonly kind: CredentialKind
    /** `jti`, or the SHA-256 of the token (hex), or the ephemeral credential's id. Never the token. */
    readonly id: string
  }
  /** The run this belongs to: the claim that the issuer entry names, else `jti`. */
  readonly run: string
  /** When the identity ends (Unix ms). Sessions that rest on it end then. */
  readonly expiresAt: number
  /** When the person proved who they are (`auth_time`, Unix ms), where the issuer tells. */
  readonly authenticatedAt?: number
  /** When it was issued (Unix ms), where the credential tells. */
  readonly issuedAt?: number
}
