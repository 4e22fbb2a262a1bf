// Channels in a real browser: one that works, one that fails, none at all; and a test of each.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { json, type OtherSide, otherSide } from '../../src/services/channels/channels.testing.ts'
import { faults, LOOKS, picture, type Stage, setStage } from './stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("agents-use-shop") permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("agents-write-with-a-person") @approvers("dba") @within("15m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
@id("dba-by-hook") permit (principal in Group::"dba", action == Action::"approve_by_channel", resource in Resource::"shop")
when { context has channel && context.channel == "board" };
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:operate"], resource == Gateway::"sallyport");
`,
}

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

let stage: Stage
let side: OtherSide
const pageOf: Stage['pageOf'] = (...given) => stage.pageOf(...given)

beforeAll(async () => {
  side = await otherSide((heard, response) =>
    heard.path === '/broken' ? json({}, 503)(heard, response) : json({})(heard, response),
  )
  stage = await setStage(POLICIES)
  writeFileSync(join(stage.gateway.folder, 'hook.key'), SECRET, { mode: 0o600 })
})
afterEach(({ task }) => stage?.clear(task))
afterAll(async () => {
  await stage?.close()
  await side?.close()
})

const hook = (name: string, path: string) => ({
  name,
  type: 'webhook',
  url: `${side.url}${path}`,
  secrets: ['file:hook.key'],
  decisions: { secrets: ['file:hook.key'] },
})

/** What the other side was asked for a statement with this in it, by its digest. */
async function askedAt(path: string, since: number): Promise<{ request: string; digest: string }> {
  let found: { request: string; digest: string } | undefined
  await vi.waitFor(
    () => {
      const heard = side.heard.slice(since).find(each => each.path === path)
      found = JSON.parse(heard?.text ?? '{}').data
      expect(found).toBeDefined()
    },
    { timeout: 30_000 },
  )
  return found!
}

/** As an approval service does it: a program that signs what somebody told it. */
function decide(data: Record<string, unknown>): Promise<{ status: number; text: string }> {
  const [id, at] = [`dec-${Math.random()}`, new Date()]
  const body = JSON.stringify({ type: 'request.decision', timestamp: at.toISOString(), data })
  return new Promise((resolve, reject) => {
    const asked = httpsRequest(
      `${stage.url}/hooks/board`,
      {
        method: 'POST',
        ca: readFileSync(stage.gateway.ca),
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          'webhook-signature': new Webhook(SECRET).sign(id, at, body),
        },
      },
      answer => {
        let text = ''
        answer.on('data', piece => {
          text += piece
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

describe('channels', () => {
  it('that are none say how to set one up', async () => {
    const { page, complaints } = await pageOf('dora', '/channels')
    await page.getByText('No channel is set up').waitFor()
    await page.getByText('type: email').waitFor()
    expect(await faults(page)).toEqual([])
    await picture(page, 'channels-empty')
    expect(complaints).toEqual([])
  })

  it('are listed by how they do; a message that goes out, or does not, appears by itself', async () => {
    const { page, complaints } = await pageOf('dora', '/channels')
    await page.getByText('No channel is set up').waitFor()
    // The file changes, and counts at once.
    const channels = [hook('board', '/board'), hook('broken', '/broken')]
    appendFileSync(stage.gateway.file, stringify({ channels }))
    const [board, broken] = [/board/, /broken/].map(name => page.getByRole('row', { name }))
    await board?.getByText('nothing sent yet').waitFor()
    await stage.ask("update customers set city = 'Oslo' where id = 7")
    await board?.getByText('working').waitFor()
    await broken?.getByText('failing').waitFor()
    await broken?.getByText('answered 503').waitFor()
    await broken?.click()
    await page.waitForURL(`${stage.url}/channels/broken`)
    await page.getByText('answered 503').first().waitFor()
    const message = page.getByRole('row', { name: /asked/ })
    await message.getByText('waits').waitFor()
    await message.click()
    await page.waitForURL(/\/requests\/req-/)
    expect(complaints).toEqual([])
  })

  it('are tested with one click, and say in words what came of it', async () => {
    const { page } = await pageOf('dora', '/channels/board')
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('it was taken').waitFor()
    await page.getByRole('row', { name: /test/ }).getByText('delivered').first().waitFor()
    await page.goto(`${stage.url}/channels/broken`)
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page
      .getByRole('row', { name: /failed/ })
      .first()
      .waitFor()
    await page.goto(`${stage.url}/channels/nowhere`)
    await page.getByText('There is no such channel.').waitFor()
  })

  it('are not for who may not read the console, and an answer that fails keeps the way back', async () => {
    const { page } = await pageOf('ana', '/channels')
    await page.getByText('This needs console:read.').waitFor({ timeout: 20_000 })
    expect(await page.getByRole('link', { name: 'Channels' }).count()).toBe(0)
    const { page: other } = await pageOf('dora', '/requests')
    await other.route('**/api/channels', route => route.abort())
    await other.getByRole('link', { name: 'Channels' }).click()
    await other.getByText('The gateway does not answer.').waitFor({ timeout: 20_000 })
    await other.unroute('**/api/channels')
    await other.getByRole('button', { name: 'Try again' }).click()
    await other.getByRole('row', { name: /board/ }).waitFor()
  })

  it('bring a decision back: psql runs by the word of somebody who signed in here, and by nobody’s else', async () => {
    const person = { decision: 'approve', email: 'Dora@example.com' }
    const before = side.heard.length
    const { page } = await pageOf('dora', '/requests')
    const psql = await stage.ask("update customers set city = 'Bergen' where id = 8")
    const { request, digest } = await askedAt('/board', before)
    const about = { request, digest }
    expect(await decide({ ...about, ...person, email: 'ana@example.com' })).toMatchObject({
      status: 403,
    })
    expect(await decide({ ...about, ...person, digest: '0'.repeat(64) })).toMatchObject({
      status: 409,
    })
    expect(await decide({ ...about, ...person })).toEqual({
      status: 200,
      text: JSON.stringify({ request, state: 'approved' }),
    })
    expect((await psql.ended).stdout).toContain('UPDATE 1')
    await page.getByRole('button', { name: 'sign out' }).click()
    await page.getByRole('heading', { name: 'Signed out' }).waitFor()
    const later = side.heard.length
    const other = await stage.ask("update customers set city = 'Bergen' where id = 9")
    const next = await askedAt('/board', later)
    expect(await decide({ request: next.request, digest: next.digest, ...person })).toMatchObject({
      status: 403,
      text: expect.stringContaining('has signed in here of late'),
    })
    // Left waiting; it ends with its hold.
    void other.ended
  })

  it('are told of by the command line too', async () => {
    const token = await stage.issuer.token({ client: 'dora' })
    const list = await stage.gateway.cli(['channels'], token)
    expect(list.stdout).toMatch(/^NAME +TYPE +LEADS TO +STATE/)
    expect(list.stdout).toMatch(/^broken +webhook +127\.0\.0\.1:\d+ +failing .* answered 503$/m)
    const json = await stage.gateway.cli(['channels', '--json'], token)
    expect(JSON.parse(json.stdout)).toMatchObject([
      { name: 'board', state: 'working', decides: true },
      { name: 'broken', state: 'failing' },
    ])
    const ran = async (...words: string[]) => stage.gateway.cli(['channels', ...words], token)
    expect(await ran('test', 'board')).toMatchObject({ code: 0, stdout: 'board took the test.\n' })
    expect(await ran('test', 'broken')).toMatchObject({ code: 1 })
    expect(await ran('test')).toMatchObject({ code: 2 })
    expect(await ran('prod', 'board')).toMatchObject({ code: 2 })
    expect(await ran('test', 'nowhere')).toMatchObject({ code: 1 })
  })

  it.each(LOOKS)('have no serious fault: %s', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/channels', { dark, width })
    await page.getByRole('row', { name: /broken/ }).waitFor()
    expect(await faults(page), 'list').toEqual([])
    await picture(page, `channels-${name}`)
    await page.getByRole('row', { name: /broken/ }).click()
    await page.getByRole('button', { name: 'Send a test' }).waitFor()
    expect(await faults(page), 'one').toEqual([])
    await picture(page, `channel-${name}`)
  })
})
