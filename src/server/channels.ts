// Who is told of requests that wait, and that they no longer do.
import { Channels, type ChannelTables, toldEntry } from '#services/channels'
import { onRecord } from './disk.ts'
import type { Rooms } from './rooms.ts'
import type { Server } from './server.ts'

const EXPIRE_MS = 5_000

export async function openChannels(server: Server, rooms: Rooms): Promise<Channels> {
  const { log, now, undo } = server
  const { audit, requests, store, vault } = rooms
  const channels = new Channels({
    kysely: store.tables<ChannelTables>(),
    now,
    secret: reference => vault.resolve(reference),
    url: () => server.config.url,
    find: id => requests.find(id),
    pending: () => requests.list({ states: ['pending'], limit: 1_000 }),
    onOutcome: delivery => onRecord(log, () => audit.append(toldEntry(delivery))),
    log,
  })
  undo.push(() => channels.stop())
  undo.push(requests.onChange(request => channels.heard(request)))
  await channels.start(server.config.channels)
  return channels
}

/** Nobody's act and no list's: whoever was told that something waits is told that it no longer does. */
export function expireRequests({ log, undo }: Server, { requests }: Rooms): void {
  const expiring = setInterval(
    () => requests.expireDue().catch(error => log.error({ err: error }, 'requests.expire_failed')),
    EXPIRE_MS,
  )
  expiring.unref()
  undo.push(() => clearInterval(expiring))
}
