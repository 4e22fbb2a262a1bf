// Who may look for sessions by what. Facts of others' sessions need console:read, their texts console:audit as well.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { paths } from '#contract'
import type { Principal } from '#model'
import { nobodyWaits, principal, read, write } from '../gateway/gateway.testing.ts'
import { type TestApi, testApi } from './harness.ts'

const POLICIES = `
@id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read"], resource in Resource::"shop");
@id("c-read") permit (principal in Group::"c-read", action == Action::"console:read", resource == Gateway::"sallyport");
@id("c-audit") permit (principal in Group::"c-audit", action == Action::"console:audit", resource == Gateway::"sallyport");
`
const ana = principal('ana', ['staff'])
const rita = principal('rita', ['staff', 'c-read'])
const aude = principal('aude', ['c-audit'])
const both = principal('both', ['c-read', 'c-audit'])

let api: TestApi
const sessions: Record<string, string> = {}
beforeAll(async () => {
  api = await testApi(POLICIES)
  for (const who of [ana, rita]) {
    const session = await api.open(who)
    sessions[who.id] = session.id
    await session.authorize(read("select 'needle' from customers"), nobodyWaits)
    await Promise.resolve(session.authorize(write(), nobodyWaits)).catch(() => {})
  }
})
afterAll(() => api.stop())

async function ask(who: Principal, query: string): Promise<string[]> {
  const answer = await api.call('GET', `${paths.sessions}?${query}`, { token: api.signIn(who) })
  expect(answer.status).toBe(200)
  return (answer.body as { principal: string }[]).map(each => each.principal)
}
const readings = async () =>
  (await api.entries()).filter(({ kind }) => kind === 'recording.read').length

describe('sessions are looked for', () => {
  it('by their facts: one’s own, and all with console:read', async () => {
    for (const query of ['table=customers', 'decision=deny', 'decision=permit&table=customers']) {
      expect(await ask(ana, query), query).toEqual(['ana'])
      expect(await ask(aude, query), query).toEqual([])
      expect(await ask(rita, query), query).toEqual(['rita', 'ana'])
    }
    expect(await ask(rita, 'principal=ana&table=public.customers')).toEqual(['ana'])
    expect(await ask(ana, 'principal=rita&table=customers')).toEqual(['ana'])
    expect(await ask(rita, 'class=email')).toEqual([])
  })

  it('not by a text that no statement has: a NUL is refused, and breaks nothing', async () => {
    for (const field of ['text', 'table', 'principal']) {
      const query = `${paths.sessions}?${field}=nee%00dle`
      const { status } = await api.call('GET', query, { token: api.signIn(both) })
      expect(status, field).toBe(field === 'text' ? 400 : 200)
    }
  })

  it('by their texts: one’s own, and all with console:audit as well; that is on record, without the text', async () => {
    const before = await readings()
    expect(await ask(ana, 'text=needle')).toEqual(['ana'])
    expect(await ask(rita, 'text=needle')).toEqual(['rita'])
    expect(await ask(rita, 'text=needle&principal=ana')).toEqual(['rita'])
    expect(await ask(aude, 'text=needle')).toEqual([])
    expect(await readings()).toBe(before)
    expect(await ask(both, 'text=NEEDLE')).toEqual(['rita', 'ana'])
    expect(await readings()).toBe(before + 1)
    expect(JSON.stringify(await api.entries())).not.toMatch(/needle/i)
  })

  it('by a text that is too short, an unknown decision or a page after nothing: a problem says so', async () => {
    const token = api.signIn(ana)
    for (const [query, status] of [
      ['text=ab', 400],
      ['decision=maybe', 400],
      ['from=yesterday', 400],
      ['before=ses-none', 404],
    ] as const)
      expect((await api.call('GET', `${paths.sessions}?${query}`, { token })).status).toBe(status)
  })

  it('page after page: the id of the last one is where the next one begins', async () => {
    const first = (await api.call('GET', `${paths.sessions}?limit=1`, { token: api.signIn(both) }))
      .body as { id: string }[]
    expect(first.map(({ id }) => id)).toEqual([sessions['rita']])
    expect(await ask(both, `limit=1&before=${first[0]?.id}`)).toEqual(['ana'])
    const token = api.signIn(ana)
    const hidden = await api.call('GET', `${paths.sessions}?before=${first[0]?.id}`, { token })
    const absent = await api.call('GET', `${paths.sessions}?before=none`, { token })
    expect(hidden.text.replaceAll(first[0]?.id ?? '', 'none')).toBe(absent.text)
  })
})
