// Votes on held statements, by the one gate that every channel uses. Who may vote is decided in rights/approvers.ts,
// what a vote leads to by the request's own machine.
import {
  type AccessRequest,
  type AuditEntry,
  InvalidRequest,
  type JsonObject,
  type Principal,
  type TimeRequest,
  type TimeTerms,
} from '#model'
import type { Requests } from '#services/access'
import { oneLine, principalEntry, requestEntry } from '../record/index.ts'
import { type Approver, countsFor, whyNotApprover } from '../rights/index.ts'
import { previewHash } from './previews.ts'

/** What goes with a vote. */
export interface Said {
  readonly reason?: string
  /** Of a statement. */
  readonly maxRows?: number
  /** Of a right for a time: less than was asked for, or longer. */
  readonly terms?: Partial<TimeTerms>
}

export class Voting {
  readonly #requests: Requests
  readonly #append: (entry: AuditEntry) => Promise<void>
  readonly #granted: (request: TimeRequest) => Promise<unknown>

  constructor(parts: {
    requests: Requests
    /** Puts an entry in the log and resolves when it is durable. */
    append: (entry: AuditEntry) => Promise<void>
    /** A right for a time was approved: it is made. */
    granted: (request: TimeRequest) => Promise<unknown>
  }) {
    this.#requests = parts.requests
    this.#append = parts.append
    this.#granted = parts.granted
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
    said: Said,
    rights: Approver,
  ): Promise<AccessRequest> {
    const request = await this.#requests.get(id)
    refuseWhatDoesNotFit(request, said)
    const why = whyNotApprover(approver, request, rights)
    const by = principalEntry(approver)
    const { channel } = rights(request).facts
    const through = channel === undefined ? {} : { channel }
    if (why !== undefined) {
      await this.#append(
        requestEntry('request.voted', request, { by, vote, ...through, refused: why }),
      )
      throw new InvalidRequest('not_allowed', why)
    }
    // On record before it counts: a crash in between leaves a vote that did not count, never the reverse.
    await this.#append(
      requestEntry('request.voted', request, {
        by,
        vote,
        ...through,
        ...(said.maxRows === undefined ? {} : { maxRows: said.maxRows }),
        ...(said.terms === undefined ? {} : { terms: termsEntry(said.terms) }),
        // What there was to be seen.
        ...(request.kind === 'statement' && request.preview !== undefined
          ? { preview: previewHash(request.preview) }
          : {}),
      }),
    )
    const counts = countsFor(approver, request, rights)
    const next = await this.#requests.apply(id, {
      kind: 'vote',
      vote,
      approver: approver.id,
      approvedForMs: request.expiresAt - request.createdAt,
      ...(counts === undefined ? {} : { counts }),
      ...(said.terms === undefined ? {} : { terms: said.terms }),
      ...(said.reason === undefined ? {} : { reason: oneLine(said.reason) }),
      ...(said.maxRows === undefined ? {} : { maxRows: said.maxRows }),
    })
    if (next.state !== 'pending') {
      const terms = next.kind === 'time' && next.state === 'approved' ? next.approved : undefined
      const bound =
        next.kind === 'statement' && next.maxRows !== undefined ? { maxRows: next.maxRows } : {}
      await this.#append(
        requestEntry('request.decided', next, {
          state: next.state,
          ...bound,
          ...(terms === undefined ? {} : { terms: termsEntry(terms) }),
        }),
      )
    }
    if (next.kind === 'time' && next.state === 'approved') await this.#granted(next)
    return next
  }

  /** True when this principal may vote on the request: what lists show as "mine to decide". */
  mayVote(approver: Principal, request: AccessRequest, rights: Approver): boolean {
    return whyNotApprover(approver, request, rights) === undefined
  }
}

function refuseWhatDoesNotFit({ kind }: AccessRequest, { maxRows, terms }: Said): void {
  if (kind === 'review')
    throw new InvalidRequest('request_conflict', 'A review is closed with a note, not by a vote.')
  if (kind === 'statement' ? terms !== undefined : maxRows !== undefined)
    throw new InvalidRequest(
      'request_invalid',
      kind === 'statement'
        ? 'A statement has no time, actions or sessions to bound.'
        : 'A right for a time has no rows to bound.',
    )
}

function termsEntry({ actions, seconds, uses }: Partial<TimeTerms>): JsonObject {
  return {
    ...(actions === undefined ? {} : { actions: [...actions] }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(uses === undefined ? {} : { uses }),
  }
}
