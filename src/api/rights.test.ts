// Who may call what: a row for each route of the contract, asked by each kind of caller over real HTTPS.
// A route without a row fails, and so does a row without a route.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { paths } from '#contract'
import type { Principal } from '#model'
import { nobodyWaits, principal, write } from '../gateway/gateway.testing.ts'
import { type Answer, type TestApi, testApi } from './harness.ts'
import { openApiPath } from './openapi.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("ask") @approvers("dba") @within("15m") @reason("Ask the DBAs.")
forbid (principal, action == Action::"write", resource) unless { context.approved };
@id("dba-gives") permit (principal in Group::"dba", action == Action::"approve", resource);
@id("c-read") permit (principal in Group::"c-read", action == Action::"console:read", resource == Gateway::"sallyport");
@id("c-audit") permit (principal in Group::"c-audit", action == Action::"console:audit", resource == Gateway::"sallyport");
@id("c-operate") permit (principal in Group::"c-operate", action == Action::"console:operate", resource == Gateway::"sallyport");
@id("c-administer") permit (principal in Group::"c-administer", action == Action::"console:administer", resource == Gateway::"sallyport");
`

/** What the call is about, made anew for each call: always ana's. */
interface Things {
  readonly request: string
  /** A broken glass that nobody has looked at yet. */
  readonly review: string
  readonly session: string
  /** A session that has ended. */
  readonly ended: string
  readonly grant: string
  readonly credential: string
  readonly run: string
}

interface Row {
  readonly route: string
  readonly body?: unknown
  /** Both of the things that the call is about. */
  readonly bodyOf?: (things: Things) => unknown
  readonly query?: (things: Things) => string
  readonly id?: (things: Things) => string
  readonly kind?: 'stream' | 'tunnel' | 'public'
  /** What somebody without an identity gets of a public route, when it is not 200. */
  readonly open?: number
  /** Status for: ana herself, somebody without any right, and one console right each; a person of group dba. */
  readonly own: number
  readonly other: number
  readonly read: number
  readonly audit: number
  readonly operate: number
  readonly administer: number
  readonly dba: number
}

const all = (status: number) => ({
  own: status,
  other: status,
  read: status,
  audit: status,
  operate: status,
  administer: status,
  dba: status,
})
/** `status` for all but those who are named with another. */
function only(status: number, ...rest: [number, ...(keyof ReturnType<typeof all>)[]][]) {
  const row = all(status)
  for (const [own, ...who] of rest) for (const each of who) row[each] = own
  return row
}
const grant = { principal: 'gus', resource: 'shop', actions: ['read'], seconds: 60, reason: 'x' }

const rows: readonly Row[] = [
  { route: `GET ${paths.openapi}`, kind: 'public', ...all(200) },
  { route: `GET ${paths.ready}`, kind: 'public', ...all(200) },
  { route: `GET ${paths.healthy}`, kind: 'public', ...all(200) },
  // Signing in is open to all and gives nobody anything by itself; this gateway has no issuer to sign in at.
  { route: `GET ${paths.home}`, kind: 'public', ...all(200) },
  { route: `GET ${paths.signIn}`, kind: 'public', open: 503, ...all(503) },
  { route: `GET ${paths.callback}`, kind: 'public', open: 401, ...all(401) },
  { route: `GET ${paths.signOut}`, kind: 'public', ...all(200) },
  { route: `POST ${paths.signOut}`, kind: 'public', open: 403, ...all(403) },
  { route: `GET ${paths.device}`, kind: 'public', open: 303, ...all(303) },
  {
    route: `POST ${paths.device}`,
    kind: 'public',
    body: { code: 'X', answer: 'yes' },
    open: 403,
    ...all(403),
  },
  {
    route: `POST ${paths.deviceCode}`,
    kind: 'public',
    body: { client: 'x' },
    open: 503,
    ...all(503),
  },
  {
    route: `POST ${paths.deviceToken}`,
    kind: 'public',
    body: { deviceCode: 'x' },
    open: 401,
    ...all(401),
  },
  { route: `DELETE ${paths.signIns}`, ...all(400) },
  { route: `GET ${paths.metrics}`, ...only(403, [200, 'read']) },
  { route: `GET ${paths.whoami}`, ...all(200) },
  { route: `GET ${paths.resources}`, ...all(200) },
  { route: `GET ${paths.credentials}`, ...all(200) },
  { route: `POST ${paths.credentials}`, body: { resource: 'shop' }, ...only(404, [201, 'own']) },
  // The wire of this gateway knows no certificates.
  {
    route: `POST ${paths.certificates}`,
    body: { resource: 'shop', publicKey: 'x' },
    ...only(404, [400, 'own']),
  },
  { route: `GET ${paths.knownHosts}`, ...all(200) },
  {
    route: `DELETE ${paths.credential}`,
    id: things => things.credential,
    ...only(404, [204, 'own', 'operate']),
  },
  { route: `GET ${paths.requests}`, ...all(200) },
  {
    route: `GET ${paths.request}`,
    id: things => things.request,
    ...only(404, [200, 'own', 'read', 'dba']),
  },
  {
    route: `GET ${paths.precedents}`,
    id: things => things.request,
    ...only(404, [403, 'own'], [200, 'read', 'dba']),
  },
  {
    route: `GET ${paths.explanation}`,
    id: things => things.request,
    ...only(404, [200, 'own', 'read', 'dba']),
  },
  ...[paths.approve, paths.deny].map(path => ({
    route: `POST ${path}`,
    body: {},
    id: (things: Things) => things.request,
    ...only(404, [403, 'own', 'read'], [200, 'dba']),
  })),
  {
    route: `POST ${paths.requests}`,
    body: { resource: 'shop', actions: ['connect', 'define'], seconds: 60, reason: 'x' },
    ...all(201),
  },
  {
    route: `POST ${paths.cancel}`,
    id: things => things.request,
    ...only(404, [200, 'own'], [403, 'read', 'dba']),
  },
  {
    route: `POST ${paths.breakGlass}`,
    body: { resource: 'shop', seconds: 60, reason: 'x' },
    // Nobody here was enrolled.
    ...all(403),
  },
  {
    route: `POST ${paths.review}`,
    id: things => things.review,
    body: { note: 'looked at' },
    ...only(404, [403, 'own', 'read'], [200, 'dba']),
  },
  { route: `GET ${paths.grants}`, ...all(200) },
  { route: `POST ${paths.grants}`, body: grant, ...only(403, [201, 'dba']) },
  {
    route: `DELETE ${paths.grant}`,
    id: things => things.grant,
    ...only(403, [200, 'operate']),
  },
  { route: `GET ${paths.sessions}`, ...all(200) },
  {
    route: `GET ${paths.session}`,
    id: things => things.session,
    ...only(404, [200, 'own', 'read']),
  },
  {
    route: `GET ${paths.recording}`,
    id: things => things.session,
    ...only(404, [200, 'own', 'audit']),
  },
  // Who may read it is told that nothing of it was on a terminal.
  ...[paths.cast, paths.typedCommands].map(path => ({
    route: `GET ${path}`,
    id: (things: Things) => things.session,
    ...only(404, [409, 'own', 'audit']),
  })),
  {
    route: `GET ${paths.screen}`,
    query: () => '?at=0',
    id: things => things.session,
    ...only(404, [409, 'own', 'audit']),
  },
  {
    // Nor is what one has typed oneself to be read without the right.
    route: `GET ${paths.input}`,
    id: things => things.session,
    ...only(404, [200, 'audit'], [403, 'own']),
  },
  {
    route: `DELETE ${paths.recording}`,
    id: things => things.ended,
    ...only(403, [204, 'administer']),
  },
  {
    route: `GET ${paths.watch}`,
    id: things => things.session,
    kind: 'stream',
    ...only(404, [200, 'own', 'audit']),
  },
  {
    route: `POST ${paths.endSession}`,
    id: things => things.session,
    ...only(404, [200, 'own', 'operate'], [403, 'read']),
  },
  { route: `GET ${paths.now}`, ...only(403, [200, 'read']) },
  // Everybody asks, and sees themselves.
  { route: `GET ${paths.principals}`, ...all(200) },
  { route: `GET ${paths.principal}`, query: () => '?id=ana', ...only(404, [200, 'own', 'read']) },
  // Somebody whom no other call is about: what is ended is ended.
  {
    route: `POST ${paths.withdraw}`,
    body: { principal: 'nobody-else' },
    ...only(403, [200, 'operate']),
  },
  { route: `GET ${paths.runs}`, ...all(200) },
  {
    route: `GET ${paths.run}`,
    query: ({ run }) => `?principal=ana&run=${run}`,
    ...only(404, [200, 'own', 'read']),
  },
  {
    route: `POST ${paths.endRun}`,
    bodyOf: ({ run }) => ({ principal: 'ana', run }),
    ...only(404, [200, 'own', 'operate'], [403, 'read']),
  },
  {
    route: `POST ${paths.why}`,
    body: { resource: 'shop', statement: 'select 1' },
    ...only(404, [200, 'own', 'read']),
  },
  ...[`GET ${paths.policies}`, `GET ${paths.policyVersions}`, `GET ${paths.dataClasses}`].map(
    route => ({ route, ...only(403, [200, 'read']) }),
  ),
  { route: `GET ${paths.policyVersion}`, id: () => '1', ...only(403, [200, 'read']) },
  { route: `POST ${paths.policyTry}`, body: { changes: [] }, ...only(403, [200, 'read']) },
  // What others asked is in the answer.
  { route: `POST ${paths.policyReplay}`, body: { changes: [] }, ...only(403, [200, 'audit']) },
  {
    route: `POST ${paths.policyWhy}`,
    body: { changes: [], question: { resource: 'shop', statement: 'select 1' } },
    ...only(403, [200, 'read']),
  },
  {
    // Made to something else than what is there: who may change them gets as far as being told so.
    route: `POST ${paths.policies}`,
    body: { opened: 'x', changes: [{ name: 'more.cedar', text: '' }], note: 'x' },
    ...only(403, [409, 'administer']),
  },
  { route: `GET ${paths.channels}`, ...only(403, [200, 'read']) },
  {
    route: `POST ${paths.testChannel}`,
    id: () => 'board',
    ...only(403, [404, 'operate']),
  },
  // A key that the configuration names is the proof; identities are none here.
  { route: `POST ${paths.channelHook}`, kind: 'public', body: {}, open: 401, ...all(401) },
  // Everybody may listen, and hears of what is their own.
  { route: `GET ${paths.events}`, kind: 'stream', ...all(200) },
  { route: `GET ${paths.audit}`, ...only(403, [200, 'audit']) },
  { route: `GET ${paths.auditTail}`, kind: 'stream', ...only(403, [200, 'audit']) },
  { route: `GET ${paths.auditLog}`, ...only(403, [200, 'audit']) },
  { route: `GET ${paths.auditHeads}`, ...only(403, [200, 'audit']) },
  { route: `GET ${paths.auditCheckpoint}`, ...only(403, [200, 'audit']) },
  { route: `GET ${paths.auditTile}`, id: () => '0', ...only(403, [200, 'audit']) },
  { route: `GET ${paths.tunnel}`, kind: 'tunnel', id: () => 'shop', ...only(404, [101, 'own']) },
]

let api: TestApi
const people: {
  [who in Exclude<
    keyof Row,
    'route' | 'body' | 'bodyOf' | 'query' | 'id' | 'kind' | 'open'
  >]: Principal
} = {
  own: principal('ana', ['staff']),
  other: principal('eve', []),
  read: principal('rita', ['c-read']),
  audit: principal('aude', ['c-audit']),
  operate: principal('opal', ['c-operate']),
  administer: principal('ada', ['c-administer']),
  dba: principal('dora', ['dba']),
}
const callers = Object.keys(people) as (keyof typeof people)[]

beforeAll(async () => {
  api = await testApi(POLICIES)
  api.hold.user = 0
})
afterAll(() => api.stop())

/** Everything of ana's that a call can be about. */
async function things(): Promise<Things> {
  for (const open of api.gateway.sessions.all()) await open.close('client_left')
  const before = await api.open(people.own)
  await before.close('client_left')
  const run = `run-${Math.random()}`
  const session = await api.open({ ...people.own, run })
  const text = `delete from t where id = ${Math.random()}`
  const refused = await Promise.resolve()
    .then(() => session.authorize(write(text), nobodyWaits))
    .then(
      () => undefined,
      error => error,
    )
  const given = await api.grants.create({
    principal: 'ana',
    resource: 'shop',
    actions: ['read'],
    expiresAt: Date.now() + 60_000,
    approvedBy: ['dora'],
    reason: 'x',
  })
  const review = await api.requests.create({
    kind: 'review',
    digest: 'd'.repeat(64),
    resource: 'shop',
    protocol: 'test',
    principal: 'ana',
    principalKind: 'user',
    excluded: ['ana'],
    message: 'x',
    policies: [],
    approvers: [],
    quorum: 1,
    until: Date.now() + 60_000,
    expiresAt: Date.now() + 60_000,
  })
  const credential = await api.identity.issue(people.own, 'shop', 60_000)
  return {
    review: review.id,
    session: session.id,
    ended: before.id,
    request: refused.requestId,
    grant: given.id,
    credential: credential.id,
    run,
  }
}

async function status(row: Row, about: Things, token: string | undefined): Promise<number> {
  const [method = '', path = ''] = row.route.split(' ')
  const url =
    path.replace(/:\w+/, row.id?.(about) ?? 'none').replace('*', '000.p/1') +
    (row.query?.(about) ?? '')
  if (row.kind === 'tunnel') return tunnelStatus(url, token)
  if (row.kind === 'stream' && token !== undefined) {
    const stream = await api.stream(url, token)
    stream.destroy()
    return stream.status
  }
  const answer = await api.call(method, url, {
    token,
    body: row.bodyOf?.(about) ?? row.body,
  })
  const isPage = /^text\/html/.test(String(answer.headers['content-type']))
  if (answer.status >= 400 && !isPage) expectProblem(answer)
  return answer.status
}

async function tunnelStatus(url: string, token: string | undefined): Promise<number> {
  const socket = await api.connect()
  const said = new Promise<string>(resolve =>
    socket.once('data', data => resolve(data.toString('latin1'))),
  )
  const proof = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
  socket.write(
    `GET ${url} HTTP/1.1\r\nHost: x\r\n${proof}Connection: Upgrade\r\nUpgrade: sallyport-tunnel\r\n\r\n`,
  )
  const found = /^HTTP\/1\.1 (\d+)/.exec(await said)?.[1]
  socket.destroy()
  return Number(found)
}

function expectProblem(answer: Answer): void {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(answer.body).toMatchObject({
    type: expect.stringMatching(/^urn:sallyport:error:[a-z_]+$/),
    title: expect.any(String),
    detail: expect.any(String),
    code: expect.any(String),
    status: answer.status,
  })
}

describe('the table of rights', () => {
  it('has a row for each route that is served, and no other', () => {
    const inTable = rows.map(({ route }) => route)
    expect(
      api.routes.filter(route => !inTable.includes(route)),
      'served, and not in the table',
    ).toEqual([])
    expect(
      inTable.filter(route => !api.routes.includes(route)),
      'in the table, and not served',
    ).toEqual([])
    expect(new Set(inTable).size).toBe(inTable.length)
  })

  it('has a row for each path of the contract, and the document for each that is not hidden', async () => {
    const inTable = rows.map(({ route }) => route)
    expect(new Set(inTable.map(route => route.split(' ')[1]))).toEqual(
      new Set<string>(Object.values(paths)),
    )
    const { body } = await api.call('GET', paths.openapi)
    const { paths: documented } = body as { paths: Record<string, Record<string, unknown>> }
    const inDocument = Object.entries(documented).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
    )
    const written = inTable.map(openApiPath)
    expect(inDocument.filter(route => !written.includes(route))).toEqual([])
    const hidden = written.filter(route => !inDocument.includes(route))
    expect(
      hidden.filter(route => !/ \/(auth\/|$|readyz|healthz|metrics|api\/openapi)/.test(route)),
    ).toEqual([])
  })

  it('keeps what is a person’s from an agent of the same subject, and the reverse', async () => {
    const { session, ended, request, credential } = await things()
    const agent = api.signIn({ ...people.own, kind: 'agent' })
    for (const [path, id] of [
      [paths.session, session],
      [paths.recording, ended],
      [paths.request, request],
    ] as const)
      expect((await api.call('GET', path.replace(':id', id), { token: agent })).status).toBe(404)
    const gone = paths.credential.replace(':id', credential)
    expect((await api.call('DELETE', gone, { token: agent })).status).toBe(404)
    for (const list of [paths.sessions, paths.requests, paths.credentials]) {
      const { body } = await api.call('GET', list, { token: agent })
      expect(body, list).toEqual([])
    }
    expect((await api.call('DELETE', gone, { token: api.signIn(people.own) })).status).toBe(204)
  })

  for (const row of rows) {
    it(`holds for ${row.route}`, async () => {
      const about = await things()
      const open = row.kind === 'public' ? (row.open ?? 200) : 401
      expect(await status(row, about, undefined), 'nobody').toBe(open)
      expect(await status(row, about, 'x.y.z'), 'a wrong token').toBe(open)
      expect(await status(row, about, 'token with blanks'), 'no token at all').toBe(open)
      for (const who of callers) {
        const fresh = row.id === undefined && row.bodyOf === undefined ? about : await things()
        expect(await status(row, fresh, api.signIn(people[who])), who).toBe(row[who])
      }
      for (const { id, kind } of await api.requests.list({ states: ['pending'], limit: 200 }))
        if (kind !== 'review') await api.requests.apply(id, { kind: 'cancel' })
    })
  }
})
