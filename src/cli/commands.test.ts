// Each command as a process, against a real gateway with a real PostgreSQL behind it: what it prints, what its
// `--json` promises (design: commands), and how it ends.
import { type ChildProcess, spawn } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { type Stage, startStage } from '../../test/e2e/stage.ts'
import { postgresResource } from '../../test/servers/gateway.ts'
import { freePort } from '../../test/servers/ports.ts'
import { cleanEnvironment, ended, until } from '../../test/servers/programs.ts'
import { FRAME_HEADER_BYTES, walkSegment, writeFrameHeader } from '../engines/merkle/index.ts'
import { openServerAuthority } from '../transport/index.ts'

const { FLAGS } = createRequire(import.meta.url)('../../bin/node26.cjs') as { FLAGS: string[] }
const MAIN = join(import.meta.dirname, '..', 'main.ts')
const POLICIES = {
  'shop.cedar': `
@id("use") permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("books") permit (principal == User::"dora", action in [Action::"connect", Action::"read"], resource == Resource::"books");
@id("agents-ask") @approvers("dba") @within("5m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource in Resource::"shop") unless { context.approved };
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"approve", Action::"console:read", Action::"console:audit", Action::"console:operate", Action::"console:administer"], resource);
`,
}
/** What an agent might send to get at the terminal of whoever looks. */
const HOSTILE =
  "insert into notes values ('\u001b[2J\u009b31m\u202eevil\u2066\r\u0007') /* a\nsecond line */"
/** Everything that could drive a terminal, but newline. */
const DRIVES = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    policies: POLICIES,
    settings: { approvals: { hold: { user: '0s', agent: '0s', transaction: '0s' } } },
    more: server => [postgresResource('books', server), postgresResource('closed', server)],
    init: 'create table notes (note text);grant all on notes to app;',
  })
})
afterAll(() => stage?.stop())

const cli = async (who: string | undefined, ...args: string[]) =>
  stage.gateway.cli(args, who === undefined ? undefined : await stage.token(who))
async function json<Value>(who: string, ...args: string[]): Promise<Value> {
  const ran = await cli(who, ...args, '--json')
  expect(ran.code, ran.stderr).toBe(0)
  expect(ran.stdout).not.toMatch(DRIVES)
  return JSON.parse(ran.stdout)
}
async function connected(who: string): Promise<Client> {
  const db = new Client({
    host: '127.0.0.1',
    port: stage.gateway.port,
    user: who,
    password: await stage.token(who),
    database: 'shop',
    ssl: { ca: readFileSync(stage.gateway.ca, 'utf8') },
  })
  // Sessions that are ended under a client are what some tests are about.
  db.on('error', () => {})
  await db.connect()
  return db
}
/** A command that goes on until it is told to stop. */
async function running(who: string, ...args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [...FLAGS, MAIN, ...args], {
    env: cleanEnvironment({
      SALLYPORT_URL: stage.gateway.consoleUrl,
      SALLYPORT_CA: stage.gateway.ca,
      SALLYPORT_TOKEN: await stage.token(who),
    }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout?.on('data', data => {
    said += data
  })
  child.stderr?.on('data', data => {
    said += data
  })
  return {
    said: () => said,
    says: (words: string) => until(`"${words}" in ${args.join(' ')}`, () => said.includes(words)),
    async interrupt() {
      child.kill('SIGINT')
      if (!(await ended(child, 5_000))) child.kill('SIGKILL')
      return child.exitCode
    },
    async exit() {
      if (!(await ended(child, 5_000))) child.kill('SIGKILL')
      return child.exitCode
    },
  }
}

describe('without a gateway, or with the wrong papers', () => {
  const run = (env: Record<string, string | undefined>, ...args: string[]) => {
    const base = { SALLYPORT_URL: stage.gateway.consoleUrl, SALLYPORT_CA: stage.gateway.ca }
    const child = spawn(process.execPath, [...FLAGS, MAIN, ...args], {
      env: cleanEnvironment({ ...base, ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new Promise<{ code: number | null; out: string; err: string }>(resolve => {
      let [out, err] = ['', '']
      child.stdout.on('data', data => {
        out += data
      })
      child.stderr.on('data', data => {
        err += data
      })
      child.once('close', code => resolve({ code, out, err }))
    })
  }

  it('ends with 1 and says what to do', async () => {
    const token = await stage.token('ana')
    const expired = await stage.issuer.forge({ client: 'ana', ttl: -600 })
    const port = await freePort()
    const folder = join(stage.gateway.folder, 'somebody-else')
    mkdirSync(folder)
    await openServerAuthority({ folder, now: Date.now })
    const other = join(folder, 'ca.pem')
    const cases: [Record<string, string | undefined>, RegExp][] = [
      [{ SALLYPORT_TOKEN: undefined }, /not signed in[\s\S]*SALLYPORT_TOKEN/],
      [{ SALLYPORT_TOKEN: 'nonsense' }, /token_invalid/],
      [{ SALLYPORT_TOKEN: expired }, /token_expired/],
      [{ SALLYPORT_TOKEN: token, SALLYPORT_CA: undefined }, /certificate[\s\S]*SALLYPORT_CA/],
      [{ SALLYPORT_TOKEN: token, SALLYPORT_CA: other }, /certificate[\s\S]*SALLYPORT_CA/],
      [{ SALLYPORT_TOKEN: token, SALLYPORT_CA: '/nowhere.pem' }, /\/nowhere\.pem/],
      [{ SALLYPORT_TOKEN: token, SALLYPORT_URL: `https://127.0.0.1:${port}` }, /running/],
      [{ SALLYPORT_TOKEN: token, SALLYPORT_URL: 'http://127.0.0.1:1' }, /must be https/],
      [{ SALLYPORT_TOKEN: token, SALLYPORT_URL: 'nonsense' }, /not the address of a gateway/],
      [
        { SALLYPORT_TOKEN: token, SALLYPORT_URL: `https://127.0.0.1:${stage.gateway.port}` },
        /not a gateway's console/,
      ],
    ]
    for (const [env, says] of cases) {
      const ran = await run(env, 'whoami')
      expect(ran.code, ran.err).toBe(1)
      expect(ran.err).toMatch(says)
      expect(ran.err).not.toContain(token)
    }
  })

  it('ends with 2 when the command makes no sense', async () => {
    for (const args of [
      ['nonsense'],
      ['whoami', '--nonsense'],
      ['approve'],
      ['policy', 'why', 'shop'],
      ['credential', 'shop', '--ttl', 'long'],
      ['sessions', '--limit', '-1'],
      ['grants', '--give', 'x'],
      ['grants', '--give', 'x', '--resource', 'shop', '--reason', 'x', '--for', '9h'],
      ['break-glass', 'shop', '--reason', 'x', '--for', '61m'],
      ['withdraw', 'x', '--for', '25h'],
      ['credential', 'shop', '--ttl', '901'],
    ]) {
      const ran = await run({ SALLYPORT_TOKEN: 'x' }, ...args)
      expect(ran.code, args.join(' ')).toBe(2)
      expect(ran.err).not.toBe('')
    }
    expect((await run({}, '--help')).code).toBe(0)
    expect((await run({}, '--version')).out.trim()).toMatch(/^\d+\.\d+\.\d+$/)
  })

  it('says in words what is asked too much of, or of a gateway that is not set up for it', async () => {
    const cases: [string[], RegExp][] = [
      [['requests', '--state', 'waiting'], /state must be pending, approved, /],
      [['sessions', '--limit', '5000'], /limit must be 1000 or less/],
      [['policy', 'why', 'shpo', 'select 1'], /sallyport resources/],
      [['login', '--no-browser'], /not set up[\s\S]*identity\.login/],
      [['known-hosts'], /no listener/],
    ]
    for (const [args, says] of cases) {
      const ran = await cli('dora', ...args)
      expect(ran.code, args.join(' ')).toBe(1)
      expect(ran.stderr).toMatch(says)
    }
  })

  it('ends with 1 for ids that are not there, each in JSON too', async () => {
    for (const args of [
      ['requests', 'req-none'],
      ['approve', 'req-none'],
      ['session', 'replay', 'ses-none'],
      ['session', 'watch', 'ses-none'],
      ['session', 'end', '../../whoami'],
      ['session', 'erase', 'ses-none'],
      ['grants', '--revoke', 'grant-none'],
      ['credentials', '--revoke', 'sp-none'],
    ]) {
      const ran = await cli('dora', ...args, '--json')
      expect(ran.code, args.join(' ')).toBe(1)
      expect(JSON.parse(ran.stderr), args.join(' ')).toMatchObject({
        error: { code: 'request_unknown', message: expect.any(String) },
      })
    }
  })
})

describe('what scripts rely on', () => {
  it('whoami, resources and credential', async () => {
    expect(await json('ana', 'whoami')).toMatchObject({ id: 'ana', kind: 'user' })
    const resources = await json<{ name: string }[]>('ana', 'resources')
    expect(resources).toMatchObject([{ name: 'shop', protocol: 'postgres' }])
    const issued = await json<{ id: string; secret: string; expiresAt: number }>(
      'ana',
      'credential',
      'shop',
      '--ttl',
      '60',
    )
    expect(issued.expiresAt).toBeGreaterThan(Date.now())
    const held = await json<{ id: string }[]>('ana', 'credentials')
    expect(held.map(({ id }) => id)).toContain(issued.id)
    expect(JSON.stringify(held)).not.toContain(issued.secret)
    await json('ana', 'credentials', '--revoke', issued.id)
    expect(await json('ana', 'credentials')).toEqual([])
  })

  it('requests, approve and deny, with the statement harmless on every screen', async () => {
    const db = await connected('order-bot')
    await db.query("set sallyport.reason = 'because \u001b[31m you must'").catch(() => {})
    await expect(db.query(HOSTILE)).rejects.toMatchObject({ code: '42501' })
    const [request] = await json<{ id: string }[]>('dora', 'requests', '--state', 'pending')
    expect(request).toMatchObject({
      id: expect.stringMatching(/^req-/),
      state: 'pending',
      resource: 'shop',
      principal: 'order-bot',
      statement: HOSTILE,
      mayVote: true,
    })
    const table = await cli('dora', 'requests')
    expect(table.stdout).toContain('\\u{1b}')
    expect(table.stdout).toContain('\\u{202e}')
    expect(table.stdout).not.toMatch(DRIVES)
    const one = await cli('dora', 'requests', request!.id)
    expect(one.stdout).toMatch(/agents change data only with a person/)
    expect(one.stdout).not.toMatch(DRIVES)
    expect(await cli('ana', 'approve', request!.id)).toMatchObject({ code: 1 })
    const approved = await json('dora', 'approve', request!.id, '--max-rows', '5')
    expect(approved).toMatchObject({ id: request!.id, state: 'approved', maxRows: 5 })
    const again = await cli('dora', 'deny', request!.id)
    expect(again).toMatchObject({ code: 1 })
    expect(again.stderr).toContain('request_conflict')
    await db.query(HOSTILE)
    await db.end()
  })

  it('requests with what a statement would do, though its client has left at once', async () => {
    const db = await connected('order-bot')
    const text = "update customers set city = 'Riga' where id = 3"
    await expect(db.query(text)).rejects.toMatchObject({ code: '42501' })
    await db.end()
    const asked = await json<{ id: string; statement: string }[]>('dora', 'requests')
    const { id } = asked.find(({ statement }) => statement === text)!
    await expect
      .poll(async () => (await cli('dora', 'requests', id)).stdout)
      .toMatch(
        /it changes about 1 row[\s\S]*table public\.customers: \d+ rows[\s\S]*\| Update on customers/,
      )
  })

  it('a statement of a megabyte, without being drowned in it', async () => {
    const db = await connected('ana')
    await db.query(`select '${'x'.repeat(1_000_000)}' as big`)
    await db.end()
    const [session] = await json<{ id: string; statements: number }[]>('ana', 'sessions')
    const replay = await cli('ana', 'session', 'replay', session!.id)
    expect(replay.code).toBe(0)
    expect(replay.stdout.length).toBeGreaterThan(1_000_000)
  })

  it('runs, and the end of one: its session ends, and its token is accepted no more', async () => {
    const db = await connected('order-bot')
    await db.query('select 1')
    const before = await json<{ run: string; live: number }[]>('dora', 'runs', '--limit', '1')
    expect(before[0]).toMatchObject({ principal: 'order-bot', live: 1, run: expect.any(String) })
    const { run } = before[0]!
    expect((await cli('ana', 'end-run', run, '--principal', 'order-bot')).code).toBe(1)
    const ended = await json<{ live: number }>('dora', 'end-run', run, '--principal', 'order-bot')
    expect(ended).toMatchObject({ run, live: 0, endedAt: expect.any(Number) })
    await expect(db.query('select 1')).rejects.toThrow()
    await db.end().catch(() => {})
    const [after] = await json<{ run: string }[]>('dora', 'runs', '--principal', 'order-bot')
    expect(after).toMatchObject({ run, live: 0, endedAt: expect.any(Number) })
    expect((await cli('dora', 'end-run')).code).toBe(2)
  })

  it('the end of an identity, for who may operate', async () => {
    const withdraw = ['withdraw', 'somebody-else', '--for', '1h']
    expect((await cli('ana', ...withdraw)).code).toBe(1)
    const before = Date.now()
    const after = await json<{ until: number }>('dora', ...withdraw)
    expect(after).toMatchObject({ principal: 'somebody-else' })
    expect(after.until - before).toBeGreaterThanOrEqual(3_600_000)
    expect((await cli('dora', 'withdraw', 'somebody-else', '--for', 'ever')).code).toBe(2)
    expect((await cli('dora', 'withdraw')).code).toBe(2)
  })

  it('sessions, replay, watch and end', async () => {
    const db = await connected('ana')
    const [live] = await json<{ id: string }[]>('ana', 'sessions', '--live')
    expect(live).toMatchObject({
      resource: 'shop',
      principal: 'ana',
      protocol: 'postgres',
      startedAt: expect.any(Number),
      statements: expect.any(Number),
    })
    const watch = await running('dora', 'session', 'watch', live!.id)
    await until('the watcher to be there', async () => {
      await db.query('select 4711 as looked_at')
      return watch.said().includes('looked_at')
    })
    await db.query('select E\'\\x1b[2J\' as "\u202eweird"')
    await watch.says('\\u{202e}weird')
    const ending = await json<{ endedAt: number }>('dora', 'session', 'end', live!.id)
    expect(ending).toMatchObject({ id: live!.id, closeReason: 'ended_by_operator' })
    expect(ending.endedAt).toBeGreaterThan(0)
    expect(await watch.exit()).toBe(0)
    expect(watch.said()).toContain('closed')
    expect(watch.said()).not.toMatch(DRIVES)
    expect((await cli('ana', 'session', 'erase', live!.id)).code).toBe(1)
    const events = await json<{ kind: string }[]>('ana', 'session', 'replay', live!.id)
    expect(events.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['opened', 'statement', 'closed']),
    )
    const replay = await cli('ana', 'session', 'replay', live!.id)
    expect(replay.stdout).toContain('looked_at')
    expect(replay.stdout).not.toMatch(DRIVES)
    expect(await json('dora', 'session', 'erase', live!.id)).toEqual({ id: live!.id, erased: true })
    expect((await cli('ana', 'session', 'replay', live!.id)).stderr).toContain('was erased')
  })

  it('grants: given, listed, revoked', async () => {
    const args = ['grants', '--give', 'gus', '--resource', 'shop', '--reason', 'ticket 4711']
    const given = await json<{ id: string }>('dora', ...args, '--for', '30m')
    expect(given).toMatchObject({ principal: 'gus', resource: 'shop', approvedBy: ['dora'] })
    expect(await json('dora', 'grants')).toMatchObject([{ id: given.id }])
    expect((await cli('ana', 'grants', '--revoke', given.id)).code).toBe(1)
    expect(await json('dora', 'grants', '--revoke', given.id)).toMatchObject({
      id: given.id,
      revokedAt: expect.any(Number),
    })
    expect(await json('dora', 'grants')).toEqual([])
  })

  it('policy why, online', async () => {
    const why = await json('order-bot', 'policy', 'why', 'shop', 'delete from notes where note = 1')
    expect(why).toMatchObject({
      effect: 'permit',
      obligations: [{ kind: 'approve' }],
      policies: expect.arrayContaining(['use']),
      operations: expect.arrayContaining([expect.objectContaining({ action: 'write' })]),
    })
    const other = ['--principal', 'user:eve', '--groups', 'x']
    expect((await cli('ana', 'policy', 'why', 'shop', 'select 1', ...other)).code).toBe(1)
    await json('dora', 'policy', 'why', 'shop', 'select 1', ...other)
  })
})

describe('Ctrl-C', () => {
  it('ends connect, watch and tail -f with 0', async () => {
    const db = await connected('ana')
    const [live] = await json<{ id: string }[]>('ana', 'sessions', '--live')
    const watch = await running('ana', 'session', 'watch', live!.id)
    const tail = await running('dora', 'audit', 'tail', '-f', '-n', '1')
    const connect = await running('ana', 'connect', 'shop')
    await connect.says('without a password')
    await until('the tail to be there', async () => {
      await (await connected('ana')).end()
      return tail.said().includes('session.opened')
    })
    await until('the watcher to be there', async () => {
      await db.query('select 4712')
      return watch.said().includes('4712')
    })
    expect([await watch.interrupt(), await tail.interrupt(), await connect.interrupt()]).toEqual([
      0, 0, 0,
    ])
    await db.end()
  })
})

describe('connect', () => {
  it('opens a local port that psql needs no password for', async () => {
    const connect = await running('ana', 'connect', 'shop', '--json')
    await connect.says('"port"')
    const { port } = JSON.parse(connect.said()) as { port: number }
    const where = { PGHOST: '127.0.0.1', PGPORT: String(port), PGDATABASE: 'shop', PGUSER: 'x' }
    const ran = await stage.psql({ ...where, PGSSLMODE: 'disable' }, 'select 40 + 2 as answer;')
    expect(ran.stdout, ran.stderr).toContain('42')
    expect(await connect.interrupt()).toBe(0)
    const after = await stage.psql({ ...where, PGSSLMODE: 'disable' }, 'select 1;')
    expect(after.code).not.toBe(0)
  })

  it('runs the native tool and ends as it does', async () => {
    const good = await cli(
      'ana',
      'connect',
      'shop',
      '--',
      'psql',
      '-X',
      '-c',
      'select 40 + 2 as answer',
    )
    expect(good.stdout, good.stderr).toContain('42')
    expect(good.code).toBe(0)
    const bad = await cli('ana', 'connect', 'shop', '--', 'psql', '-X', '-c', 'select nonsense')
    expect(bad.code).toBe(1)
    const none = await cli('ana', 'connect', 'shop', '--', 'no-such-tool')
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('no-such-tool') })
    const unknown = await cli('ana', 'connect', 'nowhere')
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('There is: shop') })
  })
})

describe('run', () => {
  it('starts a command with a port for each resource that its user may connect to, and none beside', async () => {
    const say =
      'psql -XAtc "select 41" "$SALLYPORT_SHOP_URL"; psql -XAtc "select 42" "host=$SALLYPORT_BOOKS_HOST port=$SALLYPORT_BOOKS_PORT dbname=books sslmode=disable"; echo "[$PGHOST$SALLYPORT_CLOSED_PORT]"'
    const ran = await cli('dora', 'run', '--', 'sh', '-c', say)
    expect(ran).toMatchObject({ code: 0, stdout: '41\n42\n[]\n', stderr: '' })
  })

  it('points native tools at the one resource that they can reach', async () => {
    const asked = ['--', 'psql', '-XAtc', 'select 40 + 2']
    const one = await cli('dora', 'run', '--resource', 'books', ...asked)
    expect(one).toMatchObject({ code: 0, stdout: '42\n' })
    expect(await cli('ana', 'run', ...asked)).toMatchObject({ code: 0, stdout: '42\n' })
  })

  it('ends as the command does, and says what is wrong before it starts one', async () => {
    expect(await cli('ana', 'run', '--', 'sh', '-c', 'exit 7')).toMatchObject({ code: 7 })
    expect(await cli('ana', 'run')).toMatchObject({ code: 2 })
    expect(await cli('ana', 'run', '--', 'no-such-tool')).toMatchObject({ code: 1 })
    const other = await cli('ana', 'run', '--resource', 'books', '--', 'true')
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('There is: shop') })
  })
})

describe('files, without a gateway', () => {
  it('config check says file, line and reason', async () => {
    const { file, folder } = stage.gateway
    expect(await cli(undefined, 'config', 'check', '--config', file)).toMatchObject({ code: 0 })
    const bad = join(folder, 'bad.yaml')
    writeFileSync(bad, `${readFileSync(file, 'utf8')}\nnonsense: \u001b[31m1\n`)
    const ran = await cli(undefined, 'config', 'check', '--config', bad)
    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(/bad\.yaml:\d+:\d+ /)
    expect(ran.stdout).not.toMatch(DRIVES)
    const asJson = await cli(undefined, 'config', 'check', '--config', bad, '--json')
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      ok: false,
      problems: [{ line: expect.any(Number), message: expect.any(String) }],
    })
    const plugin = join(folder, 'bad-plugin.ts')
    writeFileSync(plugin, 'export const plugin = { maskers: {} }')
    writeFileSync(
      bad,
      `plugins: [./bad-plugin.ts]\n${readFileSync(file, 'utf8')}`.replace(
        /^dataClasses:.*(?:\n .*)*/m,
        'dataClasses: { town: { columns: ["*.city"], mask: { plugin: town } } }',
      ),
    )
    const named = await cli(undefined, 'config', 'check', '--config', bad)
    expect(named.stdout).toMatch(/bad\.yaml:1:1 plugins: No plugin has a masker "town", .* "town"/)
    const examined = await cli(undefined, 'doctor', '--config', bad)
    expect(examined.stdout).toMatch(/BAD +configuration .*No plugin has a masker "town"/)
    const absent = await cli(undefined, 'config', 'check', '--config', '/nowhere.yaml')
    expect(absent).toMatchObject({ code: 1, stdout: expect.stringContaining('no such file') })
  })

  it('policy replay: what a folder would have made of what was asked', async () => {
    const db = await connected('order-bot')
    await db.query('select note from notes')
    await db.end()
    const folder = join(stage.gateway.folder, 'proposed')
    mkdirSync(folder)
    const there = join(stage.gateway.folder, 'policies')
    for (const name of readdirSync(there)) cpSync(join(there, name), join(folder, name))
    const same = await cli('dora', 'policy', 'replay', folder, '--json')
    expect(same).toMatchObject({ code: 0 })
    expect(JSON.parse(same.stdout).replay.statements).toBeGreaterThan(0)
    writeFileSync(
      join(folder, 'frozen.cedar'),
      '@id("frozen") forbid (principal, action == Action::"read", resource);\n',
    )
    const changed = await cli('dora', 'policy', 'replay', folder)
    expect(changed.code).toBe(1)
    expect(changed.stdout).toMatch(/permitted.* → denied/)
    expect(changed.stdout).toContain('frozen')
    expect((await cli('ana', 'policy', 'replay', folder)).code).toBe(1)
    expect((await cli('dora', 'policy', 'replay', folder, '--sessions', '0')).code).toBe(2)
  })
  it('policy check, test and why', async () => {
    const { file, folder } = stage.gateway
    const check = await cli(undefined, 'policy', 'check', '--config', file, '--json')
    expect(JSON.parse(check.stdout)).toMatchObject({ ok: true, problems: expect.any(Array) })
    const other = join(folder, 'other')
    mkdirSync(other)
    writeFileSync(
      join(other, 'bad.cedar'),
      '\n\npermit (principal, action == Action::"x", resource);\n',
    )
    const bad = await cli(undefined, 'policy', 'check', other)
    expect(bad.code).toBe(1)
    expect(bad.stdout).toMatch(/bad\.cedar:3:\d+ error/)
    const cases = join(folder, 'cases.test.yaml')
    const one = (name: string, effect: string) => `
- name: ${name}
  principal: { kind: agent, id: bot }
  resource: shop
  statement: delete from notes where note = 'x'
  expect: { effect: ${effect}, obligations: [approve] }
`
    writeFileSync(cases, one('asks', 'permit'))
    expect(await cli(undefined, 'policy', 'test', cases, '--config', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 passed, 0 failed'),
    })
    expect(await cli(undefined, 'policy', 'test', folder, '--config', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 passed, 0 failed'),
    })
    const none = await cli(undefined, 'policy', 'test', other, '--config', file)
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('*.test.yaml in') })
    writeFileSync(cases, one('asks', 'permit') + one('wrong', 'deny'))
    const failed = await cli(undefined, 'policy', 'test', cases, '--config', file, '--json')
    expect(failed.code).toBe(1)
    expect(JSON.parse(failed.stdout)).toMatchObject([{ passed: true }, { passed: false }])
    const who = ['--principal', 'agent:bot', '--groups', 'agents', '--config', file, '--json']
    const why = await cli(undefined, 'policy', 'why', 'shop', 'select 1', ...who)
    expect(JSON.parse(why.stdout)).toMatchObject({ effect: 'permit' })
  })

  it('audit verify, tail and prove', async () => {
    const { data, folder } = stage.gateway
    const verified = await cli(undefined, 'audit', 'verify', '--data', data, '--json')
    expect(verified.code, verified.stdout).toBe(0)
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, size: expect.any(Number) })
    const tail = await json<{ kind: string }[]>('dora', 'audit', 'tail', '-n', '5')
    expect(tail).toHaveLength(5)
    expect((await cli('ana', 'audit', 'tail')).code).toBe(1)
    const proof = await cli(undefined, 'audit', 'prove', '3', '--data', data)
    expect(proof.code, proof.stderr).toBe(0)
    expect(proof.stdout).toContain('sallyport/audit/1')
    const file = join(data, 'entry-3.json')
    const vkey = readFileSync(join(data, 'audit', 'audit.vkey'), 'utf8').trim()
    const proven = await cli(undefined, 'audit', 'prove', '3', '--data', data, '--json')
    const check = (text: string) => {
      writeFileSync(file, text)
      return cli(undefined, 'audit', 'prove', '--check', file, '--vkey', vkey, '--json')
    }
    const held = await check(proven.stdout)
    expect([held.code, JSON.parse(held.stdout)]).toEqual([
      0,
      expect.objectContaining({ ok: true, index: 3, origin: 'sallyport/audit/1' }),
    ])
    const changed = await check(proven.stdout.replace('kind', 'kinb'))
    expect([changed.code, JSON.parse(changed.stdout)]).toEqual([1, { ok: false }])
    expect((await check('{}')).code).toBe(1)
    expect((await cli(undefined, 'audit', 'prove', '--check', file)).code).toBe(2)
    expect((await cli(undefined, 'audit', 'prove', '3')).code).toBe(2)
    expect((await cli(undefined, 'audit', 'prove', '99999999', '--data', data)).code).toBe(1)
    expect((await cli(undefined, 'audit', 'verify', '--data', '/nowhere')).code).toBe(1)
    const copy = join(folder, 'copy')
    cpSync(data, copy, { recursive: true })
    // By whoever may write there, and has no key.
    const forged = forgeEntry(join(copy, 'audit', 'segments'))
    rmSync(join(copy, 'recordings'), { recursive: true })
    const added = await cli(undefined, 'audit', 'verify', '--data', copy)
    expect(added.stdout).toMatch(new RegExp(`^entries ${forged + 1}$`, 'm'))
    expect(added.stdout).toMatch(/^NOT SIGNED: the last /m)
    expect(added.stdout).toMatch(/^GONE: (\d+) of \1 pieces of recordings/m)
    expect(added.stdout).toMatch(/^note: audit\.vkey: The key is the folder’s own/m)
    rmSync(join(copy, 'audit', 'checkpoint'))
    const cut = await cli(undefined, 'audit', 'verify', '--data', copy)
    expect(cut.code).toBe(1)
    expect(cut.stdout).toMatch(/DOES NOT HOLD[\s\S]*\n\S+: \w/)
    expect(cut.stdout).not.toContain('{"')
  })

  it('doctor finds what is broken', async () => {
    const { file } = stage.gateway
    const ran = await cli(undefined, 'doctor', '--config', file, '--json')
    const findings = JSON.parse(ran.stdout) as { what: string; ok: boolean }[]
    expect(ran.code, ran.stdout).toBe(0)
    expect(findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['Node', 'configuration', 'policies', 'resource shop']),
    )
    const broken = await cli(undefined, 'doctor', '--config', '/nowhere.yaml')
    expect(broken).toMatchObject({ code: 1, stdout: expect.stringContaining('BAD') })
  })

  it('doctor finds out that a service proves another name, or by an authority that nobody named', async () => {
    const { file, folder } = stage.gateway
    const authority = await openServerAuthority({
      folder: join(folder, 'doctor-ca'),
      now: Date.now,
    })
    const { certificate, key } = await authority.issueServer(['127.0.0.1'])
    const secure = createServer({ cert: certificate, key })
    await new Promise<void>(resolve => secure.listen(0, '127.0.0.1', resolve))
    const { port } = secure.address() as AddressInfo
    const written = parse(readFileSync(file, 'utf8'))
    const service = (name: string, host: string, ca?: string) => ({
      name,
      protocol: 'http',
      upstream: { url: `https://${host}:${port}`, ...(ca === undefined ? {} : { ca }) },
    })
    written.resources.push(
      service('trusted', '127.0.0.1', authority.certificate),
      service('unnamed', 'localhost', authority.certificate),
      service('unknown', '127.0.0.1'),
    )
    const other = join(folder, 'doctor.yaml')
    writeFileSync(other, stringify(written))
    const ran = await cli(undefined, 'doctor', '--config', other)
    secure.close()
    rmSync(other)
    expect(ran.stdout).toMatch(/ok +resource trusted/)
    expect(ran.stdout).toMatch(/BAD +resource unnamed .*name/)
    expect(ran.stdout).toMatch(/BAD +resource unknown .*certificate/)
  })

  it('doctor names the secret that is not there, the variable that this shell lacks, and the service that does not answer', async () => {
    const { file, folder } = stage.gateway
    const written = parse(readFileSync(file, 'utf8'))
    const port = await freePort()
    written.resources.push(
      {
        name: 'lost',
        protocol: 'postgres',
        upstream: { host: '127.0.0.1', database: 'lost', tls: 'disable' },
        credential: { user: 'gateway', password: 'file:lost.password' },
      },
      {
        name: 'api',
        protocol: 'http',
        upstream: { url: `http://127.0.0.1:${port}/v1`, ca: 'file:open-ca.pem' },
      },
      {
        name: 'open',
        protocol: 'postgres',
        upstream: { host: '127.0.0.1', database: 'open', tls: 'disable' },
        credential: { user: 'gateway', password: 'file:open.password' },
      },
      {
        name: 'around',
        protocol: 'postgres',
        upstream: { host: '127.0.0.1', database: 'around', tls: 'disable' },
        credential: { user: 'gateway', password: 'file:around' },
      },
    )
    writeFileSync(join(folder, 'open.password'), 'pw', { mode: 0o644 })
    // Public, whoever reads it.
    writeFileSync(join(folder, 'open-ca.pem'), 'a certificate', { mode: 0o644 })
    symlinkSync('around', join(folder, 'around'))
    const other = join(folder, 'doctor.yaml')
    writeFileSync(other, stringify(written))
    const ran = await cli(undefined, 'doctor', '--config', other, '--json')
    rmSync(other)
    expect(ran.code).toBe(1)
    const findings = new Map<string, { ok: boolean; detail: string }>(
      JSON.parse(ran.stdout).map((each: { what: string }) => [each.what, each]),
    )
    const { ok, detail } = findings.get('secrets and files') ?? { ok: true, detail: '' }
    expect(ok).toBe(false)
    expect(detail).toContain(`there is no ${join(folder, 'lost.password')}`)
    expect(detail).toContain('UPSTREAM_PASSWORD is not set here')
    expect(detail).toContain(`${join(folder, 'around')} cannot be read (ELOOP)`)
    expect(detail).toContain(`every user of this machine can read ${join(folder, 'open.password')}`)
    expect(detail).not.toContain('open-ca.pem')
    expect(findings.get('resource api')).toMatchObject({ ok: false })
    expect(findings.get('resource shop')).toMatchObject({ ok: true })
  })
})

/** Puts an entry behind the last one, as far as that needs no key. Gives its number. */
function forgeEntry(segments: string): number {
  const file = join(
    segments,
    readdirSync(segments)
      .filter(name => name.endsWith('.log'))
      .sort()
      .at(-1)!,
  )
  const bytes = readFileSync(file)
  let count = Number(/\d{16}/.exec(file.slice(segments.length))![0])
  walkSegment(
    (at, length) => bytes.subarray(at, at + length),
    bytes.length,
    () => ++count > 0,
  )
  const entry = { kind: 'log.heartbeat', seq: count, ts: new Date().toISOString() }
  const record = Buffer.from(JSON.stringify(entry))
  const frame = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), record])
  writeFrameHeader(frame, 0, record.length)
  appendFileSync(file, frame)
  return count
}
