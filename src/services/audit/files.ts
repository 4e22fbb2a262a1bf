// The file system as the log needs it: a narrow port, so that tests can let the disk be full or broken.
import fs from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const fdatasync = promisify(fs.fdatasync)

export interface LogFiles {
  open(path: string, flags: 'r+' | 'w+'): number
  read(fd: number, bytes: Uint8Array, length: number, position: number): number
  /** Writes at a position; may write less than asked. */
  write(fd: number, bytes: Uint8Array, length: number, position: number): number
  truncate(fd: number, length: number): void
  close(fd: number): void
  /** fdatasync. */
  sync(fd: number): Promise<void>
  /** Writes a whole file for good: temporary file, fsync, rename, fsync of the folder. */
  replace(path: string, text: string): Promise<void>
  /** Writes a file that can be made again: it need not survive a power cut. */
  writeDerived(path: string, bytes: Uint8Array): Promise<void>
  /** fsync of a folder, so that a new file in it survives. */
  syncFolder(path: string): Promise<void>
}

export const nodeFiles: LogFiles = {
  open: (path, flags) => fs.openSync(path, flags, 0o600),
  read: (fd, bytes, length, position) => fs.readSync(fd, bytes, 0, length, position),
  write: (fd, bytes, length, position) => fs.writeSync(fd, bytes, 0, length, position),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
  close: fd => fs.closeSync(fd),
  sync: fd => fdatasync(fd),
  replace: async (path, text) => {
    const temporary = `${path}.new`
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  },
  writeDerived: async (path, bytes) => {
    await fs.promises.mkdir(dirname(path), { recursive: true, mode: 0o700 })
    // Renamed into place, so that a reader never sees half of it.
    await fs.promises.writeFile(`${path}.new`, bytes, { mode: 0o600 })
    await rename(`${path}.new`, path)
  },
  syncFolder,
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Reads `length` bytes at `position`, fewer only at the end of the file. */
export function readAt(files: LogFiles, fd: number, position: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = files.read(fd, bytes.subarray(filled), length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}
