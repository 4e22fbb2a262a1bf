// The catalog of one resource: which tables there are, with their columns. Kept until a definition changes, five
// minutes at most. What it does not show (temporary tables, the server's own) has columns that are not known.
import type { Names, RelationName, ResolvedRelation } from '#engines/sql'
import { type ColumnName, Unavailable } from '#model'
import type { CatalogTable } from './catalog-reader.ts'
import type { Catalog } from './catalog-types.ts'

const MAX_AGE_MS = 5 * 60 * 1000

interface Snapshot {
  readonly relations: ReadonlyMap<string, ResolvedRelation>
  readonly generated: ReadonlyMap<string, ReadonlySet<string>>
}

/** `fold`: names of tables have no case on that server. */
export function createCatalog(
  read: () => Promise<{ readonly tables: readonly CatalogTable[]; readonly fold: boolean }>,
  now: () => number,
): Catalog {
  let snapshot: Snapshot | undefined
  let fold = false
  let version = 0
  let readAt = 0
  let stale = true
  let running: Promise<void> | undefined

  const keyOf = (object: string): string => (fold ? object.toLowerCase() : object)

  async function readNow(): Promise<void> {
    stale = false
    try {
      const answer = await read()
      fold = answer.fold
      snapshot = snapshotOf(answer.tables, keyOf)
      version += 1
      readAt = now()
    } catch (error) {
      stale = true
      throw error
    } finally {
      running = undefined
    }
  }

  function current(): Snapshot {
    if (snapshot === undefined)
      throw new Unavailable('catalog_unavailable', 'the catalog of the database was not read yet')
    return snapshot
  }

  function resolve(
    { schema, name }: RelationName,
    database: string | undefined,
  ): readonly ResolvedRelation[] {
    const within = schema ?? database
    const object = within === undefined ? name : `${within}.${name}`
    const known = current().relations.get(keyOf(object))
    return [known ?? { object: keyOf(object), kind: 'table', columns: [] }]
  }

  return {
    get version() {
      return version
    },
    names: (database): Names => ({
      resolve: relation => resolve(relation, database),
      ...(database === undefined ? {} : { creationSchema: database }),
    }),
    expanded: statement => statement,
    sourcesOf({ object, column }: ColumnName) {
      const key = keyOf(object)
      const known = current().relations.get(key)
      if (known === undefined) return undefined
      const made = current().generated.get(key)?.has(column.toLowerCase()) === true
      return known.kind === 'view' || made ? 'all' : undefined
    },
    invalidate() {
      stale = true
    },
    async fresh() {
      if (!stale && snapshot !== undefined && now() - readAt < MAX_AGE_MS) return
      if (running !== undefined && !stale) return running
      running = readNow()
      await running
    },
  }
}

function snapshotOf(tables: readonly CatalogTable[], keyOf: (object: string) => string): Snapshot {
  const relations = new Map<string, ResolvedRelation>()
  const generated = new Map<string, ReadonlySet<string>>()
  for (const { schema, name, kind, columns, generated: made } of tables) {
    const object = `${schema}.${name}`
    relations.set(keyOf(object), {
      object,
      kind,
      columns,
      ...(kind === 'view' ? { derivesFrom: 'all' as const } : {}),
    })
    if (made.length > 0)
      generated.set(keyOf(object), new Set(made.map(column => column.toLowerCase())))
  }
  return { relations, generated }
}
