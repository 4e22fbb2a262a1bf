// An upstream's answer on its way to the client: masked where something is hidden from who asked, within what the policy
// lets an answer be, on record, at the pace of the slower of client and disk.
import { Buffer } from 'node:buffer'
import { type BodyMasker, BodyProblem } from '#engines/bodies'
import type { Permit, Session } from '#gateway'
import { AccessDenied, isGatewayError, UpstreamError } from '#model'
import {
  type Body,
  type BodyReceiver,
  type BodyWriter,
  type Fields,
  type Framing,
  STREAM,
} from '#transport/http'
import { unreadableAnswer } from './masking.ts'
import { SecretFilter } from './secret-filter.ts'

/** A masked body that came as a whole is sent as one, with its length; longer ones go on as they come. */
const MOST_WHOLE = 64 * 1024
const LF = 0x0a

export interface AnswerParts {
  readonly session: Session
  readonly permit: Permit
  readonly body: Body
  readonly masker: BodyMasker | undefined
  /** How long the body is, when it is known and goes through no coding. */
  readonly length: number | undefined
  /** The upstream's credential: it does not come back. */
  readonly secrets: readonly string[]
  /** What of the fields behind the body goes on. */
  readonly trailers: (fields: Fields) => Fields
  /** Bytes of the body that go on record. */
  readonly keep: number
  /** The head, once; undefined: as the upstream framed it. */
  readonly respond: (framing: Framing | undefined) => BodyWriter
  /** Once, whatever ended it. With an error the body is not whole; `isTold`: it says so itself. */
  readonly over: (bytes: number, error?: Error, isTold?: boolean) => void
}

export class AnswerRelay implements BodyReceiver {
  readonly #parts: AnswerParts
  readonly #most: number
  readonly #filter: SecretFilter
  #writer: BodyWriter | undefined
  #sent = 0
  #kept = 0
  #waits = 0
  #full = false
  #over = false
  /** What went on so far ends where a line does. */
  #lineOver = true

  constructor(parts: AnswerParts) {
    this.#parts = parts
    this.#most = parts.permit.limit.bytes ?? Infinity
    this.#filter = new SecretFilter(parts.secrets)
  }

  start(): void {
    const { masker, length, body } = this.#parts
    const whole = masker !== undefined && length !== undefined && length <= MOST_WHOLE
    if (!whole) this.#begin(masker === undefined ? undefined : STREAM)
    body.read(this)
  }

  /**
   * It may go on no longer. `farewell`: the line that says so in the answer's own form, which is whole with it. Within a line, or
   * where the head said how much would come, nothing could be: it is cut short.
   */
  cut(error: Error, farewell?: Uint8Array): void {
    const writer = this.#writer
    const { masker, length } = this.#parts
    const fits = this.#lineOver && (masker !== undefined || length === undefined)
    if (farewell === undefined || writer === undefined || this.#over || !fits) {
      this.#end(error)
      return
    }
    this.#over = true
    masker?.abort()
    this.#parts.body.cancel(error)
    writer.write(farewell)
    writer.end()
    this.#parts.over(this.#sent, error, true)
  }

  // What is read.

  data(chunk: Uint8Array): boolean {
    if (this.#over) return true
    const { masker } = this.#parts
    try {
      if (this.#writer === undefined) {
        if (chunk.length === this.#parts.length) {
          this.#whole(chunk)
          return true
        }
        this.#begin(STREAM)
      }
      if (masker === undefined) this.#send(this.#filter.write(chunk))
      else for (const part of masker.write(chunk)) this.#send(this.#filter.write(part))
    } catch (error) {
      this.#end(problem(error))
    }
    return !this.#full && this.#waits === 0
  }

  end(trailers: Fields): void {
    if (this.#over) return
    const { masker } = this.#parts
    try {
      for (const part of masker?.end() ?? []) this.#send(this.#filter.write(part))
      this.#send(this.#filter.end())
      if (this.#over) return
      this.#writer?.end(this.#parts.trailers(trailers))
    } catch (error) {
      this.#end(problem(error))
      return
    }
    this.#end()
  }

  fail(error: Error): void {
    this.#end(
      isGatewayError(error)
        ? error
        : new UpstreamError('upstream_lost', 'the answer was cut short', { cause: error }),
    )
  }

  #begin(framing: Framing | undefined): void {
    const writer = this.#parts.respond(framing)
    this.#writer = writer
    writer.onDrain(() => {
      this.#full = false
      this.#go()
    })
  }

  /** All of a masked body, in one piece: its length can be said, and what cannot be masked can still be refused. */
  #whole(chunk: Uint8Array): void {
    const { masker } = this.#parts
    const filter = this.#filter
    const parts = [...masker!.write(chunk), ...masker!.end()].map(part => filter.write(part))
    const rest = filter.end()
    if (rest.length > 0) parts.push(rest)
    const [only] = parts
    const bytes = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
    if (bytes.length > this.#most) throw limitExceeded()
    this.#begin({ kind: 'length', length: bytes.length })
    this.#send(bytes)
    if (this.#over) return
    this.#writer?.end()
    this.#end()
  }

  #go(): void {
    if (!this.#over && !this.#full && this.#waits === 0) this.#parts.body.resume()
  }

  #end(error?: Error): void {
    if (this.#over) return
    this.#over = true
    const { masker, body, over } = this.#parts
    masker?.abort()
    if (error !== undefined) {
      body.cancel(error)
      this.#writer?.abort(error)
    }
    over(this.#sent, error)
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#over) return
    if (this.#sent + bytes.length > this.#most) {
      this.#end(limitExceeded())
      return
    }
    this.#sent += bytes.length
    this.#lineOver = bytes[bytes.length - 1] === LF
    if (this.#kept < this.#parts.keep) this.#record(bytes)
    if (!this.#writer!.write(bytes)) this.#full = true
  }

  #record(bytes: Uint8Array): void {
    const { session, permit, keep } = this.#parts
    const room = keep - this.#kept
    const part = room >= bytes.length ? bytes : bytes.subarray(0, room)
    this.#kept += part.length
    const behind = session.recordOutput(permit, 'output', part)
    if (behind === undefined) return
    this.#waits += 1
    void behind.then(() => {
      this.#waits -= 1
      this.#go()
    })
  }
}

/** It is not what it says: what went on so far was looked at, and nothing more goes on. */
function problem(error: unknown): Error {
  if (error instanceof BodyProblem) return unreadableAnswer(error)
  return error instanceof Error ? error : new Error('the answer cannot be masked')
}

export function limitExceeded(): AccessDenied {
  return new AccessDenied('limit_exceeded', 'the answer is longer than the policy allows')
}
