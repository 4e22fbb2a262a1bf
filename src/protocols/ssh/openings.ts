// Channels of any kind, asked for by either end, and asked of it: the library passes on few kinds, refuses without a
// word, and takes half a close for a whole one. Beside `guard` the one place that knows the library's insides.
import { createRequire } from 'node:module'
import type { ClientChannel } from 'ssh2'

const require = createRequire(import.meta.url)
const library: {
  readonly Channel: new (connection: object, info: object) => ClientChannel
  readonly MAX_WINDOW: number
  readonly PACKET_SIZE: number
} = require('ssh2/lib/Channel.js')
const { Channel, MAX_WINDOW, PACKET_SIZE } = library

/** RFC 4254 section 5.1. */
export const OPEN_FAILURE = { prohibited: 1, connect: 2, unknown: 3, shortage: 4 } as const

/** A channel that the other end asks for. Nothing comes on it before it is accepted. */
export interface Opening {
  readonly type: string
  /** As the library read it: where to, and who asks. Nothing of it is checked. */
  readonly data: OpeningData
  accept(): ClientChannel
  refuse(reason: number, words: string): void
}

export interface OpeningData {
  readonly destIP?: string
  readonly destPort?: number
  readonly srcIP?: string
  readonly srcPort?: number
  readonly socketPath?: string
}

interface Info {
  readonly type: string
  readonly sender: number
  readonly window: number
  readonly packetSize: number
  readonly data: OpeningData
}

type OnOpened = (error: Error | undefined, channel?: ClientChannel) => void

interface Insides {
  readonly _protocol: Protocol
  readonly _chanMgr: {
    add(value?: OnOpened): number
    update(id: number, value: unknown): void
    remove(id: number): void
  }
}

interface Protocol {
  readonly _handlers: Record<string, (protocol: Protocol, info: Info) => void>
  channelOpenConfirm(peer: number, id: number, window: number, packet: number): void
  channelOpenFail(peer: number, reason: number, words: string): void
}

type Listener = (opening: Opening) => void

const listeners = new WeakMap<object, Listener>()

/** Call before `guard`: every kind but sessions comes to `onOpening`, and is refused as long as nobody listens. */
export function takeOpenings(connection: object): void {
  const { _protocol: protocol, _chanMgr: channels } = connection as Insides
  const handlers = protocol._handlers
  const sessions = handlers['CHANNEL_OPEN']
  if (sessions === undefined) throw new Error('the library has no handler of CHANNEL_OPEN')
  handlers['CHANNEL_OPEN'] = (of, info) => {
    if (info.type === 'session') return sessions(of, info)
    const { type, data, sender, window, packetSize } = info
    const refuse = (reason: number, words: string) =>
      protocol.channelOpenFail(sender, reason, words)
    const listener = listeners.get(connection)
    if (listener === undefined) return refuse(OPEN_FAILURE.prohibited, '')
    listener({
      type,
      data,
      refuse,
      accept: () => {
        const id = channels.add()
        const incoming = { id, window: MAX_WINDOW, packetSize: PACKET_SIZE, state: 'open' }
        const outgoing = { id: sender, window, packetSize, state: 'open' }
        const channel = new Channel(connection, { type, incoming, outgoing })
        channels.update(id, channel)
        protocol.channelOpenConfirm(sender, id, MAX_WINDOW, PACKET_SIZE)
        return channel
      },
    })
  }
}

export function onOpening(connection: object, listener: Listener): void {
  listeners.set(connection, listener)
}

/** Asks the other end for a channel. `send`: sends the request under the number and sizes given. */
export function openChannel(
  connection: object,
  type: string,
  send: (id: number, window: number, packet: number) => void,
  opened: OnOpened,
): void {
  const answered: OnOpened & { type?: string } = (error, channel) => {
    // On a server's side the library would close the whole channel at the end of one half.
    if (channel !== undefined) Object.assign(channel, { server: false })
    opened(error, channel)
  }
  answered.type = type
  const id = (connection as Insides)._chanMgr.add(answered)
  send(id, MAX_WINDOW, PACKET_SIZE)
}
