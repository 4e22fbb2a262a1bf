import { Duplex, PassThrough } from 'node:stream'
import type { ClientChannel, ServerChannel } from 'ssh2'
import { describe, expect, it } from 'vitest'
import type { Permit, Session } from '#gateway'
import { isGatewayError, type Statement } from '#model'
import { FileChannel } from './file-channel.ts'
import { readsTargetFirst } from './link-order.ts'
import { ANSWER, Fields, packet, REQUEST, setId, status, string, uint32 } from './wire.ts'

/** One end of a channel: what is sent to it is kept, `say` is what comes from the other side. */
class End extends Duplex {
  readonly heard: Buffer[] = []
  readonly stderr = new PassThrough()
  /** Whoever listens is slow: nothing is taken. */
  stuck = false

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.heard.push(bytes)
    if (!this.stuck) done()
  }

  say(...packets: Buffer[]): void {
    this.push(Buffer.concat(packets))
  }
}

/** All is permitted; `answer`: what the host says to each request of these types, else "no such file". */
function channel(
  answer: (request: Buffer) => Buffer | undefined = () => undefined,
  targetFirst = true,
) {
  const [client, host] = [new End(), new End()]
  const said: unknown[] = []
  const statements: string[] = []
  const outcomes: string[] = []
  const session = {
    signal: new AbortController().signal,
    authorize: async (statement: Statement) => {
      statements.push(statement.text)
      return {
        statement,
        current: true,
        limit: {},
        scrub: (text: string) => text,
      } as unknown as Permit
    },
    complete: (permit: Permit, { status }: { status: string }) =>
      outcomes.push(`${permit.statement.text} ${status}`),
    refused: () => {},
    recordAnswer: () => {},
    catchUp: () => {},
  } as unknown as Session
  const write = host.write.bind(host)
  host.write = ((bytes: Buffer) => {
    const id = bytes.readUInt32BE(5)
    const home = packet(ANSWER.name, uint32(1), string('/home'), string(''), uint32(0))
    if (bytes[4] === REQUEST.init) host.say(setId(packet(ANSWER.version), 3))
    else if (bytes[4] === REQUEST.realpath) host.say(setId(home, id))
    else {
      const said = answer(bytes) ?? status(id, 2, 'No such file')
      host.say(said)
    }
    return write(bytes)
  }) as typeof host.write
  const files = new FileChannel({
    session,
    client: client as unknown as ServerChannel,
    upstream: host as unknown as ClientChannel,
    pressed: () => undefined,
    hostPressed: () => undefined,
    mostBytes: Number.POSITIVE_INFINITY,
    login: 'deploy',
    targetFirst,
    waiting: { notify: () => {}, signal: session.signal },
    onBroken: error => said.push(error),
  })
  client.say(setId(packet(REQUEST.init), 3))
  return { client, host, files, said, statements, outcomes }
}

const settled = () => new Promise(resolve => setTimeout(resolve, 20))
const open = setId(packet(REQUEST.open, string('/a'), uint32(1), uint32(0)), 7)
const codeOf = (error: unknown) => (isGatewayError(error) ? error.code : String(error))

describe('a host that cannot be trusted', () => {
  const wrong: Record<string, (request: Buffer) => Buffer> = {
    'an answer to nothing': () => status(99, 0, ''),
    'an answer of another kind': request =>
      setId(packet(ANSWER.data, string('x')), request.readUInt32BE(5)),
    'a yes without a handle': request => status(request.readUInt32BE(5), 0, ''),
    'a handle that is endless': request =>
      setId(packet(ANSWER.handle, string('x'.repeat(300))), request.readUInt32BE(5)),
    'a packet of four gigabytes': () => Buffer.alloc(64, 0xff),
    'a packet that is cut': request => setId(packet(ANSWER.status), request.readUInt32BE(5)),
    'its version once more': () => setId(packet(ANSWER.version), 3),
  }
  for (const [name, answer] of Object.entries(wrong)) {
    it(`ends the channel by ${name}`, async () => {
      const { client, said, files, outcomes } = channel(request =>
        request[4] === REQUEST.open ? answer(request) : undefined,
      )
      client.say(open)
      await settled()
      expect(said.map(codeOf)).toEqual(['upstream_lost'])
      files.end()
      expect(outcomes).toHaveLength(1)
    })
  }

  const entry = (name: string | Buffer) => [string(name), string(`- ${name}`), uint32(0)]
  const listings: Record<string, Buffer> = {
    'a name above the folder': packet(ANSWER.name, uint32(1), ...entry('../../.ssh/rc')),
    'a path of its own': packet(ANSWER.name, uint32(2), ...entry('a'), ...entry('/etc/cron.d/x')),
    'no name at all': packet(ANSWER.name, uint32(1), ...entry('')),
    'a name with NUL': packet(ANSWER.name, uint32(1), ...entry('a\0b')),
    'a name that is endless': packet(ANSWER.name, uint32(1), ...entry('a'.repeat(5_000))),
    'fewer names than it says': packet(ANSWER.name, uint32(9), ...entry('a')),
    'something behind its names': packet(ANSWER.name, uint32(1), ...entry('a'), uint32(0)),
  }
  const listed = async (answer: Buffer) => {
    const served = channel(request => {
      const id = request.readUInt32BE(5)
      if (request[4] === REQUEST.opendir) return setId(packet(ANSWER.handle, string('h')), id)
      return request[4] === REQUEST.readdir ? setId(answer, id) : undefined
    })
    served.client.say(setId(packet(REQUEST.opendir, string('/a')), 7))
    await settled()
    const handle = new Fields(served.client.heard.at(-1) ?? Buffer.alloc(0)).string()
    const heard = served.client.heard.length
    served.client.say(setId(packet(REQUEST.readdir, string(handle)), 8))
    await settled()
    return { ...served, told: served.client.heard.slice(heard) }
  }
  for (const [name, answer] of Object.entries(listings)) {
    it(`ends the channel by listing ${name}, and the client hears nothing of it`, async () => {
      const { said, told } = await listed(answer)
      expect(said.map(codeOf)).toEqual(['upstream_lost'])
      expect(told).toEqual([])
    })
  }

  it('may list any name that a folder can hold', async () => {
    const names = [
      '-rf',
      '..',
      'a\nb',
      '\u001b]0;x\u0007',
      Buffer.from([0xff, 0xfe]),
      'n'.repeat(255),
    ]
    const { said, told } = await listed(packet(ANSWER.name, uint32(6), ...names.flatMap(entry)))
    expect(said).toEqual([])
    expect(told).toHaveLength(1)
  })

  it('ends the channel by two answers to where one path leads', async () => {
    const { client, said } = channel(request =>
      request[4] === REQUEST.readlink
        ? setId(
            packet(ANSWER.name, uint32(2), ...entry('/x'), ...entry('/y')),
            request.readUInt32BE(5),
          )
        : undefined,
    )
    client.say(setId(packet(REQUEST.readlink, string('/a')), 7))
    await settled()
    expect(said.map(codeOf)).toEqual(['upstream_lost'])
  })

  it('is asked nothing more when the channel is over, and what was under way is on record', async () => {
    const { client, host, files, outcomes } = channel(request =>
      request[4] === REQUEST.open
        ? setId(packet(ANSWER.handle, string('h')), request.readUInt32BE(5))
        : undefined,
    )
    client.say(open)
    await settled()
    files.end()
    const asked = host.heard.length
    client.say(open, open)
    await settled()
    expect(host.heard).toHaveLength(asked)
    expect(outcomes).toEqual(['<sftp> OPEN read /a cancelled'])
  })
})

describe('a client that breaks the protocol', () => {
  it('is not listened to any more, in whatever pieces it goes on', async () => {
    const { client, said, statements } = channel()
    await settled()
    client.say(Buffer.alloc(8, 0xff))
    client.say(open)
    await settled()
    expect(said.map(codeOf)).toEqual(['message_too_large'])
    expect(statements).toEqual([])
  })
})

describe('a client that does not read', () => {
  it('holds up the host and itself, not our memory', async () => {
    const large = packet(ANSWER.data, string(Buffer.alloc(30_000)))
    let answered = 0
    const { client, host } = channel(request => {
      const id = request.readUInt32BE(5)
      if (request[4] === REQUEST.open) return setId(packet(ANSWER.handle, string('h')), id)
      if (request[4] !== REQUEST.read) return undefined
      answered += 1
      return setId(Buffer.from(large), id)
    })
    client.say(open)
    await settled()
    const handle = new Fields(client.heard.at(-1) ?? Buffer.alloc(0)).string()
    client.stuck = true
    const read = () =>
      setId(packet(REQUEST.read, string(handle), uint32(0), uint32(0), uint32(9)), 8)
    for (let n = 0; n < 100; n += 1) {
      client.say(read())
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(answered).toBeLessThan(5)
    expect(host.isPaused()).toBe(true)
  })
})

describe('the order of packets', () => {
  it('is kept: nothing overtakes what is being judged', async () => {
    const { client, statements } = channel()
    const path = (type: number, name: string) => setId(packet(type, string(name)), 9)
    client.say(path(REQUEST.remove, '/a/b'), path(REQUEST.stat, '/c'), path(REQUEST.rmdir, '/a'))
    await settled()
    expect(statements).toEqual(['<sftp> REMOVE /a/b', '<sftp> STAT /c', '<sftp> RMDIR /a'])
  })
})

it('makes links to places beside them only on hosts that read their paths as OpenSSH does', async () => {
  const link = (target: string) =>
    setId(packet(REQUEST.symlink, string(target), string('/srv/app/link')), 7)
  const asked = async (target: string, targetFirst: boolean) => {
    const { client, statements } = channel(() => undefined, targetFirst)
    await settled()
    client.say(link(target))
    await settled()
    return statements
  }
  const beside = ['<sftp> SYMLINK /srv/app/link /srv/app/.ssh/authorized_keys']
  expect(await asked('.ssh/authorized_keys', true)).toEqual(beside)
  // There it would be made in the home, and lead to what was written beside.
  expect(await asked('.ssh/authorized_keys', false)).toEqual([])
  expect(await asked('/srv/app/.ssh/authorized_keys', false)).toEqual(beside)
})

it('knows such hosts by what they call themselves', () => {
  for (const name of ['OpenSSH_9.2p1', 'dropbear_2022.83', 'Go'])
    expect(readsTargetFirst({ _client: { _remoteVer: name } }), name).toBe(true)
  for (const name of ['AsyncSSH_2.14', 'mod_sftp', 'Golang-else', '', undefined])
    expect(readsTargetFirst({ _client: { _remoteVer: name } }), name).toBe(false)
  expect(readsTargetFirst({})).toBe(false)
})
