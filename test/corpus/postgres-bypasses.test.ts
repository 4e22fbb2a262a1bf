// Bypasses that were found in other gateways and poolers, by the number of their row in test/corpus/README.md, against
// the gateway as its users run it. Rows that stand in the other files of this folder are not repeated here.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTyped } from '../../src/protocols/postgres/messages.ts'
import {
  bindFrame,
  describeFrame,
  executeFrame,
  parseFrame,
  queryFrame,
  syncFrame,
} from '../../src/protocols/postgres/relay-frames.ts'
import { type Stage, startStage } from '../e2e/stage.ts'
import { type Answer, askAll } from '../leaks/wire.ts'

const POLICIES = {
  'shop.cedar': `
@id("reading")
permit (principal, action in [Action::"connect", Action::"read"], resource in Resource::"shop");
@id("dba-writes")
permit (principal in Group::"dba", action == Action::"write", resource in Resource::"shop");
@id("not-that-value")
forbid (principal, action, resource) when { context has parameters && context.parameters.contains("evil") };
`,
}
// The first customer of the made-up shop.
const SSN = '912-54-7610'
const SSL_REQUEST = Buffer.from('\0\0\0\x08\x04\xd2\x16\x2f', 'latin1')

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    version: 15,
    policies: POLICIES,
    dataClasses: { ssn: { columns: ['*.ssn'], mask: 'redact' } },
    gateway: { allowPlaintext: true },
    settings: { limits: { messageBytes: '4MiB', loginMs: 3000 } },
    init: `create function purge() returns int language sql as 'delete from customers returning 1';
      create function emptied(text) returns boolean language plpgsql as 'begin delete from customers; return true; end';
      create domain bait as text check (emptied(value));
      create table lured (id int, name text);
      create policy lure on lured using (emptied(name)); alter table lured enable row level security;
      alter table lured force row level security; insert into lured values (1, 'x');`,
  })
})
afterAll(() => stage?.stop())

async function ask(client: string, ...frames: Uint8Array[]): Promise<Answer> {
  const target = { port: stage.gateway.port, user: client, database: 'shop' }
  const questions = [{ frames, ready: frames.filter(frame => 'QS'.includes(typeOf(frame))).length }]
  const [answer] = await askAll({ ...target, password: await stage.token(client) }, questions)
  if (answer === undefined) throw new Error('no answer')
  return answer
}

function typeOf(frame: Uint8Array): string {
  return String.fromCharCode(frame[0] ?? 0)
}

function startup(values: Record<string, string>): Buffer {
  const body = Buffer.from(
    `${Object.entries(values)
      .map(([name, value]) => `${name}\0${value}\0`)
      .join('')}\0`,
  )
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, body])
}

/** What a bare socket gets until it is closed or silent. */
async function knock(...chunks: (Buffer | string)[]): Promise<{ seen: string; closed: boolean }> {
  const socket: Socket = connect(stage.gateway.port, '127.0.0.1')
  let seen = ''
  let closed = false
  socket.on('data', chunk => {
    seen += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    closed = true
  })
  await once(socket, 'connect')
  for (const chunk of chunks) {
    socket.write(chunk)
    await new Promise(resolve => setTimeout(resolve, 150))
  }
  for (let waited = 0; waited < 600 && !closed; waited++) {
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  socket.destroy()
  return { seen, closed }
}

function codesOf({ frames }: Answer): string[] {
  return frames
    .filter(({ type }) => type === 'E')
    .map(({ body }) => /\0C(\w{5})\0/.exec(body.toString('latin1'))?.[1] ?? '')
}

async function count(): Promise<unknown> {
  return (await stage.server.query('select count(*)::int as n from customers'))[0]
}

describe('the study of the reference product', () => {
  test.each([
    'select purge()',
    "select query_to_xml('delete from customers returning 1', true, true, '')",
    'select lo_unlink(1)',
    'select pg_terminate_backend(pg_backend_pid())',
    "select pg_reload_conf(), pg_read_file('PG_VERSION')",
  ])('S8: a select that does more than read: %s', async text => {
    const answer = await ask('ana', queryFrame(text))
    expect(codesOf(answer)).toEqual(['42501'])
    expect(answer.ended).toBe(false)
    expect(await count()).toEqual({ n: 300 })
  })

  test('S8: what a table runs by itself: a row policy that deletes', async () => {
    const answer = await ask('ana', queryFrame('select id from lured'))
    expect(codesOf(answer)).toEqual(['42501'])
    expect(await count()).toEqual({ n: 300 })
  })

  test('S8: a parameter of a domain whose check deletes, which a Bind would run', async () => {
    const [found] = await stage.server.query("select 'bait'::regtype::oid as oid")
    const answer = await ask(
      'ana',
      parseTyped('select 1 where $1 is null', [Number(found?.['oid'])]),
      bindFrame('', '', ['x']),
      executeFrame(''),
      syncFrame(),
    )
    expect(codesOf(answer)).toEqual(['42501'])
    expect(await count()).toEqual({ n: 300 })
  })

  test.each(['set role postgres', 'set session authorization postgres', 'set local role none'])(
    'S10: another identity: %s',
    async text => {
      const answer = await ask('ana', queryFrame(text), queryFrame('select current_user'))
      expect(codesOf(answer)).toEqual(['42501'])
      expect(answer.bytes.toString()).toContain('app')
    },
  )

  test('S12: bound values are judged, and each Execute anew', async () => {
    const answer = await ask(
      'ana',
      parseFrame('s', 'select id from customers where name = $1'),
      bindFrame('', 's', ['good']),
      executeFrame(''),
      syncFrame(),
      bindFrame('', 's', ['evil']),
      executeFrame(''),
      syncFrame(),
      bindFrame('', 's', ['good']),
      executeFrame(''),
      syncFrame(),
    )
    const ends = answer.frames.filter(({ type }) => 'CE'.includes(type)).map(({ type }) => type)
    expect(ends).toEqual(['C', 'E', 'C'])
  })

  test.each([5, 65])('S13: a query of %i MiB that deletes is not forwarded', async mebibytes => {
    const text = `delete from customers -- ${'x'.repeat(mebibytes << 20)}`
    const answer = await ask('dora', queryFrame(text)).catch(() => undefined)
    expect(answer?.ended ?? true).toBe(true)
    expect(await count()).toEqual({ n: 300 })
  })

  test('S14: a prepared statement that is executed again, and described by nobody', async () => {
    const run = [bindFrame('', 's'), executeFrame(''), syncFrame()]
    const answer = await ask(
      'ana',
      parseFrame('s', 'select ssn from customers where id = 1'),
      describeFrame('S', 's'),
      ...run,
      ...run,
      queryFrame('select 1'),
      ...run,
    )
    expect(answer.bytes.toString()).not.toContain(SSN)
    expect(answer.bytes.toString().match(/m:ssn/g)).toHaveLength(3)
  })
})

describe('the catalogue of peers', () => {
  test('P15: messages that a session has no use for are refused', async () => {
    for (const type of ['F', 'W', 'U', 'B', '\0', 'p']) {
      const frame = Buffer.from(`${type}\0\0\0\x08root`, 'latin1')
      const answer = await ask('ana', frame, syncFrame())
      expect(answer.ended || codesOf(answer).length > 0, `message ${type}`).toBe(true)
    }
  })

  test.each([
    'shop host=127.0.0.2',
    'shop?host=/tmp',
    'shop sslmode=disable',
    "shop' or '1'='1",
    'shop/../postgres',
    'postgres://x@127.0.0.2/shop',
    'template1',
  ])('P16: a database is a name, and no part of an address: %s', async database => {
    const target = { port: stage.gateway.port, user: 'ana', password: await stage.token('ana') }
    await expect(
      askAll({ ...target, database }, [{ frames: [queryFrame('select 1')], ready: 1 }]),
    ).rejects.toThrow(/no session: .*(resource_unknown|08004)/)
  })

  test('P16: a user is a name, and no part of an address', async () => {
    const password = await stage.token('ana')
    const user = 'x@127.0.0.2:1/postgres?options=-crole=postgres'
    const target = { port: stage.gateway.port, user, password, database: 'shop' }
    const [answer] = await askAll(target, [{ frames: [queryFrame('select user')], ready: 1 }])
    expect(answer?.bytes.toString()).toContain('app')
  })

  test('P17: a bound value is never made part of a text', async () => {
    const value = "'); delete from customers; --"
    const answer = await ask(
      'dora',
      parseFrame('', 'select $1::text as value, -$2::int as number'),
      bindFrame('', '', [value, '-1']),
      executeFrame(''),
      syncFrame(),
    )
    expect(answer.bytes.toString()).toContain(value)
    expect(await count()).toEqual({ n: 300 })
  })

  test.each([-1, 0, 3, 0x7fffffff])('P17: a length of %i ends the session', async length => {
    const frame = Buffer.from('Q\0\0\0\0delete from customers\0', 'latin1')
    frame.writeInt32BE(length, 1)
    const answer = await ask('dora', Buffer.concat([frame, queryFrame('delete from customers')]))
    expect(answer.ended).toBe(true)
    expect(await count()).toEqual({ n: 300 })
  })

  test('P18: what comes with the request for TLS is not taken for what came within it', async () => {
    const hello = startup({ user: 'ana', database: 'shop' })
    const { seen, closed } = await knock(Buffer.concat([SSL_REQUEST, hello]))
    expect(closed).toBe(true)
    expect(seen).not.toContain('R\0\0\0')
  })

  test('P19: a second startup packet in place of the password', async () => {
    const hello = startup({ user: 'ana', database: 'shop' })
    const { seen, closed } = await knock(hello, startup({ user: 'dora', database: 'shop' }))
    expect(closed).toBe(true)
    expect(seen).not.toContain('R\0\0\0\x08\0\0\0\0')
  })

  test.each(['-c=', '-c', '-c =', '--=', '-crole=postgres', '-c session_authorization=postgres'])(
    'P19: the options %s',
    async options => {
      const { seen, closed } = await knock(startup({ user: 'ana', database: 'shop', options }))
      expect(closed).toBe(true)
      expect(seen.startsWith('E')).toBe(true)
    },
  )

  test('P22: a transaction that is ended by the text that it should hold', async () => {
    for (const text of [
      'commit; drop table customers',
      'begin read only; commit; delete from customers',
    ]) {
      const answer = await ask('ana', queryFrame('begin read only'), queryFrame(text))
      expect(codesOf(answer)).toEqual(['42501'])
    }
    expect(await count()).toEqual({ n: 300 })
  })

  test('P23: a refusal comes in its turn, and the session goes on', async () => {
    const answer = await ask(
      'ana',
      queryFrame("select 'first'"),
      queryFrame('delete from customers'),
      queryFrame("select 'second'"),
      parseFrame('', 'delete from customers'),
      bindFrame('', ''),
      executeFrame(''),
      syncFrame(),
      queryFrame("select 'third'"),
    )
    const told = answer.frames.filter(({ type }) => 'DE'.includes(type))
    expect(told.map(({ type }) => type)).toEqual(['D', 'E', 'D', 'E', 'D'])
    expect(answer.ended).toBe(false)
    expect(await count()).toEqual({ n: 300 })
  })

  test('P23: a text that nobody can read is refused', async () => {
    const answer = await ask(
      'dora',
      queryFrame('delete from customers where id = '),
      queryFrame('delete fromm customers'),
    )
    expect(codesOf(answer)).toHaveLength(2)
    expect(await count()).toEqual({ n: 300 })
  })
})
