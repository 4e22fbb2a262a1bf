import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  nodeHash,
  rootAt,
  type Tile,
  TileHashes,
  Tree,
  verifyConsistency,
  verifyInclusion,
} from './index.ts'

const VECTORS = join(import.meta.dirname, '../../../../shared/vectors/merkle/testdata')

/** RFC 6962 section 2.1 as it is written: the oracle. */
function plainRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return EMPTY_ROOT
  if (leaves.length === 1) return leaves[0]!
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(plainRoot(leaves.slice(0, split)), plainRoot(leaves.slice(split)))
}

const leavesOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => leafHash(Buffer.from(`record ${at}`)))

function grow(leaves: readonly Uint8Array[]): { tree: Tree; tiles: Map<string, Uint8Array> } {
  const tiles = new Map<string, Uint8Array>()
  const tree = new Tree((tile: Tile) => tiles.set(`${tile.level}/${tile.index}`, tile.bytes))
  for (const leaf of leaves) tree.append(leaf)
  return { tree, tiles }
}

describe('a Merkle tree', () => {
  it('has the root of RFC 6962 at every size up to 300', () => {
    const leaves = leavesOf(300)
    const tree = new Tree()
    expect(tree.root()).toEqual(EMPTY_ROOT)
    leaves.forEach((leaf, at) => {
      tree.append(leaf)
      expect(Buffer.compare(tree.root(), plainRoot(leaves.slice(0, at + 1)))).toBe(0)
    })
  })

  it('is restored from its tiles and goes on as if it had never stopped', () => {
    const leaves = leavesOf(70_000)
    const whole = grow(leaves)
    const source = new TileHashes(
      (level, index) => whole.tiles.get(`${level}/${index}`),
      index => leaves[index]!,
    )
    for (const size of [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 69_999]) {
      const tree = Tree.restore(size, source)
      expect(tree.root()).toEqual(rootAt(size, source))
      for (const leaf of leaves.slice(size, size + 300)) tree.append(leaf)
      expect(tree.root()).toEqual(rootAt(Math.min(size + 300, leaves.length), source))
    }
    expect(whole.tiles.size).toBe(273 + 1)
  })
})

describe('proofs', () => {
  it('hold for what they prove, and for nothing else', () => {
    const leaves = leavesOf(600)
    const { tiles } = grow(leaves)
    const source = new TileHashes(
      (level, index) => tiles.get(`${level}/${index}`),
      index => leaves[index]!,
    )
    fc.assert(
      fc.property(fc.nat(599), fc.nat(599), fc.nat(), fc.nat(255), (a, b, spot, bit) => {
        const [index, size] = a < b ? [a, b + 1] : [b, a + 1]
        const proof = inclusionProof(index, size, source)
        const root = rootAt(size, source)
        expect(Buffer.compare(root, plainRoot(leaves.slice(0, size)))).toBe(0)
        expect(verifyInclusion(index, size, leaves[index]!, proof, root)).toBe(true)
        expect(verifyInclusion((index + 1) % size, size, leaves[index]!, proof, root)).toBe(
          size === 1,
        )
        expect(verifyInclusion(index, size, leaves[(index + 1) % 600]!, proof, root)).toBe(false)
        expect(verifyInclusion(index, size, leaves[index]!, [...proof, root], root)).toBe(false)

        const first = index + 1
        const consistency = consistencyProof(first, size, source)
        const firstRoot = rootAt(first, source)
        expect(verifyConsistency(first, size, firstRoot, root, consistency)).toBe(true)
        if (first < size) {
          expect(verifyConsistency(first, size, root, firstRoot, consistency)).toBe(false)
          expect(verifyConsistency(first, size, firstRoot, root, consistency.slice(1))).toBe(false)
          const bent = consistency.map(hash => Uint8Array.from(hash))
          const at = spot % bent.length
          bent[at]![bit % 32]! ^= 1 << (bit % 8)
          expect(verifyConsistency(first, size, firstRoot, root, bent)).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('refuse sizes that are no sizes', () => {
    const leaf = leafHash(Buffer.from('x'))
    expect(verifyInclusion(-1, 1, leaf, [], leaf)).toBe(false)
    expect(verifyInclusion(0.5, 1, leaf, [], leaf)).toBe(false)
    expect(verifyInclusion(0, 2 ** 60, leaf, [], leaf)).toBe(false)
    expect(verifyConsistency(2, 1, leaf, leaf, [])).toBe(false)
    expect(verifyInclusion(0, 1, leaf.subarray(1), [], leaf.subarray(1))).toBe(false)
  })
})

interface InclusionVector {
  leafIdx: number
  treeSize: number
  root: string
  leafHash: string
  proof: string[] | null
  wantErr: boolean
}
interface ConsistencyVector {
  size1: number
  size2: number
  root1: string
  root2: string
  proof: string[] | null
  wantErr: boolean
}
const bytes = (text: string): Uint8Array => Buffer.from(text, 'base64')

function vectors<T>(kind: string): (T & { file: string })[] {
  return readdirSync(join(VECTORS, kind), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.json'))
    .map(file => ({ file, ...(JSON.parse(readFileSync(join(VECTORS, kind, file), 'utf8')) as T) }))
}

// Left out when the vectors are not beside the project.
describe.skipIf(!existsSync(VECTORS))('the vectors of transparency-dev/merkle', () => {
  it('agree on inclusion', () => {
    const all = vectors<InclusionVector>('inclusion')
    expect(all.length).toBeGreaterThan(90)
    const wrong = all.filter(
      each =>
        verifyInclusion(
          each.leafIdx,
          each.treeSize,
          bytes(each.leafHash),
          (each.proof ?? []).map(bytes),
          bytes(each.root),
        ) === each.wantErr,
    )
    expect(wrong.map(each => each.file)).toEqual([])
  })

  it('agree on consistency', () => {
    const all = vectors<ConsistencyVector>('consistency')
    expect(all.length).toBeGreaterThan(90)
    const wrong = all.filter(
      each =>
        verifyConsistency(
          each.size1,
          each.size2,
          bytes(each.root1),
          bytes(each.root2),
          (each.proof ?? []).map(bytes),
        ) === each.wantErr,
    )
    // Its "roots" are 12 bytes long. They are equal, so others accept them; we take only hashes for hashes.
    expect(wrong.map(each => each.file)).toEqual([
      'additional/sizes-are-equal-one-and-proof-is-empty.json',
    ])
  })
})
