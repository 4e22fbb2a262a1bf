// MySQL and MariaDB: the room's door. `serve` is the whole life of a connection: greet, open, log in, relay; and all but the
// greeting again for each change of its user.
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import {
  createMysqlAnalyser,
  type MysqlAnalyser,
  type MysqlReading,
  mysqlGrammar,
} from '#engines/sql'
import {
  endingError,
  type Gateway,
  type ListenerSettings,
  type OpeningSession,
  type Protocol,
  type Session,
} from '#gateway'
import { InvalidRequest, isGatewayError, type Resource, UpstreamError } from '#model'
import type { Catalog } from './catalog-types.ts'
import { createCatalogs } from './catalogs.ts'
import { greetAgain, type UserChange } from './change-user.ts'
import { clientArguments, clientEnvironment, connectHint, localUrl } from './connect-hint.ts'
import { denial } from './denial.ts'
import { serveErrands } from './errands.ts'
import { createGreetingVersion } from './greeting-version.ts'
import { greet } from './handshake.ts'
import { createKillRegistry, type IssuedNumber } from './kill.ts'
import { type ClientLogin, dismiss } from './login.ts'
import { plainOk } from './messages.ts'
import { capability, status } from './numbers.ts'
import { packets } from './packets.ts'
import { createPreviewer } from './preview.ts'
import { readAlone, readAt } from './read-alone.ts'
import { type RelayEnd, relay } from './relay.ts'
import { type MysqlSettings, mysqlSettings, secretFields } from './settings.ts'
import { logIn, programName, sayGoodbye, type UpstreamLogin } from './upstream.ts'

export type { MysqlSettings } from './settings.ts'

/** The protocol. One per process: it holds the numbers of its sessions. */
export function createMysql(): Protocol<MysqlSettings> {
  const kills = createKillRegistry()
  const catalogs = createCatalogs(analyser, () => performance.now())
  const versions = createGreetingVersion()
  let loading: Promise<MysqlAnalyser> | undefined

  /** Loads the grammar on first use: commands that serve nobody do without. */
  async function analyser(): Promise<MysqlAnalyser> {
    loading ??= readFile(mysqlGrammar).then(code => createMysqlAnalyser(code))
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
    const own = kills.issue()
    const greeter = {
      gateway,
      listener,
      version: versions.current(),
      connectionId: own.id,
      localFiles: offersFiles(gateway.resources(protocol), listener),
    }
    try {
      let client = await greet(socket, greeter)
      while (client !== undefined) {
        const change = await serveLogin(client, own, gateway)
        client = change && (await greetAgain(client, change, greeter))
      }
    } finally {
      own.forget()
    }
  }

  /** What one login leads to, to its end and what is to be put on record of it. Resolves with the next login, if there is one. */
  async function serveLogin(
    client: ClientLogin,
    own: IssuedNumber,
    gateway: Gateway,
  ): Promise<UserChange | undefined> {
    const { principal, resource, origin } = client
    if (resource === undefined)
      return serveErrands(
        client,
        id => kills.request(id, { principal: principal.id }),
        gateway.limits,
      )
    let login: Promise<UpstreamLogin> | undefined
    let session: Session<MysqlSettings> | undefined
    let end: RelayEnd = { reason: 'failed' }
    const begin = (opening: OpeningSession<MysqlSettings>) => {
      login = logInFor(client, opening, gateway.limits)
      login.catch(() => {}) // awaited by `serveSession`, unless the session does not come to stand
    }
    try {
      session = await gateway.open(principal, protocol, resource, origin, begin)
      end = await serveSession(client, session, login ?? neverBegun(), own, gateway)
    } catch (error) {
      if (error instanceof UpstreamError) {
        end = { reason: 'upstream_left' }
        if (session !== undefined) gateway.upstreamFailed(session, error)
      }
      dismiss(client.socket, packets(denial(error), client.sequence))
      if (!isGatewayError(error)) throw error // a bug of ours: the caller logs it
    } finally {
      own.leaves()
      login?.then(
        ({ socket }) => sayGoodbye(socket),
        () => {}, // it failed, which the client was told
      )
      await session?.close(end.reason)
    }
    return end.change
  }

  async function serveSession(
    client: ClientLogin,
    session: Session<MysqlSettings>,
    login: Promise<UpstreamLogin>,
    own: IssuedNumber,
    gateway: Gateway,
  ): Promise<RelayEnd> {
    const { catalog, leave } = catalogs.join(session, gateway.limits)
    try {
      const fresh = catalog.fresh()
      fresh.catch(() => {}) // awaited below: the login's own error is the one that tells what is wrong
      const upstream = await login
      versions.seen(session.resource.name, upstream.greeting)
      const grammar = await analyser()
      await fresh
      return await run(client, session, upstream, { catalog, analyser: grammar }, own, gateway)
    } finally {
      leave()
    }
  }

  async function run(
    client: ClientLogin,
    session: Session<MysqlSettings>,
    upstream: UpstreamLogin,
    reads: { readonly catalog: Catalog; readonly analyser: MysqlAnalyser },
    own: IssuedNumber,
    gateway: Gateway,
  ): Promise<RelayEnd> {
    if (session.signal.aborted) throw endingError(session.signal.reason)
    if (client.socket.destroyed) return { reason: 'client_left' }
    const listeners = new Set<() => void>()
    const asker = { principal: session.principal.id, resource: session.resource.name }
    own.stands({
      ...asker,
      upstreamId: upstream.connectionId,
      cancel: () => {
        for (const listener of listeners) listener()
      },
    })
    client.socket.write(packets(plainOk(status.autocommit), client.sequence))
    // Both were paused by hand. What comes is emitted after this turn, when the relay listens.
    client.socket.resume()
    upstream.socket.resume()
    return await relay({
      client: client.socket,
      clientRest: client.rest,
      upstream: upstream.socket,
      upstreamRest: upstream.rest,
      session,
      ...reads,
      reading: {
        flavour: upstream.flavour,
        version: upstream.version,
        database: upstream.database,
        localFiles: session.resource.upstream.localInfile,
      },
      localFiles: (upstream.capabilities & capability.localFiles) !== 0,
      pins: upstream.pins,
      limits: gateway.limits,
      capabilities: client.capabilities,
      preview: createPreviewer({
        resource: session.resource,
        analyser: reads.analyser,
        server: { flavour: upstream.flavour, version: upstream.version },
        limits: gateway.limits,
      }),
      kill: target => (kills.request(target, asker) ? 'done' : 'unknown'),
      cancelUpstream: () => upstream.cancel(),
      onCancelRequest: listener => void listeners.add(listener),
    })
  }

  const protocol: Protocol<MysqlSettings> = {
    name: 'mysql',
    label: 'MySQL and MariaDB',
    defaultPort: 13306,
    settings: mysqlSettings,
    secretFields,
    recording: 'statements',
    connectHint,
    tool: {
      command: ['mysql'],
      environment: clientEnvironment,
      arguments: clientArguments,
      url: localUrl,
    },
    read: async text => readAlone(await analyser(), text, ALONE),
    async readAt(text, resource) {
      const catalog = catalogs.known(resource)
      return catalog && readAt(await analyser(), catalog, resource.upstream, text)
    },
    columnsAt: (resource, most) => catalogs.known(resource)?.listed(most),
    serve,
  }
  return protocol
}

/** A text without a session is read as the newest of servers would, on a resource that has all that there is. */
const ALONE: MysqlReading = {
  flavour: 'mysql',
  version: 80_400,
  database: undefined,
  localFiles: true,
}

/** The greeting comes before anybody says which resource is meant. (A tunnel leads to one.) */
function offersFiles(
  resources: readonly Resource<MysqlSettings>[],
  { tunnel }: ListenerSettings,
): boolean {
  return resources.some(
    ({ name, upstream }) =>
      upstream.localInfile && (tunnel === undefined || tunnel.resource === name),
  )
}

/** What the client may do on this resource. */
function capabilitiesOf({ capabilities }: ClientLogin, { localInfile }: MysqlSettings): number {
  return localInfile ? capabilities : capabilities & ~capability.localFiles
}

/** Async: whatever is wrong with the request is the login's own error. */
async function logInFor(
  client: ClientLogin,
  session: OpeningSession<MysqlSettings>,
  limits: Gateway['limits'],
): Promise<UpstreamLogin> {
  const request = {
    database: databaseOf(client, session.resource.upstream),
    programName: programName(session.principal.id, session.id),
    capabilities: capabilitiesOf(client, session.resource.upstream),
  }
  return logIn(session, request, limits)
}

function neverBegun(): never {
  throw new Error('a session was opened without its beginning')
}

function databaseOf({ database }: ClientLogin, settings: MysqlSettings): string | undefined {
  if (database === undefined || database === settings.database) return settings.database
  if (settings.databases === 'any' || settings.databases.includes(database)) return database
  throw new InvalidRequest('resource_unknown', 'this resource does not open that database')
}
