// The tree as the log grows it: records are kept for a moment and hashed together, so that a statement does not
// wait for hashes that only the next signed head needs. Whoever asks for the root gets it over all of them.
import { leafHashInPlace, type Tile, type Tree } from '#engines/merkle'

/** Some hundred records of the usual size: hashed in a fraction of a millisecond. */
const KEPT_BYTES = 128 * 1024

export class GrowingTree {
  readonly #tree: Tree
  /** Each record behind one free byte, where the prefix of its leaf goes. */
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

  /** Adds the record in `bytes[start, end)`; at most 32 KiB, which is taken as a copy. */
  append(bytes: Uint8Array, start: number, end: number): void {
    if (this.#used + 1 + (end - start) > KEPT_BYTES) this.#hash()
    this.#kept.set(bytes.subarray(start, end), this.#used + 1)
    this.#used += 1 + (end - start)
    this.#ends.push(this.#used)
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
      this.#tree.append(leafHashInPlace(this.#kept, start + 1, end))
      start = end
    }
    this.#ends.length = 0
    this.#used = 0
  }
}
