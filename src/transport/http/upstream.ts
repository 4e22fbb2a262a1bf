// Connections to one upstream: kept, used again, bounded. Which one it is stands in the resource's settings; nothing that a
// client sends changes where they go.
import type { Socket } from 'node:net'
import { Unavailable, UpstreamError } from '#model'
import { dialTcp, upgradeToTls } from '#transport'
import { type AddressRule, addressRule, resolveAddresses } from './addresses.ts'
import { Http2Upstream } from './http2-upstream.ts'
import { KnownResponses } from './known-responses.ts'
import { defaultLimits, type HttpLimits } from './limits.ts'
import { RetriedCall } from './retried-call.ts'
import { gone } from './upstream-call.ts'
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts'
import type { UpstreamCall, UpstreamOrigin, UpstreamRequest } from './upstream-types.ts'

export interface UpstreamOptions {
  readonly limits?: Partial<HttpLimits>
  /** Until a connection stands, its TLS included. */
  readonly connectTimeoutMs?: number
  /** From the request to the head of its answer. */
  readonly answerTimeoutMs?: number
  /** At once, idle ones included. */
  readonly maxConnections?: number
  /** A connection that is older gets no more requests: a name may lead elsewhere by then. Those under way end as they would. */
  readonly connectionAgeMs?: number
  /** HTTP/2: without a request. (HTTP/1.1: as long as the upstream says that it keeps one, a minute at most.) */
  readonly idleSessionMs?: number
  /** For tests of what names lead to. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

const CONNECT_MS = 10_000
const ANSWER_MS = 300_000
const CONNECTION_AGE_MS = 300_000
const IDLE_SESSION_MS = 60_000
const MOST_CONNECTIONS = 256
const MOST_WAITING = 1_024
/** Asked again on a new connection when a kept one turned out to be closed: nothing of the answer came, and asking changes nothing. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export class Upstream implements ConnectionOwner {
  readonly limits: HttpLimits
  readonly answerTimeoutMs: number
  readonly connectionAgeMs: number
  readonly responses = new KnownResponses()
  readonly #origin: UpstreamOrigin
  readonly #options: UpstreamOptions
  readonly #rule: AddressRule
  readonly #connectTimeoutMs: number
  readonly #most: number
  readonly #all = new Set<UpstreamConnection>()
  /** The last one in is the first one out: the others grow old and end. */
  readonly #idle: UpstreamConnection[] = []
  readonly #waiting: (() => void)[] = []
  #connecting = 0
  /** With HTTP/2: those that still take requests, and the one that is being opened. */
  readonly #sessions = new Set<Http2Upstream>()
  #opening: Promise<Http2Upstream> | undefined
  #closed = false

  /** Throws ConfigurationError when `allowAddresses` does not hold. */
  constructor(origin: UpstreamOrigin, options: UpstreamOptions = {}) {
    this.#origin = origin
    this.#options = options
    this.#rule = addressRule(origin.allowAddresses)
    this.limits = { ...defaultLimits, ...options.limits }
    this.answerTimeoutMs = options.answerTimeoutMs ?? ANSWER_MS
    this.connectionAgeMs = options.connectionAgeMs ?? CONNECTION_AGE_MS
    this.#connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_MS
    this.#most = options.maxConnections ?? MOST_CONNECTIONS
  }

  get connections(): number {
    return this.#all.size + this.#sessions.size
  }

  /** Rejects with UpstreamError when no connection can be had; the answer is the call's own promise. */
  async open(request: UpstreamRequest): Promise<UpstreamCall> {
    // What a connection is turned into has it for itself: that is asked for in HTTP/1.1.
    if (this.#origin.version === '2' && request.upgrade === undefined) {
      const session = await this.#session()
      // The connection is for others too, and was opened on.
      if (request.signal?.aborted === true) throw gone(request.signal.reason)
      return session.send(request)
    }
    const taken = this.take(request)
    if (taken !== undefined) return taken
    const connection = await this.#connection(request.signal)
    if (request.signal?.aborted !== true) return this.#send(connection, request)
    // Nothing of it is sent: without a body it would be acted upon at once.
    connection.destroy()
    throw gone(request.signal.reason)
  }

  /** The same at once, when a kept connection is at hand (HTTP/1.1). Undefined: it has to be waited for. */
  take(request: UpstreamRequest): UpstreamCall | undefined {
    const connection = this.#kept()
    return connection === undefined ? undefined : this.#send(connection, request)
  }

  #send(connection: UpstreamConnection, request: UpstreamRequest): UpstreamCall {
    const call = connection.send(request)
    return request.body.kind === 'none' && SAFE.has(request.method) && request.upgrade === undefined
      ? new RetriedCall(call, request, this)
      : call
  }

  /** The same question once more, on a connection that nobody had before; not for one that is `givenUp` by then. */
  async ask(request: UpstreamRequest, givenUp: () => Error | undefined): Promise<UpstreamCall> {
    const connection = await this.#connect(request.signal)
    const why = givenUp()
    if (why === undefined) return connection.send(request)
    connection.destroy()
    throw why
  }

  close(): void {
    this.#closed = true
    for (const connection of this.#all) connection.destroy()
    for (const session of this.#sessions) session.destroy()
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #kept(): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined || connection.usable) return connection
    }
  }

  async #connection(signal: AbortSignal | undefined): Promise<UpstreamConnection> {
    for (;;) {
      if (this.#closed) throw new Unavailable('unavailable', 'the gateway is shutting down')
      const kept = this.#kept()
      if (kept !== undefined) return kept
      if (this.#all.size + this.#connecting < this.#most) return this.#connect(signal)
      await this.#turn(signal)
    }
  }

  /** Until a connection is free or gone. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING)
      throw new Unavailable('unavailable', 'too many requests wait for this resource')
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      }
      const aborted = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1)
        reject(gone(signal?.reason))
      }
      this.#waiting.push(wake)
      signal?.addEventListener('abort', aborted, { once: true })
    })
  }

  /** One that takes another stream. Those who ask while it is being opened share it. */
  async #session(): Promise<Http2Upstream> {
    for (;;) {
      if (this.#closed) throw new Unavailable('unavailable', 'the gateway is shutting down')
      for (const session of this.#sessions) if (session.usable) return session
      if (this.#sessions.size >= this.#most)
        throw new Unavailable('unavailable', 'too many requests wait for this resource')
      this.#opening ??= this.#openSession().finally(() => {
        this.#opening = undefined
      })
      const session = await this.#opening
      if (session.usable) return session
    }
  }

  async #openSession(): Promise<Http2Upstream> {
    const socket = await this.#dial(this.#origin, undefined)
    const session = new Http2Upstream(socket, {
      encrypted: this.#origin.tls !== undefined,
      limits: this.limits,
      answerTimeoutMs: this.answerTimeoutMs,
      ageMs: this.connectionAgeMs,
      idleMs: this.#options.idleSessionMs ?? IDLE_SESSION_MS,
      onClosed: () => this.#sessions.delete(session),
    })
    this.#sessions.add(session)
    return session
  }

  #dial(origin: UpstreamOrigin, signal: AbortSignal | undefined): Promise<Socket> {
    return connectTo(origin, this.#rule, {
      timeoutMs: this.#connectTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
      ...(this.#options.resolve === undefined ? {} : { resolve: this.#options.resolve }),
    })
  }

  async #connect(signal: AbortSignal | undefined): Promise<UpstreamConnection> {
    this.#connecting += 1
    try {
      const socket = await this.#dial({ ...this.#origin, version: '1.1' }, signal)
      const connection = new UpstreamConnection(socket, this)
      this.#all.add(connection)
      return connection
    } catch (error) {
      // Its place is free for the next who waits.
      this.#waiting.shift()?.()
      throw error
    } finally {
      this.#connecting -= 1
    }
  }

  onIdle(connection: UpstreamConnection): void {
    if (this.#closed) {
      connection.destroy()
      return
    }
    this.#idle.push(connection)
    this.#waiting.shift()?.()
  }

  onClosed(connection: UpstreamConnection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
    this.#waiting.shift()?.()
  }
}

interface ConnectOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

/** To the addresses that were checked, one after another; the certificate is checked against the name. */
export async function connectTo(
  origin: UpstreamOrigin,
  rule: AddressRule,
  options: ConnectOptions,
): Promise<Socket> {
  const { timeoutMs, signal } = options
  const addresses = await resolveAddresses(origin.host, rule, options.resolve)
  const wanted = { timeoutMs, ...(signal === undefined ? {} : { signal }) }
  let socket: Socket | undefined
  let failure: unknown
  for (const address of addresses) {
    try {
      socket = await dialTcp(address, origin.port, wanted)
      break
    } catch (error) {
      // The next address may answer; when none does, the last failure is told.
      failure = error
    }
  }
  if (socket === undefined) throw failure
  if (origin.tls === undefined) return socket
  const { mode, servername, ca, cert, key } = origin.tls
  const alpn = origin.version === '2' ? 'h2' : 'http/1.1'
  const tls = await upgradeToTls(socket, {
    mode,
    servername,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    alpn: [alpn],
    ...wanted,
  })
  if (origin.version === '2' && tls.alpnProtocol !== 'h2') {
    tls.destroy()
    throw new UpstreamError('upstream_refused', 'the resource does not speak HTTP/2')
  }
  return tls
}
