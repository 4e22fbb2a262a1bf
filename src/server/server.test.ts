// The program as operators meet it: starts that must not start, edits while it runs, signals, a crash.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkServerIdentity, connect, type PeerCertificate } from 'node:tls'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { openServerAuthority } from '#transport'
import { startIssuer } from '../../demo/index.ts'
import { type Stage, startStage } from '../../test/e2e/stage.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../../test/servers/gateway.ts'
import { until, within } from '../../test/servers/programs.ts'

const POLICIES = `
@id("use") permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"shop");
@id("agents-ask") @approvers("dba") @within("5m") @reason("agents change data only with a person")
forbid (principal is Agent, action == Action::"write", resource in Resource::"shop") unless { context.approved };
@id("dba-looks") permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit"], resource);
`

/** What of the file these tests change. */
interface Written {
  data: string
  policies: string
  listen: Record<string, string>
  dataClasses: object
  detectors?: object
  plugins?: string[]
  identity: { issuers: object[] }
  resources: { upstream: { host: string } }[]
  tls?: object
}

let original: string
let stage: Stage
let gateway: RunningGateway
beforeAll(async () => {
  stage = await startStage({
    policies: { 'shop.cedar': POLICIES },
    dataClasses: {},
    settings: { approvals: { hold: { user: '60s', agent: '60s', transaction: '60s' } } },
  })
  gateway = stage.gateway
  original = readFileSync(gateway.file, 'utf8')
})
afterAll(() => stage?.stop())

async function connected(who: string): Promise<Client & { gone: Promise<string> }> {
  const db = new Client({
    host: '127.0.0.1',
    port: gateway.port,
    user: who,
    password: await stage.token(who),
    database: 'shop',
    ssl: { ca: readFileSync(gateway.ca, 'utf8') },
  })
  const gone = new Promise<string>(resolve => db.on('error', error => resolve(error.message)))
  await db.connect()
  return Object.assign(db, { gone })
}
function edit(change: (file: Written) => void): void {
  const file: Written = parse(original)
  change(file)
  writeFileSync(gateway.file, stringify(file))
}
const server = (file: string) => gateway.cli(['server', '--config', file])
/** Counts how often the log has said it, so that a later one can be waited for. */
const times = (event: string) => gateway.log().split(`"${event}"`).length - 1
async function oneMore(event: string, act: () => void): Promise<void> {
  const before = times(event)
  act()
  await until(`another ${event}`, () => times(event) > before)
}
const within2s = <Value>(what: Promise<Value>): Promise<Value> =>
  Promise.race([
    what,
    new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error('not within 2000 ms')), 2_000),
    ),
  ])
async function entries(kind: string) {
  const ran = await gateway.cli(
    ['audit', 'tail', '-n', '1000', '--json'],
    await stage.token('dora'),
  )
  const all = JSON.parse(ran.stdout) as { kind: string; [part: string]: unknown }[]
  return all.filter(entry => entry.kind === kind)
}

describe('an edit while it runs', () => {
  it('of a policy counts, and is on record; a bad one is refused with file and line, and the old one stays', async () => {
    const db = await connected('ana')
    await oneMore('policies.refused', () =>
      gateway.writePolicies({ 'shop.cedar': `${POLICIES}\nnonsense;\n` }),
    )
    expect(gateway.log()).toMatch(/shop\.cedar","line":7/)
    expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await oneMore('policies.changed', () =>
      gateway.writePolicies({
        'shop.cedar': `${POLICIES}\n@id("no-writes") @reason("frozen") forbid (principal, action == Action::"write", resource);\n`,
      }),
    )
    await expect(db.query("update customers set city = 'x' where id = 1")).rejects.toThrow('frozen')
    await oneMore('policies.changed', () => gateway.writePolicies({ 'shop.cedar': POLICIES }))
    await db.query("update customers set city = 'x' where id = 1")
    await db.end()
    expect((await entries('policies.changed')).slice(-2)).toMatchObject([
      { details: { added: ['no-writes'], removed: [], files: ['shop.cedar'] } },
      { details: { added: [], removed: ['no-writes'] } },
    ])
  })

  it('of the file is taken whole, or refused with its line', async () => {
    await oneMore('configuration.refused', () =>
      writeFileSync(gateway.file, `${original}nonsense: 1\n`),
    )
    expect(gateway.log()).toMatch(/sallyport\.yaml:\d+:\d+ .*nonsense/)
    await oneMore('configuration.needs_restart', () =>
      edit(file => {
        file.listen.postgres = '127.0.0.1:1'
      }),
    )
    expect(gateway.log()).toMatch(/"settings":\["listen"\][^\n]*needs_restart/)
    await oneMore('configuration.changed', () => writeFileSync(gateway.file, original))
    await (await connected('ana')).end()
  })

  it('that names a secret which is not there: the client is told whom to tell, the log says which file', async () => {
    await oneMore('configuration.changed', () =>
      edit(file => {
        Object.assign(file.resources[0] ?? {}, {
          credential: { user: 'app', password: 'file:gone.password' },
        })
      }),
    )
    await oneMore('credential.failed', () => {
      void connected('ana').catch(() => {})
    })
    for (let time = 0; time < 40; time += 1)
      await expect(connected('ana')).rejects.toThrow('the credential of "shop" is not available')
    expect(times('credential.failed')).toBe(1)
    expect(gateway.log()).toMatch(/gone\.password cannot be read[^\n]*credential\.failed/)
    await oneMore('configuration.changed', () => writeFileSync(gateway.file, original))
    await (await connected('ana')).end()
  })

  it('that names a secret which every user of the machine can read: the log says so, once', async () => {
    const file = join(dirname(gateway.file), 'open.password')
    writeFileSync(file, 'no password', { mode: 0o644 })
    await oneMore('configuration.changed', () =>
      edit(({ resources }) => {
        Object.assign(resources[0] ?? {}, {
          credential: { user: 'app', password: 'file:open.password' },
        })
      }),
    )
    await oneMore('secret.exposed', () => void connected('ana').catch(() => {}))
    expect(gateway.log()).toMatch(/"file":"[^"]*open\.password"[^\n]*secret\.exposed/)
    await expect(connected('ana')).rejects.toThrow()
    expect(times('secret.exposed')).toBe(1)
    await oneMore('configuration.changed', () => writeFileSync(gateway.file, original))
    await (await connected('ana')).end()
  })

  it('of a data class masks a live session from the next statement on', async () => {
    const db = await connected('ana')
    const city = async () =>
      (await db.query('select city from customers where id = 2')).rows[0].city
    const clear = await city()
    await oneMore('configuration.changed', () =>
      edit(file => {
        file.dataClasses = { town: { columns: ['*.city'], mask: 'redact' } }
      }),
    )
    expect(await city()).not.toBe(clear)
    await oneMore('configuration.changed', () =>
      edit(file => {
        file.dataClasses = {}
      }),
    )
    expect(await city()).toBe(clear)
    await db.end()
  })

  it('of a detector of one’s own hides what it sees in every answer, and one whose examples fail is refused', async () => {
    const db = await connected('ana')
    const badge = "replace(city, city, 'EMP-' || 100000 + id)"
    const answers = async () =>
      JSON.stringify([
        await db.query(`select 'is ' || ${badge} as text from customers where id = 2`),
        await db.query(`select json_build_object('id', ${badge}) from customers where id = 2`),
        await db.query(`select array[${badge}, 'x'] from customers where id = 2`),
        await db.query({ text: `select ${badge} from customers where id = $1`, values: [2] }),
        await db.query(`select (${badge})::int from customers where id = 2`).catch(String),
      ])
    const count = async () => (await answers()).split('EMP-100002').length - 1
    expect(await count()).toBe(5)
    const employee = {
      pattern: 'EMP-\\d{6}',
      match: ['EMP-123456'],
      mustNotMatch: ['XEMP-1234567'],
    }
    await oneMore('configuration.changed', () =>
      edit(file => {
        file.detectors = { employee }
        file.dataClasses = { staff: { detect: 'employee' } }
      }),
    )
    expect(await count()).toBe(0)
    expect((await answers()).split('⟦m:staff⟧').length - 1).toBe(5)
    await oneMore('configuration.refused', () =>
      edit(file => {
        file.detectors = { employee: { ...employee, mustNotMatch: ['EMP-000000'] } }
        file.dataClasses = { staff: { detect: 'employee' } }
      }),
    )
    expect(gateway.log()).toMatch(/sallyport\.yaml:\d+:\d+ detectors\.employee\.mustNotMatch\.0:/)
    expect(await count()).toBe(0)
    await oneMore('configuration.changed', () => writeFileSync(gateway.file, original))
    await db.end()
  })

  it('of a plugin counts when its module has loaded; one that does not hold is refused', async () => {
    const db = await connected('ana')
    const city = async () =>
      (await db.query('select city from customers where id = 2')).rows[0].city
    const clear = await city()
    const module = join(dirname(gateway.file), 'masker.ts')
    const write = (text: string) =>
      writeFileSync(module, `export const plugin = { maskers: { town: { mask: ${text} } } }`)
    const use = () =>
      edit(file => {
        file.plugins = ['./masker.ts']
        file.dataClasses = { town: { columns: ['*.city'], mask: { plugin: 'town' } } }
      })
    write('(value: string) => value.slice(0, 1) + "."')
    await oneMore('configuration.changed', use)
    expect(await city()).toBe(`${clear[0]}.`)
    write('7')
    await oneMore('configuration.refused', use)
    expect(gateway.log()).toContain('the masker \\"town\\" has no function mask')
    expect(await city()).toBe(`${clear[0]}.`)
    write('() => { throw new Error() }')
    await oneMore('configuration.changed', use)
    expect(await city()).toBe('⟦m:town⟧')
    await until('the log to say so', () => gateway.log().includes('plugin.failed'))
    await oneMore('configuration.changed', () => writeFileSync(gateway.file, original))
    await db.end()
  })

  it('of a resource, and of its removal, ends its sessions within 2 s', async () => {
    const first = await connected('ana')
    await oneMore('configuration.changed', () =>
      edit(changed => {
        changed.resources[0]!.upstream.host = 'localhost'
      }),
    )
    await within2s(first.gone)
    const second = await connected('ana')
    await oneMore('configuration.changed', () =>
      edit(changed => {
        changed.resources = []
      }),
    )
    await within2s(second.gone)
    await expect(connected('ana')).rejects.toThrow(/no resource/)
    await oneMore('configuration.changed', () => writeFileSync(gateway.file, original))
    expect((await entries('resources.changed')).slice(-3)).toMatchObject([
      { details: { changed: ['shop'] } },
      { details: { removed: ['shop'] } },
      { details: { added: ['shop'] } },
    ])
  })

  it('that takes an issuer away ends the sessions of its people within 2 s', async () => {
    const db = await connected('ana')
    edit(changed => {
      changed.identity.issuers = []
    })
    await within2s(db.gone)
    await expect(connected('ana')).rejects.toThrow()
    await oneMore('configuration.changed', () => writeFileSync(gateway.file, original))
    await (await connected('ana')).end()
  })
})

describe('a start that must not be', () => {
  const copy = (change: (file: Written) => void): string => {
    const file: Written = parse(original)
    change(file)
    const path = join(gateway.folder, 'other.yaml')
    writeFileSync(path, stringify(file))
    return path
  }

  it('on a data folder that another gateway has is refused, and that one goes on', async () => {
    const ran = await server(copy(() => {}))
    expect(ran.code, ran.stderr).toBe(1)
    expect(ran.stderr).toMatch(/another|already|lock/i)
    expect(gateway.alive()).toBe(true)
    await (await connected('ana')).end()
  })

  it('on ports that are taken says which', async () => {
    for (const one of ['console', 'postgres']) {
      const ran = await server(
        copy(file => {
          file.data = join(gateway.folder, `data-${one}`)
          file.listen = { [one]: file.listen[one] ?? '' }
        }),
      )
      expect(ran.code).toBe(1)
      expect(ran.stderr).toMatch(/cannot listen on 127\.0\.0\.1:\d+: another program listens there/)
    }
  })

  it('without a readable file, or a data folder that can be written, says so', async () => {
    expect(await server('/nowhere.yaml')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no such file'),
    })
    const nowhere = copy(file => {
      file.data = join(gateway.file, 'below-a-file')
    })
    expect(await server(nowhere)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('below-a-file is no folder'),
    })
    const bad = copy(file => {
      file.data = join(gateway.folder, 'data-bad')
      file.policies = 'bad'
    })
    mkdirSync(join(gateway.folder, 'bad'), { recursive: true })
    writeFileSync(join(gateway.folder, 'bad', 'x.cedar'), 'permit (')
    expect(await server(bad)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/x\.cedar:1:\d+/),
    })
  })
})

describe('an end', () => {
  it('by SIGTERM comes within 10 s though a statement is held, and the client hears of it', async () => {
    const db = await connected('order-bot')
    const idle = await connected('ana')
    const held = db.query("update customers set city = 'x' where id = 3").then(
      () => 'ran',
      (error: Error) => error.message,
    )
    await until('the request', async () => {
      const ran = await gateway.cli(
        ['requests', '--state', 'pending', '--json'],
        await stage.token('dora'),
      )
      return JSON.parse(ran.stdout).length > 0
    })
    const before = Date.now()
    expect(await gateway.stop()).toBe(0)
    within(10_000, Date.now() - before)
    expect(await held).not.toBe('ran')
    expect(await idle.gone).toMatch(/stop|shut|end/i)
    expect(gateway.log()).not.toMatch(/step_late|step_failed/)
    await gateway.start()
    const requests = await gateway.cli(['requests', '--json'], await stage.token('dora'))
    expect(JSON.parse(requests.stdout)).toMatchObject([{ state: 'cancelled' }])
    const closed = await entries('session.closed')
    expect(
      closed.filter(({ result }) => (result as { reason: string }).reason === 'shutdown').length,
    ).toBeGreaterThanOrEqual(2)
  })

  it('by kill -9 leaves sessions that the next start closes as failed', async () => {
    const db = await connected('ana')
    await db.query('select 1')
    await gateway.kill()
    await gateway.start()
    const ran = await gateway.cli(['sessions', '--json', '--limit', '1'], await stage.token('dora'))
    const [session] = JSON.parse(ran.stdout)
    expect(session).toMatchObject({ closeReason: 'failed', endedAt: expect.any(Number) })
    expect((await entries('session.closed')).at(-1)).toMatchObject({
      session: session.id,
      result: { reason: 'failed' },
    })
  })

  it('that cost the log its tail makes the start say --fork, and --fork begins a new one', async () => {
    await gateway.stop()
    rmSync(join(gateway.data, 'audit', 'segments'), { recursive: true })
    const refused = await server(gateway.file)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('--fork')
    await gateway.start('--fork')
    await gateway.kill()
    await gateway.start()
    expect((await entries('log.start'))[0]).toMatchObject({
      details: { forkedFrom: expect.any(Object), origin: 'sallyport/audit/1/fork-1' },
    })
  })
})

describe('on its own', () => {
  it('has a certificate for the host of its url, where browsers and the command line reach it', async () => {
    const issuer = await startIssuer()
    const own = await startGateway({
      issuers: [issuerEntry(issuer.url)],
      resources: [],
      policies: { 'none.cedar': '' },
      settings: { url: 'https://Gate.example.com:8443', names: ['other.example.com'] },
    })
    try {
      const { subjectaltname } = await certificateOf(own, 'gate.example.com')
      expect(subjectaltname).toContain('DNS:gate.example.com')
      expect(subjectaltname).toContain('DNS:other.example.com')
      expect(subjectaltname).toContain('IP Address:127.0.0.1')
    } finally {
      await own.remove()
      await issuer.stop()
    }
  })

  it('survives what escapes a session, says so without values, and takes replaced TLS files on SIGHUP', async () => {
    const issuer = await startIssuer()
    // Once it is listened to: thrown before, it would end a start that is slow.
    // The message is put together there: frames of the log name the module, which here is its own text.
    const throws = `const e=()=>new Error('ca'+'nary');const t=setInterval(()=>{if(!process.listenerCount('uncaughtException'))return;clearInterval(t);setTimeout(()=>{throw e()},300);setTimeout(()=>{Promise.reject(e())},400)},50)`
    const own = await startGateway({
      issuers: [issuerEntry(issuer.url)],
      resources: [],
      policies: { 'none.cedar': '' },
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(throws)}` },
    })
    try {
      await until('both', () => /uncaught_exception[\s\S]*unhandled_rejection/.test(own.log()))
      expect(own.log()).not.toContain('canary')
      expect(own.alive()).toBe(true)
      await own.stop()
      const authority = await openServerAuthority({ folder: own.data, now: Date.now })
      const issue = async () => {
        const { certificate, key } = await authority.issueServer(['127.0.0.1', 'localhost'])
        writeFileSync(join(own.folder, 'cert.pem'), certificate)
        writeFileSync(join(own.folder, 'key.pem'), key)
      }
      await issue()
      const file: Written = parse(readFileSync(own.file, 'utf8'))
      file.tls = { certificate: 'file:cert.pem', key: 'file:key.pem' }
      writeFileSync(own.file, stringify(file))
      await own.start()
      const before = await fingerprint(own)
      writeFileSync(join(own.folder, 'cert.pem'), 'nonsense')
      process.kill(own.pid, 'SIGHUP')
      await until('the refusal', () => own.log().includes('tls.reload_failed'))
      expect(await fingerprint(own)).toBe(before)
      await issue()
      process.kill(own.pid, 'SIGHUP')
      await until('the new certificate', async () => (await fingerprint(own)) !== before)
    } finally {
      await own.remove()
      await issuer.stop()
    }
  })
})

async function fingerprint(own: RunningGateway): Promise<string> {
  const { raw } = await certificateOf(own, '127.0.0.1')
  return createHash('sha256').update(raw).digest('hex')
}

/** As who reaches it by that name sees it. */
function certificateOf(own: RunningGateway, name: string): Promise<PeerCertificate> {
  const { port } = new URL(own.consoleUrl)
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: '127.0.0.1',
        port: Number(port),
        ca: readFileSync(own.ca),
        checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      },
      () => {
        resolve(socket.getPeerCertificate())
        socket.destroy()
      },
    )
    socket.once('error', reject)
  })
}
