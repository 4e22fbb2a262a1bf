// Rights for a time and the broken glass in a real browser: asked for, looked at, decided, taken back, reviewed.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../servers/programs.ts'
import { faults, LOOKS, picture, type Stage, setStage } from './stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("ana-asks") @approvers("1 of dba, 1 of analysts") @within("1h") @reason("shop is opened by a DBA and an analyst")
permit (principal is Agent, action in [Action::"connect", Action::"read"], resource == Resource::"shop") when { context.approved };
@id("writes-wait") @approvers("dba") @within("1h")
forbid (principal is User, action == Action::"write", resource) unless { context.approved };
@id("on-call") permit (principal == User::"dora", action == Action::"break_glass", resource == Resource::"shop");
@id("dba-approves") permit (principal in Group::"dba", action == Action::"approve", resource);
@id("dba-operates") permit (principal in Group::"dba", action == Action::"console:operate", resource == Gateway::"sallyport");
@id("ana-reviews") permit (principal == User::"ana", action == Action::"approve", resource) when { context.verb == "REVIEW" };
`,
}

let stage: Stage
beforeAll(async () => {
  stage = await setStage(POLICIES)
})
afterEach(({ task }) => stage?.clear(task))
afterAll(() => stage?.close())

const cli = async (client: string, ...args: string[]) =>
  stage.gateway.cli(args, await stage.issuer.token({ client }))
const reach = async (client: string) =>
  run('psql', ['-X', '-Atc', 'select 1'], {
    env: stage.gateway.libpq(await stage.issuer.token({ client }), 'shop'),
  })

async function looks(page: Page, name: string): Promise<void> {
  for (const [look, dark, width] of LOOKS) {
    await page.setViewportSize({ width, height: 760 })
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' })
    await picture(page, `${name}-${look}`)
    expect(await faults(page), `${name} ${look}`).toEqual([])
  }
  await page.setViewportSize({ width: 1200, height: 760 })
  await page.emulateMedia({ colorScheme: 'light' })
}

describe('a right for a time', () => {
  it('is asked for in a form, decided by somebody else with less than was asked, and lets the asker in', async () => {
    expect((await reach('ana')).code).not.toBe(0)
    const ana = await stage.pageOf('ana', '/resources')
    await ana.page.getByRole('link', { name: 'ask for time' }).click()
    await ana.page.getByLabel('resource, by its name').fill('nowhere')
    await ana.page.getByLabel('reason').fill('ticket 4711 <b>now</b>\u202e')
    await ana.page.getByRole('button', { name: 'Ask' }).click()
    await ana.page.getByText('There is no resource "nowhere"').waitFor()
    await ana.page.getByLabel('resource, by its name').fill('shop')
    await ana.page.getByLabel('write').check()
    await looks(ana.page, 'access-ask')
    const dora = await stage.pageOf('dora')
    await dora.page.getByText('Nothing waits for a person.').waitFor()
    await ana.page.getByRole('button', { name: 'Ask' }).click()
    await ana.page.getByRole('heading', { name: 'ana asks for a right on shop' }).waitFor()
    await ana.page.getByRole('button', { name: 'Take it back' }).waitFor()

    const row = dora.page.getByRole('row', { name: /connect, read, write for 1 h/ })
    await row.waitFor()
    await looks(dora.page, 'access-inbox')
    await row.click()
    await dora.page.getByText('each time held for a person, with it too').waitFor()
    await dora.page.getByText('ticket 4711 <b>now</b>').waitFor()
    expect(await dora.page.locator('b').count()).toBe(0)
    await looks(dora.page, 'access-time')
    await dora.page.getByRole('combobox').selectOption({ label: '15 min' })
    await dora.page.getByLabel('sessions at most').fill('1')
    await dora.page.getByLabel('write').uncheck()
    await dora.page.getByLabel('reason, returned').focus()
    await dora.page.keyboard.press('Escape')
    await dora.page.getByRole('button', { name: /Approve/ }).click()
    await dora.page.getByText('in force', { exact: true }).waitFor()
    await dora.page.getByText('connect, read', { exact: true }).waitFor()

    // Nobody reloads: the asker's page goes on by itself.
    await ana.page.getByText('in force', { exact: true }).waitFor()
    expect((await reach('ana')).stdout).toContain('1')
    expect((await reach('ana')).code).not.toBe(0)
    await ana.page.getByText('used up').waitFor()
    await ana.page.getByRole('link', { name: /^grant-/ }).click()
    await ana.page.getByText('1 of 1 were opened').waitFor()
    // What the gateway refused above is a 404, which every browser mentions.
    const complaints = ana.complaints.filter(each => !each.includes('404'))
    expect([...complaints, ...dora.complaints]).toEqual([])
  })

  it('shows how far each group is, asks no owner of the agent, and follows what becomes of it', async () => {
    const args = ['request', 'shop', '--for', '2h', '--reason', 'nightly report', '--json']
    const { id } = JSON.parse((await cli('order-bot', ...args)).stdout)
    const dora = await stage.pageOf('dora')
    await dora.page.getByRole('row', { name: /connect, read for 2 h/ }).click()
    await dora.page.getByText('0 of 1').first().waitFor()
    await dora.page.keyboard.press('a')
    await dora.page.getByText('1 of 1').waitFor()
    await dora.page.getByText('You have said yes; others have to as well.').waitFor()
    await looks(dora.page, 'access-groups')
    // Ana is in the other group, and owns the agent.
    const ana = await stage.pageOf('ana')
    await ana.page.getByText('Nothing waits for a person.').waitFor()
    await cli('order-bot', 'requests', id, '--cancel')
    await dora.page.getByText('withdrawn').waitFor()
    expect([...ana.complaints, ...dora.complaints]).toEqual([])
  })

  it('is taken back by who asked', async () => {
    const asked = await cli('ana', 'request', 'shop', '--for', '20m', '--reason', 'x', '--json')
    const { id } = JSON.parse(asked.stdout)
    const { page } = await stage.pageOf('ana', `/requests/${id}`)
    await page.getByRole('button', { name: 'Take it back' }).click()
    await page.getByText('withdrawn').waitFor()
  })
})

describe('a broken glass', () => {
  it('waits in the inbox until another person has looked, and the one who broke it may only look', async () => {
    const taken = await cli('dora', 'break-glass', 'shop', '--reason', 'down', '--json')
    expect(taken.code, taken.stderr).toBe(0)
    const { review, grant } = JSON.parse(taken.stdout)
    const dora = await stage.pageOf('dora', `/requests/${review.id}`)
    await dora.page.getByText('Another person looks at it').waitFor()
    const ana = await stage.pageOf('ana')
    const row = ana.page.getByRole('row', { name: /to review/ })
    await row.click()
    await ana.page.getByRole('heading', { name: 'dora broke the glass on shop' }).waitFor()
    await looks(ana.page, 'access-review')
    await ana.page.getByLabel('what you found').fill('nothing was changed')
    await cli('dora', 'grants', '--revoke', grant.id)
    await ana.page.getByRole('button', { name: 'I have looked at it' }).click()
    await ana.page.getByText('reviewed', { exact: true }).waitFor()
    await dora.page.getByText('nothing was changed').waitFor()
    expect([...ana.complaints, ...dora.complaints]).toEqual([])
  })
})
