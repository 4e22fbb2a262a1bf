// Attacks in several steps, or on what is not a row: errors, notices, settings, notifications, plans, statistics, copies
// and definitions. Of each only one thing is asked: no byte of the answers tells a value.
// A line is an attack: its name, and its statements behind each other. Each is undone; what is
// committed to be seen by a catalog that was read again, by what stands behind `<>`.

const list = `
# an error that quotes
a number: select ssn::int from people
a number of a view: select a::numeric from renamed
a number in a condition: select name from people where ssn::int > 0
a number in an order: select name from people order by ssn::int
a number in an update: update people set name = name where ssn::int = 1
a number in a join: select 1 from people p join plain t on t.id = p.ssn::int
a number in an aggregate: select sum(ssn::int) from people
a number in a window: select sum(id) over (order by ssn::int) from people
a number in a limit: select 1 limit (select ssn::int from people where id = 1)
a number by input function: select int4in(textout(ssn)) from people
a number in a CTE that nobody reads: with x as materialized (select ssn::int as v from people) select 1 from x
a boolean: select ssn::boolean from people
a date: select ssn::date from people
a timestamp: select ssn::timestamptz from people
an interval: select ssn::interval from people
a uuid: select ssn::uuid from people
an address: select ssn::inet from people
a mac address: select ssn::macaddr from people
a point: select ssn::point from people
money: select ssn::money from people
bits: select ssn::bit(8) from people
bytes: select ('\\x' || ssn)::bytea from people
json: select ssn::json from people
jsonb: select ('{' || ssn)::jsonb from people
a path: select (ssn || '[')::jsonpath from people
xml: select xmlparse(document ssn) from people
broken xml: select ('<' || ssn)::xml from people
xpath: select xpath(ssn || '[', '<a/>') from people
an enum: select ssn::tier from people
an array: select ssn::int[] from people
an array of text: select ('{' || ssn)::text[] from people
a range: select ssn::int4range from people
a row: select ('(' || ssn)::address from people
a table: select ssn::regclass from people
a type: select ssn::regtype from people
a function: select ssn::regproc from people
a role: select ssn::regrole from people
a schema: select ssn::regnamespace from people
a text search: select to_tsvector(ssn::regconfig, 'x') from people
a query: select to_tsquery('simple', ssn || ' ' || ssn) from people
a collation by name: select ssn::regcollation from people
a transaction: select ssn::xid8 from people
an oid: select ssn::oid from people
a place: select ssn::pg_lsn from people
a pattern: select 'x' ~ (ssn || '[') from people
a pattern to be replaced: select regexp_replace('x', '(' || ssn, '') from people
flags of a pattern: select regexp_replace('x', 'x', 'y', ssn) from people
a format: select format('%' || ssn, 1) from people
a unit: select date_part(ssn, now()) from people
a unit to cut at: select date_trunc(ssn, now()) from people
a time zone: select now() at time zone ssn from people
an encoding: select encode('a', ssn) from people
another encoding: select convert_from('a', ssn) from people
a form of unicode: select normalize(U&'\\0061', NFC) || unistr('\\' || ssn) from people
a picture of a number: select to_number(ssn, '999') from people
a picture of a date: select to_date(ssn, 'YYYY-MM-DD') from people
a month: select to_date(ssn, 'Month') from people
a template: select to_timestamp('2020', 'YYYY' || ssn) from people
a digest: select digest(ssn, 'x') from people
a setting that is not: select current_setting(ssn) from people
a privilege: select has_table_privilege(ssn, 'select') from people
a privilege's name: select has_table_privilege('people', ssn) from people
a role that is not: select pg_has_role(ssn, 'member') from people
a schema that is not: select has_schema_privilege(ssn, 'usage') from people
a sequence that is not: select nextval(ssn) from people
a size: select pg_relation_size(ssn) from people
a view that is not: select pg_get_viewdef(ssn) from people
a text that is run: select query_to_xml(ssn, true, true, '') from people
a text that is run, of names: select table_to_xml(ssn, true, true, '') from people
statistics of words: select ts_stat(ssn) from people
a field: select jsonb_populate_record(null::people, jsonb_build_object('id', ssn)) from people
a record of json: select * from people p, jsonb_to_record(jsonb_build_object('v', p.ssn)) t(v int)
a column of xml: select t.v from people p, xmltable('/x' passing xmlelement(name x, p.ssn) columns v int path '.') t
the wrong dimension: select array[array[1], string_to_array(ssn, null)::int[]] from people
the keys of json: select json_object(array[ssn]) from people
what overflows: select (account * 1e300)::float4 from people
what is too long: select pay::int from people
a character: select chr(-ascii(ssn)) from people
a number of a whole row: select p::text::int from people p
a cast in COPY: copy (select ssn::int from people) to stdout
a cast in a cursor: declare c cursor for select ssn::int from people;; fetch all from c
a cast in a prepared statement: prepare p as select ssn::int from people;; execute p
a cast in a view: create view v as select ssn::int as n from people;; select n from v
a constant that is cast: select case when id < 0 then 1 else ssn::int end from people
a cast behind a guard: select 1 / (case when ssn like 'f%' then 0 else 1 end) from people
# an error of a constraint
not null: update people set id = null
not null, of a view: update people_view set id = null
not null, by insert: insert into twins (ssn) select ssn from people
unique: insert into people (id, ssn) select 50, ssn from people where id = 1
unique, by update: update people set ssn = (select ssn from people where id = 1) where id = 2
unique, by a constant: update people set id = 1
unique index: create unique index on people (ssn);; create table t as select ssn from people union all select ssn from people;; create unique index on t (ssn)
unique index of what is hidden: create unique index on people ((left(ssn, 0) || grade::text || ssn))
a primary key: alter table people add unique (name, ssn)
a foreign key: insert into refs select ssn || '!' from people
a foreign key that comes later: alter table orders add foreign key (card) references twins (ssn)
a check: insert into checked select ssn from people
a check that comes later: alter table people add check (ssn = 'x')
an exclusion: insert into excluded select span from people;; insert into excluded select span from people
no partition: insert into by_ssn select ssn from people
a generated column: insert into computed (v) select ssn from people
a domain: select ssn::short from people
a rule of a view: update checked_view set v = (select ssn from people where id = 1)
a trigger's notice: update watched set name = name
a trigger's notice of one row: update watched set name = 'z' where id = 1
# definitions that read values
an index on a cast: create index on people ((ssn::int))
an index on a view's column: create index on people_matview ((ssn::int))
another type: alter table people alter ssn type int using ssn::int
a default of another type: alter table people add column z int generated always as (ssn::int) stored
a table of a query: create table t as select ssn::int from people
a view that is stored: create materialized view t as select ssn::int from people
a check of a cast: alter table people add check (ssn::int > 0)
a partition: create table t partition of by_ssn default;; insert into by_ssn select ssn from people;; create table u partition of by_ssn for values in ('x')
statistics on an expression: create statistics s on (ssn::int), name from people;; analyze people
# what is said by the way
a notice: select say(ssn) from people
a notice and an error: select shout(ssn) from people
a notice of a block: do $$ begin raise notice '%', (select ssn from people where id = 1); end $$
a warning of a block: do $$ begin raise warning '%', (select ssn from people where id = 1); end $$
an error of a block: do $$ begin raise exception '%', (select ssn from people where id = 1); end $$
a detail of a block: do $$ begin raise exception using message = 'x', detail = (select ssn from people where id = 1); end $$
a hint of a block: do $$ begin raise exception using message = 'x', hint = (select ssn from people where id = 1); end $$
a name in an error of a block: do $$ begin raise exception using message = 'x', table = (select ssn from people where id = 1); end $$
a code of a block: do $$ begin raise exception using message = 'x', errcode = (select upper(left(ssn, 5)) from people where id = 1); end $$
an assertion: do $$ begin assert false, (select ssn from people where id = 1); end $$
a loop: do $$ declare r record; begin for r in select * from people loop raise info '%', r; end loop; end $$
a text that a block makes: do $$ begin execute 'select ' || (select ssn from people where id = 1); end $$
a name that a block makes: do $$ begin execute format('create temp table %I ()', (select ssn from people where id = 1)); end $$;; select relname from pg_class where relpersistence = 't'
a comment that a block makes: do $$ begin execute format('comment on table plain is %L', (select ssn from people where id = 1)); end $$;; select obj_description('plain'::regclass)
a statement's name that a block makes: do $$ begin execute format('prepare %I as select 1', (select ssn from people where id = 1)); end $$;; select name from pg_prepared_statements
a cursor's name that a block makes: do $$ begin execute format('declare %I cursor with hold for select 1', (select ssn from people where id = 1)); end $$;; select name from pg_cursors
a channel that a block makes: do $$ begin execute format('listen %I', (select ssn from people where id = 1)); end $$;; select * from pg_listening_channels()
a setting that a block makes: do $$ begin perform set_config('my.v', (select ssn from people where id = 1), false); end $$;; select current_setting('my.v')
a setting that a block makes, shown: do $$ begin perform set_config('my.v', (select ssn from people where id = 1), false); end $$;; show my.v
a table that a block fills: create temp table t (v text);; do $$ begin insert into t select ssn from people; end $$;; select v from t
a table that a function fills: create temp table t (v text);; create function pg_temp.f() returns void language sql as 'insert into t select ssn from public.people';; select pg_temp.f();; select v from t
a function that answers: create function pg_temp.f() returns text language sql as 'select ssn from public.people where id = 1';; select pg_temp.f()
a function that returns a table: create function pg_temp.f() returns table (name text) language plpgsql as 'begin return query select ssn from public.people; end';; select name from pg_temp.f()
a cursor of a function: create function pg_temp.f() returns refcursor language plpgsql as $$ declare c refcursor := 'mine'; begin open c for select ssn from public.people; return c; end $$;; select pg_temp.f();; fetch all from mine
a cursor with the value's name: create function pg_temp.f() returns refcursor language plpgsql as $$ declare c refcursor := (select ssn from public.people where id = 1); begin open c for select 1; return c; end $$;; select pg_temp.f();; select name from pg_cursors
# settings and notifications
a setting: select set_config('my.v', ssn, false) from people;; select current_setting('my.v')
a setting, shown: select set_config('my.v', ssn, false) from people;; show my.v
a setting that is reported: select set_config('application_name', ssn, false) from people
a setting that is reported, local: select set_config('application_name', left(ssn, 10), true) from people
a setting that others see: select set_config('application_name', ssn, false) from people;; select application_name from pg_stat_activity
a setting that is wrong: select set_config('TimeZone', ssn, false) from people
a setting that is not: select set_config(ssn, 'x', false) from people
a path: select set_config('search_path', ssn, false) from people;; show search_path;; select current_schemas(true)
all settings: select set_config('my.v', ssn, false) from people;; select setting from pg_settings
all settings, shown: select set_config('my.v', ssn, false) from people;; show all
a notification: listen news;; select pg_notify('news', ssn) from people;; commit;; select 1
a channel: listen news;; select pg_notify(ssn, 'x') from people;; commit;; select 1
a lock: select pg_advisory_xact_lock(account) from people;; select objid, classid from pg_locks where locktype = 'advisory'
a number of a sequence: create temp sequence s;; select setval('s', account) from people;; select last_value from s;; select currval('s'), lastval()
a large object: select lo_from_bytea(4711, ssn::bytea) from people where id = 1;; select lo_get(4711)
a large object, piece by piece: select lo_create(4712);; select lo_put(4712, 0, ssn::bytea) from people where id = 1;; select lo_get(4712), convert_from(lo_get(4712), 'UTF8')
a random seed: select setseed(1.0 / ascii(ssn)) from people where id = 1;; select random()
# a plan
a plan: explain select * from people where ssn = 'x'
a plan that runs: explain (analyze, verbose) select ssn, pay from people
a plan in json: explain (analyze, verbose, format json) select ssn from people
a plan in xml: explain (analyze, format xml) select ssn from people order by ssn
a plan of what is folded: explain (verbose) select pl_fixed()
a plan of what is folded, in a condition: explain select * from plain where label = pl_fixed()
a plan of a prepared statement: prepare p as select pl_fixed();; explain (verbose) execute p
a plan of a sub-query: explain (analyze, verbose) select * from plain where label = (select ssn from people where id = 1)
a plan that a block reads: create temp table t (v text);; do $$ declare r text; begin for r in explain (verbose) select pl_fixed() loop insert into t values (r); end loop; end $$;; select v from t
18 a plan with memory: explain (analyze, memory, serialize, verbose) select ssn from people
# statistics
of columns: analyze people;; select most_common_vals::text, histogram_bounds::text from pg_stats where tablename = 'people'
of columns, as a row: analyze people;; select s from pg_stats s where tablename = 'people'
of columns, as json: analyze people;; select to_json(s) from pg_stats s where tablename = 'people'
of columns, as they are stored: analyze people;; select stavalues1 from pg_statistic
of columns, in a view: analyze people;; create temp view v as select histogram_bounds::text as h from pg_stats where tablename = 'people';; select h from v
of columns, by COPY: analyze people;; copy (select * from pg_stats where tablename = 'people') to stdout
of columns, by name: analyze people;; select (pg_stats).histogram_bounds::text from pg_stats
of an index: create index i on people (upper(ssn));; analyze people;; select histogram_bounds::text from pg_stats where tablename = 'i'
of many columns: create statistics s (mcv) on ssn, name from people;; analyze people;; select most_common_vals from pg_stats_ext
of expressions: create statistics s on upper(ssn) from people;; analyze people;; select histogram_bounds::text, most_common_vals::text from pg_stats_ext_exprs
of many columns, by function: create statistics s (mcv) on ssn, name from people;; analyze people;; select m.* from pg_statistic_ext_data, pg_mcv_list_items(stxdmcv) m
of statements: select query from pg_stat_activity
# reading by text
a query as xml: select query_to_xml('select ssn from people', true, true, '')
a query and its schema as xml: select query_to_xml_and_xmlschema('select ssn from people', true, true, '')
a table as xml: select table_to_xml('people', true, true, '')
a schema as xml: select schema_to_xml('public', true, true, '')
a database as xml: select database_to_xml(true, true, '')
a cursor as xml: declare c cursor for select ssn from people;; select cursor_to_xml('c', 10, true, true, '')
a text in pieces: select query_to_xml('select s' || 'sn from people', true, true, '')::text
a text of a text: select query_to_xml('select query_to_xml(''select ssn from people'', true, true, '''')', true, true, '')
words: select word from ts_stat('select to_tsvector(''simple'', ssn) from people')
a rewriting: select ts_rewrite('a & b'::tsquery, 'select ''a''::tsquery, to_tsquery(''simple'', ssn) from people')
another server: select * from dblink('dbname=leaks', 'select ssn from people') as t(v text)
another server, prepared: create extension dblink
another server, foreign: create extension postgres_fdw
a file: select pg_read_file('PG_VERSION')
a function by number: select * from pg_get_keywords() limit 1
# COPY
a table: copy people to stdout
columns: copy people (name, ssn) to stdout
csv: copy people (ssn, name) to stdout (format csv)
csv with a head: copy people to stdout (format csv, header, force_quote *)
csv with odd signs: copy people (ssn) to stdout (format csv, quote '~', escape '^', delimiter '|', null 'q')
text with odd signs: copy people (ssn, name) to stdout (delimiter '|', null 'q')
binary: copy people to stdout (format binary)
old words: copy people to stdout with binary
old words for csv: copy people to stdout csv header quote '"'
another encoding: copy people to stdout (encoding 'LATIN1')
yet another encoding: copy people to stdout (encoding 'SJIS')
a child: copy staff to stdout
a partition: copy people_parts_2 to stdout
a partition, binary: copy people_parts_1 (ssn) to stdout (format binary)
a query: copy (select ssn, name from people) to stdout
a query of a view: copy (select a || b from renamed) to stdout
a query of a partitioned table: copy (table people_parts) to stdout
a stored view: copy (table people_matview) to stdout
a stored view itself: copy people_matview to stdout
a query that writes: copy (update people set name = name returning ssn) to stdout
a query that writes, in csv: copy (delete from people returning *) to stdout csv
a file: copy people to '/tmp/leaked-by-copy'
a program: copy people to program 'cat'
a query with values: copy (values ((select ssn from people where id = 1))) to stdout
two in one text: copy plain to stdout; copy people (ssn) to stdout
behind a setting: set search_path = vault;; copy people (ssn) to stdout
behind a setting in one text: set search_path = vault; copy people (ssn) to stdout
# names that move
another path: set search_path = vault;; select ssn, upper(ssn) from people
another path in one text: set search_path = vault; select ssn, upper(ssn) from people
another path by function: select set_config('search_path', 'vault', false);; select ssn, upper(ssn) from people
a path for one transaction: set local search_path = vault;; select upper(ssn) from people;; copy people (ssn) to stdout
a temporary table before it: create temp table people as select 'x'::text as ssn;; select ssn from people;; drop table people;; select ssn, upper(ssn) from people
a temporary view before it: create temp view orders as select ssn as item from people;; select item from orders;; select upper(item) from orders
a view made and read: create view v as select ssn as name from people;; select name from v;; select upper(name) from v
a view made and read in one text: create view v as select ssn as name from people; select name from v; copy (select name from v) to stdout
a view replaced: create view v as select name from people;; create or replace view v as select ssn as name from people;; select name from v
a view replaced in one text: create view v as select name from people; select name from v; create or replace view v as select ssn as name from people; select name from v
a view of a view: create view v as select ssn as a1 from people;; create view w as select a1 as a2 from v;; select a2, upper(a2) from w
a view of a function: create view v as select ssn_of(1) as name;; select name from v
a view of a whole row: create view v as select p as name from people p;; select (name).ssn from v;; select name::text from v
a recursive view: create recursive view v (n, name) as select 1, ssn from people union all select n + 1, name from v where n < 2;; select name from v
a stored view made and read: create materialized view v as select ssn as name from people;; select name from v;; select upper(name) from v
a column's new name: alter table people rename ssn to label;; select label from people;; select upper(label) from people
a column's new name in one text: alter table people rename ssn to label; select label from people
a table's new name: alter table people rename to plain_people;; select ssn, upper(ssn) from plain_people
a table's new schema: alter table people set schema elsewhere;; select ssn, upper(ssn) from elsewhere.people
a schema's new name: alter schema vault rename to safe;; select ssn, upper(ssn) from safe.people
two tables that change names: alter table people rename to then_people;; alter table plain rename to people;; alter table then_people rename to plain;; select ssn from plain
a view's new column name: alter view renamed rename column a to name;; select name, upper(name) from renamed
a partition on its own: alter table people_parts detach partition people_parts_2;; select ssn, upper(ssn) from people_parts_2
a child on its own: alter table staff no inherit people;; select ssn, upper(ssn) from staff
a child made: create table t () inherits (people);; insert into t (id, ssn) select id + 100, ssn || '!' from people;; select ssn, upper(ssn) from t
a new partition: create table t (like people_parts);; insert into t select * from people_parts where id = 3;; select ssn from t
a table like it: create table t (like people);; insert into t select (p).* from people_rows() p;; select ssn from t
a table of its type: create table t of address;; insert into t select ssn, name from people;; select street from t
a column more: alter table people add column z text;; update people set z = ssn;; select z from people;; select upper(z) from people
a generated column more: alter table people add column z text generated always as (ssn || '!') stored;; select z from people;; select upper(z) from people
18 a virtual column more: alter table people add column z text generated always as (ssn || '!') virtual;; select z from people;; select upper(z) from people
a column's type: alter table people alter name type text using ssn;; select name from people;; select upper(name) from people
a domain: alter table people alter ssn type word;; select ssn, upper(ssn) from people
a rule that reads: create rule r as on insert to plain do instead select ssn from people;; insert into plain values (1, 'x', 1)
a rule that also reads: create rule r as on update to plain do also select ssn from people;; update plain set n = n
a rule that returns: create rule r as on insert to plain do instead insert into orders (id, note) select 90, ssn from people where id = 1 returning id, note, 1;; insert into plain values (1, 'x', 1) returning label
a trigger that tells: create function pg_temp.t() returns trigger language plpgsql as $$ begin new.label := (select ssn from public.people where id = 1); return new; end $$;; create trigger t before update on plain for each row execute function pg_temp.t();; update plain set n = n returning label;; select label from plain
a default that reads: create function pg_temp.d() returns text language sql as 'select ssn from public.people where id = 1';; alter table plain alter label set default pg_temp.d();; insert into plain (id) values (5) returning label;; select label from plain
a policy that tells: alter table plain enable row level security;; create policy p on plain using (say((select ssn from people where people.id = plain.id)) = 'said');; select * from plain
an operator that tells: create function pg_temp.o(text, text) returns text language sql as 'select ssn from public.people where id = 1';; create operator public.+++ (leftarg = text, rightarg = text, function = pg_temp.o);; select 'a' +++ 'b'
a cast that tells: create function public.c(address) returns text language sql as 'select ssn from people where id = 1';; create cast (address as text) with function public.c(address) as implicit;; select row('a', 'b')::address::text
an aggregate that tells: create function pg_temp.s(text, text) returns text language sql as 'select ssn from public.people where id = 1';; create aggregate pg_temp.a (text) (sfunc = pg_temp.s, stype = text);; select pg_temp.a(label) from plain
a domain that tells: create domain tells as text check (say((select pl_ssn(1))) = 'said');; select 'x'::tells
an overload that tells: create function public.upper(address) returns text language sql as 'select ssn from people where id = 1';; select upper(row('a', 'b')::address)
an overload for an enum: create function public.upper(tier) returns text language sql as 'select ssn from people where id = 1';; select upper('common'::tier)
an operator for an enum: create function public.tells(tier, tier) returns text language sql as 'select ssn from people where id = 1';; create operator public.+ (leftarg = tier, rightarg = tier, function = public.tells);; select 'common'::tier + 'common'::tier
a function of a row: create function public.nick(plain) returns text language sql as 'select ssn from people where id = 1';; select t.nick from plain t;; select nick(t) from plain t
# copies
a table of it: create table t as select ssn from people;; select ssn from t
a table of a table: create table t as table people;; select ssn from t;; select t from t
a table of a query: select ssn as v into t from people;; select v from t
a table of a prepared statement: prepare p as select ssn as v from people;; create table t as execute p;; select v from t
a temporary table of it: create temp table t as select upper(ssn) as v from people;; select v from t
a table in one text: create temp table t as select ssn as v from people; select v from t
inserted: insert into plain (label) select ssn from people;; select label from plain
inserted, piece by piece: insert into plain (label) select left(ssn, 8) from people;; select label from plain
inserted, as a number: insert into plain (id, n) select 9, (account / 1000000000)::int from people;; select n from plain
inserted, by values: insert into plain (label) values ((select ssn from people where id = 1));; select label from plain
inserted, by WITH: with x as (select ssn from people) insert into plain (label) select ssn from x;; select label from plain
inserted, by a WITH that writes: with d as (delete from people returning ssn) insert into plain (label) select ssn from d;; select label from plain
inserted, by a view: insert into plain (label) select a from renamed;; select label from plain
inserted, by a conflict: insert into twins (id, name) select 1, ssn from people where id = 1 on conflict (id) do update set name = excluded.name;; select name from twins
inserted into a view: insert into aside select name, ssn from people where false;; select 1
updated: update people set name = ssn;; select name from people
updated, from another: update orders o set note = p.ssn from people p where p.id = o.person;; select note from orders
updated, by sub-query: update plain set label = (select ssn from people where id = 1);; select label from plain
updated, many at once: update plain set (label, n) = (select ssn, id from people p where p.id = plain.id);; select label from plain
updated, by row: update plain t set (label, n) = row((select ssn from people p where p.id = t.id), 1);; select label from plain
updated, into an array: update people set words[1] = ssn;; select words from people
updated, into a field: update people set office.street = ssn;; select (office).street from people
updated, into json: update people set info = jsonb_build_object('k', ssn);; select info ->> 'k' from people
18 updated, into a subscript of json: update people set info['k'] = to_jsonb(ssn);; select info ->> 'k' from people
merged: merge into plain t using people p on t.id = p.id when matched then update set label = p.ssn;; select label from plain
merged, inserted: merge into plain t using people p on t.id = p.id + 100 when not matched then insert (id, label) values (p.id, p.ssn);; select label from plain
the column itself to another row: update people set ssn = (select ssn from people where id = 1) || '?' where id = 2;; select name from people where id = 2
swapped: update people set ssn = name, name = ssn;; select name from people
by a cursor: declare c cursor for select * from people for update;; fetch 1 from c;; update people set name = ssn where current of c;; select name from people
by a prepared statement: prepare p as insert into plain (label) select ssn from people;; execute p;; select label from plain
by what EXECUTE is given: prepare p(text) as insert into plain (label) values ($1);; execute p(ssn_of(1));; select label from plain
by what EXECUTE is given, explained: prepare p(text) as insert into plain (label) values ($1);; explain analyze execute p(ssn_of(1));; select label from plain
by what EXECUTE is given, to a table: prepare p(text) as select $1 as v;; create temp table t as execute p(ssn_of(1));; select v from t
by a function that reads: insert into plain (label) select h from people_names();; select label from plain
by a function that reads one: update plain set label = pl_ssn(id);; select label from plain
by EXPLAIN ANALYZE: explain analyze insert into plain (label) select ssn from people;; select label from plain
by EXPLAIN ANALYZE of a table: explain analyze create table t as select ssn as v from people;; select v from t
by a function: select glue(ssn, '') into temp t from people;; select * from t
by a stored view that is filled later: create materialized view v as select ssn as name from people with no data;; refresh materialized view v;; select name from v
by a query that is copied: copy (with x as (insert into plain (label) select ssn from people returning 1) select 1) to stdout;; select label from plain
by a call: create procedure pg_temp.keep(v text) language sql as 'insert into public.plain (label) values (v)';; call pg_temp.keep((select ssn from people where id = 1));; select label from plain
by arguments of a call that answers: create procedure pg_temp.tell(inout v text) language plpgsql as 'begin v := v; end';; call pg_temp.tell((select ssn from people where id = 1))
# several statements in one text
a second one: select 1; select ssn from people
a second one that is cast: select 1; select ssn::int from people
a second one with the first one's columns: select name from people; select ssn from people
three of different width: select id, name from people; select ssn from people; select name, ssn from people
a prepared one: prepare p as select ssn from people; execute p
a prepared one again: prepare p as select name from people; deallocate p; prepare p as select upper(ssn) from people; execute p
a cursor: declare c cursor for select upper(ssn) from people; fetch all from c
a cursor step by step: declare c scroll cursor for select upper(ssn) from people;; fetch 1 from c;; fetch absolute 2 from c;; fetch backward 1 from c;; fetch relative 1 from c;; move 1 in c;; fetch last from c
a cursor with a name of a cursor: declare c cursor for select name from people;; close c;; declare c cursor for select ssn from people;; fetch all from c
a cursor that stays: declare c cursor with hold for select upper(ssn) from people;; commit;; fetch all from c;; close c
a statement and a savepoint: savepoint s;; prepare p as select ssn from people;; rollback to s;; execute p
a prepared statement with a parameter: prepare p(text) as select ssn || $1 from people;; execute p('!')
a prepared statement that takes a value: prepare p(text) as select $1;; execute p((select ssn from people where id = 1))
a prepared statement that takes a text: prepare p(text) as select $1 || '!';; execute p(ssn_of(1))
# what stays
a table: create table kept as select ssn as v from people;; select v, upper(v) from kept <> drop table kept
a stored view: create materialized view kept as select ssn as v from people;; select v, upper(v) from kept <> drop materialized view kept
a view: create view kept as select ssn as v from people;; select v, upper(v) from kept <> drop view kept
a view that is changed: create view kept as select name as v from people;; select v from kept;; create or replace view kept as select ssn as v from people;; select v, upper(v) from kept <> drop view kept
a view whose column is renamed: alter view renamed rename column a to z;; select z, upper(z) from renamed <> alter view renamed rename column z to a
the new name of a column: alter table people rename ssn to label;; select label, upper(label) from people <> alter table people rename label to ssn
the new name of a table: alter table people rename to persons;; select ssn, upper(ssn) from persons <> alter table persons rename to people
the new schema of a table: alter table people set schema elsewhere;; select ssn, upper(ssn) from elsewhere.people <> alter table elsewhere.people set schema public
the new name of a schema: alter schema vault rename to safe;; select ssn, upper(ssn) from safe.people <> alter schema safe rename to vault
a name that is swapped: alter table plain rename to plain_then;; alter table people rename to plain;; select ssn from plain <> alter table plain rename to people; alter table plain_then rename to plain
a partition: alter table people_parts detach partition people_parts_2;; select ssn, upper(ssn) from people_parts_2 <> alter table people_parts attach partition people_parts_2 for values from (2) to (100)
a child: alter table staff no inherit people;; select ssn, upper(ssn) from staff <> alter table staff inherit people
a child that is new: create table kept () inherits (people);; insert into kept (id, ssn) select id + 100, ssn || '!' from people;; select ssn, upper(ssn) from kept <> drop table kept
a child before its parent: create table kept (like people);; insert into kept (id, ssn) select id + 100, ssn || '!' from people;; select ssn from kept <> drop table kept
a type: alter table people alter alias type text using dom;; select alias from people <> update people set alias = 'x'; alter table people alter alias type word
a generated column: alter table people add kept text generated always as (ssn || '!') stored;; select kept, upper(kept) from people <> alter table people drop kept
a sequence: create sequence kept;; select setval('kept', account) from people;; select last_value from kept;; select * from pg_sequences <> drop sequence kept
a large object: select lo_from_bytea(4713, ssn::bytea) from people where id = 1;; select lo_get(4713) <> select lo_unlink(4713)
a large object, read by COPY: select lo_from_bytea(4714, ssn::bytea) from people where id = 1;; copy (select data from pg_largeobject) to stdout <> select lo_unlink(4714)
statistics: create statistics kept (mcv) on ssn, name from people;; analyze people;; select most_common_vals from pg_stats_ext;; select histogram_bounds from pg_stats <> drop statistics kept
a function: create function kept() returns text language sql as 'select ssn from people where id = 1';; select kept();; select * from kept() as t(name) <> drop function kept()
a function that says it is constant: create function kept() returns text language plpgsql immutable as 'begin return (select ssn from people where id = 1); end';; explain (verbose) select kept() <> drop function kept()
a rule: create rule kept as on update to plain do also select ssn from people;; update plain set n = n <> drop rule kept on plain
a trigger: create function kept() returns trigger language plpgsql as 'begin new.label := (select ssn from people where id = 1); return new; end';; create trigger kept before update on plain for each row execute function kept();; update plain set n = n returning label;; select label from plain <> drop function kept() cascade; update plain set label = 'x'
a default: create function kept() returns text language sql as 'select ssn from people where id = 1';; alter table plain alter label set default kept();; insert into plain (id) values (5) returning label;; select label from plain <> drop function kept() cascade; delete from plain where id = 5
a policy: create function kept(text) returns boolean language plpgsql as 'begin raise notice ''%'', $1; return true; end';; create policy kept on people using (kept(ssn));; alter table people enable row level security, force row level security;; select id from people <> drop function kept(text) cascade; alter table people disable row level security, no force row level security
an operator: create function kept(text, text) returns text language sql as 'select ssn from people where id = 1';; create operator +++ (leftarg = text, rightarg = text, function = kept);; select 'a' +++ 'b' <> drop function kept(text, text) cascade
an aggregate: create function kept(text, text) returns text language sql as 'select ssn from people where id = 1';; create aggregate keeps (text) (sfunc = kept, stype = text);; select keeps(label) from plain;; select keeps(label) over () from plain <> drop function kept(text, text) cascade
a cast: create function kept(address) returns text language sql as 'select ssn from people where id = 1';; create cast (address as text) with function kept(address) as implicit;; select row('a', 'b')::address::text;; select row('a', 'b')::address || '' <> drop function kept(address) cascade
a cast of an enum: create type keeps as enum ('a');; create function kept(keeps) returns text language sql as 'select ssn from public.people where id = 1';; create cast (keeps as text) with function kept(keeps) as assignment;; select 'a'::keeps::text;; select length('a'::keeps), 'a'::keeps::text like 'f%';; create table keeper (k keeps);; insert into keeper values ('a');; select k::text, max(k::text) from keeper group by k;; insert into plain (id, label) select 9, k from keeper returning label;; select label from plain;; prepare p(keeps) as select $1::text; execute p('a') <> drop type keeps cascade; drop table keeper; delete from plain where id = 9
a cast within a row: create type keeps as enum ('a');; create type keeping as (k keeps);; create function kept(keeps) returns text language sql as 'select ssn from public.people where id = 1';; create cast (keeps as text) with function kept(keeps);; create table keeper (c keeping, l keeps[]);; insert into keeper values (row('a'), '{a}');; select (c).k::text, l[1]::text, l::text[] from keeper <> drop table keeper; drop type keeping cascade; drop type keeps cascade
a cast of a table's rows: create table keeper (a int);; insert into keeper values (1);; create function kept(keeper) returns text language sql as 'select ssn from public.people where id = 1';; create cast (keeper as text) with function kept(keeper) as implicit;; select k::text from keeper k;; select upper(k), k like 'f%' from keeper k;; select x.k::text from (select k from keeper k) x;; update keeper set a = a returning keeper::text <> drop table keeper cascade
a domain: create function kept(text) returns boolean language plpgsql as 'begin raise notice ''%'', (select ssn from people where id = 1); return true; end';; create domain keeps as text check (kept(value));; select 'x'::keeps <> drop function kept(text) cascade; drop domain keeps
a row's function: create function kept(plain) returns text language sql as 'select ssn from people where id = 1';; select t.kept from plain t;; select kept(t) from plain t <> drop function kept(plain)
a path of a role: alter role app set search_path = vault <> alter role app reset search_path
a comment: do $$ begin execute format('comment on table plain is %L', (select ssn from people where id = 1)); end $$;; select obj_description('plain'::regclass) <> comment on table plain is null
a row that is committed: insert into plain (label) select ssn from people;; select label from plain <> delete from plain where id is null
a column that is committed: update orders o set note = p.ssn from people p where p.id = o.person;; select note, upper(note) from orders <> update orders set note = 'x'
a name by number: select relname from pg_class where oid = 'people'::regclass;; select attname from pg_attribute where attrelid = 'people'::regclass <> select 1
# the last ones
CREATE TABLE AS EXECUTE with a value: prepare p(text) as select $1 as v;; create temp table t as execute p('x');; select v from t
`

export interface Attack {
  readonly group: string
  readonly name: string
  readonly steps: readonly string[]
  /** It is committed; what a superuser does to undo it. */
  readonly undo: string | undefined
  readonly since: number
}

/** Names are told apart by their group. */
export function keyOf({ group, name }: Attack): string {
  return `${group}: ${name}`
}

export const attacks: readonly Attack[] = parse()

function parse(): Attack[] {
  const all: Attack[] = []
  let group = ''
  for (const line of list.split('\n')) {
    if (line.startsWith('# ')) group = line.slice(2)
    const [, since = '0', name, steps] = /^(?:(\d\d) )?([^#:][^:]*): (.*)$/.exec(line) ?? []
    if (name === undefined || steps === undefined) continue
    const [first = '', undo] = steps.split(' <> ')
    all.push({ group, name, steps: first.split(';; '), undo, since: Number(since) })
  }
  return all
}
