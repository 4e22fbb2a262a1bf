// Who is here, what is going on, and what a run did: what each caller sees of it, and the end of a run.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type KnownPrincipalView,
  type NowView,
  type PrincipalDetail,
  type PrincipalPage,
  paths,
  type RunDetail,
  type RunView,
} from '#contract'
import type { Principal } from '#model'
import { until } from '../../test/servers/programs.ts'
import { nobodyWaits, operation, principal, read, statement } from '../gateway/gateway.testing.ts'
import { type TestApi, testApi } from './harness.ts'

const POLICIES = `
@id("agents") permit (principal in Group::"agents", action in [Action::"connect", Action::"read"], resource in Resource::"shop");
@id("not-so-much") forbid (principal is Agent, action == Action::"read", resource) when { context.run.rows > 1000 };
@id("c-read") permit (principal in Group::"c-read", action == Action::"console:read", resource == Gateway::"sallyport");
@id("c-operate") permit (principal in Group::"c-operate", action in [Action::"console:read", Action::"console:operate"], resource == Gateway::"sallyport");
`
const rita = principal('rita', ['c-read'])
const opal = principal('opal', ['c-operate'])
const eve = principal('eve', [])
const bot = (run: string, more: Partial<Principal> = {}) =>
  principal('bot', ['agents'], { kind: 'agent', run, owners: ['olga'], ...more })

let api: TestApi
beforeAll(async () => {
  api = await testApi(POLICIES)
})
afterAll(() => api.stop())

async function ask<Answer>(who: Principal, path: string, body?: unknown): Promise<Answer> {
  const method = body === undefined ? 'GET' : 'POST'
  const answer = await api.call(method, path, { token: api.signIn(who), body })
  return answer.body as Answer
}
const runPath = (run: string): string => `${paths.run}?principal=bot&run=${encodeURIComponent(run)}`

/** A session that read twice and was denied once. */
async function work(who: Principal) {
  const session = await api.open(who)
  for (const text of ['select 1', 'select 2']) {
    const permit = await session.authorize(read(text), nobodyWaits)
    const masked = new Map([['email', 2]])
    session.complete(permit, { status: 'completed', rows: 600, bytes: 10, masked })
  }
  session.catchUp()
  await expect(
    Promise.resolve().then(() =>
      session.authorize(statement('drop', [operation('define', 'DROP')]), nobodyWaits),
    ),
  ).rejects.toMatchObject({ code: 'no_permit' })
  return session
}

describe('people and agents', () => {
  it('are known from the first proof of identity, with the groups of the last', async () => {
    await ask(eve, paths.whoami)
    await ask({ ...eve, groups: ['new'] }, paths.whoami)
    const { principals } = await ask<PrincipalPage>(rita, `${paths.principals}?search=EV`)
    expect(principals).toEqual([
      expect.objectContaining({ id: 'eve', kind: 'user', groups: ['new'], live: 0, grants: 0 }),
    ])
    const own = await ask<PrincipalPage>(eve, paths.principals)
    expect(own.principals.map(({ id }) => id)).toEqual(['eve'])
  })

  it('come in pages that neither repeat nor leave out, and a wildcard is a character', async () => {
    for (let at = 0; at < 7; at += 1) await ask(principal(`page_${at}`, []), paths.whoami)
    const seen: string[] = []
    let next: string | undefined
    do {
      const after = next === undefined ? '' : `&after=${encodeURIComponent(next)}`
      const page = await ask<PrincipalPage>(
        rita,
        `${paths.principals}?search=page_&limit=3${after}`,
      )
      seen.push(...page.principals.map(({ id }) => id))
      next = page.next
    } while (next !== undefined)
    expect(seen.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6].map(at => `page_${at}`))
    const none = await ask<PrincipalPage>(rita, `${paths.principals}?search=p%25_0`)
    expect(none.principals).toEqual([])
  })

  it('are listed with a right that they were given before they ever came', async () => {
    await api.grants.create({
      principal: 'never',
      resource: 'shop',
      actions: ['read'],
      expiresAt: Date.now() + 60_000,
      approvedBy: ['dora'],
      reason: 'x',
    })
    const { principals } = await ask<PrincipalPage>(rita, `${paths.principals}?search=never`)
    expect(principals).toEqual([
      expect.objectContaining({ id: 'never', kind: 'unknown', grants: 1 }),
    ])
    const one = await ask<KnownPrincipalView>(rita, `${paths.principal}?id=never`)
    expect(one.grants).toBe(1)
  })

  it('act for others: an actor is known too, and its sessions count as live', async () => {
    const acting = principal('carl', ['agents'], {
      actors: [
        { kind: 'agent', id: 'helper', subject: 'helper', issuer: 'x', groups: ['agents', 'bots'] },
      ],
    })
    await ask(acting, paths.whoami)
    const session = await api.open({ ...acting, run: 'r-carl' })
    const one = await ask<KnownPrincipalView>(rita, `${paths.principal}?id=helper`)
    expect(one).toMatchObject({ kind: 'agent', groups: ['agents', 'bots'], live: 1 })
    const [its] = await ask<RunView[]>(rita, `${paths.runs}?principal=helper`)
    expect(its).toMatchObject({ principal: 'carl', run: 'r-carl', live: 1 })
    await session.close('client_left')
  })
})

describe('a run', () => {
  it('is its sessions together: totals, lanes, budgets, while they live and after', async () => {
    const who = bot('r/1 ../x')
    const session = await work(who)
    const live = await ask<RunDetail>(rita, runPath(who.run))
    expect(live).toMatchObject({
      statements: 2,
      denied: 1,
      held: 0,
      masked: 2,
      rows: 1200,
      live: 1,
      more: false,
      mayEnd: false,
      budgets: [{ policy: 'not-so-much', effect: 'forbid', of: 'rows', bound: 1000 }],
    })
    expect(live.lanes.map(({ resource }) => resource)).toEqual(['shop'])
    await session.close('client_left')
    const after = await ask<RunDetail>(rita, runPath(who.run))
    const sum = (at: 1 | 3): number =>
      after.lanes.flatMap(({ marks }) => marks).reduce((total, mark) => total + mark[at], 0)
    expect([sum(1), sum(3), after.rows, after.live]).toEqual([2, 1, 1200, 0])
    const [listed] = await ask<RunView[]>(who, paths.runs)
    expect(listed).toMatchObject({ run: who.run, statements: 2, denied: 1, rows: 1200 })
  })

  it('ends once, is on record first, takes its sessions along and comes back in no way', async () => {
    const who = bot('r-2')
    const [session, other] = [await work(who), await api.open(bot('r-3'))]
    const credential = await api.identity.issue(who, 'shop', 60_000)
    const body = { principal: 'bot', run: 'r-2' }
    const ended = await ask<RunDetail>(opal, paths.endRun, body)
    expect(ended).toMatchObject({ live: 0, mayEnd: false, endedAt: expect.any(Number) })
    expect(session.signal.reason).toBe('ended_by_operator')
    expect(other.signal.aborted).toBe(false)
    expect(api.identity.list('bot').map(({ id }) => id)).not.toContain(credential.id)
    expect(await ask(opal, paths.endRun, body)).toMatchObject({ code: 'request_conflict' })
    const entries = await api.entries()
    expect(entries.filter(({ kind }) => kind === 'operator.acted')).toEqual([
      expect.objectContaining({ details: { action: 'end run', principal: 'bot', run: 'r-2' } }),
    ])
    await other.close('client_left')
  })
})

describe('an identity', () => {
  it('is withdrawn on record first: what proved it counts no more, in any hand, and a newer proof does', async () => {
    const at = () => ({ issuedAt: api.clock.now - 1_000 })
    const wanda = principal('wanda', ['agents'], { run: 'r-wanda', ...at() })
    const hers = principal('hers', ['agents'], { kind: 'agent', owners: ['wanda'], ...at() })
    const [session, owned, other] = [
      await api.open(wanda),
      await api.open(hers),
      await api.open(bot('r-6', at())),
    ]
    const credential = await api.identity.issue(wanda, 'shop', 60_000)
    const body = { principal: 'wanda' }
    expect(await ask(rita, paths.withdraw, body)).toMatchObject({ code: 'not_allowed' })
    expect(session.signal.aborted).toBe(false)
    const answer = await ask<{ until: number }>(opal, paths.withdraw, body)
    expect(answer).toEqual({ principal: 'wanda', until: api.clock.now })
    await ask({ ...wanda, issuedAt: api.clock.now + 1_000 }, paths.whoami)
    const shown = await ask<PrincipalDetail>(rita, `${paths.principal}?id=wanda`)
    expect(shown.withdrawn).toBe(answer.until)
    expect([session, owned, other].map(({ signal }) => signal.aborted)).toEqual([true, true, false])
    expect(api.identity.list('wanda').map(({ id }) => id)).not.toContain(credential.id)
    for (const who of [wanda, hers])
      await expect(api.identity.issue(who, 'shop', 60_000)).rejects.toMatchObject({
        code: 'identity_ended',
      })
    await api.identity.issue({ ...wanda, issuedAt: api.clock.now + 1_000 }, 'shop', 60_000)
    expect((await api.entries()).filter(({ kind }) => kind === 'operator.acted').at(-1)).toEqual(
      expect.objectContaining({
        details: { action: 'withdraw identity', principal: 'wanda', until: answer.until },
      }),
    )
    await other.close('client_left')
  })

  it('is withdrawn for a time to come too, and never for more than a day', async () => {
    const body = (seconds: number) => ({ principal: 'walt', seconds })
    expect(await ask(opal, paths.withdraw, body(86_401))).toMatchObject({ code: 'request_invalid' })
    await ask(opal, paths.withdraw, body(3_600))
    const walt = (inMs: number) =>
      principal('walt', ['agents'], { issuedAt: api.clock.now + inMs, run: 'r-walt' })
    await expect(api.identity.issue(walt(600_000), 'shop', 60_000)).rejects.toMatchObject({
      code: 'identity_ended',
    })
  })
})

describe('what is going on', () => {
  it('is there for a page that opens: sessions, rates, the last entries, and no text', async () => {
    const session = await work(bot('r-4'))
    const now = await ask<NowView>(rita, paths.now)
    expect(now.sessions.map(({ id }) => id)).toContain(session.id)
    expect(now.live).toBe(1)
    expect(now.rates.permitted).toHaveLength(90)
    const total = (counts: readonly number[]): number => counts.reduce((sum, each) => sum + each, 0)
    expect(total(now.rates.permitted)).toBeGreaterThanOrEqual(2)
    expect(total(now.rates.denied)).toBeGreaterThanOrEqual(1)
    expect(total(now.rates.masked)).toBeGreaterThanOrEqual(2)
    expect(now.recent.some(({ kind }) => kind === 'statement.denied')).toBe(true)
    expect(JSON.stringify(now)).not.toContain('select')
    await session.close('client_left')
  })

  it('goes on by the stream: outcomes by their entry, and rates to who may read the console', async () => {
    const [reads, own] = [
      await api.stream(paths.events, api.signIn(rita)),
      await api.stream(paths.events, api.signIn(bot('r-5'))),
    ]
    const session = await work(bot('r-5'))
    await session.close('client_left')
    await until('the rates', () => reads.events.some(({ event }) => event === 'rates'))
    const entries = reads.events.flatMap(
      ({ data }) =>
        (
          data as {
            entries?: { seq: number; kind: string; outcomes?: { entry: number; rows: number }[] }[]
          }
        ).entries ?? [],
    )
    const permitted = entries.filter(({ kind }) => kind === 'statement.permitted')
    const outcomes = entries.flatMap(each => each.outcomes ?? [])
    expect(outcomes).toEqual(
      permitted.map(({ seq }) => expect.objectContaining({ entry: seq, rows: 600, masked: true })),
    )
    expect(reads.events.some(({ event }) => event === 'rates')).toBe(true)
    expect(own.events.some(({ event }) => event === 'rates')).toBe(false)
    for (const each of [reads, own]) each.destroy()
  })
})
