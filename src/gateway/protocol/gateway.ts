// The enforcement point as a protocol sees it, and the logins that it gives a protocol to go through. sallyport-gateway.ts
// implements it.
import type { KeyObject } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import type { GatewayError, Origin, Principal, ReasonCode, Resource, Secret } from '#model'
import type { KeyAuthorities } from '#transport'
import type { Protocol } from './protocol.ts'
import type { OpeningSession, Session } from './session.ts'

/** What an ephemeral credential's SCRAM exchange needs (RFC 5802). Never the secret. */
export interface ScramVerifier {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/**
 * An ephemeral credential that a client named. For an unknown id `verifier` is a stable made-up one
 * (so ids cannot be probed) and `accept` fails like a wrong secret does.
 */
export interface EphemeralLogin {
  readonly verifier: ScramVerifier
  /** For wires that carry the secret itself, inside their own encryption. */
  matches(secret: Secret): Promise<boolean>
  /** Call after the client's proof was verified. Throws AuthenticationFailed. */
  accept(resource: string, origin: Origin): Promise<Principal>
  /** Call when the proof was wrong, so that it is on record. */
  reject(origin: Origin): void
}

/** Somebody is asked; nobody has answered. */
export interface AskedPerson {
  /** Where the person says yes. */
  readonly url: string
  /** What is shown on both sides, so that they know what they say yes to. */
  readonly code: string
  readonly expiresAt: number
  /** Resolves with who said yes. Throws AuthenticationFailed: nobody, in time; or no; or the client has left. */
  answer(signal: AbortSignal): Promise<Principal>
}

export interface Gateway {
  readonly limits: {
    /** The largest message of a client or an upstream that we hold whole, in bytes. */
    readonly messageBytes: number
    /** Of all bodies of requests that are held for a decision, together. */
    readonly heldBodyBytes: number
    /** The least of such a body in a second; 0: none. */
    readonly bodyBytesPerSecond: number
    /** From the first byte to a proven identity, in ms. */
    readonly loginMs: number
    /** From dial to an upstream that is ready, in ms. */
    readonly upstreamLoginMs: number
  }
  /** Our own certificate, for listeners that turn to TLS in band. Current at each call. */
  tls(): {
    readonly context: SecureContext
    /** DER. */
    readonly certificate: Uint8Array
    /** For handshakes that ask clients for a certificate; undefined: nobody comes in so. */
    readonly asking?: SecureContext | undefined
  }
  /** Ed25519: proves this gateway on wires that know hosts by a key. The same one as long as the data folder lasts. */
  hostKey(): KeyObject
  /** Keys that sign for others, on such wires. */
  authorities(): KeyAuthorities
  /** This gateway's own, as clients may write them. */
  names(): readonly string[]
  /** Verifies a token. Throws AuthenticationFailed. */
  authenticate(token: Secret, origin: Origin): Promise<Principal>
  /** Who a TLS client's certificate (DER) is of, whose key the handshake proved. Throws AuthenticationFailed. */
  authenticateCertificate(der: Uint8Array, origin: Origin): Promise<Principal>
  /** True when the text has the form of an ephemeral credential's id. */
  isCredentialId(name: string): boolean
  ephemeral(credentialId: string): EphemeralLogin
  /** Whether `askPerson` can. */
  asksPeople(): boolean
  /**
   * For wires that show texts to people: asks one to say who they are in a browser. `client` is read there, of whoever
   * asks. Undefined where nobody signs in so. Throws Unavailable when too many wait.
   */
  askPerson(client: string, origin: Origin): AskedPerson | undefined
  /** Puts a failed login on record that never reached `authenticate` (no token, plaintext refused, ...). */
  loginFailed(origin: Origin, code: ReasonCode): void
  /** Those that speak this protocol, as they are configured at this moment: a wire whose greeting comes first has to know. */
  resources<Upstream>(protocol: Protocol<Upstream>): readonly Resource<Upstream>[]
  /** Tells the operators' log what the client is not told: why the protected system cannot be used. */
  upstreamFailed(session: Pick<Session, 'id' | 'resource'>, error: GatewayError): void
  /**
   * Opens a session: the resource exists and speaks `protocol`, `connect` is permitted, the opening
   * is on record. Throws AccessDenied, Unavailable, InvalidRequest.
   *
   * `begin` is called when the opening has left for the log: the login at the upstream may begin while it is brought to
   * the disk. The client hears nothing of it before `open` resolves; when it rejects, what was begun is to be ended.
   */
  open<Upstream>(
    principal: Principal,
    protocol: Protocol<Upstream>,
    resource: string,
    origin: Origin,
    begin?: (session: OpeningSession<Upstream>) => void,
  ): Promise<Session<Upstream>>
}
