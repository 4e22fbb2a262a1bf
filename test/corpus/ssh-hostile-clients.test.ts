// Clients that keep to no rule of RFC 4251 to 4254. The process lives, holds no more than its bounds, and serves others.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ShellStage, startShellStage } from '../e2e/ssh-stage.ts'
import { until } from '../servers/programs.ts'
import { closes, message, openChannel, type RawClient, rawClient, rekey, send } from './ssh-raw.ts'

let stage: ShellStage
let password: string
const open: RawClient[] = []

beforeAll(async () => {
  stage = await startShellStage({ limits: { loginMs: 8_000 } })
  password = await stage.credential()
})
afterEach(() => {
  for (const { socket } of open.splice(0)) socket.destroy()
})
afterAll(() => stage?.stop())

async function enter(): Promise<RawClient> {
  const client = await rawClient(stage.gateway.port, 'web-1', password)
  open.push(client)
  return client
}

/** Whoever comes next is served, and nothing escaped a session's own `catch`. */
async function servesOthers(): Promise<void> {
  const { client, socket } = await enter()
  const said = await new Promise<string>((resolve, reject) => {
    socket.once('close', () => reject(new Error('the gateway hung up')))
    client.exec('echo served', (error, channel) => {
      if (error) return reject(error)
      channel.on('data', (chunk: Buffer) => resolve(String(chunk)))
    })
  })
  expect(said).toBe('served\n')
  expect(stage.gateway.log()).not.toContain('process.un')
}

/** Of the gateway's process, in MiB. */
function memory(): number {
  const status = readFileSync(`/proc/${stage.gateway.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

const EXEC = (channel: number, command: string) => message(98, channel, 'exec', true, command)

describe('before anybody is known', () => {
  async function knock(): Promise<RawClient> {
    const client = await rawClient(stage.gateway.port, 'web-1')
    open.push(client)
    return client
  }
  const asks = (method: string, ...rest: (string | boolean)[]) =>
    message(50, 'web-1', 'ssh-connection', method, ...rest)

  test('an answer that only a server sends ends it, while a password is judged', async () => {
    // Each would take away the request that is being judged: what answers it then threw past every `catch`.
    for (const type of [51, 52, 53]) {
      const raw = await knock()
      send(raw.client, asks('password', false, 'sp-aaaaaaaaaa:bbbb'))
      send(raw.client, message(type, 'password', false))
      expect(await closes(raw, 6_000), String(type)).toBe(true)
    }
    await servesOthers()
  })

  test('a client that leaves while its password is judged takes nobody with it', async () => {
    for (let n = 0; n < 10; n += 1) {
      const raw = await knock()
      send(raw.client, asks('password', false, `${password}x`))
      raw.socket.end()
    }
    await servesOthers()
  })

  test('no proof, a key that is only asked about, a key that is signed with, a host: none of them enters', async () => {
    const { client, closed, socket } = await knock()
    const blob = 'ssh-ed25519 without a key'
    let refused = 0
    client.on('ready', () => expect.unreachable('it was let in'))
    const failures = new Promise<void>(resolve => {
      const handlers = (
        client as unknown as { _protocol: { _handlers: Record<string, () => void> } }
      )._protocol._handlers
      handlers.USERAUTH_FAILURE = () => {
        refused += 1
        if (refused === 4) resolve()
      }
      handlers.USERAUTH_PK_OK = () => expect.unreachable('a key was called good')
    })
    send(client, asks('none'))
    send(client, asks('publickey', false, 'ssh-ed25519', blob))
    send(client, asks('publickey', true, 'ssh-ed25519', blob, 'x'.repeat(83)))
    send(client, asks('hostbased', 'ssh-ed25519', blob, 'host.example.com', 'root', 'x'.repeat(83)))
    await failures
    // What was never let in has no channels.
    send(client, message(90, 'session', 1, 2_097_152, 32_768))
    send(client, message(80, 'tcpip-forward', true, '', 0))
    send(client, EXEC(0, 'id'))
    socket.destroy()
    await closed
    await servesOthers()
  })

  test('another name, another service, a service twice: each ends it', async () => {
    const other = await knock()
    send(other.client, asks('none'))
    send(other.client, message(50, 'impostor', 'ssh-connection', 'none'))
    expect(await closes(other, 4_000)).toBe(true)
    const service = await knock()
    send(service.client, message(50, 'web-1', 'ssh-userauth', 'none'))
    expect(await closes(service, 4_000)).toBe(true)
    const twice = await knock()
    send(twice.client, message(5, 'ssh-connection'))
    expect(await closes(twice, 4_000)).toBe(true)
  })

  test('tries that come while others are judged count', async () => {
    const raw = await knock()
    for (let n = 0; n < 200 && !raw.socket.destroyed; n += 1) {
      send(raw.client, message(50, 'web-1', 'ssh-connection', 'keyboard-interactive', '', ''))
      send(raw.client, message(61, 1, 'sp-aaaaaaaaaa:bbbb'))
    }
    expect(await closes(raw, 6_000)).toBe(true)
    await servesOthers()
  })

  test('a thousand that shake half a hand: each is let go, and takes little', async () => {
    const before = memory()
    const closed = Array.from(
      { length: 1_000 },
      (_, n) =>
        new Promise<void>(resolve => {
          const socket = connect(stage.gateway.port, '127.0.0.1')
          socket.on('error', () => {})
          socket.once('close', () => resolve())
          socket.once('data', () => void (n % 2 === 0 && socket.write('SSH-2.0-half\r\n')))
          socket.resume()
        }),
    )
    await servesOthers()
    expect(memory() - before).toBeLessThan(150)
    await Promise.all(closed)
  })
})

describe('after login', () => {
  test('a channel whose packets may hold nothing is not served: it would be answered for ever', async () => {
    for (const packet of [0, 1, 255]) {
      const raw = await enter()
      await expect(openChannel(raw, { packet })).rejects.toThrow('hung up')
    }
    const cut = await enter()
    send(cut.client, message(90, 'session', 1))
    expect(await closes(cut, 3_000)).toBe(true)
    await servesOthers()
  })

  test('packets of any size, a window of any size: the answer comes, in packets of ours', async () => {
    const raw = await enter()
    const id = await openChannel(raw, { packet: 2 ** 32 - 1, window: 2 ** 32 - 1 })
    expect(id).toBe(0)
    send(raw.client, EXEC(id, 'true'))
    await servesOthers()
  })

  test('more than the window holds ends it, with nothing of it kept', async () => {
    const raw = await enter()
    const id = await openChannel(raw)
    send(raw.client, EXEC(id, 'sleep 30'))
    const before = memory()
    for (let n = 0; n < 400 && !raw.socket.destroyed; n += 1)
      send(raw.client, message(94, id, 'x'.repeat(32_000)))
    expect(await closes(raw, 5_000)).toBe(true)
    expect(memory() - before).toBeLessThan(60)
    await servesOthers()
  })

  test('data behind the end, a window past 32 bits: each ends it', async () => {
    const late = await enter()
    const first = await openChannel(late)
    send(late.client, EXEC(first, 'sleep 30'))
    send(late.client, message(96, first))
    send(late.client, message(94, first, 'late'))
    expect(await closes(late, 3_000)).toBe(true)
    const wide = await enter()
    const second = await openChannel(wide, { window: 2 ** 32 - 1 })
    send(wide.client, EXEC(second, 'sleep 30'))
    send(wide.client, message(93, second, 2 ** 32 - 1))
    expect(await closes(wide, 3_000)).toBe(true)
    await servesOthers()
  })

  test('data before a request, on channels that are none, a second request: nothing of it is run', async () => {
    const raw = await enter()
    const id = await openChannel(raw)
    send(raw.client, message(94, id, 'echo early\n'))
    send(raw.client, message(94, 4_000, 'echo elsewhere\n'))
    for (const type of [93, 96, 97, 99, 100]) send(raw.client, message(type, 4_000, 1))
    const before = Date.now()
    send(raw.client, EXEC(id, `touch ${stage.folder}/first; sleep 1`))
    send(raw.client, EXEC(id, `touch ${stage.folder}/second`))
    send(raw.client, message(98, id, 'shell', true))
    await until('the first', () => Date.now() - before > 1_500)
    const listed = await stage.ssh(['web-1@127.0.0.1', `ls ${stage.folder}`])
    expect(listed.stdout).toContain('first')
    expect(listed.stdout).not.toContain('second')
    await servesOthers()
  })

  test.each([
    ['grants any window', false],
    ['starts a key exchange that it never ends', true],
  ])('a client that %s and never reads costs little memory', async (_, exchange) => {
    const before = memory()
    const raw = await enter()
    const id = await openChannel(raw, { window: 2 ** 32 - 1 })
    if (exchange) {
      send(raw.client, EXEC(id, 'sleep 0.3; cat /dev/zero'))
      rekey(raw.client)
    } else {
      send(raw.client, EXEC(id, 'cat /dev/zero'))
    }
    raw.socket.pause()
    const started = Date.now()
    let most = 0
    await until('some time', () => {
      most = Math.max(most, memory() - before)
      return Date.now() - started > 4_000
    })
    expect(most).toBeLessThan(120)
    await servesOthers()
  })

  test('a client that asks and never reads the answers is not asked for more', async () => {
    const before = memory()
    const raw = await enter()
    raw.socket.pause()
    const flood = message(80, 'keepalive@openssh.com', true)
    for (let n = 0; n < 300_000 && raw.socket.writableLength < 12_000_000; n += 1)
      send(raw.client, flood)
    const started = Date.now()
    await until('some time', () => Date.now() - started > 4_000)
    // Read no further, held by the kernel, or let go: which depends on the machine. Memory does not grow with the flood:
    // 12 MB of questions and 40 MB take the same 170 MB of it, garbage included.
    expect(memory() - before).toBeLessThan(250)
    await servesOthers()
  })

  test('half a goodbye, and never a read: the connection ends', async () => {
    const raw = await enter()
    const id = await openChannel(raw, { window: 2 ** 32 - 1 })
    send(raw.client, EXEC(id, 'cat /dev/zero'))
    raw.socket.pause()
    raw.socket.end()
    await until('its command to end', async () => {
      const live = await stage.gateway.cli(
        ['sessions', '--live', '--json'],
        await stage.token('dora'),
      )
      return JSON.parse(live.stdout).length === 0
    })
    await servesOthers()
  })

  test('floods of variables, sizes, signals and terminals of any size', async () => {
    const raw = await enter()
    const id = await openChannel(raw)
    const huge = 2 ** 32 - 1
    send(
      raw.client,
      message(98, id, 'pty-req', true, 'x'.repeat(9_000), huge, huge, huge, huge, ''),
    )
    for (let n = 0; n < 2_000; n += 1)
      send(raw.client, message(98, id, 'env', false, `LC_${'A'.repeat(n % 50)}`, 'v'.repeat(n)))
    send(raw.client, message(98, id, 'shell', true))
    for (let n = 0; n < 20_000; n += 1)
      send(raw.client, message(98, id, 'window-change', false, n, huge, 0, huge))
    for (const name of ['', 'KILL', '../..', 'x'.repeat(10_000), '\u0000\u001b'])
      send(raw.client, message(98, id, 'signal', true, name))
    await servesOthers()
  })

  test('tunnels asked for without end: some are on record as refused, then it is let go', async () => {
    const raw = await enter()
    for (let n = 0; n < 1_100; n += 1)
      send(raw.client, message(80, 'tcpip-forward', true, '127.0.0.1', n))
    expect(await closes(raw, 5_000)).toBe(true)
    await servesOthers()
  })

  test('keys exchanged again and again', async () => {
    const raw = await enter()
    for (let n = 0; n < 20; n += 1) {
      const done = new Promise<void>(resolve => raw.client.once('handshake', () => resolve()))
      rekey(raw.client)
      await done
    }
    await servesOthers()
  })
})
