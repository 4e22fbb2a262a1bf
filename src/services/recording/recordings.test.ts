import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SessionId, SessionSummary } from '#model'
import { type Database, openDatabase } from '#services/db'
import { BegunSessions } from './begun-sessions.ts'
import {
  type RecordedChunk,
  Recordings,
  type RecordingTables,
  recordingMigrations,
} from './index.ts'

let folder: string
let database: Database
let recordings: Recordings
let chunks: RecordedChunk[]

const session: SessionSummary = {
  id: 'ses-1' as SessionId,
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
}

const begin = () =>
  new Recordings({
    folder,
    kysely: database.tables<RecordingTables>(),
    now: () => 2000,
    onChunk: chunk => chunks.push(chunk),
  })

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-recordings-'))
  database = await openDatabase(':memory:', [recordingMigrations])
  chunks = []
  recordings = begin()
})
afterEach(async () => {
  await recordings.close()
  await database.close()
  rmSync(folder, { recursive: true, force: true })
})

const note = (text: string) => ({ kind: 'note', at: 1500, text }) as const
const file = () => join(folder, 'ses-1.rec')

describe('sessions that begin at the same moment', () => {
  const three = ['a', 'b', 'c'].map(name => ({ ...session, id: `ses-${name}` as SessionId }))

  it('are all in the store, numbered as they came, each with its key', async () => {
    await recordings.start(session, () => {})
    await Promise.all(three.map(each => recordings.start(each, () => {})))
    expect(await recordings.list({ limit: 10 })).toHaveLength(4)
    const kysely = database.tables<RecordingTables>()
    const rows = await kysely
      .selectFrom('recording_sessions')
      .innerJoin('recording_keys', 'recording_keys.session', 'recording_sessions.id')
      .select(['id', 'no', 'created_at', 'started_at', 'indexed', 'ended_at'])
      .orderBy('no')
      .execute()
    const kept = { created_at: 1000, started_at: 1000, indexed: 0, ended_at: null }
    expect(rows).toEqual(
      ['ses-1', 'ses-a', 'ses-b', 'ses-c'].map((id, at) => ({ id, no: at + 1, ...kept })),
    )
    expect(await recordings.get('ses-b')).toEqual(three[1])
  })

  it('are told when the store does not take them, and nobody is let in on its word until it does', async () => {
    const told: string[] = []
    const start = (each: typeof session) => recordings.start(each, () => void told.push(each.id))
    await start({ ...session, id: 'ses-b' as SessionId })
    await recordings.list({ limit: 10 })
    await Promise.all(three.map(start))
    expect((await recordings.list({ limit: 10 })).map(({ id }) => id)).toEqual([
      'ses-c',
      'ses-a',
      'ses-b',
    ])
    expect(told).toEqual(['ses-b'])
    await database.kysely.schema.alterTable('recording_keys').renameTo('elsewhere').execute()
    await start(session)
    await recordings.list({ limit: 10 })
    expect(told).toEqual(['ses-b', 'ses-1'])
    await expect(start({ ...session, id: 'ses-2' as SessionId })).rejects.toThrow()
    await database.kysely.schema.alterTable('elsewhere').renameTo('recording_keys').execute()
    await start({ ...session, id: 'ses-3' as SessionId })
    expect(await recordings.get('ses-3')).toBeDefined()
  })

  it('have their keys in the store before anything of them is in a file', async () => {
    const keys = () => database.tables<RecordingTables>().selectFrom('recording_keys').selectAll()
    const recorder = await recordings.start(session, () => {})
    recorder.add(note('a'))
    expect(await keys().execute()).toEqual([])
    await recorder.flush()
    expect(existsSync(file())).toBe(true)
    expect((await keys().execute()).map(each => each.session)).toEqual(['ses-1'])
  })

  it('are known after a crash in that moment, and refused when the disk takes nothing', async () => {
    const path = join(folder, 'begun')
    const left = [...three, session].map(({ id, origin: { ip, port, client }, ...rest }) => {
      const { resource, protocol, principal, principalKind, run, startedAt } = rest
      const of = [id, resource, protocol, principal, principalKind, null, run, ip, port, client]
      return JSON.stringify([...of, startedAt, 0, 0, 0, 0])
    })
    await recordings.start(session, () => {})
    expect(readFileSync(path, 'utf8')).toBe(`${left[3]}\n`)
    await recordings.list({ limit: 10 })
    expect(readFileSync(path, 'utf8')).toBe('')
    await recordings.close()
    writeFileSync(path, `${left.slice(0, 2).join('\n')}\n${left[2]?.slice(0, 20)}`)
    recordings = begin()
    expect(await recordings.recover()).toEqual(['ses-1', 'ses-a', 'ses-b'])
    expect(readFileSync(path, 'utf8')).toBe('')
    expect(await recordings.get('ses-a')).toMatchObject({ ...three[0], closeReason: 'failed' })
    const none = {
      left: [],
      add: () => {
        throw new Error('ENOSPC')
      },
      clear() {},
    }
    expect(() => new BegunSessions(none).add(session, Buffer.alloc(32))).toThrow('ENOSPC')
  })
})

describe('a recording', () => {
  it('gives back what was recorded, in order, over several blocks', async () => {
    const recorder = await recordings.start(session, () => {})
    for (let at = 0; at < 3000; at++) recorder.add(note(`event ${at} ${'x'.repeat(600)}`))
    const events = await recordings.read('ses-1')
    expect(events).toHaveLength(3000)
    expect(events[2999]).toEqual(note(`event 2999 ${'x'.repeat(600)}`))
    expect(chunks.length).toBeGreaterThan(2)
    expect(chunks.map(chunk => chunk.chunk)).toEqual(chunks.map((_, at) => at))
  })

  it('is read from any event on, without those before it', async () => {
    const recorder = await recordings.start(session, () => {})
    for (let at = 0; at < 6000; at++)
      if (at % 3 === 0) recorder.add(note(`event ${at} ${'x'.repeat(360)}`))
      else recorder.addOutput(1500, 7, 'output', Buffer.from(`event ${at} ${'x'.repeat(360)}`))
    const all = await recordings.read('ses-1')
    expect(chunks.length).toBeGreaterThan(3)
    const first = Buffer.from(readFileSync(file()))
    // What comes before it may be anything, as long as its blocks have their lengths.
    first.fill(0, 12, 12 + first.readUInt32BE(8))
    writeFileSync(file(), first)
    for (const from of [2_500, 3_001, 4_444, 5_999, 6_000])
      expect(await recordings.read('ses-1', { from })).toEqual(all.slice(from))
    await expect(recordings.read('ses-1', { from: 10 })).rejects.toThrow('does not open')
  })

  it('a long terminal is shown as it was at a moment without all that came before', async () => {
    const recorder = await recordings.start(session, () => {})
    const size = { columns: 90, rows: 20 }
    recorder.add({
      kind: 'statement',
      at: 1000,
      entry: 2,
      text: 'a shell',
      effect: 'permit',
      code: 'permitted',
      policies: [],
    })
    recorder.add({ kind: 'size', at: 1000, entry: 2, ...size, type: 'xterm' })
    for (let n = 0; n < 60_000; n++)
      recorder.addOutput(1000 + n, 2, 'output', Buffer.from(`line ${n} ${'é'.repeat(12)}\r\n`))
    const at = 51_000
    const lives = await recordings.screen('ses-1', at)
    await recordings.end({ ...session, endedAt: 90_000, closeReason: 'client_left' })
    const screen = await recordings.screen('ses-1', at)
    expect(screen).toMatchObject({ entry: 2, at: 1000, text: 'a shell' })
    expect(screen.pieces[0]).toEqual({ at: expect.any(Number), ...size })
    const texts = screen.pieces.map(piece => ('text' in piece ? piece.text : '')).join('')
    expect(texts.endsWith(`line 50000 ${'é'.repeat(12)}\r\n`)).toBe(true)
    const all = lives.pieces.map(piece => ('text' in piece ? piece.text : '')).join('')
    expect(texts.length).toBeLessThan(all.length / 2)

    // The beginning of the recording is not looked at again.
    const bytes = readFileSync(file())
    bytes.fill(0, 12, 12 + bytes.readUInt32BE(8))
    writeFileSync(file(), bytes)
    expect(await recordings.screen('ses-1', at, 2)).toEqual(screen)
    const cast = await Array.fromAsync(recordings.cast('ses-1', { entry: 2, from: at }))
    const lines = cast.map(line => JSON.parse(line))
    expect(lines[0]).toMatchObject({
      title: 'a shell',
      timestamp: 51,
      term: { cols: 90, rows: 20, type: 'xterm' },
    })
    const shown = lines.slice(1) as [number, string, string][]
    const first = shown.findIndex(([interval]) => interval > 0)
    expect(shown[first]).toEqual([0.001, 'o', `line 50001 ${'é'.repeat(12)}\r\n`])
    expect(shown[0]?.[2]).toContain(`line ${60_000 - shown.length - 18} `)
    expect(shown.at(-1)?.[2]).toContain('line 59999 ')

    // Screens that cannot be read are none: then the recording is, and this one is damaged.
    const kept = readdirSync(folder).find(name => name.endsWith('.screens')) ?? ''
    writeFileSync(join(folder, kept), bytes)
    await expect(recordings.screen('ses-1', at, 2)).rejects.toThrow('does not open')
    await recordings.erase('ses-1')
    await expect(recordings.screen('ses-1', at, 2)).rejects.toThrow('was erased')
  })

  it('keeps what was typed apart: a file and a key of its own, which go with it', async () => {
    const recorder = await recordings.start(session, () => {})
    recorder.add(note('shown'))
    expect(await recordings.readInput('ses-1')).toEqual([])
    recorder.addInput(1500, 7, 'ls\r')
    recorder.addInput(1600, 7, undefined)
    const typed = [
      { kind: 'input', at: 1500, entry: 7, text: 'ls\r' },
      { kind: 'input', at: 1600, entry: 7 },
    ]
    expect(await recordings.readInput('ses-1')).toEqual(typed)
    expect(await recordings.readInput('ses-1', { from: 1 })).toEqual(typed.slice(1))
    expect(await recordings.read('ses-1')).toEqual([note('shown')])
    expect(chunks.map(({ session: name, chunk }) => [name, chunk])).toEqual([
      ['ses-1', 0],
      ['ses-1-typed', 0],
    ])
    const keys = await database
      .tables<RecordingTables>()
      .selectFrom('recording_keys')
      .selectAll()
      .execute()
    expect(new Set(keys.map(({ key }) => key)).size).toBe(2)
    await recordings.end({ ...session, endedAt: 3000, closeReason: 'client_left' })
    expect(await recordings.readInput('ses-1')).toEqual(typed)
    await recordings.erase('ses-1')
    await expect(recordings.readInput('ses-1')).rejects.toThrow('was erased')
    expect(
      await database.tables<RecordingTables>().selectFrom('recording_keys').selectAll().execute(),
    ).toEqual([])
  })

  it('ends the session when what was typed cannot be kept', async () => {
    const failures: unknown[] = []
    const recorder = await recordings.start(session, error => failures.push(error.code))
    await database.kysely.schema.alterTable('recording_keys').renameTo('gone').execute()
    recorder.addInput(1500, 7, 'ls\r')
    await recorder.flush()
    expect(failures).toEqual(['recording_unavailable'])
  })

  it('gives what a terminal of it showed as an asciicast: the first, or the one that is meant', async () => {
    const recorder = await recordings.start(session, () => {})
    const asked = (entry: number, text: string) =>
      ({
        kind: 'statement',
        at: 1000,
        entry,
        text,
        effect: 'permit',
        code: 'permitted',
        policies: [],
      }) as const
    const said = (entry: number, text: string) =>
      ({ kind: 'output', at: 1500, entry, stream: 'output', text }) as const
    recorder.add(asked(1, 'uptime'))
    recorder.add(said(1, 'up 3 days\n'))
    recorder.add(asked(2, 'a shell'))
    recorder.add({ kind: 'size', at: 1200, entry: 2, columns: 90, rows: 20, type: 'xterm' })
    recorder.add(said(2, '$ \u001b[1mls\u001b[m'))
    recorder.add({ kind: 'output', at: 1600, entry: 2, stream: 'output', base64: 'w6k=' })
    recorder.add({ kind: 'size', at: 1600, entry: 2, columns: 80, rows: 24 })
    const of = async (entry?: number) =>
      (await Array.fromAsync(recordings.cast('ses-1', { entry }))).map(line => JSON.parse(line))
    expect(await of()).toEqual([
      { version: 3, term: { cols: 90, rows: 20, type: 'xterm' }, timestamp: 1, title: 'a shell' },
      [0.5, 'o', '$ \u001b[1mls\u001b[m'],
      [0.1, 'o', 'é'],
      [0, 'r', '80x24'],
    ])
    recorder.add({
      kind: 'outcome',
      at: 2600,
      entry: 2,
      status: 'failed',
      errorCode: '2',
      rows: 0,
      bytes: 9,
    })
    expect((await of()).at(-1)).toEqual([1, 'x', '2'])
    expect(await of(1)).toMatchObject([
      { title: 'uptime', term: { cols: 80 } },
      [0.5, 'o', 'up 3 days\n'],
    ])
    await expect(of(3)).rejects.toThrow('nothing that was shown on a terminal')
  })

  it('tells what was typed on a terminal as far as the screen tells, in a thread of its own', async () => {
    const recorder = await recordings.start(session, () => {})
    recorder.add({
      kind: 'statement',
      at: 1000,
      entry: 1,
      text: 'a shell',
      effect: 'permit',
      code: 'permitted',
      policies: [],
    })
    recorder.add({ kind: 'size', at: 1000, entry: 1, columns: 80, rows: 24 })
    for (const [at, text] of [
      [1100, '$ '],
      [1200, 'id'],
      [1300, '\r\nuid=0\r\n$ '],
    ] as const)
      recorder.add({ kind: 'output', at, entry: 1, stream: 'output', text })
    const read = () => recordings.typedCommands('ses-1')
    expect(await Promise.all([read(), read()])).toEqual([
      { commands: [{ at: 1300, text: 'id' }], cut: false },
      { commands: [{ at: 1300, text: 'id' }], cut: false },
    ])
    const many = await Promise.allSettled(Array.from({ length: 10 }, read))
    expect(many.filter(({ status }) => status === 'rejected')).toHaveLength(2)
  })

  it('shows nothing of what it holds on disk', async () => {
    const recorder = await recordings.start(session, () => {})
    recorder.add(note('canary-4711'))
    await recordings.end({ ...session, endedAt: 3000, closeReason: 'client_left' })
    expect(readFileSync(file()).includes('canary-4711')).toBe(false)
  })

  it('refuses a block that was changed, and blocks that changed places', async () => {
    const recorder = await recordings.start(session, () => {})
    recorder.add(note('a'.repeat(530_000)))
    recorder.add(note('b'.repeat(530_000)))
    await recordings.end(session)
    const good = readFileSync(file())
    const changed = Buffer.from(good)
    changed[40] = changed[40]! ^ 1
    writeFileSync(file(), changed)
    await expect(recordings.read('ses-1')).rejects.toThrow(/damaged/)
    const first = 8 + 4 + good.readUInt32BE(8)
    writeFileSync(
      file(),
      Buffer.concat([good.subarray(0, 8), good.subarray(first), good.subarray(8, first)]),
    )
    await expect(recordings.read('ses-1')).rejects.toThrow(/damaged/)
  })

  it('can still be read up to a torn last block', async () => {
    const recorder = await recordings.start(session, () => {})
    recorder.add(note('a'.repeat(530_000)))
    await recorder.flush()
    recorder.add(note('b'))
    await recordings.end(session)
    const whole = readFileSync(file())
    writeFileSync(file(), whole.subarray(0, whole.length - 3))
    expect(await recordings.read('ses-1')).toHaveLength(1)
  })

  it('is read part by part when it is large, and each event once', async () => {
    const recorder = await recordings.start(session, () => {})
    for (let at = 0; at < 50; at++) recorder.add(note(`${at} ${'x'.repeat(5_000)}`))
    recorder.add(note('y'.repeat(40_000)))
    await recordings.end(session)
    const seen: string[] = []
    let from: number | undefined = 0
    let parts = 0
    while (from !== undefined) {
      const events = await recordings.read('ses-1', { from, mostCharacters: 30_000 })
      const last = events.at(-1)
      for (const event of events) if (event.kind === 'note') seen.push(event.text.split(' ')[0]!)
      from = last?.kind === 'cut' ? last.next : undefined
      parts += 1
    }
    expect(parts).toBeGreaterThan(8)
    expect(seen).toHaveLength(51)
    expect(seen.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, at) => String(at)))
  })

  it('goes on when somebody who watches it breaks', async () => {
    const recorder = await recordings.start(session, () => {})
    let calls = 0
    recordings.watch('ses-1', () => {
      calls += 1
      throw new Error('a broken watcher')
    })
    recorder.add(note('a'))
    recorder.add(note('b'))
    expect(calls).toBe(1)
    expect(await recordings.read('ses-1')).toHaveLength(2)
  })

  it('can never be read again once it is erased', async () => {
    const recorder = await recordings.start(session, () => {})
    recorder.add(note('a'))
    await expect(recordings.erase('ses-1')).rejects.toThrow(/lives/)
    expect(await recordings.read('ses-1')).toHaveLength(1)
    await recordings.end({ ...session, endedAt: session.startedAt + 1 })
    await recordings.erase('ses-1')
    await expect(recordings.read('ses-1')).rejects.toThrow(/erased/)
    await expect(recordings.erase('ses-1')).rejects.toThrow(/erased/)
    await expect(recordings.erase('ses-2')).rejects.toThrow(/no session/)
  })

  it('tells its session once when it cannot be written', async () => {
    const failures: string[] = []
    const recorder = await recordings.start(session, error => failures.push(error.code))
    rmSync(folder, { recursive: true, force: true })
    recorder.add(note('a'))
    await recorder.flush()
    recorder.add(note('b'))
    await recorder.flush()
    expect(failures).toEqual(['recording_unavailable'])
  })

  it('shows live events to who watches, until it ends', async () => {
    const recorder = await recordings.start(session, () => {})
    const seen: string[] = []
    recordings.watch('ses-1', (event, number) => seen.push(`${number} ${event.kind}`))
    recorder.add(note('a'))
    await recordings.end(session)
    recorder.add(note('b'))
    expect(seen).toEqual(['0 note'])
    expect(recordings.watch('ses-1', () => {})).toBeUndefined()
  })
})

describe('the list of sessions', () => {
  it('closes as failed what a crash left open', async () => {
    await recordings.start(session, () => {})
    await recordings.list({ limit: 10 })
    expect(await recordings.recover()).toEqual(['ses-1'])
    expect((await recordings.get('ses-1')).closeReason).toBe('failed')
  })

  it('knows of each of many sessions that end at once how it ended, and when it asked', async () => {
    const ids = Array.from({ length: 70 }, (_, at) => `ses-${at}` as SessionId)
    for (const id of ids) await recordings.start({ ...session, id }, () => {})
    const end = (id: SessionId, at: number) =>
      recordings.end(
        { ...session, id, statements: at, endedAt: 3000 + at, closeReason: 'client_left' },
        { stepMs: 10, marks: [[at, 1, 0, 0, 0]] },
      )
    await Promise.all(ids.map(end))
    expect(await recordings.get('ses-7')).toMatchObject({
      statements: 7,
      endedAt: 3007,
      closeReason: 'client_left',
    })
    expect(await recordings.list({ live: true, limit: 100 })).toHaveLength(0)
    expect((await recordings.marks(ids)).get('ses-69')?.marks).toEqual([[69, 1, 0, 0, 0]])
    expect((await recordings.runs({ limit: 1 }))[0]?.statements).toBe((69 * 70) / 2)
  })

  it('knows that a session has ended when the index cannot be written', async () => {
    const recorder = await recordings.start(session, () => {})
    recorder.add({
      kind: 'statement',
      at: 1500,
      entry: 1,
      text: 'select 1',
      effect: 'permit',
      code: 'permitted',
      policies: [],
    })
    await database.kysely.schema.dropTable('recording_facts').execute()
    await recordings.end({ ...session, endedAt: 3000, closeReason: 'client_left' })
    expect((await recordings.get('ses-1')).closeReason).toBe('client_left')
  })

  it('is filtered by whether they live', async () => {
    await recordings.start(session, () => {})
    await recordings.start({ ...session, id: 'ses-2' as SessionId }, () => {})
    await recordings.end({ ...session, endedAt: 3000, closeReason: 'client_left' })
    expect((await recordings.list({ live: true, limit: 10 })).map(each => each.id)).toEqual([
      'ses-2',
    ])
    expect((await recordings.list({ live: false, limit: 10 })).map(each => each.id)).toEqual([
      'ses-1',
    ])
  })
})
