// A request that became streams: both ends joined, until one of them or the permit ends.
import type { Permit, Session } from '#gateway'
import { GatewayError, isGatewayError, UpstreamError } from '#model'
import type { Tunnel } from '#transport/http'
import { statusObject } from '../denial.ts'
import { ChannelRelay, type ChannelSides } from './channel-relay.ts'
import { CHANNELS, Command, shownWords } from './command.ts'
import { type Carrier, End } from './end.ts'
import { Forward } from './forward.ts'
import { MessageEnd, type MessageReceiver } from './message-end.ts'
import type { Framing, Purpose } from './negotiation.ts'
import { SpdyRelay, type SpdyRules } from './spdy-relay.ts'
import { commandRules, forwardRules } from './spdy-rules.ts'

/** RFC 6455 section 7.4.1. */
const NORMAL = 1000
const GONE = 1011

export interface StreamsParts {
  readonly client: Tunnel
  readonly upstream: Tunnel
  readonly session: Session
  readonly permit: Permit
  /** Aborts when it may go on no longer, with why. */
  readonly signal: AbortSignal
  readonly framing: Framing
  readonly halfClose: boolean
  /** Our own credential at the upstream: it does not come back. */
  readonly secrets: readonly string[]
  readonly purpose: Purpose
  /** One listener: rules changed, and still permit it. */
  readonly onRenewed: (listener: (permit: Permit) => void) => void
  /** For a port that the request did not name. */
  readonly judge: (port: number) => Permit | Promise<Permit>
  /** Once, at its end: bytes under the permit, and how what ran failed. */
  readonly told: (bytes: number, failure: string | undefined) => void
}

/** Resolves when either side has ended. Throws what ended it before. */
export function serveStreams(parts: StreamsParts): Promise<void> {
  return new Promise((resolve, reject) => {
    new Streams(parts, error => (error === undefined ? resolve() : reject(error))).start()
  })
}

/** What goes through the streams. */
interface Content {
  readonly rules: SpdyRules
  readonly sent: number
  readonly failure: string | undefined
  follow(permit: Permit): void
  flush(): void
  drop(): void
  goodbye(error: unknown): void
  /** Whether the client was told how it ended. */
  readonly isTold: boolean
  close(error: unknown): void
  channels(relay: ChannelRelay): void
}

class Streams {
  readonly #parts: StreamsParts
  readonly #done: (error: unknown) => void
  readonly #client: End
  readonly #upstream: End
  readonly #content: Content
  #pushClient!: (chunk: Uint8Array) => void
  #pushUpstream!: (chunk: Uint8Array) => void
  /** The last words in the framing, when we end it: behind what the content says. */
  #last!: (code: number, reason: string) => void
  #over = false

  constructor(parts: StreamsParts, done: (error: unknown) => void) {
    this.#parts = parts
    this.#done = done
    this.#client = new End(parts.client)
    this.#upstream = new End(parts.upstream)
    this.#content = contentOf(parts, this.#upstream, error => this.#end(error))
    if (parts.framing === 'spdy') this.#spdy(this.#client, this.#upstream)
    else if (parts.framing === 'tunnelled') this.#tunnelled()
    else this.#channels()
  }

  start(): void {
    const { signal } = this.#parts
    if (signal.aborted) {
      this.#end(signal.reason)
      return
    }
    signal.addEventListener('abort', this.#aborted, { once: true })
    this.#parts.onRenewed(permit => {
      if (!this.#over) this.#content.follow(permit)
    })
    const over = (error?: unknown) => this.#end(error)
    this.#upstream.read(this.#pushUpstream, error => this.#left(error))
    this.#client.read(this.#pushClient, over)
  }

  readonly #aborted = () => this.#end(this.#parts.signal.reason)

  #spdy(client: Carrier, upstream: Carrier): SpdyRelay {
    const relay = new SpdyRelay(client, upstream, this.#content.rules, error => this.#end(error))
    this.#pushClient = chunk => relay.pushClient(chunk)
    this.#pushUpstream = chunk => relay.pushUpstream(chunk)
    this.#last = () => relay.goodbye()
    return relay
  }

  #tunnelled(): void {
    const sides = this.#sides(
      part => relay.pushClient(part),
      part => relay.pushUpstream(part),
    )
    const relay = this.#spdy(sides.client, sides.upstream)
    this.#overSocket(sides)
    this.#last = (code, reason) => {
      relay.goodbye()
      sides.client.close(code, reason)
    }
  }

  #channels(): void {
    const relay = new ChannelRelay(() => sides, this.#parts.halfClose)
    this.#content.channels(relay)
    const sides = this.#sides(relay.fromClient(), relay.fromUpstream())
    this.#overSocket(sides)
    this.#last = (code, reason) => sides.client.close(code, reason)
  }

  #overSocket({ client, upstream }: ChannelSides): void {
    this.#pushClient = chunk => client.push(chunk)
    this.#pushUpstream = chunk => upstream.push(chunk)
  }

  #sides(
    fromClient: MessageReceiver['message'],
    fromUpstream: MessageReceiver['message'],
  ): ChannelSides {
    const { permit, secrets } = this.#parts
    const sides: ChannelSides = {
      client: new MessageEnd(this.#client, true, {
        message: fromClient,
        closed: code => {
          sides.upstream.close(sendable(code), '')
          sides.client.close(sendable(code), '')
          this.#end()
        },
      }),
      upstream: new MessageEnd(this.#upstream, false, {
        message: fromUpstream,
        closed: (code, reason) => {
          this.#content.flush()
          sides.upstream.close(sendable(code), '')
          if (code !== NORMAL || this.#content.isTold)
            sides.client.close(sendable(code), shownWords(reason, permit, secrets))
          this.#left()
        },
      }),
    }
    return sides
  }

  /** The upstream says no more. A command that ends without a word of how looks like one that went well. */
  #left(error?: unknown): void {
    if (this.#over) return
    if (error !== undefined) {
      this.#end(error)
      return
    }
    this.#content.flush()
    const lost = () => new UpstreamError('upstream_lost', 'the cluster ended the streams')
    this.#end(this.#content.isTold ? undefined : lost())
  }

  #end(error?: unknown): void {
    if (this.#over) return
    this.#over = true
    const { signal, told } = this.#parts
    signal.removeEventListener('abort', this.#aborted)
    if (error === undefined) this.#content.drop()
    else {
      this.#content.goodbye(error)
      this.#last(isGatewayError(error) ? NORMAL : GONE, '')
    }
    this.#client.finish()
    this.#upstream.finish()
    this.#content.close(error)
    const { sent, failure, isTold } = this.#content
    told(sent, failure ?? (isTold ? undefined : 'lost'))
    this.#done(error)
  }
}

function contentOf(parts: StreamsParts, upstream: End, end: (error: Error) => void): Content {
  const { session, permit, purpose, judge, secrets } = parts
  if (purpose.kind === 'forward') {
    const forward = new Forward({ session, permit, secrets, judge, end })
    return {
      rules: forwardRules(forward),
      get sent() {
        return forward.sent
      },
      failure: undefined,
      follow: renewed => forward.follow(renewed),
      flush: () => forward.flush(),
      drop: () => {},
      goodbye: error => forward.goodbye(known(error)),
      isTold: true,
      close: error => forward.close(error),
      channels: relay =>
        relay.open(
          purpose.ports.flatMap((port, index) =>
            forward.channels(port, relay.ways(index * 2), relay.ways(index * 2 + 1)),
          ),
        ),
    }
  }
  const hold = (until: Promise<unknown> | undefined) => upstream.hold(until)
  const command = new Command({ session, permit, asked: purpose.asked, secrets, hold, end })
  return {
    rules: commandRules(command),
    get sent() {
      return command.sent
    },
    get failure() {
      return command.failure
    },
    get isTold() {
      return command.isTold
    },
    follow: renewed => command.follow(renewed),
    flush: () => command.flush(),
    drop: () => command.drop(),
    goodbye: error => command.goodbye(JSON.stringify(statusObject(error))),
    close: () => {},
    channels: relay =>
      relay.open(
        CHANNELS.map((channel, number) =>
          command.has(channel) ? command.open(channel, relay.ways(number)) : undefined,
        ),
      ),
  }
}

function known(error: unknown): GatewayError {
  return isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this; nothing was passed on')
}

/** Codes that an end may send; 1005 and 1006 are of no frame. */
function sendable(code: number): number {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1011) || code >= 3000
    ? Math.min(code, 4999)
    : NORMAL
}
