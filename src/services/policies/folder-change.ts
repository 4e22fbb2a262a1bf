// Writes several files of a folder as one change: after a crash it is either not there, or finished at the next start.
// New texts are on the disk as drafts before the journal names them; from then on only names change (a redo log).
// Whoever reads the folder meanwhile refuses it. Knows nothing of policies.
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import {
  access,
  link,
  lstat,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidRequest, Unavailable } from '#model'

/** There while a change is made. */
export const JOURNAL = '.sallyport-change'
const DRAFT = '.sallyport-draft.'
/** A journal or a draft that is older was left by a process that is gone. */
export const LEFT_MS = 30_000

/** `text: null` takes the file away. */
export interface FileChange {
  readonly name: string
  readonly text: string | null
}

/** `draft: null` takes the file away. */
type Step = readonly [name: string, draft: string | null]

/** Throws Unavailable when the folder cannot be written, InvalidRequest when somebody else is writing there. */
export async function writeChange(folder: string, changes: readonly FileChange[]): Promise<void> {
  const root = await realpath(folder)
  for (const { name } of changes) await refuseLink(root, name)
  const steps: Step[] = []
  const journal = draftName()
  let begun = false
  try {
    for (const { name, text } of changes) {
      const draft = text === null ? null : draftName()
      steps.push([name, draft])
      if (draft !== null)
        await writeDurably(join(root, draft), text ?? '', await modeOf(join(root, name)))
    }
    await writeDurably(join(root, journal), JSON.stringify(steps), 0o600)
    // A link fails where one is there already: two writers never mix, and a journal is never half a journal.
    await link(join(root, journal), join(root, JOURNAL))
    begun = true
    await syncFolder(root)
    await finish(root, steps)
  } catch (cause) {
    if (!begun) for (const [, draft] of steps) if (draft !== null) await remove(root, draft)
    throw refusal(cause, begun)
  } finally {
    await remove(root, journal)
  }
}

/**
 * Finishes a change that was cut off; takes drafts away that no journal named. Without `olderThanMs` whatever the clock
 * says: one that went back, or is coarser than the file system's, makes a journal of before one of later.
 */
export async function finishChange(folder: string, olderThanMs?: number): Promise<void> {
  const root = await realpath(folder)
  try {
    const { mtimeMs } = await stat(join(root, JOURNAL))
    if (olderThanMs !== undefined && Date.now() - mtimeMs < olderThanMs) return
    await finish(root, stepsIn(await readFile(join(root, JOURNAL), 'utf8')))
  } catch (error) {
    // Nothing was cut off.
    if (codeOf(error) !== 'ENOENT') throw error
  }
  for (const name of await readdir(root)) {
    if (!name.startsWith(DRAFT)) continue
    const { mtimeMs } = await stat(join(root, name))
    if (Date.now() - mtimeMs > LEFT_MS) await remove(root, name)
  }
}

/** Why the folder cannot be changed, when it cannot. */
export async function unwritableBecause(folder: string): Promise<string | undefined> {
  try {
    await access(await realpath(folder), constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    // Said to whoever would like to change it.
    return codeOf(error)
  }
}

/** Whoever may write here could have left a journal: it names files of this folder, or it is none. */
function stepsIn(text: string): readonly Step[] {
  const steps: unknown = JSON.parse(text)
  const plain = (name: unknown): boolean => typeof name === 'string' && /^[^/\\\0]+$/.test(name)
  const holds =
    Array.isArray(steps) &&
    steps.every(
      (step: unknown) =>
        Array.isArray(step) &&
        plain(step[0]) &&
        String(step[0]).endsWith('.cedar') &&
        (step[1] === null || (plain(step[1]) && String(step[1]).startsWith(DRAFT))),
    )
  if (!holds) throw new Error(`${JOURNAL} is none of ours: look at it, and remove it`)
  return steps as readonly Step[]
}

/** Each step may have been made already. */
async function finish(root: string, steps: readonly Step[]): Promise<void> {
  for (const [name, draft] of steps) {
    if (draft === null) await rm(join(root, name), { force: true })
    else await renameOnce(join(root, draft), join(root, name))
  }
  await syncFolder(root)
  await rm(join(root, JOURNAL), { force: true })
  await syncFolder(root)
}

async function renameOnce(draft: string, path: string): Promise<void> {
  try {
    await rename(draft, path)
  } catch (error) {
    // A journal names only drafts that were there: this one has its name already.
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    // What the process's umask took away is the file's all the same.
    await file.chmod(mode)
    await file.writeFile(text, 'utf8')
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Names are durable when their folder is. */
async function syncFolder(root: string): Promise<void> {
  const folder = await open(root, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const draftName = (): string => `${DRAFT}${randomBytes(12).toString('hex')}`
const remove = (root: string, name: string): Promise<void> => rm(join(root, name), { force: true })

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode & 0o777
  } catch {
    // A new file: as an editor would leave it.
    return 0o644
  }
}

/** A link's target belongs to whoever laid it (Kubernetes does): replacing the link would not change it. */
async function refuseLink(root: string, name: string): Promise<void> {
  try {
    if ((await lstat(join(root, name))).isFile()) return
  } catch (error) {
    // A new file: nothing is there to be a link.
    if (codeOf(error) === 'ENOENT') return
    throw refusal(error, false)
  }
  throw new InvalidRequest(
    'request_invalid',
    `${name} is a link or no plain file: it is changed elsewhere.`,
  )
}

function refusal(cause: unknown, begun: boolean): InvalidRequest | Unavailable {
  const code = codeOf(cause)
  if (begun) {
    return new Unavailable(
      'unavailable',
      `The change is begun and could not be finished (${code}). What was in force goes on; the next start finishes it.`,
      { cause },
    )
  }
  return code === 'EEXIST'
    ? new InvalidRequest(
        'request_conflict',
        'Somebody else is changing the policies at this moment.',
        {
          cause,
        },
      )
    : new Unavailable(
        'unavailable',
        `The policies cannot be written (${code}). Nothing was changed.`,
        {
          cause,
        },
      )
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'it failed'
}
