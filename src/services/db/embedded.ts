// The embedded store: kysely's SQLite dialect over node:sqlite, on one connection.
// Knows no table. SQL that runs here must also run on PostgreSQL (docs/adr: one schema, two engines).
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'

/** Statements kept prepared; a service has few texts, and each runs often. */
const KEPT_STATEMENTS = 256
/** How long a writer waits for another process on the same file, in ms. */
const BUSY_TIMEOUT_MS = 5_000

export const IN_MEMORY = ':memory:'

/** Opens (and creates) the file for this user alone: identities and approvals are in it. */
export function openEmbedded(path: string): DatabaseSync {
  if (path !== IN_MEMORY) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Before SQLite does: it would create the file, its WAL and its index with the process's umask.
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
  }
  const file = new DatabaseSync(path, {
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
  })
  file.exec('pragma journal_mode = wal')
  file.exec('pragma synchronous = normal')
  // What is deleted (the key of a recording that was erased) is overwritten, not only forgotten.
  file.exec('pragma secure_delete = on')
  return file
}

/** The dialect. kysely lets one transaction at a time on its one connection. */
export function embeddedDialect(file: DatabaseSync): SqliteDialect {
  const kept = new Map<string, SqliteStatement>()
  const database: SqliteDatabase = {
    close: () => file.close(),
    prepare(sql) {
      // A transaction takes the write lock at once, so that it cannot fail half way for another writer.
      const text = sql === 'begin' ? 'begin immediate' : sql
      const known = kept.get(text)
      if (known !== undefined) return known
      const statement = adapt(file.prepare(text))
      if (kept.size >= KEPT_STATEMENTS) kept.delete(kept.keys().next().value ?? text)
      kept.set(text, statement)
      return statement
    },
  }
  return new SqliteDialect({ database })
}

function adapt(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: parameters => statement.all(...parameters.map(toInput)),
    run: parameters => statement.run(...parameters.map(toInput)),
    iterate: parameters => statement.iterate(...parameters.map(toInput)),
  }
}

function toInput(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'bigint' || value instanceof Uint8Array) return value
  if (typeof value === 'boolean') return value ? 1 : 0
  throw new TypeError(`the store takes no ${value === undefined ? 'undefined' : typeof value}`)
}
