// What the store is told when sessions begin: those of one turn of the loop together, in one statement for their keys and one
// for their rows. Each waits for its own, as before.
import { CompiledQuery, type Kysely } from 'kysely'
import type { SessionSummary } from '#model'
import type { RecordingTables } from './tables.ts'

interface Begun {
  readonly session: SessionSummary
  readonly key: Uint8Array
  readonly resolve: (no: number) => void
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
  from json_each(?) where true returning id, no`

export class BegunSessions {
  readonly #store: Kysely<RecordingTables>
  #waiting: Begun[] = []

  constructor(store: Kysely<RecordingTables>) {
    this.#store = store
  }

  /** Gives the session's number once its key and its row are in the store. */
  add(session: SessionSummary, key: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => void this.#write())
      this.#waiting.push({ session, key, resolve, reject })
    })
  }

  async #write(): Promise<void> {
    const begun = this.#waiting
    this.#waiting = []
    try {
      const keys = begun.map(({ session, key }) => [
        session.id,
        Buffer.from(key).toString('hex'),
        session.startedAt,
      ])
      await this.#store.executeQuery(CompiledQuery.raw(KEYS, [JSON.stringify(keys)]))
      const rows = JSON.stringify(begun.map(({ session }) => rowOf(session)))
      const written = await this.#store.executeQuery<{ id: string; no: number }>(
        CompiledQuery.raw(ROWS, [rows]),
      )
      const numbers = new Map(written.rows.map(({ id, no }) => [id, Number(no)]))
      for (const { session, resolve, reject } of begun) {
        const no = numbers.get(session.id)
        if (no === undefined) reject(new Error('the store has no row of the session'))
        else resolve(no)
      }
    } catch (error) {
      // Each is told, and none of them runs: what is not recorded does not.
      for (const { reject } of begun) reject(error)
    }
  }
}

function rowOf(session: SessionSummary): (string | number | null)[] {
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
