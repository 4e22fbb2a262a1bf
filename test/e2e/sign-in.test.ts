// People sign in with a browser at a real issuer, and hand that to the command line; and what others try with it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Issuer, LOGIN_CLIENT, startIssuer } from '../../demo/index.ts'
import { Browser, type Page } from '../servers/browser.ts'
import {
  issuerEntry,
  postgresResource,
  type RunningGateway,
  startGateway,
} from '../servers/gateway.ts'
import { freePort } from '../servers/ports.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { type Ran, run, until, within } from '../servers/programs.ts'

const COOKIE = '__Host-sallyport'
const policies = {
  'people.cedar': `@id("everybody") permit (principal, action, resource);
@id("dora-reads-the-log") permit (principal == User::"dora", action == Action::"console:audit", resource);`,
}

let server: PostgresServer
let issuer: Issuer
let gateway: RunningGateway
let host: string

beforeAll(async () => {
  server = await startPostgres({ version: 15, database: 'shop' })
  const consolePort = await freePort()
  host = `127.0.0.1:${consolePort}`
  issuer = await startIssuer({ callback: `https://${host}/auth/callback` })
  gateway = await startGateway({
    consolePort,
    issuers: [issuerEntry(issuer.url)],
    resources: [postgresResource('shop', server)],
    policies,
    env: { UPSTREAM_PASSWORD: server.password, LOGIN_SECRET: LOGIN_CLIENT.secret },
    settings: {
      identity: {
        issuers: [issuerEntry(issuer.url)],
        login: { issuer: issuer.url, clientId: LOGIN_CLIENT.id, clientSecret: 'env:LOGIN_SECRET' },
      },
    },
  })
})

afterAll(async () => {
  await gateway?.remove()
  await issuer?.stop()
  await server?.stop()
})

const at = (path: string): string => `https://${host}${path}`
const newBrowser = (): Browser => new Browser(gateway.ca)
const isCallback = (address: string): boolean => address.startsWith(at('/auth/callback'))

/** Up to the address with the code, which is not opened. */
async function upToCallback(
  browser: Browser,
  who: string,
  path = '/auth/sign-in',
): Promise<string> {
  const asked = await browser.go(at(path), address => address.includes('/choose/'))
  const back = await browser.go(`${asked.location}?as=${who}`, isCallback)
  return back.location ?? ''
}

async function signIn(browser: Browser, who: string, path?: string): Promise<Page> {
  return browser.ask(await upToCallback(browser, who, path), { site: 'cross-site' })
}

function cli(args: readonly string[], folder: string, hear: (piece: string) => void = () => {}) {
  const env = {
    SALLYPORT_URL: `https://${host}`,
    SALLYPORT_CA: gateway.ca,
    XDG_CONFIG_HOME: folder,
  }
  return run(process.execPath, ['src/main.ts', ...args], { env, timeoutMs: 30_000, hear })
}

/** Starts `sallyport login`; gives the code that it shows, and its end. */
async function startLogin(folder: string): Promise<{ code: string; done: Promise<Ran> }> {
  let said = ''
  const done = cli(['login', '--no-browser'], folder, piece => {
    said += piece
  })
  await until('the code', () => /shows .*[A-Z]{4}-[A-Z]{4}/.test(said))
  return { code: /[A-Z]{4}-[A-Z]{4}/.exec(said)?.[0] ?? '', done }
}

describe('signing in with a browser', () => {
  it('gives a cookie that only this host sees, and the API knows the person by it', async () => {
    const browser = newBrowser()
    const page = await signIn(browser, 'ana')
    expect(page.status).toBe(303)
    expect(page.location).toBe(at('/'))
    const [, kept = ''] = page.headers['set-cookie'] ?? []
    expect(kept).toMatch(/^__Host-sallyport=sps_.{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; /)
    const whoami = await browser.ask(at('/api/whoami'), { site: 'same-origin' })
    expect(JSON.parse(whoami.text)).toMatchObject({ id: 'ana', groups: ['analysts'], mfa: true })
  })

  it('leads back to the page that asked, and to no other site', async () => {
    const back = async (path: string) =>
      (await signIn(newBrowser(), 'ana', `/auth/sign-in?return=${encodeURIComponent(path)}`))
        .location
    expect(await back('/auth/device?code=X')).toBe(at('/auth/device?code=X'))
    for (const path of ['//evil.example', '/\\evil.example', 'https://evil.example', '/a\nb']) {
      expect(await back(path), path).toBe(at('/'))
    }
  })

  it('ends when the person signs out', async () => {
    const browser = newBrowser()
    await signIn(browser, 'ana')
    const token = browser.cookie(host, COOKIE)
    const out = await browser.ask(at('/auth/sign-out'), { form: {}, site: 'same-origin' })
    expect(out.status).toBe(303)
    expect(browser.cookie(host, COOKIE)).toBeUndefined()
    const headers = { authorization: `Bearer ${token}` }
    expect((await newBrowser().ask(at('/api/whoami'), { headers })).status).toBe(401)
  })

  it('is on record, with its end', async () => {
    const token = await issuer.token({ client: 'dora' })
    const log = await gateway.cli(['audit', 'tail', '-n', '500', '--json'], token)
    const kinds = (JSON.parse(log.stdout) as { kind: string }[]).map(({ kind }) => kind)
    expect(kinds).toContain('login.succeeded')
    expect(kinds).toContain('login.ended')
    expect(gateway.log() + log.stdout).not.toContain('sps_')
  })
})

describe('a gateway whose secret at the issuer is not right', () => {
  let other: RunningGateway
  let own: Issuer
  let folder: string
  let secret: string
  let address: string
  const go = (path: string) => new Browser(other.ca).ask(`${address}${path}`)
  const failures = () =>
    other
      .log()
      .split('\n')
      .filter(line => line.includes('sign_in.failed'))

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-secret-'))
    secret = join(folder, 'login.secret')
    const consolePort = await freePort()
    address = `https://127.0.0.1:${consolePort}`
    own = await startIssuer({ callback: `${address}/auth/callback` })
    const issuers = [issuerEntry(own.url)]
    const login = { issuer: own.url, clientId: LOGIN_CLIENT.id, clientSecret: `file:${secret}` }
    other = await startGateway({
      consolePort,
      issuers,
      resources: [],
      policies,
      settings: { identity: { issuers, login } },
    })
  })
  afterAll(async () => {
    await other?.remove()
    await own?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function comeBack(who: string): Promise<Page> {
    const browser = new Browser(other.ca)
    const asked = await browser.go(`${address}/auth/sign-in`, to => to.includes('/choose/'))
    const back = await browser.go(`${asked.location}?as=${who}`, to => to.startsWith(address))
    return browser.ask(back.location ?? '', { site: 'cross-site' })
  }

  it('tells strangers that nobody can sign in, and the log which file is not there', async () => {
    const page = await go('/auth/sign-in')
    expect(page.status).toBe(503)
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.text).toContain('Nobody can sign in here at present.')
    expect(page.text).not.toContain(folder)
    await until('the log to say so', () => failures().at(-1)?.includes(secret) === true)
    // Whoever knocks on fills no disk; nor does one who brings answers that nobody asked for.
    const before = failures().length
    for (let time = 0; time < 200; time += 1) expect((await go('/auth/sign-in')).status).toBe(503)
    expect(failures()).toHaveLength(before)
    for (let time = 0; time < 200; time += 1)
      expect((await go(`/auth/callback?code=${time}&state=x`)).status).toBe(401)
    expect(failures().length).toBeLessThanOrEqual(before + 1)
  })

  it('says in the log that the issuer does not take the secret, and takes the right one at once', async () => {
    writeFileSync(secret, 'not-what-the-issuer-knows', { mode: 0o600 })
    const page = await comeBack('ana')
    expect(page.status).toBe(401)
    expect(page.text).not.toContain('invalid_client')
    const said = 'the issuer answered invalid_client'
    await until('the log to say so', () => failures().at(-1)?.includes(said) === true)
    expect(other.log()).not.toContain('not-what-the-issuer-knows')
    writeFileSync(secret, LOGIN_CLIENT.secret, { mode: 0o600 })
    expect((await comeBack('ana')).status).toBe(303)
  })
})

describe('what others try with it', () => {
  it('a callback that this browser did not ask for signs nobody in', async () => {
    const address = await upToCallback(newBrowser(), 'ana')
    const victim = newBrowser()
    const page = await victim.ask(address, { site: 'cross-site' })
    expect(page.status).toBe(401)
    expect(page.text).toContain('was not begun in this browser')
    expect(victim.cookie(host, COOKIE)).toBeUndefined()
  })

  it('a code of another person, put into the own callback, is refused', async () => {
    const mallory = new URL(await upToCallback(newBrowser(), 'ana'))
    const browser = newBrowser()
    const own = new URL(await upToCallback(browser, 'dora'))
    own.searchParams.set('code', mallory.searchParams.get('code') ?? '')
    expect((await browser.ask(own.href, { site: 'cross-site' })).status).toBe(401)
    expect(browser.cookie(host, COOKIE)).toBeUndefined()
  })

  it.each(['state', 'iss', 'code'])('a callback whose %s is another is refused', async name => {
    const browser = newBrowser()
    const address = new URL(await upToCallback(browser, 'ana'))
    address.searchParams.set(name, name === 'iss' ? 'https://evil.example' : 'other')
    const page = await browser.ask(address.href, { site: 'cross-site' })
    expect(page.status).toBe(401)
    expect(browser.cookie(host, COOKIE)).toBeUndefined()
  })

  it('a callback without an issuer is refused, as the issuer says that it names itself', async () => {
    const browser = newBrowser()
    const address = new URL(await upToCallback(browser, 'ana'))
    address.searchParams.delete('iss')
    expect((await browser.ask(address.href, { site: 'cross-site' })).status).toBe(401)
  })

  it('a callback is good once', async () => {
    const browser = newBrowser()
    const address = await upToCallback(browser, 'ana')
    expect((await browser.ask(address, { site: 'cross-site' })).status).toBe(303)
    expect((await browser.ask(address, { site: 'cross-site' })).status).toBe(401)
  })

  it('an issuer that refuses, and says why in markup, shows no markup', async () => {
    const browser = newBrowser()
    await browser.ask(at('/auth/sign-in'))
    const page = await browser.ask(at('/auth/callback?error=<script>alert(1)</script>&state=x'))
    expect(page.status).toBe(401)
    expect(page.text).not.toContain('<script')
  })

  it('a page of another site can ask nothing with the cookie', async () => {
    const browser = newBrowser()
    await signIn(browser, 'ana')
    const asks = [
      browser.ask(at('/api/whoami'), { site: 'cross-site' }),
      browser.ask(at('/api/credentials'), { form: { resource: 'shop' }, site: 'cross-site' }),
      browser.ask(at('/auth/sign-out'), { form: {}, site: 'cross-site' }),
      browser.ask(at('/auth/device'), { form: { code: 'X', answer: 'yes' }, site: 'cross-site' }),
      browser.ask(at('/api/whoami'), {
        site: 'same-origin',
        headers: { origin: 'https://evil.example' },
      }),
      browser.ask(at('/auth/sign-out'), { form: {}, site: 'none' }),
    ]
    for (const page of await Promise.all(asks)) expect(page.status).toBe(403)
    expect((await browser.ask(at('/api/whoami'), { site: 'same-origin' })).status).toBe(200)
  })

  it('a cookie from before is not the one from after', async () => {
    const browser = newBrowser()
    await browser.ask(at('/'))
    browser.cookies.get(host)?.set(COOKIE, `sps_${'A'.repeat(43)}`)
    await signIn(browser, 'ana')
    expect(browser.cookie(host, COOKIE)).not.toBe(`sps_${'A'.repeat(43)}`)
  })

  it('no page can be framed, and none runs a script', async () => {
    for (const path of ['/', '/auth/device', '/auth/callback']) {
      const { headers } = await newBrowser().ask(at(path))
      const policy = String(headers['content-security-policy'])
      expect(policy, path).toContain("default-src 'none'")
      expect(policy, path).toContain("frame-ancestors 'none'")
      expect(policy, path).not.toContain('unsafe')
    }
  })
})

describe('sallyport login', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-login-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('signs the command line in once a person confirmed its code, and logout ends it', async () => {
    const { code, done } = await startLogin(folder)
    const browser = newBrowser()
    const back = encodeURIComponent(`/auth/device?code=${code}`)
    const asked = await browser.ask(
      (await signIn(browser, 'ana', `/auth/sign-in?return=${back}`)).location ?? '',
    )
    expect(asked.text).toContain(code)
    expect(asked.text).toContain('sallyport login of')
    const form = { code, answer: 'yes' }
    const said = await browser.ask(at('/auth/device'), { form, site: 'same-origin' })
    expect(said.text).toContain('The program is signed in')
    expect((await done).stdout).toContain('Signed in as ana')
    expect((await cli(['whoami'], folder)).stdout).toContain('user ana')
    expect((await cli(['logout'], folder)).stdout).toContain('Signed out')
    const after = await cli(['whoami'], folder)
    expect(after.code).toBe(1)
    expect(after.stderr).toContain('sallyport login')
  })

  it('ends when the person says that it was not them', async () => {
    const { code, done } = await startLogin(folder)
    const browser = newBrowser()
    await signIn(browser, 'ana')
    const form = { code, answer: 'no' }
    await browser.ask(at('/auth/device'), { form, site: 'same-origin' })
    const { code: status, stderr } = await done
    expect(status).toBe(1)
    expect(stderr).toContain('it was not them')
  })

  it('cannot be confirmed by who is not signed in', async () => {
    const { code, done } = await startLogin(folder)
    const browser = newBrowser()
    const form = { code, answer: 'yes' }
    const said = await browser.ask(at('/auth/device'), { form, site: 'same-origin' })
    expect(said.status).toBe(403)
    const asked = await browser.ask(at(`/auth/device?code=${code}`))
    expect(asked.location).toContain('/auth/sign-in?return=')
    await signIn(browser, 'ana')
    await browser.ask(at('/auth/device'), { form: { code, answer: 'no' }, site: 'same-origin' })
    await done
  })

  it('keeps its token where nobody else reads it, and does not read one that others can', async () => {
    const file = join(folder, 'sallyport', 'sign-ins.json')
    mkdirSync(join(folder, 'sallyport'))
    writeFileSync(file, '{}', { mode: 0o644 })
    const { code, stderr } = await cli(['whoami'], folder)
    expect(code).toBe(1)
    expect(stderr).toContain('can be read by others')
  })

  it('is a password for psql too, until it ends', async () => {
    const browser = newBrowser()
    await signIn(browser, 'ana')
    const env = gateway.libpq(browser.cookie(host, COOKIE) ?? '', 'shop')
    const query = ['-X', '-A', '-t', '-c', 'select 41 + 1']
    expect((await run('psql', query, { env })).stdout.trim()).toBe('42')
    await browser.ask(at('/auth/sign-out'), { form: {}, site: 'same-origin' })
    const after = await run('psql', query, { env })
    expect(after.code).toBe(2)
    expect(after.stderr).toContain('not signed in')
  })

  it('ends a live session within two seconds of the sign-out', async () => {
    const browser = newBrowser()
    await signIn(browser, 'ana')
    const env = gateway.libpq(browser.cookie(host, COOKIE) ?? '', 'shop')
    const live = run('psql', ['-X', '-c', 'select pg_sleep(90)'], { env })
    const token = await issuer.token({ client: 'dora' })
    await until('the session', async () =>
      (await gateway.cli(['sessions', '--live', '--json'], token)).stdout.includes('"ana"'),
    )
    const from = Date.now()
    await browser.ask(at('/auth/sign-out'), { form: {}, site: 'same-origin' })
    expect((await live).code).not.toBe(0)
    within(2_500, Date.now() - from)
  })
})
