// The facts of a session that policies may ask for.
import type { Facts } from '#engines/policy'
import type { Origin, Principal } from '#model'
import type { RunTotals } from '../record/index.ts'

/** The facts at this moment. `approved` is what the gateway established, never what a client says. */
export function factsOf(
  session: {
    principal: Principal
    origin: Origin
    run: RunTotals
    reason: string | undefined
    breakGlass?: boolean
  },
  now: number,
  approved: boolean,
): Facts {
  return {
    client: session.origin.client,
    ip: session.origin.ip,
    now,
    approved,
    reason: session.reason,
    mfa: session.principal.mfa,
    breakGlass: session.breakGlass === true,
    run: session.run,
    ...(session.origin.channel === undefined ? {} : { channel: session.origin.channel }),
  }
}
