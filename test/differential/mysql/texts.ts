// Listed texts. The server is asked of each whether it wrote; the analyser must not have called those read only.

const lines = (text: string): string[] =>
  text
    .split('\n')
    // A backtick would end our own literal.
    .map(line => line.trim().replaceAll('´', '`'))
    .filter(line => line !== '')

/** Ordinary questions: nothing is written, and they must not be refused either. */
export const reads = lines(String.raw`
select 1
select 1 as one, 'two' as two, "three" as three
select * from t
select id, ssn from t where id = 1
select t.id, t.b from t as t where t.a between 10 and 20 order by t.id desc limit 2
select id from t limit 1, 2
select id from t limit 1 offset 1
select count(*), max(a), min(a), avg(a), sum(a) from t
select a, count(*) from t group by a having count(*) > 0
select distinct b from t
select t.id, u.note from t join u on u.t_id = t.id
select t.id, u.note from t left join u on u.t_id = t.id
select t.id, u.note from t right join u on u.t_id = t.id
select * from t inner join u using (id)
select * from t natural join u
select * from t cross join u
select * from t, u where t.id = u.t_id
select * from (select id, b from t) as d
select (select max(id) from t) as m
select id from t where id in (select t_id from u)
select id from t where exists (select 1 from u where u.t_id = t.id)
select id from t union select id from u
select id from t union all select id from u order by 1 limit 2
select id from t intersect select t_id from u
select id from t except select t_id from u
with c as (select id from t) select * from c
with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select * from n
select case when a > 10 then 'big' else 'small' end from t
select if(a > 10, 'big', 'small'), ifnull(b, ''), nullif(a, 10), coalesce(b, ssn) from t
select concat(b, '-', ssn), upper(b), lower(b), substring(b, 1, 2), left(b, 1), right(b, 1), length(b) from t
select cast(a as char), convert(a, char), a + 1, a * 2, a / 3, a % 2, a div 2, -a from t
select group_concat(b order by id separator ',') from t
select json_object('id', id, 'b', b) from t
select json_arrayagg(b), json_objectagg(id, b) from t
select json_extract('{"a": 1}', '$.a')
select row_number() over (order by id), rank() over (partition by b order by a) from t
select sum(a) over (order by id rows between 1 preceding and current row) from t
select now(), curdate(), unix_timestamp(), date_add('2020-01-01', interval 1 day)
select date_format(now(), '%Y'), year(now()), extract(year from now())
select md5('x'), sha1('x'), sha2('x', 256), hex('x'), to_base64('x')
select rand(), uuid(), version(), database(), user(), current_user(), connection_id()
select @@version, @@session.sql_mode, @@global.max_connections
select * from v
select * from v_one
select * from other.t
select * from scratch.t join other.t as o on o.id = t.id
select id from t where b like 'o%' and not (a = 1 or a is null)
select id from t where b regexp '^o' or b rlike 'x'
select id from t where a <=> null
select id from t where (id, a) = (1, 10)
select id from t where id in (1, 2, 3)
select 'it''s', 'it\'s', "say ""x""", 'a' 'b'
select 0x41, x'41', b'01', 1e3, .5, 1., _utf8mb4'x'
select _latin1'abc', N'abc'
select null, true, false, unknown is null from (select 1 as unknown) d
select ´id´, ´b´ from ´t´
select id from ´scratch´.´t´
select t.* from t
select 1 from dual
select id from t where id = 1 -- the first
select id from t # the first
select /* in the middle */ id from t
select id/**/from/**/t
select id from t where a = 5 --2
select all id from t
select sql_no_cache id from t
select straight_join t.id from t join u on u.id = t.id
select high_priority id from t
select sql_calc_found_rows id from t limit 1
select id from t use index (a) where a = 10
select id from t force index (primary) where id = 1
select id from t ignore index (a)
(select id from t)
(select id from t) union (select id from u)
select * from t order by field(id, 3, 1)
select greatest(1, 2), least(1, 2), floor(1.5), ceil(1.5), round(1.5), abs(-1), mod(3, 2), pow(2, 3), sqrt(4)
select trim('  x '), ltrim(' x'), rtrim('x '), replace('abc', 'b', 'x'), reverse('abc'), repeat('x', 3), lpad('x', 3, '0')
select locate('b', 'abc'), position('b' in 'abc'), instr('abc', 'b'), find_in_set('b', 'a,b')
select inet_aton('127.0.0.1'), inet_ntoa(1)
select elt(1, 'a', 'b'), char(65), ascii('A'), ord('A'), bin(5), conv('ff', 16, 10)
select id from t where a > all (select 5)
select id from t where a = any (select a from t)
select count(distinct a) from t
select std(a), variance(a), bit_and(a), bit_or(a) from t
select t.id from t where date('2020-01-01') < now()
select a & 1, a | 1, a ^ 1, ~a, a << 1, a >> 1, !a from t
select 1 = 1, 1 <> 2, 1 != 2, 1 < 2, 2 >= 1, 1 and 1, 1 && 1, 0 or 1, 0 || 1, 1 xor 1, not 0
select interval(2, 1, 3)
select id from t where b collate utf8mb4_bin = 'one'
select binary 'a' = 'A'
select format(1234.5, 2), truncate(1.234, 1)
select last_insert_id()
select found_rows(), row_count()
select table_name from information_schema.tables where table_schema = database()
select column_name, data_type from information_schema.columns where table_name = 't'
show tables
show full tables from scratch
show databases
show columns from t
show full columns from t
show index from t
show create table t
show variables like 'sql_mode'
show session status like 'Threads%'
show warnings
show errors
show count(*) warnings
show table status
show character set
show collation like 'utf8mb4%'
show engines
show processlist
show grants
describe t
desc t
explain select * from t
explain extended select * from t
explain format=json select * from t
`)

/** Each of these changes something lasting. */
export const writes = lines(`
insert into t values (9, 9, 'nine', '999')
insert into t set id = 9, a = 9
insert into t (id) select 9
insert into t (id) values (9) returning id
insert ignore into t values (9, 9, 'nine', '999')
insert into t values (1, 1, 'x', 'y') on duplicate key update a = a + 1
insert t values (9, 9, 'nine', '999')
insert low_priority into t (id) values (9)
insert into other.t values (9, 'nine')
insert into v (id, b) values (9, 'nine')
replace into t values (1, 1, 'x', 'y')
replace t set id = 1, a = 5
update t set a = a + 1
update t set a = 99 where id = 1
update t join u on u.t_id = t.id set t.a = 99
update t, u set t.a = 99 where t.id = u.t_id
update v set b = 'changed' where id = 1
update low_priority ignore t set a = 99
delete from t
delete from t where id = 1
delete from t where id = 1 returning id
delete t from t join u on u.t_id = t.id
delete from t using t join u on u.t_id = t.id
delete quick from t limit 1
truncate t
truncate table u
create table n (id int)
create table if not exists n2 as select * from t
create table n3 like t
create or replace table u (id int)
create view w as select 1
create or replace view v as select 1 as id, 2 as b
create index i on t (b)
create unique index i2 on t (b)
create sequence s2
create function g() returns int return 1
create procedure q() select 1
create trigger tr before insert on u for each row set @x = 1
create event e on schedule every 1 day do select 1
create database made
create schema made2
create user somebody
create role r
create server srv foreign data wrapper mysql options (host 'x')
alter table t add column c int
alter table t comment 'changed'
alter table u auto_increment = 100
alter view v as select 1 as id
alter database scratch character set latin1
alter user app identified by 'other'
alter sequence s restart 50
alter function f_pure comment 'x'
drop table t
drop table if exists t, u
drop view v
drop index a on t
drop function f_pure
drop procedure p_write
drop database other
drop sequence s
drop user app
rename table t to t2
rename user app to app2
grant select on scratch.* to app
grant all on *.* to app with grant option
set password for app = password('x')
set global max_connections = 77
set @@global.max_connections = 77
set session sql_mode = '', global max_connections = 77
call p_write()
call scratch.p_write()
select f_write()
select f_write() from t
select id from t where f_write() = 1
select id from t order by f_write()
select * from (select f_write() as x) d
with c as (select f_write() as x) select * from c
do f_write()
set @v = f_write()
select f_write() into @v
select nextval(s)
select next value for s
select setval(s, 500)
select 1 into outfile '@FILES@/out1'
select b from t into outfile '@FILES@/out2' fields terminated by ','
select b from t limit 1 into dumpfile '@FILES@/out3'
load data infile '@FILES@/in' into table m
analyze table t persistent for all
analyze update t set a = 77
analyze delete from t
analyze insert into t values (9, 9, 'x', 'y')
analyze format=json update t set a = 78
analyze select f_write()
explain select * from (select f_write() as x) d
explain select * from t where id = nextval(s)
describe delete from t where id = next value for s
execute immediate 'delete from t'
execute immediate concat('del', 'ete from t')
prepare p from 'delete from t'; execute p
set @q = 'delete from t'; prepare p from @q; execute p
begin not atomic delete from t; end
begin not atomic if 1 then delete from t; end if; end
if 1 = 1 then delete from t; end if
while (select count(*) from t) > 0 do delete from t limit 1; end while
set statement max_statement_time = 5 for delete from t
set statement sql_mode = 'ANSI_QUOTES' for delete from t
start transaction; delete from t; commit
select 1; delete from t
/*!50000 delete from t */
/*!delete from t*/
/*M! delete from t */
/*M!100100 delete from t */
/*!100100delete from t*/
/*!50001 delete */ from t
select 1 /*!50000 into outfile '@FILES@/out5' */
select 1 /*!50000 into */ outfile '@FILES@/out6'
delete from t /*!99999 where id = 1 */
delete/**/from/**/t
install soname 'query_response_time'
handler t open; handler t read first; handler t close; delete from t
xa start 'x'; delete from t; xa end 'x'; xa commit 'x' one phase
lock tables t write; delete from t; unlock tables
flush privileges; delete from t
create table c as select f_write() as x
select * from t where id = (select f_write())
select case when 1 then f_write() end
select if(1, f_write(), 0)
select coalesce(null, f_write())
select scratch.f_write()
select ´f_write´()
select f_write ()
select f_write/**/()
values (f_write())
select f_write() union select 1
show tables where f_write() = 1
show columns from t where f_write()
insert delayed into m values (2, 'later')
select sleep(0), f_write()
select benchmark(2, f_write())
select id from t procedure analyse(); delete from t
delete from t order by id limit 1
update t set a = default where id = 1
replace into t select 1, 2, 'x', 'y'
create temporary table t (x int); drop table t; delete from t
use other; delete from t
set autocommit = 0; delete from t; commit
alter table v_base drop system versioning
create table part (id int) partition by hash (id) partitions 2
create or replace function f_pure(x int) returns int return 5
create definer = root@localhost view w2 as select 1
`)

/** Where scanners and servers part: anything may come of these, but nothing written may have been called a read. */
export const tricky = lines(String.raw`
revoke all privileges on scratch.* from app
(select 1 into outfile '@FILES@/out4')
load data infile '@FILES@/in' replace into table m fields terminated by ','
select 1;; delete from t
select 1 /*!; delete from t */
select 1 /*!50000; delete from t; */
DeLeTe FrOm T1 where 1 = 0 or 1; delete from t
; delete from t
(delete from t where 0); delete from t
optimize table t
insert into log select f_write()
delete history from v_base
select 1 /*!99999 ; delete from t */
select 1 /*!999999 ; delete from t */
select 1 /*!101119 , 2 */
select 1 /*!101120 , 2 */
select 1 /*!080042 , 2 */
select 1 /*!50000 , 2 */, 3
select 1 /*!50700 , 2 */
select 1 /*!80000 , 2 */
select 1 /*!50799 , 2 */
select 1 /*!999990 , 2 */
select 1 /*M!50000 , 2 */
select 1 /*M!110000 ; delete from t */
select 1 /*!5000 , 2 */
select 1 /*!500 , 2 */
select 1 /*!500000 , 2 */
select 1 /*!0 , 2 */
select 1 /*!00000 , 2 */
select 1 /*!000000 , 2 */
select 1 /*!1000000 , 2 */
select 1 /*! 50000 , 2 */
select 1 /*!50000, 2 */
select 1 /*!50000/* inner */, 2 */
select 1 /*!50000 /*!50000 , 2 */ , 3 */
select 1 /*!50000 '*/' */
select 1 /*!50000 , '*/ ; delete from t ; -- ' */
select 1 /*!50000 -- x */
select 1 /*!50000 # x */ ; delete from t
select '/*!50000 ; delete from t */'
select "/*!50000 ; delete from t */"
select ´/*! x */´ from (select 1 as ´/*! x */´) d
select 1 -- /*! ; delete from t */
select 1 # /*! ; delete from t */
select 1 /* /*! ; delete from t */
select 1 /* ' */ ; delete from t /* ' */
select 1 /*+ MAX_EXECUTION_TIME(1) */
select /*+ SET_VAR(sql_mode='ANSI_QUOTES') */ 1
select 1 /**/;/**/delete from t
select 1 /*/ ; delete from t /*/
select 1 /*/**/; delete from t
select 1 */ ; delete from t
/*! select 1
/*!50000 select 1
/* select 1
select '\'; delete from t; -- '
select '\\'; delete from t; -- '
select 'a\\\'; delete from t; -- '
select "\"; delete from t; -- "
select '''; delete from t; -- '
select "'; delete from t; -- "
select '";delete from t; -- "'
select '\
'; delete from t
select 'x' 'y'; delete from t
select ´id\´ from t; delete from t -- ´
select ´a´´;delete from t;-- ´
select 1 --; delete from t
select 1 -- ; delete from t
select 1--1; delete from t
select 1 --1
select 5 --2
select 5--2
select 5 - -2
select 1 #; delete from t
select n'x'; delete from t
select _binary'x\'; delete from t -- '
select _gbk x'bf27'
select _latin1'x' collate latin1_bin
select x'4'; delete from t
select 0xg; delete from t
select 1e; delete from t
select 1.e; delete from t
select .1.1; delete from t
select @a:=1
select @a := f_write()
select @a, @@version, @'a b', @"c", @´d´
select @'; delete from t; -- '
select @´x; delete from t; -- ´
select @@global.sql_mode
select @@session.autocommit
set sql_mode = 'ANSI_QUOTES'
set sql_mode = 'NO_BACKSLASH_ESCAPES'
set sql_mode = concat('ANSI', '_QUOTES')
set sql_mode = default
set sql_mode = 4
set sql_mode = @x
set @@sql_mode = 'PIPES_AS_CONCAT'
set @@session.sql_mode := 'ORACLE'
set @@local.sql_mode = 'ANSI'
set session sql_mode = ''
set local sql_mode = 'MSSQL'
set ´sql_mode´ = 'ANSI'
set @@´sql_mode´ = 'ANSI'
set autocommit = 1, sql_mode = 'ANSI'
set /*! sql_mode = 'ANSI' */
set /*! sql_mode = 'ANSI', */ autocommit = 1
set sql_mode = (select 'ANSI')
set old_mode = 'NO_DUP_KEY_WARNINGS_WITH_IGNORE'
set names gbk
set names 'sjis'
set names big5 collate big5_chinese_ci
set names utf8mb4
set names latin1
set names default
set character set gbk
set charset cp932
set character_set_client = gbk
set @@character_set_client = 'gb18030'
set character_set_client = utf16
set character_set_connection = utf16
set character_set_results = null
set character_set_results = utf16
set collation_connection = utf16_bin
set statement sql_mode = 'ANSI_QUOTES' for select "id" from t
set statement sql_mode = 'NO_BACKSLASH_ESCAPES' for select '\'
set role none
set transaction read write
set transaction read only
start transaction read only
begin
begin work
commit
rollback
rollback and chain
savepoint x
release savepoint x
rollback to x
use other
use ´other´
use scratch
help 'select'
select * from t for update
select * from t lock in share mode
select * from t where id = 1 for update skip locked
select * from t into @a, @b, @c, @d
select id into @a from t limit 1
select id from t limit 1 into @a
select get_lock('x', 0), release_lock('x')
select load_file('/etc/passwd')
select load_file('@FILES@/in')
select lastval(s), previous value for s
select id from t procedure analyse()
select id from t procedure analyse(10, 2000)
table t
values (1), (2)
values row(1)
do 1
do sleep(0)
handler t open
handler t open as h
handler t read first
handler t close
explain delete from t
explain update t set a = 5
explain insert into t values (9, 9, 'x', 'y')
explain select f_write()
explain select f_write() from dual where f_write() = 1
explain extended select * from t where id = (select f_write())
explain format=json select * from (select f_write() as x) d
describe select * from t
desc delete from t
explain for connection 1
show explain for 1
analyze select * from t
analyze format=json select * from t
analyze table t
check table t
checksum table t
repair table m
optimize table m
cache index m in default
load index into cache m
flush tables
flush local tables
flush status
flush privileges
flush logs
flush tables with read lock; unlock tables
reset query cache
kill 999999
kill query 999999
kill hard connection id 999999
purge binary logs to 'x'
show create view v
show create function f_write
show create procedure p_write
show create database scratch
show create user app
show create sequence s
show procedure code p_write
show function status
show procedure status
show triggers
show events
show plugins
show privileges
show master status
show binary logs
show slave status
show storage engines
show open tables
show global variables
show profile
show profiles
show relaylog events
show package status
show wsrep_status
show locales
show authors
show tables from other like 't%'
show tables where 1
show index from t where key_name = 'a'
prepare p from 'select 1'
prepare p from 'select f_write()'
prepare p from @v
execute p
execute p using @a
deallocate prepare p
drop prepare p
execute immediate 'select 1'
execute immediate @v
execute immediate 'select f_write()'
call p_read()
call nowhere()
select f_pure(1)
select f_read()
select nowhere()
select other.f_write()
select sys.version_major()
signal sqlstate '45000'
resignal
get diagnostics @x = number
xa recover
backup stage start; backup stage end
backup lock t; backup unlock
lock tables t read; unlock tables
unlock tables
create temporary table tmp (id int)
create temporary table tmp as select * from t
drop temporary table if exists tmp
select * from t as of timestamp now()
select * from v_base for system_time all
select * from v_base for system_time as of timestamp now()
select * from t partition (p0)
select json_value('{"a":1}', '$.a')
select * from json_table('[1]', '$[*]' columns (x int path '$')) j
select xmltype('<a/>')
select extractvalue('<a>x</a>', '/a'), updatexml('<a>x</a>', '/a', '<b/>')
select column_get(column_create('a', 1), 'a' as int)
select decode_oracle(1, 1, 2)
select name_const('x', 1)
select master_pos_wait('x', 1)
select master_gtid_wait('0-1-1', 0)
select sys_exec('x')
select sys_eval('x')
select uuid_short(), sys_guid()
select 1 where 1 = 1
select 1 from t window w as (order by id)
select 1 limit rows examined 10
select 1 order by 1 fetch first 1 rows only
select id from t offset 1 rows fetch next 1 rows only
select sql_buffer_result sql_big_result id from t
select (select 1 into @x)
select 1 union select 2 into @a
select 1 into outfile '/tmp/never/there'
select * from t where ssn = '1' or '1' = '1' -- '
SELECT(1)
select(id)from(t)
select+1
select-1
select!1
select~1
select@a
select@@version
select'x'
select"x"
select´id´from´t´
select.1
select 1from dual
select 1;select 2
select 1; ;select 2;
select 1\g
select 1\G
delimiter //
source /etc/passwd
\! ls
change master to master_host = 'x'
start slave
stop slave
reset slave
install plugin x soname 'y'
uninstall plugin x
uninstall soname 'nothing'
create package p as end
grant nowhere to nobody
set default role none
set password = password('')
shutdown_not_really
alter table t disable keys
alter instance rotate innodb master key
clone local data directory = '/tmp/x'
import table from 'x'
restart
load xml infile '@FILES@/in' into table m
load data local infile '@FILES@/in' into table m
insert into t select * from t where 0
update t set a = a
delete from t where 0
truncate nothing
drop table if exists nothing
with c as (delete from t returning id) select * from c
with c as (select 1) delete from t where id = 1
with c as (select id from t) update t join c on c.id = t.id set a = 1
insert into u (t_id) with c as (select 1 as x) select x from c
(((select 1)))
((select 1) union (select 2)) limit 1
select * from (values (1), (2)) v
select row(1, 2) = row(1, 2)
select (1, 2) in ((1, 2))
select exists (select 1)
select not exists (select f_write())
select 1 is true, null is unknown
select 'a' sounds like 'b'
select 1 member of ('[1]')
select b->'$.a' from t
select b->>'$.a' from t
select match (b) against ('x') from t
select convert('x' using utf8mb4)
select convert('x' using gbk)
select char(0xbf27 using gbk)
select weight_string('x')
select cast('x' as binary)
select timestamp'2020-01-01 00:00:00', date'2020-01-01', {d '2020-01-01'}, {ts '2020-01-01 00:00:00'}
select {fn now()}
select current_timestamp, localtime, utc_date, current_user, curtime
select interval 1 day + '2020-01-01'
select /*!*/ 1
select /*!50000*/ 1
select /**/1
select 1/**/
select 1 /*!50000*/; delete from t
`).concat([
  'select 1\u0000; delete from t',
  'select 1 \u00a0; delete from t',
  'select 1\u2028; delete from t',
  "select '\u0000'; delete from t",
  'select 1;\ndelete from t',
  'select 1 --\ndelete from t',
  'select 1 --\tx\n; delete from t',
  'select 1 --\u000b; delete from t',
  'select 1 --\f; delete from t',
  'select 1 #\r; delete from t',
  'select 1 -- \r; delete from t',
  'select 1 -- \n; delete from t',
  'select/*\n*/1',
  '\ufeffselect 1',
  '\ufeffdelete from t',
  'ＳＥＬＥＣＴ 1',
  'delete from ｔ',
  'ſelect 1',
  'delete fro\u006d t',
  '',
  ' ',
  ';',
  ';;',
  '-- nothing',
  '/* nothing */',
  '/*!*/',
  '\\',
  "'",
  '"',
  '`',
])
