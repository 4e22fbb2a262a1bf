// Rights for a time: who may be asked, what a yes gives, and how it ends.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Principal, TimeRequest } from '#model'
import { found, until, within } from '../../../test/servers/programs.ts'
import {
  nobodyWaits,
  origin,
  principal,
  read,
  type TestGateway,
  testGateway,
  write,
} from '../gateway.testing.ts'

const POLICIES = `
@id("dba-approves") permit (principal in Group::"dba", action == Action::"approve", resource);
@id("no-definitions") forbid (principal, action == Action::"define", resource);
@id("ask-to-write") @approvers("dba")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
`
const TWO_GROUPS = `${POLICIES}
@id("two-groups") @approvers("1 of dba, 2 of security") @within("10m") @reason("shop needs DBAs and security")
forbid (principal, action == Action::"connect", resource == Resource::"shop") unless { context.approved };
`
const ana = principal('ana', ['staff'])
const bot = principal('bot', ['staff'], { kind: 'agent', owners: ['dora'] })
const dora = principal('dora', ['dba'])
const dan = principal('dan', ['dba'])
const [sam, sue] = [principal('sam', ['security']), principal('sue', ['security'])]
const both = principal('both', ['dba', 'security'])

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

const wish = { resource: 'shop', actions: ['connect', 'read'], seconds: 3600, reason: 'ticket 7' }
const ask = (who: Principal, more: Partial<typeof wish & { uses: number }> = {}) =>
  test.gateway.askForTime(who, { ...wish, ...more }, origin)
const vote = (
  who: Principal,
  { id }: { id: string },
  terms?: Partial<Pick<TimeRequest, 'actions' | 'seconds' | 'uses'>>,
) => test.gateway.vote(who, id, 'approve', terms === undefined ? {} : { terms }, origin)
const deny = (who: Principal, { id }: { id: string }) =>
  test.gateway.vote(who, id, 'deny', {}, origin)

describe('a right for a time that was asked for', () => {
  it('is in force from the yes on, until its absolute end, and for what was asked alone', async () => {
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
    const request = await ask(ana)
    expect(request).toMatchObject({ kind: 'time', state: 'pending', approvers: [], quorum: 1 })
    const approved = await vote(dora, request)
    expect(approved).toMatchObject({ state: 'approved', expiresAt: test.clock.now + 3_600_000 })
    const session = await test.open(ana)
    await session.authorize(read(), nobodyWaits)
    await expect(session.authorize(write(), nobodyWaits)).rejects.toMatchObject({
      code: 'no_permit',
    })
    test.clock.now += 3_600_000
    await until('it to come', () => session.signal.aborted)
    expect(await test.requests.list({ states: ['expired'], limit: 5 })).toHaveLength(1)
    const kinds = (await test.entries()).map(({ kind }) => kind)
    for (const kind of ['request.created', 'request.voted', 'request.decided', 'grant.created'])
      expect(kinds).toContain(kind)
    expect(kinds).toContain('grant.ended')
  })

  it('ends its sessions within two seconds when it is revoked, and cannot be revoked twice', async () => {
    const request = await ask(ana)
    await vote(dora, request)
    const session = await test.open(ana)
    const [grant] = test.grants.holding('ana', 'shop')
    const began = performance.now()
    await test.gateway.revoke(dan, grant!.id)
    await until('it to come', () => session.signal.aborted)
    within(2_000, performance.now() - began)
    expect((await test.requests.get(request.id)).state).toBe('revoked')
    await expect(test.gateway.revoke(dan, grant!.id)).rejects.toMatchObject({
      code: 'request_conflict',
    })
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
  })

  it('is never approved by who asks, an owner of the agent, an agent, or somebody without the right', async () => {
    const own = await ask(dora)
    await expect(vote(dora, own)).rejects.toMatchObject({ code: 'not_allowed' })
    const botAsks = await ask(bot)
    await expect(vote(dora, botAsks)).rejects.toMatchObject({ code: 'not_allowed' })
    await expect(vote(ana, botAsks)).rejects.toMatchObject({ code: 'not_allowed' })
    const agent = principal('agent', ['dba'], { kind: 'agent' })
    await expect(vote(agent, botAsks)).rejects.toMatchObject({ code: 'not_allowed' })
    const through = principal('dan', ['dba'], {
      actors: [{ kind: 'agent', id: 'bot', subject: 'bot', issuer: 'x', groups: [] }],
    })
    await expect(vote(through, botAsks)).rejects.toMatchObject({ code: 'not_allowed' })
    expect((await vote(dan, botAsks)).state).toBe('approved')
  })

  it('is that of who asked, not of an agent or a person of the same subject', async () => {
    const namesake = principal('ana', ['staff'], { kind: 'agent' })
    const request = await ask(ana)
    const other = await ask(namesake)
    expect(other.id).not.toBe(request.id)
    await expect(test.gateway.cancelRequest(namesake, request.id)).rejects.toMatchObject({
      code: 'not_allowed',
    })
    await vote(dora, request)
    await test.open(ana)
    await expect(test.open(namesake)).rejects.toMatchObject({ code: 'resource_unknown' })
    await test.grants.load()
    await test.open(ana)
    await expect(test.open(namesake)).rejects.toMatchObject({ code: 'resource_unknown' })
  })

  it('is asked for in one’s own name, not through an agent', async () => {
    const through = principal('ana', ['staff'], {
      actors: [{ kind: 'agent', id: 'bot', subject: 'bot', issuer: 'x', groups: [] }],
    })
    await expect(ask(through)).rejects.toMatchObject({ code: 'not_allowed' })
  })

  it('is made, and on record, at the start after a crash that came between the yes and the right', async () => {
    const { id } = await ask(ana)
    await test.requests.apply(id, {
      kind: 'vote',
      vote: 'approve',
      approver: 'dora',
      approvedForMs: 1,
    })
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
    for (let start = 0; start < 2; start++) await test.gateway.grantLeftOut()
    await test.open(ana)
    const made = (await test.entries()).filter(({ kind }) => kind === 'grant.created')
    expect(made).toMatchObject([{ details: { request: id, to: 'ana' } }])
  })

  it('answers for nobody who acts for the one who asked: their connecting was not what people said yes to', async () => {
    test.usePolicies(
      `${POLICIES} @id("in") permit (principal in Group::"acting", action, resource);
      @id("ask") @approvers("dba") forbid (principal, action == Action::"connect", resource) unless { context.approved };`,
    )
    await vote(dora, await ask(ana))
    const session = await test.open(ana)
    expect(session.signal.aborted).toBe(false)
    const acting = { kind: 'agent', subject: 'bot', issuer: 'x', groups: ['acting'] } as const
    const through = principal('ana', ['staff'], { actors: [{ ...acting, id: 'bot' }] })
    await expect(test.open(through)).rejects.toMatchObject({ code: 'resource_unknown' })
  })

  it('does not hold for an agent whose owner turns out to have said yes', async () => {
    await vote(dora, await ask(principal('bot', ['staff'], { kind: 'agent' })))
    await expect(test.open(bot)).rejects.toMatchObject({ code: 'resource_unknown' })
  })

  it('ends with one no, for good', async () => {
    const request = await ask(ana)
    expect((await deny(dora, request)).state).toBe('denied')
    await expect(vote(dan, request)).rejects.toMatchObject({ code: 'request_conflict' })
    expect(test.grants.holding('ana', 'shop')).toEqual([])
  })

  it('cannot be approved too late', async () => {
    const request = await ask(ana)
    test.clock.now = request.expiresAt
    await expect(vote(dora, request)).rejects.toMatchObject({ code: 'request_conflict' })
    expect(test.grants.holding('ana', 'shop')).toEqual([])
  })

  it('is taken back by who asked and by nobody else', async () => {
    const request = await ask(ana)
    for (const who of [dora, dan, bot])
      await expect(test.gateway.cancelRequest(who, request.id)).rejects.toMatchObject({
        code: 'not_allowed',
      })
    expect((await test.gateway.cancelRequest(ana, request.id)).state).toBe('cancelled')
    await expect(vote(dora, request)).rejects.toMatchObject({ code: 'request_conflict' })
  })

  it('is one request when the same is asked for again while it waits', async () => {
    const request = await ask(ana)
    expect((await ask(ana)).id).toBe(request.id)
    expect((await ask(ana, { seconds: 60 })).id).not.toBe(request.id)
  })

  it('is narrowed and extended by the approver, and goes as far as the least of several yeses', async () => {
    const longer = await vote(dora, await ask(ana), { seconds: 7200, actions: ['connect'] })
    expect(longer).toMatchObject({
      expiresAt: test.clock.now + 7_200_000,
      approved: { actions: ['connect'], seconds: 7200 },
    })
    await expect(
      vote(dora, await ask(ana, { seconds: 60 }), { actions: ['connect', 'write'] }),
    ).rejects.toMatchObject({ code: 'request_conflict' })
    test.usePolicies(TWO_GROUPS)
    const several = await ask(bot, { seconds: 600, uses: 9 })
    await vote(dan, several, { seconds: 1200, uses: 5 })
    await vote(sam, several, { uses: 7 })
    expect(await vote(sue, several, { seconds: 300 })).toMatchObject({
      state: 'approved',
      approved: { actions: ['connect', 'read'], seconds: 300, uses: 5 },
    })
  })

  it('says what it would permit, and is refused at once where a policy forbids it whoever says yes', async () => {
    const request = await ask(bot, { actions: ['connect', 'read', 'write', 'define'] })
    expect(request.outlook).toEqual([
      { action: 'connect', effect: 'permit' },
      { action: 'read', effect: 'permit' },
      { action: 'write', effect: 'held' },
      { action: 'define', effect: 'deny' },
    ])
    test.usePolicies(
      `${POLICIES} @id("closed") @reason("closed") forbid (principal, action == Action::"connect", resource);`,
    )
    await expect(ask(ana)).rejects.toMatchObject({ code: 'forbidden', message: 'closed' })
    await expect(ask(ana, { resource: 'nowhere' })).rejects.toMatchObject({
      code: 'resource_unknown',
    })
    expect((await test.entries()).filter(({ kind }) => kind === 'request.refused')).toHaveLength(2)
  })

  it('is not guessed at: who was refused thirty times within an hour learns nothing more, and writes no more', async () => {
    for (let at = 0; at < 30; at += 1)
      await expect(ask(ana, { resource: `guess-${at}` })).rejects.toMatchObject({
        code: 'resource_unknown',
      })
    for (const resource of ['guess-30', 'shop'])
      await expect(ask(ana, { resource })).rejects.toMatchObject({ code: 'too_many_requests' })
    expect((await test.entries()).filter(({ kind }) => kind === 'request.refused')).toHaveLength(30)
    expect((await ask(bot)).state).toBe('pending')
    test.clock.now += 3_600_000
    expect((await ask({ ...ana, expiresAt: test.clock.now + 60_000 })).state).toBe('pending')
  })

  it('is not asked for where it would add nothing', async () => {
    await vote(dora, await ask(ana))
    await expect(ask(ana)).rejects.toMatchObject({ code: 'request_conflict' })
  })

  it('dies when a policy forbids it later: a new deny wins', async () => {
    await vote(dora, await ask(ana))
    const session = await test.open(ana)
    test.usePolicies(
      `${POLICIES} @id("closed") forbid (principal, action == Action::"connect", resource);`,
    )
    await until('it to come', () => session.signal.aborted)
  })
})

describe('approver groups with a count each', () => {
  beforeEach(() => test.usePolicies(TWO_GROUPS))

  it('must each be met, by people of its own', async () => {
    const request = await ask(ana)
    expect(request).toMatchObject({
      quorum: 3,
      message: 'shop needs DBAs and security',
      needs: [
        { groups: ['dba'], count: 1 },
        { groups: ['security'], count: 2 },
      ],
      expiresAt: test.clock.now + 600_000,
    })
    await expect(vote(principal('eve', []), request)).rejects.toMatchObject({ code: 'not_allowed' })
    expect((await vote(dora, request)).state).toBe('pending')
    expect((await vote(dan, request)).state).toBe('pending')
    expect((await vote(sam, request)).state).toBe('pending')
    await expect(vote(sam, request)).rejects.toMatchObject({ code: 'request_conflict' })
    expect((await vote(both, request)).state).toBe('approved')
  })

  it('count who is in several for one of them', async () => {
    const request = await ask(ana)
    await vote(both, request)
    await vote(sam, request)
    expect((await vote(sue, request)).state).toBe('approved')
    const other = await ask(ana, { seconds: 60 })
    await vote(both, other)
    expect((await vote(sam, other)).state).toBe('pending')
  })

  it('give what the policy asks for before one connects, for as long as it asks for just these', async () => {
    const request = await ask(ana)
    for (const who of [dora, sam, sue]) await vote(who, request)
    const session = await test.open(ana)
    await session.authorize(read(), nobodyWaits)
    test.usePolicies(TWO_GROUPS.replace('2 of security', '3 of security'))
    await until('it to come', () => session.signal.aborted)
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
  })

  it('are not answered by a right that one person gave', async () => {
    await test.grants.create({
      principal: 'ana',
      resource: 'shop',
      actions: ['connect', 'read'],
      expiresAt: test.clock.now + 60_000,
      approvedBy: ['dora'],
      reason: 'x',
    })
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
  })

  it('hold for statements too', async () => {
    test.usePolicies(`
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource);
@id("both") @approvers("1 of dba, 1 of security")
forbid (principal, action == Action::"write", resource) unless { context.approved };`)
    test.hold.user = 5_000
    const session = await test.open(ana)
    const running = Promise.resolve(session.authorize(write(), nobodyWaits))
    const request = await found(
      'the request',
      async () => (await test.requests.list({ states: ['pending'], limit: 1 }))[0],
    )
    await vote(dora, request)
    await expect(vote(dan, request)).resolves.toMatchObject({ state: 'pending' })
    await vote(sam, request)
    expect((await running).statement.text).toBe(write().text)
  })
})

describe('a right for so many sessions', () => {
  it('is one use for each session that is opened, and lasts in those to its end', async () => {
    const request = await ask(ana, { uses: 2 })
    await vote(dora, request)
    const [first, second] = [await test.open(ana), await test.open(ana)]
    expect((await test.requests.get(request.id)).state).toBe('consumed')
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
    await first.authorize(read(), nobodyWaits)
    await second.authorize(read(), nobodyWaits)
    await first.close('client_left')
    await expect(test.open(ana)).rejects.toMatchObject({ code: 'resource_unknown' })
    const [grant] = test.grants.holding('ana', 'shop')
    await test.gateway.revoke(dan, grant!.id)
    await until('it to come', () => second.signal.aborted)
  })

  it('lets in as many as it has uses, of many that come at once', async () => {
    const request = await ask(ana, { uses: 3 })
    await vote(dora, request)
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => test.open(ana)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect((await test.grants.list({ ended: false, limit: 5 }))[0]).toMatchObject({
      uses: 3,
      maxUses: 3,
    })
  })
})
