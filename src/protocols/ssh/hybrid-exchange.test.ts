import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'
import { Client, Server } from 'ssh2'
import { afterEach, describe, expect, it } from 'vitest'
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
