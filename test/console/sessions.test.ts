// Sessions in a real browser: found by what was asked in them, a hundred thousand in one list, replayed with seek and step,
// and whatever is hostile in them shown as it is.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
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
/** What would steer an eye or a terminal. */
const STEERS = /(?![\n\t])[\p{Cc}\p{Cf}]/u

let stage: Stage
const pageOf: Stage['pageOf'] = (...given) => stage.pageOf(...given)

async function psql(input: string): Promise<void> {
  const env = stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop')
  await run('psql', ['-X', '-q'], { env, input })
}
/** The id of the newest session in the list for a query of the address. */
async function newest(page: Awaited<ReturnType<Stage['pageOf']>>['page'], query: string) {
  const answer = await page.request.get(`${stage.url}/api/sessions?${query}`)
  return ((await answer.json()) as { id: string }[])[0]?.id ?? ''
}

/** It plays for a third of a second: the page itself keeps what it showed, however late it is asked. */
const STAGES = `
  window.stages = []
  new MutationObserver(() => {
    const plays = [...document.querySelectorAll('button')].some(each => each.textContent === 'Pause')
    const all = document.body.textContent.includes('seen last')
    window.stages.push((plays ? 'plays' : 'stands') + (all ? ' at all' : ' a part'))
  }).observe(document.body, { subtree: true, childList: true, characterData: true })`

beforeAll(async () => {
  stage = await setStage(POLICIES)
  await psql(`select id, email from customers order by id limit 3;
select count(*) from orders where total > 42;
drop table nothing_there;
\\! sleep 1
select 'seen last' as word;
`)
  await psql('select 1 as other;\n')
})
afterEach(({ task }) => stage?.clear(task))
afterAll(() => stage?.close())

describe('sessions are found', () => {
  it('by text, table, class and decision; the address holds it, and back goes back', async () => {
    const { page, complaints } = await pageOf('dora', '/sessions')
    const rows = page.getByRole('row', { name: /order-bot/ })
    await rows.nth(1).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('total > 42')
    await page.keyboard.press('Enter')
    await page.waitForURL(/text=total/)
    await rows.nth(1).waitFor({ state: 'detached' })
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByText('table, class, decision, time').click()
    await page.getByLabel('masked class').fill('email')
    await page.getByLabel('masked class').press('Enter')
    await page.getByText('No session fits.').waitFor()
    await page.getByText('true of one statement').waitFor()
    await picture(page, 'sessions-none')
    await page.goBack()
    await rows.first().waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await rows.nth(1).waitFor()
    await page.goto(`${stage.url}/sessions?table=customers&class=email&decision=permit`)
    await rows.first().waitFor()
    await expect.poll(() => rows.count()).toBe(1)
    await picture(page, 'sessions-found')
    await page.goto(`${stage.url}/sessions?decision=deny&table=customers`)
    await page.getByText('No session fits.').waitFor()
    await page.goto(`${stage.url}/sessions?from=2020-01-01T00:00&until=2020-01-02T00:00`)
    await page.getByText('No session fits.').waitFor()
    expect(complaints).toEqual([])
  })

  it('by a text that is too short not at all, and by texts of others only with the right to read them', async () => {
    const { page } = await pageOf('dora', '/sessions?text=ab')
    await page.getByText('has at least 3 characters').waitFor()
    const { page: other } = await pageOf('ana', '/sessions?text=select')
    await other.getByText('Among your own').waitFor()
    await other.getByText('No session fits.').waitFor()
    await other.goto(`${stage.url}/sessions?table=customers`)
    await other
      .getByRole('row', { name: /order-bot/ })
      .first()
      .waitFor()
  })

  it.each(LOOKS)('in every look without a serious fault (%s)', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/sessions?table=customers&text=email', { dark, width })
    await page
      .getByRole('row', { name: /order-bot/ })
      .first()
      .waitFor()
    expect(await faults(page)).toEqual([])
    await picture(page, `sessions-${name}`)
  })
})

describe('a list of 100,000 sessions', () => {
  it('scrolls, draws what is in sight alone, and reads on while it scrolls', async () => {
    const { page } = await pageOf('dora', '/requests')
    const total = 100_000
    await page.route(/\/api\/sessions\?/, async route => {
      const url = new URL(route.request().url())
      const before = Number((url.searchParams.get('before') ?? `s${total}`).slice(1))
      const limit = Number(url.searchParams.get('limit'))
      const sessions = Array.from({ length: Math.min(limit, before) }, (_, at) => ({
        id: `s${before - 1 - at}`,
        resource: 'shop',
        protocol: 'x',
        principal: `person-${before - 1 - at}`,
        principalKind: 'user',
        run: 'r',
        ip: '127.0.0.1',
        client: 'psql',
        startedAt: 1_700_000_000_000 + (before - 1 - at) * 1_000,
        endedAt: 1_800_000_000_000,
        statements: 3,
        denied: at % 9 === 0 ? 1 : 0,
        rows: 5,
        bytes: 1_000,
      }))
      await route.fulfill({ json: sessions })
    })
    await page.goto(`${stage.url}/sessions`)
    await page.getByText('person-99999').waitFor()
    const measured = (await page.evaluate(`(async () => {
      const box = document.querySelector('[role=rowgroup]')
      const frames = [], long = []
      const observer = new PerformanceObserver(list => list.getEntries().forEach(each => long.push(each.duration)))
      observer.observe({ type: 'longtask' })
      let before = performance.now(), most = 0, last = ''
      const until = performance.now() + 240000
      while (last !== 'person-0' && performance.now() < until) {
        box.scrollTop = Math.min(box.scrollTop + 6000, box.scrollHeight)
        await new Promise(done => requestAnimationFrame(done))
        const now = performance.now()
        frames.push(now - before)
        before = now
        const rows = box.querySelectorAll('[role=row]')
        most = Math.max(most, rows.length)
        last = rows[rows.length - 1]?.children[1]?.textContent ?? ''
      }
      observer.disconnect()
      frames.sort((a, b) => a - b)
      return { most, last, frames: frames.length, half: frames[frames.length >> 1], late: frames[Math.floor(frames.length * 0.95)], long: long.length, longest: Math.max(0, ...long),
        total: document.querySelector('[role=grid]').getAttribute('aria-rowcount') }
    })()`)) as { most: number; last: string; total: string; half: number; late: number }
    expect(measured, JSON.stringify(measured)).toMatchObject({ last: 'person-0' })
    expect(measured.total).toBe(String(total))
    expect(measured.most).toBeLessThan(80)
    within(100, measured.half, 'half of the frames')
    await page.getByText('does not follow what happens').waitFor()
  }, 300_000)
})

describe('a session is replayed', () => {
  it('by seek, step and keys; the address holds the moment', async () => {
    const { page, complaints } = await pageOf('dora', '/sessions')
    const id = await newest(page, 'text=seen%20last')
    await page.goto(`${stage.url}/sessions/${id}`)
    const list = page.getByRole('list', { name: 'statements' })
    await list.getByText('seen last').first().waitFor()
    await list.getByText('email × 3').waitFor()
    await list.getByText('public.customers').first().waitFor()
    const items = list.getByRole('listitem')
    const all = await items.count()
    expect(all).toBe(4)
    await expect.poll(() => page.url()).not.toContain('at=')
    await page.keyboard.press('[')
    await page.waitForURL(/\?at=/)
    await expect.poll(() => items.count()).toBe(3)
    await page.keyboard.press('[')
    await page.keyboard.press('[')
    await page.waitForFunction("document.querySelectorAll('ol > li').length === 1")
    await page.keyboard.press(']')
    await page.waitForFunction("document.querySelectorAll('ol > li').length === 2")
    const moment = page.url()
    const { page: other } = await pageOf('dora', new URL(moment).pathname + new URL(moment).search)
    await other.getByRole('list', { name: 'statements' }).getByText('total > 42').waitFor()
    expect(await other.getByText('seen last').count()).toBe(0)
    const slider = page.getByRole('slider', { name: 'moment of the replay' })
    const box = await slider.boundingBox()
    await page.mouse.click((box?.x ?? 0) + (box?.width ?? 0) - 2, (box?.y ?? 0) + 10)
    await list.getByText('seen last').first().waitFor()
    await page.keyboard.press('ArrowLeft')
    await page.waitForFunction("document.querySelectorAll('ol > li').length < 4")
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.waitForURL(address => !address.search.includes('at='))
    await expect.poll(() => items.count()).toBe(all)
    expect(complaints).toEqual([])
  })

  it('by playing it, faster than it was, and it stops at the end', async () => {
    const { page } = await pageOf('dora', '/sessions')
    await page.goto(`${stage.url}/sessions/${await newest(page, 'text=seen%20last')}`)
    const list = page.getByRole('list', { name: 'statements' })
    await list.getByText('seen last').first().waitFor()
    await page.getByLabel('speed').selectOption('4')
    await page.getByRole('heading', { level: 1 }).click()
    await page.evaluate(STAGES)
    await page.keyboard.press(' ')
    await picture(page, 'replay')
    await expect
      .poll(() => page.evaluate('window.stages.join()'))
      .toMatch(/plays a part.*stands at all$/)
    await list.getByText('seen last').first().waitFor()
    await page.getByRole('button', { name: 'Play' }).waitFor()
    await expect.poll(() => page.url()).toMatch(/at=\d/)
  })

  it.each(LOOKS)('in every look without a serious fault (%s)', async (name, dark, width) => {
    const { page } = await pageOf('dora', '/sessions', { dark, width })
    await page.goto(`${stage.url}/sessions/${await newest(page, 'text=seen%20last')}`)
    await page.getByText('email × 3').waitFor()
    expect(await faults(page)).toEqual([])
    await picture(page, `session-${name}`)
  })

  it('of ten thousand statements draws those in sight, and seeks at once; a megabyte does not hold it up', async () => {
    const { page } = await pageOf('dora', '/sessions')
    const id = await newest(page, 'text=seen%20last')
    const session = await (await page.request.get(`${stage.url}/api/sessions/${id}`)).json()
    const events = Array.from({ length: 10_000 }, (_, at) => [
      {
        kind: 'statement',
        at: session.startedAt + at * 50,
        entry: at,
        text: `select ${at} as n`,
        effect: at % 50 === 3 ? 'deny' : 'permit',
        code: 'x',
        policies: ['p'],
      },
      {
        kind: 'outcome',
        at: session.startedAt + at * 50 + 20,
        entry: at,
        status: 'completed',
        rows: 1,
        bytes: 9,
      },
    ]).flat()
    const large = 'y'.repeat(1_000_000)
    events.push(
      {
        kind: 'statement',
        at: session.startedAt + 600_000,
        entry: 10_001,
        text: `select '${large}'`,
        effect: 'permit',
        code: 'x',
        policies: [],
      },
      {
        kind: 'answer',
        at: session.startedAt + 600_001,
        entry: 10_001,
        columns: ['c'],
        rows: [[large], ...Array.from({ length: 5_000 }, (_, at) => [`row ${at}`])],
        truncated: true,
      } as never,
    )
    await page.route(/\/recording\?/, route => route.fulfill({ json: events }))
    await page.goto(`${stage.url}/sessions/${id}`)
    await page.getByText('select 3 as n').waitFor()
    const steps = page.getByRole('list', { name: 'statements' }).getByRole('listitem')
    expect(await steps.count()).toBeLessThan(60)
    const slider = page.getByRole('slider')
    const box = await slider.boundingBox()
    const from = Date.now()
    await page.mouse.click((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + 10)
    await page.waitForURL(/at=/)
    await page.locator('li[aria-current=step]').waitFor()
    const took = Date.now() - from
    within(3_000, took)
    expect(await steps.count()).toBeLessThan(60)
    await picture(page, 'session-long')
    // The lane went up with the page.
    const now = await slider.boundingBox()
    await page.mouse.click((now?.x ?? 0) + (now?.width ?? 0) - 1, (now?.y ?? 0) + 10)
    await page
      .getByRole('button', { name: /more characters/ })
      .first()
      .waitFor()
    await page.getByRole('button', { name: /more rows/ }).waitFor()
    expect(await page.evaluate('document.body.textContent.length')).toBeLessThan(60_000)
    expect(await faults(page)).toEqual([])
  })
})

describe('what is hostile', () => {
  const HOSTILE =
    '<img src=x onerror="window.stolen=1"><script>window.stolen=1</script> \u202edrow\u202c \u200b \u001b[31mred\u0007 😀 "\' $$'

  it('is shown as it is in page and command line, and does nothing', async () => {
    const { page, complaints } = await pageOf('dora', '/sessions')
    const env = {
      ...stage.gateway.libpq(await stage.issuer.token({ client: 'order-bot' }), 'shop'),
      PGAPPNAME: '<b>app</b> 😀 "q" \'s\'',
    }
    const quoted = HOSTILE.replaceAll("'", "''")
    const held = `update customers set city = '${quoted}' where id = 5`
    const asking = run('psql', ['-X', '-q'], {
      env,
      input: `select '${quoted}' as "<i>col</i> 😀";\nselect '${'z'.repeat(1_000_000)}' as long;\n${held};\n`,
    })
    await page.goto(`${stage.url}/requests`)
    await page.getByRole('row', { name: /update customers/ }).click()
    await page.getByRole('heading', { name: /order-bot on shop/ }).waitFor()
    const article = () => page.locator('main')
    await expect.poll(() => article().textContent()).toContain('<img src=x onerror=')
    await expect.poll(() => article().textContent()).toContain('\\u202edrow')
    expect(await faults(page)).toEqual([])
    await page.getByLabel('reason, returned to the asker').fill(HOSTILE)
    await page.getByRole('button', { name: /Deny/ }).click()
    await asking
    const id = await newest(page, `text=${encodeURIComponent('onerror="window.stolen')}`)
    expect(id).toMatch(/^ses-/)
    await page.goto(
      `${stage.url}/sessions?text=${encodeURIComponent('<script>window.stolen=1</script> \u202e')}`,
    )
    await page
      .getByRole('row', { name: /order-bot/ })
      .first()
      .click()
    const list = page.getByRole('list', { name: 'statements' })
    await list.getByText('<i>col</i>').first().waitFor()
    const shown = (await article().textContent()) ?? ''
    expect(shown).toContain('\\u202edrow\\u202c \\u200b \\u001b[31mred\\u0007 😀')
    expect(shown).toContain('<b>app</b>')
    expect(shown).not.toMatch(STEERS)
    expect(shown.length).toBeLessThan(30_000)
    await list
      .getByRole('button', { name: /more characters/ })
      .first()
      .click()
    await sleep(200)
    expect(await faults(page)).toEqual([])
    await picture(page, 'session-hostile')
    await page.goto(`${stage.url}/evidence`)
    await page.getByRole('row').nth(3).waitFor()
    expect(await article().textContent()).not.toMatch(STEERS)
    expect(await page.evaluate('window.stolen')).toBeUndefined()
    expect(complaints).toEqual([])
    const token = await stage.issuer.token({ client: 'dora' })
    for (const args of [
      ['sessions'],
      ['session', 'replay', id],
      ['requests'],
      ['audit', 'tail', '-n', '20'],
    ]) {
      for (const json of [[], ['--json']]) {
        const ran = await stage.gateway.cli([...args, ...json], token)
        expect(ran.code, ran.stderr).toBe(0)
        expect(ran.stdout + ran.stderr).not.toMatch(STEERS)
      }
    }
  })
})

describe('a terminal', () => {
  const ESC = '\u001b'
  const began = 1_700_000_000_000
  const shell = {
    id: 'ses-terminal',
    resource: 'web-1',
    protocol: 'x',
    principal: 'ana',
    principalKind: 'user',
    run: 'r',
    ip: '127.0.0.1',
    client: 'x',
    startedAt: began,
    statements: 1,
    denied: 0,
    rows: 0,
    bytes: 900,
  }
  const output = (at: number, text: string) => ({
    kind: 'output',
    at: began + at,
    entry: 7,
    stream: 'output',
    text,
  })
  const recorded = [
    { kind: 'opened', at: began, header: {} },
    {
      kind: 'statement',
      at: began + 100,
      entry: 7,
      text: '<shell>',
      effect: 'permit',
      code: 'permitted',
      policies: ['runs'],
    },
    { kind: 'size', at: began + 110, entry: 7, columns: 80, rows: 12 },
    output(200, `${ESC}[1;32mana@web-1${ESC}[0m:${ESC}[34m~${ESC}[0m$ `),
    output(1_200, 'ls --color\r\n'),
    output(
      1_300,
      `${ESC}[1;34mbackups${ESC}[0m  ${ESC}[32mdeploy.sh${ESC}[0m  notes.txt  漢字.txt\r\n${ESC}[41;97m failed ${ESC}[0m ${ESC}[33mwarning${ESC}[0m ${ESC}[7m inverse ${ESC}[0m ⟦m:email⟧\r\n`,
    ),
    { kind: 'size', at: began + 3_000, entry: 7, columns: 60, rows: 10 },
    output(4_000, `${ESC}[?1049h${ESC}[2J${ESC}[HEditing notes.txt\u202e${ESC}[10;1H-- INSERT --`),
    output(600_000, `${ESC}[?1049l${ESC}[1;32mana@web-1${ESC}[0m:~$ exit\r\n`),
  ]
  const outcome = {
    kind: 'outcome',
    at: began + 600_100,
    entry: 7,
    status: 'completed',
    rows: 0,
    bytes: 900,
  }

  async function show(
    look: { dark?: boolean; width?: number } = {},
    query = '',
    { live = '' }: { live?: string } = {},
  ) {
    const opened = await pageOf('dora', '/requests', look)
    const { page } = opened
    const ended = live === '' ? { endedAt: began + 600_200, closeReason: 'client_left' } : {}
    await page.route(/\/api\/sessions\/ses-terminal$/, route =>
      route.fulfill({ json: { ...shell, ...ended } }),
    )
    await page.route(/\/api\/sessions\/ses-terminal\/recording/, route =>
      route.fulfill({ json: live === '' ? [...recorded, outcome] : recorded.slice(0, 5) }),
    )
    await page.route(/\/api\/sessions\/ses-terminal\/watch/, route =>
      route.fulfill({ contentType: 'text/event-stream', body: `: live\n\n${live}` }),
    )
    await page.route(/\/api\/sessions\/ses-terminal\/typed-commands\?entry=7$/, route =>
      route.fulfill({
        json: {
          about: 'as read from the screen; not evidence',
          commands: [
            { at: began + 1_200, text: 'ls --color' },
            { at: began + 600_000, text: 'exit\u202e' },
          ],
          cut: false,
        },
      }),
    )
    await page.route(/\/api\/sessions\/ses-terminal\/input\?from=0$/, route =>
      route.fulfill({
        json: {
          pieces: [
            { at: began + 1_200, entry: 7, text: 'ls' },
            { at: began + 1_300, entry: 7, text: ' --color\r' },
            { at: began + 2_000, entry: 9, text: 'elsewhere\r' },
            { at: began + 600_000, entry: 7 },
            { at: began + 600_100, entry: 7, text: 'exit\u202e\u0004' },
          ],
        },
      }),
    )
    await page.goto(`${stage.url}/sessions/ses-terminal${query}`)
    const screen = page.getByRole('region', { name: 'terminal of <shell>' })
    await screen.waitFor()
    return { ...opened, screen }
  }

  it('is shown as it was at its end, and plays, seeks and steps to each moment of it with the size that it had', async () => {
    const { page, screen, complaints } = await show()
    await screen.getByText('exit').waitFor()
    await page.getByText('60 × 10').waitFor()
    await expect.poll(() => screen.textContent()).toContain('⟦m:email⟧')
    // A coffee break counts two seconds.
    expect(Number(await page.getByRole('slider').getAttribute('aria-valuemax'))).toBeLessThan(9_000)
    await page.goto(`${stage.url}/sessions/ses-terminal?at=1.25`)
    await page.getByText('80 × 12').waitFor()
    await screen.getByText('ls --color').waitFor()
    expect(await screen.textContent()).not.toContain('backups')
    await page.keyboard.press('.')
    await screen.getByText('backups').waitFor()
    await page.keyboard.press('.')
    await page.getByText('60 × 10').waitFor()
    await page.keyboard.press('.')
    await screen.getByText('-- INSERT --').waitFor()
    // What would turn the line around is shown by its number.
    await expect.poll(() => screen.textContent()).toContain('notes.txt\\u202e')
    expect(await screen.textContent()).not.toContain('backups')
    await page.keyboard.press(',')
    await screen.getByText('backups').waitFor()
    await page.waitForURL(/at=3/)
    await page.keyboard.press('ArrowLeft')
    await screen.getByText('backups').waitFor({ state: 'detached' })
    await page.getByLabel('speed').selectOption('16')
    await page.evaluate('document.activeElement.blur()')
    await page.keyboard.press('Space')
    await screen.getByText('exit').waitFor()
    await page.getByText('what came, as text').click()
    await page.getByText('\\u001b[?1049h').waitFor()
    expect(complaints).toEqual([])
  })

  it('has its commands beside it, named as no evidence, each a way to its moment', async () => {
    const { page, screen, complaints } = await show()
    await page.getByText('commands, as read from the screen; not evidence').click()
    await page.getByText('exit\\u202e').waitFor()
    await page.getByRole('link', { name: '1.200 s' }).click()
    await page.getByText('80 × 12').waitFor()
    await expect.poll(() => screen.textContent()).toContain('ls --color')
    expect(await screen.textContent()).not.toContain('backups')
    expect(await faults(page)).toEqual([])
    await picture(page, 'terminal-commands')
    expect(complaints).toEqual([])
  })

  it('has what was typed beside it for auditors, read only when they ask', async () => {
    const { page, complaints } = await show()
    const asked: string[] = []
    page.on('request', request => {
      if (request.url().includes('/input')) asked.push(request.url())
    })
    const typed = page.getByText('what was typed and shown back; reading it is on record')
    await typed.waitFor()
    expect(asked).toEqual([])
    await typed.click()
    await page.getByText('exit\\u202e\\u0004').waitFor()
    await page.getByText('a line that was not shown, and is not kept').waitFor()
    expect(await page.getByText('elsewhere').count()).toBe(0)
    await page.getByRole('link', { name: '1.200 s' }).waitFor()
    expect(asked).toHaveLength(1)
    expect(await faults(page)).toEqual([])
    await picture(page, 'terminal-input')
    expect(complaints).toEqual([])
  })

  it('shows the moment that was asked for while a long recording is still on its way', async () => {
    const { page } = await pageOf('dora', '/requests')
    await page.route(/\/api\/sessions\/ses-terminal$/, route =>
      route.fulfill({ json: { ...shell, bytes: 90_000_000, endedAt: began + 9_000 } }),
    )
    let give = (): void => {}
    const held = new Promise<void>(resolve => {
      give = resolve
    })
    await page.route(/\/api\/sessions\/ses-terminal\/recording/, async route => {
      await held
      await route.fulfill({ json: [...recorded, outcome] })
    })
    await page.route(/\/api\/sessions\/ses-terminal\/screen\?at=1.25$/, route =>
      route.fulfill({
        json: {
          entry: 7,
          at: began,
          text: '<shell>',
          pieces: [
            { at: began, columns: 70, rows: 5 },
            { at: began, text: '\u001b[2;3Has it was then' },
          ],
        },
      }),
    )
    await page.goto(`${stage.url}/sessions/ses-terminal?at=1.25`)
    const screen = page.getByRole('region', { name: 'terminal of <shell>' })
    await screen.getByText('as it was then').waitFor()
    await page.getByText('reading the recording').waitFor()
    await picture(page, 'terminal-meanwhile')
    give()
    await screen.getByText('ls --color').waitFor()
    expect(await page.getByText('as it was then').count()).toBe(0)
  })

  it('is seen as it is while it lives: nothing that came is missing, nothing is there twice', async () => {
    const told = [3, 4, 5]
      .map(
        number =>
          `id: ${number}\nevent: ${recorded[number]?.kind}\ndata: ${JSON.stringify(recorded[number])}\n\n`,
      )
      .join('')
    const { page, screen } = await show({}, '', { live: told })
    await screen.getByText('backups').waitFor()
    await page.getByText('as it is').waitFor()
    expect((await screen.textContent())?.match(/ls --color/g)).toHaveLength(1)
    await picture(page, 'terminal-live')
  })

  it.each(LOOKS)('in every look without a serious fault (%s)', async (name, dark, width) => {
    const { page, screen } = await show({ dark, width }, '?at=1.35')
    await screen.getByText('backups').waitFor()
    expect(await faults(page)).toEqual([])
    await picture(page, `terminal-${name}`)
  })
})
