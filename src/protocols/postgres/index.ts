// PostgreSQL: the room's door. `serve` is the whole life of a connection: greet, open, log in, relay.
import type { Socket } from 'node:net'
import { type Analyser, createPostgresAnalyser, searchPathOf } from '#engines/sql'
import {
  endingError,
  type Gateway,
  type ListenerSettings,
  type OpeningSession,
  type Protocol,
  type Session,
} from '#gateway'
import { type CloseReason, InvalidRequest, isGatewayError, UpstreamError } from '#model'
import { DialAhead, dialTcp } from '#transport'
import { createCancelRegistry } from './cancel.ts'
import { createCatalogs } from './catalogs.ts'
import { connectHint, libpqEnvironment, localUrl } from './connect-hint.ts'
import { denial } from './denial.ts'
import { type ClientLogin, dismiss, greet } from './handshake.ts'
import { createPreviewer } from './preview.ts'
import { readAlone, readAt } from './read-alone.ts'
import { relay } from './relay.ts'
import { type PostgresSettings, postgresSettings, secretFields } from './settings.ts'
import { logIn, sayGoodbye, type UpstreamLogin, upstreamApplicationName } from './upstream.ts'
import { welcome } from './welcome.ts'

export type { PostgresSettings } from './settings.ts'

/** For a connection that nobody waits for. */
const AHEAD_MS = 2_000

/** The protocol. One per process: it holds the cancel keys and the catalogs of its sessions. */
export function createPostgres(): Protocol<PostgresSettings> {
  const cancels = createCancelRegistry()
  const catalogs = createCatalogs(() => performance.now())
  const ahead = new DialAhead({
    dial: (host, port) => dialTcp(host, port, { timeoutMs: AHEAD_MS }),
    now: () => performance.now(),
  })
  let loading: Promise<Analyser> | undefined

  /** Loads the grammar on first use: commands that serve nobody do without. */
  async function analyser(): Promise<Analyser> {
    loading ??= createPostgresAnalyser()
    try {
      return await loading
    } catch (error) {
      loading = undefined
      throw error
    }
  }

  async function serve(
    socket: Socket,
    listener: ListenerSettings,
    gateway: Gateway,
  ): Promise<void> {
    const client = await greet(socket, {
      gateway,
      listener,
      cancel: (pid, key, ip) => void cancels.request(pid, key, ip),
    })
    if (client === undefined) return
    let session: Session<PostgresSettings> | undefined
    let login: Promise<UpstreamLogin> | undefined
    let reason: CloseReason = 'failed'
    const begin = (opening: OpeningSession<PostgresSettings>) => {
      login = logInFor(client, opening, gateway.limits, ahead)
      login.catch(() => {}) // awaited by `serveSession`, unless the session does not come to stand
    }
    try {
      const { principal, resource, origin } = client
      session = await gateway.open(principal, protocol, resource, origin, begin)
      reason = await serveSession(client, session, login ?? neverBegun(), gateway)
    } catch (error) {
      if (error instanceof UpstreamError) {
        reason = 'upstream_left'
        if (session !== undefined) gateway.upstreamFailed(session, error)
      }
      dismiss(client.socket, denial(error, 'FATAL'))
      if (!isGatewayError(error)) throw error // a bug of ours: the caller logs it
    } finally {
      login?.then(
        ({ socket }) => sayGoodbye(socket),
        () => {}, // it failed, which the client was told
      )
      await session?.close(reason)
    }
  }

  async function serveSession(
    client: ClientLogin,
    session: Session<PostgresSettings>,
    login: Promise<UpstreamLogin>,
    gateway: Gateway,
  ): Promise<CloseReason> {
    const database = databaseOf(client, session.resource.upstream)
    const { catalog, leave } = catalogs.join(session, database, gateway.limits)
    const listeners = new Set<() => void>()
    const own = cancels.issue(client.protocolMinor, () => {
      for (const listener of listeners) listener()
      void cancelUpstream()
    })
    let cancelUpstream = async (): Promise<void> => {}
    try {
      const fresh = catalog.fresh()
      fresh.catch(() => {}) // awaited below: the login's own error is the one that tells what is wrong
      const upstream = await login
      const grammar = await analyser()
      await fresh
      if (session.signal.aborted) throw endingError(session.signal.reason)
      if (client.socket.destroyed) return 'client_left'
      // A cancel that does not arrive is no error: the client asks again, or its deadline decides.
      cancelUpstream = () => upstream.cancel().catch(() => {})
      client.socket.write(welcome(client, upstream.parameterStatuses, own))
      const path = client.settings.get('search_path')
      // Both were paused by hand. What comes is emitted after this turn, when the relay listens.
      client.socket.resume()
      upstream.socket.resume()
      return await relay({
        client: client.socket,
        clientRest: client.rest,
        upstream: upstream.socket,
        upstreamRest: upstream.rest,
        session,
        catalog,
        analyser: grammar,
        limits: gateway.limits,
        preview: createPreviewer({
          resource: session.resource,
          database,
          settings: client.settings,
          analyser: grammar,
          limits: gateway.limits,
        }),
        searchPath: (path === undefined ? undefined : searchPathOf(path)) ?? catalog.searchPath,
        cancelUpstream: () => cancelUpstream(),
        onCancelRequest: listener => void listeners.add(listener),
      })
    } finally {
      own.forget()
      leave()
    }
  }

  const protocol: Protocol<PostgresSettings> = {
    name: 'postgres',
    label: 'PostgreSQL',
    defaultPort: 15432,
    settings: postgresSettings,
    secretFields,
    recording: 'statements',
    connectHint,
    tool: { command: ['psql'], environment: libpqEnvironment, url: localUrl },
    read: async text => readAlone(await analyser(), text),
    async readAt(text, resource) {
      const catalog = catalogs.known(resource, resource.upstream.database)
      return catalog && readAt(await analyser(), catalog, resource.credential.user, text)
    },
    columnsAt(resource, most) {
      return catalogs.known(resource, resource.upstream.database)?.listed(most)
    },
    serve,
  }
  return protocol
}

/** Async: whatever is wrong with the request is the login's own error. */
async function logInFor(
  client: ClientLogin,
  session: OpeningSession<PostgresSettings>,
  limits: Gateway['limits'],
  ahead: DialAhead,
): Promise<UpstreamLogin> {
  const request = {
    database: databaseOf(client, session.resource.upstream),
    settings: client.settings,
    applicationName: upstreamApplicationName(session.principal.id, session.id),
  }
  return logIn(session, request, limits, ahead)
}

function neverBegun(): never {
  throw new Error('a session was opened without its beginning')
}

function databaseOf(client: ClientLogin, settings: PostgresSettings): string {
  const { database } = client
  if (database === undefined || database === settings.database) return settings.database
  if (settings.databases === 'any' || settings.databases.includes(database)) return database
  throw new InvalidRequest('resource_unknown', 'this resource does not open that database')
}
