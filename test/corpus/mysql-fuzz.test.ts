// Bytes that nobody meant, on both sides of the gateway as it runs: packets of clients before and after their login,
// and a real server's answers with bytes changed, cut, doubled and put elsewhere. The process stays, other sessions go on.
// (A server may say what it likes in columns that are told: values are no proof on that side.) `FUZZ=200000` for a long run; the count is of packets.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Issuer, startIssuer } from '../../demo/index.ts'
import { Random } from '../differential/random.ts'
import { mysqlResource } from '../e2e/mysql-stage.ts'
import { allowAllButSeeing } from '../leaks/mysql/policies.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { changeUserBody, type MysqlClient, openMysql } from '../servers/mysql-client.ts'
import { FLAGS, framed } from '../servers/mysql-packets.ts'
import { type StandIn, startStandIn } from '../servers/mysql-stand-in.ts'

const PACKETS = Number(process.env['FUZZ'] ?? 3_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121)
const MOST_MS = 60_000 + PACKETS * 20
const CANARY = 'canary.person@example.com'

let behind: MariadbServer
let standIn: StandIn
let issuer: Issuer
let gateway: RunningGateway
/** Set while the server's side is fuzzed. */
let spoil: Random | undefined
let spoiled = 0

beforeAll(async () => {
  behind = await startMariadb({
    database: 'shop',
    init: `create table people (id int primary key, email varchar(80), name varchar(80), n bigint, d datetime);
      insert into people select seq, concat('${CANARY}', seq), concat('Name ', seq), seq * 1000, now() from seq_1_to_20;`,
    settings: { 'max-connections': '500' },
  })
  standIn = await startStandIn({
    behind,
    accounts: { app: { password: behind.password } },
    tamper: bytes => (spoil === undefined ? bytes : spoilt(spoil, bytes)),
  })
  issuer = await startIssuer()
  gateway = await startGateway({
    issuers: [issuerEntry(issuer.url)],
    resources: [
      mysqlResource(
        'shop',
        { port: standIn.port, user: 'app', database: 'shop' },
        {
          upstream: {
            host: '127.0.0.1',
            port: standIn.port,
            database: 'shop',
            tls: 'verify-ca',
            ca: readFileSync(standIn.ca, 'utf8'),
          },
        },
      ),
      mysqlResource('real', behind),
    ],
    policies: allowAllButSeeing,
    dataClasses: { email: { columns: ['*.email'], mask: 'redact' } },
    env: { UPSTREAM_PASSWORD: behind.password },
    listener: 'mysql',
    allowPlaintext: true,
  })
})
afterAll(async () => {
  await gateway?.remove()
  await issuer?.stop()
  await standIn?.stop()
  await behind?.stop()
})

/** An answer with something in it that was not: each byte of it is the real server's otherwise. */
function spoilt(random: Random, bytes: Buffer): Buffer {
  if (random.chance(0.4)) return bytes
  spoiled += 1
  const made = Buffer.from(bytes)
  const at = random.below(Math.max(1, made.length))
  switch (random.below(7)) {
    case 0:
      made[at] = random.below(256)
      return made
    case 1:
      made[at] = (made[at] ?? 0) ^ (1 << random.below(8))
      return made
    case 2:
      return made.subarray(0, at)
    case 3:
      return Buffer.concat([made, made.subarray(at)])
    case 4:
      return Buffer.concat([
        made.subarray(0, at),
        Buffer.from([random.of([0, 0xfb, 0xfc, 0xfe, 0xff])]),
        made.subarray(at),
      ])
    case 5:
      // A header's length.
      made[random.below(3)] = random.below(256)
      return made
    default:
      return Buffer.concat([
        made.subarray(0, at),
        made.subarray(Math.min(made.length, at + 1 + random.below(8))),
      ])
  }
}

async function open(resource: string): Promise<MysqlClient> {
  return openMysql({
    port: gateway.port,
    user: 'ana',
    password: await issuer.token({ client: 'ana' }),
    database: resource,
    tls: false,
    flags: FLAGS.multiStatements,
  })
}

const COMMANDS = [
  ...[
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    26,
  ],
  ...[27, 28, 29, 30, 31, 32, 250, 251, 252, 253, 254, 255],
]
const TEXTS = [
  'select 1',
  'select email from people',
  'select ? from people',
  'people',
  'shop',
  '\0',
  "select '",
]

/** A packet that a client might send, or nearly. */
function packet(random: Random): Buffer {
  const command = Buffer.from([random.of(COMMANDS)])
  const body = random.of([
    () => Buffer.from(random.of(TEXTS)),
    () => Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256))),
    () => Buffer.from([1, 0, 0, 0, 0, 1, 0, 0, 0, random.below(256), random.below(256)]),
    () => Buffer.alloc(0),
  ])()
  const whole = framed(Buffer.concat([command, body]), random.chance(0.95) ? 0 : random.below(256))
  if (random.chance(0.05)) whole[random.below(4)] = random.below(256)
  return whole
}

const settled = (client: MysqlClient, ms: number) =>
  new Promise<void>(resolve => {
    const timer = setTimeout(resolve, ms)
    client.packets.socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })

async function stillServes(): Promise<void> {
  expect(gateway.alive()).toBe(true)
  const client = await open('real')
  const [answer] = await client.query('select id, email, name from people where id = 1')
  client.end()
  expect(answer?.rows[0]?.[2]).toBe('Name 1')
  expect(String(answer?.rows[0]?.[1])).not.toContain('canary')
}

test('before a login', { timeout: MOST_MS }, async () => {
  const random = new Random(SEED)
  const before = Math.ceil(PACKETS / 10)
  for (let at = 0; at < before; at += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(gateway.port, '127.0.0.1')
        socket.on('error', () => {}) // it is meant to be sent away
        const login = Buffer.alloc(32 + random.below(200))
        for (let i = 0; i < login.length; i++) login[i] = random.below(256)
        if (random.chance(0.7))
          login.writeUInt32LE(random.of([0x0fa685, 0x2fa685, 0x0fae85, 0x1bfa685]), 0)
        if (random.chance(0.5)) login.fill(0, 9, 32)
        socket.write(
          framed(
            random.chance(0.8) ? login : login.subarray(0, random.below(32)),
            random.chance(0.9) ? 1 : random.below(256),
          ),
        )
        socket.write(packet(random))
        await new Promise(resolve => {
          socket.on('close', resolve).resume()
          setTimeout(resolve, 150)
        })
        socket.destroy()
      }),
    )
  }
  await stillServes()
})

test('after a login', { timeout: MOST_MS }, async () => {
  const random = new Random(SEED + 1)
  let sent = 0
  while (sent < PACKETS) {
    const clients = await Promise.all(Array.from({ length: 4 }, () => open('real')))
    for (const client of clients) {
      const many = 1 + random.below(40)
      sent += many
      for (let i = 0; i < many; i++) client.packets.socket.write(packet(random))
    }
    await Promise.all(clients.map(client => settled(client, 120)))
    for (const client of clients) {
      expect(Buffer.concat(client.packets.received).toString('latin1')).not.toContain('canary')
      client.destroy()
    }
  }
  await stillServes()
})

test('in the place of a change of user, and around it', { timeout: MOST_MS }, async () => {
  const random = new Random(SEED + 3)
  const password = await issuer.token({ client: 'ana' })
  for (let sent = 0; sent < PACKETS / 4; sent += 4) {
    const clients = await Promise.all(Array.from({ length: 4 }, () => open('real')))
    for (const client of clients) {
      const plugin = random.of(['mysql_clear_password', 'caching_sha2_password', '', 'x'])
      const change = changeUserBody({ user: 'ana', password, database: 'real', plugin })
      client.packets.socket.write(
        Buffer.concat([
          ...(random.chance(0.3) ? [framed(Buffer.from('\x03select 1'), 0)] : []),
          spoilt(random, framed(change, 0)),
          // What is asked for next where nothing was spoilt: the password in the clear.
          ...(random.chance(0.7) ? [framed(Buffer.from(`${password}\0`), 2)] : []),
          framed(Buffer.from('\x03select email from people'), 0),
          packet(random),
        ]),
      )
    }
    await Promise.all(clients.map(client => settled(client, 60)))
    for (const client of clients) {
      expect(Buffer.concat(client.packets.received).toString('latin1')).not.toContain('canary')
      client.destroy()
    }
  }
  await stillServes()
})

test('from a server', { timeout: MOST_MS }, async () => {
  const random = new Random(SEED + 2)
  const questions = [
    'select id, email, name, n, d from people',
    'select email from people where id = 3',
    'select max(email), count(*) from people',
    'update people set n = 5 where id = 1',
    'select nothing',
    'select 1; select email from people; select 2',
  ]
  while (spoiled < PACKETS / 20) {
    spoil = undefined
    const clients = await Promise.all(Array.from({ length: 4 }, () => open('shop')))
    spoil = random
    await Promise.all(
      clients.map(async client => {
        for (let i = 0; i < 6 && !client.packets.ended; i++) {
          const question = random.of(questions)
          const asked = random.chance(0.5) ? client.query(question) : client.prepared(question)
          const inTime = await Promise.race([
            asked.then(
              () => true,
              () => false, // what does not decode is a result here
            ),
            new Promise<boolean>(resolve => setTimeout(() => resolve(false), 250)),
          ])
          if (!inTime) break
        }
        client.destroy()
      }),
    )
  }
  spoil = undefined
  await stillServes()
  const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8')
  expect(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(600_000)
})
