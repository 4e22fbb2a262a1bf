import { describe, expect, it } from 'vitest'
import { ApiDocumentProblem, readOpenApi } from './openapi.ts'

const yaml = `
openapi: 3.1.0
servers: [{ url: https://api.example.com/v1/ }]
paths:
  /refunds:
    post: { operationId: refundCharge }
    get: {}
  /refunds/{id}:
    parameters:
      - $ref: '#/components/parameters/Id'
    get: { operationId: getRefund }
    delete: { operationId: dropRefund, x-sallyport-action: administer }
  /search:
    $ref: '#/components/pathItems/Search'
components:
  pathItems:
    Search: { post: { operationId: search, x-sallyport-action: read } }
  parameters:
    Id: { name: id, in: path, required: true, schema: { $ref: '#/components/schemas/Id' } }
  schemas:
    Id: { type: integer }
`
const document = (paths: unknown) => JSON.stringify({ openapi: '3.0.3', paths })

describe('an OpenAPI document', () => {
  it('gives operations their names, actions and the types of their paths', () => {
    const { routes, basePath } = readOpenApi(yaml)
    expect(basePath).toBe('/v1')
    expect(
      routes.map(({ method, template, name, kind, action }) => [
        method,
        template,
        name,
        kind,
        action,
      ]),
    ).toEqual([
      ['GET', '/refunds', 'refunds', 'route', 'read'],
      ['POST', '/refunds', 'refundCharge', 'operation', 'write'],
      ['GET', '/refunds/{id}', 'getRefund', 'operation', 'read'],
      ['DELETE', '/refunds/{id}', 'dropRefund', 'operation', 'administer'],
      ['POST', '/search', 'search', 'operation', 'read'],
    ])
    expect(routes[2]?.types?.get('id')).toBe('integer')
  })

  it('is refused when it does not hold', () => {
    expect(() => readOpenApi('{')).toThrow('neither JSON nor YAML')
    expect(() => readOpenApi('swagger: "2.0"')).toThrow('not of OpenAPI')
    expect(() => readOpenApi(document({}))).toThrow('no operations')
    expect(() => readOpenApi(document({ '/a': { $ref: 'https://evil.example/x' } }))).toThrow(
      'into the document',
    )
    expect(() => readOpenApi(document({ '/a': { $ref: '#/paths/~1a' } }))).toThrow(
      'into the document',
    )
    expect(() =>
      readOpenApi(document({ '/a': { get: { 'x-sallyport-action': 'look' } } })),
    ).toThrow('none of')
    const twice = { get: { operationId: 'same' } }
    expect(() => readOpenApi(document({ '/a': twice, '/b': twice }))).toThrow('there twice')
  })

  it('does not grow without end', () => {
    const bomb = `a: &a [x]\n${Array.from(
      { length: 12 },
      (_, n) =>
        `b${n}: &b${n} [${Array(10)
          .fill(n === 0 ? '*a' : `*b${n - 1}`)
          .join(',')}]`,
    ).join('\n')}\n`
    expect(() => readOpenApi(bomb)).toThrow('neither JSON nor YAML')
  })
})

describe('a document that does not hold', () => {
  const head = 'openapi: 3.1.0\npaths:\n'
  it.each([
    ['openapi: 3.1.0\npaths: {\n', 3, 'neither JSON nor YAML'],
    ['{\n  "openapi": "3.1.0",\n  "paths": {,}\n}', 3, 'neither JSON nor YAML'],
    ['paths: {}\n', 1, 'not of OpenAPI 3.0 or 3.1'],
    ['info: {}\nopenapi: 2.0.0\n', 2, 'not of OpenAPI 3.0 or 3.1'],
    [
      `${head}  /a:\n    get: { operationId: x }\n  /b:\n    get:\n      operationId: x\n`,
      7,
      'there twice',
    ],
    [`${head}  /a:\n    get: {}\n  /{a}{b}:\n    put: {}\n`, 6, 'where one value ends'],
    [`${head}  /{x}:\n    get: {}\n  /{y}:\n    get: {}\n`, 6, 'is there twice'],
    [`${head}  /a:\n    get: { $ref: "#/nowhere" }\n`, 4, 'leads nowhere'],
    [`${head}  /a:\n    get:\n      x-sallyport-action: look\n`, 5, 'none of'],
    [`${head}  /a:\n    get: { $ref: "#/%zz" }\n`, 4, 'leads nowhere'],
    ['openapi: { toString: 1 }\npaths: {}\n', 1, 'not of OpenAPI'],
    [`${head}  /a: []\n`, 3, 'not a path item'],
  ])('says where: %j', (text, line, reason) => {
    let problem: unknown
    try {
      readOpenApi(text)
    } catch (error) {
      problem = error
    }
    expect(problem).toBeInstanceOf(ApiDocumentProblem)
    expect(problem).toMatchObject({ line, message: expect.stringContaining(reason) })
  })
})
