// The policy set in force (PAP): loaded from a folder, watched, replaced only by a set that checks; and changed here,
// where configuration lets it.
import { type FSWatcher, watch } from 'node:fs'
import {
  checkPolicies,
  type PolicyFile,
  type PolicySet,
  type Problem,
  type Vocabulary,
} from '#engines/policy'
import { AccessDenied, ConfigurationError, InvalidRequest, Unavailable } from '#model'
import {
  type FileChange,
  finishChange,
  LEFT_MS,
  unwritableBecause,
  writeChange,
} from './folder-change.ts'
import type { PolicyHistory } from './history.ts'
import { loadFolder } from './load.ts'
import { proposed } from './proposal.ts'
import { revisionOf } from './revision.ts'

export interface PoliciesOptions {
  readonly folder: string
  /** Whether `save` may write there. */
  readonly editable?: boolean
  /** Keeps each version that was in force. */
  readonly history?: PolicyHistory
  /** The names that policies may use; asked at each load, as configuration reloads too. */
  readonly vocabulary: () => Vocabulary
  /** All problems of a load: at start the warnings, after an edit its errors and warnings. */
  readonly onProblem: (problems: readonly Problem[]) => void
  /** How long a folder must be quiet after a change, in ms. Editors write in several steps. */
  readonly settleMs?: number
}

/** The folder as it is on the disk at this moment. */
export interface PolicyFolder {
  readonly files: readonly PolicyFile[]
  /** The cases beside them, `*.test.yaml`. */
  readonly tests: readonly PolicyFile[]
  /** What cannot be read, and what the last load found. */
  readonly problems: readonly Problem[]
  readonly revision: string
  /** These files are what is in force: when not, they do not check, or were changed a moment ago. */
  readonly inForce: boolean
  /** Why it cannot be changed here; undefined when it can. */
  readonly fixed: string | undefined
}

export interface PolicySave {
  /** The revision that the changes were made to. */
  readonly opened: string
  readonly changes: readonly FileChange[]
  readonly principal: string
  readonly note: string
  /** Called when the set checks, before anything is written: what it throws, keeps it from being written. */
  readonly record: (after: { policySet: PolicySet; revision: string }) => Promise<void>
}

type Listener = (set: PolicySet, by: string | undefined) => void

/** The policies of this gateway. */
export interface Policies {
  /** The set in force. */
  current(): PolicySet
  /** Loads again. False when the folder does not check: the old set stays. */
  reload(): Promise<boolean>
  look(): Promise<PolicyFolder>
  /**
   * Writes a set that checks, and puts it in force. Throws AccessDenied (not here), InvalidRequest (it does not check, or
   * the files are not those that were opened), Unavailable (it cannot be written; what was in force goes on).
   */
  save(change: PolicySave): Promise<{ readonly revision: string; readonly policySet: string }>
  /** Calls the listener with each new set, and with who saved it. Returns how to stop. */
  onChange(listener: Listener): () => void
  close(): void
}

/** Opens the folder. Throws ConfigurationError that lists the errors when it does not check. */
export async function openPolicies(options: PoliciesOptions): Promise<Policies> {
  await finishWhatWasCutOff(options)
  const { set, files, problems } = await firstSet(options)
  const policies = new WatchedPolicies(options, set)
  policies.saw(files, set, problems)
  await policies.keep(files, set)
  policies.watch()
  return policies
}

/** A save that a crash cut off was on record and is finished, whatever configuration says today. */
async function finishWhatWasCutOff({ folder, onProblem }: PoliciesOptions): Promise<void> {
  try {
    await finishChange(folder)
  } catch (error) {
    // The folder is then refused as it is; this says why.
    const message = error instanceof Error ? error.message : 'cannot be read'
    onProblem([{ file: folder, line: 1, column: 1, severity: 'error', message }])
  }
}

async function firstSet(options: PoliciesOptions) {
  const { set, problems, files } = await load(options)
  if (set === undefined) {
    const errors = problems.filter(({ severity }) => severity === 'error')
    const lines = errors.map(
      ({ file, line, column, message }) => `${file}:${line}:${column} ${message}`,
    )
    throw new ConfigurationError(
      'configuration_invalid',
      ['The policies do not check:', ...lines].join('\n  '),
    )
  }
  if (problems.length > 0) options.onProblem(problems)
  return { set, files, problems }
}

async function load({ folder, vocabulary }: PoliciesOptions) {
  const { files, problems } = await loadFolder(folder)
  const checked = checkPolicies(files, vocabulary())
  if (problems.length === 0) return { ...checked, files }
  return { set: undefined, problems: [...problems, ...checked.problems], files }
}

class WatchedPolicies implements Policies {
  readonly #options: PoliciesOptions
  readonly #listeners = new Set<Listener>()
  #set: PolicySet
  /** Revisions: of what is in force, and of what was loaded last with what was found in it. */
  #inForce = ''
  #seen: { readonly revision: string; readonly problems: readonly Problem[] } | undefined
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: PoliciesOptions, set: PolicySet) {
    this.#options = options
    this.#set = set
  }

  /** A load; `set`: what it gave, when it checks. */
  saw(
    files: readonly PolicyFile[],
    set: PolicySet | undefined,
    problems: readonly Problem[],
  ): void {
    const revision = revisionOf(files)
    this.#seen = { revision, problems }
    if (set !== undefined) this.#inForce = revision
  }

  watch(): void {
    const { folder, settleMs = 200 } = this.#options
    try {
      this.#watcher = watch(folder, { persistent: false }, () => this.#settle(settleMs))
      this.#watcher.on('error', error => this.#unwatched(error))
    } catch (error) {
      // The set in force is good; changes then need SIGHUP, and the operator is told.
      this.#unwatched(error)
    }
  }

  current(): PolicySet {
    return this.#set
  }

  reload(): Promise<boolean> {
    return this.#inTurn(() => this.#load())
  }

  look(): Promise<PolicyFolder> {
    return this.#inTurn(async () => {
      const { folder, editable = false } = this.#options
      const { files, problems } = await loadFolder(folder)
      const tests = await loadFolder(folder, '.test.yaml')
      const revision = revisionOf(files)
      const found = this.#seen?.revision === revision ? this.#seen.problems : problems
      const blocked = editable ? await unwritableBecause(folder) : undefined
      return {
        files,
        tests: tests.files,
        problems: [...found, ...tests.problems.filter(({ file }) => file !== folder)],
        revision,
        inForce: problems.length === 0 && revision === this.#inForce,
        fixed: !editable
          ? 'The policies come from files that are changed elsewhere (policies.editable is off).'
          : blocked && `The folder of the policies cannot be written (${blocked}).`,
      }
    })
  }

  save(change: PolicySave): Promise<{ revision: string; policySet: string }> {
    return this.#inTurn(() => this.#save(change))
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#watcher?.close()
    this.#listeners.clear()
  }

  /** Never fails: that a version is not kept takes no right away and gives none. */
  async keep(
    files: readonly PolicyFile[],
    set: PolicySet,
    by?: { principal: string; note: string },
  ): Promise<void> {
    const { history, folder, onProblem } = this.#options
    try {
      await history?.add(files, set.hash, by)
    } catch (error) {
      // Safe: who changed what is in the audit log all the same; the operator hears that the texts are not kept.
      const why = error instanceof Error ? error.message : 'unknown'
      const message = `this version is not kept (${why})`
      onProblem([{ file: folder, line: 1, column: 1, severity: 'warning', message }])
    }
  }

  /** One at a time, so that an older load never replaces a newer set, and no load sees half a change. */
  #inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const next = this.#last.then(work)
    // The chain goes on whatever becomes of this one; its caller sees the failure.
    this.#last = next.catch(() => undefined)
    return next
  }

  async #load(): Promise<boolean> {
    if (this.#closed) return false
    const { set, problems, files } = await load(this.#options)
    if (this.#closed) return false
    this.saw(files, set, problems)
    if (problems.length > 0) this.#options.onProblem(problems)
    if (set === undefined) return false
    // In force first: no right waits for the store.
    if (set.hash !== this.#set.hash || !sameTexts(set, this.#set)) this.#take(set, undefined)
    await this.keep(files, set)
    return true
  }

  async #save({ opened, changes, principal, note, record }: PolicySave) {
    const { folder, editable = false, vocabulary } = this.#options
    if (this.#closed) throw new Unavailable('unavailable', 'The gateway is stopping.')
    if (!editable)
      throw new AccessDenied(
        'not_allowed',
        'The policies come from files that are changed elsewhere.',
        {
          hint: 'Change the files, or set policies.editable in the configuration.',
        },
      )
    await finishChange(folder, LEFT_MS)
    const { files, problems } = await loadFolder(folder)
    const first = problems[0]
    if (first !== undefined) throw new Unavailable('unavailable', `${first.file}: ${first.message}`)
    if (revisionOf(files) !== opened)
      throw new InvalidRequest(
        'request_conflict',
        'The policies were changed since you opened them.',
        {
          hint: 'Look at what is there now, and lay your change over it. Nothing was written.',
        },
      )
    const after = proposed(files, changes)
    const revision = revisionOf(after)
    if (revision === opened)
      throw new InvalidRequest('request_invalid', 'Nothing is different from what is there.')
    const checked = checkPolicies(after, vocabulary())
    const { set } = checked
    if (set === undefined) {
      const wrong = checked.problems.find(({ severity }) => severity === 'error')
      throw new InvalidRequest(
        'request_invalid',
        `The policies do not check: ${wrong?.file}:${wrong?.line}:${wrong?.column} ${wrong?.message}`,
      )
    }
    await record({ policySet: set, revision })
    await writeChange(folder, changes)
    this.saw(after, set, checked.problems)
    this.#take(set, principal)
    await this.keep(after, set, { principal, note })
    return { revision, policySet: set.hash }
  }

  #take(set: PolicySet, by: string | undefined): void {
    this.#set = set
    for (const listener of this.#listeners) listener(set, by)
  }

  #settle(afterMs: number): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.reload().catch((error: unknown) => this.#unwatched(error))
    }, afterMs)
    this.#timer.unref()
  }

  #unwatched(error: unknown): void {
    const message = `cannot be watched (${error instanceof Error ? error.message : 'unknown'})`
    const { folder, onProblem } = this.#options
    onProblem([{ file: folder, line: 1, column: 1, severity: 'warning', message }])
  }
}

/** The same policies at other lines are not a change of rights, but lists show where they stand. */
function sameTexts(a: PolicySet, b: PolicySet): boolean {
  return JSON.stringify(a.policies) === JSON.stringify(b.policies)
}
