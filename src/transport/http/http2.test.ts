import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pipe } from './body.ts'
import type { Exchange } from './exchange.ts'
import { Fields } from './fields.ts'
import { readHttp2Head } from './http2-head.ts'
import { defaultLimits } from './limits.ts'
import { NO_BODY, STREAM } from './message.ts'
import { becomes, type Front, startFront } from './raw.testing.ts'
import type { HttpRule } from './refusal.ts'

async function serve(exchange: Exchange): Promise<void> {
  const { request } = exchange
  switch (request.target.path) {
    case '/stream':
      pipe(exchange.body, exchange.respond({ status: 200, fields: Fields.none, body: STREAM }))
      return
    case '/trailers': {
      const { trailers } = await exchange.body.collect(1e6, () => new Error('too much'))
      const writer = exchange.respond({
        status: 200,
        fields: Fields.of(['set-cookie', 'a'], ['set-cookie', 'b']),
        body: STREAM,
      })
      writer.write(Buffer.from('x'))
      writer.end(Fields.of(['grpc-status', '0'], ['x-came', String(trailers.get('x-sum'))]))
      return
    }
    case '/hints':
      exchange.informational(103, Fields.of(['link', '</a>']))
      exchange.answer({ status: 204, fields: Fields.none, body: NO_BODY })
      return
    case '/cut': {
      const writer = exchange.respond({ status: 200, fields: Fields.none, body: STREAM })
      writer.write(Buffer.from('half'))
      writer.abort(new Error('cut'))
      return
    }
    case '/throws':
      throw new Error('a bug')
    default: {
      const { bytes } = await exchange.body.collect(1e6, () => new Error('too much'))
      const said = `${request.method} ${request.target.path} ${request.host?.name} ${request.body.kind} ${bytes.length} ${request.fields.get('cookie')}`
      exchange.answer({ status: 200, fields: Fields.none, body: NO_BODY }, said)
    }
  }
}

interface Answer {
  readonly headers: Record<string, unknown>
  readonly text: string
  readonly trailers: Record<string, unknown>
  readonly hints: Record<string, unknown>[]
  readonly code: number
  /** The body was brought to its end. */
  readonly ended: boolean
}

function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer | string,
  trailers?: OutgoingHttpHeaders,
): Promise<Answer> {
  const stream = session.request(headers, {
    endStream: body === undefined,
    waitForTrailers: trailers !== undefined,
  })
  const answer = { headers: {}, text: '', trailers: {}, hints: [] as object[], ended: false }
  stream.on('headers', said => answer.hints.push({ ...said }))
  stream.on('response', said => Object.assign(answer.headers, said))
  stream.on('trailers', said => Object.assign(answer.trailers, said))
  stream.on('data', chunk => {
    answer.text += chunk
  })
  stream.on('end', () => {
    answer.ended = true
  })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers!))
  stream.on('error', () => {})
  if (body !== undefined) stream.end(body)
  return new Promise(resolve =>
    stream.on('close', () => resolve({ ...answer, code: stream.rstCode } as Answer)),
  )
}

describe('the front, in HTTP/2', () => {
  let front: Front
  let session: ClientHttp2Session
  beforeAll(async () => {
    front = await startFront(serve, {
      version: '2',
      limits: { bodyIdleMs: 300, writeIdleMs: 300, resets: 20, streams: 50 },
    })
    session = connect(`http://127.0.0.1:${front.port}`)
  })
  afterAll(async () => {
    session.destroy()
    await front.close()
  })

  it('serves requests with and without bodies, at the same time', async () => {
    const [one, two] = await Promise.all([
      ask(session, { ':path': '/a%7e?b', ':authority': 'API.test', cookie: ['a=1', 'b=2'] }),
      ask(session, { ':path': '/b', ':method': 'POST', 'content-length': 3 }, 'abc'),
    ])
    expect(one).toMatchObject({ text: 'GET /a~ api.test none 0 a=1; b=2', code: 0 })
    expect(one.headers[':status']).toBe(200)
    expect(two.text).toBe('POST /b 127.0.0.1 length 3 undefined')
  })

  it('carries trailers both ways, repeated fields and early hints', async () => {
    const answer = await ask(session, { ':path': '/trailers', ':method': 'POST' }, 'abc', {
      'x-sum': '7',
    })
    expect(answer.trailers).toMatchObject({ 'grpc-status': '0', 'x-came': '7' })
    expect(answer.headers['set-cookie']).toEqual(['a', 'b'])
    const hints = await ask(session, { ':path': '/hints' })
    expect(hints.hints[0]).toMatchObject({ ':status': 103, link: '</a>' })
    expect(hints.headers[':status']).toBe(204)
  })

  it('carries a large body both ways', async () => {
    const body = Buffer.alloc(2_000_000, 0x61)
    const answer = await ask(session, { ':path': '/stream', ':method': 'POST' }, body)
    expect(answer.text.length).toBe(2_000_000)
  })

  it('resets what is cut short, and what fails', async () => {
    const cut = await ask(session, { ':path': '/cut' })
    expect(cut.code).not.toBe(0)
    expect(cut.ended).toBe(false)
    expect((await ask(session, { ':path': '/throws' })).code).toBe(constants.NGHTTP2_INTERNAL_ERROR)
    expect(front.failures.pop()).toMatchObject({ message: 'a bug' })
  })

  it('takes no reset for the end of a body', async () => {
    for (const error of [undefined, new Error('cut')]) {
      const stream = session.request({ ':path': '/', ':method': 'POST' }, { endStream: false })
      stream.on('error', () => {})
      stream.write('half')
      await becomes(() => front.connections.some(each => each.exchanges === 1))
      stream.destroy(error)
      await becomes(() => front.failures.length > 0)
      expect(front.failures.pop()).toMatchObject({ rule: 'connection_lost' })
    }
  })

  it('answers what cannot be read in one way with the rule, and serves the next', async () => {
    const answer = await ask(session, { ':path': '/a/../b' })
    expect(answer.headers[':status']).toBe(400)
    expect(JSON.parse(answer.text)).toMatchObject({ rule: 'target_dot_segment' })
    expect((await ask(session, { ':path': '/' })).headers[':status']).toBe(200)
  })

  it('lets go of a body that stands still and of an answer that nobody reads', async () => {
    const late = session.request({ ':path': '/', ':method': 'POST' }, { endStream: false })
    late.on('error', () => {})
    const deaf = session.request({ ':path': '/stream', ':method': 'POST' }, { endStream: false })
    deaf.on('error', () => {})
    deaf.pause()
    deaf.end(Buffer.alloc(900_000))
    await Promise.all([late, deaf].map(each => new Promise(resolve => each.on('close', resolve))))
    expect(late.rstCode).not.toBe(0)
    expect(deaf.rstCode).not.toBe(0)
    front.failures.length = 0
  })

  it('ends a connection whose streams are reset again and again', async () => {
    const flood = connect(`http://127.0.0.1:${front.port}`)
    flood.on('error', () => {})
    const ended = new Promise(resolve => flood.on('close', resolve))
    const raise = async (): Promise<void> => {
      while (!flood.destroyed && !flood.closed) {
        for (let at = 0; at < 10 && !flood.closed; at += 1) {
          const stream = flood.request({ ':path': '/', ':method': 'POST' }, { endStream: false })
          stream.on('error', () => {})
          stream.close(constants.NGHTTP2_CANCEL)
        }
        await new Promise(resolve => setTimeout(resolve, 2))
      }
    }
    await raise()
    await ended
    front.failures.length = 0
  })
})

describe('a head of HTTP/2', () => {
  const base = [':method', 'GET', ':scheme', 'https', ':authority', 'a.test', ':path', '/']
  const rule = (raw: string[], ended = true): HttpRule | undefined => {
    try {
      readHttp2Head(raw, ended, defaultLimits)
      return undefined
    } catch (error) {
      return (error as { rule: HttpRule }).rule
    }
  }
  const change = (name: string, value: string): string[] =>
    base.map((each, at) => (base[at - 1] === name ? value : each))

  it.each<[string, string[], HttpRule]>([
    [
      'a line in the path',
      change(':path', '/ HTTP/1.1\r\nHost: b\r\n\r\nGET /x'),
      'target_character',
    ],
    ['a line in the method', change(':method', 'GET / HTTP/1.1\r\nX: y'), 'method'],
    ['a line in the authority', change(':authority', 'a\r\nx: y'), 'host_invalid'],
    ['a line in a value', [...base, 'x', 'a\r\ntransfer-encoding: chunked'], 'line_ending'],
    ['a line in a name', [...base, 'x\r\ny', 'a'], 'field_name'],
    ['a colon in a name', [...base, 'x: y', 'a'], 'field_name'],
    ['an upper-case name', [...base, 'X', 'a'], 'field_name'],
    ['chunks', [...base, 'transfer-encoding', 'chunked'], 'field_forbidden'],
    ['Connection', [...base, 'connection', 'close'], 'field_forbidden'],
    ['an upgrade', [...base, 'upgrade', 'h2c'], 'field_forbidden'],
    ['TE with more than trailers', [...base, 'te', 'gzip'], 'field_forbidden'],
    ['another Host', [...base, 'host', 'b.test'], 'host_differs'],
    ['two Hosts', [...base, 'host', 'a.test', 'host', 'a.test'], 'host_repeated'],
    ['no authority', base.filter((_, at) => at !== 4 && at !== 5), 'host_missing'],
    ['a repeated pseudo-field', [...base, ':path', '/b'], 'field_name'],
    ['a pseudo-field behind a field', ['x', 'y', ...base], 'field_name'],
    ['a pseudo-field that is none', [':x', 'y', ...base], 'field_name'],
    ['a tunnel', [...change(':method', 'CONNECT'), ':protocol', 'websocket'], 'upgrade'],
    ['a URL for a path', change(':path', 'https://a.test/'), 'target_form'],
    ['another scheme', change(':scheme', 'ftp'), 'request_line'],
    ['two lengths', [...base, 'content-length', '1', 'content-length', '1'], 'length_invalid'],
    ['a length without a body', [...base, 'content-length', '1'], 'body_missing'],
    ['another method in a field', [...base, 'x-http-method', 'DELETE'], 'method_override'],
    ['too large a head', [...base, 'x', 'a'.repeat(33_000)], 'head_too_large'],
    [
      'too many fields',
      [...base, ...Array.from({ length: 101 }, () => ['a', 'b']).flat()],
      'fields_too_many',
    ],
  ])('with %s is refused', (_name, raw, expected) => {
    expect(rule(raw)).toBe(expected)
  })
})
