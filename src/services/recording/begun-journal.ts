// The rows of sessions that have begun and are not in the store yet, a line each: what a crash of ours in that moment would
// lose of them. No key and no statement is ever in it.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { BegunRow } from './begun-sessions.ts'

export class BegunJournal {
  readonly #fd: number
  /** What an earlier process left. */
  readonly left: readonly BegunRow[]
  #keep: number

  constructor(path: string) {
    this.#fd = openSync(path, 'a+', 0o600)
    const before = readFileSync(path)
    this.left = rowsOf(before.toString('utf8'))
    this.#keep = before.length
    // A torn line must not take the next one with it.
    if (before.length > 0 && before.at(-1) !== 0x0a) this.#keep += writeSync(this.#fd, '\n')
  }

  /** In the hands of the system when it returns. */
  add(row: BegunRow): void {
    const line = Buffer.from(`${JSON.stringify(row)}\n`, 'utf8')
    if (writeSync(this.#fd, line) !== line.length)
      throw new Error('the disk took only a part of the line')
  }

  /** All that was added is in the store. */
  clear(): void {
    ftruncateSync(this.#fd, this.#keep)
  }

  /** So is what was left. */
  forget(): void {
    this.#keep = 0
    this.clear()
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** A crash may have torn the last line: that session had not begun. */
function rowsOf(text: string): BegunRow[] {
  const rows: BegunRow[] = []
  for (const line of text.split('\n')) {
    try {
      const row: unknown = JSON.parse(line)
      if (Array.isArray(row) && typeof row[0] === 'string') rows.push(row)
    } catch {
      // Safe: it was never written whole, so nobody was let in on it.
    }
  }
  return rows
}
