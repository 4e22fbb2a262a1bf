// The client's leg: cuts frames and gives each to what knows its kind, in order, while nothing must be waited
// for. Knows no answer: upstream-pump.ts owns those.

import { Feed, type FrameReader } from '#engines/wire'
import { AccessDenied, ProtocolError } from '#model'
import type { Conversation } from './conversation.ts'
import { CopyIn } from './copy-in.ts'
import { ExtendedQuery } from './extended-query.ts'
import { frames, HEADER, lengthAt } from './feed.ts'
import { Judge } from './judge.ts'
import { F, readyForQuery } from './messages.ts'
import { Pause } from './pause.ts'
import { Refusals } from './refusals.ts'
import { Sending } from './sending.ts'
import { SimpleQuery } from './simple-query.ts'

/** More answers owed than this, and the client waits: a pipeline's memory is ours too. */
const MOST_OWED = 2_048
const FEW_OWED = 256

export class ClientPump implements FrameReader {
  readonly #talk: Conversation
  readonly #feed: Feed
  readonly #pause: Pause
  readonly #refusals: Refusals
  readonly #judge: Judge
  readonly #copyIn: CopyIn
  readonly #sending: Sending
  readonly #simple: SimpleQuery
  readonly #extended: ExtendedQuery
  readonly #leave: () => void

  /**
   * `say`: a message for the client at the next border. `leave`: the client said Terminate. `turn`: runs what
   * comes later than the frame that asked for it; what it throws ends the session.
   */
  constructor(
    talk: Conversation,
    say: (notice: Uint8Array) => void,
    leave: () => void,
    turn: (step: () => void) => void,
  ) {
    this.#talk = talk
    this.#leave = leave
    this.#feed = new Feed(this, frames)
    const pause = new Pause(talk, this.#feed)
    const refusals = new Refusals(talk)
    const judge = new Judge(talk, refusals, pause, this.#feed, say, turn)
    const copyIn = new CopyIn(talk, pause)
    const sending = new Sending(talk, refusals)
    this.#pause = pause
    this.#refusals = refusals
    this.#judge = judge
    this.#copyIn = copyIn
    this.#sending = sending
    this.#simple = new SimpleQuery(talk, judge, pause, refusals, sending, copyIn)
    this.#extended = new ExtendedQuery(talk, judge, pause, refusals, sending, copyIn)
  }

  /** Bytes that wait because a statement does. */
  get waiting(): number {
    return this.#feed.waiting
  }

  receive(chunk: Buffer): void {
    this.#feed.push(chunk)
  }

  /** The client left or cancelled: whoever is asked on its behalf need not answer. */
  abort(): void {
    this.#judge.abort()
  }

  /** Something was answered: goes on when that is what was waited for. Call at the end of each turn. */
  progress(): void {
    while (!this.#talk.ended && this.#pause.over()) {
      if (!this.#judge.held && !this.#pause.on) this.#feed.resume()
    }
  }

  read(bytes: Buffer, at: number, end: number): number {
    const talk = this.#talk
    while (!talk.ended) {
      if (this.#copyIn.streaming) at = this.#copyIn.stream(bytes, at, end)
      if (end - at < HEADER) return at
      const type = bytes[at] as number
      const length = lengthAt(bytes, at)
      if (length < 4) return this.#violation('a message has an impossible length', end)
      if (length >= talk.parts.messageBytes) return this.#tooLarge(end)
      const next = at + 1 + length
      if (next > end && type !== F.copyData) {
        // Nothing is kept of what will be refused whatever follows (a second startup packet, for one).
        if (KNOWN[type] !== 1) return this.#violation('a message of unknown type', end)
        return at
      }
      // Not taken: it waits, unless the session is over.
      if (!this.#frame(type, bytes, at, Math.min(next, end))) return talk.ended ? end : at
      if (next > end) {
        // Rows of COPY ride on its permit whatever they hold: they need not be whole.
        this.#copyIn.owe(next - end)
        return end
      }
      at = next
      if (this.#feed.blocked) return at
    }
    return end
  }

  /** False: not yet, or never; the frame was not touched. */
  #frame(type: number, bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    if (type === F.terminate) {
      this.#leave()
      return true
    }
    if (type === F.copyData || type === F.copyDone || type === F.copyFail) {
      this.#copyIn.frame(type, bytes, at, end)
      return true
    }
    if (talk.copyIn === 'open') {
      // As the server does: clients send these without noticing that their command was COPY.
      if (type === F.sync || type === F.flush) return true
      return this.#breach('a message that is no COPY data came during COPY')
    }
    if (talk.copyIn === 'tail') talk.copyIn = 'none'
    if (talk.skipping !== 'no') return this.#skip(type, bytes, at, end)
    if (talk.queue.length > MOST_OWED) {
      return this.#pause.until(() => talk.queue.length <= FEW_OWED)
    }
    if (this.#sending.mustWait(type)) return this.#pause.until(this.#sending.limitKnown)
    switch (type) {
      case F.query:
        return this.#simple.query(bytes, at, end)
      case F.parse:
        return this.#extended.parse(bytes, at, end)
      case F.bind:
        return this.#extended.bind(bytes, at, end)
      case F.describe:
        return this.#extended.describe(bytes, at, end)
      case F.execute:
        return this.#extended.execute(bytes, at, end)
      case F.close:
        return this.#extended.close(bytes, at, end)
      case F.sync:
        return this.#sync(bytes, at, end)
      case F.flush:
        if (end - at !== HEADER) return this.#breach('the message is malformed')
        talk.parts.toUpstream.pass(bytes, at, end)
        return true
      case F.functionCall:
        return this.#functionCall()
      default:
        return this.#breach('a message of unknown type')
    }
  }

  #sync(bytes: Buffer, at: number, end: number): boolean {
    if (end - at !== HEADER) return this.#breach('the message is malformed')
    this.#extended.sync(bytes, at, end)
    return true
  }

  #functionCall(): boolean {
    const error = new AccessDenied(
      'statement_unsupported',
      'function call messages are not supported',
      { hint: 'Call the function in SQL.' },
    )
    const { session } = this.#talk.parts
    this.#refusals.onRecord(() => session.refused('FunctionCall', error), error, 'query')
    return true
  }

  /** Drops what a server in the same state would drop. */
  #skip(type: number, bytes: Buffer, at: number, end: number): boolean {
    const talk = this.#talk
    if (type === F.sync) {
      const local = talk.skipping === 'local'
      talk.skipping = 'no'
      if (!local) return this.#sync(bytes, at, end)
      talk.parts.toClient.own(readyForQuery(talk.status))
      return true
    }
    if (SKIPPED.has(type)) return true
    return this.#breach('a message of unknown type')
  }

  #breach(message: string): boolean {
    this.#talk.parts.end('protocol_violation', new ProtocolError('protocol_violation', message))
    return false
  }

  #violation(message: string, end: number): number {
    this.#breach(message)
    return end
  }

  #tooLarge(end: number): number {
    const { messageBytes } = this.#talk.parts
    this.#talk.parts.end(
      'protocol_violation',
      new ProtocolError('message_too_large', `a message is larger than ${messageBytes} bytes`),
    )
    return end
  }
}

/** By type byte. */
const KNOWN = new Uint8Array(256)
for (const type of Object.values(F)) KNOWN[type] = 1

const SKIPPED: ReadonlySet<number> = new Set([
  F.query,
  F.parse,
  F.bind,
  F.describe,
  F.execute,
  F.close,
  F.flush,
  F.functionCall,
])
