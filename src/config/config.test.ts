import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { until } from '../../test/servers/programs.ts'
import { detectorRules } from '../engines/masking/index.ts'
import {
  type Config,
  environment,
  loadConfig,
  type ProtocolSettings,
  parseConfig,
  patternEngine,
  problemLine,
  telemetrySettings,
  watchConfig,
} from './index.ts'

const protocols: readonly ProtocolSettings[] = [
  {
    name: 'parcel',
    defaultPort: 15432,
    dataClasses: [{ name: 'parcel-label' }, { name: 'ssn' }],
    settings: z.strictObject({
      host: z.string().min(1),
      port: z.int().min(1).max(65_535).default(5432),
      ca: z.string().optional(),
    }),
    secretFields: ['password', 'headers.*', 'lease.secret'],
    ownFields: ['stamp'],
    checkFiles: ({ ca }: { ca?: string }) =>
      ca?.startsWith('file:/etc/sallyport/broken')
        ? [{ path: ['ca'], message: `${ca}:3:1: broken` }]
        : [],
    oneOf: ['headers.x-key', 'password', 'lease'],
    credentialMaps: { lease: z.strictObject({ from: z.url(), ca: z.string().optional() }) },
  },
]
const parse = (text: string) => parseConfig('/etc/sallyport/sallyport.yaml', text, protocols)
function valid(text: string): Config {
  const { config, problems } = parse(text)
  if (config === undefined) throw new Error(problems.map(problemLine).join('\n'))
  return config
}
/** The problems as `line:column path: message`. */
const wrong = (text: string) =>
  parse(text).problems.map(p => `${p.line}:${p.column} ${p.path}: ${p.message}`)

const full = `
data: ./state
listen:
  console: 127.0.0.1:8444
  parcel: { address: "[::1]", allowPlaintext: true }
tls: { certificate: file:tls/cert.pem, key: env:TLS_KEY }
identity:
  issuers:
    - issuer: https://idp.example.com
      audience: sallyport
      prefix: "corp:"
      principal: { claim: kind, agent: [agent, bot] }
      clockSkew: 10s
    - issuer: http://127.0.0.1:9000
      audience: [a, b]
      profile: generic-jwt
      prefix: "lab:"
      jwks: file:lab.json
  login: { issuer: https://idp.example.com, clientId: sallyport, clientSecret: env:OIDC_SECRET }
resources:
  - name: shop
    protocol: parcel
    tags: { env: production }
    upstream: { host: db.internal, ca: file:ca.pem }
    credential: { user: app, password: env:SHOP_PASSWORD, headers: { Authorization: file:auth } }
    recording: { keep: statements, answerBytes: 1MiB }
    hold: { user: 0s }
dataClasses:
  ssn: { columns: ["*.ssn"], detect: us-ssn }
  email: { columns: ["*.email"], mask: partial }
policies: ../policies
approvals: { hold: { agent: 1m } }
audit: { durability: strict, sinks: [] }
limits: { messageBytes: 16MiB }
`

describe('the configuration', () => {
  it('is complete with nothing written', () => {
    const config = valid('')
    expect(config.data).toBe('/etc/sallyport/data')
    expect(config.policies).toEqual({ folder: '/etc/sallyport/policies', editable: false })
    expect(config.listen).toEqual([
      { name: 'console', host: '127.0.0.1', port: 8443, allowPlaintext: false },
    ])
    expect(config.approvals.hold).toEqual({ user: 120_000, agent: 45_000, transaction: 20_000 })
    expect(config.limits.messageBytes).toBe(67_108_864)
    expect(config.resources).toEqual([])
  })

  it('has every setting in the form that the program uses', () => {
    const config = valid(full)
    expect(config.data).toBe('/etc/sallyport/state')
    expect(config.policies).toEqual({ folder: '/etc/policies', editable: false })
    expect(config.listen).toEqual([
      { name: 'console', host: '127.0.0.1', port: 8444, allowPlaintext: false },
      { name: 'parcel', host: '::1', port: 15432, allowPlaintext: true },
    ])
    expect(config.tls).toEqual({
      certificate: 'file:/etc/sallyport/tls/cert.pem',
      key: 'env:TLS_KEY',
    })
    expect(config.resources[0]).toEqual({
      name: 'shop',
      protocol: 'parcel',
      tags: { env: 'production' },
      upstream: { host: 'db.internal', port: 5432, ca: 'file:/etc/sallyport/ca.pem' },
      credential: {
        user: 'app',
        secrets: {
          password: 'env:SHOP_PASSWORD',
          'headers.Authorization': 'file:/etc/sallyport/auth',
        },
      },
      connector: 'none',
      masking: { predicates: { user: 'equality', agent: 'deny' }, valuesPerHour: 20 },
      recording: { keep: 'statements', answerBytes: 1_048_576, input: false },
      hold: { user: 0 },
    })
    expect(config.dataClasses.map(({ name }) => name)).toEqual(['ssn', 'email'])
    expect(config.classNames).toEqual(['ssn', 'email', 'parcel-label'])
    expect(config.approvals.hold).toEqual({ user: 120_000, agent: 60_000, transaction: 20_000 })
    const [corp, lab] = config.identity.issuers
    expect(corp?.clockSkew).toBe(10_000)
    expect(corp?.principal).toEqual({ claim: 'kind', agent: ['agent', 'bot'] })
    expect(corp?.algorithms).not.toContain('HS256')
    expect(lab?.jwks).toBe('file:/etc/sallyport/lab.json')
  })

  it('cannot be changed once read', () => {
    const config = valid(full)
    expect(() => {
      ;(config.resources as unknown[]).push({})
    }).toThrow(TypeError)
    expect(Object.isFrozen(config.identity.issuers[0]?.audience)).toBe(true)
  })

  it('says line, column and reason of each unknown key, at any depth', () => {
    expect(wrong('data: ./d\npolicy: ./p\n')).toEqual(['2:1 policy: unknown key "policy"'])
    expect(wrong('approvals:\n  hold:\n    users: 3s\n')).toEqual([
      '3:5 approvals.hold.users: unknown key "users"',
    ])
    expect(wrong('limits: { loginms: 3 }')).toEqual(['1:11 limits.loginms: unknown key "loginms"'])
    expect(wrong('listen:\n  parcel: { address: "127.0.0.1:1", plaintext: true }\n')).toEqual([
      '2:37 listen.parcel.plaintext: unknown key "plaintext"',
    ])
  })

  it('points at the value, and at the map where something is missing', () => {
    const text = `
listen: { parcel: 127.0.0.1:1 }
resources:
  - name: shop
    protocol: parcel
    upstream:
      port: "many"
`
    expect(wrong(text)).toEqual([
      '6:5 resources.0.upstream.host: is missing',
      '7:13 resources.0.upstream.port: must be a number, not text',
    ])
    expect(wrong('resources: 7')).toEqual(['1:12 resources: must be a list, not a number'])
    expect(wrong('approvals: { hold: { user: 2 minutes } }')).toEqual([
      '1:28 approvals.hold.user: "2 minutes" is not a duration: write 500ms, 120s, 15m, 8h or 2d',
    ])
    expect(wrong('audit: { durability: best }')).toEqual([
      '1:22 audit.durability: must be standard or strict',
    ])
  })

  it('refuses a secret that is written out, and does not repeat it', () => {
    const text = `
listen: { parcel: 127.0.0.1:1 }
resources:
  - name: shop
    protocol: parcel
    upstream: { host: h }
    credential: { user: app, password: hunter2-hunter2 }
`
    const said = wrong(text).join('\n')
    expect(said).toContain('7:40 resources.0.credential.password: a secret is given by reference')
    expect(said).not.toContain('hunter2')
    for (const reference of ['vault:kv/shop#password', 'stored:shop']) {
      expect(wrong(text.replace('hunter2-hunter2', reference)).join()).toContain(
        'references are not in this version',
      )
    }
    expect(wrong(text.replace('password: ', 'passwrd: ')).join()).toContain('has no "passwrd"')
  })

  it('refuses what has no listener, protocol or store here', () => {
    expect(wrong('listen: { parcels: 127.0.0.1:1 }').join()).toContain(
      'nothing listens as "parcels": there is parcel, console',
    )
    expect(wrong('resources: [{ name: a, protocol: telepathy, upstream: {} }]').join()).toContain(
      'there is no protocol "telepathy": there is parcel',
    )
    expect(wrong('store: postgres://user@host/db').join()).toContain('not in this version')
    expect(wrong('store: mysql').join()).toContain('must be "embedded"')
    expect(
      wrong('identity: { issuers: [{ issuer: "https://a", audience: b, profile: github }] }'),
    ).toEqual(['1:68 identity.issuers.0.profile: must be rfc9068 or generic-jwt'])
  })

  it('warns, and goes on, when a resource cannot be reached', () => {
    const { config, problems } = parse(
      'resources: [{ name: a, protocol: parcel, upstream: { host: h } }]',
    )
    expect(config?.resources).toHaveLength(1)
    expect(problems.map(({ severity }) => severity)).toEqual(['warning'])
  })

  it('accepts plaintext on loopback only, and never on the console', () => {
    const at = (address: string) =>
      wrong(`listen: { parcel: { address: "${address}", allowPlaintext: true } }`)
    expect(at('127.0.0.1:1')).toEqual([])
    expect(at('[::1]:1')).toEqual([])
    for (const open of [
      '0.0.0.0:1',
      '10.0.0.1:1',
      '[::]:1',
      'gateway.internal:1',
      '127.evil.com:1',
    ]) {
      expect(at(open).join()).toContain('loopback address only')
    }
    expect(
      wrong('listen: { console: { address: "127.0.0.1:1", allowPlaintext: true } }').join(),
    ).toContain('the console never')
  })

  it('accepts an issuer on plain http on loopback only', () => {
    const at = (url: string) =>
      wrong(`identity: { issuers: [{ issuer: "${url}", audience: a }] }`).join()
    expect(at('http://localhost:9000')).toBe('')
    expect(at('https://idp.example.com/tenant')).toBe('')
    expect(at('http://idp.example.com')).toContain('loopback only')
    expect(at('http://127.0.0.1.evil.com')).toContain('loopback only')
    expect(at('https://user:pass@idp.example.com')).toContain('no user')
    expect(at('ftp://idp')).toContain('not an https URL')
    expect(at('idp')).toContain('not an https URL')
  })

  it('keeps the issuers apart by their prefixes', () => {
    const two = (first: string, second: string) =>
      wrong(
        `identity: { issuers: [{ issuer: "https://a", audience: x, prefix: "${first}" }, { issuer: "https://b", audience: x, prefix: "${second}" }] }`,
      ).join()
    expect(two('a:', 'b:')).toBe('')
    expect(two('', 'b:')).toContain('none begins with another')
    expect(two('a', 'ab')).toContain('none begins with another')
    expect(two('a:', 'a:')).toContain('none begins with another')
    expect(two('a:', 'b:')).toBe('')
    expect(
      wrong(
        'identity: { issuers: [{ issuer: "https://a", audience: x, prefix: "a" }, { issuer: "https://a", audience: y, prefix: "b" }] }',
      ).join(),
    ).toContain('listed twice')
  })

  it('refuses an issuer without an audience, with a weak algorithm, or with a loose clock', () => {
    const entry = (more: string) =>
      wrong(`identity: { issuers: [{ issuer: "https://a", ${more} }] }`).join()
    expect(entry('profile: rfc9068')).toContain('audience: is missing')
    expect(entry('audience: ""')).not.toBe('')
    expect(entry('audience: []')).not.toBe('')
    expect(entry('audience: a, algorithms: [HS256]')).toContain('must be RS256 or')
    expect(entry('audience: a, algorithms: [none]')).toContain('must be RS256 or')
    expect(entry('audience: a, clockSkew: 5m')).toContain('at most 60s')
    expect(entry('audience: a, principal: robot')).not.toBe('')
  })

  it('refuses YAML that means two things: doubled keys, unknown tags, several documents', () => {
    const twice = wrong('data: a\nlisten: {}\ndata: b\n').join()
    expect(twice).toMatch(/^3:1 .*"data" is written a second time: .* under line 1$/)
    const within = wrong('listen:\n  console: 127.0.0.1:1\n  console: 127.0.0.1:2\n').join()
    expect(within).toMatch(/^3:3 .*"console" is written a second time: .* under line 2$/)
    expect(wrong('data: !!js/function "x"').join()).not.toBe('')
    expect(wrong('data: a\n---\ndata: b\n').join()).not.toBe('')
    expect(wrong('data: [').join()).not.toBe('')
    expect(wrong('- a').join()).toContain('must be a map, not a list')
    expect(wrong('listen: { __proto__: 127.0.0.1:1 }').join()).toContain('unknown key "__proto__"')
  })

  it('says of a text in place of a list that it is one, and no more', () => {
    expect(wrong('plugins: ./a-module-of-ours.ts')).toEqual([
      '1:10 plugins: must be a list, not text',
    ])
  })

  it('refuses aliases that multiply', () => {
    const bomb = Array.from({ length: 9 }, (_, i) =>
      i === 0 ? 'x0: &x0 [a,a,a,a,a,a,a,a,a]' : `x${i}: &x${i} [${`*x${i - 1},`.repeat(9)}]`,
    )
    expect(wrong(bomb.join('\n')).join()).toContain('too many aliases')
  })

  it('takes `ours` for what the gateway makes itself, with a login to make it for', () => {
    const given = (credential: string) =>
      `listen: { parcel: 127.0.0.1:15432 }\nresources: [{ name: a, protocol: parcel, upstream: { host: h }, credential: ${credential} }]`
    expect(valid(given('{ user: u, stamp: ours }')).resources[0]?.credential).toEqual({
      user: 'u',
      secrets: {},
      ours: ['stamp'],
    })
    expect(wrong(given('{ stamp: ours }')).join()).toContain('one login')
    expect(wrong(given('{ user: u, stamp: theirs }')).join()).toContain('must be ours')
    expect(wrong(given('{ user: u, password: ours }')).join()).toContain('credential.password')
  })

  it('refuses names that could mean something else elsewhere', () => {
    for (const name of ['', 'Shop', 'a/b', '../a', 'a b', 'a,b', '-a', 'x'.repeat(64), 'a\u0000']) {
      const text = `listen: { parcel: "127.0.0.1:1" }\nresources: [{ name: ${JSON.stringify(name)}, protocol: parcel, upstream: { host: h } }]`
      expect(wrong(text), name).not.toEqual([])
    }
    const twice = `resources: [{ name: a, protocol: parcel, upstream: { host: h } }, { name: a, protocol: parcel, upstream: { host: h } }]`
    expect(wrong(twice).join()).toContain('another resource "a"')
  })

  it('says so when the file is not there', () => {
    const { config, problems } = loadConfig('/no/such/file.yaml', protocols)
    expect(config).toBeUndefined()
    expect(problems[0]?.message).toBe('there is no such file')
  })
})

describe('a watched configuration', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is given again after an edit, a replacement by rename, and not after a bad edit', async () => {
    const file = join(folder, 'sallyport.yaml')
    writeFileSync(file, 'limits: { sessions: 1 }')
    const { config } = loadConfig(file, protocols)
    if (config === undefined) throw new Error('unreadable')
    const seen: number[] = []
    const bad: string[] = []
    const watching = watchConfig(file, protocols, {
      current: config,
      onChange: changed => seen.push(changed.limits.sessions) > 0,
      onProblems: problems => bad.push(...problems.map(({ path }) => path)),
    })
    writeFileSync(file, 'limits: { sessions: 2 }')
    await until('it to be heard', () => seen.length === 1)
    writeFileSync(join(folder, 'draft'), 'limits: { sessions: 3 }')
    renameSync(join(folder, 'draft'), file)
    await until('it to be heard', () => seen.length === 2)
    writeFileSync(file, 'limits: { sessions: none }')
    await until('it to be heard', () => bad.length === 1)
    expect(watching.reload()).toBe(false)
    writeFileSync(file, '# only a comment\nlimits: { sessions: 3 }')
    expect(watching.reload()).toBe(true)
    expect(seen).toEqual([2, 3])
    expect(bad).toEqual(['limits.sessions', 'limits.sessions'])
    watching.close()
  })
})

describe('an edit that is refused where it would be put in force', () => {
  it('is offered again when the file is read again', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-'))
    const file = join(folder, 'sallyport.yaml')
    writeFileSync(file, 'limits: { sessions: 1 }')
    const { config } = loadConfig(file, protocols)
    if (config === undefined) throw new Error('unreadable')
    let holds = false
    let offered = 0
    const watching = watchConfig(file, protocols, {
      current: config,
      onChange: () => {
        offered += 1
        return holds
      },
      onProblems: () => {},
    })
    writeFileSync(file, 'limits: { sessions: 2 }')
    expect(watching.reload()).toBe(false)
    holds = true
    expect(watching.reload()).toBe(true)
    expect(watching.reload()).toBe(true)
    expect(offered).toBe(2)
    watching.close()
    rmSync(folder, { recursive: true, force: true })
  })
})

describe('the environment', () => {
  it('is read by name, and an unknown log level means info', () => {
    process.env['SALLYPORT_LOG'] = 'loud'
    expect(environment('SALLYPORT_LOG')).toBe('loud')
    expect(telemetrySettings().level).toBe('info')
    process.env['SALLYPORT_LOG'] = 'warn'
    expect(telemetrySettings().level).toBe('warn')
    delete process.env['SALLYPORT_LOG']
    expect(environment('SALLYPORT_LOG')).toBeUndefined()
  })
})

describe('detectors of one’s own', () => {
  const rules = detectorRules(() => patternEngine)
  const withRules = (text: string) =>
    parseConfig('/etc/sallyport/sallyport.yaml', text, protocols, rules).problems.map(problemLine)

  it('are taken with their defaults', () => {
    const { config, problems } = parseConfig(
      '/etc/sallyport/sallyport.yaml',
      `
detectors:
  employee-id: { pattern: 'EMP-\\d{6}', match: ['EMP-123456'] }
dataClasses:
  employee: { detect: employee-id, mask: { keep: { last: 3 } } }
  born: { mask: { generalize: year } }
  pay: { mask: { generalize: 1000 } }
  note: { mask: { fixed: '-' } }
`,
      protocols,
      rules,
    )
    expect(problems).toEqual([])
    expect(config?.detectors).toEqual([
      {
        name: 'employee-id',
        pattern: 'EMP-\\d{6}',
        ignoreCase: false,
        boundary: true,
        context: [],
        within: 40,
        match: ['EMP-123456'],
        mustNotMatch: [],
      },
    ])
    expect(config?.dataClasses.map(({ mask }) => mask)).toEqual([
      { keep: { first: 0, last: 3 }, with: '*' },
      { generalize: 'year' },
      { generalize: 1000 },
      { fixed: '-' },
    ])
  })

  it('are refused with line and reason', () => {
    expect(
      withRules(`detectors:
  a: { pattern: 'EMP-\\d{6}', match: ['EMP-123456', 'EMP-12'] }
  b:
    pattern: 'EMP('
    match: [x]
  email: { pattern: 'abc', match: [abc] }
dataClasses:
  c: { detect: nobody }
`),
    ).toEqual([
      '/etc/sallyport/sallyport.yaml:2:52 detectors.a.match.1: the detector finds nothing in this text: besides the pattern it wants no letter or digit that touches it',
      "/etc/sallyport/sallyport.yaml:4:14 detectors.b.pattern: is not in RE2's syntax: error parsing regexp: missing closing ): `EMP(`",
      '/etc/sallyport/sallyport.yaml:6:3 detectors.email: there is a built-in detector "email"',
      expect.stringMatching(
        /:8:16 dataClasses.c.detect: there is no detector "nobody": there is email, card,/,
      ),
    ])
  })

  it('are warned of when the slow engine must read everything', () => {
    const [warning] = parseConfig(
      '/etc/sallyport/sallyport.yaml',
      "detectors: { any: { pattern: '\\w{9}', match: [abcdefghi] } }",
      protocols,
      rules,
    ).problems
    expect(warning).toMatchObject({ severity: 'warning', path: 'detectors.any.pattern' })
  })

  it.each([
    ["detectors: { a: { pattern: 'EMP' } }", 'detectors.a.match: is missing'],
    ["detectors: { a: { pattern: 'EMP', match: [] } }", 'needs a text that the detector must see'],
    [
      "detectors: { a: { pattern: 'E', match: [E], checksum: crc } }",
      'detectors.a.checksum: must be luhn or',
    ],
    [
      "detectors: { a: { pattern: 'E', match: [E], context: ['é'] } }",
      'a context word is of ASCII letters',
    ],
    ['dataClasses: { a: { mask: { keep: {} } } }', 'keeps nothing'],
    [
      'dataClasses: { a: { mask: { fixed: 5 } } }',
      'dataClasses.a.mask.fixed: must be text, not a number',
    ],
    ['dataClasses: { a: { mask: { generalize: 1 } } }', 'a bucket is a whole number of at least 2'],
    ['dataClasses: { a: { mask: { keep: { last: 4 }, with: ab } } }', 'must be one character'],
  ])('are refused when written as %s', (text, reason) => {
    expect(withRules(text).join('\n')).toContain(reason)
  })
})

describe('channels', () => {
  const read = (text: string) => parseConfig('/etc/sallyport/sallyport.yaml', text, protocols)
  const slack = 'type: slack, name: s, token: env:T, channel: C0123456789'

  it('have defaults, and secrets by absolute path', () => {
    const { config, problems } = read(`url: https://gate.example.com
channels:
  - { ${slack}, signingSecret: file:keys/slack }
  - { type: email, name: m, host: smtp.example.com, from: a@example.com, to: [b@example.com] }
  - { type: webhook, name: w, url: "https://x.example/h?a=b", secrets: [file:k], decisions: { secrets: [env:D] } }
`)
    expect(problems).toEqual([])
    const shared = { show: 'summary', resources: [], approvers: [], allowPrivate: false }
    expect(config?.channels).toEqual([
      {
        ...shared,
        type: 'slack',
        name: 's',
        token: 'env:T',
        channel: 'C0123456789',
        signingSecret: 'file:/etc/sallyport/keys/slack',
      },
      {
        ...shared,
        type: 'email',
        name: 'm',
        host: 'smtp.example.com',
        security: 'starttls',
        from: 'a@example.com',
        to: ['b@example.com'],
      },
      {
        ...shared,
        type: 'webhook',
        name: 'w',
        url: 'https://x.example/h?a=b',
        secrets: ['file:/etc/sallyport/k'],
        decisions: { secrets: ['env:D'], groups: [] },
      },
    ])
  })

  it('are warned of without an address for their links', () => {
    expect(read(`channels: [{ ${slack} }]`).problems).toMatchObject([
      { severity: 'warning', path: 'channels', message: expect.stringContaining('no link') },
    ])
  })

  it.each([
    [`{ ${slack} }, { ${slack} }`, 'there is another channel "s"'],
    ['{ type: fax, name: f }', 'must be slack or teams or pagerduty or email or webhook'],
    ['{ type: slack, name: s, token: xoxb-1, channel: C0123456789 }', 'by reference'],
    ['{ type: slack, name: s, token: env:T, channel: "#dba" }', 'must be the id of a channel'],
    ['{ type: teams, name: t, url: "https://prod.logic.azure.com/x" }', 'by reference'],
    ['{ type: webhook, name: w, url: "http://hooks.example.com", secrets: [env:S] }', 'use https'],
    ['{ type: webhook, name: w, url: "https://u:p@x.example", secrets: [env:S] }', 'no user'],
    ['{ type: webhook, name: w, url: "https://x.example", secrets: [] }', 'channels.0.secrets'],
    [
      '{ type: webhook, name: w, url: "https://x.example", secrets: [env:S], decisions: { secrets: [env:S], groups: [g] } }',
      'no meaning without approver',
    ],
    ['{ type: email, name: m, host: h, from: a@b.c, to: [] }', 'channels.0.to'],
    ['{ type: email, name: m, host: h, from: "A <a@b.c>", to: [a@b.c] }', 'must be an address'],
    ['{ type: email, name: m, host: h, user: u, from: a@b.c, to: [a@b.c] }', 'belong together'],
    [`{ ${slack}, more: 1 }`, 'more'],
  ])('are refused when written as %s', (text, reason) => {
    const { config, problems } = read(`channels: [${text}]`)
    expect(config).toBeUndefined()
    expect(problems.map(({ path, message }) => `${path} ${message}`).join('\n')).toContain(reason)
  })

  it('reads a credential that is a map: its secrets are references, the rest is as the protocol says', () => {
    const credential = (text: string) =>
      `listen: { parcel: "127.0.0.1:1" }\nresources:\n  - { name: a, protocol: parcel, upstream: { host: h }, credential: ${text} }\n`
    const { resources } = valid(
      credential('{ lease: { from: "https://h/", ca: "file:ca.pem", secret: "env:S" } }'),
    )
    expect(resources[0]?.credential).toEqual({
      secrets: { 'lease.secret': 'env:S' },
      settings: { lease: { from: 'https://h/', ca: 'file:/etc/sallyport/ca.pem' } },
    })
    for (const [text, words] of [
      ['{ lease: { from: "https://h/" } }', 'lease.secret: must be there'],
      ['{ lease: { from: "https://h/", secret: hunter2 } }', 'lease.secret'],
      ['{ lease: { from: 1, secret: "env:S" } }', 'lease.from'],
      ['{ lease: { from: "https://h/", secret: "env:S", form: 1 } }', 'form'],
      ['{ lease: text }', 'must be a map'],
      [
        '{ password: "env:P", lease: { from: "https://h/", secret: "env:S" } }',
        'has password and lease: one of them at most',
      ],
      ['{ password: "env:P", headers: { X-Key: "env:K" } }', 'has headers.x-key and password'],
    ] as const)
      expect(wrong(credential(text)).join('\n'), text).toContain(words)
  })

  it('looks into the files that a resource names, by their absolute paths', () => {
    const text = (ca: string) =>
      `listen: { parcel: "127.0.0.1:1" }\nresources:\n  - name: a\n    protocol: parcel\n    upstream: { host: h, ca: "${ca}" }\n`
    expect(wrong(text('file:whole.pem'))).toEqual([])
    expect(wrong(text('file:broken.pem'))).toEqual([
      '5:30 resources.0.upstream.ca: file:/etc/sallyport/broken.pem:3:1: broken',
    ])
  })
})
