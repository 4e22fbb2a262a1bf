// The versions of the policies that were in force, and their texts, each text once.
import type { MigrationSet } from '#services/db'

export interface PolicyTables {
  policies_versions: {
    id: number
    at: number
    revision: string
    policy_set: string
    /** Null: changed in the files. */
    principal: string | null
    note: string
    /** JSON: `[name, sha256 of the text]` of each file. */
    files: string
  }
  /** `size` in bytes. */
  policies_texts: { sha256: string; size: number; text: string }
}

export const policyMigrations: MigrationSet = {
  room: 'policies',
  migrations: [
    {
      name: 'policies-0001-versions',
      async up(kysely): Promise<void> {
        await kysely.schema
          .createTable('policies_versions')
          .addColumn('id', 'bigint', column => column.primaryKey())
          .addColumn('at', 'bigint', column => column.notNull())
          .addColumn('revision', 'text', column => column.notNull())
          .addColumn('policy_set', 'text', column => column.notNull())
          .addColumn('principal', 'text')
          .addColumn('note', 'text', column => column.notNull())
          .addColumn('files', 'text', column => column.notNull())
          .execute()
        await kysely.schema
          .createTable('policies_texts')
          .addColumn('sha256', 'text', column => column.primaryKey())
          .addColumn('size', 'bigint', column => column.notNull())
          .addColumn('text', 'text', column => column.notNull())
          .execute()
      },
    },
  ],
}
