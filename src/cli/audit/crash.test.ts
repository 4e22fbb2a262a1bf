import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { ORIGIN, openTestLog, temporaryFolder } from '../../services/audit/harness.ts'
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
}, 60_000)
