// The streams of a pod over SPDY/3.1, the server's side: exec and attach with a stream for each channel, port-forward with
// two for each connection. The frames are those of the gateway's own codec.
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import {
  SpdyReader,
  type SpdyReceiver,
} from '../../../src/protocols/kubernetes/spdy/frame-reader.ts'
import { SpdyWriter } from '../../../src/protocols/kubernetes/spdy/frame-writer.ts'
import { NO_HEADERS } from '../../../src/protocols/kubernetes/spdy/header-block.ts'
import type { Channels } from './commands.ts'
import { StatusError } from './status.ts'
import type { Wanted } from './streams.ts'

/** Where the bytes of frames go. */
export interface Carrier {
  write(bytes: Uint8Array): void
}

interface SpdyStream {
  readonly id: number
  readonly headers: ReadonlyMap<string, string>
  /** What the client sends on it. */
  readonly input: PassThrough
}

/** A client's connection: tells of each stream that it opens. */
class Connection {
  readonly #carrier: Carrier
  readonly #writer = new SpdyWriter()
  readonly #streams = new Map<number, SpdyStream>()
  readonly #reader: SpdyReader

  constructor(carrier: Carrier, opened: (stream: SpdyStream) => void) {
    this.#carrier = carrier
    const receiver: SpdyReceiver = {
      synStream: ({ id, headers, fin }) => {
        const stream = { id, headers, input: new PassThrough() }
        this.#streams.set(id, stream)
        carrier.write(this.#writer.synReply(id, NO_HEADERS))
        if (fin) stream.input.end()
        opened(stream)
      },
      data: (id, bytes, fin) => {
        const stream = this.#streams.get(id)
        if (bytes.length > 0) stream?.input.write(bytes)
        if (fin) stream?.input.end()
      },
      reset: id => this.#streams.get(id)?.input.end(),
      ping: id => carrier.write(this.#writer.ping(id)),
      goAway: () => {},
      synReply: () => {},
      headers: () => {},
      windowUpdate: () => {},
    }
    this.#reader = new SpdyReader(receiver)
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes)
  }

  send(stream: SpdyStream, bytes: Uint8Array, fin = false): void {
    this.#carrier.write(this.#writer.data(stream.id, bytes, fin))
  }

  left(): void {
    for (const { input } of this.#streams.values()) input.end()
  }
}

const NONE = Buffer.alloc(0)

export function serveSpdy(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: Wanted,
): void {
  accept(request, socket, 'v4.channel.k8s.io')
  const names = ['error']
  for (const name of ['stdin', 'stdout', 'stderr'] as const) if (wanted[name]) names.push(name)
  if (wanted.tty) names.push('resize')
  const streams = new Map<string, SpdyStream>()
  let leave: () => void = () => {}
  const connection = new Connection(socketCarrier(socket), stream => {
    streams.set(stream.headers.get('streamtype') ?? '', stream)
    if (names.every(name => streams.has(name)))
      wanted.run(
        channelsOf(connection, streams, socket, hear => {
          leave = hear
        }),
      )
  })
  join(socket, head, connection, () => leave())
}

function channelsOf(
  connection: Connection,
  streams: ReadonlyMap<string, SpdyStream>,
  socket: Duplex,
  left: Channels['left'],
): Channels {
  const send = (name: string, bytes: Uint8Array, fin = false) => {
    const stream = streams.get(name)
    if (stream !== undefined) connection.send(stream, bytes, fin)
  }
  return {
    stdin: streams.get('stdin')?.input,
    stdout: piece => send('stdout', piece),
    stderr: piece => send('stderr', piece),
    resized: hear => {
      streams.get('resize')?.input.on('data', (piece: Buffer) => {
        for (const line of piece.toString('utf8').split(/(?<=\})\s*/)) {
          if (line === '') continue
          const { Width, Height } = JSON.parse(line)
          hear(Number(Width), Number(Height))
        }
      })
    },
    end: status => {
      for (const name of ['stdout', 'stderr']) send(name, NONE, true)
      send('error', Buffer.from(JSON.stringify(status)), true)
      socket.end()
    },
    left,
  }
}

export function forwardOverSpdy(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  accept(request, socket, 'portforward.k8s.io')
  const forward = forwarding(socketCarrier(socket))
  join(socket, head, forward, () => {})
}

/** What a client sends of SPDY, to the ports of this machine. */
export function forwarding(carrier: Carrier): { push(bytes: Uint8Array): void; left(): void } {
  const errors = new Map<string, SpdyStream>()
  const sockets = new Set<Socket>()
  const connection = new Connection(carrier, stream => {
    const { headers, input } = stream
    const id = headers.get('requestid') ?? ''
    if (headers.get('streamtype') === 'error') {
      errors.set(id, stream)
      return
    }
    const port = Number(headers.get('port'))
    const target = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    sockets.add(target)
    input.pipe(target)
    let failed = false
    target.on('data', (piece: Buffer) => connection.send(stream, piece))
    target.on('end', () => connection.send(stream, NONE, true))
    target.on('error', error => {
      failed = true
      const told = errors.get(id)
      const words = `error forwarding port ${port} to pod: ${error.message}`
      if (told) connection.send(told, Buffer.from(words), true)
    })
    target.on('close', () => {
      sockets.delete(target)
      const told = errors.get(id)
      if (told && !failed) connection.send(told, NONE, true)
      if (failed) connection.send(stream, NONE, true)
    })
  })
  return {
    push: bytes => connection.push(bytes),
    left: () => {
      connection.left()
      for (const one of sockets) one.destroy()
    },
  }
}

function accept(request: IncomingMessage, socket: Duplex, protocol: string): void {
  const offered = String(request.headers['x-stream-protocol-version'] ?? '')
  if (!offered.split(/,\s*/).includes(protocol))
    throw new StatusError(403, `unable to negotiate protocol: client supports ${offered}`)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  )
}

const socketCarrier = (socket: Duplex): Carrier => ({
  write: bytes => {
    if (socket.writable) socket.write(bytes)
  },
})

function join(
  socket: Duplex,
  head: Buffer,
  reader: { push(bytes: Uint8Array): void; left(): void },
  left: () => void,
): void {
  const push = (piece: Buffer) => {
    try {
      reader.push(piece)
    } catch {
      // The client broke the framing: as with the real one, the connection ends.
      socket.destroy()
    }
  }
  if (head.length > 0) push(head)
  socket.on('data', push)
  socket.on('close', () => {
    reader.left()
    left()
  })
}
