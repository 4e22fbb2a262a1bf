import { describe, expect, it } from 'vitest'
import { sqlCategories } from './categories.ts'
import { createPostgresAnalyser } from './index.ts'

const analyser = await createPostgresAnalyser()

function categories(text: string): readonly string[] {
  const result = analyser.analyse(text)
  if (!result.readable) throw new Error(`${text}: ${result.message}`)
  return result.statements.flatMap(each => each.operations.map(({ category }) => category))
}

const examples: Readonly<Record<(typeof sqlCategories)[number], readonly string[]>> = {
  read: ['select 1', 'select * from t', 'explain delete from t', 'table t', 'fetch all from c'],
  read_lock: ['select * from t for share', 'lock t', 'select pg_advisory_lock(1)'],
  write_row: ['insert into t values (1)', 'delete from t where id = 1', "select nextval('s')"],
  write_all: ['delete from t', 'update t set a = 1 where 1 = 1', 'refresh materialized view m'],
  truncate: ['truncate t'],
  copy_in: ['copy t from stdin'],
  copy_out: ['copy t to stdout', 'copy (select * from t) to stdout'],
  ddl: [
    'create table x (a int)',
    'alter table x add b int',
    "comment on table x is ''",
    'create index on x (a)',
    'alter table x rename to y',
  ],
  ddl_destructive: ['drop table x', 'alter table x drop a', 'drop function f', 'discard temp'],
  code: [
    "create function f() returns int language sql as 'select 1'",
    'alter function f() stable',
    'create trigger x before insert on t execute function f()',
    'create rule r as on insert to t do nothing',
    'create cast (a as b) with function f(a)',
    "do 'begin end'",
  ],
  privilege: [
    'grant select on t to a',
    'revoke a from b',
    'alter table t owner to b',
    'alter function f() owner to b',
    'alter table t enable row level security',
    'create policy p on t',
    'drop policy p on t',
    'create role a',
    'alter role a set x.y = 1',
    'drop role a',
    'drop owned by a',
    'reassign owned by a to b',
    'alter default privileges grant select on tables to a',
    "security label on table t is 'x'",
  ],
  session_identity: [
    'set role a',
    'reset role',
    'set session authorization a',
    "select set_config('role', 'a', false)",
    'discard all',
  ],
  settings: ['set work_mem = 1', 'reset all', 'show x', 'discard plans', 'deallocate p', 'close c'],
  system: [
    'alter system set a = 1',
    "load 'x'",
    'create extension x',
    'create language x',
    'create server s foreign data wrapper w',
    "create subscription s connection '' publication p",
    'create event trigger e on ddl_command_start execute function f()',
    'vacuum full',
    'checkpoint',
    'reindex table t',
    'select * from pg_stats',
  ],
  file_program: [
    "copy t to program 'x'",
    "copy t from '/x'",
    "select pg_read_file('x')",
    "select pg_ls_dir('x')",
    "select lo_import('x')",
  ],
  network: ['notify a', 'listen a', "select pg_notify('a', 'b')", "select dblink('a', 'b')"],
  admin_fn: [
    'select pg_terminate_backend(1)',
    'select pg_reload_conf()',
    'select pg_switch_wal()',
    "select pg_create_physical_replication_slot('a')",
  ],
  tx: ['begin', 'commit', 'savepoint a', "commit prepared 'a'", 'set transaction read only'],
  unknown: ["select query_to_xml('select 1', true, true, '')", 'select f(1)', 'select a === b'],
}

describe('the category of an operation', () => {
  it.each(
    sqlCategories.flatMap(category => examples[category].map(text => [category, text] as const)),
  )('is %s: %s', (category, text) => {
    expect(categories(text)).toContain(category)
  })

  it('is that of each part of a statement', () => {
    expect(
      categories('with d as (delete from a returning *) insert into b select * from d'),
    ).toEqual(expect.arrayContaining(['write_all', 'write_row', 'read']))
    expect(categories('copy (delete from a where id = 1 returning *) to stdout')).toEqual(
      expect.arrayContaining(['write_row', 'copy_out']),
    )
    expect(categories('explain select pg_reload_conf()')).toEqual(['admin_fn'])
  })
})
