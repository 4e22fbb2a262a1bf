// Reads the files of a log's folder, without any service and without writing a byte.
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { segmentFirst, segmentName, type Walk, walkSegment } from '#engines/merkle'

export const segmentPath = (first: number): string => join('segments', segmentName(first))

/** The first record's number of each segment, in order. */
export function listSegments(folder: string): number[] {
  const path = join(folder, 'segments')
  if (!existsSync(path)) return []
  return readdirSync(path)
    .map(segmentFirst)
    .filter(first => first !== undefined)
    .sort((a, b) => a - b)
}

/** Walks one segment. `fileBytes` is the length of the file. */
export function walkFile(
  path: string,
  visit: (record: Uint8Array, offset: number) => boolean,
): Walk & { readonly fileBytes: number } {
  const fd = openSync(path, 'r')
  try {
    const fileBytes = fstatSync(fd).size
    return { ...walkSegment((at, length) => readAt(fd, at, length), fileBytes, visit), fileBytes }
  } finally {
    closeSync(fd)
  }
}

/** The lines in the first `size` bytes of a file, one after another. `whole` is false for a last one without a newline. */
export function* readLines(
  path: string,
  size: number,
): Generator<{ readonly text: string; readonly whole: boolean }> {
  const fd = openSync(path, 'r')
  try {
    let rest: Uint8Array = Buffer.alloc(0)
    for (let position = 0; ; ) {
      const chunk = readAt(fd, position, Math.min(256 * 1024, size - position))
      if (chunk.length === 0) break
      position += chunk.length
      const bytes = Buffer.concat([rest, chunk])
      let start = 0
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        yield { text: bytes.toString('utf8', start, end), whole: true }
        start = end + 1
      }
      rest = bytes.subarray(start)
      if (rest.length > 1024 * 1024) break
    }
    if (rest.length > 0) yield { text: Buffer.from(rest).toString('utf8'), whole: false }
  } finally {
    closeSync(fd)
  }
}

/** All files below a folder, by their path from it. */
export function listFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

export function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
