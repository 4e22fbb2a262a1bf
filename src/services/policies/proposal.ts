// What the folder would hold: the files that are there, with changes laid over them. A change that could not be written
// and read again as it is, is refused here.
import { Buffer } from 'node:buffer'
import type { PolicyFile } from '#engines/policy'
import { InvalidRequest } from '#model'
import type { FileChange } from './folder-change.ts'
import { LARGEST_BYTES, MOST_FILES } from './load.ts'

/** Of files that are made here; what is there already keeps its name. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.cedar$/

/** Throws InvalidRequest. The files come in the order of their names, as a load has them. */
export function proposed(
  files: readonly PolicyFile[],
  changes: readonly FileChange[],
): readonly PolicyFile[] {
  const found = new Map(files.map(({ name, text }) => [name, text]))
  const named = new Set<string>()
  for (const { name, text } of changes) {
    if (named.has(name)) throw refused(`${name} is there twice.`)
    named.add(name)
    if (!found.has(name) && !NAME.test(name))
      throw refused('A file is named with letters, digits, "_", "-" and ".", and ends in .cedar.')
    const same = [...found.keys()].find(other => other !== name && folded(other) === folded(name))
    // Where the file system takes them for one, what is written would not be what was judged.
    if (!found.has(name) && same !== undefined && text !== null)
      throw refused(`${name} and ${same} are one file to some file systems.`)
    if (text === null) {
      found.delete(name)
      continue
    }
    // What is stored must be what was judged: these are not read as they were written.
    if (!text.isWellFormed() || text.startsWith('\uFEFF'))
      throw refused(`${name} is not text that UTF-8 keeps as it is.`)
    if (Buffer.byteLength(text) > LARGEST_BYTES) throw refused(`${name} is larger than 1 MiB.`)
    found.set(name, text)
  }
  if (found.size > MOST_FILES) throw refused(`There are more than ${MOST_FILES} files.`)
  return [...found]
    .map(([name, text]) => ({ name, text }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

const folded = (name: string): string => name.normalize('NFC').toLowerCase()

function refused(message: string): InvalidRequest {
  return new InvalidRequest('request_invalid', message)
}
