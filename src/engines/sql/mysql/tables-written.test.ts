import { expect, it } from 'vitest'
import { tokenize } from './lexer.ts'
import { withPlainTables } from './tables-written.ts'

const plain = (text: string, flavour: 'mysql' | 'mariadb' = 'mariadb') =>
  withPlainTables(tokenize(text), flavour)
    .map(({ text: word }) => word)
    .join(' ')

it.each<readonly [string, string | undefined]>([
  ['select * from (a, b)', 'select * from ( a cross join b )'],
  [
    'select * from (s.a x, b as y, `c`) left join d on 1',
    'select * from ( s . a x cross join b as y cross join c ) left join d on 1',
  ],
  ['select * from a join (b, c) on 1', 'select * from a join ( b cross join c ) on 1'],
  // Not lists of plain tables, or no tables.
  ...[
    'select * from (select a, b) x',
    'select * from (a, b natural join c)',
    'select * from (a, (b, c))',
    'select * from (a)',
    'select * from a where x in (b, c)',
    'insert into t (a, b) values (1, 2)',
  ].map(text => [text, undefined] as const),
  ['select * from t for system_time all where 1', 'select * from t where 1'],
  [
    "select * from t for system_time as of timestamp '2020' x, u for system_time from 1 to 2",
    'select * from t x , u',
  ],
  ['select * from t for update', undefined],
])('of %s the parser reads %s', (text, read) => {
  expect(plain(text)).toBe(
    read ??
      tokenize(text)
        .map(({ text: word }) => word)
        .join(' '),
  )
})

it.each([
  'select * from t for system_time as of (select max(a) from u)',
  "select * from t for system_time as of '2020' - interval 1 day",
  'select * from t for system_time as of @v',
  'select * from t for system_time as of now()',
  'select * from t for system_time between 1 to 2',
  'select * from t for system_time',
])('refuses %s, which may read more', text => {
  expect(() => plain(text)).toThrow('must be plain values')
})

it('knows that MySQL has no history', () => {
  expect(plain('select * from t for system_time all', 'mysql')).toContain('system_time')
})
