import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigurationError } from '#model'
import { type MigrationSet, openDatabase } from './index.ts'

interface Tables {
  things: { id: string; size: number; body: Uint8Array | null }
}

const things: MigrationSet = {
  room: 'things',
  migrations: [
    {
      name: 'things',
      up: async db => {
        await db.schema
          .createTable('things')
          .addColumn('id', 'text', column => column.primaryKey())
          .addColumn('size', 'bigint', column => column.notNull())
          .addColumn('body', sql`blob`)
          .execute()
      },
    },
  ],
}

describe('the embedded store', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-db-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('keeps rows, numbers and bytes across a reopening', async () => {
    const path = join(folder, 'deep', 'store.db')
    const first = await openDatabase(path, [things])
    await first
      .tables<Tables>()
      .insertInto('things')
      .values({ id: 'a', size: 1_790_000_000_000, body: new Uint8Array([1, 0, 255]) })
      .execute()
    await first.close()
    const second = await openDatabase(path, [things])
    const row = await second.tables<Tables>().selectFrom('things').selectAll().executeTakeFirst()
    expect(row?.size).toBe(1_790_000_000_000)
    expect([...(row?.body ?? [])]).toEqual([1, 0, 255])
    await second.close()
  })

  it('forgets what was deleted, in all of its files', async () => {
    const database = await openDatabase(join(folder, 'store.db'), [things])
    const onDisk = () =>
      readdirSync(folder).some(name => readFileSync(join(folder, name)).includes('the-one-secret'))
    const tables = database.tables<Tables>()
    await tables
      .insertInto('things')
      .values({ id: 'the-one-secret', size: 1, body: null })
      .execute()
    expect(onDisk()).toBe(true)
    await tables.deleteFrom('things').execute()
    await database.forget()
    expect(onDisk()).toBe(false)
    await database.close()
  })

  it('is readable by its owner alone, the write-ahead log too', async () => {
    const path = join(folder, 'store.db')
    writeFileSync(path, '', { mode: 0o644 })
    const database = await openDatabase(path, [things])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600)
    await database.close()
  })

  it('rolls a failed transaction back, and lets no other write slip into it', async () => {
    const database = await openDatabase(':memory:', [things])
    const failing = database.transaction<Tables, void>(async transaction => {
      await transaction.insertInto('things').values({ id: 'a', size: 1, body: null }).execute()
      await new Promise(resolve => setTimeout(resolve, 20))
      throw new Error('no')
    })
    const outside = database
      .tables<Tables>()
      .insertInto('things')
      .values({ id: 'b', size: 1, body: null })
      .execute()
    await expect(failing).rejects.toThrow('no')
    await outside
    const rows = await database.tables<Tables>().selectFrom('things').select('id').execute()
    expect(rows).toEqual([{ id: 'b' }])
    await database.close()
  })

  it('reports how many rows a write changed, and answers RETURNING', async () => {
    const database = await openDatabase(':memory:', [things])
    const tables = database.tables<Tables>()
    const inserted = await tables
      .insertInto('things')
      .values({ id: 'a', size: 1, body: null })
      .returning('size')
      .executeTakeFirst()
    expect(inserted).toEqual({ size: 1 })
    const changed = await tables.updateTable('things').set({ size: 2 }).executeTakeFirst()
    expect(changed.numUpdatedRows).toBe(1n)
    await database.close()
  })

  it('runs each migration once, and the steps that came since', async () => {
    const path = join(folder, 'store.db')
    const runs: string[] = []
    const step = (name: string) => ({
      name,
      up: async () => {
        runs.push(name)
      },
    })
    await (await openDatabase(path, [{ room: 'r', migrations: [step('one')] }])).close()
    const both = { room: 'r', migrations: [step('one'), step('two')] }
    const database = await openDatabase(path, [both])
    await database.migrate(both)
    await database.close()
    expect(runs).toEqual(['one', 'two'])
  })

  it('refuses a store that a newer version wrote', async () => {
    const path = join(folder, 'store.db')
    const step = (name: string) => ({ name, up: async () => {} })
    await (
      await openDatabase(path, [{ room: 'r', migrations: [step('one'), step('two')] }])
    ).close()
    const older = openDatabase(path, [{ room: 'r', migrations: [step('one')] }])
    await expect(older).rejects.toThrow(ConfigurationError)
    await expect(older).rejects.toThrow('newer version')
    await expect(
      openDatabase(path, [{ room: 'r', migrations: [step('one'), step('other')] }]),
    ).rejects.toThrow('another history')
  })

  it('leaves nothing behind of a migration that fails', async () => {
    const path = join(folder, 'store.db')
    const broken: MigrationSet = {
      room: 'things',
      migrations: [
        ...things.migrations,
        {
          name: 'broken',
          up: async () => {
            throw new Error('half way')
          },
        },
      ],
    }
    await expect(openDatabase(path, [broken])).rejects.toThrow('half way')
    const database = await openDatabase(path, [things])
    expect(await database.tables<Tables>().selectFrom('things').selectAll().execute()).toEqual([])
    await database.close()
  })

  it('refuses a file that is no database', async () => {
    const path = join(folder, 'store.db')
    writeFileSync(path, 'this is not a database, and long enough to be looked at as one'.repeat(20))
    await expect(openDatabase(path)).rejects.toThrow(ConfigurationError)
    await expect(openDatabase(path)).rejects.toThrow(/store\.db cannot be opened: .*backup/)
  })
})
