// Asking for a right for a time. Whose yes it needs is what the policies ask for before one
// connects or does what is asked for; where they name nobody, whoever Cedar permits to approve.
import { createHash } from 'node:crypto'
import type { Facts, SessionPolicies } from '#engines/policy'
import {
  AccessDenied,
  type AccessRequest,
  type Action,
  type ApprovalNeed,
  type ApprovalTerms,
  type AuditEntry,
  InvalidRequest,
  type Origin,
  type Principal,
  type Resource,
  type TimeRequest,
  type TimeTerms,
} from '#model'
import type { Requests } from '#services/access'
import type { Inventory } from '#services/inventory'
import type { Approve } from '../obligations/index.ts'
import { askedName, oneLine, principalEntry, requestEntry, sourceEntry } from '../record/index.ts'
import { asked, holds, type Rights } from '../rights/index.ts'
import { AskingBound } from './asking-bound.ts'

/** Where no policy says how long a request stays open (`@within`). */
const WITHIN_MS = 8 * 60 * 60_000

export interface AskedTime extends TimeTerms {
  readonly resource: string
  readonly reason: string
}

/** What the policies say of a right that nobody has yet. */
export interface Prospect {
  /** Whose yes they ask for. */
  readonly wanted: readonly Approve[]
  readonly outlook: TimeRequest['outlook']
}

export interface TimeRequestsParts {
  readonly requests: Requests
  readonly inventory: Inventory
  readonly rights: Rights
  readonly append: (entry: AuditEntry) => Promise<void>
  readonly now: () => number
}

export class TimeRequests {
  readonly #parts: TimeRequestsParts
  readonly #bound = new AskingBound()

  constructor(parts: TimeRequestsParts) {
    this.#parts = parts
  }

  /** The request; the one that waits already when exactly this was asked for before. Throws AccessDenied. */
  async ask(principal: Principal, wish: AskedTime, origin: Origin): Promise<TimeRequest> {
    const { inventory, append, now } = this.#parts
    if (this.#bound.isOver(principal.id, now()))
      throw new AccessDenied('too_many_requests', 'You were refused too often within an hour.', {
        hint: 'Ask whoever runs the gateway what there is to ask for.',
      })
    const resource = inventory.get(wish.resource)
    try {
      // What is given to a person would be theirs alone, and not that of whoever acts for them.
      if (principal.actors.length > 0)
        throw new AccessDenied('not_allowed', 'A right is asked for in one’s own name.')
      if (resource === undefined)
        throw new AccessDenied(
          'resource_unknown',
          `There is no resource "${askedName(wish.resource)}" to ask for.`,
          { hint: 'Whoever runs the gateway knows its name.' },
        )
      const prospect = this.#prospect(principal, resource, wish, origin)
      return await this.#create(principal, resource, wish, prospect)
    } catch (error) {
      // Not passed over: who asks for what they may not have is on record.
      if (error instanceof AccessDenied) {
        this.#bound.refused(principal.id, now())
        await append({
          kind: 'request.refused',
          principal: principalEntry(principal),
          source: sourceEntry(origin),
          target: { resource: askedName(wish.resource) },
          decision: { effect: 'deny', code: error.code },
        })
      }
      throw error
    }
  }

  /** Only whoever asked takes it back. */
  async cancel(principal: Principal, id: string): Promise<AccessRequest> {
    const request = await this.#parts.requests.get(id)
    if (
      request.kind === 'review' ||
      request.principal !== principal.id ||
      request.principalKind !== principal.kind ||
      request.actor !== principal.actors[0]?.id
    )
      throw new InvalidRequest('not_allowed', 'Only whoever asked can take a request back.')
    const ended = await this.#parts.requests.apply(id, { kind: 'cancel' })
    await this.#parts.append(
      requestEntry('request.ended', ended, { by: principalEntry(principal), state: ended.state }),
    )
    return ended
  }

  /** Throws AccessDenied when the right would not let its holder in, InvalidRequest when nothing is missing. */
  #prospect(
    principal: Principal,
    resource: Resource,
    { actions, reason }: AskedTime,
    origin: Origin,
  ): Prospect {
    const { rights, now } = this.#parts
    const facts = { ...rights.factsFor(principal, origin), reason }
    const without = rights.policiesFor(principal, resource)
    const connects = holds(without.decide(asked('connect'), facts))
    if (connects && actions.every(action => holds(without.decide(asked(action as Action), facts))))
      throw new InvalidRequest('request_conflict', 'All of this is permitted to you already.')
    const withIt = rights.policiesWith(principal, resource, {
      id: 'asked',
      principal: principal.id,
      resource: resource.name,
      actions,
      createdAt: now(),
      expiresAt: now() + 1_000,
      approvedBy: [],
      reason,
    })
    refuseUseless(withIt, facts, resource)
    return {
      // A permit that waits for a yes is seen without the right, a forbid that waits for one with it.
      wanted: distinct(
        [without, withIt].flatMap(policies =>
          actions.flatMap(action => yesesFor(policies, action as Action, facts)),
        ),
      ),
      outlook: actions.map(action => ({
        action,
        effect: action === 'connect' ? 'permit' : outlookOf(withIt, action as Action, facts),
      })),
    }
  }

  async #create(
    principal: Principal,
    resource: Resource,
    wish: AskedTime,
    { wanted, outlook }: Prospect,
  ): Promise<TimeRequest> {
    const { requests, append, now } = this.#parts
    const { actions, seconds, uses } = wish
    const digest = digestOf(principal, resource, wish)
    const open = await requests.findTime(digest, principal.id)
    if (open !== undefined) return open
    const request = await requests.create({
      kind: 'time',
      digest,
      resource: resource.name,
      protocol: resource.protocol,
      principal: principal.id,
      principalKind: principal.kind,
      excluded: [principal.id, ...principal.owners],
      message:
        [...new Set(wanted.map(({ message }) => message))].join('; ') || 'a right for a time',
      policies: [...new Set(wanted.flatMap(({ policies }) => policies))],
      reason: oneLine(wish.reason),
      ...termsOf(wanted),
      ...(wanted.length === 0 ? {} : { answers: wanted.map(bare) }),
      actions,
      seconds,
      ...(uses === undefined ? {} : { uses }),
      outlook,
      expiresAt: now() + Math.min(...wanted.map(each => each.withinMs), WITHIN_MS),
    })
    if (request.kind !== 'time') throw new Error('a request for time became another')
    await append(
      requestEntry('request.created', request, {
        by: principalEntry(principal),
        policies: [...request.policies],
        actions: [...actions],
        seconds,
        ...(uses === undefined ? {} : { uses }),
      }),
    )
    return request
  }
}

/** A right that does not let its holder in is not asked for: a policy forbids it whoever says yes. */
function refuseUseless(withIt: SessionPolicies, facts: Facts, resource: Resource): void {
  const { effect, code, message, policies } = withIt.decide(asked('connect'), facts)
  if (effect === 'permit') return
  if (code !== 'forbidden' && code !== 'policy_error') {
    throw new AccessDenied('no_permit', 'Without "connect" you could not use it.', {
      hint: 'Ask for connect too: --actions connect,…',
    })
  }
  throw new AccessDenied(code, message, {
    detail: `resource: ${resource.name}; policies: ${policies.join(', ')}`,
  })
}

function yesesFor(policies: SessionPolicies, action: Action, facts: Facts): readonly Approve[] {
  const { effect, obligations } = policies.decide(asked(action), facts)
  return effect === 'permit' ? obligations.filter(each => each.kind === 'approve') : []
}

function outlookOf(
  withIt: SessionPolicies,
  action: Action,
  facts: Facts,
): TimeRequest['outlook'][number]['effect'] {
  const decision = withIt.decide(asked(action), facts)
  if (decision.effect === 'deny') return 'deny'
  return holds(decision) ? 'permit' : 'held'
}

function distinct(wanted: readonly Approve[]): readonly Approve[] {
  const known = new Map(wanted.map(each => [JSON.stringify(bare(each)), each]))
  return [...known.values()]
}

function bare({ approvers, quorum, needs }: Approve): ApprovalTerms {
  return { approvers, quorum, ...(needs === undefined ? {} : { needs }) }
}

/** One request asks everybody: what several policies want of different people are needs of it. */
function termsOf(wanted: readonly Approve[]): ApprovalTerms {
  const [first] = wanted
  if (first === undefined) return { approvers: [], quorum: 1 }
  if (wanted.length === 1) return bare(first)
  const needs: readonly ApprovalNeed[] = wanted.flatMap(
    each => each.needs ?? [{ groups: each.approvers, count: each.quorum }],
  )
  return {
    approvers: [...new Set(needs.flatMap(({ groups }) => groups))],
    quorum: needs.reduce((sum, { count }) => sum + count, 0),
    needs,
  }
}

function digestOf(
  principal: Principal,
  resource: Resource,
  { actions, seconds, uses }: TimeTerms,
): string {
  const asking = [
    'sallyport time digest v2',
    resource.name,
    resource.protocol,
    principal.issuer,
    principal.kind,
    principal.id,
    principal.actors[0]?.id ?? null,
    [...actions].sort(),
    seconds,
    uses ?? null,
  ]
  return createHash('sha256').update(JSON.stringify(asking)).digest('hex')
}
