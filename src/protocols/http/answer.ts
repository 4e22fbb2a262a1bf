// An upstream's answer on its way to the client: masked where something is hidden from who asked, within what the policy
// lets an answer be, on record, at the pace of the slower of client and disk.
import type { Permit, Session } from '#gateway'
import { AccessDenied, UpstreamError } from '#model'
import { type Body, type BodyWriter, Fields } from '#transport/http'

/** What rewrites a body. */
export interface Rewriter {
  write(chunk: Uint8Array): Uint8Array
  end(): Uint8Array
}

export interface AnswerParts {
  readonly session: Session
  readonly permit: Permit
  readonly body: Body
  readonly writer: BodyWriter
  readonly rewriter: Rewriter | undefined
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
  const { session, permit, body, writer, rewriter, signal } = parts
  const most = permit.limit.bytes ?? Infinity
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
      if (error !== undefined) writer.abort(error)
      resolve(error === undefined ? { bytes: sent } : { bytes: sent, error })
    }
    function aborted(): void {
      end(signal.reason instanceof Error ? signal.reason : new Error('the session ended'))
    }
    /** False: enough for now. */
    function send(bytes: Uint8Array): boolean {
      if (bytes.length === 0) return !full && waits === 0
      if (sent + bytes.length > most) {
        end(limitExceeded())
        return true
      }
      sent += bytes.length
      record(bytes)
      if (!writer.write(bytes)) full = true
      return !full && waits === 0
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
        // Policies changed under a stream: what they say now has not been asked.
        if (!permit.current) {
          end(new AccessDenied('session_ended', 'the rules changed while this was answered'))
          return true
        }
        return send(rewriter === undefined ? chunk : rewriter.write(chunk))
      },
      end(trailers) {
        if (over) return
        if (rewriter !== undefined) send(rewriter.end())
        if (over) return
        writer.end(rewriter === undefined ? trailers : Fields.none)
        end()
      },
      fail(error) {
        end(new UpstreamError('upstream_lost', 'the answer was cut short', { cause: error }))
      },
    })
  })
}

export function limitExceeded(): AccessDenied {
  return new AccessDenied('limit_exceeded', 'the answer is longer than the policy allows')
}
