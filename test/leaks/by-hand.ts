// Queries written one by one: what no product of expressions and places makes. Whole rows and stars, the objects that
// show a table by another name, and the matrix of what RowDescription loses.
import { pairs } from './schema.ts'
import type { Expected, Query } from './shapes.ts'

/** `S` stands for all columns of people; other letters as in shapes.ts; `-`: judged by its bytes alone. */
const list = `
# stars
S: select * from people
S: select p.* from people p
S: table people
S: select (p).* from people p
S: select x.* from (select * from people) x
S: with x as (select * from people) select * from x
S: with x as (table people) table x
S: select * from (table people) x
S: select p.* from people p, plain where plain.id = p.id
S: select * from only people
S: select * from people_view
S: select * from people_matview
S: select * from people_view_of_view
S: select (x.w).* from (select p as w from people p) x
S: select l.* from plain t cross join lateral (select * from people p where p.id = t.id) l
S: select * from people tablesample bernoulli (100)
S: select * from people union all select * from people_view
S: select * from people order by id limit 2
S: select * from people_rows()
S: select r.* from plain t, people_rows() r
S: select (people_rows()).*
S: delete from people where id < 3 returning *
S: update people set name = name returning *
S: update people p set name = name returning p.*
Sqqqhq: select * from people p join orders o on o.person = p.id
qqqhqS: select * from orders o left join people p on o.person = p.id
qqhq: select o.* , 1 as one from orders o where false
qqqhq: select * from orders
-: select * from plain natural join (select id, ssn from people) x
-: select * from staff
-: select * from people_parts
-: select * from people_parts_2
-: select * from renamed
-: select * from of_rows
# whole rows
h: select people from people
h: select p from people p
h: select (p) from people p
h: select p::people from people p
h: select p::text from people p
h: select x from (select * from people) x
h: select x from (select ssn from people) x
h: select row(p.*) from people p
h: select row(p) from people p
h: select array[p] from people p
h: select array_agg(p) from people p
h: select (array_agg(p))[1] from people p
h: select (array_agg(p))[1].ssn from people p
h: select row_to_json(p) from people p
h: select row_to_json(p)->>'ssn' from people p
h: select to_json(p) from people p
h: select to_jsonb(p) from people p
h: select to_jsonb(p.*) from people p
h: select jsonb_build_object('p', p) from people p
h: select json_agg(p) from people p
h: select jsonb_agg(p) from people p
h: select json_agg(row_to_json(p)) from people p
h: select jsonb_object_agg(p.id, p) from people p
h: select string_agg(p::text, ',') from people p
h: select format('%s', p) from people p
h: select concat(p, 1) from people p
h: select md5(p::text) from people p
h: select encode(convert_to(p::text, 'UTF8'), 'hex') from people p
h: select quote_literal(p) from people p
h: select coalesce(p, null) from people p
h: select case when p.id > 0 then p end from people p
h: select max(p::text) from people p
h: select first_value(p) over (order by p.id) from people p
h: select lag(p) over (order by p.id) from people p
h: select (select p from people p where id = 1)
h: select array(select p from people p)
h: select (select x from (select ssn, name from people where id = 1) x)
h: select rowtext(p) from people p
h: select p.rowtext from people p
h: select (p).rowtext from people p
q: select name(p) from people p
h: select xmlelement(name x, p) from people p
h: select xmlforest(p as x) from people p
h: select record_send(p) from people p
h: select hash_record(row(p.ssn, p.pay)) from people p
h: select record_out(p) from people p
h: select p is distinct from null from people p
h: select p is null from people p
h: select p > row(0)::text::people from people p where false
h: select v from (values ((select p from people p where id = 1))) t(v)
h: select (jsonb_populate_record(p, '{}')).ssn from people p
h: select (jsonb_populate_record(p, '{}')).* from people p where id = 1
h: select jsonb_each_text(to_jsonb(p)) from people p
-: select (jsonb_each_text(to_jsonb(p))).value from people p
-: select e.value from people p, jsonb_each_text(to_jsonb(p)) e
-: select e.v from people p, lateral (select value as v from json_each_text(row_to_json(p))) e where e.v is not null
-: select r.ssn from people p, jsonb_to_record(to_jsonb(p)) r(ssn text)
-: select r.ssn from people p, jsonb_populate_record(null::people, to_jsonb(p)) r
-: select r.* from (select jsonb_agg(p) as all_of from people p) x, jsonb_to_recordset(x.all_of) r(ssn text, name text)
-: select j from people p, jsonb_path_query(to_jsonb(p), '$.ssn') j
-: select (x).f1 from (select row(ssn) as x from people) t(x) where false
hq: select whole, q from of_rows
h: select (whole).ssn from of_rows
hq: select (pair).street, q from of_rows
# names
hq: select ssn as name, name as ssn from people
h: select "ssn" from people
h: select SsN from PEOPLE
h: select public.people.ssn from public.people
h: select people.ssn from people
h: select U&"\\0073sn" from people
h: select U&"!0073sn" uescape '!' from people
h: select ssn name from people
h: select ssn as "name" from people
h: select ssn /* name */ from people
h: select/**/ssn/**/from/**/people
h: select ssn from people as name
h: select name.ssn from people as name
h: select name from (select ssn as name from people) people
h: select p.n from people as p(id, n)
h: select b.x from people as b(i, x)
h: select x.c from (values (1, (select ssn from people where id = 1))) x(a, c)
q: select name from people as people(id, a, name)
h: select ssn from (select ssn from people) orders
h: select orders.ssn from people as orders
h: select x.v from (select p.ssn from people p) as x(v)
h: select name from (select ssn from people) as t(name)
h: with people as (select ssn as name from people) select name from people
q: with people as (select name as ssn from people) select ssn from people
h: with a as (select ssn as x from people), b as (with a as (select x as y from a) select y as z from a) select z from b
h: with recursive people as (select ssn as name, 1 as n from public.people union all select name, n + 1 from people where n < 2) select name from people
q: with t as (select name as n from people), people as (select n as ssn from t) select ssn from people
h: select z from (select y as z from (select x as y from (select ssn as x from people) a) b) c
h: select id.ssn from people id
h: select (select ssn) from people
h: select (select p.ssn from (select 1) x) from people p
h: select (select x.ssn from (select p.ssn) x) from people p
h: select people.ssn from people, plain people_ where people_.id = people.id
hqqq: select p.ssn, t.* from people p join plain t on t.id = p.id
h: select ssn from vault.people
h: select people.ssn from vault.people
# names that the server looks for elsewhere
h: select (select xmin from people_view limit 1) from (select ssn as xmin from people) p
h: select (select ctid from pg_tables limit 1) from (select ssn as ctid from people) p
h: select (select e from jsonb_array_elements('[1]') e) from (select ssn as e from people) p
h: select (select json_array_elements_text from json_array_elements_text('[1]')) from (select ssn as json_array_elements_text from people) p
h: select (select public.people.ssn from (select 'x' as ssn) people) from public.people
h: select x.ssn from public.people, lateral (select public.people.* from (select 'x' as ssn) people) x
-: select upper(system_user) from (select ssn as system_user from people) p
q: select public.people.name from public.people, vault.people
q: select upper(public.people.name) from people
qq: update public.people set name = name where public.people.id < 3 returning public.people.name, upper(public.people.site)
q: select max(tableoid::text || ctid::text) from people_matview
# joins
hq: select ssn, p.name from people p join renamed r on r.id = p.id
eq: select name, count(*) from people p join renamed r using (id) group by name
h: select ssn from people p full join twins t using (ssn)
h: select ssn from people p join twins t using (ssn)
h: select ssn from people p right join (select 'x'::text as ssn) t using (ssn)
h: select ssn from people p full join (select 'x'::text as ssn) t using (ssn)
h: select j.ssn from (people p full join (select 'x'::text as ssn) t using (ssn)) j
h: select j.ssn from people p join twins t using (ssn) as j where false
h: select ssn from people natural full join (select 'x'::text as ssn) t
h: select ssn from (select ssn from people) p natural join (select ssn from people) t
h: select x.a from (people p join orders o on o.person = p.id) as x(i, a)
h: select l.s from orders o left join lateral (select ssn as s from people p where p.id = o.person) l on true
h: select l.s from orders o cross join lateral (select (select ssn from people p where p.id = o.person) as s) l
hq: select o.card, o.item from orders o join people p on p.id = o.person
hq: select upper(o.card), upper(o.item) from orders o
# views and what else shows a table
hqhqh: select a, b, c, d, e from renamed
hq: select upper(a), upper(b) from renamed
eq: select v, w from unioned
h: select v from unioned
q: select w from unioned
qhq: select label, both_of, fine from mixed
qhqq: select * from grouped
h: select top from grouped
eeq: select id, v, q from recursed
hq: select value, key from aside
qh: select * from aside
qhh: select * from rolled
h: select s || '!' from rolled
h: select length(piece) from rolled
h: select made from people
h: select lower(made) from people
h: select made from people_view
h: select made from staff
h: select ssn from staff
hq: select ssn, badge from staff
h: select ssn from people_parts where id = 2
h: select ssn from people_parts_2
hq: select ssn, name from people_parts_2
h: select upper(ssn) from people_parts_1
h: select ssn from people_names() t(q, ssn)
h: select h from people_names()
h: select x.h from people_names() x
h: select ssn_of(1)
h: select ssn_of(id) from people
h: select upper(ssn_of(1))
h: select * from ssn_of(2)
h: select * from ssn_of(2) as t(name)
h: select pl_ssn(1)
h: select * from pl_ssn(2)
h: select x.v || '!' from (select pl_ssn(3) as v) x
h: select glue(ssn, name) from people
h: select ssn ||| name from people
h: select name ||| ssn from people
h: select gather(ssn) from people
h: select gather(ssn) over (order by id) from people
h: select p.ssn from rows from (people_rows(), generate_series(1, 3)) p
h: select x.s from people p, lateral ssn_of(p.id) x(s)
h: select x from people p, unnest(array[p.ssn, p.name]) x
h: select x from people p, unnest(p.tags) x
q: select x from people p, unnest(p.words) x
h: select x from people p, regexp_split_to_table(p.ssn, '~') x
h: select x from people p, jsonb_array_elements_text(jsonb_build_array(p.ssn)) x
h: select x.value from people p, jsonb_each_text(p.doc) x
q: select x.value from people p, jsonb_each_text(p.info) x
h: select t.k from people p, jsonb_to_record(p.doc) t(k text)
q: select t.k from people p, jsonb_to_record(p.info) t(k text)
h: select t.k from people p, json_to_record(p.raw) t(k text)
h: select t.v from people p, xmltable('/a' passing p.markup columns v text path '.') t
q: select t.v from people p, xmltable('/a' passing p.html columns v text path '.') t
h: select t.v from people p, xmltable('/x' passing xmlelement(name x, p.ssn) columns v text path '.') t
h: select x from people p, generate_series(p.pay, p.pay) x
h: select x from people p, string_to_table(p.ssn, 'q') x
h: select lexeme from people p, unnest(p.tsv)
h: select g from people p, generate_series(1, length(p.ssn)) g
h: select n.o from people p, unnest(string_to_array(p.ssn, null)) with ordinality n(c, o)
# VALUES, sub-queries, set operations
h: values ((select ssn from people where id = 1))
h: values ('x'), ((select ssn from people where id = 1))
h: select * from (values ((select max(ssn) from people))) t
h: select column1 from (values ((select max(ssn) from people))) t
hh: select ssn, name from people union all select name, ssn from people
h: select name from people union all select ssn from people
h: select name from people union select ssn from people
h: select name from people union all (select name from people union all select ssn from people)
h: (select name from people) union all (select ssn from people order by 1 limit 1)
h: select ssn from people except select name from people
h: select ssn from people intersect all select ssn from people
h: select x from (select name as x from people union all select ssn from people) u
h: select max(x) from (select name as x from people union all select ssn from people) u
h: with u as (select name as x from people union all select ssn from people) select x from u
h: with recursive r(n, v) as (select 1, 'start'::text union all select n + 1, (select ssn from people where id = n) from r where n < 3) select v from r
h: with recursive r(n, v) as (select 1, ''::text union all select n + 1, v || (select left(ssn, 8) from people where id = n) from r where n < 3) select v from r
h: with recursive r(n, v, w) as (select 1, name, ssn from people union all select n + 1, w, v from r where n < 2) select v from r
h: with recursive r(n, a, b, c) as (select 1, name, name, ssn from people union all select n + 1, b, c, a from r where n < 3) select a from r
q: with recursive r(n, v, w) as (select 1, name, ssn from people union all select n + 1, v, w from r where n < 2) select v from r
h: with recursive r(v) as (select ssn from people union select left(v, length(v) - 1) from r where length(v) > 8) select v from r
h: with recursive r(v) as (select ssn from people union all select v from r where false) search depth first by v set o select v from r
-: with recursive r(v) as (select ssn from people union all select v from r where false) search depth first by v set o select o from r
-: with recursive r(v) as (select ssn from people union all select v from r) cycle v set c using path select path from r
h: select (select string_agg(ssn, ',') from people)
h: select (select ssn from people order by id limit 1) || ''
h: select coalesce((select ssn from people where id = 1), 'none')
h: select array(select ssn from people order by id)
h: select array(select ssn from people)::text
h: select (array(select ssn from people))[1]
h: select array_to_string(array(select ssn from people), ',')
h: select to_jsonb(array(select ssn from people))
h: select exists (select 1 from people where ssn like 'q%')
h: select 'x' in (select ssn from people)
h: select 'x' = any (select ssn from people)
h: select 'm' > all (select ssn from people)
h: select ('x', 1) in (select ssn, id from people)
h: select ('m', 1) < (select ssn, id from people where id = 1)
h: select case when exists (select 1 from people where ssn > 'm') then 'yes' else 'no' end
h: select case (select ssn from people where id = 1) when 'x' then 'hit' else 'miss' end
h: select nullif('m', (select left(ssn, 1) from people where id = 1))
# windows and groups
h: select max(ssn) over w from people window w as (order by id)
h: select max(ssn) over w from people window v as (partition by id), w as (v order by name)
q: select name from people group by name, ssn
h: select ssn from people group by ssn
h: select left(ssn, 8) from people group by left(ssn, 8)
h: select upper(ssn) from people group by ssn
h: select ssn from people group by cube (ssn)
he: select ssn, grouping(ssn) from people group by rollup (ssn)
h: select coalesce(ssn, 'total') from people group by rollup (ssn)
h: select string_agg(ssn, ',') from people group by id
h: select max(upper(ssn)) from people group by id having max(ssn) is not null
e: select count(*) from people group by ssn
e: select count(ssn) from people
e: select count(distinct ssn) from people
q: select count(*) from people
q: select count(*) from people where id < 3
q: select sum(id) from people
q: select max(name) from people
q: select upper(name) || '!' from people
q: select name from people where id = 1
qq: select name, site from people order by name
qqq: select id, upper(name), joined + 1 from people
q: select jsonb_build_object('n', name, 'i', id) from people
q: select bonus * 2 from people
q: select sum(bonus) over (order by id) from people
qq: select p.name, o.item from people p join orders o on o.person = p.id
qq: select p.name, count(o.id) from people p left join orders o on o.person = p.id group by p.name
q: select string_agg(item, ', ' order by id) from orders
qq: select distinct name, level from people
q: select exists (select 1 from orders where item like 'item%')
q: select (select max(item) from orders o where o.person = p.id) from people p
# RETURNING
h: insert into twins (id, ssn, name) values (70, (select ssn from people where id = 1), 'z') returning ssn
h: insert into twins (id, ssn, name) values (70, 'one', 'two') returning upper(ssn)
h: insert into twins (id, ssn, name) select 70 + id, ssn || '!', name from only people returning ssn
h: insert into twins (id, ssn, name) select 70 + id, ssn || '!', name from only people returning upper(ssn) || name
q: insert into twins (id, ssn, name) select 70 + id, ssn || '!', name from only people returning name
h: insert into twins (id, ssn) values (70, 'x') on conflict (id) do update set ssn = excluded.ssn returning ssn
h: insert into orders (id, item) select id + 50, ssn from people returning upper(item)
h: update people set ssn = upper(ssn) returning ssn
h: delete from people where id = 1 returning ssn
h: delete from people where id = 1 returning to_jsonb(people)
h: delete from orders o using people p where p.id = o.person returning p.ssn
h: with d as (delete from people returning ssn as s) select s from d
h: with u as (update people set name = ssn returning name as n) select n || '!' from u
h: with i as (insert into plain (id, label) select id, ssn from people returning *) select i from i
18 hh: update people set name = name returning old.ssn, new.ssn
18 qq: update people set name = upper(name) returning old.name, new.name
18 hq: delete from people where id < 3 returning old.ssn || '!', old.name || '!'
18 -: update people set name = name returning old.*, new.*
18 h: update people set name = name returning old
18 h: update people set name = name returning to_jsonb(new)
18 h: update people set name = name returning with (old as o, new as n) o.ssn
18 h: update people set name = name returning (select o.ssn from (select old.ssn) o)
18 h: merge into people p using orders o on o.person = p.id when matched then delete returning p.ssn
18 h: select t.v from people p, json_table(p.doc, '$' columns (v text path '$.k')) t
18 q: select t.v from people p, json_table(p.info, '$' columns (v text path '$.k')) t
18 h: select t.v from people p, json_table(to_jsonb(p), '$' columns (v text path '$.ssn')) t
# what a statement copied, returned
h: insert into orders (id, note) select id + 50, ssn from people returning note
h: insert into plain (id, label) select id, ssn from people returning label
h: insert into plain (id, n) select id, ascii(ssn) from people returning n
h: update people set name = ssn returning name
h: update people set name = left(ssn, 8), site = name returning name
h: update orders o set note = p.ssn from people p where p.id = o.person returning note
h: update orders o set (item, note) = (select ssn, name from people p where p.id = o.person) returning item
h: with i as (insert into plain (id, label) select id, ssn from people returning *) select label from i
18 h: merge into orders o using people p on o.person = p.id when matched then update set note = p.ssn returning note
18 h: merge into orders o using people p on o.person = p.id when matched then update set note = p.ssn returning new.note
18 h: merge into plain t using people p on t.id = p.id when matched then update set label = p.ssn when not matched then insert (id, label) values (p.id, p.ssn) returning t.label
18 h: with m as (merge into orders o using people p on o.person = p.id when matched then update set item = p.ssn returning item) select item from m
# other ways to the values
h: select percentile_disc(0.5) within group (order by ssn) from people
h: select percentile_disc(array[0.1, 0.9]) within group (order by ssn) from people
h: select rank('m') within group (order by ssn) from people
h: select ssn::"char" from people
h: select ssn::char from people
h: select ssn::regtype from people where false
h: select (ssn, name)::address from people
h: select (row(ssn, name)::address).street from people
h: select (array[ssn])[1:1] from people
h: select array[[ssn, name]] from people
h: select string_to_array(ssn || ',' || name, ',') from people
h: select sum(pay) + avg(account) from people
h: select sum(length(ssn)) from people
h: select pay - account from people
h: select extract(epoch from (seen - born::timestamptz)) from people
h: select current_date - born from people where false
h: select id + (account % 7)::int from people
h: select name || ssn from people
h: select concat_ws(' ', name, site, ssn) from people
h: select format('%s %s', name, ssn) from people
h: select jsonb_build_object('name', name, 'ssn', ssn) ->> 'ssn' from people
h: select jsonb_build_object('name', name, 'ssn', ssn) ->> 'name' from people
h: select json_build_object('a', json_build_array(name, ssn)) from people
h: select (regexp_matches(ssn, '(.)(.)(.)'))[2] from people
h: select regexp_replace('constant', '.*', ssn) from people
h: select overlay('xxxxxxxxxxxxxxxx' placing ssn from 1) from people
h: select repeat('x', ascii(ssn)) from people
h: select lpad('', ascii(ssn), 'x') from people
h: select substr('abcdefghijklmnopqrstuvwxyz', ascii(ssn) % 26, 1) from people
h: select (array['a', 'b', 'c'])[1 + ascii(ssn) % 3] from people
h: select chr(ascii(ssn)) || chr(ascii(substr(ssn, 2))) from people
h: select label from plain order by (select ssn from people where id = 1) limit 0
h: select translate('abc', 'abc', ssn) from people
h: select to_char(1, ssn) from people where false
h: select decode(encode(ssn::bytea, 'hex'), 'hex') from people
h: select set_masklen('10.0.0.0/8'::inet, 1 + ascii(ssn) % 30) from people
h: select setseed(0.5), ssn from people where false
h: select make_interval(secs => ascii(ssn)) from people
h: select box(point(ascii(ssn), 1), point(0, 0)) from people
h: select bit_count(ssn::bytea) from people
h: select int4(ascii(ssn))::bit(32) from people
h: select pg_size_pretty(ascii(ssn)::bigint) from people
h: select to_timestamp(ascii(ssn)) from people
h: select (ssn collate "C") < 'm' from people
h: select ssn is normalized from people
h: select ssn is not distinct from 'x' from people
h: select greatest(name, ssn) from people
h: select least(name, ssn, 'zz') from people
h: select coalesce(nullif(name, name), ssn) from people
h: select case when name = 'Ada' then ssn else name end from people
h: select case when ssn > 'm' then name else site end from people
h: select jsonb_path_query_array(doc, '$.*') from people
h: select jsonb_path_query_first(info, '$', jsonb_build_object('v', ssn)) from people where false
h: select jsonb_path_query_first('{}', '$v', jsonb_build_object('v', ssn)) from people
h: select jsonb_set(info, '{k}', to_jsonb(ssn)) from people
h: select info || jsonb_build_object('s', ssn) from people
h: select array_cat(words, tags) from people
h: select array_fill(ssn, array[2]) from people
h: select width_bucket(pay, array[1, 5000000000000000]::numeric[]) from people
h: select row_number() over (order by ssn) from people
h: select lag(name) over (order by ssn) from people
h: select first_value(name) over (order by ssn) from people
h: select ssn from people for share
h: select ssn from people limit 1
h: select ssn from people offset 1
`

const letters = { h: 'hidden', q: 'plain', e: 'either' } as const
const star: readonly Expected[] = [
  'plain',
  ...pairs.flatMap((): Expected[] => ['hidden', 'plain']),
  'hidden',
]

export const byHand: readonly Query[] = parse()

function parse(): Query[] {
  const queries: Query[] = []
  let shape = ''
  for (const line of list.split('\n')) {
    if (line.startsWith('# ')) shape = line.slice(2)
    const [, since = '0', columns, sql] = /^(?:(\d\d) )?([-Shqe]+): (.*)$/.exec(line) ?? []
    if (columns === undefined || sql === undefined) continue
    queries.push({
      shape,
      expression: '',
      sql,
      expected:
        columns === '-'
          ? undefined
          : [...columns].flatMap(letter =>
              letter === 'S' ? star : [letters[letter as keyof typeof letters]],
            ),
      writes: /^(insert|update|delete|merge)\b|\b(as|into) \(?(insert|update|delete|merge)\b/.test(
        sql,
      ),
      since: Number(since),
    })
  }
  return queries
}
