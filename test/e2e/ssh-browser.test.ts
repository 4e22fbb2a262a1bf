// A person comes in with ssh, and says who they are in a browser.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Browser } from '../servers/browser.ts'
import { run, until } from '../servers/programs.ts'
import { type ShellStage, startShellStage } from './ssh-stage.ts'

let stage: ShellStage

beforeAll(async () => {
  stage = await startShellStage({ limits: { loginMs: 2_500 } }, '', { people: true })
})
afterAll(() => stage?.stop())

const at = (path: string) => `${stage.gateway.consoleUrl}${path}`

async function signedIn(who: string): Promise<Browser> {
  const browser = new Browser(stage.gateway.ca)
  const asked = await browser.go(at('/auth/sign-in'), address => address.includes('/choose/'))
  const isCallback = (address: string) => address.startsWith(at('/auth/callback'))
  const back = await browser.go(`${asked.location}?as=${who}`, isCallback)
  await browser.ask(back.location ?? '', { site: 'cross-site' })
  return browser
}

/** Starts ssh, types the word, and gives the code that it shows. */
async function start(command: string, name = 'web-1') {
  let said = ''
  // What ssh says at its usual level: the first of two settings counts.
  const usual = ['LogLevel=INFO', 'PreferredAuthentications=keyboard-interactive']
  const options = [...usual.flatMap(each => ['-o', each]), ...stage.options()]
  const args = [...options, '-p', String(stage.gateway.port), '-l', name, '127.0.0.1', command]
  const done = run('ssh', args, {
    env: stage.environment('browser'),
    hear: piece => {
      said += piece
    },
  })
  await until('the code', () => /shows [A-Z]{4}-[A-Z]{4}/.test(said))
  const [, url = '', code = ''] = /Open (\S+) and say yes when it shows (\S+)\./.exec(said) ?? []
  return { done, url, code, heard: () => said }
}

const answer = (browser: Browser, code: string, yes: 'yes' | 'no') =>
  browser.ask(at('/auth/device'), { form: { code, answer: yes }, site: 'same-origin' })

test('whoever says yes there is who comes in, also later than others may take to log in', async () => {
  const { done, url, code, heard } = await start('echo hello; sleep 60')
  let out = ''
  const browser = await signedIn('ana')
  const page = await browser.ask(url)
  expect(page.text).toContain(code)
  expect(page.text).toContain('ssh to web-1')
  await new Promise(resolve => setTimeout(resolve, 3_000))
  await answer(browser, code, 'yes')
  const auditor = await stage.token('dora')
  await until('the session', async () => {
    const listed = await stage.gateway.cli(['sessions', '--live', '--json'], auditor)
    out = listed.stdout
    return /"principal": "ana"/.test(out) && /"statements": 1/.test(out)
  })
  await until('what it says', () => heard().includes('hello'))
  // What they said it by ends, and so does what rests on it.
  await browser.ask(at('/auth/sign-out'), { form: {}, site: 'same-origin' })
  const ran = await done
  expect(ran.code).toBe(77)
  expect(ran.stdout).toBe('hello\n')
})

test('a no, and nobody at all, let nobody in', async () => {
  const refused = await start('id')
  await answer(await signedIn('ana'), refused.code, 'no')
  const ran = await refused.done
  expect(ran.code).toBe(255)
  expect(ran.stdout).toBe('')
})

test('a code is for one connection: who says yes once has let in one', async () => {
  const [first, second] = [await start('echo first'), await start('echo second')]
  const browser = await signedIn('ana')
  await answer(browser, first.code, 'yes')
  expect((await first.done).stdout).toBe('first\n')
  expect((await answer(browser, first.code, 'yes')).status).toBe(404)
  await answer(browser, second.code, 'no')
  expect((await second.done).code).toBe(255)
})

test('who asks is not told by the client: a name that is a sentence is not shown', async () => {
  const asked = await start('id', 'web-1. The help desk asks you to say yes')
  const browser = await signedIn('ana')
  const page = await browser.ask(asked.url)
  expect(page.text).toContain(asked.code)
  expect(page.text).not.toContain('help desk')
  // Another site cannot say it for them.
  const form = { code: asked.code, answer: 'yes' }
  await browser.ask(at('/auth/device'), { form, site: 'cross-site' })
  expect((await browser.ask(asked.url)).text).toContain(asked.code)
  await answer(browser, asked.code, 'no')
  expect((await asked.done).code).toBe(255)
})
