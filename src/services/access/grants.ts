// Time-bound rights. A grant has an absolute end; revoking it is final.
import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type Grant, grantIdOf, InvalidRequest, type ReviewRequest, type TimeRequest } from '#model'
import type { AccessTables } from './tables.ts'

export class Grants {
  readonly #kysely: Kysely<AccessTables>
  readonly #now: () => number
  readonly #listeners = new Set<(grant: Grant) => void>()
  /** What holds now, by principal: opening a session must not wait for a query. */
  #live = new Map<string, Grant[]>()

  constructor(kysely: Kysely<AccessTables>, now: () => number) {
    this.#kysely = kysely
    this.#now = now
  }

  /** Reads what holds from disk. Call once before use. */
  async load(): Promise<void> {
    const rows = await this.#kysely
      .selectFrom('access_grants')
      .selectAll()
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', this.#now())
      .execute()
    this.#live = new Map()
    for (const row of rows) this.#keep(fromRow(row))
  }

  /** Calls back when a grant is created or revoked. Ends are the absolute time in the grant. */
  onChange(listener: (grant: Grant) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Those that came to their end since the last call, each once: for the record. */
  takeEnded(): readonly Grant[] {
    const now = this.#now()
    const ended: Grant[] = []
    for (const [principal, held] of this.#live) {
      const over = held.filter(grant => grant.expiresAt <= now)
      if (over.length === 0) continue
      ended.push(...over)
      const left = held.filter(grant => grant.expiresAt > now)
      if (left.length > 0) this.#live.set(principal, left)
      else this.#live.delete(principal)
    }
    return ended
  }

  /** Throws InvalidRequest `request_unknown`. */
  async get(id: string): Promise<Grant> {
    const found = await this.find(id)
    if (found !== undefined) return found
    throw new InvalidRequest('request_unknown', `There is no grant ${id.slice(0, 40)}.`)
  }

  /** Undefined when there is none. */
  async find(id: string): Promise<Grant | undefined> {
    const row = await this.#kysely
      .selectFrom('access_grants')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    return row && fromRow(row)
  }

  /** The grants of a principal on a resource that hold now. */
  holding(principal: string, resource: string): readonly Grant[] {
    const now = this.#now()
    return (this.#live.get(principal) ?? []).filter(
      grant =>
        grant.resource === resource && grant.expiresAt > now && grant.revokedAt === undefined,
    )
  }

  /** The right that an approved request is: made once, however often it is called. */
  async createFor(request: TimeRequest): Promise<Grant> {
    const { approved = request, votes } = request
    return this.#create(grantIdOf(request), {
      principal: request.principal,
      principalKind: request.principalKind,
      resource: request.resource,
      actions: approved.actions,
      expiresAt: request.expiresAt,
      approvedBy: votes.filter(({ vote }) => vote === 'approve').map(({ approver }) => approver),
      reason: request.reason ?? '',
      request: request.id,
      ...(request.answers === undefined ? {} : { answers: request.answers }),
      ...(approved.uses === undefined ? {} : { maxUses: approved.uses }),
    })
  }

  /** The right that a person took in an emergency; another one looks at it. */
  createTaken(review: ReviewRequest, actions: readonly string[]): Promise<Grant> {
    return this.#create(grantIdOf(review), {
      principal: review.principal,
      principalKind: review.principalKind,
      resource: review.resource,
      actions,
      expiresAt: review.until,
      approvedBy: [],
      reason: review.reason ?? '',
      request: review.id,
      breakGlass: true,
    })
  }

  /** `id`: one that `newGrantId` made, where it is on record already. */
  create(fields: Omit<Grant, 'id' | 'createdAt' | 'revokedAt'>, id = newGrantId()): Promise<Grant> {
    return this.#create(id, fields)
  }

  /** Takes one use. False when none is left, or it does not hold any more: of many who try at once, as many win as there are. */
  async take(id: string): Promise<boolean> {
    const result = await this.#kysely
      .updateTable('access_grants')
      .set(({ eb }) => ({ uses: eb('uses', '+', 1) }))
      .where('id', '=', id)
      .where(({ eb, ref }) => eb('uses', '<', ref('max_uses')))
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', this.#now())
      .executeTakeFirst()
    const taken = Number(result.numUpdatedRows) === 1
    const grant = await this.get(id)
    const held = this.#live.get(grant.principal) ?? []
    this.#live.set(
      grant.principal,
      held.map(each => (each.id === id ? grant : each)),
    )
    return taken
  }

  async #create(id: string, fields: Omit<Grant, 'id' | 'createdAt' | 'revokedAt'>): Promise<Grant> {
    const grant: Grant = { ...fields, id, createdAt: this.#now() }
    const { request, answers, breakGlass, principalKind } = grant
    const { numInsertedOrUpdatedRows } = await this.#kysely
      .insertInto('access_grants')
      .values({
        id: grant.id,
        principal: grant.principal,
        resource: grant.resource,
        actions: JSON.stringify(grant.actions),
        created_at: grant.createdAt,
        expires_at: grant.expiresAt,
        revoked_at: null,
        approved_by: JSON.stringify(grant.approvedBy),
        reason: grant.reason,
        max_uses: grant.maxUses ?? null,
        uses: 0,
        body: JSON.stringify({ request, answers, breakGlass, principalKind }),
      })
      .onConflict(conflict => conflict.column('id').doNothing())
      .executeTakeFirst()
    if (Number(numInsertedOrUpdatedRows ?? 0) === 0) return this.get(id)
    this.#keep(grant)
    for (const listener of this.#listeners) listener(grant)
    return grant
  }

  async revoke(id: string): Promise<Grant> {
    const at = this.#now()
    const result = await this.#kysely
      .updateTable('access_grants')
      .set({ revoked_at: at })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    const grant = await this.get(id)
    if (Number(result.numUpdatedRows) === 0) {
      throw new InvalidRequest('request_conflict', `Grant ${id} has ended already.`)
    }
    const others = (this.#live.get(grant.principal) ?? []).filter(each => each.id !== id)
    this.#live.set(grant.principal, others)
    for (const listener of this.#listeners) listener(grant)
    return grant
  }

  /** Newest first; ended ones too when asked for. */
  async list(filter: {
    principal?: string
    ended: boolean
    limit: number
  }): Promise<readonly Grant[]> {
    let query = this.#kysely.selectFrom('access_grants').selectAll().orderBy('created_at', 'desc')
    if (filter.principal !== undefined) query = query.where('principal', '=', filter.principal)
    if (!filter.ended)
      query = query.where('revoked_at', 'is', null).where('expires_at', '>', this.#now())
    return (await query.limit(filter.limit).execute()).map(fromRow)
  }

  #keep(grant: Grant): void {
    this.#live.set(grant.principal, [...(this.#live.get(grant.principal) ?? []), grant])
  }
}

export function newGrantId(): string {
  return `grant-${randomBytes(6).toString('hex')}`
}

function fromRow(row: AccessTables['access_grants']): Grant {
  return {
    id: row.id,
    principal: row.principal,
    resource: row.resource,
    actions: JSON.parse(row.actions),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    ...(row.revoked_at === null ? {} : { revokedAt: Number(row.revoked_at) }),
    approvedBy: JSON.parse(row.approved_by),
    reason: row.reason,
    ...(row.max_uses === null ? {} : { maxUses: Number(row.max_uses), uses: Number(row.uses) }),
    ...JSON.parse(row.body),
  }
}
