// A console in a real browser, in front of a real gateway and database: what every test of the page begins with.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import type { TestContext } from 'vitest'
import { type Issuer, LOGIN_CLIENT, shopOwner, shopSql, startIssuer } from '../../demo/index.ts'
import {
  issuerEntry,
  postgresResource,
  type RunningGateway,
  startGateway,
} from '../servers/gateway.ts'
import { freePort } from '../servers/ports.ts'
import { startPostgres } from '../servers/postgres.ts'
import { type Ran, run } from '../servers/programs.ts'

/** Where the pictures of the guides come from: set it to a folder to make them anew. */
const PICTURES = process.env['CONSOLE_PICTURES']
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
export const WEB = join(import.meta.dirname, '..', '..', 'dist', 'web')

export interface Look {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
}

type NamedLook = readonly [name: string, dark: boolean, width: number]
/** What every screen is looked at in: each theme and each width once; for pictures, all of them. */
export const LOOKS: readonly NamedLook[] = [
  ['light', false, 1200],
  ['phone-dark', true, 360],
  ...(PICTURES === undefined
    ? []
    : ([
        ['dark', true, 1200],
        ['phone', false, 360],
      ] as const)),
]

export interface Stage {
  readonly url: string
  readonly gateway: RunningGateway
  readonly issuer: Issuer
  /** A page of a person who signed in, and what the browser complained about. */
  pageOf(who: string, path?: string, look?: Look): Promise<{ page: Page; complaints: string[] }>
  /** A line for psql that waits there until `end`. */
  pause(): { readonly line: string; end(): void }
  /** psql of the agent, which waits for a person. */
  ask(statement: string): Promise<{ readonly ended: Promise<Ran> }>
  /** Closes the pages of the test that ends; of one that failed it tells first what they showed. */
  clear(task: TestContext['task']): Promise<void>
  close(): Promise<void>
}

export async function setStage(
  policies: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Stage> {
  if (!existsSync(join(WEB, 'index.html')))
    throw new Error('build the console first: npm test does')
  const server = await startPostgres({
    version: 15,
    database: 'shop',
    init: `${shopSql(300)}${shopOwner('app')}`,
  })
  const consolePort = await freePort()
  const url = `https://127.0.0.1:${consolePort}`
  const issuer = await startIssuer({ callback: `${url}/auth/callback` })
  const gateway = await startGateway({
    consolePort,
    issuers: [issuerEntry(issuer.url)],
    resources: [postgresResource('shop', server)],
    policies,
    dataClasses: {
      email: {
        columns: ['*.email'],
        keys: ['mail_address'],
        pointers: ['/customers/*/mail'],
        detect: 'email',
        mask: 'redact',
      },
    },
    env: { UPSTREAM_PASSWORD: server.password, LOGIN_SECRET: LOGIN_CLIENT.secret },
    settings: {
      ...settings,
      identity: {
        issuers: [issuerEntry(issuer.url)],
        login: {
          issuer: issuer.url,
          clientId: LOGIN_CLIENT.id,
          clientSecret: 'env:LOGIN_SECRET',
          scopes: ['openid', 'profile', 'email'],
        },
      },
    },
  })
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  })
  const contexts: BrowserContext[] = []
  const held: Promise<Ran>[] = []
  const paused: (() => void)[] = []
  /** Whoever signed in once need not again: their cookies. */
  const signedIn = new Map<string, Awaited<ReturnType<BrowserContext['storageState']>>>()
  return {
    url,
    gateway,
    issuer,
    pageOf: async (who, path = '/requests', look = {}) => {
      const state = signedIn.get(who)
      const context = await browser.newContext({
        ...(state === undefined ? {} : { storageState: state }),
        ignoreHTTPSErrors: true,
        viewport: { width: look.width ?? 1200, height: look.height ?? 760 },
        colorScheme: look.dark ? 'dark' : 'light',
      })
      contexts.push(context)
      const page = await context.newPage()
      page.setDefaultTimeout(30_000)
      const complaints: string[] = []
      page.on('pageerror', error => complaints.push(error.message))
      page.on('console', message => {
        // Being asked to sign in is a 401, which every browser mentions.
        const said = message.text()
        const own = message.location().url.startsWith(url)
        if (message.type() === 'error' && own && !said.includes('401')) complaints.push(said)
      })
      await page.goto(`${url}${path}`)
      const live = page.getByText('live', { exact: true }).first()
      const me = page.getByRole('link', { name: who, exact: true })
      await live.or(me).waitFor()
      if (/choose/.test(page.url())) {
        await me.click()
        await page.waitForURL(address => address.href.startsWith(url))
        await live.waitFor()
        signedIn.set(who, await context.storageState())
      }
      return { page, complaints }
    },
    pause: () => {
      const file = join(gateway.folder, `pause-${paused.length}`)
      const end = () => writeFileSync(file, '')
      paused.push(end)
      return { line: `\\! while [ ! -e ${file} ]; do sleep 0.1; done\n`, end }
    },
    ask: async statement => {
      const env = gateway.libpq(await issuer.token({ client: 'order-bot' }), 'shop')
      const ran = run('psql', ['-X', '-c', statement], { env })
      held.push(ran)
      return { ended: ran }
    },
    clear: async task => {
      for (const context of contexts.splice(0)) {
        if (task.result?.state === 'fail') await tell(context)
        await context.close()
      }
    },
    close: async () => {
      for (const end of paused) end()
      await browser.close()
      await gateway.remove()
      await Promise.allSettled(held)
      await issuer.stop()
      await server.stop()
    },
  }
}

async function tell(context: BrowserContext): Promise<void> {
  for (const page of context.pages()) {
    // A page that crashed says nothing, and what the test found is the news.
    const shown = await page.evaluate('document.body.innerText').catch(String)
    process.stderr.write(`${page.url()} showed:\n${String(shown).slice(0, 1_500)}\n`)
  }
}

export async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return
  mkdirSync(PICTURES, { recursive: true })
  await page.screenshot({ path: join(PICTURES, `${name}.png`) })
}

/** What axe finds serious; and when the page is wider than its window, that. */
export async function faults(page: Page): Promise<string[]> {
  const found = await page.evaluate(
    `${readFileSync(AXE, 'utf8')}; axe.run(document, { resultTypes: ['violations'] })`,
  )
  const { violations } = found as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[]
  }
  const wide = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'))
  // What a box hides, or scrolls to, is nobody's to find on a page: its own text stands within it.
  const hidden = (await page.evaluate(`
    [...document.querySelectorAll('main, main > *, article, [role=row]')]
      .filter(each => each.scrollWidth > each.clientWidth + 1)
      .map(each => {
        const edge = each.getBoundingClientRect().right + 1
        const out = [...each.querySelectorAll('*')].filter(part => part.getBoundingClientRect().right > edge)
        return each.tagName.toLowerCase() + ' is wider than its box by ' + (each.scrollWidth - each.clientWidth) + ': ' + out.at(-1)?.outerHTML.slice(0, 200)
      })`)) as string[]
  const lost = await page.evaluate(`
    [...document.querySelectorAll('nav[aria-label="places"] [aria-current="page"]')]
      .filter(each => each.getBoundingClientRect().left < 0 || each.getBoundingClientRect().right > innerWidth).length`)
  return [
    ...violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`),
    ...(wide > 0 ? [`wider than the window by ${wide}`] : []),
    ...hidden,
    ...(lost === 0 ? [] : ['the place where one is stands out of sight']),
  ]
}
