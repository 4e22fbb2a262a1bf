// An upstream's answer on its way to the client: masked where something is hidden from who asked, within what the policy
// lets an answer be, on record, at the pace of the slower of client and disk.
import { type BodyMasker, BodyProblem } from '#engines/bodies'
import type { Permit, Session } from '#gateway'
import { AccessDenied, isGatewayError, UpstreamError } from '#model'
import { type Body, type BodyWriter, Fields } from '#transport/http'
import { unreadableAnswer } from './masking.ts'
import { SecretFilter } from './secret-filter.ts'

export interface AnswerParts {
  readonly session: Session
  readonly permit: Permit
  readonly body: Body
  readonly writer: BodyWriter
  readonly masker: BodyMasker | undefined
  /** The upstream's credential: it does not come back. */
  readonly secrets: readonly string[]
  /** Bytes of the body that go on record. */
  readonly keep: number
  /** Ends it, with why. */
  readonly signal: AbortSignal
}

export interface Relayed {
  readonly bytes: number
  /** It is not whole. */
  readonly error?: Error
}

/** Resolves when the answer is over, whatever ended it. */
export function relayAnswer(parts: AnswerParts): Promise<Relayed> {
  const { session, permit, body, writer, masker, signal } = parts
  const most = permit.limit.bytes ?? Infinity
  const filter = new SecretFilter(parts.secrets)
  return new Promise(resolve => {
    let [sent, kept, waits] = [0, 0, 0]
    let [full, over] = [false, false]

    function go(): void {
      if (!over && !full && waits === 0) body.resume()
    }
    function end(error?: Error): void {
      if (over) return
      over = true
      signal.removeEventListener('abort', aborted)
      masker?.abort()
      if (error !== undefined) {
        body.cancel(error)
        writer.abort(error)
      }
      resolve(error === undefined ? { bytes: sent } : { bytes: sent, error })
    }
    function aborted(): void {
      end(signal.reason instanceof Error ? signal.reason : new Error('the session ended'))
    }
    function send(bytes: Uint8Array): void {
      if (bytes.length === 0 || over) return
      if (sent + bytes.length > most) {
        end(limitExceeded())
        return
      }
      sent += bytes.length
      record(bytes)
      if (!writer.write(bytes)) full = true
    }
    function record(bytes: Uint8Array): void {
      const room = parts.keep - kept
      if (room <= 0) return
      const part = room >= bytes.length ? bytes : bytes.subarray(0, room)
      kept += part.length
      const behind = session.recordOutput(permit, 'output', part)
      if (behind === undefined) return
      waits += 1
      void behind.then(() => {
        waits -= 1
        go()
      })
    }

    if (signal.aborted) return aborted()
    signal.addEventListener('abort', aborted, { once: true })
    writer.onDrain(() => {
      full = false
      go()
    })
    body.read({
      data(chunk) {
        if (over) return true
        try {
          if (masker === undefined) send(filter.write(chunk))
          else for (const part of masker.write(chunk)) send(filter.write(part))
        } catch (error) {
          end(problem(error))
        }
        return !full && waits === 0
      },
      end(trailers) {
        if (over) return
        try {
          for (const part of masker?.end() ?? []) send(filter.write(part))
          send(filter.end())
        } catch (error) {
          return end(problem(error))
        }
        if (over) return
        writer.end(masker === undefined ? trailers : Fields.none)
        end()
      },
      fail(error) {
        end(
          isGatewayError(error)
            ? error
            : new UpstreamError('upstream_lost', 'the answer was cut short', { cause: error }),
        )
      },
    })
  })
}

/** It is not what it says: what went on so far was looked at, and nothing more goes on. */
function problem(error: unknown): Error {
  if (error instanceof BodyProblem) return unreadableAnswer(error)
  return error instanceof Error ? error : new Error('the answer cannot be masked')
}

export function limitExceeded(): AccessDenied {
  return new AccessDenied('limit_exceeded', 'the answer is longer than the policy allows')
}
