// What is done to gateways for HTTP: requests that two readers read differently, and connections that ask for more than they are
// worth. Frames of HTTP/2 are written by hand: a client that keeps the rules cannot break them.
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RequestHead, relay, Upstream } from '#transport/http'
import { becomes, type Front, RawClient, startFront } from '../../src/transport/http/raw.testing.ts'

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: evil.test\r\n\r\n'

describe('a request within a request', () => {
  let server: Server
  let upstream: Upstream
  let front: Front
  let heard: string[] = []
  const sockets = new Set<Socket>()

  beforeAll(async () => {
    // Answers each head at once and takes no body for one: the careless upstream of CL.0.
    server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', chunk => {
        heard.push(chunk.toString('latin1'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    upstream = new Upstream({ host: '127.0.0.1', port, version: '1.1' })
    front = await startFront(exchange => relay(exchange, upstream, { authority: 'api.test' }))
  })
  beforeEach(() => {
    heard = []
  })
  afterAll(async () => {
    upstream.close()
    await front.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  const post = (fields: string, body: string) =>
    `POST /a HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`
  const length = `Content-Length: ${SMUGGLED.length + 5}`
  it.each([
    ['CL.TE', post(`${length}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${SMUGGLED}`)],
    [
      'TE.CL',
      post('Transfer-Encoding: chunked\r\nContent-Length: 4', `2f\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    ],
    ['CL.CL', post(`Content-Length: 0\r\n${length}`, SMUGGLED)],
    ['CL.CL in one field', post('Content-Length: 0, 43', SMUGGLED)],
    ['0.CL by a look-alike', post('Content_Length: 43', SMUGGLED)],
    [
      'TE.TE, a blank ahead of the colon',
      post(`${length}\r\nTransfer-Encoding : chunked`, `0\r\n\r\n${SMUGGLED}`),
    ],
    [
      'TE.TE, twice',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: cow', `0\r\n\r\n${SMUGGLED}`),
    ],
    ['TE.TE, a list', post('Transfer-Encoding: chunked, cow', `0\r\n\r\n${SMUGGLED}`)],
    ['TE.TE, folded', post('Transfer-Encoding:\r\n chunked', `0\r\n\r\n${SMUGGLED}`)],
    ['TE.TE, a vertical tab', post('Transfer-Encoding:\x0bchunked', `0\r\n\r\n${SMUGGLED}`)],
    ['TE.TE, behind a bare LF', post('X: y\nTransfer-Encoding: chunked', `0\r\n\r\n${SMUGGLED}`)],
    ['TE.TE, behind a bare CR', post('X: y\rTransfer-Encoding: chunked', `0\r\n\r\n${SMUGGLED}`)],
    ['TE.TE, quoted', post('Transfer-Encoding: "chunked"', `0\r\n\r\n${SMUGGLED}`)],
    [
      'TE in HTTP/1.0',
      `POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    [
      'TERM.EXT, a bare LF in an extension',
      post('Transfer-Encoding: chunked', `2;\nxx\r\n0\r\n\r\n${SMUGGLED}`),
    ],
    [
      'a size that overflows',
      post('Transfer-Encoding: chunked', `10000000000000000\r\n${SMUGGLED}`),
    ],
    [
      'a trailer that frames',
      post('Transfer-Encoding: chunked', `0\r\nContent-Length: 43\r\n\r\n${SMUGGLED}`),
    ],
    [
      'an upgrade with a body',
      post(`Connection: upgrade\r\nUpgrade: websocket\r\n${length}`, SMUGGLED),
    ],
  ])('%s is refused, and what is in it goes nowhere', async (_name, text) => {
    const client = new RawClient(front.port)
    client.send(text)
    expect(await client.end()).toMatch(/^HTTP\/1.1 (400|501) [\s\S]*"rule":"[a-z_]+"}$/)
    expect(heard.join('')).not.toContain('smuggled')
  })

  it('what stands in a body is a body upstream, and its connection serves nobody after it (CL.0)', async () => {
    const client = new RawClient(front.port)
    client.send(
      `GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    )
    await client.until(/ok$/)
    await becomes(() => upstream.connections === 0)
    expect(heard.join('')).toContain(`content-length: ${SMUGGLED.length}\r\n\r\nGET /smuggled`)
    client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until(/ok[\s\S]*ok$/)
    expect(heard.at(-1)).toMatch(/^GET \/next /)
    client.destroy()
  })

  it('two hundred heads that never end keep nobody else waiting', async () => {
    const patient = await startFront(
      exchange => {
        exchange.answer({
          status: 204,
          fields: exchange.request.fields.without(() => true),
          body: { kind: 'none' },
        })
      },
      { limits: { headTimeoutMs: 300 } },
    )
    const slow = Array.from({ length: 200 }, () => new RawClient(patient.port))
    for (const one of slow) one.send('GET / HTTP/1.1\r\nX: ')
    const other = new RawClient(patient.port)
    other.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(await other.end()).toMatch(/^HTTP\/1.1 204/)
    for (const one of slow) expect(await one.end()).toMatch(/^HTTP\/1.1 408/)
    await patient.close()
  })
})

describe('HTTP/2 as a weapon', () => {
  const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION] = [0, 1, 3, 4, 6, 9]
  const [END_STREAM, END_HEADERS] = [1, 4]

  function frame(
    type: number,
    flags: number,
    stream: number,
    payload: Uint8Array = Buffer.alloc(0),
  ): Buffer {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = type
    head[4] = flags
    head.writeUInt32BE(stream, 5)
    return Buffer.concat([head, payload])
  }
  /** HPACK, literal without indexing, a new name (RFC 7541 section 6.2.2). */
  function fields(...list: readonly [string, string][]): Buffer {
    return Buffer.concat(
      list.map(([name, value]) =>
        Buffer.concat([
          Buffer.from([0, name.length]),
          Buffer.from(name, 'latin1'),
          Buffer.from([value.length]),
          Buffer.from(value, 'latin1'),
        ]),
      ),
    )
  }
  const REQUEST = fields(
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', '/'],
  )

  let front: Front
  let begun = 0
  let most = 0
  let open = 0
  const heads: RequestHead[] = []
  const bodies: string[] = []
  beforeAll(async () => {
    front = await startFront(
      exchange => {
        begun += 1
        open += 1
        most = Math.max(most, open)
        // Work that goes on for a while after its stream was reset: what rapid resets are after.
        setTimeout(() => {
          open -= 1
        }, 50)
        heads.push(exchange.request)
        if (exchange.request.body.kind === 'none') return
        exchange.body.read({
          data: () => true,
          end: () => bodies.push('whole'),
          fail: () => bodies.push('cut'),
        })
      },
      {
        version: '2',
        limits: { resets: 100, streams: 50, headTimeoutMs: 400, idleTimeoutMs: 400 },
      },
    )
  })
  beforeEach(() => {
    begun = 0
    most = 0
    heads.length = 0
    bodies.length = 0
  })
  afterAll(() => front.close())

  function attacker(): RawClient {
    const client = new RawClient(front.port)
    client.send(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), frame(SETTINGS, 1, 0)]))
    return client
  }

  /** Sends again and again until it is thrown out; says how often. */
  async function flood(
    client: RawClient,
    rounds: number,
    make: (round: number) => Buffer,
  ): Promise<number> {
    for (let round = 0; round < rounds; round += 1) {
      if (client.closed) return round
      client.send(make(round))
      if (round % 20 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    await client.end()
    return rounds
  }

  it('rapid resets begin a bounded number of exchanges, and end the connection (CVE-2023-44487)', async () => {
    const client = attacker()
    await flood(client, 5_000, round => {
      const stream = 2 * round + 1
      return Buffer.concat([
        frame(HEADERS, END_HEADERS | END_STREAM, stream, REQUEST),
        frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
      ])
    })
    expect(begun).toBeLessThan(1_000)
  })

  it('a head that goes on in CONTINUATION frames without end ends the connection (CVE-2024-27983)', async () => {
    const client = attacker()
    client.send(frame(HEADERS, 0, 1, REQUEST))
    const more = fields(
      ...Array.from({ length: 20 }, (_, at) => [`x-${at}`, 'y'.repeat(100)] as [string, string]),
    )
    const rounds = await flood(client, 5_000, () => frame(CONTINUATION, 0, 1, more))
    expect(client.closed).toBe(true)
    expect(begun).toBe(0)
    expect(rounds).toBeLessThanOrEqual(5_000)
  })

  it('a head of thousands of fields reaches nobody', async () => {
    const client = attacker()
    const many = fields(...Array.from({ length: 900 }, () => ['a', 'b'] as [string, string]))
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([REQUEST, many])))
    client.send(frame(PING, 0, 0, Buffer.alloc(8)))
    await becomes(() => client.closed || client.heard.length > 60)
    expect(begun).toBe(0)
    client.destroy()
  })

  it('empty DATA frames without end end the connection (CVE-2019-9518)', async () => {
    const client = attacker()
    client.send(
      frame(
        HEADERS,
        END_HEADERS,
        1,
        fields([':method', 'POST'], [':scheme', 'http'], [':authority', 'a'], [':path', '/']),
      ),
    )
    await flood(client, 20_000, () => frame(DATA, 0, 1))
    expect(client.closed).toBe(true)
  })

  it('pings and settings whose answers are never read take no memory (CVE-2019-9512, -9515)', async () => {
    for (const make of [() => frame(PING, 0, 0, Buffer.alloc(8)), () => frame(SETTINGS, 0, 0)]) {
      const client = attacker()
      client.socket.pause()
      const many = Buffer.concat(Array.from({ length: 2_000 }, make))
      const before = process.memoryUsage().rss
      for (let round = 0; round < 100 && !client.closed; round += 1) {
        client.send(many)
        await new Promise(resolve => setImmediate(resolve))
      }
      expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
      client.destroy()
    }
  })

  it('a line in a value becomes no line of HTTP/1.1 (h2.TE), and a length that is not the body’s is refused (h2.CL)', async () => {
    const client = attacker()
    const evil = fields(['x', `a\r\ntransfer-encoding: chunked`])
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([REQUEST, evil])))
    const short = fields(
      [':method', 'POST'],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', '/'],
      ['content-length', '0'],
    )
    client.send(frame(HEADERS, END_HEADERS, 3, short))
    client.send(frame(DATA, END_STREAM, 3, Buffer.from('GET /smuggled HTTP/1.1\r\n\r\n')))
    const te = fields(['transfer-encoding', 'chunked'])
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 5, Buffer.concat([REQUEST, te])))
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 7, REQUEST))
    await becomes(
      () => client.closed || heads.some(head => head.fields.size === 1 && head.method === 'GET'),
    )
    await becomes(() => client.closed || bodies.length >= 1)
    // nghttp2 may leave a field out that is none; it is then not judged, and not forwarded.
    for (const head of heads) expect(head.fields.flat.join('\n')).not.toMatch(/chunked|x\n/)
    expect(bodies).not.toContain('whole')
    client.destroy()
  })

  it('a connection that asks for nothing is let go', async () => {
    const client = attacker()
    await client.end()
    expect(begun).toBe(0)
  })

  it('begins no more at once than it may, however many are asked for', async () => {
    const client = attacker()
    const post = fields(
      [':method', 'POST'],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', '/'],
    )
    for (let at = 0; at < 300; at += 1) client.send(frame(HEADERS, END_HEADERS, 2 * at + 1, post))
    await becomes(() => begun > 0)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(most).toBeLessThanOrEqual(50)
    client.destroy()
  })
})
