import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openCheckpoint, parseVkey } from '#engines/merkle'
import { type AuditEntry, ConfigurationError, InvalidRequest, Unavailable } from '#model'
import { entry, fill, ORIGIN, openTestLog, temporaryFolder } from './harness.ts'

let folder: string
let clean: () => void
beforeEach(() => {
  const temporary = temporaryFolder()
  folder = temporary.path
  clean = temporary.clean
})
afterEach(() => clean())

describe('an audit log', () => {
  it('numbers entries, dates them, and gives them back', async () => {
    const log = await openTestLog(folder)
    expect(log.size).toBe(1)
    expect(log.append(entry(7))).toBe(1)
    expect(log.size).toBe(2)
    expect(await log.read(0, 10)).toMatchObject([
      {
        seq: 0,
        kind: 'log.start',
        ts: '2026-01-01T00:00:00.000Z',
        details: { previous: null, cleanShutdown: false },
      },
      { seq: 1, kind: 'statement.permitted', details: { at: 7 } },
    ])
    expect(await log.read(2, 10)).toEqual([])
    await expect(log.read(-1, 1)).rejects.toThrow(InvalidRequest)
    await log.close()
  })

  it('signs each size it is asked for under its own origin', async () => {
    const log = await openTestLog(folder)
    fill(log, 5)
    const note = await log.checkpoint()
    expect(openCheckpoint(note, parseVkey(log.vkey))).toMatchObject({ origin: ORIGIN, size: 6 })
    expect(await log.checkpoint()).toBe(note)
    const lines = readFileSync(join(folder, 'checkpoints.jsonl'), 'utf8').trim().split('\n')
    expect(lines.map(line => JSON.parse(line).checkpoint)).toContain(note)
    expect(readFileSync(join(folder, 'checkpoint'), 'utf8')).toBe(note)
    await log.close()
  })

  it('keeps its key to itself', async () => {
    await (await openTestLog(folder)).close()
    expect(statSync(join(folder, 'audit.key')).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('begins new segments and reads across them, with and without their indexes', async () => {
    const log = await openTestLog(folder, { segmentBytes: 100_000 })
    fill(log, 2_000)
    expect(
      readdirSync(join(folder, 'segments')).filter(name => name.endsWith('.log')).length,
    ).toBeGreaterThan(3)
    const all = await log.read(0, 30_000)
    expect(all.map(record => record['seq'])).toEqual(Array.from({ length: 2_001 }, (_, at) => at))
    expect(await log.read(1_234, 1)).toMatchObject([{ seq: 1_234 }])
    for (const name of readdirSync(join(folder, 'segments'))) {
      if (name.endsWith('.index'))
        writeFileSync(join(folder, 'segments', name), Buffer.alloc(8, 0x11))
    }
    expect(await log.read(600, 1)).toMatchObject([{ seq: 600 }])
    await log.close()
    const again = await openTestLog(folder, { segmentBytes: 100_000 })
    expect(again.size).toBe(2_002)
    expect(await again.read(2_001, 1)).toMatchObject([
      { details: { cleanShutdown: true, previous: { size: 2_001 } } },
    ])
    await again.close()
  })

  it('tells listeners in order, and is not troubled by one that throws', async () => {
    const log = await openTestLog(folder)
    const seen: number[] = []
    log.onAppend(() => {
      throw new Error('a watcher’s own bug')
    })
    const end = log.onAppend(({ index, record }) => {
      expect(record['seq']).toBe(index)
      seen.push(index)
    })
    fill(log, 3)
    end()
    fill(log, 1)
    expect(seen).toEqual([1, 2, 3])
    await log.close()
  })

  it('makes many waiters durable with few syncs', async () => {
    const { brokenDisk } = await import('./harness.ts')
    const files = brokenDisk()
    const log = await openTestLog(folder, { files })
    const sync = vi.spyOn(files, 'sync')
    await Promise.all(Array.from({ length: 200 }, (_, at) => log.durable(log.append(entry(at)))))
    expect(sync.mock.calls.length).toBeLessThanOrEqual(2)
    const before = sync.mock.calls.length
    await log.durable(3)
    expect(sync.mock.calls.length).toBe(before)
    await expect(log.durable(500)).rejects.toThrow(Unavailable)
    await log.close()
  })

  it.each([
    ['is too long', { ...entry(0), details: { text: 'x'.repeat(33_000) } }],
    ['is too long in bytes', { ...entry(0), details: { text: '€'.repeat(12_000) } }],
    ['has a float', { ...entry(0), details: { cost: 0.5 } }],
    ['has an unknown part', { ...entry(0), statement: 'select 1' } as AuditEntry],
  ])('refuses an entry that %s, and goes on', async (_, bad) => {
    const log = await openTestLog(folder)
    expect(() => log.append(bad)).toThrow(Unavailable)
    expect(log.size).toBe(1)
    expect(log.failed).toBe(false)
    expect(log.append(entry(1))).toBe(1)
    await log.close()
  })

  it('takes a record of exactly 32 KiB', async () => {
    const log = await openTestLog(folder)
    const overhead = JSON.stringify(
      (await log.read(log.append({ kind: 'log.read', details: { t: '' } }), 1))[0],
    ).length
    log.append({ kind: 'log.read', details: { t: 'x'.repeat(32_768 - overhead) } })
    expect(() =>
      log.append({ kind: 'log.read', details: { t: 'x'.repeat(32_769 - overhead) } }),
    ).toThrow(Unavailable)
    await log.close()
    const again = await openTestLog(folder)
    expect(again.size).toBe(4)
    await again.close()
  })

  it('refuses everything once closed', async () => {
    const log = await openTestLog(folder)
    await log.close()
    await log.close()
    expect(() => log.append(entry(0))).toThrow(Unavailable)
    expect(log.failed).toBe(true)
  })

  it('shows that it lives, and signs, by itself', async () => {
    let now = 1_767_225_600_000
    const log = await openTestLog(folder, { now: () => now, checkpointMs: 10 })
    now += 61_000
    await vi.waitFor(() => expect(log.size).toBe(2), 30_000)
    expect(await log.read(1, 1)).toMatchObject([
      { kind: 'log.heartbeat', ts: '2026-01-01T00:01:01.000Z' },
    ])
    await vi.waitFor(() => {
      const note = readFileSync(join(folder, 'checkpoint'), 'utf8')
      expect(openCheckpoint(note, parseVkey(log.vkey))?.size).toBe(2)
    }, 30_000)
    await log.close()
  })
})

describe('a clock that is set back', () => {
  it('does not silence the log', async () => {
    let now = 1_767_225_600_000
    const log = await openTestLog(folder, { now: () => now, checkpointMs: 10 })
    now -= 3_600_000
    await vi.waitFor(() => expect(log.size).toBe(2), 30_000)
    expect(await log.read(1, 1)).toMatchObject([{ kind: 'log.heartbeat' }])
    await log.close()
  })
})

describe('the folder of a log', () => {
  it('has one writer, in this process and in others', async () => {
    const log = await openTestLog(folder)
    await expect(openTestLog(folder)).rejects.toThrow('in use by another gateway')
    const door = join(import.meta.dirname, 'index.ts')
    const child = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { openAuditLog } from ${JSON.stringify(door)}
         try { await openAuditLog({ folder: ${JSON.stringify(folder)}, origin: '${ORIGIN}', now: Date.now }); console.log('opened') }
         catch (error) { console.log(error.message) }`,
      ],
      { encoding: 'utf8' },
    )
    expect(child.stdout).toContain('in use by another gateway')
    expect(log.append(entry(0))).toBe(1)
    await log.close()
    const again = await openTestLog(folder)
    await again.close()
  })

  it('that cannot be locked says so, and blames no other gateway', async () => {
    mkdirSync(join(folder, 'audit.lock'))
    const opening = openTestLog(folder)
    await expect(opening).rejects.toThrow(ConfigurationError)
    await expect(opening).rejects.toThrow(/audit\.lock, cannot be taken: .*gateway's user/)
  })

  it('belongs to one origin and one key', async () => {
    await (await openTestLog(folder)).close()
    await expect(openTestLog(folder, { origin: 'example.com/audit/two' })).rejects.toThrow(
      'not of example.com/audit/two',
    )
    const key = readFileSync(join(folder, 'audit.key'))
    rmSync(join(folder, 'audit.key'))
    await expect(openTestLog(folder)).rejects.toThrow('has no key')
    const other = temporaryFolder()
    await (await openTestLog(other.path)).close()
    writeFileSync(join(folder, 'audit.key'), readFileSync(join(other.path, 'audit.key')), {
      mode: 0o600,
    })
    other.clean()
    await expect(openTestLog(folder)).rejects.toThrow('is not the one of its audit.vkey')
    writeFileSync(join(folder, 'audit.key'), key)
    await (await openTestLog(folder)).close()
  })

  it('is not used when the key could be read by others', async () => {
    await (await openTestLog(folder)).close()
    const { chmodSync } = await import('node:fs')
    chmodSync(join(folder, 'audit.key'), 0o644)
    await expect(openTestLog(folder)).rejects.toThrow(ConfigurationError)
  })

  it('says after the fact whether the last run ended in order', async () => {
    await (await openTestLog(folder)).close()
    expect(existsSync(join(folder, 'audit.closed'))).toBe(true)
    const log = await openTestLog(folder)
    expect(existsSync(join(folder, 'audit.closed'))).toBe(false)
    expect(await log.read(1, 1)).toMatchObject([{ details: { cleanShutdown: true } }])
    await log.close()
  })
})
