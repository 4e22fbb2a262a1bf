// A person in the loop, looked at by somebody who wants a second run out of one yes.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccessRequest } from '#model'
import { found } from '../../../test/servers/programs.ts'
import {
  nobodyWaits,
  operation,
  origin,
  principal,
  statement,
  type TestGateway,
  testGateway,
  write,
} from '../gateway.testing.ts'
import { Permit } from '../protocol/index.ts'

const BASE = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
`
const ONE_GROUP = `${BASE}
@id("dba-first") @approvers("dba") @within("15m") @reason("Ask the DBAs.")
forbid (principal, action == Action::"write", resource in Resource::"shop") unless { context.approved };
`
const TWO_GROUPS = `${ONE_GROUP}
@id("security-too") @approvers("security") @within("15m") @reason("Ask security.")
forbid (principal, action == Action::"write", resource in Resource::"shop") unless { context.approved };
`

let test: TestGateway
const bot = principal('bot', ['staff'], { kind: 'agent' })
const dora = principal('dora', ['dba'])
const sam = principal('sam', ['security'])

beforeEach(async () => {
  test = await testGateway(ONE_GROUP)
})
afterEach(() => test.close())

const caught = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(
      value => ({ value }) as { value: unknown; code?: string; requestId?: string },
      error => error,
    )
/** Where somebody votes while it waits, however busy the machine is. */
const holdLong = () => Object.assign(test.hold, { user: 60_000, agent: 60_000 })
const yes = (who: typeof dora, id: string) => test.gateway.vote(who, id, 'approve', {}, origin)
const pending = (count = 1): Promise<readonly AccessRequest[]> =>
  found(`${count} requests`, async () => {
    const listed = await test.requests.list({ states: ['pending'], limit: 200 })
    return listed.length >= count ? listed : undefined
  })
const kinds = async () => (await test.entries()).map(entry => entry['kind'])

describe('one yes', () => {
  it('to a person is none to the agent that has the same subject, nor the reverse', async () => {
    test.hold.user = 0
    test.hold.agent = 0
    const person = await test.open(principal('bot', ['staff']))
    const agent = await test.open(bot)
    for (const [asker, other] of [
      [person, agent],
      [agent, person],
    ] as const) {
      const { requestId } = await caught(() => asker.authorize(write(), nobodyWaits))
      await yes(dora, requestId!)
      const stolen = await caught(() => other.authorize(write(), nobodyWaits))
      expect(stolen).toMatchObject({ code: 'approval_required' })
      expect(stolen.requestId).not.toBe(requestId)
      expect(Permit.isMinted(await asker.authorize(write(), nobodyWaits))).toBe(true)
      await test.requests.apply(stolen.requestId!, { kind: 'cancel' })
    }
  })

  it('serves one of two sessions of a principal that wait with the identical statement', async () => {
    // The other waits in vain, to its end.
    test.hold.agent = 2_000
    const [first, second] = [await test.open(bot), await test.open(bot)]
    const runs = [first, second].map(session =>
      caught(() => session.authorize(write(), nobodyWaits)),
    )
    const [request, ...more] = await pending()
    expect(more).toEqual([])
    await yes(dora, request!.id)
    const outcomes = await Promise.all(runs)
    expect(outcomes.filter(({ value }) => Permit.isMinted(value))).toHaveLength(1)
    expect(outcomes.find(({ value }) => value === undefined)).toMatchObject({
      name: 'AccessDenied',
      code: 'approval_required',
    })
    expect((await kinds()).filter(kind => kind === 'request.consumed')).toHaveLength(1)
    expect((await kinds()).filter(kind => kind === 'statement.denied')).toHaveLength(1)
  })

  it('does not serve by rules that ended while it was used up', async () => {
    const session = await test.open(bot)
    test.hold.agent = 0
    const { requestId } = await caught(() => session.authorize(write(), nobodyWaits))
    await yes(dora, requestId!)
    const stop = test.requests.onChange(({ state }) => {
      if (state === 'consumed')
        test.usePolicies(
          `${ONE_GROUP} @id("freeze") forbid (principal, action == Action::"write", resource);`,
        )
    })
    const outcome = await caught(() => session.authorize(write(), nobodyWaits))
    stop()
    expect(outcome).toMatchObject({ name: 'AccessDenied', code: 'approval_superseded' })
    expect(await kinds()).not.toContain('statement.permitted')
  })

  it('does not count from somebody who owns the agent by now', async () => {
    const session = await test.open(bot)
    test.hold.agent = 0
    const { requestId } = await caught(() => session.authorize(write(), nobodyWaits))
    await yes(dora, requestId!)
    const owned = await test.open(principal('bot', ['staff'], { kind: 'agent', owners: ['dora'] }))
    const outcome = await caught(() => owned.authorize(write(), nobodyWaits))
    expect(outcome).toMatchObject({ name: 'AccessDenied', code: 'approval_superseded' })
    expect((await test.requests.get(requestId!)).state).toBe('superseded')
  })

  it('serves one of twenty that retry at once', async () => {
    const session = await test.open(bot)
    const { requestId } = await caught(() => session.authorize(write(), nobodyWaits))
    await yes(dora, requestId!)
    test.hold.agent = 0
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => caught(() => session.authorize(write(), nobodyWaits))),
    )
    expect(outcomes.filter(({ value }) => Permit.isMinted(value))).toHaveLength(1)
  })

  it('is not used up by a client that left while it came', async () => {
    holdLong()
    const session = await test.open(bot)
    const leaving = new AbortController()
    const running = caught(() =>
      session.authorize(write(), { notify: () => {}, signal: leaving.signal }),
    )
    const [request] = await pending()
    const voting = yes(dora, request!.id)
    leaving.abort()
    await voting.catch(() => {})
    expect((await running).code).toBe('session_ended')
    expect((await test.requests.get(request!.id)).state).not.toBe('consumed')
  })

  it('is not withdrawn by one that leaves while another session waits for it', async () => {
    holdLong()
    const [first, second] = [await test.open(bot), await test.open(bot)]
    const leaving = new AbortController()
    const left = caught(() => first.authorize(write(), { ...nobodyWaits, signal: leaving.signal }))
    const waits = Promise.withResolvers<void>()
    const stays = caught(() =>
      second.authorize(write(), { ...nobodyWaits, notify: () => waits.resolve() }),
    )
    const [request] = await pending()
    await waits.promise
    leaving.abort()
    expect((await left).code).toBe('session_ended')
    await yes(dora, request!.id)
    expect(Permit.isMinted((await stays).value)).toBe(true)
  })

  it('of the people of yesterday’s policy does not count under today’s', async () => {
    const session = await test.open(bot)
    const { requestId } = await caught(() => session.authorize(write(), nobodyWaits))
    await yes(dora, requestId!)
    test.usePolicies(ONE_GROUP.replace('@approvers("dba")', '@approvers("security")'))
    const again = await caught(() => session.authorize(write(), nobodyWaits))
    expect(again).toMatchObject({ code: 'approval_required' })
    expect(again.requestId).not.toBe(requestId)
    expect((await test.requests.get(requestId!)).state).toBe('superseded')
  })

  it('given while a second became necessary does not count', async () => {
    holdLong()
    const session = await test.open(bot)
    const running = caught(() => session.authorize(write(), nobodyWaits))
    const [request] = await pending()
    test.usePolicies(ONE_GROUP.replace('@within', '@quorum("2") @within'))
    await yes(dora, request!.id)
    expect(await running).toMatchObject({ code: 'approval_superseded' })
    expect((await test.requests.get(request!.id)).state).toBe('superseded')
  })

  it('is denied by its end: nobody decides it after its time', async () => {
    const session = await test.open(bot)
    const { requestId } = await caught(() => session.authorize(write(), nobodyWaits))
    test.clock.now += 15 * 60_000 + 1
    expect(await caught(() => yes(dora, requestId!))).toMatchObject({ code: 'request_conflict' })
    await test.requests.expireDue()
    const ended = await found('its entry', async () =>
      (await test.entries()).find(entry => entry['kind'] === 'request.ended'),
    )
    expect(ended).toMatchObject({ details: { request: requestId, state: 'expired' } })
  })
})

describe('two groups that policies name', () => {
  it('both have to say yes, and neither yes is used up before the other is there', async () => {
    test.usePolicies(TWO_GROUPS)
    const session = await test.open(bot)
    expect(await caught(() => session.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
    })
    const requests = await pending(2)
    const of = (group: string) => requests.find(({ approvers }) => approvers.includes(group))!.id
    await yes(dora, of('dba'))
    expect(await caught(() => session.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
      requestId: of('security'),
    })
    await yes(sam, of('security'))
    const { value } = await caught(() => session.authorize(write(), nobodyWaits))
    expect(Permit.isMinted(value)).toBe(true)
    const entry = (await test.entries()).at((value as Permit).auditIndex)
    expect(entry).toMatchObject({ decision: { approval: { approvers: ['dora', 'sam'] } } })
  })

  it('one no is enough, and the other request is withdrawn', async () => {
    holdLong()
    test.usePolicies(TWO_GROUPS)
    const session = await test.open(bot)
    const running = caught(() => session.authorize(write(), nobodyWaits))
    const requests = await pending(2)
    const [first, second] = requests
    const who = first!.approvers.includes('dba') ? dora : sam
    await test.gateway.vote(who, first!.id, 'deny', {}, origin)
    expect(await running).toMatchObject({ code: 'approval_denied' })
    expect((await test.requests.get(second!.id)).state).toBe('cancelled')
  })
})

describe('who may approve', () => {
  const asking = async () => {
    test.hold.agent = 0
    const session = await test.open(bot)
    return (await caught(() => session.authorize(write(), nobodyWaits))).requestId!
  }
  const tried = (id: string, who = dora) => caught(() => yes(who, id))

  it('is not who a policy forbids to approve, though the group is named', async () => {
    const id = await asking()
    test.usePolicies(
      `${ONE_GROUP} @id("no-contractors") @reason("Contractors do not approve.") forbid (principal in Group::"contractors", action == Action::"approve", resource);`,
    )
    const carl = principal('carl', ['dba', 'contractors'])
    expect(await tried(id, carl)).toMatchObject({
      code: 'not_allowed',
      message: expect.stringContaining('Contractors do not approve.'),
    })
    expect((await tried(id)).value).toMatchObject({ state: 'approved' })
  })

  it('needs the second factor that a policy asks of approvers, though the group is named', async () => {
    const id = await asking()
    test.usePolicies(
      `${ONE_GROUP} @id("mfa") forbid (principal, action == Action::"approve", resource) unless { context.mfa };`,
    )
    expect(await tried(id)).toMatchObject({ code: 'not_allowed' })
    expect((await tried(id, principal('dana', ['dba'], { mfa: true }))).value).toMatchObject({
      state: 'approved',
    })
  })

  it('may depend on what the held statement does', async () => {
    const id = await asking()
    test.usePolicies(
      `${ONE_GROUP} @id("deletes") @reason("Not deletes.") forbid (principal, action == Action::"approve", resource) when { context.verb == "DELETE" };`,
    )
    expect(await tried(id)).toMatchObject({ code: 'not_allowed' })
  })
})

describe('what is asked', () => {
  it('is at most what a person can read', async () => {
    const session = await test.open(bot)
    const long = write(`delete from customers where name = '${'x'.repeat(300_000)}'`)
    expect(await caught(() => session.authorize(long, nobodyWaits))).toMatchObject({
      code: 'statement_too_large',
    })
    const values = statement('delete', [operation('write', 'DELETE')], {
      parameters: [{ type: 'text', format: 'text', value: Buffer.alloc(300_000) }],
    })
    expect(await caught(() => session.authorize(values, nobodyWaits))).toMatchObject({
      code: 'statement_too_large',
    })
    expect(await test.requests.list({ limit: 10 })).toEqual([])
    expect((await kinds()).filter(kind => kind === 'statement.denied')).toHaveLength(2)
  })

  it('is refused when a hundred of the same agent wait, and that is on record', async () => {
    test.hold.agent = 0
    const session = await test.open(bot)
    for (let at = 0; at < 100; at++)
      await caught(() => session.authorize(write(`delete from t where id = ${at}`), nobodyWaits))
    expect(
      await caught(() => session.authorize(write('delete from t'), nobodyWaits)),
    ).toMatchObject({ code: 'too_many_requests' })
    const denied = (await test.entries()).filter(entry => entry['kind'] === 'statement.denied')
    expect(denied.at(-1)).toMatchObject({ decision: { code: 'too_many_requests' } })
    const ana = await test.open(principal('ana', ['staff']))
    test.hold.user = 0
    expect(await caught(() => ana.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
    })
  })

  it('carries reasons without anything that could drive a terminal or cut a message', async () => {
    const session = await test.open(bot)
    session.justify('because\u0000\u001b[31m\r\nsaid so')
    const running = caught(() => session.authorize(write(), nobodyWaits))
    const [request] = await pending()
    expect(request!.reason).toBe('because [31m said so')
    await test.gateway.vote(dora, request!.id, 'deny', { reason: 'no\u0000\n\u009bwonder' }, origin)
    expect((await running).message).toBe('Denied by a person: no wonder')
  })
})
