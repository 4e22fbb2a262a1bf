import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { defaultLimits } from './limits.ts'
import type { RequestHead } from './message.ts'
import { HttpRefusal, type HttpRule } from './refusal.ts'
import { RequestReader } from './request-reader.ts'

interface Seen {
  readonly head: RequestHead
  body: string
  trailers: readonly string[]
  over: boolean
}

/** What a connection reads from these pieces: messages, and the rule that was broken. */
function readAll(pieces: readonly string[], limits = {}): { seen: Seen[]; rule?: HttpRule } {
  const seen: Seen[] = []
  const reader = new RequestReader(
    { ...defaultLimits, ...limits },
    {
      head: head => {
        const over =
          head.body.kind === 'none' || (head.body.kind === 'length' && head.body.length === 0)
        seen.push({ head, body: '', trailers: [], over })
      },
      data: chunk => {
        seen.at(-1)!.body += chunk.toString('latin1')
      },
      end: trailers => {
        seen.at(-1)!.trailers = trailers.flat
        seen.at(-1)!.over = true
      },
    },
  )
  try {
    for (const piece of pieces) {
      const bytes = Buffer.from(piece, 'latin1')
      for (let at = 0; at < bytes.length; ) at = reader.read(bytes, at)
    }
  } catch (error) {
    if (!(error instanceof HttpRefusal)) throw error
    return { seen, rule: error.rule }
  }
  return { seen }
}

const rule = (text: string, limits = {}): HttpRule | undefined => readAll([text], limits).rule
const get = (target: string, fields = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`
const path = (target: string): string | undefined =>
  readAll([get(target)]).seen[0]?.head.target.path

describe('a request', () => {
  it('is read with its method, target, host, fields and length', () => {
    const { seen } = readAll([
      'POST /a%7Eb/%c3%a9?q=%2F+x HTTP/1.1\r\nHost: API.test:8443\r\nX-One:  1 \r\nx-one: 2\r\ncontent-length: 3\r\n\r\nabc',
    ])
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      head: {
        version: '1.1',
        method: 'POST',
        target: { path: '/a~b/%C3%A9', query: 'q=%2F+x' },
        host: { name: 'api.test', port: 8443 },
        body: { kind: 'length', length: 3 },
        close: false,
      },
      body: 'abc',
      over: true,
    })
    expect(seen[0]!.head.fields.all('x-one')).toEqual(['1', '2'])
    expect(seen[0]!.head.fields.has('content-length')).toBe(false)
  })

  it('is the same object when the next one on the connection has the same bytes', () => {
    const { seen } = readAll([get('/a') + get('/a') + get('/b')])
    expect(seen[1]!.head).toBe(seen[0]!.head)
    expect(seen[2]!.head).not.toBe(seen[0]!.head)
  })

  it('is the same object for a client that asks a few things in turns, however the bytes are cut', () => {
    const turns = `${get('/a')}${get('/b')}POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`
    const all = turns + turns
    const whole = readAll([all]).seen
    expect(whole.map(({ head, body }) => [head.target.path, body])).toEqual([
      ...[
        ['/a', ''],
        ['/b', ''],
        ['/c', 'hi'],
      ],
      ...[
        ['/a', ''],
        ['/b', ''],
        ['/c', 'hi'],
      ],
    ])
    for (const at of [0, 1, 2]) expect(whole[at + 3]!.head).toBe(whole[at]!.head)
    for (let cut = 1; cut < all.length; cut += 1) {
      const { seen } = readAll([all.slice(0, cut), all.slice(cut)])
      expect(seen.map(({ head }) => head)).toEqual(whole.map(({ head }) => head))
      for (const at of [0, 1, 2]) expect(seen[at + 3]!.head).toBe(seen[at]!.head)
    }
  })

  it('is not taken for one that it only begins with, or that it only ends like', () => {
    const { seen } = readAll([get('/a'), get('/a', 'X-More: 1\r\n'), get('/b', 'X-More: 1\r\n')])
    expect(seen.map(({ head }) => [head.target.path, head.fields.get('x-more')])).toEqual([
      ['/a', undefined],
      ['/a', '1'],
      ['/b', '1'],
    ])
  })

  it('may come in chunks, with extensions that are dropped and trailers that are kept', () => {
    const { seen } = readAll([
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
      get('/next'),
    ])
    expect(seen[0]).toMatchObject({ body: 'abc0123456789', trailers: ['x-sum', '1'], over: true })
    expect(seen[1]!.head.target.path).toBe('/next')
  })

  it('closes the connection when it says so or is of HTTP/1.0', () => {
    expect(readAll([get('/', 'Connection: x, Close\r\n')]).seen[0]!.head.close).toBe(true)
    const old = readAll(['GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n']).seen[0]!.head
    expect(old).toMatchObject({ close: true, host: undefined, version: '1.0' })
  })

  it('asks for an upgrade only when Connection says so too, and never for HTTP/2 in the clear', () => {
    const upgrade = (fields: string) => readAll([get('/', fields)]).seen[0]?.head.upgrade
    expect(upgrade('Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n')).toBe('websocket')
    expect(upgrade('Upgrade: websocket\r\n')).toBeUndefined()
    expect(upgrade('Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n')).toBeUndefined()
    expect(upgrade('Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n')).toBeUndefined()
    expect(
      rule(get('/', 'Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n')),
    ).toBe('upgrade')
  })

  it('may name its URL as long as that agrees with Host', () => {
    const absolute = (target: string) => readAll([get(target)])
    expect(absolute('HTTP://A.test/x?y').seen[0]!.head.target).toEqual({ path: '/x', query: 'y' })
    expect(absolute('http://a.test').seen[0]!.head.target.path).toBe('/')
    expect(absolute('http://b.test/x').rule).toBe('host_differs')
    expect(absolute('http://u@a.test/x').rule).toBe('host_invalid')
    expect(absolute('ftp://a.test/x').rule).toBe('target_form')
  })
})

describe('a path', () => {
  it('is normalised to one spelling', () => {
    expect(path('/%61%2D%5f%7e')).toBe('/a-_~')
    expect(path('/a%20b%c3%A9')).toBe('/a%20b%C3%A9')
    expect(path('/a[1]|{x}')).toBe('/a%5B1%5D%7C%7Bx%7D')
    expect(path('/a;v=1/b')).toBe('/a;v=1/b')
    expect(path('/a/')).toBe('/a/')
    expect(path('/.a/..b/...')).toBe('/.a/..b/...')
  })

  it.each<[string, HttpRule]>([
    ['/a%2fb', 'target_encoded_separator'],
    ['/a%5Cb', 'target_encoded_separator'],
    ['/a%00', 'target_encoded_separator'],
    ['/a%252fb', 'target_encoded_separator'],
    ['/a%252e%252e/b', 'target_encoded_separator'],
    ['/a?x=%00', 'target_encoded_separator'],
    ['/a\\b', 'target_character'],
    ['/a#b', 'target_character'],
    ['/a?b#c', 'target_character'],
    ['/é', 'target_character'],
    ['/a?é', 'target_character'],
    ['/a%zz', 'target_escape'],
    ['/a%4', 'target_escape'],
    ['/a?b=%', 'target_escape'],
    ['/a/../b', 'target_dot_segment'],
    ['/..', 'target_dot_segment'],
    ['/a/.', 'target_dot_segment'],
    ['/a/%2e%2E/b', 'target_dot_segment'],
    ['/a/..;x=1/b', 'target_dot_segment'],
    ['/a/..%3bx/b', 'target_dot_segment'],
    ['/a//b', 'target_empty_segment'],
    ['//a', 'target_empty_segment'],
    ['/a//', 'target_empty_segment'],
    ['/a/;x/b', 'target_empty_segment'],
    ['a/b', 'target_form'],
    ['a.test:443', 'target_form'],
    ['*', 'target_form'],
    ['?x', 'target_form'],
    ['http:///x', 'host_invalid'],
  ])('%s is refused: %s', (target, expected) => {
    expect(rule(get(target))).toBe(expected)
  })
})

describe('refused, with the rule', () => {
  const post = (fields: string, body = ''): string =>
    `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`
  it.each<[string, string, HttpRule]>([
    [
      'a length and chunks',
      post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n'),
      'length_and_encoding',
    ],
    ['two lengths', post('Content-Length: 3\r\nContent-Length: 3\r\n'), 'length_invalid'],
    ['a list of lengths', post('Content-Length: 3, 3\r\n'), 'length_invalid'],
    ['a signed length', post('Content-Length: +3\r\n'), 'length_invalid'],
    ['a length with a zero ahead', post('Content-Length: 03\r\n'), 'length_invalid'],
    ['a length in hex', post('Content-Length: 0x3\r\n'), 'length_invalid'],
    ['a length beyond numbers', post('Content-Length: 9999999999999999\r\n'), 'length_invalid'],
    ['an empty length', post('Content-Length: \r\n'), 'length_invalid'],
    ['two codings', post('Transfer-Encoding: gzip, chunked\r\n'), 'transfer_encoding'],
    [
      'chunks twice',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'),
      'transfer_encoding',
    ],
    ['another coding', post('Transfer-Encoding: xchunked\r\n'), 'transfer_encoding'],
    ['a quoted coding', post('Transfer-Encoding: "chunked"\r\n'), 'transfer_encoding'],
    ['a coding with a control', post('Transfer-Encoding: \x0bchunked\r\n'), 'field_value'],
    ['identity', post('Transfer-Encoding: identity\r\n'), 'transfer_encoding'],
    [
      'chunks in HTTP/1.0',
      'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
      'transfer_encoding',
    ],
    ['a blank ahead of the colon', post('Transfer-Encoding : chunked\r\n'), 'field_name'],
    ['a folded line', post('X: a\r\n b\r\n'), 'line_folding'],
    ['a line with a tab ahead', post('\tX: a\r\n'), 'line_folding'],
    ['a line without a colon', post('X\r\n'), 'field_name'],
    ['an empty name', post(': a\r\n'), 'field_name'],
    ['a bare LF', 'GET / HTTP/1.1\nHost: a\n\n', 'line_ending'],
    ['a bare LF in a value', post('X: a\nY: b\r\n'), 'line_ending'],
    ['a bare CR in a value', post('X: a\rY: b\r\n'), 'line_ending'],
    ['a NUL', post('X: a\0b\r\n'), 'field_value'],
    ['a DEL', post('X: a\x7f\r\n'), 'field_value'],
    ['a name above ASCII', post('X\xe9: a\r\n'), 'field_name'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 'host_missing'],
    ['two hosts', post('Host: a\r\n'), 'host_repeated'],
    ['a host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 'host_invalid'],
    ['a list of hosts', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 'host_invalid'],
    ['a host with a port that is none', 'GET / HTTP/1.1\r\nHost: a:70000\r\n\r\n', 'host_invalid'],
    ['an empty host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 'host_invalid'],
    ['HTTP/0.9', 'GET /\r\n\r\n', 'request_line'],
    ['HTTP/2 by its name', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 'version'],
    ['HTTP/1.10', 'GET / HTTP/1.10\r\nHost: a\r\n\r\n', 'request_line'],
    ['two blanks', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 'target_form'],
    ['a tab for a blank', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 'request_line'],
    ['a lower-case method', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 'method_unsupported'],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 'method_unsupported'],
    ['another method in a field', post('X-HTTP-Method-Override: DELETE\r\n'), 'method_override'],
    [
      'another method in a look-alike',
      post('X_HTTP-Method_Override: DELETE\r\n'),
      'field_look_alike',
    ],
    ['another target in a field', post('X-Original-URL: /admin\r\n'), 'target_override'],
    ['a look-alike of a length', post('Content_Length: 3\r\n'), 'field_look_alike'],
    ['a look-alike of who is asked for', post('X_Forwarded-For: 1\r\n'), 'field_look_alike'],
    [
      'a field that is gone when it goes on',
      post('X-Dry-Run: 1\r\nConnection: close, x_dry-run\r\n'),
      'field_named',
    ],
    [
      'a type of the body that is gone when it goes on',
      post('Connection: Content-Type\r\nContent-Type: application/json\r\n'),
      'field_named',
    ],
    ['another expectation', post('Expect: 200-ok\r\nContent-Length: 1\r\n'), 'expectation'],
    [
      'a trailer that frames',
      post('Transfer-Encoding: chunked\r\n', '0\r\nContent-Length: 3\r\n\r\n'),
      'trailer',
    ],
    [
      'a trailer that authenticates',
      post('Transfer-Encoding: chunked\r\n', '0\r\nAuthorization: x\r\n\r\n'),
      'trailer',
    ],
    ['a chunk size with a blank', post('Transfer-Encoding: chunked\r\n', '3 \r\nabc\r\n'), 'chunk'],
    [
      'a chunk size in hex notation',
      post('Transfer-Encoding: chunked\r\n', '0x3\r\nabc\r\n'),
      'chunk',
    ],
    ['a chunk size with a sign', post('Transfer-Encoding: chunked\r\n', '-3\r\nabc\r\n'), 'chunk'],
    [
      'a chunk size beyond numbers',
      post('Transfer-Encoding: chunked\r\n', 'fffffffffffff\r\n'),
      'chunk',
    ],
    ['a chunk line with LF alone', post('Transfer-Encoding: chunked\r\n', '3\nabc\r\n'), 'chunk'],
    ['a bare LF in an extension', post('Transfer-Encoding: chunked\r\n', '3;a\nabc\r\n'), 'chunk'],
    [
      'a chunk longer than its size',
      post('Transfer-Encoding: chunked\r\n', '3\r\nabcd\r\n'),
      'chunk',
    ],
    [
      'a chunk extension without end',
      post('Transfer-Encoding: chunked\r\n', `3;${'x'.repeat(300)}`),
      'chunk',
    ],
    ['too many fields', post('a: b\r\n'.repeat(101)), 'fields_too_many'],
    ['too large a head', post(`a: ${'b'.repeat(33_000)}\r\n`), 'head_too_large'],
    ['too large a head that has no end', `GET /${'a'.repeat(33_000)}`, 'head_too_large'],
    ['too long a target', get(`/${'a'.repeat(17_000)}`), 'target_too_long'],
    [
      'too many trailers',
      post('Transfer-Encoding: chunked\r\n', `0\r\n${'a: b\r\n'.repeat(2_000)}`),
      'head_too_large',
    ],
  ])('%s', (_name, text, expected) => {
    expect(rule(text)).toBe(expected)
  })
})

describe('pieces', () => {
  const stream = [
    '\r\nGET /a%41?x HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n',
    'POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
    'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;e=1\r\nwiki\r\n5\r\npedia\r\n0\r\nx-sum: 9\r\n\r\n',
    '\r\nGET /d HTTP/1.1\r\nHost: a\r\n\r\n',
  ].join('')
  const whole = readAll([stream])

  it('make no difference, wherever they are cut', () => {
    expect(whole.seen).toHaveLength(4)
    for (let cut = 1; cut < stream.length; cut += 1)
      expect(readAll([stream.slice(0, cut), stream.slice(cut)])).toEqual(whole)
    expect(readAll([...stream])).toEqual(whole)
  })

  it('make no difference to what is refused', () => {
    const bytes = fc.string({
      unit: fc.constantFrom(
        ...'\r\n :aGET/HTP1.0%2f;,x3\0\t',
        '\r\n',
        'Host: a\r\n',
        'HTTP/1.1\r\n',
      ),
      maxLength: 60,
    })
    fc.assert(
      fc.property(bytes, fc.nat(), (text, where) => {
        const full = `GET / HTTP/1.1\r\nHost: a\r\n${text}\r\n\r\n${text}`
        const cut = where % full.length
        const one = readAll([full])
        const two = readAll([full.slice(0, cut), full.slice(cut)])
        expect(two.seen.filter(each => each.over)).toEqual(one.seen.filter(each => each.over))
        // Cut ahead of its end, a head may be refused for a line ending before it is refused for what it says.
        expect(two.rule === undefined).toBe(one.rule === undefined)
      }),
      { numRuns: 500 },
    )
  })
})
