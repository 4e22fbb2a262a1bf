// The growing edge of a Merkle tree (RFC 6962 section 2) cut into tiles of 256 (C2SP tlog-tiles). Keeps per tile
// level the hashes of the unfinished tile and their subtree roots; finished tiles are handed out, never kept.
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './hashing.ts'
import type { HashSource } from './proofs.ts'

export const TILE_WIDTH = 256
export const TILE_BITS = 8
const MOST_LEVELS = 7 // 256^7 leaves are more than 2^53

/** A tile: `TILE_WIDTH` hashes, fewer in an unfinished one. `index` counts tiles within the level. */
export interface Tile {
  readonly level: number
  readonly index: number
  readonly bytes: Uint8Array
}

interface Level {
  readonly hashes: Uint8Array
  count: number
  /** Tiles finished at this level. */
  finished: number
  /** Roots of the perfect subtrees of `hashes`, largest first (a binary counter). */
  readonly subtrees: Uint8Array[]
}

/** An append-only tree. One node is hashed per leaf on average, none later than at once. */
export class Tree {
  readonly #levels: Level[] = []
  readonly #onTile: (tile: Tile) => void
  #size = 0

  constructor(onTile: (tile: Tile) => void = () => {}) {
    this.#onTile = onTile
  }

  /** The tree of the first `size` leaves of `source`: reads the hashes of unfinished tiles only. */
  static restore(size: number, source: HashSource, onTile?: (tile: Tile) => void): Tree {
    const tree = new Tree(onTile)
    let span = 1
    for (let level = 0; span <= size; level++, span *= TILE_WIDTH) {
      const complete = Math.floor(size / span)
      const { hashes, subtrees, ...rest } = emptyLevel()
      const restored = { hashes, subtrees, ...rest }
      restored.finished = Math.floor(complete / TILE_WIDTH)
      for (let index = restored.finished * TILE_WIDTH; index < complete; index++) {
        pushHash(restored, source.hashAt(level * TILE_BITS, index))
      }
      tree.#levels.push(restored)
    }
    tree.#size = size
    return tree
  }

  get size(): number {
    return this.#size
  }

  /** Adds a leaf by its hash. */
  append(leaf: Uint8Array): void {
    this.#push(0, leaf)
    this.#size++
  }

  /** The root of all leaves so far. */
  root(): Uint8Array {
    let root: Uint8Array | undefined
    for (const { subtrees } of this.#levels) {
      for (let at = subtrees.length - 1; at >= 0; at--) {
        const left = subtrees[at]
        if (left !== undefined) root = root === undefined ? left : nodeHash(left, root)
      }
    }
    return root ?? EMPTY_ROOT
  }

  /** The unfinished tile of each level that has one: fewer than 256 hashes. */
  partialTiles(): readonly Tile[] {
    return this.#levels.flatMap(({ hashes, count, finished }, level) =>
      count === 0 ? [] : [{ level, index: finished, bytes: hashes.slice(0, count * HASH_BYTES) }],
    )
  }

  #push(number: number, hash: Uint8Array): void {
    if (number >= MOST_LEVELS) throw new RangeError('the tree is full')
    let level = this.#levels[number]
    if (level === undefined) {
      level = emptyLevel()
      this.#levels.push(level)
    }
    pushHash(level, hash)
    if (level.count < TILE_WIDTH) return
    this.#onTile({ level: number, index: level.finished, bytes: level.hashes.slice() })
    const root = level.subtrees[0]
    level.count = 0
    level.subtrees.length = 0
    level.finished++
    if (root !== undefined) this.#push(number + 1, root)
  }
}

function emptyLevel(): Level {
  return { hashes: new Uint8Array(TILE_WIDTH * HASH_BYTES), count: 0, finished: 0, subtrees: [] }
}

function pushHash(level: Level, hash: Uint8Array): void {
  level.hashes.set(hash, level.count * HASH_BYTES)
  level.count++
  let root = hash
  // As many merges as the counter has trailing zeros after the increment.
  for (let carry = level.count; carry % 2 === 0; carry /= 2) {
    const left = level.subtrees.pop()
    if (left === undefined) break
    root = nodeHash(left, root)
  }
  level.subtrees.push(root)
}
