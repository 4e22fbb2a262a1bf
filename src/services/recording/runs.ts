// Runs, put together from the sessions that belong to them: a run is no thing of its own, only a name that a
// principal's sessions share. And when those sessions asked. Bounded: the latest sessions are looked at, not all.
import type { Kysely } from 'kysely'
import { type RawBuilder, sql } from 'kysely'
import type { SessionMarks } from '#model'
import type { RecordingTables } from './tables.ts'

const MOST_SESSIONS = 1_000

export interface RunSummary {
  readonly principal: string
  readonly principalKind: 'user' | 'agent'
  readonly run: string
  readonly startedAt: number
  /** When its last session began. */
  readonly lastAt: number
  readonly sessions: number
  readonly statements: number
  readonly denied: number
  readonly rows: number
  readonly bytes: number
}

export interface RunFilter {
  readonly principal?: string
  /** Whose it is, or who acted in it for somebody. */
  readonly concerning?: string
  readonly limit: number
}

interface RunRow {
  principal: string
  principal_kind: string
  run: string
  started: number
  last: number
  sessions: number
  statements: number
  denied: number
  rows: number
  bytes: number
}

export class RunList {
  readonly #kysely: Kysely<RecordingTables>

  constructor(kysely: Kysely<RecordingTables>) {
    this.#kysely = kysely
  }

  async list({ principal, concerning, limit }: RunFilter): Promise<readonly RunSummary[]> {
    const latest = (where: RawBuilder<unknown>) =>
      sql`select * from (select id, principal, principal_kind, run, started_at, statements, denied, rows, bytes
        from recording_sessions where ${where} order by started_at desc limit ${MOST_SESSIONS}) as latest`
    const who = concerning ?? principal
    const own = who === undefined ? sql`1 = 1` : sql`principal = ${who}`
    // `union` takes a session once that is of both.
    const from =
      concerning === undefined
        ? latest(own)
        : sql`${latest(own)} union ${latest(sql`actor = ${concerning}`)}`
    const { rows } = await sql<RunRow>`
      select principal, max(principal_kind) as principal_kind, run, min(started_at) as started,
        max(started_at) as last, count(*) as sessions, sum(statements) as statements,
        sum(denied) as denied, sum(rows) as rows, sum(bytes) as bytes
      from (${from}) as found group by principal, run order by last desc limit ${limit}`.execute(
      this.#kysely,
    )
    return rows.map(row => ({
      principal: row.principal,
      principalKind: row.principal_kind === 'user' ? 'user' : 'agent',
      run: row.run,
      startedAt: Number(row.started),
      lastAt: Number(row.last),
      sessions: Number(row.sessions),
      statements: Number(row.statements),
      denied: Number(row.denied),
      rows: Number(row.rows),
      bytes: Number(row.bytes),
    }))
  }

  async marks(sessions: readonly string[]): Promise<ReadonlyMap<string, SessionMarks>> {
    if (sessions.length === 0) return new Map()
    const found = await this.#kysely
      .selectFrom('recording_marks')
      .selectAll()
      .where('session', 'in', [...sessions])
      .execute()
    // Written by `writeEnded`; the store is ours alone.
    return new Map(found.map(({ session, marks }) => [session, JSON.parse(marks) as SessionMarks]))
  }
}
