// A decision that came through a channel: who it is of, by what the gateway itself knows, and then a vote like any other.
import {
  AccessDenied,
  type AccessRequest,
  InvalidRequest,
  isGatewayError,
  type Origin,
  type Principal,
  Unavailable,
} from '#model'
import type { Claimant, Decision } from '#services/channels'
import { channelPrincipal } from '#services/identity'
import type { ApiParts } from './parts.ts'

/** Clicks that are being worked on after they were acknowledged. */
const MOST_UNDER_WAY = 64
let underWay = 0

/** Throws GatewayError. */
export async function decide(
  parts: ApiParts,
  channel: string,
  decision: Decision,
  origin: Origin,
): Promise<AccessRequest> {
  const { request: id, vote, digest, reason, maxRows } = decision
  const request = await parts.requests.get(id)
  if (digest !== undefined && digest !== request.digest) {
    throw new InvalidRequest(
      'request_conflict',
      'The decision is about something else than this request.',
    )
  }
  if (request.kind === 'review') {
    throw new InvalidRequest(
      'request_invalid',
      'A review is closed in the console, or with sallyport review.',
    )
  }
  const approver = personOf(parts, channel, await decision.who())
  if (approver === undefined) {
    const refused = 'Nobody with this address has signed in here of late.'
    // The vote counts for nobody, and that somebody tried it is evidence.
    await parts.audit.durable(
      parts.audit.append({
        kind: 'request.voted',
        target: { resource: request.resource },
        details: { request: id, channel, vote, refused },
      }),
    )
    throw new AccessDenied('not_allowed', refused, {
      hint: 'Sign in to the console with it once, then decide again.',
    })
  }
  const said = {
    ...(reason === undefined ? {} : { reason }),
    ...(maxRows === undefined ? {} : { maxRows }),
  }
  return parts.gateway.vote(approver, id, vote, said, { ...origin, channel })
}

/** The other side was answered already: what becomes of it is told where it was asked. Never throws. */
export function answerLater(
  parts: ApiParts,
  channel: string,
  decision: Decision,
  origin: Origin,
): void {
  if (underWay >= MOST_UNDER_WAY)
    throw new Unavailable('unavailable', 'Too much at once; try again.')
  underWay += 1
  settle(parts, channel, decision, origin)
    .catch(error => {
      // Safe: the vote is cast or refused already; only that it could not be said is lost.
      parts.log.warn({ err: error, channel }, 'channel.answer_failed')
    })
    .finally(() => {
      underWay -= 1
    })
}

async function settle(
  parts: ApiParts,
  channel: string,
  decision: Decision,
  origin: Origin,
): Promise<void> {
  const words = await decide(parts, channel, decision, origin).then(
    ({ state }) =>
      state === 'pending' ? 'Your vote counts. More people have to agree.' : `It is ${state}.`,
    error => {
      if (!isGatewayError(error))
        parts.log.error({ err: error, channel }, 'channel.decision_failed')
      if (!isGatewayError(error)) return 'Something is broken here; decide in the console.'
      return error.hint === undefined ? error.message : `${error.message} ${error.hint}`
    },
  )
  await decision.told?.(words)
}

function personOf(parts: ApiParts, channel: string, who: Claimant): Principal | undefined {
  return 'email' in who
    ? parts.identity.people.byAddress(who.email)
    : channelPrincipal(channel, who, parts.now())
}
