// One request, from its head to the end of its answer: who, what, the decision, the upstream, the way back.
import { keptFirstLine } from '#engines/http'
import type { Permit, Session, Waiting } from '#gateway'
import {
  ConfigurationError,
  type GatewayError,
  InvalidRequest,
  isGatewayError,
  Unavailable,
  UpstreamError,
} from '#model'
import type { Exchange } from '#transport/http'
import type { Access, Dialect, RequestReader } from './dialect.ts'
import type { HeldBodies } from './held-bodies.ts'
import { Passage, type PassageParts } from './passage.ts'
import { NO_BODY_READ, type ReadBody, readBody } from './request-body.ts'
import type { OpenSession, RequestForm, Sessions } from './sessions.ts'

/** What all requests of one connection share. */
export interface Served extends Pick<PassageParts, 'upstreams' | 'ip' | 'scheme'> {
  readonly dialect: Pick<Dialect<never>, 'denial' | 'upgrades' | 'waitMs'>
  readonly sessions: Pick<Sessions, 'known' | 'of' | 'exhausted'>
  readonly held: HeldBodies
  /** Too many proofs did not hold. */
  readonly onExhausted: () => void
  /** For the operator: what the client is not told. */
  readonly onTrouble: (session: Session, error: GatewayError) => void
  /** A defect of ours, for the log. */
  readonly onBug: (error: unknown) => void
}

/** Never throws or rejects for anything that a client or an upstream does. */
export function serveRequest(exchange: Exchange, served: Served): void | Promise<void> {
  const open = served.sessions.known(exchange.request)
  if (open === undefined) return openAndServe(exchange, served)
  try {
    return serveIn(open, exchange, served)?.catch(error => refuse(exchange, served, error))
  } catch (error) {
    refuse(exchange, served, error)
  }
}

async function openAndServe(exchange: Exchange, served: Served): Promise<void> {
  try {
    await serveIn(await served.sessions.of(exchange.request), exchange, served)
  } catch (error) {
    refuse(exchange, served, error)
  }
  if (served.sessions.exhausted) served.onExhausted()
}

/** Tells the client, and the log what is a bug of ours. */
function refuse(exchange: Exchange, { dialect, onBug }: Served, error: unknown): void {
  if (!isGatewayError(error)) onBug(error)
  if (exchange.answered) {
    exchange.abort(error instanceof Error ? error : new Error('refused'))
    return
  }
  const { head, body } = dialect.denial(error, exchange.request)
  exchange.answer(head, exchange.request.method === 'HEAD' ? undefined : body)
}

/** What somebody has to mend before it works. That a connection was lost is told by whoever asked again in vain. */
function isTrouble(error: unknown): error is GatewayError {
  if (error instanceof ConfigurationError) return true
  return error instanceof UpstreamError && error.code !== 'upstream_lost'
}

/** A request without a body is judged and on its way when this returns, unless somebody has to be waited for. */
function serveIn(open: OpenSession, exchange: Exchange, served: Served): void | Promise<void> {
  const { reader } = open.access
  if (reader === undefined || exchange.request.body.kind !== 'none')
    return readAndServe(open, exchange, served)
  return pass(
    open,
    exchange,
    served,
    NO_BODY_READ,
    judge(open, exchange, served, NO_BODY_READ, reader),
  )
}

async function readAndServe(open: OpenSession, exchange: Exchange, served: Served): Promise<void> {
  const { access } = open
  let reader: RequestReader
  let body: ReadBody
  try {
    reader = await access.readers(error => served.onTrouble(open.session, error))
    body = await readBody(exchange, access.body, served.held)
  } catch (error) {
    throw onRecord(open, exchange, error)
  }
  try {
    body = sentBody(open, exchange, body)
    await pass(open, exchange, served, body, judge(open, exchange, served, body, reader))
  } catch (error) {
    body.release()
    throw error
  }
}

function sentBody(open: OpenSession, exchange: Exchange, body: ReadBody): ReadBody {
  try {
    return open.access.sent?.(exchange.request, body) ?? body
  } catch (error) {
    throw onRecord(open, exchange, error)
  }
}

interface Judged {
  readonly permit: Permit | Promise<Permit>
  readonly form: RequestForm | undefined
}

function pass(
  open: OpenSession,
  exchange: Exchange,
  served: Served,
  body: ReadBody,
  { permit, form }: Judged,
): void | Promise<void> {
  if (!(permit instanceof Promise)) {
    forward(open, exchange, served, body, permit, form)
    return
  }
  return permit.then(
    given => forward(open, exchange, served, body, given, form),
    error => {
      body.release()
      const why = onRecord(open, exchange, error)
      if (open.access.refused?.(exchange, why) !== true) refuse(exchange, served, why)
    },
  )
}

function forward(
  open: OpenSession,
  exchange: Exchange,
  served: Served,
  body: ReadBody,
  permit: Permit,
  form: RequestForm | undefined,
): void {
  const { upstreams, ip, scheme } = served
  new Passage({
    open,
    permit,
    body,
    form,
    exchange,
    upstreams,
    ip,
    scheme,
    refuse: error => {
      if (isTrouble(error)) served.onTrouble(open.session, error)
      refuse(exchange, served, error)
    },
  }).start()
}

/** Throws InvalidRequest, AccessDenied, Unavailable. */
function judge(
  open: OpenSession,
  exchange: Exchange,
  { dialect }: Served,
  body: ReadBody,
  reader: RequestReader,
): Judged {
  const { session } = open
  const { request } = exchange
  try {
    if (request.upgrade !== undefined && !dialect.upgrades.includes(request.upgrade))
      throw new InvalidRequest('message_unsupported', 'this protocol is not served')
    const { fields } = request
    const bare = body.asked.kind === 'none'
    let form = bare ? open.forms.get(request) : undefined
    if (form === undefined || form.reader !== reader) {
      form = { reader, statement: reader.statement(request, body, open.carrier) }
      if (bare) open.forms.set(request, form)
    }
    // A reason is for the request that brings it. (Judged in this very turn: requests side by side keep theirs apart.)
    const reason = fields.get('sallyport-reason') ?? ''
    if (reason !== open.reason) session.justify(reason)
    open.reason = reason
    const permit = session.authorize(
      form.statement,
      new Asker(exchange, dialect, open.access, body),
    )
    return { permit, form: bare ? form : undefined }
  } catch (error) {
    throw onRecord(open, exchange, error)
  }
}

/** On record as what was asked, when no statement came of it. */
function onRecord({ session, outbox }: OpenSession, { request }: Exchange, error: unknown) {
  if (error instanceof Unavailable) outbox.refused()
  if (error instanceof InvalidRequest)
    session.refused(`${request.method} ${request.target.path}`, error, keptFirstLine)
  return error
}

/** Who waits while a person is asked; asked for only then. */
class Asker implements Waiting {
  readonly #exchange: Exchange
  readonly #dialect: Served['dialect']
  readonly #access: Access
  readonly #body: ReadBody

  constructor(exchange: Exchange, dialect: Served['dialect'], access: Access, body: ReadBody) {
    this.#exchange = exchange
    this.#dialect = dialect
    this.#access = access
    this.#body = body
  }

  notify(): void {}

  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  get mostMs(): number | undefined {
    return this.#dialect.waitMs(this.#exchange.request)
  }

  get preview(): Waiting['preview'] {
    return this.#access.preview?.(this.#exchange.request, this.#body)
  }
}
