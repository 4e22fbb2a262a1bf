// LOAD DATA LOCAL where it is had: what it writes, reads and calls, and which file it names.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMysqlAnalyser, type MysqlAnalyser, mysqlGrammar } from '#engines/sql'
import { summary } from '../../../../test/corpus/mysql-summary.ts'

let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(readFileSync(mysqlGrammar))
})

const reading = {
  flavour: 'mariadb',
  version: 101_119,
  database: 'shop',
  localFiles: true,
} as const
const read = (text: string) => analyser.analyse(text, reading)
const fileOf = (text: string) => {
  const result = read(text)
  return result.readable ? result.statements[0]?.clientFile : result.code
}

const FILE = 'execute LOAD DATA LOCAL local:f [file_program]'
const on = (what: string) => `write LOAD DATA LOCAL ${what} [copy_in bulk]`

describe('what a text that loads a file does', () => {
  it.each([
    ["load data local infile 'f' into table t", `${on('t (*)')}, ${FILE}`],
    ["LOAD  DATA\tlocal INFILE 'f' INTO TABLE `t`", `${on('t (*)')}, ${FILE}`],
    ["load data low_priority local infile 'f' into table d.t (a)", `${on('d.t (a)')}, ${FILE}`],
    ["load data concurrent local infile 'f' ignore into table t (a)", `${on('t (a)')}, ${FILE}`],
    ["load data /*!50000 local */ infile 'f' into table t (a)", `${on('t (a)')}, ${FILE}`],
    ['load data /* local */ local infile "f" into table t (`a`)', `${on('t (a)')}, ${FILE}`],
    [
      "load xml local infile 'f' into table t rows identified by '<r>' (a)",
      `${on('t (a)')}, ${FILE}`,
    ],
    [
      "load data local infile 'f' replace into table t (a)",
      `${on('t (a)')}, write DELETE t [write_row], ${FILE}`,
    ],
    [
      "load data local infile 'f' into table t partition (p0, p1) charset binary fields terminated by x'2c' optionally enclosed by '\"' escaped by '' lines starting by 'x' terminated by '\\r\\n' ignore 1 rows (a, t.b)",
      `${on('t (a b)')}, ${FILE}`,
    ],
    [
      "load data local infile 'f' into table t (a, @b) set c = upper(@b)",
      `${on('t (a c)')}, ${FILE}`,
    ],
    ["load data local infile 'f' into table t set c = default", `${on('t (*)')}, ${FILE}`],
    [
      "load data local infile 'f' into table t (a) set b = (select ssn from people limit 1)",
      `${on('t (a b)')}, read SELECT people (ssn) [read], ${FILE}`,
    ],
    [
      "load data local infile 'f' into table t (a) set b = leak(a)",
      `${on('t (a b)')}, execute LOAD DATA LOCAL leak [unknown], ${FILE}`,
    ],
    [
      "load data local infile 'f' into table mysql.user",
      `administer LOAD DATA LOCAL mysql.user (*) [system bulk], ${FILE}`,
    ],
    ['set @@character_set_database=binary', 'connect SET [settings]'],
    ['set character_set_database=utf16', 'administer SET [settings]'],
    ['set global character_set_database=binary', 'administer SET [settings]'],
  ])('%s', (text, expected) => {
    expect(summary(read(text))).toBe(expected)
    expect(summary(analyser.analyseWithValues(text, reading))).toBe(expected)
  })

  it('is told apart from the same text on a resource without it, which is refused', () => {
    const text = "load data local infile 'f' into table t"
    expect(read(text).readable).toBe(true)
    expect(analyser.analyse(text, { ...reading, localFiles: false })).toEqual({
      readable: false,
      code: 'statement_unsupported',
      message: 'LOAD DATA LOCAL is not supported through the gateway',
    })
    expect(read(text).readable).toBe(true)
  })
})

describe('the file', () => {
  it.each([
    ["'f'", 'f'],
    ['"/srv/a b.csv"', '/srv/a b.csv'],
    ["'C:\\\\a\\%\\_\\q'", 'C:\\a\\%\\_q'],
    ["'it''s'", "it's"],
    ["'名.csv'", '名.csv'],
  ])('is named by one plain string: %s', (written, name) => {
    expect(fileOf(`load data local infile ${written} into table t`)).toBe(name)
  })

  it.each([
    "''",
    "'a\\0b'",
    "'a\\nb'",
    "'a\u202eb'",
    "'a\u200e\u061cb'",
    "'a\u200bb'",
    "'\ufeffa'",
    "'a\u{e0041}b'",
    "'a' 'b'",
    "_utf8'a'",
    "n'a'",
    "x'41'",
    '0x41',
    '@a',
    'a',
    '`a`',
    '?',
    `'${'a'.repeat(1025)}'`,
  ])('is named by nothing else: %s', written => {
    expect(fileOf(`load data local infile ${written} into table t`)).toMatch(/^statement_/)
  })

  it('is none of a file of the server’s, whatever the words behind it', () => {
    expect(fileOf("load data infile 'f' into table local")).toBeUndefined()
    expect(fileOf("load data /*!99999 local */ infile 'f' into table t")).toBeUndefined()
  })
})

const LOAD = "load data local infile 'f' into table t"

it.each([
  `${LOAD}; select 1`,
  `select 1; ${LOAD}`,
  `prepare s from "${LOAD}"`,
  `execute immediate "${LOAD}"`,
  `${LOAD} character set utf16`,
  `${LOAD} charset 'ucs2'`,
  `${LOAD} character set @@character_set_server`,
  `${LOAD} set a = 1) values (2`,
  `${LOAD} set a = 1), (2`,
  `${LOAD} (a) set b = ?`,
  `${LOAD} (a) set b = 1 from people`,
  `${LOAD} (a) set b = 1 on duplicate key update a = 2`,
  `${LOAD} (a) set b = 1 returning a`,
  `${LOAD} (a) select 1`,
  `${LOAD} (a, @@b)`,
  `${LOAD} fields`,
  `${LOAD} as x`,
  `${LOAD} lines terminated by @x`,
  'load data local infile into table t',
  "load data local 'f' into table t",
  "load data local infile 'f' t",
  "load data local infile 'f' replace ignore into table t",
])('a text that is not read to its end, or hides it in another, is refused: %s', text => {
  expect(read(text).readable).toBe(false)
})

it('a variable of the list that the text assigns itself is not taken for the file’s', () => {
  const result = read(`${LOAD} (@v) set b = (@v := (select ssn from people limit 1)), c = @v`)
  expect(result.readable && result.statements[0]?.plan.kind).toBe('unknown')
})
