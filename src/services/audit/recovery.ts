// What a start finds in the folder: drops a torn tail, rebuilds the tree's edge, and holds it against the last
// signed head. A log that is shorter than what was signed, or different, is refused: docs/spec/audit-log.md, section 7.
import { hash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import {
  decodeRecord,
  INDEX_STRIDE,
  leafHash,
  SEGMENT_MARK,
  sameHash,
  TILE_WIDTH,
  type Tile,
  TileHashes,
  Tree,
  tilePath,
  walkSegment,
} from '#engines/merkle'
import { ConfigurationError } from '#model'
import { type LogFiles, readAt } from './files.ts'
import type { LogFolder } from './folder.ts'
import { type SegmentOffsets, SegmentWriter, writeSegmentIndex } from './segment-writer.ts'
import type { SignedHead } from './signed-heads.ts'

export interface Recovered {
  readonly tree: Tree
  /** The segment to go on in, and where. */
  readonly index: SegmentOffsets
  readonly offset: number
  /** A torn tail that was put aside. */
  readonly dropped: { readonly bytes: number; readonly sha256: string } | undefined
}

interface Place {
  readonly folder: LogFolder
  readonly files: LogFiles
  readonly onTile: (tile: Tile) => void
}

/** Throws ConfigurationError with what the operator can do. Writes nothing unless the log is accepted. */
export function recover(place: Place, head: SignedHead | undefined): Recovered {
  const { folder } = place
  const firsts = folder.listSegments()
  if (firsts.length === 0) {
    if (head !== undefined && head.size > 0) throw shorter(folder, 0, head)
    return {
      tree: new Tree(place.onTile),
      index: SegmentWriter.begin(folder, place.files, 0),
      offset: SEGMENT_MARK.length,
      dropped: undefined,
    }
  }
  if (firsts[0] !== 0) throw refused(folder, 'its first segment is missing')
  const size = head?.size ?? 0
  const tail = Math.floor(size / TILE_WIDTH) * TILE_WIDTH
  const found =
    scan(place, firsts, head, tail, treeFromTiles(place, tail)) ??
    scan(place, firsts, head, 0, new Tree(place.onTile))
  if (found === undefined) {
    throw refused(
      folder,
      `its records are not those of its last checkpoint (${size} records): it was changed`,
    )
  }
  const { tree, index } = found
  if (found.offset < SEGMENT_MARK.length) {
    // A crash fell between the making of the file and its mark: there is nothing in it.
    SegmentWriter.begin(folder, place.files, index.first)
    return { tree, index, offset: SEGMENT_MARK.length, dropped: undefined }
  }
  return { tree, index, offset: found.offset, dropped: dropTail(place, found) }
}

/** The tree before the first record that has to be hashed; undefined when the tiles do not hold it. */
function treeFromTiles(place: Place, size: number): Tree | undefined {
  if (size === 0) return new Tree(place.onTile)
  const source = new TileHashes(
    (level, index) => {
      if ((index + 1) * TILE_WIDTH ** (level + 1) > size) return undefined
      return readFileSync(place.folder.tile(tilePath(level, index)))
    },
    () => {
      throw new RangeError('a leaf outside the tiles')
    },
  )
  try {
    return Tree.restore(size, source, place.onTile)
  } catch {
    // A tile is missing or cut: tiles can be made again, so the records themselves are hashed instead.
    return undefined
  }
}

interface Found {
  readonly tree: Tree
  readonly index: SegmentOffsets
  readonly offset: number
  readonly fileBytes: number
}

/**
 * Adds the records from number `from` on to `tree`. Undefined when the tree then differs from the signed one.
 * Throws when the log is shorter than what was signed, or damaged where it cannot be a torn tail.
 */
function scan(
  place: Place,
  firsts: readonly number[],
  head: SignedHead | undefined,
  from: number,
  tree: Tree | undefined,
): Found | undefined {
  if (tree === undefined) return undefined
  const { folder } = place
  let differs = head !== undefined && head.size === from && !sameHash(tree.root(), head.root)
  let last: Found | undefined
  const start = firsts.findLastIndex(first => first <= from)
  for (const first of firsts.slice(start)) {
    if (last !== undefined && first !== last.index.first + last.index.count)
      throw refused(folder, `the segment before record ${first} is damaged or cut`)
    const index: SegmentOffsets = { first, offsets: [], count: 0 }
    const isLast = first === firsts.at(-1)
    const fd = openSync(folder.segment(first), 'r')
    try {
      const fileBytes = fstatSync(fd).size
      const read = (offset: number, length: number): Uint8Array =>
        readAt(place.files, fd, offset, length)
      const walk = walkSegment(read, fileBytes, (record, offset) => {
        const number = first + index.count
        if (index.count % INDEX_STRIDE === 0) index.offsets.push(offset)
        index.count++
        if (number < from) return true
        if (number >= (head?.size ?? 0)) checkUnsigned(folder, record, number, head)
        tree.append(leafHash(record))
        if (head !== undefined && number + 1 === head.size)
          differs = !sameHash(tree.root(), head.root)
        return !differs
      })
      if (differs) return undefined
      if (!isLast && walk.end !== 'whole')
        throw refused(folder, `the segment that begins with record ${first} is damaged`)
      // An earlier process may have left it to the operating system; what we build on must be on the disk.
      fsyncSync(fd)
      last = { tree, index, offset: walk.offset, fileBytes }
    } finally {
      closeSync(fd)
    }
    if (!isLast && !existsSync(folder.segmentIndex(first))) writeSegmentIndex(folder, index)
  }
  if (last === undefined) return undefined
  if (head !== undefined && tree.size < head.size) throw shorter(folder, tree.size, head)
  return last
}

/** Records after the last signed head are taken in again: they must at least be records, in order. */
function checkUnsigned(
  folder: LogFolder,
  record: Uint8Array,
  number: number,
  head: SignedHead | undefined,
): void {
  let kind: unknown
  try {
    kind = decodeRecord(record, number).kind
  } catch (cause) {
    throw refused(folder, `record ${number} is not a record`, cause)
  }
  // A first start signs before anything but its own start is on record, so only starts can be unsigned.
  if (head === undefined && kind !== 'log.start')
    throw refused(folder, 'its checkpoints are missing')
}

/** Puts the bytes after the last whole frame aside, and cuts them off. */
function dropTail(place: Place, found: Found): Recovered['dropped'] {
  const { folder, files } = place
  const path = folder.segment(found.index.first)
  if (found.fileBytes === found.offset) return undefined
  const fd = files.open(path, 'r+')
  try {
    const bytes = readAt(files, fd, found.offset, found.fileBytes - found.offset)
    const sha256 = hash('sha256', bytes, 'hex')
    const aside = join(
      folder.dropped,
      `${String(found.tree.size).padStart(16, '0')}-${sha256.slice(0, 16)}.bin`,
    )
    mkdirSync(dirname(aside), { recursive: true, mode: 0o700 })
    writeFileSync(aside, bytes, { mode: 0o600, flush: true })
    files.truncate(fd, found.offset)
    return { bytes: bytes.length, sha256 }
  } finally {
    files.close(fd)
  }
}

function shorter(folder: LogFolder, size: number, head: SignedHead): ConfigurationError {
  return refused(
    folder,
    `it has ${size} whole records, but ${head.size} were signed: it was cut or damaged`,
  )
}

function refused(folder: LogFolder, why: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    'configuration_invalid',
    `The audit log in ${folder.path} cannot be continued: ${why}. Restore it from a backup, or keep it as it is and start a new origin with --fork (that is put on record).`,
    { cause },
  )
}
