import { expect, test } from 'vitest'
import { Fields } from '#transport/http'
import { agreed, offered, purposeOf, withOffer } from './negotiation.ts'

const request = (upgrade: string, ...fields: readonly (readonly [string, string])[]) => ({
  upgrade,
  fields: Fields.of(...fields),
})
const SPDY = 'x-stream-protocol-version'
const SOCKET = 'sec-websocket-protocol'

test('of what a client offers, what we can follow goes on, as it prefers it', () => {
  const old = request(
    'spdy/3.1',
    ...['v4', 'v3', 'v2'].map(each => [SPDY, `${each}.channel.k8s.io`] as const),
    [SPDY, 'channel.k8s.io'],
  )
  expect(offered(old, false)).toEqual(['v4.channel.k8s.io'])
  const both = request('websocket', [
    SOCKET,
    'v4.channel.k8s.io, v5.channel.k8s.io, channel.k8s.io',
  ])
  expect(offered(both, false)).toEqual(['v4.channel.k8s.io', 'v5.channel.k8s.io'])
  expect([...withOffer(both.fields, 'websocket', offered(both, false))]).toEqual([
    [SOCKET, 'v4.channel.k8s.io, v5.channel.k8s.io'],
  ])
  const forward = request('websocket', [SOCKET, 'SPDY/3.1+portforward.k8s.io'])
  expect(offered(forward, true)).toEqual(['SPDY/3.1+portforward.k8s.io'])
})

test.each<[string, ReturnType<typeof request>, boolean]>([
  ['texts in base64', request('websocket', [SOCKET, 'base64.channel.k8s.io']), false],
  ['no subprotocol', request('websocket'), false],
  ['an old one', request('spdy/3.1', [SPDY, 'v2.channel.k8s.io']), false],
  ['a command where ports are forwarded', request('spdy/3.1', [SPDY, 'v4.channel.k8s.io']), true],
])('%s is refused', (_name, asked, forward) => {
  expect(() => offered(asked, forward)).toThrow(/served as/)
})

test('what the cluster chooses is what was offered, once, and without an extension', () => {
  const offer = ['v4.channel.k8s.io']
  const chosen = (...fields: readonly (readonly [string, string])[]) => ({
    fields: Fields.of(...fields),
  })
  expect(agreed(chosen([SPDY, 'v4.channel.k8s.io']), 'spdy/3.1', offer)).toMatchObject({
    framing: 'spdy',
    halfClose: false,
  })
  for (const wrong of [
    chosen(),
    chosen([SPDY, 'v3.channel.k8s.io']),
    chosen([SPDY, 'v4.channel.k8s.io'], [SPDY, 'v4.channel.k8s.io']),
    chosen([SOCKET, 'v4.channel.k8s.io']),
  ])
    expect(() => agreed(wrong, 'spdy/3.1', offer)).toThrow(/nobody offered/)
  const deflated = chosen([SOCKET, 'v5.channel.k8s.io'], ['sec-websocket-extensions', 'x'])
  expect(() => agreed(deflated, 'websocket', ['v5.channel.k8s.io'])).toThrow(/extension/)
})

test('which streams there are is read as the API server reads it', () => {
  const asked = (query: string) => purposeOf(false, query)
  expect(asked('stdin=true&stdout=1&stderr=False&tty=0')).toEqual({
    kind: 'command',
    asked: { stdin: true, stdout: true, stderr: false, tty: false },
  })
  expect(asked('stdin=&stdout=no&tty=false&tty=true')).toEqual({
    kind: 'command',
    asked: { stdin: true, stdout: true, stderr: false, tty: false },
  })
  expect(purposeOf(true, 'ports=80,443&ports=8080')).toEqual({
    kind: 'forward',
    ports: [80, 443, 8080],
  })
  for (const query of ['ports=', 'ports=0', 'ports=65536', 'ports=80,', 'ports=%2B80'])
    expect(() => purposeOf(true, query)).toThrow(/port/)
})
