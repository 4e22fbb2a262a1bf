// The stream of what happens: who hears of what, and where it goes on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LiveEvent, paths } from '#contract'
import { until } from '../../test/servers/programs.ts'
import { nobodyWaits, principal, read, write } from '../gateway/gateway.testing.ts'
import { type Stream, type TestApi, testApi } from './harness.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("ask") @approvers("dba") forbid (principal, action == Action::"write", resource) unless { context.approved };
@id("c-read") permit (principal in Group::"c-read", action == Action::"console:read", resource == Gateway::"sallyport");
`
const ana = principal('ana', ['staff'])
const ben = principal('ben', ['staff'])
const rita = principal('rita', ['c-read'])
const dora = principal('dora', ['dba'])

let api: TestApi
beforeAll(async () => {
  api = await testApi(POLICIES)
  api.hold.user = 0
})
afterAll(() => api.stop())

const listen = (who: typeof ana, headers?: Record<string, string>): Promise<Stream> =>
  api.stream(paths.events, api.signIn(who), headers)
const heard = (stream: Stream): LiveEvent[] =>
  stream.events.flatMap(({ data }) => (data as { entries?: LiveEvent[] }).entries ?? [])
const kinds = (stream: Stream): string[] => heard(stream).map(({ kind }) => kind)

const soon = (holds: () => boolean) => until('it to hold', holds)

describe('the stream of what happens', () => {
  it('tells each of their own, and all of it to who may read the console', async () => {
    const [own, other, all] = [await listen(ana), await listen(ben), await listen(rita)]
    const namesake = await listen(principal('ana', ['staff'], { kind: 'agent' }))
    const session = await api.open(ana)
    await session.authorize(read('select 4711'), nobodyWaits)
    await soon(() => [own, all].every(each => kinds(each).includes('statement.permitted')))
    expect(kinds(own)).toContain('session.opened')
    expect([...heard(other), ...heard(namesake)]).toEqual([])
    expect(JSON.stringify(all.events)).not.toContain('4711')
    for (const each of [own, other, all, namesake]) each.destroy()
    await session.close('client_left')
  })

  it('tells of a request those who may decide it, and not others', async () => {
    const [decides, other] = [await listen(dora), await listen(ben)]
    const session = await api.open(ana)
    await expect(
      Promise.resolve().then(() => session.authorize(write('delete from t'), nobodyWaits)),
    ).rejects.toMatchObject({ code: 'approval_required' })
    await soon(() => kinds(decides).includes('request.created'))
    expect(heard(other)).toEqual([])
    for (const each of [decides, other]) each.destroy()
    await session.close('client_left')
  })

  it('goes on where a reader was, without a gap or a repetition', async () => {
    const session = await api.open(ana)
    const before = await listen(ana)
    await session.authorize(read('select 1'), nobodyWaits)
    await soon(() => kinds(before).includes('statement.permitted'))
    const id = before.events.at(-1)?.id ?? ''
    before.destroy()
    await session.authorize(read('select 2'), nobodyWaits)
    const after = await listen(ana, { 'last-event-id': id })
    await session.authorize(read('select 3'), nobodyWaits)
    const seqs = () =>
      heard(after)
        .filter(({ kind }) => kind === 'statement.permitted')
        .map(({ seq }) => seq)
    await soon(() => seqs().length >= 2)
    expect(seqs()).toHaveLength(2)
    expect(Math.min(...seqs())).toBeGreaterThan(Number(id))
    expect(new Set(seqs()).size).toBe(2)
    after.destroy()
    await session.close('client_left')
  })

  it('says to ask anew when too much was missed', async () => {
    const session = await api.open(ana)
    for (let at = 0; at < 1_050; at += 1) await session.authorize(read('select 1'), nobodyWaits)
    const late = await listen(ana, { 'last-event-id': '0' })
    await soon(() => late.events.some(({ event }) => event === 'reset'))
    late.destroy()
    await session.close('client_left')
  })
})
