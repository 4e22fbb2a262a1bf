// Questions whose answers tell a hidden value without showing it: conditions, orders, joins, groups, errors that depend
// on it. Under the rules that apply when nothing is configured none of them runs; who may see the class may ask. And
// ordinary work on the same tables runs as ever.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { queryFrame } from '../../src/protocols/postgres/relay-frames.ts'
import { hasPostgres } from '../servers/postgres.ts'
import { ask, modes, rowsOf } from './modes.ts'
import { type Ground, startGround, type Who } from './stage.ts'

const oracles = `
select id from people where ssn like 'f%'
select id from people where ssn > 'm'
select id from people where ssn <> 'm'
select id from people where not (ssn = 'm')
select id from people where ssn ~ '^f'
select id from people where ssn similar to 'f%'
select id from people where ssn between 'a' and 'm'
select id from people where left(ssn, 1) = 'f'
select id from people where ssn || '' = 'x'
select id from people where ssn::text = 'x'
select id from people where ssn = name
select id from people where ssn is not null
select id from people where ssn is distinct from 'x'
select id from people where (ssn, id) > ('m', 1)
select id from people where ssn in (select label from plain)
select id from people where ssn = any (select label from plain)
select id from people where ssn = (select max(label) from plain)
select id from people where ssn > all (array['a', 'm'])
select id from people where length(ssn) = 12
select id from people where case when ssn < 'm' then true else false end
select id from people where coalesce(ssn, '') < 'm'
select id from people where to_jsonb(people) ->> 'ssn' like 'f%'
select id from people where people::text like '%f%'
select id from people p where (p).ssn like 'f%'
select id from people p where p > p
select id from people where doc @> '{"k": "x"}'
select id from people where doc ->> 'k' like 'f%'
select id from people where 'x' = any(tags)
select id from people where account > 5000000000000000
select id from people where pay % 2 = 0
select id from people where born < '1950-01-01'
select id from people where tsv @@ 'x'::tsquery
select id from people where (home).street like 'f%'
select id from people where made like 'F%'
select id from people where id in (select id from people where ssn like 'f%')
select id from people where exists (select 1 from people q where q.id = people.id and q.ssn like 'f%')
select exists (select 1 from people where ssn like 'f%')
select count(*) from people where ssn like 'f%'
select count(*) filter (where ssn like 'f%') from people
select (select count(*) from plain where label < p.ssn) from people p
select (select count(*) from people where ssn < 'm')
select 1 where 'x' in (select ssn from people)
select 1 where 'm' < (select min(ssn) from people)
select 1 from plain where label < (select ssn from people where id = 1)
select name from people order by ssn
select name from people order by ssn limit 1
select name, ssn from people order by 2
select name, ssn as s from people order by s
select name from people order by upper(ssn)
select name from people order by (select ssn)
select name from people order by case when ssn < 'm' then 1 else 2 end
select count(*) from people group by ssn
select count(*), left(ssn, 1) from people group by 2
select count(*) from people group by grouping sets ((ssn), (name))
select name from people group by name having max(ssn) > 'm'
select name from people group by name having count(distinct ssn) > 1
select distinct ssn from people
select distinct on (ssn) name from people order by ssn
select ssn from people union select 'x'
select ssn from people intersect select 'x'
select ssn from people except select 'x'
select 'x' except select ssn from people
select name from people p join plain t on t.label = p.ssn
select name from people p join plain t on t.label < p.ssn
select name from people p left join plain t on left(p.ssn, 1) = t.label
select name from people p join (values ('a'), ('b')) v(s) on v.s = left(p.ssn, 1)
select name from people p join (select 'x'::text as ssn) t using (ssn)
select name from people p natural join (select 'x'::text as ssn) t
select name from people p, plain t where t.label = p.ssn
select name from people p, lateral (select 1 where p.ssn like 'f%') l
select row_number() over (order by ssn), name from people
select name, rank() over (order by ssn) from people
select name, count(*) over (partition by ssn) from people
select name, lag(name) over (order by ssn) from people
select string_agg(name, ',' order by ssn) from people
select array_agg(name order by ssn) from people
select percentile_disc(0.5) within group (order by ssn) from people
select rank('m') within group (order by ssn) from people
select name from people limit (select ascii(ssn) from people where id = 1)
select name from people offset (select ascii(ssn) from people where id = 1)
select generate_series(1, ascii(ssn)) from people where id = 1
select g from people, generate_series(1, ascii(ssn)) g where people.id = 1
select regexp_split_to_table(ssn, 'f') from people
select string_to_table(ssn, 'f') from people
select unnest(tags) from people
select jsonb_each(doc) from people
select a from renamed where a like 'f%'
select b from renamed order by a
select b from renamed where c like 'xf%'
select w from unioned where v > 'm'
select name from grouped where top > 'm'
select v from recursed where v > 'm'
select q from rolled, lateral (select name as q) l where piece like 'f%'
select name from people_view_of_view where ssn like 'f%'
select name from people_matview where ssn like 'f%'
select name from staff where ssn like 'f%'
select name from people_parts_2 where ssn like 'f%'
select name from vault.people where ssn like 'f%'
with x as (select ssn as s, name as n from people) select n from x where s like 'f%'
with x as (select ssn as s, name as n from people) select n from x order by s
with recursive x(n, s) as (select 1, ssn from people union all select n + 1, s from x where s like 'f%' and n < 2) select n from x
select n from (select ssn as s, name as n from people) x where s like 'f%'
select n from (select ssn as s, name as n from people) x group by n, s
with recursive r(i, v, n) as (select id, left(ssn, 1), 1 from people union all select i, 'f', n + 1 from r where n < 3) cycle v set c using p select i from r where n = 3
with recursive r(v, n) as (select ssn, 1 from people union all select label, n + 1 from r, plain where n < 2) cycle v set c using p select count(*) from r
update people set name = name where ssn like 'f%'
update people set name = case when ssn like 'f%' then 'a' else 'b' end
delete from people where ssn like 'f%'
delete from orders using people p where p.id = orders.person and p.ssn like 'f%'
insert into plain (id) select id from people where ssn like 'f%'
insert into twins (id) values (1) on conflict (id) do update set name = 'x' where twins.ssn like 'f%'
merge into plain t using people p on t.label = p.ssn when matched then do nothing
merge into plain t using people p on t.id = p.id when matched and p.ssn like 'f%' then do nothing
copy (select id from people where ssn like 'f%') to stdout
copy (select id from people order by ssn) to stdout
explain select id from people where ssn < 'm'
explain analyze select id from people where ssn < 'm'
declare c cursor for select id from people where ssn like 'f%'
prepare p as select id from people where ssn like 'f%'
create temp table t as select id from people where ssn like 'f%'
create temp view v as select id from people where ssn like 'f%'
create index on people (id) where ssn like 'f%'
alter table people add check (ssn like 'f%')
alter domain word add check (value like 'f%')
alter domain word set not null
create policy p on people using (ssn like 'f%')
create statistics s on (1 / (ascii(ssn) - 102)), name from people
create temp table t (v text references people (ssn))
alter table plain add foreign key (label) references people (ssn)
select id from people where ssn_of(id) like 'f%'
select 1 / (case when ssn like 'f%' then 0 else 1 end) from people
select 1 / (ascii(ssn) - 102) from people where id = 1
select ssn::int from people
select ssn::json from people
select sqrt(102 - ascii(ssn)) from people where id = 1
select substr('x', 1, 102 - ascii(ssn)) from people where id = 1
select ('{' || ssn)::jsonb from people
select chr(ascii(ssn) - 102) from people where id = 1
select (account / 1000000000000000 - 4) ^ -1 from people
select to_date(ssn, 'YYYY') from people
select date_part(ssn, now()) from people
select date_trunc(ssn, now()) from people
select pg_catalog.extract(ssn, now()) from people
select now() at time zone ssn from people
select set_masklen('10.0.0.0/8'::inet, ascii(ssn)) from people
select ntile(strpos(ssn, 'f')) over () from people where id = 1
select format('%I', nullif(ssn, 'x')) from people
select format('%*s', ascii(ssn), 'x') from people
select jsonb_build_object(nullif(ssn, 'x'), 1) from people
select json_object_agg(nullif(ssn, 'x'), 1) from people
select array_fill(1, array[ascii(ssn)]) from people
select regexp_replace('x', ssn, '') from people
select 'x' like ssn from people
select 'x' ~ ssn from people
select make_date(2000, 1, ascii(ssn)) from people
select to_char(now(), ssn) from people
select ssn::varchar::xml from people
select string_to_array(ssn, null)::int[] from people
select (string_to_array(ssn, null)::"char"[])[1]::int from people
select percentile_disc(length(ssn)) within group (order by id) from people group by id, ssn
select nth_value(name, strpos(ssn, 'f')) over () from people where id = 1
select pg_sleep(case when ssn like 'f%' then 0.01 else 0 end) from people
select case when ssn like 'f%' then pg_sleep(0.01)::text end from people
select count(repeat('x', ascii(ssn) * 1000)) from people
select ssn like 'f\\' from people
select ssn not ilike 'f\\' from people
select ssn like 'f!' escape '!' from people
select nullif(left(ssn, 1), 'f') ~ '(' from people
select nullif(left(ssn, 1), 'f') similar to '(' from people
select substr(nullif(left(ssn, 1), 'f'), 1, -1) from people
select substring(x from '(') from (select nullif(left(ssn, 1), 'f') as x from people) t
select split_part(nullif(ssn, 'x'), 'x', 0) from people
select lpad(nullif(ssn, 'x'), 2000000000) from people
select overlay(nullif(ssn, 'x') placing 'x' from -1) from people
select encode(nullif(photo, 'x'), 'nosuch') from people
select to_char(nullif(account, 5), 'DD') from people
select to_char(case when ssn < 'm' then 5 end, 'DD') from people
select date_part('nosuch', nullif(born, '1931-07-23')) from people
select extract(hour from nullif(born, '1931-07-23')) from people
select date_trunc('nosuch', coalesce(nullif(seen, now()), null)) from people
select case when ssn < 'm' then substr(name, 1, -1) else name end from people
select case when ssn < 'm' then name like 'A\\' end from people
select case when ssn < 'm' then name ~ '(' end from people
select case when ssn < 'm' then to_char(id, 'DD') end from people
select case when ssn < 'm' then date_part('nosuch', joined) end from people
select coalesce(nullif(left(ssn, 1), 'f'), substr(name, 1, -1)) from people
select ssn < 'm' and name like 'A\\' from people
select array[string_to_array(ssn, 'f'), array['a', 'b']] from people
select string_to_array(ssn, 'f') || array[['a', 'b']] from people
select x || y from (select string_to_array(ssn, 'f') as x, array[['a', 'b']] as y from people) t
select coalesce(string_to_array(ssn, 'f'), '{}') || '{{a,b}}' from people
select array_agg(x) from (select string_to_array(ssn, 'f') as x from people union all select array['a', 'b']) t
select array_position(case when ssn < 'm' then '{{1}}'::int[] else '{1}' end, 1) from people
select (array[1])[case when ssn < 'm' then 3000000000 else 1 end] from people
select (array[1])[1:case when ssn < 'm' then 3000000000 else 1 end] from people
select (case when ssn < 'm' then row(1) else row(1, 2) end) = row(1) from people
select coalesce(case when ssn < 'm' then null else row(1, 2) end, row(1)) = row(1) from people
select sum(case when ssn < 'm' then 1.7e308::float8 else 0 end) from people, plain
select avg(case when ssn < 'm' then 1.7e308::float8 else 0 end) over () from people, plain
select bit_and(case when ssn < 'm' then b'1' else b'11' end) from people
select to_jsonb(case when ssn < 'm' then '"\\u0000"'::json else '1' end) from people
select jsonb_agg(case when ssn < 'm' then '"\\u0000"'::json else '1' end) from people
select json_strip_nulls(case when ssn < 'm' then '"\\u0000"'::json else '1' end) from people
select (case when ssn < 'm' then '["\\u0000"]'::json else '[1]' end) ->> 0 from people
select justify_days(case when ssn < 'm' then interval '2147483647 months 60 days' end) from people
select length(photo, 'UTF8') from people
select case when ssn < 'm' then pg_current_xact_id()::text end from people
select case when ssn < 'm' then random() end from people
select coalesce(nullif(ssn < 'm', true)::int, random()) from people
`

const ordinary = `
select * from people
select id, name, ssn from people where id = 1
select name from people where name like 'A%' order by name
select count(*) from people
select count(ssn) from people
select name, count(*) from people group by name having count(*) > 0
select p.name, o.item from people p join orders o on o.person = p.id where o.item like 'item%' order by o.id
select distinct name from people
select upper(name), row_number() over (order by id) from people
select b from renamed where b = 'Ada'
select p.* from people p left join orders o on o.person = p.id order by p.id limit 2
select exists (select 1 from people where id = 1)
select name from people union select item from orders
select max(ssn) from people
select string_agg(ssn, ',') from people
select coalesce(ssn, 'none') from people
select ssn || '' from people
select upper(ssn) || ' ' || name from people
select coalesce(ssn, '') || ' ' || coalesce(name, '') from people
select substr(ssn, 1, 3), substr(lower(ssn || ' '), 1, 3), split_part(ssn, 'x', 1), lpad(ssn, 20) from people
select regexp_replace(ssn, '[0-9]', 'x', 'g'), ssn ~ '^f', ssn like 'f%', lower(name) like 'a%' from people
select to_char(born, 'YYYY-MM-DD'), extract(year from born), date_trunc('year', seen), age(seen) from people
select round(pay, 2), sum(pay) over (), array[ssn, name, lower(ssn)] from people
select doc -> 'k' ->> 'z', info -> 'k' ->> 'z', to_jsonb(doc), tags[1], tags[1:2] from people
select coalesce(ssn, current_user), now(), random(), pg_current_xact_id_if_assigned() from people
select sum(id * 2), round(avg(bonus + 1), 2), count(*) from people
update people set name = 'Ada' where id = 1
update people set ssn = 'new' where id = 1
insert into twins (id, ssn, name) values (70, 'x', 'y')
insert into twins (id, ssn, name) select id + 70, ssn || '', name from only people
delete from people where id = 99
copy people to stdout
explain select name from people where id = 1
begin; select name from people where id = 1 for update; rollback
`

const lines = (text: string) => text.split('\n').filter(line => line !== '')

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`PostgreSQL ${version}`, () => {
    let ground: Ground
    beforeAll(async () => {
      ground = await startGround()
    })
    afterAll(() => ground?.stop())

    /** The SQLSTATE and reason of each, or `runs`. */
    async function fates(who: Who, texts: readonly string[]): Promise<string[]> {
      const questions = texts.map(text => ({
        frames: [queryFrame('begin'), queryFrame(text), queryFrame('rollback')],
        ready: 3,
      }))
      const answers = await ground.through(version, who, questions, true)
      return answers.map(({ frames }) => {
        const error = frames.find(({ type }) => type === 'E')?.body.toString('utf8') ?? ''
        const code = /\0C(\w{5})\0/.exec(error)?.[1]
        return /reason: (\w+)/.exec(error)?.[1] ?? code ?? 'runs'
      })
    }

    const refusals = ['masked_predicate', 'masked_copy', 'masked_values_exceeded']

    test.each(['ana', 'order-bot'] as const)('%s can ask nothing of what is hidden', async who => {
      const texts = lines(oracles)
      const all = await fates(who, texts)
      const answered = texts.filter((_text, index) => !refusals.includes(all[index] ?? ''))
      expect(answered.map(text => `${all[texts.indexOf(text)]}: ${text}`)).toEqual([])
    })

    test.each(['ana', 'order-bot'] as const)('%s can work', async who => {
      const texts = lines(ordinary)
      const all = await fates(who, texts)
      const refused = texts.filter((_text, index) => all[index] !== 'runs')
      expect(refused.map(text => `${all[texts.indexOf(text)]}: ${text}`)).toEqual([])
    })

    test.each([
      "case when ssn < 'g' then 'x' end",
      "nullif(left(ssn, 1), 'f')",
      "substring(ssn from '^f')",
      "case when ssn < 'g' then name end::varchar",
      "case when ssn < 'g' then 'x'::bpchar end",
      "case when ssn < 'g' then 1 end",
      "case when ssn < 'g' then array['x'] end",
      "coalesce(nullif(ssn < 'g', true)::text, 'y')",
      'lag(ssn) over (order by id)',
      'max(ssn) filter (where id > 1) over (partition by id)',
    ])('whether %s is NULL is not told, in any form', async expression => {
      const sql = `select ${expression} as x from people`
      const forms = modes.filter(({ own }) => own !== true)
      const query = { shape: '', expression, sql, expected: undefined, writes: false, since: 0 }
      const answers = await ground.through(
        version,
        'ana',
        forms.map(mode => ask(query, mode)),
        true,
      )
      for (const [index, answer] of answers.entries()) {
        const { name } = forms[index] as (typeof forms)[number]
        const rows = name === 'EXPLAIN ANALYZE' ? [] : rowsOf(answer, name === 'COPY csv')
        expect(new Set(rows.map(String)).size, name).toBeLessThan(2)
      }
      expect(answers.some(answer => rowsOf(answer, false).length > 2)).toBe(true)
    })

    test('one may compare with a value of one’s own, if one is a person; an agent may not', async () => {
      const texts = [
        "select id from people where ssn = 'x'",
        "select id from people where ssn in ('x', 'y')",
        "select id from people where row(ssn) = row('x')",
      ]
      expect(await fates('ana', texts)).toEqual(['runs', 'runs', 'runs'])
      expect(await fates('order-bot', texts)).toEqual(Array(3).fill('masked_predicate'))
    })

    test('who may see the class may ask', async () => {
      const texts = lines(oracles).filter(
        text =>
          /\bssn\b/.test(text) &&
          /^select id from people where (left\()?ssn (like|>|<>|~)/.test(text),
      )
      expect(await fates('carl', texts)).toEqual(texts.map(() => 'runs'))
    })
  })
}
