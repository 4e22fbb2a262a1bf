// Reads records back, by number, for tailing and export. Reads only what was written whole.
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { decodeRecord, INDEX_STRIDE, SEGMENT_MARK, walkSegment } from '#engines/merkle'
import { InvalidRequest, type JsonObject, Unavailable } from '#model'
import { type LogFiles, readAt } from './files.ts'
import type { LogFolder } from './folder.ts'
import type { SegmentOffsets } from './segment-writer.ts'

const MOST_AT_ONCE = 10_000
const MOST_PER_TURN = 1_000

export class RecordReader {
  readonly #folder: LogFolder
  readonly #files: LogFiles
  /** The current segment, and the end of its last whole frame. */
  readonly #current: () => { index: Readonly<SegmentOffsets>; end: number }

  constructor(
    folder: LogFolder,
    files: LogFiles,
    current: () => { index: Readonly<SegmentOffsets>; end: number },
  ) {
    this.#folder = folder
    this.#files = files
    this.#current = current
  }

  /** Records [from, from + count), as far as they exist. At most 10,000 at once. */
  read(from: number, count: number): Promise<readonly JsonObject[]> {
    return this.#read(from, count, decodeRecord)
  }

  /** The same as they stand in the segment: what was hashed. */
  readBytes(from: number, count: number): Promise<readonly Uint8Array[]> {
    return this.#read(from, count, (record, number) => {
      decodeRecord(record, number)
      return Uint8Array.from(record)
    })
  }

  async #read<Taken>(
    from: number,
    count: number,
    take: (record: Uint8Array, number: number) => Taken,
  ): Promise<readonly Taken[]> {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || from < 0 || count < 0) {
      throw new InvalidRequest('request_invalid', 'Records are asked for by number.')
    }
    const { index, end } = this.#current()
    const to = Math.min(from + Math.min(count, MOST_AT_ONCE), index.first + index.count)
    const records: Taken[] = []
    const firsts = this.#folder.listSegments().filter(first => first <= index.first)
    while (from + records.length < to) {
      const next = from + records.length
      const first = firsts.findLast(each => each <= next) ?? 0
      const current = first === index.first ? { index, end } : undefined
      this.#readSegment(first, next, to, current, records, take)
      if (from + records.length === next) {
        throw new Unavailable('audit_unavailable', 'A segment of the audit log cannot be read.')
      }
      // A long read does not hold up the data path.
      await new Promise(resolve => setImmediate(resolve))
    }
    return records
  }

  #readSegment<Taken>(
    first: number,
    from: number,
    to: number,
    current: { index: Readonly<SegmentOffsets>; end: number } | undefined,
    records: Taken[],
    take: (record: Uint8Array, number: number) => Taken,
  ): void {
    const stride = Math.floor((from - first) / INDEX_STRIDE)
    const offset =
      current === undefined ? this.#storedOffset(first, stride) : current.index.offsets[stride]
    const size = current?.end ?? Number.MAX_SAFE_INTEGER
    const most = Math.min(to, from + MOST_PER_TURN)
    const fd = openSync(this.#folder.segment(first), 'r')
    const read = (at: number, length: number): Uint8Array => readAt(this.#files, fd, at, length)
    const collect = (start: number, number: number): void => {
      const visit = (record: Uint8Array): boolean => {
        if (number >= from) records.push(take(record, number))
        number++
        return number < most
      }
      walkSegment(read, size, visit, start)
    }
    try {
      const before = records.length
      if (offset !== undefined) {
        try {
          collect(offset, first + stride * INDEX_STRIDE)
        } catch {
          // The sidecar index points to another record. It is no authority: the segment is scanned instead.
          records.length = before
        }
      }
      if (records.length === before) collect(SEGMENT_MARK.length, first)
    } finally {
      closeSync(fd)
    }
  }

  #storedOffset(first: number, stride: number): number | undefined {
    const path = this.#folder.segmentIndex(first)
    if (stride === 0 || !existsSync(path)) return undefined
    const bytes = readFileSync(path)
    return stride * 4 + 4 <= bytes.length ? bytes.readUInt32BE(stride * 4) : undefined
  }
}
