// What the session's settings make of a name and a text: search path and role, as far as they can be known. A
// path that cannot be known resolves to every candidate: asking too much is safe, too little is not.
import { type SettingChange, type SqlStatement, searchPathOf } from '#engines/sql'

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
  /** As it is set, `$user` and all. Undefined: not known. */
  readonly path: readonly string[] | undefined
  /** '' is the role that logged in. */
  readonly role: string
  /** Who `SET ROLE NONE` goes back to is not known: SET SESSION AUTHORIZATION was used. */
  readonly reauthorized: boolean
}

/** What holds now, and what will when the transaction commits: SET LOCAL changes the first alone. */
interface Level {
  readonly now: Values
  readonly committed: Values
}

interface Savepoint extends Level {
  readonly name: string
}

const NOTHING_KNOWN: Values = { path: undefined, role: UNKNOWN, reauthorized: true }
/** A transaction may have any number of savepoints; one that is not remembered brings back what is not known. */
const MOST_SAVEPOINTS = 1_000

export class Scope {
  readonly #initial: Values
  readonly #user: string | undefined
  #level: Level
  /** What comes back when the transaction is undone. */
  #outside: Values
  #savepoints: Savepoint[] = []
  #dirty = false
  #key: string | undefined

  /** `user`: the upstream login, for `$user`. */
  constructor(path: readonly string[] | undefined, user: string | undefined) {
    this.#user = user
    this.#initial = { path, role: '', reauthorized: false }
    this.#outside = this.#initial
    this.#level = { now: this.#initial, committed: this.#initial }
  }

  /** The schemas that are searched, in order. */
  get path(): readonly string[] | undefined {
    const { path, role } = this.#level.now
    if (path?.includes('$user') !== true) return path
    const user = role === '' ? this.#user : role
    if (user === undefined || user === UNKNOWN) return undefined
    return path.map(part => (part === '$user' ? user : part))
  }

  /** Equal in two sessions in which names and texts mean the same. */
  get key(): string {
    this.#key ??= JSON.stringify([this.path ?? UNKNOWN, this.#level.now.role])
    return this.#key
  }

  /** True when the end of the transaction may change it back. */
  get dirty(): boolean {
    return this.#dirty
  }

  /** For the digest of an approval: what else the text's meaning hangs on. */
  state(): Readonly<Record<string, string>> {
    const { path } = this
    return {
      role: this.#level.now.role,
      search_path: path === undefined ? UNKNOWN : JSON.stringify(path),
    }
  }

  /** A statement has run. */
  ran(statement: SqlStatement): void {
    this.#key = undefined
    for (const change of statement.settings) {
      if (!SCOPING.has(change.name)) continue
      this.#dirty = true
      const { now, committed } = this.#level
      this.#level = {
        now: this.#changed(now, change, statement.verb),
        committed: change.local ? committed : this.#changed(committed, change, statement.verb),
      }
    }
    const { transaction, savepoint } = statement
    if (savepoint === undefined) return
    if (transaction === 'savepoint') this.#save(savepoint)
    else this.#goBack(savepoint, transaction === 'rollback_to')
  }

  #save(name: string): void {
    if (this.#savepoints.length >= MOST_SAVEPOINTS) this.#savepoints.shift()
    this.#savepoints.push({ name, ...this.#level })
  }

  /** ROLLBACK TO brings back what held at the savepoint, which stays; RELEASE forgets it and all after it. */
  #goBack(name: string, undo: boolean): void {
    const at = this.#savepoints.findLastIndex(each => each.name === name)
    if (undo) {
      const { now, committed } = this.#savepoints[at] ?? {
        now: NOTHING_KNOWN,
        committed: NOTHING_KNOWN,
      }
      this.#level = { now, committed }
      if (at === -1) this.#dirty = true
    }
    this.#savepoints.length = Math.max(0, undo ? at + 1 : at)
  }

  /** Code on the server has set what we cannot see. */
  lose(): void {
    this.#key = undefined
    this.#dirty = true
    this.#level = { now: NOTHING_KNOWN, committed: NOTHING_KNOWN }
  }

  /** The upstream is out of any transaction. */
  transactionEnded(committed: boolean): void {
    if (this.#savepoints.length > 0) this.#savepoints = []
    if (!this.#dirty) return
    this.#dirty = false
    this.#key = undefined
    this.#outside = committed ? this.#level.committed : this.#outside
    this.#level = { now: this.#outside, committed: this.#outside }
  }

  /** The server itself says what it is (ParameterStatus, PostgreSQL 18). */
  reported(value: string): void {
    const path = searchPathOf(value)
    const { now, committed } = this.#level
    this.#key = undefined
    this.#level = { now: { ...now, path }, committed: { ...committed, path } }
    if (!this.#dirty) this.#outside = this.#level.now
  }

  #changed(values: Values, { name, value }: SettingChange, verb: string): Values {
    const reset = value === undefined && (verb === 'RESET' || verb === 'SET')
    switch (name) {
      case 'all':
        // RESET ALL leaves the role alone.
        return verb === 'DISCARD' ? this.#initial : { ...values, path: this.#initial.path }
      case 'search_path': {
        const path = value === undefined ? undefined : searchPathOf(value)
        return { ...values, path: reset ? this.#initial.path : path }
      }
      case 'role':
        if (reset || value === 'none')
          return { ...values, role: values.reauthorized ? UNKNOWN : '' }
        return { ...values, role: value ?? UNKNOWN }
      default:
        // Versions differ in what becomes of the role, then and when it is undone.
        return { ...values, role: UNKNOWN, reauthorized: true }
    }
  }
}
