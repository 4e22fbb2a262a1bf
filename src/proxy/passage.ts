// One request under its permit: its way upstream, the answer's way back, and what came of it. Nothing here waits that need
// not: a request that is repeated on a kept connection is answered in the turns in which its bytes came.
import { endingError, type Permit } from '#gateway'
import { AccessDenied, type CloseReason, isGatewayError, UpstreamError } from '#model'
import {
  type AnswerListener,
  Body,
  bodyFollows,
  Fields,
  type Framing,
  NO_BODY,
  pipe,
  type ResponseHead,
  type UpstreamCall,
  type UpstreamResponse,
} from '#transport/http'
import { AnswerRelay, limitExceeded } from './answer.ts'
import { shownFields, type ToldAnswer, type TreatedBody, toldAnswer } from './answer-head.ts'
import { readRefusal, readUpTo } from './body-start.ts'
import type { Injected, ReadAnswer, ReadRefusal } from './dialect.ts'
import { requestTrailers } from './fields.ts'
import { isHiddenIn, isText, readAs } from './masking.ts'
import type { PermittedRequest } from './permitted-request.ts'
import type { ReadBody } from './request-body.ts'
import type { OpenSession } from './sessions.ts'
import { Tunnelled } from './tunnelled.ts'
import { upstreamRequest } from './upstream-request.ts'
import type { Upstreams } from './upstreams.ts'

/** For what a client was told last to reach it, before its connection is cut. */
const FAREWELL_MS = 2_000

export interface PassageParts extends PermittedRequest {
  readonly upstreams: Upstreams
  /** Tells a client that gets no answer, or not all of it. */
  readonly refuse: (error: unknown) => void
}

export class Passage implements AnswerListener {
  readonly permit: Permit
  readonly #open: OpenSession
  readonly #body: ReadBody
  readonly #parts: PassageParts
  #injected!: Injected
  #call: UpstreamCall | undefined
  #relay: AnswerRelay | undefined
  /** For what waits by itself: a connection, a tunnel. */
  #ending: AbortController | undefined
  /** Of the answer. */
  #head: ResponseHead | undefined
  #bytes = 0
  #masked: ReadonlyMap<string, number> | undefined
  #left = false
  #over = false
  #askedAgain = false
  #tunnelled: Tunnelled | undefined
  #sent = 0

  constructor(parts: PassageParts) {
    this.#parts = parts
    this.#open = parts.open
    this.permit = parts.permit
    this.#body = parts.body
  }

  /** Never throws: what fails is told to the client. */
  start(): void {
    this.#open.running.add(this)
    this.#parts.exchange.onGone(() => {
      this.#left = true
      this.cut(new UpstreamError('upstream_lost', 'the client left'))
    })
    if (!this.#over) this.#open.outbox.leave(this)
  }

  depart(): void {
    if (this.#over) return
    const { credential } = this.#open.access
    this.#guarded(() => {
      refuseBounds(this.permit)
      const known = credential.known
      if (known !== undefined) this.#ask(known)
      else
        credential.current().then(
          injected => this.#guarded(() => this.#ask(injected)),
          error => this.#end(error),
        )
    })
  }

  /** It may go on no longer. */
  cut(error: Error): void {
    if (this.#over) return
    this.#ending?.abort(error)
    // A tunnel says goodbye first.
    if (this.#tunnelled !== undefined) return
    this.#relay?.cut(error, this.#farewell(error))
    this.#end(error)
  }

  #farewell(error: Error): Uint8Array | undefined {
    if (this.#left || this.#head === undefined) return undefined
    const { access, session } = this.#open
    const why = session.signal.aborted ? endingError(session.signal.reason as CloseReason) : error
    return access.farewell?.(this.#parts.exchange.request, this.#head, why)
  }

  follows(permit: Permit): boolean {
    return this.#tunnelled?.follows(permit) === true
  }

  // Upstream.

  #ask(injected: Injected): void {
    if (this.#over) return
    this.#injected = injected
    this.#open.outbox.clear()
    const { upstreams } = this.#parts
    const request = upstreamRequest(this.#parts, injected)
    const upstream = upstreams.of(this.#open.session.resource.name, injected.origin)
    const call = upstream.take(request)
    if (call !== undefined) this.#asked(call)
    else
      upstream.open({ ...request, signal: this.#signal }).then(
        opened => this.#guarded(() => this.#asked(opened)),
        error => this.#end(error),
      )
  }

  get #signal(): AbortSignal {
    this.#ending ??= new AbortController()
    return this.#ending.signal
  }

  #asked(call: UpstreamCall): void {
    if (this.#over) {
      call.abort(new UpstreamError('upstream_lost', 'the request was no longer wanted'))
      return
    }
    this.#call = call
    this.#sent += 1
    call.listen(this)
    const { bytes, rest } = this.#body
    if (rest !== undefined) pipe(rest, call.body, trailers => this.#sentTrailers(trailers))
    else if (bytes !== undefined && bytes.length > 0) {
      call.body.write(bytes)
      call.body.end()
    } else if (this.#parts.exchange.request.body.kind !== 'none') call.body.end()
  }

  #sentTrailers(trailers: Fields): Fields {
    return requestTrailers(trailers, {
      carrier: this.#open.carrier,
      injected: this.#injected.fields,
    })
  }

  // Its answer.

  informed(head: ResponseHead): void {
    if (head.status !== 103 || this.#over) return
    this.#guarded(() => {
      // Hints are links; nothing else of them is asked for.
      const links = Fields.of(...[...head.fields].filter(([name]) => name === 'link'))
      this.#parts.exchange.informational(103, this.#shown(links))
    })
  }

  resent(): void {
    this.#sent += 1
  }

  answered(response: UpstreamResponse): void {
    this.#guarded(() => {
      if (this.#over) return
      if (this.#isTokenRefused(response)) {
        void this.#askAgain(response)
        return
      }
      this.#answer(response)
    })
  }

  failed(error: Error): void {
    this.#end(error)
  }

  /** RFC 6750 section 3.1. What went on unread is gone, and cannot be sent again. */
  #isTokenRefused({ head, tunnel }: UpstreamResponse): boolean {
    return (
      head.status === 401 &&
      tunnel === undefined &&
      this.#injected.renewable &&
      this.#body.rest === undefined &&
      !this.#askedAgain
    )
  }

  /** It was not acted upon: the same request once more, by another token. */
  async #askAgain(response: UpstreamResponse): Promise<void> {
    this.#askedAgain = true
    const { credential } = this.#open.access
    try {
      const another = await credential.refused(this.#injected)
      if (this.#over) return
      if (!another) {
        this.#answer(response)
        return
      }
      response.body.cancel(new Error('asked again'))
      this.#ask(await credential.current())
    } catch (error) {
      // Not passed over: it is what came of the statement, and the client is told.
      this.#end(error)
    }
  }

  #answer(response: UpstreamResponse): void {
    const { head, body, tunnel } = response
    const refusal = this.#open.access.refusal?.(this.#parts.exchange.request, head)
    if (refusal !== undefined) {
      this.#refused(body, refusal)
      return
    }
    this.#head = head
    if (tunnel !== undefined) {
      this.#tunnel(response)
      return
    }
    const { method, version, upgrade } = this.#parts.exchange.request
    // The tunnel was permitted, and not what the same request asks without one.
    if (upgrade !== undefined && head.status < 400)
      throw new UpstreamError('upstream_refused', 'the service took no upgrade of the connection')
    const nothing = isNothing(head.body)
    if (!bodyFollows(method, head.status) || nothing) {
      // In HTTP/2 an answer without a body ends with its head: what a call says at its end stands there (gRPC, trailers only).
      this.#answerAlone(head, body, nothing && version === '2' ? NO_BODY : head.body)
      return
    }
    const { limit, masks } = this.permit
    if (head.body.kind === 'length' && head.body.length > (limit.bytes ?? Infinity))
      throw limitExceeded()
    if (!masks || head.body.kind === 'length') {
      this.#relayed(head, body, readAs(this.#parts, head, body))
      return
    }
    let read: ReadAnswer | undefined
    // (What is compressed and empty is nothing that could be decompressed.)
    if (!head.fields.has('content-encoding'))
      try {
        read = readAs(this.#parts, head, body)
      } catch (error) {
        // Not passed over: it is read again below, when something comes.
        if (!(error instanceof AccessDenied)) throw error
      }
    // A watch, or events: the client waits for the head, and it may be long until anything happens.
    if (read !== undefined) {
      this.#relayed(head, body, read)
      return
    }
    // Nothing is of no kind, and hides nothing.
    readUpTo(body, 0).then(
      start =>
        this.#guarded(() => {
          if (this.#over) return
          if ('rest' in start)
            this.#relayed(head, start.rest, readAs(this.#parts, head, start.rest))
          else this.#relayed(head, Body.empty(), { body: Body.empty(), masker: undefined })
        }),
      error => this.#end(error),
    )
  }

  /** It goes no further: a few words are read of it, to say whose trouble it is. */
  #refused(body: Body, refusal: ReadRefusal): void {
    void readRefusal(body).then(words => this.#end(refusal(words)))
  }

  #answerAlone(head: ResponseHead, body: Body, framing: Framing): void {
    const { masks } = this.permit
    // How long the body is that something would be hidden in: it tells how long that is, and is not what would come.
    const untold = masks && !isNothing(framing) && isHiddenIn(this.#parts, head)
    // (What is not modified is what the client has: of a masked copy no condition says so.)
    const hidden = untold && head.status !== 304
    const treated = { masked: masks, hidden, contentType: undefined }
    const told = this.#told(head, treated, untold ? NO_BODY : framing)
    const writer = this.#parts.exchange.respond(told.head)
    body.discard()
    writer.end()
    this.#end()
  }

  #relayed(head: ResponseHead, incoming: Body, { body, masker }: ReadAnswer): void {
    const { session } = this.#open
    const { permit } = this
    const { recording } = session.resource
    const keep = recording.keep === 'answers' ? recording.answerBytes : 0
    this.#masked = masker?.found
    const relay = new AnswerRelay({
      session,
      permit,
      body,
      masker,
      length: body === incoming && head.body.kind === 'length' ? head.body.length : undefined,
      secrets: this.#injected.secrets,
      trailers: trailers => (masker === undefined ? this.#shown(trailers) : Fields.none),
      keep: masker !== undefined || isText(head) ? keep : 0,
      respond: framing => {
        const masked = masker !== undefined
        // Its length is said where all of it was read: nothing may have been in it that is hidden.
        const hidden = masked && (framing?.kind !== 'length' || masker.found.size > 0)
        const treated = { masked, hidden, contentType: masker?.contentType }
        const { head: onward } = this.#told(head, treated, framing ?? head.body)
        return this.#parts.exchange.respond(onward)
      },
      over: (bytes, error, isTold = false) => {
        this.#bytes = bytes
        this.#end(error, isTold ? 'whole' : undefined)
      },
    })
    this.#relay = relay
    relay.start()
  }

  /** The head of the answer as the client gets it; it goes on record. */
  #told(head: ResponseHead, treated: TreatedBody, body: Framing): ToldAnswer {
    const { session } = this.#open
    const told = toldAnswer(this.#parts, this.#injected, head, treated, body)
    const { keep, answerBytes } = session.resource.recording
    if (keep === 'answers' && answerBytes > 0)
      void session.recordOutput(this.permit, 'output', told.text)
    return told
  }

  #tunnel(response: UpstreamResponse): void {
    const { exchange } = this.#parts
    this.#tunnelled = new Tunnelled(this.#parts, this.#signal, () => this.#over)
    this.#tunnelled.serve(response, this.#injected.secrets).then(
      () => this.#end(),
      error => this.#end(error, exchange.answered && isGatewayError(error) ? 'tunnel' : undefined),
    )
  }

  /** Without what the principal may not see, and without our credential. */
  #shown(fields: Fields): Fields {
    return shownFields(fields, this.permit, this.#injected.secrets)
  }

  // The end.

  #guarded(step: () => void): void {
    try {
      step()
    } catch (error) {
      // Not passed over: it is what came of the statement, and the client is told.
      this.#end(error)
    }
  }

  /** `told`: the client was told, in an answer that is whole, or by what is on its way in a tunnel. */
  #end(error?: unknown, told?: 'whole' | 'tunnel'): void {
    if (this.#over) return
    this.#over = true
    const { session, running } = this.#open
    const tunnelled = this.#tunnelled
    running.delete(this)
    this.#body.release()
    if (error !== undefined)
      this.#call?.abort(error instanceof Error ? error : new Error('refused'))
    let why =
      error !== undefined && session.signal.aborted
        ? endingError(session.signal.reason as CloseReason)
        : error
    const done = error === undefined && this.#status < 400 && tunnelled?.failure === undefined
    try {
      session.complete(this.permit, {
        status: this.#left && error !== undefined ? 'cancelled' : done ? 'completed' : 'failed',
        errorCode: done ? undefined : this.#code(error),
        rows: 0,
        bytes: tunnelled?.bytes ?? this.#bytes,
        sent: this.#sent > 1 ? this.#sent : undefined,
        masked: tunnelled?.masked ?? this.#masked,
      })
      session.catchUp()
    } catch (failure) {
      // A bug of ours, told as one: the decision is on record, and the client is not left waiting.
      why ??= failure
    }
    if (why === undefined || told === 'whole') return
    if (told === 'tunnel') setTimeout(() => this.#parts.refuse(why), FAREWELL_MS).unref()
    else this.#parts.refuse(why)
  }

  get #status(): number {
    return this.#head?.status ?? 0
  }

  #code(error: unknown): string {
    if (isGatewayError(error)) return error.code
    if (this.#tunnelled?.failure !== undefined) return this.#tunnelled.failure
    return this.#status === 0 ? 'failed' : String(this.#status)
  }
}

/** A duty that this wire cannot meet is a refusal. */
function refuseBounds({ limit, maxRows }: Permit): void {
  if (limit.rows === undefined && maxRows === undefined) return
  throw new AccessDenied('policy_error', 'a policy bounds rows, and an answer here has none', {
    hint: 'Use @limit_bytes for this resource.',
  })
}

function isNothing(framing: Framing): boolean {
  return framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0)
}
