// A person in the loop: holds a statement, votes on it, and consumes an approval exactly once.
import type { Facts, SessionPolicies } from '#engines/policy'
import {
  AccessDenied,
  type AccessRequest,
  type AuditEntry,
  type Decision,
  GatewayError,
  InvalidRequest,
  type Obligation,
  type Principal,
  type Resource,
  type Statement,
} from '#model'
import type { Requests } from '#services/access'
import { digestOf } from './digest.ts'
import { principalEntry } from './evidence.ts'
import type { Discharged } from './obligations/index.ts'
import type { Waiting } from './session.ts'

const REMINDER_MS = 10_000

export interface HoldTimes {
  readonly user: number
  readonly agent: number
  readonly transaction: number
}

/** What a held statement is asked with. */
export interface Held {
  readonly session: string
  readonly principal: Principal
  readonly resource: Resource
  readonly statement: Statement
  readonly reason: string | undefined
  readonly obligation: Extract<Obligation, { kind: 'approve' }>
  readonly waiting: Waiting
  /** Ends the wait when the session must end. */
  readonly signal: AbortSignal
  /** The decision once a person's yes is a fact: the policy of that moment. */
  decideApproved(): Decision
}

export class Approvals {
  readonly #requests: Requests
  readonly #append: (entry: AuditEntry) => Promise<void>
  readonly #now: () => number
  readonly #hold: (resource: string) => HoldTimes

  constructor(parts: {
    requests: Requests
    /** Puts an entry in the log and resolves when it is durable. */
    append: (entry: AuditEntry) => Promise<void>
    now: () => number
    hold: (resource: string) => HoldTimes
  }) {
    this.#requests = parts.requests
    this.#append = parts.append
    this.#now = parts.now
    this.#hold = parts.hold
  }

  /**
   * Resolves when the statement may run: an approval for exactly this asking was consumed. Rejects with
   * AccessDenied: denied, or not decided in time (a late yes then serves the identical retry).
   */
  async hold(held: Held): Promise<Discharged> {
    const digest = digestOf(held.principal, held.resource, held.statement)
    const known = await this.#requests.findFor(digest, held.principal.id)
    if (known?.state === 'approved') return this.#consume(known, held)
    const request = known ?? (await this.#create(digest, held))
    const waitMs = this.#waitFor(held)
    if (waitMs <= 0) throw this.#retryLater(request)
    const decided = await this.#wait(request, held, waitMs)
    if (decided.state === 'approved') return this.#consume(decided, held)
    if (decided.state === 'pending') throw this.#retryLater(decided)
    throw refusal(decided)
  }

  /**
   * A vote. Throws InvalidRequest `not_allowed` for whoever may not: not a person, the one who asks, an
   * actor in its chain, an owner of the agent, somebody outside the approver groups. No exception for anybody.
   */
  async vote(
    approver: Principal,
    id: string,
    vote: 'approve' | 'deny',
    said: { reason?: string; maxRows?: number },
    policies: (request: AccessRequest) => { policies: SessionPolicies; facts: Facts },
  ): Promise<AccessRequest> {
    const request = await this.#requests.get(id)
    const why = whyNotApprover(approver, request, policies)
    if (why !== undefined) {
      await this.#append(
        this.#entry('request.voted', request, { by: principalEntry(approver), vote, refused: why }),
      )
      throw new InvalidRequest('not_allowed', why)
    }
    // On record before it counts: a crash in between leaves a vote that did not count, never the reverse.
    await this.#append(
      this.#entry('request.voted', request, {
        by: principalEntry(approver),
        vote,
        ...(said.maxRows === undefined ? {} : { maxRows: said.maxRows }),
      }),
    )
    const next = await this.#requests.apply(id, {
      kind: 'vote',
      vote,
      approver: approver.id,
      approvedForMs: request.expiresAt - request.createdAt,
      ...(said.reason === undefined ? {} : { reason: said.reason }),
      ...(said.maxRows === undefined ? {} : { maxRows: said.maxRows }),
    })
    if (next.state !== 'pending')
      await this.#append(this.#entry('request.decided', next, { state: next.state }))
    return next
  }

  /** True when this principal may vote on the request: what lists show as "mine to decide". */
  mayVote(
    approver: Principal,
    request: AccessRequest,
    policies: (request: AccessRequest) => { policies: SessionPolicies; facts: Facts },
  ): boolean {
    return whyNotApprover(approver, request, policies) === undefined
  }

  async #create(digest: string, held: Held): Promise<AccessRequest> {
    const { principal, statement, obligation, resource } = held
    const { operations } = statement
    const request = await this.#requests.create({
      digest,
      resource: resource.name,
      protocol: resource.protocol,
      session: held.session,
      principal: principal.id,
      principalKind: principal.kind,
      ...(principal.actors[0] === undefined ? {} : { actor: principal.actors[0].id }),
      excluded: [principal.id, ...principal.actors.map(actor => actor.id), ...principal.owners],
      statement: statement.text,
      parameters: (statement.parameters ?? []).map(parameterText),
      objects: [...new Set(operations.map(operation => operation.object.name))],
      verbs: [...new Set(operations.map(operation => operation.verb))],
      flags: [...new Set(operations.flatMap(operation => operation.flags))],
      message: obligation.message,
      policies: obligation.policies,
      ...(held.reason === undefined ? {} : { reason: held.reason }),
      approvers: obligation.approvers,
      quorum: obligation.quorum,
      expiresAt: this.#now() + obligation.withinMs,
    })
    await this.#append(this.#entry('request.created', request, { policies: [...request.policies] }))
    return request
  }

  /** Uses the approval up. The policy is asked again first: a new deny wins over an old yes. */
  async #consume(request: AccessRequest, held: Held): Promise<Discharged> {
    const decision = held.decideApproved()
    const permitted =
      decision.effect === 'permit' && decision.obligations.every(each => each.kind === 'limit')
    if (!permitted) {
      await this.#requests.apply(request.id, { kind: 'supersede' })
      await this.#append(this.#entry('request.ended', request, { state: 'superseded' }))
      throw new AccessDenied('approval_superseded', 'The policy changed after this was approved.', {
        requestId: request.id,
        hint: 'Run the statement again to ask anew.',
      })
    }
    const used = await this.#requests.apply(request.id, { kind: 'consume' })
    await this.#append(this.#entry('request.consumed', used, {}))
    return {
      approval: {
        request: used.id,
        approvers: used.votes.filter(vote => vote.vote === 'approve').map(vote => vote.approver),
      },
      ...(used.maxRows === undefined ? {} : { maxRows: used.maxRows }),
      ...limitsOf(decision),
    }
  }

  #waitFor(held: Held): number {
    const hold = this.#hold(held.resource.name)
    const byKind =
      held.principal.kind === 'agent' || held.principal.actors.length > 0 ? hold.agent : hold.user
    return held.statement.inTransaction === true ? Math.min(byKind, hold.transaction) : byKind
  }

  #wait(request: AccessRequest, held: Held, waitMs: number): Promise<AccessRequest> {
    const approvers =
      request.approvers.length > 0 ? `group ${request.approvers.join(' or ')}` : 'an approver'
    const say = (): void =>
      held.waiting.notify(
        `${request.message.replace(/[.!?]?$/, '.')} Waiting for ${approvers}: request ${request.id}.`,
      )
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timeout)
        clearInterval(reminder)
        unsubscribe()
        held.waiting.signal.removeEventListener('abort', cancel)
        held.signal.removeEventListener('abort', cancel)
      }
      const cancel = (): void => {
        stop()
        this.#cancel(request).then(
          () =>
            reject(
              new AccessDenied('session_ended', 'The wait was cancelled.', {
                requestId: request.id,
              }),
            ),
          reject,
        )
      }
      const timeout = setTimeout(() => {
        stop()
        this.#requests.get(request.id).then(resolve, reject)
      }, waitMs)
      const reminder = setInterval(say, REMINDER_MS)
      const unsubscribe = this.#requests.onChange(changed => {
        if (changed.id !== request.id || changed.state === 'pending') return
        stop()
        resolve(changed)
      })
      if (held.waiting.signal.aborted || held.signal.aborted) return cancel()
      held.waiting.signal.addEventListener('abort', cancel)
      held.signal.addEventListener('abort', cancel)
      say()
      // It may have been decided between finding it and listening.
      this.#requests.get(request.id).then(current => {
        if (current.state === 'pending') return
        stop()
        resolve(current)
      }, reject)
    })
  }

  async #cancel(request: AccessRequest): Promise<void> {
    try {
      const ended = await this.#requests.apply(request.id, { kind: 'cancel' })
      await this.#append(this.#entry('request.ended', ended, { state: ended.state }))
    } catch (error) {
      // Safe: somebody decided it at the same moment; the waiter left either way and nothing runs.
      if (!(error instanceof GatewayError)) throw error
    }
  }

  #retryLater(request: AccessRequest): AccessDenied {
    const until = new Date(request.expiresAt).toISOString().slice(0, 19).replace('T', ' ')
    return new AccessDenied('approval_required', request.message, {
      requestId: request.id,
      retryBefore: request.expiresAt,
      detail: `request: ${request.id}; policies: ${request.policies.join(', ')}`,
      hint: `Once it is approved, retry the identical statement before ${until} UTC.`,
    })
  }

  #entry(
    kind: AuditEntry['kind'],
    request: AccessRequest,
    details: AuditEntry['details'],
  ): AuditEntry {
    return {
      kind,
      session: request.session,
      target: { resource: request.resource, protocol: request.protocol },
      details: {
        request: request.id,
        digest: request.digest,
        principal: request.principal,
        ...details,
      },
    }
  }
}

function whyNotApprover(
  approver: Principal,
  request: AccessRequest,
  policies: (request: AccessRequest) => { policies: SessionPolicies; facts: Facts },
): string | undefined {
  if (approver.kind !== 'user' || approver.actors.length > 0) return 'Only a person may approve.'
  if (request.excluded.includes(approver.id)) {
    return 'Nobody may approve what they, or an agent of theirs, ask for.'
  }
  if (request.approvers.length > 0) {
    if (request.approvers.some(group => approver.groups.includes(group))) return undefined
    return `Only group ${request.approvers.join(' or ')} may approve this.`
  }
  const asked = policies(request)
  return asked.policies.mayApprove(asked.facts)
    ? undefined
    : 'No policy lets you approve on this resource.'
}

function refusal(request: AccessRequest): AccessDenied {
  const said = request.votes.find(vote => vote.vote === 'deny')?.reason
  if (request.state === 'denied') {
    return new AccessDenied(
      'approval_denied',
      said ? `Denied by a person: ${said}` : 'Denied by a person.',
      {
        requestId: request.id,
      },
    )
  }
  return new AccessDenied('approval_required', `The request is ${request.state}.`, {
    requestId: request.id,
    hint: 'Run the statement again to ask anew.',
  })
}

function limitsOf(decision: Decision): Discharged {
  const limit = decision.obligations.find(each => each.kind === 'limit')
  if (limit === undefined) return {}
  return {
    limit: {
      ...(limit.rows === undefined ? {} : { rows: limit.rows }),
      ...(limit.bytes === undefined ? {} : { bytes: limit.bytes }),
    },
  }
}

/** A bound value for a person's eyes; binary ones as hex. */
function parameterText(parameter: NonNullable<Statement['parameters']>[number]): string | null {
  if (parameter.value === null) return null
  const bytes = Buffer.from(parameter.value)
  return parameter.format === 'text' ? bytes.toString('utf8') : `\\x${bytes.toString('hex')}`
}
