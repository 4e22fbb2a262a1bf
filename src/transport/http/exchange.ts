// One request and its answer, whatever version of HTTP they came in.
import type { Duplex } from 'node:stream'
import type { Body, BodyWriter, Tunnel } from './body.ts'
import type { Fields } from './fields.ts'
import type { HttpLimits } from './limits.ts'
import type { RequestHead, ResponseHead } from './message.ts'
import type { HttpRefusal } from './refusal.ts'

export interface Exchange {
  readonly request: RequestHead
  /**
   * Nothing of it is read ahead of a reader. Where the client waits for 100 (Continue), reading it or `continue` says so.
   */
  readonly body: Body
  /** Aborts when the client is gone, or the connection is. Made when it is first asked for. */
  readonly signal: AbortSignal
  /** One listener, for less than a signal costs. */
  onGone(listener: (error: Error) => void): void
  /** True once the final head is on its way. */
  readonly answered: boolean
  /** 100, 103: before the final answer; left out towards HTTP/1.0. */
  informational(status: 100 | 102 | 103, fields?: Fields): void
  /** The final head, once. Where no body follows, `end` is all that may be said to the writer. */
  respond(head: ResponseHead): BodyWriter
  /** Head and all of the body at once: one write. */
  answer(head: ResponseHead, body?: Uint8Array | string): void
  /** 101 with these fields; HTTP/1.1 with `request.upgrade` only. What came behind the head is the first of what comes in. */
  upgrade(fields: Fields): Tunnel
  /** Without another word: the connection (HTTP/2: the stream) is reset. */
  abort(error: Error): void
}

export interface ServeHttpOptions {
  readonly limits?: Partial<HttpLimits>
  /**
   * Called for each exchange; HTTP/1.1: the next one begins when this one's body was read and its answer ended.
   * What it throws or rejects with ends the connection, and goes to `onFailure`.
   */
  readonly onExchange: (exchange: Exchange) => void | Promise<void>
  /** What is written to a client whose request cannot be read. Default: problem+json with the rule. */
  readonly refuse?: (refusal: HttpRefusal) => { readonly head: ResponseHead; readonly body: string }
  /** Without TLS nobody settles on it: HTTP/2 by prior knowledge is for whoever knows so. */
  readonly version?: '1' | '2'
  /** For the log and for counting. */
  readonly onRefused?: (refusal: HttpRefusal) => void
  readonly onFailure?: (error: unknown) => void
}

/** A client's connection, of either version. */
export interface HttpConnection {
  readonly socket: Duplex
  readonly version: '1' | '2'
  /** Exchanges that are not over. */
  readonly exchanges: number
  /** No more requests; resolves when those under way are over, or `graceMs` later. */
  close(graceMs: number): Promise<void>
  readonly closed: Promise<void>
}
