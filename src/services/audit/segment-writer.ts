// Writes frames to the current segment, those of a batch with one write at a known place, and begins the next segment when
// one is full. Knows nothing of trees and signatures. What a failed write leaves behind is cut off or overwritten.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { INDEX_STRIDE, SEGMENT_MARK, walkSegment } from '#engines/merkle'
import { type LogFiles, readAt } from './files.ts'
import type { LogFolder } from './folder.ts'

/** A segment with bytes that are not on the disk yet, or the current one. */
interface OpenSegment {
  readonly first: number
  readonly fd: number
  /** The end of the last whole frame. */
  offset: number
  /** What fdatasync covered. */
  synced: number
  /** True until the folder entry of the file was synced. */
  fresh: boolean
}

/** Where the frames of a segment start, every `INDEX_STRIDE` records. */
export interface SegmentOffsets {
  readonly first: number
  readonly offsets: number[]
  count: number
}

export class SegmentWriter {
  readonly #folder: LogFolder
  readonly #files: LogFiles
  readonly #segmentBytes: number
  #current: OpenSegment
  #index: SegmentOffsets
  /** Full segments that wait for their last sync. */
  readonly #full: OpenSegment[] = []
  /** True when bytes of a failed write may lie behind `offset`. */
  #torn = false

  /** Goes on in the segment of `index`, at `offset`. */
  constructor(
    parts: { folder: LogFolder; files: LogFiles; segmentBytes: number },
    index: SegmentOffsets,
    offset: number,
  ) {
    this.#folder = parts.folder
    this.#files = parts.files
    this.#segmentBytes = parts.segmentBytes
    this.#index = index
    const fd = this.#files.open(this.#folder.segment(index.first), 'r+')
    // What an earlier process wrote may not be on the disk yet: the first sync covers it.
    this.#current = { first: index.first, fd, offset, synced: SEGMENT_MARK.length, fresh: true }
  }

  /** Makes the file of a segment with its mark. Throws what the file system throws. */
  static begin(folder: LogFolder, files: LogFiles, first: number): SegmentOffsets {
    const fd = files.open(folder.segment(first), 'w+')
    try {
      const written = files.write(fd, SEGMENT_MARK, SEGMENT_MARK.length, 0)
      if (written !== SEGMENT_MARK.length) throw new Error('the segment could not be begun')
    } finally {
      files.close(fd)
    }
    return { first, offsets: [], count: 0 }
  }

  get offsets(): Readonly<SegmentOffsets> {
    return this.#index
  }

  get end(): number {
    return this.#current.offset
  }

  /** Writes the frames in `bytes`, which end at `ends`. Throws when not all was written: then nothing of it stays. */
  write(bytes: Uint8Array, ends: readonly number[]): void {
    const length = ends.at(-1) ?? 0
    if (this.#torn) {
      this.#files.truncate(this.#current.fd, this.#current.offset)
      this.#torn = false
    }
    if (this.#current.offset + length > this.#segmentBytes && this.#index.count > 0) this.#rotate()
    const segment = this.#current
    let written = 0
    try {
      written = this.#files.write(segment.fd, bytes, length, segment.offset)
    } finally {
      this.#torn = written !== length
      if (this.#torn) this.#cut(segment)
    }
    if (written !== length) throw new Error('the disk took only a part of the records')
    const index = this.#index
    let start = 0
    for (const end of ends) {
      if (index.count % INDEX_STRIDE === 0) index.offsets.push(segment.offset + start)
      index.count++
      start = end
    }
    segment.offset += length
  }

  /** Brings all that was written to the disk. */
  async sync(): Promise<void> {
    // As it is now: a segment that begins while we wait is for the next sync.
    const segments = [...this.#full, this.#current]
    for (const segment of segments) {
      const { offset } = segment
      if (segment.synced === offset) continue
      await this.#files.sync(segment.fd)
      segment.synced = offset
    }
    const fresh = segments.filter(segment => segment.fresh)
    if (fresh.length > 0) {
      await this.#files.syncFolder(this.#folder.segments)
      await this.#files.syncFolder(this.#folder.path)
      for (const segment of fresh) segment.fresh = false
    }
    this.#release()
  }

  /**
   * After a failed sync: the kernel may have dropped the pages and call them clean, so a second sync proves
   * nothing. Writes the same bytes again, if they can still be read whole. False when they cannot.
   */
  rewriteUnsynced(): boolean {
    for (const segment of [...this.#full, this.#current]) {
      const read = (offset: number, length: number): Uint8Array =>
        readAt(this.#files, segment.fd, offset, length)
      const walk = walkSegment(read, segment.offset, () => true, segment.synced)
      if (walk.end !== 'whole' || walk.offset !== segment.offset) return false
      for (let at = segment.synced; at < segment.offset; ) {
        const bytes = read(at, Math.min(1024 * 1024, segment.offset - at))
        const written = this.#files.write(segment.fd, bytes, bytes.length, at)
        if (written === 0) return false
        at += written
      }
    }
    return true
  }

  close(): void {
    for (const segment of [...this.#full, this.#current]) this.#files.close(segment.fd)
    this.#full.length = 0
  }

  #rotate(): void {
    const first = this.#index.first + this.#index.count
    const index = SegmentWriter.begin(this.#folder, this.#files, first)
    const fd = this.#files.open(this.#folder.segment(first), 'r+')
    writeSegmentIndex(this.#folder, this.#index)
    this.#full.push(this.#current)
    this.#current = { first, fd, offset: SEGMENT_MARK.length, synced: 0, fresh: true }
    this.#index = index
  }

  /** Full segments that are on the disk need no descriptor any more. */
  #release(): void {
    for (let at = this.#full.length - 1; at >= 0; at--) {
      const segment = this.#full[at]
      if (segment !== undefined && segment.synced === segment.offset && !segment.fresh) {
        this.#files.close(segment.fd)
        this.#full.splice(at, 1)
      }
    }
  }

  #cut(segment: OpenSegment): void {
    try {
      this.#files.truncate(segment.fd, segment.offset)
      this.#torn = false
    } catch {
      // The disk refuses even this. `torn` stays, so no later write goes on before it worked.
    }
  }
}

/** The sidecar index of a full segment: the offsets as uint32 BE. It can be made again, so a failure is no loss. */
export function writeSegmentIndex(folder: LogFolder, index: SegmentOffsets): void {
  const path = folder.segmentIndex(index.first)
  const bytes = Buffer.alloc(index.offsets.length * 4)
  index.offsets.forEach((offset, at) => {
    bytes.writeUInt32BE(offset, at * 4)
  })
  try {
    writeFileSync(`${path}.new`, bytes, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  } catch {
    // Half an index would be worse than none; without one the segment is scanned.
    rmSync(`${path}.new`, { force: true })
  }
}
