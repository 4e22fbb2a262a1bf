// Both ends in one process: a host that shows what it wants, and our client that knows an authority alone.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import ssh2, { type Connection } from 'ssh2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { upstreamAlgorithms } from '../algorithms.ts'
import { guard } from '../guard.ts'
import { ed25519Blob, opensshPrivateKey, publicKeyLine } from '../public-key.ts'
import { type CertificateTerms, readCertificate, writeCertificate } from './certificate.ts'
import { hostCertificates, presentCertificate } from './host-proof.ts'
import { KnownHost } from './known-host.ts'
import { readSubjectKey } from './subject-key.ts'
import { upstreamProof } from './upstream-proof.ts'

const key = (): KeyObject => generateKeyPairSync('ed25519').privateKey
const [hostKey, otherKey, authority] = [key(), key(), key()]
const authorities = { clients: key(), upstreams: key(), gateways: authority }
const line = `@cert-authority ${publicKeyLine(authority)}`
const seconds = (ms: number) => BigInt(Math.floor((Date.now() + ms) / 1_000))

let server: Server
let shown: Buffer
let behave: (host: Connection) => void = () => {}

beforeAll(async () => {
  server = createServer(socket => {
    socket.on('error', () => {})
    const host = new ssh2.Server({ hostKeys: [opensshPrivateKey(hostKey)] }, connection => {
      presentCertificate(connection, shown)
      connection.on('error', () => {})
      connection.on('authentication', context => context.accept())
      behave(connection)
    })
    host.injectSocket(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())

function certificate(more: Partial<CertificateTerms> = {}, of = hostKey, by = authority): Buffer {
  const terms: CertificateTerms = {
    kind: 'host',
    id: 'a host',
    principals: ['10.0.0.7', 'web-1.internal'],
    validAfter: seconds(-60_000),
    validBefore: seconds(60_000),
    options: new Map(),
    extensions: new Map(),
    ...more,
  }
  return writeCertificate(readSubjectKey(ed25519Blob(of)), terms, by)
}

/** `in`, or why not. */
function logIn(blob: Buffer, lines: readonly string[] = [line], rekeys = 0): Promise<string> {
  shown = blob
  const known = new KnownHost('web-1.internal', lines)
  const proof = upstreamProof({ user: 'deploy', id: 'x', now: Date.now() }, authorities)
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const client = new ssh2.Client()
  return new Promise<string>(resolve => {
    client.on('error', error => resolve(error.message))
    client.on('close', () => resolve('closed'))
    client.on('ready', async () => {
      for (let n = 0; n < rekeys; n += 1)
        await new Promise<void>(done => {
          client.once('handshake', () => done())
          ;(client as unknown as { _protocol: { rekey(): void } })._protocol.rekey()
        })
      resolve('in')
    })
    client.connect({
      sock: socket,
      username: 'deploy',
      privateKey: proof.privateKey,
      hostVerifier: (shownKey: Buffer) => known.knows(client, shownKey),
      algorithms: upstreamAlgorithms(known.types),
    })
    guard(client, socket, 'host')
    known.install(client)
    proof.install(client)
  }).finally(() => socket.destroy())
}

describe('a host with a certificate', () => {
  it('is known by its authority, also when keys are exchanged again', async () => {
    expect(await logIn(certificate())).toBe('in')
    expect(await logIn(certificate(), [line], 3)).toBe('in')
    // One that is pinned besides may show its plain key, or a certificate.
    expect(await logIn(certificate(), [publicKeyLine(otherKey), line])).toBe('in')
    expect(await logIn(certificate(), [publicKeyLine(hostKey)])).toBe('in')
  })

  it('is not, when the certificate is of another key than the one that it has', async () => {
    expect(await logIn(certificate({}, otherKey))).toMatch(/signature verification failed/)
  })

  it('is not, by one that has ended, has not begun, is for a user, for another host or asks for what nobody knows', async () => {
    const options = new Map([['force-command', new Uint8Array()]])
    for (const wrong of [
      certificate({ validBefore: seconds(-1_000) }),
      certificate({ validAfter: seconds(30_000) }),
      certificate({ kind: 'user' }),
      certificate({ principals: ['web-2.internal'] }),
      certificate({ principals: ['WEB-1.internal', 'internal'] }),
      certificate({ options }),
      certificate({}, hostKey, otherKey),
      certificate({}, hostKey, authorities.upstreams),
      Buffer.concat([certificate(), Buffer.of(0)]),
    ])
      expect(await logIn(wrong)).toMatch(/Host denied/)
  })

  it('is not, once its key or its authority is revoked, whatever else stands for it', async () => {
    const revoked = (of: KeyObject) => `@revoked ${publicKeyLine(of)}`
    expect(await logIn(certificate(), [line, revoked(otherKey)])).toBe('in')
    for (const lines of [
      [line, revoked(hostKey)],
      [revoked(hostKey), line],
      [line, revoked(authority)],
    ])
      expect(await logIn(certificate(), lines)).toMatch(/Host denied/)
    // Known by its plain key, the certificate beside it.
    expect(await logIn(certificate(), [publicKeyLine(hostKey), revoked(hostKey)])).toMatch(
      /Host denied/,
    )
  })

  it('is not, by a plain key that nobody pinned', async () => {
    shown = certificate()
    // It offers both; who knows an authority alone asks for a certificate.
    expect(await logIn(certificate(), [`@cert-authority ${publicKeyLine(otherKey)}`])).toMatch(
      /Host denied/,
    )
  })

  it('that says over and over that our key would do gets one signature', async () => {
    behave = connection => {
      connection.removeAllListeners('authentication')
      connection.on('authentication', context => {
        if (context.method !== 'publickey') return context.reject(['publickey'])
        const { key: asked } = context
        const { _protocol } = connection as unknown as {
          _protocol: { authPKOK(algorithm: string, key: Buffer): void }
        }
        for (let n = 0; n < 3; n += 1) _protocol.authPKOK(asked.algo, asked.data)
      })
    }
    expect(await logIn(certificate())).toMatch(/second yes/)
    behave = () => {}
  })
})

describe('our own certificate', () => {
  it('is the same for a day, then another, and another at once for other names', () => {
    const issue = hostCertificates()
    const at = (now: number, names = ['localhost']) =>
      issue({ hostKey, authority, names, now: now * 3_600_000 })
    const first = at(100)
    expect(at(123)).toBe(first)
    const second = at(124)
    expect(second).not.toBe(first)
    expect(at(125, ['localhost', 'gateway'])).not.toBe(second)
    const elsewhere = issue({
      hostKey: otherKey,
      authority,
      names: ['localhost'],
      now: 125 * 3_600_000,
    })
    expect(readCertificate(elsewhere, authority).subject.numbers).not.toEqual(
      readCertificate(first, authority).subject.numbers,
    )
    // A clock that went back would have it not yet hold.
    expect(at(10)).not.toBe(second)
  })
})
