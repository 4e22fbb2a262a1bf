// The verifier that runs in the page, against real logs, against the vectors of others, and against a gateway that
// changes one byte of what it sends.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { verifyProof } from '../../src/cli/audit/index.ts'
import { fill, openTestLog, temporaryFolder } from '../../src/services/audit/harness.ts'
import type { AuditLog } from '../../src/services/audit/index.ts'
import {
  Broken,
  type Bytes,
  leafHash,
  nodeHash,
} from '../../web/features/evidence/verifier/bytes.ts'
import {
  type LogBytes,
  type Seen,
  type Step,
  verifyEntry,
  verifyEveryEntry,
  verifyHead,
} from '../../web/features/evidence/verifier/index.ts'
import { checkConsistency, checkInclusion } from '../../web/features/evidence/verifier/shape.ts'

const folders: (() => void)[] = []
function newFolder(): string {
  const { path, clean } = temporaryFolder()
  folders.push(clean)
  return path
}
afterAll(() => {
  for (const clean of folders) clean()
})
afterEach(() => vi.restoreAllMocks())

/** What the API sends for a path of the layout. */
function bytesOf(log: AuditLog): LogBytes {
  return async path => {
    const [, level = '', place = '', width = '256'] = /^tile\/(\w+)\/(.*?)(?:\.p\/(\d+))?$/.exec(
      path,
    )!
    const index = Number(place.replaceAll(/[x/]/g, ''))
    const { published } = log
    const bytes =
      level === 'entries'
        ? await published.entries(index, Number(width))
        : await published.tile(Number(level), index, Number(width))
    return Uint8Array.from(bytes)
  }
}

interface Told {
  readonly steps: readonly Step[]
  readonly failed: Step | undefined
  readonly asked: readonly string[]
  readonly proof?:
    | { readonly index: number; readonly record: string; readonly proof: string }
    | undefined
}

interface Change {
  readonly response: string
  readonly at: number
}

/** Verifies head and one entry; of one response, one byte may be changed on the way. */
async function look(
  log: AuditLog,
  {
    seen,
    entry,
    change,
    trusted,
  }: { seen?: Seen; entry?: number; change?: Change; trusted?: string } = {},
): Promise<Told> {
  const steps: Step[] = []
  const asked: string[] = []
  const sent = bytesOf(log)
  const bent = (response: string, bytes: Bytes): Bytes => {
    asked.push(response)
    if (change?.response === response) bytes[change.at] = (bytes[change.at] ?? 0) ^ 1
    return bytes
  }
  const text = (name: string, value: string): string =>
    new TextDecoder().decode(bent(name, new TextEncoder().encode(value)))
  const tell = (step: Step): void => void steps.push(step)
  const head = await verifyHead(
    {
      vkey: text('vkey', log.vkey),
      note: text('checkpoint', log.published.head.note),
      seen,
      trusted,
      bytes: async path => bent(path, await sent(path)),
    },
    tell,
  )
  const proof =
    head === undefined || entry === undefined ? undefined : await verifyEntry(entry, head, tell)
  return { steps, failed: steps.find(({ outcome }) => outcome === 'fails'), asked, proof }
}

const seenOf = (log: AuditLog): Seen => ({ vkey: log.vkey, note: log.published.head.note, at: 0 })
const outcomes = ({ steps }: Told) => steps.map(({ name, outcome }) => `${name} ${outcome}`)

describe('the verifier of the page', () => {
  let log: AuditLog
  const heads = new Map<number, Seen>()
  beforeAll(async () => {
    log = await openTestLog(newFolder())
    for (const size of [1, 2, 100, 255, 256, 257, 300, 512, 700]) {
      fill(log, size - log.size)
      await log.checkpoint()
      heads.set(size, seenOf(log))
    }
    fill(log, 30)
  })
  afterAll(() => log.close())

  it('finds every step to hold, from every head that it may have seen before', async () => {
    for (const [size, seen] of heads) {
      const told = await look(log, { seen, entry: size - 1 })
      expect(outcomes(told), String(size)).toEqual([
        'key holds',
        'head holds',
        'signature holds',
        'tree holds',
        'continuity holds',
        'entries holds',
        'path holds',
      ])
    }
  })

  it('says at its first look what it could not compare, and with a key that was written down it can', async () => {
    expect(outcomes(await look(log)).filter(each => !each.endsWith('holds'))).toEqual([
      'key unchecked',
      'continuity unchecked',
    ])
    expect(outcomes(await look(log, { trusted: log.vkey }))[0]).toBe('key holds')
    const another = await openTestLog(newFolder())
    const told = await look(log, { trusted: another.vkey })
    expect([told.failed?.name, told.failed?.said]).toEqual([
      'key',
      expect.stringContaining('that you gave'),
    ])
    await another.close()
  })

  it('makes proofs that the command line accepts, for the record that it names and for no other', async () => {
    for (const index of [0, 1, 254, 255, 256, 511, 512, 699]) {
      const { proof } = await look(log, { entry: index })
      expect(verifyProof(proof!.proof, proof!.record, log.vkey)).toMatchObject({ index, size: 700 })
      expect(
        verifyProof(proof!.proof, proof!.record.replace('agent', 'human'), log.vkey) === undefined,
      ).toBe(index > 0)
    }
  })

  it('reads every entry when it is asked to, and finds the one that was changed', async () => {
    const steps: Step[] = []
    const numbers: number[] = []
    const sent = bytesOf(log)
    const everything = async (bytes: LogBytes): Promise<boolean> => {
      const question = { vkey: log.vkey, note: log.published.head.note, seen: undefined, bytes }
      const head = await verifyHead(question, step => void steps.push(step))
      const { signal } = new AbortController()
      return verifyEveryEntry(
        head!,
        step => void steps.push(step),
        each => void numbers.push(each),
        signal,
      )
    }
    expect(await everything(sent)).toBe(true)
    expect(numbers).toEqual([256, 512, 700])
    const changed: LogBytes = async path => {
      const bytes = await sent(path)
      if (path === 'tile/entries/001') bytes[5_000]! ^= 1
      return bytes
    }
    expect(await everything(changed)).toBe(false)
    expect(steps.at(-1)).toMatchObject({
      name: 'entries',
      outcome: 'fails',
      said: expect.stringMatching(/^Entry \d+ is not/),
    })
  })

  it('catches a change of any byte of any answer, and names the step', async () => {
    const seen = heads.get(300)!
    const honest = await look(log, { seen, entry: 400 })
    const named: Record<string, string> = {
      vkey: 'key',
      checkpoint: 'head or signature',
      'tile/1/000.p/2': 'tree',
      'tile/0/002.p/188': 'tree',
      'tile/0/001': 'continuity',
      'tile/entries/001': 'entries',
    }
    expect([...new Set(honest.asked)].sort()).toEqual(Object.keys(named).sort())
    for (const [response, expected] of Object.entries(named)) {
      const length =
        response === 'vkey'
          ? log.vkey.length
          : response === 'checkpoint'
            ? new TextEncoder().encode(log.published.head.note).length
            : (await bytesOf(log)(response)).length
      const stride = length < 400 ? 1 : Math.ceil(length / 40)
      for (let at = 0; at < length; at += stride) {
        const { failed, steps } = await look(log, { seen, entry: 400, change: { response, at } })
        expect(expected, `${response} at ${at}: ${failed?.name}`).toContain(
          failed?.name ?? 'nothing',
        )
        expect(steps.at(-1)).toBe(failed)
      }
    }
  })

  it('catches answers that are too short, too long, or of another place', async () => {
    const seen = heads.get(300)!
    const sent = bytesOf(log)
    const lies: Record<string, (path: string, bytes: Bytes) => Bytes | Promise<Bytes>> = {
      empty: () => new Uint8Array(),
      short: (_path, bytes) => bytes.slice(0, -1),
      long: (_path, bytes) => Uint8Array.of(...bytes, 0),
      elsewhere: (path, bytes) =>
        path === 'tile/0/001'
          ? sent('tile/0/000')
          : path.includes('entries')
            ? sent('tile/entries/000')
            : bytes.toReversed(),
    }
    for (const [name, lie] of Object.entries(lies)) {
      for (const target of ['tile/1/000.p/2', 'tile/0/001', 'tile/entries/001']) {
        const steps: Step[] = []
        const bytes: LogBytes = async path =>
          path === target ? lie(path, await sent(path)) : sent(path)
        const question = { vkey: log.vkey, note: log.published.head.note, seen, bytes }
        const head = await verifyHead(question, step => void steps.push(step))
        if (head !== undefined) await verifyEntry(400, head, step => void steps.push(step))
        expect(steps.at(-1)?.outcome, `${name} ${target}`).toBe('fails')
      }
    }
  })

  it('says so where the browser has no Ed25519, and checks the rest all the same', async () => {
    vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(
      new DOMException('Unrecognized name.', 'NotSupportedError'),
    )
    const told = await look(log, { seen: heads.get(300)!, entry: 12 })
    expect(outcomes(told)).toContain('signature unchecked')
    expect(told.failed).toBeUndefined()
    expect(told.steps.find(({ name }) => name === 'signature')?.said).toContain(
      'cannot check Ed25519',
    )
  })

  it('does not take silence for an answer', async () => {
    const question = {
      vkey: log.vkey,
      note: log.published.head.note,
      seen: undefined,
      bytes: () => Promise.reject(new Error('The gateway does not answer.')),
    }
    await expect(verifyHead(question, () => {})).rejects.toThrow('does not answer')
  })
})

describe('a log that is not what it was', () => {
  it('is told from one that went on: it went back, or it was forked', async () => {
    const [ours, theirs] = [newFolder(), newFolder()]
    const begun = await openTestLog(ours)
    fill(begun, 300)
    await begun.close()
    cpSync(ours, theirs, { recursive: true })
    const [log, other] = [await openTestLog(ours), await openTestLog(theirs)]
    fill(log, 50)
    await log.checkpoint()
    const seen = seenOf(log)
    expect((await look(other, { seen })).failed?.said).toContain('The log went back')
    fill(other, 49)
    other.append({ kind: 'log.heartbeat' })
    await other.checkpoint()
    expect(other.size).toBe(log.size)
    expect((await look(other, { seen })).failed).toMatchObject({
      name: 'continuity',
      said: expect.stringContaining('forked'),
    })
    for (const more of [1, 200]) {
      fill(other, more)
      await other.checkpoint()
      expect((await look(other, { seen })).failed).toMatchObject({
        name: 'continuity',
        said: expect.stringContaining('forked'),
      })
    }
    fill(log, 200)
    await log.checkpoint()
    expect((await look(log, { seen })).failed).toBeUndefined()
    await Promise.all([log.close(), other.close()])
  })
})

/** The known roots of the tests of Certificate Transparency (RFC 6962). */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const unhex = (text: string): Bytes => Uint8Array.from(Buffer.from(text, 'hex'))

describe('hashes and proofs', () => {
  it('are those of RFC 6962', async () => {
    const leaves = await Promise.all(LEAVES.map(each => leafHash(unhex(each))))
    const rootOf = async (from: number, to: number): Promise<Bytes> => {
      if (to - from === 1) return leaves[from]!
      let split = 1
      while (split * 2 < to - from) split *= 2
      return nodeHash(await rootOf(from, from + split), await rootOf(from + split, to))
    }
    for (const [at, root] of ROOTS.entries())
      expect(Buffer.from(await rootOf(0, at + 1)).toString('hex')).toBe(root)
  })
})

const VECTORS = join(import.meta.dirname, '../../../shared/vectors/merkle/testdata')

interface Vector {
  readonly leafIdx: number
  readonly treeSize: number
  readonly size1: number
  readonly size2: number
  readonly root: string | null
  readonly root1: string | null
  readonly root2: string | null
  readonly leafHash: string | null
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

function vectors(kind: string): Vector[] {
  const folder = join(VECTORS, kind)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.json'))
    .map(name => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Vector)
}
const unbase64 = (text: string | null): Bytes => Uint8Array.from(Buffer.from(text ?? '', 'base64'))
const holds = (checked: Promise<unknown>): Promise<boolean> =>
  checked.then(
    () => true,
    error => {
      if (error instanceof Broken) return false
      throw error
    },
  )

// Left out when the vectors are not beside the project.
describe.skipIf(!existsSync(VECTORS))('the vectors of transparency-dev/merkle', () => {
  it('of inclusion give the same answers', async () => {
    const all = vectors('inclusion')
    expect(all.length).toBeGreaterThan(50)
    for (const { leafIdx, treeSize, leafHash: leaf, proof, root, wantErr } of all) {
      const checked = checkInclusion(
        leafIdx,
        treeSize,
        unbase64(leaf),
        (proof ?? []).map(unbase64),
        unbase64(root),
      )
      expect(await holds(checked), JSON.stringify({ leafIdx, treeSize, proof })).toBe(!wantErr)
    }
  })

  it('of consistency give the same answers, but for the empty tree, which says nothing', async () => {
    const all = vectors('consistency')
    expect(all.length).toBeGreaterThan(50)
    for (const { size1, size2, root1, root2, proof, wantErr } of all) {
      if (size1 === 0) continue
      const checked = checkConsistency(
        size1,
        size2,
        unbase64(root1),
        unbase64(root2),
        (proof ?? []).map(unbase64),
      )
      expect(await holds(checked), JSON.stringify({ size1, size2, proof })).toBe(!wantErr)
    }
  })
})
