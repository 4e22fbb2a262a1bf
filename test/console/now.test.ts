// What is going on now, in a real browser: from what the gateway tells at once and as it comes, and when far more comes
// than anybody can read.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LiveEvent } from '#contract'
import { Statements } from '../../web/features/now/statements.ts'
import { run } from '../servers/programs.ts'
import { faults, LOOKS, picture, type Stage, setStage } from './stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("agents-use-shop") permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("agents-write-with-a-person") @approvers("dba") @within("15m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
@id("not-too-much") forbid (principal is Agent, action == Action::"read", resource) when { context.run.rows > 5000 };
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit", Action::"console:operate"], resource == Gateway::"sallyport");
`,
}

describe('the statements that are drawn', () => {
  const event = (seq: number, kind: string, more: Partial<LiveEvent> = {}): LiveEvent => ({
    seq,
    at: seq,
    kind,
    principal: 'bot',
    resource: 'shop',
    verbs: ['SELECT'],
    objects: ['t'],
    ...more,
  })

  it('are all of them when few come, newest first, and take their outcomes where they stand', () => {
    const statements = new Statements(
      () => 0,
      work => work(),
    )
    statements.begin([event(1, 'statement.permitted'), event(2, 'session.opened')])
    statements.add([event(3, 'statement.denied'), event(4, 'statement.permitted')])
    const outcome = { entry: 4, at: 9, status: 'completed', rows: 7, masked: true }
    statements.add([event(5, 'statement.completed', { outcomes: [outcome] })])
    const { lines, oneIn } = statements.shown
    expect(lines.map(({ seq, effect }) => `${seq} ${effect}`)).toEqual([
      '4 permit',
      '3 deny',
      '1 permit',
    ])
    expect(lines[0]?.outcome).toEqual({ ms: 5, rows: 7, masked: true, status: 'completed' })
    expect(oneIn).toBe(1)
    statements.add([event(4, 'statement.permitted')])
    expect(statements.shown.lines).toHaveLength(3)
  })

  it('begin with what was before, also when the stream was quicker', () => {
    const statements = new Statements(
      () => 0,
      work => work(),
    )
    statements.add([event(7, 'statement.held')])
    statements.begin([1, 5, 7].map(seq => event(seq, 'statement.permitted')))
    statements.begin([event(2, 'statement.permitted')])
    expect(statements.shown.lines.map(({ seq, effect }) => `${seq} ${effect}`)).toEqual([
      '7 held',
      '5 permit',
      '1 permit',
    ])
  })

  it('are some of them when thousands come, with every denied and held one, and it says how many', () => {
    const clock = { now: 0 }
    const later: (() => void)[] = []
    const statements = new Statements(
      () => clock.now,
      work => void later.push(work),
    )
    let seq = 0
    for (let batch = 0; batch < 20; batch += 1) {
      clock.now += 100
      statements.add(
        Array.from({ length: 200 }, (_, at) => {
          seq += 1
          return event(seq, at === 50 ? 'statement.denied' : 'statement.permitted')
        }),
      )
      for (const work of later.splice(0)) work()
    }
    const { lines, seen, oneIn, leavesOut } = statements.shown
    expect(seen).toBe(4_000)
    expect(lines.filter(({ effect }) => effect === 'deny')).toHaveLength(20)
    expect(lines.length).toBeLessThan(400)
    expect(oneIn).toBeGreaterThan(10)
    expect(oneIn).toBeLessThan(25)
    expect(leavesOut).toBe(false)
    statements.add([], 5)
    for (const work of later.splice(0)) work()
    expect(statements.shown.leavesOut).toBe(true)
    clock.now += 10_000
    for (const work of later.splice(0)) work()
    expect(statements.shown.oneIn).toBe(1)
  })
})

describe('in the console', () => {
  let stage: Stage
  const pageOf: Stage['pageOf'] = (...given) => stage.pageOf(...given)
  const psql = async (input: string) =>
    run('psql', ['-X'], {
      env: stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop'),
      input,
    })

  beforeAll(async () => {
    stage = await setStage(POLICIES)
  })
  afterEach(({ task }) => stage?.clear(task))
  afterAll(() => stage?.close())

  it('now is home to who may read the console, begins with what was, and goes on by itself', async () => {
    await psql('select id, email from customers order by id limit 3;\ndrop table customers;\n')
    const { page, complaints } = await pageOf('dora', '/')
    await page.waitForURL(`${stage.url}/now`, { waitUntil: 'commit' })
    const list = page.getByRole('grid', { name: 'statements' })
    const masked = list.getByRole('row', { name: /masked.*SELECT public\.customers/ })
    await masked.first().waitFor()
    await expect.poll(() => masked.first().textContent()).toContain('3')
    await list
      .getByRole('row', { name: /denied.*DROP/ })
      .first()
      .waitFor()
    const rows = await list.getByRole('row').count()
    const pause = stage.pause()
    const live = psql(`select 1 as one;\n${pause.line}`)
    await expect.poll(() => list.getByRole('row').count()).toBeGreaterThan(rows)
    const sessions = page.getByRole('region', { name: 'live sessions' })
    await sessions.getByText('order-bot on shop').waitFor()
    await page.getByText('the numbers, by the minute').click()
    await expect
      .poll(() => page.getByRole('region', { name: 'rates' }).getByRole('row').nth(1).textContent())
      .toMatch(/[1-9]/)
    expect(
      await page
        .getByRole('img', { name: /permitted and masked/ })
        .locator('canvas')
        .count(),
    ).toBe(1)
    pause.end()
    await sessions.getByText('Nobody is connected.').waitFor()
    await live
    expect(complaints).toEqual([])
  })

  it('now is not home to others, and tells them what is missing', async () => {
    const { page } = await pageOf('ana', '/')
    await page.waitForURL(`${stage.url}/requests`, { waitUntil: 'commit' })
    expect(await page.getByRole('link', { name: 'Now', exact: true }).count()).toBe(0)
    await page.goto(`${stage.url}/now`)
    await page.getByText('This needs console:read.').waitFor()
  })

  it('a held statement shows in the list and among what waits, and leads to its request', async () => {
    const { page, complaints } = await pageOf('dora', '/now')
    const asked = await stage.ask('update orders set total = 2 where id = 5')
    const waiting = page.getByRole('region', { name: 'waiting for a person' })
    await waiting.getByRole('link', { name: /order-bot.*UPDATE on shop/ }).click()
    await page.getByRole('heading', { name: 'agent order-bot on shop' }).waitFor()
    // The letters behind `g` go places and decide nothing.
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    await page.waitForURL(/data-classes/)
    await page.goBack()
    await page.getByRole('button', { name: /Deny/ }).click()
    expect((await asked.ended).code).toBe(1)
    await page.keyboard.press('g')
    await page.keyboard.press('n')
    await page.getByLabel('show').selectOption('held')
    await page.waitForURL(/show=held/)
    await page
      .getByRole('row', { name: /held.*UPDATE/ })
      .first()
      .waitFor()
    expect(await page.getByRole('row', { name: /SELECT/ }).count()).toBe(0)
    await waiting.getByText('Nothing waits.').waitFor()
    expect(complaints).toEqual([])
  })

  it('two thousand statements a second are sampled, counted, and leave the page free to use', async () => {
    const { page, complaints } = await pageOf('dora', '/requests')
    await page.addInitScript(PUMP)
    await page.goto(`${stage.url}/now`)
    const list = page.getByRole('grid', { name: 'statements' })
    await page.getByText(/showing 1 in 1\d|showing 1 in 2\d/).waitFor()
    await page.getByText('every denied and held one').waitFor()
    const cpu = await threadTime(page)
    const before = await cpu()
    const pumped = async () => Number(await page.evaluate('window.pumped'))
    const from = await pumped()
    await expect.poll(pumped).toBeGreaterThan(from + 8_000)
    const seconds = ((await pumped()) - from) / 2_000
    // Thread time, and by what came, so that a busy machine does not count: less than half of one processor.
    expect(((await cpu()) - before) / seconds).toBeLessThan(0.5)
    expect(await list.locator('[role=gridcell]').count()).toBeLessThan(600)
    await page.getByRole('button', { name: 'Pause' }).click()
    const first = await list.getByRole('row').nth(1).textContent()
    await page.waitForTimeout(1_500)
    expect(await list.getByRole('row').nth(1).textContent()).toBe(first)
    await page.getByText(/paused: [\d,.]+ new ones/).waitFor()
    await page.keyboard.press('f')
    await expect.poll(() => list.getByRole('row').nth(1).textContent()).not.toBe(first)
    await list.getByRole('rowgroup').hover()
    await page.mouse.wheel(0, 600)
    await page.getByText(/stands still while you read below/).waitFor()
    await page.getByRole('button', { name: 'Follow' }).click()
    await page.getByText(/showing 1 in/).waitFor()
    expect(complaints).toEqual([])
  })

  it('a part of the page that does not come is waited for, and the rest of it stands', async () => {
    await psql('select 2 as two;\n')
    const { page } = await pageOf('dora', '/requests')
    let refused = 0
    await page.route(/assets\/chart/, route => {
      refused += 1
      return refused < 3 ? route.abort() : route.continue()
    })
    await page.getByRole('link', { name: 'Now', exact: true }).click()
    await page.getByText('drawing …').waitFor()
    await page
      .getByRole('row', { name: /permitted/ })
      .first()
      .waitFor()
    await page.locator('canvas').first().waitFor()
    expect(refused).toBe(3)
  })

  it('it says when it is no longer live, keeps what it showed, and goes on', async () => {
    await psql('select 2 as two;\n')
    const { page } = await pageOf('dora', '/now')
    const row = page.getByRole('row', { name: /permitted/ }).first()
    await row.waitFor()
    await stage.gateway.kill()
    await page.getByText(/Not live: this is how it was at/).waitFor()
    await expect.poll(() => row.isVisible()).toBe(true)
    await stage.gateway.start()
    await page.getByText(/Not live: this is how it was at/).waitFor({ state: 'detached' })
  })

  it.each(LOOKS)(
    'now has no serious fault, and its lines change with the theme: %s',
    async (name, dark, width) => {
      await psql(
        `select id, email from customers limit 3;\ndrop table customers;\n${'select 1;\n'.repeat(20)}`,
      )
      const held = await stage.ask('update orders set total = 3 where id = 5')
      const pause = stage.pause()
      const live = psql(`select 1;\n${pause.line}`)
      const { page, complaints } = await pageOf('dora', '/now', { dark, width })
      await page
        .getByRole('row', { name: /masked/ })
        .first()
        .waitFor()
      await page.locator('canvas').first().waitFor()
      await page.waitForTimeout(1_500)
      expect(await faults(page)).toEqual([])
      await picture(page, `now-${name}`)
      const drawn = () =>
        page
          .locator('canvas')
          .first()
          .evaluate(node => (node as unknown as { toDataURL(): string }).toDataURL())
      const before = await drawn()
      await page.getByRole('button', { name: 'system' }).click()
      if (!dark) await page.getByRole('button', { name: 'light' }).click()
      await expect.poll(drawn).not.toBe(before)
      expect(complaints).toEqual([])
      await page.goto(`${stage.url}/requests`)
      await page
        .getByRole('row', { name: /update orders/ })
        .first()
        .click()
      await page.getByRole('button', { name: /Deny/ }).click()
      await held.ended
      pause.end()
      await live
    },
  )
})

/** Instead of the gateway's stream: 200 statements each tenth of a second, their outcomes, and a denial now and then. */
const PUMP = `
  window.pumped = 0
  window.EventSource = class extends EventTarget {
    constructor() {
      super()
      let seq = 1_000_000
      setTimeout(() => this.dispatchEvent(new Event('open')), 10)
      // What a busy machine is late with comes all the same.
      let due = Date.now()
      this.timer = setInterval(() => {
        for (; due <= Date.now(); due += 100) pump(due)
      }, 100)
      const pump = at => {
        const entries = []
        for (let n = 0; n < 200; n += 1) {
          seq += 1
          entries.push({ seq, at, kind: n === 7 ? 'statement.denied' : 'statement.permitted', session: 's', principal: 'bot-' + (n % 9), resource: 'shop', verbs: ['SELECT'], objects: ['public.customers'] })
        }
        const outcomes = entries.map(({ seq: entry }) => ({ entry, at: at + 3, status: 'completed', rows: 12, masked: entry % 3 === 0 }))
        for (let from = 0; from < outcomes.length; from += 64) {
          seq += 1
          entries.push({ seq, at, kind: 'statement.completed', outcomes: outcomes.slice(from, from + 64) })
        }
        window.pumped += 200
        this.dispatchEvent(new MessageEvent('entries', { data: JSON.stringify({ entries, missed: 0 }) }))
        const step = Math.floor(at / 10_000) * 10_000
        if (window.pumped % 2_000 === 0) this.dispatchEvent(new MessageEvent('rates', { data: JSON.stringify({ from: step, stepMs: 10_000, permitted: [window.pumped], held: [0], denied: [1], masked: [9] }) }))
      }
    }
    close() { clearInterval(this.timer) }
  }
`

/** What the page's own thread worked so far, in seconds. */
async function threadTime(page: Page): Promise<() => Promise<number>> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN
  }
}
