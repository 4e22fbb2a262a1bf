import { describe, expect, it } from 'vitest'
import { Fields } from './fields.ts'
import { forwardable, returnable } from './forwarding.ts'

const request = (...lines: string[]) => ({
  fields: Fields.of(
    ...lines.map(line => {
      const [name = '', value = ''] = line.split(': ')
      return [name.toLowerCase(), value] as const
    }),
  ),
})

describe('what goes upstream', () => {
  it('leaves out what belongs to the connection, and what Connection names', () => {
    const fields = forwardable(
      request(
        'Connection: keep-alive, X-Mine, close',
        'Keep-Alive: 5',
        'X-Mine: 1',
        'TE: trailers',
        'Proxy-Authorization: Basic x',
        'Proxy-Connection: x',
        'Accept: */*',
      ),
    )
    expect(fields.flat).toEqual(['accept', '*/*'])
  })

  it('cannot be made to lose what we add, whatever Connection names', () => {
    const by = { for: '::1', proto: 'https', host: 'a.test:8443' } as const
    const fields = forwardable(
      request('Connection: X-Forwarded-For, Forwarded', 'X-Forwarded-For: 6.6.6.6', 'Accept: a'),
      by,
    )
    expect(fields.flat).toEqual([
      'accept',
      'a',
      'forwarded',
      'for="[::1]";host="a.test:8443";proto=https',
      'x-forwarded-for',
      '::1',
      'x-forwarded-host',
      'a.test:8443',
      'x-forwarded-proto',
      'https',
    ])
  })

  it('says nothing of the client in the words of proxies', () => {
    const claims = ['Forwarded', 'X-Forwarded-Host', 'X-Forwarded', 'X-Real-IP', 'X_Client_IP']
    expect(forwardable(request(...claims.map(name => `${name}: x`))).flat).toEqual([])
  })
})

it('an answer leads nobody past us and keeps its own connection to itself', () => {
  const fields = Fields.of(
    ['alt-svc', 'h3=":443"'],
    ['connection', 'x-hop'],
    ['x-hop', '1'],
    ['etag', '"a"'],
  )
  expect(returnable(fields).flat).toEqual(['etag', '"a"'])
})
