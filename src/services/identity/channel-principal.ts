// An approver that is a service: named in configuration, proved by the key that signed what it sent. It can decide, where
// policies say so, and nothing else: no token, session or credential is ever its.
import type { Principal } from '#model'

/** Long enough for the one decision that it is made for. */
const HOLDS_MS = 60_000

export function channelPrincipal(
  channel: string,
  service: { readonly service: string; readonly groups: readonly string[] },
  now: number,
): Principal {
  return Object.freeze<Principal>({
    kind: 'agent',
    id: service.service,
    subject: service.service,
    issuer: `channel:${channel}`,
    name: service.service,
    groups: service.groups,
    attributes: {},
    actors: [],
    owners: [],
    mfa: false,
    credential: { kind: 'channel', id: channel },
    run: `channel:${channel}`,
    expiresAt: now + HOLDS_MS,
    issuedAt: now,
  })
}
