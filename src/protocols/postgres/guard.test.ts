import { describe, expect, it } from 'vitest'
import { createPostgresAnalyser } from '#engines/sql'
import { countability } from './guard.ts'

const analyser = await createPostgresAnalyser()
const of = (text: string) => {
  const analysis = analyser.analyse(text)
  if (!analysis.readable) throw new Error(analysis.message)
  return countability(analysis.statements)
}

describe('the rows that a text changes', () => {
  it.each([
    'insert into t values (1)',
    'insert into t values (1) on conflict (a) do update set a = 2',
    'update t set a = 1',
    'delete from t where a = 1',
    'merge into t using u on t.a = u.a when matched then delete when not matched then insert values (1)',
    'with x as (select 1) update t set a = 1',
    "insert into t values (nextval('s'))",
    'copy t from stdin',
  ])('are counted by the tag of: %s', text => expect(of(text)).toBe('countable'))

  it.each([
    // The tag tells of the outer one alone, though both write the same table by the same verb.
    'with d as (update t set a = 1 returning 1) update t set b = 2 where id = 1',
    'with d as (delete from t returning *) select * from d',
    'with d as (delete from t returning *) insert into t select * from d',
    'copy (delete from t returning *) to stdout',
    'delete from t; delete from u',
    'truncate t',
    // What it runs is named only.
    'execute p(1)',
    'select purge()',
    'do $$begin delete from t; end$$',
    'explain analyze delete from t',
  ])('are not counted by the tag of: %s', text => expect(of(text)).toBe('uncountable'))

  it.each(['select * from t', 'explain delete from t', ''])('are none in: %s', text =>
    expect(of(text)).toBe('none'),
  )
})
