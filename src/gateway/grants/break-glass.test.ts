// Breaking the glass: who may, what it gives, and that somebody else looks at it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Principal } from '#model'
import type { AccessTables } from '#services/access'
import { until, within } from '../../../test/servers/programs.ts'
import {
  nobodyWaits,
  origin,
  principal,
  type TestGateway,
  testGateway,
  write,
} from '../gateway.testing.ts'

const POLICIES = `
@id("on-call") permit (principal in Group::"oncall", action == Action::"break_glass", resource == Resource::"shop");
@id("dba-approves") permit (principal in Group::"dba", action == Action::"approve", resource);
@id("frozen") @reason("frozen for the quarter's end")
forbid (principal, action == Action::"write", resource) unless { context.breakGlass };
`
let test: TestGateway
const person = (more: Partial<Principal> = {}): Principal =>
  principal('ana', ['oncall'], {
    mfa: true,
    authenticatedAt: test.clock.now - 60_000,
    expiresAt: test.clock.now + 86_400_000,
    ...more,
  })
const dora = principal('dora', ['dba'])
const take = (who: Principal, seconds = 600) =>
  test.gateway.breakGlass(who, { resource: 'shop', seconds, reason: 'the site is down' }, origin)
const kinds = async () => (await test.entries()).map(({ kind }) => kind)

beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

describe('broken glass', () => {
  it('lets an enrolled person in at once, lifts what says so, is kept in full, and is on record by its own kind', async () => {
    const ana = person()
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
    await take(ana)
    expect(await kinds()).toContain('glass.broken')
    const session = await test.open(ana)
    expect((await session.authorize(write(), nobodyWaits)).statement.text).toBe(write().text)
    expect(session.resource.recording).toMatchObject({
      keep: 'answers',
      answerBytes: 2 * 1024 * 1024,
    })
  })

  it('ends its sessions at its end, though the policies would let the person be there', async () => {
    test.usePolicies(
      `${POLICIES} @id("in") permit (principal, action == Action::"connect", resource);`,
    )
    const ana = person()
    const before = await test.open(ana)
    await take(ana)
    const session = await test.open(ana)
    await expect(before.authorize(write(), nobodyWaits)).rejects.toMatchObject({
      message: "frozen for the quarter's end",
    })
    test.clock.now += 600_000
    await until('it to come', () => session.signal.aborted)
    expect(before.signal.aborted).toBe(false)
  })

  it('ends within two seconds when it is revoked', async () => {
    const ana = person()
    const { grant } = await take(ana)
    const session = await test.open(ana)
    const began = performance.now()
    await test.gateway.revoke(dora, grant.id)
    await until('it to come', () => session.signal.aborted)
    within(2_000, performance.now() - began)
  })

  it('is not in the hands of an agent that has the same subject, also where it was broken before that was told', async () => {
    await take(person())
    const agent = principal('ana', ['oncall'], { kind: 'agent' })
    await expect(test.open(agent)).rejects.toMatchObject({ code: 'resource_unknown' })
    const shop = test.inventory.get('shop')!
    expect(test.gateway.rights.mayConnect(agent, shop, origin)).toBe(false)
    await test.store
      .tables<AccessTables>()
      .updateTable('access_grants')
      .set({ body: JSON.stringify({ breakGlass: true }) })
      .execute()
    await test.grants.load()
    expect(test.gateway.rights.mayConnect(agent, shop, origin)).toBe(false)
    expect(test.gateway.rights.mayConnect(person(), shop, origin)).toBe(true)
  })

  it('is not broken again when it was revoked, until another person has looked; elsewhere and after its own end it is', async () => {
    const ana = person()
    const { grant, review } = await take(ana)
    await test.gateway.revoke(dora, grant.id)
    await expect(take(ana)).rejects.toMatchObject({
      code: 'not_allowed',
      hint: `It can be broken again when another person has reviewed ${review.id}.`,
    })
    expect((await test.entries()).at(-1)).toMatchObject({
      kind: 'request.refused',
      details: { breakGlass: true },
    })
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
    await test.gateway.review(dora, review.id, 'the site was up again', origin)
    const { review: second } = await take(ana)
    test.clock.now += 600_000
    // It came to its end by itself, and the night is not over.
    await take(person())
    expect((await test.requests.get(second.id)).state).toBe('pending')
  })

  it('is for people in their own name alone, enrolled beforehand; who is not hears no more than of a wrong name', async () => {
    const bot = {
      kind: 'agent',
      id: 'bot',
      subject: 'bot',
      issuer: 'x',
      groups: ['oncall'],
    } as const
    for (const who of [
      person({ kind: 'agent' }),
      person({ actors: [bot] }),
      person({ groups: ['staff'] }),
    ]) {
      await expect(take(who)).rejects.toMatchObject({ code: 'not_allowed' })
    }
    await expect(
      test.gateway.breakGlass(person(), { resource: 'no', seconds: 60, reason: 'x' }, origin),
    ).rejects.toMatchObject({ code: 'not_allowed', message: expect.stringContaining('"no"') })
    expect((await kinds()).filter(kind => kind === 'request.refused')).toHaveLength(4)
    expect(await test.requests.list({ limit: 5 })).toEqual([])
  })

  it('asks for a second factor, within a quarter of an hour by what the issuer tells, or by the age of the identity', async () => {
    const minutes = (count: number) => ({ authenticatedAt: test.clock.now - count * 60_000 })
    for (const stale of [{ mfa: false }, minutes(16), minutes(-2), { authenticatedAt: 0 }])
      await expect(take(person(stale))).rejects.toMatchObject({ code: 'step_up_required' })
    const { authenticatedAt: _untold, ...untold } = person()
    const signedIn = (ago: number) => ({ ...untold, issuedAt: test.clock.now - ago * 60_000 })
    await expect(take(signedIn(16))).rejects.toMatchObject({ code: 'step_up_required' })
    // Neither is told: nothing says that it is new.
    await expect(take(untold)).rejects.toMatchObject({ code: 'step_up_required' })
    await take(signedIn(14))
  })

  it('does not help against a policy that makes no exception, and is not taken then', async () => {
    test.usePolicies(
      `${POLICIES} @id("closed") @reason("closed") forbid (principal, action == Action::"connect", resource);`,
    )
    await expect(take(person())).rejects.toMatchObject({ code: 'forbidden', message: 'closed' })
    expect(await test.requests.list({ limit: 5 })).toEqual([])
  })

  it('is not taken when it cannot be put on record', async () => {
    test.audit.failing = true
    await expect(take(person())).rejects.toMatchObject({ code: 'audit_unavailable' })
    expect(test.grants.holding('ana', 'shop')).toEqual([])
  })

  it('is not taken twice at once', async () => {
    await take(person())
    await expect(take(person())).rejects.toMatchObject({ code: 'request_conflict' })
  })

  it('is taken once of several tries at the same moment', async () => {
    const tries = await Promise.allSettled([take(person()), take(person()), take(person())])
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(test.grants.holding('ana', 'shop')).toHaveLength(1)
  })

  it('is the person’s alone: an agent that acts for them gets in by no broken glass, and lifts nothing by it', async () => {
    test.usePolicies(
      `${POLICIES} @id("in") permit (principal, action in [Action::"connect", Action::"write"], resource);`,
    )
    await take(person())
    const bot = { kind: 'agent', id: 'bot', subject: 'bot', issuer: 'x', groups: [] } as const
    const session = await test.open(person({ actors: [bot] }))
    await expect(session.authorize(write(), nobodyWaits)).rejects.toMatchObject({
      message: "frozen for the quarter's end",
    })
  })
})

describe('the review of a broken glass', () => {
  it('is of all that was done: while the right holds there is nothing to close', async () => {
    const { grant, review } = await take(person())
    const close = () => test.gateway.review(dora, review.id, 'fine so far', origin)
    await expect(close()).rejects.toMatchObject({ code: 'request_conflict' })
    expect((await test.requests.get(review.id)).state).toBe('pending')
    await test.gateway.revoke(dora, grant.id)
    expect((await close()).state).toBe('approved')
  })

  it('stays open until another person closes it with a note, however late, and no vote or cancel ends it', async () => {
    const ana = person()
    const { review } = await take(ana)
    expect(review).toMatchObject({ kind: 'review', state: 'pending' })
    const close = (who: Principal) => test.gateway.review(who, review.id, 'as it should be', origin)
    for (const who of [
      ana,
      principal('eve', []),
      principal('bot', ['dba'], { kind: 'agent' }),
      principal('ana', ['dba']),
    ])
      await expect(close(who)).rejects.toMatchObject({ code: 'not_allowed' })
    for (const vote of ['approve', 'deny'] as const)
      await expect(test.gateway.vote(dora, review.id, vote, {}, origin)).rejects.toMatchObject({
        code: 'request_conflict',
      })
    await expect(test.gateway.cancelRequest(ana, review.id)).rejects.toMatchObject({
      code: 'not_allowed',
    })
    test.clock.now += 3 * 86_400_000
    expect(await test.requests.list({ states: ['pending'], limit: 5 })).toHaveLength(1)
    expect(await close(principal('dora', ['dba']))).toMatchObject({
      state: 'approved',
      votes: [{ approver: 'dora', reason: 'as it should be' }],
    })
    await expect(close(principal('dan', ['dba']))).rejects.toMatchObject({
      code: 'request_conflict',
    })
    expect(await kinds()).toContain('glass.reviewed')
  })
})
