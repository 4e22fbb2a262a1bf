// A statement that waits for people: what they say is what comes of it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { found, within } from '../../../test/servers/programs.ts'
import {
  caught,
  nobodyWaits,
  principal,
  type TestGateway,
  testGateway,
  write,
} from '../gateway.testing.ts'
import { Permit } from '../protocol/index.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"write"], resource in Resource::"shop");
@id("writes-with-a-person") @approvers("dba") @within("15m") @reason("Changes need a person.")
forbid (principal, action == Action::"write", resource in Resource::"shop") unless { context.approved };
`
const bot = principal('bot', ['staff'], { kind: 'agent', owners: ['olga'] })
const dora = principal('dora', ['dba'])

let test: TestGateway
beforeEach(async () => {
  test = await testGateway(POLICIES)
})
afterEach(() => test.close())

/** Where somebody votes while it waits, however busy the machine is. */
const holdLong = () => Object.assign(test.hold, { user: 60_000, agent: 60_000 })
const pending = () =>
  found('a request', async () => (await test.requests.list({ states: ['pending'], limit: 1 }))[0])
const vote = (who: typeof bot, id: string, kind: 'approve' | 'deny', said = {}) =>
  test.gateway.vote(who, id, kind, said, { ip: '127.0.0.1', port: 1, client: 'cli' })

describe('a held statement', () => {
  it('runs once somebody of the approvers has said yes, and the entry says who', async () => {
    holdLong()
    const session = await test.open(bot)
    const told: string[] = []
    const running = session.authorize(write(), {
      notify: text => told.push(text),
      signal: nobodyWaits.signal,
    })
    const request = await pending()
    await vote(dora, request.id, 'approve')
    const permit = await running
    expect(told[0]).toMatch(/Changes need a person.*group dba/)
    expect((await test.entries())[permit.auditIndex]).toMatchObject({
      kind: 'statement.permitted',
      decision: { approval: { request: request.id, approvers: ['dora'] } },
    })
    expect((await test.requests.get(request.id)).state).toBe('consumed')
  })

  it('says to retry when nobody decides, and then the identical retry uses the late yes, once', async () => {
    const session = await test.open(bot)
    const first = await caught(() => session.authorize(write(), nobodyWaits))
    expect(first).toMatchObject({ code: 'approval_required' })
    expect(first.hint).toMatch(/retry the identical statement/)
    await vote(dora, first.requestId, 'approve')
    expect(
      await caught(() => session.authorize(write('delete from customers '), nobodyWaits)),
    ).toMatchObject({
      code: 'approval_required',
    })
    const other = await test.open(principal('bot2', ['staff'], { kind: 'agent' }))
    expect(await caught(() => other.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
    })
    expect(Permit.isMinted(await session.authorize(write(), nobodyWaits))).toBe(true)
    expect(await caught(() => session.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
    })
  })

  it('does not wait at all when the hold is 0 s', async () => {
    Object.assign(test.hold, { user: 20_000, agent: 0, transaction: 20_000 })
    const session = await test.open(bot)
    const before = Date.now()
    expect(await caught(() => session.authorize(write(), nobodyWaits))).toMatchObject({
      code: 'approval_required',
    })
    within(10_000, Date.now() - before)
  })

  it('is refused with the reason of whoever said no', async () => {
    holdLong()
    const session = await test.open(bot)
    const running = caught(() => session.authorize(write(), nobodyWaits))
    await vote(dora, (await pending()).id, 'deny', { reason: 'not on a Friday' })
    expect(await running).toMatchObject({ code: 'approval_denied' })
    expect((await running).message).toMatch(/not on a Friday/)
  })

  it('is never approved by who asks, its actor, its owner, an agent, or somebody outside the group', async () => {
    const asker = principal('otto', ['staff', 'dba'], {
      kind: 'agent',
      owners: ['olga'],
      actors: [],
    })
    const session = await test.open(asker)
    const running = caught(() => session.authorize(write(), nobodyWaits))
    const { id } = await pending()
    for (const who of [
      principal('otto', ['dba']),
      principal('olga', ['dba']),
      principal('robot', ['dba'], { kind: 'agent' }),
      principal('ana', ['staff']),
    ]) {
      expect(await caught(() => vote(who, id, 'approve'))).toMatchObject({ code: 'not_allowed' })
    }
    expect(await running).toMatchObject({ code: 'approval_required' })
  })

  it('is withdrawn when the client leaves', async () => {
    holdLong()
    const session = await test.open(bot)
    const leaving = new AbortController()
    const running = caught(() =>
      session.authorize(write(), { notify: () => {}, signal: leaving.signal }),
    )
    const { id } = await pending()
    leaving.abort()
    expect(await running).toMatchObject({ code: 'session_ended' })
    expect((await test.requests.get(id)).state).toBe('cancelled')
  })

  it('is refused when the policy changed under an old yes', async () => {
    const session = await test.open(bot)
    const first = await caught(() => session.authorize(write(), nobodyWaits))
    await vote(dora, first.requestId, 'approve')
    test.usePolicies(
      `${POLICIES} @id("freeze") @reason("Frozen.") forbid (principal, action == Action::"write", resource) when { context.approved };`,
    )
    const refused = await caught(() => session.authorize(write(), nobodyWaits))
    expect(refused.code).not.toBe('permitted')
    expect(refused).toMatchObject({ name: 'AccessDenied' })
    expect((await test.requests.get(first.requestId)).state).not.toBe('consumed')
  })

  it('is on record with the policies that decided it once a person had said yes', async () => {
    holdLong()
    test.usePolicies(
      `${POLICIES}\n@id("once-approved") permit (principal, action == Action::"write", resource) when { context.approved };`,
    )
    const session = await test.open(bot)
    const running = session.authorize(write(), nobodyWaits)
    await vote(dora, (await pending()).id, 'approve')
    await running
    const permitted = (await test.entries()).find(({ kind }) => kind === 'statement.permitted')
    expect(permitted?.['decision']).toMatchObject({
      effect: 'permit',
      policies: expect.arrayContaining(['once-approved']),
    })
  })

  it('carries the bound on rows that the approver set', async () => {
    holdLong()
    const session = await test.open(bot)
    const running = session.authorize(write(), nobodyWaits)
    await vote(dora, (await pending()).id, 'approve', { maxRows: 7 })
    expect((await running).maxRows).toBe(7)
  })
})
