// A MySQL server, or whoever sits in its place, that answers what was not asked, to the gateway as it runs. No message
// brings a classed value past its mask or a file of anybody's to it; the session ends at worst, never the process.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Issuer, startIssuer } from '../../demo/index.ts'
import { mysqlResource } from '../e2e/mysql-stage.ts'
import { allowAllButSeeing } from '../leaks/mysql/policies.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { type Answer, openMysql } from '../servers/mysql-client.ts'
import { FLAGS, framed, lenencText } from '../servers/mysql-packets.ts'
import {
  columnPacket,
  errorPacket,
  type Side,
  type StandIn,
  startStandIn,
} from '../servers/mysql-stand-in.ts'

const CANARY = 'canary.person@example.com'
let behind: MariadbServer
let standIn: StandIn
let issuer: Issuer
let gateway: RunningGateway
/** What the gateway agreed on with the server, for each command that was hostile. */
const agreed: number[] = []

beforeAll(async () => {
  behind = await startMariadb({
    database: 'shop',
    init: `create table people (id int primary key, email varchar(80), name varchar(80));
      insert into people values (1, '${CANARY}', 'Ann');`,
  })
  standIn = await startStandIn({
    behind,
    accounts: { app: { password: behind.password } },
    localFiles: true,
    command: (side, body) => {
      const name = /hostile ([a-z0-9 ]+)'/.exec(body.toString('latin1'))?.[1]
      const script = name === undefined ? undefined : scripts[name]
      if (script === undefined) return false
      agreed.push(side.flags)
      script(side)
      return true
    },
  })
  issuer = await startIssuer()
  gateway = await startGateway({
    issuers: [issuerEntry(issuer.url)],
    // Whoever may load a file is asked for none by any of this.
    resources: [resource('shop', { localInfile: true }), resource('plain', {})],
    policies: allowAllButSeeing,
    dataClasses: { email: { columns: ['*.email'], mask: 'redact' } },
    env: { UPSTREAM_PASSWORD: behind.password },
    listener: 'mysql',
  })
})
const resource = (name: string, more: object) =>
  mysqlResource(
    name,
    { port: standIn.port, user: 'app', database: 'shop' },
    {},
    { tls: 'verify-ca', ca: readFileSync(standIn.ca, 'utf8'), ...more },
  )
afterAll(async () => {
  await gateway?.remove()
  await issuer?.stop()
  await standIn?.stop()
  await behind?.stop()
})

const text = (body: string) => Buffer.from(body, 'latin1')
const row = (...cells: string[]) => Buffer.concat(cells.map(lenencText))
/** The end of columns (where both still tell it) is not told: the stand-in and the gateway agreed so. */
const end = (flags = 2, info = '') =>
  Buffer.concat([Buffer.from([0xfe, 0, 0, flags, 0, 0, 0]), lenencText(info)])
const ok = (flags: number, more: Uint8Array = lenencText('')) =>
  Buffer.concat([Buffer.from([0, 0, 0, flags & 0xff, flags >> 8, 0, 0]), more])
const send = (side: Side, ...bodies: Uint8Array[]) => {
  for (const body of bodies) side.packets.write(body)
}
const two = (): Uint8Array[] => [
  Buffer.from([2]),
  columnPacket('email', 'people'),
  columnPacket('x'),
]

const scripts: Readonly<Record<string, (side: Side) => void>> = {
  'other names of columns': side =>
    send(
      side,
      Buffer.from([2]),
      columnPacket('id', 'people'),
      columnPacket('x'),
      row(CANARY, 'x'),
      end(),
    ),
  'columns of another table': side =>
    send(
      side,
      Buffer.from([2]),
      columnPacket('x', 'other'),
      columnPacket('y'),
      row(CANARY, 'x'),
      end(),
    ),
  'names that hold the value': side =>
    send(side, Buffer.from([2]), columnPacket(CANARY), columnPacket('x'), row('a', 'x'), end()),
  'a column more': side =>
    send(
      side,
      Buffer.from([3]),
      ...two().slice(1),
      columnPacket('z'),
      row('a', 'x', CANARY),
      end(),
    ),
  'a column less': side => send(side, Buffer.from([1]), columnPacket('x'), row(CANARY), end()),
  'a cell more': side => send(side, ...two(), row('a', 'x', CANARY), end()),
  'a cell less': side => send(side, ...two(), row(CANARY), end()),
  'a row that goes on': side =>
    send(side, ...two(), Buffer.concat([row('a', 'x'), text(CANARY)]), end()),
  'a cell that is longer than its row': side =>
    send(side, ...two(), Buffer.concat([text('\xfd\xff\xff\x00'), text(CANARY)]), end()),
  'a length of eight bytes': side =>
    send(
      side,
      ...two(),
      Buffer.concat([text('\xfe\xff\xff\xff\xff\xff\xff\xff\x7f'), text(CANARY)]),
      end(),
    ),
  'a length that is none': side =>
    send(side, ...two(), Buffer.concat([text('\xff'), text(CANARY)]), end()),
  'a binary row': side =>
    send(side, ...two(), Buffer.concat([Buffer.from([0, 0]), row('x', CANARY)]), end()),
  'rows without columns': side => send(side, row(CANARY, 'x'), end()),
  'two results for one question': side =>
    send(
      side,
      ...two(),
      row('a', 'x'),
      end(10),
      Buffer.from([1]),
      columnPacket('z'),
      row(CANARY),
      end(),
    ),
  'an error in the middle of rows': side =>
    send(
      side,
      ...two(),
      row('a', 'x'),
      errorPacket(1366, 'HY000', `Incorrect integer value: '${CANARY}'`),
    ),
  'an error that quotes': side =>
    send(side, errorPacket(1062, '23000', `Duplicate entry '${CANARY}' for key 'x'`)),
  'an error of no state': side =>
    send(side, Buffer.concat([Buffer.from([0xff, 0x14, 0x04]), text(CANARY)])),
  'an error of sixty kilobytes': side =>
    send(side, errorPacket(1105, 'HY000', CANARY.repeat(2_500))),
  'an ok with words': side => send(side, ok(2, lenencText(CANARY))),
  'an ok that tells of the session': side =>
    send(
      side,
      ok(
        0x4002,
        Buffer.concat([
          lenencText(''),
          lenencText(
            Buffer.concat([
              Buffer.from([0]),
              lenencText(Buffer.concat([lenencText('x'), lenencText(CANARY)])),
            ]),
          ),
        ]),
      ),
    ),
  'an end with words': side => send(side, ...two(), row('a', 'x'), end(2, CANARY)),
  'a file of ours': side => send(side, text('\xfb/etc/passwd')),
  'a file in the middle': side => send(side, ...two(), row('a', 'x'), text('\xfb/etc/passwd')),
  'a file with a name of its own': side =>
    send(side, text('\xfbhostile a file with a name of its own\0/etc/passwd')),
  'a file behind an ok': side => send(side, ok(10), text('\xfbhostile a file behind an ok')),
  'a file twice': side => {
    send(side, text('\xfbhostile a file twice'))
    side.packets.socket.write(framed(text('\xfb/etc/passwd'), 2))
    side.packets.socket.write(framed(text('\xfb/etc/passwd'), 3))
  },
  'a file before the question': side => {
    send(side, ok(2))
    side.packets.socket.write(framed(text('\xfb/etc/passwd'), 1))
  },
  'a file that it does not read': side => {
    send(side, text('\xfbhostile a file that it does not read'))
    side.packets.socket.pause()
  },
  'the very file': side => send(side, text('\xfbhostile the very file')),
  'another number': side => side.packets.write(row(CANARY), 77),
  'the first number again': side => {
    send(side, ...two())
    side.packets.write(row(CANARY, 'x'), 1)
    send(side, end())
  },
  'more after the end': side => {
    send(side, ...two(), row('a', 'x'), end())
    side.packets.socket.write(framed(row(CANARY, 'x'), 6))
  },
  'an answer to the next question': side => {
    send(side, ok(2))
    side.packets.write(Buffer.from([1]), 1)
    send(side, columnPacket('z'), row(CANARY), end())
  },
  'a login again': side => send(side, text(`\xfemysql_clear_password\0${CANARY}`)),
  'a proof again': side => send(side, text(`\x01\x04${CANARY}`)),
  'no columns at all': side => send(side, text('\xfc\x00\x00'), row(CANARY), end()),
  'columns without an end': side => {
    send(side, text('\xfd\xff\xff\x7f'))
    const timer = setInterval(() => {
      for (let i = 0; i < 100; i++) send(side, columnPacket('c'.repeat(200)))
    }, 2)
    side.packets.socket.on('close', () => clearInterval(timer))
  },
  'rows without an end': side => {
    send(side, ...two())
    const timer = setInterval(() => {
      for (let i = 0; i < 20; i++) send(side, row('a'.repeat(30_000), 'x'))
    }, 2)
    side.packets.socket.on('close', () => clearInterval(timer))
  },
  'results without an end': side => {
    const timer = setInterval(() => {
      for (let i = 0; i < 100; i++) send(side, ok(10))
    }, 2)
    side.packets.socket.on('close', () => clearInterval(timer))
  },
  'a packet without an end': side => {
    send(side, ...two())
    const timer = setInterval(() => side.packets.socket.write(Buffer.alloc(200_000, 97)), 2)
    side.packets.socket.write(text('\xff\xff\xff\x04'))
    side.packets.socket.on('close', () => clearInterval(timer))
  },
  'an empty packet': side => send(side, Buffer.alloc(0)),
  'a column that is cut': side =>
    send(side, Buffer.from([2]), columnPacket('email').subarray(0, 15), row(CANARY, 'x')),
  'a column of a megabyte': side =>
    send(
      side,
      Buffer.from([2]),
      columnPacket('n'.repeat(1_000_000)),
      columnPacket('x'),
      row(CANARY, 'x'),
      end(),
    ),
  'a type that is none': side => {
    const odd = Buffer.from(columnPacket('email', 'people'))
    odd[odd.length - 6] = 0xc8
    send(side, Buffer.from([2]), odd, columnPacket('x'), row(CANARY, 'x'), end())
  },
  'its leaving': side => side.packets.socket.destroy(),
  'half an answer': side => {
    send(side, ...two())
    side.packets.socket.end(text('\x20\x00\x00\x04half'))
  },
}

/** What came until the answer was whole, the session over, or so long had passed. */
async function ask(name: string, mode: 'text' | 'binary') {
  const client = await openMysql({
    port: gateway.port,
    user: 'ana',
    password: await issuer.token({ client: 'ana' }),
    database: 'shop',
    flags: FLAGS.multiStatements | FLAGS.localFiles,
  })
  const question = `select email, 'hostile ${name}' as x from people`
  const asked: Promise<readonly Answer[]> =
    mode === 'text' ? client.query(question) : client.prepared(question)
  // Endless answers are cut by us: what counts is what came by then.
  await Promise.race([asked.catch(() => []), new Promise(resolve => setTimeout(resolve, 700))])
  const next = client.packets.ended
    ? []
    : await Promise.race([
        client.query('select 1').catch(() => []),
        new Promise<never[]>(resolve => setTimeout(() => resolve([]), 300)),
      ])
  client.destroy()
  return { received: Buffer.concat(client.packets.received), sent: standIn.commands.join(), next }
}

/** Words that a server says for itself, about no column: names, notes, errors of codes that quote nothing. */
const its = ['names that hold the value', 'an error of no state', 'an ok with words']

describe.each(['text', 'binary'] as const)('in %s, a server that answers with', mode => {
  test.each(Object.keys(scripts))('%s', async name => {
    const { received, sent } = await ask(name, mode)
    if (!its.includes(name)) expect(received.toString('latin1')).not.toContain('canary')
    expect(sent).not.toContain('root:')
    expect(received.toString('latin1')).not.toContain('passwd')
    expect(gateway.alive()).toBe(true)
  })
})

describe('a text that names a file', () => {
  const asking = async (database: string, name: string, flags: number) => {
    agreed.length = 0
    const password = await issuer.token({ client: 'ana' })
    const who = { port: gateway.port, user: 'ana', password, database, flags }
    const client = await openMysql(who)
    const text = `load data local infile 'hostile ${name}' into table people (id, name)`
    const [answer] = await client.query(text).catch(() => [])
    client.destroy()
    const received = Buffer.concat(client.packets.received).toString('latin1')
    return { answer, received, agreed: agreed.map(each => each & FLAGS.localFiles) }
  }

  test.each([
    'a file of ours',
    'a file with a name of its own',
    'a file in the middle',
    'a file behind an ok',
    'a file twice',
    'a file before the question',
  ])('is answered by %s: no other one is asked for', async name => {
    const { answer, received, agreed } = await asking('shop', name, FLAGS.localFiles)
    expect(agreed).toEqual([FLAGS.localFiles])
    expect(received).not.toContain('passwd')
    expect(received.split(`\xfbhostile ${name}`).length).toBeLessThanOrEqual(2)
    expect(answer?.wantsFile ?? `hostile ${name}`).toBe(`hostile ${name}`)
    expect(gateway.alive()).toBe(true)
  })

  test('is kept waiting while the server reads none of it: the gateway does not hold it', async () => {
    const password = await issuer.token({ client: 'ana' })
    const who = { port: gateway.port, user: 'ana', password, database: 'shop' }
    const client = await openMysql({ ...who, flags: FLAGS.localFiles })
    const load =
      "load data local infile 'hostile a file that it does not read' into table people (id, name)"
    client.packets.command(Buffer.concat([Buffer.of(3), Buffer.from(load)]))
    const { body } = await client.packets.read()
    expect(body[0]).toBe(0xfb)
    const before = memoryOf(gateway.pid)
    const piece = Buffer.alloc(8 << 20, 'x')
    for (let count = 0; count < 24; count++) client.packets.write(piece)
    await new Promise(resolve => setTimeout(resolve, 1_500))
    // All but what the sockets between hold has stayed with the client.
    expect(client.packets.socket.writableLength).toBeGreaterThan(150 << 20)
    expect(memoryOf(gateway.pid) - before).toBeLessThan(60_000)
    client.destroy()
  })

  test('is asked for by an honest answer, which is let through once', async () => {
    const { answer } = await asking('shop', 'the very file', FLAGS.localFiles)
    expect(answer?.wantsFile).toBe('hostile the very file')
  })

  test('does not reach the server where the resource or the client does not have it', async () => {
    for (const [database, flags] of [
      ['plain', FLAGS.localFiles],
      ['shop', 0],
    ] as const) {
      const { answer, agreed } = await asking(database, 'a file of ours', flags)
      expect(answer?.error?.code).toBe(1235)
      expect(agreed).toEqual([])
    }
  })

  test('is offered to no server where the resource or the client does not have it', async () => {
    for (const [database, flags] of [
      ['plain', FLAGS.localFiles],
      ['shop', 0],
    ] as const) {
      agreed.length = 0
      const password = await issuer.token({ client: 'ana' })
      const client = await openMysql({ port: gateway.port, user: 'ana', password, database, flags })
      const [answer] = await client.query("select email, 'hostile a file of ours' as x from people")
      client.destroy()
      expect(agreed.map(each => each & FLAGS.localFiles)).toEqual([0])
      expect(answer?.wantsFile).toBeUndefined()
    }
  })
})

test('after all of that the gateway serves as before, and has not grown much', async () => {
  const client = await openMysql({
    port: gateway.port,
    user: 'ana',
    password: await issuer.token({ client: 'ana' }),
    database: 'shop',
  })
  const [answer] = await client.query('select id, email, name from people')
  client.end()
  expect(answer?.error).toBeUndefined()
  expect(answer?.rows[0]?.[2]).toBe('Ann')
  expect(answer?.rows[0]?.[1]).not.toContain('canary')
  expect(memoryOf(gateway.pid)).toBeLessThan(600_000)
})

/** In KiB. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
