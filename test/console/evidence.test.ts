// Evidence in a real browser: what the page verifies by itself, what it remembers, and what it says of a gateway that lies.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Download, Page, Route } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LogView } from '#contract'
import { verifyProof } from '../../src/cli/audit/index.ts'
import { run } from '../servers/programs.ts'
import { faults, LOOKS, picture, type Stage, setStage } from './stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("agents-use-shop") permit (principal in Group::"agents", action in [Action::"connect", Action::"read"], resource in Resource::"shop");
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit"], resource == Gateway::"sallyport");
`,
}

let stage: Stage
let folder: string
const pageOf: Stage['pageOf'] = (...given) => stage.pageOf(...given)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-proof-'))
  stage = await setStage(POLICIES)
  const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
  await run('psql', ['-X'], { env, input: 'select 41 + 1;\n'.repeat(300) })
})
afterEach(({ task }) => stage?.clear(task))
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await stage?.close()
})

const steps = (page: Page) => page.getByRole('list', { name: 'what was verified' }).locator('> li')
const vkeyOf = (): string =>
  readFileSync(join(stage.gateway.data, 'audit', 'audit.vkey'), 'utf8').trim()
const textOf = async (download: Download): Promise<string> => {
  const path = join(folder, download.suggestedFilename())
  await download.saveAs(path)
  return readFileSync(path, 'utf8')
}
/** Flips one bit in the answers to these addresses, as somebody in between would. */
const bend = async (page: Page, address: string): Promise<void> => {
  await page.route(address, async (route: Route) => {
    const response = await route.fetch()
    const body = await response.body()
    body[Math.floor(body.length / 2)]! ^= 1
    await route.fulfill({ response, body })
  })
}

describe('verification in the page', () => {
  it('shows each step with its hashes, and the second time compares with what was seen the first', async () => {
    const { page, complaints } = await pageOf('dora', '/evidence/tree')
    await page.getByText('This browser sees the key for the first time').waitFor()
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.getByText('It is the key that this browser has known').waitFor()
    await page.getByText(/lead to the signed root/).waitFor()
    const said = await steps(page).allInnerTexts()
    expect(said.map(each => /^\d\. (.*?)\n/.exec(each)?.[1])).toEqual([
      'The public key',
      'The newest head',
      'Its signature',
      'The tree under it',
      'What was seen before',
      'Entries',
      'The path',
    ])
    for (const each of said) expect(each).toContain('holds')
    const vkey = vkeyOf()
    expect(said[0]).toContain(vkey)
    expect(said[3]).toContain('tile/1/000.p/')
    expect(said[6]).toMatch(/on its left\s+entries 0 to (255|511)/)
    expect(said[6]).toMatch(/[0-9a-f]{64}/)
    await page.getByRole('button', { name: 'Verify every entry' }).click()
    await page.getByText('Every entry was read and hashed').waitFor()
    expect(complaints).toEqual([])
  })

  it('compares with the key that a person wrote down', async () => {
    const { page } = await pageOf('dora', '/evidence/tree')
    await page.getByLabel('the public key that you wrote down').fill(vkeyOf())
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.getByText('It is the public key that you gave.').waitFor()
    await page.getByLabel('the public key that you wrote down').fill('another+00000000+AAAA')
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page
      .getByRole('alert')
      .getByText('another public key than the one that you gave')
      .waitFor()
  })

  it('proves one entry from its page; the file is accepted by the command line, and no other record is', async () => {
    const { page, complaints } = await pageOf('dora', '/evidence/12?prove=true')
    await page.getByText('The entry shown here is the one that is proved.').waitFor()
    const waiting = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save the proof' }).click()
    const text = await textOf(await waiting)
    const vkey = vkeyOf()
    const { record, proof } = JSON.parse(text) as { record: string; proof: string }
    expect(verifyProof(proof, record, vkey)).toMatchObject({ index: 12 })
    const file = join(folder, 'proof.json')
    writeFileSync(file, text)
    const checked = await stage.gateway.cli(['audit', 'prove', '--check', file, '--vkey', vkey])
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringContaining('The proof holds.')])
    writeFileSync(file, text.replace('"kind', '"kinb').replace('\\"kind', '\\"kinb'))
    expect(
      (await stage.gateway.cli(['audit', 'prove', '--check', file, '--vkey', vkey])).code,
    ).toBe(1)
    expect(complaints).toEqual([])
  })

  it('proves the entry of a statement from its session', async () => {
    const { page } = await pageOf('dora', '/sessions')
    await page
      .getByRole('row', { name: /order-bot/ })
      .last()
      .click()
    await page
      .getByRole('link', { name: /^entry \d+$/ })
      .first()
      .click()
    await page.waitForURL(/\/evidence\/\d+\?prove=true/)
    await page.getByRole('heading', { name: /statement\.permitted/ }).waitFor()
    await page.getByText('The entry shown here is the one that is proved.').waitFor()
  })

  it.each([
    ['the tree under it', '**/log/tile/0/*.p/*'],
    ['the tree under it', '**/log/tile/1/*.p/*'],
    ['what was seen before|entries', '**/log/tile/0/000'],
    ['entries', '**/log/tile/entries/**'],
  ])(
    'names the step, and is loud, when one bit of an answer was changed: %s, %s',
    async (step, address) => {
      const { page } = await pageOf('dora', '/evidence/tree')
      await page.getByText('holds').first().waitFor()
      await bend(page, address)
      await page.getByRole('button', { name: 'Verify every entry' }).click()
      const alarm = page.getByRole('alert')
      await alarm.waitFor()
      expect((await alarm.innerText()).toLowerCase()).toMatch(new RegExp(`^✕ (${step}):`))
      await alarm
        .getByText(/verify|Verify/)
        .first()
        .waitFor()
      await expect.poll(() => page.getByText('does not hold').count()).toBeGreaterThan(0)
    },
  )

  it('names the head when its note was changed', async () => {
    const { page } = await pageOf('dora', '/requests')
    await page.route('**/api/audit/log', async route => {
      const response = await route.fetch()
      const body = (await response.json()) as { head: { note: string } }
      body.head.note = body.head.note.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) - 1}\n`)
      await route.fulfill({ response, json: body })
    })
    await page.getByRole('link', { name: 'Evidence' }).click()
    await page
      .getByRole('alert')
      .getByText('Its signature: The signature under the head is not one of this key.')
      .waitFor()
  })

  it('is loud on every later visit when the log went back, until a person lets the old head go', async () => {
    const { page } = await pageOf('dora', '/evidence/tree')
    await page.getByText('holds').first().waitFor()
    const log = () => page.evaluate("fetch('/api/audit/log').then(each => each.text())")
    const headOf = (text: unknown) => (JSON.parse(String(text)) as LogView).head
    const early = await log()
    const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
    await run('psql', ['-X', '-c', 'select 1'], { env })
    await expect.poll(async () => headOf(await log()).size).toBeGreaterThan(headOf(early).size)
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    // The head that this browser remembers has to be one that came after.
    const remembered = () => page.evaluate("localStorage.getItem('sallyport-seen-head')")
    const sizeOf = (seen: unknown) => Number(JSON.parse(String(seen)).note.split('\n')[1])
    await expect.poll(async () => sizeOf(await remembered())).toBeGreaterThan(headOf(early).size)
    await page.getByText(/lead to the signed root/).waitFor()
    await page.route('**/api/audit/log', route =>
      route.fulfill({ contentType: 'application/json', body: String(early) }),
    )
    await page.goto(`${stage.url}/evidence`)
    await page
      .getByRole('alert')
      .getByText(/The log went back/)
      .waitFor()
    await picture(page, 'evidence-went-back')
    await page.getByRole('link', { name: 'See each step' }).click()
    await page
      .getByRole('alert')
      .getByText(/entries that were signed are gone/)
      .waitFor()
    const waiting = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save the head that was seen' }).click()
    expect(await textOf(await waiting)).toMatch(/^sallyport\/audit\/1\n\d+\n/)
    expect(await faults(page)).toEqual([])
    await page.getByRole('button', { name: 'Forget the head that was seen' }).click()
    await page.getByText('This browser sees the key for the first time').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  it('says so where the browser has no Ed25519', async () => {
    const { page } = await pageOf('dora', '/requests')
    await page.addInitScript(
      "crypto.subtle.importKey = () => Promise.reject(new DOMException('', 'NotSupportedError'))",
    )
    await page.goto(`${stage.url}/evidence/tree`)
    await page.getByText('This browser cannot check Ed25519 signatures.').waitFor()
    await page.getByText('not checked').first().waitFor()
  })

  it('is not there for who may not read the log', async () => {
    const { page } = await pageOf('ana', '/evidence/tree')
    await page.getByText('This needs console:audit.').first().waitFor()
    expect(await page.getByRole('button', { name: 'Verify' }).count()).toBe(0)
  })

  it.each(LOOKS)('has no serious fault: %s', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/evidence/tree', { dark, width, height: 1_200 })
    await page.getByText('holds').first().waitFor()
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.getByText(/lead to the signed root/).waitFor()
    await page.getByText('Signed heads').waitFor()
    expect(await faults(page), 'tree').toEqual([])
    await picture(page, `evidence-tree-${name}`)
    await page.goto(`${stage.url}/evidence/300?prove=true`)
    await page.getByText('The entry shown here is the one that is proved.').waitFor()
    expect(await faults(page), 'proof').toEqual([])
    await picture(page, `evidence-proof-${name}`)
  })
})
