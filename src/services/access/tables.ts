// The tables of this service. JSON columns hold arrays of names; SQL stays portable to PostgreSQL.
import { sql } from 'kysely'
import type { MigrationSet } from '#services/db'

export interface AccessTables {
  access_requests: {
    id: string
    state: string
    digest: string
    principal: string
    resource: string
    created_at: number
    expires_at: number
    /** The AccessRequest without what the other columns hold. */
    body: string
    /** Goes up with each change: compare-and-set by it. */
    version: number
    kind: string
  }
  access_grants: {
    id: string
    principal: string
    resource: string
    actions: string
    created_at: number
    expires_at: number
    revoked_at: number | null
    approved_by: string
    reason: string
    max_uses: number | null
    uses: number
    /** What else the Grant has: where it comes from. */
    body: string
  }
}

export const accessMigrations: MigrationSet = {
  room: 'access',
  migrations: [
    {
      name: 'access-0001-requests-and-grants',
      async up(kysely): Promise<void> {
        await kysely.schema
          .createTable('access_requests')
          .addColumn('id', 'text', column => column.primaryKey())
          .addColumn('state', 'text', column => column.notNull())
          .addColumn('digest', 'text', column => column.notNull())
          .addColumn('principal', 'text', column => column.notNull())
          .addColumn('resource', 'text', column => column.notNull())
          .addColumn('created_at', 'bigint', column => column.notNull())
          .addColumn('expires_at', 'bigint', column => column.notNull())
          .addColumn('body', 'text', column => column.notNull())
          .addColumn('version', 'integer', column => column.notNull())
          .execute()
        await sql`create index access_requests_digest on access_requests (digest, principal, state)`.execute(
          kysely,
        )
        await sql`create index access_requests_state on access_requests (state, created_at)`.execute(
          kysely,
        )
        await kysely.schema
          .createTable('access_grants')
          .addColumn('id', 'text', column => column.primaryKey())
          .addColumn('principal', 'text', column => column.notNull())
          .addColumn('resource', 'text', column => column.notNull())
          .addColumn('actions', 'text', column => column.notNull())
          .addColumn('created_at', 'bigint', column => column.notNull())
          .addColumn('expires_at', 'bigint', column => column.notNull())
          .addColumn('revoked_at', 'bigint')
          .addColumn('approved_by', 'text', column => column.notNull())
          .addColumn('reason', 'text', column => column.notNull())
          .execute()
        await sql`create index grants_principal on access_grants (principal, resource)`.execute(
          kysely,
        )
      },
    },
    {
      name: 'access-0002-pending-of-a-principal',
      async up(kysely): Promise<void> {
        await sql`create index access_requests_principal on access_requests (principal, state)`.execute(
          kysely,
        )
      },
    },
    {
      name: 'access-0003-time-and-reviews',
      async up(kysely): Promise<void> {
        await kysely.schema
          .alterTable('access_requests')
          .addColumn('kind', 'text', column => column.notNull().defaultTo('statement'))
          .execute()
        for (const [name, type] of [
          ['max_uses', 'integer'],
          ['uses', 'integer'],
          ['body', 'text'],
        ] as const) {
          await kysely.schema
            .alterTable('access_grants')
            .addColumn(name, type, column =>
              name === 'max_uses' ? column : column.notNull().defaultTo(name === 'uses' ? 0 : '{}'),
            )
            .execute()
        }
      },
    },
    {
      name: 'access-0004-lists-by-time',
      async up(kysely): Promise<void> {
        for (const index of [
          'access_requests_newest on access_requests (created_at, id)',
          'access_requests_own on access_requests (principal, created_at, id)',
          'access_requests_states on access_requests (state, created_at, id)',
          'access_grants_newest on access_grants (created_at)',
          'access_grants_own on access_grants (principal, created_at)',
        ])
          await sql.raw(`create index ${index}`).execute(kysely)
        await sql`drop index access_requests_state`.execute(kysely)
      },
    },
    {
      name: 'access-0005-of-a-resource',
      async up(kysely): Promise<void> {
        await sql`create index access_requests_resource on access_requests (resource, kind, created_at)`.execute(
          kysely,
        )
      },
    },
  ],
}
