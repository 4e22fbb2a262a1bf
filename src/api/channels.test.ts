// Decisions that come through channels, over real HTTPS with real signatures, into the real gateway: what counts, and
// all that must not.
import { createHmac, randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ChannelSettings } from '#config'
import { paths } from '#contract'
import type { AccessRequest, Principal } from '#model'
import { nobodyWaits, principal, write } from '../gateway/gateway.testing.ts'
import { json, type OtherSide, otherSide, shared } from '../services/channels/channels.testing.ts'
import { type TestApi, testApi } from './harness.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("ask") @approvers("dba, board") @within("15m") @reason("Ask the DBAs.")
forbid (principal, action == Action::"write", resource) unless { context.approved };
@id("by-slack") permit (principal in Group::"dba", action == Action::"approve_by_channel", resource in Resource::"shop")
when { context has channel && context.channel == "dba-slack" };
@id("by-people") permit (principal in Group::"dba", action == Action::"approve_by_channel", resource in Resource::"shop")
when { context has channel && context.channel == "people" };
@id("by-board") permit (principal == Agent::"change-board", action == Action::"approve_by_channel", resource in Resource::"shop")
when { context has channel && context.channel == "board" };
@id("reads") permit (principal in Group::"watchers", action == Action::"console:read", resource == Gateway::"sallyport");
@id("operates") permit (principal in Group::"operators", action == Action::"console:operate", resource == Gateway::"sallyport");
`
const until = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 30_000, interval: 20 })
const SIGNING = 'slack-signing-secret'
const BOARD = `whsec_${randomBytes(32).toString('base64')}`
const bot = principal('bot', ['staff'], { kind: 'agent', owners: ['olga'] })
const dora = principal('dora', ['dba'])

let api: TestApi
let side: OtherSide
let slack: Record<string, unknown>
let known: Record<string, Principal>

beforeEach(async () => {
  slack = {
    '/chat.postMessage': { ok: true, channel: 'C0123456789', ts: '1.1' },
    '/chat.update': { ok: true, channel: 'C0123456789', ts: '1.1' },
    '/chat.postEphemeral': { ok: true },
    '/auth.test': { ok: true, team_id: 'T1' },
    '/users.info': user('dora@example.com'),
  }
  side = await otherSide((heard, response) => json(slack[heard.path] ?? {})(heard, response))
  api = await testApi(POLICIES)
  api.hold.user = 0
  api.hold.agent = 0
  known = { 'dora@example.com': dora }
  vi.spyOn(api.identity.people, 'byAddress').mockImplementation(address => known[address])
  api.channelSecrets.set('env:SIGNING', SIGNING)
  api.channelSecrets.set('env:TOKEN', 'xoxb-1')
  api.channelSecrets.set('env:BOARD', BOARD)
  api.channels.update(settings())
})
afterEach(async () => {
  await api.stop()
  await side.close()
})

const user = (email: string, more = {}) => ({
  ok: true,
  user: {
    id: 'U0DORA',
    team_id: 'T1',
    deleted: false,
    is_bot: false,
    is_email_confirmed: true,
    profile: { email },
    ...more,
  },
})

function settings(): ChannelSettings[] {
  const hook = {
    ...shared,
    type: 'webhook' as const,
    url: `${side.url}/hook`,
    secrets: ['env:BOARD'],
  }
  const decisions = { secrets: ['env:BOARD'], groups: [] }
  return [
    {
      ...shared,
      type: 'slack',
      name: 'dba-slack',
      token: 'env:TOKEN',
      channel: 'C0123456789',
      signingSecret: 'env:SIGNING',
      api: side.url,
    },
    { ...hook, name: 'people', decisions },
    {
      ...hook,
      name: 'board',
      decisions: { ...decisions, approver: 'change-board', groups: ['board'] },
    },
    { ...hook, name: 'elsewhere', resources: ['other'], decisions },
    { ...hook, name: 'unpermitted', decisions },
    { ...hook, name: 'deaf' },
  ]
}

/** Somebody asks, and all channels have been told. */
async function asked(who: Principal = bot, text = 'delete from customers'): Promise<AccessRequest> {
  const session = await api.open(who)
  const refused = await Promise.resolve()
    .then(() => session.authorize(write(text), nobodyWaits))
    .then(
      () => undefined,
      error => error,
    )
  const request = await api.requests.get(refused.requestId)
  await until(async () => {
    const told = (await api.channels.list()).flatMap(({ deliveries }) =>
      deliveries.filter(each => each.request === request.id && each.state === 'delivered'),
    )
    expect(told).toHaveLength(5)
  })
  return request
}

function buttons(about: AccessRequest): { action_id: string; value: string }[] {
  const posts = side.heard.filter(({ path }) => path === '/chat.postMessage')
  const mine = posts.find(({ text }) => text.includes(about.id))
  const { blocks } = JSON.parse(mine?.text ?? '{"blocks":[]}')
  return blocks.flatMap(
    (each: { elements?: { action_id: string; value: string }[]; type: string }) =>
      each.type === 'actions' ? each.elements : [],
  )
}

function click(
  about: AccessRequest,
  vote: 'approve' | 'deny',
  changes: Record<string, unknown> = {},
) {
  const value = buttons(about).find(({ action_id }) => action_id === `sallyport_${vote}`)?.value
  const payload = {
    type: 'block_actions',
    user: { id: 'U0DORA' },
    team: { id: 'T1' },
    channel: { id: 'C0123456789' },
    actions: [{ type: 'button', action_id: `sallyport_${vote}`, value }],
    ...changes,
  }
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
}

function slackSends(
  body: string,
  { secret = SIGNING, at = api.clock.now, name = 'dba-slack' } = {},
) {
  const timestamp = String(Math.floor(at / 1_000))
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
  return api.call('POST', `/hooks/${name}`, {
    raw: body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${mac}`,
    },
  })
}

let messages = 0
function decides(
  name: string,
  about: AccessRequest,
  data: Record<string, unknown>,
  more: { id?: string; secret?: string; at?: Date } = {},
) {
  const { id = `dec_${++messages}`, secret = BOARD, at = new Date(api.clock.now) } = more
  const body = JSON.stringify({
    type: 'request.decision',
    data: { request: about.id, digest: about.digest, decision: 'approve', ...data },
  })
  return api.call('POST', `/hooks/${name}`, {
    raw: body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
    },
  })
}

const state = async (about: AccessRequest) => (await api.requests.get(about.id)).state
const told = () =>
  side.heard
    .filter(({ path }) => path === '/chat.postEphemeral')
    .map(({ text }) => JSON.parse(text).blocks[0].text.text)
const votes = async () => (await api.entries()).filter(({ kind }) => kind === 'request.voted')

describe('a click in Slack', () => {
  it('is acknowledged before anybody is asked anything, and then is a vote', async () => {
    const about = await asked()
    slack['/users.info'] = undefined
    let release = (): void => {}
    side.answer = (heard, response) => {
      if (heard.path !== '/auth.test') return json(slack[heard.path] ?? {})(heard, response)
      release = () => json(slack[heard.path])(heard, response)
    }
    const answer = await slackSends(click(about, 'approve'))
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(await state(about)).toBe('pending')
    slack['/users.info'] = user('dora@example.com')
    await until(() => expect(side.heard.at(-1)?.path).toBe('/auth.test'))
    release()
    await until(async () => expect(await state(about)).toBe('approved'))
    await until(() => expect(told()).toEqual(['It is approved.']))
    await until(() => expect(side.heard.map(({ path }) => path)).toContain('/chat.update'))
    expect((await api.requests.get(about.id)).votes).toMatchObject([
      { approver: 'dora', vote: 'approve' },
    ])
    expect((await votes())[0]).toMatchObject({
      details: { channel: 'dba-slack', vote: 'approve', by: { id: 'dora' } },
    })
  })

  it('denies', async () => {
    const about = await asked()
    await slackSends(click(about, 'deny'))
    await until(async () => expect(await state(about)).toBe('denied'))
  })

  const refused = async (about: AccessRequest, words: string | RegExp): Promise<void> => {
    expect((await slackSends(click(about, 'approve'))).status).toBe(200)
    await until(() => expect(told()).toEqual([expect.stringMatching(words)]))
    expect(await state(about)).toBe('pending')
  }

  it('of somebody who never signed in here is refused, in words and on record', async () => {
    const about = await asked()
    slack['/users.info'] = user('stranger@example.com')
    await refused(about, /^Nobody with this address has signed in here of late\. Sign in/)
    expect((await votes())[0]).toMatchObject({
      details: { channel: 'dba-slack', refused: expect.any(String) },
    })
    expect(JSON.stringify(await votes())).not.toContain('stranger@')
  })

  it('of somebody outside the group, of the asker’s owner or of the asker is refused', async () => {
    const about = await asked()
    known['dora@example.com'] = principal('nick', ['sales'])
    await refused(about, /No policy lets you decide this from outside the console|Only group/)
    side.heard.splice(0, side.heard.length)
    const again = await asked(bot, 'delete from customers where id = 1')
    known['dora@example.com'] = principal('olga', ['dba'])
    await refused(again, 'Nobody may approve what they')
    side.heard.splice(0, side.heard.length)
    const own = await asked(
      principal('dave', ['staff', 'dba']),
      'delete from customers where id = 2',
    )
    known['dora@example.com'] = principal('dave', ['dba'])
    await refused(own, 'Nobody may approve what they')
  })

  it('of an address that Slack does not vouch for is refused', async () => {
    const about = await asked()
    slack['/users.info'] = user('dora@example.com', { is_email_confirmed: false })
    await refused(about, 'Slack does not vouch for your address')
  })

  it('counts only where a policy says that it may come this way', async () => {
    api.usePolicies(POLICIES.replace('"dba-slack"', '"another"'))
    await refused(await asked(), 'No policy lets you decide this from outside the console')
  })

  it('is bound by what forbids approving besides', async () => {
    api.usePolicies(`${POLICIES}
      @id("mfa") forbid (principal, action == Action::"approve", resource) unless { context.mfa };`)
    await refused(await asked(), /^You may not approve this/)
  })

  it('is refused when it was signed by others, too long ago, or came before', async () => {
    const about = await asked()
    const body = click(about, 'approve')
    expect(await slackSends(body, { secret: 'guess' })).toMatchObject({ status: 401 })
    expect(await slackSends(body, { at: api.clock.now - 301_000 })).toMatchObject({ status: 401 })
    expect(await slackSends(body, { at: api.clock.now + 302_000 })).toMatchObject({ status: 401 })
    expect(await slackSends(body.replace('approve', 'deny_____'), {})).toMatchObject({
      status: 200,
    })
    expect(await state(about)).toBe('pending')
    expect(
      (await api.entries()).filter(({ kind }) => kind === 'login.failed').length,
    ).toBeGreaterThan(0)
    expect((await slackSends(body)).status).toBe(200)
    expect(await slackSends(body)).toMatchObject({
      status: 409,
      body: { code: 'request_conflict' },
    })
  })

  it('is refused on a button that was made up, or belongs to another message', async () => {
    const [one, two] = [await asked(), await asked(bot, 'delete from customers where id = 3')]
    const [, nonce] = (buttons(one)[0]?.value ?? '').split(' ')
    for (const value of [`${two.id} ${nonce}`, `${one.id} guessed`, `req-unknown ${nonce}`, '']) {
      const body = click(one, 'approve', {
        actions: [{ type: 'button', action_id: 'sallyport_approve', value }],
      })
      expect((await slackSends(body)).status, value).toBeGreaterThanOrEqual(400)
    }
    expect([await state(one), await state(two)]).toEqual(['pending', 'pending'])
  })

  it('gives a right for a time as it was asked for', async () => {
    api.usePolicies(`${POLICIES}
      @id("dba-gives") permit (principal in Group::"dba", action == Action::"approve", resource);`)
    const asked = await api.call('POST', paths.requests, {
      token: api.signIn(principal('gus', [])),
      body: { resource: 'shop', seconds: 3_600, reason: 'incident 12' },
    })
    expect(asked.status).toBe(201)
    const about = await api.requests.get((asked.body as { id: string }).id)
    await until(() => expect(buttons(about)).not.toEqual([]))
    await slackSends(click(about, 'approve'))
    await until(async () => expect(await state(about)).toBe('approved'))
    // Made once the decision is on record.
    await until(async () =>
      expect(await api.grants.list({ ended: true, limit: 10 })).toMatchObject([
        { principal: 'gus', resource: 'shop', actions: ['connect', 'read'], approvedBy: ['dora'] },
      ]),
    )
  })

  it('says what became of it when it is decided already', async () => {
    const about = await asked()
    const body = click(about, 'approve')
    await api.requests.apply(about.id, { kind: 'cancel' })
    await slackSends(body)
    await until(() => expect(told()).toEqual([expect.stringMatching(/cancelled/)]))
  })
})

describe('a signed decision', () => {
  it('of a person counts as theirs, with a bound and a reason', async () => {
    const about = await asked()
    const answer = await decides('people', about, {
      email: 'dora@example.com',
      reason: 'CHG-1',
      maxRows: 3,
    })
    expect(answer).toMatchObject({ status: 200, body: { request: about.id, state: 'approved' } })
    expect(await api.requests.get(about.id)).toMatchObject({
      maxRows: 3,
      votes: [{ approver: 'dora', reason: 'CHG-1' }],
    })
  })

  it('of a service counts as its own where a policy names it, and in its groups', async () => {
    const about = await asked()
    expect(await decides('board', about, {})).toMatchObject({
      status: 200,
      body: { state: 'approved' },
    })
    expect((await api.requests.get(about.id)).votes).toMatchObject([{ approver: 'change-board' }])
    expect((await votes())[0]).toMatchObject({
      details: { channel: 'board', by: { id: 'change-board', kind: 'agent' } },
    })
  })

  it('of a service whose principal asks itself is refused', async () => {
    const about = await asked(principal('change-board', ['staff'], { kind: 'agent' }))
    expect(await decides('board', about, {})).toMatchObject({ status: 403 })
  })

  it('counts nowhere else than the policy says', async () => {
    api.usePolicies(POLICIES.replace('Agent::"change-board"', 'Agent::"other-board"'))
    const about = await asked()
    for (const [name, data] of [
      ['board', {}],
      ['unpermitted', { email: 'dora@example.com' }],
    ] as const) {
      expect(await decides(name, about, data), name).toMatchObject({
        status: 403,
        body: { code: 'not_allowed' },
      })
    }
    expect(await state(about)).toBe('pending')
  })

  it('of an agent with the service’s name and its own token is no decision of the service', async () => {
    const about = await asked()
    const impostor = principal('change-board', ['board', 'dba'], { kind: 'agent' })
    const answer = await api.call('POST', paths.approve.replace(':id', about.id), {
      token: api.signIn(impostor),
      body: {},
    })
    expect(answer.status).toBeGreaterThanOrEqual(403)
    expect(await state(about)).toBe('pending')
  })

  it('is refused: wrong key, old, replayed, of another digest, of nobody, of what was never told there', async () => {
    const about = await asked()
    const as = { email: 'dora@example.com' }
    const strange = `whsec_${randomBytes(32).toString('base64')}`
    const old = new Date(api.clock.now - 301_000)
    const expectations: [string, Promise<{ status: number }>, number][] = [
      ['another key', decides('people', about, as, { secret: strange }), 401],
      ['too old', decides('people', about, as, { at: old }), 401],
      ['another digest', decides('people', about, { ...as, digest: 'a'.repeat(64) }), 409],
      ['nobody known', decides('people', about, { email: 'x@example.com' }), 403],
      ['nobody named', decides('people', about, {}), 400],
      ['a person of a service', decides('board', about, as), 400],
      ['another resource’s channel', decides('elsewhere', about, as), 403],
      ['a channel that takes none', decides('deaf', about, as), 401],
      ['no channel', decides('nowhere', about, as), 401],
      ['no request', decides('people', { ...about, id: 'req-none' }, as), 403],
    ]
    for (const [what, sent, status] of expectations) expect((await sent).status, what).toBe(status)
    const answers = await Promise.all(
      ['people', 'deaf', 'nowhere'].map(name => decides(name, about, as, { secret: strange })),
    )
    // What is there and what is not answers alike.
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await state(about)).toBe('pending')
    const once = { id: 'dec_once' }
    expect((await decides('people', about, { email: 'x@example.com' }, once)).status).toBe(403)
    expect((await decides('people', about, as, once)).status).toBe(409)
    expect(await state(about)).toBe('pending')
  })

  it('is refused when it is no body, too much of one, or comes with an identity in its place', async () => {
    const about = await asked()
    const path = '/hooks/people'
    expect((await api.call('POST', path, { raw: 'x'.repeat(300_000) })).status).toBe(413)
    expect((await api.call('POST', path)).status).toBe(400)
    expect(
      await api.call('POST', path, { token: api.signIn(dora), body: { request: about.id } }),
    ).toMatchObject({ status: 401, body: { code: 'token_invalid' } })
    expect((await api.call('GET', path, { token: api.signIn(dora) })).status).toBe(404)
  })

  it('that came twice at once counts once', async () => {
    const about = await asked()
    const id = { id: 'dec_twice' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => decides('people', about, { email: 'dora@example.com' }, id)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
  })
})

describe('the channels of a gateway', () => {
  it('are shown to who may read the console, without a secret', async () => {
    await asked()
    const answer = await api.call('GET', paths.channels, {
      token: api.signIn(principal('wanda', ['watchers'])),
    })
    expect(answer.status).toBe(200)
    expect(answer.text).not.toMatch(/xoxb|whsec|signing/)
    const [first] = answer.body as Record<string, unknown>[]
    expect(first).toMatchObject({
      name: 'dba-slack',
      type: 'slack',
      target: 'channel C0123456789',
      show: 'statement',
      decides: true,
      state: 'working',
      waiting: 0,
      deliveries: [{ event: 'asked', state: 'delivered', attempts: 1 }],
    })
  })

  it('are tested by who may operate it, on record', async () => {
    const token = api.signIn(principal('olaf', ['operators']))
    const path = paths.testChannel.replace(':name', 'dba-slack')
    const answer = await api.call('POST', path, { token })
    expect(answer).toMatchObject({ status: 200, body: { event: 'test', state: 'delivered' } })
    expect((await api.entries()).at(-1)).toMatchObject({
      kind: 'operator.acted',
      details: { action: 'test channel', channel: 'dba-slack' },
    })
    slack['/chat.postMessage'] = { ok: false, error: 'not_in_channel' }
    expect(await api.call('POST', path, { token })).toMatchObject({
      status: 200,
      body: { state: 'failed', error: 'Slack says: not_in_channel' },
    })
  })
})
