// The policy set in force (PAP): loaded from a folder, watched, replaced only by a set that checks.
import { type FSWatcher, watch } from 'node:fs'
import { checkPolicies, type PolicySet, type Problem, type Vocabulary } from '#engines/policy'
import { ConfigurationError } from '#model'
import { loadFolder } from './load.ts'

export interface PoliciesOptions {
  readonly folder: string
  /** The names that policies may use; asked at each load, as configuration reloads too. */
  readonly vocabulary: () => Vocabulary
  /** All problems of a load: at start the warnings, after an edit its errors and warnings. */
  readonly onProblem: (problems: readonly Problem[]) => void
  /** How long a folder must be quiet after a change, in ms. Editors write in several steps. */
  readonly settleMs?: number
}

/** The policies of this gateway. */
export interface Policies {
  /** The set in force. */
  current(): PolicySet
  /** Loads again. False when the folder does not check: the old set stays. */
  reload(): Promise<boolean>
  /** Calls the listener with each new set. Returns how to stop. */
  onChange(listener: (set: PolicySet) => void): () => void
  close(): void
}

/** Opens the folder. Throws ConfigurationError that lists the errors when it does not check. */
export async function openPolicies(options: PoliciesOptions): Promise<Policies> {
  const policies = new WatchedPolicies(options, await firstSet(options))
  policies.watch()
  return policies
}

async function firstSet(options: PoliciesOptions): Promise<PolicySet> {
  const { set, problems } = await load(options)
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
  return set
}

async function load({ folder, vocabulary }: PoliciesOptions) {
  const { files, problems } = await loadFolder(folder)
  const checked = checkPolicies(files, vocabulary())
  if (problems.length === 0) return checked
  return { set: undefined, problems: [...problems, ...checked.problems] }
}

class WatchedPolicies implements Policies {
  readonly #options: PoliciesOptions
  readonly #listeners = new Set<(set: PolicySet) => void>()
  #set: PolicySet
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #loading: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: PoliciesOptions, set: PolicySet) {
    this.#options = options
    this.#set = set
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

  /** One load at a time, so that an older one never replaces a newer. */
  reload(): Promise<boolean> {
    const next = this.#loading.then(() => this.#load())
    // The chain goes on whatever becomes of this load; its caller sees the failure.
    this.#loading = next.catch(() => undefined)
    return next
  }

  onChange(listener: (set: PolicySet) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#watcher?.close()
    this.#listeners.clear()
  }

  async #load(): Promise<boolean> {
    if (this.#closed) return false
    const { set, problems } = await load(this.#options)
    if (this.#closed) return false
    if (problems.length > 0) this.#options.onProblem(problems)
    if (set === undefined) return false
    if (set.hash === this.#set.hash && sameTexts(set, this.#set)) return true
    this.#set = set
    for (const listener of this.#listeners) listener(set)
    return true
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
