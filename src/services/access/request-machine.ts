// The states of an access request and what moves it: pure, so that it can be tested by itself.
//   pending → approved | denied | expired | cancelled | superseded
//   approved → consumed | expired | revoked
// A right for a time is in force while it is approved, and consumed when its last session was opened. A review is
// pending until another person has looked, and then approved: no time ends it.
import {
  type AccessRequest,
  type ApprovalVote,
  InvalidRequest,
  type Preview,
  type StatementRequest,
  type TimeRequest,
  type TimeTerms,
} from '#model'

export type RequestEvent =
  | {
      readonly kind: 'vote'
      readonly vote: 'approve' | 'deny'
      readonly approver: string
      readonly reason?: string
      readonly maxRows?: number
      readonly approvedForMs: number
      /** Where the request has `needs`: those that it can count for. */
      readonly counts?: readonly number[]
      /** Of a right for a time: what of it this yes is for, where that is not all. */
      readonly terms?: Partial<TimeTerms>
    }
  /** Somebody else has looked at what was done. */
  | { readonly kind: 'review'; readonly reviewer: string; readonly note: string }
  /** What the statement would do is known: kept while it can still inform a vote. */
  | { readonly kind: 'preview'; readonly preview: Preview; readonly defaultMaxRows?: number }
  | { readonly kind: 'expire' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'supersede' }
  | { readonly kind: 'consume' }
  | { readonly kind: 'revoke' }

/**
 * The request after the event. Throws InvalidRequest `request_conflict` when the event does not fit its
 * state, when its time is over, or when the same person votes twice.
 */
export function advance(request: AccessRequest, event: RequestEvent, now: number): AccessRequest {
  const over = now >= request.expiresAt
  switch (event.kind) {
    case 'vote': {
      if (request.kind === 'review') throw conflict(request, 'it is closed by a review')
      if (request.state !== 'pending') throw conflict(request, `it is ${request.state} already`)
      if (over) throw conflict(request, 'its time is over')
      if (request.votes.some(vote => vote.approver === event.approver)) {
        throw conflict(request, 'you have voted on it already')
      }
      const votes = [
        ...request.votes,
        {
          approver: event.approver,
          vote: event.vote,
          at: now,
          ...(event.reason === undefined ? {} : { reason: event.reason }),
          ...(event.counts === undefined ? {} : { counts: event.counts }),
        },
      ]
      const voted: AccessRequest =
        request.kind === 'statement'
          ? { ...request, votes, ...boundOf(request, event) }
          : { ...request, votes, ...(event.vote === 'approve' ? leastOf(request, event) : {}) }
      // One veto denies.
      if (event.vote === 'deny') return { ...voted, state: 'denied' }
      if (!isMet(voted)) return voted
      const lastsMs =
        voted.kind === 'time'
          ? (voted.approved?.seconds ?? voted.seconds) * 1000
          : event.approvedForMs
      return { ...voted, state: 'approved', expiresAt: now + lastsMs }
    }
    case 'preview':
      if (request.state !== 'pending') throw conflict(request, `it is ${request.state} already`)
      if (request.kind !== 'statement') throw conflict(request, 'it is no statement')
      return {
        ...request,
        preview: event.preview,
        ...(event.defaultMaxRows === undefined ? {} : { defaultMaxRows: event.defaultMaxRows }),
      }
    case 'review': {
      if (request.kind !== 'review') throw conflict(request, 'there is nothing to look back at')
      if (request.state !== 'pending') throw conflict(request, 'it was reviewed already')
      // However late: what is overdue is closed by a review and by nothing else.
      const vote = {
        approver: event.reviewer,
        vote: 'approve',
        at: now,
        reason: event.note,
      } as const
      return { ...request, votes: [...request.votes, vote], state: 'approved' }
    }
    case 'consume':
      if (request.kind === 'review') throw conflict(request, 'a review is not used')
      if (request.state !== 'approved') throw conflict(request, `it is ${request.state}`)
      if (over) throw conflict(request, 'its time is over')
      return { ...request, state: 'consumed' }
    case 'expire':
      if (request.kind === 'review') throw conflict(request, 'a review stays open')
      if (request.state !== 'pending' && request.state !== 'approved')
        throw conflict(request, `it is ${request.state}`)
      if (!over) throw conflict(request, 'its time is not over')
      return { ...request, state: 'expired' }
    case 'cancel':
    case 'supersede':
      if (request.kind === 'review') throw conflict(request, 'a review stays open')
      if (
        request.state !== 'pending' &&
        !(event.kind === 'supersede' && request.state === 'approved')
      ) {
        throw conflict(request, `it is ${request.state}`)
      }
      return { ...request, state: event.kind === 'cancel' ? 'cancelled' : 'superseded' }
    case 'revoke':
      if (request.kind === 'review') throw conflict(request, 'a review stays open')
      if (request.state !== 'approved') throw conflict(request, `it is ${request.state}`)
      return { ...request, state: 'revoked' }
  }
}

/** True when there are yeses enough: in all, or for each need, where a person counts for one of them. */
export function isMet({ needs, quorum, votes }: AccessRequest): boolean {
  const yes = votes.filter(({ vote }) => vote === 'approve')
  if (needs === undefined) return yes.length >= quorum
  // Each need has so many places; a place takes whoever fits, and moves who sits there when they fit elsewhere too.
  const places = needs.flatMap(({ count }, need) => Array.from({ length: count }, () => need))
  const taken = new Map<number, ApprovalVote>()
  const seat = (vote: ApprovalVote, tried: Set<number>): boolean => {
    for (const [place, need] of places.entries()) {
      if (tried.has(place) || vote.counts?.includes(need) !== true) continue
      tried.add(place)
      const other = taken.get(place)
      if (other !== undefined && !seat(other, tried)) continue
      taken.set(place, vote)
      return true
    }
    return false
  }
  for (const vote of yes) seat(vote, new Set())
  return taken.size === places.length
}

/** A right for a time goes as far as each yes goes: fewer actions, the shortest time, the fewest sessions. */
function leastOf(
  request: TimeRequest,
  { terms = {} }: Extract<RequestEvent, { kind: 'vote' }>,
): { approved: TimeTerms } {
  const { actions: all, seconds, uses } = request
  const own = terms.actions ?? all
  if (own.some(action => !all.includes(action)))
    throw conflict(request, 'only what was asked for can be approved')
  const before = request.approved
  const actions = own.filter(action => before?.actions.includes(action) ?? true)
  if (actions.length === 0) throw conflict(request, 'nothing of it would be left')
  const counts = [before?.uses, terms.uses ?? uses].filter(count => count !== undefined)
  return {
    approved: {
      actions,
      seconds: Math.min(terms.seconds ?? seconds, before?.seconds ?? Number.POSITIVE_INFINITY),
      ...(counts.length === 0 ? {} : { uses: Math.min(...counts) }),
    },
  }
}

/** Each yes has a bound, its own or the one that the request shows: the lowest of them holds. */
function boundOf(
  request: StatementRequest,
  event: Extract<RequestEvent, { kind: 'vote' }>,
): { maxRows?: number } {
  const own = event.vote === 'approve' ? (event.maxRows ?? request.defaultMaxRows) : undefined
  const bounds = [request.maxRows, own].filter(bound => bound !== undefined)
  return bounds.length === 0 ? {} : { maxRows: Math.min(...bounds) }
}

function conflict(request: AccessRequest, why: string): InvalidRequest {
  return new InvalidRequest('request_conflict', `Request ${request.id} cannot be changed: ${why}.`)
}
