// The heads that were signed: `checkpoint` has the newest, `checkpoints.jsonl` has all. What was signed once is never
// contradicted: nothing smaller is ever written, and a head that others put there stops us.
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { type Checkpoint, type NoteVerifier, openCheckpoint } from '#engines/merkle'
import { ConfigurationError } from '#model'
import type { LogFiles } from './files.ts'
import type { LogFolder } from './folder.ts'

export interface SignedHead extends Checkpoint {
  readonly note: string
}

/** What is on the disk: the last signed head, the text of `checkpoint`, the whole lines of the list. */
interface HeadsOnDisk {
  readonly head: SignedHead | undefined
  readonly newest: string | undefined
  readonly lineBytes: number
}

const TAIL_BYTES = 64 * 1024

/** The line of `checkpoints.jsonl` for a note. */
export function checkpointLine(note: string): string {
  return `${JSON.stringify({ checkpoint: note })}\n`
}

/**
 * Reads what was signed last: the larger of the two files' newest heads, for a crash can fall between them.
 * `lineBytes` is the length of the whole lines of `checkpoints.jsonl`. Throws ConfigurationError when one does
 * not verify.
 */
export function readSignedHead(folder: LogFolder, verifier: NoteVerifier): HeadsOnDisk {
  const { last, lineBytes } = readLastLine(folder.checkpoints)
  const heads: SignedHead[] = []
  if (last !== undefined) heads.push(open(noteOf(last), folder.checkpoints, verifier))
  const newest = existsSync(folder.checkpoint) ? readFileSync(folder.checkpoint, 'utf8') : undefined
  if (newest !== undefined) heads.push(open(newest, folder.checkpoint, verifier))
  heads.sort((a, b) => b.size - a.size)
  return { head: heads[0], newest, lineBytes }
}

function open(note: string | undefined, path: string, verifier: NoteVerifier): SignedHead {
  const checkpoint = note === undefined ? undefined : openCheckpoint(note, verifier)
  if (note === undefined || checkpoint === undefined) {
    throw new ConfigurationError(
      'configuration_invalid',
      `The newest checkpoint in ${path} is not signed by this log's key: the file was changed. Restore it from a backup, or start a new origin with --fork.`,
    )
  }
  return { ...checkpoint, note }
}

function noteOf(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('checkpoint' in value)) return undefined
    return typeof value.checkpoint === 'string' ? value.checkpoint : undefined
  } catch {
    // Not JSON: the caller reports a checkpoint that does not verify.
    return undefined
  }
}

/** The last line that ends with a newline; what follows it is a write that a crash cut short. */
function readLastLine(path: string): { last: string | undefined; lineBytes: number } {
  if (!existsSync(path)) return { last: undefined, lineBytes: 0 }
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES))
    readSync(fd, tail, 0, tail.length, size - tail.length)
    const end = tail.lastIndexOf('\n')
    if (end < 0) return { last: undefined, lineBytes: size > TAIL_BYTES ? size : 0 }
    const start = tail.lastIndexOf('\n', end - 1) + 1
    return { last: tail.toString('utf8', start, end), lineBytes: size - tail.length + end + 1 }
  } finally {
    closeSync(fd)
  }
}

/** Writes heads in the order in which they were signed. */
export class SignedHeads {
  readonly #folder: LogFolder
  readonly #files: LogFiles
  #head: SignedHead | undefined
  /** What `checkpoint` may say: what we found, wrote, or tried to write. */
  #expected: readonly (string | undefined)[]
  #fd: number | undefined
  #lineBytes: number

  constructor(folder: LogFolder, files: LogFiles, read: HeadsOnDisk) {
    this.#folder = folder
    this.#files = files
    this.#head = read.head
    this.#expected = [read.newest]
    this.#lineBytes = read.lineBytes
  }

  get head(): SignedHead | undefined {
    return this.#head
  }

  /**
   * Puts a head on the disk, first into the list and then as the newest. Rejects when it cannot be written;
   * then the head counts as never signed, and the next one takes its place. One call at a time.
   */
  async publish(head: SignedHead): Promise<void> {
    if (this.#head !== undefined && head.size < this.#head.size)
      throw new RangeError('a smaller tree is never signed')
    const found = existsSync(this.#folder.checkpoint)
      ? readFileSync(this.#folder.checkpoint, 'utf8')
      : undefined
    if (!this.#expected.includes(found))
      throw new Error('the checkpoint was changed by somebody else')
    this.#expected = [found, head.note]
    this.#fd ??= this.#files.open(
      this.#folder.checkpoints,
      existsSync(this.#folder.checkpoints) ? 'r+' : 'w+',
    )
    const line = Buffer.from(checkpointLine(head.note), 'utf8')
    // At a known place: what an earlier failure left there is overwritten, and cut off behind.
    const written = this.#files.write(this.#fd, line, line.length, this.#lineBytes)
    if (written !== line.length) {
      this.#files.truncate(this.#fd, this.#lineBytes)
      throw new Error('the list of checkpoints could not be written')
    }
    this.#files.truncate(this.#fd, this.#lineBytes + line.length)
    await this.#files.sync(this.#fd)
    await this.#files.replace(this.#folder.checkpoint, head.note)
    this.#lineBytes += line.length
    this.#expected = [head.note]
    this.#head = head
  }

  close(): void {
    if (this.#fd !== undefined) this.#files.close(this.#fd)
    this.#fd = undefined
  }
}
