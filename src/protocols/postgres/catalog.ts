// The catalog of one resource and database, kept fresh: read when it is first asked for, after DDL, when an
// unknown oid comes up, and when it is five minutes old; one reading at a time. Does no reading itself.
import type { Names, RelationName } from '#engines/sql'
import { type ColumnName, isGatewayError, Unavailable } from '#model'
import type { CatalogSnapshot } from './catalog-snapshot.ts'
import type { Catalog, CatalogColumn, CatalogRelation, TextForm } from './catalog-types.ts'
import { splitPath } from './scope.ts'

const MAX_AGE_MS = 5 * 60_000
/** From this age on a use reads again in the background, so that nobody waits for it. */
const SOON_OLD_MS = 4 * 60_000

/** `read`: one whole reading; `now`: ms. */
export function createCatalog(read: () => Promise<CatalogSnapshot>, now: () => number): Catalog {
  let snapshot: CatalogSnapshot | undefined
  let version = 0
  let readAt = Number.NEGATIVE_INFINITY
  let stale = true
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined

  async function readNow(): Promise<void> {
    const startedAt = now()
    stale = false // what changes from here on marks it again
    try {
      snapshot = await read()
      version += 1
      readAt = startedAt
    } catch (cause) {
      stale = true
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
    if (running === undefined) {
      running = readNow()
      return running
    }
    following ??= running
      .catch(() => {}) // its own callers learn of it
      .then(() => {
        following = undefined
        running ??= readNow()
        return running
      })
    return following
  }

  function fresh(): Promise<void> {
    const age = now() - readAt
    if (snapshot === undefined || stale || age > MAX_AGE_MS) {
      // One that is on its way will do, unless something has changed since it began.
      return running !== undefined && !stale ? running : refresh()
    }
    if (age > SOON_OLD_MS && running === undefined) refresh().catch(() => {}) // at 5 minutes somebody waits, and learns
    return Promise.resolve()
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
    textForm: (typeOid: number): TextForm => current().textForm(typeOid),
    resolve: (name: RelationName, path: readonly string[] | undefined) =>
      current().resolve(name, path),
    names: (path: readonly string[] | undefined): Names => namesOf(current(), path),
    invalidate() {
      stale = true
    },
    fresh,
    refresh,
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
    withSearchPath: next => {
      const parts = next === undefined ? undefined : splitPath(next)
      // The role that "$user" means may have changed in the same text.
      return namesOf(snapshot, parts?.includes('$user') === true ? undefined : parts)
    },
    ...(creationSchema === undefined ? {} : { creationSchema }),
  }
}
