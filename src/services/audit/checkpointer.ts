// Signs the tree's head: records to the disk first, then the full tiles, then the head. A head is never signed over
// a record that a power cut could still take.
import { type NoteSigner, signCheckpoint, type Tile, tilePath } from '#engines/merkle'
import type { LogFiles } from './files.ts'
import type { LogFolder } from './folder.ts'
import type { GrowingTree } from './growing-tree.ts'
import type { SignedHeads } from './signed-heads.ts'

export class Checkpointer {
  readonly #folder: LogFolder
  readonly #files: LogFiles
  readonly #signer: NoteSigner
  readonly #heads: SignedHeads
  readonly #tree: GrowingTree
  readonly #durable: (index: number) => Promise<void>
  /** Full tiles that are not written yet. The log stops long before they are many: see `FileAuditLog`. */
  #tiles: Tile[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: {
    folder: LogFolder
    files: LogFiles
    signer: NoteSigner
    heads: SignedHeads
    tree: GrowingTree
    tiles: Tile[]
    durable: (index: number) => Promise<void>
  }) {
    this.#folder = parts.folder
    this.#files = parts.files
    this.#signer = parts.signer
    this.#heads = parts.heads
    this.#tree = parts.tree
    this.#tiles = parts.tiles
    this.#durable = parts.durable
  }

  /** The number of records under the newest signed head. */
  get signed(): number {
    return this.#heads.head?.size ?? 0
  }

  addTile(tile: Tile): void {
    this.#tiles.push(tile)
  }

  /** The newest signed note, after signing what is there now. One at a time, in order. */
  sign(): Promise<string> {
    const turn = this.#last.then(() => this.#sign())
    this.#last = turn.catch(() => {
      // Whoever asked is told; the next one has its own try.
    })
    return turn
  }

  async #sign(): Promise<string> {
    const { size } = this.#tree
    const head = this.#heads.head
    if (head !== undefined && head.size === size) return head.note
    // Taken together, before anything is waited for: size, root and tiles belong to one moment.
    const root = this.#tree.root()
    const tiles = this.#tiles
    this.#tiles = []
    try {
      await this.#durable(size - 1)
      for (const { level, index, bytes } of tiles) {
        await this.#files.writeDerived(this.#folder.tile(tilePath(level, index)), bytes)
      }
      const note = signCheckpoint(size, root, this.#signer)
      await this.#heads.publish({ origin: this.#signer.name, size, root, note })
      return note
    } catch (error) {
      this.#tiles = [...tiles, ...this.#tiles]
      throw error
    }
  }
}
