// The streams of a port-forward: a pair for each connection, one for its bytes and one for why it failed. Bytes are counted,
// not looked at; which ports they go to was judged, or is.
import { Buffer } from 'node:buffer'
import { type Permit, type Session, type StandingPermit, standOn } from '#gateway'
import { type GatewayError, isGatewayError, ProtocolError } from '#model'
import type { Headers } from '../spdy/header-block.ts'
import { limitExceeded, shownWords, withoutSecrets } from './command.ts'
import { type Governor, nothingFromClient, type Ways } from './governor.ts'
import type { Opened } from './spdy-relay.ts'

/** Half of a pair, waiting for the other. */
const MOST_HALVES = 64
const MOST_PORTS = 64
const LONGEST_ERROR = 16 * 1024

export interface ForwardParts {
  readonly session: Session
  /** Of the request. */
  readonly permit: Permit
  /** Our own credential there. */
  readonly secrets: readonly string[]
  /** For a port that the request did not name. Throws, or rejects with, what refused it. */
  readonly judge: (port: number) => Permit | Promise<Permit>
  readonly end: (error: Error) => void
}

/** One port under its permit. */
interface Port {
  readonly permit: Permit
  /** Undefined: it is the request's own, which others stand on. */
  readonly standing: StandingPermit | undefined
  bytes: number
}

/** One stream of a pair. */
interface Half {
  readonly port: number
  readonly type: string
  readonly judged: Port | Promise<Port>
}

export class Forward {
  readonly #parts: ForwardParts
  readonly #own: Port
  /** By the rules of now. */
  #permit: Permit
  readonly #ports = new Map<number, Port | Promise<Port>>()
  readonly #halves = new Map<string, Half>()
  readonly #open = new Set<{ readonly governor: Governor; readonly ways: Ways }>()
  #over = false

  constructor(parts: ForwardParts) {
    this.#parts = parts
    this.#permit = parts.permit
    this.#own = { permit: parts.permit, standing: undefined, bytes: 0 }
  }

  /** Bytes both ways under the request's own permit. */
  get sent(): number {
    return this.#own.bytes
  }

  /** A stream as SPDY opens it: the port is in its headers. Throws ProtocolError. */
  opens(headers: Headers, ways: Ways): Opened | Promise<Opened> {
    const type = headers.get('streamtype')
    const text = headers.get('port') ?? ''
    const request = headers.get('requestid') ?? ''
    if (type !== 'data' && type !== 'error') throw broken('a stream of another type')
    if (!/^[1-9][0-9]{0,4}$/.test(text) || Number(text) > 65_535) throw broken('no port')
    if (!/^[\w-]{1,64}$/.test(request)) throw broken('a stream of no connection')
    const port = Number(text)
    const judged = this.#judged(request, port, type)
    const onward: Headers = new Map([
      ['streamtype', type],
      ['port', text],
      ['requestid', request],
    ])
    // Ended before there was another to it.
    const alone = () => {
      if (this.#halves.get(request)?.type === type) this.#halves.delete(request)
    }
    const opened = (what: Port): Opened => ({
      governor: type === 'data' ? this.#data(what, ways, alone) : this.#error(ways, false, alone),
      headers: onward,
    })
    if (!(judged instanceof Promise)) return opened(judged)
    return judged.then(opened, error => {
      if (!isGatewayError(error)) throw error
      return { refused: type === 'error' ? wordsOf(error) : '' }
    })
  }

  /** A pair of channels of a WebSocket, whose port the request named. */
  channels(port: number, data: Ways, error: Ways): readonly [Governor, Governor] {
    return [
      new Announced(
        port,
        this.#data(this.#own, data, () => {}),
        data,
      ),
      new Announced(
        port,
        this.#error(error, true, () => {}),
        error,
      ),
    ]
  }

  /** Rules changed, and still permit it. */
  follow(permit: Permit): void {
    this.#permit = permit
  }

  flush(): void {
    for (const { governor } of this.#open) governor.flush()
  }

  drop(): void {}

  /** Why it is over, on each stream that says so; then what came of the ports goes on record. */
  goodbye(error: GatewayError): void {
    for (const { governor, ways } of this.#open)
      if (governor instanceof ErrorText) ways.toClient(Buffer.from(wordsOf(error)), true)
  }

  /** `error`: what ended it, if not one of its ends. */
  close(error: unknown): void {
    this.#over = true
    for (const port of this.#ports.values()) if (!(port instanceof Promise)) this.#tell(port, error)
    this.#ports.clear()
  }

  #tell({ permit, standing, bytes }: Port, error: unknown): void {
    standing?.drop()
    const code = error === undefined ? undefined : isGatewayError(error) ? error.code : 'failed'
    this.#parts.session.complete(permit, {
      status: code === undefined ? 'completed' : 'failed',
      errorCode: code,
      rows: 0,
      bytes,
    })
  }

  /** Two streams of one connection are of one port, and of two types; what is decided of one holds for the other. */
  #judged(request: string, port: number, type: string): Port | Promise<Port> {
    const half = this.#halves.get(request)
    if (half === undefined) {
      if (this.#halves.size >= MOST_HALVES) throw broken('too many halves of connections')
      const judged = this.#port(port)
      this.#halves.set(request, { port, type, judged })
      return judged
    }
    if (half.port !== port || half.type === type) throw broken('two streams that are no pair')
    this.#halves.delete(request)
    return half.judged
  }

  /** Once for each port of a connection: it stands as long as its permit does. */
  #port(port: number): Port | Promise<Port> {
    const known = this.#ports.get(port)
    if (known !== undefined) return known
    if (this.#ports.size >= MOST_PORTS) throw broken('too many ports')
    const judged = this.#judge(port)
    this.#ports.set(port, judged)
    judged.then(
      permitted => {
        if (this.#over) this.#tell(permitted, undefined)
        else this.#ports.set(port, permitted)
      },
      () => {
        // What was refused may be asked for again: somebody may have said yes meanwhile.
        this.#ports.delete(port)
      },
    )
    return judged
  }

  async #judge(port: number): Promise<Port> {
    const { session, judge, end } = this.#parts
    const permit = await judge(port)
    const standing = standOn(session, permit, () => {})
    standing.signal.addEventListener('abort', () => {
      const { reason } = standing.signal
      end(reason instanceof Error ? reason : broken('it stands no longer'))
    })
    return { permit, standing, bytes: 0 }
  }

  /** `alone`: it was given up. */
  #data(port: Port, ways: Ways, alone: () => void): Governor {
    const { secrets } = this.#parts
    const most = port.permit.limit.bytes ?? Number.POSITIVE_INFINITY
    const count = (bytes: Buffer) => {
      if (port.bytes + bytes.length > most) throw limitExceeded()
      port.bytes += bytes.length
    }
    return {
      fromClient(bytes, last) {
        count(bytes)
        ways.toUpstream(bytes, last)
      },
      fromUpstream(bytes, last) {
        count(bytes)
        ways.toClient(secrets.length === 0 ? bytes : withoutSecrets(bytes, secrets), last)
      },
      flush() {},
      drop: alone,
    }
  }

  /** `endless`: its stream has no end of its own, and what came is all for now. */
  #error(ways: Ways, endless: boolean, alone: () => void): Governor {
    const { secrets } = this.#parts
    const governor: ErrorText = new ErrorText(
      ways,
      endless,
      text => shownWords(text, this.#permit, secrets),
      () => {
        this.#open.delete(entry)
        alone()
      },
    )
    const entry = { governor, ways }
    this.#open.add(entry)
    return governor
  }
}

/** What the other end says of a connection that failed: words, whole at the stream's end. */
class ErrorText implements Governor {
  readonly #ways: Ways
  readonly #endless: boolean
  readonly #scrub: (text: string) => string
  readonly #done: () => void
  #text: Buffer[] = []
  #bytes = 0

  constructor(ways: Ways, endless: boolean, scrub: (text: string) => string, done: () => void) {
    this.#ways = ways
    this.#endless = endless
    this.#scrub = scrub
    this.#done = done
  }

  fromClient(bytes: Buffer, last: boolean): void {
    nothingFromClient(this.#ways, bytes, last)
  }

  fromUpstream(bytes: Buffer, last: boolean): void {
    this.#bytes += bytes.length
    if (this.#bytes > LONGEST_ERROR) throw broken('an error without an end')
    if (bytes.length > 0) this.#text.push(Buffer.from(bytes))
    if (last || this.#endless) this.flush()
    if (!last) return
    this.#ways.toClient(Buffer.alloc(0), true)
    this.#done()
  }

  flush(): void {
    if (this.#text.length === 0) return
    const text = Buffer.concat(this.#text).toString('utf8')
    this.#text = []
    this.#ways.toClient(Buffer.from(this.#scrub(text)), false)
  }

  drop(): void {
    this.#text = []
    this.#done()
  }
}

/** A channel of a WebSocket: two bytes of the upstream's say which port it is of, before all else. */
class Announced implements Governor {
  readonly #port: number
  readonly #governor: Governor
  readonly #ways: Ways
  #said: number[] = []

  constructor(port: number, governor: Governor, ways: Ways) {
    this.#port = port
    this.#governor = governor
    this.#ways = ways
  }

  fromClient(bytes: Buffer, last: boolean): void {
    this.#governor.fromClient(bytes, last)
  }

  fromUpstream(bytes: Buffer, last: boolean): void {
    const missing = 2 - this.#said.length
    if (missing > 0) {
      const part = bytes.subarray(0, missing)
      this.#said.push(...part)
      if (this.#said.length === 2) {
        if (this.#said[0]! + this.#said[1]! * 256 !== this.#port)
          throw broken('the upstream forwards another port')
        this.#ways.toClient(Buffer.from(this.#said), false)
      }
    }
    const rest = bytes.subarray(Math.max(0, missing))
    if (rest.length > 0 || last) this.#governor.fromUpstream(rest, last)
  }

  flush(): void {
    this.#governor.flush()
  }

  drop(): void {
    this.#governor.drop()
  }
}

/** As a person reads it. */
export function wordsOf(error: GatewayError): string {
  return `${error.message} (${error.code})`
}

function broken(message: string): ProtocolError {
  return new ProtocolError('protocol_violation', `port-forward: ${message}`)
}
