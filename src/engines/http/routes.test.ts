import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { type Route, RouteTable, type SegmentType } from './routes.ts'

const route = (text: string, types: Record<string, SegmentType> = {}): Route => {
  const [method = '', template = ''] = text.split(' ')
  return {
    method,
    template,
    types: new Map(Object.entries(types)),
    action: 'read',
    name: text,
    kind: 'route',
  }
}
const table = (...texts: string[]) => new RouteTable(texts.map(text => route(text)))
const find = (routes: RouteTable, text: string) => {
  const [method = '', path = ''] = text.split(' ')
  const found = routes.find(method, path.slice(1).split('/'))
  return found && [found.route.name, Object.fromEntries(found.values)]
}

describe('a table of routes', () => {
  it('finds what a path means, and the values in it', () => {
    const routes = table(
      'GET /v1/customers',
      'GET /v1/customers/{id}',
      'POST /v1/customers/{id}/orders/{order}',
    )
    expect(find(routes, 'GET /v1/customers')).toEqual(['GET /v1/customers', {}])
    expect(find(routes, 'GET /v1/customers/7')).toEqual(['GET /v1/customers/{id}', { id: '7' }])
    expect(find(routes, 'POST /v1/customers/7/orders/8')?.[1]).toEqual({ id: '7', order: '8' })
  })

  it('takes a path that it does not have for unknown', () => {
    const routes = table('GET /v1/customers/{id}')
    for (const path of [
      '/v1/customers',
      '/v1/customers/',
      '/v1/Customers/7',
      '/v1/customers/7/',
      '/v1/customers/7/orders',
      '/v2/customers/7',
      '/',
    ])
      expect(find(routes, `GET ${path}`), path).toBeUndefined()
    expect(find(routes, 'DELETE /v1/customers/7')).toBeUndefined()
  })

  it('lets what is written out win over what is templated, wherever it stands in the list', () => {
    for (const order of [
      ['GET /users/{id}', 'GET /users/me'],
      ['GET /users/me', 'GET /users/{id}'],
    ])
      expect(find(table(...order), 'GET /users/me')?.[0]).toBe('GET /users/me')
    const routes = table('GET /{a}/b', 'GET /a/{b}')
    expect(find(routes, 'GET /a/b')?.[0]).toBe('GET /a/{b}')
    expect(find(table('GET /a/x', 'DELETE /a/{id}'), 'DELETE /a/x')?.[0]).toBe('DELETE /a/{id}')
  })

  it('tells templates apart by what may stand in them', () => {
    const routes = new RouteTable([
      route('GET /o/{name}'),
      route('GET /o/{id}', { id: 'integer' }),
      route('GET /k/{kind}', { kind: { oneOf: ['a', 'b'] } }),
      route('GET /u/{id}', { id: 'uuid' }),
    ])
    expect(find(routes, 'GET /o/12')).toEqual(['GET /o/{id}', { id: '12' }])
    expect(find(routes, 'GET /o/012')).toEqual(['GET /o/{name}', { name: '012' }])
    expect(find(routes, 'GET /k/a')?.[1]).toEqual({ kind: 'a' })
    expect(find(routes, 'GET /k/c')).toBeUndefined()
    expect(find(routes, 'GET /u/7')).toBeUndefined()
  })

  it('reads values that share a segment with letters', () => {
    const routes = table('GET /{repo}.git/info', 'POST /tasks/{id}:cancel', 'GET /{a}..{b}')
    expect(find(routes, 'GET /tools.git/info')?.[1]).toEqual({ repo: 'tools' })
    expect(find(routes, 'GET /tools.git.git/info')?.[1]).toEqual({ repo: 'tools.git' })
    expect(find(routes, 'POST /tasks/a:b:cancel')?.[1]).toEqual({ id: 'a:b' })
    expect(find(routes, 'GET /x..y')?.[1]).toEqual({ a: 'x', b: 'y' })
    expect(find(routes, 'GET /.git/info')).toBeUndefined()
  })

  it('takes HEAD for GET where nothing else is said', () => {
    expect(find(table('GET /a'), 'HEAD /a')?.[0]).toBe('GET /a')
    expect(find(table('GET /a', 'HEAD /a'), 'HEAD /a')?.[0]).toBe('HEAD /a')
  })

  it('refuses templates that nobody could tell apart', () => {
    expect(() => table('GET /a/{x}', 'GET /a/{y}')).toThrow('twice')
    expect(() => table('GET /a/{x}/{x}')).toThrow('name')
    expect(() => table('GET /a/{x}{y}')).toThrow('where one value ends')
    expect(() => table('GET /a/{x')).toThrow('brace')
    expect(() => table('GET a')).toThrow('leading')
  })

  it('looks at each template once, however many lead astray', () => {
    const deep = Array.from(
      { length: 16 },
      (_, at) =>
        `GET ${'/{x}'.replace('x', `a${at}`)}${Array.from({ length: at }, (_, n) => `/{b${n}}`).join('')}/end`,
    )
    const started = process.cpuUsage().user
    const routes = table(...deep)
    for (let n = 0; n < 2_000; n += 1) find(routes, `GET ${'/x'.repeat(15)}/nowhere`)
    expect(process.cpuUsage().user - started).toBeLessThan(2_000_000)
  })

  it('gives back the values that a path was made of', () => {
    const value = fc.stringMatching(/^[a-z0-9_-]{1,8}$/)
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(find(table('PUT /x/{a}/y/{b}'), `PUT /x/${a}/y/${b}`)?.[1]).toEqual({ a, b })
      }),
    )
  })
})
