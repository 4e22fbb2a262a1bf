// The tree as the log grows it: records are kept for a moment and hashed together, so that a statement does not
// wait for hashes that only the next signed head needs. Whoever asks for the root gets it over all of them.
import { FRAME_HEADER_BYTES, leafHashInPlace, type Tile, type Tree } from '#engines/merkle'

/** Some hundred records of the usual size: hashed in a fraction of a millisecond. */
export const KEPT_BYTES = 128 * 1024

export class GrowingTree {
  readonly #tree: Tree
  /** Each record behind its frame's header, whose last byte is where the prefix of its leaf goes. */
  readonly #kept = Buffer.allocUnsafe(KEPT_BYTES)
  readonly #ends: number[] = []
  #used = 0

  constructor(tree: Tree) {
    this.#tree = tree
  }

  /** The number of records, hashed or not. */
  get size(): number {
    return this.#tree.size + this.#ends.length
  }

  /** Adds the frames in `frames`, which end at `ends`; at most `KEPT_BYTES`, which are taken as a copy. */
  append(frames: Buffer, ends: readonly number[]): void {
    const length = ends.at(-1) ?? 0
    if (this.#used + length > KEPT_BYTES) this.#hash()
    frames.copy(this.#kept, this.#used, 0, length)
    for (const end of ends) this.#ends.push(this.#used + end)
    this.#used += length
  }

  /** The root over all records. */
  root(): Uint8Array {
    this.#hash()
    return this.#tree.root()
  }

  /** The unfinished tile of each level, over all records. */
  partialTiles(): readonly Tile[] {
    this.#hash()
    return this.#tree.partialTiles()
  }

  #hash(): void {
    let start = 0
    for (const end of this.#ends) {
      this.#tree.append(leafHashInPlace(this.#kept, start + FRAME_HEADER_BYTES, end))
      start = end
    }
    this.#ends.length = 0
    this.#used = 0
  }
}
