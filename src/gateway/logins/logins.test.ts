import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type TestGateway, testGateway } from '../gateway.testing.ts'

let test: TestGateway
beforeEach(async () => {
  test = await testGateway('@id("all") permit (principal, action, resource);')
})
afterEach(() => test.close())

describe('logins that fail', () => {
  it('cannot fill the log: beyond a hundred a minute from one address they are counted', async () => {
    const from = { ip: '192.0.2.7', port: 1, client: 'guess' }
    for (let at = 0; at < 130; at++) test.gateway.loginFailed(from, 'token_invalid')
    test.gateway.loginFailed({ ...from, ip: '192.0.2.8' }, 'token_invalid')
    const failed = async () => (await test.entries()).filter(({ kind }) => kind === 'login.failed')
    expect(await failed()).toHaveLength(101)
    await test.gateway.stop()
    expect((await failed()).at(-1)).toMatchObject({
      source: { ip: '192.0.2.7' },
      details: { more: 30 },
    })
  })
})
