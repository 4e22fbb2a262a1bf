import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, leafHash, nodeHash } from '#engines/merkle'
import { entry, fill, openTestLog, temporaryFolder } from '../../services/audit/harness.ts'
import { exportTiles, proveEntry, verifyLog, verifyProof } from './index.ts'

let folder: string
let clean: () => void
beforeEach(() => {
  const temporary = temporaryFolder()
  folder = temporary.path
  clean = temporary.clean
})
afterEach(() => clean())

const TWIN = join(import.meta.dirname, '../../../docs/spec/verify_log.py')
const hasPython = spawnSync('python3', ['--version']).status === 0

interface TwinReport {
  ok: boolean
  size: number
  root: string
  checkpoints: number
  unsigned: number
  problems: string[]
}

function twin(path: string, ...more: string[]): TwinReport {
  const run = spawnSync('python3', [TWIN, path, ...more], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (run.status !== 0 && run.status !== 1) throw new Error(run.stderr)
  return JSON.parse(run.stdout)
}

/** Several segments, full tiles, several heads. */
async function makeLog(
  path: string,
  rounds: number,
  each: number,
  segmentBytes = 30_000,
): Promise<string> {
  const log = await openTestLog(path, { segmentBytes })
  for (let round = 0; round < rounds; round++) {
    fill(log, each)
    await log.checkpoint()
  }
  await log.close()
  return log.vkey
}

/** The files whose bytes the verification covers: all but the private key. */
function evidence(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(file => file.isFile() && file.name !== 'audit.key')
    .map(file => join(file.parentPath, file.name))
}

describe('verification', () => {
  it('of a sound log finds nothing, and says what there is', async () => {
    const vkey = await makeLog(folder, 6, 100)
    const report = verifyLog(folder, { vkey })
    expect(report).toMatchObject({
      ok: true,
      size: 601,
      unsigned: 0,
      problems: [],
      notices: [],
      tiles: 2,
      vkey,
    })
    // The start, six rounds, and the newest once more from its own file.
    expect(report.checkpoints).toBe(8)
    const own = verifyLog(folder)
    expect(own.ok).toBe(true)
    expect(own.notices.map(notice => notice.file)).toEqual(['audit.vkey'])
  })

  it('fails when any byte of a small log differs', async () => {
    await makeLog(folder, 1, 2)
    let tried = 0
    for (const path of evidence(folder)) {
      const bytes = readFileSync(path)
      for (let at = 0; at < bytes.length; at++) {
        const bent = Buffer.from(bytes)
        bent[at] = (bent[at] ?? 0) ^ (1 << (at % 8))
        writeFileSync(path, bent)
        expect(verifyLog(folder).ok, `${path} at ${at}`).toBe(false)
        tried++
      }
      writeFileSync(path, bytes)
    }
    expect(tried).toBeGreaterThan(1_000)
    expect(verifyLog(folder).ok).toBe(true)
  })

  it('fails when bytes of a longer log differ, wherever they are', async () => {
    await makeLog(folder, 4, 90)
    const files = evidence(folder)
    expect(files.some(path => path.includes('tile'))).toBe(true)
    expect(files.filter(path => path.endsWith('.index')).length).toBeGreaterThan(0)
    for (const path of files) {
      const bytes = readFileSync(path)
      for (let at = 0; at < bytes.length; at += 1 + Math.floor(bytes.length / 25)) {
        const bent = Buffer.from(bytes)
        bent[at] = (bent[at] ?? 0) ^ (1 << (at % 8))
        writeFileSync(path, bent)
        expect(verifyLog(folder).ok, `${path} at ${at}`).toBe(false)
      }
      writeFileSync(path, bytes)
    }
    expect(verifyLog(folder).ok).toBe(true)
  })

  it.each<[string, RegExp, (path: string) => void]>([
    [
      'a segment is cut at a frame',
      /were signed/,
      path => truncateSync(join(path, 'segments', '0000000000000000.log'), 16),
    ],
    ['a segment is gone', /comes next|were signed/, path => rmSync(segments(path).at(1) ?? '')],
    ['the last segment is gone', /were signed/, path => rmSync(segments(path).at(-1) ?? '')],
    ['a tile is gone', /tile is missing/, path => rmSync(join(path, 'tile/0/000'))],
    ['a tile is added', /No such tile/, path => writeFileSync(join(path, 'tile/0/777'), 'x')],
    ['the newest head is gone', /no signed head/, path => rmSync(join(path, 'checkpoint'))],
    [
      'the list of heads is gone',
      /list of heads is missing/,
      path => rmSync(join(path, 'checkpoints.jsonl')),
    ],
    [
      'heads change places',
      /behind a larger one/,
      path => {
        const list = join(path, 'checkpoints.jsonl')
        writeFileSync(
          list,
          `${readFileSync(list, 'utf8').trim().split('\n').reverse().join('\n')}\n`,
        )
      },
    ],
    ['the public key is gone', /no public key/, path => rmSync(join(path, 'audit.vkey'))],
    [
      'everything is gone',
      /no records/,
      path => rmSync(join(path, 'segments'), { recursive: true }),
    ],
  ])('fails when %s', async (_, message, harm) => {
    await makeLog(folder, 4, 90)
    harm(folder)
    const report = verifyLog(folder)
    expect(report.ok).toBe(false)
    expect(report.problems.map(problem => problem.message).join('\n')).toMatch(message)
    if (hasPython) expect(twin(folder).ok).toBe(false)
  })

  it('fails when records were rewritten with all that follows from them, but without the key', async () => {
    await makeLog(folder, 4, 90)
    const other = temporaryFolder()
    const log = await openTestLog(other.path, { segmentBytes: 30_000 })
    for (let at = 0; at < 360; at++) log.append(at === 200 ? { kind: 'log.read' } : entry(at % 90))
    await log.close()
    expect(verifyLog(other.path)).toMatchObject({ ok: true, size: 361 })
    for (const part of ['segments', 'tile']) {
      rmSync(join(folder, part), { recursive: true })
      cpSync(join(other.path, part), join(folder, part), { recursive: true })
    }
    other.clean()
    const report = verifyLog(folder)
    expect(report.ok).toBe(false)
    // Only the heads before the change still hold.
    expect(report.checkpoints).toBe(3)
    expect(report.problems.every(problem => problem.message.includes('the log was changed'))).toBe(
      true,
    )
    if (hasPython) expect(twin(folder)).toMatchObject({ ok: false, checkpoints: 3 })
    await expect(openTestLog(folder)).rejects.toThrow('it was changed')
  })

  it('fails for a log that was written anew with another key, when the right key is given', async () => {
    const vkey = await makeLog(folder, 1, 5)
    const other = temporaryFolder()
    await makeLog(other.path, 1, 5)
    expect(verifyLog(other.path).ok).toBe(true)
    expect(verifyLog(other.path, { vkey }).ok).toBe(false)
    other.clean()
  })

  it('holds a log against a head from before, and finds one that does not continue it', async () => {
    await makeLog(folder, 1, 5)
    const since = readFileSync(join(folder, 'checkpoint'), 'utf8')
    await makeLog(folder, 1, 5)
    expect(verifyLog(folder, { since }).ok).toBe(true)
    const other = temporaryFolder()
    await makeLog(other.path, 3, 50)
    expect(
      verifyLog(folder, { since: readFileSync(join(other.path, 'checkpoint'), 'utf8') }).ok,
    ).toBe(false)
    other.clean()
  })

  it('reports records without a head, an unfinished record, and silence', async () => {
    let now = 1_767_225_600_000
    const log = await openTestLog(folder, { now: () => now })
    log.append(entry(0))
    now += 300_000
    log.append(entry(1))
    now -= 5_000
    log.append(entry(2))
    const path = join(folder, 'segments', '0000000000000000.log')
    const bytes = readFileSync(path)
    writeFileSync(path, Buffer.concat([bytes, bytes.subarray(16, 60)]))
    const report = verifyLog(folder)
    expect(report).toMatchObject({ ok: true, size: 4, unsigned: 3 })
    const notices = report.notices.map(notice => notice.message).join('\n')
    expect(notices).toContain('44 bytes')
    expect(notices).toContain('No record for 300 s')
    expect(notices).toContain('went back by 5000 ms')
    if (hasPython) expect(twin(folder)).toMatchObject({ ok: true, size: 4, unsigned: 3 })
    writeFileSync(path, bytes)
    await log.close()
  })

  it('holds recordings against their hashes in the log, and does without those that are gone', async () => {
    const blocks = [Buffer.from('first sealed block'), Buffer.from('second')]
    const file = Buffer.concat([
      Buffer.from('SPREC001'),
      ...blocks.flatMap(block => [Buffer.from([0, 0, 0, block.length]), block]),
    ])
    const recordings = join(folder, 'recordings')
    mkdirSync(recordings)
    writeFileSync(join(recordings, 's-1.rec'), file)
    const log = await openTestLog(join(folder, 'log'))
    for (const recording of ['s-1', 's-gone']) {
      blocks.forEach((block, chunk) => {
        const sha256 = createHash('sha256').update(block).digest('hex')
        log.append({
          kind: 'recording.chunk',
          session: recording,
          details: { recording, chunk, sha256, bytes: block.length },
        })
      })
    }
    await log.close()
    expect(verifyLog(join(folder, 'log'), { recordings })).toMatchObject({
      ok: true,
      recordings: { matching: 2, absent: 2 },
    })
    writeFileSync(join(recordings, 's-1.rec'), file.fill(0, file.length - 1))
    const changed = verifyLog(join(folder, 'log'), { recordings })
    expect(changed.problems).toMatchObject([
      { file: 'recording s-1', message: 'Chunk 1 was changed.', index: 2 },
    ])
    writeFileSync(join(recordings, 's-1.rec'), file.subarray(0, 12 + blocks[0]!.length))
    expect(verifyLog(join(folder, 'log'), { recordings }).problems).toMatchObject([
      { message: 'Chunk 1 is missing.' },
    ])
  })
})

// Left out where there is no Python.
describe.skipIf(!hasPython)('the twin in Python', () => {
  it('comes to the same result', async () => {
    const vkey = await makeLog(folder, 5, 130)
    const ours = verifyLog(folder, { vkey })
    expect(twin(folder, vkey)).toMatchObject({
      ok: true,
      size: ours.size,
      root: ours.root,
      checkpoints: ours.checkpoints,
      unsigned: 0,
      problems: [],
    })
  })

  it('fails when bytes differ, wherever they are', async () => {
    await makeLog(folder, 2, 140)
    for (const path of evidence(folder)) {
      const bytes = readFileSync(path)
      if (bytes.length === 0) continue
      for (const at of [Math.floor(bytes.length / 3), bytes.length - 1]) {
        const bent = Buffer.from(bytes)
        bent[at] = (bent[at] ?? 0) ^ 1
        writeFileSync(path, bent)
        expect(twin(folder).ok, `${path} at ${at}`).toBe(false)
      }
      writeFileSync(path, bytes)
    }
  })
})

describe('the proof of an entry', () => {
  it('holds for every record, and for no other text', async () => {
    const vkey = await makeLog(folder, 3, 100)
    for (const index of [0, 1, 127, 128, 255, 256, 257, 299, 300]) {
      const { record, proof } = proveEntry(folder, index)
      expect(JSON.parse(record).seq).toBe(index)
      expect(verifyProof(proof, record, vkey)).toEqual({
        index,
        size: 301,
        origin: vkey.split('+')[0],
      })
      expect(
        verifyProof(proof, record.replace('SELECT', 'DELETE').replace('start', 'stopp'), vkey),
      ).toBeUndefined()
    }
    expect(() => proveEntry(folder, 301)).toThrow('no record 301')
    expect(() => proveEntry(folder, -1)).toThrow('no record')
  })

  it('is not made from a log that does not hold', async () => {
    await makeLog(folder, 3, 100)
    const tile = join(folder, 'tile/0/000')
    const bytes = readFileSync(tile)
    writeFileSync(tile, bytes.fill(7, 3_000, 3_032))
    expect(() => proveEntry(folder, 280)).toThrow('audit verify')
    rmSync(tile)
    expect(() => proveEntry(folder, 280)).toThrow('audit verify')
  })
})

describe('the export', () => {
  it('is a tile tree from which the head’s root can be computed', async () => {
    await makeLog(folder, 3, 100)
    const target = join(folder, 'export')
    expect(exportTiles(folder, target)).toBe(301)
    expect(readFileSync(join(target, 'checkpoint'))).toEqual(
      readFileSync(join(folder, 'checkpoint')),
    )
    const full = readFileSync(join(target, 'tile/0/000'))
    const rest = readFileSync(join(target, 'tile/0/001.p/45'))
    const top = readFileSync(join(target, 'tile/1/000.p/1'))
    expect([full.length, rest.length, top.length]).toEqual([8_192, 45 * 32, 32])
    const entries = [
      ...decodeBundle(readFileSync(join(target, 'tile/entries/000'))),
      ...decodeBundle(readFileSync(join(target, 'tile/entries/001.p/45'))),
    ]
    expect(entries).toHaveLength(301)
    expect(Buffer.concat(entries.map(leafHash))).toEqual(Buffer.concat([full, rest]))
    const half = (from: number, to: number): Uint8Array => {
      const all = Buffer.concat([full, rest])
      if (to - from === 1) return all.subarray(from * 32, to * 32)
      let split = 1
      while (split * 2 < to - from) split *= 2
      return nodeHash(half(from, from + split), half(from + split, to))
    }
    expect(Buffer.compare(top, half(0, 256))).toBe(0)
    expect(Buffer.from(half(0, 301)).toString('hex')).toBe(verifyLog(folder).root)
  })
})

function segments(path: string): string[] {
  return readdirSync(join(path, 'segments'))
    .filter(name => name.endsWith('.log'))
    .sort()
    .map(name => join(path, 'segments', name))
    .filter(existsSync)
}
