// What a refusal says to the client: plain sentences, and what would be permitted instead.
import type { Action, Flag, Operation, ReasonCode } from '#model'
import type { Entity } from './compile/values.ts'
import type { Judged } from './context.ts'
import type { Facts } from './facts.ts'
import { judgeOperation, type OperationVerdict, type Standing } from './judge.ts'
import { isPermitted, type Verdict } from './narrow.ts'
import { reasons } from './what-if.ts'

export interface Refusal {
  readonly code: ReasonCode
  readonly message: string
  readonly hint: string
}

/** Explains the first operation that was refused. */
export function refusal(
  standing: Standing,
  statement: Judged,
  facts: Facts,
  operations: readonly OperationVerdict[],
): Refusal {
  const refused = operations.find(one => !one.permitted)
  const party = refused?.verdicts.findIndex(verdict => !isPermitted(verdict)) ?? -1
  const verdict = refused?.verdicts[party]
  const principal = standing.parties[party]?.principal
  if (refused === undefined || verdict === undefined || principal === undefined) {
    return { code: 'no_permit', message: 'a statement that asks for nothing known', hint: '' }
  }
  return {
    code: codeOf(verdict),
    message:
      reasons(verdict.forbids) ||
      unanswered(verdict) ||
      sentence(refused.operation, principal, standing.resource),
    hint: hintFor(standing, statement, facts, refused.operation),
  }
}

/** Empty unless a policy that might forbid it cannot be evaluated. */
function unanswered({ errors }: Verdict): string {
  const rule = errors.find(({ policy }) => policy.effect === 'forbid')
  return rule === undefined
    ? ''
    : `whether policy "${rule.id}" forbids it cannot be told: what it compares is out of bounds`
}

function codeOf(verdict: Verdict): ReasonCode {
  if (verdict.forbids.length > 0) return 'forbidden'
  return verdict.errors.length > 0 ? 'policy_error' : 'no_permit'
}

function sentence(operation: Operation, principal: Entity, resource: Entity): string {
  const verb = shown(operation.verb || operation.action)
  const object = operation.object.name === '' ? '' : ` on ${shown(operation.object.name)}`
  const who = `${principal.type.toLowerCase()} "${shown(principal.id)}"`
  return `${verb}${object} is not permitted for ${who} on "${resource.id}"`
}

/** A name that the client chose, fit for a message: no control characters, no end of it out of sight. */
function shown(name: string): string {
  const plain = name.slice(0, 200).replace(/\p{C}/gu, '?')
  return name.length > 200 ? `${plain}...` : plain
}

/** What a client can change about a statement that has the flag. */
const withoutFlag: Readonly<Record<Flag, string>> = {
  unfiltered: 'with a condition that narrows it (WHERE)',
  multiple: 'as a single statement',
  locking: 'without row locks',
  dynamic: 'with its text written out, not built at run time',
  destructive: 'when it destroys nothing',
  server_files: "without the server's files and programs",
  bulk: 'without a bulk copy',
  explain: 'without EXPLAIN',
  compound: 'as one plain command, without anything that a shell expands, joins or redirects',
  indirect: 'when the statement says it itself, not code that it calls',
  definer: "with the session's own rights, not those of a function's owner",
}

/** Objects that hold data. Of others (functions, languages, roles) "read is permitted" would mislead. */
const rows: ReadonlySet<string> = new Set([
  'table',
  'view',
  'materialized view',
  'foreign table',
  'partitioned table',
  'sequence',
  'path',
  'resource',
])
const wholeResource = { name: '', kind: 'resource' } as const
const onObject: readonly Action[] = ['read', 'write', 'define', 'administer']
const onResource: readonly Action[] = ['connect', ...onObject, 'execute']

function hintFor(
  standing: Standing,
  statement: Judged,
  facts: Facts,
  operation: Operation,
): string {
  const permitted = (asked: Operation, action: Action = asked.action) =>
    judgeOperation(standing, statement, asked, facts, action).permitted
  for (const flag of operation.flags) {
    const flags = operation.flags.filter(other => other !== flag)
    if (permitted({ ...operation, flags })) return `It would be permitted ${withoutFlag[flag]}.`
  }
  const object = rows.has(operation.object.kind) ? operation.object : wholeResource
  const plain: Operation = { ...operation, object, flags: [], columns: [], verb: '' }
  const asked = object.name === '' ? onResource : onObject
  const now = asked.filter(action => action !== operation.action && permitted(plain, action))
  const withPerson = { ...facts, approved: true }
  const held = asked.filter(
    action =>
      !now.includes(action) &&
      judgeOperation(standing, statement, plain, withPerson, action).permitted &&
      !permitted(plain, action),
  )
  const where = shown(object.name || standing.resource.id)
  const parts = [
    ...(now.length > 0 ? [now.join(', ')] : []),
    ...(held.length > 0 ? [`with a person's approval ${held.join(', ')}`] : []),
  ]
  if (parts.length > 0) return `Permitted on ${where}: ${parts.join('; ')}.`
  return `Nothing is permitted on ${where} as things are; ask for access to "${standing.resource.id}".`
}
