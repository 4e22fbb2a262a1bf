// All a protocol is, and all that anyone may know of it. Implementations live in src/protocols/.
import type { KeyObject } from 'node:crypto'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { ZodType } from 'zod'
import type {
  ColumnName,
  DataClass,
  Endpoint,
  GatewayError,
  NativeTool,
  Origin,
  Principal,
  ReasonCode,
  Resource,
  Secret,
  Statement,
} from '#model'
import type { KeyAuthorities } from '#transport'
import type { AskedPerson } from './browser-login.ts'
import type { KeyProofs } from './key-proofs.ts'
import type { OpeningSession, Session } from './session.ts'

/** What an operator said about one listener. */
export interface ListenerSettings {
  readonly host: string
  readonly port: number
  /** Tokens over plaintext: only ever true on a loopback address (config refuses it elsewhere). */
  readonly allowPlaintext: boolean
  /**
   * Set when the connection came through an authenticated tunnel (`sallyport connect`): who it is, and
   * the one resource it may open. No further proof is asked; plaintext is fine inside the tunnel.
   */
  readonly tunnel?: {
    readonly principal: Principal
    readonly resource: string
    readonly origin: Origin
  }
}

export interface Protocol<Upstream = unknown> {
  readonly name: string
  readonly label: string
  readonly defaultPort: number
  /** Checks `resources[].upstream`; also the API's schema and the console's form. */
  readonly settings: ZodType<Upstream>
  /** The fields of `resources[].credential` that may carry a secret reference. */
  readonly secretFields: readonly string[]
  /** Those that fill the same place: one of them at most. */
  readonly oneOf?: readonly string[]
  /** Those that may say `ours` in place of a reference. */
  readonly ownFields?: readonly string[]
  /** Fields that are maps: what checks their parts that are no secrets. (Those stand in `secretFields` as `FIELD.PART`.) */
  readonly credentialMaps?: { readonly [field: string]: ZodType }
  /** Looks into the files that settings name, when the configuration is read: what does not hold, and at which of their fields. */
  checkFiles?(upstream: Upstream): readonly {
    readonly path: readonly (string | number)[]
    readonly message: string
  }[]
  /**
   * Classes of values that its answers hold whatever is configured: hidden unless a policy reveals them. One that is
   * configured by the same name adds its columns, and says how the values are masked.
   */
  readonly dataClasses?: readonly DataClass[]
  readonly recording: 'statements' | 'terminal' | 'exchanges'
  /** Lines that a person can paste. */
  connectHint(endpoint: Endpoint): readonly string[]
  /** What people use it with. */
  readonly tool: NativeTool
  /** Absent: clients of this wire prove nothing by keys. */
  readonly keyProofs?: KeyProofs
  /**
   * Reads a statement as it would be judged, without a session or a catalog: for `policy why`. Names stand
   * as written. Throws AccessDenied when it cannot be read.
   */
  read(text: string): Promise<Statement>
  /**
   * The same as a fresh session of the resource would read it, by what is known of its catalog at this moment; undefined
   * when nothing is known (no session was on it lately). Connects to nothing.
   */
  readAt(text: string, resource: Resource<Upstream>): Promise<Statement | undefined>
  /**
   * Columns of the resource as its catalog is known at this moment, `most` at most, without those of the system itself;
   * undefined when nothing is known. Connects to nothing.
   */
  columnsAt?(resource: Resource<Upstream>, most: number): readonly ColumnName[] | undefined
  /**
   * Serves one client connection from its first byte to its end. Resolves when both legs are closed.
   * Nothing that a client or an upstream does makes it reject: a rejection is a bug of ours, and
   * ends this connection only.
   */
  serve(client: Socket, listener: ListenerSettings, gateway: Gateway): Promise<void>
}

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

/** The enforcement point as a protocol sees it. */
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
