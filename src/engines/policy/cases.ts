// `sallyport policy test`: cases with what is expected of them. The reader of the file is the CLI's.
import {
  type Action,
  actions,
  type Flag,
  flags,
  type NamedValues,
  type Operation,
  type Parameter,
  type Principal,
  type TunnelEnd,
} from '#model'
import type { Facts } from './facts.ts'
import type { PolicySet } from './policy-set.ts'
import { type Why, why } from './why.ts'

/** One case. What is left out has a neutral value; `facts.now` is 2026-01-05 (a Monday), 12:00 UTC. */
export interface PolicyCase {
  readonly name: string
  readonly principal: {
    readonly kind: 'user' | 'agent'
    readonly id: string
    readonly groups?: readonly string[]
    readonly owners?: readonly string[]
    /** Who acts for the principal. */
    readonly actor?: {
      readonly kind: 'user' | 'agent'
      readonly id: string
      readonly groups?: readonly string[]
    }
  }
  readonly resource: { readonly name: string; readonly tags?: Readonly<Record<string, string>> }
  readonly statement: {
    readonly operations: readonly CaseOperation[]
    readonly text?: string
    readonly functions?: readonly string[]
    readonly parameters?: readonly Parameter[]
    readonly named?: NamedValues
  }
  readonly facts?: Partial<Facts>
  readonly expect: {
    readonly effect: 'permit' | 'deny'
    /** Kinds of obligations, all of them. */
    readonly obligations?: readonly string[]
    /** Ids of the determining policies, all of them. */
    readonly policies?: readonly string[]
    readonly code?: string
  }
}

export interface CaseOperation {
  readonly action: string
  readonly verb?: string
  readonly object?: string
  readonly kind?: string
  readonly columns?: readonly string[]
  readonly flags?: readonly string[]
  readonly category?: string
  readonly tunnel?: TunnelEnd
}

export interface CaseResult {
  readonly name: string
  readonly passed: boolean
  /** What was expected and what came, for each difference. */
  readonly differences: readonly string[]
  readonly why: Why | undefined
}

const NOW = Date.UTC(2026, 0, 5, 12)

export function runPolicyCases(
  set: PolicySet,
  cases: readonly PolicyCase[],
): readonly CaseResult[] {
  return cases.map(one => runCase(set, one))
}

function runCase(set: PolicySet, one: PolicyCase): CaseResult {
  const unknown = unknownWords(one)
  if (unknown.length > 0) {
    return { name: one.name, passed: false, differences: unknown, why: undefined }
  }
  const answer = why(set, {
    principal: principalOf(one.principal),
    resource: { name: one.resource.name, tags: one.resource.tags ?? {} },
    statement: {
      text: one.statement.text ?? '',
      operations: one.statement.operations.map(operationOf),
      functions: one.statement.functions ?? [],
      ...(one.statement.parameters === undefined ? {} : { parameters: one.statement.parameters }),
      ...(one.statement.named === undefined ? {} : { named: one.statement.named }),
      phase: 'execute',
    },
    facts: { ...neutral, ...one.facts },
  })
  const { expect } = one
  const differences = [
    ...differs('effect', expect.effect, answer.effect),
    ...differs('code', expect.code, answer.code),
    ...differs(
      'obligations',
      expect.obligations,
      answer.obligations.map(({ kind }) => kind),
    ),
    ...differs('policies', expect.policies, answer.policies),
  ]
  return { name: one.name, passed: differences.length === 0, differences, why: answer }
}

const neutral: Facts = {
  client: '',
  ip: '127.0.0.1',
  now: NOW,
  approved: false,
  reason: undefined,
  mfa: false,
  run: { rows: 0, bytes: 0, statements: 0 },
}

/** A misspelt action or flag would make a case pass for the wrong reason. */
function unknownWords(one: PolicyCase): readonly string[] {
  return one.statement.operations.flatMap(({ action, flags: raised = [] }) => [
    ...(isAction(action) ? [] : [`unknown action "${action}"`]),
    ...raised.filter(flag => !isFlag(flag)).map(flag => `unknown flag "${flag}"`),
  ])
}

function isAction(name: string): name is Action {
  return (actions as readonly string[]).includes(name)
}

function isFlag(name: string): name is Flag {
  return (flags as readonly string[]).includes(name)
}

function operationOf(operation: CaseOperation): Operation {
  const name = operation.object ?? ''
  return {
    action: isAction(operation.action) ? operation.action : 'connect',
    verb: operation.verb ?? '',
    object: { name, kind: operation.kind ?? (name === '' ? 'resource' : 'table') },
    columns: operation.columns ?? [],
    flags: (operation.flags ?? []).filter(isFlag),
    ...(operation.category === undefined ? {} : { category: operation.category }),
    ...(operation.tunnel === undefined ? {} : { tunnel: operation.tunnel }),
  }
}

function principalOf(who: PolicyCase['principal']): Principal {
  const { kind, id, groups = [], owners = [], actor } = who
  const actors = actor ? [{ groups: [], ...actor, subject: actor.id, issuer: '' }] : []
  return {
    kind,
    id,
    subject: id,
    issuer: '',
    name: id,
    groups,
    attributes: {},
    actors,
    owners,
    mfa: false,
    credential: { kind: 'token', id: '' },
    run: '',
    expiresAt: Number.MAX_SAFE_INTEGER,
  }
}

function differs(
  what: string,
  expected: string | readonly string[] | undefined,
  came: string | readonly string[],
): readonly string[] {
  if (expected === undefined) return []
  const text = (value: string | readonly string[]) =>
    typeof value === 'string' ? value : [...value].sort().join(', ') || 'none'
  if (text(expected) === text(came)) return []
  return [`${what}: expected ${text(expected)}, came ${text(came)}`]
}
