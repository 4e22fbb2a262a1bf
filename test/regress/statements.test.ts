import { expect, test } from 'vitest'
import { statementsOf } from './statements.ts'

test('a file is cut at the semicolons between its statements', () => {
  expect(statementsOf('select 1; -- a; b\nselect \';\' as ";";\n')).toEqual([
    'select 1',
    'select \';\' as ";"',
  ])
})

test('bodies of functions stay whole', () => {
  const quoted = 'create function f() returns int language sql as $x$ select 1; $x$'
  const atomic = 'create procedure p() begin atomic select case when true then 1 end; select 2; end'
  expect(statementsOf(`${quoted};${atomic};select 3`)).toEqual([quoted, atomic, 'select 3'])
})

test('the semicolons of a rule in brackets do not cut it', () => {
  const rule = 'create rule r as on insert to t do also (delete from a; delete from b)'
  expect(statementsOf(`${rule};`)).toEqual([rule])
})

test("rows of COPY and psql's own commands are left out", () => {
  expect(
    statementsOf('\\set x 1\nselect 1;\ncopy t from stdin;\n1\t;\n\\.\nselect 2 \\gset\nselect 3;'),
  ).toEqual(['select 1', 'select 2', 'select 3'])
})
