// Sessions as lists show them, and the key of each recording. Deleting a key erases the recording:
// what is on disk (and in every backup of it) can then no longer be read, and the log still verifies.
import { sql } from 'kysely'
import type { MigrationSet } from '#services/db'

export interface RecordingTables {
  recording_sessions: {
    id: string
    resource: string
    protocol: string
    principal: string
    principal_kind: string
    actor: string | null
    run: string
    ip: string
    port: number
    client: string
    started_at: number
    ended_at: number | null
    close_reason: string | null
    statements: number
    denied: number
    rows: number
    bytes: number
    /** In the order in which they began; 1 is the first. */
    no: number
    /** 1 when all of its statements are in the index. */
    indexed: number
  }
  /** When it asked, once it has ended: JSON of `SessionMarks`. */
  recording_marks: { session: string; marks: string }
  /** What statements are found by; see session-index.ts. */
  recording_facts: { kind: string; value: string; no: number; shape: number }
  recording_keys: { session: string; key: string; created_at: number }
}

/** A row of texts is session `no * CHUNKS` and its place: the newest session's rows are the last ones. */
export const CHUNKS = 2 ** 20

export const recordingMigrations: MigrationSet = {
  room: 'recording',
  migrations: [
    {
      name: 'recording-0001-sessions-and-keys',
      async up(kysely): Promise<void> {
        await kysely.schema
          .createTable('recording_sessions')
          .addColumn('id', 'text', column => column.primaryKey())
          .addColumn('resource', 'text', column => column.notNull())
          .addColumn('protocol', 'text', column => column.notNull())
          .addColumn('principal', 'text', column => column.notNull())
          .addColumn('principal_kind', 'text', column => column.notNull())
          .addColumn('actor', 'text')
          .addColumn('run', 'text', column => column.notNull())
          .addColumn('ip', 'text', column => column.notNull())
          .addColumn('port', 'integer', column => column.notNull())
          .addColumn('client', 'text', column => column.notNull())
          .addColumn('started_at', 'bigint', column => column.notNull())
          .addColumn('ended_at', 'bigint')
          .addColumn('close_reason', 'text')
          .addColumn('statements', 'bigint', column => column.notNull())
          .addColumn('denied', 'bigint', column => column.notNull())
          .addColumn('rows', 'bigint', column => column.notNull())
          .addColumn('bytes', 'bigint', column => column.notNull())
          .execute()
        await sql`create index recording_sessions_started on recording_sessions (started_at)`.execute(
          kysely,
        )
        await sql`create index recording_sessions_principal on recording_sessions (principal, started_at)`.execute(
          kysely,
        )
        await kysely.schema
          .createTable('recording_keys')
          .addColumn('session', 'text', column => column.primaryKey())
          .addColumn('key', 'text', column => column.notNull())
          .addColumn('created_at', 'bigint', column => column.notNull())
          .execute()
      },
    },
    {
      name: 'recording-0002-runs-and-marks',
      async up(kysely): Promise<void> {
        await sql`create index recording_sessions_run on recording_sessions (principal, run, started_at)`.execute(
          kysely,
        )
        await sql`create index recording_sessions_actor on recording_sessions (actor, started_at)`.execute(
          kysely,
        )
        await kysely.schema
          .createTable('recording_marks')
          .addColumn('session', 'text', column => column.primaryKey())
          .addColumn('marks', 'text', column => column.notNull())
          .execute()
      },
    },
    {
      name: 'recording-0003-search',
      async up(kysely): Promise<void> {
        for (const statement of SEARCH) await sql.raw(statement).execute(kysely)
      },
    },
  ],
}

/**
 * `recording_texts` is SQLite's own full-text index of three letters each: what contains a text is found by it. With
 * `secure-delete` nothing of a deleted row stays in it. Another store has another such index (docs/adr/0019-session-search.md).
 */
const SEARCH = [
  'alter table recording_sessions add column no bigint',
  'alter table recording_sessions add column indexed integer not null default 0',
  `update recording_sessions set no = numbered.place
   from (select id, row_number() over (order by started_at, id) as place from recording_sessions) as numbered
   where numbered.id = recording_sessions.id`,
  'create unique index recording_sessions_no on recording_sessions (no)',
  'create index recording_sessions_of on recording_sessions (principal, no)',
  'create index recording_sessions_on on recording_sessions (resource, no)',
  'create index recording_sessions_live on recording_sessions (no) where ended_at is null',
  'create index recording_sessions_ended on recording_sessions (ended_at, no)',
  'create index recording_sessions_began on recording_sessions (started_at, no)',
  'create index recording_sessions_to_index on recording_sessions (no) where indexed = 0',
  'drop index recording_sessions_started',
  'create table recording_facts (kind text not null, value text not null, no bigint not null, shape integer not null, primary key (kind, value, no, shape))',
  'create index recording_facts_of on recording_facts (no, shape, kind, value)',
  "create virtual table recording_texts using fts5 (text, shape unindexed, tokenize = 'trigram', columnsize = 0)",
  "insert into recording_texts (recording_texts, rank) values ('secure-delete', 1)",
]
