import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Unavailable } from '#model'
import { nodeFiles } from './files.ts'
import { brokenDisk, diskFull, entry, fill, openTestLog, temporaryFolder } from './harness.ts'

let folder: string
let clean: () => void
beforeEach(() => {
  const temporary = temporaryFolder()
  folder = temporary.path
  clean = temporary.clean
})
afterEach(() => clean())

/** A disk that tells how many writes it took. */
function countedDisk(): typeof nodeFiles & { writes: number } {
  const files = {
    ...nodeFiles,
    writes: 0,
    write: (...call: Parameters<typeof nodeFiles.write>) => {
      files.writes += 1
      return nodeFiles.write(...call)
    },
  }
  return files
}

describe('entries that are entered', () => {
  it('go out with one write, in their order, and are then on record', async () => {
    const files = countedDisk()
    const log = await openTestLog(folder, { files })
    files.writes = 0
    expect([log.enter(entry(1)), log.enter(entry(2)), log.enter(entry(3))]).toEqual([1, 2, 3])
    const { batch } = log
    expect([batch.state, log.size, files.writes]).toEqual(['waiting', 1, 0])
    log.flush()
    expect([batch.state, log.size, files.writes]).toEqual(['written', 4, 1])
    log.flush()
    expect(files.writes).toBe(1)
    await log.close()
    const again = await openTestLog(folder)
    expect(await again.read(1, 3)).toMatchObject([1, 2, 3].map(at => ({ details: { at } })))
    await again.close()
  })

  it.each([
    ['an append', async log => log.append(entry(9))],
    ['a wait for the disk', async log => log.durable(1)],
    ['a reader', async log => log.read(0, 10)],
    ['a head', async log => log.checkpoint()],
    ['the end', async log => log.close()],
  ] satisfies [string, (log: Awaited<ReturnType<typeof openTestLog>>) => Promise<unknown>][])(
    'go out with %s too',
    async (_, what) => {
      const log = await openTestLog(folder)
      log.enter(entry(1))
      const { batch } = log
      await what(log)
      expect(batch.state).toBe('written')
      await log.close()
    },
  )

  it.each([
    ['takes nothing', diskFull()],
    ['takes a part of them', 'short' as const],
  ])('are all lost to a disk that %s, and leave no trace and no number', async (_, how) => {
    const files = brokenDisk()
    const log = await openTestLog(folder, { files })
    log.enter(entry(1))
    log.flush()
    const first = log.batch
    log.enter(entry(2))
    log.enter(entry(3))
    const second = log.batch
    files.broken.write = how
    expect(() => log.append(entry(4))).toThrow(Unavailable)
    expect([first.state, second.state, log.failed, log.size]).toEqual(['written', 'lost', true, 2])
    delete files.broken.write
    expect(log.append(entry(5))).toBe(2)
    await log.close()
    const again = await openTestLog(folder)
    expect(await again.read(1, 2)).toMatchObject([{ details: { at: 1 } }, { details: { at: 5 } }])
    await again.close()
  })

  it('are not kept without bound, and verify across segments', async () => {
    const files = countedDisk()
    const log = await openTestLog(folder, { files, segmentBytes: 20_000 })
    const big = { ...entry(0), details: { text: 'x'.repeat(9_000) } }
    files.writes = 0
    for (let at = 0; at < 40; at++) log.enter(big)
    expect(files.writes).toBeGreaterThan(2)
    fill(log, 1)
    expect(log.size).toBe(42)
    expect(await log.read(30, 2)).toMatchObject([{ seq: 30 }, { seq: 31 }])
    await log.close()
    const again = await openTestLog(folder)
    expect(again.size).toBeGreaterThan(41)
    await again.close()
  })

  it('are told to listeners once they are on record', async () => {
    const log = await openTestLog(folder)
    const heard: number[] = []
    log.onAppend(({ index }) => heard.push(index))
    log.enter(entry(1))
    log.enter(entry(2))
    expect(heard).toEqual([])
    log.flush()
    expect(heard).toEqual([1, 2])
    await log.close()
  })

  it('are past for whoever begins to listen behind them', async () => {
    const log = await openTestLog(folder)
    log.enter(entry(1))
    const { size } = log
    const heard: [number, unknown][] = []
    log.onAppend(({ index, record }) => heard.push([index, record['seq']]))
    const past = log.size
    log.enter(entry(2))
    log.flush()
    expect(heard).toEqual([[2, 2]])
    expect(past).toBe(size + 1)
    await log.close()
  })
})
