// A key that this deployment makes for itself on its first start, and keeps in a file that only it may read.
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { ConfigurationError } from '#model'

const KEY_BYTES = 32

/** The key in `file`; made when the file is not there. Throws ConfigurationError when it is no key. */
export function openLocalKey(file: string): Uint8Array {
  try {
    // `wx`: of two processes that start at once, one makes it and the other reads it.
    const descriptor = openSync(file, 'wx', 0o600)
    try {
      writeSync(descriptor, randomBytes(KEY_BYTES).toString('hex'))
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    // Safe: it is there already, which is the ordinary case; anything else fails on reading below.
    if (!isExists(error)) throw unusable(file, error)
  }
  if ((statSync(file).mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw new ConfigurationError(
      'configuration_invalid',
      `${file} can be read by others. Set its mode to 0600.`,
    )
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex')
  if (key.length !== KEY_BYTES) throw unusable(file)
  return key
}

function isExists(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}

function unusable(file: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    'configuration_invalid',
    `${file} does not hold a key of ours. Bring it back from a backup; without it a new one is made, and hash tokens are others from then on.`,
    { cause },
  )
}
