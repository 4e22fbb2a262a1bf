// Certificates that prove nothing, and proofs that are none: each shown to a running gateway whose authority's key is in
// our hands, so that nothing but the fault itself is what refuses it.
import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ShellStage, startShellStage } from '../e2e/ssh-stage.ts'
import { hear, message, rawClient, send } from './ssh-raw.ts'

const TYPE = 'ssh-ed25519-cert-v01@openssh.com'
let stage: ShellStage
let authority: KeyObject
/** The id of a credential that lives. */
let id: string
const subject = generateKeyPairSync('ed25519').privateKey
const now = () => Math.floor(Date.now() / 1_000)

beforeAll(async () => {
  stage = await startShellStage()
  authority = authorityOf('client-ca')
  ;[id = ''] = (await stage.credential()).split(':')
})
afterAll(() => stage?.stop())

const authorityOf = (name: string) =>
  createPrivateKey(readFileSync(join(stage.gateway.data, 'keys', `${name}.key`)))

interface Fields {
  type: string
  key: KeyObject
  kind: number
  id: string
  principals: readonly string[]
  after: number
  before: number
  options: readonly (readonly [string, Buffer])[]
  extensions: readonly (readonly [string, Buffer])[]
  reserved: string
  signer: KeyObject
  /** What stands where the signing key does. */
  signerBlob: Buffer
  trailing: string
}

/** A certificate that holds, but for what is said otherwise: built here, by nothing of the gateway's. */
function certificate(more: Partial<Fields> = {}): Buffer {
  const signer = more.signer ?? authority
  const fields: Fields = {
    type: TYPE,
    key: subject,
    kind: 1,
    id,
    principals: ['web-1'],
    after: now() - 10,
    before: now() + 300,
    options: [],
    extensions: [],
    reserved: '',
    signer,
    signerBlob: plain(signer),
    trailing: '',
    ...more,
  }
  const body = Buffer.concat([
    text(fields.type),
    text(randomBytes(32)),
    text(raw(fields.key)),
    Buffer.alloc(8),
    word(fields.kind),
    text(fields.id),
    text(Buffer.concat(fields.principals.map(text))),
    long(fields.after),
    long(fields.before),
    text(Buffer.concat(fields.options.flatMap(([name, value]) => [text(name), text(value)]))),
    text(Buffer.concat(fields.extensions.flatMap(([name, value]) => [text(name), text(value)]))),
    text(fields.reserved),
    text(fields.signerBlob),
  ])
  const signature = Buffer.concat([text('ssh-ed25519'), text(sign(null, body, fields.signer))])
  return Buffer.concat([body, text(signature), Buffer.from(fields.trailing)])
}

interface Attempt {
  user?: string
  algorithm?: string
  /** Whose signature is sent; none: a question. */
  by?: KeyObject | undefined
  signed?: (bytes: Buffer) => Buffer
  signature?: Buffer
}

type Answer = 'in' | 'refused' | 'sign it' | 'hung up'

/** What the gateway says to one login. */
async function login(blob: Buffer, attempt: Attempt = {}): Promise<Answer> {
  const { user = 'web-1', algorithm = TYPE, signed = same } = attempt
  const by = 'by' in attempt ? attempt.by : subject
  const raw = await rawClient(stage.gateway.port, user)
  const { _kex, _authsQueue } = (
    raw.client as unknown as {
      _protocol: { _kex: { sessionID: Buffer }; _authsQueue: string[] }
    }
  )._protocol
  try {
    const request = Buffer.concat([
      message(50, user, 'ssh-connection', 'publickey', by !== undefined),
      text(algorithm),
      text(blob),
    ])
    const answer = new Promise<Answer>(resolve => {
      hear(raw.client, 'USERAUTH_SUCCESS', () => resolve('in'))
      hear(raw.client, 'USERAUTH_FAILURE', () => resolve('refused'))
      hear(raw.client, 'USERAUTH_PK_OK', () => resolve('sign it'))
      void raw.closed.then(() => resolve('hung up'))
    })
    _authsQueue.push('publickey')
    if (by === undefined) send(raw.client, request)
    else {
      const bytes = Buffer.concat([text(_kex.sessionID), request])
      const value = text(sign(null, signed(bytes), by))
      const signature = attempt.signature ?? Buffer.concat([text('ssh-ed25519'), value])
      send(raw.client, Buffer.concat([request, text(signature)]))
    }
    return await answer
  } finally {
    raw.socket.destroy()
  }
}

test('one that holds is let in, and asked for a signature when it is only shown', async () => {
  expect(await login(certificate())).toBe('in')
  expect(await login(certificate(), { by: undefined })).toBe('sign it')
  expect(await login(certificate({ extensions: [['a', Buffer.alloc(0)]] }))).toBe('in')
})

describe('a certificate is refused', () => {
  test('whose signing key is a certificate (CVE-2025-49825)', async () => {
    const middle = generateKeyPairSync('ed25519').privateKey
    const nested = certificate({ key: middle })
    expect(await login(certificate({ signer: middle, signerBlob: nested }))).toBe('refused')
    // Also where the certified key is the authority's own.
    expect(await login(certificate({ signerBlob: certificate({ key: authority }) }))).toBe(
      'refused',
    )
  })

  test('with a comma, a newline or a pattern in a principal (CVE-2026-35414)', async () => {
    for (const principals of [
      ['other,web-1'],
      ['web-1,other'],
      ['web-1\n'],
      ['other\nweb-1'],
      ['web-1\0'],
      ['*'],
      ['web-?'],
      ['web-1', 'a,b'],
      [''],
      [],
    ])
      expect(await login(certificate({ principals })), JSON.stringify(principals)).toBe('refused')
  })

  test('that has ended, or has not begun', async () => {
    expect(await login(certificate({ before: now() }))).toBe('refused')
    expect(await login(certificate({ after: now() + 60 }))).toBe('refused')
    expect(await login(certificate({ after: now() + 300, before: now() - 300 }))).toBe('refused')
  })

  test('of another authority, also of our own ones for other things', async () => {
    const other = generateKeyPairSync('ed25519').privateKey
    expect(await login(certificate({ signer: other }))).toBe('refused')
    expect(await login(certificate({ signer: other, signerBlob: plain(authority) }))).toBe(
      'refused',
    )
    for (const name of ['user-ca', 'host-ca', 'host'])
      expect(await login(certificate({ signer: authorityOf(name) })), name).toBe('refused')
  })

  test('for a host, or for nothing known', async () => {
    for (const kind of [0, 2, 3, 257])
      expect(await login(certificate({ kind })), String(kind)).toBe('refused')
  })

  test('with a critical option that is not known, is there twice, or is malformed', async () => {
    const source = (value: string) => ['source-address', text(value)] as const
    const none = Buffer.alloc(0)
    for (const options of [
      [['force-command', text('true')]],
      [['verify-required', none]],
      [['', none]],
      [source('127.0.0.1'), source('0.0.0.0/0')],
      [source('127.0.0.1'), ['permit-pty', none]],
      [['source-address', Buffer.from('127.0.0.1')]],
      [['source-address', Buffer.concat([text('127.0.0.1'), none, Buffer.of(0)])]],
    ] as Fields['options'][])
      expect(await login(certificate({ options })), JSON.stringify(options)).toBe('refused')
    expect(await login(certificate({ options: [source('10.0.0.0/8')] }))).toBe('refused')
    expect(await login(certificate({ options: [source('!127.0.0.1,*')] }))).toBe('refused')
    expect(await login(certificate({ options: [source('10.0.0.0/8,127.0.0.1')] }))).toBe('in')
  })

  test('that was altered after it was signed', async () => {
    const blob = certificate({ principals: ['web-2'] })
    const at = blob.indexOf('web-2')
    blob.write('web-1', at)
    expect(await login(blob)).toBe('refused')
  })

  test('with bytes behind it, in a field that nobody uses, or cut', async () => {
    expect(await login(certificate({ trailing: '\0' }))).toBe('refused')
    expect(await login(certificate({ reserved: 'x' }))).toBe('refused')
    expect(await login(certificate().subarray(0, -1))).toBe('refused')
    expect(await login(Buffer.alloc(0))).toBe('refused')
    expect(await login(Buffer.alloc(30_000, 1))).toBe('refused')
  })

  test('for another resource, also one that the same principal may use', async () => {
    expect(await login(certificate({ principals: ['impostor'] }))).toBe('refused')
    expect(await login(certificate(), { user: 'impostor' })).toBe('refused')
    expect(
      await login(certificate({ principals: ['web-1', 'impostor'] }), { user: 'impostor' }),
    ).toBe('refused')
    expect(await login(certificate(), { user: 'impostor+web-1' })).toBe('in')
    expect(await login(certificate(), { user: 'web-1+impostor' })).toBe('refused')
  })

  test('whose credential is revoked, unknown, or none', async () => {
    const [revoked = ''] = (await stage.credential()).split(':')
    const blob = certificate({ id: revoked })
    expect(await login(blob)).toBe('in')
    await stage.gateway.cli(['credentials', '--revoke', revoked], await stage.token('order-bot'))
    expect(await login(blob)).toBe('refused')
    for (const other of ['sp-aaaaaaaaaa', '', 'order-bot', `${id}\n`, ` ${id}`])
      expect(await login(certificate({ id: other })), other).toBe('refused')
  })
})

describe('a login proves nothing', () => {
  test('by a question without a signature (CVE-2024-45337), however often', async () => {
    const raw = await rawClient(stage.gateway.port, 'web-1')
    let opened = false
    hear(raw.client, 'CHANNEL_OPEN_CONFIRMATION', () => {
      opened = true
    })
    const question = (blob: Buffer) =>
      Buffer.concat([
        message(50, 'web-1', 'ssh-connection', 'publickey', false),
        text(TYPE),
        text(blob),
      ])
    for (let n = 0; n < 30; n += 1) send(raw.client, question(certificate()))
    send(raw.client, message(90, 'session', 1, 100_000, 32_768))
    // It is let go after a number of them.
    await raw.closed
    expect(opened).toBe(false)
  })

  test('by the signature of another key than the one that is certified', async () => {
    const other = generateKeyPairSync('ed25519').privateKey
    expect(await login(certificate(), { by: other })).toBe('refused')
    expect(await login(certificate(), { by: authority })).toBe('refused')
  })

  test('by a signature over another session, another user, or another certificate', async () => {
    const elsewhere = (bytes: Buffer) => {
      const copy = Buffer.from(bytes)
      copy[5] = copy[5]! ^ 1
      return copy
    }
    expect(await login(certificate(), { signed: elsewhere })).toBe('refused')
    const user = (bytes: Buffer) =>
      Buffer.from(bytes.toString('latin1').replace('web-1', 'web-2'), 'latin1')
    expect(await login(certificate(), { signed: user })).toBe('refused')
    expect(await login(certificate(), { signed: bytes => bytes.subarray(0, -1) })).toBe('refused')
  })

  test('by a signature of no or of another form', async () => {
    const zero = Buffer.alloc(64)
    for (const signature of [
      Buffer.alloc(0),
      zero,
      Buffer.concat([text('ssh-ed25519'), text(zero)]),
      Buffer.concat([text(TYPE), text(zero)]),
      Buffer.concat([text('rsa-sha2-512'), text(zero)]),
      Buffer.concat([text('ssh-ed25519'), text(Buffer.alloc(0))]),
    ])
      expect(await login(certificate(), { signature })).toBe('refused')
  })

  test('by an algorithm that is not that of the certificate, or by a plain key', async () => {
    for (const algorithm of [
      'ssh-rsa-cert-v01@openssh.com',
      'rsa-sha2-512-cert-v01@openssh.com',
      'ecdsa-sha2-nistp256-cert-v01@openssh.com',
      'ssh-ed25519',
      'constructor',
      '',
    ])
      expect(await login(certificate(), { algorithm }), algorithm).toBe('refused')
    expect(await login(plain(subject), { algorithm: 'ssh-ed25519' })).toBe('refused')
    expect(await login(plain(authority), { algorithm: 'ssh-ed25519', by: authority })).toBe(
      'refused',
    )
    expect(await login(plain(subject))).toBe('refused')
  })
})

function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([word(bytes.length), bytes])
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

const raw = (key: KeyObject) => Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url')
const plain = (key: KeyObject) => Buffer.concat([text('ssh-ed25519'), text(raw(key))])
const same = (bytes: Buffer) => bytes
