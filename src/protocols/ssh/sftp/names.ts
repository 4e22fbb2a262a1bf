// What a host answers with names: looked at before a client believes it, since clients write files by the names of a
// listing. Says nothing about what the names mean.
import { Fields, malformed } from './wire.ts'

/** NAME_MAX is 255 where it is known; no path is longer than this. */
const LONGEST_NAME = 4_096
const SLASH = 0x2f

/** Throws unless these are names that a folder can hold. */
export function checkListing(answer: Buffer): void {
  for (const name of namesIn(answer)) {
    if (name.length === 0 || name.length > LONGEST_NAME) throw malformed()
    if (name.includes(SLASH) || name.includes(0)) throw malformed()
  }
}

/** Throws unless it is one path: where something leads. */
export function checkPath(answer: Buffer): void {
  if (namesIn(answer).length !== 1) throw malformed()
}

function namesIn(answer: Buffer): readonly Buffer[] {
  const fields = new Fields(answer)
  const names: Buffer[] = []
  for (let left = fields.uint32(); left > 0; left -= 1) {
    names.push(fields.string())
    // As `ls -l` has it: for people.
    fields.string()
    skipAttributes(fields)
  }
  fields.end()
  return names
}

/** Section 5 of the draft. */
function skipAttributes(fields: Fields): void {
  const flags = fields.uint32()
  if (flags & 0x1) fields.uint64()
  if (flags & 0x2) fields.uint64()
  if (flags & 0x4) fields.uint32()
  if (flags & 0x8) fields.uint64()
  if ((flags & 0x8000_0000) === 0) return
  for (let left = fields.uint32(); left > 0; left -= 1) {
    fields.string()
    fields.string()
  }
}
