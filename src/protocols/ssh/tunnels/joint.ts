// A tunnel that stands: two ends joined under one permit. What goes through is counted, not looked at; it is bounded by
// what the permit allows, and goes on as long as the rules that permitted it.
import type { Duplex } from 'node:stream'
import { type Permit, type Session, type StandingPermit, standOn } from '#gateway'
import type { CloseReason } from '#model'
import type { Pressed } from '../guard.ts'

/** For an end to close its channel when the other has; the host may never. */
const CLOSING_MS = 5_000

/** One end, and whether the connection that it is on takes more. */
export interface End {
  /** `close`: of a channel of the library, which `destroy` does not close. */
  readonly stream: Duplex & { close?(): void }
  readonly pressed: Pressed
}

/** Why a tunnel ended, as it stands on record. */
type Ending = 'client' | 'host' | 'limit_exceeded' | 'not_permitted' | CloseReason | 'session_ended'

export interface JointParts {
  readonly session: Session
  readonly permit: Permit
  readonly client: End
  readonly host: End
}

export class Joint {
  /** Resolves when both ends are over. */
  readonly done: Promise<void>
  readonly #parts: JointParts
  readonly #over: () => void
  readonly #opened = Date.now()
  /** Ends that have closed. The library's channels do not know it of themselves. */
  readonly #gone = new Set<Duplex>()
  #permit: Permit
  #toHost = 0
  #toClient = 0
  #ended: Ending | undefined
  readonly #standing: StandingPermit

  constructor(parts: JointParts) {
    this.#parts = parts
    this.#permit = parts.permit
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#over = resolve
    const { client, host, session } = parts
    for (const { stream } of [client, host]) {
      stream.on('error', () => {}) // `close` follows
      stream.once('close', () => this.#gone.add(stream))
      if (stream.destroyed) this.#gone.add(stream)
    }
    const halves = new Set(['client', 'host'])
    for (const [which, from, to] of [
      ['client', client, host],
      ['host', host, client],
    ] as const) {
      this.#pass(which, from.stream, to)
      void flushed(from.stream, to.stream).then(() => {
        halves.delete(which)
        if (halves.size === 0 || this.#gone.size > 0) this.end(which)
      })
    }
    this.#standing = standOn(session, parts.permit, renewed => {
      this.#permit = renewed
    })
    this.#standing.signal.addEventListener('abort', this.#notPermitted, { once: true })
    session.signal.addEventListener('abort', this.#sessionEnds, { once: true })
    if (session.signal.aborted) this.#sessionEnds()
  }

  end(why: Ending): void {
    if (this.#ended !== undefined) return
    this.#ended = why
    const { session, client, host } = this.#parts
    session.signal.removeEventListener('abort', this.#sessionEnds)
    this.#standing.drop()
    this.#account(why)
    const late = new Promise<void>(resolve => void setTimeout(resolve, CLOSING_MS).unref())
    const closed = [client, host].map(({ stream }) => this.#gone.has(stream) || close(stream))
    void Promise.race([Promise.all(closed), late]).then(this.#over)
  }

  readonly #sessionEnds = () => this.end('session_ended')
  readonly #notPermitted = () => this.end('not_permitted')

  #pass(which: 'client' | 'host', source: Duplex, sink: End): void {
    let holds = 0
    const hold = (until: Promise<unknown>) => {
      holds += 1
      source.pause()
      void until.then(() => {
        holds -= 1
        if (holds === 0) source.resume()
      })
    }
    const send = (chunk: Buffer) => {
      const { bytes = Number.POSITIVE_INFINITY } = this.#permit.limit
      if (this.#toHost + this.#toClient + chunk.length > bytes) return this.end('limit_exceeded')
      if (which === 'client') this.#toHost += chunk.length
      else this.#toClient += chunk.length
      if (!sink.stream.writable) return
      if (!sink.stream.write(chunk)) hold(drained(sink.stream))
      const full = sink.pressed()
      if (full !== undefined) hold(full)
    }
    source.on('data', (chunk: Buffer) => {
      if (this.#ended !== undefined) return
      // At once, not when it is next asked for: nothing goes through under rules that no longer hold.
      if (this.#permit.current || this.#renewed()) send(chunk)
    })
  }

  #renewed(): boolean {
    const renewed = this.#parts.session.renew(this.#permit)
    if (renewed === undefined) this.#notPermitted()
    else this.#permit = renewed
    return renewed !== undefined
  }

  /** When it began and ended, how much went each way, and why it is over: not what. */
  #account(why: Ending): void {
    const { session } = this.#parts
    const natural = why === 'client' || why === 'host'
    session.recordAnswer(this.#permit, {
      columns: [
        'tunnel',
        'opened',
        'ended',
        'bytes to the host',
        'bytes to the client',
        'ended by',
      ],
      rows: [
        [
          this.#permit.statement.text,
          new Date(this.#opened).toISOString(),
          new Date().toISOString(),
          String(this.#toHost),
          String(this.#toClient),
          why,
        ],
      ],
      truncated: false,
    })
    const status = natural ? 'completed' : why === 'session_ended' ? 'cancelled' : 'failed'
    session.complete(this.#permit, {
      status,
      rows: 0,
      bytes: this.#toClient,
      ...(natural ? {} : { errorCode: why }),
    })
    session.catchUp()
  }
}

/** Resolves when all that came from the one is with the other, or one of them is gone. */
function flushed(from: Duplex, to: Duplex): Promise<void> {
  return new Promise(resolve => {
    let finishing = false
    const finish = () => {
      if (finishing) return
      finishing = true
      to.end(() => resolve())
    }
    from.once('end', finish)
    from.once('close', finish)
    to.once('close', () => resolve())
  })
}

/** Resolves when it is closed. Nothing more is taken from it. */
function close(stream: End['stream']): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('close', () => resolve())
  // The library says `close` once all is read.
  stream.resume()
  if (stream.close === undefined) stream.destroy()
  else stream.close()
  return promise
}

function drained(sink: Duplex): Promise<void> {
  return new Promise(resolve => {
    const over = () => {
      sink.off('drain', over)
      sink.off('close', over)
      resolve()
    }
    sink.once('drain', over)
    sink.once('close', over)
  })
}
