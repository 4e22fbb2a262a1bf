// One request, from its head to the end of its answer: who, what, the decision, the upstream, the way back.
import { httpStatement, keptFirstLine, type Reading, withoutSecretsOfAddress } from '#engines/http'
import { endingError, type Permit } from '#gateway'
import {
  AccessDenied,
  type CloseReason,
  InvalidRequest,
  isGatewayError,
  type Statement,
} from '#model'
import {
  Body,
  bodyFollows,
  type Exchange,
  type Framing,
  NO_BODY,
  pipe,
  type RequestHead,
  type ResponseHead,
  STREAM,
  type UpstreamCall,
  type UpstreamResponse,
} from '#transport/http'
import { limitExceeded, relayAnswer } from './answer.ts'
import { bodyFacts } from './body-facts.ts'
import { readUpTo } from './body-start.ts'
import type { Injected } from './credential.ts'
import { denial } from './denial.ts'
import { endingOf } from './ending.ts'
import { requestFields, responseFields } from './fields.ts'
import { isText, readAnswer } from './masking.ts'
import { placeOf, type Readings } from './reading.ts'
import { framingOf, type ReadBody, readBody } from './request-body.ts'
import type { OpenSession, Sessions } from './sessions.ts'
import type { HttpSettings } from './settings.ts'
import { serveTunnel } from './tunnel.ts'
import type { Upstreams } from './upstreams.ts'

export interface RequestParts {
  readonly exchange: Exchange
  readonly sessions: Sessions
  readonly readings: Readings
  readonly upstreams: Upstreams
  readonly ip: string
  /** `https`, or `http` inside a tunnel. */
  readonly scheme: 'http' | 'https'
}

/** Never rejects for anything that a client or an upstream does. */
export async function serveRequest(parts: RequestParts): Promise<void> {
  const { exchange } = parts
  try {
    const open = await parts.sessions.of(exchange.request)
    await serveIn(open, parts)
  } catch (error) {
    refuse(exchange, error)
    if (!isGatewayError(error)) throw error // a bug of ours: the caller logs it
  }
}

function refuse(exchange: Exchange, error: unknown): void {
  if (exchange.answered) {
    exchange.abort(error instanceof Error ? error : new Error('refused'))
    return
  }
  const { head, body } = denial(error)
  exchange.answer(head, exchange.request.method === 'HEAD' ? undefined : body)
}

async function serveIn(open: OpenSession, parts: RequestParts): Promise<void> {
  const { session } = open
  const { exchange, readings } = parts
  const { request } = exchange
  const settings = session.resource.upstream
  let body: ReadBody
  let permit: Permit
  try {
    const reading = await readings.of(settings)
    body = await readBody(exchange, settings)
    if (request.upgrade !== undefined && request.upgrade !== 'websocket')
      throw new InvalidRequest('message_unsupported', 'this protocol is not served')
    const { fields } = request
    const statement = statementOf(open, request, body, reading, settings)
    // A reason is for the request that brings it. (Judged in this very turn: requests side by side keep theirs apart.)
    const reason = fields.get('sallyport-reason') ?? ''
    if (reason !== open.reason) session.justify(reason)
    open.reason = reason
    permit = await session.authorize(statement, {
      notify() {},
      signal: exchange.signal,
      mostMs: waitOf(fields.get('prefer')),
    })
  } catch (error) {
    // On record as what was asked: no statement came of it.
    if (error instanceof InvalidRequest)
      session.refused(`${request.method} ${request.target.path}`, error, keptFirstLine)
    throw error
  }
  await forward(open, permit, body, parts)
}

function statementOf(
  open: OpenSession,
  request: RequestHead,
  body: ReadBody,
  reading: Reading,
  settings: HttpSettings,
): Statement {
  const known = open.statements.get(request)
  const bare = body.asked.kind === 'none'
  if (bare && known?.reading === reading) return known.statement
  const { path, query } = request.target
  const { method, fields, upgrade } = request
  const statement = httpStatement(
    {
      method,
      path,
      query,
      // The proof is ours: another token of the same principal asks for the same.
      fields: [...fields].filter(([name]) => name !== open.carrier),
      body: body.asked,
      upgrade,
      ...bodyFacts(request, body, settings),
    },
    reading,
  )
  if (bare) open.statements.set(request, { reading, statement })
  return statement
}

/** RFC 7240 section 4.3: how long the client would wait; not at all unless it says so. */
function waitOf(prefer: string | undefined): number {
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,4})"?(?:$|[,;\s])/i.exec(prefer ?? '') ?? []
  return seconds === undefined ? 0 : Number(seconds) * 1_000
}

interface Answered {
  readonly bytes: number
  /** Values, by class. */
  readonly masked: ReadonlyMap<string, number> | undefined
  /** It is not whole. */
  readonly error?: Error
}

async function forward(
  open: OpenSession,
  permit: Permit,
  body: ReadBody,
  parts: RequestParts,
): Promise<void> {
  const { session, credential } = open
  const { exchange } = parts
  const end = endingOf(exchange, session, permit)
  let call: UpstreamCall | undefined
  let status = 0
  let answered: Answered = { bytes: 0, masked: undefined }
  let failure: unknown
  try {
    refuseBounds(permit)
    let injected = await credential.current()
    if (end.signal.aborted) throw end.signal.reason
    call = await send(open, injected, permit, body, parts, end.signal)
    let response = await call.response
    if (isTokenRefused(response, body) && (await credential.refused(injected))) {
      // It was not acted upon: the same request once more, by another token.
      response.body.cancel(new Error('asked again'))
      injected = await credential.current()
      if (end.signal.aborted) throw end.signal.reason
      call = await send(open, injected, permit, body, parts, end.signal)
      response = await call.response
    }
    status = response.head.status
    if (response.tunnel === undefined)
      answered = await answer(response, open, permit, injected, parts, end.signal)
    else
      answered = {
        bytes: await serveTunnel(response, session, permit, exchange, end.signal),
        masked: undefined,
      }
    if (answered.error !== undefined) throw answered.error
  } catch (error) {
    // Not passed over: it is what came of the statement, and the client is told.
    failure = error
    call?.abort(error instanceof Error ? error : new Error('refused'))
    throw session.signal.aborted ? endingError(session.signal.reason as CloseReason) : error
  } finally {
    end.stop()
    const done = failure === undefined && status < 400
    const code = isGatewayError(failure) ? failure.code : status === 0 ? 'failed' : String(status)
    session.complete(permit, {
      status:
        exchange.signal.aborted && failure !== undefined
          ? 'cancelled'
          : done
            ? 'completed'
            : 'failed',
      ...(done ? {} : { errorCode: code }),
      rows: 0,
      bytes: answered.bytes,
      masked: answered.masked,
    })
    session.catchUp()
  }
}

/** RFC 6750 section 3.1. What went on unread is gone, and cannot be sent again. */
function isTokenRefused({ head, tunnel }: UpstreamResponse, { rest }: ReadBody): boolean {
  return head.status === 401 && tunnel === undefined && rest === undefined
}

/** A duty that this wire cannot meet is a refusal. */
function refuseBounds({ limit, maxRows }: Permit): void {
  if (limit.rows === undefined && maxRows === undefined) return
  throw new AccessDenied('policy_error', 'a policy bounds rows, and an answer here has none', {
    hint: 'Use @limit_bytes for this resource.',
  })
}

async function send(
  { session, carrier }: OpenSession,
  injected: Injected,
  permit: Permit,
  body: ReadBody,
  { exchange, ip, scheme, upstreams }: RequestParts,
  signal: AbortSignal,
): Promise<UpstreamCall> {
  const { request } = exchange
  const settings = session.resource.upstream
  const { path, query } = request.target
  const base = path === '*' ? '' : placeOf(settings).basePath
  const target = `${base}${path}${query === undefined ? '' : `?${query}`}`
  const call = await upstreams.of(session.resource.name, injected.origin).open({
    method: request.method,
    target,
    authority: placeOf(settings).authority,
    fields: requestFields(request, {
      carrier,
      injected: injected.fields,
      plain: permit.masks,
      by: { for: ip, proto: scheme, host: request.fields.get('host') ?? '' },
    }),
    body: framingOf(body, request),
    signal,
    onInformational: head => {
      if (head.status === 103) exchange.informational(103, head.fields)
    },
    ...(request.upgrade === undefined ? {} : { upgrade: request.upgrade }),
  })
  if (body.rest !== undefined) pipe(body.rest, call.body)
  else if (body.bytes !== undefined && body.bytes.length > 0) {
    call.body.write(body.bytes)
    call.body.end(body.trailers)
  } else if (request.body.kind !== 'none') call.body.end(body.trailers)
  return call
}

async function answer(
  { head, body: incoming }: UpstreamResponse,
  { session, carrier }: OpenSession,
  permit: Permit,
  injected: Injected,
  { exchange, scheme }: RequestParts,
  signal: AbortSignal,
): Promise<Answered> {
  const settings = session.resource.upstream
  const { request } = exchange
  const follows = bodyFollows(request.method, head.status) && !isNothing(head.body)
  // Nothing is of no kind, and hides nothing.
  const start = follows && permit.masks ? await readUpTo(incoming, 0) : undefined
  const whole = start === undefined ? incoming : 'rest' in start ? start.rest : Body.empty()
  const { body, masker } =
    follows && whole !== Body.empty()
      ? readAnswer(permit, head, whole, settings.unreadable)
      : { body: whole, masker: undefined }
  const masked = masker !== undefined || (permit.masks && !follows)
  if (head.body.kind === 'length' && head.body.length > (permit.limit.bytes ?? Infinity) && follows)
    throw limitExceeded()
  const host = request.fields.get('host') ?? ''
  const fields = responseFields(head, {
    masked,
    contentType: masker?.contentType,
    own: host === '' ? undefined : `${scheme}://${host}`,
    origin: placeOf(settings).origin,
    basePath: placeOf(settings).basePath,
    challenges: carrier === 'sallyport-authorization',
    scrub: value => withoutSecrets(permit.masks ? permit.scrub(value) : value, injected.secrets),
  })
  const { recording } = session.resource
  const keep = recording.keep === 'answers' ? recording.answerBytes : 0
  if (keep > 0) void session.recordOutput(permit, 'output', headText(head, fields))
  // In HTTP/2 an answer without a body ends with its head: what a call says at its end stands there (gRPC, trailers only).
  const ended = !follows && isNothing(head.body) && request.version === '2'
  const framing = ended ? NO_BODY : masked && follows ? STREAM : head.body
  const onward: ResponseHead = { ...head, fields, body: framing }
  const writer = exchange.respond(onward)
  if (!follows) {
    body.discard()
    writer.end()
    return { bytes: 0, masked: undefined }
  }
  const relayed = await relayAnswer({
    session,
    permit,
    body,
    writer,
    masker,
    secrets: injected.secrets,
    keep: masker !== undefined || isText(head) ? keep : 0,
    signal,
  })
  return { ...relayed, masked: masker?.found }
}

function isNothing(framing: Framing): boolean {
  return framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0)
}

const SECRET_FIELDS = /^(?:set-cookie|authorization|.*(?:token|secret|api-?key).*)$/

/** What a recording shows of an answer's head. */
function headText(
  { status, reason = '' }: ResponseHead,
  fields: Iterable<readonly [string, string]>,
): Uint8Array {
  const lines = [...fields].map(
    ([name, value]) =>
      `${name}: ${SECRET_FIELDS.test(name) ? '[secret]' : withoutSecretsOfAddress(value)}\n`,
  )
  return Buffer.from(`HTTP ${status} ${reason}\n${lines.join('')}\n`)
}

function withoutSecrets(value: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), value)
}
