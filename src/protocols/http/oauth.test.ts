import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '#model'
import { Upstreams } from '#proxy'
import { openServerAuthority } from '#transport'
import { AccessTokens, type OauthSettings, oauthSettings } from './oauth.ts'

let server: Server
let folder: string
let ca: string
let port: number
let asked: { head: IncomingMessage; body: string }[] = []
let answer: () => { status?: number; fields?: Record<string, string>; body: string }
const SECRET = 'client-secret %&'

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-oauth-'))
  const authority = await openServerAuthority({ folder, now: Date.now })
  const { certificate: cert, key } = await authority.issueServer(['127.0.0.1'])
  ca = authority.certificate
  server = createServer({ cert, key }, async (head, response) => {
    let body = ''
    for await (const chunk of head) body += chunk
    asked.push({ head, body })
    const { status = 200, fields = {}, body: text } = answer()
    response.writeHead(status, { 'content-type': 'application/json', ...fields }).end(text)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})
let count = 0
beforeEach(() => {
  asked = []
  answer = () => {
    count += 1
    return {
      body: JSON.stringify({ access_token: `t${count}`, token_type: 'bearer', expires_in: 60 }),
    }
  }
})

function ask(
  more: Partial<OauthSettings> = {},
  origin = {},
  tokens = new AccessTokens(new Upstreams()),
) {
  const settings = oauthSettings.parse({
    tokenUrl: `https://127.0.0.1:${port}/token`,
    clientId: 'gate:way',
    ...more,
  })
  const tls = { mode: 'verify-full' as const, servername: '127.0.0.1', ca }
  const place = {
    host: '127.0.0.1',
    port,
    version: '1.1' as const,
    tls,
    allowAddresses: ['loopback'],
  }
  return tokens.of('partner', settings, { ...place, ...origin }, new Secret(SECRET))
}

describe('access tokens of an upstream', () => {
  it('are asked for by the client’s own name, once for all who want one', async () => {
    const tokens = new AccessTokens(new Upstreams())
    const wish = { scope: 'a b', audience: 'https://api' }
    const all = await Promise.all([1, 2, 3].map(() => ask(wish, {}, tokens)))
    expect(new Set(all.map(({ value }) => value)).size).toBe(1)
    expect((await ask(wish, {}, tokens)).value).toBe(all[0]!.value)
    expect(asked.length).toBe(1)
    const [{ head, body }] = asked as [(typeof asked)[0]]
    expect([head.method, head.url, body]).toEqual([
      'POST',
      '/token',
      'grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi',
    ])
    expect(Buffer.from(head.headers.authorization!.slice(6), 'base64').toString()).toBe(
      'gate%3Away:client-secret+%25%26',
    )
    await ask({ authentication: 'post' }, {}, tokens)
    expect(asked[1]!.body).toContain('client_secret=client-secret+%25%26')
    expect(asked[1]!.head.headers.authorization).toBeUndefined()
  })

  it('end before they do, and are replaced when they were refused, but not over and over', async () => {
    const tokens = new AccessTokens(new Upstreams())
    const { value, until } = await ask({}, {}, tokens)
    const left = until - performance.now()
    expect(left).toBeGreaterThan(40_000)
    expect(left).toBeLessThan(50_000)
    // Another resource that was given the same one keeps it.
    expect(await tokens.refused('another', value)).toBe(true)
    expect((await ask({}, {}, tokens)).value).toBe(value)
    expect(await tokens.refused('partner', value)).toBe(true)
    const next = await ask({}, {}, tokens)
    expect(next.value).not.toBe(value)
    // Somebody else saw to it meanwhile.
    expect(await tokens.refused('partner', value)).toBe(true)
    expect(await tokens.refused('partner', next.value)).toBe(false)
    expect((await ask({}, {}, tokens)).value).toBe(next.value)
  })

  it('are nobody’s where the endpoint does not give one: no redirect, no other kind, nothing long', async () => {
    const answers: readonly [ReturnType<typeof answer>, string][] = [
      [{ status: 401, body: '{"error":"invalid_client","x":"leak"}' }, 'invalid_client'],
      [{ status: 400, body: '{"error":"<leak>"}' }, 'status 400'],
      [{ status: 302, fields: { location: 'https://127.0.0.1/' }, body: '' }, 'status 302'],
      [{ body: 'leak' }, 'without a token'],
      [{ body: '{"access_token":"a b","token_type":"Bearer"}' }, 'without a token'],
      [{ body: '{"access_token":"leak","token_type":"mac"}' }, 'no Bearer'],
      [{ body: `"${'x'.repeat(70_000)}"` }, 'longer'],
    ]
    for (const [made, words] of answers) {
      answer = () => made
      const error = await ask().catch(each => each)
      expect(error).toMatchObject({ code: 'upstream_refused' })
      expect(error.message).toContain(words)
      expect(error.message).not.toContain('leak')
    }
  })

  it('are asked of no host but the named one, over no line but a checked one', async () => {
    await expect(
      ask({}, { tls: { mode: 'verify-full', servername: '127.0.0.1' } }),
    ).rejects.toThrow('cannot be reached')
    await expect(ask({}, { host: '169.254.169.254', allowAddresses: [] })).rejects.toThrow(
      'do not allow',
    )
    expect(asked).toEqual([])
    for (const tokenUrl of ['http://h/t', 'https://u:p@h/t', 'https://h/t?x', 'https://h/t#x', 'h'])
      expect(oauthSettings.safeParse({ tokenUrl, clientId: 'a' }).success, tokenUrl).toBe(false)
  })

  it('are asked for again after a failure, but not at once', async () => {
    const tokens = new AccessTokens(new Upstreams())
    answer = () => ({ status: 500, body: '' })
    await expect(ask({}, {}, tokens)).rejects.toThrow('status 500')
    await expect(ask({}, {}, tokens)).rejects.toThrow('status 500')
    expect(asked.length).toBe(1)
  })
})
