// What SQL can make of a hidden value, and where that can stand: each product is one way to ask. And ways that take
// several steps, or that no product makes.

/** `@` stands for a column of text. */
const ofText = [
  ...[
    '@',
    '(@)',
    'people.@',
    '@ collate utf8mb4_bin',
    'binary @',
    "concat(@, '')",
    "concat('x', @)",
    "concat_ws('-', @, @)",
  ],
  ...[
    'upper(@)',
    'lower(@)',
    'substr(@, 2)',
    'substring(@ from 2 for 30)',
    'left(@, 30)',
    'right(@, 30)',
    'mid(@, 2, 30)',
    'reverse(@)',
  ],
  ...[
    'cast(@ as char)',
    'cast(@ as binary)',
    'convert(@, char)',
    'convert(@ using utf8mb4)',
    'hex(@)',
    'to_base64(@)',
    'md5(@)',
    'sha1(@)',
  ],
  ...[
    'sha2(@, 256)',
    "json_object('a', @)",
    'json_array(@)',
    'json_quote(@)',
    "json_value(json_object('a', @), '$.a')",
    "json_extract(json_array(@), '$[0]')",
  ],
  ...[
    "coalesce(@, 'x')",
    'ifnull(null, @)',
    "nullif(@, 'x')",
    "if(1, @, 'x')",
    'case when 1 then @ end',
    "case @ when 'x' then 1 else @ end",
  ],
  ...[
    "greatest(@, '')",
    "least(@, 'zzzzz')",
    'trim(@)',
    "replace(@, '0', '1')",
    "insert(@, 1, 0, '')",
    "rpad(@, 60, ' ')",
    "lpad(@, 60, ' ')",
    'elt(1, @)',
  ],
  ...[
    'make_set(1, @)',
    'quote(@)',
    'uncompress(compress(@))',
    'unhex(hex(@))',
    'from_base64(to_base64(@))',
    '(select @)',
    'max(@) over ()',
  ],
  ...[
    'first_value(@) over (order by id)',
    'lag(@, 0) over (order by id)',
    'nth_value(@, 1) over (order by id)',
    '@v := @',
    "regexp_replace(@, '0', '1')",
  ],
  ...[
    "regexp_substr(@, '.*')",
    "substring_index(@, '#', 5)",
    "column_get(column_create('a', @), 'a' as char)",
    "column_json(column_create('a', @))",
  ],
  ...[
    "extractvalue(concat('<a>', @, '</a>'), '/a')",
    "updatexml('<a>b</a>', '/a', @)",
    'f_same(@)',
    '(select max(@) from people)',
    'char_length(@) + @',
    "aes_decrypt(aes_encrypt(@, 'k'), 'k')",
  ],
  ...[
    "encode(decode(@, 'k'), 'k')",
    'format(@, 0)',
    "export_set(1, @, '')",
    "json_merge_preserve(json_array(@), '[]')",
    'json_compact(json_array(@))',
    "nvl(@, '')",
    "nvl2(1, @, '')",
  ],
]

/** The same of a number. */
const ofNumber = [
  ...[
    '@',
    '@ + 0',
    '@ * 1',
    '-@',
    '~@',
    '@ | 0',
    '@ div 1',
    'cast(@ as char)',
    'cast(@ as decimal(30))',
    'conv(@, 10, 16)',
    'hex(@)',
    'format(@, 0)',
    'abs(@)',
  ],
  ...[
    'round(@)',
    'greatest(@, 0)',
    "concat(@, '')",
    'json_array(@)',
    'coalesce(@, 0)',
    'if(1, @, 0)',
    'max(@) over ()',
    'sum(@) over (order by id)',
    'oct(@)',
    'bin(@)',
    "ifnull(@, '')",
  ],
]

/** `{}` stands for the expression. Several steps are one session's; what any of them answers counts. */
const places: readonly (readonly string[])[] = [
  ['select {} from people'],
  ['select id, {} as id2, open from people order by id'],
  ['select distinct {} as x from people'],
  ['select x from (select {} as x from people) d'],
  ['with c as (select {} as x from people) select x from c'],
  [
    'with recursive c as (select 1 as i, {} as x from people union all select i + 1, x from c where i < 2) select x from c',
  ],
  ["select {} as x from people union all select 'none'"],
  ["select 'none' as x union select {} from people"],
  [
    'select d.x, o.id from (select {} as x, people.id from people) d join orders o on o.person = d.id',
  ],
  ['select (select {} from people order by id limit 1) as x'],
  ['select {} from people group by 1 order by 1'],
  ['select open, {} from people natural join (select id from orders) o'],
  [
    'select o.id, l.x from orders o left join (select people.id, {} as x from people) l on l.id = o.person',
  ],
  ['set @z = (select {} from people order by id limit 1)', 'select @z'],
  ['select {} into @y from people order by id limit 1', 'select @y, concat(@y)'],
  [
    'create temporary table tmp as select {} as x from people',
    'select * from tmp',
    'drop temporary table tmp',
  ],
  [
    'insert into notes (t) select {} from people',
    'select t from notes',
    'delete from notes where id > 0',
  ],
  ["execute immediate 'select {quoted} from people'"],
  ["prepare p from 'select {quoted} from people'", 'execute p', 'deallocate prepare p'],
  ['select group_concat(x) from (select {} as x from people) d'],
  ['select json_arrayagg(x) from (select {} as x from people) d'],
  ['analyze format=json select id from people where {} = 5'],
]

export interface Shape {
  readonly group: string
  readonly steps: readonly string[]
}

/** All products of expressions and places, of each `share`th. */
export function products(share: number): Shape[] {
  const made: Shape[] = []
  const columns: readonly (readonly [string, readonly string[]])[] = [
    ['ssn', ofText],
    ['email', ofText.slice(0, 20)],
    ['seal', ofText.slice(0, 16)],
    ['story', ofText.slice(0, 12)],
    [
      'doc',
      [
        ...ofText.slice(0, 6),
        "json_value(@, '$.k')",
        "json_extract(@, '$.k')",
        "json_unquote(json_extract(@, '$.k'))",
        'json_detailed(@)',
      ],
    ],
    ['pin', ofNumber],
  ]
  let at = 0
  for (const [column, expressions] of columns) {
    for (const expression of expressions) {
      for (const place of places) {
        at += 1
        if (at % share !== 0) continue
        const text = expression
          .replaceAll('@v :=', '\0')
          .replaceAll('@', column)
          .replaceAll('\0', '@v :=')
        made.push({
          group: 'products',
          steps: place.map(step =>
            step.replaceAll('{quoted}', text.replaceAll("'", "''")).replaceAll('{}', text),
          ),
        })
      }
    }
  }
  return made
}

/** The same of a column that is no secret, one place after another. */
export function plain(): Shape[] {
  const still = ofText.filter(text => !/f_same|max\(@\) from people/.test(text))
  // (A user variable's value comes from anywhere: it is hidden by the rule for unknown origins.)
  const known = places.filter(steps => !/@[zy]/.test(steps.join()))
  return still.map((expression, at) => {
    const place = known[at % 13] ?? []
    const text = expression
      .replaceAll('@v :=', '\0')
      .replaceAll('@', 'open')
      .replaceAll('\0', '@v :=')
    return { group: 'plain', steps: place.map(step => step.replaceAll('{}', text)) }
  })
}

const one = (group: string, texts: string): Shape[] =>
  texts
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .map(line => ({ group, steps: line.split(' ;; ') }))

/**
 * What is known to tell a value, and why: a trigger that the server's owner has made copies a hidden column into one that
 * no class names. Class that one, too: what triggers do is not followed.
 */
export const knownLeaks: ReadonlySet<string> = new Set([
  'update people2 set id = id ;; select t from notes ;; delete from notes where id > 0',
])

export const byHand: readonly Shape[] = [
  ...one(
    'names and whole rows',
    `
    select * from people
    select people.* from people
    select p.* from people as p
    select * from people p join orders o on o.person = p.id
    select SSN, Email from people
    select \`ssn\` from \`people\`
    select leaks.people.ssn from leaks.people
    select ssn id, id ssn from people
    select ssn as open, open as ssn from people
    select * from (select * from people) d
    select * from (select ssn as a, email as b from people) d (x, y)
    with c (x) as (select ssn from people) select * from c
    select d.* from (select p.ssn from people p) d
    table people
    select * from people where id = 1 union select * from people where id = 2
    select * from people intersect select * from people
    select * from people except select * from people where id = 1
    (select ssn from people) order by 1 limit 1
    values ((select ssn from people limit 1))
    select * from (values ((select ssn from people limit 1)), ('x')) v
    select (select ssn from people p where p.id = o.person) from orders o
    select * from people2
    select * from mine
    select * from parted partition (p0)
    select * from parted
    select * from history
    select * from history for system_time all
    select * from history for system_time as of timestamp now() - interval 0 second
    select copied, stored_copy from defaults
    select * from defaults
    select ssn from people use index (by_ssn)
    select ssn from people for update
    select ssn from people lock in share mode
    select ssn from people procedure analyse()
    select * from people procedure analyse(1000, 20000)
    select sql_calc_found_rows ssn from people limit 1
    select high_priority straight_join sql_buffer_result ssn from people
    select /*! ssn */ from people
    select 1 /*!50000 , ssn */ from people
    select 1 /*M! , ssn */ from people
    select open /*!99999 as x */ , ssn from people
    select/**/ssn/**/from/**/people
    select ssn from people -- open
    select 'a' 'b', ssn from people
    select ssn.ssn from (select ssn from people) ssn
    select people.ssn from people people
    select t1.ssn from people t1, people t2 where t1.id = t2.id
    select case id when 1 then ssn when 2 then email else story end from people
    select coalesce(p.ssn, q.ssn) from people p left join people q using (id)
    select ssn from people p right join orders o on o.person = p.id
    select any_value(ssn) from people
    select max(ssn), min(email), max(pin), sum(pin), avg(pin) from people
    select group_concat(ssn, email order by id separator '#') from people
    select group_concat(distinct ssn) from people group by open with rollup
    select json_objectagg(id, ssn), json_objectagg(ssn, id) from people
    select json_arrayagg(json_object('s', ssn)) from people
    select bit_or(pin), bit_xor(pin), bit_and(pin) from people where id = 1
    select j.x from people, json_table(json_array(ssn), '$[*]' columns (x varchar(100) path '$')) j
    select j.x from people, json_table(doc, '$' columns (x varchar(100) path '$.k')) j
    select convert(seal using utf8mb4) from people
    select ssn from people limit 1 offset 1
    select ssn from people limit 2 rows examined 100
    select ssn from people fetch first 1 rows only
    select row_number() over (order by ssn), ssn from people
    select percentile_disc(0.5) within group (order by pin) over () from people
    select median(pin) over () from people
    select crc32(ssn) * 0, ssn from people
    select (select concat(ß) from (select open as ẞ from people limit 1) a) from (select ssn as ß from people) b
    select (select concat(ασ) from (select ssn as ΑΣ from people limit 1) a) from (select open as ασ from people) b
    select (select concat(σ) from (select ssn as ς from people limit 1) a) from (select open as σ from people) b
    select (select concat(ς) from (select open as σ from people limit 1) a) from (select ssn as ς from people) b
    select (select concat(i) from (select ssn as İ from people limit 1) a) from (select open as i from people) b
    select (select concat(\u212a) from (select ssn as k from people limit 1) a) from (select open as \u212a from people) b
    select (select concat(σ.a) from (select ssn as a from people limit 1) ΑΣ, (select open as a) ς) from (select open as a from people) σ
    select * from (select open as a, 1 as İ) p natural join (select ssn as b, 1 as i from people) q
    select concat(ssn) as ς, (select concat(σ)) from people, (select open as σ from people) b
    with ΑΣ as (select ssn as a from people), ας as (select open as a from people) select concat(a) from ασ
    select lag(open) over ς from people window σ as (order by ssn)
  `,
  ),
  ...one(
    'views and code',
    `
    select * from v_people
    select ssn, email, pin from v_people
    select * from v_renamed
    select b, c from v_renamed
    select deeper from v_nested
    select * from v_sum
    select hidden from v_definer
    select upper(deeper) from v_nested union select 'x'
    select f_ssn(1)
    select f_ssn(id) from people
    select f_same(ssn) from people
    select leaks.f_ssn(1)
    do f_ssn(1)
    set @a = f_ssn(1) ;; select @a
    call p_people()
    call leaks.p_people()
    call p_out(@o) ;; select @o
    call p_cursor()
    call p_note() ;; select t from notes ;; delete from notes where id > 0
    begin not atomic select ssn from people; end
    begin not atomic declare v varchar(40); select ssn into v from people where id = 1; select v; end
    begin not atomic for r in (select ssn from people) do select r.ssn; end for; end
    begin not atomic signal sqlstate '45000' set message_text = (select ssn from people limit 1); end
    create temporary table tt as select * from people ;; select * from tt ;; drop temporary table tt
    create temporary table tt like people ;; insert into tt select * from people ;; select ssn from tt ;; drop temporary table tt
    create temporary table tt (a varchar(40)) ;; insert into tt select ssn from people ;; select a from tt ;; drop temporary table tt
    create temporary table tt select ssn as plain from people ;; select plain from tt ;; drop temporary table tt
    create or replace table copy1 as select ssn as x from people ;; select x from copy1 ;; drop table copy1
    create or replace view v_made as select ssn as x from people ;; select x from v_made ;; drop view v_made
    create or replace view v_made (x) as select concat(ssn, email) from people ;; select * from v_made ;; drop view v_made
    create or replace function f_made() returns varchar(40) return (select ssn from people limit 1) ;; select f_made() ;; drop function f_made
    create or replace procedure p_made() select ssn from people ;; call p_made() ;; drop procedure p_made
    rename table people2 to people3 ;; select * from people3 ;; rename table people3 to people2
    alter table people2 change ssn plain varchar(40) ;; select plain from people2 ;; alter table people2 change plain ssn varchar(40)
    alter table people2 rename column ssn to plain ;; select plain from people2 ;; alter table people2 rename column plain to ssn
    alter table people2 add column x varchar(40) as (ssn) ;; select x from people2 ;; alter table people2 drop column x
    update people2 set name = ssn ;; select name from people2
    update people2 set open = concat(email, '') where id = 1 ;; select open from people2
    update people2 p join people q on q.id = p.id set p.name = q.ssn ;; select name from people2
    update people2 set id = id ;; select t from notes ;; delete from notes where id > 0
    insert into notes (t) select ssn from people ;; select t from notes ;; delete from notes where id > 0
    insert into notes (t) values ((select ssn from people limit 1)) ;; select t from notes ;; delete from notes where id > 0
    insert into notes (t) select ssn from people returning t
    insert into notes (t) values ((select ssn from people limit 1)) returning *
    insert into notes set t = (select max(email) from people) ;; select * from notes
    replace into notes (id, t) select id, ssn from people returning t
    insert into notes (id, t) select id, 'x' from people on duplicate key update t = (select ssn from people limit 1) ;; select t from notes
    delete from people2 where id = 1 returning *
    delete from people2 where id = 2 returning ssn as x, concat(email)
    insert into people2 (id, ssn) select id + 50, ssn from people where id = 3 returning ssn
    insert into orders (person, note) select id, ssn from people ;; select * from orders
  `,
  ),
  ...one(
    'variables and statements in strings',
    `
    set @a = (select ssn from people limit 1) ;; select @a ;; select concat(@a, '') ;; select @a as x union select 'y'
    select ssn into @a from people limit 1 ;; select @a
    select ssn, email from people limit 1 into @a, @b ;; select @a, @b
    select @a := ssn from people limit 1 ;; select @a
    select @a := concat(coalesce(@a, ''), ssn) from people
    set @a = '', @a = (select group_concat(ssn) from people) ;; select hex(@a)
    set @s = 'select ssn from people' ;; prepare p from @s ;; execute p
    set @s = concat('select s', 'sn from people') ;; execute immediate @s
    prepare p from 'select ssn from people where id = ?' ;; set @i = 1 ;; execute p using @i
    prepare p from 'select 1 as x' ;; prepare p from 'select concat(ssn, 1) as x from people'; select 1 from missing ;; execute p
    prepare p from 'select 1 as x' ;; call p_prepares() ;; execute p
    prepare p from 'select 1 as a' ;; set @s = 'select concat(ssn, 0x2d) as a from people' ;; prepare p from @s; execute p ;; execute p
    prepare p from 'select 1 as a' ;; create procedure again() begin prepare p from 'select concat(ssn, 0x2d) as a from people'; end ;; call again() ;; execute p ;; drop procedure again
    create view again as select id as n from people ;; select n from again ;; create or replace view again as select ssn as n from people; select * from nothing ;; select concat(n, 0x2d) from again ;; drop view again
    create view again as select id as n from people ;; select n from again ;; prepare p from 'create or replace view again as select ssn as n from people' ;; execute p ;; select concat(n, 0x2d) from again ;; drop view again
    create view again as select id as n from people ;; create or replace view again as select ssn as n from people; select concat(n, 0x2d) from again ;; drop view again
    prepare \`ασ\` from 'select 1 as x' ;; prepare \`ΑΣ\` from 'select concat(ssn, 1) as x from people' ;; execute \`ασ\`
    prepare \`σ\` from 'select 1 as x' ;; prepare \`ς\` from 'select concat(ssn, 1) as x from people' ;; execute \`σ\`
    prepare \`µ\` from 'select 1 as x' ;; prepare \`μ\` from 'select concat(ssn, 1) as x from people' ;; execute \`µ\`
    prepare \`β\` from 'select 1 as x' ;; prepare \`ϐ\` from 'select concat(ssn, 1) as x from people' ;; execute \`β\`
    prepare e from 'select 1 as x' ;; prepare é from 'select concat(ssn, 1) as x from people' ;; execute e ;; execute é
    prepare e from 'select 1 as x' ;; prepare \`e \` from 'select concat(ssn, 1) as x from people' ;; execute e ;; execute \`e \`
    prepare ẞ from 'select 1 as x' ;; prepare ß from 'select concat(ssn, 1) as x from people' ;; execute ẞ ;; execute ß
    prepare e from 'select 1 as x' ;; deallocate prepare é ;; prepare é from 'select concat(ssn, 1) as x from people' ;; execute e
    create trigger tells before insert on notes for each row set new.t = (select ssn from people limit 1) ;; insert into notes (t) values ('x') ;; select t from notes ;; drop trigger tells
    create event tells on schedule every 1 second do insert into notes (t) select ssn from people ;; select sleep(1.5) ;; select t from notes ;; drop event tells
    prepare p from 'select ?' ;; set @a = (select ssn from people limit 1) ;; execute p using @a
    execute immediate 'select ?' using (select ssn from people limit 1)
    execute immediate 'select ssn from people'
    execute immediate (select concat('select ', quote(ssn)) from people limit 1)
    set @a = (select ssn from people limit 1) ;; show user_variables
    set @a = (select ssn from people limit 1) ;; select * from information_schema.user_variables
    set @a = (select ssn from people limit 1) ;; signal sqlstate '45000' set message_text = @a
    set @a = (select ssn from people limit 1) ;; select 1 as x from people where open = @a union select @a
    set @a = (select pin from people limit 1) ;; select @a + 0, cast(@a as char)
    set @a = (select ssn from people limit 1) ;; insert into notes (t) values (@a) ;; select t from notes
    set @a = (select ssn from people limit 1) ;; set @b = @a ;; select @b
    set @a = (select ssn from people limit 1) ;; create temporary table t3 as select @a as x ;; select x from t3
    set session character_set_results = (select ssn from people limit 1)
    set @@session.time_zone = (select ssn from people limit 1)
    set names (select ssn from people limit 1)
    set session sql_mode = (select ssn from people limit 1)
    set lc_messages = (select ssn from people limit 1)
    select * from people where id = (select @x := ssn) ;; select @x
    select 1 from people where (@c := ssn) is not null ;; select @c
    select 1 from people order by (@d := email) ;; select @d
    update orders set note = (@e := (select ssn from people limit 1)) where id = 1 ;; select @e, note from orders
    handler people open ;; handler people read first ;; handler people close
    handler people open as h ;; handler h read by_ssn first ;; handler h read by_ssn next ;; handler h close
    handler mine open ;; handler mine read first limit 5 ;; handler mine close
    set statement sql_mode = '' for select ssn from people
    set statement max_statement_time = 5 for select * from people
    select ssn from people into outfile '@FILES@/leak1' ;; select load_file('@FILES@/leak1')
    select ssn from people limit 1 into dumpfile '@FILES@/leak2' ;; select load_file('@FILES@/leak2')
    load data infile '@FILES@/leak1' into table notes (t) ;; select t from notes
    get diagnostics condition 1 @m = message_text ;; select @m
  `,
  ),
  ...one(
    'errors and warnings',
    `
    select cast(ssn as int) from people ;; show warnings
    select ssn + 0 from people ;; show warnings ;; show errors
    select ssn + 0 from people ;; get diagnostics condition 1 @m = message_text ;; select @m
    select id from people where ssn = 1 ;; show warnings
    select id from people where ssn > 0 ;; show count(*) warnings ;; show warnings limit 5
    select date(ssn), time(email), cast(ssn as datetime) from people ;; show warnings
    select cast(ssn as decimal(10, 2)), cast(ssn as double) from people ;; show warnings
    select convert(ssn, signed), -ssn, ssn div 1 from people ;; show warnings
    select extractvalue('<a/>', concat('~', ssn)) from people
    select updatexml('<a/>', concat('~', ssn), 'x') from people
    select extractvalue(1, concat(0x7e, (select ssn from people limit 1)))
    select 1 from (select count(*), concat((select ssn from people limit 1), floor(rand(0) * 2)) x from orders group by x) a
    select json_extract(ssn, '$') from people ;; show warnings
    select json_value('{}', ssn) from people ;; show warnings
    select json_extract('{}', ssn) from people
    select st_geomfromtext(ssn) from people
    select st_pointfromtext(email) from people ;; show warnings
    select name_const(ssn, 1) from people
    select regexp_replace('x', concat('(', ssn), 'y') from people
    select 'x' regexp concat('[[:', ssn, ':]]') from people
    select exp(~(select * from (select pin from people limit 1) x))
    select pin * 9223372036854775807 from people
    select -pin * 9e18 * pin from people ;; select cast(pin as unsigned) - 9000000000000000001 from people
    insert into ints select ssn from people
    insert into ints (n) select pin from people ;; show warnings
    insert ignore into ints select ssn from people ;; show warnings
    insert into uniq select ssn from people ;; insert into uniq select ssn from people
    insert ignore into uniq select ssn from people ;; insert ignore into uniq select ssn from people ;; show warnings
    insert into people (id, ssn) select 99, ssn from people
    insert into people2 select * from people
    insert ignore into people2 select * from people ;; show warnings
    update people set ssn = (select ssn from (select ssn from people where id = 2) d) where id = 1
    update people2 set id = 5 where ssn is not null
    update orders set person = (select ssn from people limit 1)
    alter table people2 modify ssn int
    alter table people2 add unique key (open, ssn), modify ssn int unsigned
    alter table people2 add constraint c check (ssn is null)
    create table x1 (n int) as select ssn as n from people
    create table x2 (d date not null) select ssn as d from people ;; show warnings
    alter table orders add constraint fk foreign key (note) references people (ssn)
    select from_unixtime(ssn), str_to_date(ssn, '%Y'), makedate(ssn, 1) from people ;; show warnings
    select inet_aton(ssn), inet6_aton(ssn), uuid() = ssn from people ;; show warnings
    select cast(ssn as inet6) from people ;; show warnings
    select cast(ssn as uuid) from people ;; show warnings
    select char(ssn), conv(ssn, 10, 2), sleep(ssn) from people ;; show warnings
    select get_lock(ssn, 0) from people ;; show warnings
    select benchmark(1, extractvalue(1, concat('~', ssn))) from people
    do extractvalue(1, concat('~', (select ssn from people limit 1)))
    set @x = extractvalue(1, concat('~', (select ssn from people limit 1)))
    call p_out(extractvalue(1, concat('~', (select ssn from people limit 1))))
    kill query (select ssn from people limit 1)
    signal sqlstate '45000' set message_text = 'x'
    select column_json(ssn) from people
    select column_get(ssn, 'a' as char) from people
    select decode_histogram('JSON_HB', ssn) from people
    select sformat('{}', ssn) from people
    select natural_sort_key(ssn) from people
    select nextval(ssn) from people
    select interval ssn day + '2020-01-01' from people ;; show warnings
    select id from people where ssn between 1 and 2 ;; show warnings
    select id from people where id = ssn or id in (select ssn from people) ;; show warnings
    delete from orders where note = (select ssn from people limit 1) + 0
    select * from people where ssn = _latin1'x' collate utf8mb4_bin
  `,
  ),
  ...one(
    'catalogs and plans',
    `
    explain select * from people where ssn = (select max(ssn) from people)
    explain extended select ssn from people where id = 1 ;; show warnings
    explain extended select (select ssn from people where id = 1) ;; show warnings
    explain extended select * from (select 1 as x) d where x = (select ssn from people where id = 1) ;; show warnings
    explain format=json select * from people where ssn = f_ssn(1)
    explain format=json select ssn from people where id = 1
    explain format=json select * from (select ssn from people where id = 1) d where ssn > 'a'
    analyze select * from people where ssn = f_ssn(1)
    analyze format=json select * from people where ssn = f_ssn(1)
    analyze format=json select ssn, email from people where ssn > (select min(ssn) from people)
    explain for connection 1
    show explain for 1
    show analyze for 1
    describe people
    describe people ssn
    show columns from people
    show full columns from people like 's%'
    show create table people
    show create view v_people
    show create function f_ssn
    show create procedure p_people
    show index from people
    show table status like 'people'
    show full processlist
    show open tables
    show status like 'Last%'
    show variables like '%ssn%'
    show triggers
    show function status
    select * from information_schema.columns where table_name = 'people'
    select * from information_schema.tables where table_name = 'people'
    select * from information_schema.statistics where table_name = 'people'
    select * from information_schema.processlist
    select * from information_schema.routines where routine_schema = 'leaks'
    select * from information_schema.views where table_schema = 'leaks'
    select * from information_schema.column_statistics
    select * from information_schema.innodb_metrics limit 1
    select * from information_schema.innodb_trx
    select * from information_schema.innodb_buffer_page limit 1
    select * from information_schema.query_cache_info
    select * from performance_schema.events_statements_history
    analyze table people persistent for all ;; select * from mysql.column_stats ;; select min_value, max_value from mysql.column_stats where table_name = 'people'
    analyze table people persistent for columns (ssn) indexes () ;; select concat(min_value), hex(histogram) from mysql.column_stats
    checksum table people
    check table people extended
    optimize table mine
    flush tables people for export
    select * from mysql.innodb_index_stats
    select * from mysql.global_priv
    select * from mysql.proc
    select * from mysql.general_log
    select * from mysql.slow_log
    select * from sys.processlist limit 1
    select table_name from information_schema.tables union select ssn from people
    show tables where tables_in_leaks = (select ssn from people limit 1)
    show columns from people where field = 'ssn' or (select extractvalue(1, concat('~', ssn)) from people limit 1)
    show variables where variable_name = 'x' or (select extractvalue(1, concat('~', ssn)) from people limit 1)
    help 'ssn'
    select @@ssn ;; select @@global.ssn
    select last_value(ssn) over (order by id) from people
    select found_rows(), ssn from people
    select last_insert_id(pin) from people limit 1 ;; select last_insert_id()
    update orders set person = last_insert_id((select pin from people limit 1)) where id = 0 ;; select last_insert_id()
    select setval(s1, (select pin from people limit 1)) ;; create sequence s1 ;; select setval(s1, (select pin from people limit 1)) ;; select nextval(s1) ;; drop sequence s1
    create user leaked identified by 'x' comment 'y'
    create event ev on schedule every 1 day comment 'c' do select ssn from people ;; show create event ev ;; drop event ev
    alter table people2 comment = 'x' ;; show table status like 'people2'
    create table d2 (x varchar(40) default (f_ssn(1))) ;; insert into d2 values () ;; select x from d2 ;; drop table d2
    xa start 'a' ;; select ssn from people ;; xa end 'a' ;; xa rollback 'a'
    start transaction read only ;; select ssn from people ;; commit
    lock tables people read ;; select ssn from people ;; unlock tables
    use leaks ;; select ssn from people
    use information_schema ;; select ssn from leaks.people ;; use leaks
    set names utf8mb3 ;; select ssn from people
    set names latin1 ;; select ssn, upper(email) from people
    set character_set_results = binary ;; select ssn from people
    set character_set_results = ucs2 ;; select ssn from people
    set character_set_results = null ;; select ssn from people
    set sql_select_limit = 1 ;; select ssn from people
    set sql_mode = 'ANSI_QUOTES' ;; select "ssn" from people
    set group_concat_max_len = 20 ;; select group_concat(ssn) from people
    set div_precision_increment = 8 ;; select pin / 3 from people
    select ssn from people; select email from people
    select 1; select ssn from people; select 2
    select open from people; set @q = (select ssn from people limit 1); select @q
  `,
  ),
]
