// Random statements of every kind: queries, changes, and templates of all others with queries in them.
import { change, query } from './queries.ts'
import type { Random } from './random.ts'

/** `Q` a query, `C` a change of rows, `T` a table, `V` a view. */
const templates = `
explain Q
explain (verbose, costs off) C
explain analyze C
explain (analyze on, timing off) Q
explain (analyze false) C
explain execute q_write(1)
explain analyze execute q_write(1)
explain create table made as Q
explain analyze create table made as Q
explain declare cur cursor for Q
prepare mine as Q
prepare mine (int) as C
prepare mine as Q ; execute mine
prepare mine (code) as select $1; execute mine('x')
prepare mine (pair) as select $1::text; execute mine('(1,x)')
execute q_read
execute q_write(1)
execute q_write(f_write())
execute q_view
deallocate q_read
deallocate all
declare cur cursor for Q
declare cur scroll cursor with hold for Q
declare cur cursor for Q ; fetch all from cur
fetch 2 from held
fetch all from held
move 1 in held
close held
close all
copy T to stdout
copy (Q) to stdout
copy (C returning *) to stdout
copy (Q) to program 'cat >/dev/null'
copy T from program 'true'
copy tmp from program 'printf "1\\tx\\n"'
copy (Q) to '/dev/null'
copy audit_log from '/dev/null' where f_write() > 0
create table made as Q
create temp table made as Q
create unlogged table made as execute q_read
create table if not exists made as Q with no data
create table made (id int default f_write(), name text check (length(name) > 0))
create table made (like customers including all)
create table made (id int references customers, name text)
create table made () inherits (parent)
create table made partition of measured for values from (100) to (200)
create temp table made (id int)
select * into made from (Q) s
create view made as Q
create or replace temp view made as Q
create or replace view v_customers as select id, name, ssn from customers
create materialized view made as Q
create materialized view made as Q with no data
refresh materialized view m_orders
refresh materialized view m_writes with no data
create index on customers (name)
create index on orders (f_pure(id)) where total > 1
create unique index made on child (id)
create sequence made
alter sequence counter restart
create function made() returns int language sql as 'select 1'
create or replace function f_pure(int) returns int immutable language sql as 'select 2'
create procedure made() language plpgsql as 'begin perform 1; end'
create trigger made before insert on orders for each row execute function t_audit()
create rule made as on insert to orders do also C
create rule made as on update to orders do instead nothing
create policy made on orders using (exists (Q))
create type made as (a int)
create type made as enum ('a')
create domain made as text check (checked(value))
create schema made
create schema made create table x (id int) create view y as select * from x
create statistics made on id, age from customers
create role made
create aggregate made (int) (sfunc = int4pl, stype = int)
create operator ===== (leftarg = int, rightarg = int, procedure = int4eq)
create cast (mood as int) with function f_pure(int)
create extension if not exists plpgsql
create database made
create publication made for table customers
drop table orders
drop table T cascade
drop view V
drop view if exists V cascade
drop function f_read()
drop schema other cascade
drop owned by clerk
drop index if exists indexed_f_pure_idx
drop materialized view m_orders
drop sequence counter
drop role made
drop trigger watch on watched
drop rule ruled_also on ruled
drop policy own on secrets
drop type mood cascade
alter table T add column added int
alter table T add column added int default f_write()
alter table customers drop column ssn cascade
alter table orders alter column note type varchar(99)
alter table orders alter column total type int using f_pure(total::int)
alter table orders add constraint made check (total > 0)
alter table orders add constraint made foreign key (customer_id) references customers
alter table indexed add constraint made check (checked(name))
alter table T rename to renamed
alter table T rename column id to renamed
alter view v_customers rename to renamed
alter table T set schema other
alter table T owner to clerk
alter table T disable trigger all
alter table secrets disable row level security
alter table measured detach partition measured_low
alter table parent add column more int
alter function f_pure(int) volatile
alter type mood add value 'new'
alter role clerk set work_mem = '1MB'
alter default privileges grant select on tables to clerk
alter system set work_mem = '1MB'
truncate T
truncate customers cascade
truncate only parent
truncate audit_log restart identity
lock table T
lock table T in access share mode
lock table T in row share mode
lock table T in row exclusive mode nowait
lock v_orders in exclusive mode
vacuum T
vacuum
analyze T
analyze
cluster customers using customers_pkey
reindex table customers
reindex index customers_pkey
reindex database app
checkpoint
comment on table T is 'x'
comment on column customers.ssn is 'x'
security label on table customers is 'x'
grant select on T to clerk
revoke all on T from clerk
grant clerk to app
reassign owned by clerk to app
do $$begin perform f_write(); end$$
do $$begin null; end$$
do $x$begin execute 'insert into audit_log values (1)'; end$x$
call p_write(1)
call p_write(f_pure(2))
notify chan, 'x'
listen chan
unlisten chan
unlisten *
set search_path = other, public
set local search_path = other
set work_mem = '1MB'
set session work_mem = '2MB'
set application_name = 'x'
set role clerk
set local role clerk
reset role
set session authorization default
set transaction isolation level serializable
set transaction read write
set constraints all deferred
set time zone 'UTC'
set default_transaction_read_only = on
set names 'UTF8'
set row_security = off
set statement_timeout = 0
reset all
reset search_path
discard plans
discard sequences
discard temp
discard all
show search_path
show all
select set_config('search_path', 'other', false)
select set_config('work_mem', '1MB', false)
select set_config('role', 'clerk', true)
select pg_notify('chan', 'x')
select pg_advisory_lock(1)
select pg_try_advisory_xact_lock_shared(2)
select pg_sleep(0)
select lo_from_bytea(0, 'x')
select lo_put(4242, 0, 'x')
select lowrite(lo_open(4242, 393216), 'x')
select pg_stat_reset()
select pg_cancel_backend(0)
select pg_logical_emit_message(false, 'a', 'b')
select pg_export_snapshot()
select cursor_to_xml('held', 1, true, true, '')
select ts_stat('select to_tsvector(name) from customers')
select query_to_xml('delete from audit_log returning 1', true, true, '')
select database_to_xml(true, true, '')
select schema_to_xml('other', true, true, '')
select total_of(id) from customers
select total_of(id) over (order by id) from customers
select c.f_rowwise from customers c
select (c).f_rowwise from customers c
select f_rowwise from customers f_rowwise
select customers from customers
select c.*::text from customers c
select p = p from pairs
select p from pairs group by p
select distinct p from pairs
select p from pairs order by p
select * from pairs a join pairs b using (p)
select * from pairs a natural join pairs b
select p in (select p from pairs) from pairs
select nullif(p, p) from pairs
select case p when p then 1 end from pairs
select p::text from pairs
select p || 'x' from pairs
select length(p) from pairs
select coalesce(p::text, '') from pairs
select array_agg(p) = array_agg(p) from pairs
select 'c'::code
select code 'c'
select 'c'::text::code from customers
select null::code
select array['c']::code[]
select pg_catalog.text 'a'
select json_populate_record(null::pairs, '{"c": "x"}')
select * from json_to_record('{"c": "x"}') as r(c code)
select jsonb_populate_record(null::pairs, data) from customers
select (jsonb_populate_record(null::pairs, '{"c": "x"}')).c
select row(1, null, 'c', 'ok', 'd')::pairs
select '(1,"(1,x)",c,ok,d)'::pairs
select max(m) from pairs
select r from ranked order by r
select r from ranked order by r using <<<
select distinct r from ranked
select max(id) over (order by r) from ranked
select greatest(r, r) from ranked
select r from ranked union select r from ranked
select array_agg(id order by r) from ranked
select * from guarded where id < 2
select * from guarded_child where id = 1
insert into guarded_child values (9)
select body from secrets
select count(*) from secrets
select 1 from secrets limit 0
select * from v_writes
select 1 from v_writes where false
select * from v_reads
select * from m_writes
table v_nested
table only parent
select * from parent*
values (f_write()), ((Q limit 1) is null)
select (Q limit 1) is null
select * from (Q) s limit 2
select 1 where exists (Q)
select 1; Q; select 2
Q; C
C; Q
set search_path = other; select * from customers
set search_path = other; select upper('a')
create temp table customers as select 1 as id; select * from customers
create table made (id int); insert into made values (1); table made
alter table orders rename to o2; select * from o2
savepoint a; C; rollback to a
select 1 from customers for update of customers
select 1 from v_customers for share
select * from customers c, lateral (select * from orders o where o.customer_id = c.id for update) s
select xmlelement(name x, xmlattributes(name as y)) from customers
select * from xmltable('/a' passing '<a/>' columns x code path '.')
select * from rows from (f_rows(), generate_series(1, 2)) as r
select grouping(id), count(*) from orders group by grouping sets ((id), ())
select extract(year from now()), position('a' in 'b'), overlay('a' placing 'b' from 1), trim('a')
select current_user, session_user, current_schema, localtimestamp
select id from customers where (id, age) in (select id, customer_id from orders)
select (select array_agg(name) from customers c where c.id = o.customer_id) from orders o
select count(*) filter (where f_pure(id) > 1) from customers
select sum(id) over w from customers window w as (partition by region order by age)
select name from customers tablesample bernoulli (f_pure(10))
select name from customers order by f_write()
select name from customers limit f_write()
select name from customers offset f_pure(0)
select name from customers group by rollup (name, f_rowwise)
select string_agg(name, ',' order by lower(ssn)) from customers
with recursive r(n) as (select 1 union all select n + 1 from r where n < 3 and exists (select 1 from customers)) select * from r
with w as (delete from orders where id = 1 returning *) select 1
with w as materialized (select f_write() as x) select 1 from w
with w as (select f_write() as x) select 1
insert into v_ruled values (77, 'x')
insert into v_triggered values (78, 'x')
insert into ruled select id, name from customers
insert into defaulted (name) values ('x') returning *
insert into serials (name) values ('x')
insert into pairs (id, p) values (5, 1)
insert into pairs (c) select name from customers
insert into measured values (9, 'x', 7) returning tableoid::regclass
insert into watched select 55, ssn from customers limit 1
update v_customers set ssn = 'x' where id = 1
update measured set at = 600 where id = 1
update customers set (name, age) = (select note, id from orders limit 1) where id = 2
update customers set tags[1] = ssn, data['k'] = to_jsonb(ssn) where id = 2
update pairs set p.b = 'z'
delete from v_customers where id = 9
delete from customers where current of held
delete from ruled where id = 1
`
  .split('\n')
  .filter(line => line !== '')

const tables =
  `customers,orders,audit_log,empty_one,parent,child,measured,measured_low,"Odd Name",serials,pairs,watched,\
ruled,defaulted,secrets,indexed,tmp,other.customers,only_here`.split(',')
const views = 'v_customers v_orders v_nested v_writes v_reads v_ruled tmp_view other.v'.split(' ')

export function statement(random: Random): string {
  const shape = random.number()
  if (shape < 0.4) return query(random, 3)
  if (shape < 0.6) return change(random, 2)
  return fill(random, random.of(templates))
}

/** Each template once, and what fills it as the seed has it. */
export function eachTemplate(random: Random): string[] {
  return templates.map(template => fill(random, template))
}

function fill(random: Random, template: string): string {
  return template.replaceAll(/\b[QCTV]\b/g, hole => {
    if (hole === 'Q') return query(random, 2)
    if (hole === 'C') return change(random, 1)
    return random.of(hole === 'T' ? tables : views)
  })
}
