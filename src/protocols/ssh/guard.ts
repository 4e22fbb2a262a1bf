// What the library takes from whoever sits at the other end of a connection without asking whether it may be: sizes,
// windows, messages of the wrong side, answers that nobody reads. With `certificates/host-proof`, `openings`, `session-start`,
// `terminal-modes`, `extension-info` and `sftp/link-order` all that knows the library's insides; it refuses to work where they look different.
import type { Duplex } from 'node:stream'
import { tellExtensions } from './extension-info.ts'
import { takeOpenings } from './openings.ts'
import './terminal-modes.ts'
import { writeTogether } from './together.ts'

/** RFC 4253 section 6.1 has every implementation take 32,768. Below this, each byte of an answer costs a packet. */
const SMALLEST_PACKET = 256
const LARGEST_PACKET = 32_768
/** RFC 4254 section 5.2: a window never grows past this. */
const LARGEST_WINDOW = 2 ** 32 - 1
/** Sent, and not taken by the other end's machine: streams wait from here on, and from here on nothing more is read. */
const MOST_WAITING = 1_048_576
const MOST_UNREAD = 4 * MOST_WAITING

/** Messages that the other side alone may send (RFC 4252, RFC 4256): the library counts them as answers of its own. */
const OF_SERVERS = [
  'SERVICE_ACCEPT',
  'USERAUTH_FAILURE',
  'USERAUTH_SUCCESS',
  'USERAUTH_BANNER',
  'USERAUTH_PASSWD_CHANGEREQ',
  'USERAUTH_PK_OK',
  'USERAUTH_INFO_REQUEST',
]

/** Undefined while the other end takes what it is sent; else, resolves when it has. */
export type Pressed = () => Promise<void> | undefined

interface Way {
  window: number | undefined
  packetSize: number | undefined
  state: string
}

interface Stream {
  readonly incoming: Way
  readonly outgoing: Way
  readonly stderr: { _write?(chunk: Buffer, encoding: null, done: () => void): void }
  _write(chunk: Buffer, encoding: null, done: () => void): void
  _waitWindow: boolean
  _chunk: Buffer | undefined
  _chunkcb: (() => void) | undefined
  _chunkErr: Buffer | undefined
  _chunkcbErr: (() => void) | undefined
}

/** A session channel of a client's. */
interface Ended {
  readonly _ending?: boolean
  emit(...all: unknown[]): unknown
}

// biome-ignore lint/suspicious/noExplicitAny: the library's own handlers, each with arguments of its own
type Handler = (protocol: { requestFailure(): void }, ...rest: any[]) => void

interface Insides {
  readonly _protocol: {
    readonly _handlers: Record<string, Handler | undefined>
    readonly _queue: readonly Buffer[] | undefined
  }
  readonly _chanMgr: { get(id: number): unknown }
  once(event: 'handshake', listener: () => void): unknown
  off(event: 'handshake', listener: () => void): unknown
}

/** Call before anything is read from the other end. `peer`: which side it is. */
export function guard(connection: object, socket: Duplex, peer: 'client' | 'host'): Pressed {
  const inside = connection as Insides
  const { _protocol: protocol, _chanMgr: channels } = inside
  const handlers = protocol._handlers
  writeTogether(socket)

  /** Within the library's own `try`: what it emits is an `error` of the connection. */
  function violated(what: string): never {
    socket.destroy()
    throw Object.assign(new Error(what), { level: 'protocol' })
  }

  function streamOf(id: number): Stream | undefined {
    const found = channels.get(id)
    if (typeof found !== 'object' || found === null) return undefined
    const stream: unknown = '_channel' in found ? found._channel : found
    return typeof stream === 'object' && stream !== null && 'outgoing' in stream
      ? (stream as Stream)
      : undefined
  }

  function before(name: string, check: (...rest: never[]) => void): void {
    const handler = handlers[name]
    if (handler === undefined) throw new Error(`the library has no handler of ${name}`)
    handlers[name] = (of, ...rest) => {
      check(...(rest as never[]))
      handler(of, ...rest)
    }
  }

  function opening(way: Way): void {
    const { window, packetSize } = way
    if (window === undefined || packetSize === undefined || packetSize < SMALLEST_PACKET)
      violated('a channel without room for a packet')
    way.packetSize = Math.min(packetSize, LARGEST_PACKET)
  }

  function data(id: number, bytes: Buffer): void {
    const stream = streamOf(id)
    if (stream === undefined) return
    if (stream.incoming.state !== 'open') violated('data after the end')
    if (bytes.length > (stream.incoming.window ?? 0)) violated('data beyond the window')
  }

  takeOpenings(connection)
  if (peer === 'client') tellExtensions(connection)
  before('CHANNEL_OPEN', (info: Way) => opening(info))
  before('CHANNEL_OPEN_CONFIRMATION', (info: Way) => opening(info))
  before('CHANNEL_DATA', data)
  if (peer === 'host') {
    before('CHANNEL_EXTENDED_DATA', data)
    // Key rotation is not ours to follow, pins are; the library would remember each question that it sends for it.
    handlers.GLOBAL_REQUEST = (of, _name: string, wantReply: boolean) => {
      if (wantReply) of.requestFailure()
    }
  } else {
    for (const name of OF_SERVERS) handlers[name] = () => violated(`${name} from a client`)
  }
  // Whoever has no more to type may still send signals and sizes: the library drops both.
  if (peer === 'client')
    before('CHANNEL_REQUEST', (id: number, type: string, _reply: boolean, asked: unknown) => {
      const session = channels.get(id) as Ended | undefined
      if (session?._ending !== true || streamOf(id)?.outgoing.state !== 'open') return
      if (type === 'signal') session.emit(type, undefined, undefined, { name: asked })
      if (type === 'window-change') session.emit(type, undefined, undefined, asked)
    })
  // The library's own forgets one of two streams that wait, and sends what waited before once more.
  handlers.CHANNEL_WINDOW_ADJUST = (_of, id: number, amount: number) => {
    const stream = streamOf(id)
    if (stream === undefined) return
    const window = (stream.outgoing.window ?? 0) + amount
    if (window > LARGEST_WINDOW) violated('a window of more than 32 bits')
    stream.outgoing.window = window
    const { _chunk: out, _chunkcb: outDone, _chunkErr: err, _chunkcbErr: errDone } = stream
    stream._waitWindow = false
    stream._chunk = stream._chunkcb = stream._chunkErr = stream._chunkcbErr = undefined
    if (out !== undefined && outDone !== undefined) stream._write(out, null, outDone)
    else outDone?.call(stream)
    if (err !== undefined && errDone !== undefined) stream.stderr._write?.(err, null, errDone)
  }

  // Every request may have an answer: who asks and does not read is not asked for more.
  socket.on('data', () => {
    if (socket.writableLength <= MOST_UNREAD || socket.isPaused()) return
    socket.pause()
    socket.once('drain', () => socket.resume())
  })

  let waiting: Promise<void> | undefined
  return () => {
    if (waiting !== undefined || socket.destroyed) return waiting
    // While keys are exchanged, what is sent waits in the library.
    const exchange = (protocol._queue?.length ?? 0) > 0
    if (!exchange && socket.writableLength < MOST_WAITING) return undefined
    waiting = new Promise(resolve => {
      const over = () => {
        waiting = undefined
        inside.off('handshake', over)
        socket.off('drain', over)
        socket.off('close', over)
        resolve()
      }
      if (exchange) inside.once('handshake', over)
      else socket.once('drain', over)
      socket.once('close', over)
    })
    return waiting
  }
}
