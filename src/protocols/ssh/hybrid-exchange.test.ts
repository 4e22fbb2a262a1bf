import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'
import { Client, Server } from 'ssh2'
import { afterEach, describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { clientAlgorithms, upstreamAlgorithms } from './algorithms.ts'
import { HYBRID, offerHybrid } from './hybrid-exchange.ts'
import { type Offering, offerInstead } from './offer.ts'
import { opensshPrivateKey } from './public-key.ts'

const key = opensshPrivateKey(generateKeyPairSync('ed25519').privateKey)
const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

interface Insides {
  readonly _protocol: {
    readonly _kex: { readonly negotiated: { readonly kex: string } }
    rekey(): void
  }
}
const agreed = (connection: object): string => (connection as Insides)._protocol._kex.negotiated.kex

type Knows = 'new' | 'old' | 'alone'

/** What it says that it knows; what the library agrees on stays as it was. */
function offerAlone(connection: object): void {
  const protocol = (connection as unknown as { readonly _protocol: Offering })._protocol
  offerInstead(protocol, { kex: [HYBRID] })
}

/** Both ends by the library; each with what it lacks, or without. */
async function meet(server: Knows, client: Knows, rekeys = 0) {
  const serving: object[] = []
  const ssh = new Server({ hostKeys: [key], algorithms: clientAlgorithms }, connection => {
    if (server !== 'old') offerHybrid(connection, 'client')
    if (server === 'alone') offerAlone(connection)
    serving.push(connection)
    connection.on('authentication', context => context.accept())
    connection.on('session', accept => {
      accept().on('exec', take => {
        const stream = take()
        stream.write('said\n')
        stream.exit(0)
        stream.end()
      })
    })
    connection.on('error', () => {})
  })
  const tcp = createServer(socket => void ssh.injectSocket(socket))
  await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve))
  const { port } = tcp.address() as { port: number }
  const sock: Socket = dial(port, '127.0.0.1')
  const connection = new Client()
  ends.push(() => {
    connection.destroy()
    tcp.close()
  })
  const ready = new Promise<void>((resolve, reject) => {
    connection.once('ready', resolve)
    connection.once('error', reject)
  })
  connection.connect({
    sock,
    username: 'x',
    password: 'y',
    algorithms: upstreamAlgorithms(['ssh-ed25519']),
  })
  if (client !== 'old') offerHybrid(connection, 'host')
  if (client === 'alone') offerAlone(connection)
  await ready
  const inside = (connection as unknown as Insides)._protocol
  for (let n = 0; n < rekeys; n += 1) {
    const done = once(connection, 'handshake')
    inside.rekey()
    await done
  }
  const said = await new Promise<string>((resolve, reject) => {
    connection.exec('say', (error, stream) => {
      if (error) return reject(error)
      let all = ''
      stream.on('data', (chunk: Buffer) => {
        all += chunk.toString()
      })
      stream.on('close', () => resolve(all))
    })
  })
  return { said, kex: [agreed(connection), ...serving.map(agreed)] }
}

describe('the hybrid key exchange', () => {
  it('is what two ends that know it agree on, at each exchange of keys', async () => {
    expect(await meet('new', 'new')).toEqual({ said: 'said\n', kex: [HYBRID, HYBRID] })
    expect(await meet('new', 'new', 3)).toEqual({ said: 'said\n', kex: [HYBRID, HYBRID] })
  })

  it('is enough: either end may offer nothing else', async () => {
    expect(await meet('new', 'alone')).toEqual({ said: 'said\n', kex: [HYBRID, HYBRID] })
    expect(await meet('alone', 'new', 2)).toEqual({ said: 'said\n', kex: [HYBRID, HYBRID] })
  })

  it('is not needed: either end may know only what there was before', async () => {
    const before = 'curve25519-sha256@libssh.org'
    expect((await meet('new', 'old')).kex).toEqual([before, before])
    expect((await meet('old', 'new')).kex).toEqual([before, before])
  })
})

/** Ten lists, two numbers (RFC 4253 section 7.1); `first`: the list of exchanges as bytes, with its length. */
function kexinit(first: Buffer, others = true): Buffer {
  const lists = [
    'ssh-ed25519',
    ...Array(2).fill('aes256-gcm@openssh.com'),
    ...Array(2).fill('hmac-sha2-256-etm@openssh.com'),
    ...Array(2).fill('none'),
    '',
    '',
  ]
  const rest = others ? [...lists.map(name => list(name)), Buffer.alloc(5)] : []
  return Buffer.concat([Buffer.of(20), Buffer.alloc(16, 7), first, ...rest])
}

function list(names: string, length = names.length): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return Buffer.concat([bytes, Buffer.from(names, 'latin1')])
}

/** As it goes in clear. */
function packet(payload: Buffer): Buffer {
  const padding = 8 - ((payload.length + 5) % 8) + 8
  const head = Buffer.alloc(5)
  head.writeUInt32BE(payload.length + padding + 1)
  head[4] = padding
  return Buffer.concat([head, payload, Buffer.alloc(padding)])
}

/** The two halves of the exchange's first messages, as somebody who keeps to nothing sends them. */
async function hostile(peer: 'client' | 'host', ...payloads: readonly Buffer[]): Promise<string> {
  const said = Promise.withResolvers<string>()
  const bad = Buffer.concat([Buffer.from('SSH-2.0-bad\r\n'), ...payloads.map(packet)])
  const watch = (connection: {
    on(event: 'error' | 'close', listener: (e?: Error) => void): void
  }) => {
    connection.on('error', error => said.resolve(error?.message ?? 'error'))
    connection.on('close', () => said.resolve('closed'))
  }
  const ssh = new Server({ hostKeys: [key], algorithms: clientAlgorithms }, connection => {
    offerHybrid(connection, 'client')
    watch(connection)
  })
  const tcp = createServer(socket => {
    socket.on('error', () => {})
    if (peer === 'client') return void ssh.injectSocket(socket)
    socket.resume()
    socket.end(bad)
  })
  await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve))
  const sock = dial((tcp.address() as { port: number }).port, '127.0.0.1')
  sock.on('error', () => {})
  if (peer === 'client') {
    sock.resume()
    sock.end(bad)
  } else {
    const connection = new Client()
    watch(connection)
    const algorithms = upstreamAlgorithms(['ssh-ed25519'])
    connection.connect({ sock, username: 'x', password: 'y', algorithms })
    offerHybrid(connection, 'host')
  }
  sock.once('close', () => setImmediate(() => said.resolve('closed')))
  return said.promise.finally(() => {
    sock.destroy()
    tcp.close()
  })
}

describe('what is said of exchanges by somebody who keeps to nothing ends the connection, and nothing else', () => {
  const known = 'curve25519-sha256'
  const [malformed, nothing, hungUp] = [/malformed KEXINIT/, /no matching/, /closed/]
  it.each<readonly [string, Buffer, RegExp]>([
    ['no list', Buffer.of(20), malformed],
    ['half of its chance', kexinit(Buffer.alloc(0), false).subarray(0, 9), malformed],
    ['half of a length', kexinit(Buffer.of(0, 0), false), malformed],
    ['an empty list', kexinit(list('')), nothing],
    ['a list longer than the message', kexinit(list(HYBRID, 4_000_000_000), false), malformed],
    ['the longest length there is', kexinit(list(HYBRID, 0xffff_ffff), false), malformed],
    ['the longest but for a name', kexinit(list(HYBRID, 0xffff_ffff - 30), false), malformed],
    ['ours alone, and no other list', kexinit(list(HYBRID), false), malformed],
    ['ours a thousand times', kexinit(list(Array(1_000).fill(HYBRID).join())), hungUp],
    ['ours with a letter more', kexinit(list(`${HYBRID}x`)), nothing],
    ['commas alone', kexinit(list(',,,,')), nothing],
    ['names that are no text', kexinit(list(`\u00ff\u0000,${HYBRID},\u0000`)), hungUp],
    [
      'a name that is no exchange',
      kexinit(list('kex-strict-s-v00@openssh.com')),
      /no match|Unsupp/,
    ],
  ])('%s', async (_, payload, expected) => {
    for (const peer of ['client', 'host'] as const)
      expect(await hostile(peer, payload)).toMatch(expected)
  })

  it('halves of ours that are none: too short, too long, empty, and a second offer in the middle', async () => {
    const offer = kexinit(list(HYBRID))
    const half = (type: number, length: number) =>
      Buffer.concat([Buffer.of(type), list('\u0041'.repeat(length))])
    for (const length of [0, 31, 32, 1_215, 1_216, 1_217, 30_000])
      expect(await hostile('client', offer, half(30, length))).toMatch(
        length === 1_216 ? /./ : /another length/,
      )
    for (const length of [0, 32, 1_119, 1_120, 1_121]) {
      const answer = Buffer.concat([
        Buffer.of(31),
        list('key'),
        list('A'.repeat(length)),
        list('s'),
      ])
      expect(await hostile('host', offer, answer)).not.toMatch(/malformed KEXINIT/)
    }
    expect(await hostile('client', offer, offer, half(30, 1_216))).not.toMatch(/malformed KEXINIT/)
    expect(await hostile('client', offer, kexinit(list(known)), half(30, 32))).not.toMatch(
      /malformed KEXINIT/,
    )
    expect(await hostile('client', offer, half(30, 1_216), half(30, 1_216))).not.toMatch(
      /malformed KEXINIT/,
    )
    expect(await hostile('host', offer, Buffer.of(31), Buffer.of(21))).not.toMatch(
      /malformed KEXINIT/,
    )
    expect(await hostile('host', offer, Buffer.of(21))).not.toMatch(/malformed KEXINIT/)
  })

  it('any bytes in place of a list', async () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 80 })
    const most = fc.integer({ min: 0, max: 0xffff_ffff })
    const length = fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 160 }), most)
    const peers = fc.constantFrom('client' as const, 'host' as const)
    await fc.assert(
      fc.asyncProperty(peers, length, bytes, fc.boolean(), async (peer, size, more, whole) => {
        const names = `${HYBRID},${Buffer.from(more).toString('latin1')}`
        expect(await hostile(peer, kexinit(list(names, size), whole))).toMatch(/./)
      }),
      { numRuns: 60 },
    )
  })
})
