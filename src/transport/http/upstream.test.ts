import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addressRule } from './addresses.ts'
import { Fields } from './fields.ts'
import { NO_BODY, STREAM } from './message.ts'
import { becomes } from './raw.testing.ts'
import { RepeatedRequest } from './repeated.ts'
import { Upstream, type UpstreamOptions } from './upstream.ts'
import type { UpstreamOrigin, UpstreamRequest } from './upstream-types.ts'

/** An upstream that says what the test tells it to. */
let server: Server
let port = 0
let sockets: Socket[] = []
let heard = ''
let onRequest: (socket: Socket, text: string) => void = () => {}
const pools: Upstream[] = []

beforeAll(async () => {
  server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      heard += chunk.toString('latin1')
      onRequest(socket, chunk.toString('latin1'))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as { port: number }).port
})
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close()
  for (const socket of sockets) socket.destroy()
  sockets = []
  heard = ''
})
afterAll(() => server.close())

const pool = (options: UpstreamOptions = {}, origin: Partial<UpstreamOrigin> = {}): Upstream => {
  const one = new Upstream({ host: '127.0.0.1', port, version: '1.1', ...origin }, options)
  pools.push(one)
  return one
}
const answers = (...texts: string[]): void => {
  let next = 0
  onRequest = socket => {
    socket.write(Buffer.from(texts[next]!, 'latin1'))
    next = Math.min(next + 1, texts.length - 1)
  }
}
const GET: UpstreamRequest = {
  method: 'GET',
  target: '/a?b',
  authority: 'api.test',
  fields: Fields.of(['accept', '*/*']),
  body: NO_BODY,
}
const LIMIT = { limit: 1e6, tooMuch: () => new Error('too much') }

async function ask(upstream: Upstream, request: UpstreamRequest = GET) {
  const call = await upstream.open(request)
  const { head, body } = await call.response
  const { bytes, trailers } = await body.collect(LIMIT.limit, LIMIT.tooMuch)
  return { status: head.status, head, text: bytes.toString('latin1'), trailers }
}

describe('the client towards upstreams', () => {
  it('writes the request from what was judged and reads the answer', async () => {
    answers('HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nhi')
    const answer = await ask(pool())
    expect(heard).toBe('GET /a?b HTTP/1.1\r\nhost: api.test\r\naccept: */*\r\n\r\n')
    expect(answer).toMatchObject({ status: 200, text: 'hi', head: { reason: 'Fine' } })
    expect(answer.head.fields.flat).toEqual(['x-a', '1'])
  })

  it('uses a connection again, and opens no more than it may', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    const upstream = pool({ maxConnections: 2 })
    await ask(upstream)
    await ask(upstream)
    expect(sockets).toHaveLength(1)
    await Promise.all(Array.from({ length: 8 }, () => ask(upstream)))
    expect(sockets).toHaveLength(2)
  })

  it('uses none again that is old, however busy it is', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=60\r\n\r\nhi')
    const upstream = pool({ connectionAgeMs: 150 })
    const begun = performance.now()
    while (sockets.length < 2 && performance.now() - begun < 5_000) await ask(upstream)
    expect(performance.now() - begun).toBeGreaterThanOrEqual(150)
    expect(sockets).toHaveLength(2)
    expect(upstream.connections).toBeLessThanOrEqual(2)
  })

  it('leaves nobody waiting when no connection can be had any more', async () => {
    const gone = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => {
        gone.close()
        setTimeout(() => socket.destroy(), 20)
      })
    })
    await new Promise<void>(resolve => gone.listen(0, '127.0.0.1', resolve))
    const upstream = pool(
      { maxConnections: 1 },
      { port: (gone.address() as { port: number }).port },
    )
    const all = await Promise.allSettled(Array.from({ length: 4 }, () => ask(upstream)))
    expect(all.map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
  })

  it('sends nothing of a request that is no longer wanted when its turn comes', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    const upstream = pool({ maxConnections: 1 })
    const ending = new AbortController()
    const first = await upstream.open(GET)
    const { signal } = ending
    const waiting = upstream.open({ ...GET, method: 'DELETE', signal })
    first.listen({
      // Between the turn in which its connection is free and the one in which it is woken.
      answered: ({ body }) => {
        body.discard()
        process.nextTick(() => ending.abort())
      },
      failed() {},
    })
    await expect(waiting).rejects.toThrow('no longer wanted')
    await ask(upstream)
    expect(heard).not.toContain('DELETE')
  })

  it('sends bodies by length and in chunks, with trailers', async () => {
    onRequest = (socket, text) => {
      if (text.endsWith('45') || text.endsWith('0\r\nx-sum: 1\r\n\r\n'))
        socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    }
    const upstream = pool()
    const post = { ...GET, method: 'POST', fields: Fields.none }
    const sized = await upstream.open({ ...post, body: { kind: 'length', length: 5 } })
    sized.body.write(Buffer.from('123'))
    sized.body.write(Buffer.from('45'))
    sized.body.end()
    expect((await sized.response).head.status).toBe(204)
    const chunked = await upstream.open({ ...post, body: STREAM })
    chunked.body.write(Buffer.from('123'))
    chunked.body.end(Fields.of(['x-sum', '1']))
    expect((await chunked.response).head.status).toBe(204)
    expect(sockets).toHaveLength(1)
    expect(heard).toMatch(
      /content-length: 5\r\n\r\n12345POST .*transfer-encoding: chunked\r\n\r\n3\r\n123\r\n0\r\nx-sum: 1\r\n\r\n$/s,
    )
  })

  it('reads chunks, trailers, an end by close, and answers without a body', async () => {
    answers(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 9\r\n\r\n',
    )
    const seen: number[] = []
    const upstream = pool()
    const answer = await ask(upstream, { ...GET, onInformational: head => seen.push(head.status) })
    expect(answer).toMatchObject({ text: 'hi', trailers: { flat: ['x-sum', '9'] } })
    expect(seen).toEqual([100, 103])
    answers('HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n')
    expect(await ask(upstream, { ...GET, method: 'HEAD' })).toMatchObject({
      text: '',
      head: { body: { kind: 'length', length: 999 } },
    })
    answers('HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\nETag: a\r\n\r\n')
    expect(await ask(upstream)).toMatchObject({ status: 304, text: '' })
    expect(sockets).toHaveLength(1)
    onRequest = socket => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')
    expect(await ask(upstream)).toMatchObject({ text: 'all of it' })
  })

  it.each([
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n'],
    ['a bare LF', 'HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n'],
    ['another protocol', 'SSH-2.0-x\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['a switch that nobody asked for', 'HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n'],
    ['a coding that is not chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['no end of interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(40)],
    ['too large a head', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`],
    ['204 with a body', 'HTTP/1.1 204 None\r\nContent-Length: 4\r\n\r\nbody'],
  ])('refuses an answer with %s', async (_name, text) => {
    answers(text)
    await expect(ask(pool())).rejects.toMatchObject({ code: 'upstream_refused' })
  })

  it('fails a body that is cut short', async () => {
    onRequest = socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
    await expect(ask(pool())).rejects.toMatchObject({ code: 'upstream_lost' })
  })

  it('never uses a connection again on which more came than was asked for', async () => {
    answers(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    )
    const upstream = pool()
    expect((await ask(upstream)).text).toBe('hi')
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    expect((await ask(upstream)).text).toBe('ok')
    expect(sockets).toHaveLength(2)
    sockets[1]!.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await becomes(() => upstream.connections === 0)
  })

  it('never uses a connection again after a body that the upstream may not have expected, or did not wait for', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    const upstream = pool()
    const get = await upstream.open({ ...GET, body: { kind: 'length', length: 3 } })
    get.body.write(Buffer.from('abc'))
    get.body.end()
    await get.response
    const early = await upstream.open({ ...GET, method: 'POST', body: STREAM })
    early.body.write(Buffer.from('abc'))
    await early.response
    expect(early.body.write(Buffer.from('more'))).toBe(false)
    await becomes(() => upstream.connections === 0)
  })

  it('asks again on a new connection when the kept one was closed, and only what changes nothing', async () => {
    const upstream = pool()
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    await ask(upstream)
    let closing = true
    onRequest = socket => {
      if (closing) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      closing = false
    }
    expect((await ask(upstream)).text).toBe('ok')
    onRequest = socket => socket.destroy()
    await expect(ask(upstream, { ...GET, method: 'DELETE' })).rejects.toMatchObject({
      code: 'upstream_lost',
    })
    await expect(ask(upstream)).rejects.toMatchObject({ code: 'upstream_lost' })
  })

  it('ends nobody else’s request when one is given up after its answer was whole', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    const upstream = pool()
    const first = await upstream.open(GET)
    await (await first.response).body.collect(LIMIT.limit, LIMIT.tooMuch)
    onRequest = () => {}
    const second = await upstream.open({ ...GET, method: 'POST' })
    first.abort(new Error('its client is gone'))
    sockets[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    expect((await second.response).head.status).toBe(200)
    expect(sockets).toHaveLength(1)
  })

  it('gives the same object for heads of the same bytes, and another one for the answer to HEAD', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-One: 1\r\n\r\n')
    const upstream = pool()
    const [first, second] = [await ask(upstream), await ask(upstream)]
    expect(second.head).toBe(first.head)
    expect((await ask(upstream, { ...GET, method: 'HEAD' })).head).not.toBe(first.head)
  })

  it('is asked at once on a kept connection, and tells its listener in the turn in which the head came', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    const upstream = pool()
    expect(upstream.take(GET)).toBeUndefined()
    await ask(upstream)
    const call = upstream.take(new RepeatedRequest(GET))!
    const body = await new Promise<string>((resolve, reject) =>
      call.listen({
        // The body has not come yet in this turn: nothing of it was kept or paused.
        answered: response => {
          expect(response.body.bytes).toBe(0)
          response.body
            .collect(LIMIT.limit, LIMIT.tooMuch)
            .then(({ bytes }) => resolve(String(bytes)), reject)
        },
        failed: reject,
      }),
    )
    expect(body).toBe('hi')
    expect(sockets).toHaveLength(1)
  })

  it('is not asked once more for somebody who gave up meanwhile', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    let found: (() => void) | undefined
    const resolve = (): Promise<readonly string[]> =>
      new Promise(done => {
        found = () => done(['127.0.0.1'])
      })
    const upstream = pool({ resolve }, { host: 'api.test', allowAddresses: ['loopback'] })
    const first = ask(upstream)
    await becomes(() => found !== undefined)
    found!()
    await first
    found = undefined
    onRequest = socket => socket.destroy()
    const call = upstream.take(GET)!
    const failed = new Promise<Error>(told => call.listen({ answered: () => {}, failed: told }))
    await becomes(() => found !== undefined)
    call.abort(new Error('given up'))
    found!()
    expect(await failed).toMatchObject({ message: 'given up' })
    expect(heard.match(/GET/g)).toHaveLength(2)
  })

  it('becomes a tunnel after 101 only, and that connection is nobody else’s', async () => {
    const upgrade = { ...GET, upgrade: 'websocket' }
    answers('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\nfirst')
    const upstream = pool()
    const call = await upstream.open(upgrade)
    const { tunnel } = await call.response
    const chunks: string[] = []
    tunnel!.incoming.read({
      data: chunk => chunks.push(Buffer.from(chunk).toString()) > 0,
      end() {},
      fail() {},
    })
    expect(heard).toMatch(/connection: upgrade\r\nupgrade: websocket\r\n\r\n$/)
    tunnel!.outgoing.write(Buffer.from('second'))
    await becomes(() => heard.endsWith('second') && chunks.length > 0)
    expect(chunks[0]).toBe('first')
    answers('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')
    expect((await (await upstream.open(upgrade)).response).head.status).toBe(403)
    await becomes(() => upstream.connections === 1)
  })

  it('asks in HTTP/1.1 for what a connection is to become, also where all else is asked in HTTP/2', async () => {
    answers('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n')
    const upstream = pool({}, { version: '2' })
    const call = await upstream.open({ ...GET, upgrade: 'websocket' })
    expect((await call.response).tunnel).toBeDefined()
    expect(heard).toMatch(/^GET \S+ HTTP\/1\.1\r\n/)
  })

  it('gives up an answer that does not come in time, or that nobody wants any more', async () => {
    onRequest = () => {}
    await expect(ask(pool({ answerTimeoutMs: 50 }))).rejects.toMatchObject({
      message: 'the resource did not answer in time',
    })
    const upstream = pool()
    const controller = new AbortController()
    const call = await upstream.open({ ...GET, signal: controller.signal })
    controller.abort()
    await expect(call.response).rejects.toMatchObject({ code: 'upstream_lost' })
    await becomes(() => upstream.connections === 0)
  })

  it('goes only where the settings allow, to the address that was checked', async () => {
    answers('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    const resolving = (...addresses: string[]) => ({ resolve: async () => addresses })
    const named = { host: 'api.example' }
    await expect(ask(pool(resolving('127.0.0.1'), named))).rejects.toMatchObject({
      code: 'upstream_refused',
    })
    const allowed = { ...named, allowAddresses: ['loopback'] }
    expect((await ask(pool(resolving('10.1.1.1', '127.0.0.1'), allowed))).text).toBe('hi')
    await expect(ask(pool(resolving('10.1.1.1'), allowed))).rejects.toMatchObject({
      code: 'upstream_refused',
    })
  })
})

describe('a slow upload', () => {
  it('is not taken for a late answer', async () => {
    onRequest = (socket, text) => {
      if (text.endsWith('z')) socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    }
    const upstream = pool({ answerTimeoutMs: 1_000 })
    const call = await upstream.open({
      ...GET,
      method: 'POST',
      body: { kind: 'length', length: 6 },
    })
    for (const piece of 'abcdez') {
      call.body.write(Buffer.from(piece))
      await new Promise(resolve => setTimeout(resolve, 250))
    }
    expect((await call.response).head.status).toBe(204)
  })
})

describe('an address', () => {
  const refused = (address: string, ...allow: string[]) => !addressRule(allow).permits(address)
  it('is refused when it is nobody’s, everybody’s, ours, or hides one of those', () => {
    const bad = [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '169.254.1.1',
      '169.254.169.254',
      '168.63.129.16',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      'fd00::1',
      'fe80::1',
      'fe80::1%eth0',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:0:10.0.0.1',
      '64:ff9b::10.0.0.1',
      '64:ff9b::a9fe:a9fe',
      '2002:7f00:1::',
      '2001::1',
      '::7f00:1',
      'not-an-address',
      '127.1',
      '0x7f.1',
    ]
    expect(bad.filter(address => !refused(address))).toEqual([])
    expect(
      ['93.184.216.34', '2606:2800:220:1::1', '64:ff9b::5db8:d822'].filter(a => refused(a)),
    ).toEqual([])
  })

  it('is allowed by the name of its range or by the range, a metadata service by the range alone', () => {
    expect(refused('10.1.2.3', 'private')).toBe(false)
    expect(refused('::ffff:10.1.2.3', 'private')).toBe(false)
    expect(refused('127.0.0.1', 'private')).toBe(true)
    expect(refused('10.1.2.3', '10.1.0.0/16')).toBe(false)
    expect(refused('10.2.2.3', '10.1.0.0/16')).toBe(true)
    expect(refused('169.254.169.254', 'link-local')).toBe(true)
    expect(refused('169.254.169.254', '169.254.169.254/32')).toBe(false)
    const named = (address: string, ...allow: string[]) => addressRule(allow).permitsNamed(address)
    expect([named('127.0.0.1'), named('10.0.0.1'), named('169.254.169.254')]).toEqual([
      true,
      true,
      false,
    ])
    expect(named('169.254.169.254', '169.254.169.254/32')).toBe(true)
    expect(() => addressRule(['everything'])).toThrow(/neither loopback/)
    expect(() => addressRule(['10.0.0.0/33'])).toThrow(/neither loopback/)
  })
})
