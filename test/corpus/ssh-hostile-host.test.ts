// A host, or whoever holds its key, that answers as no host may. The client hears of it as an error, the record is
// complete, and nobody else notices.
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import ssh2, { type Connection } from 'ssh2'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { opensshPrivateKey, publicKeyLine } from '../../src/protocols/ssh/public-key.ts'
import { type ShellStage, startShellStage } from '../e2e/ssh-stage.ts'
import { freePort } from '../servers/ports.ts'
import { until, within } from '../servers/programs.ts'
import { message, send } from './ssh-raw.ts'

type Conduct = (host: Connection, socket: Socket) => void
type Handlers = Record<string, (protocol: unknown, ...all: never[]) => void>

let stage: ShellStage
let conduct: Conduct = () => {}
const [key, otherKey] = [0, 1].map(() => generateKeyPairSync('ed25519').privateKey)
let shown = key!
const sockets = new Set<Socket>()
const server = createServer(socket => {
  sockets.add(socket)
  socket.on('error', () => {})
  socket.once('close', () => sockets.delete(socket))
  const host = new ssh2.Server({ hostKeys: [opensshPrivateKey(shown)] }, connection => {
    connection.on('error', () => {})
    connection.on('authentication', context => context.accept())
    connection.on('ready', () => conduct(connection, socket))
  })
  if (greets(socket)) host.injectSocket(socket)
  else socket.resume()
})
let greets: (socket: Socket) => boolean = () => true

beforeAll(async () => {
  const port = await freePort()
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const upstream = { host: '127.0.0.1', port, hostKeys: [publicKeyLine(key!)] }
  stage = await startShellStage({
    limits: { upstreamLoginMs: 2_000 },
    resources: [
      {
        name: 'web-1',
        protocol: 'ssh',
        upstream,
        // Any will do: the host lets everybody in.
        credential: { user: 'someone', password: 'env:PATH' },
      },
    ],
  })
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  server.close()
  await stage?.stop()
})

const handlersOf = (host: Connection) =>
  (host as unknown as { _protocol: { _handlers: Handlers } })._protocol._handlers

/** Opens as any host does, then does this in place of running what it is asked for. */
function onCommand(then: (host: Connection, channel: number, socket: Socket) => void): Conduct {
  return (host, socket) => {
    const handlers = handlersOf(host)
    let theirs = 0
    handlers.CHANNEL_OPEN = (_, info: { sender: number }) => {
      theirs = info.sender
      send(host, message(91, theirs, 7, 2_097_152, 32_768))
    }
    handlers.CHANNEL_REQUEST = (_, __, type: string) => {
      if (type === 'exec') then(host, theirs, socket)
    }
  }
}

const onOpen =
  (...more: number[]): Conduct =>
  host => {
    handlersOf(host).CHANNEL_OPEN = (_, info: { sender: number }) =>
      send(host, message(91, info.sender, 7, ...more))
  }

const out = (channel: number, text: string) => message(94, channel, text)
const err = (channel: number, text: string) => message(95, channel, 1, text)
const ok = (channel: number) => message(99, channel)

test.each<[string, number, Conduct]>([
  ['packets that may hold nothing', 77, onOpen(2_097_152, 0)],
  ['a confirmation that is cut', 77, onOpen(2_097_152)],
  [
    'no answer to a channel',
    77,
    host => {
      handlersOf(host).CHANNEL_OPEN = () => {}
    },
  ],
  ['no answer to a command', 77, onCommand(() => {})],
  [
    'more than the window',
    77,
    // Before the command is said to run nobody takes it, and no more is asked for.
    onCommand((host, channel) => {
      for (let n = 0; n < 400; n += 1) send(host, out(channel, 'x'.repeat(32_000)))
      send(host, ok(channel))
    }),
  ],
  [
    'words behind the end',
    77,
    onCommand((host, channel) => {
      send(host, ok(channel))
      send(host, message(96, channel))
      send(host, err(channel, 'late'))
      send(host, out(channel, 'late'))
    }),
  ],
  [
    'a window past 32 bits',
    77,
    onCommand((host, channel) => {
      send(host, ok(channel))
      for (let n = 0; n < 3; n += 1) send(host, message(93, channel, 2 ** 32 - 1))
    }),
  ],
  [
    'a signal with control characters',
    255,
    onCommand((host, channel) => {
      send(host, ok(channel))
      send(host, message(98, channel, 'exit-signal', false, '\u001b]0;x\u0007', false, 'y\r\n', ''))
      send(host, message(97, channel))
    }),
  ],
  [
    'a flood of keys, of questions, of channels of its own',
    0,
    onCommand((host, channel) => {
      send(host, ok(channel))
      for (let n = 0; n < 5_000; n += 1) {
        send(host, message(80, 'hostkeys-00@openssh.com', true, 'x'.repeat(50)))
        send(host, message(90, 'auth-agent@openssh.com', n, 2_097_152, 32_768))
        send(host, message(98, channel, 'keepalive@openssh.com', true))
      }
      send(host, message(98, channel, 'exit-status', false, 0))
      send(host, message(97, channel))
    }),
  ],
  [
    'a channel that it closes with half a line said',
    255,
    onCommand((host, channel) => {
      send(host, ok(channel))
      send(host, out(channel, 'half a li'))
      send(host, message(97, channel))
    }),
  ],
  [
    'a connection that it drops with half a line said',
    77,
    onCommand((host, channel, socket) => {
      send(host, ok(channel))
      send(host, out(channel, 'half a li'))
      setTimeout(() => socket.destroy(), 100)
    }),
  ],
  [
    'bytes that no key has sealed, and a half that stays open',
    77,
    onCommand((host, channel, socket) => {
      send(host, ok(channel))
      socket.write(Buffer.alloc(64, 0x7e))
    }),
  ],
])('%s', async (name, code, hosts) => {
  conduct = hosts
  const asked = Date.now()
  const ran = await stage.ssh(['web-1@127.0.0.1', 'do it'])
  expect(ran.code, ran.stderr).toBe(code)
  within(9_000, Date.now() - asked)
  if (code === 77) expect(ran.stderr).toMatch(/^sallyport: reason: upstream_/m)
  if (name.includes('half a line')) expect(ran.stdout).toBe('half a li')
  expect(ran.stderr).not.toMatch(/\p{Cc}(?<!\n)/u)
  const auditor = await stage.token('dora')
  await until('its session to end', async () => {
    const live = await stage.gateway.cli(['sessions', '--live', '--json'], auditor)
    return JSON.parse(live.stdout).length === 0
  })
  await until('its connection to the host to end', () => sockets.size === 0)
  expect(stage.gateway.log()).not.toContain('process.un')
})

test.each<[string, (socket: Socket) => boolean]>([
  ['says nothing', () => false],
  [
    'greets with lines and no end',
    socket => {
      for (let n = 0; n < 2_000; n += 1) socket.write(`line ${n} ${'x'.repeat(3_000)}\r\n`)
      return false
    },
  ],
  [
    'greets a byte at a time',
    socket => {
      const timer = setInterval(() => void socket.write('x'), 5)
      socket.once('close', () => clearInterval(timer))
      return false
    },
  ],
])('a host that %s is waited for as long as the configuration says', async (_, greeting) => {
  greets = greeting
  const asked = Date.now()
  const ran = await stage.ssh(['web-1@127.0.0.1', 'do it'])
  greets = () => true
  expect(ran.code).toBe(77)
  within(9_000, Date.now() - asked)
  await until('its connection to the host to end', () => sockets.size === 0)
})

test('another key than in the session before: nothing is sent to it', async () => {
  conduct = onCommand((host, channel) => {
    send(host, ok(channel))
    send(host, message(98, channel, 'exit-status', false, 0))
    send(host, message(97, channel))
  })
  expect((await stage.ssh(['web-1@127.0.0.1', 'do it'])).code).toBe(0)
  shown = otherKey!
  const ran = await stage.ssh(['web-1@127.0.0.1', 'do it'])
  shown = key!
  expect(ran.code).toBe(77)
  expect(ran.stderr).toContain('not one of those pinned')
})
