import { pbkdf2Sync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { AuthenticationFailed, ProtocolError, Secret } from '#model'
import { fc } from '../../../test/property.ts'
import { saslPrepared } from './saslprep.ts'
import { attributes, fromBase64, keysOf, SCRAM, SCRAM_PLUS, sha256 } from './scram.ts'
import { createScramClient } from './scram-client.ts'
import { createScramServer } from './scram-server.ts'

function verifierOf(password: string, salt: Uint8Array, iterations: number) {
  const keys = keysOf(pbkdf2Sync(password, salt, iterations, 32, 'sha256'))
  return { salt, iterations, storedKey: sha256(keys.clientKey), serverKey: keys.serverKey }
}
const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const verifier = verifierOf('pencil', salt, 4096)
const binding = Buffer.alloc(32, 7)

describe('SCRAM-SHA-256', () => {
  // RFC 7677 section 3; the RFC's client names its user, which we leave to the startup packet.
  const clientNonce = 'rOprNGfwEbeRWgbNEkqO'
  const serverNonce = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const clientFirst = `n,,n=user,r=${clientNonce}`
  const serverFirst = `r=${clientNonce}${serverNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`
  const clientFinal = `c=biws,r=${clientNonce}${serverNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`
  const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

  it('answers as a server what RFC 7677 says', () => {
    const server = createScramServer(verifier, undefined, serverNonce)
    expect(server.first(SCRAM, clientFirst)).toBe(serverFirst)
    expect(server.final(clientFinal)).toBe(serverFinal)
  })

  it('proves and verifies as a client, with and without channel binding', async () => {
    for (const bound of [undefined, binding]) {
      const client = createScramClient(new Secret('pencil'), bound, 'client-nonce')
      const server = createScramServer(verifier, bound, 'server-nonce')
      const mechanism = bound === undefined ? SCRAM : SCRAM_PLUS
      const verdict = server.final(await client.final(server.first(mechanism, client.first)))
      expect(() => client.verify(verdict)).not.toThrow()
    }
  })

  it('refuses a wrong password, as a wrong credential', async () => {
    const client = createScramClient(new Secret('pencils'), undefined, 'client-nonce')
    const server = createScramServer(verifier, undefined, 'server-nonce')
    const final = await client.final(server.first(SCRAM, client.first))
    expect(() => server.final(final)).toThrow(AuthenticationFailed)
    expect(() => server.final(final)).toThrow(ProtocolError) // and there is no second attempt
  })

  it('refuses every other final message than the right one', () => {
    fc.assert(
      fc.property(fc.nat(clientFinal.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
        const character = String.fromCharCode(code)
        fc.pre(clientFinal[at] !== character)
        const server = createScramServer(verifier, undefined, serverNonce)
        server.first(SCRAM, clientFirst)
        const changed = clientFinal.slice(0, at) + character + clientFinal.slice(at + 1)
        expect(() => server.final(changed)).toThrow()
      }),
    )
  })
})

describe('channel binding (RFC 5802 section 6)', () => {
  const first = (mechanism: string, message: string, bound: Uint8Array | undefined) =>
    createScramServer(verifier, bound, 'nonce').first(mechanism, message)

  it('is offered only where there is a binding, and then first', () => {
    expect(createScramServer(verifier, binding, 'n').mechanisms).toEqual([SCRAM_PLUS, SCRAM])
    expect(createScramServer(verifier, undefined, 'n').mechanisms).toEqual([SCRAM])
  })

  it('takes a client that cannot (n), and one that was not offered it (y)', () => {
    expect(() => first(SCRAM, 'n,,n=,r=abc', binding)).not.toThrow()
    expect(() => first(SCRAM, 'y,,n=,r=abc', undefined)).not.toThrow()
  })

  it('refuses a client that could but believes that it was not offered: the offer was removed', () => {
    expect(() => first(SCRAM, 'y,,n=,r=abc', binding)).toThrow(/removed on the way/)
  })

  it.each([
    [
      'PLUS without binding at the server',
      SCRAM_PLUS,
      'p=tls-server-end-point,,n=,r=abc',
      undefined,
    ],
    ['PLUS with flag n', SCRAM_PLUS, 'n,,n=,r=abc', binding],
    ['another binding type', SCRAM_PLUS, 'p=tls-unique,,n=,r=abc', binding],
    ['a binding without PLUS', SCRAM, 'p=tls-server-end-point,,n=,r=abc', binding],
    ['an authorization identity', SCRAM, 'n,a=admin,n=,r=abc', undefined],
    ['a mandatory extension', SCRAM, 'n,,m=x,n=,r=abc', undefined],
    ['an extension at the end', SCRAM, 'n,,n=,r=abc,x=y', undefined],
    ['no nonce', SCRAM, 'n,,n=,r=', undefined],
    ['another mechanism', 'SCRAM-SHA-1', 'n,,n=,r=abc', undefined],
  ])('refuses %s', (_, mechanism, message, bound) => {
    expect(() => first(mechanism, message, bound)).toThrow(ProtocolError)
  })

  it('refuses a final message bound to another certificate', async () => {
    const client = createScramClient(new Secret('pencil'), Buffer.alloc(32, 8), 'client-nonce')
    const server = createScramServer(verifier, binding, 'server-nonce')
    const final = await client.final(server.first(SCRAM_PLUS, client.first))
    expect(() => server.final(final)).toThrow(/somebody stands between/)
  })
})

describe('a hostile server', () => {
  const challenge = (message: string) =>
    createScramClient(new Secret('pencil'), undefined, 'abc').final(message)

  it.each([
    ['a nonce that is not an extension of ours', 'r=xyz123,s=c2FsdA==,i=4096'],
    ['our nonce unchanged', 'r=abc,s=c2FsdA==,i=4096'],
    ['no salt', 'r=abcdef,s=,i=4096'],
    ['a count of none', 'r=abcdef,s=c2FsdA==,i=0'],
    ['a count that wants our processor', 'r=abcdef,s=c2FsdA==,i=9999999'],
    ['a count that is no number', 'r=abcdef,s=c2FsdA==,i=1e3'],
    ['a salt in another spelling', 'r=abcdef,s=c2FsdA,i=4096'],
    ['an extension', 'm=1,r=abcdef,s=c2FsdA==,i=4096'],
  ])('is refused with %s', async (_, message) => {
    await expect(challenge(message)).rejects.toThrow(ProtocolError)
  })

  it('is refused when it cannot prove that it knows the password', async () => {
    const client = createScramClient(new Secret('pencil'), undefined, 'abc')
    await client.final('r=abcdef,s=c2FsdA==,i=4096')
    expect(() => client.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).toThrow(
      ProtocolError,
    )
    expect(() => client.verify('e=other-error')).toThrow(ProtocolError)
  })
})

describe('the grammar', () => {
  it('knows the attributes in their order only', () => {
    expect(attributes('r=a,s=b,i=1', 'rsi')).toEqual(['a', 'b', '1'])
    expect(attributes('s=b,r=a,i=1', 'rsi')).toBeUndefined()
    expect(attributes('r=a,s=b', 'rsi')).toBeUndefined()
  })

  it('takes base64 in its canonical form only', () => {
    expect(fromBase64('YWI=')).toEqual(Buffer.from('ab'))
    for (const other of ['YWI', 'YWJ=', 'YW I=', 'YWI=\n', '_-=='])
      expect(fromBase64(other)).toBeUndefined()
  })
})

describe('saslPrepared', () => {
  const prepared = (text: string) => Buffer.from(saslPrepared(Buffer.from(text))).toString()
  // RFC 4013 section 3.
  it.each([
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u00a0b', 'a b'],
  ])('turns %j into %j', (given, expected) => {
    expect(prepared(given)).toBe(expected)
  })

  it('leaves what it would prohibit, and what is no UTF-8, as it is', () => {
    expect(prepared('\u0627\u0031')).toBe('\u0627\u0031')
    expect(prepared('\u00e9\u0007')).toBe('\u00e9\u0007')
    expect(saslPrepared(Buffer.from([0xff, 0xfe]))).toEqual(Buffer.from([0xff, 0xfe]))
  })
})
