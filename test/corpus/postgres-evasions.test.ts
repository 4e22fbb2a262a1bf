// Attacks on the judgement of PostgreSQL sessions, against a real server: each tries to change or read what the
// session may not, by making the gateway judge something else than what runs. Seeded with the bypasses of
// the study of the reference product. A bypass that is found later is added here.
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AccessDenied } from '#model'
import { Frames } from '../../src/protocols/postgres/relay-doubles.ts'
import {
  bindFrame,
  closeFrame,
  executeFrame,
  flushFrame,
  parseFrame,
  queryFrame,
  syncFrame,
} from '../../src/protocols/postgres/relay-frames.ts'
import { type RelayListener, relayListener } from '../../src/protocols/postgres/relay-listener.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'

const INIT = `
  create table customers (id int primary key, email text);
  insert into customers select i, 'canary' || i || '@example.com' from generate_series(1, 20) i;
  create function purge() returns int language sql as 'delete from customers returning 1';
  grant all on customers to app;
  create table notes (v text);
  insert into notes values ('open');
  create schema "Ävault";
  create table "Ävault".notes (v text);
  create schema "vault${'0'.repeat(58)}";
  create table "vault${'0'.repeat(58)}".notes (v text);
  insert into "Ävault".notes values ('canary');
  insert into "vault${'0'.repeat(58)}".notes values ('canary');
  grant usage on schema "Ävault", "vault${'0'.repeat(58)}" to app;
  grant select on all tables in schema public, "Ävault", "vault${'0'.repeat(58)}" to app;
`

let pg: PostgresServer
let listener: RelayListener

beforeAll(async () => {
  pg = await startPostgres({ version: 15, init: INIT })
  listener = await relayListener(pg, {
    classes: [{ name: 'email', columns: ['*.email'], mask: 'redact' }],
    // Reading only. What is only prepared passes: Execute must be the gate.
    decide: ({ operations, phase }) => {
      if (phase === 'prepare') return undefined
      if (operations.some(({ object }) => /vault.*notes/.test(object.name))) {
        throw new AccessDenied('forbidden', 'that table is not permitted')
      }
      const bad = operations.find(
        ({ action, flags }) => !['read', 'connect'].includes(action) || flags.includes('dynamic'),
      )
      if (bad !== undefined) throw new AccessDenied('forbidden', `${bad.action} is not permitted`)
      return undefined
    },
  })
})

afterAll(async () => {
  await listener?.close()
  await pg?.stop()
  expect(listener?.bugs).toEqual([])
})

async function open(): Promise<{ frames: Frames; socket: Socket }> {
  const socket = connect(listener.port, '127.0.0.1')
  const frames = new Frames(socket)
  const startup = Buffer.from('\0\0\0\0\0\x03\0\0user\0x\0\0', 'latin1')
  startup.writeInt32BE(startup.length, 0)
  socket.write(startup)
  await frames.until('Z')
  return { frames, socket }
}

/** Sends all at once and reads until the server has answered a last, harmless query, or hung up. */
async function attack(...messages: Uint8Array[]): Promise<Buffer> {
  const { frames, socket } = await open()
  const seen: Buffer[] = []
  frames.send(...messages, syncFrame(), queryFrame('rollback'), queryFrame("select 'the end'"))
  try {
    for (;;) {
      const { frame } = await frames.next()
      seen.push(frame)
      if (frame.includes('the end')) break
    }
  } catch {
    // The session was ended: as good as refused.
  }
  socket.destroy()
  return Buffer.concat(seen)
}

async function unharmed(seen: Buffer): Promise<void> {
  expect(seen.toString()).not.toContain('canary')
  expect(await pg.query('select count(*)::int as n from customers')).toEqual([{ n: 20 }])
}

describe('one simple query', () => {
  test.each([
    ['a comment that ends at a carriage return', 'select 1 -- x\rdelete from customers'],
    ['the same with a semicolon', 'select 1 -- x\r; delete from customers'],
    ['a dollar in an identifier', 'select 1 as a$$; delete from customers; --$$'],
    ['the British spelling', 'explain analyse delete from customers'],
    ['an option in parentheses', 'explain (analyse) delete from customers'],
    ['a quoted option', 'explain ("analyze") delete from customers'],
    [
      'backslashes after turning strings',
      "select set_config('standard_conforming_strings','off',false); select 'a\\''; delete from customers; --'",
    ],
    [
      'backslashes after SET',
      "set standard_conforming_strings = off; select 'a\\''; delete from customers; --'",
    ],
    ['another encoding', "set client_encoding = 'SJIS'"],
    ['another encoding by name', "set names 'SJIS'"],
    [
      'a WITH that writes',
      'with x as materialized (delete from customers returning *) select count(*) from x',
    ],
    ['a function that writes', 'select purge()'],
    [
      'a function that reads by text',
      "select query_to_xml('select * from customers', true, true, '')",
    ],
    ['a function that reads by name', "select table_to_xml('customers', true, true, '')"],
    ['a program', "copy customers to program 'cat'"],
    ['a block', 'do $$ begin delete from customers; end $$'],
    ['a prepared statement in the same text', 'prepare p as delete from customers; execute p'],
    [
      'a prepared statement that is made again',
      'prepare p as select 1; deallocate p; prepare p as delete from customers; execute p',
    ],
    ['a rule', 'create rule r as on select to customers do instead delete from customers'],
    [
      'statistics',
      "select most_common_vals::text, histogram_bounds::text from pg_stats where tablename = 'customers'",
    ],
    ['a whole row', 'select customers from customers'],
    ['a row as json', 'select to_jsonb(c) from customers c'],
    ['an error that quotes', 'select email::int from customers'],
    ['a cast to xml in an error', 'select (email::xml) from customers'],
    [
      'a raised error by division',
      "select 1 / (case when email like 'canary%' then 0 else 1 end) from customers",
    ],
    ['COPY', 'copy customers to stdout'],
    ['COPY of a query', 'copy (select email || id from customers) to stdout'],
    ['COPY in binary', 'copy customers to stdout (format binary)'],
    [
      'the table of a cursor',
      'begin; declare c cursor for select email from customers; fetch all from c',
    ],
  ])('%s', async (_, text) => {
    await unharmed(await attack(queryFrame(text)))
  })
})

describe('names', () => {
  const del = 'delete from customers returning email'

  test('a redefinition that fails', async () => {
    await unharmed(
      await attack(
        parseFrame('s', del),
        syncFrame(),
        parseFrame('s', 'select 1'),
        syncFrame(),
        bindFrame('', 's'),
        executeFrame(),
      ),
    )
  })

  test('a redefinition that is skipped', async () => {
    await unharmed(
      await attack(
        parseFrame('', del),
        syncFrame(),
        parseFrame('x', 'select * from nowhere'),
        parseFrame('', 'select 1'),
        syncFrame(),
        bindFrame('', ''),
        executeFrame(),
      ),
    )
  })

  test('a Close that is skipped', async () => {
    await unharmed(
      await attack(
        parseFrame('s', del),
        syncFrame(),
        parseFrame('x', 'select * from nowhere'),
        closeFrame('S', 's'),
        syncFrame(),
        parseFrame('s', 'select 1'),
        syncFrame(),
        bindFrame('', 's'),
        executeFrame(),
      ),
    )
  })

  test('FETCH from a portal of the protocol', async () => {
    await unharmed(
      await attack(
        queryFrame('begin'),
        parseFrame('', del),
        bindFrame('c', ''),
        flushFrame(),
        syncFrame(),
        queryFrame('fetch all from c'),
        queryFrame('commit'),
      ),
    )
  })

  test('MOVE in a portal of the protocol', async () => {
    await unharmed(
      await attack(
        queryFrame('begin'),
        parseFrame('', del),
        bindFrame('c', ''),
        syncFrame(),
        queryFrame('move all in c'),
        queryFrame('commit'),
      ),
    )
  })

  test('a portal behind a savepoint', async () => {
    await unharmed(
      await attack(
        queryFrame('begin'),
        parseFrame('', del),
        bindFrame('p', ''),
        syncFrame(),
        queryFrame('savepoint s'),
        parseFrame('', 'select 1'),
        bindFrame('p', ''),
        syncFrame(),
        queryFrame('rollback to s'),
        executeFrame('p'),
        syncFrame(),
        queryFrame('commit'),
      ),
    )
  })

  test('EXECUTE of a statement of the protocol', async () => {
    await unharmed(await attack(parseFrame('s', del), syncFrame(), queryFrame('execute s')))
  })

  test('Bind of a statement of SQL, pipelined', async () => {
    await unharmed(
      await attack(
        parseFrame('s', 'select 1'),
        syncFrame(),
        queryFrame('deallocate s'),
        queryFrame(`prepare s as ${del}`),
        bindFrame('', 's'),
        executeFrame(),
      ),
    )
  })

  test('a simple query drops the unnamed statement', async () => {
    await unharmed(
      await attack(
        parseFrame('', 'select 1'),
        syncFrame(),
        queryFrame('select 2'),
        bindFrame('', ''),
        executeFrame(),
      ),
    )
  })

  test('EXECUTE through a portal whose name was prepared anew', async () => {
    await unharmed(
      await attack(
        queryFrame('prepare p as select id::text from customers'),
        parseFrame('e', 'execute p'),
        syncFrame(),
        bindFrame('', 'e'),
        executeFrame(),
        syncFrame(),
        queryFrame('deallocate p'),
        queryFrame('prepare p as select email from customers'),
        bindFrame('', 'e'),
        executeFrame(),
      ),
    )
  })
})

// A server compares the first 63 bytes of a name: two longer ones of the same beginning are one.
describe('names that are one to the server', () => {
  const del = 'delete from customers returning email'
  const long = 'n'.repeat(63)

  test('a Close by another name drops the statement, a Parse by another name makes it anew', async () => {
    await unharmed(
      await attack(
        parseFrame(`${long}1`, 'select id::text from customers'),
        syncFrame(),
        closeFrame('S', `${long}2`),
        parseFrame(`${long}2`, del),
        syncFrame(),
        bindFrame('', `${long}1`),
        executeFrame(),
      ),
    )
  })

  test('the same with expressions that only lineage knows', async () => {
    await unharmed(
      await attack(
        parseFrame(`${long}1`, 'select lower(id::text) from customers'),
        closeFrame('S', `${long}2`),
        parseFrame(`${long}2`, 'select lower(email) from customers'),
        bindFrame('', `${long}1`),
        executeFrame(),
      ),
    )
  })

  test('a portal that is another one', async () => {
    await unharmed(
      await attack(
        parseFrame('shown', 'select id::text from customers'),
        parseFrame('hidden', del),
        bindFrame(`${long}1`, 'shown'),
        closeFrame('P', `${long}2`),
        bindFrame(`${long}2`, 'hidden'),
        executeFrame(`${long}1`),
      ),
    )
  })

  test('a name that DEALLOCATE and PREPARE cut, as all names in SQL are cut', async () => {
    await unharmed(
      await attack(
        parseFrame(`${long}1`, 'select lower(id::text) from customers'),
        syncFrame(),
        queryFrame(`deallocate "${long}2"`),
        queryFrame(`prepare "${long}3" as select lower(email) from customers`),
        bindFrame('', `${long}1`),
        executeFrame(),
      ),
    )
  })

  test.each(['é', '€', '😀'])('PREPARE cuts no character in two: %s', async letter => {
    for (const most of [60, 61, 62, 63]) {
      const name = 'n'.repeat(most)
      await unharmed(
        await attack(
          parseFrame(name, 'select lower(id::text) from customers'),
          syncFrame(),
          queryFrame(`deallocate "${name}${letter}x"`),
          queryFrame(`prepare "${name}${letter}y" as select lower(email) from customers`),
          bindFrame('', name),
          executeFrame(),
        ),
      )
    }
  })

  test('63 bytes are a name like any other', async () => {
    const name = `${'n'.repeat(61)}é`
    const seen = await attack(
      parseFrame(name, "select 'answered'"),
      bindFrame(name, name),
      executeFrame(name),
      closeFrame('P', name),
      closeFrame('S', name),
    )
    expect(seen.toString()).toContain('answered')
    expect(seen.toString()).not.toContain('reason:')
  })

  test('a longer one is refused with a word on what to do, and the session goes on', async () => {
    const seen = await attack(parseFrame(`${long}1`, 'select 1'))
    expect(seen.toString()).toContain('reason: statement_unsupported')
    expect(seen.toString()).toContain('Give it a shorter name')
    expect(seen.toString()).toContain('the end')
  })
})

// Of two tables of one name the path says which is meant. Public's may be read, the vaults' may not.
describe('a path that the server reads otherwise', () => {
  const vault = `vault${'0'.repeat(58)}`

  test.each([
    [
      'a letter that is folded in some encodings',
      "set_config('search_path', 'Ävault, public', false)",
    ],
    ['a name that is cut', `set_config('search_path', '${vault}0, public', false)`],
    ['a quoted name that is cut', `set_config('search_path', '"${vault}0", public', false)`],
  ])('%s', async (_, call) => {
    await unharmed(
      await attack(
        queryFrame(`select ${call}`),
        queryFrame('select v from notes'),
        queryFrame('select upper(v) from notes'),
      ),
    )
  })

  test.each([
    ['a literal that is cut', `set search_path = '${vault}0', public`],
    ['an identifier that is cut', `set search_path = ${vault}0, public`],
    ['a letter beyond ASCII', 'set search_path = Ävault, public'],
  ])('SET: %s', async (_, text) => {
    await unharmed(await attack(queryFrame(text), queryFrame('select v from notes')))
  })
})

describe('frames', () => {
  test('a function call', async () => {
    await unharmed(await attack(Buffer.from([0x46, 0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])))
  })

  test('a second startup packet', async () => {
    const { frames, socket } = await open()
    socket.write(Buffer.from('\0\0\0\x08\x04\xd2\x16\x2f', 'latin1'))
    expect((await frames.next()).type).toBe('E')
    socket.destroy()
  })

  test('a length that wraps around 32 bits', async () => {
    const tail = Buffer.from(queryFrame('delete from customers'))
    await unharmed(await attack(Buffer.concat([Buffer.from([0x51, 0, 0, 0, 3]), tail])))
    await unharmed(await attack(Buffer.concat([Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]), tail])))
  })

  test('a text behind a NUL', async () => {
    const text = Buffer.from('select 1\0; delete from customers\0')
    const frame = Buffer.alloc(5 + text.length)
    frame[0] = 0x51
    frame.writeInt32BE(4 + text.length, 1)
    text.copy(frame, 5)
    await unharmed(await attack(frame))
  })

  test('COPY data that holds a statement', async () => {
    await unharmed(
      await attack(
        Buffer.from([0x64, 0, 0, 0, 6, 0x61, 0x0a]),
        queryFrame('delete from customers'),
      ),
    )
  })
})
