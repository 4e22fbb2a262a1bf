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

it('is its own for a page that rides on what its browser keeps', () => {
  const page = ['sec-fetch-site', 'same-origin'] as const
  const basic = ['authorization', 'Basic aTpz'] as const
  const field = (name: string) => ['sallyport-resource', name] as const
  const host = 'billing.gateway.example'
  for (const kept of [[basic], []]) {
    expect(() => named([page, ...kept, field('people')], host)).toThrow('another resource')
    expect(named([page, ...kept, field('billing')], host)).toBe('billing')
    expect(named([page, ...kept], host)).toBe('billing')
    expect(named([...kept, field('people')], host)).toBe('people')
  }
  for (const shown of ['authorization', 'sallyport-authorization'])
    expect(named([page, [shown, 'Bearer abc'], field('people')], host)).toBe('people')
})

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
