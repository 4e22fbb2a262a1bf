// Against a real OpenID provider, over HTTP on loopback: what the made-up issuer of the other tests may get wrong.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthenticationFailed, Secret } from '#model'
import { openDatabase } from '#services/db'
import { type ForgeOptions, type Issuer, startIssuer } from '../../../demo/issuer.ts'
import { createIdentity, type Identity } from './index.ts'
import { settings } from './issuer-sample.ts'

describe('a real issuer', () => {
  let issuer: Issuer
  let identity: Identity
  let close: () => Promise<void>
  beforeAll(async () => {
    issuer = await startIssuer()
    const store = await openDatabase(':memory:')
    identity = await createIdentity({
      issuers: [settings({ issuer: issuer.url, principal: { claim: 'kind', agent: ['agent'] } })],
      store,
      now: Date.now,
    })
    close = async () => {
      await identity.close()
      await store.close()
      await issuer.stop()
    }
  })
  afterAll(() => close())
  const verify = (token: string) => identity.verify(new Secret(token))

  it('has its people, agents and delegations recognised', async () => {
    expect(await verify(await issuer.token({ client: 'ana' }))).toMatchObject({
      kind: 'user',
      id: 'ana',
      groups: ['analysts'],
      mfa: true,
    })
    expect(await verify(await issuer.token({ client: 'order-bot' }))).toMatchObject({
      kind: 'agent',
      owners: ['ana'],
    })
    expect(await verify(await issuer.token({ client: 'order-bot-for-ana' }))).toMatchObject({
      kind: 'user',
      id: 'ana',
      actors: [{ kind: 'agent', id: 'order-bot', groups: ['agents'] }],
    })
  })

  it('has what it never signed, or signed for others, refused', async () => {
    const forged: Partial<ForgeOptions>[] = [
      { key: 'stranger' },
      { key: 'none' },
      { key: 'public-as-secret' },
      { audience: 'other' },
      { ttl: -1 },
      { header: { typ: 'JWT' } },
      { header: { kid: 'other' } },
      { claims: { iss: 'http://127.0.0.1:1' } },
    ]
    for (const options of forged) {
      const token = await issuer.forge({ client: 'ana', ...options })
      await expect(verify(token), JSON.stringify(options)).rejects.toThrow(AuthenticationFailed)
    }
    expect((await verify(await issuer.forge({ client: 'ana' }))).id).toBe('ana')
  })
})
