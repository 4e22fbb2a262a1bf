import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMysqlAnalyser } from './analyser.ts'
import { mysqlGrammar } from './parser.ts'
import type { MysqlAnalyser, MysqlReading } from './reading.ts'

const reading: MysqlReading = { flavour: 'mariadb', version: 101_119, database: 'shop' }
let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
})

function read(text: string, more: Partial<MysqlReading> = {}) {
  const result = analyser.analyse(text, { ...reading, ...more })
  if (!result.readable) throw new Error(`${result.code}: ${result.message}`)
  return result
}

function refusal(text: string) {
  const result = analyser.analyse(text, reading)
  return result.readable ? 'readable' : result.code
}

describe('what is sent', () => {
  it('is the very text when nothing had to be said in other words', () => {
    const text = "select /* x */ a from t where b = 'c' -- d"
    expect(read(text).forward).toBe(text)
    expect(read('select 1 where 2 = 2').forward).toBe('select 1 where 2 = 2')
    expect(read('select 1 where 3 = 3').forward).toBe('select 1 where 3 = 3')
  })

  it('has executable comments laid open for this very server', () => {
    const text = 'delete from t /*!99999 where id = 1 */'
    expect(read(text).forward).toBe('delete from t  ')
    expect(read(text).statements[0]?.operations[0]?.flags).toContain('unfiltered')
    expect(read('select 1 /*M!110000 ,2 */').forward).toBe('select 1  ')
    expect(read('select 1 /*M!110000 ,2 */', { version: 110_402 }).forward).toBe('select 1   ,2  ')
  })

  it('makes the server refuse a mode that is not known before it runs', () => {
    const { forward } = read('set sql_mode = @old, autocommit = 0')
    expect(forward).toMatch(
      /^set sql_mode = IF\(UPPER\(CONVERT\(@old USING utf8mb4\)\) RLIKE '.*', /,
    )
    expect(forward).toMatch(/, autocommit = 0$/)
    expect(read('set character_set_client = @saved').forward).toContain("IN ('utf8mb4'")
  })
})

describe('settings that change how texts are read', () => {
  it.each([
    "set sql_mode = 'ANSI_QUOTES'",
    "set session sql_mode = 'STRICT_ALL_TABLES,no_backslash_escapes'",
    'set sql_mode = 4',
    'set @@sql_mode = ansi',
    "set @@session.sql_mode := 'ORACLE'",
    'set global sql_mode = ANSI',
    // A role may be called `ansi_quotes`.
    'set sql_mode = current_role',
    'set sql_mode = (select m from t)',
    'set sql_mode = if(rand() > 0.5, @a, @b)',
    'set names gbk',
    "set names 'sjis'",
    'set character set big5',
    'set character_set_client = gb18030',
    'set character_set_connection = utf16',
    'set character_set_results = utf32',
    'set collation_connection = gbk_chinese_ci',
  ])('refuses %j', text => {
    expect(refusal(text)).toBe('setting_refused')
  })
})

describe('names of the default database', () => {
  it('are those of the server where it is one of its own', () => {
    expect(read('select * from user').statements[0]?.operations[0]?.action).toBe('read')
    const own = read('select * from user', { database: 'mysql' }).statements[0]?.operations[0]
    expect(own?.action).toBe('administer')
    expect(own?.relation).toEqual({ schema: 'mysql', name: 'user' })
  })

  it('turn with USE, also within a text', () => {
    const { statements } = read('use mysql; select * from user')
    expect(statements[0]?.settings).toEqual([{ name: 'database', value: 'mysql', local: false }])
    expect(statements[1]?.operations[0]?.action).toBe('administer')
  })
})

describe('bodies of stored code', () => {
  it.each([
    'create function f() returns int return 1; drop table x',
    'create function begin() returns int return 1; drop table x; select 1 end',
    'create procedure p() begin end; drop table x; select 1 end',
    'create procedure p() begin declare begin int; do begin; end; drop table x; select 1 end',
    'create procedure p() begin select case when 1 then begin else begin end; end; drop table x',
    'create trigger begin before insert on begin for each row delete from x; drop table x; end',
  ])('do not take in the statement behind them: %j', text => {
    const result = analyser.analyse(text, reading)
    const verbs = result.readable ? result.statements.map(({ verb }) => verb) : ['DROP TABLE']
    expect(verbs).toContain('DROP TABLE')
  })

  it('hold statements of their own', () => {
    const text =
      'create procedure p() begin declare exit handler for sqlexception begin rollback; end; if 1 then select 1; else select 2; end if; while 1 do select 3; end while; end'
    expect(read(text).statements.map(({ verb }) => verb)).toEqual(['CREATE PROCEDURE'])
  })
})

describe('statements in strings', () => {
  it('are read as any other', () => {
    const { statements } = read("prepare s from 'delete from t'")
    expect(statements[0]?.prepares?.statement.operations[0]?.flags).toContain('unfiltered')
    expect(read("execute immediate 'drop table t'").statements[0]?.verb).toBe('DROP TABLE')
  })

  it('hold nothing that would have to be sent in other words', () => {
    expect(refusal("prepare s from 'delete from t /*!99999 where id = 1 */'")).toBe(
      'statement_unreadable',
    )
    expect(refusal("prepare s from 'set sql_mode = @a'")).toBe('statement_unreadable')
    expect(refusal("prepare s from 'set sql_mode = ANSI'")).toBe('setting_refused')
  })

  it('are forgotten when the name gets a text that is not known', () => {
    const [statement] = read('prepare s from @v').statements
    expect(statement?.deallocates).toEqual({ name: 's' })
    expect(statement?.operations[0]?.flags).toContain('dynamic')
  })
})

describe('bounds', () => {
  it('count rows and items that are alike twice at most', () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => `(${at},'x',-1.5,NULL)`).join(',')
    expect(read(`insert into t (a,b,c,d) values ${rows}`).statements[0]?.verb).toBe('INSERT')
    const items = Array.from({ length: 30_000 }, (_, at) => at).join(',')
    expect(
      read(`delete from t where id in (${items})`).statements[0]?.operations[0]?.flags,
    ).toEqual([])
  })

  const nested = (n: number, open: string, close: string, inside = '1') =>
    `select ${open.repeat(n)}${inside}${close.repeat(n)}`

  it.each([
    ['a chain', `select ${Array(1000).fill('a').join(' or ')}`],
    ['casts', nested(60, 'cast(', ' as char)')],
    ['casts that do not end', nested(60, 'cast(', ' as char)', '1 1')],
    ['cases', nested(60, 'case when a then ', ' end', '1 1')],
    ['intervals', nested(60, 'interval ', '')],
    ['conversions', nested(60, 'convert(', ', char)', '1 1')],
  ])('refuse %s before the parser would not end, or end itself', (_name, text) => {
    expect(refusal(text)).toBe('statement_too_large')
    expect(read('select 1').statements).toHaveLength(1)
  })

  it('leave room for what people write', () => {
    const ors = Array.from({ length: 120 }, (_, at) => `(a = ${at} and b = 'x')`).join(' or ')
    expect(refusal(`select * from t where ${ors}`)).toBe('readable')
    expect(refusal(nested(12, '(', ')'))).toBe('readable')
  })
})

describe('texts that are none', () => {
  it.each([
    'select \0 1',
    'select \ud800',
    "select 'a",
    'select 1 /*',
    'frobnicate t',
    'select from',
  ])('are refused: %j', text => {
    expect(refusal(text)).toBe('statement_unreadable')
  })

  it('are not those of blanks and comments', () => {
    expect(read(' ; -- x').statements).toEqual([])
  })
})

describe('what was read of a text', () => {
  const plans = (one: string, other: string) =>
    [one, other].map(text => read(text).statements[0]?.plan)

  it.each([
    ['a name as a string', "select ssn 'a', name 'b' from c", "select ssn 'b', name 'a' from c"],
    [
      'a name in a sub-query',
      "select b from (select ssn as 'a', name as 'b' from c) q",
      "select b from (select ssn as 'b', name as 'a' from c) q",
    ],
    [
      'the number to sort by',
      'select id, ssn from c order by 1',
      'select id, ssn from c order by 2',
    ],
    [
      'the number to group by',
      'select id, ssn from c group by 1',
      'select id, ssn from c group by 2',
    ],
  ])('is not used for one that differs in %s', (_, one, other) => {
    const [first, second] = plans(one, other)
    expect(first?.kind).toBe('query')
    expect(second).not.toEqual(first)
  })

  it('is used for one that differs in values only', () => {
    const [first, second] = plans(
      "select ssn from c where id = 1 and a = 'b'",
      "select ssn from c where id = 2 and a = 'c'",
    )
    expect(second).toBe(first)
  })
})
