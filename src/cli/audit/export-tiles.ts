// Writes a log as a C2SP tlog-tiles tree: what a static web server can publish, and what other people's tools read.
// The log's own folder keeps full tiles only; partial tiles and entry bundles are made here.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  encodeBundle,
  entriesPath,
  HASH_BYTES,
  leafHash,
  sameHash,
  TILE_WIDTH,
  Tree,
  tilePath,
} from '#engines/merkle'
import { InvalidRequest } from '#model'
import { newestHead, readRecords } from './prove-entry.ts'

/**
 * Writes checkpoint, tiles and entry bundles of the newest signed head to `target`. Gives the number of entries.
 * The checkpoint is written last, and only when the tiles add up to it. Throws InvalidRequest otherwise.
 */
export function exportTiles(folder: string, target: string): number {
  const { size, root, note } = newestHead(folder)
  const tree = new Tree(({ level, index, bytes }) => {
    write(target, tilePath(level, index), bytes)
  })
  let bundle: Uint8Array[] = []
  readRecords(folder, 0, size, (record, index) => {
    tree.append(leafHash(record))
    bundle.push(Uint8Array.from(record))
    if (bundle.length < TILE_WIDTH && index + 1 < size) return
    write(target, entriesPath(Math.floor(index / TILE_WIDTH), bundle.length), encodeBundle(bundle))
    bundle = []
  })
  for (const { level, index, bytes } of tree.partialTiles()) {
    write(target, tilePath(level, index, bytes.length / HASH_BYTES), bytes)
  }
  if (!sameHash(tree.root(), root)) {
    throw new InvalidRequest(
      'request_invalid',
      'The records are not those of the newest head. Run audit verify.',
    )
  }
  write(target, 'checkpoint', Buffer.from(note, 'utf8'))
  return size
}

function write(target: string, path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(target, path)), { recursive: true })
  writeFileSync(join(target, path), bytes)
}
