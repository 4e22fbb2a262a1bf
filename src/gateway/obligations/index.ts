// Every obligation and how it is met: a kind without a line here does not compile, and one that a stored
// decision brings and nobody knows is a deny. In this order: what the principal can add, then people, then limits.
import { AccessDenied, type Obligation } from '#model'
import type { Approve, Asking, Discharge, Discharged } from './terms.ts'

export type { Approve, Asking, Discharged } from './terms.ts'

const discharges = {
  justify: obligations => {
    throw new AccessDenied('reason_required', 'This needs a reason.', {
      detail: `policies: ${policiesOf(obligations)}`,
      hint: "Give a reason and repeat. In SQL: SET sallyport.reason = '…'; in a request: Sallyport-Reason: …",
    })
  },
  'step-up': obligations => {
    throw new AccessDenied('step_up_required', 'This needs a fresh second factor.', {
      detail: `policies: ${policiesOf(obligations)}`,
      hint: 'Sign in again with the second factor and use the new token.',
    })
  },
  // A prepared statement does not run yet: a person is asked when its values are known. Two policies that
  // name different approvers are asked together: none of the yeses is used up before all are there.
  approve: (obligations, asking) =>
    asking.statement.phase === 'prepare' ? {} : asking.hold(obligations),
  // Several limits: the lowest of each.
  limit: obligations => {
    const rows = lowest(obligations.map(each => each.rows))
    const bytes = lowest(obligations.map(each => each.bytes))
    return {
      limit: { ...(rows === undefined ? {} : { rows }), ...(bytes === undefined ? {} : { bytes }) },
    }
  },
} satisfies { [Kind in Obligation['kind']]: Discharge<Kind> }

/** Meets all of them, or throws. Synchronous unless one of them waits. */
export function discharge(
  obligations: readonly Obligation[],
  asking: Asking,
): Discharged | Promise<Discharged> {
  if (obligations.some(({ kind }) => !Object.hasOwn(discharges, kind))) {
    throw new AccessDenied(
      'policy_error',
      'A policy asks for something that this gateway cannot do.',
    )
  }
  const justify = obligations.filter(each => each.kind === 'justify')
  if (justify.length > 0) discharges.justify(justify)
  const stepUp = obligations.filter(each => each.kind === 'step-up')
  if (stepUp.length > 0) discharges['step-up'](stepUp)
  const limits = obligations.filter(each => each.kind === 'limit')
  const limited = limits.length > 0 ? discharges.limit(limits) : {}
  const approvals: readonly Approve[] = obligations.filter(each => each.kind === 'approve')
  if (approvals.length === 0) return limited
  const approved = discharges.approve(approvals, asking)
  // What was decided with the yes is newer than what was decided without.
  if (approved instanceof Promise) return approved.then(done => ({ ...limited, ...done }))
  return { ...limited, ...approved }
}

function policiesOf(obligations: readonly Obligation[]): string {
  return obligations.flatMap(each => each.policies).join(', ')
}

function lowest(bounds: readonly (number | undefined)[]): number | undefined {
  const set = bounds.filter(bound => bound !== undefined)
  return set.length === 0 ? undefined : Math.min(...set)
}
