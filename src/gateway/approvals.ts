// A person in the loop: holds a statement, votes on it, and consumes an approval exactly once.
// Knows no wire: who waits is told through `Waiting`. Who may vote is decided in approvers.ts.
import {
  AccessDenied,
  type AccessRequest,
  type AuditEntry,
  type Decision,
  InvalidRequest,
  type Obligation,
  type Principal,
  type Resource,
  type Statement,
} from '#model'
import type { Requests } from '#services/access'
import { type Approver, whyNotApprover } from './approvers.ts'
import { digestOf } from './digest.ts'
import { principalEntry } from './evidence.ts'
import { type AskedOf, waitForPeople } from './hold.ts'
import type { Approve, Discharged } from './obligations/index.ts'
import type { Waiting } from './session.ts'

/** A person has to read it: more than this is no question to a person. Text and values together. */
const MOST_SHOWN_BYTES = 256 * 1024

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
  }) {
    this.#requests = parts.requests
    this.#append = parts.append
    this.#now = parts.now
    this.#hold = parts.hold
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
    const waitMs = this.#waitFor(held)
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
   * A vote. Throws InvalidRequest `not_allowed` for whoever may not: not a person, the one who asks, an
   * actor in its chain, an owner of the agent, somebody outside the approver groups, or whom a policy forbids
   * to approve. No exception for anybody.
   */
  async vote(
    approver: Principal,
    id: string,
    vote: 'approve' | 'deny',
    said: { reason?: string; maxRows?: number },
    rights: Approver,
  ): Promise<AccessRequest> {
    const request = await this.#requests.get(id)
    const why = whyNotApprover(approver, request, rights)
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
      ...(said.reason === undefined ? {} : { reason: oneLine(said.reason) }),
      ...(said.maxRows === undefined ? {} : { maxRows: said.maxRows }),
    })
    if (next.state !== 'pending')
      await this.#append(this.#entry('request.decided', next, { state: next.state }))
    return next
  }

  /** True when this principal may vote on the request: what lists show as "mine to decide". */
  mayVote(approver: Principal, request: AccessRequest, rights: Approver): boolean {
    return whyNotApprover(approver, request, rights) === undefined
  }

  /** The entry for a request that ended by the clock: nobody's act, and still evidence. */
  expired(request: AccessRequest): AuditEntry {
    return this.#entry('request.ended', request, { state: request.state })
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
      expiresAt: this.#now() + wanted.withinMs,
    })
    await this.#append(this.#entry('request.created', request, { policies: [...request.policies] }))
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
      throw new AccessDenied('approval_superseded', 'The policy changed after this was approved.', {
        ...about(requests),
        hint: 'Run the statement again to ask anew.',
      })
    }
    const used: AccessRequest[] = []
    for (const request of requests) used.push(await this.#use(request))
    const bounds = used.flatMap(({ maxRows }) => maxRows ?? [])
    return {
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
      await this.#append(this.#entry('request.consumed', used, {}))
      return used
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error
      // Another session of the same principal was first, or its time ended: one yes is one run.
      throw new AccessDenied(
        'approval_required',
        'The approval was used already, or its time is over.',
        {
          ...about([request]),
          hint: 'Run the statement again to ask anew.',
        },
      )
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
      await this.#append(this.#entry('request.ended', ended, { state: ended.state }))
    } catch (error) {
      // Safe: somebody decided, used or ended it at the same moment; whoever asks to end it runs nothing.
      if (!(error instanceof InvalidRequest)) throw error
    }
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

const isApproved = ({ state }: AccessRequest): boolean => state === 'approved'

/** False when one of the yeses is of somebody who, by the token of now, has a stake: owners and chains change. */
function isByOthers({ votes }: AccessRequest, principal: Principal): boolean {
  const stake = [principal.id, ...principal.actors.map(({ id }) => id), ...principal.owners]
  return votes.every(({ vote, approver }) => vote !== 'approve' || !stake.includes(approver))
}

/** True when a yes to this request is the yes that the policy asks for. */
function answers(
  request: AccessRequest,
  wanted: Extract<Obligation, { kind: 'approve' }>,
): boolean {
  return (
    request.quorum >= wanted.quorum &&
    request.approvers.length === wanted.approvers.length &&
    request.approvers.every(group => wanted.approvers.includes(group))
  )
}

function refuseWhatNobodyCanRead({ text, parameters }: Statement): void {
  let bytes = Buffer.byteLength(text)
  for (const { value } of parameters ?? []) bytes += value?.byteLength ?? 0
  if (bytes <= MOST_SHOWN_BYTES) return
  throw new AccessDenied(
    'statement_too_large',
    `A person has to read this: it may have ${MOST_SHOWN_BYTES / 1024} KiB at most, values included.`,
    { hint: 'Split it.' },
  )
}

function retryLater(requests: readonly AccessRequest[]): AccessDenied {
  const open = requests.filter(request => !isApproved(request))
  const expiresAt = Math.min(...requests.map(request => request.expiresAt))
  const until = new Date(expiresAt).toISOString().slice(0, 19).replace('T', ' ')
  const policies = [...new Set(open.flatMap(request => request.policies))]
  return new AccessDenied(
    'approval_required',
    [...new Set(open.map(request => request.message))].join('; '),
    {
      ...about(open),
      retryBefore: expiresAt,
      detail: `request: ${open.map(({ id }) => id).join(', ')}; policies: ${policies.join(', ')}`,
      hint: `Once it is approved, retry the identical statement before ${until} UTC.`,
    },
  )
}

function cancelled(requests: readonly AskedOf[]): AccessDenied {
  return new AccessDenied('session_ended', 'The wait was cancelled.', about(requests))
}

function refusal(request: AccessRequest): AccessDenied {
  if (request.state === 'denied') {
    const said = request.votes.find(vote => vote.vote === 'deny')?.reason
    return new AccessDenied(
      'approval_denied',
      said ? `Denied by a person: ${said}` : 'Denied by a person.',
      about([request]),
    )
  }
  return new AccessDenied('approval_required', `The request is ${request.state}.`, {
    ...about([request]),
    hint: 'Run the statement again to ask anew.',
  })
}

function about([first]: readonly AskedOf[]): { requestId?: string } {
  return first === undefined ? {} : { requestId: first.id }
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

/** Words of a person that go into other people's terminals and into the messages of a wire: no controls. */
export function oneLine(words: string): string {
  return words.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
