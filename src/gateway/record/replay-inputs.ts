// Who asked, as far as policies may ask of it: kept in a session's recording, so that its statements can be decided again
// by other policies. In the recording and not in the log: it is personal data, and goes with the recording's key.
import type { Facts } from '#engines/policy'
import type { JsonObject, Origin, Principal } from '#model'

/** Never what was proved with, nor when it ends. */
export function replayInputs(principal: Principal, origin: Origin): JsonObject {
  const { kind, id, subject, issuer, name, groups, actors, owners, mfa, run } = principal
  return {
    principal: {
      ...{ kind, id, subject, issuer, name, mfa, run },
      groups: [...groups],
      owners: [...owners],
      actors: actors.map(actor => ({ ...actor, groups: [...actor.groups] })),
    },
    ip: origin.ip,
    client: origin.client,
    ...(origin.channel === undefined ? {} : { channel: origin.channel }),
  }
}

/** Who asked, and the facts that hold for all of the session; what its run did before is not kept. */
export interface ReplayAsker {
  readonly principal: Principal
  facts(at: number): Facts
}

/** From the header of a recording. Undefined: it was made by a version that kept less. */
export function replayAsker(header: JsonObject): ReplayAsker | undefined {
  const { inputs } = header
  if (!isObject(inputs) || !isObject(inputs['principal'])) return undefined
  const { ip, client, channel } = inputs
  // Our own words, from a file that the log has the hash of.
  const kept = inputs['principal'] as unknown as Omit<
    Principal,
    'attributes' | 'credential' | 'expiresAt'
  >
  const principal: Principal = {
    ...kept,
    attributes: {},
    credential: { kind: 'token', id: '' },
    expiresAt: Number.MAX_SAFE_INTEGER,
  }
  return {
    principal,
    facts: at => ({
      client: String(client ?? ''),
      ip: String(ip ?? ''),
      now: at,
      approved: false,
      reason: undefined,
      mfa: principal.mfa,
      run: { rows: 0, bytes: 0, statements: 0 },
      ...(typeof channel === 'string' ? { channel } : {}),
    }),
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
