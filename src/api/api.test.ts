// The REST border looked at from outside: what it says when it refuses, how long it listens, and what it keeps quiet.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { grantable, paths, schemas } from '#contract'
import { actions, Unavailable } from '#model'
import { until, within } from '../../test/servers/programs.ts'
import { nobodyWaits, origin, principal, read, write } from '../gateway/gateway.testing.ts'
import { type TestApi, testApi } from './harness.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("ask") @approvers("dba") @within("15m") @reason("Ask the DBAs.")
forbid (principal, action == Action::"write", resource) unless { context.approved };
@id("dba-gives") permit (principal in Group::"dba", action == Action::"approve", resource);
@id("c-audit") permit (principal in Group::"auditors", action == Action::"console:audit", resource == Gateway::"sallyport");
@id("c-read") permit (principal in Group::"auditors", action == Action::"console:read", resource == Gateway::"sallyport");
`

let api: TestApi
const ana = principal('ana', ['staff'])
const aude = principal('aude', ['auditors'])
const dora = principal('dora', ['dba'])

beforeEach(async () => {
  api = await testApi(POLICIES, { requestMs: 1_000 })
})
afterEach(() => api.stop())

const as = (who: typeof ana) => ({ token: api.signIn(who) })
const held = (session: Awaited<ReturnType<TestApi['open']>>, text?: string) =>
  Promise.resolve()
    .then(() => session.authorize(write(text), nobodyWaits))
    .then(
      () => {
        throw new Error('it was not held')
      },
      error => error,
    )
const soon = (what: () => boolean) => until('it to come', what)

describe('a refusal', () => {
  it.each([
    ['an unknown route', 'GET', '/api/nothing', {}, 404, 'request_unknown'],
    ['another method', 'PUT', paths.whoami, {}, 404, 'request_unknown'],
    ['a HEAD', 'OPTIONS', paths.auditTail, {}, 404, 'request_unknown'],
    ['a path that is not well-formed', 'GET', '/api/requests/%zz', {}, 400, 'request_invalid'],
    ['a body that is no JSON', 'POST', paths.why, { raw: '{"a":' }, 400, 'request_invalid'],
    ['an unknown key', 'POST', paths.why, { body: whyBody({ x: 1 }) }, 400, 'request_invalid'],
    [
      'a wrong type',
      'POST',
      paths.why,
      { body: whyBody({ statement: 5 }) },
      400,
      'request_invalid',
    ],
    ['__proto__', 'POST', paths.why, { raw: '{"__proto__":{"x":1}}' }, 400, 'request_invalid'],
    ['no body', 'POST', paths.why, {}, 400, 'request_invalid'],
    ['another media type', 'POST', paths.why, xml(), 400, 'request_invalid'],
    [
      'a body too large',
      'POST',
      paths.why,
      { raw: 'x'.repeat(2_200_000) },
      413,
      'message_too_large',
    ],
    ['a query that is unknown', 'GET', `${paths.sessions}?x=1`, {}, 400, 'request_invalid'],
    ['a limit out of range', 'GET', `${paths.sessions}?limit=0`, {}, 400, 'request_invalid'],
    [
      'what cannot be read',
      'POST',
      paths.why,
      { body: whyBody({ statement: 'unreadable' }) },
      400,
      'statement_unreadable',
    ],
    [
      'a resource that is not there',
      'POST',
      paths.why,
      { body: whyBody({ resource: 'x' }) },
      404,
      'resource_unknown',
    ],
    [
      'a time too long',
      'POST',
      paths.credentials,
      { body: { resource: 'shop', ttl: 901 } },
      400,
      'request_invalid',
    ],
  ])('of %s is a problem document', async (_what, method, path, call, status, code) => {
    const answer = await api.call(method, path, { ...as(ana), ...call })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(schemas.problem.parse(answer.body)).toMatchObject({ status, code })
  })

  it('without a token says how to bring one, and challenges as HTTP asks', async () => {
    const answer = await api.call('GET', paths.whoami)
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.body).toMatchObject({ status: 401, code: 'token_required' })
  })

  it('of a wrong token is on record, and never with the token', async () => {
    await api.call('GET', paths.whoami, { token: 'canary-token' })
    const entries = JSON.stringify(await api.entries())
    expect(entries).toContain('login.failed')
    expect(entries + api.logged.join()).not.toContain('canary-token')
  })

  it('of an unknown id reads like that of one that is not yours', async () => {
    const session = await api.open(ana)
    const { requestId } = await held(session)
    const eve = as(principal('eve', []))
    for (const [path, id] of [
      [paths.session, session.id],
      [paths.recording, session.id],
      [paths.request, requestId],
    ] as const) {
      const hidden = await api.call('GET', path.replace(':id', id), eve)
      const absent = await api.call('GET', path.replace(':id', 'none'), eve)
      expect(hidden.status).toBe(404)
      expect(hidden.text.replaceAll(id, 'none')).toBe(absent.text)
    }
  })

  it('of bytes that are no HTTP, or of headers without end, is a problem document too', async () => {
    for (const [bytes, status] of [
      ['\x16\x03\x01 nonsense\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    ] as const) {
      const socket = await api.connect()
      const said = new Promise<string>(resolve => {
        let all = ''
        socket.on('data', data => {
          all += data
        })
        socket.once('close', () => resolve(all))
      })
      socket.write(bytes)
      const answer = await said
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(answer).toMatch(/problem\+json[\s\S]*"code":"request_invalid"/)
    }
  })

  it('of a defect of ours tells nothing, and the operator where it is', async () => {
    api.requests.list = () => Promise.reject(new Error('canary: select * from secrets'))
    const answer = await api.call('GET', paths.requests, as(ana))
    expect(answer.body).toMatchObject({ status: 500, code: 'internal' })
    expect(answer.text).not.toContain('canary')
    expect(api.logged.join()).toContain('api.failed')
    expect((await api.call('GET', paths.whoami, as(ana))).status).toBe(200)
  })

  it('comes when evidence cannot be written, and then nothing is changed', async () => {
    const session = await api.open(ana)
    const { requestId } = await held(session)
    api.audit.failing = true
    const approve = paths.approve.replace(':id', requestId)
    expect(await api.call('POST', approve, { ...as(dora), body: {} })).toMatchObject({
      status: 503,
      body: { code: 'audit_unavailable' },
    })
    expect((await api.requests.get(requestId)).votes).toEqual([])
    const recording = paths.recording.replace(':id', session.id)
    expect((await api.call('GET', recording, as(ana))).status).toBe(503)
    expect((await api.call('GET', paths.ready)).status).toBe(503)
  })
})

describe('why', () => {
  it('tells what becomes of each value, and what is refused over masked ones', async () => {
    const answer = await api.call('POST', paths.why, {
      ...as(ana),
      body: whyBody({ statement: 'known' }),
    })
    const masked = { classes: ['email'] }
    expect(answer).toMatchObject({
      status: 200,
      body: {
        effect: 'deny',
        code: 'masked_predicate',
        message: expect.stringContaining('public.customers.email is masked for you as email'),
        hint: expect.stringContaining('reveal email'),
        names: 'catalog',
        predicates: 'equality',
        classes: [{ dataClass: 'email', revealed: false, policies: [] }],
        statements: [
          {
            outputs: [
              { sources: ['public.customers.email'], how: 'identity', shown: 'masked', ...masked },
            ],
            probes: [{ use: 'order', outcome: 'refused', ...masked }],
            transfers: [],
          },
        ],
      },
    })
  })

  it('says when no catalog was asked', async () => {
    const answer = await api.call('POST', paths.why, { ...as(ana), body: whyBody({}) })
    expect(answer.body).toMatchObject({ effect: 'permit', names: 'text', statements: [] })
  })
})

function whyBody(more: object): object {
  return { resource: 'shop', statement: 'select 1', ...more }
}

function xml(): { raw: string; headers: Record<string, string> } {
  return { raw: '<a/>', headers: { 'content-type': 'text/xml' } }
}

describe('a slow request', () => {
  it('is ended when its body does not come', async () => {
    const socket = await api.connect()
    let said = ''
    socket.on('data', data => {
      said += data
    })
    const ended = new Promise(resolve => socket.once('close', resolve))
    socket.write(
      `POST ${paths.why} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${as(ana).token}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    )
    await ended
    expect(said).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('is refused when its identity has ended before its body was whole', async () => {
    const slow = async (end: () => void) => {
      const socket = await api.connect()
      const said = new Promise<string>(resolve =>
        socket.once('data', data => resolve(data.toString('latin1'))),
      )
      const body = JSON.stringify(whyBody({}))
      socket.write(
        `POST ${paths.why} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${as(ana).token}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
      )
      await sleep(100)
      end()
      socket.write(body.slice(9))
      const answer = await said
      socket.destroy()
      return answer
    }
    expect(await slow(() => {})).toMatch(/^HTTP\/1\.1 200 /)
    const revoke = () => api.endIdentity({ principalId: 'ana', reason: 'principal_revoked' })
    expect(await slow(revoke)).toMatch(/^HTTP\/1\.1 401 [\s\S]*identity_ended/)
    api.clock.now = Date.now()
    const expire = () => {
      api.clock.now = ana.expiresAt + 1
    }
    expect(await slow(expire)).toMatch(/^HTTP\/1\.1 401 [\s\S]*identity_ended/)
  })
})

describe('the OpenAPI document', () => {
  it('names each route once, with its answers, its refusals and who may call it', async () => {
    const document = (await api.call('GET', paths.openapi)).body as Document
    expect(document.openapi).toMatch(/^3\.1\./)
    const ids = new Set<string>()
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const where = `${method} ${path}`
        expect(operation.summary, where).toMatch(/^[A-Z].{10,}/)
        expect(ids.has(operation.operationId), where).toBe(false)
        ids.add(operation.operationId)
        expect(
          Object.keys(operation.responses).filter(status => /^[12]/.test(status)),
          where,
        ).toHaveLength(1)
        for (const status of ['400', '401', '403', '404', '409', '413', '500', '503'])
          expect(operation.responses, where).toHaveProperty(status)
        const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(found => found[1])
        const declared = (operation.parameters ?? [])
          .filter(parameter => parameter.in === 'path')
          .map(parameter => parameter.name)
        expect(declared, where).toEqual(inPath)
        if (method === 'post' && !/\/(end|test|cancel)$/.test(path))
          expect(operation.requestBody, where).toBeDefined()
      }
    }
    expect(document.components.securitySchemes).toHaveProperty('token')
  })

  it('has no reference that leads nowhere', async () => {
    const document = (await api.call('GET', paths.openapi)).body
    const seen: string[] = []
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      for (const [name, part] of Object.entries(value)) {
        if (name === '$ref') {
          seen.push(part)
          const found = String(part)
            .slice(2)
            .split('/')
            .reduce<unknown>((at, step) => (at as Record<string, unknown>)?.[step], document)
          expect(found, String(part)).toBeDefined()
        } else walk(part)
      }
    }
    walk(document)
    expect(seen.length).toBeGreaterThan(10)
  })

  it('describes the problem that is sent', async () => {
    const document = (await api.call('GET', paths.openapi)).body as Document
    const { properties, required } = document.components.schemas['Problem']!
    expect(Object.keys(properties).sort()).toEqual(Object.keys(schemas.problem.shape).sort())
    expect(required).toEqual(
      Object.entries(schemas.problem.shape)
        .filter(([, schema]) => !schema.isOptional())
        .map(([name]) => name),
    )
  })
})

interface Document {
  openapi: string
  paths: Record<
    string,
    Record<
      string,
      {
        summary: string
        operationId: string
        responses: object
        requestBody?: object
        parameters?: { name: string; in: string }[]
      }
    >
  >
  components: {
    securitySchemes: object
    schemas: Record<string, { properties: object; required: string[] }>
  }
}

describe('a live stream', () => {
  const watch = (id: string) => paths.watch.replace(':id', id)

  it('shows what happens, and ends with the session', async () => {
    const session = await api.open(ana)
    const stream = await api.stream(watch(session.id), as(ana).token)
    await session.authorize(read('select 4711'), nobodyWaits)
    await soon(() => stream.events.some(({ event }) => event === 'statement'))
    await session.close('client_left')
    await stream.ended
    expect(stream.events.map(({ event }) => event)).toEqual(['statement', 'closed'])
  })

  it.each([
    ['is revoked', () => api.endIdentity({ principalId: 'aude', reason: 'principal_revoked' })],
    [
      'has its token revoked',
      () => api.endIdentity({ credentialId: 'token-of-aude', reason: 'token_revoked' }),
    ],
    [
      'has no issuer any more',
      () => api.endIdentity({ issuer: 'https://idp', reason: 'issuer_changed' }),
    ],
    [
      'expires',
      () => {
        api.clock.now = aude.expiresAt + 1
      },
    ],
    ['loses the right to read', () => api.usePolicies(POLICIES.replaceAll('auditors', 'others'))],
  ])('ends within 2 s when its reader %s', async (_what, end) => {
    const stream = await api.stream(paths.auditTail, as(aude).token)
    await soon(() => stream.status === 200)
    const before = Date.now()
    end()
    await stream.ended
    within(2_000, Date.now() - before)
  })

  it('goes on while nothing of its reader ends', async () => {
    const stream = await api.stream(paths.auditTail, as(aude).token)
    api.endIdentity({ principalId: 'ana', reason: 'principal_revoked' })
    await sleep(1_200)
    await api.open(ana).catch(() => {})
    await api.call('GET', paths.whoami, { token: 'wrong' })
    await soon(() => stream.events.some(({ event }) => event === 'entry'))
    stream.destroy()
  })

  it('whose reader does not keep up is dropped, and nobody waits for it', async () => {
    const session = await api.open(ana)
    const stream = await api.stream(watch(session.id), as(ana).token)
    stream.response.pause()
    const before = process.memoryUsage().rss
    // As slow as the recording, and far more than a socket holds.
    const text = `select '${'x'.repeat(200_000)}'`
    for (let at = 0; at < 150; at++) {
      const permit = await session.authorize(read(text), nobodyWaits)
      await session.recordOutput(permit, 'output', Buffer.from('x'))
      await sleep(4)
    }
    await soon(() => api.logged.some(line => line.startsWith('api.reader_dropped')))
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024)
    stream.destroy()
    const again = await api.stream(watch(session.id), as(ana).token)
    await session.authorize(read(), nobodyWaits)
    await soon(() => again.events.length > 0)
    again.destroy()
  })

  it('of a session that has ended is refused', async () => {
    const session = await api.open(ana)
    await session.close('client_left')
    expect((await api.call('GET', watch(session.id), as(ana))).body).toMatchObject({
      code: 'request_conflict',
    })
  })

  it('leaves nobody listening when its reader has left', async () => {
    const stream = await api.stream(paths.auditTail, as(aude).token)
    stream.destroy()
    await sleep(50)
    for (let at = 0; at < 5; at++) await api.call('GET', paths.whoami, { token: 'wrong' })
    expect(api.logged.filter(line => line.startsWith('api.failed'))).toEqual([])
    expect((await api.call('GET', paths.whoami, as(aude))).status).toBe(200)
  })
})

describe('a tunnel', () => {
  const ask = (path: string, { token, upgrade = 'sallyport-tunnel', more = '' }: Asking) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
    `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n${more}`
  interface Asking {
    token: string
    upgrade?: string
    more?: string
  }
  async function open(path: string, asking: Asking) {
    const socket = await api.connect()
    const said = new Promise<string>(resolve =>
      socket.once('data', data => resolve(data.toString('latin1'))),
    )
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.write(ask(path, asking))
    return { socket, said: await said, closed }
  }

  it('is served by the resource’s protocol, as who has proved it', async () => {
    const { said } = await open('/api/connect/shop', as(ana))
    expect(said).toMatch(/^HTTP\/1\.1 101 /)
    expect(api.served[0]?.listener.tunnel).toMatchObject({
      principal: { id: 'ana' },
      resource: 'shop',
      origin: { ip: '127.0.0.1' },
    })
  })

  it.each([
    ['another upgrade', '/api/connect/shop', { upgrade: 'websocket' }, 404],
    ['an unknown resource', '/api/connect/nowhere', {}, 404],
    ['a path that climbs', '/api/connect/../connect/shop', {}, 404],
    ['a query', '/api/connect/shop?x=1', {}, 404],
    ['another route', '/api/whoami', {}, 404],
    ['bytes before the answer', '/api/connect/shop', { more: 'early' }, 403],
  ])('is refused for %s', async (_what, path, more, status) => {
    const { said, closed } = await open(path, { ...as(ana), ...more })
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    await closed
    expect(api.served).toEqual([])
  })

  it('is no route for a plain request', async () => {
    expect((await api.call('GET', '/api/connect/shop', as(ana))).status).toBe(404)
  })

  it('opens no session for an identity that ended while it was being set up', async () => {
    await open('/api/connect/shop', as(ana))
    const { tunnel } = api.served[0]!.listener
    const protocol = { name: 'test' } as Parameters<typeof api.gateway.open>[1]
    const enter = () => api.gateway.open(tunnel!.principal, protocol, 'shop', tunnel!.origin)
    const session = await enter()
    api.endIdentity({ principalId: 'ana', reason: 'principal_revoked' })
    expect(session.signal.aborted).toBe(true)
    await expect(enter()).rejects.toMatchObject({ code: 'identity_ended' })
  })
})

describe('what the API shows', () => {
  it('of requests comes page by page, and leaves out what one may not see', async () => {
    api.hold.user = 0
    const session = await api.open(ana)
    const other = await api.open(principal('otto', ['staff']))
    for (let at = 0; at < 5; at++) await held(session, `delete from t where id = ${at}`)
    await held(other)
    const page = async (query: string) =>
      (await api.call('GET', `${paths.requests}?${query}`, as(ana))).body as { id: string }[]
    const first = await page('limit=3')
    const second = await page(`limit=3&before=${first.at(-1)!.id}`)
    expect(first.length + second.length).toBe(5)
    expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(5)
  })

  it('of a long statement is cut in the list, says so, and is whole in the request itself', async () => {
    api.hold.user = 0
    const text = `delete from t where name = '${'x'.repeat(10_000)}'`
    const { requestId } = await held(await api.open(ana), text)
    const listed = (await api.call('GET', paths.requests, as(dora))).body as { statement: string }[]
    expect(listed[0]!.statement).toMatch(/CUT: \d+ more characters/)
    expect(listed[0]!.statement.length).toBeLessThan(5_000)
    const whole = await api.call('GET', paths.request.replace(':id', requestId), as(dora))
    expect(whole.body).toMatchObject({ statement: text })
  })

  it('shows what it would do to whoever may see it, the plan whole in the request itself', async () => {
    const session = await api.open(ana)
    api.hold.user = 0
    const plan = `Delete on t\n${'x'.repeat(6_000)}`
    const preview = async () => ({
      tables: [{ name: 'public.t', kind: 'table', rows: 7, exact: true }],
      estimate: { rows: 7, effect: 'changes' as const, guarded: true },
      plan,
      notes: ['A note.'],
    })
    const { requestId } = await Promise.resolve(
      session.authorize(write(), { ...nobodyWaits, preview }),
    ).catch(error => error)
    const path = paths.request.replace(':id', requestId)
    const get = async (where: string) => (await api.call('GET', where, as(dora))).body
    await until(
      'the preview',
      async () => ((await get(path)) as { preview?: object }).preview !== undefined,
    )
    expect(await get(path)).toMatchObject({
      preview: {
        tables: [{ name: 'public.t', kind: 'table', rows: 7, exact: true }],
        estimate: { rows: 7, effect: 'changes', guarded: true },
        plan,
        notes: ['A note.'],
      },
      defaultMaxRows: 17,
    })
    const [listed] = (await get(paths.requests)) as { preview: { plan: string } }[]
    expect(listed?.preview.plan).toMatch(/^Delete on t\nx{4000,5000}… CUT/)
    expect((await api.call('GET', path, as(principal('gus', [])))).status).toBe(404)
    // An estimate would answer what the one who asks may not read.
    const own = JSON.stringify((await api.call('GET', path, as(ana))).body)
    expect(own).toContain(requestId)
    expect(own).not.toMatch(/preview|defaultMaxRows|Delete on t/)
  })

  it('never is a secret, a token or a statement in the operator’s log', async () => {
    const session = await api.open(ana)
    const issued = await api.call('POST', paths.credentials, {
      ...as(ana),
      body: { resource: 'shop' },
    })
    const { secret } = issued.body as { secret: string }
    await held(session, "delete from t where x = 'canary-text'")
    await api.call('POST', paths.why, { ...as(ana), body: whyBody({ statement: 'canary-why' }) })
    api.recordings.list = () => Promise.reject(new Unavailable('unavailable', 'later'))
    await api.call('GET', paths.sessions, as(ana))
    const said = api.logged.join() + JSON.stringify(await api.entries())
    expect(secret.length).toBeGreaterThan(20)
    for (const canary of [secret, 'canary-text', 'canary-why', as(ana).token])
      expect(said).not.toContain(canary)
  })
})

describe('what the API changes', () => {
  const kinds = async () => (await api.entries()).map(entry => entry['kind'])

  it('is on record: a credential, a vote, a grant, the end of a session, a reading', async () => {
    api.usePolicies(
      `${POLICIES} @id("op") permit (principal in Group::"dba", action in [Action::"console:operate", Action::"console:read", Action::"console:audit"], resource == Gateway::"sallyport");`,
    )
    const session = await api.open(ana)
    api.hold.user = 0
    const { requestId } = await held(session)
    const post = (path: string, body: unknown, who = dora) =>
      api.call('POST', path, { ...as(who), body })
    await post(paths.credentials, { resource: 'shop' }, ana)
    await post(paths.approve.replace(':id', requestId), { maxRows: 3 })
    const grant = await post(paths.grants, {
      principal: 'gus',
      resource: 'shop',
      actions: ['connect'],
      seconds: 60,
      reason: 'ticket',
    })
    const { id } = grant.body as { id: string }
    await api.call('DELETE', paths.grant.replace(':id', id), as(dora))
    await api.call('GET', paths.recording.replace(':id', session.id), as(dora))
    await post(paths.endSession.replace(':id', session.id), undefined)
    expect(session.signal.reason).toBe('ended_by_operator')
    expect(await kinds()).toEqual(
      expect.arrayContaining([
        'credential.issued',
        'request.voted',
        'request.decided',
        'grant.created',
        'grant.ended',
        'recording.read',
        'operator.acted',
        'session.closed',
      ]),
    )
    // What was given and what was ended can be told to be the same right.
    for (const kind of ['grant.created', 'grant.ended'])
      expect((await api.entries()).find(entry => entry.kind === kind)).toMatchObject({
        details: { grant: id, to: 'gus' },
      })
    const again = await api.call('DELETE', paths.grant.replace(':id', id), as(dora))
    expect(again.body).toMatchObject({ code: 'request_conflict' })
  })

  it('erases a recording for who administers, on record before it is gone', async () => {
    api.usePolicies(
      `${POLICIES} @id("adm") permit (principal in Group::"dba", action in [Action::"console:administer", Action::"console:audit"], resource == Gateway::"sallyport");`,
    )
    const session = await api.open(ana)
    const path = paths.recording.replace(':id', session.id)
    const live = await api.call('DELETE', path, as(dora))
    expect(live.body).toMatchObject({ code: 'request_conflict' })
    await session.close('client_left')
    expect((await api.call('DELETE', path, as(ana))).status).toBe(403)
    expect(await kinds()).not.toContain('operator.acted')
    api.audit.failing = true
    expect((await api.call('DELETE', path, as(dora))).status).toBe(503)
    api.audit.failing = false
    expect((await api.call('GET', path, as(dora))).status).toBe(200)
    expect((await api.call('DELETE', path, as(dora))).status).toBe(204)
    expect((await api.entries()).find(({ kind }) => kind === 'operator.acted')).toMatchObject({
      session: session.id,
      principal: { id: 'dora' },
      details: { action: 'erase recording' },
    })
    expect((await api.call('GET', path, as(dora))).status).toBe(404)
    expect((await api.call('DELETE', path, as(dora))).status).toBe(404)
  })

  it('shows who acts for a person what they did together, never what the person did alone', async () => {
    const actor = {
      kind: 'agent' as const,
      id: 'helper',
      subject: 'helper',
      issuer: 'https://idp',
      groups: ['staff'],
    }
    const both = principal('ana', ['staff'], { actors: [actor] })
    api.hold.user = 0
    api.hold.agent = 0
    const alone = await api.open(ana)
    const together = await api.open(both)
    const asked = [await held(alone), await held(together)]
    const secrets = [
      await api.identity.issue(ana, 'shop', 60_000),
      await api.identity.issue(both, 'shop', 60_000),
    ]
    const ids = async (path: string) =>
      ((await api.call('GET', path, as(both))).body as { id: string }[]).map(({ id }) => id)
    expect(await ids(paths.sessions)).toEqual([together.id])
    expect(await ids(paths.requests)).toEqual([asked[1]!.requestId])
    expect(await ids(paths.credentials)).toEqual([secrets[1]!.id])
    expect(await ids(`${paths.credentials}?id=${secrets[1]!.id}`)).toEqual([secrets[1]!.id])
    expect(await ids(`${paths.credentials}?id=${secrets[0]!.id}`)).toEqual([])
    const status = async (method: string, path: string, id: string) =>
      (await api.call(method, path.replace(':id', id), as(both))).status
    for (const path of [paths.session, paths.recording, paths.watch])
      expect(await status('GET', path, alone.id), path).toBe(404)
    expect(await status('POST', paths.endSession, alone.id)).toBe(404)
    expect(await status('GET', paths.request, asked[0]!.requestId)).toBe(404)
    expect(await status('DELETE', paths.credential, secrets[0]!.id)).toBe(404)
    expect(await status('GET', paths.recording, together.id)).toBe(200)
    expect((await api.call('GET', paths.sessions, as(ana))).body).toHaveLength(2)
  })

  it('is never a right for oneself, nor one that an agent gives', async () => {
    const body = { resource: 'shop', actions: ['read'], seconds: 60, reason: 'x' }
    const give = (who: typeof ana, to: string) =>
      api.call('POST', paths.grants, { ...as(who), body: { ...body, principal: to } })
    expect((await give(dora, 'dora')).status).toBe(403)
    expect((await give(principal('robot', ['dba'], { kind: 'agent' }), 'gus')).status).toBe(403)
    expect((await give(ana, 'gus')).status).toBe(403)
    const helper = principal('helper', ['staff'], { kind: 'agent', owners: ['dora'] })
    const own = await api.open(helper)
    expect((await give(dora, 'helper')).status).toBe(403)
    await own.close('client_left')
    expect((await give(dora, 'gus')).status).toBe(201)
    const gus = await api.open(principal('gus', [])).catch(error => error)
    expect(gus).toMatchObject({ code: 'resource_unknown' })
  })

  it('ends a grant by the clock too, and that is on record', async () => {
    await api.grants.create({
      principal: 'gus',
      resource: 'shop',
      actions: ['connect'],
      expiresAt: api.clock.now + 100,
      approvedBy: ['dora'],
      reason: 'x',
    })
    const session = await api.open(principal('gus', []))
    api.clock.now += 101
    await until('the end', () => session.signal.aborted)
    expect(session.signal.reason).toBe('grant_ended')
    await until('its entry', async () => (await kinds()).includes('grant.ended'))
    await expect(
      api.gateway.open(principal('gus', []), { name: 'test' } as never, 'shop', origin),
    ).rejects.toMatchObject({ code: 'resource_unknown' })
  })
})

describe('a right for a time', () => {
  it('may cover every action that a policy may name', () => {
    expect(grantable).toEqual(actions)
  })
})
