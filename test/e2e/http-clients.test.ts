// Clients that people use for HTTP, unmodified: git, Python, Java, and a local port that asks nothing.
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, until } from '../servers/programs.ts'
import { grpcClient } from './clients/grpc.ts'
import { type ApiStage, CARD, EMAIL, startApiStage, UPSTREAM_SECRET } from './http-stage.ts'

const CLIENTS = join(dirname(fileURLToPath(import.meta.url)), 'clients')
let stage: ApiStage
let env: Record<string, string>

beforeAll(async () => {
  stage = await startApiStage()
  env = {
    // It wins over what a session of requests says.
    REQUESTS_CA_BUNDLE: stage.gateway.ca,
    SSL_CERT_FILE: stage.gateway.ca,
    BASE: `https://127.0.0.1:${stage.gateway.port}`,
    CA: stage.gateway.ca,
    TOKEN: await stage.token(),
  }
})
afterAll(() => stage?.stop())

test('git clones and pushes over HTTPS, and a policy tells one from the other', async () => {
  const made = await stage.gateway.cli(
    ['credential', 'files', '--json'],
    await stage.token(),
    60_000,
  )
  const { id, secret } = JSON.parse(made.stdout)
  const base = `https://${id}:${secret}@127.0.0.1:${stage.gateway.port}`
  const work = join(stage.folder, 'clone')
  const git = (...args: string[]) =>
    run(
      'git',
      [
        '-c',
        `http.sslCAInfo=${stage.gateway.ca}`,
        '-c',
        'http.extraHeader=Sallyport-Resource: files',
        '-c',
        'user.name=t',
        '-c',
        'user.email=t@t',
        ...args,
      ],
      { env: { GIT_TERMINAL_PROMPT: '0', HOME: stage.folder, GIT_SSL_CAINFO: stage.gateway.ca } },
    )
  const cloned = await git('clone', '-q', `${base}/tools.git`, work)
  expect(cloned.stderr).toBe('')
  expect(existsSync(join(work, 'file'))).toBe(true)
  writeFileSync(
    join(work, 'big'),
    Buffer.alloc(300_000, 'abcdefghijklmnopq').map((byte, at) => (byte * at) & 255),
  )
  await git('-C', work, 'add', '.')
  await git('-C', work, 'commit', '-q', '-m', 'second')
  const pushed = await git('-C', work, 'push', '-q', 'origin', 'main')
  expect(pushed.stderr).toBe('')
  const log = await run('git', [
    '-C',
    join(stage.folder, 'repositories', 'tools.git'),
    'log',
    '--format=%s',
  ])
  expect(log.stdout).toBe('second\nfirst\n')
  stage.gateway.writePolicies({
    'no-push.cedar':
      '@id("no-push") @reason("nobody pushes") forbid (principal, action == Action::"write", resource == Object::"files/tools.git/git-receive-pack");',
  })
  await expect
    .poll(async () => {
      // Something new each time: with nothing to push, git asks for nothing.
      await git('-C', work, 'commit', '-q', '--allow-empty', '-m', 'more')
      return (await git('-C', work, 'push', '-q', 'origin', 'main')).stderr
    })
    .toContain('403')
  expect((await git('clone', '-q', `${base}/tools.git`, `${work}-again`)).stderr).toBe('')
})

test('requests and httpx', async () => {
  const ran = await run('/usr/bin/python3', [join(CLIENTS, 'http_clients.py')], {
    env,
  })
  expect(ran.stderr).toBe('')
  expect(
    ran.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
  ).toEqual([
    ['requests get', [200, '/v1/echo?a=%C3%A9+b']],
    ['requests json', [200, '{"x": 1}']],
    ['requests chunked', [200, 'ab']],
    ['requests denied', [403, 'forbidden']],
    ['requests redirect', [200, '/echo?x=1']],
    ['requests events', 3],
    ['httpx get', [200, 1]],
    ['httpx chunked', [200, 'ab']],
    ['httpx events', 3],
  ])
})

test('wrk, whose connections ask side by side', async () => {
  const { gateway } = stage
  const fields = [`Authorization: Bearer ${await stage.token()}`, 'Sallyport-Resource: api']
  const args = ['-t1', '-c16', '-d1s', '--timeout', '20s', ...fields.flatMap(each => ['-H', each])]
  let answered = 0
  // On a busy machine a second is gone before all sixteen have their sessions.
  await until('more answers than connections', async () => {
    const { stdout } = await run('wrk', [...args, `https://127.0.0.1:${gateway.port}/echo`])
    expect(stdout).not.toMatch(/Non-2xx|Socket errors/)
    answered += Number(/(\d+) requests in/.exec(stdout)?.[1])
    return answered > 16
  })
})

test('Java’s HttpClient, over both versions', async () => {
  const ran = await run('java', ['-XX:TieredStopAtLevel=1', join(CLIENTS, 'Ask.java')], {
    env,
  })
  expect(ran.stderr).toBe('')
  expect(ran.stdout).toBe(
    'HTTP_1_1 200 true\nHTTP_1_1 403 false\nHTTP_2 200 true\nHTTP_2 403 false\n',
  )
})

test('gRPC: calls, their trailers, and streams in turns', async () => {
  const client = grpcClient(
    `localhost:${stage.gateway.port}`,
    stage.gateway.ca,
    await stage.token(),
    'calls',
  )
  expect(await client.ask('Get', 'hello')).toBe(`hello ${`Bearer ${UPSTREAM_SECRET}`.length}`)
  expect(await client.ask('Fail', 'hello')).toBe('5 there is none')
  expect(await client.ask('Drop', 'hello')).toMatch(/^7 /)
  expect(await client.talk(['a', 'b', 'c'])).toEqual(['a', 'b', 'c'])
  client.close()
})

test('a browser: pages, requests and WebSockets by their own origin, and nothing for pages of another', async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  })
  try {
    const context = await browser.newContext({
      ignoreHTTPSErrors: true,
      httpCredentials: { username: 'any', password: await stage.token() },
    })
    const page = await context.newPage()
    const origin = `https://api.localhost:${stage.gateway.port}`
    expect((await page.goto(`${origin}/customers`))?.status()).toBe(200)
    expect(await page.content()).not.toContain(EMAIL)
    const [refused, done, said] = await page.evaluate(
      async at => [
        (await fetch('/closed')).status,
        (await fetch('/things', { method: 'POST', body: 'x' })).status,
        await new Promise<string>(resolve => {
          const socket = new WebSocket(`${at.replace('https', 'wss')}/socket`)
          socket.onopen = () => socket.send('card')
          socket.onmessage = ({ data }) => resolve(String(data))
          socket.onerror = () => resolve('failed')
        }),
      ],
      origin,
    )
    expect([refused, done]).toEqual([403, 200])
    expect(said).toMatch(/^\{"card":/)
    expect(said).not.toContain(CARD)
    const other = await context.newPage()
    await other.goto(`https://people.localhost:${stage.gateway.port}/customers`)
    await other.evaluate(
      at => fetch(at, { method: 'POST', body: 'x', mode: 'no-cors', credentials: 'include' }),
      `${origin}/things`,
    )
    expect(stage.seen.filter(({ url }) => url.endsWith('/things')).length).toBe(1)
  } finally {
    await browser.close()
  }
})

test('a local port that asks nothing', async () => {
  const ran = await stage.gateway.cli(
    [
      'connect',
      'api',
      '--',
      'sh',
      '-c',
      'curl -sS --max-time 10 "$SALLYPORT_HTTP_URL/echo?x=1" >&2',
    ],
    await stage.token(),
  )
  expect(ran.code, ran.stderr).toBe(0)
})
