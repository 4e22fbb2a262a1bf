// The catalogs of all upstreams that sessions are on, one for each resource, database and credential. A
// reading dials through some live session, so it goes the way that sessions go, and is lost with the last.
import type { Gateway, Session } from '#gateway'
import { type Resource, UpstreamError } from '#model'
import { createCatalog } from './catalog.ts'
import { readCatalog } from './catalog-reader.ts'
import type { Catalog } from './catalog-types.ts'
import type { PostgresSettings } from './settings.ts'
import { logIn } from './upstream.ts'

/** Snapshots of upstreams without a session that are kept for the next one. */
const MAX_IDLE = 16

export interface Catalogs {
  /** The catalog for this session, and `leave` for its end. */
  join(
    session: Session<PostgresSettings>,
    database: string,
    limits: Gateway['limits'],
  ): { readonly catalog: Catalog; leave(): void }
  /** The catalog as it was last read; undefined when it is not kept. */
  known(resource: Resource<PostgresSettings>, database: string): Catalog | undefined
}

interface Entry {
  readonly catalog: Catalog
  readonly sessions: Set<Session<PostgresSettings>>
}

export function createCatalogs(now: () => number): Catalogs {
  const entries = new Map<string, Entry>()

  function dropIdle(): void {
    const idle = [...entries].filter(([, entry]) => entry.sessions.size === 0)
    for (const [key] of idle.slice(0, Math.max(0, idle.length - MAX_IDLE))) entries.delete(key)
  }

  function create(database: string, limits: Gateway['limits']): Entry {
    const sessions = new Set<Session<PostgresSettings>>()
    const catalog = createCatalog(async () => {
      const session = [...sessions].findLast(each => !each.signal.aborted)
      if (session === undefined) {
        throw new UpstreamError('upstream_lost', 'no session is left to read it through')
      }
      const applicationName = 'sallyport:catalog'
      return await readCatalog(
        await logIn(session, { database, settings: new Map(), applicationName }, limits),
      )
    }, now)
    return { catalog, sessions }
  }

  return {
    join(session, database, limits) {
      const key = keyOf(session.resource, database)
      const entry = entries.get(key) ?? create(database, limits)
      entries.delete(key)
      entries.set(key, entry)
      entry.sessions.add(session)
      return {
        catalog: entry.catalog,
        leave() {
          entry.sessions.delete(session)
          dropIdle()
        },
      }
    },
    known(resource, database) {
      const catalog = entries.get(keyOf(resource, database))?.catalog
      return catalog === undefined || catalog.version === 0 ? undefined : catalog
    },
  }
}

/** Another host, role or database is another catalog, whatever the resource is called. */
function keyOf(resource: Resource<PostgresSettings>, database: string): string {
  const { name, upstream, credential, connector } = resource
  return JSON.stringify([name, upstream, credential, connector, database])
}
