// The client's leg: cuts commands and gives each to what knows its kind, when the one before is answered. What is on no list
// is refused by its name.
import { Feed, type FrameReader } from '#engines/wire'
import { AccessDenied, ProtocolError } from '#model'
import type { Command } from './command.ts'
import type { Conversation } from './conversation.ts'
import { Exchange } from './exchange.ts'
import type { FileIn } from './file-in.ts'
import { Judge } from './judge.ts'
import { command, commandNames } from './numbers.ts'
import { FULL, HEADER, packetCount, packetFrames, payloadLength } from './packets.ts'
import { PayloadReader } from './payload.ts'
import { PreparedCommands } from './prepared-commands.ts'
import { Refusals } from './refusals.ts'
import { Sending } from './sending.ts'
import { SessionCommands } from './session-commands.ts'
import { Texts } from './texts.ts'
import type { UpstreamPump } from './upstream-pump.ts'

/** What carries a text, or stands for one. */
const JUDGED: ReadonlySet<number> = new Set([
  command.query,
  command.initDb,
  command.fieldList,
  command.stmtPrepare,
  command.stmtExecute,
])

export class ClientPump implements FrameReader {
  readonly #talk: Conversation
  readonly #feed: Feed
  readonly #refusals: Refusals
  readonly #judge: Judge
  readonly #sending: Sending
  readonly #texts: Texts
  readonly #prepared: PreparedCommands
  readonly #session: SessionCommands
  readonly #file: FileIn
  readonly #leave: () => void
  #parts: Buffer[] = []
  #partBytes = 0

  /** `turn`: does a step later, as a turn of its own. */
  constructor(
    talk: Conversation,
    upstream: UpstreamPump,
    file: FileIn,
    leave: () => void,
    turn: (step: () => void) => void,
  ) {
    this.#talk = talk
    this.#feed = new Feed(this, packetFrames)
    this.#file = file
    this.#leave = leave
    const refusals = new Refusals(talk)
    const judge = new Judge(talk, refusals, turn)
    const sending = new Sending(talk)
    const session = new SessionCommands(talk, sending)
    this.#refusals = refusals
    this.#judge = judge
    this.#sending = sending
    this.#session = session
    this.#texts = new Texts(talk, judge, sending, session)
    this.#prepared = new PreparedCommands(talk, judge, refusals, sending, upstream)
  }

  /** Bytes that wait behind the command under way. */
  get waiting(): number {
    return this.#feed.waiting
  }

  receive(chunk: Buffer): void {
    this.#feed.push(chunk)
  }

  /** What came and was not read: for whoever reads the client next. */
  detach(): Buffer {
    return this.#feed.detach()
  }

  /** The client left, or asked to stop: whoever is asked on its behalf need not answer. */
  abort(): void {
    this.#judge.abort()
  }

  /** What was waited for may be there. */
  progress(): void {
    if (this.#feed.blocked && !this.#busy) this.#feed.resume()
  }

  get #busy(): boolean {
    if (this.#file.open) return false
    const { exchange, cancelling } = this.#talk
    return this.#judge.held || exchange !== undefined || cancelling !== undefined
  }

  read(bytes: Buffer, at: number, end: number): number {
    const talk = this.#talk
    while (!talk.ended) {
      if (this.#file.open) {
        at = this.#file.read(bytes, at, end)
        if (this.#file.open) return at
        continue
      }
      if (this.#busy) {
        this.#feed.blocked = true
        return at
      }
      if (talk.retrack) {
        this.#session.track()
        continue
      }
      if (end - at < HEADER) return at
      const length = payloadLength(bytes, at)
      if (this.#partBytes + length > talk.parts.messageBytes) {
        this.#refusals.violation(
          new ProtocolError('message_too_large', 'the message is too large'),
          this.#parts.length + 1,
        )
        return end
      }
      if (bytes[at + 3] !== (this.#parts.length & 0xff)) {
        this.#refusals.violation(
          new ProtocolError('protocol_violation', 'a packet is out of order'),
          1,
        )
        return end
      }
      const next = at + HEADER + length
      if (next > end) return at
      if (length === FULL || this.#parts.length > 0) this.#part(bytes, at, next)
      else this.#command({ bytes, from: at + HEADER, to: next, framed: true })
      at = next
    }
    return end
  }

  #part(bytes: Buffer, at: number, end: number): void {
    this.#parts.push(Buffer.from(bytes.subarray(at + HEADER, end)))
    this.#partBytes += end - at - HEADER
    if (end - at - HEADER === FULL) return
    const whole = Buffer.concat(this.#parts)
    this.#parts = []
    this.#partBytes = 0
    this.#command({ bytes: whole, from: 0, to: whole.length, framed: false })
  }

  #command(one: Command): void {
    const { bytes, from, to } = one
    this.#talk.sequence = packetCount(to - from)
    const code = bytes[from] as number
    const step = (): void => this.#do(code, one)
    if (JUDGED.has(code)) this.#judge.informed(step)
    else this.#refusals.guarded(step)
  }

  #do(code: number, one: Command): void {
    const { from, to } = one
    if (from === to) throw new ProtocolError('protocol_violation', 'an empty command')
    switch (code) {
      case command.query:
        this.#texts.query(one)
        return
      case command.ping:
        this.#sending.forward(one, new Exchange('plain'))
        return
      case command.quit:
        this.#leave()
        return
      case command.initDb:
        this.#texts.initDb(one)
        return
      case command.fieldList:
        this.#texts.fieldList(one)
        return
      case command.processKill:
        this.#session.kill(new PayloadReader(one.bytes, from + 1, to).uint32())
        return
      case command.setOption:
        this.#session.setOption(one)
        return
      case command.resetConnection:
        this.#session.reset(one)
        return
      case command.changeUser:
        this.#session.changeUser(one)
        return
      case command.stmtPrepare:
        this.#prepared.prepare(one)
        return
      case command.stmtExecute:
        this.#prepared.execute(one)
        return
      case command.stmtFetch:
        this.#prepared.fetch(one)
        return
      case command.stmtSendLongData:
        this.#prepared.longData(one)
        return
      case command.stmtReset:
        this.#prepared.reset(one)
        return
      case command.stmtClose:
        this.#prepared.close(one)
        return
      default:
        throw new AccessDenied(
          'message_unsupported',
          `${commandNames[code] ?? `command ${code}`} does not pass this gateway`,
        )
    }
  }
}
