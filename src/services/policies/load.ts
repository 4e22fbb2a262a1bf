// Reads a folder of policies. Only plain `*.cedar` files of that folder: no links that lead out of it, nothing
// large, nothing that is not UTF-8. Whatever cannot be read is an error, never a file left out in silence.
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { PolicyFile, Problem } from '#engines/policy'
import { JOURNAL } from './folder-change.ts'

export const LARGEST_BYTES = 1024 * 1024
export const MOST_FILES = 1000

/** The files in the order of their names, and what is wrong with the others. */
export async function loadFolder(
  folder: string,
  ending: '.cedar' | '.test.yaml' = '.cedar',
): Promise<{ files: readonly PolicyFile[]; problems: readonly Problem[] }> {
  const files: PolicyFile[] = []
  const problems: Problem[] = []
  const fail = (file: string, message: string) => {
    problems.push({ file, line: 1, column: 1, severity: 'error', message })
  }
  let names: readonly string[]
  let root: string
  try {
    root = await realpath(folder)
    const all = await readdir(root)
    names = all.filter(name => name.endsWith(ending)).sort()
    for (const name of all)
      if (!name.endsWith(ending) && name.toLowerCase().endsWith(ending))
        fail(name, `named so it is no policy: its name ends in ${ending}, in small letters`)
    if (all.includes(JOURNAL)) fail(folder, 'a change of several files is being written here')
  } catch (error) {
    // Said as a problem: the caller decides whether an old set stays or the start fails.
    return { files, problems: [...problems, unreadable(folder, error)] }
  }
  if (names.length > MOST_FILES) {
    fail(folder, `more than ${MOST_FILES} policy files`)
    return { files, problems }
  }
  for (const name of names) {
    const answer = await loadFile(root, name)
    if ('text' in answer) files.push({ name, text: answer.text })
    else fail(name, answer.refused)
  }
  return { files, problems }
}

async function loadFile(
  root: string,
  name: string,
): Promise<{ text: string } | { refused: string }> {
  try {
    // Kubernetes mounts configuration as links within the folder: these are fine, others are not.
    const path = await realpath(join(root, name))
    if (!path.startsWith(root + sep)) return { refused: 'a link that leads out of the folder' }
    if (!(await lstat(path)).isFile()) return { refused: 'not a plain file' }
    const handle = await open(path, 'r')
    try {
      const buffer = Buffer.alloc(LARGEST_BYTES + 1)
      let length = 0
      while (length < buffer.length) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      if (length > LARGEST_BYTES) return { refused: 'larger than 1 MiB' }
      return decode(buffer.subarray(0, length))
    } finally {
      await handle.close()
    }
  } catch (error) {
    // The reason is kept for the operator; the file counts as an error of the set.
    return { refused: reason(error) }
  }
}

function decode(bytes: Uint8Array): { text: string } | { refused: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    // Bytes that are no text would be policies that nobody reviewed as they run.
    return { refused: 'not UTF-8' }
  }
}

function unreadable(folder: string, error: unknown): Problem {
  return { file: folder, line: 1, column: 1, severity: 'error', message: reason(error) }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  return `cannot be read (${code})`
}
