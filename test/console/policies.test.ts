// The policies in a real browser: typing, what the checker says, cases, why, saving, conflicts, history; read only; and the
// page's own policy for scripts and styles, under which the editor has to live.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { run, until } from '../servers/programs.ts'
import { faults, LOOKS, picture, type Stage, setStage } from './stage.ts'

const SHOP = `// who may use the shop
@id("agents-use-shop") permit (principal in Group::"agents", action in [Action::"connect", Action::"read"], resource in Resource::"shop");

@id("agents-write-with-a-person") @approvers("dba") @within("15m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
`
const CONSOLE = `@id("dba-administers") permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit", Action::"console:administer"], resource == Gateway::"sallyport");
@id("analysts-look") permit (principal in Group::"analysts", action == Action::"console:read", resource == Gateway::"sallyport");
`
const CASES = `- name: an agent reads
  principal: { kind: agent, id: order-bot, groups: [agents] }
  resource: shop
  statement: select id from customers
  expect: { effect: permit }
`

let stage: Stage
const path = (name: string) => join(stage.gateway.folder, 'policies', name)
const onDisk = (name: string) => readFileSync(path(name), 'utf8')
const editor = (page: Page) => page.locator('.cm-content')
const toTheEnd = async (page: Page) => {
  await editor(page).click()
  await page.keyboard.press('Control+End')
}

beforeAll(async () => {
  stage = await setStage(
    { 'console.cedar': CONSOLE, 'shop.cedar': SHOP, 'shop.test.yaml': CASES },
    { policies: { folder: './policies', editable: true } },
  )
})
beforeEach(async () => {
  if (onDisk('shop.cedar') === SHOP) return
  writeFileSync(path('shop.cedar'), SHOP)
  const token = await stage.issuer.token({ client: 'dora' })
  const proof = ['--cacert', stage.gateway.ca, '-H', `Authorization: Bearer ${token}`]
  await until('it to be in force', async () => {
    const { stdout } = await run('curl', ['-sS', ...proof, `${stage.url}/api/policies`])
    const { inForce, policies, problems } = JSON.parse(stdout)
    return inForce === true && problems.length === 0 && policies.length === 4
  })
})
afterEach(({ task }) => stage?.clear(task))
afterAll(() => stage?.close())

// First: nobody was connected yet.
describe('the data classes', () => {
  it('show what they match now, a made-up value as it is masked, figures, and who may see them', async () => {
    const { page, complaints } = await stage.pageOf('ana', '/data-classes')
    await page.getByText('Not known of shop').waitFor()
    await page.getByText('⟦m:email⟧').waitFor()
    await page.getByText('/customers/*/mail').waitFor()
    await page.getByText('nobody: no policy permits it').waitFor()
    await page
      .getByText(/precision \d\.\d+, recall \d\.\d+/)
      .first()
      .waitFor()
    const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
    await run('psql', ['-X', '-c', 'select 1'], { env })
    await page.getByText(/^\d+ columns?$/).click()
    await page.getByText('public.customers.email').waitFor()
    writeFileSync(
      path('shop.cedar'),
      `${SHOP}@id("dba-sees-email") permit (principal in Group::"dba", action == Action::"reveal", resource == DataClass::"email");\n`,
    )
    await page.getByRole('link', { name: 'dba-sees-email' }).click()
    await page.waitForURL(/policies\?file=shop\.cedar/)
    expect(complaints).toEqual([])
  })

  it('are not for who may not look at the console', async () => {
    const { page } = await stage.pageOf('dora', '/data-classes')
    await page.route('**/api/data-classes', route =>
      route.fulfill({
        status: 403,
        json: { detail: 'This needs console:read.', code: 'not_allowed' },
      }),
    )
    await page.reload()
    await page.getByText('This needs console:read.').waitFor()
  })

  it.each(LOOKS)('have no serious fault: %s', async (name, dark, width) => {
    const { page } = await stage.pageOf('dora', '/data-classes', { dark, width })
    await page.getByText('⟦m:email⟧').waitFor()
    expect(await faults(page)).toEqual([])
    await picture(page, `data-classes-${name}`)
  })
})

describe('the policies', () => {
  it('are checked as one types: the place, the checker’s words, the cases; a key goes to the next problem', async () => {
    const { page, complaints } = await stage.pageOf('dora', '/policies?file=shop.cedar')
    await page.getByText('4 policies in force').waitFor()
    await page.getByText('checks', { exact: true }).waitFor()
    await toTheEnd(page)
    await page.keyboard.insertText(
      '@id("new") permit (principal, action == Action::"reed", resource);',
    )
    await page.getByText('does not check').first().waitFor()
    const problem = page.getByRole('button', { name: /wrong shop\.cedar:6:/ })
    await problem.waitFor()
    await expect.poll(() => problem.textContent()).toContain('unrecognized action')
    await page.locator('.cm-lintRange-error').first().waitFor()
    await picture(page, 'policies-wrong')
    await page.keyboard.press('Control+Home')
    await page.keyboard.press('F8')
    await expect
      .poll(() => page.locator('.cm-diagnostic').first().textContent())
      .toContain('unrecognized')
    await page.keyboard.press('Escape')
    await page.getByRole('tab', { name: /Cases/ }).click()
    await page.getByText('run once the policies check').waitFor()
    await toTheEnd(page)
    for (let at = 0; at < 24; at++) await page.keyboard.press('ArrowLeft')
    expect(await faults(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('are saved after a look at what changes and a word of why; then they are in force and in the history', async () => {
    const { page, complaints } = await stage.pageOf('dora', '/policies?file=shop.cedar')
    const { page: list } = await stage.pageOf('ana', '/policies/history')
    await toTheEnd(page)
    await page.keyboard.insertText(
      '@id("nobody-defines") forbid (principal, action == Action::"define", resource);\n',
    )
    await page.getByText('1 file not saved').waitFor()
    await page.getByRole('tab', { name: 'Save 1' }).click()
    await page.getByText('Say why.').waitFor()
    await page.locator('.cm-insertedLine, .cm-changedLine').first().waitFor()
    await picture(page, 'policies-save')
    expect(await faults(page)).toEqual([])
    await page.getByLabel('why, kept with this version').fill('ticket <b>7</b>')
    await page.getByRole('button', { name: 'Put in force' }).click()
    await page.getByText('Saved and in force').waitFor()
    await page.getByText('5 policies in force').waitFor()
    expect(onDisk('shop.cedar')).toContain('nobody-defines')
    const row = list.getByRole('row', { name: /dora/ })
    await row.getByText('ticket <b>7</b>').waitFor()
    await row.click()
    await list.getByText('nobody-defines').waitFor()
    await picture(list, 'policy-version')
    expect(await faults(list)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('keep what was typed over a reload, and over what somebody else saves, until a person decides', async () => {
    const { page } = await stage.pageOf('dora', '/policies?file=shop.cedar')
    await toTheEnd(page)
    await page.keyboard.type('// mine')
    await page.getByText('1 file not saved').waitFor()
    await page.reload()
    await page.getByText('// mine').waitFor()
    writeFileSync(path('shop.cedar'), SHOP.replace('"15m"', '"30m"'))
    await page.getByText('changed by somebody else, too').waitFor()
    await page.getByRole('button', { name: 'Show the difference' }).click()
    await page.getByText('From what is there now').waitFor()
    await picture(page, 'policies-conflict')
    expect(await faults(page)).toEqual([])
    await page.getByRole('tab', { name: 'Save 1' }).click()
    await page.getByText('First decide').waitFor()
    await page.getByRole('button', { name: 'Take theirs' }).click()
    await page.getByText('Nothing is changed.').waitFor()
    await page.getByText('"30m"').waitFor()
  })

  it('are not overwritten when the page did not hear of the other change: the refusal keeps what was typed', async () => {
    const { page } = await stage.pageOf('dora', '/policies?file=shop.cedar&pane=save')
    await toTheEnd(page)
    await page.keyboard.type('// mine')
    await page.getByLabel('why, kept').fill('x')
    await page.getByText('It is on record first').waitFor()
    // A remark is no change of rights: nobody is told of it.
    writeFileSync(path('shop.cedar'), `// theirs\n${SHOP.replace('// who may use the shop\n', '')}`)
    await page.getByRole('button', { name: 'Put in force' }).click()
    await page.getByText('changed since you opened them').waitFor()
    await page.getByText('changed by somebody else, too').waitFor()
    expect(onDisk('shop.cedar')).not.toContain('// mine')
    await page.getByRole('button', { name: 'Go on with mine' }).click()
    await page.getByRole('button', { name: 'Put in force' }).click()
    await page.getByText('Saved and in force').waitFor()
    expect(onDisk('shop.cedar')).toContain('// mine')
  })

  it('that would lock their author out are not saved, and the page says so before', async () => {
    const { page } = await stage.pageOf('dora', '/policies?file=console.cedar&pane=save')
    await editor(page).click()
    await page.keyboard.press('Control+a')
    await page.keyboard.type('// nobody')
    await page.getByText('could not change them any more').waitFor()
    await expect
      .poll(() => page.getByRole('button', { name: 'Put in force' }).isDisabled())
      .toBe(true)
    await page.getByRole('button', { name: 'drop my changes' }).click()
    await page.getByRole('button', { name: 'drop what you typed?' }).click()
    await page.getByText('Nothing is changed.').waitFor()
    await page.locator('.cm-content').getByText('dba-administers').waitFor()
  })

  it('may be new files, and files taken away and brought back', async () => {
    const { page } = await stage.pageOf('dora', '/policies')
    await page.getByRole('button', { name: 'new file' }).click()
    await page.getByLabel('its name').fill('payments')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.waitForURL(/file=payments\.cedar/)
    await editor(page).click()
    await page.keyboard.type('// payments')
    await page.getByText('1 file not saved').waitFor()
    await page.getByRole('button', { name: 'take this file away' }).click()
    await page.getByText('checks', { exact: true }).waitFor()
    await page.getByRole('button', { name: /^shop\.cedar/ }).click()
    await page.getByRole('button', { name: 'take this file away' }).click()
    await page.getByRole('button', { name: 'bring back' }).click()
    await page.getByText('checks', { exact: true }).waitFor()
  })

  it('tell why, of what is typed and not of what is in force', async () => {
    const { page } = await stage.pageOf('dora', '/policies?file=shop.cedar&pane=why')
    await page.getByLabel('resource').fill('shop')
    await page.getByLabel('statement').fill('select id from customers')
    await page.getByLabel('principal; empty: you').fill('order-bot')
    await page.getByLabel('of the groups').fill('agents')
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByText('permitted').first().waitFor()
    await toTheEnd(page)
    await page.keyboard.insertText(
      '@id("frozen") forbid (principal, action == Action::"read", resource);',
    )
    await page.getByText('As it was before').waitFor()
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByText('frozen').nth(1).waitFor()
    await page.getByText('denied').first().waitFor()
    expect(await faults(page)).toEqual([])
  })

  it('show what would change: past sessions, decided again', async () => {
    const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
    await run('psql', ['-X', '-c', 'select id from customers where id = 7'], { env })
    const { page, complaints } = await stage.pageOf('dora', '/policies?file=shop.cedar&pane=replay')
    await page.getByText('Nothing is changed, so nothing would be.').waitFor()
    await toTheEnd(page)
    await page.keyboard.insertText(
      '@id("frozen") forbid (principal, action == Action::"read", resource) unless { context.approved };',
    )
    await page.getByText('1 file not saved').waitFor()
    await page.getByRole('button', { name: /Decide the last/ }).click()
    await page.getByText('select id from customers where id = 7').waitFor()
    await page.getByText('held', { exact: true }).first().waitFor()
    await page.locator('#pane').getByText('frozen').first().waitFor()
    await picture(page, 'policies-replay')
    expect(await faults(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('go on when cases fail, and say which', async () => {
    const { page } = await stage.pageOf('dora', '/policies?file=shop.cedar&pane=cases')
    await page.getByText('1 case passed, 0 failed').waitFor()
    await toTheEnd(page)
    await page.keyboard.insertText(
      '@id("frozen") forbid (principal, action == Action::"read", resource);',
    )
    await page.getByText('0 cases passed, 1 failed').waitFor()
    await page.getByText('effect: expected permit, came deny').waitFor()
  })

  it('are read only for who may not change them, and Tab does not hold anybody in', async () => {
    const { page, complaints } = await stage.pageOf('ana', '/policies?file=shop.cedar')
    await page.getByText('this needs console:administer').waitFor()
    expect(await page.getByRole('tab', { name: /^Save/ }).count()).toBe(0)
    await editor(page).click()
    await page.keyboard.type('grx?')
    await expect.poll(() => page.url()).toContain('/policies')
    expect(await page.locator('.cm-content').textContent()).not.toContain('grx?')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
    const inside = 'document.activeElement?.shadowRoot != null'
    expect(await page.evaluate(inside)).toBe(false)
    expect(complaints).toEqual([])
  })

  it('show hostile text by its numbers, and the editor breaks none of the page’s rules', async () => {
    writeFileSync(path('shop.cedar'), `// <img src=x onerror=alert(1)> \u202e\u200b\n${SHOP}`)
    const { page, complaints } = await stage.pageOf('dora', '/requests')
    await page.evaluate(
      `addEventListener('securitypolicyviolation', event => { (globalThis.broken ??= []).push(event.violatedDirective) })`,
    )
    await page.getByRole('link', { name: 'Policies' }).click()
    await page.getByRole('button', { name: /shop\.cedar/ }).click()
    await page.getByText('\\u202e').first().waitFor()
    await editor(page).click()
    await page.keyboard.press('Control+f')
    await page.locator('.cm-search input').first().waitFor()
    await page.keyboard.press('Escape')
    // The styles are there all the same: the editor's own, and ours over them.
    const style = (selector: string, what: string) =>
      page.evaluate(
        `getComputedStyle([...document.querySelectorAll('main div')].find(each => each.shadowRoot !== null).shadowRoot.querySelector('${selector}')).${what}`,
      )
    expect(await style('.cm-scroller', 'fontFamily')).toContain('monospace')
    expect(await style('.cm-gutters', 'position')).toBe('sticky')
    expect(await page.locator('img[src]').count()).toBe(0)
    expect(await page.evaluate('globalThis.broken ?? []')).toEqual([])
    expect(complaints).toEqual([])
  })

  it('that do not check on the disk say so, and what was in force goes on', async () => {
    const { page } = await stage.pageOf('dora', '/policies?file=shop.cedar')
    await page.getByText('4 policies in force').waitFor()
    writeFileSync(path('shop.cedar'), `${SHOP}nonsense\n`)
    await page.reload()
    await page.getByText('what was in force before goes on').waitFor()
    await page
      .getByRole('button', { name: /wrong shop\.cedar/ })
      .first()
      .waitFor()
    await picture(page, 'policies-broken')
  })

  it('keep what is shown when the gateway does not answer, and say so', async () => {
    const { page } = await stage.pageOf('dora', '/policies?file=shop.cedar')
    await page.getByText('checks', { exact: true }).waitFor()
    await page.route('**/api/policies/try', route => route.abort())
    await toTheEnd(page)
    await page.keyboard.type('// more')
    await page.getByText('The gateway does not answer.').waitFor()
    await page.getByText('not checked').waitFor()
    await page.unroute('**/api/policies/try')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('1 file not saved').waitFor()
  })

  it.each(LOOKS)('have no serious fault: %s', async (name, dark, width) => {
    const { page } = await stage.pageOf('dora', '/policies?file=shop.cedar&pane=cases', {
      dark,
      width,
    })
    await page.getByText('1 case passed, 0 failed').waitFor()
    expect(await faults(page)).toEqual([])
    await picture(page, `policies-${name}`)
    await page.goto(`${stage.url}/policies/history`)
    await page
      .getByRole('row', { name: /changed in the files/ })
      .first()
      .waitFor()
    expect(await faults(page), 'history').toEqual([])
    await picture(page, `policy-history-${name}`)
  })
})
