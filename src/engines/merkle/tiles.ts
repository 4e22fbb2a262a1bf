// C2SP tlog-tiles: where tiles and entry bundles live, how bundles are encoded, and hashes read out of tiles.
import { InvalidRequest } from '#model'
import { HASH_BYTES, nodeHash } from './hashing.ts'
import type { HashSource } from './proofs.ts'
import { TILE_BITS, TILE_WIDTH } from './tree.ts'

/** The path of a tile of hashes. `width` below 256 is a partial tile. */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  return `tile/${level}/${indexPath(index)}${partial(width)}`
}

/** The path of a bundle of entries. */
export function entriesPath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${indexPath(index)}${partial(width)}`
}

/** Groups of three digits, all but the last with an `x`: 1234067 is `x001/x234/067`. */
function indexPath(index: number): string {
  let path = String(index % 1000).padStart(3, '0')
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`
  }
  return path
}

function partial(width: number): string {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH)
    throw new RangeError('no such tile width')
  return width === TILE_WIDTH ? '' : `.p/${width}`
}

/** A bundle: each entry with its length as big-endian uint16 before it. */
export function encodeBundle(records: readonly Uint8Array[]): Uint8Array {
  const bundle = Buffer.alloc(records.reduce((sum, record) => sum + 2 + record.length, 0))
  let at = 0
  for (const record of records) {
    if (record.length > 0xffff) throw new RangeError('an entry is longer than a bundle can hold')
    at = bundle.writeUInt16BE(record.length, at)
    bundle.set(record, at)
    at += record.length
  }
  return bundle
}

/** The entries of a bundle, as views. Throws InvalidRequest when the bytes are not a bundle. */
export function decodeBundle(bundle: Uint8Array): readonly Uint8Array[] {
  const records: Uint8Array[] = []
  let at = 0
  while (at < bundle.length) {
    const length = (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0)
    const end = at + 2 + length
    if (end > bundle.length)
      throw new InvalidRequest('request_invalid', 'The entry bundle is cut short.')
    records.push(bundle.subarray(at + 2, end))
    at = end
  }
  if (records.length > TILE_WIDTH) {
    throw new InvalidRequest('request_invalid', 'The entry bundle holds more than 256 entries.')
  }
  return records
}

/**
 * Hashes out of full tiles and, for leaves after the last full tile, out of `tailLeaf`. What a partial tile of
 * a higher level would hold is computed from the tiles below it.
 */
export class TileHashes implements HashSource {
  readonly #fullTile: (level: number, index: number) => Uint8Array | undefined
  readonly #tailLeaf: (index: number) => Uint8Array
  /** Tiles and tile roots that were asked for. A proof touches a few per level. */
  readonly #tiles = new Map<string, Uint8Array | undefined>()

  /** `fullTile` gives a tile of exactly 256 hashes, or undefined when it is not full yet. */
  constructor(
    fullTile: (level: number, index: number) => Uint8Array | undefined,
    tailLeaf: (index: number) => Uint8Array,
  ) {
    this.#fullTile = fullTile
    this.#tailLeaf = tailLeaf
  }

  hashAt(level: number, index: number): Uint8Array {
    const tileLevel = Math.floor(level / TILE_BITS)
    const inTile = level % TILE_BITS
    const first = index * 2 ** inTile
    const tile = this.#tile(tileLevel, Math.floor(first / TILE_WIDTH))
    if (tile !== undefined) {
      const start = (first % TILE_WIDTH) * HASH_BYTES
      return fold(tile.subarray(start, start + 2 ** inTile * HASH_BYTES))
    }
    if (level === 0) return this.#tailLeaf(index)
    if (inTile === 0) {
      const below = this.#tile(tileLevel - 1, index)
      if (below !== undefined) return fold(below)
    }
    return nodeHash(this.hashAt(level - 1, index * 2), this.hashAt(level - 1, index * 2 + 1))
  }

  #tile(level: number, index: number): Uint8Array | undefined {
    const key = `${level}/${index}`
    if (this.#tiles.has(key)) return this.#tiles.get(key)
    const tile = this.#fullTile(level, index)
    if (tile !== undefined && tile.length !== TILE_WIDTH * HASH_BYTES) {
      throw new InvalidRequest(
        'request_invalid',
        `The tile ${tilePath(level, index)} is not whole.`,
      )
    }
    if (this.#tiles.size > 64) this.#tiles.clear()
    this.#tiles.set(key, tile)
    return tile
  }
}

/** The root over a power-of-two run of hashes. */
function fold(hashes: Uint8Array): Uint8Array {
  if (hashes.length === HASH_BYTES) return hashes
  const middle = hashes.length / 2
  return nodeHash(fold(hashes.subarray(0, middle)), fold(hashes.subarray(middle)))
}
