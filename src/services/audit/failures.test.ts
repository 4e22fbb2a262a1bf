import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Unavailable } from '#model'
import { brokenDisk, diskFull, entry, fill, openTestLog, temporaryFolder } from './harness.ts'

let folder: string
let clean: () => void
beforeEach(() => {
  const temporary = temporaryFolder()
  folder = temporary.path
  clean = temporary.clean
})
afterEach(() => clean())

/** What is on the disk after all: every number once, in order. */
async function sequence(): Promise<unknown[]> {
  const log = await openTestLog(folder)
  const records = await log.read(0, 10_000)
  await log.close()
  return records.map(record => record['seq'])
}

describe('a full disk', () => {
  it.each([
    ['takes nothing', diskFull()],
    ['takes half a record', 'short' as const],
  ])(
    'that %s refuses entries, and space makes the log whole again without a restart',
    async (_, how) => {
      const files = brokenDisk()
      const log = await openTestLog(folder, { files })
      fill(log, 10)
      files.broken.write = how
      for (let at = 0; at < 3; at++) expect(() => log.append(entry(at))).toThrow(Unavailable)
      expect(log.failed).toBe(true)
      expect(log.size).toBe(11)
      delete files.broken.write
      expect(log.append(entry(1))).toBe(11)
      expect(log.failed).toBe(false)
      await log.close()
      expect(await sequence()).toEqual(Array.from({ length: 13 }, (_, at) => at))
    },
  )

  it('that cannot even cut the torn record off is waited for', async () => {
    const files = brokenDisk()
    const log = await openTestLog(folder, { files })
    files.broken.write = 'short'
    files.broken.truncate = diskFull()
    expect(() => log.append(entry(0))).toThrow(Unavailable)
    delete files.broken.write
    expect(() => log.append(entry(0))).toThrow(Unavailable)
    delete files.broken.truncate
    expect(log.append(entry(0))).toBe(1)
    await log.close()
    expect(await sequence()).toEqual([0, 1, 2])
  })

  it('is found mended by the log itself', async () => {
    const files = brokenDisk()
    const log = await openTestLog(folder, { files, checkpointMs: 10 })
    files.broken.write = diskFull()
    expect(() => log.append(entry(0))).toThrow(Unavailable)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(log.failed).toBe(true)
    delete files.broken.write
    await vi.waitFor(() => expect(log.failed).toBe(false), 30_000)
    await log.close()
  })

  it('that has no room for the next segment loses nothing', async () => {
    const files = brokenDisk()
    const log = await openTestLog(folder, { files, segmentBytes: 2_000 })
    files.broken.open = diskFull()
    expect(() => fill(log, 100)).toThrow(Unavailable)
    const { size } = log
    delete files.broken.open
    expect(log.append(entry(0))).toBe(size)
    await log.close()
    expect(await sequence()).toEqual(Array.from({ length: size + 2 }, (_, at) => at))
  })

  it('at the start is told to the operator, and leaves the folder free', async () => {
    const files = brokenDisk()
    await (await openTestLog(folder)).close()
    files.broken.write = diskFull()
    await expect(openTestLog(folder, { files })).rejects.toThrow('cannot be written')
    expect(await sequence()).toEqual([0, 1])
  })
})

describe('a disk that cannot sync', () => {
  it('promises nothing, refuses, and writes the same bytes again before it goes on', async () => {
    const files = brokenDisk()
    const log = await openTestLog(folder, { files, checkpointMs: 10 })
    files.broken.sync = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
    const index = log.append(entry(0))
    await expect(log.durable(index)).rejects.toThrow(Unavailable)
    expect(log.failed).toBe(true)
    expect(() => log.append(entry(1))).toThrow(Unavailable)
    await expect(log.durable(index)).rejects.toThrow(Unavailable)
    const write = vi.spyOn(files, 'write')
    delete files.broken.sync
    await vi.waitFor(() => expect(log.failed).toBe(false), 30_000)
    expect(write).toHaveBeenCalled()
    await log.durable(index)
    log.append(entry(2))
    await log.close()
    expect((await sequence()).length).toBeGreaterThan(3)
  })

  it('is not trusted again when the bytes are gone', async () => {
    const files = brokenDisk()
    const log = await openTestLog(folder, { files, checkpointMs: 10 })
    files.broken.sync = new Error('EIO')
    const index = log.append(entry(0))
    await expect(log.durable(index)).rejects.toThrow(Unavailable)
    const path = join(folder, 'segments', '0000000000000000.log')
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0, bytes.length - 40))
    delete files.broken.sync
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(log.failed).toBe(true)
    await log.close()
  })
})

describe('a head that cannot be signed', () => {
  it('stops the log after ten seconds, until it can', async () => {
    let now = 1_767_225_600_000
    const files = brokenDisk()
    const log = await openTestLog(folder, { files, now: () => now })
    files.broken.replace = diskFull()
    log.append(entry(0))
    await expect(log.checkpoint()).rejects.toThrow(Unavailable)
    log.append(entry(1))
    now += 10_000
    expect(log.failed).toBe(true)
    expect(() => log.append(entry(2))).toThrow(Unavailable)
    delete files.broken.replace
    await log.checkpoint()
    expect(log.failed).toBe(false)
    log.append(entry(2))
    await log.close()
    expect(await sequence()).toHaveLength(5)
  })

  it('because the disk hangs stops the log as well', async () => {
    let now = 1_767_225_600_000
    const files = brokenDisk()
    const log = await openTestLog(folder, { files, now: () => now })
    log.append(entry(0))
    const { promise, resolve } = Promise.withResolvers<void>()
    const sync = vi.spyOn(files, 'sync').mockReturnValue(promise)
    const signing = log.checkpoint()
    log.append(entry(1))
    now += 10_000
    expect(() => log.append(entry(2))).toThrow(Unavailable)
    sync.mockRestore()
    resolve()
    await signing
    expect(log.failed).toBe(false)
    expect(log.append(entry(2))).toBe(3)
    await log.close()
  })

  it('is never one that somebody else put there', async () => {
    const log = await openTestLog(folder)
    log.append(entry(0))
    writeFileSync(join(folder, 'checkpoint'), 'something else\n')
    await expect(log.checkpoint()).rejects.toThrow(Unavailable)
    await log.close()
  })
})
