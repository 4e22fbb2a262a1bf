import { expect, it } from 'vitest'
import { type Field, Fields, type RequestHead } from '#transport/http'
import { resourceOf } from './resource-name.ts'

const named = (fields: readonly Field[], host: string) => {
  const request: RequestHead = {
    version: '1.1',
    method: 'GET',
    target: { path: '/', query: undefined },
    host: { name: host, port: undefined },
    fields: Fields.of(...fields),
    body: { kind: 'none' },
    expectContinue: false,
    upgrade: undefined,
    close: false,
  }
  return resourceOf(request)
}

it('is told by one field or by the host', () => {
  expect(named([], 'billing.gateway.example')).toBe('billing')
  expect(named([['sallyport-resource', 'other']], 'billing.gateway.example')).toBe('other')
  for (const host of ['localhost', '127.0.0.1', '::1'])
    expect(named([], host), host).toBeUndefined()
  expect(() =>
    named(
      [
        ['sallyport-resource', 'a'],
        ['sallyport-resource', 'b'],
      ],
      'x.y',
    ),
  ).toThrow('twice')
})
