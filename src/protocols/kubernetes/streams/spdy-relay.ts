// A connection of SPDY/3.1 between client and upstream: frames are read on both sides, and what goes on is written anew.
// Streams are the client's to open, and whoever governs them says what of them goes on.
//
// Nobody in Kubernetes keeps SPDY's windows (its library neither opens nor heeds them): the connection's own pace is the only
// one there is, so window updates are read and dropped.
import { Buffer } from 'node:buffer'
import { ProtocolError } from '#model'
import { SpdyReader, type SpdyReceiver, type SynStream } from '../spdy/frame-reader.ts'
import { SpdyWriter } from '../spdy/frame-writer.ts'
import { type Headers, NO_HEADERS } from '../spdy/header-block.ts'
import type { Carrier } from './end.ts'
import type { Governor, Ways } from './governor.ts'

/** What came of a stream that the client would open. */
export type Opened =
  /** It goes on with these headers. */
  | { readonly governor: Governor; readonly headers: Headers }
  /** It does not: the upstream never hears of it, and the client reads this. */
  | { readonly refused: string }

export interface SpdyRules {
  /** Streams that may be open at once. */
  readonly mostStreams: number
  /** Throws ProtocolError: the connection ends. */
  opens(id: number, headers: Headers, ways: Ways): Opened | Promise<Opened>
  /** Nothing more comes from the upstream. */
  flush(): void
}

/** Of what a client sends on a stream that is not judged yet. */
const MOST_EARLY = 64 * 1024
const MOST_PINGS = 32
/** Frames that come late, for streams that are over, between two that open. */
const MOST_LATE = 10_000

interface Stream {
  governor: Governor | undefined
  /** The upstream was told of it. */
  known: boolean
  replied: boolean
  clientDone: boolean
  upstreamDone: boolean
  readonly early: Buffer[]
  earlyBytes: number
}

export class SpdyRelay {
  readonly #client: Carrier
  readonly #upstream: Carrier
  readonly #rules: SpdyRules
  readonly #fail: (error: unknown) => void
  readonly #toClient = new SpdyWriter()
  readonly #toUpstream = new SpdyWriter()
  readonly #fromClient: SpdyReader
  readonly #fromUpstream: SpdyReader
  readonly #streams = new Map<number, Stream>()
  readonly #pings = { client: new Set<number>(), upstream: new Set<number>() }
  #last = 0
  #late = 0
  #goingAway = false
  #over = false

  /** `fail`: something that was waited for ended the connection. */
  constructor(
    client: Carrier,
    upstream: Carrier,
    rules: SpdyRules,
    fail: (error: unknown) => void,
  ) {
    this.#client = client
    this.#upstream = upstream
    this.#rules = rules
    this.#fail = fail
    this.#fromClient = new SpdyReader(this.#clientFrames())
    this.#fromUpstream = new SpdyReader(this.#upstreamFrames())
  }

  /** Throws ProtocolError, AccessDenied. */
  pushClient(chunk: Uint8Array): void {
    this.#fromClient.push(chunk)
  }

  pushUpstream(chunk: Uint8Array): void {
    this.#fromUpstream.push(chunk)
  }

  /** Nothing more goes upstream; the client is told that nothing more comes. */
  goodbye(): void {
    if (this.#over) return
    this.#over = true
    this.#client.write(this.#toClient.goAway(this.#last))
    this.#streams.clear()
  }

  // From the client.

  #clientFrames(): SpdyReceiver {
    return {
      synStream: asked => this.#opens(asked),
      synReply: () => refuse('a client replied to a stream that nobody opened'),
      reset: (id, status) => {
        const stream = this.#streams.get(id)
        if (stream === undefined) return this.#tooLate(id)
        this.#streams.delete(id)
        stream.governor?.drop()
        if (stream.known) this.#pass(this.#toUpstream.reset(id, status))
      },
      ping: id => this.#ping('client', id),
      goAway: (_last, status) => {
        this.#goingAway = true
        this.#pass(this.#toUpstream.goAway(0, status))
      },
      headers: () => refuse('headers on a stream that is open'),
      windowUpdate: () => {},
      data: (id, bytes, fin) => {
        const stream = this.#streams.get(id)
        if (stream === undefined || stream.clientDone) return this.#tooLate(id)
        stream.clientDone = fin
        this.#fromOpener(id, stream, bytes)
      },
    }
  }

  #opens({ id, headers, fin, associated, unidirectional }: SynStream): void {
    if (id % 2 === 0 || id <= this.#last) refuse('a stream by a number that was used')
    if (associated !== 0 || unidirectional) refuse('a stream that is not a plain one')
    if (this.#streams.size >= this.#rules.mostStreams) refuse('too many streams')
    if (this.#goingAway) return
    this.#last = id
    this.#late = 0
    const stream: Stream = {
      governor: undefined,
      known: false,
      replied: false,
      clientDone: fin,
      upstreamDone: false,
      early: [],
      earlyBytes: 0,
    }
    this.#streams.set(id, stream)
    const opened = this.#rules.opens(id, headers, this.#ways(id, stream))
    if (!(opened instanceof Promise)) {
      this.#opened(id, stream, opened)
      return
    }
    opened.then(
      what => {
        try {
          if (!this.#over && this.#streams.get(id) === stream) this.#opened(id, stream, what)
        } catch (error) {
          // Not passed over: it ends the connection.
          this.#fail(error)
        }
      },
      error => this.#fail(error),
    )
  }

  #opened(id: number, stream: Stream, opened: Opened): void {
    if ('refused' in opened) {
      stream.upstreamDone = true
      stream.governor = DEAF
      stream.early.length = 0
      this.#tell(this.#toClient.synReply(id, NO_HEADERS))
      this.#tell(this.#toClient.data(id, Buffer.from(opened.refused), true))
      this.#settle(id, stream)
      return
    }
    stream.known = true
    stream.governor = opened.governor
    this.#pass(this.#toUpstream.synStream(id, opened.headers))
    const early = Buffer.concat(stream.early)
    stream.early.length = 0
    if (early.length > 0 || stream.clientDone) this.#fromOpener(id, stream, early)
  }

  #fromOpener(id: number, stream: Stream, bytes: Buffer): void {
    if (stream.governor !== undefined) {
      stream.governor.fromClient(bytes, stream.clientDone)
      this.#settle(id, stream)
      return
    }
    stream.earlyBytes += bytes.length
    if (stream.earlyBytes > MOST_EARLY) refuse('too much on a stream that is not open yet')
    stream.early.push(Buffer.from(bytes))
  }

  // From the upstream.

  #upstreamFrames(): SpdyReceiver {
    return {
      synStream: () => refuse('an upstream opened a stream'),
      synReply: (id, _headers, fin) => {
        const stream = this.#known(id)
        if (stream === undefined) return
        if (stream.replied) refuse('a stream was replied to twice')
        stream.replied = true
        this.#tell(this.#toClient.synReply(id, NO_HEADERS))
        if (fin) this.#fromOpened(id, stream, Buffer.alloc(0), true)
      },
      reset: (id, status) => {
        const stream = this.#known(id)
        if (stream === undefined) return
        stream.governor?.flush()
        stream.governor?.drop()
        this.#streams.delete(id)
        this.#tell(this.#toClient.reset(id, status))
      },
      ping: id => this.#ping('upstream', id),
      goAway: (last, status) => {
        this.#rules.flush()
        this.#goingAway = true
        this.#tell(this.#toClient.goAway(Math.min(last, this.#last), status))
      },
      headers: () => refuse('headers on a stream that is open'),
      windowUpdate: () => {},
      data: (id, bytes, fin) => {
        const stream = this.#known(id)
        if (stream === undefined) return
        if (stream.upstreamDone) return this.#tooLate(id)
        this.#fromOpened(id, stream, bytes, fin)
      },
    }
  }

  #fromOpened(id: number, stream: Stream, bytes: Buffer, fin: boolean): void {
    stream.upstreamDone = fin
    stream.governor?.fromUpstream(bytes, fin)
    this.#settle(id, stream)
  }

  /** Undefined: it is over. */
  #known(id: number): Stream | undefined {
    const stream = this.#streams.get(id)
    if (stream?.known === true) return stream
    if (stream !== undefined) refuse('an upstream knows of a stream that it was not told of')
    this.#tooLate(id)
    return undefined
  }

  // Both.

  #settle(id: number, { clientDone, upstreamDone }: Stream): void {
    if (clientDone && upstreamDone) this.#streams.delete(id)
  }

  /** The two ends may cross each other; but not for ever, and not for a stream that there never was. */
  #tooLate(id: number): void {
    if (id > this.#last || id % 2 === 0) refuse('a frame for a stream that there never was')
    this.#late += 1
    if (this.#late > MOST_LATE) refuse('too many frames for streams that are over')
  }

  /** Its own, which the other side is to answer; or an answer to one of the other side's. */
  #ping(from: 'client' | 'upstream', id: number): void {
    const own = (id % 2 === 1) === (from === 'client')
    const frame = this.#toClient.ping(id)
    if (own) {
      if (this.#pings[from].size >= MOST_PINGS) refuse('too many pings')
      this.#pings[from].add(id)
    } else if (!this.#pings[from === 'client' ? 'upstream' : 'client'].delete(id)) return
    if (from === 'client') this.#pass(frame)
    else this.#tell(frame)
  }

  #ways(id: number, stream: Stream): Ways {
    return {
      toClient: (bytes, last) =>
        bytes.length === 0 && !last ? undefined : this.#tell(this.#toClient.data(id, bytes, last)),
      toUpstream: (bytes, last) => {
        if (stream.known && (bytes.length > 0 || last))
          this.#pass(this.#toUpstream.data(id, bytes, last))
      },
    }
  }

  #tell(frame: Buffer): Promise<void> | undefined {
    if (this.#over) return undefined
    const full = this.#client.write(frame)
    this.#upstream.hold(full)
    return full
  }

  #pass(frame: Buffer): void {
    if (!this.#over) this.#client.hold(this.#upstream.write(frame))
  }
}

/** Of a stream that was refused: whatever is sent on it is lost. */
const DEAF: Governor = { fromClient() {}, fromUpstream() {}, flush() {}, drop() {} }

function refuse(message: string): never {
  throw new ProtocolError('protocol_violation', `SPDY: ${message}`)
}
