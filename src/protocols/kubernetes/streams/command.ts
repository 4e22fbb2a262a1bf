// The streams of exec and attach: what goes to the command passes, what it says is masked and recorded, and how it ended is
// read. Knows which streams there are; not how they are framed.
import { Buffer } from 'node:buffer'
import type { Permit, Session } from '#gateway'
import { AccessDenied, ProtocolError } from '#model'
import { SecretFilter } from '#proxy'
import { type Governor, nothingFromUpstream, type Ways } from './governor.ts'
import { Output } from './output.ts'
import { Resizes, type Size } from './resize.ts'
import { StatusStream } from './status.ts'

export const CHANNELS = ['stdin', 'stdout', 'stderr', 'error', 'resize'] as const
export type Channel = (typeof CHANNELS)[number]

/** What the request asked for; it was judged so. */
export interface AskedCommand {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

export interface CommandParts {
  readonly session: Session
  readonly permit: Permit
  readonly asked: AskedCommand
  /** Our own credential there. */
  readonly secrets: readonly string[]
  /** The upstream is not read before that. */
  readonly hold: (until: Promise<unknown> | undefined) => void
  /** It goes on no longer: more came than the policy allows. */
  readonly end: (error: Error) => void
}

const FIRST_SIZE: Size = { columns: 80, rows: 24 }

export class Command {
  /** Bytes of output that went to the client. */
  sent = 0
  readonly #parts: CommandParts
  readonly #open = new Map<Channel, { governor: Governor; ways: Ways }>()
  #status: StatusStream | undefined
  /** By the rules of now. */
  #permit: Permit

  constructor(parts: CommandParts) {
    this.#parts = parts
    this.#permit = parts.permit
    // What a terminal is before anybody says how large it is; some clients never do.
    if (parts.asked.tty) parts.session.recordSize(parts.permit, FIRST_SIZE)
  }

  /** The exit code, or why it failed; undefined: it did not. */
  get failure(): string | undefined {
    return this.#status?.failure
  }

  /** Whether the client was told how it ended. */
  get isTold(): boolean {
    return this.#status?.isTold === true
  }

  /** Whether the request asked for it. */
  has(channel: Channel): boolean {
    const { asked } = this.#parts
    if (channel === 'error') return true
    if (channel === 'resize') return asked.tty
    // A terminal has one output.
    if (channel === 'stderr') return asked.stderr && !asked.tty
    return asked[channel]
  }

  /** Once for each channel. Throws ProtocolError for one that nobody asked for. */
  open(channel: Channel, ways: Ways): Governor {
    if (!this.has(channel))
      throw new ProtocolError('protocol_violation', `the request did not ask for ${channel}`)
    if (this.#open.has(channel))
      throw new ProtocolError('protocol_violation', `${channel} is open already`)
    const governor = this.#governor(channel, ways)
    this.#open.set(channel, { governor, ways })
    return governor
  }

  /** Rules changed, and still permit it. */
  follow(permit: Permit): void {
    this.#permit = permit
    for (const { governor } of this.#open.values())
      if (governor instanceof Output) governor.follow(permit)
  }

  /** What is held goes on: the upstream has said all. */
  flush(): void {
    for (const { governor } of this.#open.values()) governor.flush()
  }

  drop(): void {
    for (const { governor } of this.#open.values()) governor.drop()
  }

  /** Why it is over, where the client looks for it. */
  goodbye(status: string): void {
    this.drop()
    if (!this.isTold) this.#open.get('error')?.ways.toClient(Buffer.from(status), true)
    for (const channel of ['stdout', 'stderr'] as const)
      this.#open.get(channel)?.ways.toClient(Buffer.alloc(0), true)
  }

  #governor(channel: Channel, ways: Ways): Governor {
    const { session, permit, asked, secrets } = this.#parts
    if (channel === 'stdin')
      return new Input(ways, bytes => {
        // Without a terminal nothing is shown back, and it is none of what was typed.
        if (asked.tty) session.recordInput(permit, bytes)
      })
    if (channel === 'resize') return new Resizes(ways, size => session.recordSize(permit, size))
    if (channel === 'error') {
      const shown = (text: string) => shownWords(text, this.#permit, secrets)
      this.#status = new StatusStream(ways, shown, () => this.#flushOutput())
      return this.#status
    }
    const { keep, answerBytes } = session.resource.recording
    const output = new Output(
      {
        session,
        permit,
        stream: channel === 'stderr' ? 'error' : 'output',
        secrets,
        // What a terminal showed is the record of it, whole; of a command's output, as much as the resource says.
        keep: keep !== 'answers' ? 0 : asked.tty ? Number.POSITIVE_INFINITY : answerBytes,
        allow: bytes => this.#allow(bytes),
        hold: this.#parts.hold,
      },
      ways,
    )
    if (this.#permit !== permit) output.follow(this.#permit)
    return output
  }

  #flushOutput(): void {
    for (const channel of ['stdout', 'stderr'] as const) this.#open.get(channel)?.governor.flush()
  }

  #allow(bytes: Uint8Array): Uint8Array {
    const { permit, end } = this.#parts
    const part = bytes.subarray(0, Math.max(0, (permit.limit.bytes ?? Infinity) - this.sent))
    this.sent += part.length
    // What is let through goes out first.
    if (part.length < bytes.length) queueMicrotask(() => end(limitExceeded()))
    return part
  }
}

/** Words of the upstream's, as the principal may see them, and without our credential. */
export function shownWords(text: string, permit: Permit, secrets: readonly string[]): string {
  const clean = withoutSecrets(Buffer.from(text), secrets).toString('utf8')
  return permit.masks ? permit.scrub(clean) : clean
}

/** As far as they stand in these bytes. */
export function withoutSecrets(bytes: Uint8Array, secrets: readonly string[]): Buffer {
  const filter = new SecretFilter(secrets)
  return Buffer.concat([filter.write(bytes), filter.end()])
}

export function limitExceeded(): AccessDenied {
  return new AccessDenied(
    'limit_exceeded',
    'the answer is longer than the policy allows; the rest was not sent',
  )
}

/** What a client types or sends. */
class Input implements Governor {
  readonly #ways: Ways
  readonly #typed: (bytes: Uint8Array) => void

  constructor(ways: Ways, typed: (bytes: Uint8Array) => void) {
    this.#ways = ways
    this.#typed = typed
  }

  fromClient(bytes: Buffer, last: boolean): void {
    this.#typed(bytes)
    this.#ways.toUpstream(bytes, last)
  }

  fromUpstream(bytes: Buffer, last: boolean): void {
    nothingFromUpstream(this.#ways, bytes, last)
  }

  flush(): void {}

  drop(): void {}
}
