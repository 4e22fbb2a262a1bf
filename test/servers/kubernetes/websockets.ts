// The streams of a pod over WebSocket: a channel's number before each piece (v4.channel.k8s.io; v5 can close one channel).
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Channels } from './commands.ts'
import { forwarding } from './spdy.ts'
import { StatusError } from './status.ts'
import type { Wanted } from './streams.ts'

/** Frames of SPDY in messages. */
const TUNNEL = 'SPDY/3.1+portforward.k8s.io'

const server = new WebSocketServer({
  noServer: true,
  handleProtocols: offered =>
    [TUNNEL, 'v5.channel.k8s.io', 'v4.channel.k8s.io'].find(one => offered.has(one)) ?? false,
})

const CLOSE = 255

export function serveWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: Wanted,
): void {
  server.handleUpgrade(request, socket, head, client => wanted.run(channelsOf(client, wanted)))
}

function channelsOf(client: WebSocket, wanted: Wanted): Channels {
  const stdin = new PassThrough()
  let resized: (columns: number, rows: number) => void = () => {}
  const send = (channel: number, piece: Uint8Array) =>
    client.send(Buffer.concat([Buffer.of(channel), piece]))
  client.on('message', (data: Buffer) => {
    const channel = data[0]
    const piece = data.subarray(1)
    if (channel === 0 && wanted.stdin) stdin.write(piece)
    else if (channel === 4 && wanted.tty) {
      const size = JSON.parse(piece.toString('utf8'))
      resized(Number(size.Width), Number(size.Height))
    } else if (channel === CLOSE && piece[0] === 0) stdin.end()
  })
  client.on('error', () => {})
  return {
    stdin: wanted.stdin ? stdin : undefined,
    stdout: piece => {
      if (wanted.stdout) send(1, piece)
    },
    stderr: piece => {
      if (wanted.stderr) send(2, piece)
    },
    resized: hear => {
      resized = hear
    },
    end: status => {
      send(3, Buffer.from(JSON.stringify(status)))
      client.close(1000)
    },
    left: hear => client.on('close', hear),
  }
}

/** Each port has two channels, data and error; both begin with the port's number. */
export function forwardPorts(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  query: URLSearchParams,
): void {
  if (String(request.headers['sec-websocket-protocol']).includes(TUNNEL)) {
    server.handleUpgrade(request, socket, head, tunnel)
    return
  }
  const ports = query.getAll('ports').flatMap(one => one.split(',').map(Number))
  if (ports.length === 0) throw new StatusError(400, 'query parameter "ports" is required')
  server.handleUpgrade(request, socket, head, client => {
    const sockets = ports.map((port, at): Socket => {
      const number = Buffer.alloc(2)
      number.writeUInt16LE(port)
      for (const channel of [at * 2, at * 2 + 1])
        client.send(Buffer.concat([Buffer.of(channel), number]))
      const target = connect({ host: '127.0.0.1', port })
      target.on('data', (piece: Buffer) => client.send(Buffer.concat([Buffer.of(at * 2), piece])))
      target.on('error', error =>
        client.send(Buffer.concat([Buffer.of(at * 2 + 1), Buffer.from(error.message)])),
      )
      target.on('close', () => client.close(1000))
      return target
    })
    client.on('message', (data: Buffer) => {
      sockets[(data[0] ?? 0) / 2]?.write(data.subarray(1))
    })
    client.on('close', () => {
      for (const one of sockets) one.destroy()
    })
    client.on('error', () => {})
  })
}

function tunnel(client: WebSocket): void {
  const forward = forwarding({ write: bytes => client.send(bytes) })
  client.on('message', (data: Buffer) => {
    try {
      forward.push(data)
    } catch {
      // The client broke the framing: as with the real one, the connection ends.
      client.terminate()
    }
  })
  client.on('close', () => forward.left())
  client.on('error', () => {})
}
