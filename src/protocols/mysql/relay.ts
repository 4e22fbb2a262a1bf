// The session between its two sockets: chunks in, back-pressure both ways, and every way it can end. What a message
// means is the pumps' business.
import type { Duplex } from 'node:stream'
import type { MysqlAnalyser, MysqlReading } from '#engines/sql'
import { type Departure, endingError, type Gateway, type Session } from '#gateway'
import { type CloseReason, type GatewayError, Unavailable, UpstreamError } from '#model'
import { Leg, Outlet } from '#transport'
import type { Catalog } from './catalog-types.ts'
import type { UserChange } from './change-user.ts'
import { ClientPump } from './client-pump.ts'
import { whenClosed } from './closing.ts'
import { Conversation } from './conversation.ts'
import { denial } from './denial.ts'
import { FileIn } from './file-in.ts'
import type { LoginPacket } from './messages.ts'
import { command } from './numbers.ts'
import { packets } from './packets.ts'
import type { Previewer } from './preview.ts'
import { StatementBuilder } from './statement.ts'
import { UpstreamPump } from './upstream-pump.ts'

/** What a client may send ahead while a statement waits: enough to see that it left, too little to hurt. */
const AHEAD = 256 << 10
/** A server that was lost sight of has ended its session after so long. */
const UNSURE_MS = 5 * 60_000
/** After a cancel was taken, until it can no longer hit the next command: the server's threads take their time. */
const SETTLING_MS = 20

const ENDS = ['end', 'close', 'error'] as const

export interface RelayParts {
  /** It has received OK. */
  readonly client: Duplex
  readonly clientRest: Uint8Array
  /** Logged in and idle. */
  readonly upstream: Duplex
  readonly upstreamRest: Uint8Array
  readonly session: Session
  readonly catalog: Catalog
  readonly analyser: MysqlAnalyser
  readonly reading: MysqlReading
  /** The resource lets clients load files of their own, and both this client and the server said that they do. */
  readonly localFiles: boolean
  readonly pins: string
  readonly limits: Pick<Gateway['limits'], 'messageBytes'>
  /** The client's: it may log in anew. */
  readonly capabilities: number
  readonly preview?: Previewer
  /** Stops a session of the same principal, by the number that its client knows. */
  kill(target: number): 'done' | 'unknown'
  /** Stops what runs upstream; resolves when the server has taken it. */
  cancelUpstream(): Promise<void>
  /** Registers who is told that the client asked to stop. */
  onCancelRequest(listener: () => void): void
}

export interface RelayEnd {
  readonly reason: CloseReason
  /** Its client stays, paused, and is to be asked who it is. */
  readonly change?: UserChange
}

/**
 * Resolves when both sockets are closed, or the server's alone where the client logs in anew. Rejects only for a bug of
 * ours, and then with both closed.
 */
export function relay(parts: RelayParts): Promise<RelayEnd> {
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
  readonly #resolve: (end: RelayEnd) => void
  readonly #reject: (error: unknown) => void
  readonly #onAbort = (): void => {
    const reason = this.#parts.session.signal.reason as CloseReason
    this.#end(reason, endingError(reason))
  }
  #unfollow: (() => void) | undefined
  #upstreamEnded = false
  /** It is not known whether the server has ended the session, too. */
  #upstreamBroke = false
  #clientPaused = false
  #upstreamPaused = false
  #bug: unknown
  #change: UserChange | undefined
  readonly #onClientEnd = (): void => this.#clientLeft()

  constructor(
    parts: RelayParts,
    resolve: (end: RelayEnd) => void,
    reject: (error: unknown) => void,
  ) {
    this.#parts = parts
    this.#resolve = resolve
    this.#reject = reject
    const { session, catalog, client, upstream } = parts
    this.#client = new Leg(client)
    this.#upstream = new Leg(upstream)
    this.#departure = session.departs(() => this.#depart())
    const definitions = catalog.definitions.open()
    this.#talk = new Conversation({
      session,
      catalog,
      definitions,
      builder: new StatementBuilder(parts.analyser, catalog, parts.reading, definitions),
      toClient: new Outlet(this.#client, 'client'),
      toUpstream: new Outlet(this.#upstream, 'upstream', () => this.#departure.clear()),
      messageBytes: parts.limits.messageBytes,
      capabilities: parts.capabilities,
      localFiles: parts.localFiles,
      unrecorded: () => this.#departure.waits,
      pins: parts.pins,
      preview: parts.preview,
      kill: target => parts.kill(target),
      cancelUpstream: async () => {
        await parts.cancelUpstream()
        await new Promise(resolve => setTimeout(resolve, SETTLING_MS))
      },
      end: (reason, error) => this.#end(reason, error),
      handOver: login => this.#handOver(login),
      wake: () => setImmediate(() => this.#turn(() => {})),
    })
    const file = new FileIn(this.#talk)
    this.#fromUpstream = new UpstreamPump(this.#talk, file, () => {})
    this.#fromClient = new ClientPump(
      this.#talk,
      this.#fromUpstream,
      file,
      () => this.#end('client_left'),
      step => this.#turn(step),
    )
  }

  start(): void {
    const { client, upstream, session, clientRest, upstreamRest } = this.#parts
    this.#client.onData(chunk => this.#receive(this.#fromClient, chunk))
    for (const event of ENDS) {
      client.on(event, this.#onClientEnd)
      upstream.on(event, () => this.#upstreamLeft())
    }
    upstream.on('error', () => {
      this.#upstreamBroke = true
    })
    this.#client.onDrain(() => this.#balance())
    this.#upstream.onData(chunk => this.#receive(this.#fromUpstream, chunk))
    this.#upstream.onDrain(() => this.#balance())
    if (session.signal.aborted) {
      this.#onAbort()
      return
    }
    session.signal.addEventListener('abort', this.#onAbort, { once: true })
    this.#unfollow = session.onRules(() => this.#review())
    this.#parts.onCancelRequest(() => this.#cancelRequested())
    if (client.destroyed) this.#clientLeft()
    else if (upstream.destroyed) this.#upstreamLeft()
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
    if (this.#talk.ended) return
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
      if (!this.#talk.ended) this.#balance()
    } catch (error) {
      // Safe: as in `#turn`.
      this.#fail(error)
    }
  }

  /** A leg that does not drain makes the other one wait; so nothing grows with the size of an answer. */
  #balance(): void {
    if (this.#talk.ended) return
    const { client, upstream } = this.#parts
    const { toClient, toUpstream } = this.#talk.parts
    const pauseClient = toUpstream.full || toClient.full || this.#fromClient.waiting > AHEAD
    const pauseUpstream = toClient.full
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

  /** Somebody who may asked, on another connection, to stop what this one does. */
  #cancelRequested(): void {
    if (this.#talk.ended) return
    this.#fromClient.abort()
    if (this.#talk.exchange !== undefined) this.#talk.cancel()
  }

  #clientLeft(): void {
    this.#fromClient.abort()
    this.#end('client_left')
  }

  #upstreamLeft(): void {
    this.#upstreamEnded = true
    this.#end(
      'upstream_left',
      new UpstreamError('upstream_lost', 'the database closed the connection'),
    )
  }

  /** The rules changed: what runs by then and is no longer permitted ends, and there is no way to end it alone. */
  #review(): void {
    const { exchange } = this.#talk
    if (exchange?.permit === undefined || exchange.kind === 'prepare') return
    if (this.#parts.session.renew(exchange.permit) !== undefined) return
    this.#end('policy_changed', endingError('policy_changed'))
  }

  #end(reason: CloseReason, error?: GatewayError): void {
    const talk = this.#talk
    if (talk.ended) return
    const busy = talk.exchange !== undefined
    this.#stop(reason)
    const { toClient, toUpstream } = talk.parts
    // Where nothing was asked, a client reads it in answer to what it asks next.
    if (error !== undefined) {
      if (!busy && reason !== 'protocol_violation') talk.sequence = 1
      toClient.own(packets(denial(error), talk.sequence & 0xff))
    }
    if (!this.#upstreamEnded) {
      // Safe to ignore a failure: the socket closes too.
      if (busy) this.#parts.cancelUpstream().catch(() => {})
      else toUpstream.own(packets(Uint8Array.of(command.quit), 0))
    }
    toClient.end()
    toUpstream.end()
    this.#close(reason)
  }

  /** The client logs in anew: nothing of this session reaches it any more, and none of its bytes are read here. */
  #handOver(login: LoginPacket): void {
    if (this.#talk.ended) return
    this.#stop('user_changed')
    const { toClient, toUpstream } = this.#talk.parts
    toClient.flush()
    toClient.discard()
    toUpstream.own(packets(Uint8Array.of(command.quit), 0))
    toUpstream.end()
    for (const event of ENDS) this.#parts.client.off(event, this.#onClientEnd)
    this.#client.detach()
    this.#change = { login, rest: this.#fromClient.detach() }
    this.#close('user_changed')
  }

  #stop(reason: CloseReason): void {
    const talk = this.#talk
    talk.ended = true
    // Before outcomes are told: those may put on record what waits, and it would leave with the end.
    if (this.#departure.waits) talk.parts.toUpstream.discard()
    this.#fromClient.abort()
    this.#parts.session.signal.removeEventListener('abort', this.#onAbort)
    this.#unfollow?.()
    talk.completeAll(reason === 'client_left' ? 'cancelled' : 'failed')
  }

  #close(reason: CloseReason): void {
    const { client, upstream } = this.#parts
    const change = this.#change
    whenClosed(change === undefined ? [client, upstream] : [upstream], late => {
      // A server ends a session when its statement is over: until then what it was changing may yet be changed.
      const over = (): void => this.#talk.forgetDefinitions()
      if (late || this.#upstreamBroke) setTimeout(over, UNSURE_MS).unref()
      else over()
      if (this.#bug !== undefined) this.#reject(this.#bug)
      else this.#resolve(change === undefined ? { reason } : { reason, change })
    })
  }
}
