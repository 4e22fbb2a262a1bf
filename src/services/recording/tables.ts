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
  }
  /** When it asked, once it has ended: JSON of `SessionMarks`. */
  recording_marks: { session: string; marks: string }
  recording_keys: { session: string; key: string; created_at: number }
}

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
  ],
}
