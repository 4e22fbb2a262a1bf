// The catalog of one resource and database, kept fresh: read when it is first asked for, after DDL, when an
// unknown name or oid comes up, and when it is five minutes old; one reading at a time. Does no reading itself.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type DefinedNames,
  DefinitionLog,
  type Names,
  type RelationName,
  searchPathOf,
} from '#engines/sql'
import { type ColumnName, isGatewayError, Unavailable } from '#model'
import type { CatalogSnapshot } from './catalog-snapshot.ts'
import type { Catalog, CatalogColumn, CatalogRelation, TextForm } from './catalog-types.ts'

const MAX_AGE_MS = 5 * 60_000
/** From this age on a use reads again in the background, so that nobody waits for it. */
const SOON_OLD_MS = 4 * 60_000

/** Between readings that follow each other: many definitions in a row need no reading each. */
const PAUSE_MS = 75

/** A relation that was not there is not looked for again within this time. */
const ABSENT_MS = 1_000
/** Between readings for the sake of names that are not there, and how many of these are kept. */
const LOOK_MS = 250
const MOST_ABSENT = 1_000

/** `read`: one whole reading; `now`: ms; `pause`: before a reading that follows another at once. `outdated`: others have said that these changed. */
export function createCatalog(
  read: () => Promise<CatalogSnapshot>,
  now: () => number,
  pause: (ms: number) => Promise<void> = ms => sleep(ms, undefined, { ref: false }),
  definitions = new DefinitionLog(),
): Catalog & { outdated(names: DefinedNames): void } {
  let snapshot: CatalogSnapshot | undefined
  let version = 0
  let readAt = Number.NEGATIVE_INFINITY
  // Changes that we were told of, and how many of them each reading began behind.
  let changes = 0
  let readChanges = -1
  let runningChanges = -1
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined
  let changed = new Changes()

  async function readNow(): Promise<void> {
    const startedAt = now()
    const before = changes
    runningChanges = before
    changed = new Changes(changed)
    try {
      snapshot = await read()
      version += 1
      readAt = startedAt
      readChanges = before
      changed.forgetEarlier()
    } catch (cause) {
      changed.keepEarlier()
      throw new Unavailable(
        'catalog_unavailable',
        isGatewayError(cause)
          ? `the catalog of the database cannot be read: ${cause.message}`
          : 'the catalog of the database cannot be read',
        { cause },
      )
    } finally {
      running = undefined
    }
  }

  /** A reading that runs may have begun before what the caller knows of: it waits for the next one. */
  function refresh(): Promise<void> {
    if (following !== undefined) return following
    if (running === undefined) {
      running = readNow()
      return running
    }
    following = running
      .catch(() => {}) // its own callers learn of it
      .then(() => pause(PAUSE_MS))
      .then(() => {
        following = undefined
        running ??= readNow()
        return running
      })
    return following
  }

  function fresh(): Promise<void> {
    const age = now() - readAt
    if (snapshot === undefined || readChanges !== changes || age > MAX_AGE_MS) {
      // One that is on its way will do, unless something has changed since it began. When it fails, with the session
      // that it goes by, ours may still do it.
      if (running === undefined || runningChanges !== changes) return refresh()
      return running.catch(refresh)
    }
    if (age > SOON_OLD_MS && running === undefined) refresh().catch(() => {}) // at 5 minutes somebody waits, and learns
    return Promise.resolve()
  }

  /** When names that no relation had were looked for. */
  const absent = new Map<string, number>()
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined

  function lookFor(names: readonly string[]): Promise<void> | undefined {
    const oldest = now() - ABSENT_MS
    if (names.every(name => (absent.get(name) ?? Number.NEGATIVE_INFINITY) > oldest))
      return undefined
    const rest = lookedAt + LOOK_MS - now()
    looking ??= (rest > 0 ? pause(rest) : Promise.resolve()).then(() => {
      looking = undefined
      lookedAt = now()
      return refresh()
    })
    return looking.then(() => {
      if (absent.size + names.length > MOST_ABSENT) absent.clear()
      for (const name of names) absent.set(name, readAt)
    })
  }

  function outdated(names: DefinedNames): void {
    changes += 1
    changed.add(names)
  }

  function current(): CatalogSnapshot {
    if (snapshot === undefined) {
      throw new Unavailable('catalog_unavailable', 'the catalog of the database was not read yet')
    }
    return snapshot
  }

  return {
    get version() {
      return version
    },
    get searchPath() {
      return current().searchPath
    },
    relation: (oid: number): CatalogRelation | undefined => current().relation(oid),
    column: (oid: number, attnum: number): CatalogColumn | undefined =>
      current().column(oid, attnum),
    columnOf: (object: string, column: string) => current().columnOf(object, column),
    expand: (columns: readonly ColumnName[] | 'all') => current().expand(columns),
    listed: (most: number) => current().listed(most),
    textForm: (typeOid: number): TextForm => current().textForm(typeOid),
    typeCode: (typeOid: number) => current().typeCode(typeOid),
    resolve: (name: RelationName, path: readonly string[] | undefined) =>
      current().resolve(name, path),
    names: (path: readonly string[] | undefined): Names => namesOf(current(), path),
    definitions,
    get changing() {
      return changed.some
    },
    mayHaveChanged(name: string): boolean {
      if (changed.has(name)) return true
      // What a view shows hangs on relations of other names.
      const found = changed.some
        ? (snapshot?.resolve({ schema: undefined, name }, undefined) ?? [])
        : []
      return found.some(({ kind }) => kind === 'view' || kind === 'materialized view')
    },
    outdated,
    invalidate(names: DefinedNames = 'all') {
      outdated(names)
      definitions.changed(names)
    },
    fresh,
    lookFor,
    refresh,
  }
}

/** With more names than this, all count as changed. */
const MOST_CHANGES = 1_000

/** Names of relations whose definition was changed since the last reading began, and before it while one runs. */
class Changes {
  readonly #names = new Set<string>()
  #all = false
  #earlier: Changes | undefined

  constructor(earlier?: Changes) {
    this.#earlier = earlier
  }

  add(names: readonly string[] | 'all'): void {
    if (names === 'all' || this.#names.size + names.length > MOST_CHANGES) this.#all = true
    else for (const name of names) this.#names.add(name)
  }

  get some(): boolean {
    return this.#all || this.#names.size > 0 || this.#earlier?.some === true
  }

  has(name: string): boolean {
    return this.#all || this.#names.has(name) || this.#earlier?.has(name) === true
  }

  forgetEarlier(): void {
    this.#earlier = undefined
  }

  /** The reading failed: what was to be read is still not known. */
  keepEarlier(): void {
    if (this.#earlier === undefined) return
    this.add(this.#earlier.#all ? 'all' : [...this.#earlier.#names])
    this.#earlier = undefined
  }
}

function namesOf(snapshot: CatalogSnapshot, path: readonly string[] | undefined): Names {
  const creationSchema = snapshot.creationSchema(path)
  return {
    resolve: relation => snapshot.resolved(relation, path),
    functions: name => snapshot.functions(name, path),
    routines: name => snapshot.routines(name, path),
    operators: name => snapshot.operators(name, path),
    isPlainType: type => snapshot.isPlainType(type, path),
    unasked: snapshot.unaskedCasts,
    withSearchPath: next => {
      const parts = next === undefined ? undefined : searchPathOf(next)
      // The role that "$user" means may have changed in the same text.
      return namesOf(snapshot, parts?.includes('$user') === true ? undefined : parts)
    },
    ...(creationSchema === undefined ? {} : { creationSchema }),
  }
}
