// Writes key and certificate files whole or not at all, with their mode from the first byte on.
import { randomUUID } from 'node:crypto'
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** Writes the file unless another process was faster; the file that is there wins. */
export function createOnce(file: string, text: string, mode: number): void {
  const draft = writeDraft(file, text, mode)
  try {
    // A link fails when the name exists, and shows the whole content at once when it does not.
    linkSync(draft, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Writes the file, or replaces it in one step. */
export function replace(file: string, text: string, mode: number): void {
  renameSync(writeDraft(file, text, mode), file)
}

function writeDraft(file: string, text: string, mode: number): string {
  const draft = `${file}.${randomUUID()}`
  writeFileSync(draft, text, { mode, flag: 'wx', flush: true })
  return draft
}
