// Who may vote on a held statement. Hard rules first, then the groups that the policy names, or whoever Cedar
// permits to approve; a Cedar policy that forbids `approve` wins over both.
import type { Facts, Judged, SessionPolicies } from '#engines/policy'
import {
  type AccessRequest,
  type Action,
  type ApprovalTerms,
  askedFor,
  type Decision,
  type Operation,
  type Principal,
  type ReviewRequest,
  type TimeRequest,
} from '#model'

/** What the policies say of the approver on the request's resource, at this moment. */
export type Approver = (request: AccessRequest) => {
  readonly policies: SessionPolicies
  readonly facts: Facts
}

/** True for whoever may not answer what this principal asks: itself, an actor in its chain, an owner. */
export function hasStake(id: string, principal: Principal): boolean {
  return (
    id === principal.id ||
    principal.owners.includes(id) ||
    principal.actors.some(actor => actor.id === id)
  )
}

/** True when a yes on these terms is the yes that the policy asks for. */
export function answers(given: ApprovalTerms, wanted: ApprovalTerms): boolean {
  return (
    given.quorum >= wanted.quorum &&
    given.approvers.length === wanted.approvers.length &&
    given.approvers.every(group => wanted.approvers.includes(group)) &&
    JSON.stringify(given.needs ?? []) === JSON.stringify(wanted.needs ?? [])
  )
}

/**
 * Which of the request's needs a yes of this approver can count for, by their place; undefined where it has none.
 * A need without groups is met by whom Cedar permits to approve.
 */
export function countsFor(
  approver: Principal,
  request: AccessRequest,
  rights: Approver,
): readonly number[] | undefined {
  return request.needs?.flatMap(({ groups }, place) => {
    const fits =
      groups.length > 0
        ? groups.some(group => approver.groups.includes(group))
        : mayApprove(rights, request)
    return fits ? [place] : []
  })
}

function mayApprove(rights: Approver, request: AccessRequest): boolean {
  const { policies, facts } = rights(request)
  return policies.mayApprove(facts, heldOf(request))
}

/** Undefined when the vote counts, else why not. */
export function whyNotApprover(
  approver: Principal,
  request: AccessRequest,
  rights: Approver,
): string | undefined {
  // A service that configuration names decides by rule, and counts where a policy says so.
  const service = approver.credential.kind === 'channel'
  const person = approver.kind === 'user' && approver.actors.length === 0
  if (!service && !person) return 'Only a person may approve.'
  if (request.excluded.includes(approver.id)) {
    return 'Nobody may approve what they, or an agent of theirs, ask for.'
  }
  const held = heldOf(request)
  const { policies, facts } = rights(request)
  if (service || facts.channel !== undefined) {
    if (facts.channel === undefined || !byChannel(policies, facts, held)) {
      return 'No policy lets you decide this from outside the console.'
    }
    if (service && request.approvers.length === 0) return forbidden(policies, facts, held)
  }
  if (request.approvers.length === 0) {
    return policies.mayApprove(facts, held)
      ? undefined
      : 'No policy lets you approve on this resource.'
  }
  const counts = countsFor(approver, request, rights)
  const isMember = request.approvers.some(group => approver.groups.includes(group))
  if (counts === undefined ? !isMember : counts.length === 0)
    return `Only group ${request.approvers.join(' or ')} may approve this.`
  return forbidden(policies, facts, held)
}

/** What came through a channel counts where a policy permits just that: the console and the CLI are the reference. */
function byChannel(policies: SessionPolicies, facts: Facts, held: Judged): boolean {
  const { effect, obligations } = asked(policies, facts, held, 'approve_by_channel')
  return effect === 'permit' && obligations.every(({ kind }) => kind === 'limit')
}

function asked(
  policies: SessionPolicies,
  facts: Facts,
  held: Judged,
  action: 'approve' | 'approve_by_channel',
): Decision {
  const operations = held.operations.map(operation => ({
    ...operation,
    // Not an action of statements, but one of Cedar's schema: decided by the same engine.
    action: action as Action,
    object: { name: '', kind: 'resource' },
  }))
  return policies.decide({ ...held, operations }, facts)
}

/**
 * Membership of a named group is the permit; what Cedar forbids, or still asks for (a second factor), holds
 * all the same. Why, when it does.
 */
function forbidden(policies: SessionPolicies, facts: Facts, held: Judged): string | undefined {
  const decision = asked(policies, facts, held, 'approve')
  if (decision.effect === 'deny') {
    return decision.code === 'no_permit'
      ? undefined
      : `You may not approve this: ${decision.message}`
  }
  const missing = decision.obligations.find(({ kind }) => kind !== 'limit')
  if (missing === undefined) return undefined
  return missing.kind === 'step-up'
    ? 'To approve this you have to sign in with a second factor.'
    : `A policy asks for more before you approve this (${missing.kind}).`
}

/** The held statement, as far as it was kept. Older requests tell only what they touch. */
function heldOf(request: AccessRequest): Judged {
  if (request.kind !== 'statement') return aboutTheResource(request)
  const { operations = [], functions = [], statement } = request
  return {
    text: statement,
    operations: operations.length > 0 ? operations : [onResource('connect', '')],
    functions,
    phase: 'execute',
  }
}

/** No statement is held: what policies may tell apart is the verb. */
function aboutTheResource(request: TimeRequest | ReviewRequest): Judged {
  const operations =
    request.kind === 'review'
      ? [onResource('connect', 'REVIEW')]
      : request.actions.map(action => onResource(action as Action, 'ACCESS'))
  return { text: askedFor(request), operations, functions: [], phase: 'execute' }
}

function onResource(action: Action, verb: string): Operation {
  return { action, verb, object: { name: '', kind: 'resource' }, columns: [], flags: [] }
}
