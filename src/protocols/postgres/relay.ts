// The session between its two sockets: chunks in, back-pressure both ways, and every way it can end. What a
// message means is the pumps' business.
import type { Duplex } from 'node:stream'
import type { Analyser } from '#engines/sql'
import { type Departure, endingError, type Gateway, type Session } from '#gateway'
import { type CloseReason, type GatewayError, Unavailable, UpstreamError } from '#model'
import { Leg, Outlet } from '#transport'
import type { Catalog } from './catalog-types.ts'
import { ClientPump } from './client-pump.ts'
import { Conversation } from './conversation.ts'
import { denial } from './denial.ts'
import { terminate } from './messages.ts'
import type { Previewer } from './preview.ts'
import { Scope } from './scope.ts'
import { SessionNames } from './session-names.ts'
import { StatementBuilder } from './statement.ts'
import { UpstreamPump } from './upstream-pump.ts'

/** What a client may send ahead while a statement waits: enough to see that it left, too little to hurt. */
const AHEAD = 256 << 10
/** From the decision to end to closed sockets. */
const CLOSING_MS = 1_500
/** A server that was lost sight of has ended its session after so long. */
const UNSURE_MS = 5 * 60_000
/** When nobody tells when a cancel has been delivered: it must not hit the next statement. */
const CANCEL_MS = 100

export interface RelayParts {
  /** Authenticated; it has received ReadyForQuery (idle). */
  readonly client: Duplex
  readonly clientRest: Uint8Array
  /** Logged in and idle. */
  readonly upstream: Duplex
  readonly upstreamRest: Uint8Array
  readonly session: Session
  readonly catalog: Catalog
  readonly analyser: Analyser
  readonly limits: Gateway['limits']
  readonly searchPath: readonly string[] | undefined
  /** Looks at what a held statement would do. */
  readonly preview?: Previewer
  /** Cancels what runs upstream; a promise tells when it can no longer hit a later statement. */
  cancelUpstream(): void | Promise<void>
  /** Registers who is told that the client asked to cancel: a held statement is then withdrawn. */
  onCancelRequest?(listener: () => void): void
}

/** Resolves when both sockets are closed. Rejects only for a bug of ours, and then too with both closed. */
export function relay(parts: RelayParts): Promise<CloseReason> {
  return new Promise((resolve, reject) => new Relay(parts, resolve, reject).start())
}

class Relay {
  readonly #parts: RelayParts
  readonly #client: Leg
  readonly #upstream: Leg
  readonly #talk: Conversation
  readonly #fromClient: ClientPump
  readonly #fromUpstream: UpstreamPump
  /** Statements that are permitted wait here until they are on record. */
  readonly #departure: Departure
  readonly #resolve: (reason: CloseReason) => void
  readonly #reject: (error: unknown) => void
  readonly #onAbort = (): void => {
    const reason = this.#parts.session.signal.reason as CloseReason
    this.#end(reason, endingError(reason))
  }
  #unfollow: (() => void) | undefined
  /** The upstream's feed waits for the catalog. */
  #reading = false
  #upstreamEnded = false
  /** It is not known whether the server has ended the session, too. */
  #upstreamBroke = false
  /** The client said Terminate while answers were owed: they are run, as a server would. */
  #leaving = false
  #clientPaused = false
  #upstreamPaused = false
  #bug: unknown

  constructor(
    parts: RelayParts,
    resolve: (reason: CloseReason) => void,
    reject: (error: unknown) => void,
  ) {
    this.#parts = parts
    this.#resolve = resolve
    this.#reject = reject
    const { session, catalog, client, upstream } = parts
    this.#client = new Leg(client)
    this.#upstream = new Leg(upstream)
    this.#departure = session.departs(() => this.#depart())
    const names = new SessionNames()
    const scope = new Scope(parts.searchPath, session.resource.credential.user)
    const definitions = catalog.definitions.open()
    this.#talk = new Conversation({
      session,
      catalog,
      names,
      scope,
      preview: parts.preview,
      definitions,
      builder: new StatementBuilder(parts.analyser, catalog, scope, names, definitions),
      toClient: new Outlet(this.#client, 'client'),
      toUpstream: new Outlet(this.#upstream, 'upstream', () => this.#departure.clear()),
      messageBytes: parts.limits.messageBytes,
      cancelUpstream: () => this.#cancel(),
      end: (reason, error) => this.#end(reason, error),
      wake: () => this.#turn(() => {}),
    })
    this.#fromUpstream = new UpstreamPump(this.#talk, work => this.#readCatalog(work))
    this.#fromClient = new ClientPump(
      this.#talk,
      notice => {
        this.#fromUpstream.say(notice)
        this.#talk.parts.toClient.flush()
      },
      () => this.#leave(),
      step => this.#turn(step),
    )
  }

  start(): void {
    const { client, upstream, session } = this.#parts
    this.#client.onData(chunk => this.#receive(this.#fromClient, chunk))
    client.on('end', () => this.#clientLeft())
    client.on('close', () => this.#clientLeft())
    client.on('error', () => this.#clientLeft())
    this.#client.onDrain(() => this.#balance())
    this.#upstream.onData(chunk => this.#receive(this.#fromUpstream, chunk))
    upstream.on('end', () => this.#upstreamLeft())
    upstream.on('close', () => this.#upstreamLeft())
    upstream.on('error', () => {
      this.#upstreamBroke = true
      this.#upstreamLeft()
    })
    this.#upstream.onDrain(() => this.#balance())
    if (session.signal.aborted) {
      this.#onAbort()
      return
    }
    session.signal.addEventListener('abort', this.#onAbort, { once: true })
    this.#unfollow = session.onRules(() => this.#review())
    this.#parts.onCancelRequest?.(() => this.#fromClient.abort())
    if (client.destroyed) this.#clientLeft()
    else if (upstream.destroyed) this.#upstreamLeft()
    const { clientRest, upstreamRest } = this.#parts
    if (upstreamRest.length > 0)
      this.#turn(() => this.#fromUpstream.receive(Buffer.from(upstreamRest)))
    if (clientRest.length > 0) this.#turn(() => this.#fromClient.receive(Buffer.from(clientRest)))
    // Whoever handed them over may have paused them.
    if (!this.#clientPaused) client.resume()
    if (!this.#upstreamPaused) upstream.resume()
  }

  #receive(pump: { receive(chunk: Buffer): void }, chunk: Buffer): void {
    if (this.#talk.ended) return
    try {
      pump.receive(chunk)
      this.#finish()
    } catch (error) {
      // Safe: as in `#turn`.
      this.#fail(error)
    }
  }

  /** One synchronous turn: what it produced leaves at its end. */
  #turn(step: () => void): void {
    if (this.#talk.ended) return
    try {
      step()
      this.#finish()
    } catch (error) {
      // Safe: a bug of ours ends this session only; nothing of this turn that was not judged has left.
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    // What waits cannot be put on record: it is dropped, and so is the session, whose state has gone on from it.
    const unrecorded = error instanceof Unavailable && this.#departure.waits
    if (!unrecorded) this.#bug = error
    this.#end('failed', unrecorded ? error : endingError('failed'))
  }

  #finish(): void {
    this.#fromClient.progress()
    const { toClient, toUpstream } = this.#talk.parts
    toClient.flush()
    if (this.#departure.waits) toUpstream.hold()
    this.#departure.leave()
  }

  /** What was permitted may be sent, unless it is not on record. */
  #depart(): void {
    if (this.#talk.ended) return
    try {
      this.#departure.clear()
      this.#talk.parts.toUpstream.flush()
      this.#parts.session.catchUp()
      this.#rest()
    } catch (error) {
      // Safe: as in `#turn`.
      this.#fail(error)
    }
  }

  #rest(): void {
    if (this.#talk.ended) return
    if (this.#leaving && this.#talk.queue.length === 0) this.#end('client_left')
    else this.#balance()
  }

  /** A leg that does not drain makes the other one wait; so nothing grows with the size of an answer. */
  #balance(): void {
    if (this.#talk.ended) return
    const { client, upstream } = this.#parts
    const { toClient, toUpstream } = this.#talk.parts
    const pauseClient = toUpstream.full || toClient.full || this.#fromClient.waiting > AHEAD
    const pauseUpstream = toClient.full || this.#reading
    if (pauseClient !== this.#clientPaused) {
      this.#clientPaused = pauseClient
      if (pauseClient) client.pause()
      else client.resume()
    }
    if (pauseUpstream !== this.#upstreamPaused) {
      this.#upstreamPaused = pauseUpstream
      if (pauseUpstream) upstream.pause()
      else upstream.resume()
    }
  }

  #readCatalog(work: Promise<void>): void {
    this.#reading = true
    work.finally(() => {
      this.#reading = false
      this.#turn(() => this.#fromUpstream.resume())
      if (this.#upstreamEnded) this.#upstreamLeft()
    })
  }

  #cancel(): Promise<void> {
    const cancelled = this.#parts.cancelUpstream()
    const delivered =
      cancelled instanceof Promise
        ? cancelled
        : new Promise<void>(resolve => {
            setTimeout(resolve, CANCEL_MS).unref()
          })
    const go = (): void => {
      // After `Conversation` has noted it.
      setImmediate(() => this.#turn(() => {}))
    }
    delivered.then(go, go)
    return delivered
  }

  #leave(): void {
    this.#leaving = true
    if (this.#talk.queue.length === 0) this.#end('client_left')
  }

  #clientLeft(): void {
    this.#fromClient.abort()
    if (!this.#leaving) this.#end('client_left')
  }

  #upstreamLeft(): void {
    this.#upstreamEnded = true
    if (this.#talk.ended) return
    // What it said before it left is still to be read.
    if (this.#reading) return
    this.#end(
      this.#leaving ? 'client_left' : 'upstream_left',
      this.#fromUpstream.fatal
        ? undefined
        : new UpstreamError('upstream_lost', 'the database closed the connection'),
    )
  }

  /** The rules changed: what runs by then and is no longer permitted ends, and there is no way to end it alone. */
  #review(): void {
    const { session } = this.#parts
    for (const { kind, permit, done } of this.#talk.queue) {
      if (permit === undefined || done || (kind !== 'query' && kind !== 'execute')) continue
      if (session.renew(permit) !== undefined) continue
      this.#end('policy_changed', endingError('policy_changed'))
      return
    }
  }

  #end(reason: CloseReason, error?: GatewayError): void {
    const talk = this.#talk
    if (talk.ended) return
    const busy = talk.queue.length > 0
    const { toClient, toUpstream } = talk.parts
    talk.ended = true
    talk.parts.definitions.show()
    // Before outcomes are told: those may put on record what waits, and it would leave with the end.
    if (this.#departure.waits) toUpstream.discard()
    this.#fromClient.abort()
    this.#parts.session.signal.removeEventListener('abort', this.#onAbort)
    this.#unfollow?.()
    this.#completeAll(reason)
    if (error !== undefined && !this.#fromUpstream.midFrame) toClient.own(denial(error, 'FATAL'))
    if (!this.#upstreamEnded) {
      // Cut off by a half-sent message of ours it would wait for the rest: the end follows at once.
      // Safe to ignore a failure: the socket closes too.
      if (busy) Promise.resolve(this.#parts.cancelUpstream()).catch(() => {})
      else toUpstream.own(terminate())
    }
    toClient.end()
    toUpstream.end()
    this.#close(reason)
  }

  /** Whatever is owed will not come: each permit's outcome goes on record. */
  #completeAll(reason: CloseReason): void {
    const { queue } = this.#talk
    const status = reason === 'client_left' ? 'cancelled' : 'failed'
    for (let owed = queue.shift(); owed !== undefined; owed = queue.shift()) {
      this.#talk.complete(owed, status)
      if (owed.behind !== undefined) this.#talk.complete(owed.behind, 'failed')
    }
    this.#talk.completeSuspended()
  }

  /** A server ends a session when its statement is over: until then what it was changing may yet be changed. */
  #closeDefinitions(): void {
    const { definitions, catalog } = this.#talk.parts
    const { names } = definitions
    if (names.length === 0) return
    const end = (): void => {
      catalog.invalidate(names)
      definitions.end()
    }
    if (this.#upstreamBroke) setTimeout(end, UNSURE_MS).unref()
    else end()
  }

  #close(reason: CloseReason): void {
    const { client, upstream } = this.#parts
    const deadline = setTimeout(() => {
      this.#upstreamBroke = true
      client.destroy()
      upstream.destroy()
    }, CLOSING_MS)
    let open = 2
    const closed = (): void => {
      open -= 1
      if (open > 0) return
      clearTimeout(deadline)
      this.#closeDefinitions()
      if (this.#bug === undefined) this.#resolve(reason)
      else this.#reject(this.#bug)
    }
    for (const socket of [client, upstream]) {
      // Its last bytes are of no use to us, but unread they keep it from closing.
      socket.resume()
      if (socket.destroyed) closed()
      else socket.once('close', closed)
    }
  }
}
