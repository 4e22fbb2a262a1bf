import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Issuer, startIssuer } from './issuer.ts'

let issuer: Issuer
beforeAll(async () => {
  issuer = await startIssuer({ more: { carla: { subject: 'carla', claims: { groups: [] } } } })
})
afterAll(() => issuer?.stop())

/** As a verifier finds them: by discovery. */
async function keys() {
  const found = await fetch(`${issuer.url}/.well-known/openid-configuration`)
  const { jwks_uri: place, issuer: name } = (await found.json()) as Record<string, string>
  expect(name).toBe(issuer.url)
  return createRemoteJWKSet(new URL(place ?? ''))
}

describe('the issuer', () => {
  test('hands out RFC 9068 tokens that verify with the keys it publishes', async () => {
    const token = await issuer.token({ client: 'order-bot', audience: 'there', ttl: 77 })
    const { payload, protectedHeader } = await jwtVerify(token, await keys(), {
      issuer: issuer.url,
      audience: 'there',
      typ: 'at+jwt',
      requiredClaims: ['jti', 'client_id', 'sub', 'exp', 'iat'],
    })
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload).toMatchObject({
      sub: 'order-bot',
      kind: 'agent',
      groups: ['agents'],
      owners: ['ana'],
    })
    expect(Number(payload.exp) - Number(payload.iat)).toBe(77)
  })

  test('says for whom an agent acts', async () => {
    const claims = decodeJwt(await issuer.token({ client: 'order-bot-for-ana' }))
    expect(claims.sub).toBe('ana')
    expect(claims['act']).toMatchObject({ sub: 'order-bot' })
  })

  test('knows the personas that a test brings', async () => {
    expect(decodeJwt(await issuer.token({ client: 'carla' })).sub).toBe('carla')
  })

  test('gives addresses to a gateway that asks for the scope, as its discovery says', async () => {
    const found = await fetch(`${issuer.url}/.well-known/openid-configuration`)
    const told = (await found.json()) as Record<string, string[]>
    expect(told['scopes_supported']).toContain('email')
    expect(told['claims_supported']).toEqual(expect.arrayContaining(['email', 'email_verified']))
  })

  test('gives nothing to a client that it does not know', async () => {
    await expect(issuer.token({ client: 'mallory' })).rejects.toThrow('invalid_client')
  })
})

describe('a forged token', () => {
  test('by the issuer’s own key verifies, with what was changed', async () => {
    const token = await issuer.forge({ client: 'ana', claims: { groups: ['dba'], jti: undefined } })
    const { payload } = await jwtVerify(token, await keys())
    expect(payload['groups']).toEqual(['dba'])
    expect(payload).not.toHaveProperty('jti')
  })

  test.each(['stranger', 'none', 'public-as-secret'] as const)(
    'by %s does not verify',
    async key => {
      const token = await issuer.forge({ client: 'ana', key })
      await expect(jwtVerify(token, await keys())).rejects.toThrow()
      const algorithm = { stranger: 'RS256', none: 'none', 'public-as-secret': 'HS256' }[key]
      expect(decodeProtectedHeader(token).alg).toBe(algorithm)
    },
  )
})
