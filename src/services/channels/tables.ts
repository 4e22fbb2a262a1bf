// The tables of this service. A delivery names the request and never holds its text: what is sent is made when it is
// sent. SQL stays portable to PostgreSQL.
import { sql } from 'kysely'
import type { MigrationSet } from '#services/db'

export interface ChannelTables {
  channel_deliveries: {
    id: string
    channel: string
    /** `voted` is followed by how many had voted: each of them is told. */
    event: string
    /** Empty for a test. */
    request: string
    state: string
    attempts: number
    nonce: string
    created_at: number
    next_at: number
    /** When it was tried last. */
    tried_at: number | null
    error: string | null
    /** JSON of what the target called it. */
    remote: string | null
  }
  /** Decisions that came in, until they are no longer fresh: each counts once. */
  channel_received: { channel: string; once: string; until: number }
}

export const channelMigrations: MigrationSet = {
  room: 'channels',
  migrations: [
    {
      name: 'channels-0001-deliveries',
      async up(kysely): Promise<void> {
        await kysely.schema
          .createTable('channel_deliveries')
          .addColumn('id', 'text', column => column.primaryKey())
          .addColumn('channel', 'text', column => column.notNull())
          .addColumn('event', 'text', column => column.notNull())
          .addColumn('request', 'text', column => column.notNull())
          .addColumn('state', 'text', column => column.notNull())
          .addColumn('attempts', 'integer', column => column.notNull())
          .addColumn('nonce', 'text', column => column.notNull())
          .addColumn('created_at', 'bigint', column => column.notNull())
          .addColumn('next_at', 'bigint', column => column.notNull())
          .addColumn('tried_at', 'bigint')
          .addColumn('error', 'text')
          .addColumn('remote', 'text')
          .execute()
        // One message of each kind about one request, whoever asks for it and however often.
        await sql`create unique index channel_deliveries_once on channel_deliveries (channel, request, event) where request <> ''`.execute(
          kysely,
        )
        await sql`create index channel_deliveries_due on channel_deliveries (state, next_at)`.execute(
          kysely,
        )
        await sql`create index channel_deliveries_newest on channel_deliveries (channel, created_at)`.execute(
          kysely,
        )
        await kysely.schema
          .createTable('channel_received')
          .addColumn('channel', 'text', column => column.notNull())
          .addColumn('once', 'text', column => column.notNull())
          .addColumn('until', 'bigint', column => column.notNull())
          .addPrimaryKeyConstraint('channel_received_key', ['channel', 'once'])
          .execute()
      },
    },
  ],
}
