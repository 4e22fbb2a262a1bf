// The console in a real browser, in front of a real gateway and database: the whole loop from a statement that is held
// in psql to the click that lets it run, and what a hostile statement, a stranger and a small screen make of it.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Issuer } from '../../demo/index.ts'
import type { RunningGateway } from '../servers/gateway.ts'
import { run, within } from '../servers/programs.ts'
import { faults, LOOKS, picture, type Stage, setStage } from './stage.ts'

const POLICIES = {
  'shop.cedar': `
@id("agents-use-shop") permit (principal in Group::"agents", action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("agents-write-with-a-person") @approvers("dba") @within("15m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource) unless { context.approved };
@id("analysts-look") permit (principal in Group::"analysts", action == Action::"console:read", resource == Gateway::"sallyport");
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit", Action::"console:operate"], resource == Gateway::"sallyport");
`,
}

let stage: Stage
let gateway: RunningGateway
let issuer: Issuer
let url: string

const pageOf: Stage['pageOf'] = (...given) => stage.pageOf(...given)
const ask: Stage['ask'] = statement => stage.ask(statement)

beforeAll(async () => {
  stage = await setStage(POLICIES)
  ;({ gateway, issuer, url } = stage)
})
afterEach(({ task }) => stage?.clear(task))
afterAll(() => stage?.close())

describe('the whole loop', () => {
  it('a statement is held in psql, appears in the inbox by itself, is approved by a key, and runs', async () => {
    const { page, complaints } = await pageOf('dora')
    await page.getByText('Nothing waits for a person.').waitFor()
    const psql = await ask("update customers set city = 'Oslo' where id = 7 returning city, email")
    const row = page.getByRole('row', { name: /update customers/ })
    await row.waitFor()
    await picture(page, 'requests')
    await row.click()
    await page.getByRole('heading', { name: 'agent order-bot on shop' }).waitFor()
    await page.getByText('changes about').waitFor()
    await picture(page, 'request')
    const from = Date.now()
    await page.keyboard.press('a')
    const { stdout, code } = await psql.ended
    within(3_000, Date.now() - from)
    expect(code).toBe(0)
    expect(stdout).toContain('Oslo')
    expect(stdout).toContain('⟦m:email⟧')
    await page.getByText('approved, used').waitFor()
    expect(complaints).toEqual([])
  })

  it('a denial with a reason reaches psql in its own words', async () => {
    const { page } = await pageOf('dora')
    const psql = await ask('delete from orders where id = 3')
    await page.getByRole('row', { name: /delete from orders/ }).click()
    await page.getByLabel('reason, returned to the asker').fill('not on a Saturday')
    await page.getByRole('button', { name: /Deny/ }).click()
    const { code, stderr } = await psql.ended
    expect(code).toBe(1)
    expect(stderr).toContain('not on a Saturday')
  })

  it('the session shows what was asked and what was seen, masked as it was, and goes on while it lives', async () => {
    const token = await issuer.token({ client: 'order-bot' })
    const env = gateway.libpq(token, 'shop')
    const pause = stage.pause()
    const script = `select id, email from customers order by id limit 2;\n${pause.line}select 40 + 2 as answer;`
    const { page, complaints } = await pageOf('dora', '/sessions?live=true')
    const psql = run('psql', ['-X'], { env, input: script })
    await page
      .getByRole('row', { name: /order-bot/ })
      .first()
      .click()
    await page.getByText('select id, email from customers').waitFor()
    await page.getByText('▒').first().waitFor()
    pause.end()
    await page.getByText('select 40 + 2 as answer').waitFor()
    await psql
    await page.getByText('ended:').waitFor()
    await picture(page, 'session')
    expect(complaints).toEqual([])
  })

  it('an operator ends a live session, after being asked once', async () => {
    const env = gateway.libpq(await issuer.token({ client: 'order-bot' }), 'shop')
    const pause = stage.pause()
    const psql = run('psql', ['-X'], { env, input: `${pause.line}select 1;` })
    const { page } = await pageOf('dora', '/sessions?live=true')
    await page
      .getByRole('row', { name: /order-bot/ })
      .first()
      .click()
    await page.getByRole('button', { name: 'End session' }).click()
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText('ended: ended_by_operator').waitFor()
    pause.end()
    expect((await psql).code).not.toBe(0)
  })
})

describe('who may not', () => {
  it('sees a request and has no button to decide it', async () => {
    const psql = await ask('update orders set total = 1 where id = 5')
    const { page } = await pageOf('ana')
    await page.getByRole('row', { name: /update orders/ }).click()
    await page.getByText('You may see this request, and not decide it.').waitFor()
    expect(await page.getByRole('button', { name: /Approve/ }).count()).toBe(0)
    await page.keyboard.press('a')
    const { page: decides } = await pageOf('dora')
    await decides.getByRole('row', { name: /update orders/ }).click()
    await decides.getByRole('button', { name: /Deny/ }).waitFor()
    await decides.keyboard.press('d')
    expect((await psql.ended).code).toBe(1)
  })

  it('is sent to sign in, and comes back to the page that was asked for', async () => {
    const { page } = await pageOf('ana', '/sessions?resource=shop')
    await expect.poll(() => page.url()).toBe(`${url}/sessions?resource=shop`)
  })
})

describe('hostile text', () => {
  it('is shown verbatim, obeyed by nothing, and not cut in silence', async () => {
    const evil = `update orders set note = '<img src=x onerror=alert(1)>\u202e\u0007' where id = 1 -- ${'x'.repeat(5_000)}`
    const psql = await ask(evil)
    const { page, complaints } = await pageOf('dora')
    let alerted = false
    page.on('dialog', dialog => {
      alerted = true
      void dialog.dismiss()
    })
    await page.getByRole('row', { name: /update orders set note/ }).click()
    await page.getByText('<img src=x onerror=alert(1)>').waitFor()
    await page.getByText('\\u202e').waitFor()
    expect(await page.locator('article img').count()).toBe(0)
    await expect.poll(() => page.getByRole('button', { name: /Approve/ }).isDisabled()).toBe(true)
    await page.keyboard.press('a')
    await page.getByRole('button', { name: /more characters/ }).click()
    await expect.poll(() => page.getByRole('button', { name: /Approve/ }).isDisabled()).toBe(false)
    await page.keyboard.press('d')
    expect((await psql.ended).code).toBe(1)
    expect(alerted).toBe(false)
    expect(complaints).toEqual([])
  })
})

describe('the page', () => {
  it.each([
    ['light', false, 1200],
    ['dark', true, 1200],
    ['a phone', false, 360],
  ])('has no serious fault of accessibility: %s', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/requests?state=all', { dark, width })
    await page.getByRole('row').nth(1).waitFor()
    expect(await faults(page), 'requests').toEqual([])
    await picture(page, `requests-${name.replaceAll(' ', '-')}`)
    await page.getByRole('row').nth(1).click()
    await page.getByText('digest').waitFor()
    expect(await faults(page), 'request').toEqual([])
    await picture(page, `request-${name.replaceAll(' ', '-')}`)
    await page.goto(`${url}/sessions`)
    await page.getByRole('row').nth(1).waitFor()
    expect(await faults(page), 'sessions').toEqual([])
    await page.getByRole('row').nth(1).click()
    await page.getByText('so far').waitFor()
    expect(await faults(page), 'session').toEqual([])
  })

  it('goes places by keys, and lists them', async () => {
    const { page } = await pageOf('dora')
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByRole('heading', { name: 'Sessions' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'keys' }).waitFor()
  })

  it('says when it is no longer live, and goes on when the gateway is back', async () => {
    const { page } = await pageOf('dora')
    await gateway.kill()
    await page.getByText('not live: connecting again').waitFor()
    await gateway.start()
    await page.getByText('live', { exact: true }).first().waitFor()
  })
})

/** A request as the API tells of one that waits and that dora may decide. */
function waiting(changes: Record<string, unknown>) {
  return {
    kind: 'statement',
    state: 'pending',
    protocol: 'x',
    principal: 'order-bot',
    principalKind: 'agent',
    owners: [],
    tags: {},
    parameters: [],
    flags: [],
    policies: ['ask'],
    approvers: ['dba'],
    quorum: 1,
    votes: [],
    mayVote: true,
    digest: 'd'.repeat(64),
    createdAt: Date.now(),
    expiresAt: Date.now() + 600_000,
    ...changes,
  }
}

describe('a held command that only a shell can read', () => {
  const request = waiting({
    id: 'req-shell',
    resource: 'web-1',
    statement: 'cat /etc/passwd | sudo tee -a /srv/$X; ((',
    objects: ['sh'],
    verbs: ['sh'],
    flags: ['compound', 'dynamic'],
    message: 'commands need a person',
  })
  const explanation = {
    about: 'as a shell would read it; nothing is decided by this',
    commands: [
      {
        program: 'cat',
        text: 'cat /etc/passwd',
        notes: ['what it prints goes to the next (|)'],
      },
      {
        program: 'sudo',
        text: 'sudo tee -a /srv/$X',
        notes: ['reads what the one before prints (|)', 'may run what its words name'],
      },
      { text: '((\u202e', notes: ['does not read as a command'] },
    ],
    hasError: true,
    cut: false,
  }
  async function open(answer: unknown, look: { dark?: boolean; width?: number } = {}) {
    const opened = await pageOf('dora', '/requests', look)
    const { page } = opened
    await page.route(/\/api\/requests\/req-shell$/, route => route.fulfill({ json: request }))
    await page.route(/\/api\/requests\/req-shell\/precedents$/, route =>
      route.fulfill({ json: [] }),
    )
    await page.route(/\/api\/requests\/req-shell\/explanation$/, route =>
      answer === undefined
        ? route.fulfill({ status: 503, json: { code: 'unavailable', detail: 'Not now.' } })
        : route.fulfill({ json: answer }),
    )
    await page.goto(`${url}/requests/req-shell`)
    await page
      .getByText('as a shell would read it')
      .or(page.getByText('Not now.'))
      .first()
      .waitFor()
    return opened
  }

  it.each(LOOKS)(
    'is explained as the programs that it would run (%s)',
    async (name, dark, width) => {
      const { page, complaints } = await open(explanation, { dark, width })
      const list = page.getByRole('region', { name: 'explanation' })
      await expect.poll(() => list.getByRole('listitem').count()).toBe(3)
      await list.getByText('parts of it do not read as a command').waitFor()
      // What would turn the eye is shown by its number.
      await list.getByText('\\u202e').waitFor()
      expect(await faults(page)).toEqual([])
      await picture(page, `explained-${name}`)
      expect(complaints).toEqual([])
    },
  )

  it('is decided without an explanation where there is none in time, or it cannot be had', async () => {
    const missing = { ...explanation, commands: [], hasError: false, missing: 'too_long' }
    const { page } = await open(missing)
    await page.getByText('It could not be explained in time').waitFor()
    await expect.poll(() => page.getByRole('button', { name: /Approve/ }).isEnabled()).toBe(true)
    const { page: other } = await open(undefined)
    await expect.poll(() => other.getByRole('button', { name: /Approve/ }).isEnabled()).toBe(true)
  })
})

describe('a held change of an object', () => {
  const request = waiting({
    id: 'req-change',
    resource: 'prod',
    session: 'ses-1',
    tags: { env: 'production' },
    statement: 'PATCH /apis/apps/v1/namespaces/shop/deployments/web\n\nspec:\n  replicas: 3\n',
    objects: ['deployments.apps/shop/web'],
    verbs: ['patch'],
    message: 'changes need a person',
    preview: {
      tables: [],
      notes: ['2 more changes are not shown.'],
      changes: [
        '~ spec.replicas: 2 → 3',
        '+ metadata.labels.owner: "\u202eshop"',
        ...Array.from(
          { length: 45 },
          (_, at) => `- spec.template.spec.containers[c${at}].image: "nginx:1"`,
        ),
      ].join('\n'),
    },
  })

  it.each(LOOKS)('shows what would be other than it is (%s)', async (name, dark, width) => {
    const { page, complaints } = await pageOf('dora', '/requests', { dark, width })
    await page.route(/\/api\/requests(\?.*)?$/, route => route.fulfill({ json: [request] }))
    await page.route(/\/api\/requests\/req-change$/, route => route.fulfill({ json: request }))
    await page.route(/\/api\/requests\/req-change\/precedents$/, route =>
      route.fulfill({ json: [] }),
    )
    await page.goto(`${url}/requests`)
    // The ends of its lines are a sign, and no number.
    await page.getByText('deployments/web⏎').first().waitFor()
    await page.goto(`${url}/requests/req-change`)
    const list = page.getByRole('region', { name: 'what it would change' })
    await list.getByText('spec.replicas: 2 → 3').waitFor()
    await list.getByText('\\u202e').waitFor()
    await list.getByText('7 more').waitFor()
    expect(await faults(page)).toEqual([])
    await picture(page, `changes-${name}`)
    expect(complaints).toEqual([])
  })
})
