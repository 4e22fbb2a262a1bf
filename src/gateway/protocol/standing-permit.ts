// A permit on which something runs for as long as it likes: a shell, a long command, a tunnel, a stream. It is asked
// for anew when the rules change, and once a second for what they say of the time and of what was used up.
import { AccessDenied } from '#model'
import type { Permit } from './permit.ts'
import type { Session } from './session.ts'

const RENEW_MS = 1_000

export interface StandingPermit {
  /** Aborted when it stands no longer; the reason is what to tell whoever runs on it. */
  readonly signal: AbortSignal
  /** What ran on it is over. */
  drop(): void
}

/** `renewed` is called when the rules changed and still permit it: from now on it runs on that one. */
export function standOn(
  session: Session,
  permit: Permit,
  renewed: (permit: Permit) => void,
): StandingPermit {
  const ending = new AbortController()
  let held = permit
  function renew(): void {
    try {
      const next = session.renew(held)
      if (next === undefined)
        throw new AccessDenied('session_ended', 'it was ended: it is no longer permitted')
      if (next === held) return
      held = next
      renewed(next)
    } catch (error) {
      // Safe: whatever it was, what runs on the permit ends.
      drop()
      ending.abort(error)
    }
  }
  const timer = setInterval(renew, RENEW_MS)
  const unfollow = session.onRules(renew)
  function drop(): void {
    clearInterval(timer)
    unfollow()
  }
  return { signal: ending.signal, drop }
}
