import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ChannelSettings } from '#config'
import { type AccessRequest, Secret } from '#model'
import { type Database, openDatabase } from '#services/db'
import type { Log } from '#telemetry'
import { leastCpuMs } from '../../../test/cpu.ts'
import { json, NOW, type OtherSide, otherSide, request, shared } from './channels.testing.ts'
import { Channels, type ChannelsParts } from './channels.ts'
import type { Delivery } from './deliveries.ts'
import { nextAttempt } from './retry.ts'
import { type ChannelTables, channelMigrations } from './tables.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

let folder: string
let store: Database
let side: OtherSide
let now: number
let requests: Map<string, AccessRequest>
let outcomes: Delivery[]
let logged: string[]
const running: Channels[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-channels-'))
  store = await openDatabase(join(folder, 'store.sqlite'), [channelMigrations])
  side = await otherSide(json({}))
  now = NOW
  requests = new Map()
  outcomes = []
  logged = []
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(each => each.stop()))
  await side.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const hook = (changes: Record<string, unknown> = {}): ChannelSettings => ({
  ...shared,
  type: 'webhook',
  name: 'board',
  url: `${side.url}/board`,
  secrets: ['env:SECRET'],
  ...changes,
})
const teams = (changes: Record<string, unknown> = {}): ChannelSettings => ({
  ...shared,
  type: 'teams',
  name: 'teams',
  url: 'env:TEAMS',
  ...changes,
})

function log(): Log {
  const keep = (_fields: object, event: string) => void logged.push(event)
  const made: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => made }
  return made
}

async function start(settings: readonly ChannelSettings[], more: Partial<ChannelsParts> = {}) {
  const channels = new Channels({
    kysely: store.tables<ChannelTables>(),
    now: () => now,
    secret: async reference => new Secret(reference === 'env:TEAMS' ? `${side.url}/teams` : SECRET),
    url: () => 'https://gate.example.com',
    find: async id => requests.get(id),
    pending: async () => [...requests.values()].filter(({ state }) => state === 'pending'),
    onOutcome: delivery => outcomes.push(delivery),
    log: log(),
    die: () => 0,
    ...more,
  })
  running.push(channels)
  await channels.start(settings)
  return channels
}

function tell(channels: Channels, about: AccessRequest): void {
  requests.set(about.id, about)
  channels.heard(about)
}

/** Some time passes: the timers of the queue are real, the clock is not. */
function later(
  channels: Channels,
  ms: number,
  settings: readonly ChannelSettings[] = [hook()],
): void {
  now += ms
  channels.update(settings)
}

/** Until it is so; the queue works by itself. */
const until = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 30_000, interval: 10 })
const heard = () =>
  side.heard.map(
    ({ path, text }) => `${path} ${JSON.parse(text).type} ${JSON.parse(text).data?.state ?? ''}`,
  )
const listed = async (channels: Channels, name = 'board') =>
  (await channels.list()).find(each => each.name === name)!

describe('the queue of a channel', () => {
  it('tells each request once when it is asked and once when it is decided', async () => {
    const channels = await start([hook()])
    tell(channels, request())
    tell(channels, request({ defaultMaxRows: 3 }))
    await until(() => expect(heard()).toEqual(['/board request.asked pending']))
    tell(channels, request({ state: 'approved' }))
    tell(channels, request({ state: 'consumed' }))
    await until(() => expect(side.heard).toHaveLength(2))
    expect(heard()[1]).toMatch(/request.decided/)
    await until(() =>
      expect(outcomes.map(({ event, state }) => [event, state])).toEqual([
        ['asked', 'delivered'],
        ['decided', 'delivered'],
      ]),
    )
    expect(await listed(channels)).toMatchObject({ state: 'working', waiting: 0, decides: false })
  })

  it('shows each vote where the message can be changed, with the buttons of the first, and nowhere else', async () => {
    side.answer = json({ ok: true, channel: 'C0123456789', ts: '1700000000.000100' })
    const slack: ChannelSettings = {
      ...shared,
      type: 'slack',
      name: 'dba-slack',
      token: 'env:TOKEN',
      channel: 'C0123456789',
      signingSecret: 'env:SIGNING',
      api: side.url,
    }
    const channels = await start([slack, hook()])
    const vote = (approver: string) => ({ approver, vote: 'approve' as const, at: NOW })
    const asks = { quorum: 3 }
    const [dora, theo] = [vote('dora'), vote('theo')]
    const slackHeard = () => side.heard.filter(({ path }) => path !== '/board')
    const nonces = () =>
      slackHeard().map(({ text }) => /"req-0123456789ab (\S{1,64})"/.exec(text)?.[1])
    tell(channels, request(asks))
    await until(() => expect(slackHeard()).toHaveLength(1))
    tell(channels, request({ ...asks, votes: [dora] }))
    // What the statement would do is known now: no news to them.
    tell(channels, request({ ...asks, votes: [dora], defaultMaxRows: 3 }))
    await until(() => expect(slackHeard()).toHaveLength(2))
    tell(channels, request({ ...asks, votes: [dora, theo] }))
    await until(() => expect(slackHeard()).toHaveLength(3))
    tell(channels, request({ ...asks, votes: [dora, theo, vote('ana')], state: 'approved' }))
    await until(() => expect(slackHeard()).toHaveLength(4))
    expect(slackHeard().map(({ path }) => path)).toEqual([
      '/chat.postMessage',
      '/chat.update',
      '/chat.update',
      '/chat.update',
    ])
    expect(slackHeard()[1]?.text).toContain('"dora"')
    expect(slackHeard()[2]?.text).toContain('"dora, theo"')
    const [first, ...changed] = nonces()
    expect(first).toBeDefined()
    expect(changed).toEqual([first, first, undefined])
    await until(() =>
      expect(heard().filter(each => each.startsWith('/board'))).toEqual([
        '/board request.asked pending',
        '/board request.decided approved',
      ]),
    )
    expect((await listed(channels, 'dba-slack')).deliveries.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['asked', 'voted', 'voted', 'decided']),
    )
  })

  it('does not tell of a vote when it was decided since, or nobody was asked there', async () => {
    side.answer = json({ ok: false, error: 'channel_not_found' })
    const slack: ChannelSettings = {
      ...shared,
      type: 'slack',
      name: 'dba-slack',
      token: 'env:TOKEN',
      channel: 'C0123456789',
      api: side.url,
    }
    const channels = await start([slack])
    tell(channels, request({ quorum: 2 }))
    await until(() => expect(outcomes).toHaveLength(1))
    const votes = [{ approver: 'dora', vote: 'approve' as const, at: NOW }]
    tell(channels, request({ quorum: 2, votes }))
    await until(async () =>
      expect((await listed(channels, 'dba-slack')).deliveries).toContainEqual(
        expect.objectContaining({
          event: 'voted',
          state: 'dropped',
          error: 'nobody was asked in this channel',
        }),
      ),
    )
    expect(side.heard).toHaveLength(1)
  })

  it('tells only what a channel is for', async () => {
    const channels = await start([
      hook({ name: 'shop', url: `${side.url}/shop`, resources: ['shop'] }),
      hook({ name: 'sec', url: `${side.url}/sec`, approvers: ['security'] }),
    ])
    tell(channels, request())
    tell(channels, request({ id: 'req-2', resource: 'other', approvers: ['security', 'dba'] }))
    tell(channels, request({ id: 'req-3', resource: 'other', approvers: [] }))
    await until(() => expect(side.heard).toHaveLength(2))
    expect(side.heard.map(({ path }) => path).sort()).toEqual(['/sec', '/shop'])
  })

  it('tries again, later and later, and tells of the first failure and of the end', async () => {
    side.answer = json({}, 503)
    const channels = await start([hook()])
    tell(channels, request())
    await until(() => expect(side.heard).toHaveLength(1))
    await until(async () => {
      const { deliveries, state } = await listed(channels)
      expect(state).toBe('failing')
      expect(deliveries).toMatchObject([
        { state: 'waiting', attempts: 1, error: 'answered 503', nextAt: NOW + 2_000 },
      ])
    })
    now += 2_000
    await until(() => expect(side.heard).toHaveLength(2))
    await until(async () =>
      expect((await listed(channels)).deliveries[0]?.nextAt).toBe(now + 5_000),
    )
    expect(outcomes).toMatchObject([{ state: 'waiting', error: 'answered 503' }])
    side.answer = json({})
    later(channels, 5_000)
    await until(async () =>
      expect(await listed(channels)).toMatchObject({
        state: 'working',
        deliveries: [{ state: 'delivered', attempts: 3 }],
      }),
    )
    expect((await listed(channels)).deliveries[0]?.error).toBeUndefined()
    expect(new Set(side.heard.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })

  it('gives up after three days, and at once on what can never arrive', async () => {
    side.answer = json({}, 500)
    const channels = await start([hook()])
    tell(channels, request())
    await until(() => expect(outcomes).toHaveLength(1))
    later(channels, 3 * 86_400_000)
    await until(() => expect(outcomes.at(-1)).toMatchObject({ state: 'failed' }))
    side.answer = json({}, 410)
    tell(channels, request({ id: 'req-2' }))
    await until(() =>
      expect(outcomes.at(-1)).toMatchObject({ request: 'req-2', state: 'failed', attempts: 1 }),
    )
  })

  it('leaves a channel alone for as long as that asks, whatever else waits for it', async () => {
    side.answer = json({}, 429, { 'retry-after': '120' })
    const channels = await start([hook()])
    tell(channels, request())
    tell(channels, request({ id: 'req-2' }))
    await until(async () => {
      const { deliveries } = await listed(channels)
      expect(deliveries).toHaveLength(2)
      for (const { nextAt } of deliveries) expect(nextAt).toBeGreaterThanOrEqual(NOW + 120_000)
    })
    const before = side.heard.length
    later(channels, 60_000)
    await new Promise(resolve => setTimeout(resolve, 150))
    expect(side.heard).toHaveLength(before)
  })

  it('does not ask people what is decided already, and does not tell them the end of what they never heard', async () => {
    side.answer = json({}, 503)
    const channels = await start([teams(), hook()])
    tell(channels, request())
    // Both tries have failed, and when the next ones are is known: only then may the clock go on.
    await until(() => expect(outcomes).toHaveLength(2))
    side.answer = json({})
    tell(channels, request({ state: 'expired' }))
    later(channels, 60_000, [teams(), hook()])
    await until(async () => {
      const { deliveries } = await listed(channels, 'teams')
      expect(deliveries.map(({ event, state, error }) => [event, state, error]).sort()).toEqual([
        ['asked', 'dropped', 'it was decided before it could be told'],
        ['decided', 'dropped', 'nobody was asked in this channel'],
      ])
    })
    // A program that follows along hears all of it.
    await until(async () => {
      const { deliveries } = await listed(channels)
      expect(deliveries.map(({ state }) => state)).toEqual(['delivered', 'delivered'])
    })
  })

  it('goes on after a restart, with what waited and what was never told', async () => {
    side.answer = json({}, 503)
    const one = await start([hook()])
    tell(one, request())
    await until(() => expect(outcomes).toHaveLength(1))
    await one.stop()
    // Asked while nobody listened: the process ended between asking and telling.
    requests.set('req-2', request({ id: 'req-2' }))
    side.answer = json({})
    now += 60_000
    await start([hook()])
    await until(() =>
      expect(
        outcomes.filter(({ state }) => state === 'delivered').map(each => each.request),
      ).toEqual(['req-0123456789ab', 'req-2']),
    )
  })

  it('sends each message once, of two processes on one store', async () => {
    const [one, two] = [await start([hook()]), await start([hook()])]
    for (let at = 0; at < 20; at += 1) {
      const about = request({ id: `req-${at}` })
      tell(one, about)
      tell(two, about)
    }
    await until(() => expect(outcomes).toHaveLength(20))
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(side.heard).toHaveLength(20)
  })

  it('is bounded: a flood that nobody takes is refused, and shown', async () => {
    side.answer = json({}, 503, { 'retry-after': '86400' })
    const channels = await start([hook()])
    for (let at = 0; at < 1_010; at += 1) tell(channels, request({ id: `req-${at}` }))
    const table = store.tables<ChannelTables>()
    await until(async () => {
      const rows = await table.selectFrom('channel_deliveries').select(['state', 'error']).execute()
      const refused = rows.filter(({ state }) => state === 'failed')
      expect([rows.length, refused.length]).toEqual([1_010, 10])
      expect(refused[0]?.error).toBe('1000 messages wait for this channel already')
    })
    expect((await listed(channels)).waiting).toBe(1_000)
  })

  it('keeps a look back and no more', async () => {
    const channels = await start([hook()])
    const table = store.tables<ChannelTables>()
    for (let at = 0; at < 700; at += 1) {
      await table
        .insertInto('channel_deliveries')
        .values({
          id: `old-${at}`,
          channel: 'board',
          event: 'asked',
          request: `old-${at}`,
          state: 'delivered',
          attempts: 1,
          nonce: 'n',
          created_at: NOW - 1_000_000 + at,
          next_at: NOW,
          tried_at: NOW,
          error: null,
          remote: null,
        })
        .execute()
    }
    await channels.stop()
    await start([hook()])
    const { count } = await table
      .selectFrom('channel_deliveries')
      .select(({ fn }) => fn.countAll().as('count'))
      .executeTakeFirstOrThrow()
    expect(Number(count)).toBe(500)
  })

  it('follows the configuration: what waits for a channel that is gone is forgotten, and a new one hears what waits', async () => {
    side.answer = json({}, 503)
    const channels = await start([hook(), hook({ name: 'other', url: `${side.url}/other` })])
    tell(channels, request())
    await until(() => expect(outcomes).toHaveLength(2))
    side.answer = json({})
    later(channels, 60_000, [hook({ name: 'other', url: `${side.url}/moved` })])
    await until(() => expect(side.heard.at(-1)?.path).toBe('/moved'))
    expect((await channels.list()).map(({ name }) => name)).toEqual(['other'])
    await until(async () => {
      const rows = await store
        .tables<ChannelTables>()
        .selectFrom('channel_deliveries')
        .select('channel')
        .execute()
      expect(rows).toEqual([{ channel: 'other' }])
    })
    // Back again: what waits now is told, and what was told already is not.
    channels.update([hook({ url: `${side.url}/again` }), hook({ name: 'other' })])
    await until(() => expect(side.heard.at(-1)?.path).toBe('/again'))
    expect(side.heard.filter(({ path }) => path === '/moved')).toHaveLength(1)
  })

  it('shows a secret that is missing, and sends when it is there', async () => {
    let there = false
    const channels = await start([hook()], {
      secret: async () => {
        if (there) return new Secret(SECRET)
        const { ConfigurationError } = await import('#model')
        throw new ConfigurationError(
          'configuration_invalid',
          'the environment variable X is not set',
        )
      },
    })
    tell(channels, request())
    await until(() =>
      expect(outcomes).toMatchObject([{ error: 'the environment variable X is not set' }]),
    )
    there = true
    later(channels, 2_000)
    await until(() => expect(outcomes.at(-1)?.state).toBe('delivered'))
  })

  it('outlives a defect of its own and a store that fails', async () => {
    const channels = await start([hook()], {
      find: async () => {
        throw new Error('boom')
      },
    })
    tell(channels, request())
    await until(() =>
      expect(outcomes).toMatchObject([
        { state: 'waiting', error: 'a defect of ours: it is in the log of the gateway' },
      ]),
    )
    expect(logged).toContain('channel.failed')
    const gone = await openDatabase(':memory:', [channelMigrations])
    const lost = await start([], { kysely: gone.tables<ChannelTables>() })
    lost.update([hook()])
    await gone.close()
    tell(lost, request({ id: 'req-9' }))
    await until(() => expect(logged).toContain('channels.failed'))
  })

  it('is never waited for: hearing of a request takes no time', async () => {
    side.answer = () => {}
    const channels = await start([hook()])
    const cpu = leastCpuMs(attempt => {
      for (let at = 0; at < 1_000; at += 1) tell(channels, request({ id: `req-${attempt}-${at}` }))
    }, 200)
    // A thousand requests cost what one message would.
    expect(cpu).toBeLessThan(200)
  })
})

describe('a test of a channel', () => {
  it('is sent at once, ahead of what waits, and never again', async () => {
    side.answer = json({}, 503)
    const channels = await start([hook()])
    tell(channels, request())
    await until(() => expect(outcomes).toHaveLength(1))
    expect(await channels.test('board')).toMatchObject({
      event: 'test',
      state: 'failed',
      error: 'answered 503',
    })
    side.answer = json({})
    now += 1_000
    expect(await channels.test('board')).toMatchObject({ state: 'delivered', attempts: 1 })
    expect(await listed(channels)).toMatchObject({ state: 'working' })
    await expect(channels.test('nowhere')).rejects.toMatchObject({ code: 'request_unknown' })
  })
})

describe('when the next attempt is', () => {
  it('comes sooner at first, ends after three days, and keeps to what was asked', () => {
    const at = (attempts: number, die = 0, retry?: number) =>
      (nextAttempt(attempts, NOW, NOW, () => die, retry) ?? Number.NaN) - NOW
    const pauses = Array.from({ length: 13 }, (_, index) => at(index + 1))
    expect(pauses[0]).toBe(2_000)
    expect([...pauses].sort((a, b) => a - b)).toEqual(pauses)
    expect(at(99)).toBe(8 * 3_600_000)
    expect(at(1, 1)).toBe(2_400)
    expect(at(1, 0, 30_000)).toBe(30_000)
    let [now, attempts] = [NOW, 0]
    for (let next: number | undefined = NOW; next !== undefined; attempts += 1) {
      now = next
      next = nextAttempt(attempts + 1, NOW, now, () => 0.5)
    }
    expect(now - NOW).toBeGreaterThan(2.5 * 86_400_000)
    expect(now - NOW).toBeLessThanOrEqual(3 * 86_400_000)
    expect(attempts).toBeGreaterThan(15)
  })
})
