// What the session's settings make of a name and a text: search path and role, as far as they can be known. A
// path that cannot be known resolves to every candidate: asking too much is safe, too little is not.
import type { SqlStatement } from '#engines/sql'

/** Settings that change what a text means or on whose behalf it runs. */
const SCOPING: ReadonlySet<string> = new Set([
  'search_path',
  'role',
  'session_authorization',
  'all',
])
export const REASON_SETTING = 'sallyport.reason'
const UNKNOWN = 'unknown'

/** True when what follows must be judged by other settings than what went before. */
export function changesScope(statement: SqlStatement): boolean {
  return statement.settings.some(({ name }) => SCOPING.has(name))
}

/** True when it may make `$user` another one. */
export function changesRole(statement: SqlStatement): boolean {
  return statement.settings.some(({ name }) => name !== 'search_path' && SCOPING.has(name))
}

interface Values {
  /** Undefined: not known. */
  path: readonly string[] | undefined
  /** '' is the login's own role. */
  role: string
}

export class Scope {
  readonly #initial: Values
  readonly #user: string | undefined
  /** What holds now, and what comes back when the transaction is undone. */
  #now: Values
  #outside: Values
  #afterCommit: Values
  #dirty = false
  #key: string | undefined

  /** `user`: the upstream login, for `$user`. */
  constructor(path: readonly string[], user: string | undefined) {
    this.#user = user
    this.#initial = { path, role: '' }
    this.#now = this.#outside = this.#afterCommit = this.#initial
  }

  get path(): readonly string[] | undefined {
    return this.#now.path
  }

  /** Equal in two sessions in which names and texts mean the same. */
  get key(): string {
    this.#key ??= JSON.stringify([this.#now.path ?? UNKNOWN, this.#now.role])
    return this.#key
  }

  /** True when the end of the transaction may change it back. */
  get dirty(): boolean {
    return this.#dirty
  }

  /** For the digest of an approval: what else the text's meaning hangs on. */
  state(): Readonly<Record<string, string>> {
    return {
      role: this.#now.role,
      search_path: this.#now.path === undefined ? UNKNOWN : JSON.stringify(this.#now.path),
    }
  }

  /** A statement has run. */
  ran(statement: SqlStatement): void {
    this.#key = undefined
    for (const change of statement.settings) {
      if (!SCOPING.has(change.name)) continue
      this.#dirty = true
      const next = this.#changed(this.#now, change.name, change.value, statement.verb)
      this.#now = next
      this.#afterCommit = change.local
        ? this.#afterCommit
        : this.#changed(this.#afterCommit, change.name, change.value, statement.verb)
    }
    if (statement.transaction === 'rollback_to' && this.#dirty) {
      this.#now = this.#afterCommit = { path: undefined, role: UNKNOWN }
    }
  }

  /** Code on the server has set what we cannot see. */
  lose(): void {
    this.#key = undefined
    this.#dirty = true
    this.#now = this.#afterCommit = { path: undefined, role: UNKNOWN }
  }

  /** The upstream is out of any transaction. */
  transactionEnded(committed: boolean): void {
    if (!this.#dirty) return
    this.#dirty = false
    this.#key = undefined
    this.#now = this.#outside = committed ? this.#afterCommit : this.#outside
    this.#afterCommit = this.#now
  }

  /** The server itself says what it is (ParameterStatus, PostgreSQL 18). */
  reported(value: string): void {
    const path = this.#resolved(value)
    this.#key = undefined
    this.#now = { ...this.#now, path }
    this.#afterCommit = { ...this.#afterCommit, path }
    if (!this.#dirty) this.#outside = this.#now
  }

  #changed(values: Values, name: string, value: string | undefined, verb: string): Values {
    if (name === 'all') return this.#initial
    const reset = value === undefined && verb === 'RESET'
    if (name === 'search_path') {
      if (reset) return { ...values, path: this.#initial.path }
      return { ...values, path: value === undefined ? undefined : this.#resolved(value) }
    }
    // A role changes what "$user" means.
    const role = reset ? '' : (value ?? UNKNOWN)
    return { path: undefined, role: role === 'none' ? '' : role }
  }

  #resolved(value: string): readonly string[] | undefined {
    const parts = splitPath(value)
    if (!parts.includes('$user')) return parts
    if (this.#user === undefined || this.#now.role !== '') return undefined
    return parts.map(part => (part === '$user' ? (this.#user as string) : part))
  }
}

/** Splits a list of identifiers; `""` inside quotes is a quote. */
export function splitPath(value: string): readonly string[] {
  const parts: string[] = []
  for (const [, quoted, plain] of value.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)) {
    parts.push(
      quoted === undefined ? (plain as string).toLowerCase() : quoted.replaceAll('""', '"'),
    )
  }
  return parts
}
