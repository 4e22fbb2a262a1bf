// Where things are in a log's folder, and the lock that keeps a second writer out.
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { segmentFirst, segmentName } from '#engines/merkle'
import { ConfigurationError } from '#model'

/** Another connection has it (https://sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5

export class LogFolder {
  readonly path: string

  /** Creates the folder when it is not there. Throws ConfigurationError when that cannot be. */
  constructor(path: string) {
    this.path = path
    try {
      mkdirSync(this.segments, { recursive: true, mode: 0o700 })
    } catch (cause) {
      // Not a folder, no permission, no space: the operator has to act.
      throw new ConfigurationError(
        'configuration_invalid',
        `The audit log's folder ${path} cannot be made: ${reason(cause)}.`,
        { cause },
      )
    }
  }

  get segments(): string {
    return join(this.path, 'segments')
  }

  get key(): string {
    return join(this.path, 'audit.key')
  }

  get vkey(): string {
    return join(this.path, 'audit.vkey')
  }

  /** The newest signed head. */
  get checkpoint(): string {
    return join(this.path, 'checkpoint')
  }

  /** Every signed head, one JSON object a line. */
  get checkpoints(): string {
    return join(this.path, 'checkpoints.jsonl')
  }

  /** Is there, empty, while the log is closed after an orderly end. */
  get closed(): string {
    return join(this.path, 'audit.closed')
  }

  get dropped(): string {
    return join(this.path, 'dropped')
  }

  get forks(): string {
    return join(this.path, 'forks')
  }

  segment(first: number): string {
    return join(this.segments, segmentName(first))
  }

  segmentIndex(first: number): string {
    return `${this.segment(first).slice(0, -'.log'.length)}.index`
  }

  tile(path: string): string {
    return join(this.path, path)
  }

  /** The first record's number of each segment, in order. */
  listSegments(): number[] {
    if (!existsSync(this.segments)) return []
    return readdirSync(this.segments)
      .map(segmentFirst)
      .filter(first => first !== undefined)
      .sort((a, b) => a - b)
  }
}

/** Holds a folder for one writer. The operating system lets go of it when the process ends, however it ends. */
export class FolderLock {
  readonly #database: DatabaseSync

  /** Throws ConfigurationError when another writer, in this process or another, has the folder. */
  constructor(folder: LogFolder) {
    // SQLite is the one portable lock of the operating system that Node offers: node:fs has none.
    const file = join(folder.path, 'audit.lock')
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(file, { timeout: 0 })
      database.exec('BEGIN EXCLUSIVE')
    } catch (cause) {
      // Busy is the expected case; whatever else it is, we do not have the lock.
      database?.close()
      const busy = cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY
      throw new ConfigurationError(
        'configuration_invalid',
        busy
          ? `The audit log in ${folder.path} is in use by another gateway. Stop that one, or give this one a folder of its own.`
          : `The lock of the audit log, ${file}, cannot be taken: ${reason(cause)}. All in the data folder must belong to the gateway's user.`,
        { cause },
      )
    }
    this.#database = database
  }

  /** Idempotent. */
  release(): void {
    if (this.#database.isOpen) this.#database.close()
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
