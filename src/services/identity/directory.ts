// Who was ever here: principals, and who acted for them, as their last proof of identity described them. For people
// who look; nothing is decided by it. Written at most once a minute each, or when groups or names change.
import { type Kysely, sql } from 'kysely'
import type { Actor, Principal } from '#model'
import type { IdentityTables } from './tables.ts'
import type { Writes } from './writes.ts'

const NOTED_MS = 60_000
const MOST_REMEMBERED = 10_000
/** Who was not seen for so long is forgotten: more than a year, for who looks back over one. */
const KEPT_MS = 400 * 86_400_000
/** Issuers that name each job anew fill a table without end: beyond, those not seen for longest are forgotten. */
const MOST_KEPT = 200_000
/** An issuer may put somebody into thousands of groups; a page shows the first of them. */
const MOST_GROUPS = 200

export interface KnownPrincipal {
  readonly id: string
  readonly kind: 'user' | 'agent'
  readonly name: string
  readonly issuer: string
  readonly groups: readonly string[]
  readonly owners: readonly string[]
  readonly firstSeen: number
  readonly lastSeen: number
}

export interface PrincipalFilter {
  /** Part of the id or the name, in any case. */
  readonly search?: string
  readonly kind?: 'user' | 'agent'
  /** Those that come behind this one. */
  readonly after?: { readonly id: string; readonly lastSeen: number }
  readonly limit: number
}

export interface KnownPrincipals {
  seen(principal: Principal): void
  /** Last seen first. */
  list(filter: PrincipalFilter): Promise<readonly KnownPrincipal[]>
  get(id: string): Promise<KnownPrincipal | undefined>
  /** Those of these ids that are known. */
  among(ids: readonly string[]): Promise<ReadonlySet<string>>
}

type Described = Pick<Actor, 'kind' | 'id' | 'issuer' | 'groups'> & {
  readonly name: string
  readonly owners: readonly string[]
}

export class Directory implements KnownPrincipals {
  readonly #writes: Writes
  readonly #now: () => number
  readonly #noted = new Map<
    string,
    { readonly at: number; readonly groups: readonly string[]; readonly as: string }
  >()

  constructor(writes: Writes, now: () => number) {
    this.#writes = writes
    this.#now = now
  }

  seen(principal: Principal): void {
    this.#note(principal)
    for (const actor of principal.actors) {
      // Of an actor the token tells neither a name nor owners of its own.
      this.#note({ ...actor, name: actor.subject, owners: [] })
    }
  }

  async list(filter: PrincipalFilter): Promise<readonly KnownPrincipal[]> {
    const { search, kind, after, limit } = filter
    let query = this.#tables
      .selectFrom('identity_principals')
      .selectAll()
      .orderBy('last_seen', 'desc')
      .orderBy('id', 'desc')
    if (kind !== undefined) query = query.where('kind', '=', kind)
    if (search !== undefined && search !== '') {
      const like = `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
      query = query.where(sql<boolean>`sought like ${like} escape '\\'`)
    }
    if (after !== undefined) {
      query = query.where(({ eb, and, or }) =>
        or([
          eb('last_seen', '<', after.lastSeen),
          and([eb('last_seen', '=', after.lastSeen), eb('id', '<', after.id)]),
        ]),
      )
    }
    return (await query.limit(limit).execute()).map(fromRow)
  }

  async get(id: string): Promise<KnownPrincipal | undefined> {
    const row = await this.#tables
      .selectFrom('identity_principals')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }

  async among(ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set()
    const rows = await this.#tables
      .selectFrom('identity_principals')
      .select('id')
      .where('id', 'in', [...ids])
      .execute()
    return new Set(rows.map(({ id }) => id))
  }

  /** Forgets who was last seen long ago. What they did is in the log. */
  prune(most = MOST_KEPT): void {
    const old = this.#now() - KEPT_MS
    this.#writes.add(async tables => {
      const beyond = await tables
        .selectFrom('identity_principals')
        .select('last_seen')
        .orderBy('last_seen', 'desc')
        .orderBy('id', 'desc')
        .offset(most)
        .limit(1)
        .executeTakeFirst()
      await tables
        .deleteFrom('identity_principals')
        .where('last_seen', '<=', Math.max(old, Number(beyond?.last_seen ?? 0)))
        .execute()
    })
  }

  #note({ id, kind, name, issuer, groups, owners }: Described): void {
    const now = this.#now()
    const before = this.#noted.get(id)
    if (before !== undefined && now - before.at < NOTED_MS && before.groups === groups) return
    const as = JSON.stringify([kind, name, issuer, groups, owners])
    if (before !== undefined && now - before.at < NOTED_MS && before.as === as) return
    if (this.#noted.size >= MOST_REMEMBERED) this.#noted.clear()
    this.#noted.set(id, { at: now, groups, as })
    const described = {
      kind,
      name,
      issuer,
      groups: JSON.stringify(groups.slice(0, MOST_GROUPS)),
      owners: JSON.stringify(owners),
      sought: `${id}\n${name}`.toLowerCase(),
      last_seen: now,
    }
    this.#writes.add(tables =>
      tables
        .insertInto('identity_principals')
        .values({ id, first_seen: now, ...described })
        .onConflict(conflict => conflict.column('id').doUpdateSet(described))
        .execute(),
    )
  }

  get #tables(): Kysely<IdentityTables> {
    return this.#writes.tables
  }
}

function fromRow(row: IdentityTables['identity_principals']): KnownPrincipal {
  return {
    id: row.id,
    kind: row.kind === 'user' ? 'user' : 'agent',
    name: row.name,
    issuer: row.issuer,
    // Written by `#note`; the store is ours alone.
    groups: JSON.parse(row.groups) as string[],
    owners: JSON.parse(row.owners) as string[],
    firstSeen: Number(row.first_seen),
    lastSeen: Number(row.last_seen),
  }
}
