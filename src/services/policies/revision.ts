// What a folder's texts are called as a whole: whoever changes them says what they had before them.
import { createHash } from 'node:crypto'
import type { PolicyFile } from '#engines/policy'

/** SHA-256 (hex) of a text. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** Of names and texts: unlike a set's own hash, comments and layout count. */
export function revisionOf(files: readonly PolicyFile[]): string {
  const lines = files.map(({ name, text }) => JSON.stringify([name, hashOf(text)])).sort()
  return hashOf(lines.join('\n'))
}
