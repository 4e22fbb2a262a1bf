// One record and the proof that it is in the log, for somebody who will never see the log.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  formatEntryProof,
  inclusionProof,
  leafHash,
  openCheckpoint,
  parseVkey,
  rootAt,
  sameHash,
  TILE_WIDTH,
  TileHashes,
  tilePath,
  verifyEntryProof,
} from '#engines/merkle'
import { InvalidRequest } from '#model'
import { listSegments, segmentPath, walkFile } from './log-files.ts'

export interface EntryProof {
  readonly index: number
  /** The record, byte for byte as it was hashed. */
  readonly record: string
  /** The text of a `.tlog-proof` file (C2SP tlog-proof). */
  readonly proof: string
}

/**
 * Makes the proof of record `index` under the newest signed head. Throws InvalidRequest when there is no such
 * record under that head, or when the log does not hold.
 */
export function proveEntry(folder: string, index: number): EntryProof {
  const { size, root, note } = newestHead(folder)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new InvalidRequest(
      'request_invalid',
      `There is no record ${index} under the newest signed head (${size} records).`,
    )
  }
  const tail = Math.floor(size / TILE_WIDTH) * TILE_WIDTH
  const leaves = new Map<number, Uint8Array>()
  let record: string | undefined
  readRecords(folder, index, index + 1, bytes => {
    record = Buffer.from(bytes).toString('utf8')
  })
  if (tail < size)
    readRecords(folder, tail, size, (bytes, number) => leaves.set(number, leafHash(bytes)))
  const source = new TileHashes(
    (level, at) => {
      if ((at + 1) * TILE_WIDTH ** (level + 1) > size) return undefined
      const path = join(folder, tilePath(level, at))
      if (!existsSync(path)) throw broken(`the tile ${tilePath(level, at)} is missing`)
      return readFileSync(path)
    },
    number => leaves.get(number) ?? fail(`record ${number} is missing`),
  )
  if (record === undefined) throw broken(`record ${index} is missing`)
  if (!sameHash(rootAt(size, source), root))
    throw broken('its records are not those of its newest head')
  return {
    index,
    record,
    proof: formatEntryProof(index, inclusionProof(index, size, source), note),
  }
}

/**
 * Verifies a `.tlog-proof` for a record (its exact bytes as text). Gives the index and the size of the signed tree,
 * or undefined when it does not hold. Throws ConfigurationError for a vkey that is none.
 */
export function verifyProof(
  proof: string,
  record: string,
  vkey: string,
): { readonly index: number; readonly size: number; readonly origin: string } | undefined {
  const proven = verifyEntryProof(proof, Buffer.from(record, 'utf8'), parseVkey(vkey))
  if (proven === undefined) return undefined
  return { index: proven.index, size: proven.checkpoint.size, origin: proven.checkpoint.origin }
}

/** The newest head, verified with the folder's own key: a proof of another key's head would convince nobody. */
export function newestHead(folder: string): { size: number; root: Uint8Array; note: string } {
  const [keyPath, headPath] = [join(folder, 'audit.vkey'), join(folder, 'checkpoint')]
  if (!existsSync(keyPath) || !existsSync(headPath)) throw broken('it has no key or no signed head')
  const note = readFileSync(headPath, 'utf8')
  const head = openCheckpoint(note, parseVkey(readFileSync(keyPath, 'utf8').trim()))
  if (head === undefined) throw broken('its newest head is not signed by its key')
  return { size: head.size, root: head.root, note }
}

/** Gives the records [from, to) in order; their frames are checked on the way. */
export function readRecords(
  folder: string,
  from: number,
  to: number,
  visit: (record: Uint8Array, index: number) => void,
): void {
  const firsts = listSegments(folder)
  const start = Math.max(
    0,
    firsts.findLastIndex(first => first <= from),
  )
  for (const first of firsts.slice(start)) {
    let index = first
    walkFile(join(folder, segmentPath(first)), bytes => {
      if (index >= from && index < to) visit(bytes, index)
      index++
      return index < to
    })
    if (index >= to) return
  }
  throw broken('it has fewer records than were signed')
}

function fail(why: string): never {
  throw broken(why)
}

function broken(why: string): InvalidRequest {
  return new InvalidRequest(
    'request_invalid',
    `The audit log does not hold: ${why}. Run audit verify.`,
  )
}
