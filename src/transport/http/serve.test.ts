import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pipe } from './body.ts'
import type { Exchange } from './exchange.ts'
import { Fields } from './fields.ts'
import { NO_BODY, STREAM } from './message.ts'
import { becomes, type Front, RawClient, startFront } from './raw.testing.ts'

/** What the front does, by path. */
async function serve(exchange: Exchange): Promise<void> {
  const { method, target, body } = exchange.request
  const none = Fields.none
  switch (target.path) {
    case '/echo': {
      const { bytes, trailers } = await exchange.body.collect(1e6, () => new Error('too much'))
      const fields = Fields.of(['x-trailers', String(trailers.size)])
      exchange.answer({ status: 200, fields, body: NO_BODY }, bytes)
      return
    }
    case '/stream':
      pipe(exchange.body, exchange.respond({ status: 200, fields: none, body: STREAM }))
      return
    case '/refused':
      exchange.answer({ status: 403, fields: none, body: NO_BODY }, 'no')
      return
    case '/parts': {
      const writer = exchange.respond({ status: 200, fields: none, body: STREAM })
      writer.write(Buffer.from('one'))
      await new Promise(resolve => setTimeout(resolve, 5))
      writer.write(Buffer.from('two'))
      writer.end(Fields.of(['x-sum', '2'], ['content-length', '9']))
      return
    }
    case '/short': {
      const writer = exchange.respond({
        status: 200,
        fields: none,
        body: { kind: 'length', length: 9 },
      })
      writer.write(Buffer.from('less'))
      writer.end()
      return
    }
    case '/hints':
      exchange.informational(103, Fields.of(['link', '</a>']))
      exchange.answer({ status: 200, fields: none, body: NO_BODY })
      return
    case '/upgrade': {
      const { incoming, outgoing } = exchange.upgrade(Fields.of(['x-kind', 'echo']))
      pipe(incoming, outgoing)
      return
    }
    case '/flood': {
      const writer = exchange.respond({ status: 200, fields: none, body: STREAM })
      const chunk = Buffer.alloc(65_536)
      const more = (): void => {
        while (writer.write(chunk));
      }
      writer.onDrain(more)
      more()
      return
    }
    case '/throws':
      throw new Error('a bug')
    case '/injects':
      exchange.answer({
        status: 200,
        fields: Fields.of(['x', 'a\r\nset-cookie: b']),
        body: NO_BODY,
      })
      return
    case '/slow':
      await new Promise(resolve => setTimeout(resolve, 10))
      exchange.answer({ status: 200, fields: none, body: NO_BODY }, target.query ?? '')
      return
    default:
      exchange.answer({ status: 200, fields: none, body: NO_BODY }, `${method} ${body.kind}`)
  }
}

const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const undated = (text: string): string => text.replace(/date: [^\r]*\r\n/g, '')

describe('the front, in HTTP/1.1', () => {
  let front: Front
  const clients: RawClient[] = []
  beforeAll(async () => {
    front = await startFront(serve, {
      limits: { headTimeoutMs: 300, bodyIdleMs: 300, idleTimeoutMs: 300, writeIdleMs: 300 },
    })
  })
  afterAll(() => front.close())
  const client = (): RawClient => {
    const one = new RawClient(front.port)
    clients.push(one)
    return one
  }
  const exchange = async (text: string, until: RegExp): Promise<string> => {
    const one = client()
    one.send(text)
    const heard = await one.until(until)
    one.destroy()
    return undated(heard)
  }

  it('answers with a length and keeps the connection', async () => {
    const one = client()
    one.send(get('/'))
    expect(undated(await one.until(/none$/))).toBe(
      'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nGET none',
    )
    one.send(get('/again'))
    await one.until(/none[\s\S]*none$/)
    one.destroy()
  })

  it('serves pipelined requests one at a time, in order', async () => {
    const heard = await exchange(get('/slow?1') + get('/slow?2') + get('/') + get('/slow?3'), /3$/)
    expect(heard.match(/\r\n\r\n([^H]*)/g)).toEqual([
      '\r\n\r\n1',
      '\r\n\r\n2',
      '\r\n\r\nGET none',
      '\r\n\r\n3',
    ])
  })

  it('sends no body where none follows', async () => {
    const heard = await exchange(`HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${get('/slow?x')}`, /x$/)
    expect(heard).toBe(
      'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx',
    )
  })

  it('streams in chunks with trailers, and drops a trailer that must not be one', async () => {
    expect(await exchange(get('/parts'), /0\r\n[\s\S]*\r\n\r\n$/)).toBe(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nx-sum: 2\r\n\r\n',
    )
  })

  it('ends a stream with the connection for HTTP/1.0', async () => {
    const one = client()
    one.send('GET /parts HTTP/1.0\r\n\r\n')
    expect(undated(await one.end())).toBe('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo')
  })

  it('says 100 when the body is wanted, and only then', async () => {
    const head = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`
    const wanted = client()
    wanted.send(head('/echo'))
    await wanted.until(/100 Continue\r\n\r\n$/)
    wanted.send('hi')
    await wanted.until(/hi$/)
    wanted.destroy()
    const refused = client()
    refused.send(head('/refused'))
    expect(await refused.end()).toMatch(/^HTTP\/1.1 403 [\s\S]*connection: close/)
  })

  it('reads a body in the same packet before it asks whether the connection can go on', async () => {
    const heard = await exchange(
      `POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi${get('/slow?x')}`,
      /x$/,
    )
    expect(heard).not.toContain('connection: close')
  })

  it('closes behind an answer whose request was not read to its end', async () => {
    const one = client()
    one.send(
      'POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nGET /evil HTTP/1.1\r\n',
    )
    expect(await one.end()).toMatch(/^HTTP\/1.1 403 [\s\S]*connection: close\r\n\r\nno$/)
  })

  it('cuts an answer short that is not as long as it said', async () => {
    const one = client()
    one.send(get('/short') + get('/'))
    expect(await one.end()).not.toMatch(/GET none/)
  })

  it('gives early hints ahead of the answer', async () => {
    expect(await exchange(get('/hints'), /200 OK/)).toMatch(
      /^HTTP\/1.1 103 Early Hints\r\nlink: <\/a>\r\n\r\nHTTP\/1.1 200/,
    )
  })

  it('becomes a tunnel, with what came behind the head as its first bytes', async () => {
    const one = client()
    one.send(`${get('/upgrade', 'Connection: Upgrade\r\nUpgrade: Echo\r\n')}first`)
    expect(await one.until(/first/)).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nx-kind: echo\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nfirst',
    )
    one.send('second')
    await one.until(/firstsecond$/)
    one.destroy()
  })

  it('answers a request that cannot be read with the rule, and ends', async () => {
    const one = client()
    one.send(`${get('/')}GET /a//b HTTP/1.1\r\nHost: a\r\n\r\n${get('/evil')}`)
    const heard = await one.end()
    expect(heard).toMatch(/GET noneHTTP\/1.1 400 Bad Request[\s\S]*"rule":"target_empty_segment"}$/)
  })

  it('fails the body of a request whose chunks cannot be read', async () => {
    const one = client()
    one.send('POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab')
    await becomes(() => front.connections.some(each => each.exchanges === 1))
    one.send('cd\r\n')
    expect(await one.end()).toMatch(/^HTTP\/1.1 400 [\s\S]*"rule":"chunk"}$/)
    await becomes(() => front.failures.length > 0)
    expect(front.failures.pop()).toMatchObject({ rule: 'chunk' })
  })

  it('ends the connection of an exchange that fails, and tells the operator', async () => {
    const one = client()
    one.send(get('/throws'))
    expect(await one.end()).toBe('')
    expect(front.failures.pop()).toMatchObject({ message: 'a bug' })
  })

  it('sends no line that stands in the middle of a value', async () => {
    const one = client()
    one.send(get('/injects'))
    expect(await one.end()).toBe('')
    expect(String(front.failures.pop())).toContain('the field x')
  })

  it('carries a large body both ways without keeping it', async () => {
    const one = client()
    one.send('POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n')
    one.send(Buffer.alloc(3_000_000, 0x61))
    await one.until(/\r\n0\r\n\r\n$/)
    expect(one.heard.match(/a/g)!.length).toBeGreaterThan(2_999_999)
    one.destroy()
  })

  it('lets go of those who are late with a head, a body, the next request, or with reading', async () => {
    const [head, drip, body, idle, deaf] = [client(), client(), client(), client(), client()]
    head.send('GET / HT')
    drip.send('G')
    const dripping = setInterval(() => drip.send('E'), 50)
    body.send('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab')
    idle.send(get('/'))
    deaf.send(get('/flood'))
    await deaf.until(/^HTTP/)
    deaf.socket.pause()
    expect(await head.end()).toMatch(/^HTTP\/1.1 408 [\s\S]*"rule":"head_late"}$/)
    expect(await drip.end()).toMatch(/^HTTP\/1.1 408/)
    clearInterval(dripping)
    expect(await body.end()).toMatch(/^HTTP\/1.1 408 [\s\S]*"rule":"body_late"}$/)
    expect(await idle.end()).toMatch(/GET none$/)
    const { localPort } = deaf.socket
    await becomes(() =>
      front.connections.every(each => (each.socket as Socket).remotePort !== localPort),
    )
    deaf.destroy()
    front.failures.length = 0
  })

  it('reads on the body that is under way when it is told to end, and nothing behind it', async () => {
    const one = client()
    one.send('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab')
    const mine = () =>
      front.connections.find(each => (each.socket as Socket).remotePort === one.socket.localPort)
    await becomes(() => mine()?.exchanges === 1)
    const ending = mine()!.close(2_000)
    one.send(`cd${get('/evil')}`)
    expect(await one.end()).toMatch(/connection: close\r\n\r\nabcd$/)
    await ending
  })

  it('waits for a slow reader behind its last word', async () => {
    const big = await startFront(
      exchange => {
        const body = Buffer.alloc(20_000_000, 0x61)
        exchange.answer({ status: 200, fields: Fields.none, body: NO_BODY }, body)
      },
      { limits: { writeIdleMs: 5_000 } },
    )
    const one = new RawClient(big.port)
    one.send(get('/', 'Connection: close\r\n'))
    await one.until(/aaa/)
    one.socket.pause()
    await new Promise(resolve => setTimeout(resolve, 1_300))
    one.socket.resume()
    expect((await one.end()).length).toBeGreaterThan(20_000_000)
    await big.close()
  })

  it('tells an exchange that its client is gone', async () => {
    let lost: Promise<unknown> | undefined
    const other = await startFront(exchange => {
      lost = new Promise(resolve => exchange.signal.addEventListener('abort', resolve))
    })
    const one = new RawClient(other.port)
    one.send(get('/'))
    while (lost === undefined) await new Promise(resolve => setImmediate(resolve))
    one.destroy()
    await lost
    await other.close()
  })
})
