// Where values come from and go, shape by shape (standards.md 5.1). How the short texts read: lineage.testing.ts.
import { beforeAll, describe, expect, it } from 'vitest'
import type { Lineage } from '#model'
import { lineageTester, outputsAs, probesAs, transfersAs } from './lineage.testing.ts'

let lineage: Awaited<ReturnType<typeof lineageTester>>['lineage']
beforeAll(async () => {
  ;({ lineage } = await lineageTester())
})

/** Text, outputs, probes, transfers. */
const shapes: readonly (readonly [string, string, string, string])[] = [
  // A view has no system columns: the name is of the query around it. A table has.
  [
    'select (select ctid from v limit 1) from (select ssn as ctid from customers) c',
    '=customers.ssn',
    '',
    '',
  ],
  [
    'select (select ctid from orders limit 1) from (select ssn as ctid from customers) c',
    '-',
    '',
    '',
  ],
  // A function's one column that has a name of its own: no alias changes it.
  [
    "select (select e from jsonb_array_elements('[1]') e) from (select ssn as e from customers) c",
    '=customers.ssn',
    '',
    '',
  ],
  [
    "select (select value from jsonb_array_elements('[1]') e) from (select ssn as value from customers) c",
    '-',
    '',
    '',
  ],
  // With a schema only the relation itself is meant, whatever has its name nearer by.
  [
    "select (select public.customers.ssn from (select 'x' as ssn) customers) from public.customers",
    '=customers.ssn',
    '',
    '',
  ],
  [
    'select (select public.customers.ssn from orders as customers) from customers',
    '=customers.ssn',
    '',
    '',
  ],
  [
    "select (select x from lateral (select public.customers.*) y(w, x, z)) from (select 'x' as ssn) v, public.customers",
    '=customers.name',
    '',
    '',
  ],
  // CYCLE ends where a value comes again: the number of rows tells. SEARCH changes no number.
  [
    "with recursive r(i, v, n) as (select id, left(ssn, 1), 1 from customers union all select i, 'f', n + 1 from r where n < 3) cycle v set c using p select i from r",
    '=customers.id',
    'condition:customers.ssn',
    '',
  ],
  [
    'with recursive r(i, v) as (select id, ssn from customers union all select i, v from r where i < 3) search depth first by v set o select i from r',
    '=customers.id',
    'condition:customers.id',
    '',
  ],
  // Definitions that ask something of rows, now or from then on.
  ["create policy p on customers using (ssn like 'f%')", '', 'condition:customers.ssn', ''],
  ["alter policy p on customers with check (ssn > 'f')", '', 'condition:customers.ssn', ''],
  [
    "create statistics s on (ssn like 'f%'), name from customers",
    '',
    'condition:customers.ssn',
    '',
  ],
  ['create statistics s on ssn, name from customers', '', '', ''],
  ["alter domain d add check (value <> 'x')", '', 'unknown', ''],
  ["alter domain d add check (value <> 'x') not valid", '', '', ''],
  ['alter domain d validate constraint c', '', 'unknown', ''],
  ['alter domain d set not null', '', 'unknown', ''],
  ['alter domain d drop not null', '', '', ''],
  ['create table t (v text references customers (ssn))', '', 'condition:customers.ssn', ''],
  ['create table t (v text references customers)', '', '', ''],
  [
    'alter table orders add foreign key (note) references customers (ssn) not valid',
    '',
    'condition:customers.ssn',
    '',
  ],
  [
    'alter table customers add foreign key (ssn) references orders (note)',
    '',
    'condition:customers.ssn,orders.note',
    '',
  ],
  // What becomes of a row tells whether its values were there already.
  [
    "insert into customers (id, ssn) values (9, 'x') on conflict (ssn) do nothing",
    '',
    'conflict:customers.ssn',
    '',
  ],
  [
    "insert into customers (id, ssn) values (9, 'x') on conflict (lower(ssn)) do nothing",
    '',
    'conflict:customers.ssn',
    '',
  ],
  [
    "insert into customers (id, ssn) values (9, 'x') on conflict do nothing",
    '',
    'conflict:customers.id,customers.ssn',
    '',
  ],
  [
    "insert into customers (id, ssn) values (9, 'x') on conflict on constraint c do update set name = 'y'",
    '',
    'conflict:customers.id,customers.ssn',
    '',
  ],
  [
    "insert into customers (id, ssn) values (9, 'x') on conflict (id) do update set ssn = excluded.ssn",
    '',
    'conflict:customers.id',
    '',
  ],
  // A keyword that is a column's name to older servers.
  [
    'select upper(system_user) from (select ssn as system_user from customers) c',
    '?',
    'unknown',
    'unknown',
  ],
  [
    'select id, ssn, c.name from customers c',
    '=customers.id =customers.ssn =customers.name',
    '',
    '',
  ],
  ['select * from customers', '=customers.id =customers.name =customers.ssn =customers.j', '', ''],
  [
    'select c.*, 1 from customers c',
    '=customers.id =customers.name =customers.ssn =customers.j -',
    '',
    '',
  ],
  [
    'select (c).* , (c).ssn from customers c',
    '=customers.id =customers.name =customers.ssn =customers.j =customers.ssn',
    '',
    '',
  ],
  [
    'select customers from customers',
    '~customers.id,customers.j,customers.name,customers.ssn',
    '',
    '',
  ],
  [
    "select count(*), count(ssn), count(distinct ssn), count(nullif(ssn,'x')), max(ssn), count(*) filter (where ssn = 'x') from customers",
    '- - - - +customers.ssn -',
    'condition:customers.ssn equality:customers.ssn group:customers.ssn',
    '',
  ],
  [
    'select upper(ssn), ssn||name, ssn::text, ssn collate "C", initcap(name), mine(ssn) from customers',
    '~customers.ssn ~customers.name,customers.ssn ~customers.ssn ~customers.ssn ?customers.name ?customers.ssn',
    '',
    'initcap ~customers.name; mine ~customers.ssn',
  ],
  [
    "select case when ssn = '1' then 1 end, coalesce(name, ssn), nullif(name,'x'), greatest(ssn,'') from customers",
    '~customers.ssn ~customers.name,customers.ssn ~customers.name ~customers.ssn',
    '',
    '',
  ],
  [
    'select row_to_json(c), row_to_json(c.*), to_jsonb(c) from customers c',
    '~customers.id,customers.j,customers.name,customers.ssn ~customers.id,customers.j,customers.name,customers.ssn ~customers.id,customers.j,customers.name,customers.ssn',
    '',
    '',
  ],
  [
    "select json_build_object('a', ssn), array[ssn], array_agg(name order by ssn) from customers",
    '~customers.ssn ~customers.ssn +customers.name,customers.ssn',
    'order:customers.ssn',
    '',
  ],
  [
    'select row_number() over (order by ssn), first_value(name) over w, count(*) over (partition by name) from customers window w as (partition by id)',
    '+customers.ssn +customers.id,customers.name -',
    'window:customers.id,customers.name,customers.ssn',
    '',
  ],
  ['select s.x from (select ssn as x, name from customers) s', '=customers.ssn', '', ''],
  [
    'select * from (select ssn, name n from customers) s (a)',
    '=customers.ssn =customers.name',
    '',
    '',
  ],
  ['select a from (select ssn from customers) s (a)', '=customers.ssn', '', ''],
  [
    'with s as (select ssn, id from customers) select s.ssn, id from s',
    '=customers.ssn =customers.id',
    '',
    '',
  ],
  [
    'with customers as (select id as ssn from customers) select ssn from customers',
    '=customers.id',
    '',
    '',
  ],
  [
    'with recursive r(a, n) as (select ssn, 1 from customers union all select a, n+1 from r where n < 3) select a, n from r',
    '=customers.ssn -',
    '',
    '',
  ],
  [
    'with recursive r(a, b) as (select ssn, name from customers union all select b, a from r) select a, b from r',
    '=customers.name,customers.ssn =customers.name,customers.ssn',
    '',
    '',
  ],
  [
    'select ssn from customers union all select note from orders',
    '=customers.ssn,orders.note',
    '',
    '',
  ],
  ["select ssn from customers union select 'x'", '~customers.ssn', 'group:customers.ssn', ''],
  [
    'select name from customers except select ssn from customers',
    '=customers.name,customers.ssn',
    'group:customers.name,customers.ssn',
    '',
  ],
  ['values (1, 2), (3, (select ssn from customers limit 1))', '- ~customers.ssn', '', ''],
  [
    "select (select ssn from customers where id = 1), (select count(*) from customers where ssn like 'x'), (select 1 from customers where ssn = 'x'), exists (select 1 from customers where ssn = 'x'), array(select ssn from customers)",
    '=customers.ssn - ~customers.ssn ~customers.ssn +customers.ssn',
    'condition:customers.ssn equality:customers.id,customers.ssn',
    '',
  ],
  [
    'select 1 in (select id from customers), id = any(select customer_id from orders) from customers',
    '~customers.id ~customers.id,orders.customer_id',
    '',
    '',
  ],
  [
    'select o.note, x.y from orders o, lateral (select c.ssn as y from customers c where c.id = o.customer_id) x',
    '=orders.note =customers.ssn',
    'join:customers.id,orders.customer_id',
    '',
  ],
  [
    'select * from customers c join orders o on c.id = o.customer_id',
    '=customers.id =customers.name =customers.ssn =customers.j =orders.id =orders.customer_id =orders.note',
    'join:customers.id,orders.customer_id',
    '',
  ],
  [
    'select * from customers join orders using (id)',
    '=customers.id,orders.id =customers.name =customers.ssn =customers.j =orders.customer_id =orders.note',
    'join:customers.id,orders.id',
    '',
  ],
  [
    'select id, u.id, orders.id from customers join orders using (id) as u',
    '=customers.id,orders.id =customers.id,orders.id =orders.id',
    'join:customers.id,orders.id',
    '',
  ],
  [
    'select * from customers natural join orders',
    '=customers.id,orders.id =customers.name =customers.ssn =customers.j =orders.customer_id =orders.note',
    'join:customers.id,orders.id',
    '',
  ],
  [
    'select x.note from (customers c join orders o on c.id = o.customer_id) x (a, b, c, d, e, f, note)',
    '=orders.note',
    'join:customers.id,orders.customer_id',
    '',
  ],
  [
    "select u from customers, unnest(string_to_array(ssn, ',')) u",
    '~customers.ssn',
    'argument:customers.ssn',
    '',
  ],
  [
    'select * from customers c, jsonb_each_text(to_jsonb(c)) e',
    '=customers.id =customers.name =customers.ssn =customers.j ~customers.id,customers.j,customers.name,customers.ssn ~customers.id,customers.j,customers.name,customers.ssn',
    'argument:customers.id,customers.j,customers.name,customers.ssn',
    '',
  ],
  ['select * from generate_series(1,3) g', '-', '', ''],
  ['select g from generate_series(1,3) g', '-', '', ''],
  [
    'select * from json_to_recordset((select json_agg(c) from customers c)) as x(a text, b text)',
    '~customers.id,customers.j,customers.name,customers.ssn ~customers.id,customers.j,customers.name,customers.ssn',
    'argument:customers.id,customers.j,customers.name,customers.ssn',
    '',
  ],
  [
    "select jt.* from customers, json_table(j, '$' columns(k text path '$.k', n for ordinality)) jt",
    '~customers.j ~customers.j',
    'argument:customers.j',
    '',
  ],
  [
    "select x.* from customers, xmltable('/a' passing xmlelement(name a, ssn) columns b text path '.') x",
    '~customers.ssn',
    'argument:customers.ssn',
    '',
  ],
  [
    'select * from rows from (unnest(array[1]), generate_series(1,2)) with ordinality as z(q,r,s)',
    'unknown',
    '',
    '',
  ],
  ['select ctid, tableoid, c.xmin from customers c', '- - -', '', ''],
  ['select (select ssn) from customers', '=customers.ssn', '', ''],
  [
    'select (select s.q from (select o.note as q from orders o where o.id = c.id) s) from customers c',
    '=orders.note',
    'join:customers.id,orders.id',
    '',
  ],
  [
    'update customers set name = ssn where id = 1 returning *',
    '=customers.id =customers.name,customers.ssn =customers.ssn =customers.j',
    'equality:customers.id',
    'UPDATE =customers.ssn>customers.name',
  ],
  [
    'update orders o set note = c.ssn from customers c where c.id = o.customer_id returning o.*, c.name, old.note',
    '=orders.id =orders.customer_id =customers.ssn,orders.note =customers.name =customers.ssn,orders.note',
    'join:customers.id,orders.customer_id',
    'UPDATE =customers.ssn>orders.note',
  ],
  [
    'update customers set (name, j) = (select note, id from orders) where ssn = $1',
    '',
    'equality:customers.ssn',
    'UPDATE =orders.note>customers.name; UPDATE =orders.id>customers.j',
  ],
  [
    "delete from customers using orders where orders.id = customers.id and ssn > 'x' returning orders.note, ssn",
    '=orders.note =customers.ssn',
    'condition:customers.ssn join:customers.id,orders.id',
    '',
  ],
  [
    'insert into orders (id, note) select id, ssn from customers returning note, id',
    '=customers.ssn,orders.note =customers.id,orders.id',
    '',
    'INSERT =customers.id>orders.id; INSERT =customers.ssn>orders.note',
  ],
  [
    'insert into orders values (1, 2, (select ssn from customers limit 1)) on conflict (id) do update set note = excluded.note || orders.note where orders.id = 3',
    '',
    'conflict:orders.id equality:orders.id',
    'INSERT =customers.ssn>orders.note; INSERT ~customers.ssn,orders.note>orders.note',
  ],
  [
    "insert into customers (id, ssn) values (1, 'x') on conflict (id) do update set ssn = excluded.ssn returning ssn",
    '=customers.ssn',
    'conflict:customers.id',
    '',
  ],
  [
    "merge into orders o using customers c on o.customer_id = c.id when matched and c.ssn > 'x' then update set note = c.name when not matched then insert (id, note) values (c.id, c.ssn) returning merge_action(), o.note",
    '- =customers.name,customers.ssn,orders.note',
    'condition:customers.ssn join:customers.id,orders.customer_id',
    'MERGE =customers.name>orders.note; MERGE =customers.id>orders.id; MERGE =customers.ssn>orders.note',
  ],
  ['create table x as select ssn from customers', '', '', 'CREATE TABLE AS =customers.ssn'],
  ['select ssn into x from customers', '', '', 'SELECT INTO =customers.ssn'],
  [
    "create view w as select id from customers where ssn like '1%'",
    '',
    'condition:customers.ssn',
    '',
  ],
  ['create materialized view w as select ssn from customers', '', '', ''],
  ['copy (select ssn, 1 from customers) to stdout', '=customers.ssn -', '', ''],
  ['copy customers (ssn) to stdout', '=customers.ssn', '', ''],
  [
    "copy customers to '/tmp/x'",
    '',
    '',
    'COPY =customers.id; COPY =customers.name; COPY =customers.ssn; COPY =customers.j',
  ],
  ['copy customers from stdin', '', '', ''],
  ["explain select ssn from customers where ssn = '1'", '-', 'equality:customers.ssn', ''],
  ['explain analyze select ssn from customers', '?', '', ''],
  ['prepare q as select ssn from customers where ssn = $1', '', 'equality:customers.ssn', ''],
  [
    "declare c cursor for select ssn from customers where name > 'x'",
    '',
    'condition:customers.name',
    '',
  ],
  [
    "select pg_notify('x', ssn), set_config('application_name', 'x', true), nextval('s') from customers",
    '?customers.ssn - -',
    '',
    'pg_notify ~customers.ssn',
  ],
  [
    'alter table orders alter column note type text using customer_id::text',
    '',
    'condition:orders.customer_id',
    'ALTER TABLE =orders.customer_id',
  ],
  ['create index on customers ((1/length(ssn)))', '', 'condition:customers.ssn', ''],
  [
    "select name from customers where ssn = '1' and id in (1,2) or name is null",
    '=customers.name',
    'condition:customers.name equality:customers.id,customers.ssn',
    '',
  ],
  [
    "select name from customers where (ssn, id) = ('1', $2) order by name, 1 limit 3",
    '=customers.name',
    'equality:customers.id,customers.ssn order:customers.name',
    '',
  ],
  [
    'select name, ssn from customers order by 1',
    '=customers.name =customers.ssn',
    'order:customers.name',
    '',
  ],
  ['select name as ssn from customers order by ssn', '=customers.name', 'order:customers.name', ''],
  [
    "select name from customers where exists (select 1 from orders where note = 'x' and customer_id = customers.id)",
    '=customers.name',
    'equality:orders.note join:customers.id,orders.customer_id',
    '',
  ],
  [
    'select name from customers where id in (select customer_id from orders where note = $1)',
    '=customers.name',
    'condition:customers.id,orders.customer_id equality:orders.note',
    '',
  ],
  [
    'select substr(ssn,1,1), count(*) from customers group by 1',
    '~customers.ssn -',
    'group:customers.ssn',
    '',
  ],
  [
    "select name from (select substr(ssn,1,1) p, name from customers) s where p = '1'",
    '=customers.name',
    'condition:customers.ssn',
    '',
  ],
  ['select distinct name from customers', '=customers.name', 'group:customers.name', ''],
  ['select distinct on (ssn) name from customers', '=customers.name', 'order:customers.ssn', ''],
  [
    "select 'a'::mood, ssn::mood, ssn::odd from customers",
    '- ~customers.ssn ?customers.ssn',
    'unknown',
    'odd ~customers.ssn',
  ],
  // What may fail, or have a number of rows, by a value tells of it whether it is shown or not.
  [
    'select ssn::int, id + 1 from customers',
    '~customers.ssn ~customers.id',
    'argument:customers.id,customers.ssn',
    '',
  ],
  [
    "select 1 / (case when ssn like '1%' then 0 else 1 end) from customers",
    '~customers.ssn',
    'argument:customers.ssn',
    '',
  ],
  [
    "select case when ssn like '1%' then 1 / (id - id) end from customers",
    '~customers.id,customers.ssn',
    'argument:customers.id,customers.ssn',
    '',
  ],
  [
    "select case when ssn like '1%' then (select 1 from customers) end from customers",
    '~customers.ssn',
    'argument:customers.ssn',
    '',
  ],
  [
    "select case when ssn like '1%' then 'a' else 'b' end, coalesce(ssn, 'x') from customers",
    '~customers.ssn ~customers.ssn',
    '',
    '',
  ],
  [
    "select coalesce((select name from customers limit 1), 'x'), coalesce(ssn, name::int::text) from customers",
    '~customers.name ~customers.name,customers.ssn',
    'argument:customers.name,customers.ssn',
    '',
  ],
  [
    "select generate_series(1, ascii(ssn)), regexp_matches(name, 'a') from customers",
    '~customers.ssn ~customers.name',
    'argument:customers.name,customers.ssn',
    '',
  ],
  [
    "select regexp_replace(ssn, '^.*$', 'x'), left(ssn, 3), ssn ~ '^1', length(ssn) from customers",
    '~customers.ssn ~customers.ssn ~customers.ssn ~customers.ssn',
    '',
    '',
  ],
  [
    "select left(ssn, id), name ~ ssn, json_build_object(name, 1), json_build_object('k', ssn) from customers",
    '~customers.id,customers.ssn ~customers.name,customers.ssn ~customers.name ~customers.ssn',
    'argument:customers.id,customers.name,customers.ssn',
    '',
  ],
  ["select '1'::int, now() - interval '1 day', array['a']::text[] from customers", '- - -', '', ''],
  ['select s.to_jsonb from (select ssn from customers) s', '~customers.ssn', '', ''],
  [
    'select c.mine from customers c',
    '?customers.id,customers.j,customers.name,customers.ssn',
    '',
    'mine ~customers.id,customers.j,customers.name,customers.ssn',
  ],
  ['with d as (delete from customers returning ssn) select * from d', '=customers.ssn', '', ''],
  [
    'select x.c from (select customers as c from customers) x',
    '~customers.id,customers.j,customers.name,customers.ssn',
    '',
    '',
  ],
  ['select (x.c).ssn from (select customers as c from customers) x', '=customers.ssn', '', ''],
  ['select q.column1 from (values ((select ssn from customers))) q', '=customers.ssn', '', ''],
  [
    'select mode() within group (order by ssn), percentile_cont(0.5) within group (order by id) from customers',
    '+customers.ssn +customers.id',
    'order:customers.id,customers.ssn',
    '',
  ],
  ['show search_path', '-', '', ''],
  ['begin', '', '', ''],
  [
    'select (select x from (select (select * from (select c.ssn as x from customers c) s limit 1) from orders) q) from orders r (x)',
    '=customers.ssn',
    '',
    '',
  ],
  // A user's operator, under a name that the server has, too.
  [
    "select id, name ^@ 'x', 'a' || 'b' from customers where ssn = 'a' and id ^@ 1",
    '=customers.id ?customers.name ?',
    'condition:customers.id condition:customers.ssn',
    '',
  ],
  // No system column of a table, but a function of its row.
  [
    'select c.oid from customers c',
    '?customers.id,customers.j,customers.name,customers.ssn',
    '',
    'oid ~customers.id,customers.j,customers.name,customers.ssn',
  ],
]

describe('the lineage', () => {
  it.each(shapes)('of %s', (text, outputs, probes, transfers) => {
    const found: Lineage = lineage(text)
    expect(outputsAs(found)).toBe(outputs)
    expect(probesAs(found)).toBe(probes)
    expect(transfersAs(found)).toBe(transfers)
  })
})

describe('the value of a call', () => {
  it.each([
    ['explain select 1', '-'],
    ['explain select mine(1)', 'unknown'],
    ["explain select id from customers where name = mine('x')", 'unknown'],
    ["prepare p(text) as select $1; execute p('a')", '-'],
    ["prepare p(text) as select $1; execute p(mine('a'))", 'unknown'],
    ["prepare p(text) as select $1; execute p(initcap('a'))", 'unknown'],
    ["prepare p(text) as select $1; execute p(upper('a'))", '-'],
  ])('may be shown by a plan, and by what it is an argument of: %s', (text, outputs) => {
    expect(outputsAs(lineage(text))).toBe(outputs)
  })
})

it('the value of a call that EXECUTE is given may be kept by what it runs', () => {
  const text = "prepare p(text) as insert into orders (note) values ($1); execute p(mine('a'))"
  expect(transfersAs(lineage(text))).toBe('unknown')
  expect(transfersAs(lineage(text.replace('mine', 'upper')))).toBe('')
})

describe('another name', () => {
  it.each([
    ['alter table customers rename ssn to label', 'ALTER TABLE =customers.ssn>customers.label'],
    [
      'alter table customers rename column ssn to label',
      'ALTER TABLE =customers.ssn>customers.label',
    ],
    ['alter view v rename column s to t', ''],
    ['alter table v rename to w', ''],
    ['alter index i rename to j', ''],
    ['alter table customers rename constraint a to b', ''],
    ['alter schema public rename to other', 'unknown'],
    ['alter table customers no inherit orders, add check (id > 0)', 'unknown'],
    ['alter table nowhere rename to somewhere', ''],
  ])('is where values go: %s', (text, transfers) => {
    expect(transfersAs(lineage(text))).toBe(transfers)
  })

  it.each([
    ['alter table orders rename to notes', 'notes'],
    ['alter table orders set schema other', 'other.orders'],
    ['alter table customers detach partition orders', 'orders'],
    ['alter table orders no inherit customers', 'orders'],
  ])('of a table is one of all its columns: %s', (text, to) => {
    const { transfers } = lineage(text)
    if (transfers === 'unknown') throw new Error('unknown')
    expect(transfers.map(each => each.to)).toEqual(
      ['id', 'customer_id', 'note'].map(column => ({ object: to, column })),
    )
  })
})

it('what a definition calls is called again whenever somebody writes or reads: its lineage is unknown', () => {
  for (const text of [
    'alter table orders alter note set default mine(1)',
    "create policy kept on orders using (mine('a') is not null)",
    'alter table orders add check (mine(note) is not null)',
  ]) {
    expect(transfersAs(lineage(text)), text).toBe('unknown')
    expect(transfersAs(lineage(text.replaceAll('mine', 'upper'))), text).toBe('')
  }
})
