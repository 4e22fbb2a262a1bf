// psql, unmodified: what people do with it works through the gateway as it works on the server itself.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runs } from '../servers/postgres.ts'
import { run } from '../servers/programs.ts'
import { libpq18In } from './libpq.ts'
import { type Stage, startStage } from './stage.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
let stage: Stage
let folder: string
let libpq18: string | undefined

beforeAll(async () => {
  stage = await startStage()
  folder = mkdtempSync(join(tmpdir(), 'sallyport-psql-'))
  libpq18 = libpq18In(folder)
})
afterAll(async () => {
  await stage?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

const scripts: Readonly<Record<string, string>> = {
  'describes a database (\\d, \\dt+, \\dv, \\di, \\df, \\l, \\du, \\dn, \\dp)':
    '\\d\n\\d customers\n\\d+ orders\n\\dt\n\\dv\n\\di\n\\df\n\\dn\n\\dp\n\\d big_spenders\n\\sv big_spenders\n\\dT\n',
  'runs queries of every shape':
    "select 1; select count(*) from customers; select * from customers where id = 7;\nselect name, city from customers order by id limit 3 \\gx\nselect 'a''b', E'tab\\t', null, true, 1.5, '{1,2}'::int[], now() - now();\ntable orders limit 1; values (1),(2);\n",
  'keeps the state of transactions, also after errors':
    "begin; select 1; select * from nowhere; select 2; rollback; select 3;\nbegin; savepoint a; select 1/0; rollback to a; select 4; commit;\nbegin; update customers set city = 'Nowhere' where id = 1; rollback; select city from customers where id = 1;\n",
  'shows errors as the server says them, with position and SQLSTATE':
    'selec 1;\nselect nonsense from customers;\nselect 1/0;\ninsert into orders (id) values (1);\n\\errverbose\n',
  'copies in and out':
    'create temp table t (a int, b text);\n\\copy t from stdin\n1\tone\n2\t\\N\n3\ta\\tb\n\\.\n\\copy t to stdout\n\\copy (select * from t order by a desc) to stdout with (format csv, header)\ncopy t to stdout (format csv, force_quote *);\ncopy t from stdin;\nx\tbad\n\\.\nselect count(*) from t;\n',
  'fetches by cursor (FETCH_COUNT) and by hand':
    '\\set FETCH_COUNT 10\nselect id, name from customers order by id limit 35;\n\\unset FETCH_COUNT\nbegin; declare c cursor for select id from customers order by id; fetch 2 from c; move 5 in c; fetch all in c; close c; commit;\n',
  'prepares and executes':
    'prepare p(int) as select name from customers where id = $1; execute p(3); execute p(4); deallocate p; execute p(5);\n',
  'uses \\gset, \\gexec, \\gdesc, \\crosstabview, \\if':
    "select count(*) as n from customers \\gset\n\\echo :n\nselect 'select ' || i from generate_series(1,3) i \\gexec\nselect id, name, now() from customers \\gdesc\nselect city, extract(year from born)::int % 3 as y, count(*) from customers group by 1,2 order by 1,2 \\crosstabview\n\\if true\n\\echo yes\n\\endif\n",
  'gets notifications': "listen news; notify news, 'hello'; select 1;\nunlisten news;\n",
  'gets notices and RAISE texts':
    "do $$ begin raise notice 'seen %', 1; raise warning 'careful'; end $$;\ndrop table if exists never_there;\n",
  'runs several statements of one text':
    'select 1\\; select 2\\; select 3;\nbegin\\; select 1/0\\; select 2;\nselect 5;\nrollback;\n',
  'takes a large text and gives a large value back': `select length('${'x'.repeat(300_000)}');\nselect length(repeat('y', 3000000)), md5(repeat('y', 3000000));\n`,
  'sets what a session may set':
    "set statement_timeout = '1s'; show statement_timeout; select pg_sleep(3); reset statement_timeout;\nset timezone = 'Asia/Tokyo'; select '2026-01-01 00:00+00'::timestamptz;\nset search_path = public; show search_path;\n",
}

describe.each(['libpq of Debian', 'libpq of PostgreSQL 18'])('psql with the %s', which => {
  for (const [what, script] of Object.entries(scripts)) {
    test(what, async context => {
      const library = which.endsWith('18') ? libpq18 : ''
      if (library === undefined)
        return context.skip('the package with libpq 18 is not for this platform')
      const env = library === '' ? {} : { LD_LIBRARY_PATH: library }
      const args = ['-a', '-q']
      const direct = await stage.psql(stage.direct(), script, { args, env })
      const through = await stage.psql(await stage.through('ana'), script, { args, env })
      expect(direct.stdout).not.toBe('')
      expect(plain(through.stdout)).toBe(plain(direct.stdout))
      expect(plain(through.stderr)).toBe(plain(direct.stderr))
      expect(through.code).toBe(direct.code)
    })
  }
})

/**
 * Without what must differ: the number of the server process; and for a text that does not parse, the place in
 * the server's source, because it is the gateway that says so, with its reason code.
 */
function plain(printed: string): string {
  return printed
    .replaceAll(/with PID \d+/g, 'with PID n')
    .replaceAll('DETAIL:  reason: statement_unreadable\n', '')
    .replaceAll(/LOCATION: {2}(scanner_yyerror|statement_unreadable), .*\n/g, '')
}

test('protocol 3.2 is spoken with a libpq that knows it', async context => {
  if (libpq18 === undefined)
    return context.skip('the package with libpq 18 is not for this platform')
  const ran = await stage.psql(await stage.through('ana'), 'select 1 as one;', {
    env: { LD_LIBRARY_PATH: libpq18, PGMAXPROTOCOLVERSION: '3.2', PGMINPROTOCOLVERSION: '3.2' },
  })
  expect(ran.stderr).toBe('')
  expect(ran.stdout).toContain('one')
})

test('direct TLS negotiation works with a libpq that knows it', async context => {
  if (libpq18 === undefined)
    return context.skip('the package with libpq 18 is not for this platform')
  const ran = await stage.psql(await stage.through('ana'), 'select 1 as one;', {
    env: { LD_LIBRARY_PATH: libpq18, PGSSLNEGOTIATION: 'direct' },
  })
  expect(ran.stderr).toBe('')
  expect(ran.stdout).toContain('one')
})

describe('psql at a terminal', () => {
  async function atTerminal(where: Record<string, string>, steps: readonly object[]) {
    return run(
      '/usr/bin/python3',
      [join(HERE, 'terminal.py'), JSON.stringify(steps), 'psql', '-X'],
      {
        env: where,
      },
    )
  }

  test('Ctrl-C cancels the statement that runs, and only that', async () => {
    const running = join(stage.gateway.folder, 'running')
    const playing = atTerminal(await stage.through('ana'), [
      { expect: 'shop=[>#] ' },
      { send: 'select pg_sleep(60);\n' },
      { file: running },
      { send: '^C' },
      { expect: 'canceling statement due to user request' },
      { send: 'select 40 + 2 as answer;\n' },
      { expect: '42' },
      { send: '\\q\n' },
    ])
    await runs(stage.server, '%pg_sleep(60)%')
    writeFileSync(running, '')
    const played = await playing
    expect(played.stderr).toBe('')
    expect(played.code).toBe(0)
  })

  test('the Tab key completes names from the catalog', async () => {
    const played = await atTerminal(await stage.through('ana'), [
      { expect: 'shop=[>#] ' },
      { send: 'select count(*) from custo\t' },
      { expect: 'customers ' },
      { send: ';\n' },
      { expect: '300' },
      { send: 'select * from customers where bal\t' },
      { expect: 'balance ' },
      { send: '< 0;\n' },
      { expect: '\\(0 rows\\)' },
      { send: '\\q\n' },
    ])
    expect(played.stderr).toBe('')
    expect(played.code).toBe(0)
  })

  test('\\watch repeats until Ctrl-C', async () => {
    const played = await atTerminal(await stage.through('ana'), [
      { expect: 'shop=[>#] ' },
      { send: "select 'tick' || 'tock' as beat \\watch 0.3\n" },
      { expect: 'ticktock' },
      { expect: 'ticktock' },
      { expect: 'ticktock' },
      { send: '^C' },
      { expect: 'shop=[>#] ' },
      { send: 'select 6 * 7;\n' },
      { expect: '42' },
      { send: '\\q\n' },
    ])
    expect(played.stderr).toBe('')
    expect(played.code).toBe(0)
  })

  test('the prompt follows the transaction', async () => {
    const played = await atTerminal(await stage.through('ana'), [
      { expect: 'shop=> ' },
      { send: 'begin;\n' },
      { expect: 'shop=\\*> ' },
      { send: 'select 1/0;\n' },
      { expect: 'shop=!> ' },
      { send: 'rollback;\n' },
      { expect: 'shop=> ' },
      { send: '\\q\n' },
    ])
    expect(played.stderr).toBe('')
    expect(played.code).toBe(0)
  })
})

test('\\copy to and from a file keeps every byte', async () => {
  const file = join(folder, 'rows.csv')
  const again = join(folder, 'again.csv')
  writeFileSync(
    file,
    Array.from({ length: 20_000 }, (_, i) => `${i},"line ""${i}"" ünïcode",\n`).join(''),
  )
  const ran = await stage.psql(
    await stage.through('ana'),
    `create temp table wide (a int, b text, c text);\n\\copy wide from '${file}' csv\n\\copy (select a, b, c from wide order by a) to '${again}' csv\nselect count(*) from wide;\n`,
    { args: ['-A', '-t', '-q'] },
  )
  expect(ran.stderr).toBe('')
  expect(ran.stdout.trim().split('\n').at(-1)).toBe('20000')
  expect(readFileSync(again, 'utf8').split('\n')).toHaveLength(20_001)
  expect(readFileSync(again, 'utf8')).toContain('7,"line ""7"" ünïcode",')
})
