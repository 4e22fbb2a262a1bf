// The log for those who verify it: the newest signed head, earlier heads, tiles and bundles of entries, in the layout
// of C2SP tlog-tiles. Nothing here goes beyond the signed head, and nothing is asked to be believed.
import { existsSync, readFileSync } from 'node:fs'
import {
  encodeBundle,
  HASH_BYTES,
  leafHash,
  rootAt,
  TILE_WIDTH,
  TileHashes,
  tilePath,
} from '#engines/merkle'
import { InvalidRequest, Unavailable } from '#model'
import type { LogFolder } from './folder.ts'
import type { GrowingTree } from './growing-tree.ts'
import { headsBelow } from './past-heads.ts'
import type { RecordReader } from './record-reader.ts'
import type { SignedHead } from './signed-heads.ts'

const MOST_HEADS = 200
const MOST_LEVEL = 6

export class PublishedLog {
  readonly #folder: LogFolder
  readonly #tree: GrowingTree
  readonly #reader: RecordReader
  readonly #head: () => SignedHead | undefined

  constructor(parts: {
    folder: LogFolder
    tree: GrowingTree
    reader: RecordReader
    head: () => SignedHead | undefined
  }) {
    this.#folder = parts.folder
    this.#tree = parts.tree
    this.#reader = parts.reader
    this.#head = parts.head
  }

  /** The newest signed note. Throws Unavailable while there is none. */
  get head(): { readonly size: number; readonly note: string } {
    const head = this.#head()
    if (head === undefined) throw new Unavailable('audit_unavailable', 'No head is signed yet.')
    return head
  }

  /** Signed heads over fewer than `below` records, newest first; at most 200. */
  heads(
    below = Number.MAX_SAFE_INTEGER,
    count = MOST_HEADS,
  ): readonly { readonly size: number; readonly note: string }[] {
    return headsBelow(this.#folder.checkpoints, below, Math.min(count, MOST_HEADS))
  }

  /** The first `width` hashes of a tile. Throws InvalidRequest when the signed tree has fewer. */
  async tile(level: number, index: number, width: number): Promise<Uint8Array> {
    const leaves = (index * TILE_WIDTH + width) * TILE_WIDTH ** level
    if (level > MOST_LEVEL || !this.#isSigned(leaves, width)) throw unknown()
    const length = width * HASH_BYTES
    const kept = this.#tree
      .partialTiles()
      .find(tile => tile.level === level && tile.index === index && tile.bytes.length >= length)
    if (kept !== undefined) return kept.bytes.subarray(0, length)
    const full = this.#fullTile(level, index)
    if (full !== undefined) return full.subarray(0, length)
    // Finished after the head was signed, so it is not on the disk yet: from what lies below it.
    if (level === 0) {
      const records = await this.#records(index * TILE_WIDTH, width)
      return Buffer.concat(records.map(leafHash))
    }
    const parts: Uint8Array[] = []
    for (let at = 0; at < width; at++) {
      parts.push(rootOfTile(await this.tile(level - 1, index * TILE_WIDTH + at, TILE_WIDTH)))
    }
    return Buffer.concat(parts)
  }

  /** The first `width` entries of a bundle. Throws InvalidRequest when the signed tree has fewer. */
  async entries(index: number, width: number): Promise<Uint8Array> {
    if (!this.#isSigned(index * TILE_WIDTH + width, width)) throw unknown()
    return encodeBundle(await this.#records(index * TILE_WIDTH, width))
  }

  async #records(from: number, count: number): Promise<readonly Uint8Array[]> {
    const records = await this.#reader.readBytes(from, count)
    if (records.length !== count) {
      throw new Unavailable('audit_unavailable', 'A segment of the audit log cannot be read.')
    }
    return records
  }

  #isSigned(leaves: number, width: number): boolean {
    return width >= 1 && width <= TILE_WIDTH && leaves <= (this.#head()?.size ?? 0)
  }

  #fullTile(level: number, index: number): Uint8Array | undefined {
    const path = this.#folder.tile(tilePath(level, index))
    if (!existsSync(path)) return undefined
    const bytes = readFileSync(path)
    return bytes.length === TILE_WIDTH * HASH_BYTES ? bytes : undefined
  }
}

/** The root over a full tile's hashes. */
function rootOfTile(tile: Uint8Array): Uint8Array {
  return rootAt(
    TILE_WIDTH,
    new TileHashes(
      level => (level === 0 ? tile : undefined),
      () => tile,
    ),
  )
}

function unknown(): InvalidRequest {
  return new InvalidRequest('request_unknown', 'The signed log has no such part.')
}
