// The scratch world that texts are run in: tables of three engines, a sequence, views, code that writes when it is
// called, and a second database. Small, so that everything in it can be looked at after each text.

export const WORLD = `
create or replace database scratch character set utf8mb4;
create or replace database other character set utf8mb4;
use scratch;
create table t (id int primary key, a int, b varchar(40), ssn varchar(20), key (a));
insert into t values (1, 10, 'one', '111'), (2, 20, 'two', '222'), (3, 30, 'three', '333');
create table u (id int primary key auto_increment, t_id int, note text);
insert into u values (1, 1, 'x'), (2, 2, 'y');
create table m (id int, b text) engine=myisam;
insert into m values (1, 'mine');
create table v_base (id int, x int) with system versioning;
insert into v_base values (1, 1);
create table log (at int);
create sequence s;
create view v as select id, b from t;
create view v_one as select 1 as one;
create function f_pure(x int) returns int deterministic no sql return x + 1;
create function f_read() returns int reads sql data return (select max(id) from t);
create function f_write() returns int modifies sql data begin insert into log values (1); return 1; end;
create procedure p_write() modifies sql data insert into log values (2);
create procedure p_read() reads sql data select id from t;
create table other.t (id int primary key, b text);
insert into other.t values (1, 'there');
`

/** What is in it, as a catalog would tell: object to its kind and columns. */
export const RELATIONS: Readonly<Record<string, { kind: string; columns: readonly string[] }>> = {
  'scratch.t': { kind: 'table', columns: ['id', 'a', 'b', 'ssn'] },
  'scratch.u': { kind: 'table', columns: ['id', 't_id', 'note'] },
  'scratch.m': { kind: 'table', columns: ['id', 'b'] },
  'scratch.v_base': { kind: 'table', columns: ['id', 'x'] },
  'scratch.log': { kind: 'table', columns: ['at'] },
  'scratch.s': { kind: 'sequence', columns: [] },
  'scratch.v': { kind: 'view', columns: ['id', 'b'] },
  'scratch.v_one': { kind: 'view', columns: ['one'] },
  'other.t': { kind: 'table', columns: ['id', 'b'] },
}

export const ROUTINES = ['f_pure', 'f_read', 'f_write', 'p_write', 'p_read']

const SYSTEM = `global_priv db tables_priv columns_priv procs_priv proxies_priv roles_mapping func plugin servers proc event
  table_stats column_stats index_stats gtid_slave_pos`

/** One row that changes when anything lasting does. Asked of another session than the one that ran the text. */
export const FINGERPRINT = `
checksum table scratch.t, scratch.u, scratch.m, scratch.log, other.t, ${SYSTEM.split(/\s+/)
  .map(name => `mysql.${name}`)
  .join(', ')};
select id, x, row_start, row_end from scratch.v_base for system_time all;
select next_not_cached_value, cycle_count from scratch.s;
select auto_increment, table_comment, create_options from information_schema.tables where table_schema in ('scratch', 'other') order by table_name;
select table_schema, table_name, column_name, column_type, column_default, extra from information_schema.columns where table_schema in ('scratch', 'other') order by 1, 2, ordinal_position;
select table_name, view_definition from information_schema.views where table_schema in ('scratch', 'other') order by 1;
select trigger_name, action_statement from information_schema.triggers where trigger_schema in ('scratch', 'other') order by 1;
select index_name, table_name from information_schema.statistics where table_schema in ('scratch', 'other') order by 1, 2;
select schema_name, default_character_set_name from information_schema.schemata order by 1;
select variable_name, variable_value from information_schema.global_variables
 where variable_name not in ('TIMESTAMP', 'GTID_BINLOG_POS', 'GTID_CURRENT_POS', 'LAST_INSERT_ID', 'INSERT_ID', 'RAND_SEED1', 'RAND_SEED2', 'PSEUDO_THREAD_ID', 'IN_TRANSACTION', 'ERROR_COUNT', 'WARNING_COUNT', 'IDENTITY') order by 1;
`

/** What a session keeps that changes how the next text is read. */
export const READING =
  'select @@sql_mode, @@character_set_client, @@collation_connection, @@character_set_results, database(), @@autocommit'
