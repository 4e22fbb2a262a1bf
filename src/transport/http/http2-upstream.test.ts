import { createServer, type ServerHttp2Stream } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Fields } from './fields.ts'
import { NO_BODY, STREAM } from './message.ts'
import { type Front, RawClient, startFront } from './raw.testing.ts'
import { relay } from './relay.ts'
import { Upstream } from './upstream.ts'
import type { UpstreamRequest } from './upstream-types.ts'

const server = createServer()
let upstream: Upstream
let front: Front
let sessions = 0

function answer(stream: ServerHttp2Stream, path: string, headers: NodeJS.Dict<unknown>): void {
  stream.on('error', () => {})
  if (path === '/trailers') {
    stream.respond({ ':status': 200, 'x-te': String(headers['te']) }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.pipe(stream)
  } else if (path === '/cut') {
    stream.respond({ ':status': 200 })
    stream.write('half')
    setTimeout(() => stream.destroy(new Error('cut')), 10)
  } else if (path === '/slow') {
    stream.respond({ ':status': 200 })
    stream.write('begun, ')
    setTimeout(() => stream.end('and done'), 1_500)
  } else if (path === '/silent') {
    stream.resume()
  } else if (path === '/short') {
    stream.respond({ ':status': 200, 'content-length': 9 })
    stream.end('four')
  } else if (path === '/goaway') {
    stream.respond({ ':status': 204 }, { endStream: true })
    stream.session?.goaway()
  } else {
    stream.respond({ ':status': 200 })
    stream.end(`${headers[':method']} ${headers[':authority']}`)
  }
}

beforeAll(async () => {
  server.on('session', () => {
    sessions += 1
  })
  server.on('stream', (stream, headers) =>
    answer(stream as ServerHttp2Stream, headers[':path']!, headers),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  upstream = new Upstream({ host: '127.0.0.1', port, version: '2' }, { answerTimeoutMs: 300 })
  front = await startFront(exchange => relay(exchange, upstream, { authority: 'api.test' }))
})
afterAll(async () => {
  upstream.close()
  await front.close()
  server.close()
})

const request = (target: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'GET',
  target,
  authority: 'api.test',
  fields: Fields.none,
  body: NO_BODY,
  ...more,
})
async function ask(wanted: UpstreamRequest, body?: string, of = upstream) {
  const call = await of.open(wanted)
  if (body !== undefined) {
    call.body.write(Buffer.from(body))
    call.body.end()
  }
  const response = await call.response
  const { bytes, trailers } = await response.body.collect(1e6, () => new Error('too much'))
  return { status: response.head.status, text: bytes.toString(), trailers: trailers.flat }
}

describe('the client towards upstreams, in HTTP/2', () => {
  it('asks many things at once on one connection', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, () => ask(request('/'))))
    expect(new Set(all.map(each => each.text))).toEqual(new Set(['GET api.test']))
    expect(sessions).toBe(1)
  })

  it('streams both ways and brings the trailers', async () => {
    const post = request('/trailers', { method: 'POST', body: STREAM })
    expect(await ask(post, 'abc')).toEqual({
      status: 200,
      text: 'abc',
      trailers: ['grpc-status', '0'],
    })
  })

  it('fails what is cut short, what is shorter than it said, and what does not come', async () => {
    await expect(ask(request('/cut'))).rejects.toMatchObject({ code: 'upstream_lost' })
    await expect(ask(request('/short'))).rejects.toThrow()
    await expect(ask(request('/silent'))).rejects.toMatchObject({ code: 'upstream_lost' })
  })

  it('opens another connection after the upstream said good-bye', async () => {
    const before = sessions
    expect((await ask(request('/goaway'))).status).toBe(204)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect((await ask(request('/'))).status).toBe(200)
    expect(sessions).toBe(before + 1)
  })

  it('keeps no connection for which nobody asks, and none that is old: what is under way there is finished', async () => {
    const { port } = server.address() as { port: number }
    const origin = { host: '127.0.0.1', port, version: '2' } as const
    const idle = new Upstream(origin, { idleSessionMs: 100 })
    expect((await ask(request('/'), undefined, idle)).status).toBe(200)
    expect(idle.connections).toBe(1)
    await expect.poll(() => idle.connections, { timeout: 5_000 }).toBe(0)
    expect((await ask(request('/'), undefined, idle)).status).toBe(200)
    idle.close()

    const aging = new Upstream(origin, { connectionAgeMs: 300, idleSessionMs: 60_000 })
    const before = sessions
    const slow = ask(request('/slow'), undefined, aging)
    // Somebody asks all the time.
    await expect
      .poll(
        async () => {
          expect((await ask(request('/'), undefined, aging)).status).toBe(200)
          return sessions - before
        },
        { timeout: 5_000, interval: 20 },
      )
      .toBe(2)
    expect(aging.connections).toBe(2)
    expect(await slow).toMatchObject({ status: 200, text: 'begun, and done' })
    await expect.poll(() => aging.connections, { timeout: 5_000 }).toBe(0)
    aging.close()
  })

  it('asks where the name leads by then, when a connection has grown old', async () => {
    const { port } = server.address() as { port: number }
    const moved = createServer()
    moved.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 })
      stream.end('the new place')
    })
    await new Promise<void>(resolve => moved.listen(port, '127.0.0.2', resolve))
    let leads = '127.0.0.1'
    const named = new Upstream(
      { host: 'api.test', port, version: '2', allowAddresses: ['loopback'] },
      { connectionAgeMs: 300, resolve: () => Promise.resolve([leads]) },
    )
    try {
      expect((await ask(request('/'), undefined, named)).text).toBe('GET api.test')
      leads = '127.0.0.2'
      const heard = async () => (await ask(request('/'), undefined, named)).text
      await expect.poll(heard, { timeout: 5_000, interval: 20 }).toBe('the new place')
    } finally {
      named.close()
      moved.close()
    }
  })

  it('serves a client of HTTP/1.1', async () => {
    const client = new RawClient(front.port)
    client.send(
      'POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    )
    const heard = await client.until(/0\r\n[\s\S]*\r\n\r\n$/)
    expect(heard).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*3\r\nabc\r\n0\r\ngrpc-status: 0\r\n\r\n$/)
    client.destroy()
  })

  it('is not asked what nobody wanted any more by the time its connection stood', async () => {
    const asked: string[] = []
    const hear = (_stream: unknown, headers: { ':path'?: string }) => asked.push(headers[':path']!)
    server.on('stream', hear)
    const { port } = server.address() as { port: number }
    let resolved = (_addresses: readonly string[]): void => {}
    const slow = new Upstream(
      { host: 'api.test', port, version: '2', allowAddresses: ['loopback'] },
      { resolve: () => new Promise(resolve => (resolved = resolve)) },
    )
    const ending = new AbortController()
    const given = slow.open(request('/late', { method: 'POST', signal: ending.signal }))
    const another = slow.open(request('/wanted'))
    ending.abort(new Error('the session has ended'))
    resolved(['127.0.0.1'])
    await expect(given).rejects.toThrow('no longer wanted')
    await (await another).response
    expect(asked).toEqual(['/wanted'])
    server.off('stream', hear)
    slow.close()
  })
})
