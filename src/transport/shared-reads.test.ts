import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../test/servers/programs.ts'
import { dialTcp, Leg, openServerAuthority, type TlsIdentity, tlsIdentity } from './index.ts'
import { readShared } from './shared-reads.ts'

const HOST = '127.0.0.1'
let folder: string
let identity: TlsIdentity
const open: { destroy(): void }[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-reads-'))
  const authority = await openServerAuthority({ folder, now: Date.now })
  identity = await tlsIdentity({ kind: 'own', authority, names: [], now: Date.now })
})
afterAll(() => {
  identity.close()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(() => {
  for (const each of open.splice(0)) each.destroy()
})

interface Pair {
  readonly ours: Socket
  readonly theirs: Socket
}

async function pair(kind: 'tcp' | 'tls'): Promise<Pair> {
  const server: Server =
    kind === 'tcp' ? createServer() : createTlsServer({ ...keys(), ALPNProtocols: ['x'] })
  server.listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const accepted = once(server, kind === 'tcp' ? 'connection' : 'secureConnection')
  const theirs =
    kind === 'tcp'
      ? await dialTcp(HOST, address.port, { timeoutMs: 5_000 })
      : connectTls({ host: HOST, port: address.port, rejectUnauthorized: false })
  const [ours] = (await accepted) as [Socket]
  server.close()
  for (const socket of [ours, theirs]) socket.on('error', () => {})
  open.push(ours, theirs)
  return { ours, theirs }
}

function keys() {
  const { certificate, key } = identity.pem()
  return { cert: certificate, key }
}

/** What a receiver was handed, and what it was at that moment. */
function receive(socket: Socket) {
  const handed: { readonly chunk: Buffer; readonly was: Buffer }[] = []
  new Leg(socket).onData(chunk => handed.push({ chunk, was: Buffer.from(chunk) }))
  socket.resume()
  return {
    length: () => handed.reduce((sum, { chunk }) => sum + chunk.length, 0),
    bytes: () => Buffer.concat(handed.map(({ chunk }) => chunk)),
    changed: () => handed.filter(({ chunk, was }) => !chunk.equals(was)).length,
  }
}

/** Bytes that tell who sent them, and where they stand. */
function pattern(sender: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) * 7 + sender * 67) & 0xff
  return bytes
}

describe('sockets that read into one buffer', () => {
  it.each(['tcp', 'tls'] as const)('are all of them, on this Node: %s', async kind => {
    const { ours, theirs } = await pair(kind)
    expect(readShared(ours, () => true)).toBe(true)
    expect(readShared(theirs, () => true)).toBe(true)
    // Once is enough.
    expect(readShared(ours, () => true)).toBe(false)
  })

  it('leave alone what is not connected', () => {
    expect(readShared(new Socket(), () => true)).toBe(false)
  })

  it.each(['tcp', 'tls'] as const)(
    'hand on chunks that no later read changes, their own or another’s: %s',
    async kind => {
      const pairs = await Promise.all(Array.from({ length: 6 }, () => pair(kind)))
      const got = pairs.map(({ ours }) => receive(ours))
      const sent = pairs.map((_, sender) => pattern(sender, 900_000))
      // One byte, a statement, what just fills the shared buffer, more than it, more than a buffer of one's own.
      const sizes = [1, 90, 16_384, 65_535, 65_536, 65_537, 131_072, 200_000]
      const at = pairs.map(() => 0)
      for (let round = 0; at.some((from, sender) => from < (sent[sender]?.length ?? 0)); round++) {
        for (const [sender, { theirs, ours }] of pairs.entries()) {
          const from = at[sender] ?? 0
          const size = sizes[(round + sender) % sizes.length] ?? 1
          theirs.write(sent[sender]?.subarray(from, from + size) ?? '')
          at[sender] = from + size
          if ((round + sender) % 7 === 0) ours.pause()
          if ((round + sender) % 7 === 2) ours.resume()
        }
        if (round % 2 === 0) await new Promise(setImmediate)
      }
      for (const { ours } of pairs) ours.resume()
      await until('all to come', () => got.every(each => each.length() === 900_000))
      for (const [sender, each] of got.entries()) {
        expect(each.bytes().equals(sent[sender] as Buffer)).toBe(true)
        expect(each.changed()).toBe(0)
      }
    },
  )

  it('see their peer reset the connection while they are paused', async () => {
    const { ours, theirs } = await pair('tcp')
    const got = receive(ours)
    theirs.write('before')
    await until('it to come', () => got.length() === 6)
    ours.pause()
    const closed = new Promise(resolve => ours.once('close', resolve))
    theirs.resetAndDestroy()
    await closed
  })

  it('are streams as ever when a relay lets go of them, and may get another one', async () => {
    const { ours, theirs } = await pair('tcp')
    const first: string[] = []
    const leg = new Leg(ours)
    leg.onData(chunk => first.push(String(chunk)))
    ours.resume()
    theirs.write('one')
    await until('it to come', () => first.join('') === 'one')
    leg.detach()
    theirs.write('two')
    await until('it to be kept', () => ours.readableLength === 3)
    expect(String(ours.read())).toBe('two')
    const got = receive(ours)
    theirs.end('three')
    await once(ours, 'end')
    expect([String(got.bytes()), first]).toEqual(['three', ['one']])
  })

  it('keep what comes while they are paused, up to what a stream holds, and no byte gets lost', async () => {
    const { ours, theirs } = await pair('tcp')
    const got = receive(ours)
    ours.pause()
    const sent = pattern(1, 3_000_000)
    theirs.end(sent)
    await until('the stream to be full', () => ours.readableLength >= ours.readableHighWaterMark)
    expect(ours.readableLength).toBeLessThan(300_000)
    expect(got.length()).toBe(0)
    const ended = once(ours, 'end')
    ours.resume()
    await ended
    expect(got.bytes().equals(sent)).toBe(true)
    expect(got.changed()).toBe(0)
  })
})
