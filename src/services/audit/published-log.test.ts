import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  decodeBundle,
  HASH_BYTES,
  leafHash,
  openCheckpoint,
  parseVkey,
  rootAt,
  TILE_WIDTH,
  TileHashes,
} from '#engines/merkle'
import { InvalidRequest } from '#model'
import { fill, openTestLog, temporaryFolder } from './harness.ts'
import type { AuditLog } from './index.ts'

let folder: { path: string; clean: () => void }
let log: AuditLog

beforeEach(async () => {
  folder = temporaryFolder()
  log = await openTestLog(folder.path)
})
afterEach(async () => {
  await log.close()
  folder.clean()
})

/** Every tile of the signed tree, as a verifier asks for them. */
async function rootOfTiles(size: number): Promise<Uint8Array> {
  const tiles = new Map<string, Uint8Array>()
  for (let level = 0; TILE_WIDTH ** level <= size; level++) {
    const hashes = Math.floor(size / TILE_WIDTH ** level)
    for (let index = 0; index * TILE_WIDTH < hashes; index++) {
      const width = Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH)
      const bytes = await log.published.tile(level, index, width)
      expect(bytes.length).toBe(width * HASH_BYTES)
      tiles.set(`${level}/${index}`, bytes)
    }
  }
  const full = (level: number, index: number): Uint8Array | undefined => {
    const tile = tiles.get(`${level}/${index}`)
    return tile?.length === TILE_WIDTH * HASH_BYTES ? tile : undefined
  }
  const tail = (index: number): Uint8Array => {
    const at = (index % TILE_WIDTH) * HASH_BYTES
    return tiles.get(`0/${Math.floor(index / TILE_WIDTH)}`)!.subarray(at, at + HASH_BYTES)
  }
  return rootAt(size, new TileHashes(full, tail))
}

describe('the published log', () => {
  it.each([0, 1, 254, 255, 256, 300, 1_100])(
    'has tiles and entries that add up to the signed root, also while the log goes on: %i entries',
    async entries => {
      fill(log, entries)
      await log.checkpoint()
      // Unsigned ones finish tiles that are not on the disk yet.
      fill(log, 400)
      const { size, note } = log.published.head
      const head = openCheckpoint(note, parseVkey(log.vkey))!
      expect([size, head.size]).toEqual([entries + 1, entries + 1])
      expect(Buffer.compare(await rootOfTiles(size), head.root)).toBe(0)
      const width = size % TILE_WIDTH || TILE_WIDTH
      const last = Math.floor((size - 1) / TILE_WIDTH)
      const bundle = decodeBundle(await log.published.entries(last, width))
      const leaves = await log.published.tile(0, last, width)
      expect(Buffer.compare(Buffer.concat(bundle.map(leafHash)), leaves)).toBe(0)
    },
  )

  it('has the tiles of a level whose own tile was finished a moment ago', async () => {
    fill(log, 65_299)
    await log.checkpoint()
    const before = await log.published.tile(1, 0, 255)
    fill(log, 500)
    expect(Buffer.compare(await log.published.tile(1, 0, 255), before)).toBe(0)
  })

  it('gives nothing beyond the signed head, and nothing that is no tile', async () => {
    fill(log, 10)
    await log.checkpoint()
    fill(log, 400)
    const { published } = log
    await expect(published.tile(0, 0, 12)).rejects.toThrow(InvalidRequest)
    await expect(published.entries(0, 12)).rejects.toThrow(InvalidRequest)
    for (const [level, index, width] of [
      [0, 0, 0],
      [0, 0, 257],
      [0, 1, 1],
      [1, 0, 1],
      [7, 0, 1],
    ] as const) {
      await expect(published.tile(level, index, width)).rejects.toThrow(InvalidRequest)
    }
  })

  it('has the earlier heads, newest first, from any size on, and not one that is being written', async () => {
    const sizes = [1]
    for (const more of [1, 5, 1, 300, 2, 90]) {
      fill(log, more)
      await log.checkpoint()
      sizes.unshift(log.size)
    }
    const { published } = log
    expect(published.heads().map(({ size }) => size)).toEqual(sizes)
    expect(published.heads()[0]?.note).toBe(published.head.note)
    for (const below of [0, 1, 2, 3, 8, 9, 309, 310, 400, 401]) {
      const expected = sizes.filter(size => size < below)
      expect(
        published.heads(below).map(({ size }) => size),
        `below ${below}`,
      ).toEqual(expected)
      expect(published.heads(below, 2).map(({ size }) => size)).toEqual(expected.slice(0, 2))
    }
    const list = join(folder.path, 'checkpoints.jsonl')
    const half = readFileSync(list, 'utf8').slice(0, 100)
    appendFileSync(list, half)
    expect(published.heads().map(({ size }) => size)).toEqual(sizes)
  })
})
