import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { entry, fill, ORIGIN, openTestLog, temporaryFolder } from '../../services/audit/harness.ts'
import { type AuditLog, type LogFiles, nodeFiles } from '../../services/audit/index.ts'
import { verifyLog } from './index.ts'

const DOOR = join(import.meta.dirname, '../../services/audit/index.ts')

/** Appends as fast as it can, small segments, many heads; prints what it was promised: appended, and durable. */
const program = (folder: string): string => `
  import { openAuditLog } from ${JSON.stringify(DOOR)}
  import { writeSync } from 'node:fs'
  const log = await openAuditLog({ folder: ${JSON.stringify(folder)}, origin: '${ORIGIN}', now: Date.now, checkpointMs: 5, segmentBytes: 100_000 })
  for (;;) {
    for (let at = 0; at < 50; at++) {
      const index = log.append({ kind: 'statement.permitted', session: 's-1', details: { at } })
      if (at === 49) writeSync(1, 'a' + index + '\\n')
    }
    const index = log.size - 1
    log.durable(index).then(() => writeSync(1, 'd' + index + '\\n'))
    await new Promise(resolve => setImmediate(resolve))
  }
`

/** A disk on a machine that dies at call number `last`: that write is done by half, and nothing works after it. */
function dyingDisk(last: number): { files: LogFiles; isDead: () => boolean } {
  let calls = 0
  const step = (): void => {
    calls++
    if (calls >= last) throw new Error('the machine is dead')
  }
  const files: LogFiles = {
    ...nodeFiles,
    write: (fd, bytes, length, position) => {
      calls++
      if (calls === last) nodeFiles.write(fd, bytes, length >> 1, position)
      if (calls >= last) throw new Error('the machine is dead')
      return nodeFiles.write(fd, bytes, length, position)
    },
    truncate: (fd, length) => {
      step()
      nodeFiles.truncate(fd, length)
    },
    open: (path, flags) => {
      step()
      return nodeFiles.open(path, flags)
    },
    sync: async fd => {
      step()
      await nodeFiles.sync(fd)
    },
    replace: async (path, text) => {
      step()
      await nodeFiles.replace(path, text)
    },
    writeDerived: async (path, bytes) => {
      step()
      await nodeFiles.writeDerived(path, bytes)
    },
  }
  return { files, isDead: () => calls >= last }
}

it('a machine that dies at any call to its disk leaves a log that goes on, with all that was promised', async () => {
  let ended = false
  for (let last = 1; !ended; last++) {
    const { path, clean } = temporaryFolder()
    // So that a tile fills up, and segments begin, among the calls that are tried.
    const before = await openTestLog(path, { segmentBytes: 100_000 })
    fill(before, 245)
    await before.close()
    const { files, isDead } = dyingDisk(last)
    let written = 246
    let signed = 246
    let dying: AuditLog | undefined
    try {
      dying = await openTestLog(path, { files, segmentBytes: 46_000 })
      for (let round = 0; round < 3; round++) {
        for (let at = 0; at < 8; at++) written = dying.append(entry(at)) + 1
        const size = dying.size
        await dying.checkpoint()
        signed = size
      }
    } catch {
      // The death: what counts is what is found afterwards.
    }
    // Its disk is dead, so this only lets go of the folder, as the end of a process does.
    await dying?.close()
    ended = !isDead()
    if (ended) expect(last).toBeGreaterThan(50)
    const log = await openTestLog(path, { segmentBytes: 46_000 })
    expect(log.size, `death at call ${last}`).toBeGreaterThan(Math.max(written, signed))
    await log.close()
    expect(verifyLog(path).problems, `death at call ${last}`).toEqual([])
    clean()
  }
})

it('a process that is killed while it writes loses nothing that it was told is written', async () => {
  const { path, clean } = temporaryFolder()
  let size = 0
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program(path)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const promised: number[] = []
    createInterface({ input: child.stdout }).on('line', line => {
      // A line can be cut by the kill; whole ones end in a newline that readline cannot see, so the last is not used.
      promised.push(Number(line.slice(1)))
    })
    while (promised.length < 40) await new Promise(resolve => setTimeout(resolve, 5))
    await new Promise(resolve => setTimeout(resolve, round * 17))
    child.kill('SIGKILL')
    await once(child, 'close')
    const most = Math.max(...promised.slice(0, -1))
    const before = verifyLog(path)
    expect(before.problems).toEqual([])
    expect(before.size).toBeGreaterThan(most)
    const log = await openTestLog(path, { segmentBytes: 100_000 })
    expect(log.size).toBeGreaterThan(most)
    expect(log.size).toBeGreaterThan(size)
    size = log.size
    expect(await log.read(log.size - 1, 1)).toMatchObject([
      { kind: 'log.start', details: { cleanShutdown: false } },
    ])
    await log.checkpoint()
    // Its own end is an orderly one; the next child starts from it, and is killed again.
    await log.close()
  }
  expect(verifyLog(path)).toMatchObject({ ok: true, size, unsigned: 0 })
  clean()
})

it('a log can be verified while it is written', async () => {
  const { path, clean } = temporaryFolder()
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.stdout.resume()
  for (let round = 0; round < 10; round++) {
    const report = verifyLog(path)
    expect(report.problems).toEqual([])
    expect(report.size).toBeGreaterThan(0)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
  await once(child, 'close')
  clean()
})
