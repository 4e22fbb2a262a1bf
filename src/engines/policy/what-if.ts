// On deny: would it be permitted with facts that a person can still add? A reason, a fresh second factor, a
// person's yes. The smallest set that suffices, a reason before a factor before a person.
import type { ApprovalNeed, Obligation } from '#model'
import type { Judged } from './context.ts'
import { type Facts, statedReason } from './facts.ts'
import { APPROVED, MFA, REASON } from './facts-used.ts'
import { candidatesFor, judge, type OperationVerdict, type Standing } from './judge.ts'
import { forbidding, isPermitted, type Verdict } from './narrow.ts'
import type { Rule } from './rule.ts'

/** A reason that somebody might give: not empty, and nothing that a policy could ask for. */
const SOME_REASON = '(a reason)'

/** Counting up visits each set after its subsets, so the first that permits is a smallest one. */
const sets = [1, 2, 3, 4, 5, 6, 7] as const

export interface Lifted {
  readonly operations: readonly OperationVerdict[]
  readonly obligations: readonly Obligation[]
}

/** Undefined when no such fact helps: the answer stays deny. */
export function whatIf(standing: Standing, statement: Judged, facts: Facts): Lifted | undefined {
  const open = missing(facts) & usedBy(standing, statement)
  for (const set of sets) {
    if ((set & open) !== set) continue
    const outcome = judge(standing, statement, withFacts(facts, set))
    if (!outcome.permitted) continue
    const obligations = [REASON, MFA, APPROVED].flatMap(bit => {
      if ((set & bit) === 0) return []
      const without = judge(standing, statement, withFacts(facts, set & ~bit))
      return obligationsOf(bit, turned(without.operations, outcome.operations))
    })
    return { operations: outcome.operations, obligations }
  }
  return undefined
}

function missing(facts: Facts): number {
  return (
    (statedReason(facts) === undefined ? REASON : 0) |
    (facts.mfa ? 0 : MFA) |
    (facts.approved ? 0 : APPROVED)
  )
}

function usedBy(standing: Standing, statement: Judged): number {
  let used = 0
  for (const party of standing.parties) {
    for (const operation of statement.operations) {
      for (const { rule } of candidatesFor(party, operation)) used |= rule.uses
    }
  }
  return used
}

function withFacts(facts: Facts, set: number): Facts {
  return {
    ...facts,
    reason: (set & REASON) !== 0 ? SOME_REASON : facts.reason,
    mfa: facts.mfa || (set & MFA) !== 0,
    approved: facts.approved || (set & APPROVED) !== 0,
  }
}

/** The policies that made the difference, where there was one: forbids lifted, or the permit gained. */
function turned(
  before: readonly OperationVerdict[],
  after: readonly OperationVerdict[],
): readonly Rule[] {
  const rules = new Set<Rule>()
  for (const [index, operation] of before.entries()) {
    for (const [party, verdict] of operation.verdicts.entries()) {
      const later = after[index]?.verdicts[party]
      if (later === undefined || isPermitted(verdict)) continue
      for (const rule of difference(verdict, later)) rules.add(rule)
    }
  }
  return [...rules]
}

function difference(before: Verdict, after: Verdict): readonly Rule[] {
  const gained = before.permits.length === 0 ? after.permits.slice(0, 1) : []
  return [...forbidding(before), ...gained]
}

function obligationsOf(bit: number, rules: readonly Rule[]): readonly Obligation[] {
  const policies = rules.map(rule => rule.id)
  if (bit === REASON) return [{ kind: 'justify', policies }]
  if (bit === MFA) return [{ kind: 'step-up', policies }]
  return approvals(rules)
}

/**
 * One approval for each set of approvers that the policies name: where two policies name different groups,
 * both have to say yes. A set that is within another's stands for both.
 */
function approvals(rules: readonly Rule[]): readonly Obligation[] {
  const bySize = [...rules].sort((a, b) => size(a) - size(b))
  const groups: {
    approvers: readonly string[]
    needs: readonly ApprovalNeed[] | undefined
    rules: Rule[]
  }[] = []
  for (const rule of bySize) {
    const { approvers, needs } = rule.annotations
    const same = groups.find(group =>
      needs === undefined && group.needs === undefined
        ? covers(group.approvers, approvers)
        : sameNeeds(group.needs, needs),
    )
    if (same) same.rules.push(rule)
    else groups.push({ approvers, needs, rules: [rule] })
  }
  return groups.map(({ approvers, needs, rules: members }) => ({
    kind: 'approve',
    approvers,
    quorum: Math.max(...members.map(rule => rule.annotations.quorum)),
    ...(needs === undefined ? {} : { needs }),
    withinMs: Math.min(...members.map(rule => rule.annotations.withinMs)),
    message: reasons(members) || 'needs the approval of a person',
    policies: members.map(rule => rule.id),
  }))
}

/** So many of each group stands for nothing but itself. */
function sameNeeds(
  a: readonly ApprovalNeed[] | undefined,
  b: readonly ApprovalNeed[] | undefined,
): boolean {
  const said = (needs: readonly ApprovalNeed[] = []) =>
    needs.map(({ groups, count }) => JSON.stringify([count, groups])).sort()
  return JSON.stringify(said(a)) === JSON.stringify(said(b))
}

/** "Whoever may approve" is a set of its own: nothing is known to be within it. */
function size(rule: Rule): number {
  return rule.annotations.approvers.length || Number.MAX_SAFE_INTEGER
}

/** True when a yes from one of `chosen` is also one from `wanted`. */
function covers(chosen: readonly string[], wanted: readonly string[]): boolean {
  if (chosen.length === 0 || wanted.length === 0) return chosen.length === wanted.length
  return chosen.every(group => wanted.includes(group))
}

/** The policies' own words, each once. */
export function reasons(rules: readonly Rule[]): string {
  const words = rules.flatMap(({ annotations }) => annotations.reason ?? [])
  return [...new Set(words)].join('; ')
}
