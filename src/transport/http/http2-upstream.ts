// A connection to an upstream that speaks HTTP/2 (gRPC asks for it): many requests at once, each its own stream. Frames are Node's.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { Socket } from 'node:net'
import { UpstreamError } from '#model'
import { Body, type BodyWriter, type Flow } from './body.ts'
import { isSendable } from './chunked.ts'
import { unwatch, type Watched, watch } from './deadlines.ts'
import { fieldName, fieldValue, mayTrail } from './field-lines.ts'
import { Fields } from './fields.ts'
import { isFraming, UnsendableHead } from './heads.ts'
import { readHttp2Trailers } from './http2-head.ts'
import type { HttpLimits } from './limits.ts'
import { bodyFollows, NO_BODY, type ResponseHead, STREAM } from './message.ts'
import { HttpRefusal } from './refusal.ts'
import { lengthFraming } from './request-head.ts'
import { gone } from './upstream-call.ts'
import type {
  AnswerListener,
  UpstreamCall,
  UpstreamRequest,
  UpstreamResponse,
} from './upstream-types.ts'

const NEVER = Number.POSITIVE_INFINITY

export interface Http2UpstreamParts {
  readonly encrypted: boolean
  readonly limits: HttpLimits
  readonly answerTimeoutMs: number
  /** It takes no more requests when it is so old; those under way end as they would. */
  readonly ageMs: number
  /** Without a request. */
  readonly idleMs: number
  readonly onClosed: () => void
}

export class Http2Upstream implements Watched {
  readonly #session: ClientHttp2Session
  readonly #parts: Http2UpstreamParts
  readonly #oldAt: number
  #streams = 0
  deadline = NEVER

  constructor(socket: Socket, parts: Http2UpstreamParts) {
    const { encrypted, limits, onClosed } = parts
    this.#parts = parts
    this.#oldAt = performance.now() + parts.ageMs
    this.#session = connect(encrypted ? 'https://upstream' : 'http://upstream', {
      createConnection: () => socket,
      maxHeaderListPairs: limits.fields + 1,
      maxSessionMemory: 32,
      maxSettings: 16,
      maxReservedRemoteStreams: 0,
      settings: {
        enablePush: false,
        maxHeaderListSize: limits.headBytes,
        initialWindowSize: 262_144,
      },
    })
    this.#session.on('error', () => {})
    // (A good-bye closes it: it takes no more requests, and ends behind those under way.)
    this.#session.once('close', () => {
      unwatch(this)
      onClosed()
    })
    this.#rest()
    watch(this)
  }

  get usable(): boolean {
    const most = this.#session.remoteSettings?.maxConcurrentStreams ?? 100
    return !this.#session.closed && !this.#session.destroyed && this.#streams < most
  }

  /** Throws UnsendableHead, and nothing was sent. */
  send(request: UpstreamRequest): UpstreamCall {
    const ended =
      request.body.kind === 'none' || (request.body.kind === 'length' && request.body.length === 0)
    const headers = requestHeaders(request, this.#session.encrypted === true)
    const stream = this.#session.request(headers, {
      endStream: ended,
      waitForTrailers: !ended,
    })
    this.#streams += 1
    this.deadline = this.#oldAt
    stream.once('close', () => {
      this.#streams -= 1
      if (this.#streams === 0) this.#rest()
    })
    const { limits, answerTimeoutMs } = this.#parts
    return new StreamCall(stream, request, ended, limits, answerTimeoutMs)
  }

  #rest(): void {
    if (this.#session.closed) return
    this.deadline = Math.min(this.#oldAt, performance.now() + this.#parts.idleMs)
  }

  /** What is under way ends as it would, and the connection behind it. */
  overdue(): void {
    this.deadline = NEVER
    this.#session.close()
  }

  destroy(): void {
    this.#session.destroy()
  }
}

class StreamCall implements UpstreamCall, BodyWriter, Flow, Watched {
  readonly response: Promise<UpstreamResponse>
  readonly #stream: ClientHttp2Stream
  readonly #request: UpstreamRequest
  readonly #limits: HttpLimits
  #listener: AnswerListener | undefined
  #resolve!: (response: UpstreamResponse) => void
  #reject!: (error: Error) => void
  #incoming: Body | undefined
  #trailers = Fields.none
  #sentTrailers = Fields.none
  #sent: boolean
  #left = NEVER
  #toSend: number
  readonly #answerTimeoutMs: number
  #gone: Error | undefined
  #drain: (() => void) | undefined
  #loss: ((error: Error) => void) | undefined
  deadline: number

  constructor(
    stream: ClientHttp2Stream,
    request: UpstreamRequest,
    sent: boolean,
    limits: HttpLimits,
    answerTimeoutMs: number,
  ) {
    this.#stream = stream
    this.#request = request
    this.#limits = limits
    this.#sent = sent
    this.#toSend = request.body.kind === 'length' ? request.body.length : NEVER
    this.#answerTimeoutMs = answerTimeoutMs
    this.deadline = performance.now() + answerTimeoutMs
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever gives up before asking for the answer is told by that, not by an unhandled rejection.
    this.response.catch(() => {})
    const { signal } = request
    const aborted = (): void => this.abort(gone(signal?.reason))
    signal?.addEventListener('abort', aborted, { once: true })
    stream.on('error', () => {})
    stream.on('drain', () => this.#drain?.())
    stream.on('headers', (_headers, _flags, raw) => this.#informational(raw as string[]))
    stream.once('response', (_headers: IncomingHttpHeaders, flags: number, raw: string[]) =>
      this.#answer(flags, raw),
    )
    stream.on('trailers', (_headers, _flags, raw: string[]) => this.#trailing(raw))
    stream.once('wantTrailers', () => this.#sendTrailers())
    stream.once('close', () => {
      unwatch(this)
      signal?.removeEventListener('abort', aborted)
      if (this.#incoming?.over !== true)
        this.#fail(
          new UpstreamError(
            'upstream_lost',
            'the resource ended the stream in the middle of its answer',
          ),
        )
    })
    watch(this)
  }

  // The answer.

  #informational(raw: readonly string[]): void {
    this.#guarded(() => {
      const head = responseHead(raw, this.#request.method)
      if (head.status === 101) return
      this.#request.onInformational?.(head)
      this.#listener?.informed?.(head)
    })
  }

  #answer(flags: number, raw: readonly string[]): void {
    this.#guarded(() => {
      this.deadline = NEVER
      const head = responseHead(raw, this.#request.method)
      const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
      if (ended || !bodyFollows(this.#request.method, head.status)) {
        this.#incoming = Body.empty()
        this.#resolve({
          head: withEnd(head, this.#request.method),
          body: this.#incoming,
          tunnel: undefined,
        })
        this.#stream.resume()
        return
      }
      if (head.body.kind === 'length') this.#left = head.body.length
      const body = new Body(this)
      this.#incoming = body
      this.#stream.on('data', (chunk: Buffer) => this.#data(body, chunk))
      this.#stream.once('end', () => this.#whole(body))
      this.#stream.pause()
      this.#resolve({ head, body, tunnel: undefined })
    })
  }

  #data(body: Body, chunk: Buffer): void {
    this.#left -= chunk.length
    if (this.#left < 0) this.abort(unreadable(new HttpRefusal('body_surplus')))
    else body.push(chunk)
  }

  #whole(body: Body): void {
    // A reset looks like an end here.
    if (this.#gone !== undefined || this.#stream.aborted || (this.#stream.rstCode ?? 0) !== 0)
      return
    if (this.#left !== NEVER && this.#left > 0)
      this.abort(unreadable(new HttpRefusal('body_missing')))
    else body.finish(this.#trailers)
  }

  #trailing(raw: readonly string[]): void {
    this.#guarded(() => {
      this.#trailers = readHttp2Trailers(raw)
    })
  }

  /** What cannot be read ends the stream. */
  #guarded(read: () => void): void {
    try {
      read()
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error
      this.abort(unreadable(error))
    }
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  cancel(): void {
    this.#stream.destroy()
  }

  listen(listener: AnswerListener): void {
    this.#listener = listener
    this.response.then(
      response => listener.answered(response),
      error => listener.failed(error),
    )
  }

  // The request's body.

  get body(): BodyWriter {
    return this
  }

  write(chunk: Uint8Array): boolean {
    if (this.#gone !== undefined || this.#sent || this.#stream.destroyed) return false
    if (chunk.length === 0) return true
    this.#toSend -= chunk.length
    if (this.#toSend < 0) {
      this.abort(new UpstreamError('upstream_lost', 'the request was longer than it said'))
      return false
    }
    // While it is being asked, its answer is not late.
    if (this.deadline !== NEVER) this.deadline = performance.now() + this.#answerTimeoutMs
    this.#stream.write(chunk)
    return (
      this.#stream.writableLength <= this.#limits.unsentBytes && !this.#stream.writableNeedDrain
    )
  }

  end(trailers: Fields = Fields.none): void {
    if (this.#gone !== undefined || this.#sent) return
    if (this.#toSend !== NEVER && this.#toSend > 0) {
      this.abort(new UpstreamError('upstream_lost', 'the request was shorter than it said'))
      return
    }
    this.#sent = true
    this.#sentTrailers = trailers
    this.#stream.end()
  }

  #sendTrailers(): void {
    const trailers = this.#sentTrailers.without(
      (name, value) => !mayTrail(name) || !isSendable(value),
    )
    if (this.#stream.destroyed) return
    const headers: Record<string, string[]> = {}
    for (const [name] of trailers) headers[name] = [...trailers.all(name)]
    // Without any, an empty list ends the stream.
    this.#stream.sendTrailers(headers)
  }

  onDrain(listener: () => void): void {
    this.#drain = listener
  }

  onLost(listener: (error: Error) => void): void {
    this.#loss = listener
    if (this.#gone !== undefined) listener(this.#gone)
  }

  abort(error: Error): void {
    if (this.#incoming?.over && this.#sent) return
    this.#fail(error)
    // `close` would end the body first, and then reset: what is cut short would look whole.
    this.#stream.destroy(error)
  }

  #fail(error: Error): void {
    if (this.#gone !== undefined) return
    this.#gone = error
    this.#reject(error)
    this.#incoming?.fail(error)
    this.#loss?.(error)
  }

  overdue(): void {
    this.deadline = NEVER
    this.abort(new UpstreamError('upstream_lost', 'the resource did not answer in time'))
  }
}

function unreadable(cause: HttpRefusal): UpstreamError {
  const message = `the answer of the resource cannot be read: ${cause.message}`
  return new UpstreamError('upstream_refused', message, { detail: cause.rule, cause })
}

function requestHeaders(request: UpstreamRequest, encrypted: boolean): string[] {
  const { method, target, authority, fields, body } = request
  if (!/^[A-Z-]+$/.test(method) || !/^[!-~]+$/.test(target) || !/^[!-~]+$/.test(authority))
    throw new UnsendableHead('the request line')
  const headers = [':method', method, ':scheme', encrypted ? 'https' : 'http']
  headers.push(':authority', authority, ':path', target)
  for (const [name, value] of fields) {
    if (isFraming(name) || name === 'host') continue
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || !isSendable(value))
      throw new UnsendableHead(`the field ${name}`)
    headers.push(name, value)
  }
  if (body.kind === 'length') headers.push('content-length', String(body.length))
  // RFC 9110 section 10.1.4; gRPC servers refuse whoever does not say so.
  headers.push('te', 'trailers')
  return headers
}

function responseHead(raw: readonly string[], method: string): ResponseHead {
  const flat: string[] = []
  let status: number | undefined
  let length: string | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const given = raw[at]!
    const value = raw[at + 1]!
    if (given === ':status') {
      if (status !== undefined || !/^[1-5][0-9]{2}$/.test(value))
        throw new HttpRefusal('status_line')
      status = Number(value)
      continue
    }
    const name = fieldName(given)
    if (name !== given) throw new HttpRefusal('field_name')
    if (isFraming(name) && name !== 'content-length') throw new HttpRefusal('field_forbidden')
    if (name === 'content-length') {
      if (length !== undefined) throw new HttpRefusal('length_invalid')
      length = value
    } else flat.push(name, fieldValue(value))
  }
  if (status === undefined) throw new HttpRefusal('status_line')
  const bodied = bodyFollows(method, status)
  const body = length === undefined ? (bodied ? STREAM : NO_BODY) : lengthFraming(length)
  return { status, fields: new Fields(flat), body }
}

/** It ended with its head: a body of no bytes, unless the length is that of what HEAD does not send. */
function withEnd(head: ResponseHead, method: string): ResponseHead {
  if (!bodyFollows(method, head.status)) return head
  if (head.body.kind === 'length' && head.body.length > 0) throw new HttpRefusal('body_missing')
  return { ...head, body: { kind: 'length', length: 0 } }
}
