// What comes back through a channel: signed, fresh, once, and about something that was told there.
import { timingSafeEqual } from 'node:crypto'
import { AccessDenied, AuthenticationFailed, InvalidRequest } from '#model'
import type { Channel, Decision, Incoming, Received } from './channel.ts'
import type { Deliveries, Delivery } from './deliveries.ts'

/**
 * A decision from the other side, when its signature holds; it is given out once. Undefined when it decides nothing.
 * Throws GatewayError.
 */
export async function receiveDecision(
  deliveries: Deliveries,
  name: string,
  channel: Channel | undefined,
  incoming: Incoming,
): Promise<Decision | undefined> {
  const { once, freshUntil, decision } = await verified(channel, incoming)
  if (decision === undefined) return undefined
  if (!(await deliveries.once(name, once, freshUntil))) {
    throw new InvalidRequest('request_conflict', 'This decision came already: each counts once.')
  }
  const asked = await deliveries.find(name, decision.request, 'asked')
  // What was never told here is not decided from here, whoever signs.
  if (asked === undefined || !carries(decision, asked)) {
    throw new AccessDenied('not_allowed', 'This is no answer to a message of this channel.')
  }
  return decision
}

/** One answer for what is not there and for what is signed wrongly: names cannot be probed. */
async function verified(channel: Channel | undefined, incoming: Incoming): Promise<Received> {
  const found = await channel?.receive?.(incoming).catch(error => {
    // Late is told to whoever holds the key: their clock is what they have to mend.
    if (!(error instanceof AuthenticationFailed) || error.code === 'token_expired') throw error
    return undefined
  })
  if (found !== undefined) return found
  throw new AuthenticationFailed('token_invalid', 'This is not signed with a key that counts here.')
}

function carries({ nonce }: Decision, asked: Delivery): boolean {
  if (nonce === undefined) return true
  const [given, kept] = [Buffer.from(nonce), Buffer.from(asked.nonce)]
  return given.length === kept.length && timingSafeEqual(given, kept)
}
