// Every obligation and how it is met: a kind without a line here does not compile, and one that a stored
// decision brings and nobody knows is a deny. In this order: what the principal can add, then people, then limits.
import { AccessDenied, type Obligation } from '#model'
import type { Asking, Discharge, Discharged } from './terms.ts'

export type { Asking, Discharged } from './terms.ts'

const discharges = {
  justify: obligation => {
    throw new AccessDenied('reason_required', 'This needs a reason.', {
      detail: `policies: ${obligation.policies.join(', ')}`,
      hint: "Give a reason for the session and repeat: SET sallyport.reason = '…' (SQL), or --reason.",
    })
  },
  'step-up': obligation => {
    throw new AccessDenied('step_up_required', 'This needs a fresh second factor.', {
      detail: `policies: ${obligation.policies.join(', ')}`,
      hint: 'Sign in again with the second factor and use the new token.',
    })
  },
  // A prepared statement does not run yet: a person is asked when its values are known.
  approve: (obligation, asking) =>
    asking.statement.phase === 'prepare' ? {} : asking.hold(obligation),
  limit: obligation => ({
    limit: {
      ...(obligation.rows === undefined ? {} : { rows: obligation.rows }),
      ...(obligation.bytes === undefined ? {} : { bytes: obligation.bytes }),
    },
  }),
} satisfies { [Kind in Obligation['kind']]: Discharge<Kind> }

const order = Object.keys(discharges)

/** Meets all of them, or throws. Synchronous unless one of them waits. */
export function discharge(
  obligations: readonly Obligation[],
  asking: Asking,
): Discharged | Promise<Discharged> {
  const sorted = [...obligations].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
  let done: Discharged = {}
  for (const [at, obligation] of sorted.entries()) {
    const next = dischargeOne(obligation, asking)
    if (next instanceof Promise) {
      return next.then(async first => {
        let all = { ...done, ...first }
        for (const later of sorted.slice(at + 1))
          all = { ...all, ...(await dischargeOne(later, asking)) }
        return all
      })
    }
    done = { ...done, ...next }
  }
  return done
}

function dischargeOne(obligation: Obligation, asking: Asking): Discharged | Promise<Discharged> {
  switch (obligation.kind) {
    case 'justify':
      return discharges.justify(obligation)
    case 'step-up':
      return discharges['step-up'](obligation)
    case 'approve':
      return discharges.approve(obligation, asking)
    case 'limit':
      return discharges.limit(obligation)
    default:
      throw new AccessDenied(
        'policy_error',
        'A policy asks for something that this gateway cannot do.',
      )
  }
}
