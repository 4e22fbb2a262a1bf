// Access requests on disk. Every change is a compare-and-set on the row's version, so that two approvers,
// two retries or two nodes can never both win. Who may vote is not known here (gateway/rights/approvers.ts).
import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import {
  AccessDenied,
  type AccessRequest,
  type AccessRequestState,
  InvalidRequest,
  type ReviewRequest,
  type StatementDigest,
  type StatementRequest,
  type TimeRequest,
} from '#model'
import { likenessOf, type Precedent } from './precedents.ts'
import { advance, type RequestEvent } from './request-machine.ts'
import type { AccessTables } from './tables.ts'

type Unmade<Kind> = Kind extends AccessRequest
  ? Omit<Kind, 'id' | 'state' | 'votes' | 'createdAt'>
  : never
export type NewRequest<Kind extends AccessRequest = AccessRequest> = Unmade<Kind>

export interface RequestFilter {
  readonly states?: readonly AccessRequestState[]
  readonly principal?: string
  /** Only those that were made before this one (an id): the next page. */
  readonly before?: string
  readonly limit: number
}

/** Of a resource's newest decided requests, so many are compared with one that waits. */
const MOST_COMPARED = 200

/** What one principal may leave for people to decide: more is noise that hides what matters. */
const MOST_PENDING = 100
/** And take back within an hour: people, and the channels that tell them, hear of each. */
const MOST_WITHDRAWN = 100
const WITHDRAWN_MS = 60 * 60_000

export class Requests {
  readonly #kysely: Kysely<AccessTables>
  readonly #now: () => number
  readonly #listeners = new Set<(request: AccessRequest) => void>()
  #creating: Promise<unknown> = Promise.resolve()

  constructor(kysely: Kysely<AccessTables>, now: () => number) {
    this.#kysely = kysely
    this.#now = now
  }

  /** Calls back after each change, with the request as it is now. */
  onChange(listener: (request: AccessRequest) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Throws AccessDenied `too_many_requests` when the principal has too many that wait. */
  create(fields: NewRequest): Promise<AccessRequest> {
    // One after the other: of many that come at once, none slips through between count and insert.
    const creating = this.#creating.then(() => this.#create(fields))
    // The next one's turn comes whatever became of this one; its caller sees the failure.
    this.#creating = creating.catch(() => undefined)
    return creating
  }

  async #create(fields: NewRequest): Promise<AccessRequest> {
    // What looks back at somebody is not theirs to crowd out.
    if (fields.kind !== 'review') await this.#refuseCrowds(fields.principal)
    const request: AccessRequest = {
      ...fields,
      id: `req-${randomBytes(6).toString('hex')}`,
      state: 'pending',
      votes: [],
      createdAt: this.#now(),
    }
    await this.#kysely
      .insertInto('access_requests')
      .values({
        id: request.id,
        state: request.state,
        digest: request.digest,
        principal: request.principal,
        resource: request.resource,
        created_at: request.createdAt,
        expires_at: request.expiresAt,
        body: JSON.stringify(request),
        version: 0,
        kind: request.kind,
      })
      .execute()
    this.#tell(request)
    return request
  }

  async get(id: string): Promise<AccessRequest> {
    const { request } = await this.#row(id)
    return request
  }

  /** Undefined when there is none. */
  async find(id: string): Promise<AccessRequest | undefined> {
    try {
      return await this.get(id)
    } catch (error) {
      // Safe: that there is none is the answer.
      if (error instanceof InvalidRequest) return undefined
      throw error
    }
  }

  /** Newest first. Requests whose time is over are shown as expired. */
  async list(filter: RequestFilter): Promise<readonly AccessRequest[]> {
    await this.expireDue()
    let query = this.#kysely
      .selectFrom('access_requests')
      .select('body')
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
    if (filter.states !== undefined) query = query.where('state', 'in', [...filter.states])
    if (filter.principal !== undefined) query = query.where('principal', '=', filter.principal)
    if (filter.before !== undefined) {
      const last = await this.get(filter.before)
      // As one value of two: an index answers it.
      query = query.where(sql<boolean>`(created_at, id) < (${last.createdAt}, ${last.id})`)
    }
    const rows = await query.limit(filter.limit).execute()
    return rows.map(row => parse(row.body))
  }

  /** The open and approved requests for exactly this asking whose time is not over; approved ones first. */
  async findFor(digest: StatementDigest, principal: string): Promise<readonly StatementRequest[]> {
    const rows = await this.#kysely
      .selectFrom('access_requests')
      .select('body')
      .where('digest', '=', digest)
      .where('principal', '=', principal)
      .where('state', 'in', ['pending', 'approved'])
      .where('expires_at', '>', this.#now())
      .orderBy('created_at', 'desc')
      .execute()
    const requests = rows.map(row => parse(row.body)).filter(each => each.kind === 'statement')
    return [
      ...requests.filter(request => request.state === 'approved'),
      ...requests.filter(request => request.state !== 'approved'),
    ]
  }

  /** The open request for exactly this right for a time. */
  async findTime(digest: StatementDigest, principal: string): Promise<TimeRequest | undefined> {
    const row = await this.#kysely
      .selectFrom('access_requests')
      .select('body')
      .where('digest', '=', digest)
      .where('principal', '=', principal)
      .where('state', '=', 'pending')
      .where('kind', '=', 'time')
      .where('expires_at', '>', this.#now())
      .executeTakeFirst()
    const found = row && parse(row.body)
    return found?.kind === 'time' ? found : undefined
  }

  /** Glasses that this principal broke there, and that nobody has looked at yet. */
  async openReviews(principal: string, resource: string): Promise<readonly ReviewRequest[]> {
    const rows = await this.#kysely
      .selectFrom('access_requests')
      .select('body')
      .where('principal', '=', principal)
      .where('state', '=', 'pending')
      .where('resource', '=', resource)
      .where('kind', '=', 'review')
      .execute()
    return rows.map(row => parse(row.body)).filter(each => each.kind === 'review')
  }

  /** Decided requests on the same resource that are like this one, newest first. */
  async precedents(asked: StatementRequest): Promise<readonly Precedent[]> {
    const rows = await this.#kysely
      .selectFrom('access_requests')
      .select('body')
      .where('resource', '=', asked.resource)
      .where('kind', '=', 'statement')
      .where('id', '!=', asked.id)
      .where('state', 'in', ['approved', 'consumed', 'denied', 'revoked'])
      .orderBy('created_at', 'desc')
      .limit(MOST_COMPARED)
      .execute()
    return rows.flatMap(row => {
      const request = parse(row.body)
      const likeness = request.kind === 'statement' ? likenessOf(asked, request) : undefined
      return likeness === undefined || request.kind !== 'statement' ? [] : [{ request, likeness }]
    })
  }

  /** Those in force whose right may not have been made yet: a crash can come between. */
  async inForce(): Promise<readonly TimeRequest[]> {
    const rows = await this.#kysely
      .selectFrom('access_requests')
      .select('body')
      .where('state', '=', 'approved')
      .where('kind', '=', 'time')
      .where('expires_at', '>', this.#now())
      .execute()
    return rows.map(row => parse(row.body)).filter(each => each.kind === 'time')
  }

  /** Applies an event. Throws InvalidRequest `request_unknown` or `request_conflict`. */
  async apply(id: string, event: RequestEvent): Promise<AccessRequest> {
    for (let attempt = 0; attempt < 5; attempt++) {
      const { request, version } = await this.#row(id)
      const next = advance(request, event, this.#now())
      const result = await this.#kysely
        .updateTable('access_requests')
        .set({
          state: next.state,
          expires_at: next.expiresAt,
          body: JSON.stringify(next),
          version: version + 1,
        })
        .where('id', '=', id)
        .where('version', '=', version)
        .executeTakeFirst()
      if (Number(result.numUpdatedRows) === 1) {
        this.#tell(next)
        return next
      }
      // Somebody else changed it first: judge the event against what it is now.
    }
    throw new InvalidRequest(
      'request_conflict',
      `Request ${id} is being changed by others; try again.`,
    )
  }

  /** Marks what has ended. */
  async expireDue(): Promise<void> {
    const due = await this.#kysely
      .selectFrom('access_requests')
      .select('id')
      .where('state', 'in', ['pending', 'approved'])
      .where('expires_at', '<=', this.#now())
      // No time ends a review.
      .where('kind', '!=', 'review')
      .execute()
    for (const { id } of due) {
      try {
        await this.apply(id, { kind: 'expire' })
      } catch (error) {
        if (!(error instanceof InvalidRequest)) throw error
        // Safe: it was decided or consumed in between, and an ended time refuses both anyway.
      }
    }
  }

  async #row(id: string): Promise<{ request: AccessRequest; version: number }> {
    const row = await this.#kysely
      .selectFrom('access_requests')
      .select(['body', 'version'])
      .where('id', '=', id)
      .executeTakeFirst()
    if (row === undefined)
      throw new InvalidRequest('request_unknown', `There is no request ${id.slice(0, 40)}.`)
    return { request: parse(row.body), version: Number(row.version) }
  }

  async #refuseCrowds(principal: string): Promise<void> {
    if ((await this.#pending(principal)) >= MOST_PENDING)
      throw new AccessDenied(
        'too_many_requests',
        `${MOST_PENDING} of your requests wait for a person already.`,
        { hint: 'Wait until some are decided, or let them expire.' },
      )
    if ((await this.#withdrawn(principal)) >= MOST_WITHDRAWN)
      throw new AccessDenied(
        'too_many_requests',
        `${MOST_WITHDRAWN} of your requests were taken back within an hour.`,
        { hint: 'Wait, and stay until somebody decides.' },
      )
  }

  async #withdrawn(principal: string): Promise<number> {
    const { count } = await this.#kysely
      .selectFrom('access_requests')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('principal', '=', principal)
      .where('created_at', '>', this.#now() - WITHDRAWN_MS)
      .where('state', '=', 'cancelled')
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async #pending(principal: string): Promise<number> {
    const { count } = await this.#kysely
      .selectFrom('access_requests')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('principal', '=', principal)
      .where('state', '=', 'pending')
      .where('kind', '!=', 'review')
      .where('expires_at', '>', this.#now())
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  #tell(request: AccessRequest): void {
    for (const listener of this.#listeners) listener(request)
  }
}

/** Our own writing: the schema is checked when it is built, not when it is read back. */
function parse(body: string): AccessRequest {
  const request = JSON.parse(body)
  // Written before there were other kinds.
  return request.kind === undefined ? { ...request, kind: 'statement' } : request
}
