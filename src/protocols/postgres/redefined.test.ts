import { beforeAll, describe, expect, test } from 'vitest'
import { type Analyser, type Analysis, createPostgresAnalyser } from '#engines/sql'
import { Redefined } from './redefined.ts'

let analyser: Analyser
beforeAll(async () => {
  analyser = await createPostgresAnalyser()
})

function read(text: string): Analysis {
  const analysis = analyser.analyse(text)
  if (!analysis.readable) throw new Error(analysis.message)
  return analysis
}

function touched(definition: string, text: string): boolean {
  const redefined = new Redefined()
  for (const statement of read(definition).statements) redefined.note(statement)
  return redefined.touches(read(text), ({ name }) => name !== 'v')
}

describe('after a change of definitions', () => {
  const named = [
    'create table t (a int)',
    'alter table t add column b int',
    'alter table other rename to t',
    'alter table s.t rename column a to b',
    'alter table x.t set schema public',
    'drop table t',
    'drop table a, s.t',
    'create index on t (a)',
    'create view t as select 1',
    'create temp table t (a int)',
  ]
  test.each(named)('%s: a text that names t may mean something else', definition => {
    expect(touched(definition, 'select * from t')).toBe(true)
    expect(touched(definition, 'update public.t set a = 1')).toBe(true)
    expect(touched(definition, 'with q as (select 1 from t) select * from q')).toBe(true)
  })

  test.each(named)('%s: a text that names other relations only means what it did', definition => {
    expect(touched(definition, "update versions set number = '2' where number = '1'")).toBe(false)
    expect(touched(definition, 'select 1')).toBe(false)
  })

  test.each([
    'create function f() returns int language sql as $$select 1$$',
    'create type mood as enum ($$a$$)',
    'create schema s create view v as select 1',
    'drop function f()',
    'select a into t from other',
    'create table t as select 1',
    'create operator + (function = f, leftarg = text)',
    'do $$begin end$$',
  ])('%s: any text may', definition => {
    expect(touched(definition, 'select * from versions')).toBe(true)
  })

  test('what a view shows hangs on what it reads', () => {
    expect(touched('alter table t add column b int', 'select * from v')).toBe(true)
    expect(touched('alter table t add column b int', 'select * from pg_catalog.pg_class')).toBe(
      false,
    )
  })

  test('what stands for another text may mean anything', () => {
    for (const text of ['execute p', 'fetch all in c'])
      expect(touched('create table t (a int)', text), text).toBe(true)
  })

  test('and once the catalog was read again all is known', () => {
    const redefined = new Redefined()
    for (const statement of read('drop function f(); drop table t').statements)
      redefined.note(statement)
    redefined.clear()
    expect(redefined.touches(read('select * from t'), () => true)).toBe(false)
  })
})
