// People and agents, one of them, and a run, in a real browser: found, followed, ended.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../servers/programs.ts'
import { faults, LOOKS, picture, type Stage, setStage } from './stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("agents-use-shop") permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("agents-write-with-a-person") @approvers("dba") @within("15m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
@id("not-too-much") forbid (principal is Agent, action == Action::"read", resource) when { context.run.rows > 400 };
@id("analysts-look") permit (principal in Group::"analysts", action == Action::"console:read", resource == Gateway::"sallyport");
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"approve", Action::"console:read", Action::"console:audit", Action::"console:operate"], resource);
`,
}

let stage: Stage
const pageOf: Stage['pageOf'] = (...given) => stage.pageOf(...given)

beforeAll(async () => {
  stage = await setStage(POLICIES)
})
afterEach(({ task }) => stage?.clear(task))
afterAll(() => stage?.close())

async function psql(input: string) {
  const token = await stage.issuer.token({ client: 'order-bot' })
  const env = stage.gateway.libpq(token, 'shop')
  return {
    /** With the same token: the same run. */
    again: () => run('psql', ['-X', '-c', 'select 1'], { env }),
    ended: run('psql', ['-X'], { env, input }),
  }
}

describe('people and agents', () => {
  it('are found by a part of their name, and lead to their runs, sessions and groups', async () => {
    await (await psql('select id, email from customers limit 3;\ndrop table customers;\n')).ended
    const { page, complaints } = await pageOf('dora', '/people')
    await page.getByRole('row', { name: /dora/ }).waitFor()
    await page.getByLabel('find').fill('ORDER')
    await page.waitForURL(/search=ORDER/)
    await page.getByRole('row', { name: /dora/ }).waitFor({ state: 'detached' })
    await page.getByRole('row', { name: /agent.*order-bot.*agents/ }).click()
    await page.getByRole('heading', { name: 'agent order-bot' }).waitFor()
    await page.getByText('not connected').waitFor()
    await page
      .getByRole('region', { name: 'Sessions' })
      .getByText(/2 statements|1 denied/)
      .first()
      .waitFor()
    await page.getByRole('region', { name: 'Rights for a time' }).getByText('None holds.').waitFor()
    await page.getByRole('region', { name: 'Runs' }).getByRole('link').first().click()
    await page.waitForURL(/\/run\?principal=order-bot&run=/)
    expect(complaints).toEqual([])
  })

  it('say that nobody fits, and that somebody is not there', async () => {
    const { page } = await pageOf('dora', '/people?search=nobody-like-that')
    await page.getByText('Nobody fits.').waitFor()
    await page.goto(`${stage.url}/people/one?id=nobody`)
    await page.getByText('There is no nobody that you may see.').waitFor()
  })

  it('come to be known while the page is open', async () => {
    const { page } = await pageOf('dora', '/people?search=ana')
    await page.getByText('Nobody fits.').waitFor()
    await pageOf('ana', '/requests')
    await page.getByRole('row', { name: /person.*ana/ }).waitFor()
  })
})

describe('a run', () => {
  it('shows what it did against its budget, goes on while it lives, and is ended once and for all', async () => {
    const door = stage.pause()
    const bot = await psql(
      `select id, email from customers limit 200;\ndrop table orders;\n${door.line}select 1;\n`,
    )
    const { page, complaints } = await pageOf('dora', '/sessions?live=true')
    await page
      .getByRole('row', { name: /order-bot/ })
      .first()
      .click()
    await page
      .getByRole('link', { name: /./ })
      .filter({ has: page.locator('code') })
      .first()
      .click()
    await page.waitForURL(/\/run\?/)
    await page.getByText('50 % of 400').waitFor()
    await page.getByText('policy not-too-much').waitFor()
    const lane = page.getByRole('region', { name: 'lane shop' })
    await lane.getByText('1 denied', { exact: true }).waitFor()
    await lane.getByText('1 masked', { exact: true }).waitFor()
    expect(await lane.locator('rect').count()).toBeGreaterThanOrEqual(4)
    // A mark leads to the session at that moment.
    await lane.locator('rect.fill-denied').click()
    await page.waitForURL(/\/sessions\/ses-\w+\?at=/)
    await page.goBack()
    await page.getByRole('button', { name: 'End run' }).click()
    await page.getByRole('button', { name: 'Let it go on' }).click()
    await page.getByRole('button', { name: 'End run' }).click()
    await page.getByText(/Ends 1 session, and refuses/).waitFor()
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText('ended by somebody').waitFor()
    await page.getByText('ended_by_operator').waitFor()
    expect(await page.getByRole('button', { name: 'End run' }).count()).toBe(0)
    const refused = await bot.again()
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('withdrawn')
    expect(complaints).toEqual([])
    door.end()
    expect((await bot.ended).code).not.toBe(0)
  })

  it('has no button for who may only look', async () => {
    const { page } = await pageOf('ana', '/people/one?id=order-bot')
    await page.getByRole('region', { name: 'Runs' }).getByRole('link').first().click()
    await page.getByRole('heading', { name: /^run/ }).waitFor()
    expect(await page.getByRole('button', { name: 'End run' }).count()).toBe(0)
  })

  it.each(LOOKS)('and its people have no serious fault: %s', async (name, dark, width) => {
    const held = await stage.ask('update orders set total = 9 where id = 6')
    const bot = await psql('select id, email from customers limit 90;\ndrop table orders;\n')
    await bot.ended
    const { page, complaints } = await pageOf('dora', '/people', { dark, width })
    const row = page.getByRole('row', { name: /order-bot/ })
    await row.waitFor()
    expect(await faults(page), 'list').toEqual([])
    await picture(page, `people-${name}`)
    await row.click()
    await page.getByRole('region', { name: 'Runs' }).getByRole('link').first().waitFor()
    expect(await faults(page), 'one').toEqual([])
    await picture(page, `person-${name}`)
    await page
      .getByRole('region', { name: 'Runs' })
      .getByRole('listitem')
      .filter({ hasText: 'denied' })
      .getByRole('link')
      .first()
      .click()
    await page.getByRole('region', { name: 'lane shop' }).waitFor()
    expect(await faults(page), 'run').toEqual([])
    await picture(page, `run-${name}`)
    await page.goto(`${stage.url}/requests`)
    await page
      .getByRole('row', { name: /update orders/ })
      .first()
      .click()
    await page.getByRole('button', { name: /Deny/ }).click()
    await held.ended
    expect(complaints).toEqual([])
  })
})

// The last: proofs that are made in the second of a withdrawal count no more either.
describe('an identity', () => {
  it('loses what proves who it is when an operator withdraws that, after one question', async () => {
    const door = stage.pause()
    const bot = await psql(`select 1;\n${door.line}select 2;\n`)
    const { page, complaints } = await pageOf('dora', '/people/one?id=order-bot')
    await page.getByText('1 session', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Withdraw identity' }).click()
    await page.getByText(/Refuses every token, sign-in and credential/).waitFor()
    expect(await faults(page)).toEqual([])
    await page.getByRole('button', { name: 'Let it count' }).click()
    await page.getByRole('button', { name: 'Withdraw identity' }).click()
    await page.getByRole('button', { name: 'Withdraw it now' }).click()
    await page.getByText('refused is what proved it').waitFor()
    await page.getByText('not connected').waitFor()
    const refused = await bot.again()
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('withdrawn')
    expect(complaints).toEqual([])
    const { page: looks } = await pageOf('ana', '/people/one?id=order-bot')
    await looks.getByRole('heading', { name: 'agent order-bot' }).waitFor()
    expect(await looks.getByRole('button', { name: 'Withdraw identity' }).count()).toBe(0)
    door.end()
    expect((await bot.ended).code).not.toBe(0)
  })
})
