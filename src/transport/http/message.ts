// A request and a response as they were judged. What is forwarded is written from these, never from the bytes that came.
import type { Fields } from './fields.ts'

export type Framing =
  /** No body can follow. */
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  /** Ends when it ends: chunked, an HTTP/2 stream, or (answers only) the close of the connection. */
  | { readonly kind: 'stream' }

export type HttpVersion = '1.0' | '1.1' | '2'

export interface Target {
  /** Begins with `/`, or is `*` (OPTIONS). Normalised: unreserved characters are decoded, the rest is upper-case escapes. */
  readonly path: string
  /** Without the `?`; undefined when there was none. As it came: printable ASCII, whole escapes, no `%00`. */
  readonly query: string | undefined
}

export interface Host {
  /** Lower case, without the port; an IPv6 address without its brackets. */
  readonly name: string
  /** Undefined: the default of the scheme. */
  readonly port: number | undefined
}

/** Never changed, and the same object for the same bytes on one connection: what was decided of it can be kept by it. */
export interface RequestHead {
  readonly version: HttpVersion
  /** Upper case. Never CONNECT or TRACE. */
  readonly method: string
  readonly target: Target
  /** From the one Host, or from `:authority`; an HTTP/1.0 request may have none. */
  readonly host: Host | undefined
  /** All of them but what frames the message; Host is among them. */
  readonly fields: Fields
  readonly body: Framing
  readonly expectContinue: boolean
  /** No further request on this connection. */
  readonly close: boolean
  /** Lower case, when the connection is asked to become something else: `websocket`. */
  readonly upgrade: string | undefined
}

export interface ResponseHead {
  readonly status: number
  /** HTTP/2 has none. */
  readonly reason?: string
  /** None that frame the message: those are written from `body`. */
  readonly fields: Fields
  /**
   * What is declared. An answer to HEAD and a 304 may declare a length; no body follows them nor a 1xx, 204 or 304, whatever this says.
   */
  readonly body: Framing
}

export const NO_BODY: Framing = { kind: 'none' }
export const STREAM: Framing = { kind: 'stream' }

/** RFC 9112 section 6.3. */
export function bodyFollows(method: string, status: number): boolean {
  return !(method === 'HEAD' || status < 200 || status === 204 || status === 304)
}
