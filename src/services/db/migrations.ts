// Brings the tables of each service to the version that this program knows; refuses a newer one.

import type { Kysely } from 'kysely'
import { ConfigurationError } from '#model'

/** One step. Steps are never edited once released: a change is another step. */
export interface Migration {
  readonly name: string
  /** Runs inside a transaction, together with the record that it ran. Portable SQL only. */
  up(db: Kysely<unknown>): Promise<void>
}

/** The steps of one service, in order. */
export interface MigrationSet {
  readonly room: string
  readonly migrations: readonly Migration[]
}

interface MigrationTables {
  schema_migrations: { room: string; version: number; name: string }
}

/** Throws ConfigurationError when the store was written by a newer version, or by another history. */
export async function migrate(kysely: Kysely<unknown>, set: MigrationSet): Promise<void> {
  const tables = kysely as unknown as Kysely<MigrationTables>
  await tables.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('room', 'text', column => column.notNull())
    .addColumn('version', 'integer', column => column.notNull())
    .addColumn('name', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('schema_migrations_key', ['room', 'version'])
    .execute()
  // One transaction for all: the write lock keeps a second process from running the same steps.
  await tables.transaction().execute(async transaction => {
    const done = await transaction
      .selectFrom('schema_migrations')
      .select(['version', 'name'])
      .where('room', '=', set.room)
      .orderBy('version')
      .execute()
    refuseStrangers(set, done)
    for (const [index, migration] of set.migrations.entries()) {
      if (index < done.length) continue
      await migration.up(transaction as unknown as Kysely<unknown>)
      await transaction
        .insertInto('schema_migrations')
        .values({ room: set.room, version: index + 1, name: migration.name })
        .execute()
    }
  })
}

function refuseStrangers(set: MigrationSet, done: readonly { version: number; name: string }[]) {
  if (done.length > set.migrations.length) {
    throw new ConfigurationError(
      'configuration_invalid',
      `The store was written by a newer version of sallyport (${set.room} is at step ${done.length}, this version knows ${set.migrations.length}). Run that version, or put back the backup of before the upgrade.`,
    )
  }
  for (const [index, { version, name }] of done.entries()) {
    const expected = set.migrations[index]?.name
    if (version !== index + 1 || name !== expected) {
      throw new ConfigurationError(
        'configuration_invalid',
        `The store has another history: step ${version} of ${set.room} is ${name}, not ${expected}`,
      )
    }
  }
}
