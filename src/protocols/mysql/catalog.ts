// The catalog of one resource, kept fresh: read when it is first asked for, after a definition has changed, and when it
// is five minutes old; one reading at a time. Does no reading itself.
import { DefinitionLog, type Names } from '#engines/sql'
import { isGatewayError, Unavailable } from '#model'
import type { CatalogSnapshot } from './catalog-snapshot.ts'
import { isTold } from './catalog-system.ts'
import type { Catalog } from './catalog-types.ts'

const MAX_AGE_MS = 5 * 60 * 1000

/** `read`: one whole reading; `now`: ms. */
export function createCatalog(
  read: () => Promise<CatalogSnapshot>,
  now: () => number,
  definitions = new DefinitionLog(),
): Catalog {
  let snapshot: CatalogSnapshot | undefined
  let version = 0
  let readAt = Number.NEGATIVE_INFINITY
  // Changes that we were told of, and how many of them each reading began behind.
  let changes = 0
  let readChanges = -1
  let running: { readonly changes: number; readonly done: Promise<void> } | undefined

  async function readNow(before: number): Promise<void> {
    const startedAt = now()
    try {
      snapshot = await read()
      version += 1
      readAt = startedAt
      readChanges = before
    } catch (cause) {
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

  function current(): CatalogSnapshot {
    if (snapshot === undefined)
      throw new Unavailable('catalog_unavailable', 'the catalog of the database was not read yet')
    return snapshot
  }

  function begin(): Promise<void> {
    const done = readNow(changes)
    running = { changes, done }
    return done
  }

  return {
    get version() {
      return version
    },
    definitions,
    undoes: object => current().undoes(object),
    shownBy: view => current().shownBy(view),
    get stale() {
      return readChanges !== changes
    },
    get server() {
      return current().server
    },
    listed: most => current().listed(most),
    names: (database): Names => current().names(database),
    expanded: statement => current().expanded(statement),
    columnOf: (object, column) => current().columnOf(object, column),
    knows(relation, database) {
      const { schema = database, name } = relation
      if (schema === undefined || !isTold(schema, name)) return true
      return current()
        .names(database)
        .resolve(relation)
        .every(({ columns }) => columns.length > 0)
    },
    invalidate() {
      changes += 1
    },
    async fresh() {
      while (snapshot === undefined || readChanges !== changes || now() - readAt > MAX_AGE_MS) {
        if (running === undefined) await begin()
        else if (running.changes === changes) await running.done
        // One that began before the change does not tell of it.
        else await running.done.catch(() => {})
      }
    },
  }
}
