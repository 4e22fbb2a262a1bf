// A person in the loop: holds a statement, and consumes an approval exactly once. Knows no wire: who waits is
// told through `Waiting`. Votes are cast in voting.ts.
import {
  type AccessRequest,
  type AuditEntry,
  type Decision,
  InvalidRequest,
  type Principal,
  type Resource,
  type Statement,
} from '#model'
import type { Requests } from '#services/access'
import type { Approve, Discharged } from '../obligations/index.ts'
import type { Waiting } from '../protocol/index.ts'
import { requestEntry } from '../record/index.ts'
import { answers, hasStake } from '../rights/index.ts'
import { digestOf } from './digest.ts'
import { waitForPeople } from './hold.ts'
import type { Previews } from './previews.ts'
import {
  cancelled,
  refusal,
  refuseWhatNobodyCanRead,
  retryLater,
  superseded,
  usedUp,
} from './refusals.ts'

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
  readonly obligations: readonly Approve[]
  readonly waiting: Waiting
  /** Ends the wait when the session must end. */
  readonly signal: AbortSignal
  /** The decision by the policy of that moment, with or without a person's yes. */
  decide(approved: boolean): Decision
}

export class Approvals {
  readonly #requests: Requests
  readonly #append: (entry: AuditEntry) => Promise<void>
  readonly #now: () => number
  readonly #hold: (resource: string) => HoldTimes
  readonly #previews: Pick<Previews, 'ask'>
  /** Sessions that wait, by request: who leaves withdraws only what nobody else waits for. */
  readonly #waiters = new Map<string, number>()
  readonly #holding = new Set<Promise<void>>()
  /** Askings that are being made: the same one from two sessions is one request. */
  readonly #asking = new Map<string, Promise<AccessRequest>>()

  constructor(parts: {
    requests: Requests
    /** Puts an entry in the log and resolves when it is durable. */
    append: (entry: AuditEntry) => Promise<void>
    now: () => number
    hold: (resource: string) => HoldTimes
    previews: Pick<Previews, 'ask'>
  }) {
    this.#requests = parts.requests
    this.#append = parts.append
    this.#now = parts.now
    this.#hold = parts.hold
    this.#previews = parts.previews
  }

  /**
   * Resolves when the statement may run: approvals for exactly this asking were consumed. Rejects with
   * AccessDenied: denied, or not decided in time (a late yes then serves the identical retry).
   */
  hold(held: Held): Promise<Discharged> {
    const holding = this.#holdUntilDecided(held)
    const settled = holding.then(
      () => {},
      () => {},
    )
    this.#holding.add(settled)
    void settled.then(() => this.#holding.delete(settled))
    return holding
  }

  /** Resolves when no wait is left: what was withdrawn by a stop is stored then. */
  async settled(): Promise<void> {
    await Promise.all(this.#holding)
  }

  async #holdUntilDecided(held: Held): Promise<Discharged> {
    refuseWhatNobodyCanRead(held.statement)
    const digest = digestOf(held.principal, held.resource, held.statement)
    const known = await this.#current(digest, held)
    const requests = await Promise.all(
      held.obligations.map(
        wanted => known.find(each => answers(each, wanted)) ?? this.#ask(digest, held, wanted),
      ),
    )
    if (requests.every(isApproved)) return this.#consume(requests, held)
    const waitMs = Math.min(this.#waitFor(held), held.waiting.mostMs ?? Infinity)
    if (waitMs <= 0) throw retryLater(requests)
    for (const { id } of requests) this.#waiters.set(id, (this.#waiters.get(id) ?? 0) + 1)
    let decided: readonly AccessRequest[]
    try {
      decided = await waitForPeople(this.#requests, requests, {
        waitMs,
        waiting: held.waiting,
        signal: held.signal,
        now: this.#now,
      })
    } finally {
      for (const { id } of requests) this.#leave(id)
    }
    if (held.waiting.signal.aborted || held.signal.aborted) {
      await this.#withdraw(decided)
      throw cancelled(decided)
    }
    if (decided.every(isApproved)) return this.#consume(decided, held)
    const refused = decided
      .map(request => this.#asOfNow(request))
      .find(({ state }) => state !== 'pending' && state !== 'approved')
    if (refused === undefined) throw retryLater(decided)
    await this.#withdraw(decided)
    throw refusal(refused)
  }

  /**
   * What is open or approved for this asking and still fits what the policy asks for now. What was asked of
   * other people than the policy names today can no longer be used: it is superseded.
   */
  async #current(digest: string, held: Held): Promise<readonly AccessRequest[]> {
    const found = await this.#requests.findFor(digest, held.principal.id)
    const fits = (request: AccessRequest): boolean =>
      held.obligations.some(wanted => answers(request, wanted))
    for (const request of found) if (!fits(request)) await this.#end(request, 'supersede')
    return found.filter(fits)
  }

  #ask(digest: string, held: Held, wanted: Approve): Promise<AccessRequest> {
    const key = JSON.stringify([digest, held.principal.id, wanted])
    const running = this.#asking.get(key)
    if (running !== undefined) return running
    const asking = this.#create(digest, held, wanted).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  async #create(digest: string, held: Held, wanted: Approve): Promise<AccessRequest> {
    const { principal, statement, resource } = held
    const { operations } = statement
    const request = await this.#requests.create({
      kind: 'statement',
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
      operations,
      functions: statement.functions,
      message: wanted.message,
      policies: wanted.policies,
      ...(held.reason === undefined ? {} : { reason: held.reason }),
      approvers: wanted.approvers,
      quorum: wanted.quorum,
      ...(wanted.needs === undefined ? {} : { needs: wanted.needs }),
      expiresAt: this.#now() + wanted.withinMs,
    })
    await this.#append(
      requestEntry('request.created', request, { policies: [...request.policies] }),
    )
    this.#previews.ask(request, resource, statement, held.waiting)
    return request
  }

  /** Uses the approvals up. The policy is asked again first: what it says now wins over an old yes. */
  async #consume(requests: readonly AccessRequest[], held: Held): Promise<Discharged> {
    const decision = held.decide(true)
    const still = held.decide(false).obligations.filter(each => each.kind === 'approve')
    const fits =
      decision.effect === 'permit' &&
      decision.obligations.every(each => each.kind === 'limit') &&
      still.every(wanted => requests.some(request => answers(request, wanted))) &&
      requests.every(request => isByOthers(request, held.principal))
    if (!fits) {
      for (const request of requests) await this.#end(request, 'supersede')
      throw superseded(requests)
    }
    const used: AccessRequest[] = []
    for (const request of requests) used.push(await this.#use(request))
    const bounds = used.flatMap(each => (each.kind === 'statement' ? (each.maxRows ?? []) : []))
    return {
      decision,
      approval: {
        request: used.map(({ id }) => id).join(' '),
        approvers: used.flatMap(({ votes }) =>
          votes.filter(({ vote }) => vote === 'approve').map(({ approver }) => approver),
        ),
      },
      ...(bounds.length === 0 ? {} : { maxRows: Math.min(...bounds) }),
      ...limitsOf(decision),
    }
  }

  async #use(request: AccessRequest): Promise<AccessRequest> {
    try {
      const used = await this.#requests.apply(request.id, { kind: 'consume' })
      await this.#append(requestEntry('request.consumed', used))
      return used
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error
      // Another session of the same principal was first, or its time ended: one yes is one run.
      throw usedUp(request)
    }
  }

  /** Its row says `pending` until somebody looks: the clock counts. */
  #asOfNow(request: AccessRequest): AccessRequest {
    const over = request.state === 'pending' && request.expiresAt <= this.#now()
    return over ? { ...request, state: 'expired' } : request
  }

  #waitFor(held: Held): number {
    const hold = this.#hold(held.resource.name)
    const byKind =
      held.principal.kind === 'agent' || held.principal.actors.length > 0 ? hold.agent : hold.user
    return held.statement.inTransaction === true ? Math.min(byKind, hold.transaction) : byKind
  }

  #leave(id: string): void {
    const left = (this.#waiters.get(id) ?? 1) - 1
    if (left > 0) this.#waiters.set(id, left)
    else this.#waiters.delete(id)
  }

  /** Takes back what waits for a person and for nobody else. */
  async #withdraw(requests: readonly AccessRequest[]): Promise<void> {
    for (const request of requests) {
      if (request.state === 'pending' && !this.#waiters.has(request.id))
        await this.#end(request, 'cancel')
    }
  }

  async #end(request: AccessRequest, kind: 'cancel' | 'supersede'): Promise<void> {
    try {
      const ended = await this.#requests.apply(request.id, { kind })
      await this.#append(requestEntry('request.ended', ended, { state: ended.state }))
    } catch (error) {
      // Safe: somebody decided, used or ended it at the same moment; whoever asks to end it runs nothing.
      if (!(error instanceof InvalidRequest)) throw error
    }
  }
}

const isApproved = ({ state }: AccessRequest): boolean => state === 'approved'

/** False when one of the yeses is of somebody who, by the token of now, has a stake: owners and chains change. */
function isByOthers({ votes }: AccessRequest, principal: Principal): boolean {
  return votes.every(({ vote, approver }) => vote !== 'approve' || !hasStake(approver, principal))
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
