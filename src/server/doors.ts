// Where clients come in: a listener for each protocol, and the console with its API.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApi, Web } from '#api'
import { CONSOLE } from '#config'
import type { SallyportGateway } from '#gateway'
import type { Channels } from '#services/channels'
import { type Listener, listen } from '#transport'
import type { Rooms } from './rooms.ts'
import { consoleUrl, type Server } from './server.ts'

/** What clients get, from the stop of their session to the end of their connection. */
const LAST_WORDS_MS = 1_500

/** Where `npm start` and `npm test` build the console. */
const WEB = fileURLToPath(new URL('../../dist/web', import.meta.url))

/** What closes each door that is open. */
export type Doors = (() => Promise<unknown>)[]

export async function openListeners(
  { config, listeners, log, protocols }: Server,
  gateway: SallyportGateway,
  doors: Doors,
): Promise<void> {
  for (const each of config.listen) {
    const protocol = protocols.find(({ name }) => name === each.name)
    if (protocol === undefined) continue
    const listener: Listener = await listen({
      host: each.host,
      port: each.port,
      maxConnections: config.limits.connections,
      ...(config.limits.connectionsPerAddress === undefined
        ? {}
        : { perIpLimit: config.limits.connectionsPerAddress }),
      onConnection: socket => protocol.serve(socket, each, gateway),
      onFailure: (where, error) =>
        log.error({ err: error, listener: each.name }, `${where}.failed`),
      onRefused: why => log.warn({ listener: each.name, why }, 'connection.refused'),
    })
    listeners.set(each.name, { host: each.host, port: listener.port })
    doors.push(() => listener.close(LAST_WORDS_MS))
  }
}

export async function openConsole(
  server: Server,
  rooms: Rooms,
  gateway: SallyportGateway,
  channels: Channels,
  doors: Doors,
): Promise<void> {
  const { config, listeners, log, metrics, now, protocols, undo } = server
  const { audit, policies, tls } = rooms
  const console = config.listen.find(({ name }) => name === CONSOLE)
  if (console === undefined) return
  const web = Web.read(WEB)
  const api = await startApi(
    {
      gateway,
      identity: rooms.identity,
      inventory: rooms.inventory,
      recordings: rooms.recordings,
      explainer: rooms.explainer,
      requests: rooms.requests,
      grants: rooms.grants,
      audit,
      channels,
      policies: () => policies.current(),
      policyFiles: policies,
      policyHistory: rooms.policyHistory,
      workbench: rooms.workbench,
      vocabulary: rooms.vocabulary,
      masks: () => rooms.masking.masks,
      detectors: () => server.config.detectors,
      protocols,
      endpoint: name => listeners.get(name),
      url: () => consoleUrl(server),
      ...(web === undefined ? {} : { web }),
      ca: join(config.data, 'ca.pem'),
      now,
      ready: () => server.ready && !audit.failed,
      metrics: () => metrics.text(),
      log,
    },
    console,
    tls.pem(),
  )
  undo.push(tls.onChange(() => api.useCertificate(tls.pem())))
  listeners.set(CONSOLE, { host: console.host, port: api.port })
  doors.push(() => api.close())
}
