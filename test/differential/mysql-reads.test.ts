// Mutated texts against a real MariaDB: a table or a column that the analyser does not name is taken away, and whatever ran
// before must run still. The long run: MYSQL_MUTATIONS=200000 (and MYSQL_SEED). What we refuse is not asked about here.
import { readFileSync } from 'node:fs'
import type { Connection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMysqlAnalyser,
  type MysqlAnalysis,
  mysqlGrammar,
} from '../../src/engines/sql/index.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'

const tables = ['t', 'u', 'customers']
const dropped = ['ssn', 'name', 'text', 'window', 'a', 'b']
const columns =
  '(id int, a int, b varchar(20), c int, x int, ssn varchar(20), name varchar(20), `text` varchar(20), `window` int)'
const row = "values (1, 1, 'b', 1, 1, '7', 'n', 'z', 1)"

const seeds = [
  'select ssn from customers',
  'select text, name, window from customers',
  'select a, (b) from t join u using (id) where t.c = 1',
  'select 1 x from t where text = 1 order by name',
  'select count(ssn), max(name) from t group by text',
  'update t join customers using (id) set t.a = customers.ssn where t.b = 1',
  'delete from t where a in (select a from customers)',
  'insert into t (a) select a from customers',
  'select cast(a as char character set utf8), (select ssn from customers limit 1) from t',
  'select a from t, (select ssn from customers) z',
  "select 'a' x, 1 y, (ssn) z from customers w where w.a = 1",
  'with q as (select * from customers) select * from q',
  'select a from t union select ssn from customers',
  ...readFileSync(new URL('../corpus/mysql-texts.txt', import.meta.url), 'utf8')
    .split('\n')
    .map(line => line.slice(0, Math.max(0, line.lastIndexOf(' ==> '))))
    .filter(text => /^\W*(select|insert|update|delete|replace|with|table|values)/i.test(text)),
]
const pool = [
  ...'accessible all and any as asc at between binary by case charset collate cross current date default desc distinct'.split(
    ' ',
  ),
  ...'div else end escape except exists fetch final for format from full global group having if in inner interval into'.split(
    ' ',
  ),
  ...'is join json lateral left like limit lock minus mod natural next not null offset on or order over partition'.split(
    ' ',
  ),
  ...'quick recursive returning right row rows sample select semi set share some sounds sql_cache table text then time'.split(
    ' ',
  ),
  ...'timestamp type union update user using uuid value values when where window with xor year'.split(
    ' ',
  ),
  ...[
    'from customers',
    ', customers',
    'customers',
    't',
    'u',
    '(select ssn from customers)',
    'join customers',
  ],
  ...[
    'a',
    'ssn',
    'name',
    '1',
    "'x'",
    '"x"',
    '@v',
    '(',
    ')',
    ',',
    '.',
    '*',
    '=',
    '-',
    '--2',
    '/*',
    '*/',
    '#',
    '||',
  ],
]
/** These stop a test's server, or wait; and three names with dots in an UPDATE of several tables end MariaDB 10.11 itself. */
const spared = /outfile|dumpfile|load_file|sleep|benchmark|_lock|mysql\.|\.\s*\S+\s*\./i
const verbs = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REPLACE'])

let server: MariadbServer
let session: Connection
beforeAll(async () => {
  server = await startMariadb()
  session = await server.session()
  const make = async (database: string, names: readonly string[]) => {
    await session.query(`create database ${database}`)
    for (const name of names) {
      await session.query(`create table ${database}.${name} ${columns}`)
      await session.query(`insert into ${database}.${name} ${row}`)
    }
  }
  for (let set = 0; set < 8; set++) {
    await make(
      `s${set}`,
      tables.filter((_, at) => (set & (1 << at)) !== 0),
    )
  }
  for (const column of dropped) {
    await make(`without_${column}`, tables)
    for (const name of tables) {
      await session.query(`alter table without_${column}.${name} drop column \`${column}\``)
    }
  }
  await session.query("set session max_statement_time = 2, sql_mode = ''")
})
afterAll(async () => {
  await server.stop()
})

describe('mutated texts', () => {
  it('read no table and no column that the analyser does not name', async () => {
    const analyser = await createMysqlAnalyser(readFileSync(mysqlGrammar))
    const random = generator(Number(process.env['MYSQL_SEED'] ?? 1))
    const missed: string[] = []
    let ran = 0
    for (let left = Number(process.env['MYSQL_MUTATIONS'] ?? 4_000); left > 0; left--) {
      const text = mutated(random)
      if (spared.test(text)) continue
      const reading = { flavour: 'mariadb', version: 101_119, database: 's7' } as const
      const result = analyser.analyse(text, reading)
      if (!result.readable || result.statements.length !== 1) continue
      if (!verbs.has(result.statements[0]?.verb ?? '') || !(await runs('s7', text))) continue
      ran++
      for (const database of without(result)) {
        if (!(await runs(database, text))) missed.push(`${database}: ${text}`)
      }
    }
    expect(missed).toEqual([])
    expect(ran).toBeGreaterThan(20)
  }, 3_600_000)
})

/** Databases that lack what the text is said not to touch. */
function without(result: MysqlAnalysis): readonly string[] {
  const [statement] = result.statements
  if (statement === undefined) return []
  let set = 0
  for (const { relation } of statement.operations) {
    const at = tables.indexOf(relation?.name ?? '')
    if (at !== -1) set |= 1 << at
  }
  const { columnNames } = statement
  const all = columnNames === 'all' || statement.operations.some(({ star }) => star)
  const absent = all ? [] : dropped.filter(column => !columnNames.includes(column))
  return [...(set === 7 ? [] : [`s${set}`]), ...absent.map(column => `without_${column}`)]
}

async function runs(database: string, text: string): Promise<boolean> {
  await session.query(`use ${database}`)
  await session.query('start transaction')
  try {
    await session.query(text)
    return true
  } catch {
    // What the server refuses reads nothing.
    return false
  } finally {
    await session.query('rollback')
  }
}

function mutated(random: (below: number) => number): string {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
  const words = pick(seeds).match(/`[^`]*`|'[^']*'|"[^"]*"|[\w$@]+|\S/g) ?? []
  for (let changes = 1 + random(3); changes > 0 && words.length > 0; changes--) {
    const at = random(words.length)
    const how = random(4)
    if (how === 0) words.splice(at, 1)
    else if (how === 1) words.splice(at, 0, pick(pool))
    else if (how === 2) words[at] = pick(pool)
    else {
      const other = random(words.length)
      ;[words[at], words[other]] = [words[other] ?? '', words[at] ?? '']
    }
  }
  return words.join(' ')
}

/** mulberry32 */
function generator(seed: number): (below: number) => number {
  return below => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
