// What a command says, on its way to the client: what the principal may not see is taken out, what is sent is recorded, and
// neither a slow client nor a slow disk makes us hold more than a piece.
import type { Buffer } from 'node:buffer'
import { type OutputStream, type Permit, type Session, UnfinishedLine } from '#gateway'
import { SecretFilter } from '#proxy'
import { type Governor, nothingFromClient, type Ways } from './governor.ts'

export interface OutputParts {
  readonly session: Session
  readonly permit: Permit
  readonly stream: OutputStream
  /** Our own credential there: it does not come back. */
  readonly secrets: readonly string[]
  /** Bytes kept of this stream; more is sent and counted, not kept. */
  readonly keep: number
  /** As much of it as may be sent. */
  readonly allow: (bytes: Uint8Array) => Uint8Array
  /** The upstream is not read before that. */
  readonly hold: (until: Promise<unknown> | undefined) => void
}

export class Output implements Governor {
  readonly #parts: OutputParts
  readonly #ways: Ways
  #text
  readonly #secrets: SecretFilter
  /** Bytes that the filter keeps. */
  #begun = 0
  #room: number
  #pauses = 0
  #over = false
  readonly #line = new UnfinishedLine({
    waits: () => !this.#over && this.#pauses === 0 && this.#text.held + this.#begun > 0,
    release: () => this.#release(),
    ease: () => this.#send(this.#text.ease()),
  })

  constructor(parts: OutputParts, ways: Ways) {
    this.#parts = parts
    this.#ways = ways
    this.#room = parts.keep
    this.#text = parts.permit.text()
    this.#secrets = new SecretFilter(parts.secrets)
  }

  fromClient(bytes: Buffer, last: boolean): void {
    nothingFromClient(this.#ways, bytes, last)
  }

  fromUpstream(bytes: Buffer, last: boolean): void {
    if (this.#over) return
    this.#line.came(bytes.length)
    const clean = this.#secrets.write(bytes)
    this.#begun += bytes.length - clean.length
    this.#send(this.#text.write(clean))
    if (last) {
      this.flush()
      this.#ways.toClient(bytes.subarray(0, 0), true)
      this.drop()
    } else this.#line.watch()
  }

  /** What comes next is shown as the rules are now. */
  follow(permit: Permit): void {
    if (this.#over) return
    this.#send(this.#text.flush())
    this.#text = permit.text()
  }

  flush(): void {
    if (this.#over) return
    this.#line.rest()
    this.#release()
  }

  /** Nothing more is sent, and what is held is lost. */
  drop(): void {
    this.#over = true
    this.#line.rest()
  }

  /** All that is kept. */
  #release(): void {
    this.#begun = 0
    this.#send(this.#text.write(this.#secrets.end()))
    this.#send(this.#text.flush())
  }

  #send(all: Uint8Array): void {
    const { session, permit, stream, allow } = this.#parts
    const bytes = allow(all)
    if (bytes.length === 0 || this.#over) return
    const part = bytes.subarray(0, Math.max(0, Math.min(bytes.length, this.#room)))
    this.#room -= part.length
    this.#wait(this.#ways.toClient(bytes, false))
    if (part.length > 0) this.#wait(session.recordOutput(permit, stream, part))
  }

  #wait(until: Promise<unknown> | undefined): void {
    if (until === undefined) return
    this.#pauses += 1
    this.#parts.hold(until)
    void until.then(() => {
      this.#pauses -= 1
      if (this.#pauses === 0) this.#line.watch()
    })
  }
}
