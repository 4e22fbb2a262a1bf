// The catalogs of all upstreams that sessions are on, one for each resource and credential. A reading dials through
// some live session, so it goes the way that sessions go, and is lost with the last.
import { DefinitionLogs, type MysqlAnalyser } from '#engines/sql'
import type { Gateway, Session } from '#gateway'
import { type Resource, UpstreamError } from '#model'
import { createCatalog } from './catalog.ts'
import { readCatalog } from './catalog-reader.ts'
import type { Catalog } from './catalog-types.ts'
import type { MysqlSettings } from './settings.ts'
import { logIn } from './upstream.ts'

/** Snapshots of upstreams without a session that are kept for the next one. */
const MOST_IDLE = 16

export interface Catalogs {
  /** The catalog for this session, and `leave` for its end. */
  join(
    session: Session<MysqlSettings>,
    limits: Gateway['limits'],
  ): { readonly catalog: Catalog; leave(): void }
  /** The catalog as it was last read; undefined when it is not kept. */
  known(resource: Resource<MysqlSettings>): Catalog | undefined
}

interface Entry {
  readonly catalog: Catalog
  readonly sessions: Set<Session<MysqlSettings>>
  readonly forget: () => void
}

const request = { database: undefined, programName: 'sallyport:catalog', capabilities: 0 }

/** `analyser`: what the catalog keeps as text is read by it. */
export function createCatalogs(
  analyser: () => Promise<MysqlAnalyser>,
  now: () => number,
): Catalogs {
  const entries = new Map<string, Entry>()
  const logs = new DefinitionLogs()

  function dropIdle(): void {
    const idle = [...entries].filter(([, entry]) => entry.sessions.size === 0)
    for (const [key, entry] of idle.slice(0, Math.max(0, idle.length - MOST_IDLE))) {
      entries.delete(key)
      entry.forget()
    }
  }

  function create(
    { upstream, connector }: Resource<MysqlSettings>,
    limits: Gateway['limits'],
  ): Entry {
    const sessions = new Set<Session<MysqlSettings>>()
    const definitions = logs.at(JSON.stringify([upstream.host, upstream.port, connector]))
    const catalog = createCatalog(
      async () => {
        const session = [...sessions].findLast(each => !each.signal.aborted)
        if (session === undefined)
          throw new UpstreamError('upstream_lost', 'no session is left to read it through')
        const grammar = await analyser()
        return await readCatalog(await logIn(session, request, limits), grammar)
      },
      now,
      definitions,
    )
    // Another resource may lead to the same server: what is changed there is changed here.
    const forget = definitions.listen(() => catalog.invalidate())
    return { catalog, sessions, forget }
  }

  return {
    join(session, limits) {
      const key = keyOf(session.resource)
      const entry = entries.get(key) ?? create(session.resource, limits)
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
    known(resource) {
      const catalog = entries.get(keyOf(resource))?.catalog
      return catalog === undefined || catalog.version === 0 ? undefined : catalog
    },
  }
}

/** Another host or role is another catalog, whatever the resource is called. */
function keyOf({ name, upstream, credential, connector }: Resource<MysqlSettings>): string {
  return JSON.stringify([name, upstream, credential, connector])
}
