// Tiles as the gateway sends them, each held against the one above it, and the topmost ones against the signed root:
// a tile of which one byte differs is never used. C2SP tlog-tiles.
import { Broken, type Bytes, joined, leafHash, nodeHash, same } from './bytes.ts'
import type { RangeHash } from './shape.ts'

export const TILE_WIDTH = 256
const HASH = 32
/** 2 MiB: a long log is read from its beginning without keeping all of it. */
const MOST_TILES_KEPT = 256

/** Where bytes come from. `path` is that of tlog-tiles: `tile/0/x001/234.p/5`, `tile/entries/000`. */
export type LogBytes = (path: string) => Promise<Bytes>

/** A run of hashes at the end of one level: what of the tree is not in a full tile there. */
export interface Edge {
  readonly level: number
  readonly index: number
  readonly width: number
}

/** The tiles at the right edge of a tree, highest first: together they hold the whole root. */
export function edgesOf(size: number): readonly Edge[] {
  const edges: Edge[] = []
  for (
    let [level, hashes] = [0, size];
    hashes > 0;
    level++, hashes = Math.floor(hashes / TILE_WIDTH)
  ) {
    const width = hashes % TILE_WIDTH
    if (width > 0) edges.unshift({ level, index: Math.floor(hashes / TILE_WIDTH), width })
  }
  return edges
}

/** The perfect subtrees that `width` hashes make, largest first: 100 is 64, 32 and 4. */
export function subtreesOf(width: number): readonly number[] {
  const sizes: number[] = []
  for (let size = TILE_WIDTH, left = width; left > 0; size /= 2) {
    if (size > left) continue
    sizes.push(size)
    left -= size
  }
  return sizes
}

export function tilePath(level: number | 'entries', index: number, width: number): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const place = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${place}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

export class CheckedTiles {
  readonly size: number
  readonly #bytes: LogBytes
  readonly #root: Bytes
  readonly #tiles = new Map<string, Promise<Bytes>>()
  #edge: Promise<ReadonlyMap<number, Bytes>> | undefined

  constructor(bytes: LogBytes, size: number, root: Bytes) {
    this.#bytes = bytes
    this.size = size
    this.#root = root
  }

  /** Reads the right edge and computes the root from it. Throws Broken when it is not the signed one. */
  edge(): Promise<ReadonlyMap<number, Bytes>> {
    this.#edge ??= this.#readEdge()
    return this.#edge
  }

  /** The hash over entries [from, to), for any node of the tree. */
  readonly range: RangeHash = async (from, to) => {
    const span = to - from
    const power = 2 ** Math.ceil(Math.log2(span))
    if (power === span && from % span === 0) return this.#perfect(from, span)
    const middle = from + power / 2
    return nodeHash(await this.range(from, middle), await this.range(middle, to))
  }

  /** The entries of one bundle, each held against its leaf in the tree. */
  async entries(
    index: number,
  ): Promise<readonly { readonly bytes: Bytes; readonly leaf: Bytes }[]> {
    const width = Math.min(TILE_WIDTH, this.size - index * TILE_WIDTH)
    const leaves = await this.#tile(0, index)
    const path = tilePath('entries', index, width)
    const entries = bundled(await this.#bytes(path))
    if (entries === undefined || entries.length !== width)
      throw new Broken(`The bundle ${path} is not one of ${width} entries.`)
    return Promise.all(
      entries.map(async (bytes, at) => {
        const leaf = await leafHash(bytes)
        if (!same(leaf, leaves.slice(at * HASH, (at + 1) * HASH)))
          throw new Broken(
            `Entry ${index * TILE_WIDTH + at} is not the one that the tree has there.`,
          )
        return { bytes, leaf }
      }),
    )
  }

  async #readEdge(): Promise<ReadonlyMap<number, Bytes>> {
    const tiles = new Map<number, Bytes>()
    const peaks: Bytes[] = []
    for (const { level, index, width } of edgesOf(this.size)) {
      const tile = await this.#read(level, index, width)
      tiles.set(level, tile)
      let at = 0
      for (const run of subtreesOf(width)) {
        peaks.push(await fold(tile.slice(at * HASH, (at + run) * HASH)))
        at += run
      }
    }
    let root = peaks.pop()
    for (const peak of peaks.reverse()) if (root !== undefined) root = await nodeHash(peak, root)
    if (root === undefined || !same(root, this.#root))
      throw new Broken(
        'The tiles at the right edge of the tree make another root than the signed one.',
      )
    return tiles
  }

  async #perfect(from: number, span: number): Promise<Bytes> {
    let level = 0
    let [first, run] = [from, span]
    while (run >= TILE_WIDTH) {
      level++
      first /= TILE_WIDTH
      run /= TILE_WIDTH
    }
    const tile = await this.#tile(level, Math.floor(first / TILE_WIDTH))
    const at = first % TILE_WIDTH
    return fold(tile.slice(at * HASH, (at + run) * HASH))
  }

  #tile(level: number, index: number): Promise<Bytes> {
    const name = `${level}/${index}`
    const kept = this.#tiles.get(name)
    if (kept !== undefined) return kept
    if (this.#tiles.size >= MOST_TILES_KEPT) this.#tiles.clear()
    const tile = this.#readTile(level, index)
    this.#tiles.set(name, tile)
    return tile
  }

  async #readTile(level: number, index: number): Promise<Bytes> {
    const edges = await this.edge()
    const hashes = Math.floor(this.size / TILE_WIDTH ** level)
    if (index === Math.floor(hashes / TILE_WIDTH)) {
      const edge = edges.get(level)
      if (edge === undefined) throw new Broken('There is no such place in the tree.')
      return edge
    }
    const tile = await this.#read(level, index, TILE_WIDTH)
    const above = await this.#tile(level + 1, Math.floor(index / TILE_WIDTH))
    const at = (index % TILE_WIDTH) * HASH
    if (!same(await fold(tile), above.slice(at, at + HASH)))
      throw new Broken(
        `The tile ${tilePath(level, index, TILE_WIDTH)} is not the one that the tree has there.`,
      )
    return tile
  }

  async #read(level: number, index: number, width: number): Promise<Bytes> {
    const path = tilePath(level, index, width)
    const bytes = await this.#bytes(path)
    if (bytes.length !== width * HASH)
      throw new Broken(`The tile ${path} is not one of ${width} hashes.`)
    return bytes
  }
}

/** The hash over a run of hashes whose number is a power of two. */
async function fold(hashes: Bytes): Promise<Bytes> {
  let row = Array.from({ length: hashes.length / HASH }, (_, at) =>
    hashes.slice(at * HASH, (at + 1) * HASH),
  )
  while (row.length > 1) {
    const pairs = Array.from({ length: row.length / 2 }, (_, at) => row.slice(2 * at, 2 * at + 2))
    row = await Promise.all(
      pairs.map(([left, right]) => nodeHash(left ?? joined(), right ?? joined())),
    )
  }
  return row[0] ?? joined()
}

/** Entries, each behind its length as big-endian uint16. Undefined when the bytes end inside one. */
function bundled(bytes: Bytes): readonly Bytes[] | undefined {
  const entries: Bytes[] = []
  let at = 0
  while (at < bytes.length) {
    const end = at + 2 + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
    if (at + 2 > bytes.length || end > bytes.length) return undefined
    entries.push(bytes.slice(at + 2, end))
    at = end
  }
  return entries
}
