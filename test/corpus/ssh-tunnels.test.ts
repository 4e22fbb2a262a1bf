// Tunnels in bad hands: a client that writes one place in many ways, asks for what no policy permits, speaks before it
// may; a host that opens what nobody asked for. The host is ours, and tells what reached it.
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import ssh2, { type Connection } from 'ssh2'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { opensshPrivateKey, publicKeyLine } from '../../src/protocols/ssh/public-key.ts'
import { type ShellStage, startShellStage } from '../e2e/ssh-stage.ts'
import { freePort } from '../servers/ports.ts'
import { run, until } from '../servers/programs.ts'
import { message, openChannel, type RawClient, rawClient, send } from './ssh-raw.ts'

type Handlers = Record<string, (protocol: unknown, ...all: never[]) => void>

let stage: ShellStage
let password: string
/** What reached the host, in order: kinds with what they ask. */
const reached: string[] = []
let host: Connection | undefined
/** What it does with what the client says; by itself it says it back. */
let hears: ((of: Connection, channel: number) => void) | undefined
/** Where a test sets it, the host does not say that a command has started until this is called. */
let startsLate: (() => void) | undefined
const open: RawClient[] = []
const key = generateKeyPairSync('ed25519').privateKey
const sockets = new Set<Socket>()
const server = createServer(socket => {
  sockets.add(socket)
  socket.on('error', () => {})
  socket.once('close', () => sockets.delete(socket))
  const one = new ssh2.Server({ hostKeys: [opensshPrivateKey(key)] }, connection => {
    connection.on('error', () => {})
    connection.on('authentication', context => context.accept())
    connection.on('ready', () => {
      host = connection
      obey(connection)
    })
  })
  one.injectSocket(socket)
})

const handlersOf = (of: object) =>
  (of as unknown as { _protocol: { _handlers: Handlers } })._protocol._handlers

/** Takes everything, does nothing, and tells of all of it. */
function obey(connection: Connection): void {
  const handlers = handlersOf(connection)
  let next = 0
  const peers = new Map<number, number>()
  handlers['CHANNEL_OPEN'] = (_, info: { type: string; sender: number; data: object }) => {
    reached.push(`${info.type} ${JSON.stringify(info.data)}`)
    peers.set(next, info.sender)
    send(connection, message(91, info.sender, next, 2_097_152, 32_768))
    next += 1
  }
  handlers['GLOBAL_REQUEST'] = (_, name: string, reply: boolean, data: unknown) => {
    if (name.startsWith('keepalive')) return
    reached.push(`${name} ${JSON.stringify(data)}`)
    if (reply) send(connection, message(81))
  }
  handlers['CHANNEL_REQUEST'] = (_, id: number, type: string, reply: boolean, data: unknown) => {
    reached.push(`${type} ${JSON.stringify(data)}`)
    const peer = peers.get(id) ?? 0
    const start = () => send(connection, message(99, peer))
    if (type === 'exec' && startsLate !== undefined) startsLate = start
    else if (reply) start()
  }
  // What was asked for by a program has nothing more to say once it has nothing more to read.
  handlers['CHANNEL_EOF'] = (_, id: number) => {
    if (hears !== undefined) send(connection, message(97, peers.get(id) ?? 0))
  }
  handlers['CHANNEL_CLOSE'] = (_, id: number) => {
    send(connection, message(97, peers.get(id) ?? 0))
  }
  handlers['CHANNEL_DATA'] = (_, id: number, data: Buffer) => {
    reached.push(`data ${data.length}`)
    const peer = peers.get(id) ?? 0
    if (hears !== undefined) return hears(connection, peer)
    send(connection, message(94, peer, data.toString('latin1')))
  }
}

const POLICIES = `
@id("there") permit (principal, action == Action::"tunnel", resource == Object::"web-1/localhost:5432");
@id("named") permit (principal, action == Action::"tunnel", resource == Object::"web-1/db.internal:5432");
@id("socket") permit (principal, action == Action::"tunnel", resource == Object::"web-1/run/ok.sock");
@id("listen") permit (principal, action == Action::"tunnel", resource == Object::"web-1/<listen>/localhost:8080");
@id("display") permit (principal, action == Action::"tunnel", resource == Object::"web-1/<display>");
@id("little") @limit_bytes("1000")
permit (principal, action == Action::"tunnel", resource == Object::"web-1/localhost:7777");
@id("held") permit (principal, action == Action::"tunnel", resource == Object::"web-1/localhost:6666");
@id("asks") @approvers("dba") @reason("a person first")
forbid (principal, action == Action::"tunnel", resource == Object::"web-1/localhost:6666") unless { context.approved };
`

beforeAll(async () => {
  const port = await freePort()
  await new Promise<void>(resolve => void server.listen(port, '127.0.0.1', resolve))
  const upstream = { host: '127.0.0.1', port, hostKeys: [publicKeyLine(key)] }
  // Any proof will do: the host lets everybody in.
  const credential = { user: 'someone', password: 'env:PATH' }
  stage = await startShellStage(
    {
      limits: { upstreamLoginMs: 2_000 },
      resources: [{ name: 'web-1', protocol: 'ssh', upstream, credential }],
    },
    POLICIES,
  )
  password = await stage.credential()
})
afterEach(() => {
  for (const { socket } of open.splice(0)) socket.destroy()
  reached.length = 0
  hears = undefined
  startsLate = undefined
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  server.close()
  await stage?.stop()
})

async function enter(): Promise<RawClient> {
  const client = await rawClient(stage.gateway.port, 'web-1', password)
  open.push(client)
  return client
}

type Answer = { readonly opened: number } | { readonly refused: string }
let nextMine = 100

/** What comes of a channel that is asked for. */
function ask({ client }: RawClient, type: string, ...rest: (string | number)[]): Promise<Answer> {
  const mine = nextMine++
  const handlers = handlersOf(client)
  return new Promise(resolve => {
    handlers['CHANNEL_OPEN_CONFIRMATION'] = (_, info: { recipient: number; sender: number }) => {
      if (info.recipient === mine) resolve({ opened: info.sender })
    }
    handlers['CHANNEL_OPEN_FAILURE'] = (_, to: number, __: number, words: string) => {
      if (to === mine) resolve({ refused: words })
    }
    send(client, message(90, type, mine, 2_097_152, 32_768, ...rest))
  })
}
const direct = (client: RawClient, to: string, port: number) =>
  ask(client, 'direct-tcpip', to, port, '10.9.8.7', 1)

/** The gateway's answer to a global request: true is yes. */
function request({ client }: RawClient, name: string, ...rest: (string | number)[]) {
  const handlers = handlersOf(client)
  return new Promise<boolean>(resolve => {
    handlers['REQUEST_SUCCESS'] = () => resolve(true)
    handlers['REQUEST_FAILURE'] = () => resolve(false)
    send(client, message(80, name, true, ...rest))
  })
}
const outside = () => reached.filter(each => !each.startsWith('session'))

describe('one place in many ways', () => {
  test.each([
    ['LOCALHOST', 'localhost'],
    ['localhost.', 'localhost'],
    ['127.0.0.1', 'localhost'],
    ['::1', 'localhost'],
    ['::ffff:127.0.0.1', 'localhost'],
    ['DB.Internal.', 'db.internal'],
  ])('%s is judged and sent as %s', async (written, form) => {
    const client = await enter()
    expect(await direct(client, written, 5432)).toHaveProperty('opened')
    expect(outside()).toEqual([expect.stringContaining(`"destIP":"${form}","destPort":5432`)])
    // Who asks is told by us: not by the client, whose word a host might believe.
    expect(outside()[0]).not.toContain('10.9.8.7')
  })

  test('what could be read in two ways is refused, and nothing of it reaches the host', async () => {
    const client = await enter()
    for (const written of [
      ...['0x7f.1', '0x7f000001', '2130706433', '127.1', '0177.0.0.1', '0.0.0.0', '::', '0', ''],
      ...['localhost\u0000.db.internal', 'fe80::1%lo', '[::1]', 'localhost/..', 'db internal', '*'],
      ...['ｌocalhost', 'x'.repeat(5_000), '-oProxyCommand=id'],
      ...['evil.localhost', 'localhost.localdomain.', 'IP6-localhost', 'localhost4'],
    ]) {
      const answer = await direct(client, written, 5432)
      expect(answer, written).toEqual({ refused: expect.stringContaining('statement_unreadable') })
    }
    for (const port of [0, 65_536 + 5432, 2 ** 32 - 1])
      expect(await direct(client, 'localhost', port)).toHaveProperty('refused')
    expect(outside()).toEqual([])
  })
})

describe('what no policy permits', () => {
  test('-L and -D to elsewhere: refused in words, each by itself, after one that was permitted too', async () => {
    const client = await enter()
    expect(await direct(client, 'localhost', 5432)).toHaveProperty('opened')
    for (const [to, port] of [
      ['localhost', 5433],
      ['db.internal', 22],
      ['169.254.169.254', 80],
      ['127.0.0.2', 5432],
    ] as const)
      expect(await direct(client, to, port)).toEqual({
        refused: expect.stringContaining('reason: no_permit'),
      })
    expect(outside()).toHaveLength(1)
  })

  test('-R on any other address or port, 0.0.0.0 among them', async () => {
    const client = await enter()
    for (const bind of ['', '*', '0.0.0.0', '::', '10.0.0.1', '0x0', 'localhost\u0000'])
      expect(await request(client, 'tcpip-forward', bind, 8080), bind).toBe(false)
    expect(await request(client, 'tcpip-forward', 'localhost', 0)).toBe(false)
    expect(await request(client, 'cancel-tcpip-forward', 'localhost', 8080)).toBe(false)
    expect(outside()).toEqual([])
    expect(await request(client, 'tcpip-forward', '127.0.0.1', 8080)).toBe(true)
    expect(outside()).toEqual([expect.stringContaining('"bindAddr":"localhost"')])
  })

  test('sockets by paths that lead elsewhere', async () => {
    const client = await enter()
    const socket = (path: string) => ask(client, 'direct-streamlocal@openssh.com', path, '', 0)
    for (const path of [
      ...['/run/../run/ok.sock', '/run//ok.sock', '/run/./ok.sock', 'run/ok.sock', '/run/ok.sock/'],
      ...['/run/ok.sock\u0000x', '/run/docker.sock', '@abstract', `/run/${'x'.repeat(200)}`, ''],
    ])
      expect(await socket(path), path).toHaveProperty('refused')
    expect(outside()).toEqual([])
  })

  test('kinds of channel that nobody serves, or only a host opens', async () => {
    const client = await enter()
    for (const type of ['tun@openssh.com', 'x11', 'forwarded-tcpip', 'auth-agent@openssh.com', ''])
      expect(await ask(client, type, 'localhost', 5432, 'x', 1), type).toHaveProperty('refused')
    expect(outside()).toEqual([])
  })

  test('variables that decide what runs, and names of subsystems that look like one that is served', async () => {
    const client = await enter()
    const id = await openChannel(client)
    for (const name of [
      'LD_PRELOAD',
      'LD_LIBRARY_PATH',
      'DYLD_INSERT_LIBRARIES',
      'BASH_ENV',
      'LC_ALL\u0000LD_PRELOAD',
      'lc_all',
      'PATH',
    ])
      send(client.client, message(98, id, 'env', false, name, '/tmp/x.so'))
    send(client.client, message(98, id, 'env', false, 'LC_ALL', 'C'))
    send(client.client, message(98, id, 'exec', true, 'true'))
    await until('the command', () => reached.some(each => each.startsWith('exec')))
    expect(reached.filter(each => each.startsWith('env'))).toEqual([
      'env {"name":"LC_ALL","value":"C"}',
    ])
    for (const name of ['SFTP', 'sftp ', 'sftp\u0000', 'sftp;id', '/usr/lib/sftp-server', '']) {
      const other = await openChannel(client, { mine: nextMine++ })
      send(client.client, message(98, other, 'subsystem', true, name))
    }
    await stage.ssh(['web-1@127.0.0.1', '-s', 'SFTP'])
    expect(reached.filter(each => each.startsWith('subsystem'))).toEqual([])
  })
})

describe('a display', () => {
  test('whose cookie is more than a cookie is not asked for; one that is plain is, and the command runs either way', async () => {
    for (const [protocol, cookie, asked] of [
      ['MIT-MAGIC-COOKIE-1', '00112233445566778899aabbccddeeff', true],
      ['MIT-MAGIC-COOKIE-1', 'aa\nsource /etc/shadow', false],
      ['MIT-MAGIC-COOKIE-1\n', 'aabb', false],
      ['MIT-MAGIC-COOKIE-1', 'ab'.repeat(4_000), false],
      ['x y', '', false],
    ] as const) {
      reached.length = 0
      const client = await enter()
      const id = await openChannel(client)
      send(client.client, message(98, id, 'x11-req', true, false, protocol, cookie, 0))
      send(client.client, message(98, id, 'exec', true, 'xeyes'))
      await until('the command', () => reached.some(each => each.startsWith('exec')))
      expect(
        reached.some(each => each.startsWith('x11-req')),
        JSON.stringify(cookie),
      ).toBe(asked)
      client.socket.destroy()
    }
  })
})

describe('a client that does not wait', () => {
  test('until a person has said yes: nothing of what it says early reaches the host, or is kept', async () => {
    const client = await enter()
    await direct(client, 'localhost', 5432)
    const asked = direct(client, 'localhost', 6666)
    for (let id = 0; id < 4; id += 1)
      for (let n = 0; n < 100; n += 1)
        if (id > 0) send(client.client, message(94, id, 'x'.repeat(20_000)))
    const requests = async () => {
      const listed = await stage.gateway.cli(['requests', '--json'], await stage.token('dora'))
      return JSON.parse(listed.stdout) as { id: string; statement: string; state: string }[]
    }
    await until('the request', async () =>
      (await requests()).some(each => each.state === 'pending'),
    )
    const [held] = (await requests()).filter(each => each.state === 'pending')
    expect(held?.statement).toBe('<tunnel> direct-tcpip localhost:6666')
    expect(outside()).toHaveLength(1)
    await stage.gateway.cli(['approve', held?.id ?? ''], await stage.token('dora'))
    expect(await asked).toHaveProperty('opened')
    expect(outside()).toHaveLength(2)
  })

  test('for more than a policy lets through: cut at the limit, with both ways counted', async () => {
    const client = await enter()
    const answer = await direct(client, 'localhost', 7777)
    const id = 'opened' in answer ? answer.opened : -1
    let heard = 0
    let closed = false
    handlersOf(client.client)['CHANNEL_DATA'] = (_, __: number, data: Buffer) => {
      heard += data.length
    }
    handlersOf(client.client)['CHANNEL_CLOSE'] = () => {
      closed = true
    }
    for (let n = 0; n < 10; n += 1) send(client.client, message(94, id, 'x'.repeat(300)))
    await until('the end', () => closed)
    expect(heard).toBeLessThanOrEqual(1_000)
  })

  test('for more channels than a connection may have: the rest are refused, and those that close make room', async () => {
    const client = await enter()
    const answers: Answer[] = []
    for (let n = 0; n < 66; n += 1) answers.push(await direct(client, 'localhost', 5432))
    expect(answers.filter(each => 'opened' in each)).toHaveLength(64)
    expect(answers.at(-1)).toEqual({ refused: 'too many channels' })
    const [first] = answers
    send(client.client, message(97, first !== undefined && 'opened' in first ? first.opened : 0))
    await until('room', async () => 'opened' in (await direct(client, 'localhost', 5432)))
  })

  test('for its own end: a tunnel that is closed twice, by either end or both, is over once on record', async () => {
    const client = await enter()
    const idOf = (answer: Answer) => ('opened' in answer ? answer.opened : -1)
    const closing = async (byClient: readonly Buffer[], byHost: boolean): Promise<void> => {
      const id = idOf(await direct(client, 'localhost', 5432))
      const over = new Promise<void>(resolve => {
        handlersOf(client.client)['CHANNEL_CLOSE'] = () => resolve()
      })
      hears = (of, channel) => {
        if (byHost) for (const type of [96, 97, 97, 96]) send(of, message(type, channel))
      }
      send(client.client, message(94, id, 'one'))
      if (byHost) await until('it to be heard', () => reached.includes('data 3'))
      for (const each of byClient) {
        each.writeUInt32BE(id, 1)
        send(client.client, each)
      }
      await over
      reached.length = 0
    }
    const [eof, close, more] = [message(96, 0), message(97, 0), message(94, 0, 'late')]
    await closing([close, close], false)
    await closing([eof, close, close, eof], false)
    await closing([close, more, close], false)
    await closing([], true)
    await closing([close, close, eof], true)
    hears = undefined
    // The connection has lost nothing by it.
    const last = idOf(await direct(client, 'localhost', 5432))
    send(client.client, message(97, last))
    client.socket.end()
    const auditor = await stage.token('dora')
    await until('six outcomes', async () => {
      const listed = await stage.gateway.cli(['sessions', '--limit', '1', '--json'], auditor)
      const [newest]: { id: string }[] = JSON.parse(listed.stdout)
      const replay = ['session', 'replay', newest?.id ?? '', '--json']
      const events: { kind: string; entry?: number; status?: string }[] = JSON.parse(
        (await stage.gateway.cli(replay, auditor)).stdout,
      )
      const outcomes = events.filter(({ kind }) => kind === 'outcome')
      expect(new Set(outcomes.map(({ entry }) => entry)).size).toBe(outcomes.length)
      expect(outcomes.length).toBeLessThanOrEqual(6)
      return outcomes.length === 6
    })
  })

  test('with signals after its last word', async () => {
    const client = await enter()
    const id = await openChannel(client)
    send(client.client, message(98, id, 'exec', true, 'sleep'))
    await until('the command', () => reached.some(each => each.startsWith('exec')))
    send(client.client, message(96, id))
    send(client.client, message(98, id, 'signal', false, 'TERM'))
    send(client.client, message(98, id, 'signal', false, 'TERM; id'))
    await until('the signal', () => reached.includes('signal "TERM"'))
    expect(reached.filter(each => each.startsWith('signal'))).toHaveLength(1)
  })
})

test('a signal that comes before the host has started the command reaches it then, and no more than a few do', async () => {
  const client = await enter()
  const id = await openChannel(client)
  startsLate = () => {}
  send(client.client, message(98, id, 'exec', true, 'sleep'))
  for (let at = 0; at < 100; at += 1) send(client.client, message(98, id, 'signal', false, 'INT'))
  const notYet = startsLate
  await until('the command', () => startsLate !== notYet)
  // What is behind the signals has been read: so have they.
  await direct(client, 'localhost', 5432)
  expect(reached).not.toContain('signal "INT"')
  startsLate?.()
  await until('the signal', () => reached.includes('signal "INT"'))
  await direct(client, 'localhost', 5432)
  expect(reached.filter(each => each.startsWith('signal'))).toHaveLength(8)
})

describe('a host', () => {
  /** What the gateway answers to a channel of the host's, and what the client is asked for. */
  async function hostOpens(client: RawClient, type: string, ...rest: (string | number)[]) {
    const asked: string[] = []
    handlersOf(client.client)['CHANNEL_OPEN'] = (
      _,
      info: { type: string; sender: number; data: object },
    ) => {
      asked.push(`${info.type} ${JSON.stringify(info.data)}`)
      send(client.client, message(91, info.sender, nextMine++, 2_097_152, 32_768))
    }
    const connection = host
    if (connection === undefined) throw new Error('no host')
    const answer = await new Promise<'opened' | 'refused'>(resolve => {
      const handlers = handlersOf(connection)
      handlers['CHANNEL_OPEN_CONFIRMATION'] = () => resolve('opened')
      handlers['CHANNEL_OPEN_FAILURE'] = () => resolve('refused')
      send(connection, message(90, type, 900, 2_097_152, 32_768, ...rest))
    })
    return { answer, asked }
  }

  test('that opens what nobody asked for is refused, on record, and the client hears nothing', async () => {
    const client = await enter()
    await direct(client, 'localhost', 5432)
    for (const [type, ...rest] of [
      ['forwarded-tcpip', 'localhost', 8080, '10.0.0.1', 5],
      ['forwarded-tcpip', '', 0, '10.0.0.1', 5],
      ['forwarded-streamlocal@openssh.com', '/run/ok.sock', ''],
      ['forwarded-streamlocal@openssh.com', '__proto__', ''],
      ['forwarded-streamlocal@openssh.com', 'constructor', ''],
      ['auth-agent@openssh.com'],
      ['x11', '10.0.0.1', 5],
      ['direct-tcpip', 'localhost', 5432, 'x', 1],
      ['session'],
      ['tun@openssh.com', 1, 2],
    ] as [string, ...(string | number)[]][]) {
      const { answer, asked } = await hostOpens(client, type, ...rest)
      expect([answer, asked], type).toEqual(['refused', []])
    }
    client.socket.destroy()
    await client.closed
    const auditor = await stage.token('dora')
    let replayed = ''
    await until('the record', async () => {
      const listed = await stage.gateway.cli(['sessions', '--json'], auditor)
      const [newest]: { id: string }[] = JSON.parse(listed.stdout)
      replayed = (await stage.gateway.cli(['session', 'replay', newest?.id ?? ''], auditor)).stdout
      return replayed.includes('channel x11')
    })
    expect(replayed).toContain('channel auth-agent@openssh.com')
  })

  test('where it was asked to listen: the client is told in its own words, and who comes by ours', async () => {
    const client = await enter()
    expect(await request(client, 'tcpip-forward', '127.0.0.1', 8080)).toBe(true)
    const { answer, asked } = await hostOpens(
      client,
      'forwarded-tcpip',
      'localhost',
      8080,
      'x\u001b]0;y\u0007',
      70_000,
    )
    expect(answer).toBe('opened')
    expect(asked).toEqual([
      'forwarded-tcpip {"destIP":"127.0.0.1","destPort":8080,"srcIP":"0.0.0.0","srcPort":65535}',
    ])
    // No longer, once the client asks it to stop.
    expect(await request(client, 'cancel-tcpip-forward', '::1', 8080)).toBe(true)
    expect(
      (await hostOpens(client, 'forwarded-tcpip', 'localhost', 8080, '10.0.0.1', 5)).answer,
    ).toBe('refused')
  })

  test.each([
    ['a path above', 'C0644 5 ../evil\nhello\u0000', false],
    ['a new line', 'C0644 5 a\nb\nhello\u0000', false],
    ['a folder that was not asked for', 'D0755 0 ..\nC0644 5 evil\nhello\u0000E\n', false],
    ['control characters', 'C0644 5 \u001b]0;evil\u0007\nhello\u0000', false],
    ['the name that was asked for', 'C0644 5 wanted\nhello\u0000', true],
  ])(
    'that names files for scp with %s: nothing is written but what was asked for',
    async (_, says, copies) => {
      // A line of the protocol, then the file, each when the client has said that it may come; then the end.
      const turns = [/^[^\n]*\n/.exec(says)?.[0] ?? '', says.replace(/^[^\n]*\n/, '')]
      hears = (connection, channel) => {
        const turn = turns.shift()
        if (turn !== undefined) return send(connection, message(94, channel, turn))
        hears = () => {}
        send(connection, message(98, channel, 'exit-status', false, 0))
        send(connection, message(97, channel))
      }
      const into = join(stage.folder, 'into')
      const env = stage.environment(password)
      await run('mkdir', ['-p', into])
      const copied = await run(
        'scp',
        [
          '-O',
          ...stage.options(),
          '-P',
          String(stage.gateway.port),
          'web-1@127.0.0.1:wanted',
          into,
        ],
        { env },
      )
      expect(copied.code === 0, copied.stderr).toBe(copies)
      expect(copied.stderr).not.toMatch(/\p{Cc}(?<![\r\n])/u)
      expect(readdirSync(into)).toEqual(copies ? ['wanted'] : [])
      expect(existsSync(join(stage.folder, 'evil'))).toBe(false)
    },
  )
})
