// The handle that services share. Each service declares its own tables' types; nobody reads another's.

import { Kysely, sql, type Transaction } from 'kysely'
import { ConfigurationError } from '#model'
import { embeddedDialect, IN_MEMORY, openEmbedded } from './embedded.ts'
import { type MigrationSet, migrate } from './migrations.ts'

export interface Database {
  /** Without tables; `tables<T>()` gives it with those of one service. */
  readonly kysely: Kysely<unknown>
  tables<Tables>(): Kysely<Tables>
  /** All or nothing. The work must use the handle it is given: the outer one waits for it to end. */
  transaction<Tables, Result>(
    work: (transaction: Transaction<Tables>) => Promise<Result>,
  ): Promise<Result>
  /** Brings a service's tables up to date. Safe to call again. */
  migrate(set: MigrationSet): Promise<void>
  /** What was deleted is gone from the disk too, as far as we write it: also from the write-ahead log. */
  forget(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the embedded store: a file (mode 0600, created with its folder), or `:memory:`.
 * Throws ConfigurationError when it cannot be opened or was written by a newer version.
 */
export async function openDatabase(
  path: string,
  sets: readonly MigrationSet[] = [],
): Promise<Database> {
  const kysely = new Kysely<unknown>({ dialect: embeddedDialect(open(path)) })
  const database: Database = {
    kysely,
    tables: <Tables>() => kysely as unknown as Kysely<Tables>,
    transaction: <Tables, Result>(work: (transaction: Transaction<Tables>) => Promise<Result>) =>
      (kysely as unknown as Kysely<Tables>).transaction().execute(work),
    migrate: set => migrate(kysely, set),
    forget: async () => {
      await sql`pragma wal_checkpoint(truncate)`.execute(kysely)
    },
    close: () => kysely.destroy(),
  }
  try {
    for (const set of sets) await migrate(kysely, set)
  } catch (error) {
    await kysely.destroy()
    throw error
  }
  return database
}

function open(path: string): ReturnType<typeof openEmbedded> {
  try {
    return openEmbedded(path)
  } catch (error) {
    const where = path === IN_MEMORY ? 'in memory' : `at ${path}`
    const why = error instanceof Error ? error.message : 'it failed'
    throw new ConfigurationError(
      'configuration_invalid',
      `The store ${where} cannot be opened: ${why}. It must be the gateway's own file; if it is damaged, put back a backup of the whole data folder.`,
      { cause: error },
    )
  }
}
