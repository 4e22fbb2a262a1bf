// The other places of the console in a real browser: resources, grants, evidence, why.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { run, until } from '../servers/programs.ts'
import { faults, LOOKS, picture, type Stage, setStage } from './stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("agents-use-shop") permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("agents-write-with-a-person") @approvers("dba") @within("15m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
@id("dba-approves") permit (principal in Group::"dba", action == Action::"approve", resource == Resource::"shop");
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit", Action::"console:operate"], resource == Gateway::"sallyport");
`,
}

let stage: Stage
const pageOf: Stage['pageOf'] = (...given) => stage.pageOf(...given)

beforeAll(async () => {
  stage = await setStage(POLICIES)
})
afterEach(({ task }) => stage?.clear(task))
afterAll(() => stage?.close())

describe('resources', () => {
  it('are listed with their protocol, tags and live sessions, and open on lines to paste and copy', async () => {
    const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
    const { page, complaints } = await pageOf('dora', '/resources')
    const row = page.getByRole('row', { name: /shop/ })
    await row.getByText('PostgreSQL').waitFor()
    const pause = stage.pause()
    const psql = run('psql', ['-X'], { env, input: `select 1;\n${pause.line}` })
    await row.getByText('●').waitFor()
    pause.end()
    await page.getByRole('rowgroup').focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`${stage.url}/resources/shop`)
    await page.getByText('sallyport connect shop').waitFor()
    const lines = await page.locator('article pre').allTextContents()
    expect(lines.some(each => each.startsWith('PGPASSWORD="$SALLYPORT_TOKEN" psql '))).toBe(true)
    expect(lines.some(each => each.startsWith('postgresql://'))).toBe(true)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'copy' }).first().click()
    await page.getByRole('button', { name: 'copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('sallyport connect shop')
    await psql
    await page.getByText('●').nth(1).waitFor({ state: 'detached' })
    expect(complaints).toEqual([])
  })

  it('that are not there, or not for the viewer, are said not to be', async () => {
    const { page } = await pageOf('ana', '/resources')
    await page.getByText('There is nothing that you may connect to.').waitFor()
    expect(await faults(page)).toEqual([])
    await page.goto(`${stage.url}/resources/shop`)
    await page.getByText('There is no such resource that you may see.').waitFor()
  })

  it('say what failed, and keep the way back', async () => {
    const { page } = await pageOf('dora', '/requests')
    await page.route('**/api/resources', route => route.abort())
    await page.getByRole('link', { name: 'Resources' }).click()
    await page.getByText('The gateway does not answer.').waitFor()
    await page.unroute('**/api/resources')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('row', { name: /shop/ }).waitFor()
  })

  it.each(LOOKS)('have no serious fault: %s', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/resources', { dark, width })
    await page.getByRole('row', { name: /shop/ }).waitFor()
    expect(await faults(page), 'list').toEqual([])
    await picture(page, `resources-${name}`)
    await page.getByRole('row', { name: /shop/ }).click()
    await page.getByText('sallyport connect shop').waitFor()
    expect(await faults(page), 'one').toEqual([])
    await picture(page, `resource-${name}`)
  })
})

describe('grants', () => {
  it('are given in a form that shows a refusal in place, appear by themselves, and are revoked after one question', async () => {
    const { page: list, complaints } = await pageOf('dora', '/grants')
    await list.getByText('No right for a time is in force.').waitFor()
    await list.keyboard.press('?')
    await list.keyboard.press('Escape')
    await picture(list, 'grants-empty')
    const { page } = await pageOf('dora', '/grants/give?principal=dora&resource=shop')
    await page.getByLabel('reason').fill('ticket <b>42</b>\u202e')
    await page.locator('select').selectOption('2 hours')
    await page.getByRole('button', { name: 'Give it' }).click()
    await page.getByText('not to oneself').waitFor()
    expect(await faults(page)).toEqual([])
    await expect.poll(() => page.getByLabel('reason').inputValue()).toContain('ticket')
    await page.getByLabel('principal').fill('gus')
    await page.getByLabel('write').check()
    await page.getByRole('button', { name: 'Give it' }).click()
    await page.getByRole('heading', { name: 'gus on shop' }).waitFor()
    await page.getByText('ticket <b>42</b>\\u202e').waitFor()
    await page.getByText('connect, read, write').waitFor()
    await page.getByRole('timer').waitFor()
    const row = list.getByRole('row', { name: /gus/ })
    await row.getByText('connect, read, write on shop').waitFor()
    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('button', { name: 'Let it hold' }).click()
    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('button', { name: 'Revoke it now' }).click()
    await page.getByText('revoked').first().waitFor()
    await row.waitFor({ state: 'detached' })
    await list.getByRole('link', { name: 'ended too' }).click()
    await row.getByText('revoked').waitFor()
    expect(complaints).toEqual([])
  })

  it('of others are nothing to who may not read the console, and giving one is refused in words', async () => {
    const { page } = await pageOf('ana', '/grants?ended=true')
    await page.getByText('No right was given for a time yet.').waitFor()
    await page.goto(`${stage.url}/grants/give?principal=gus&resource=shop`)
    await page.getByLabel('reason').fill('please')
    await page.getByRole('button', { name: 'Give it' }).click()
    await page.getByText('No policy lets you approve on this resource.').waitFor()
  })

  it.each(LOOKS)('have no serious fault: %s', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/grants/give?resource=shop', { dark, width })
    await page.getByLabel('principal').fill(`${'a-very-long-name-'.repeat(8)}${name}`)
    await page.getByLabel('reason').fill('to see')
    expect(await faults(page), 'form').toEqual([])
    await picture(page, `give-${name}`)
    await page.getByRole('button', { name: 'Give it' }).click()
    await page.getByRole('button', { name: 'Revoke' }).waitFor()
    expect(await faults(page), 'one').toEqual([])
    await picture(page, `grant-${name}`)
    await page.getByRole('link', { name: 'Grants' }).first().click()
    await page
      .getByRole('row', { name: /a-very-long/ })
      .first()
      .waitFor()
    expect(await faults(page), 'list').toEqual([])
    await picture(page, `grants-${name}`)
  })
})

describe('evidence', () => {
  it('follows the log, filters by kind in the address, and shows one entry whole', async () => {
    const { page, complaints } = await pageOf('dora', '/evidence?kind=session')
    await page.getByText('following').waitFor()
    await page.getByText(/entries in the log/).waitFor()
    const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
    await run('psql', ['-X', '-c', 'select 41 + 1'], { env })
    const row = page.getByRole('row', { name: /session.closed/ }).first()
    await row.waitFor()
    expect(await page.getByRole('row', { name: /log.read/ }).count()).toBe(0)
    await page.getByLabel('kind').selectOption('statement')
    await page.waitForURL(/kind=statement/)
    await page
      .getByRole('row', { name: /order-bot/ })
      .first()
      .click()
    await page.getByRole('heading', { name: /^statement\./ }).waitFor()
    await page.getByText('"seq":').waitFor()
    await page.getByRole('link', { name: 'the one before' }).click()
    await page.getByText('"seq":').waitFor()
    await page.goto(`${stage.url}/evidence/99999999`)
    await page.getByText('There is no such entry.').waitFor()
    expect(complaints).toEqual([])
  })

  it('reads no more of the log than was asked for: each reading is an entry', async () => {
    const { page } = await pageOf('dora', '/evidence?kind=log')
    await page.getByText('following').waitFor()
    const reads = page.getByRole('row', { name: /log.read/ })
    await reads.nth(1).waitFor()
    await until('the list to stand still', async () => {
      const before = await reads.count()
      await page.waitForTimeout(2_000)
      return (await reads.count()) === before
    })
  })

  it('is no place of who may not read it, and says what is missing', async () => {
    const { page } = await pageOf('ana', '/requests')
    expect(await page.getByRole('link', { name: 'Evidence' }).count()).toBe(0)
    await page.goto(`${stage.url}/evidence`)
    await page.getByText('This needs console:audit.').waitFor()
  })

  it('says when it follows no longer, and goes on without a hole', async () => {
    const { page } = await pageOf('dora', '/evidence')
    await page.getByText('following', { exact: true }).waitFor()
    // Until the first answer there is no list that could be out of date, and the page says nothing of it.
    await page.getByRole('row').nth(1).waitFor()
    await stage.gateway.kill()
    await page.getByText('not following: newer entries may be missing here').waitFor()
    await stage.gateway.start()
    await page.getByText('following', { exact: true }).waitFor()
    await page
      .getByRole('row', { name: /log.start/ })
      .first()
      .waitFor()
  })

  it.each(LOOKS)('has no serious fault: %s', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/evidence', { dark, width })
    await page.getByRole('row').nth(1).waitFor()
    await page.getByText('How to verify without this page').click()
    expect(await faults(page), 'list').toEqual([])
    await picture(page, `evidence-${name}`)
    await page.getByRole('row').nth(2).click()
    await page.getByText('"seq":').waitFor()
    expect(await faults(page), 'one').toEqual([])
    await picture(page, `entry-${name}`)
  })
})

describe('why', () => {
  const STATEMENT = "insert into orders (note) values ('50% & #1 <b>')\n-- é"

  it('unfolds a decision about somebody else; the address asks it again, and the statement stays out of it', async () => {
    const { page, complaints } = await pageOf('dora', '/why')
    const sent: string[] = []
    page.on('request', request => sent.push(request.url()))
    await page.getByLabel('resource').fill('shop')
    await page.getByLabel('statement').fill(STATEMENT)
    await page.getByLabel('principal').fill('order-bot')
    await page.locator('select').selectOption('an agent')
    await page.getByLabel('of the groups').fill('agents')
    await page.getByLabel('statement').press('Control+Enter')
    const decision = page.getByRole('region', { name: 'the decision' })
    await decision.getByText('held until a person says yes').waitFor()
    await decision.getByText('approve').first().waitFor()
    await decision.getByText('agents-use-shop').first().waitFor()
    await page.reload()
    await decision.getByText('held until a person says yes').waitFor()
    await expect.poll(() => page.getByLabel('statement').inputValue()).toBe(STATEMENT)
    expect(sent.filter(each => each.split('#')[0]!.includes('insert'))).toEqual([])
    expect(await faults(page)).toEqual([])
    await page.getByLabel('of the groups').fill('')
    await page.getByRole('button', { name: 'Ask' }).click()
    await decision.getByText('denied').first().waitFor()
    expect(complaints).toEqual([])
  })

  it('shows a refusal in place and keeps what was typed', async () => {
    const { page } = await pageOf('dora', '/why?resource=nowhere')
    await page.getByLabel('statement').fill('select 1')
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByText('There is no such resource.').waitFor()
    await expect.poll(() => page.getByLabel('statement').inputValue()).toBe('select 1')
  })

  it('is for oneself to who may not read the log', async () => {
    const { page } = await pageOf('ana', '/why')
    await page.getByText('To ask about somebody else needs').waitFor()
    expect(await page.getByLabel('principal').count()).toBe(0)
  })

  it.each(LOOKS)('has no serious fault: %s', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/why?resource=shop', { dark, width })
    expect(await faults(page), 'empty').toEqual([])
    await page.getByLabel('statement').fill(`select '${'x'.repeat(300)}', name from customers`)
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByRole('region', { name: 'the decision' }).waitFor()
    expect(await faults(page), 'answered').toEqual([])
    await picture(page, `why-${name}`)
  })
})
