// HTTP services through a real gateway: what is decided, what reaches the upstream, and what comes back.

import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { Agent } from 'node:https'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { auditRecords } from '../servers/audit-files.ts'
import { run, until } from '../servers/programs.ts'
import { type ApiStage, CARD, EMAIL, startApiStage, UPSTREAM_SECRET } from './http-stage.ts'

let stage: ApiStage
beforeAll(async () => {
  stage = await startApiStage()
})
afterAll(() => stage?.stop())

const codeOf = (text: string): string => JSON.parse(text).code

test('passes what is permitted, with the upstream’s credential and without the client’s', async () => {
  for (const version of ['--http1.1', '--http2']) {
    const { stdout, stderr } = await stage.curl(
      'api',
      '/echo?a=1&b=%20',
      version,
      '-H',
      'X-Forwarded-For: 6.6.6.6',
      '-H',
      'X-Tenant: acme',
    )
    expect(stderr).toBe('')
    const { method, url, headers } = JSON.parse(stdout)
    expect([method, url]).toEqual(['GET', '/v1/echo?a=1&b=%20'])
    expect(headers['x-forwarded-for']).toBe('127.0.0.1')
    expect(headers['x-tenant']).toBe('acme')
    expect(headers['sallyport-resource']).toBeUndefined()
    expect(stdout).not.toContain(UPSTREAM_SECRET)
    expect(headers['authorization']).toMatch(/^\*+$/)
    const { headers: reached } = stage.seen.at(-1)!
    expect(reached['authorization']).toBe(`Bearer ${UPSTREAM_SECRET}`)
    expect(JSON.stringify(stage.seen)).not.toContain(await stage.token())
  }
})

test('refuses with a problem document, and nothing of it goes upstream', async () => {
  const before = stage.seen.length
  const closed = await stage.ask('api', '/closed')
  expect([closed.status, codeOf(closed.text)]).toEqual([403, 'forbidden'])
  expect(closed.text).toContain('the archive is closed')
  expect(closed.headers['content-type']).toBe('application/problem+json')
  expect((await stage.ask('nothing', '/')).status).toBe(404)
  const nobody = await stage.ask('api', '/echo', { headers: { authorization: 'Bearer wrong' } })
  expect(nobody.status).toBe(401)
  expect(nobody.headers['www-authenticate']).toContain('Bearer')
  for (const path of ['/a/../closed', '/%2e%2e/closed', '/a%2fb', '/a//b'])
    expect(
      (await stage.curl('api', path, '--path-as-is', '-o', '/dev/null', '-w', '%{http_code}'))
        .stdout,
      path,
    ).toBe('400')
  // Where a resource takes it, it goes on as it came.
  expect((await stage.ask('files', '/projects/group%2ftools')).status).toBe(200)
  expect(stage.seen.pop()?.url).toBe('/projects/group%2Ftools')
  expect((await stage.ask('files', '/others/group%2Ftools')).status).toBe(403)
  const override = await stage.ask('api', '/echo', {
    headers: { 'x-http-method-override': 'DELETE' },
  })
  expect(override.status).toBe(400)
  expect(stage.seen.length).toBe(before)
})

test('asks for an access token of an upstream, and for another when it is no longer taken', async () => {
  const before = stage.seen.length
  for (let at = 0; at < 7; at += 1) {
    const { status, text } = await stage.ask('partner', '/a', { method: 'PUT', body: 'x' })
    expect(status, text).toBe(200)
    expect(text).toMatch(/^\d [*[]/)
  }
  const seen = stage.seen.slice(before)
  // The sixth was refused, and asked again with its body.
  expect(seen.map(({ body }) => body).join('')).toBe('xxxxxxxx')
  const tokens = [...new Set(seen.map(({ headers }) => String(headers['authorization'])))]
  expect(tokens.length).toBe(2)
  for (const token of tokens) expect(stage.gateway.log()).not.toContain(token.slice(7))
})

test('takes a client certificate, alone or with a proof of the same principal', async () => {
  const ask = async (name: string, ...more: string[]) => {
    const at = (end: string) => `${stage.folder}/${name}.${end}`
    const fields = ['-H', 'Sallyport-Resource: api', '-w', '%{http_code}', '-o', '/dev/null']
    const proof = ['--cert', at('pem'), '--key', at('key'), '--cacert', stage.gateway.ca]
    const url = `https://127.0.0.1:${stage.gateway.port}/echo`
    return (await run('curl', ['-sS', ...proof, ...fields, ...more, url], {})).stdout
  }
  const bearer = async (client?: string) => [
    '-H',
    `Authorization: Bearer ${await stage.token(client)}`,
  ]
  expect(await ask('order-bot', '--http1.1')).toBe('200')
  expect(await ask('order-bot', '--http2')).toBe('200')
  expect(await ask('order-bot', '--tls-max', '1.2')).toBe('200')
  expect(stage.seen.at(-1)!.headers['authorization']).toBe(`Bearer ${UPSTREAM_SECRET}`)
  expect(await ask('order-bot', ...(await bearer()))).toBe('200')
  const before = stage.seen.length
  expect(await ask('order-bot', ...(await bearer('dora')))).toBe('401')
  expect(await ask('order-bot', '-H', 'Sec-Fetch-Site: cross-site')).toBe('400')
  for (const name of ['past', 'stranger']) {
    expect(await ask(name), name).toBe('401')
    expect(await ask(name, ...(await bearer())), name).toBe('401')
  }
  expect(stage.seen.length).toBe(before)
  const dora = await stage.token('dora')
  const sessions = JSON.parse((await stage.gateway.cli(['sessions', '--json'], dora)).stdout)
  expect(sessions.map((each: { principal: string }) => each.principal)).toContain('order-bot')
})

test('judges the client certificate of a TLS session that is resumed, and takes no other principal with it', async () => {
  const { port, ca } = stage.gateway
  const file = (name: string) => readFileSync(`${stage.folder}/${name}`)
  const trust = { port, host: '127.0.0.1', ca: readFileSync(ca) }
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    let ticket: Buffer | undefined
    const ask = async (socket: TLSSocket, authorization?: string) => {
      const own = authorization === undefined ? '' : `Authorization: ${authorization}\r\n`
      let heard = ''
      socket.on('data', chunk => {
        heard += chunk
      })
      socket.write(`GET /echo HTTP/1.1\r\nHost: g\r\nSallyport-Resource: api\r\n${own}\r\n`)
      await until('an answer', () => heard.includes('\r\n\r\n'))
      const reused = socket.isSessionReused()
      socket.destroy()
      return `${reused} ${heard.slice(9, 12)}`
    }
    const first = connectTls({
      ...trust,
      maxVersion,
      cert: file('order-bot.pem'),
      key: file('order-bot.key'),
    })
    first.on('session', each => {
      ticket = each
    })
    expect(await ask(first)).toBe('false 200')
    await until('a ticket', () => ticket !== undefined)
    const again = (authorization?: string) =>
      ask(connectTls({ ...trust, maxVersion, session: ticket! }), authorization)
    expect(await again()).toBe('true 200')
    expect(await again(`Bearer ${await stage.token()}`)).toBe('true 200')
    expect(await again(`Bearer ${await stage.token('dora')}`)).toBe('true 401')
  }
  expect(stage.gateway.log()).not.toContain('"level":"error"')
})

test('keeps apart who asks for what on one connection, however often it is repeated', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(stage.gateway.ca) })
  const dora = await stage.token('dora')
  for (let round = 0; round < 4; round += 1) {
    const asked = [
      await stage.ask('api', '/closed', { agent }),
      await stage.ask('api', '/echo', { agent }),
      await stage.ask('people', '/echo', { agent }),
      await stage.ask('billing', '/echo', { agent }),
      await stage.ask('api', '/echo', { agent, token: dora }),
      await stage.ask('api', '/echo', { agent, token: `${dora}x` }),
    ]
    expect(asked.map(({ status }) => status)).toEqual([403, 200, 200, 403, 200, 401])
    expect(JSON.parse(asked[2]!.text).url).toBe('/v1/echo')
    for (const { text } of asked) expect(text).not.toContain(UPSTREAM_SECRET)
  }
  const sessions = JSON.parse((await stage.gateway.cli(['sessions', '--json'], dora)).stdout)
  const mine = sessions.filter((each: { resource: string }) => each.resource === 'api')
  expect(new Set(mine.map((each: { principal: string }) => each.principal))).toEqual(
    new Set(['order-bot', 'dora']),
  )
  agent.destroy()
})

test('takes an ephemeral credential as Basic or as ID.SECRET in a token’s place, and a token as the password of any name', async () => {
  const made = await stage.gateway.cli(['credential', 'api', '--json'], await stage.token(), 60_000)
  const { id, secret } = JSON.parse(made.stdout)
  const basic = (name: string, words: string) => ({
    headers: { authorization: `Basic ${Buffer.from(`${name}:${words}`).toString('base64')}` },
  })
  expect((await stage.ask('api', '/echo', basic(id, secret))).status).toBe(200)
  expect((await stage.ask('api', '/echo', basic(id, 'wrong'))).status).toBe(401)
  expect((await stage.ask('graph', '/echo', basic(id, secret))).status).toBe(401)
  expect((await stage.ask('api', '/echo', basic('anything', await stage.token()))).status).toBe(200)
  const bearer = (resource: string, token: string) => stage.ask(resource, '/echo', { token })
  expect((await bearer('api', `${id}.${secret}`)).status).toBe(200)
  const refused = await bearer('api', `${id}.${secret}x`)
  expect([refused.status, codeOf(refused.text)]).toEqual([401, 'credential_invalid'])
  for (const wrong of [`${id}.`, id, `${id}:${secret}`, `x.${secret}`])
    expect((await bearer('api', wrong)).status, wrong).toBe(401)
  expect((await bearer('graph', `${id}.${secret}`)).status).toBe(401)
})

test('holds a request for a person, and a yes is for the identical one, once', async () => {
  const ask = (body: string, headers = {}) =>
    stage.ask('api', '/things/7', {
      method: 'PATCH',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
  const held = await ask('{"a":1}')
  expect([held.status, codeOf(held.text), held.headers['retry-after']]).toEqual([
    403,
    'approval_required',
    '5',
  ])
  const { requestId } = JSON.parse(held.text)
  const dora = await stage.token('dora')
  const shown = JSON.parse((await stage.gateway.cli(['requests', '--json'], dora)).stdout)
  expect(shown.find((each: { id: string }) => each.id === requestId).statement).toBe(
    'PATCH /things/7\ncontent-type: application/json\n\n{"a":1}',
  )
  expect((await stage.gateway.cli(['approve', requestId], dora)).code).toBe(0)
  expect((await ask('{"a":2}')).status).toBe(403)
  expect((await ask('{"a":1}', { 'x-tenant': 'other' })).status).toBe(403)
  const done = await ask('{"a":1}')
  expect([done.status, JSON.parse(done.text).body]).toEqual([200, '{"a":1}'])
  expect((await ask('{"a":1}')).status).toBe(403)
  const waiting = ask('{"a":3}', { prefer: 'wait=20' })
  let asked: { id: string; statement: string; state: string } | undefined
  await until('the request to be there', async () => {
    const all = JSON.parse((await stage.gateway.cli(['requests', '--json'], dora)).stdout)
    asked = all.find((each: { statement: string }) => each.statement.includes('{"a":3}'))
    return asked !== undefined
  })
  await stage.gateway.cli(['approve', asked!.id], dora)
  expect((await waiting).status).toBe(200)
})

test('knows the operations of an API document, and what a body holds', async () => {
  const refund = (body: string, type = 'application/json') =>
    stage.ask('billing', '/refunds', { method: 'POST', body, headers: { 'content-type': type } })
  expect((await refund('{"amount":100}')).status).toBe(200)
  expect((await refund('{"amount":101}')).text).toContain('100 at most')
  for (const body of [
    '{"amount":1e2}',
    '{"amount":"5"}',
    '{}',
    '{"amount":[5]}',
    '{"amount":-9223372036854775809}',
  ])
    expect((await refund(body)).status, body).toBe(403)
  const before = stage.seen.length
  for (const body of [
    '{"amount":5,"amount":500}',
    '{"Amount":500,"amount":5}',
    '{"amount":5,"x":"\\u0000"}',
    `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
    '{"amount":5}x',
    '\ufeff{"amount":5}',
  ])
    expect(codeOf((await refund(body)).text), body.slice(0, 40)).toBe('statement_unreadable')
  expect((await refund('{"amount":5}', 'text/plain')).status).toBe(415)
  expect((await refund('amount=500', 'application/x-www-form-urlencoded')).status).toBe(403)
  // A form's amount is a text, and no number for the policy.
  const part = '--b\r\ncontent-disposition: form-data; name="amount"\r\n\r\n5\r\n'
  const multipart = 'multipart/form-data; boundary=b'
  expect(codeOf((await refund(`${part}--b--`, multipart)).text)).toBe('forbidden')
  expect(codeOf((await refund(`x${part}--b--`, multipart)).text)).toBe('statement_unreadable')
  expect((await stage.ask('billing', '/refunds/x')).text).toContain('no such operation')
  expect((await stage.ask('billing', '/admin')).status).toBe(403)
  expect((await stage.ask('billing', '/refunds/7')).status).toBe(200)
  expect(stage.seen.length).toBe(before + 1)
})

test('judges GraphQL by its operation and root fields', async () => {
  const post = (query: string, path = '/graphql') =>
    stage.ask('graph', path, {
      method: 'POST',
      body: JSON.stringify({ query }),
      headers: { 'content-type': 'application/json' },
    })
  expect((await post('{ customer { name } }')).status).toBe(200)
  expect((await post('mutation { ok: drop(id: 1) }')).status).toBe(403)
  // Most servers take it for the same place.
  expect((await post('{ customer { name } }', '/graphql/')).status).toBe(200)
  expect((await post('mutation { ok: drop(id: 1) }', '/graphql/')).text).toContain('Mutation.drop')
  expect((await post('{ ...on Query { __schema { types { name } } } }')).status).toBe(403)
  const get = (query: string) => stage.ask('graph', `/graphql?query=${encodeURIComponent(query)}`)
  expect((await get('{ customer { name } }')).status).toBe(200)
  expect((await get('mutation { keep }')).status).toBe(415)
})

test('never shows a card, however an answer is cut, in each type and encoding', async () => {
  const bodies: readonly (readonly [string, string])[] = [
    ['application/json', `{"note":"x","card":"${CARD}"}`],
    ['application/json', `{"card":${CARD}}`],
    ['application/json', `{"card":"\\u0034${CARD.slice(1)}"}`],
    ['application/x-ndjson', `{"a":1}\n{"card":"${CARD}"}\n`],
    ['text/plain', `a card: ${CARD} here`],
    ['text/csv', `id,card\n1,${CARD}\n`],
    ['text/event-stream', `data: {"card":"${CARD}"}\n\n`],
    ['application/x-www-form-urlencoded', `a=1&card=%34${CARD.slice(1)}`],
    ['text/html', `<p>&#52;${CARD.slice(1)}</p>`],
    [
      'multipart/mixed; boundary=b',
      `--b\r\nContent-Type: application/json\r\n\r\n{"card":"${CARD}"}\r\n--b--\r\n`,
    ],
  ]
  const check = async (type: string, body: string, cut: number, encoding: string) => {
    const query = new URLSearchParams({ type, cut: String(cut), encoding })
    const { status, text, headers } = await stage.ask('api', `/made?${query}`, {
      method: 'POST',
      body,
    })
    expect(status, `${type} ${encoding} ${cut}`).toBe(200)
    expect(text, `${type} ${encoding} ${cut}`).not.toContain(CARD.slice(4))
    expect(headers['content-encoding']).toBeUndefined()
    expect(headers['content-length']).toBeUndefined()
    expect(headers['etag']).toMatch(/^"s\.[\w-]+"$/)
  }
  for (const [type, body] of bodies) {
    for (let cut = body.indexOf(CARD.slice(1)) - 3; cut < body.length; cut += 1)
      await check(type, body, cut, '')
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd'])
      for (const cut of [0, 1, 9, 20]) await check(type, body, cut, encoding)
  }
})

test('hides fields by name and by pointer, and what cannot tell them', async () => {
  const made = (resource: string, type: string, body: string) =>
    stage.ask(resource, `/made?${new URLSearchParams({ type })}`, { method: 'POST', body })
  const json = '{ "fullName": "Ann B", "items": [{"nick": "A", "n": 1.50}], "nick": "N" }'
  expect((await made('people', 'application/json', json)).text).toBe(
    '{ "fullName": "⟦m:person⟧", "items": [{"nick": "⟦m:person⟧", "n": 1.50}], "nick": "N" }',
  )
  expect((await made('api', 'application/json', json)).text).toBe(json)
  const csv = 'id,Full Name,nick\n1,Ann B,A\n'
  expect((await made('people', 'text/csv', csv)).text).toBe(
    'id,Full Name,nick\n1,⟦m:person⟧,⟦m:person⟧\n',
  )
  const html = await made('people', 'text/html', '<p>Ann B</p>')
  expect([html.status, codeOf(html.text)]).toEqual([403, 'answer_unreadable'])
  expect((await made('api', 'text/html', '<p>Ann B</p>')).text).toBe('<p>Ann B</p>')
  const socket = new WebSocket(`wss://127.0.0.1:${stage.gateway.port}/socket`, {
    ca: readFileSync(stage.gateway.ca),
    headers: { authorization: `Bearer ${await stage.token()}`, 'sallyport-resource': 'people' },
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const said = new Promise(resolve => socket.once('message', data => resolve(String(data))))
  socket.send('{"full_name":"Ann B","n":1}')
  expect(await said).toBe('{"full_name":"⟦m:person⟧","n":1}')
  socket.terminate()
})

test('masks what can be read, refuses what cannot, and rewrites ways to the upstream', async () => {
  const customers = await stage.ask('api', '/customers')
  expect(JSON.parse(customers.text)[0].id).toBe(1)
  expect(customers.text).not.toContain(EMAIL)
  expect(codeOf((await stage.ask('api', '/picture')).text)).toBe('answer_unreadable')
  expect((await stage.ask('files', '/picture')).text).toContain('PNG')
  // Nor does a HEAD tell how long what is hidden is.
  for (const [resource, path, length] of [
    ['api', '/customers', undefined],
    ['api', '/picture', undefined],
    ['files', '/customers', undefined],
    ['files', '/picture', String(`PNG ${EMAIL}`.length)],
  ] as const) {
    const { status, headers } = await stage.ask(resource, path, { method: 'HEAD' })
    expect([status, headers['content-length']], `${resource}${path}`).toEqual([200, length])
  }
  expect((await stage.ask('api', '/away')).headers['location']).toBe('https://elsewhere.example/x')
  const home = await stage.ask('api', '/home')
  expect(home.headers['location']).toBe(`https://127.0.0.1:${stage.gateway.port}/echo?x=1`)
  expect(home.headers['set-cookie']).toEqual(['a=b; Path=/'])
  expect(home.headers['alt-svc']).toBeUndefined()
})

test('takes bodies up to its bound, and longer ones only where it says so', async () => {
  const before = stage.seen.length
  const long = Buffer.alloc(1_048_577, 'x')
  const type = { 'content-type': 'application/octet-stream' }
  expect(
    (await stage.ask('api', '/echo', { method: 'POST', body: long, headers: type })).status,
  ).toBe(413)
  expect(stage.seen.length).toBe(before)
  const passed = await stage.ask('files', '/upload', { method: 'PUT', body: long, headers: type })
  expect(passed.status).toBe(200)
  expect(stage.seen.at(-1)?.body.length).toBe(long.length)
  const held = await stage.ask('files', '/upload', { method: 'PATCH', body: long, headers: type })
  expect([held.status, codeOf(held.text)]).toEqual([413, 'statement_too_large'])
})

test('passes events as they come, and ends a stream with its session', async () => {
  const times: number[] = []
  const three = await stage.ask('api', '/events', { onChunk: () => times.push(performance.now()) })
  expect(three.text.match(/"n":/g)?.length).toBe(3)
  expect(three.text).not.toContain(EMAIL)
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(100)
  const endless = stage.ask('api', '/events?most=1000').catch(error => error)
  const dora = await stage.token('dora')
  let over = false
  void endless.then(() => {
    over = true
  })
  await until('the stream to be ended', async () => {
    const sessions = JSON.parse((await stage.gateway.cli(['sessions', '--json'], dora)).stdout)
    for (const { id, endedAt } of sessions)
      if (!endedAt) await stage.gateway.cli(['session', 'end', id], dora)
    return over
  })
  expect(await endless).toBeInstanceOf(Error)
})

/** The recording of the latest sessions of which one matches. */
async function recorded(pattern: RegExp): Promise<string> {
  const dora = await stage.token('dora')
  let replayed = ''
  await until('the session to be closed', async () => {
    const sessions = JSON.parse((await stage.gateway.cli(['sessions', '--json'], dora)).stdout)
    for (const { id, endedAt } of sessions.slice(0, 3)) {
      if (!endedAt) continue
      replayed = (await stage.gateway.cli(['session', 'replay', id, '--json'], dora)).stdout
      if (pattern.test(replayed)) return true
    }
    return false
  })
  return replayed
}

test('follows a WebSocket, and masks what it brings', async () => {
  const open = async (resource: string) =>
    new WebSocket(`wss://127.0.0.1:${stage.gateway.port}/socket`, {
      ca: readFileSync(stage.gateway.ca),
      headers: { authorization: `Bearer ${await stage.token()}`, 'sallyport-resource': resource },
    })
  const socket = await open('api')
  const texts: string[] = []
  socket.on('message', data => texts.push(String(data)))
  const opened = (one: WebSocket) =>
    new Promise((resolve, reject) => one.once('open', resolve).once('error', reject))
  await opened(socket)
  socket.send('hello')
  socket.send('card')
  socket.send(EMAIL)
  socket.send(`key ${UPSTREAM_SECRET}`)
  await until('four answers', () => texts.length === 4)
  expect(texts[3]).toBe(`key ${'*'.repeat(UPSTREAM_SECRET.length)}`)
  expect(texts[0]).toBe('hello')
  expect(texts.join()).not.toContain(CARD)
  expect(texts.join()).not.toContain(EMAIL)
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.send(Buffer.from([1, 2, 3]))
  expect(await closed).toBe(1008)
  // What was hidden is counted, also of a tunnel that was ended.
  expect(await recorded(/"masked"/)).toMatch(
    /"masked": \{\s*("email": 1,\s*"card": 1|"card": 1,\s*"email": 1)\s*\}/,
  )
  const leaving = await open('api')
  await opened(leaving)
  const reason = new Promise<string>(resolve =>
    leaving.once('close', (code, words) => resolve(`${code} ${words}`)),
  )
  leaving.send('leave')
  expect(await reason).toMatch(/^4000 gone: (?!.*secret)/)
  const pinged = await open('api')
  await opened(pinged)
  const ended = new Promise(resolve => pinged.once('close', resolve))
  pinged.send('ping')
  expect(await ended).toBe(1008)
  const refused = await open('files')
  const error: Error = await new Promise(resolve => refused.once('error', resolve))
  expect(error.message).toContain('403')
})

test('follows a WebSocket over HTTP/2, and masks what it brings', async () => {
  const session = connect(`https://127.0.0.1:${stage.gateway.port}`, {
    ca: readFileSync(stage.gateway.ca),
  })
  await new Promise(resolve => session.once('remoteSettings', resolve))
  expect(session.remoteSettings.enableConnectProtocol).toBe(true)
  const open = async (resource: string, more: Record<string, string> = {}) => {
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/socket',
      'sec-websocket-version': '13',
      authorization: `Bearer ${await stage.token()}`,
      'sallyport-resource': resource,
      ...more,
    })
    stream.on('error', () => {})
    const status = await new Promise<number | undefined>(resolve => {
      stream.once('response', headers => resolve(headers[':status']))
      stream.once('close', () => resolve(undefined))
    })
    return { stream, status }
  }
  const { stream, status } = await open('api')
  expect(status).toBe(200)
  let heard = ''
  stream.on('data', chunk => {
    heard += chunk.toString('latin1')
  })
  /** A short text, with a mask of zeros. */
  const frame = (text: string) =>
    Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
  stream.write(frame('hello'))
  stream.write(frame('card'))
  await until('two answers', () => /hello[\s\S]*card"/.test(heard))
  expect(heard).not.toContain(CARD)
  stream.write(Buffer.from([0x82, 0x81, 0, 0, 0, 0, 1]))
  await until('it to be ended', () => stream.closed || stream.readableEnded)
  expect(heard).toContain('answer_unreadable')
  expect((await open('files')).status).toBe(403)
  for (const wrong of [
    { ':protocol': 'connect-udp' },
    { 'sec-websocket-version': '8' },
    { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
  ] as Record<string, string>[])
    expect((await open('api', wrong)).status, JSON.stringify(wrong)).toBe(400)
  session.destroy()
})

test('hides what hides beside a body: early hints and trailers', async () => {
  for (const version of ['--http1.1', '--http2']) {
    const { stdout } = await stage.curl(
      'files',
      '/hints',
      version,
      '-D',
      '-',
      '-o',
      '/dev/null',
      '-H',
      'TE: trailers',
    )
    expect(stdout).toMatch(/^HTTP\/\S+ 103/)
    expect(stdout).toContain('/style?mail=')
    expect(stdout).not.toContain(EMAIL)
    expect(stdout).not.toContain(UPSTREAM_SECRET)
  }
})

test('passes on of the fields behind a body none that would not go on in its head', async () => {
  const trailed = async (length: number) => {
    const head = [
      'POST /trailed HTTP/1.1',
      'Host: gateway.example',
      'Sallyport-Resource: files',
      `Authorization: Bearer ${await stage.token()}`,
      'Content-Type: application/octet-stream',
      'Transfer-Encoding: chunked',
      'Connection: close',
    ].join('\r\n')
    const body = `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n0\r\n`
    const behind = 'X-Sum: 1\r\nImpersonate-User: root\r\nSallyport-Reason: x\r\n\r\n'
    return new Promise<string>((resolve, reject) => {
      const { port, ca } = stage.gateway
      const socket = connectTls({ port, host: '127.0.0.1', ca: readFileSync(ca) })
      let heard = ''
      socket.setEncoding('utf8').on('data', chunk => {
        heard += chunk
      })
      socket.once('error', reject)
      socket.once('end', () => resolve(heard.slice(heard.indexOf('\r\n\r\n') + 4)))
      socket.write(`${head}\r\n\r\n${body}${behind}`)
    })
  }
  expect(await trailed(5_000)).toBe('{"x-sum":"1"}')
  // What was read was judged without them.
  expect(await trailed(10)).toBe('{}')
})

test('says on record when a request was sent twice', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let at = 0; at < 2; at += 1) {
    const { status } = await stage.ask('api', '/stale', { agent })
    expect(status).toBe(200)
  }
  agent.destroy()
  expect(await recorded(/"sent": 2/)).toContain('/stale')
})

test('a token that ends while its connection is kept is asked for again', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const token = await stage.issuer.forge({ client: 'order-bot', ttl: 3 })
  const ask = (by: string) => stage.ask('api', '/echo', { agent, token: by })
  expect((await ask(token)).status).toBe(200)
  await until('the token to have ended', async () => (await ask(token)).status === 401)
  expect((await ask(await stage.token())).status).toBe(200)
  expect((await ask(token)).status).toBe(401)
  agent.destroy()
})

test('records what was asked and what was seen, and no secret of anybody', async () => {
  const secrets = `access_token=query-secret-1&api_key=query-secret-2&to=https://u:query-secret-3@h/`
  await stage.ask('people', `/customers/${CARD}?recorded=1&${secrets}&q=${EMAIL}&full_name=Ann`, {
    headers: { cookie: 'sid=hunter2', connection: 'close' },
  })
  const login = {
    user: 'ann',
    password: 'query-secret-4',
    fullName: 'full_name=Ann',
    credentials: { token: 'query-secret-5', scopes: ['a'] },
    about: `card ${CARD}`,
  }
  await stage.ask('people', '/customers/login?recorded=2', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(login),
  })
  expect(JSON.parse(stage.seen.find(({ url }) => url.includes('recorded=2'))!.body)).toEqual(login)
  await stage.ask('people', '/customers/form?recorded=3', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', connection: 'close' },
    body: 'user=ann&client_secret=query-secret-6&full_name=Ann',
  })
  const posted = (await recorded(/recorded=2/)) + (await recorded(/recorded=3/))
  expect(posted).not.toMatch(/query-secret|full_name=Ann/)
  expect(posted).not.toContain(CARD)
  expect(posted).toMatch(/password[^\n]*SHA-256:[\da-f]{64}[^\n]*fullName[^\n]*\*{4}/)
  expect(posted).toMatch(/user=ann&client_secret=\[SHA-256:[\da-f]{64}\]&full_name=\*{4}/)
  const replayed = await recorded(/recorded=1/)
  expect(replayed).toContain('HTTP 200')
  expect(stage.seen.find(({ url }) => url.includes('recorded=1'))?.url).toContain(
    `/customers/${CARD}?recorded=1&${secrets}&q=${EMAIL}&full_name=Ann`,
  )
  // The log cannot be erased: the path that it names as an object has no card number either.
  expect(JSON.stringify(auditRecords(stage.gateway.data))).not.toContain(CARD)
  expect(replayed).not.toMatch(/query-secret|full_name=Ann/)
  for (const secret of [EMAIL, CARD, UPSTREAM_SECRET, 'hunter2', await stage.token()])
    expect(replayed).not.toContain(secret)
  expect(stage.gateway.log()).not.toContain('"level":"error"')
})
