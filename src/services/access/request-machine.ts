// The states of an access request and what moves it: pure, so that it can be tested by itself.
//   pending → approved | denied | expired | cancelled | superseded
//   approved → consumed | expired | revoked
import { type AccessRequest, InvalidRequest, type Preview, type StatementRequest } from '#model'

export type RequestEvent =
  | {
      readonly kind: 'vote'
      readonly vote: 'approve' | 'deny'
      readonly approver: string
      readonly reason?: string
      readonly maxRows?: number
      readonly approvedForMs: number
    }
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
        },
      ]
      const voted: AccessRequest =
        request.kind === 'statement'
          ? { ...request, votes, ...boundOf(request, event) }
          : { ...request, votes }
      // One veto denies.
      if (event.vote === 'deny') return { ...voted, state: 'denied' }
      const yes = votes.filter(vote => vote.vote === 'approve').length
      if (yes < request.quorum) return voted
      return { ...voted, state: 'approved', expiresAt: now + event.approvedForMs }
    }
    case 'preview':
      if (request.state !== 'pending') throw conflict(request, `it is ${request.state} already`)
      if (request.kind !== 'statement') throw conflict(request, 'it is no statement')
      return {
        ...request,
        preview: event.preview,
        ...(event.defaultMaxRows === undefined ? {} : { defaultMaxRows: event.defaultMaxRows }),
      }
    case 'consume':
      if (request.state !== 'approved') throw conflict(request, `it is ${request.state}`)
      if (over) throw conflict(request, 'its time is over')
      return { ...request, state: 'consumed' }
    case 'expire':
      if (request.state !== 'pending' && request.state !== 'approved')
        throw conflict(request, `it is ${request.state}`)
      if (!over) throw conflict(request, 'its time is not over')
      return { ...request, state: 'expired' }
    case 'cancel':
    case 'supersede':
      if (
        request.state !== 'pending' &&
        !(event.kind === 'supersede' && request.state === 'approved')
      ) {
        throw conflict(request, `it is ${request.state}`)
      }
      return { ...request, state: event.kind === 'cancel' ? 'cancelled' : 'superseded' }
    case 'revoke':
      if (request.state !== 'approved') throw conflict(request, `it is ${request.state}`)
      return { ...request, state: 'revoked' }
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
