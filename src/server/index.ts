// The whole wiring, as a list of steps: reads the configuration, opens each room, joins them, follows what
// changes, and takes all down again in reverse. Nothing is decided here.
import type { Protocol } from '#gateway'
import { protocols as registry } from '#protocols'
import type { Log } from '#telemetry'
import { followCertificates, followConfiguration, followPolicies } from './changes.ts'
import { expireRequests, openChannels } from './channels.ts'
import { openDisk } from './disk.ts'
import { type Doors, openConsole, openListeners } from './doors.ts'
import { buildGateway } from './gateway.ts'
import { openRooms } from './rooms.ts'
import { createServer } from './server.ts'
import { takeDown } from './take-down.ts'

export interface RunningServer {
  /** Where each listener stands, by name. */
  readonly listeners: ReadonlyMap<string, { host: string; port: number }>
  readonly log: Log
  /** Reads configuration and policies again (SIGHUP). */
  reload(): Promise<void>
  /** Ends every session, writes the last entries, and closes all. */
  stop(): Promise<void>
}

export interface ServerOptions {
  readonly protocols?: readonly Protocol[]
  /** Sets a log aside that cannot be continued, and begins a new one that says so. */
  readonly fork?: boolean
}

/** Starts a gateway. Throws ConfigurationError with every problem, or what could not be opened. */
export async function startServer(
  file: string,
  { protocols = registry, fork = false }: ServerOptions = {},
): Promise<RunningServer> {
  const server = createServer(file, protocols)
  const { listeners, log, undo } = server
  try {
    const disk = await openDisk(server, fork)
    const rooms = await openRooms(server, disk)
    const gateway = await buildGateway(server, rooms)
    const channels = await openChannels(server, rooms)
    expireRequests(server, rooms)

    /** Ends together: clients hear why while their connections are still there. */
    const doors: Doors = [() => gateway.stop()]
    undo.push(() => Promise.all(doors.map(close => close())))
    followPolicies(server, rooms, gateway)
    await openListeners(server, gateway, doors)
    await openConsole(server, rooms, gateway, channels, doors)

    const reloadCertificate = followCertificates(server, rooms)
    const watch = followConfiguration(server, rooms, gateway, channels)
    server.ready = true
    log.info({ listeners: Object.fromEntries(listeners) }, 'server.ready')
    return {
      listeners,
      log,
      reload: async () => {
        watch.reload()
        await rooms.policies
          .reload()
          .catch(error => log.error({ err: error }, 'policies.reload_failed'))
        await reloadCertificate()
      },
      stop: async () => {
        server.ready = false
        await takeDown(undo, log)
        log.info({}, 'server.stopped')
        log.flush()
      },
    }
  } catch (error) {
    // Not passed over: what was opened is closed, and the start fails with the reason.
    await takeDown(undo, log)
    throw error
  }
}
