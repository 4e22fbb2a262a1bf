// A stream of the host's on its way to the client: what the principal may not see is taken out, what is sent is
// recorded, and neither a slow client nor a slow disk makes us hold more than a piece.
import type { Readable, Writable } from 'node:stream'
import { type OutputStream, type Permit, type Session, UnfinishedLine } from '#gateway'
import type { Allowance } from './allowance.ts'
import type { Pressed } from './guard.ts'

export interface OutputParts {
  readonly session: Session
  readonly permit: Permit
  readonly stream: OutputStream
  readonly source: Readable
  readonly sink: Writable
  /** The way to the client. */
  readonly pressed: Pressed
  /** The client has left, or what ran is ended: nothing is sent any more. */
  readonly ending: AbortSignal
  /** Bytes kept of this stream; more is sent and counted, not kept. */
  readonly keep: () => number
  readonly allowance: Allowance
}

export class Output {
  /** Bytes sent to the client. */
  sent = 0
  readonly #parts: OutputParts
  #text
  #kept = 0
  #pauses = 0
  readonly #line = new UnfinishedLine({
    waits: () => this.#pauses === 0 && this.#text.held > 0,
    release: () => this.#send(this.#text.flush()),
    ease: () => this.#send(this.#text.ease()),
  })

  constructor(parts: OutputParts) {
    this.#parts = parts
    this.#text = parts.permit.text()
    parts.ending.addEventListener('abort', () => parts.source.resume(), { once: true })
    parts.source.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** The rules changed: what comes next is shown as they are now. */
  follow(permit: Permit): void {
    this.#send(this.#text.flush())
    this.#text = permit.text()
  }

  /** Sends what is kept back: the host has said all. */
  end(): void {
    this.#line.rest()
    this.#send(this.#text.flush())
  }

  #take(chunk: Buffer): void {
    this.#line.came(chunk.length)
    this.#send(this.#text.write(chunk))
    this.#line.watch()
  }

  #send(all: Uint8Array): void {
    const { session, permit, stream, source, sink, keep, pressed, ending, allowance } = this.#parts
    if (ending.aborted) return
    const bytes = allowance.take(all)
    if (bytes.length === 0) return
    this.sent += bytes.length
    const room = keep() - this.#kept
    const part = room >= bytes.length ? bytes : bytes.subarray(0, Math.max(room, 0))
    this.#kept += part.length
    const behind = part.length === 0 ? undefined : session.recordOutput(permit, stream, part)
    if (!sink.writable) return
    const waits: Promise<unknown>[] = behind === undefined ? [] : [behind]
    if (!sink.write(bytes)) waits.push(once(sink, 'drain'))
    const full = pressed()
    if (full !== undefined) waits.push(full)
    if (waits.length === 0) return
    this.#pauses += 1
    source.pause()
    void Promise.all(waits).then(() => {
      this.#pauses -= 1
      if (this.#pauses > 0) return
      source.resume()
      this.#line.watch()
    })
  }
}

function once(sink: Writable, event: string): Promise<void> {
  return new Promise(resolve => {
    sink.once(event, resolve)
    sink.once('close', resolve)
  })
}
