import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { readGraphql } from './graphql.ts'
import { type AskedRequest, readRequestText, requestText } from './request-text.ts'
import { RouteTable } from './routes.ts'
import { httpStatement, type Reading } from './statement.ts'

const bare: Reading = { routes: undefined, unknown: 'refuse' }
const billing: Reading = {
  routes: new RouteTable([
    {
      method: 'POST',
      template: '/refunds',
      action: 'write',
      name: 'refundCharge',
      kind: 'operation',
    },
    {
      method: 'GET',
      template: '/refunds/{id}',
      action: 'read',
      name: 'getRefund',
      kind: 'operation',
    },
  ]),
  unknown: 'refuse',
}
const asked = (text: string): AskedRequest => readRequestText(text)
const first = (text: string, reading = bare) => httpStatement(asked(text), reading).operations[0]!

describe('a request as a statement', () => {
  it('reads with safe methods and writes with all others', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'QUERY'])
      expect(first(`${method} /a`).action).toBe('read')
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'M-SEARCH'])
      expect(first(`${method} /a`).action).toBe('write')
    for (const method of ['TRACE', 'CONNECT', 'get', 'TRACK'])
      expect(() => first(`${method} /a`), method).toThrow()
  })

  it('is on its path where no document says more', () => {
    expect(first('GET /v1/a%C3%A9/b%20c').object).toEqual({ name: 'v1/aé/b c', kind: 'path' })
    expect(first('GET /').object).toEqual({ name: '/', kind: 'path' })
    expect(first('OPTIONS *').object).toEqual({ name: '*', kind: 'path' })
    expect(() => first('GET /%FF')).toThrow('UTF-8')
    expect(() => first('GET /a%0Ab')).toThrow('control')
  })

  it('is on one object where servers see one thing: a slash at the end changes nothing, and `;` is refused', () => {
    expect(first('GET /closed/').object).toEqual(first('GET /closed').object)
    expect(first('POST /refunds/', { ...billing, unknown: 'path' }).object).toEqual(
      first('POST /refunds', billing).object,
    )
    for (const path of ['/closed;x=1', '/a;b/closed', '/closed%3Bx', '/;'])
      expect(() => first(`GET ${path}`), path).toThrow('`;`')
  })

  it('is on no operation that some server would take for another one', () => {
    const route = { method: 'GET', action: 'read' } as const
    const routes = new RouteTable([
      { ...route, template: '/users/{name}', name: 'user', kind: 'operation' },
      { ...route, template: '/users/{name}/keys', name: 'keys', kind: 'operation' },
      { ...route, template: '/users/me', name: 'me', kind: 'operation' },
      { ...route, template: '/reports/{id}', name: 'report', kind: 'operation' },
      { ...route, template: '/reports/{id}.pdf', name: 'pdf', kind: 'operation' },
      { ...route, template: '/reports/{id}:Cancel', name: 'cancel', kind: 'operation' },
      { ...route, template: '/reports/latest', name: 'latest', kind: 'operation' },
      {
        ...route,
        template: '/things/{id}',
        name: 'byId',
        kind: 'operation',
        types: new Map([['id', 'integer']]),
      },
      { ...route, template: '/things/{name}', name: 'byName', kind: 'operation' },
      { ...route, template: '/map/{a};v={b}', name: 'matrix', kind: 'operation' },
      { ...route, template: '/{any}/me', name: 'any', kind: 'operation' },
    ])
    for (const unknown of ['refuse', 'path'] as const) {
      const nameOf = (path: string) => first(`GET ${path}`, { routes, unknown }).object.name
      for (const [path, name] of [
        ['/users/7', 'user'],
        ['/users/me', 'me'],
        ['/users/Me2', 'user'],
        ['/users/me.d', 'refused'],
        ['/users/Alice.Smith', 'user'],
        ['/users/Alice/keys', 'keys'],
        ['/users/ME', 'refused'],
        ['/users/me;x=1', 'refused'],
        ['/users/me%3Bx=1', 'refused'],
        ['/users/me%20', 'refused'],
        ['/users/me.', 'refused'],
        ['/users/me.json', 'refused'],
        ['/users/%EF%BD%8D%EF%BD%85', 'refused'],
        ['/users/7;x=1', 'refused'],
        ['/users/7%3Bx', 'user'],
        ['/Users/me', 'refused'],
        ['/users;x/me', 'refused'],
        ['/reports/a.pdf', 'pdf'],
        ['/reports/latest.pdf', 'pdf'],
        ['/reports/a.csv', 'report'],
        ['/reports/7:Cancel', 'cancel'],
        ['/reports/7:cancel', 'refused'],
        ['/things/7', 'byId'],
        ['/things/seven', 'byName'],
        ['/things/7;x', 'refused'],
        ['/things/7.', 'refused'],
        ['/map/1;v=2', 'matrix'],
      ] as const)
        if (name === 'refused') expect(() => nameOf(path), path).toThrow()
        else expect(nameOf(path), path).toBe(name)
      expect(first('HEAD /users/7', { routes, unknown }).object.name).toBe('user')
      expect(() => first('HEAD /users/ME', { routes, unknown })).toThrow()
    }
    expect(() => first('GET /Users/Me.json', { routes, unknown: 'path' })).toThrow('another')
    expect(first('GET /elsewhere', { routes, unknown: 'path' }).object.kind).toBe('path')
  })

  it('is no path that some server takes for the GraphQL endpoint', () => {
    const reading: Reading = { ...bare, graphql: '/api/graphql' }
    for (const path of [
      '/api/GraphQL',
      '/API/graphql',
      '/api/graphql/x',
      '/api/graphql.',
      '/api/graphql%20',
    ])
      expect(() => first(`POST ${path}`, reading), path).toThrow('GraphQL')
    for (const path of ['/api', '/graphql', '/api/graphqls', '/x/api/graphql'])
      expect(first(`POST ${path}`, reading).object.kind, path).toBe('path')
    expect(first('POST /x', { ...bare, graphql: '/' }).object.kind).toBe('path')
    const routes = new RouteTable([
      { method: 'GET', template: '/api/graphql/schema', action: 'read', name: 'x', kind: 'route' },
    ])
    expect(first('GET /api/graphql/schema', { ...reading, routes }).object.name).toBe('x')
  })

  it('is on the operation of the document, and unknown beside it', () => {
    expect(first('POST /refunds', billing).object).toEqual({
      name: 'refundCharge',
      kind: 'operation',
    })
    expect(() => first('POST /refunds/', billing)).toThrow('no such operation')
    expect(() => first('PUT /refunds', billing)).toThrow('no such operation')
    expect(first('PUT /refunds', { ...billing, unknown: 'path' }).object.kind).toBe('path')
  })

  it('has names for what policies ask', () => {
    const { named } = httpStatement(asked('GET /refunds/7?expand=a&expand=b+c&x=%26'), billing)
    expect(Object.fromEntries(named?.texts ?? [])).toEqual({
      '?expand': ['a', 'b c'],
      '?x': ['&'],
      '{id}': ['7'],
    })
    expect(first('GET /refunds/7?b=1&a=2', billing).columns).toEqual(['b', 'a'])
  })

  it('is a tunnel when the connection becomes one, and unread when its body is not read', () => {
    const socket = httpStatement(asked('GET /live <websocket>'), bare)
    expect(socket.operations[0]).toMatchObject({
      action: 'tunnel',
      verb: 'GET',
      category: 'websocket',
    })
    expect(socket.unread).toBe(true)
    // A server that takes no upgrade acts upon it as upon any other request.
    for (const method of ['HEAD', 'POST', 'DELETE'])
      expect(() => first(`${method} /live <websocket>`), method).toThrow('GET')
    const leave = { method: 'GET', template: '/leave', name: 'leave', kind: 'operation' } as const
    const routes = new RouteTable([{ ...leave, action: 'write' }])
    const { operations } = httpStatement(asked('GET /leave <websocket>'), { ...bare, routes })
    expect(operations.map(({ action }) => action)).toEqual(['tunnel', 'write'])
    const upload = httpStatement(asked('PUT /file <body as it comes>'), bare)
    expect(upload).toMatchObject({ unread: true, operations: [{ flags: ['bulk'] }] })
    const call = httpStatement(
      asked('POST /shop.Orders/Get <body as it comes>\ncontent-type: application/grpc+proto'),
      bare,
    )
    expect(call.operations[0]).toMatchObject({
      object: { name: 'shop.Orders/Get', kind: 'method' },
      category: 'grpc',
    })
  })

  it('is one operation for each root field of GraphQL', () => {
    const graphql = [readGraphql({ query: 'mutation { refund(id: 1) { ok } __schema { a } }' })]
    const { operations } = httpStatement({ ...asked('POST /graphql'), graphql }, bare)
    expect(operations).toMatchObject([
      {
        action: 'write',
        verb: 'MUTATION',
        object: { name: 'Mutation.refund', kind: 'field' },
        columns: ['ok'],
      },
      { action: 'write', object: { name: 'Mutation.__schema' }, category: 'introspection' },
    ])
    const socket = { ...asked('GET /graphql <websocket>'), graphql }
    expect(() => httpStatement(socket, bare)).toThrow('WebSocket')
  })
})

describe('the text of a request', () => {
  const base: AskedRequest = {
    method: 'POST',
    path: '/a',
    query: undefined,
    fields: [],
    body: { kind: 'none' },
  }

  it('shows what is asked and no secret', () => {
    const text = requestText({
      ...base,
      query: 'x=1',
      fields: [
        ['user-agent', 'curl'],
        ['x-tenant', 'acme'],
        ['cookie', 'sid=hunter2'],
        ['content-type', 'application/json'],
        ['x-api-key', 'hunter2'],
      ],
      body: { kind: 'text', text: '{"a":1}' },
    })
    expect(text).toMatch(
      /^POST \/a\?x=1\ncontent-type: application\/json\ncookie: \[SHA-256 [\da-f]{64}\]\nx-api-key: /,
    )
    expect(text).toMatch(/\nx-tenant: acme\n\n\{"a":1\}$/)
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain('curl')
  })

  it('is another one for whatever an upstream could tell apart', () => {
    const hash = 'a'.repeat(64)
    const all: AskedRequest[] = [
      base,
      { ...base, body: { kind: 'text', text: '' } },
      { ...base, body: { kind: 'text', text: `<3 bytes, SHA-256 ${hash}>` } },
      { ...base, body: { kind: 'bytes', length: 3, sha256: hash } },
      { ...base, body: { kind: 'stream' } },
      { ...base, upgrade: 'websocket' },
      { ...base, query: '' },
      { ...base, path: '/a%3F' },
      { ...base, fields: [['x-a', '1']] },
      {
        ...base,
        fields: [
          ['x-a', '1'],
          ['x-a', '2'],
        ],
      },
      {
        ...base,
        fields: [
          ['x-a', '2'],
          ['x-a', '1'],
        ],
      },
      { ...base, fields: [['cookie', '1']] },
      { ...base, fields: [['cookie', '2']] },
      { ...base, fields: [['prefer', 'resolution=merge-duplicates, wait=30']] },
    ]
    const texts = all.map(each => requestText(each))
    expect(new Set(texts).size).toBe(all.length)
    // The same again, and this time its client waits for a person.
    expect(requestText({ ...base, fields: [['prefer', 'wait=30']] })).toBe(requestText(base))
  })

  it('reads back as what it was made of', () => {
    const word = fc.stringMatching(/^[a-z]{1,6}$/)
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
      path: word.map(text => `/${text}`),
      query: fc.option(word, { nil: undefined }),
      fields: fc.uniqueArray(
        fc.tuple(
          word.map(text => `x-${text}`),
          word,
        ),
        { selector: ([name]) => name, maxLength: 3 },
      ),
      body: fc.oneof(
        fc.constant({ kind: 'none' as const }),
        fc.constant({ kind: 'stream' as const }),
        fc.string({ maxLength: 20 }).map(text => ({ kind: 'text' as const, text })),
        fc.constant({ kind: 'bytes' as const, length: 3, sha256: 'b'.repeat(64) }),
      ),
    })
    fc.assert(
      fc.property(request, one => {
        expect(requestText(readRequestText(requestText(one)))).toBe(requestText(one))
        const read = readRequestText(requestText(one))
        expect([read.method, read.path, read.query, read.body]).toEqual([
          one.method,
          one.path,
          one.query,
          one.body,
        ])
      }),
    )
  })
})
