// Raw requests through our front to a real nginx: what was judged and what nginx acted upon are the same, for each of them, and
// nginx sees no request that was not judged.
//   HTTP_REQUESTS=100000    that many connections instead of the 1,000 (some 2,000 requests) of `npm test`
import { readFileSync } from 'node:fs'
import { connect, Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Body,
  Fields,
  forwardable,
  pipe,
  type RequestHead,
  targetText,
  Upstream,
  writeHost,
} from '#transport/http'
import { type Front, startFront } from '../../src/transport/http/raw.testing.ts'
import { type Nginx, startNginx } from '../servers/nginx.ts'
import { freePort } from '../servers/ports.ts'
import { connectionText, dice } from './http-requests.ts'

const CONNECTIONS = Number(process.env['HTTP_REQUESTS'] ?? 1_000)
const AT_ONCE = 32
/** Silence after which a connection has nothing more to say; with a request under way, it waits for what never comes. */
const IDLE_MS = 15
const STUCK_MS = 300

interface Judged {
  readonly head: RequestHead
  readonly target: string
  readonly host: string
  readonly body: Body
}

interface Seen {
  readonly id: string
  readonly line: string
  readonly method: string
  readonly target: string
  readonly path: string
  readonly host: string
  readonly length: string
  readonly status: string
}

describe('our front and the nginx behind it', () => {
  let nginx: Nginx
  let front: Front
  let upstream: Upstream
  const judged = new Map<string, Judged>()
  let next = 0

  beforeAll(async () => {
    const [port, sink] = [await freePort(), await freePort()]
    nginx = await startNginx(
      port,
      `log_format seen escape=json '{"id":"$http_x_judged","method":"$request_method","target":"$request_uri","path":"$uri",'
         '"line":"$request","host":"$host","length":"$upstream_http_x_length","status":"$status"}';
       access_log FOLDER/seen.log seen;
       underscores_in_headers on; merge_slashes off; ignore_invalid_headers off; client_max_body_size 0;
       keepalive_timeout 60; client_body_timeout 2s;
       server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${sink}; proxy_pass_request_headers off; } }
       server { listen 127.0.0.1:${sink}; access_log off; add_header X-Length "$content_length" always;
         location / { return 200 "$content_length"; } }`,
    )
    upstream = new Upstream({ host: '127.0.0.1', port, version: '1.1' })
    front = await startFront(
      async exchange => {
        const id = String(next++)
        const { request } = exchange
        const one: Judged = {
          head: request,
          target: targetText(request.target),
          host: request.host === undefined ? 'none.test' : writeHost(request.host),
          body: exchange.body,
        }
        judged.set(id, one)
        const call = await upstream.open({
          method: request.method,
          target: one.target,
          authority: one.host,
          fields: new Fields([...forwardable(request).flat, 'x-judged', id]),
          body: request.body,
        })
        exchange.onGone(error => call.abort(error))
        if (request.body.kind !== 'none') pipe(exchange.body, call.body)
        const { head, body } = await call.response
        const writer = exchange.respond({ ...head, fields: Fields.of(['x-judged', id]) })
        if (request.method === 'HEAD') writer.end()
        else pipe(body, writer)
      },
      { limits: { bodyIdleMs: 500, headTimeoutMs: 500 } },
    )
  })
  afterAll(async () => {
    upstream?.close()
    await front?.close()
    await nginx?.stop()
  })

  /** Says it, and waits until the other side has ended the connection, has answered all, or waits for more in vain. */
  function say(port: number, text: string): Promise<string> {
    return new Promise(resolve => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      let heard = ''
      let last = performance.now()
      const over = (): void => {
        clearInterval(timer)
        socket.destroy()
        resolve(heard)
      }
      const timer = setInterval(() => {
        const mine = front.connections.find(each => peerOf(each.socket) === socket.localPort)
        const silence = performance.now() - last
        if (mine !== undefined && silence > (mine.exchanges === 0 ? IDLE_MS : STUCK_MS)) over()
      }, IDLE_MS)
      socket.on('data', chunk => {
        heard += chunk.toString('latin1')
        last = performance.now()
      })
      socket.on('error', () => {})
      socket.on('close', over)
      socket.write(Buffer.from(text, 'latin1'))
    })
  }

  async function sayAll(port: number, seed: number, count: number): Promise<number> {
    const roll = dice(seed)
    let refused = 0
    let left = count
    const one = async (): Promise<void> => {
      while (left > 0) {
        left -= 1
        const heard = await say(port, connectionText(roll))
        if (/HTTP\/1.1 (4|5)\d\d/.test(heard)) refused += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, one))
    return refused
  }

  const log = (): Seen[] =>
    readFileSync(join(nginx.folder, 'seen.log'), 'latin1')
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Seen)

  it(
    'never disagree on method, path, host or length, and nothing is smuggled past',
    async () => {
      const refused = await sayAll(front.port, 20_261_121, CONNECTIONS)
      await new Promise(resolve => setTimeout(resolve, 700))
      const seen = log()
      const disagreements: unknown[] = []
      let compared = 0
      for (const each of seen) {
        const one = judged.get(each.id)
        // nginx refuses it before it reads a field.
        if (each.line === 'OPTIONS * HTTP/1.1' && each.status === '400' && each.id === '') continue
        const head =
          one !== undefined &&
          each.method === one.head.method &&
          each.target === one.target &&
          each.host === (one.head.host?.name.replace(/^(.*:.*)$/, '[$1]') ?? 'none.test') &&
          decoded(one.head.target.path) === each.path
        // Cut short by its client, or by us for what its body went on with: nginx never had it whole either.
        if (head && !one.body.complete && (each.status === '499' || each.status === '400')) continue
        // Nobody waited for the answer, but it was read to its end.
        const whole = each.status === '200' || (each.status === '499' && each.length === '')
        const agree =
          head && whole && (each.status === '499' || Number(each.length) === bodyLength(one))
        if (agree) compared += 1
        else disagreements.push({ seen: each, judged: one })
      }
      expect(disagreements.slice(0, 5)).toEqual([])
      const ids = seen.map(each => each.id).filter(id => id !== '')
      expect(new Set(ids).size).toBe(ids.length)
      expect(compared).toBeGreaterThan(CONNECTIONS / 5)
      expect(refused).toBeGreaterThan(CONNECTIONS / 10)
      expect(front.failures.filter(each => !isExpected(each))).toEqual([])
      if (CONNECTIONS > 10_000)
        process.stdout.write(
          `${JSON.stringify({
            connections: CONNECTIONS,
            judged: judged.size,
            seen: seen.length,
            compared,
            refused,
          })}\n`,
        )
    },
    Math.max(60_000, CONNECTIONS * 10),
  )
})

function peerOf(socket: unknown): number | undefined {
  return socket instanceof Socket ? socket.remotePort : undefined
}

/** As nginx writes what it decoded. */
function decoded(path: string): string {
  return path.replace(/%([0-9A-F]{2})/g, (_all, digits) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
}

function bodyLength(one: Judged): number {
  return one.head.body.kind === 'length' ? one.head.body.length : one.body.bytes
}

/** A client that left in the middle, and what that did to the request upstream. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['upstream_lost', 'protocol_violation'].includes(String(error.code))
  )
}
