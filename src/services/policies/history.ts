// Who changed the policies, when, from what to what. Bounded: the oldest versions go first. The audit log is the
// evidence; this is what it was about.
import { Buffer } from 'node:buffer'
import type { Transaction } from 'kysely'
import type { PolicyFile } from '#engines/policy'
import { InvalidRequest } from '#model'
import type { Database } from '#services/db'
import { hashOf, revisionOf } from './revision.ts'
import type { PolicyTables } from './tables.ts'

/** A policy set that was in force, without its texts. */
export interface PolicyVersion {
  readonly id: number
  /** Unix ms. */
  readonly at: number
  readonly revision: string
  readonly policySet: string
  /** Who saved it; undefined: it was changed in the files. */
  readonly principal?: string
  readonly note: string
  /** Files that differ from the version before, as far as that is kept. */
  readonly changed: readonly string[]
}

export interface HistoryBounds {
  readonly versions: number
  readonly bytes: number
}

type Names = readonly (readonly [name: string, sha256: string])[]

export class PolicyHistory {
  readonly #database: Database
  readonly #now: () => number
  readonly #bounds: HistoryBounds

  constructor(
    database: Database,
    now: () => number,
    bounds: HistoryBounds = { versions: 500, bytes: 64 * 1024 * 1024 },
  ) {
    this.#database = database
    this.#now = now
    this.#bounds = bounds
  }

  /** Keeps what is in force now. The same texts as the newest version are no new one. */
  add(
    files: readonly PolicyFile[],
    policySet: string,
    by?: { readonly principal: string; readonly note: string },
  ): Promise<void> {
    return this.#database.transaction<PolicyTables, void>(async tables => {
      const newest = await tables
        .selectFrom('policies_versions')
        .select(['id', 'revision'])
        .orderBy('id', 'desc')
        .executeTakeFirst()
      const revision = revisionOf(files)
      if (newest?.revision === revision) return
      const names: Names = files.map(({ name, text }) => [name, hashOf(text)])
      for (const { text } of files) {
        await tables
          .insertInto('policies_texts')
          .values({ sha256: hashOf(text), size: Buffer.byteLength(text), text })
          .onConflict(conflict => conflict.column('sha256').doNothing())
          .execute()
      }
      await tables
        .insertInto('policies_versions')
        .values({
          id: (newest?.id ?? 0) + 1,
          at: this.#now(),
          revision,
          policy_set: policySet,
          principal: by?.principal ?? null,
          note: by?.note ?? '',
          files: JSON.stringify(names),
        })
        .execute()
      await this.#forget(tables)
    })
  }

  /** Newest first; `before`: only older ones. */
  async list(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<readonly PolicyVersion[]> {
    const rows = await this.#database
      .tables<PolicyTables>()
      .selectFrom('policies_versions')
      .selectAll()
      .where('id', '<', before)
      .orderBy('id', 'desc')
      // One more: what changed in the last is told by the one before.
      .limit(limit + 1)
      .execute()
    return rows.slice(0, limit).map((row, at) => {
      const older = rows[at + 1]
      return {
        id: row.id,
        at: row.at,
        revision: row.revision,
        policySet: row.policy_set,
        ...(row.principal === null ? {} : { principal: row.principal }),
        note: row.note,
        changed: changedNames(namesIn(older?.files), namesIn(row.files)),
      }
    })
  }

  /** The texts of a version. Throws InvalidRequest when it is not kept. */
  async files(id: number): Promise<readonly PolicyFile[]> {
    const tables = this.#database.tables<PolicyTables>()
    const row = await tables
      .selectFrom('policies_versions')
      .select('files')
      .where('id', '=', id)
      .executeTakeFirst()
    if (row === undefined)
      throw new InvalidRequest('request_unknown', 'This version of the policies is not kept.')
    const names = namesIn(row.files)
    const texts = new Map<string, string>()
    for (const [, sha256] of names) {
      const found = await tables
        .selectFrom('policies_texts')
        .select('text')
        .where('sha256', '=', sha256)
        .executeTakeFirst()
      if (found === undefined)
        throw new InvalidRequest('request_unknown', 'A text of this version is not kept.')
      texts.set(sha256, found.text)
    }
    return names.map(([name, sha256]) => ({ name, text: texts.get(sha256) ?? '' }))
  }

  async #forget(kept: Transaction<PolicyTables>): Promise<void> {
    const versions = await kept
      .selectFrom('policies_versions')
      .select(['id', 'files'])
      .orderBy('id', 'desc')
      .execute()
    const sizes = new Map(
      (await kept.selectFrom('policies_texts').select(['sha256', 'size']).execute()).map(
        ({ sha256, size }) => [sha256, size],
      ),
    )
    const counted = new Set<string>()
    let bytes = 0
    let last = 0
    for (const [at, { id, files }] of versions.entries()) {
      const fresh = namesIn(files).map(([, sha256]) => sha256)
      for (const sha256 of new Set(fresh)) {
        if (!counted.has(sha256)) bytes += sizes.get(sha256) ?? 0
      }
      // The newest two always: the one in force, and what it was changed from.
      if (at >= 2 && (at >= this.#bounds.versions || bytes > this.#bounds.bytes)) break
      for (const sha256 of fresh) counted.add(sha256)
      last = id
    }
    if (versions.every(({ id }) => id >= last)) return
    await kept.deleteFrom('policies_versions').where('id', '<', last).execute()
    const orphans = [...sizes.keys()].filter(sha256 => !counted.has(sha256))
    for (const sha256 of orphans)
      await kept.deleteFrom('policies_texts').where('sha256', '=', sha256).execute()
  }
}

function namesIn(files: string | undefined): Names {
  return files === undefined ? [] : (JSON.parse(files) as Names)
}

function changedNames(before: Names, after: Names): string[] {
  const [old, now] = [new Map(before), new Map(after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter(name => old.get(name) !== now.get(name))
    .sort()
}
