// What a client can learn of masked bodies by what HTTP says of bodies: their tags, dates, lengths and parts. The origin makes its tags of
// the bytes, as many do (a hash), and honours every condition; and rules change while clients hold copies.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Issuer, startIssuer } from '../../demo/index.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'

const EMAIL = 'ivo.fuchs@example.org'
const PICTURE = `<svg>${'x'.repeat(400)}</svg>`
const MODIFIED = 'Sun, 22 Nov 2026 10:00:00 GMT'
const MASKED = `
@id("all") permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource);`
const REVEALED = `${MASKED}
@id("seen") permit (principal, action == Action::"reveal", resource);`

const bodyOf = (email: string) => JSON.stringify({ id: 7, email })
/** As Express and others make them. */
const hashOf = (body: string) => `"${createHash('sha1').update(body).digest('base64')}"`
const GUESS = hashOf(bodyOf(EMAIL))

let origin: Server
let issuer: Issuer
let gateway: RunningGateway
let token: string
let written: string[]
let stored: string

beforeAll(async () => {
  origin = createServer((asked, answer) => {
    const { method = '', url = '/', headers } = asked
    const body = url === '/picture' ? PICTURE : stored
    const tag = hashOf(body)
    const fits = (list: string | undefined) =>
      list !== undefined && (list === '*' || list.split(/, */).includes(tag))
    if (headers['if-match'] !== undefined && !fits(headers['if-match']))
      return void answer.writeHead(412, { etag: tag }).end()
    answer.setHeader('etag', tag)
    answer.setHeader('last-modified', MODIFIED)
    answer.setHeader('cache-control', 'public, max-age=600')
    if (method === 'PUT') {
      written.push(url)
      return void answer.writeHead(204).end()
    }
    const none = headers['if-none-match']
    const since = none === undefined && headers['if-modified-since'] === MODIFIED
    if (fits(none) || since)
      return void answer.writeHead(304, { 'content-length': body.length }).end()
    answer.setHeader('content-type', url === '/picture' ? 'image/svg+xml' : 'application/json')
    answer.setHeader('accept-ranges', 'bytes')
    answer.setHeader('x-amz-checksum-sha1', tag)
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
    const inRange = headers['if-range']?.toString()
    if (from !== undefined && (inRange === undefined || fits(inRange))) {
      const part = body.slice(Number(from), to === '' ? undefined : Number(to) + 1)
      answer.writeHead(206, { 'content-range': `bytes ${from}-${to}/${body.length}` }).end(part)
    } else answer.setHeader('content-length', body.length).end(body)
  })
  await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
  issuer = await startIssuer()
  const { port } = origin.address() as AddressInfo
  gateway = await startGateway({
    issuers: [issuerEntry(issuer.url)],
    resources: [
      {
        name: 'crm',
        protocol: 'http',
        upstream: { url: `http://127.0.0.1:${port}` },
        credential: { headers: { 'X-Api-Key': 'env:KEY' } },
      },
    ],
    policies: { 'crm.cedar': MASKED },
    dataClasses: { email: { detect: 'email', mask: 'redact' } },
    env: { KEY: 'a-key-of-the-gateway' },
    listener: 'http',
  })
  token = await issuer.token({ client: 'order-bot' })
})
afterAll(async () => {
  await gateway?.remove()
  await issuer?.stop()
  origin?.closeAllConnections()
  origin?.close()
})
beforeEach(async () => {
  stored = bodyOf(EMAIL)
  written = []
  await rules(MASKED, false)
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: gateway.port,
      path,
      method,
      agent: false,
      ca: readFileSync(gateway.ca),
      headers: { authorization: `Bearer ${token}`, 'sallyport-resource': 'crm', ...headers },
    } as const
    const asked = request(options, response => {
      let text = ''
      response.setEncoding('utf8').on('data', piece => {
        text += piece
      })
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      )
      response.once('error', reject)
    })
    asked.once('error', reject)
    asked.end(method === 'PUT' ? '{}' : undefined)
  })
}

/** From then on. */
async function rules(policies: string, seen: boolean): Promise<void> {
  gateway.writePolicies({ 'crm.cedar': policies })
  const inClear = async () => (await ask('/customers/7')).text.includes(EMAIL)
  await expect.poll(inClear, { timeout: 15_000 }).toBe(seen)
}

const tagOf = ({ headers }: Answer): string => headers.etag ?? ''

describe('of a masked body', () => {
  it('no field says what was computed of it, nor how long it is', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask('/customers/7', {}, method)
      expect(answer.status).toBe(200)
      expect(answer.text).not.toContain(EMAIL)
      expect(JSON.stringify(answer.headers)).not.toContain(GUESS.slice(1, -1))
      for (const name of ['x-amz-checksum-sha1', 'accept-ranges', 'last-modified'])
        expect(answer.headers[name], `${method} ${name}`).toBeUndefined()
      const length = method === 'GET' ? String(Buffer.byteLength(answer.text)) : undefined
      expect(answer.headers['content-length']).toBe(length)
      expect(answer.headers['cache-control']).toBe('private, max-age=600')
    }
  })

  it('no condition tells whether a guess is right, on reads or on writes', async () => {
    const wrong = hashOf(bodyOf('ivo.fuchs@example.com'))
    for (const path of ['/customers/7', '/picture'])
      for (const [name, method] of [
        ['if-none-match', 'GET'],
        ['if-none-match', 'HEAD'],
        ['if-match', 'GET'],
        ['if-match', 'PUT'],
      ] as const) {
        const outcomes = []
        for (const guess of [GUESS, wrong, GUESS.slice(1, -1), `W/${GUESS}`, `${wrong}, ${GUESS}`])
          outcomes.push((await ask(path, { [name]: guess }, method)).status)
        expect(new Set(outcomes).size, `${name} ${method} ${path}: ${outcomes}`).toBe(1)
      }
    expect(written).toEqual([])
  })

  it('no part is given, and no condition makes one whole', async () => {
    for (const headers of [{}, { 'if-range': GUESS }, { 'if-range': MODIFIED }]) {
      const answer = await ask('/customers/7', { range: 'bytes=8-20', ...headers })
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.text)).toMatchObject({ id: 7 })
    }
  })

  it('a write can still be bound to what was read', async () => {
    const tag = tagOf(await ask('/customers/7'))
    expect((await ask('/customers/7', { 'if-match': tag }, 'PUT')).status).toBe(204)
    stored = bodyOf('somebody.else@example.org')
    expect((await ask('/customers/7', { 'if-match': tag }, 'PUT')).status).toBe(412)
    // Of another thing it says nothing, and neither does the refusal.
    const other = await ask('/customers/8', { 'if-match': tag }, 'PUT')
    expect(other.status).toBe(412)
    expect(JSON.stringify(other.headers)).not.toContain(hashOf(stored).slice(1, -1))
    expect(written).toEqual(['/customers/7'])
  })

  it('a “not modified” does not tell how long it is', async () => {
    const answer = await ask('/customers/7', { 'if-modified-since': MODIFIED })
    expect(answer.status).toBe(304)
    expect(answer.headers['content-length']).toBeUndefined()
    expect(tagOf(answer)).not.toContain(GUESS)
  })
})

describe('of a body in which nothing is masked, while something is for whoever asks', () => {
  it('copies are kept, and asked for by their tags', async () => {
    const first = await ask('/picture')
    expect(first.text).toBe(PICTURE)
    expect(first.headers['last-modified']).toBe(MODIFIED)
    expect(first.headers['cache-control']).toBe('public, max-age=600')
    const again = await ask('/picture', { 'if-none-match': tagOf(first) })
    expect([again.status, again.text]).toEqual([304, ''])
    const third = await ask('/picture', { 'if-none-match': tagOf(again) })
    expect(third.status).toBe(304)
  })
})

describe('a copy that a client holds when rules change', () => {
  it('is not taken for the same once its values are shown: it was masked', async () => {
    const masked = await ask('/customers/7')
    await rules(REVEALED, true)
    const tag = tagOf(masked)
    const after = await ask('/customers/7', { 'if-none-match': tag })
    expect(after.status).toBe(200)
    expect(after.text).toContain(EMAIL)
    // The rest of it is not given to be put behind what was masked.
    const rest = await ask('/customers/7', { range: 'bytes=8-', 'if-range': tag })
    expect([rest.status, rest.text]).toEqual([200, after.text])
  })

  it('in clear stays what it is, and nothing new of it is told once values are masked', async () => {
    await rules(REVEALED, true)
    const clear = await ask('/customers/7')
    expect(tagOf(clear)).toBe(GUESS)
    expect((await ask('/customers/7', { 'if-none-match': GUESS })).status).toBe(304)
    const part = await ask('/customers/7', { range: 'bytes=0-7', 'if-range': GUESS })
    expect([part.status, part.text]).toEqual([206, clear.text.slice(0, 8)])
    await rules(MASKED, false)
    for (const headers of [{ 'if-none-match': GUESS }, { range: 'bytes=8-', 'if-range': GUESS }]) {
      const { status, text } = await ask('/customers/7', headers)
      expect([status, text.includes(EMAIL)]).toEqual([200, false])
    }
  })
})
