// What a refusal says, to whoever asked and on record: from a decision to an error, and the other way.
import { AccessDenied, type Decision } from '#model'

/** What policies denied. */
export function denialOf(decision: Decision): AccessDenied {
  const { code, message, policies, hint } = decision
  return new AccessDenied(code, message, {
    ...(policies.length === 0 ? {} : { detail: `policies: ${policies.join(', ')}` }),
    ...(hint === '' ? {} : { hint }),
  })
}

/** What policies would have permitted, had a duty been met. */
export function unmet(decision: Decision, { code, message }: AccessDenied): Decision {
  return { ...decision, effect: 'deny', code, message }
}

/** What policies permit, and what this principal may not see forbids. */
export function forbiddenUse(
  decision: Decision,
  { code, message, hint = '' }: AccessDenied,
): Decision {
  return { ...decision, effect: 'deny', obligations: [], policies: [], code, message, hint }
}
