// Tokens, runs and principals whose time was ended by somebody. Kept in memory, for the check costs every login, and
// written through, so that a restart forgets none.
import type { Principal } from '#model'
import type { Writes } from './writes.ts'

/** Tokens of a principal that say when they were issued are refused up to the revocation; it is kept so long. */
const KEPT_MS = 90 * 86_400_000

/** A run belongs to one principal: its name is that principal's word. */
export interface RunName {
  readonly principal: string
  readonly run: string
}

interface Entry {
  readonly revokedAt: number
  readonly until: number
}

export class Revocations {
  readonly #writes: Writes
  readonly #tokens = new Map<string, Entry>()
  readonly #principals = new Map<string, Entry>()
  readonly #runs = new Map<string, Entry>()

  constructor(writes: Writes) {
    this.#writes = writes
  }

  /** Reads what is in force. Gives the names that were not known before. */
  async load(now: number): Promise<{
    tokens: readonly string[]
    principals: readonly string[]
    runs: readonly RunName[]
  }> {
    const rows = await this.#writes.tables
      .selectFrom('identity_revocations')
      .selectAll()
      .where('until', '>', now)
      .execute()
    const maps = { token: this.#tokens, principal: this.#principals, run: this.#runs }
    const fresh = { token: [] as string[], principal: [] as string[], run: [] as string[] }
    for (const { kind, name, revoked_at, until } of rows) {
      const known = kind === 'token' || kind === 'run' ? kind : 'principal'
      if (maps[known].get(name)?.revokedAt !== revoked_at) fresh[known].push(name)
      maps[known].set(name, { revokedAt: revoked_at, until })
    }
    return { tokens: fresh.token, principals: fresh.principal, runs: fresh.run.map(runNamed) }
  }

  revokeToken(name: string, now: number, until: number): void {
    this.#add('token', this.#tokens, name, { revokedAt: now, until })
  }

  /** With `until`: nothing of the principal is accepted before; without: nothing that was issued by now. */
  revokePrincipal(id: string, now: number, until: number | undefined): void {
    // Issued up to `revokedAt` is refused; a block is a revocation that lies ahead.
    const entry = { revokedAt: until ?? now, until: until ?? now + KEPT_MS }
    this.#add('principal', this.#principals, id, entry)
  }

  /** Nothing of this run is accepted any more, whatever token it comes with. */
  revokeRun(run: RunName, now: number): void {
    this.#add('run', this.#runs, runKey(run), { revokedAt: now, until: now + KEPT_MS })
  }

  /** When the run was ended; undefined when it was not. */
  runEndedAt(run: RunName, now: number): number | undefined {
    const entry = this.#runs.get(runKey(run))
    return entry !== undefined && entry.until > now ? entry.revokedAt : undefined
  }

  /** What proved this principal up to then is refused; undefined when nothing is. */
  principalEndedAt(id: string, now: number): number | undefined {
    const entry = this.#principals.get(id)
    return entry !== undefined && entry.until > now ? entry.revokedAt : undefined
  }

  /**
   * True when the token, the run, the principal, somebody it acts for or by, or one of its owners was ended. `ahead`: so far
   * the clock of who issued it may be before ours; what says that it was issued a moment later may be older all the same.
   */
  ended(principal: Principal, token: readonly string[], now: number, ahead: number): boolean {
    const revoked = (name: string) => (this.#tokens.get(name)?.until ?? 0) > now
    if (token.some(revoked)) return true
    if (this.#runs.size > 0) {
      const run = { principal: principal.id, run: principal.run }
      if (this.runEndedAt(run, now) !== undefined) return true
    }
    if (this.#principals.size === 0) return false
    const { id, owners, actors, issuedAt } = principal
    return [id, ...owners, ...actors.map(actor => actor.id)].some(name => {
      const entry = this.#principals.get(name)
      if (entry === undefined || entry.until <= now) return false
      return issuedAt === undefined || issuedAt - ahead <= entry.revokedAt
    })
  }

  /** Drops what no longer matters. */
  prune(now: number): void {
    for (const map of [this.#tokens, this.#principals, this.#runs]) {
      for (const [name, { until }] of map) if (until <= now) map.delete(name)
    }
    this.#writes.add(tables =>
      tables.deleteFrom('identity_revocations').where('until', '<=', now).execute(),
    )
  }

  #add(kind: string, map: Map<string, Entry>, name: string, wanted: Entry): void {
    const known = map.get(name)
    // Never weaker than before: a shorter revocation does not lift a longer one.
    const entry = {
      revokedAt: Math.max(wanted.revokedAt, known?.revokedAt ?? 0),
      until: Math.max(wanted.until, known?.until ?? 0),
    }
    map.set(name, entry)
    const columns = { revoked_at: entry.revokedAt, until: entry.until }
    this.#writes.add(tables =>
      tables
        .insertInto('identity_revocations')
        .values({ kind, name, ...columns })
        .onConflict(conflict => conflict.columns(['kind', 'name']).doUpdateSet(columns))
        .execute(),
    )
  }
}

function runKey({ principal, run }: RunName): string {
  return JSON.stringify([principal, run])
}

/** Written by `revokeRun`; the store is ours alone. */
function runNamed(key: string): RunName {
  const [principal = '', run = ''] = JSON.parse(key) as string[]
  return { principal, run }
}
