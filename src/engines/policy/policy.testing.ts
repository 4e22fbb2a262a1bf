// What the tests of this room share: principals, facts and statements with neutral values.
import type { Action, Flag, Operation, Principal } from '#model'
import { checkPolicies } from './check.ts'
import type { Judged } from './context.ts'
import type { Facts } from './facts.ts'
import type { PolicySet } from './policy-set.ts'

export function policySet(text: string): PolicySet {
  const { set, problems } = checkPolicies([{ name: 'test.cedar', text }])
  if (set === undefined) throw new Error(JSON.stringify(problems, null, 1))
  return set
}

export function principal(
  kind: 'user' | 'agent',
  id: string,
  groups: readonly string[] = [],
  more: Partial<Principal> = {},
): Principal {
  return {
    kind,
    id,
    subject: id,
    issuer: 'https://idp.example',
    name: id,
    groups,
    attributes: {},
    actors: [],
    owners: [],
    mfa: false,
    credential: { kind: 'token', id: 'token-1' },
    run: 'run-1',
    expiresAt: Number.MAX_SAFE_INTEGER,
    ...more,
  }
}

/** 2026-01-05 is a Monday. */
export const facts: Facts = {
  client: 'psql',
  ip: '10.1.2.3',
  now: Date.UTC(2026, 0, 5, 12),
  approved: false,
  reason: undefined,
  mfa: false,
  run: { rows: 0, bytes: 0, statements: 0 },
}

export const shop = { name: 'shop', tags: { env: 'production' } }

export function operation(
  action: Action,
  name: string,
  more: { verb?: string; flags?: readonly Flag[]; columns?: readonly string[] } = {},
): Operation {
  const kind = name === '' ? 'resource' : 'table'
  const verb = more.verb ?? action.toUpperCase()
  return { action, object: { name, kind }, columns: [], flags: [], ...more, verb }
}

export function statement(...operations: readonly Operation[]): Judged {
  return { text: 'a statement', operations, functions: [], phase: 'execute' }
}
