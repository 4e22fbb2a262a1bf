import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Operation, SessionId, SessionSummary } from '#model'
import { type Database, openDatabase } from '#services/db'
import {
  Recordings,
  type RecordingTables,
  recordingMigrations,
  type SessionFilter,
} from './index.ts'

let folder: string
let database: Database
let recordings: Recordings
let entry = 0

const begin = () =>
  new Recordings({
    folder,
    kysely: database.tables<RecordingTables>(),
    now: () => 1_000_000,
    onChunk: () => {},
    forget: () => database.forget(),
  })

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-search-'))
  database = await openDatabase(join(folder, 'store.db'), [recordingMigrations])
  recordings = begin()
})
afterEach(async () => {
  await recordings.close()
  await database.close()
  rmSync(folder, { recursive: true, force: true })
})

const summary = (id: string, more: Partial<SessionSummary> = {}): SessionSummary => ({
  id: id as SessionId,
  resource: 'shop',
  protocol: 'x',
  principal: 'ana',
  principalKind: 'user',
  run: 'r1',
  origin: { ip: '127.0.0.1', port: 1, client: 'psql' },
  startedAt: 1000,
  statements: 0,
  denied: 0,
  rows: 0,
  bytes: 0,
  ...more,
})
const reads = (name: string): Operation => ({
  action: 'read',
  verb: 'SELECT',
  object: { name, kind: 'table' },
  columns: [],
  flags: [],
})
interface Asked {
  readonly text: string
  readonly tables?: readonly string[]
  readonly effect?: 'permit' | 'held' | 'deny'
  readonly masked?: Readonly<Record<string, number>>
}

/** A session in which this was asked; it goes on when `open`. */
async function session(
  id: string,
  asked: readonly Asked[],
  more: Partial<SessionSummary> & { open?: boolean } = {},
): Promise<void> {
  const { open = false, ...rest } = more
  const recorder = await recordings.start(summary(id, rest), () => {})
  for (const { text, tables = [], effect = 'permit', masked } of asked) {
    const of = { text, operations: tables.map(reads) }
    entry += 1
    recorder.add(
      { kind: 'statement', at: 1500, entry, text, effect, code: 'x', policies: ['p'] },
      of,
    )
    if (masked !== undefined)
      recorder.add(
        { kind: 'outcome', at: 1501, entry, status: 'completed', rows: 1, bytes: 1, masked },
        of,
      )
  }
  if (!open) await recordings.end(summary(id, { endedAt: 2_000, ...rest }))
}

const found = async (filter: Omit<SessionFilter, 'limit'> & { limit?: number }) =>
  (await recordings.list({ limit: 100, ...filter })).map(({ id }) => id)

describe('sessions are found', () => {
  beforeEach(async () => {
    await session('a', [
      {
        text: 'select email from customers where name = \'Ana "x"\'',
        tables: ['public.customers'],
        masked: { email: 2 },
      },
      { text: 'drop table orders', tables: ['public.orders'], effect: 'deny' },
    ])
    await session('b', [{ text: 'select id from Customers', tables: ['public.customers'] }], {
      principal: 'bob',
    })
    await session('c', [{ text: 'select 1 -- 50%_\\ done' }], { resource: 'depot', open: true })
  })

  it.each<[string, Omit<SessionFilter, 'limit'>, string[]]>([
    ['by nothing: all, newest first', {}, ['c', 'b', 'a']],
    ['by who', { principal: 'bob' }, ['b']],
    ['by resource', { resource: 'depot' }, ['c']],
    ['by whether they live', { live: true }, ['c']],
    ['by whether they ended', { live: false }, ['b', 'a']],
    ['by a table, by its whole name', { table: 'public.customers' }, ['b', 'a']],
    ['by a table, by its last name', { table: 'customers' }, ['b', 'a']],
    ['by a class that was masked', { class: 'email' }, ['a']],
    ['by a decision', { decision: 'deny' }, ['a']],
    ['by a part of a text, A to Z in either case', { text: 'FROM CUST' }, ['b', 'a']],
    ['by a text with quotes', { text: 'Ana "x"' }, ['a']],
    ['by a text that means something to SQL', { text: '50%_\\' }, ['c']],
    ['by table and class of one statement', { table: 'customers', class: 'email' }, ['a']],
    [
      'not by the table of one and the decision of another',
      { table: 'customers', decision: 'deny' },
      [],
    ],
    [
      'not by the table of one and the text of another',
      { table: 'customers', text: 'drop table' },
      [],
    ],
    [
      'by everything at once',
      {
        principal: 'ana',
        resource: 'shop',
        live: false,
        table: 'customers',
        class: 'email',
        decision: 'permit',
        text: 'email',
        from: 0,
        until: 9_000,
      },
      ['a'],
    ],
    ['by no word that nobody said', { text: 'nobody' }, []],
  ])('%s', async (_, filter, ids) => {
    expect(await found(filter)).toEqual(ids)
  })

  it('whichever condition is walked along', async () => {
    const kysely = database.tables<RecordingTables>()
    const whole = { principal: 'ana', resource: 'shop', table: 'customers', text: 'email' } as const
    for (const scarce of Object.keys(whole)) {
      // Every condition but one fits so many rows that the one is chosen.
      await kysely.deleteFrom('recording_facts').where('no', '>', 100).execute()
      await sql`delete from recording_texts where rowid > ${2 ** 20 * 100}`.execute(kysely)
      await kysely.deleteFrom('recording_sessions').where('no', '>', 100).execute()
      for (let no = 101; no < 110; no++) {
        const other = (name: keyof typeof whole) => (scarce === name ? 'none' : whole[name])
        await kysely
          .insertInto('recording_sessions')
          .values({
            id: `n${no}`,
            resource: other('resource'),
            protocol: 'x',
            principal: other('principal'),
            principal_kind: 'user',
            actor: null,
            run: 'r',
            ip: '',
            port: 1,
            client: '',
            started_at: 1,
            ended_at: 2,
            close_reason: null,
            statements: 0,
            denied: 0,
            rows: 0,
            bytes: 0,
            no,
            indexed: 1,
          })
          .execute()
        await kysely
          .insertInto('recording_facts')
          .values({ kind: 'table', value: other('table'), no, shape: 0 })
          .execute()
        await sql`insert into recording_texts (rowid, shape, text) values (${no * 2 ** 20}, 0, ${other('text')})`.execute(
          kysely,
        )
      }
      expect(await found(whole), scarce).toEqual(['a'])
    }
  })
})

describe('time and pages', () => {
  it('finds the sessions that lived between two times, also those that had begun before', async () => {
    await session('long', [], { startedAt: 1_000, endedAt: 9_000 })
    await session('early', [], { startedAt: 2_000, endedAt: 2_500 })
    await session('open', [], { startedAt: 3_000, open: true })
    await session('late', [], { startedAt: 8_000, endedAt: 8_500 })
    expect(await found({ from: 4_000, until: 7_000 })).toEqual(['open', 'long'])
    expect(await found({ until: 2_001 })).toEqual(['early', 'long'])
    expect(await found({ from: 2_100 })).toEqual(['late', 'open', 'early', 'long'])
    expect(await found({ from: 8_000, limit: 2 })).toEqual(['late', 'open'])
    expect(await found({ from: 8_000, limit: 2, before: 'open' })).toEqual(['long'])
  })

  it('gives each session once over pages, also those that began in one millisecond', async () => {
    for (let at = 0; at < 25; at++) await session(`s${at}`, [{ text: 'select 1' }])
    for (const filter of [{}, { text: 'select 1' }, { decision: 'permit' }] as const) {
      const all: string[] = []
      for (;;) {
        const last = all.at(-1)
        const page = await found({ ...filter, limit: 10, before: last })
        all.push(...page)
        if (page.length < 10) break
      }
      expect(new Set(all).size).toBe(25)
      expect(all).toHaveLength(25)
    }
  })

  it('refuses a text that is too short, and a page after a session that is not there', async () => {
    await expect(found({ text: 'ab' })).rejects.toThrow('at least 3')
    await expect(found({ before: 'nobody' })).rejects.toThrow('no session')
  })
})

describe('the index', () => {
  it('is read from the recordings again after a crash', async () => {
    await session('a', [{ text: 'select secret_word', tables: ['public.t'], masked: { ssn: 1 } }])
    await session('b', [{ text: 'select other_word', tables: ['public.u'] }], { open: true })
    await recordings.read('b')
    // Killed: nothing of what was known reaches the store, but the recordings are there.
    const kysely = database.tables<RecordingTables>()
    await found({ text: 'other_word' })
    await kysely.deleteFrom('recording_facts').execute()
    await sql`delete from recording_texts`.execute(kysely)
    await kysely.updateTable('recording_sessions').set({ indexed: 0 }).execute()
    recordings = begin()
    expect(await recordings.recover()).toEqual(['b'])
    expect(await found({ text: 'secret_word' })).toEqual([])
    expect(await recordings.indexMissing()).toBe(2)
    expect(await found({ text: 'secret_word', table: 't', class: 'ssn' })).toEqual(['a'])
    expect(await found({ text: 'other_word', table: 'public.u' })).toEqual(['b'])
    expect(await recordings.indexMissing()).toBe(0)
  })

  it('forgets an erased session in all files of the store', async () => {
    await session('a', [{ text: "select 'qxjwzvkp'", tables: ['public.qxjwzvkp_t'] }])
    await session('b', [{ text: 'select 2' }])
    expect(await found({ text: 'qxjwzvkp' })).toEqual(['a'])
    await database.forget()
    const onDisk = (word: string) =>
      readdirSync(folder).some(name => readFileSync(join(folder, name)).includes(word))
    expect(onDisk('qxjwzvkp')).toBe(true)
    await recordings.erase('a')
    expect(onDisk('qxjwzvkp')).toBe(false)
    const kysely = database.tables<RecordingTables>()
    await sql`create virtual table temp.words using fts5vocab (main, recording_texts, row)`.execute(
      kysely,
    )
    const words = await sql<{ term: string }>`select term from temp.words`.execute(kysely)
    expect(words.rows.map(({ term }) => term)).not.toContain('xjw')
    expect(await found({ table: 'qxjwzvkp_t' })).toEqual([])
    expect(await found({})).toEqual(['b', 'a'])
    await recordings.indexMissing()
    expect(await found({ decision: 'permit' })).toEqual(['b'])
  })

  it('writes nothing behind an erasure that comes while it is read again', async () => {
    await session('a', [
      { text: "select 'qxjwzvkp'" },
      ...Array.from({ length: 3_000 }, (_, at) => ({
        text: `select ${at} from long_enough_${at}`,
      })),
    ])
    const kysely = database.tables<RecordingTables>()
    for (const wait of [0, 1, 5]) {
      await found({ text: 'qxjwzvkp' })
      await kysely.updateTable('recording_sessions').set({ indexed: 0 }).execute()
      const reading = recordings.indexMissing()
      await new Promise(resolve => setTimeout(resolve, wait))
      if (wait === 5) await recordings.erase('a')
      await reading
    }
    expect(await found({ text: 'qxjwzvkp' })).toEqual([])
    expect(await found({ decision: 'permit' })).toEqual([])
  })

  it('finds a long text by all of it, not by its ends', async () => {
    const begins = 'select a_long_beginning'
    const ends = 'and_a_long_ending = 17'
    await session('a', [{ text: `${begins} one ${ends}` }])
    expect(await found({ text: `${begins} one ${ends}` })).toEqual(['a'])
    expect(await found({ text: `${begins} two ${ends}` })).toEqual([])
  })

  it('knows what a session has put off, when somebody searches', async () => {
    const recorder = await recordings.start(summary('a'), () => {})
    const text = 'select late'
    recorder.bringsLate(() =>
      recorder.add({
        kind: 'statement',
        at: 1,
        entry: 1,
        text,
        effect: 'permit',
        code: 'x',
        policies: [],
      }),
    )
    expect(await found({ text })).toEqual(['a'])
  })

  it('has one row for a text that is asked a thousand times, and finds what is hostile as it is', async () => {
    const hostile = "select '<b>\u202e\u001b[31m\0\ud800😀\"' -- x"
    await session('a', [
      ...Array.from({ length: 1_000 }, () => ({ text: 'select again' })),
      { text: hostile, tables: ['public."😀 \'t"'] },
      { text: `select '${'y'.repeat(1_000_000)}'` },
    ])
    expect(await found({ text: '😀"\'' })).toEqual(['a'])
    expect(await found({ text: '<b>\u202e' })).toEqual(['a'])
    expect(await found({ text: 'yyyyyy' })).toEqual(['a'])
    expect(await found({ table: 'public."😀 \'t"' })).toEqual(['a'])
    const rows = await sql<{ text: string }>`select text from recording_texts`.execute(
      database.tables<RecordingTables>(),
    )
    expect(rows.rows.map(({ text }) => text.split('select again').length - 1)).toEqual([1, 0])
    expect(Math.max(...rows.rows.map(({ text }) => text.length))).toBeLessThan(20_000)
  })

  it('keeps the values alone of the many texts that differ in nothing else, and every other text whole', async () => {
    const lookup = (id: number) => ({
      text: `select a from public.t where id = ${id} and b = 'x${id}'`,
    })
    await session('a', [
      ...Array.from({ length: 3_000 }, (_, at) => lookup(100_000 + at)),
      { text: "select a from public.t where id = 777777 and b <> 'x'" },
    ])
    expect(await found({ text: 'where id = 100007' })).toEqual(['a'])
    expect(await found({ text: '102999' })).toEqual(['a'])
    expect(await found({ text: "'x102998'" })).toEqual(['a'])
    expect(await found({ text: "id = 777777 and b <> 'x'" })).toEqual(['a'])
    expect(await found({ text: '103000' })).toEqual([])
    const rows = await sql<{ text: string }>`select text from recording_texts`.execute(
      database.tables<RecordingTables>(),
    )
    const kept = rows.rows.reduce((sum, { text }) => sum + text.length, 0)
    expect(kept).toBeLessThan(3_000 * 20)
  })

  it('stays whole when a session has more new texts than it remembers', async () => {
    await session(
      'a',
      Array.from({ length: 5_000 }, (_, at) => ({
        text: `select ${at} as n${at}x`,
        tables: ['public.t'],
      })),
    )
    expect(await found({ text: 'as n17x', table: 't' })).toEqual(['a'])
    expect(await found({ text: 'as n4999x' })).toEqual(['a'])
    expect(await found({ text: 'as n5000x' })).toEqual([])
  })
})

it('a store of before there was an index gets numbers in order of time, and its sessions are indexed', async () => {
  const path = join(folder, 'old.db')
  const [first, second] = recordingMigrations.migrations
  if (first === undefined || second === undefined) throw new Error('the migrations are others')
  const old = await openDatabase(path, [{ room: 'recording', migrations: [first, second] }])
  for (const [id, startedAt] of [
    ['late', 2_000],
    ['early', 1_000],
    ['also-late', 2_000],
  ] as const) {
    await sql`insert into recording_sessions (id, resource, protocol, principal, principal_kind, run, ip, port, client, started_at,
      ended_at, statements, denied, rows, bytes) values (${id}, 'shop', 'x', 'ana', 'user', 'r', '', 1, '', ${startedAt}, 3000, 0, 0, 0, 0)`.execute(
      old.kysely,
    )
  }
  await old.close()
  const store = await openDatabase(path, [recordingMigrations])
  const opened = new Recordings({
    folder,
    kysely: store.tables<RecordingTables>(),
    now: () => 1,
    onChunk: () => {},
  })
  expect((await opened.list({ limit: 10 })).map(({ id }) => id)).toEqual([
    'late',
    'also-late',
    'early',
  ])
  expect(await opened.indexMissing()).toBe(3)
  expect(await opened.indexMissing()).toBe(0)
  await opened.start(summary('new'), () => {})
  expect((await opened.list({ limit: 1 })).map(({ id }) => id)).toEqual(['new'])
  await opened.close()
  await store.close()
})
