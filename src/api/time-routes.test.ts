// Requests for time, rights and reviews over REST and the live stream: who sees what, and what is refused.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AccessRequestView, type GrantView, type LiveEvent, paths } from '#contract'
import type { Principal } from '#model'
import { until } from '../../test/servers/programs.ts'
import { principal } from '../gateway/gateway.testing.ts'
import { type Stream, type TestApi, testApi } from './harness.ts'

const POLICIES = `
@id("dba-approves") permit (principal in Group::"dba", action == Action::"approve", resource);
@id("on-call") permit (principal in Group::"oncall", action == Action::"break_glass", resource);
@id("c-read") permit (principal in Group::"c-read", action == Action::"console:read", resource == Gateway::"sallyport");
@id("c-operate") permit (principal in Group::"c-read", action == Action::"console:operate", resource == Gateway::"sallyport");
`
const ana = principal('ana', ['oncall'], { mfa: true, issuedAt: Date.now() })
const ben = principal('ben', [])
const dora = principal('dora', ['dba'])
const rita = principal('rita', ['c-read'])

let api: TestApi
beforeAll(async () => {
  api = await testApi(POLICIES)
})
afterAll(() => api.stop())

const wish = { resource: 'shop', seconds: 600, reason: 'ticket 7' }
const post = (who: Principal, path: string, body: unknown = {}) =>
  api.call('POST', path, { token: api.signIn(who), body })
const idOf = ({ body }: { body: unknown }): string => (body as { id: string }).id
const at = (path: string, id: string): string => path.replace(':id', id)
const listen = (who: Principal): Promise<Stream> => api.stream(paths.events, api.signIn(who))
const kinds = (stream: Stream): string[] =>
  stream.events
    .flatMap(({ data }) => (data as { entries?: LiveEvent[] }).entries ?? [])
    .map(({ kind }) => kind)
const soon = (holds: () => boolean) => until('it to hold', holds)

describe('requests for time over the API', () => {
  it('go from asking to a right that is revoked, told as it happens to who asked, who decides and who reads the console', async () => {
    const [own, decides, reads, other] = await Promise.all([ana, dora, rita, ben].map(listen))
    const asked = await post(ana, paths.requests, wish)
    expect(asked.status).toBe(201)
    expect(asked.body).toMatchObject({ kind: 'time', statement: 'connect, read for 10 min' })
    const approved = await post(dora, at(paths.approve, idOf(asked)), { seconds: 60, uses: 2 })
    const { grant, expiresAt } = approved.body as AccessRequestView
    expect(expiresAt).toBe(api.clock.now + 60_000)
    const listed = await api.call('GET', paths.grants, { token: api.signIn(ana) })
    expect(listed.body).toMatchObject([{ id: grant, maxUses: 2, uses: 0, request: idOf(asked) }])
    const revoked = await api.call('DELETE', at(paths.grant, grant!), { token: api.signIn(rita) })
    expect((revoked.body as GrantView).revokedAt).toBeDefined()
    const all = ['request.created', 'request.decided', 'grant.created', 'request.ended']
    for (const stream of [own, decides, reads])
      await soon(() => all.every(kind => kinds(stream!).includes(kind)))
    await soon(() => [own, reads].every(stream => kinds(stream!).includes('grant.ended')))
    expect(kinds(other!)).toEqual([])
    for (const stream of [own, decides, reads, other]) stream!.destroy()
  })

  it('tell of a review those who may close it, and keep it from others', async () => {
    const [decides, other] = [await listen(dora), await listen(ben)]
    const taken = await post(ana, paths.breakGlass, wish)
    expect(taken.status).toBe(201)
    const { review, grant } = taken.body as { review: AccessRequestView; grant: GrantView }
    await soon(() => kinds(decides).includes('glass.broken'))
    const open = await api.call('GET', `${paths.requests}?state=pending`, {
      token: api.signIn(dora),
    })
    expect(open.body).toMatchObject([{ id: review.id, kind: 'review', mayVote: true }])
    expect((await post(ben, at(paths.review, review.id), { note: 'x' })).status).toBe(404)
    expect((await post(dora, at(paths.review, review.id), { note: 'fine' })).status).toBe(409)
    await api.call('DELETE', at(paths.grant, grant.id), { token: api.signIn(rita) })
    expect((await post(dora, at(paths.review, review.id), { note: 'fine' })).status).toBe(200)
    await soon(() => kinds(decides).includes('glass.reviewed'))
    expect(kinds(other)).toEqual([])
    for (const stream of [decides, other]) stream.destroy()
  })

  it('are one’s own to see: who acts for somebody sees neither their rights nor, by asking for the next page, whose requests there are', async () => {
    const zoe = principal('zoe', [])
    const asked = idOf(await post(zoe, paths.requests, wish))
    expect((await post(dora, at(paths.approve, asked))).status).toBe(200)
    const bot = { kind: 'agent', id: 'bot', subject: 'bot', issuer: 'x', groups: [] } as const
    const seen = async (who: Principal, path: string) => {
      const { status, body } = await api.call('GET', path, { token: api.signIn(who) })
      return [status, body as { length?: number; code?: string }] as const
    }
    expect((await seen(zoe, paths.grants))[1]).toHaveLength(1)
    const through = principal('zoe', [], { actors: [bot] })
    expect((await seen(through, paths.grants))[1]).toEqual([])
    const next = (id: string) => `${paths.requests}?before=${id}`
    expect((await seen(zoe, next(asked)))[0]).toBe(200)
    const [there, nowhere] = [await seen(ben, next(asked)), await seen(ben, next('req-0'))]
    expect([there[0], nowhere[0]]).toEqual([404, 404])
    expect(there[1].code).toBe(nowhere[1].code)
  })

  it('refuse what makes no sense', async () => {
    for (const wrong of [
      { ...wish, seconds: 8 * 3600 + 1 },
      { ...wish, seconds: 1.5 },
      { ...wish, reason: '   ' },
      { ...wish, actions: [] },
      { ...wish, actions: ['approve'] },
      { ...wish, uses: 0 },
      { ...wish, principal: 'dora' },
    ])
      expect((await post(ana, paths.requests, wrong)).status, JSON.stringify(wrong)).toBe(400)
    expect((await post(ana, paths.breakGlass, { ...wish, seconds: 3601 })).status).toBe(400)
    const { body } = await post(ben, paths.requests, wish)
    const id = idOf({ body })
    expect((await post(dora, at(paths.approve, id), { maxRows: 5 })).status).toBe(400)
    expect((await post(dora, at(paths.approve, id), { actions: ['write'] })).status).toBe(409)
    expect((await post(dora, at(paths.review, id), { note: 'x' })).status).toBe(409)
  })
})
