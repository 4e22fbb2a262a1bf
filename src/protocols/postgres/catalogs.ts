// The catalogs of all upstreams that sessions are on, one for each resource, database and credential. A
// reading dials through some live session, so it goes the way that sessions go, and is lost with the last.
import { DefinitionLogs } from '#engines/sql'
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
  readonly forget: () => void
}

export function createCatalogs(now: () => number): Catalogs {
  const entries = new Map<string, Entry>()
  const logs = new DefinitionLogs()

  function dropIdle(): void {
    const idle = [...entries].filter(([, entry]) => entry.sessions.size === 0)
    for (const [key, entry] of idle.slice(0, Math.max(0, idle.length - MAX_IDLE))) {
      entries.delete(key)
      entry.forget()
    }
  }

  function create(
    { upstream, connector }: Resource<PostgresSettings>,
    database: string,
    limits: Gateway['limits'],
  ): Entry {
    const sessions = new Set<Session<PostgresSettings>>()
    const definitions = logs.at(JSON.stringify([upstream.host, upstream.port, connector, database]))
    const catalog = createCatalog(
      async () => {
        const session = [...sessions].findLast(each => !each.signal.aborted)
        if (session === undefined) {
          throw new UpstreamError('upstream_lost', 'no session is left to read it through')
        }
        const applicationName = 'sallyport:catalog'
        return await readCatalog(
          await logIn(session, { database, settings: new Map(), applicationName }, limits),
        )
      },
      now,
      undefined,
      definitions,
    )
    // Another resource may lead to the same database: what is changed there is changed here.
    const forget = definitions.listen(names => catalog.outdated(names))
    return { catalog, sessions, forget }
  }

  return {
    join(session, database, limits) {
      const key = keyOf(session.resource, database)
      const entry = entries.get(key) ?? create(session.resource, database, limits)
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
