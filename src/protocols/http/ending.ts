// What ends an exchange that is under way: its client, whatever ends the session, and rules that no longer permit it.
import { endingError, type Permit, type Session, type StandingPermit, standOn } from '#gateway'
import { AccessDenied, type CloseReason, UpstreamError } from '#model'
import type { Exchange } from '#transport/http'

/** What takes longer stands on its permit: it is asked about when rules change, and each second. */
const STANDING_MS = 500

export interface Ending {
  readonly signal: AbortSignal
  /** It is over. */
  stop(): void
}

export function endingOf(exchange: Exchange, session: Session, permit: Permit): Ending {
  const ending = new AbortController()
  let standing: StandingPermit | undefined
  const left = () => ending.abort(new UpstreamError('upstream_lost', 'the client left'))
  const ended = () => ending.abort(endingError(session.signal.reason as CloseReason))
  const late = setTimeout(() => {
    standing = standOn(session, permit, next => {
      // What is on its way was masked by the rules of before.
      if (permit.masks || next.masks) ending.abort(rulesChanged())
    })
    standing.signal.addEventListener('abort', () => ending.abort(standing?.signal.reason))
  }, STANDING_MS)
  const { signal } = exchange
  if (session.signal.aborted) ended()
  else if (signal.aborted) left()
  signal.addEventListener('abort', left, { once: true })
  session.signal.addEventListener('abort', ended, { once: true })
  return {
    signal: ending.signal,
    stop() {
      clearTimeout(late)
      standing?.drop()
      signal.removeEventListener('abort', left)
      session.signal.removeEventListener('abort', ended)
    },
  }
}

function rulesChanged(): AccessDenied {
  return new AccessDenied('session_ended', 'what may be seen changed while this was answered')
}
