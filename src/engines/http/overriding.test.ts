import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { overridingMethods } from './overriding.ts'
import { readRequestText } from './request-text.ts'
import { RouteTable } from './routes.ts'
import { httpStatement } from './statement.ts'

const FORM = 'application/x-www-form-urlencoded'
const PARTS = 'multipart/form-data; boundary=b'
const part = (head: string, value = 'delete') =>
  `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n--b--\r\n`

const of = (body: string | undefined, type = FORM, query?: string, method = 'POST') =>
  overridingMethods({ method, query, type, body: body === undefined ? body : Buffer.from(body) })

describe('a POST that frameworks take for another method', () => {
  it.each([
    ['a form', () => of('a=1&_method=delete')],
    ['a form with escapes', () => of('%5Fmethod=d%65lete')],
    ['a form in brackets', () => of('[_method]=DELETE')],
    ['a form that is parted otherwise', () => of('a=1;_method=DELETE')],
    ['a form in other letters', () => of('_METHOD=DELETE', `${FORM}; charset=x`)],
    ['a form that is not UTF-8', () => of('a=%FF&_method=DELETE')],
    ['an address', () => of(undefined, '', '_method=DELETE')],
    ['an address as Salesforce has it', () => of('{}', 'application/json', '_HttpMethod=DELETE')],
    ['an address as the field of a head', () => of('', '', 'X-HTTP-Method-Override=DELETE')],
    ['parts', () => of(part('name="_method"'), PARTS)],
    ['parts without quotes', () => of(part('name=_method'), PARTS)],
    ['parts with more in the head', () => of(part('name="_method"\r\nX: y'), PARTS)],
    ['JSON', () => of('{"_method":"DELETE"}', 'application/json')],
    ['JSON that says two', () => of('{"_method":"DELETE","_method":"POST"}', 'application/json')],
    [
      'JSON that says two, one in escapes',
      () => of('{"\\u005fmethod" : "DELETE","a":"\\u0022","_method":"x y"}', 'application/json'),
    ],
    ['JSON behind a byte order mark', () => of('\ufeff{"_method":"DELETE"}', 'application/json')],
    ['JSON with a comment', () => of('{/**/"_method":"DELETE",}', 'application/json')],
    ['JSON with escapes', () => of('{"\\u005fmethod":"DELETE"}', 'application/x+json')],
  ])('in %s', (_, methods) => expect(methods()).toEqual(['DELETE']))

  it('is none where nothing says so', () => {
    expect(of('method=delete&a=_method')).toEqual([])
    expect(of('_method=post')).toEqual([])
    expect(of('_method=1+2')).toEqual([])
    expect(of('{"a":{"_method":"DELETE"}}', 'application/json')).toEqual([])
    expect(of('_method=delete', 'text/plain')).toEqual([])
    expect(of('_method=delete', FORM, undefined, 'PUT')).toEqual([])
    expect(of(part('name="a"; filename="_method"'), PARTS)).toEqual([])
  })

  it('is judged as both', () => {
    const ask = (text: string, routes?: RouteTable) =>
      httpStatement(readRequestText(text), { routes, unknown: 'refuse' }).operations.map(
        ({ verb, object }) => `${verb} ${object.name}`,
      )
    const text = `POST /things/7\ncontent-type: ${FORM}\n\n_method=delete`
    expect(ask(text)).toEqual(['POST things/7', 'DELETE things/7'])
    const post = { template: '/things/{id}', action: 'write', kind: 'operation' } as const
    const change = { ...post, method: 'POST', name: 'change' }
    expect(() => ask(text, new RouteTable([change]))).toThrow('no such operation')
    const drop = { ...post, template: '/things/{thing}', method: 'DELETE', name: 'drop' }
    const routes = new RouteTable([change, drop])
    expect(ask(text, routes)).toEqual(['POST change', 'DELETE drop'])
    const { named } = httpStatement(readRequestText(text), { routes, unknown: 'refuse' })
    expect([...(named?.texts ?? [])]).toEqual([
      ['{id}', ['7']],
      ['{thing}', ['7']],
    ])
  })
})
