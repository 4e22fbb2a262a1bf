import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCheckpoint, parseVkey } from '#engines/merkle'
import { ConfigurationError } from '#model'
import { entry, fill, ORIGIN, openTestLog, temporaryFolder } from './harness.ts'
import type { AuditLog } from './index.ts'

let folder: string
let clean: () => void
beforeEach(() => {
  const temporary = temporaryFolder()
  folder = temporary.path
  clean = temporary.clean
})
afterEach(() => clean())

const SEGMENT = join('segments', '0000000000000000.log')

function copy(from: string, name: string): string {
  const to = join(folder, name)
  cpSync(from, to, { recursive: true })
  return to
}

describe('a start', () => {
  it('recovers or refuses after a cut at any byte, and never loses a signed record', async () => {
    const log = await openTestLog(join(folder, 'log'))
    small(log)
    await log.checkpoint()
    const signed = readFileSync(join(folder, 'log', SEGMENT)).length
    small(log)
    // As a crash leaves it: four records after the start, two of them signed.
    const crashed = copy(join(folder, 'log'), 'crashed')
    await log.close()
    const whole = readFileSync(join(crashed, SEGMENT))
    for (let length = 0; length < whole.length; length++) {
      const path = copy(crashed, 'cut')
      truncateSync(join(path, SEGMENT), length)
      if (length < signed) {
        await expect(openTestLog(path), `cut at ${length}`).rejects.toThrow('were signed')
        expect(readFileSync(join(path, SEGMENT)).length).toBe(length)
      } else {
        const again = await openTestLog(path)
        const records = await again.read(0, 10)
        expect(records.slice(0, 3).map(record => record['seq'])).toEqual([0, 1, 2])
        expect(records.at(-1)).toMatchObject({
          kind: 'log.start',
          details: { cleanShutdown: false },
        })
        const isTorn = existsSync(join(path, 'dropped'))
        expect(records.at(-1)?.['details']).toMatchObject(isTorn ? { dropped: {} } : {})
        await again.close()
      }
      rmSync(path, { recursive: true })
    }
  })

  it('takes records after the last head in again', async () => {
    const log = await openTestLog(join(folder, 'log'))
    fill(log, 700)
    const crashed = copy(join(folder, 'log'), 'crashed')
    await log.close()
    const again = await openTestLog(crashed)
    expect(again.size).toBe(702)
    const head = openCheckpoint(await again.checkpoint(), parseVkey(again.vkey))
    expect(head?.size).toBe(702)
    await again.close()
  })

  it('goes on from the list of heads when the newest head was not put in place yet', async () => {
    const path = join(folder, 'log')
    const log = await openTestLog(path)
    const before = readFileSync(join(path, 'checkpoint'))
    fill(log, 3)
    await log.close()
    writeFileSync(join(path, 'checkpoint'), before)
    const again = await openTestLog(path)
    expect(await again.read(4, 1)).toMatchObject([
      { kind: 'log.start', details: { previous: { size: 4 } } },
    ])
    await again.close()
  })

  it('reads only the end of a log whose tiles are there, and all of one whose tiles are not', async () => {
    const path = join(folder, 'log')
    const log = await openTestLog(path, { segmentBytes: 50_000 })
    fill(log, 1_500)
    await log.close()
    // Changed before the last full tile: a start does not see it (audit verify does), unless it must read all.
    const bytes = readFileSync(join(path, SEGMENT))
    bytes[bytes.length - 5] = 0x41
    const changed = copy(path, 'changed')
    writeFileSync(join(changed, SEGMENT), bytes)
    await (await openTestLog(changed)).close()
    rmSync(join(changed, 'tile'), { recursive: true })
    await expect(openTestLog(changed)).rejects.toThrow(ConfigurationError)

    writeFileSync(join(path, 'tile', '0', '002'), Buffer.alloc(8_192))
    rmSync(join(path, 'tile', '0', '003'))
    const again = await openTestLog(path)
    expect(again.size).toBe(1_502)
    await again.close()
    expect(readFileSync(join(path, 'tile', '0', '002'))).not.toEqual(Buffer.alloc(8_192))
    expect(existsSync(join(path, 'tile', '0', '003'))).toBe(true)
  })

  it.each<[string, (path: string) => void]>([
    ['a record was changed', path => bend(join(path, SEGMENT), 60)],
    ['the segment is gone', path => rmSync(join(path, SEGMENT))],
    ['the newest head was changed', path => bend(join(path, 'checkpoint'), 25)],
    [
      'the list of heads was changed at its end',
      path => bend(join(path, 'checkpoints.jsonl'), -40),
    ],
    [
      'all heads are gone',
      path =>
        ['checkpoint', 'checkpoints.jsonl'].forEach(name => {
          rmSync(join(path, name))
        }),
    ],
    ['the public key is another', path => bend(join(path, 'audit.vkey'), -3)],
  ])('refuses when %s, says what to do, and changes nothing', async (_, harm) => {
    const path = join(folder, 'log')
    const log = await openTestLog(path)
    fill(log, 20)
    await log.close()
    harm(path)
    const before = contents(path)
    await expect(openTestLog(path)).rejects.toThrow(ConfigurationError)
    expect(contents(path)).toEqual(before)
  })
})

describe('a fork', () => {
  it('puts the log aside as it is and names it in the first record of a new origin', async () => {
    const path = join(folder, 'log')
    const log = await openTestLog(path)
    fill(log, 20)
    await log.close()
    truncateSync(join(path, SEGMENT), 300)
    await expect(openTestLog(path)).rejects.toThrow('--fork')
    const oldHead = readFileSync(join(path, 'checkpoint'), 'utf8')

    const forked = await openTestLog(path, { fork: true })
    expect(forked.origin).toBe(`${ORIGIN}/fork-1`)
    expect(await forked.read(0, 1)).toMatchObject([
      {
        kind: 'log.start',
        details: {
          origin: `${ORIGIN}/fork-1`,
          forkedFrom: { checkpoint: oldHead, folder: 'forks/0001' },
        },
      },
    ])
    await forked.close()
    expect(readFileSync(join(path, 'forks', '0001', SEGMENT)).length).toBe(300)

    // Later starts need no flag.
    const again = await openTestLog(path)
    expect(again.origin).toBe(`${ORIGIN}/fork-1`)
    expect(again.append(entry(0))).toBe(2)
    await again.close()
    const second = await openTestLog(path, { fork: true })
    expect(second.origin).toBe(`${ORIGIN}/fork-2`)
    await second.close()
  })

  it('of nothing is an ordinary start', async () => {
    const log = await openTestLog(folder, { fork: true })
    expect(log.origin).toBe(ORIGIN)
    await log.close()
  })
})

/** Two short records: every byte of them is tried. */
function small(log: AuditLog): void {
  log.append({ kind: 'log.read' })
  log.append({ kind: 'log.read' })
}

function bend(path: string, at: number): void {
  const bytes = readFileSync(path)
  const spot = at < 0 ? bytes.length + at : at
  bytes[spot] = (bytes[spot] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

function contents(path: string): Record<string, string> {
  const all: Record<string, string> = {}
  for (const file of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (file.isFile())
      all[join(file.parentPath, file.name)] = readFileSync(
        join(file.parentPath, file.name),
        'latin1',
      )
  }
  return all
}
