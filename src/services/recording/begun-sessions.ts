// Sessions that begin. Their rows and keys go into the store together with what else waits for it: a transaction for each
// session would cost more than all else that is done for one. Until then the journal has the row.
import { CompiledQuery, type Kysely } from 'kysely'
import type { SessionSummary } from '#model'
import type { BegunJournal } from './begun-journal.ts'
import type { RecordingTables } from './tables.ts'

/** A session's number in the store; undefined: it is not there. */
export interface Numbered {
  readonly no: number | undefined
}

export interface BegunSession extends Numbered {
  readonly session: SessionSummary
  readonly key: Uint8Array
  no: number | undefined
  /** Resolves when its row and its key are in the store. */
  readonly stored: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const KEYS = `insert into recording_keys (session, key, created_at)
  select value ->> 0, value ->> 1, value ->> 2 from json_each(?) where true`

/** Numbered in the order in which they came. */
const ROWS = `insert into recording_sessions (id, resource, protocol, principal, principal_kind, actor, run, ip, port, client,
    started_at, statements, denied, rows, bytes, indexed, no)
  select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
    value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, 0,
    (select coalesce(max(no), 0) from recording_sessions) + 1 + key
  from json_each(?) where value ->> 0 not in (select id from recording_sessions) returning id, no`

export type BegunRow = readonly (string | number | null)[]

type Journal = Pick<BegunJournal, 'add' | 'clear'>

export class BegunSessions {
  readonly #journal: Journal
  #waiting: BegunSession[] = []
  /** The store did not take the last of them: whoever begins waits for its row. */
  #failing = false

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get failing(): boolean {
    return this.#failing
  }

  /** Throws what the file system throws: then it has not begun. */
  add(session: SessionSummary, key: Uint8Array): BegunSession {
    this.#journal.add(rowOf(session))
    const { promise: stored, resolve, reject } = Promise.withResolvers<void>()
    const begun: BegunSession = { session, key, no: undefined, stored, resolve, reject }
    this.#waiting.push(begun)
    return begun
  }

  /** Those that wait, and wait no longer: `settled` or `lost` is called next. */
  take(): readonly BegunSession[] {
    const begun = this.#waiting
    this.#waiting = []
    return begun
  }

  /** They are in the store. */
  settled(begun: readonly BegunSession[]): void {
    if (begun.length === 0) return
    this.#failing = false
    for (const { resolve } of begun) resolve()
    // (Of those that wait meanwhile it has rows still.)
    if (this.#waiting.length === 0) this.#journal.clear()
  }

  /** The store did not take it: what is not recorded does not run. */
  lost(begun: BegunSession, error: unknown): void {
    this.#failing = true
    begun.no = undefined
    begun.reject(error)
  }
}

/** Gives each its number. */
export async function writeBegun(
  store: Kysely<RecordingTables>,
  begun: readonly BegunSession[],
): Promise<void> {
  if (begun.length === 0) return
  const keys = begun.map(({ session, key }) => [
    session.id,
    Buffer.from(key).toString('hex'),
    session.startedAt,
  ])
  await store.executeQuery(CompiledQuery.raw(KEYS, [JSON.stringify(keys)]))
  const numbers = await writeRows(
    store,
    begun.map(({ session }) => rowOf(session)),
  )
  for (const each of begun) {
    each.no = numbers.get(each.session.id)
    if (each.no === undefined) throw new Error('the store has no row of the session')
  }
}

/** Those that are not there yet, with their numbers. */
export async function writeRows(
  store: Kysely<RecordingTables>,
  rows: readonly BegunRow[],
): Promise<ReadonlyMap<string, number>> {
  const written = await store.executeQuery<{ id: string; no: number }>(
    CompiledQuery.raw(ROWS, [JSON.stringify(rows)]),
  )
  return new Map(written.rows.map(({ id, no }) => [id, Number(no)]))
}

function rowOf(session: SessionSummary): BegunRow {
  const { origin } = session
  return [
    session.id,
    session.resource,
    session.protocol,
    session.principal,
    session.principalKind,
    session.actor ?? null,
    session.run,
    origin.ip,
    origin.port,
    origin.client,
    session.startedAt,
    session.statements,
    session.denied,
    session.rows,
    session.bytes,
  ]
}
