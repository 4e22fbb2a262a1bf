// Both ends of an SSH connection in bad hands: the library's own client and server, with messages sent past them.
import { connect, type Socket } from 'node:net'
import ssh2, { type AuthHandlerMiddleware, type Client } from 'ssh2'

interface Insides {
  readonly _protocol: {
    readonly _packetRW: {
      readonly write: {
        readonly allocStart: number
        alloc(length: number): Buffer
        finalize(packet: Buffer): Buffer
      }
    }
    readonly _cipher: { encrypt(packet: Buffer): void }
    readonly _handlers: Record<string, (...all: unknown[]) => void>
    rekey(): void
  }
}

const insides = (of: object) => of as unknown as Insides

/** One message, sealed as any other. */
export function send(from: object, payload: Uint8Array): void {
  const { _packetRW, _cipher } = insides(from)._protocol
  const at = _packetRW.write.allocStart
  const packet = _packetRW.write.alloc(payload.length)
  packet.set(payload, at)
  _cipher.encrypt(_packetRW.write.finalize(packet))
}

/** A message of a number, then 32-bit numbers, texts, booleans. */
export function message(type: number, ...parts: readonly (number | string | boolean)[]): Buffer {
  return Buffer.concat([
    Buffer.from([type]),
    ...parts.map(part => {
      if (typeof part === 'boolean') return Buffer.from([Number(part)])
      if (typeof part === 'number') {
        const bytes = Buffer.alloc(4)
        bytes.writeUInt32BE(part)
        return bytes
      }
      const bytes = Buffer.from(part)
      return Buffer.concat([message(0, bytes.length).subarray(1), bytes])
    }),
  ])
}

/** Called with what the other end sends of this kind, before the library sees it. */
export function hear(on: object, name: string, listener: (...all: never[]) => void): void {
  const handlers = insides(on)._protocol._handlers
  const before = handlers[name]
  handlers[name] = (of, ...all) => {
    listener(...(all as never[]))
    before?.(of, ...all)
  }
}

/** Starts another key exchange, which the other end can never finish when nothing more is read. */
export const rekey = (from: object): void => insides(from)._protocol.rekey()

export interface RawClient {
  readonly client: Client
  readonly socket: Socket
  /** Resolves when the gateway has closed the connection. */
  readonly closed: Promise<void>
}

/** `password` undefined: stops where proofs of identity begin. */
export async function rawClient(
  port: number,
  username: string,
  password?: string,
): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  const client = new ssh2.Client()
  client.on('error', () => {})
  client.setMaxListeners(0)
  const closed = new Promise<void>(resolve => void socket.once('close', () => resolve()))
  const here = Promise.withResolvers<void>()
  const stop: AuthHandlerMiddleware = () => here.resolve()
  client.once('ready', () => here.resolve())
  void closed.then(() => here.reject(new Error('the gateway hung up')))
  here.promise.catch(() => {})
  client.connect({
    sock: socket,
    username,
    readyTimeout: 20_000,
    ...(password === undefined ? { authHandler: stop } : { password }),
  })
  await here.promise
  return { client, socket, closed }
}

/** True when the connection is closed within the time. */
export async function closes({ closed }: RawClient, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<false>()
  const timer = setTimeout(() => late.resolve(false), ms)
  const won = await Promise.race([closed.then(() => true), late.promise])
  clearTimeout(timer)
  return won
}

/** Opens a session channel by hand, and says its number at the gateway. */
export async function openChannel(
  { client, socket }: RawClient,
  { mine = 77, window = 2_097_152, packet = 32_768 } = {},
): Promise<number> {
  const opened = new Promise<number>((resolve, reject) => {
    hear(client, 'CHANNEL_OPEN_CONFIRMATION', (info: { recipient: number; sender: number }) => {
      if (info.recipient === mine) resolve(info.sender)
    })
    hear(client, 'CHANNEL_OPEN_FAILURE', () => reject(new Error('not opened')))
    socket.once('close', () => reject(new Error('the gateway hung up')))
  })
  send(client, message(90, 'session', mine, window, packet))
  return opened
}
