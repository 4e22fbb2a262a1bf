import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IssuerSettings } from '#config'
import { AccessDenied, AuthenticationFailed, ConfigurationError, type Principal } from '#model'
import { type Database, openDatabase } from '#services/db'
import { createIdentity, type Identity, type IdentityEnd, type ScramVerifier } from './index.ts'
import { type Fields, ISSUER, Network, NOW_S, secret, settings, token } from './issuer-sample.ts'
import { scramVerifier } from './scram.ts'

let folder: string
let store: Database
let network: Network
let clock: number
let identity: Identity
let ended: IdentityEnd[]
const opened: Identity[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-identity-'))
  store = await openDatabase(join(folder, 'store.db'))
  network = new Network()
  await network.publish()
  clock = NOW_S * 1_000
  ended = []
  identity = await open()
  identity.onEnded(end => ended.push(end))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.close()))
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(...entries: Partial<IssuerSettings>[]): Promise<Identity> {
  const issuers = entries.length === 0 ? [settings()] : entries.map(settings)
  const created = await createIdentity({ issuers, store, now: () => clock, fetch: network.fetch })
  opened.push(created)
  return created
}
const verify = async (claims: Fields = {}, by = identity): Promise<Principal> =>
  by.verify(secret(await token({ claims })))
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    error => (error instanceof AuthenticationFailed ? error.code : String(error)),
  )
const same = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b)

/** A SCRAM client's proof, checked as a server checks it (RFC 5802 section 3). */
function proves(
  secretText: string,
  { salt, iterations, storedKey, serverKey }: ScramVerifier,
): boolean {
  const message = 'n=,r=a,r=ab,s=c,i=4096,c=biws,r=ab'
  const salted = pbkdf2Sync(secretText, salt, iterations, 32, 'sha256')
  const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()
  const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
  const clientKey = hmac(salted, 'Client Key')
  const signature = hmac(sha(clientKey), message)
  const proof = clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))
  const expected = hmac(storedKey, message)
  const recovered = proof.map((byte, i) => byte ^ (expected[i] ?? 0))
  return same(sha(recovered), storedKey) && same(hmac(salted, 'Server Key'), serverKey)
}

describe('an ephemeral credential', () => {
  it('proves its principal on its resource, by SCRAM', async () => {
    const principal = await verify({ groups: ['analysts'], act: { sub: 'bot' } })
    const issued = await identity.issue(principal, 'shop', 600_000)
    expect(issued.id).toMatch(/^sp-[a-z2-7]{10}$/)
    expect(identity.isCredentialId(issued.id)).toBe(true)
    expect(issued.secret.reveal()).toMatch(/^[a-z2-7]{32}$/)
    const login = identity.ephemeral(issued.id)
    expect(proves(issued.secret.reveal(), login.verifier)).toBe(true)
    expect(proves(`${issued.secret.reveal()}x`, login.verifier)).toBe(false)
    expect(await login.accept('shop')).toEqual({
      ...principal,
      credential: { kind: 'ephemeral', id: issued.id },
      expiresAt: issued.expiresAt,
    })
    expect(identity.list('alice')).toEqual([
      {
        id: issued.id,
        principal: 'alice',
        principalKind: 'user',
        // Issued to whoever acts for alice: hers alone it is not.
        actor: 'bot',
        resource: 'shop',
        createdAt: clock,
        expiresAt: issued.expiresAt,
        uses: 1,
      },
    ])
    expect(identity.list('bob')).toEqual([])
  })

  it('is kept without its secret, and holds after a restart', async () => {
    const issued = await identity.issue(await verify(), 'shop', 600_000)
    const again = await open()
    const login = again.ephemeral(issued.id)
    expect(proves(issued.secret.reveal(), login.verifier)).toBe(true)
    expect((await login.accept('shop')).id).toBe('alice')
    await again.settled()
    for (const file of ['store.db', 'store.db-wal']) {
      const bytes = readFileSync(join(folder, file)).toString('latin1')
      expect(bytes).not.toContain(issued.secret.reveal())
      expect(bytes.length).toBeGreaterThan(0)
    }
    expect((await open()).list()[0]?.uses).toBe(1)
  })

  it('lasts fifteen minutes at most, and never longer than the identity', async () => {
    const day = 86_400_000
    const short = await identity.issue(await verify(), 'shop', day)
    expect(short.expiresAt).toBe((NOW_S + 600) * 1_000)
    const principal = await verify({ exp: NOW_S + 7_200, jti: 'long' })
    const long = await identity.issue(principal, 'shop', day)
    expect(long.expiresAt).toBe(clock + 900_000)
    clock = long.expiresAt - 1
    expect((await identity.ephemeral(long.id).accept('shop')).expiresAt).toBe(long.expiresAt)
    clock += 1
    expect(await codeOf(identity.ephemeral(long.id).accept('shop'))).toBe('credential_invalid')
    expect(identity.list()).toEqual([])
    clock = principal.expiresAt
    expect(await codeOf(identity.issue(principal, 'shop', 1_000))).toBe('identity_ended')
  })

  it('is for one resource only, in exactly its name', async () => {
    const { id } = await identity.issue(await verify(), 'shop', 600_000)
    for (const other of ['Shop', 'shop/other', 'shop ', '', 'sho', 'billing']) {
      expect(await codeOf(identity.ephemeral(id).accept(other)), other).toBe('credential_invalid')
    }
  })

  it('cannot be used to get another one', async () => {
    const { id } = await identity.issue(await verify(), 'shop', 600_000)
    const principal = await identity.ephemeral(id).accept('shop')
    await expect(identity.issue(principal, 'shop', 600_000)).rejects.toThrow(AccessDenied)
  })

  it('looks the same from outside whether it exists, has ended, or never was', async () => {
    const { id } = await identity.issue(await verify(), 'shop', 600_000)
    const during = identity.ephemeral(id).verifier
    const never = 'sp-aaaaaaaaaa'
    const madeUp = identity.ephemeral(never).verifier
    expect([madeUp.salt.length, madeUp.iterations]).toEqual([during.salt.length, during.iterations])
    expect(same(identity.ephemeral(never).verifier.storedKey, madeUp.storedKey)).toBe(true)
    identity.revokeCredential(id)
    const after = identity.ephemeral(id).verifier
    expect(same(after.salt, during.salt)).toBe(true)
    expect(same(after.storedKey, during.storedKey)).toBe(false)
    const restarted = await open()
    expect(same(restarted.ephemeral(never).verifier.salt, madeUp.salt)).toBe(true)
    expect(same(restarted.ephemeral(never).verifier.storedKey, madeUp.storedKey)).toBe(true)
    expect(same(restarted.ephemeral('sp-aaaaaaaaab').verifier.salt, madeUp.salt)).toBe(false)
    const refusals = await Promise.all(
      [id, never, 'alice', '__proto__', ''].map(each =>
        identity
          .ephemeral(each)
          .accept('shop')
          .catch((error: Error) => error.message),
      ),
    )
    expect(new Set(refusals).size).toBe(1)
  })

  it('is recognised by its form', () => {
    for (const name of [
      'sp-',
      'sp-AAAAAAAAAA',
      'sp-aaaaaaaaa',
      'sp-aaaaaaaaaaa',
      'sp-aaaaaaaaa1',
      ' sp-aaaaaaaaaa',
      'alice',
    ]) {
      expect(identity.isCredentialId(name), name).toBe(false)
    }
    expect(identity.isCredentialId('sp-abcdefg234')).toBe(true)
  })

  it('is bounded in number for one principal', async () => {
    const principal = await verify()
    const insert = () => identity.issue(principal, 'shop', 600_000)
    for (let n = 0; n < 10; n += 1) await Promise.all(Array.from({ length: 100 }, insert))
    await expect(insert()).rejects.toThrow('too many credentials')
    const other = await verify({ sub: 'bob', jti: 'b' })
    await identity.issue(other, 'shop', 600_000)
    identity.revokeCredential(identity.list('alice')[0]?.id ?? '')
    await insert()
  })
})

describe('what ends', () => {
  it('is told at once: a credential', async () => {
    const { id } = await identity.issue(await verify(), 'shop', 600_000)
    expect(identity.revokeCredential(id)).toBe(true)
    expect(ended).toEqual([{ credentialId: id, reason: 'credential_revoked' }])
    expect(await codeOf(identity.ephemeral(id).accept('shop'))).toBe('credential_invalid')
    expect(identity.revokeCredential(id)).toBe(false)
    await identity.settled()
    expect((await open()).list()).toEqual([])
  })

  it('is told at once: a token, with the credentials that were issued for it', async () => {
    const compact = secret(await token())
    const principal = await identity.verify(compact)
    const { id } = await identity.issue(principal, 'shop', 600_000)
    identity.revokeToken('token-1')
    expect(ended).toEqual([
      { credentialId: id, reason: 'credential_revoked' },
      { credentialId: 'token-1', reason: 'token_revoked' },
    ])
    expect(await codeOf(identity.verify(compact))).toBe('identity_ended')
    expect(await codeOf(identity.issue(principal, 'shop', 1_000))).toBe('identity_ended')
    expect(await codeOf(verify({ jti: 'token-2' }))).toBe('accepted')
    await identity.settled()
    expect(await codeOf((await open()).verify(compact))).toBe('identity_ended')
  })

  it('can be a token by its hash: of the whole, or of what was signed', async () => {
    const compact = await token({ claims: { jti: 'x' } })
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    const signed = compact.slice(0, compact.lastIndexOf('.'))
    await identity.verify(secret(compact))
    identity.revokeToken(hash(compact))
    expect(ended.map(end => end.credentialId)).toEqual([hash(compact), 'x'])
    expect(await codeOf(identity.verify(secret(compact)))).toBe('identity_ended')
    const other = await open({ profile: 'generic-jwt' })
    const plain = await token({ claims: { jti: undefined } })
    expect((await other.verify(secret(plain))).credential.id).toMatch(/^[0-9a-f]{64}$/)
    other.revokeToken(hash(plain.slice(0, plain.lastIndexOf('.'))))
    expect(await codeOf(other.verify(secret(plain)))).toBe('identity_ended')
    expect(signed).not.toBe(compact)
  })

  it('is told at once: a principal, with its agents and whoever acts for it', async () => {
    const cases: Fields[] = [
      { jti: 'a', sub: 'alice' },
      { jti: 'b', sub: 'bot', owners: ['alice'] },
      { jti: 'c', sub: 'carl', act: { sub: 'alice' } },
      { jti: 'd', sub: 'dora' },
    ]
    for (const claims of cases) await identity.issue(await verify(claims), 'shop', 600_000)
    identity.revokePrincipal('alice')
    expect(ended.at(-1)).toEqual({ principalId: 'alice', reason: 'principal_revoked' })
    expect(identity.list().map(({ principal }) => principal)).toEqual(['dora'])
    expect(await Promise.all(cases.map(claims => codeOf(verify(claims))))).toEqual([
      'identity_ended',
      'identity_ended',
      'identity_ended',
      'accepted',
    ])
    clock += 31_000
    expect(await codeOf(verify({ jti: 'new', iat: NOW_S + 31 }))).toBe('accepted')
    await identity.settled()
    expect(await codeOf(verify({ jti: 'a' }, await open()))).toBe('identity_ended')
  })

  it('ends tokens of an issuer whose clock is ahead, which say that they were made after it', async () => {
    const ahead = { jti: 'ahead', iat: NOW_S + 29 }
    expect(await codeOf(verify(ahead))).toBe('accepted')
    identity.revokePrincipal('alice')
    expect(await codeOf(verify(ahead))).toBe('identity_ended')
    // Held back until then, and shown for the first time.
    clock += 30_000
    expect(await codeOf(verify({ jti: 'held-back', iat: NOW_S + 30 }))).toBe('identity_ended')
    expect(await codeOf(verify({ jti: 'later', iat: NOW_S + 31 }))).toBe('accepted')
  })

  it('can be a principal for a time, with newer tokens too', async () => {
    identity.revokePrincipal('alice', clock + 3_600_000)
    clock += 60_000
    expect(await codeOf(verify({ iat: NOW_S + 59 }))).toBe('identity_ended')
    // A shorter one does not lift it.
    identity.revokePrincipal('alice')
    expect(await codeOf(verify({ iat: NOW_S + 59 }))).toBe('identity_ended')
    clock += 3_600_000
    expect(await codeOf(verify({ iat: NOW_S + 3_650, exp: NOW_S + 7_000 }))).toBe('accepted')
  })

  it('is told at once: an issuer that was taken away, or whose rules changed', async () => {
    const compact = secret(await token())
    await identity.issue(await identity.verify(compact), 'shop', 600_000)
    identity.update([settings({ audience: ['other'] })])
    expect(ended.map(({ reason }) => reason)).toEqual(['credential_revoked', 'issuer_changed'])
    expect(identity.list()).toEqual([])
    expect(await codeOf(identity.verify(compact))).toBe('token_invalid')
    identity.update([])
    expect(ended.at(-1)).toEqual({ issuer: ISSUER, reason: 'issuer_changed' })
    ended.length = 0
    identity.update([settings()])
    identity.update([settings()])
    expect(ended).toEqual([])
    expect(await codeOf(identity.verify(compact))).toBe('accepted')
  })

  it('does not change when the new issuers could collide', async () => {
    const two = [settings({ prefix: 'a' }), settings({ issuer: 'https://b', prefix: 'ab' })]
    expect(() => identity.update(two)).toThrow(ConfigurationError)
    expect(await codeOf(verify())).toBe('accepted')
  })

  it('ends in a restart too, when the issuer is gone by then', async () => {
    await identity.issue(await verify(), 'shop', 600_000)
    expect((await open({ issuer: 'https://other.example.com' })).list()).toEqual([])
  })

  it('reaches another process on the same store when that one refreshes', async () => {
    const other = await open()
    const seen: IdentityEnd[] = []
    other.onEnded(end => seen.push(end))
    const issued = await identity.issue(await verify(), 'shop', 600_000)
    await other.refresh()
    expect((await other.ephemeral(issued.id).accept('shop')).id).toBe('alice')
    identity.revokeCredential(issued.id)
    identity.revokeToken('token-9')
    await identity.settled()
    await other.refresh()
    await other.refresh()
    expect(seen).toEqual([
      { credentialId: issued.id, reason: 'credential_revoked' },
      { credentialId: 'token-9', reason: 'token_revoked' },
    ])
    expect(await codeOf(other.ephemeral(issued.id).accept('shop'))).toBe('credential_invalid')
  })

  it('says so when it could not be stored', async () => {
    await store.kysely.schema.dropTable('identity_revocations').execute()
    identity.revokeToken('token-1')
    await expect(identity.settled()).rejects.toThrow('cannot be written')
    expect(await codeOf(verify())).toBe('identity_ended')
  })
})

describe('a SCRAM verifier', () => {
  it('agrees with the exchange of RFC 7677 section 3', async () => {
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
    const { storedKey, serverKey } = await scramVerifier('pencil', salt)
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
    const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`
    const hmac = (key: Uint8Array) => createHmac('sha256', key).update(message).digest()
    expect(hmac(serverKey).toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
    const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64')
    const clientKey = proof.map((byte, i) => byte ^ (hmac(storedKey)[i] ?? 0))
    expect(same(createHash('sha256').update(clientKey).digest(), storedKey)).toBe(true)
  })
})
