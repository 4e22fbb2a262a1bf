// The console without a mouse, for who sees little or wants no motion, on every place that there is.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../servers/programs.ts'
import { faults, type Stage, setStage } from './stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("agents-use-shop") permit (principal in Group::"agents", action in [Action::"connect", Action::"read"], resource in Resource::"shop");
@id("dba-does-all") permit (principal in Group::"dba", action, resource);
`,
}

let stage: Stage
beforeAll(async () => {
  stage = await setStage(POLICIES)
  const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
  for (let at = 0; at < 3; at++) await run('psql', ['-X', '-c', `select ${at}`], { env })
})
afterEach(({ task }) => stage?.clear(task))
afterAll(() => stage?.close())

describe('the keyboard', () => {
  it('goes to every place, which takes the keyboard and names the window, and finds each in the help', async () => {
    const { page, complaints } = await stage.pageOf('dora', '/requests')
    const links = await page.getByRole('navigation', { name: 'places' }).getByRole('link').all()
    const places = await Promise.all(
      links.map(async link => ({
        label: await link.innerText(),
        to: await link.getAttribute('href'),
        key: (await link.getAttribute('title'))?.split(' ')[1] ?? '',
      })),
    )
    expect(places.length).toBeGreaterThan(5)
    expect(new Set(places.map(({ key }) => key)).size).toBe(places.length)
    for (const { to, label, key } of [...places.toReversed(), ...places]) {
      if (page.url() === `${stage.url}${to}`) continue
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await page.waitForURL(address => address.pathname === to)
      await page.waitForFunction(`document.activeElement?.id === 'main'`)
      await page
        .getByRole('link', { name: label, exact: true })
        .and(page.locator('[aria-current="page"]'))
        .waitFor()
      expect(await page.title()).toBe(`${label} – Sallyport`)
      await page.getByRole('heading', { level: 1 }).waitFor()
    }
    await page.keyboard.press('?')
    const help = page.getByRole('dialog', { name: 'keys' })
    for (const { label } of places)
      await help.getByRole('listitem').filter({ hasText: label }).first().waitFor()
    expect(await faults(page)).toEqual([])
    await page.keyboard.press('Escape')
    await help.waitFor({ state: 'detached' })
    expect(complaints).toEqual([])
  })

  it('moves in the list of a page that was just opened, opens a row, and goes back', async () => {
    const { page } = await stage.pageOf('dora', '/sessions')
    const rows = page.getByRole('rowgroup').getByRole('row')
    await rows.nth(2).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    await expect.poll(() => rows.nth(1).getAttribute('aria-selected')).toBe('true')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/sessions\/ses-/)
    await page.waitForFunction(`document.activeElement?.id === 'main'`)
    await page.goBack()
    await rows.nth(1).waitFor()
  })

  it('does not take letters from who types, and comes past the navigation with one key', async () => {
    const { page } = await stage.pageOf('dora', '/why')
    await page.getByLabel('statement').fill('')
    await page.getByLabel('statement').pressSequentially('gs?/j')
    await expect.poll(() => page.getByLabel('statement').inputValue()).toBe('gs?/j')
    await expect.poll(() => page.url()).toContain('/why')
    await page.goto(`${stage.url}/sessions`)
    await page.getByText('live', { exact: true }).first().waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('to the content')
  })
})

describe('a phone', () => {
  it('shows in its line of places the one where one is', async () => {
    const { page } = await stage.pageOf('dora', '/data-classes', { width: 360 })
    const here = page
      .getByRole('navigation', { name: 'places' })
      .getByRole('link', { name: 'Data classes' })
    await page.getByRole('heading', { level: 1 }).waitFor()
    const box = await here.boundingBox()
    expect(box?.x).toBeGreaterThanOrEqual(0)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360)
  })
})

describe('who asked for no motion', () => {
  it('has none', async () => {
    const { page } = await stage.pageOf('dora', '/sessions')
    await page.emulateMedia({ reducedMotion: 'reduce' })
    const moving = await page.evaluate(
      `[...document.querySelectorAll('*')].filter(each => { const { transitionDuration, animationName } = getComputedStyle(each); return animationName !== 'none' || transitionDuration !== '0s' }).length`,
    )
    expect(moving).toBe(0)
  })
})
