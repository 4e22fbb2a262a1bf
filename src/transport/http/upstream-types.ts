// What is asked of a pool of connections to upstreams.
import type { TlsMode } from '#transport'
import type { Body, BodyWriter, Tunnel } from './body.ts'
import type { Fields } from './fields.ts'
import type { Framing, ResponseHead } from './message.ts'

export interface UpstreamOrigin {
  /** Where to: one pool of connections for each. Never from a request: from the resource's own settings. */
  readonly host: string
  readonly port: number
  readonly tls?: {
    readonly mode: TlsMode
    readonly servername: string
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
  }
  readonly version: '1.1' | '2'
  /** Names (`loopback`, `private`, `link-local`) or CIDRs, besides public addresses; metadata services never but by their CIDR. */
  readonly allowAddresses?: readonly string[]
}

export interface UpstreamRequest {
  readonly method: string
  /** Path and query as they were judged. */
  readonly target: string
  /** The Host field, or `:authority`. */
  readonly authority: string
  /** End-to-end fields, in order; none that frame the message (`forwardable` drops them). */
  readonly fields: Fields
  readonly body: Framing
  readonly upgrade?: string
  readonly signal?: AbortSignal
  /** 1xx but 101. */
  readonly onInformational?: (head: ResponseHead) => void
}

/** Told once, in the very turn in which the final head came, or its loss: what follows it can then be read as it comes. Does not throw. */
export interface AnswerListener {
  answered(response: UpstreamResponse): void
  failed(error: Error): void
  /** 1xx but 101, ahead of it. */
  informed?(head: ResponseHead): void
  /** It was sent once more: the first connection was closed ahead of any answer. */
  resent?(): void
}

export interface UpstreamCall {
  /** What is sent. With no body it is ended already. */
  readonly body: BodyWriter
  /** Instead of `response`, for less than a promise costs. */
  listen(listener: AnswerListener): void
  /** Rejects with UpstreamError: unreachable, lost, or (`upstream_refused`) an answer that cannot be read. */
  readonly response: Promise<UpstreamResponse>
  /** The connection (HTTP/2: the stream) is not used again. */
  abort(error: Error): void
}

export interface UpstreamResponse {
  readonly head: ResponseHead
  readonly body: Body
  /** When it answered 101 to a request with `upgrade`. */
  readonly tunnel: Tunnel | undefined
}
