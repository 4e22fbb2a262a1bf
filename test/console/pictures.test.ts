// The pictures of README.md and docs/guides/console.md, of a story that is told anew each time: made only when
// CONSOLE_PICTURES is set, so that they change when somebody wants them to. Their size is held always.
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../servers/programs.ts'
import { faults, picture, type Stage, setStage } from './stage.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const FOLDER = join(ROOT, 'docs', 'pictures')
const MOST_BYTES = 1_500_000
const WIDE = { width: 1280, height: 720 }
const PHONE = { width: 360, height: 740 }
/** Those that the guides show; the others are for who looks at all of them, in the folder of CONSOLE_PICTURES. */
const SHOWN =
  /^((now|request|session|policies|evidence-tree)-(light|dark)|(people|why|phone-requests?)-light)$/

const POLICIES = {
  'shop.cedar': `// Agents read the shop. What they change, a person of the group dba has said yes to.
@id("agents-use-shop")
permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");

@id("agents-write-with-a-person") @approvers("dba") @within("15m") @reason("agents change data only with a person")
forbid (principal is Agent, action in [Action::"write", Action::"define"], resource in Resource::"shop")
unless { context.approved };

@id("no-unfiltered-writes") @reason("a write needs a WHERE that narrows it")
forbid (principal, action == Action::"write", resource)
when { context.unfiltered };
`,
  'people.cedar': `@id("dba-does-all")
permit (
  principal in Group::"dba",
  action in [Action::"approve", Action::"console:read", Action::"console:audit", Action::"console:operate", Action::"console:administer"],
  resource
);
`,
}
/** Where a place shows most. */
const BEST: Readonly<Record<string, string>> = {
  '/policies': '/policies?file=shop.cedar',
  '/why':
    '/why?resource=shop&principal=order-bot&kind=agent&groups=agents#delete%20from%20orders%20where%20id%20%3D%207',
}

describe.skipIf(process.env['CONSOLE_PICTURES'] === undefined)('the pictures', () => {
  let stage: Stage
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true })
    stage = await setStage(POLICIES, { policies: { folder: './policies', editable: true } })
    const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
    const script = [
      'select id, name, email, city from customers order by id limit 4;',
      'select city, count(*) from customers group by city order by 2 desc limit 5;',
      'delete from orders;',
      'select id, item, amount from orders order by id limit 3;',
    ]
    await run('psql', ['-X'], { env, input: script.join('\n') })
    // A log of more than one tile.
    await run('psql', ['-X'], { env, input: 'select 1;\n'.repeat(420) })
  })
  afterEach(({ task }) => stage?.clear(task))
  afterAll(() => stage?.close())

  const shot = async (page: Page, name: string): Promise<void> => {
    if (SHOWN.test(name)) {
      const path = join(FOLDER, `${name}.png`)
      await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
    } else await picture(page, name)
  }
  const held = "update customers set city = 'Oslo' where id = 7 returning name, city, email"

  it.each([
    ['light', false],
    ['dark', true],
  ])('show the places, %s', async (name, dark) => {
    await stage.ask(held)
    const { page } = await stage.pageOf('dora', '/requests', { ...WIDE, dark })
    await page
      .getByRole('row', { name: /update customers/ })
      .first()
      .waitFor()
    await shot(page, `requests-${name}`)
    await page
      .getByRole('row', { name: /update customers/ })
      .first()
      .click()
    await page.getByText('changes about').waitFor()
    await shot(page, `request-${name}`)
    const places = await page.getByRole('navigation', { name: 'places' }).getByRole('link').all()
    const paths = await Promise.all(places.map(link => link.getAttribute('href')))
    for (const path of paths) {
      if (path === null || path === '/requests') continue
      await page.goto(`${stage.url}${BEST[path] ?? path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForTimeout(1_500)
      // The editor has been answered.
      if (path === '/policies') await page.getByText('checks', { exact: true }).waitFor()
      expect(await faults(page), path).toEqual([])
      await shot(page, `${path.slice(1)}-${name}`)
    }
    await page.goto(`${stage.url}/evidence/tree`)
    await page.getByText('holds').first().waitFor()
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.getByText(/lead to the signed root/).waitFor()
    await shot(page, `evidence-tree-${name}`)
    await page.goto(`${stage.url}/sessions`)
    const sessions = page.getByRole('rowgroup').getByRole('row')
    await sessions.nth(1).waitFor()
    await sessions.last().click()
    await page.getByText('select id, name, email, city').first().waitFor()
    await page.waitForTimeout(500)
    await shot(page, `session-${name}`)
    await page.goto(`${stage.url}/requests`)
    await page
      .getByRole('row', { name: /update customers/ })
      .first()
      .click()
    await page.getByRole('button', { name: /Deny/ }).click()
    await page.getByText('denied').first().waitFor()
  })

  it.each([
    ['light', false],
    ['dark', true],
  ])('show the inbox and a request on a phone, %s', async (name, dark) => {
    await stage.ask(held)
    const { page } = await stage.pageOf('dora', '/requests', { ...PHONE, dark })
    await page
      .getByRole('row', { name: /update customers/ })
      .first()
      .waitFor()
    await shot(page, `phone-requests-${name}`)
    await page
      .getByRole('row', { name: /update customers/ })
      .first()
      .click()
    await page.getByText('changes about').waitFor()
    await shot(page, `phone-request-${name}`)
    await page.getByRole('button', { name: /Deny/ }).click()
    await page.getByText('denied').first().waitFor()
  })
})

describe('the folder of pictures', () => {
  const pictures = readdirSync(FOLDER).filter(each => each.endsWith('.png'))

  it('is small, and each picture is shown somewhere', () => {
    const bytes = pictures.map(each => statSync(join(FOLDER, each)).size)
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(MOST_BYTES)
    const pages = ['README.md', 'docs/guides/console.md', 'docs/guides/evidence.md']
    const text = pages.map(each => readFileSync(join(ROOT, each), 'utf8')).join('')
    expect(pictures.filter(each => !text.includes(each))).toEqual([])
  })
})
