import { expect, it } from 'vitest'
import type { Gateway, ListenerSettings, Session } from '#gateway'
import { Fields, NO_BODY, type RequestHead } from '#transport/http'
import type { Dialect } from './dialect.ts'
import { Sessions } from './sessions.ts'

const head = (token: string): RequestHead => ({
  version: '2',
  method: 'GET',
  target: { path: '/', query: undefined },
  host: { name: 'api.gateway.example', port: undefined },
  fields: Fields.of(['authorization', `Bearer ${token}`]),
  body: NO_BODY,
  expectContinue: false,
  close: false,
  upgrade: undefined,
})

function connection(tunnel?: ListenerSettings['tunnel']) {
  const ending = new Map<string, AbortController>()
  const gateway = {
    isCredentialId: () => false,
    authenticate: async (token: { reveal(): string }) => token.reveal(),
    async open(principal: string) {
      const controller = new AbortController()
      ending.set(principal, controller)
      return {
        principal,
        signal: controller.signal,
        departs: () => ({ waits: false }),
        close: async () => controller.abort('client_left'),
      } as unknown as Session
    },
  } as unknown as Gateway
  const sessions = new Sessions({
    gateway,
    dialect: { resourceOf: () => 'api', access: () => ({}) } as unknown as Dialect<unknown>,
    listener: { tunnel } as ListenerSettings,
    origin: { ip: '192.0.2.1', port: 1 },
    certificate: undefined,
  })
  return { sessions, ending }
}

it('a client that renews its token keeps its connection, however often: what has ended does not count', async () => {
  const { sessions, ending } = connection()
  for (let count = 0; count < 64; count += 1) await sessions.of(head(`token-${count}`))
  await expect(sessions.of(head('one-too-many'))).rejects.toThrow('too many sessions')
  ending.get('token-7')!.abort('revoked')
  expect((await sessions.of(head('token-64'))).session.principal).toBe('token-64')
  await expect(sessions.of(head('one-too-many'))).rejects.toThrow('too many sessions')
  await sessions.close('client_left')
  expect([...ending.values()].every(({ signal }) => signal.aborted)).toBe(true)
})

it('a port that asks for no proof serves no page of others, by whatever name it was led there', async () => {
  const principal = 'ann' as unknown as NonNullable<ListenerSettings['tunnel']>['principal']
  const { sessions } = connection({
    resource: 'api',
    principal,
    origin: { ip: '192.0.2.1', port: 1, client: '' },
  })
  const asked = (name: string, more: Fields['flat'] = [], method = 'GET') =>
    sessions.of({
      ...head('none'),
      method,
      host: { name, port: 4000 },
      fields: new Fields(['host', `${name}:4000`, ...more]),
    })
  for (const name of ['127.0.0.1', '::1', 'localhost', 'api.localhost'])
    expect((await asked(name)).session.principal, name).toBe('ann')
  const from = (site: string, mode: string) => ['sec-fetch-site', site, 'sec-fetch-mode', mode]
  await asked('127.0.0.1', from('same-origin', 'cors'), 'POST')
  await asked('127.0.0.1', from('cross-site', 'navigate'))
  for (const attempt of [
    asked('127.0.0.1', from('cross-site', 'no-cors'), 'POST'),
    asked('127.0.0.1', from('same-site', 'cors')),
    asked('localhost', from('cross-site', 'websocket')),
    asked('rebound.evil.example'),
    asked('localhost.evil.example'),
  ])
    await expect(attempt).rejects.toMatchObject({ code: 'request_invalid' })
})
