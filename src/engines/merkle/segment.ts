// A segment file: a mark, then frames of `length u32 BE | CRC-32 u32 BE | record`. The CRC covers the length and the
// record; it tells a torn write from a whole one, and is no protection against anybody: the tree is.
import { MOST_RECORD_BYTES } from './record.ts'

export const SEGMENT_MARK: Uint8Array = Buffer.from('sallyport-log-1\n', 'latin1')
export const FRAME_HEADER_BYTES = 8
export const MOST_FRAME_BYTES = FRAME_HEADER_BYTES + MOST_RECORD_BYTES
/** Every so many records the sidecar index of a segment says where the frame starts. */
export const INDEX_STRIDE = 256

/** The file name of the segment whose first record is number `first`. */
export function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.log`
}

/** The number of the first record, out of a file name; undefined for other files. */
export function segmentFirst(name: string): number | undefined {
  return /^\d{16}\.log$/.test(name) ? Number(name.slice(0, 16)) : undefined
}

/** Fills the 8 header bytes at `at` for the record of `length` bytes that follows them. */
export function writeFrameHeader(bytes: Uint8Array, at: number, length: number): void {
  writeUint32(bytes, at, length)
  writeUint32(bytes, at + 4, frameCrc(bytes, at, length))
}

/** `cut`: the bytes end inside the frame; `damaged`: this is no frame. Otherwise where the frame ends. */
export function frameEnd(bytes: Uint8Array, at: number): number | 'cut' | 'damaged' {
  if (at + FRAME_HEADER_BYTES > bytes.length) return 'cut'
  const length = readUint32(bytes, at)
  if (length === 0 || length > MOST_RECORD_BYTES) return 'damaged'
  const end = at + FRAME_HEADER_BYTES + length
  if (end > bytes.length) return 'cut'
  return readUint32(bytes, at + 4) === frameCrc(bytes, at, length) ? end : 'damaged'
}

/** How a walk through a segment ended. */
export interface Walk {
  /** `whole`: at the end of the file; `stopped`: because `visit` said so. */
  readonly end: 'whole' | 'cut' | 'damaged' | 'no-mark' | 'stopped'
  /** The first byte that is not part of a whole frame. */
  readonly offset: number
}

/**
 * Walks the frames of a segment of `size` bytes, starting at byte `from` (a frame's start; default: the first).
 * `read` gives bytes of the file; `visit` gets each record as a view that is valid during the call, and the
 * offset of its frame, and answers false to stop.
 */
export function walkSegment(
  read: (offset: number, length: number) => Uint8Array,
  size: number,
  visit: (record: Uint8Array, offset: number) => boolean,
  from: number = SEGMENT_MARK.length,
): Walk {
  const begun = Math.min(size, SEGMENT_MARK.length)
  if (Buffer.compare(read(0, begun), SEGMENT_MARK.subarray(0, begun)) !== 0) {
    return { end: 'no-mark', offset: 0 }
  }
  // A crash fell between the making of the file and the end of its mark.
  if (begun < SEGMENT_MARK.length) return { end: 'cut', offset: 0 }
  let offset = from
  while (offset < size) {
    const window = read(offset, Math.min(size - offset, WINDOW_BYTES))
    let at = 0
    while (at < window.length) {
      const end = frameEnd(window, at)
      if (end === 'damaged') return { end, offset: offset + at }
      if (end === 'cut') break
      if (!visit(window.subarray(at + FRAME_HEADER_BYTES, end), offset + at)) {
        return { end: 'stopped', offset: offset + end }
      }
      at = end
    }
    // A window holds at least one whole frame, unless the file ends inside it.
    if (at === 0) return { end: 'cut', offset }
    offset += at
  }
  return { end: 'whole', offset }
}

const WINDOW_BYTES = 1024 * 1024

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x1000000 +
    (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
  )
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

// CRC-32 (IEEE 802.3, reflected, as zlib has it), eight bytes a step. Kept here because an engine may not reach
// for node:zlib.
const TABLES = new Int32Array(8 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  TABLES[byte] = crc
}
for (let at = 256; at < TABLES.length; at++) {
  const before = TABLES[at - 256] ?? 0
  TABLES[at] = (before >>> 8) ^ (TABLES[before & 0xff] ?? 0)
}

/** The CRC over the length field at `at` and the record of `length` bytes after the header. */
function frameCrc(bytes: Uint8Array, at: number, length: number): number {
  const record = at + FRAME_HEADER_BYTES
  return ~crcOf(bytes, record, record + length, crcOf(bytes, at, at + 4, ~0)) >>> 0
}

function crcOf(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let crc = seed
  let at = start
  const tables = TABLES
  for (const last = end - 7; at < last; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      tables[1792 + (crc & 0xff)]! ^
      tables[1536 + ((crc >>> 8) & 0xff)]! ^
      tables[1280 + ((crc >>> 16) & 0xff)]! ^
      tables[1024 + (crc >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 0xff]!
  return crc
}
