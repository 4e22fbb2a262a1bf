// Files of this user's that commands write: in one folder, readable by nobody else, whole or not at all.
import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { environment } from '#config'

export function ownFolder(): string {
  return join(environment('XDG_CONFIG_HOME') ?? join(homedir(), '.config'), 'sallyport')
}

/** Takes the place of what was there. */
export function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  try {
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
