// What whoever waits for a person is told when it does not run: why, and what to do.
import { AccessDenied, type AccessRequest, type Statement } from '#model'
import type { AskedOf } from './hold.ts'

/** A person has to read it: more than this is no question to a person. Text and values together. */
const MOST_SHOWN_BYTES = 256 * 1024

const ASK_ANEW = 'Run the statement again to ask anew.'

export function refuseWhatNobodyCanRead({ text, parameters, unread }: Statement): void {
  if (unread === true)
    throw new AccessDenied(
      'statement_too_large',
      'A person has to read this, and a part of it goes on as it comes, unread.',
    )
  let bytes = Buffer.byteLength(text)
  for (const { value } of parameters ?? []) bytes += value?.byteLength ?? 0
  if (bytes <= MOST_SHOWN_BYTES) return
  throw new AccessDenied(
    'statement_too_large',
    `A person has to read this: it may have ${MOST_SHOWN_BYTES / 1024} KiB at most, values included.`,
    { hint: 'Split it.' },
  )
}

export function retryLater(requests: readonly AccessRequest[]): AccessDenied {
  const open = requests.filter(({ state }) => state !== 'approved')
  const expiresAt = Math.min(...requests.map(request => request.expiresAt))
  const until = new Date(expiresAt).toISOString().slice(0, 19).replace('T', ' ')
  const policies = [...new Set(open.flatMap(request => request.policies))]
  return new AccessDenied(
    'approval_required',
    [...new Set(open.map(request => request.message))].join('; '),
    {
      ...about(open),
      retryBefore: expiresAt,
      detail: `request: ${open.map(({ id }) => id).join(', ')}; policies: ${policies.join(', ')}`,
      hint: `Once it is approved, retry the identical statement before ${until} UTC.`,
    },
  )
}

export function cancelled(requests: readonly AskedOf[]): AccessDenied {
  return new AccessDenied('session_ended', 'The wait was cancelled.', about(requests))
}

export function superseded(requests: readonly AskedOf[] = []): AccessDenied {
  return new AccessDenied('approval_superseded', 'The policy changed after this was approved.', {
    ...about(requests),
    hint: ASK_ANEW,
  })
}

export function usedUp(request: AskedOf): AccessDenied {
  return new AccessDenied(
    'approval_required',
    'The approval was used already, or its time is over.',
    { ...about([request]), hint: ASK_ANEW },
  )
}

/** The request ended without a yes. */
export function refusal(request: AccessRequest): AccessDenied {
  if (request.state === 'denied') {
    const said = request.votes.find(vote => vote.vote === 'deny')?.reason
    return new AccessDenied(
      'approval_denied',
      said ? `Denied by a person: ${said}` : 'Denied by a person.',
      about([request]),
    )
  }
  return new AccessDenied('approval_required', `The request is ${request.state}.`, {
    ...about([request]),
    hint: ASK_ANEW,
  })
}

function about([first]: readonly AskedOf[]): { requestId?: string } {
  return first === undefined ? {} : { requestId: first.id }
}
