// What differs between the wires that stand on HTTP: how a request names its resource, what it asks, where it goes and as whom,
// and how its answer is read. All else of a request under its permit is this room's.
import type { BodyMasker } from '#engines/bodies'
import type { Permit, Protocol, Session, Waiting } from '#gateway'
import type { GatewayError, Statement, UpstreamError } from '#model'
import type {
  Body,
  Exchange,
  Fields,
  HttpLimits,
  RequestHead,
  ResponseHead,
  UpstreamOrigin,
  UpstreamResponse,
} from '#transport/http'
import type { BodyBounds, ReadBody } from './request-body.ts'

/** An error of ours as a client of the wire sees it. */
export interface Denial {
  readonly head: ResponseHead
  readonly body: string
}

export interface Dialect<Upstream> {
  readonly protocol: Protocol<Upstream>
  readonly limits: Partial<HttpLimits>
  /** What a connection may be turned into, besides HTTP: `websocket`. In lower case. */
  readonly upgrades: readonly string[]
  /** The resource that a request names; undefined: none. Throws InvalidRequest: it names two. */
  resourceOf(head: RequestHead): string | undefined
  /** How a request names one, for whoever did not. */
  readonly naming: string
  /** `request`: undefined before there is one. */
  denial(error: unknown, request?: RequestHead): Denial
  /** The longest that a client waits for a person, in ms; 0: not at all; undefined: as long as the resource says. */
  waitMs(head: RequestHead): number | undefined
  access(session: Session<Upstream>): Access
}

/** One session's way to its resource. */
export interface Access {
  readonly credential: UpstreamCredential
  readonly body: BodyBounds
  /** What its answers hold nothing to mask in when they cannot be read: then they pass. */
  readonly unreadable: 'refuse' | 'pass'
  /** How requests are read, where that needs no waiting; undefined: it has to be asked for. */
  readonly reader: RequestReader | undefined
  /** Throws ConfigurationError. `onTrouble` hears of what the operator has to mend, and what goes on all the same. */
  readers(onTrouble: (error: GatewayError) => void): Promise<RequestReader>
  way(request: RequestHead): Way
  /**
   * The client's fields as they count here, before this room takes out and puts in what is its own. `masks`: something may be hidden in
   * the answer. Absent: as they came.
   */
  fields?(fields: Fields, masks: boolean, request: RequestHead): Fields
  /** A body in the form in which it is judged, shown and sent on. Absent: as it came. Throws InvalidRequest. */
  sent?(request: RequestHead, body: ReadBody): ReadBody
  /** What a held request would do, for the approver. Undefined: it cannot be told. */
  preview?(request: RequestHead, body: ReadBody): Waiting['preview'] | undefined
  /** Of an answer that speaks of our side's credentials, and not of what was asked: it is told as ours. Absent, undefined: it goes on. */
  refusal?(request: RequestHead, answer: ResponseHead): ReadRefusal | undefined
  /** Absent: bodies are read by their content type. Throws AccessDenied: nobody here can read it, and something is masked. */
  answer?(asked: AskedAnswer): ReadAnswer
  /** The line that an answer of lines ends with when it is cut, where its form has one. Absent, undefined: it has none, and is cut short. */
  farewell?(request: RequestHead, answer: ResponseHead, error: Error): Uint8Array | undefined
  /** Tells a client, in what it asked to be turned into, why it is not; false: it gets an answer, as any other. */
  refused?(exchange: Exchange, error: unknown): boolean
  /** What follows a 101. Absent: a WebSocket. Resolves when either side has ended; throws what ended it before. */
  serveTunnel?(parts: TunnelParts): Promise<void>
}

/** What such an answer says, by its body; undefined: it is too long, or was cut. */
export type ReadRefusal = (body: Uint8Array | undefined) => UpstreamError

/** Where the resource is; of one request. */
export interface Way {
  /** `https://host:port`. */
  readonly origin: string
  readonly authority: string
  /** What stands before the path there. Without a slash at the end. */
  readonly basePath: string
  /** What stands before the path in the client's eyes, and the upstream does not see. */
  readonly ownPath: string
}

/** Reads requests: the same object as long as it reads them alike. */
export interface RequestReader {
  /** Of the fields of the request, `carrier` is ours. Throws InvalidRequest. */
  statement(request: RequestHead, body: ReadBody, carrier: string | undefined): Statement
}

export interface Injected {
  readonly fields: readonly (readonly [string, string])[]
  readonly origin: UpstreamOrigin
  /** What must not come back to the client. */
  readonly secrets: readonly string[]
  /** It is not the only one: when the upstream refuses it, another can be had. */
  readonly renewable: boolean
}

export interface UpstreamCredential {
  /** Without waiting for it. Undefined: it has to be asked for. */
  readonly known: Injected | undefined
  /** Throws UpstreamError, ConfigurationError. */
  current(): Promise<Injected>
  /** The upstream did not take it: true when another can be had. */
  refused(injected: Injected): Promise<boolean>
}

export interface AskedAnswer {
  readonly permit: Permit
  readonly request: RequestHead
  readonly head: ResponseHead
  readonly body: Body
}

export interface ReadAnswer {
  readonly body: Body
  /** Undefined: it goes on as it is. */
  readonly masker: BodyMasker | undefined
}

export interface TunnelParts {
  readonly response: UpstreamResponse
  readonly session: Session
  readonly permit: Permit
  readonly exchange: Exchange
  readonly signal: AbortSignal
  /** The upstream's credential: it does not come back. */
  readonly secrets: readonly string[]
  /** One listener: rules changed, and still permit it. Without one it ends when they do, if anything is masked. */
  readonly onRenewed: (listener: (permit: Permit) => void) => void
  /** What of the head's fields the principal may see. */
  readonly shown: (fields: Fields) => Fields
  /** Decides what is asked inside of it; what is permitted may go upstream at once. Rejects with what refused it. */
  readonly authorize: (statement: Statement) => Promise<Permit>
  /**
   * Once, at its end: the bytes that went to the client, how many values were hidden in them, and how what ran there failed;
   * undefined: it did not.
   */
  readonly told: (
    bytes: number,
    masked: ReadonlyMap<string, number> | undefined,
    failure?: string,
  ) => void
}
