// The guide's lines to practise votes through Slack, as they stand there, in a shell beside a demo.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Browser } from '../test/servers/browser.ts'
import { freePort } from '../test/servers/ports.ts'
import { run } from '../test/servers/programs.ts'
import { startDemo } from './demo.ts'

test('the lines to practise with Slack do what they say, for whoever signed in', async () => {
  const guide = readFileSync('docs/guides/channels.md', 'utf8')
  const practise = guide.slice(guide.indexOf('## To practise'), guide.indexOf('## Setting up'))
  const blocks = [...practise.matchAll(/```sh\n([^`]*)```/g)].map(([, lines = '']) => lines)
  expect(blocks).toHaveLength(2)
  const demo = await startDemo()
  const own = mkdtempSync(join(tmpdir(), 'sallyport-practise-'))
  try {
    const slack = await freePort()
    // The browser's part is done here: what `sallyport login` would keep is not needed by the other lines.
    const host = `https://127.0.0.1:${demo.at.console}`
    const browser = new Browser(join(demo.folder, 'data', 'ca.pem'))
    const chosen = await browser.go(`${host}/auth/sign-in`, to => to.includes('/choose/'))
    const back = await browser.go(`${chosen.location}?as=dora`, to =>
      to.startsWith(`${host}/auth/callback`),
    )
    await browser.ask(back.location ?? '', { site: 'cross-site' })
    const lines = blocks
      .join('\n')
      .replaceAll('/tmp/sallyport-demo', demo.folder)
      .replaceAll('127.0.0.1:9500', `127.0.0.1:${slack}`)
      .replace('bin/slack &', `bin/slack ${slack} &`)
      .replace('. ./you; sallyport login', 'sleep 3')
    const ran = await run('sh', ['-c', lines], { timeoutMs: 90_000, env: { HOME: own } })
    const said = ran.stdout + ran.stderr
    expect(said).toContain('took the test')
    // Ana did not sign in; Dora did, and Slack vouches for the address that the issuer gave.
    expect(said).toMatch(/sign in/i)
    expect(said).toContain('UPDATE 1')
    expect(said).not.toContain('no such button')
  } finally {
    await demo.stop()
    rmSync(own, { recursive: true, force: true })
  }
}, 150_000)
