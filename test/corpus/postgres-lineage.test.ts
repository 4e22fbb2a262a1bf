// Attacks on masking in PostgreSQL sessions, against a real server: each tries to bring a classed value out by another
// name, form, moment or message than the gateway looks at. A leak that is found later is added here.
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Frames } from '../../src/protocols/postgres/relay-doubles.ts'
import {
  bindFrame,
  closeFrame,
  describeFrame,
  executeFrame,
  flushFrame,
  parseFrame,
  queryFrame,
  syncFrame,
} from '../../src/protocols/postgres/relay-frames.ts'
import { type RelayListener, relayListener } from '../../src/protocols/postgres/relay-listener.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts'

const INIT = `
  create table people (id int, label text, doc jsonb);
  insert into people values (1, 'plain', '{"a": 1}');
  create schema hidden;
  create table hidden.people (id int, label text, doc jsonb);
  insert into hidden.people values (1, 'canary one', '{"a": "canary two"}');
  create table customers (id int primary key, secret text, tags text[], extra jsonb, code char(12),
    raw bytea, unique (secret) deferrable initially deferred);
  insert into customers select i, 'canary' || i, array['canary' || i], jsonb_build_object('k', 'canary' || i),
    'canary' || i, 'canary'::bytea from generate_series(1, 9) i;
  create table loose (id int, words text[], doc jsonb, pair text);
  insert into loose values (1, array['canary@example.com'], '{"m": "canary@example.com"}', 'canary@example.com');
  create domain word as text;
  create view shown as select id, secret as w, 'x' || secret as made, id || ':' as other from customers;
  create table kid (more text) inherits (customers);
  insert into kid (id, secret, code) values (99, 'canary of a kid', 'canary');
  create function shout(text) returns text language plpgsql as
    $$ begin raise notice 'it is %', $1; raise exception using message = 'no', column = $1, constraint = $1; end $$;
  create function tell(text) returns text language plpgsql as $$ begin perform pg_notify('news', $1); return 'told'; end $$;
  create function settle(text) returns text language plpgsql as
    $$ begin perform set_config('application_name', $1, false); return 'settled'; end $$;
  create table base (id int, note text);
  create table leaf () inherits (base);
  create table leaflet () inherits (leaf);
  create table other_leaf () inherits (base);
  insert into base values (1, 'open'); insert into leaflet values (2, 'canary of a leaf');
  insert into other_leaf values (3, 'sibling');
  create table parted (id int, note text) partition by list (id);
  create table parted_1 partition of parted for values in (1);
  create table parted_2 partition of parted for values in (2);
  insert into parted values (1, 'canary of a part'), (2, 'free');
  create view over_base as select note as n from base;
  grant usage on schema hidden to app; grant all on all tables in schema hidden, public to app;
`

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`PostgreSQL ${version}`, () => suite(version))
}

function suite(version: 15 | 18): void {
  let pg: PostgresServer
  let listener: RelayListener

  beforeAll(async () => {
    pg = await startPostgres({ version, init: INIT })
    listener = await relayListener(pg, {
      classes: [
        {
          name: 'secret',
          columns: [
            '*.secret',
            'customers.tags',
            'customers.extra',
            'customers.code',
            'customers.raw',
          ],
          mask: 'redact',
        },
        { name: 'leaf', columns: ['leaf.note', 'leaflet.note', 'parted_1.note'], mask: 'redact' },
        { name: 'hidden', columns: ['hidden.people.label', 'hidden.people.doc'], mask: 'redact' },
        { name: 'email', columns: [], detect: 'email', mask: 'redact' },
      ],
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

  /** Sends all at once; what came before the end. */
  async function attack(...messages: Uint8Array[]): Promise<string> {
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
      seen.push(Buffer.from('(the session was ended)'))
    }
    socket.destroy()
    return Buffer.concat(seen).toString('latin1')
  }

  /** Nothing of a value, in text or in hex; the attack must have got as far as `marks`. */
  function hides(seen: string, ...marks: string[]): void {
    expect(seen).not.toContain('canary')
    expect(seen).not.toContain(Buffer.from('canary').toString('hex'))
    for (const mark of marks) expect(seen).toContain(mark)
  }

  const run = (name: string, formats: number[] = [], portal = ''): Uint8Array[] => [
    bindFrame(portal, name, [], formats),
    executeFrame(portal),
  ]

  describe('a class that names a child alone', () => {
    test.each([
      'select note from base',
      "select note || '' from base",
      'select max(note) from base',
      'select n from over_base',
      'copy base to stdout',
      'copy (select note from base) to stdout',
      'select note from parted',
      'select upper(note) from parted',
    ])('is heeded where its parent is read: %s', async text => {
      hides(await attack(queryFrame(text)), 'm:leaf')
    })

    test('and the whole row goes with it', async () => {
      hides(
        await attack(queryFrame('select base from base'), queryFrame('select parted from parted')),
      )
    })

    test.each(['select note from other_leaf', 'select note from parted_2'])(
      'and nowhere else: %s',
      async text => {
        expect(await attack(queryFrame(text))).toMatch(/sibling|free/)
      },
    )
  })

  describe('a statement that means another table later', () => {
    const select = parseFrame('s', 'select label from people')

    test('a described statement, after the path was changed', async () => {
      const seen = await attack(
        select,
        describeFrame('S', 's'),
        ...run('s'),
        syncFrame(),
        queryFrame('set search_path = hidden'),
        ...run('s'),
      )
      hides(seen, 'plain', 'm:hidden')
    })

    test('the same within one pipeline', async () => {
      const seen = await attack(
        select,
        describeFrame('S', 's'),
        parseFrame('p', 'set local search_path = hidden'),
        ...run('p'),
        ...run('s'),
      )
      hides(seen, 'm:hidden')
    })

    test('a portal that was bound before the path was changed', async () => {
      const seen = await attack(
        queryFrame('set search_path = hidden'),
        queryFrame('begin'),
        parseFrame('u', 'select upper(label) as x from people'),
        bindFrame('early', 'u'),
        parseFrame('p', 'set search_path = public'),
        ...run('p'),
        describeFrame('P', 'early'),
        executeFrame('early'),
      )
      hides(seen, 'm:hidden')
      expect(seen).not.toContain('CANARY')
    })

    test('a path that was set in a pipeline that fails, and comes back', async () => {
      const seen = await attack(
        queryFrame('set search_path = hidden'),
        parseFrame('p', 'set search_path = public'),
        ...run('p'),
        parseFrame('f', 'select 1/0'),
        ...run('f'),
        syncFrame(),
        queryFrame('select upper(label) from people'),
      )
      hides(seen, 'm:hidden')
      expect(seen).not.toContain('CANARY')
    })

    test('a path that comes back when the transaction is undone', async () => {
      const seen = await attack(
        queryFrame('set search_path = hidden'),
        queryFrame('begin'),
        queryFrame('set search_path = public'),
        select,
        describeFrame('S', 's'),
        ...run('s'),
        syncFrame(),
        queryFrame('rollback'),
        ...run('s'),
      )
      hides(seen, 'plain', 'm:hidden')
    })

    test('a path that comes back when a pipeline fails', async () => {
      const seen = await attack(
        queryFrame('set search_path = hidden'),
        parseFrame('p', 'set search_path = public'),
        ...run('p'),
        select,
        describeFrame('S', 's'),
        ...run('s'),
        parseFrame('', 'select 1/0'),
        bindFrame('', ''),
        executeFrame(''),
        syncFrame(),
        ...run('s'),
      )
      hides(seen, 'plain', 'm:hidden')
    })

    test('a temporary table that goes with its pipeline', async () => {
      const seen = await attack(
        queryFrame('set search_path = hidden'),
        parseFrame(
          't',
          'create temp table people on commit drop as select 1 as id, $$mine$$::text as label',
        ),
        ...run('t'),
        select,
        describeFrame('S', 's'),
        ...run('s'),
        syncFrame(),
        ...run('s'),
      )
      hides(seen, 'm:hidden')
    })

    test('a temporary table that is discarded', async () => {
      const seen = await attack(
        queryFrame('set search_path = hidden'),
        queryFrame('create temp table people as select 1 as id, $$mine$$::text as label'),
        select,
        describeFrame('S', 's'),
        ...run('s'),
        syncFrame(),
        queryFrame('discard temp'),
        ...run('s'),
      )
      hides(seen, 'm:hidden')
    })

    test('COPY behind a change of the path in one text', async () => {
      hides(await attack(queryFrame('set search_path = hidden; copy people to stdout')))
      hides(await attack(queryFrame('set search_path = hidden; copy people (label) to stdout csv')))
    })

    test('a portal whose name a cursor of SQL takes over', async () => {
      const seen = await attack(
        queryFrame('begin'),
        parseFrame('', 'select label from people'),
        bindFrame('c', ''),
        describeFrame('P', 'c'),
        executeFrame('c', 1),
        syncFrame(),
        queryFrame('close c; declare c cursor for select secret from customers'),
        executeFrame('c'),
      )
      hides(seen, 'plain')
    })

    test('a cursor of SQL whose name a portal takes over', async () => {
      const seen = await attack(
        queryFrame('begin; declare c cursor for select label from people'),
        closeFrame('P', 'c'),
        parseFrame('', 'select secret from customers'),
        bindFrame('c', ''),
        flushFrame(),
        syncFrame(),
        queryFrame('fetch all from c'),
      )
      hides(seen)
    })

    test('a cursor that is held over transactions', async () => {
      const seen = await attack(
        queryFrame('begin; declare c cursor with hold for select secret from customers; commit'),
        queryFrame('fetch 2 from c'),
        queryFrame('fetch all from c'),
      )
      hides(seen, 'm:secret')
    })

    test('a statement that others rename the tables of', async () => {
      const { frames, socket } = await open()
      frames.send(select, describeFrame('S', 's'), ...run('s'), syncFrame())
      await frames.until('Z')
      await pg.query('alter table people rename to people_then')
      await pg.query('alter table hidden.people set schema public')
      try {
        await new Promise(resolve => setTimeout(resolve, 1_100))
        frames.send(...run('s'), syncFrame())
        const seen = Buffer.concat((await frames.until('Z')).map(({ frame }) => frame)).toString()
        expect(seen).not.toContain('canary')
      } finally {
        await pg.query('alter table public.people set schema hidden')
        await pg.query('alter table people_then rename to people')
        socket.destroy()
      }
    })
  })

  describe('what was made past the gateway a moment ago', () => {
    const forms = {
      text: (text: string) => [queryFrame(text)],
      extended: (text: string) => [
        parseFrame('', text),
        bindFrame('', ''),
        executeFrame(''),
        syncFrame(),
      ],
    }

    /** What the first statement that names it is judged as; its answer. */
    async function first(
      made: string,
      messages: readonly Uint8Array[],
    ): Promise<{ operations: string[]; seen: string }> {
      const { frames, socket } = await open()
      await pg.query(made)
      frames.send(...messages)
      const seen = Buffer.concat((await frames.until('Z')).map(({ frame }) => frame)).toString()
      socket.destroy()
      const { statements } = listener.sessions.at(-1) ?? { statements: [] }
      const operations = statements.flatMap(each =>
        each.operations.map(({ verb, object }) => `${verb} ${object.name}`),
      )
      return { operations: [...new Set(operations)], seen }
    }

    test.each([
      ['late_1', 'SELECT', forms.text('select count(*) from late_1')],
      ['late_2', 'SELECT', forms.extended('select id, secret from late_2')],
      ['late_3', 'COPY', forms.text('copy late_3 to stdout')],
      ['late_4', 'DELETE', forms.extended('delete from late_4 where id = 1')],
    ])('a table is judged by its whole name: %s', async (name, verb, messages) => {
      const { operations, seen } = await first(
        `create table ${name} as select 1 as id, 'canary' as secret; grant all on ${name} to app`,
        messages,
      )
      expect(operations).toEqual([`${verb} public.${name}`])
      expect(seen).not.toContain('canary')
      expect(seen).not.toContain('ERROR')
    })

    test('a view is judged with the code that it calls', async () => {
      const { operations } = await first(
        `create function late_code() returns int language sql as 'insert into public.loose (id) values (7) returning id';
         create view late_view as select late_code() as n; grant all on late_view to app`,
        forms.text('select n from late_view'),
      )
      expect(operations).toContain('INSERT public.loose')
    })

    test('what nobody has made is the server’s to refuse, also again and again', async () => {
      const missing = queryFrame('select id from nowhere')
      const { seen } = await first('select 1', [missing])
      expect(seen).toContain('42P01')
      const { frames, socket } = await open()
      frames.send(missing, missing, missing)
      for (let at = 0; at < 3; at++) await frames.until('Z')
      socket.destroy()
    })
  })

  describe('a value in another form', () => {
    test.each([
      ['text', 'select secret from customers', []],
      ['text in binary', 'select secret from customers', [1]],
      ['bpchar in binary', 'select code from customers', [1]],
      ['an array', 'select tags from customers', []],
      ['an array in binary', 'select tags from customers', [1]],
      ['jsonb in binary', 'select extra from customers', [1]],
      ['bytea', 'select raw from customers', []],
      ['bytea in binary', 'select raw from customers', [1]],
      ['a domain', 'select secret::word from customers', [1]],
      ['a composite', 'select row(secret, 1) from customers', [1]],
      ['a whole row', 'select c from customers c', [1]],
      ['hex', "select encode(secret::bytea, 'hex') from customers", []],
      ['xml', 'select xmlelement(name x, secret) from customers', [1]],
      ['one that nobody classed, in an array', 'select words from loose', []],
      ['the same in binary', 'select words from loose', [1]],
      ['the same in json', 'select doc from loose', []],
      ['the same in jsonb in binary', 'select doc from loose', [1]],
      ['the same in a row', 'select l from loose l', [1]],
      [
        'the same in a range',
        "select textrange from (select pair || 'z' as textrange from loose) x",
        [1],
      ],
      ['RETURNING', 'update customers set id = id where id = 1 returning secret, tags', []],
      ['a view', 'select w from shown', []],
      ['a column that a view makes', 'select made from shown', []],
      ['a child of the table', 'select secret, code from kid', []],
      [
        'an EXPLAIN that runs it',
        'explain (analyze, format json) select secret from customers',
        [],
      ],
      ['a default', 'select coalesce(null, secret) from customers', []],
    ] as const)('%s', async (_, text, formats) => {
      const seen = await attack(
        parseFrame('s', text),
        describeFrame('S', 's'),
        ...run('s', [...formats]),
      )
      hides(seen)
      expect(seen).not.toContain('(the session was ended)')
      expect(seen).toContain('D')
      if (formats.length === 0) hides(await attack(queryFrame(text)))
    })

    test('what is not hidden beside it is shown', async () => {
      const seen = await attack(queryFrame('select other from shown where id = 7'))
      hides(seen)
      expect(await attack(queryFrame('select id, label, doc from people'))).toContain('plain')
    })
  })

  describe('a value in the words of the server', () => {
    test.each([
      ['a notice and an error of a function', [queryFrame('select shout(secret) from customers')]],
      [
        'a constraint that is deferred to COMMIT',
        [
          queryFrame('begin'),
          queryFrame(
            'update customers set id = id, secret = (select secret from customers where id = 2) where id = 3',
          ),
          queryFrame('commit'),
        ],
      ],
      [
        'a constraint that is deferred to Sync',
        [
          parseFrame(
            '',
            'update customers set secret = (select secret from customers where id = 2) where id = 3',
          ),
          bindFrame('', ''),
          executeFrame(''),
          syncFrame(),
        ],
      ],
      [
        'a constraint that is made immediate',
        [
          queryFrame('begin'),
          queryFrame(
            'update customers set secret = (select secret from customers where id = 2) where id = 3',
          ),
          queryFrame('set constraints all immediate'),
        ],
      ],
      ['the report of a setting', [queryFrame('select settle(secret) from customers')]],
      [
        'a notification',
        [
          queryFrame('listen news'),
          queryFrame('select tell(pair) from loose'),
          queryFrame('select 1'),
        ],
      ],
      [
        'a context',
        [
          queryFrame('copy people (id) from stdin'),
          Buffer.from('d\0\0\0\x1ccanary@example.com is no\n', 'latin1'),
          Buffer.from([0x63, 0, 0, 0, 4]),
        ],
      ],
    ] as const)('%s', async (_, messages) => {
      hides(await attack(...messages))
    })
  })

  test('an error of its own is told, whatever the transaction wrote before', async () => {
    const seen = await attack(
      queryFrame('begin'),
      queryFrame("update customers set secret = 'new' where id = 1"),
      queryFrame('select 1/0'),
    )
    hides(seen, 'division by zero')
  })

  test('65,535 parameters are as many as a server takes', async () => {
    const values = Array.from({ length: 65_535 }, () => null)
    const seen = await attack(
      parseFrame('', 'select $65535::text is null as last'),
      bindFrame('', '', values),
      executeFrame(''),
    )
    expect(seen).not.toContain('malformed')
    expect(seen).not.toContain('(the session was ended)')
  })
}
