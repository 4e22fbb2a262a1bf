// All a protocol is, and all that anyone may know of it. Implementations live in src/protocols/.
import type { Socket } from 'node:net'
import type { ZodType } from 'zod'
import type {
  ColumnName,
  DataClass,
  Endpoint,
  NativeTool,
  Origin,
  Principal,
  Resource,
  Statement,
} from '#model'
import type { Gateway } from './gateway.ts'
import type { KeyProofs } from './key-proofs.ts'

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
