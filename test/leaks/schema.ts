// The database that the suite attacks: tables whose every second column is classed and full of canaries, beside a
// twin of the same type that is not. And all the ways in which PostgreSQL shows one table by another name.
import { canary, canaryNumber, Watch } from './canaries.ts'

interface Pair {
  /** The classed column, and the one beside it. */
  readonly hidden: string
  readonly plain: string
  readonly type: string
  /** SQL of a value: of a canary's row, and of an ordinary one. */
  readonly value: (row: number) => string
  readonly other: (row: number) => string
}

const text = (column: string) => (row: number) => `'${canary(column, row)}'`
const DAYS = ['1931-07-23', '1947-03-11', '1958-10-29']
const PLAIN = ['Ada', 'Bo', 'Cy']
const plainText = (row: number) => `'${PLAIN[row - 1]}'`

/** Of `people`; each pair in the order of the table. */
export const pairs: readonly Pair[] = [
  { hidden: 'ssn', plain: 'name', type: 'text', value: text('ssn'), other: plainText },
  {
    hidden: 'email',
    plain: 'site',
    type: 'varchar(60)',
    value: row => `'${canary('email', row)}@example.org'`,
    other: row => `'www${row}.example.org'`,
  },
  {
    hidden: 'code',
    plain: 'sku',
    type: 'char(14)',
    value: text('code'),
    other: row => `'A-${row}'`,
  },
  { hidden: 'dom', plain: 'alias', type: 'word', value: text('dom'), other: plainText },
  {
    hidden: 'pay',
    plain: 'bonus',
    type: 'numeric',
    value: row => `${canaryNumber('pay', row)}.25`,
    other: row => `${row}00.5`,
  },
  {
    hidden: 'account',
    plain: 'ref',
    type: 'bigint',
    value: row => String(canaryNumber('account', row)),
    other: row => `${row}7`,
  },
  {
    hidden: 'score',
    plain: 'ratio',
    type: 'float8',
    value: row => String(canaryNumber('score', row)),
    other: row => `${row}.5`,
  },
  {
    hidden: 'born',
    plain: 'joined',
    type: 'date',
    value: row => `'${DAYS[row - 1]}'`,
    other: row => `'2020-01-0${row}'`,
  },
  {
    hidden: 'seen',
    plain: 'changed',
    type: 'timestamptz',
    value: row => `'${DAYS[row - 1]} 05:17:43.918273+00'`,
    other: row => `'2020-01-0${row} 00:00+00'`,
  },
  {
    hidden: 'uid',
    plain: 'guid',
    type: 'uuid',
    value: row => `'${uuidOf(row)}'`,
    other: row => `'00000000-0000-4000-8000-00000000000${row}'`,
  },
  {
    hidden: 'photo',
    plain: 'logo',
    type: 'bytea',
    value: row => `convert_to('${canary('photo', row)}', 'UTF8')`,
    other: row => `'\\x0${row}'`,
  },
  {
    hidden: 'doc',
    plain: 'info',
    type: 'jsonb',
    value: row => `'{"k": "${canary('doc', row)}"}'`,
    other: row => `'{"k": "v${row}"}'`,
  },
  {
    hidden: 'raw',
    plain: 'rawinfo',
    type: 'json',
    value: row => `'{"k": "${canary('raw', row)}"}'`,
    other: row => `'{"k": "v${row}"}'`,
  },
  {
    hidden: 'tags',
    plain: 'words',
    type: 'text[]',
    value: row => `array['${canary('tags', row)}']`,
    other: row => `array['w${row}']`,
  },
  {
    hidden: 'home',
    plain: 'office',
    type: 'address',
    value: row => `row('${canary('home', row)}', 'z')::address`,
    other: row => `row('Street ${row}', 'z')::address`,
  },
  {
    hidden: 'grade',
    plain: 'level',
    type: 'tier',
    value: row => `'${canary('grade', row)}'`,
    other: () => `'common'`,
  },
  {
    hidden: 'markup',
    plain: 'html',
    type: 'xml',
    value: row => `'<a>${canary('markup', row)}</a>'`,
    other: row => `'<a>v${row}</a>'`,
  },
  {
    hidden: 'span',
    plain: 'slot',
    type: 'int8range',
    value: row => `int8range(${canaryNumber('span', row)}, null)`,
    other: row => `int8range(${row}, 10)`,
  },
  {
    hidden: 'tsv',
    plain: 'lexemes',
    type: 'tsvector',
    value: row => `to_tsvector('simple', '${canary('tsv', row)}')`,
    other: row => `to_tsvector('simple', 'lexeme${row}')`,
  },
]

export const ROWS = [1, 2, 3] as const
const hiddenColumns = pairs.map(({ hidden }) => hidden)

/** Where a query may find the same columns. */
export const sources = [
  'people',
  'only people',
  'people_view',
  'people_view_of_view',
  'people_matview',
  '(select * from people)',
  '(table people)',
  'staff',
  'people_parts',
  'people_parts_2',
] as const

/** Listed column by column: what only a star would catch is not classed. */
const classedTables = ['people', 'people_parts', 'vault.people', 'twins', 'watched']

/** The class of each hidden column. `ssn` is the one that some may see. */
export const dataClasses = {
  ssn: { columns: [...at('ssn'), 'orders.card'], mask: 'redact' },
  email: { columns: at('email'), mask: 'partial' },
  code: { columns: at('code'), mask: 'hash-token' },
  wealth: { columns: ['pay', 'account', 'score'].flatMap(at), mask: 'redact' },
  birth: { columns: ['born', 'seen'].flatMap(at), mask: 'null' },
  rest: {
    columns: hiddenColumns.slice(9).concat('dom').flatMap(at),
    mask: 'redact',
  },
}

function at(column: string): string[] {
  return classedTables.map(table => `${table.includes('.') ? '' : 'public.'}${table}.${column}`)
}

function uuidOf(row: number): string {
  const hex = Buffer.from(canary('uid', row)).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(4, 16)}`
}

/** Everything planted. What `ssn` holds can be left out: for one who may see it. */
export function watchFor(options: { readonly ssn: boolean }): Watch {
  const watch = new Watch()
  for (const row of ROWS) {
    for (const { hidden } of pairs) {
      if (hidden === 'ssn' && !options.ssn) continue
      if (['pay', 'account', 'score', 'span'].includes(hidden)) {
        watch.number(canaryNumber(hidden, row), `${hidden} ${row}`)
      } else if (hidden === 'born') {
        watch.day(DAYS[row - 1] ?? '', `${hidden} ${row}`)
      } else if (hidden === 'seen') {
        watch.text('05:17:43.918273', `${hidden} ${row}`)
      } else if (hidden === 'uid') {
        watch.text(uuidOf(row), `${hidden} ${row}`)
        watch.bytes(Buffer.from(uuidOf(row).replaceAll('-', ''), 'hex'), `${hidden} ${row}`)
      } else {
        watch.text(canary(hidden, row), `${hidden} ${row}`)
      }
    }
    if (options.ssn) watch.text(canary('card', row), `card ${row}`)
  }
  return watch
}

const columnList = pairs
  .flatMap(({ hidden, plain, type }) => [`${hidden} ${type}`, `${plain} ${type}`])
  .join(', ')

const columnNames = pairs.flatMap(({ hidden, plain }) => [hidden, plain]).join(', ')

function rowOf(row: number): string {
  return pairs.flatMap(({ value, other }) => [value(row), other(row)]).join(', ')
}

const grades = ROWS.map(row => `'${canary('grade', row)}'`).join(', ')

/** Run once by the superuser. */
export const schemaSql = `
create domain word as text;
create type address as (street text, zip text);
create type tier as enum ('common', ${grades});
create table people (id int primary key, ${columnList}, made text generated always as (upper(ssn)) stored);
insert into people values ${ROWS.map(row => `(${row}, ${rowOf(row)})`).join(', ')};
create unique index on people (ssn);
create table twins (like people including all);
create schema vault;
create schema elsewhere;
create table vault.people (like people including all);
insert into vault.people (id, ${columnNames}) select id, ${columnNames} from only people;
create table staff (badge int) inherits (people);
insert into staff (id, ${columnNames}, badge)
  values (11, ${rowOf(1)}, 7), (12, ${rowOf(2)}, 8);
create table people_parts (id int, ${columnList}) partition by range (id);
create table people_parts_1 partition of people_parts for values from (0) to (2);
create table people_parts_2 (gone int, id int, ${[...pairs]
  .reverse()
  .flatMap(({ hidden, plain, type }) => [`${plain} ${type}`, `${hidden} ${type}`])
  .join(', ')});
alter table people_parts_2 drop column gone;
alter table people_parts attach partition people_parts_2 for values from (2) to (100);
insert into people_parts values ${ROWS.map(row => `(${row}, ${rowOf(row)})`).join(', ')};
create table orders (id int primary key, person int, item text, card text, note text);
insert into orders values ${ROWS.map(row => `(${row}, ${row}, 'item ${row}', '${canary('card', row)}', 'note ${row}')`).join(', ')};
create table plain (id int, label text, n int);
insert into plain values (1, 'one', 1), (2, 'two', 2);
create view people_view as select * from people;
create view people_view_of_view as select * from people_view where id > 0;
create materialized view people_matview as select * from people;
create view renamed as select id, ssn as a, name as b, 'x' || ssn as c, upper(name) as d, length(ssn) as e from people;
create view unioned as select id, ssn as v, name as w from people union all select id, name, site from people;
create view mixed as select p.id, p.name || ' ' || o.item as label, o.card || p.ssn as both_of, coalesce(p.name, o.note) as fine
  from people p join orders o on o.person = p.id;
create view grouped as select name, max(ssn) as top, count(*) as n, string_agg(item, ',') as items
  from people p join orders o on o.person = p.id group by name;
create view recursed as with recursive w(id, v, q) as (select 1, ssn, name from people where id = 1
  union all select w.id + 1, p.ssn, p.name from w join people p on p.id = w.id + 1) select * from w;
create view aside (key, value) as select name, ssn from people;
create materialized view rolled as select name, ssn as s, left(ssn, 8) as piece from people;
create view of_rows as select p as whole, row(p.ssn, p.name)::address as pair, p.name as q from people p;
create function people_rows() returns setof people language sql stable as 'select * from people';
create function people_names() returns table (q text, h text) language sql stable as 'select name, ssn from people';
create function ssn_of(int) returns text language sql stable as 'select ssn from people where id = $1';
create function pl_ssn(int) returns text language plpgsql as
  $$ declare v text; begin select ssn into v from people where id = $1; return v; end $$;
create function shout(text) returns text language plpgsql as
  $$ begin raise notice 'heard %', $1; raise exception using message = 'no ' || $1, detail = $1, hint = $1, column = $1; end $$;
create function say(text) returns text language plpgsql as $$ begin raise notice 'heard %', $1; return 'said'; end $$;
create function glue(text, text) returns text language sql immutable as 'select $1 || $2';
create operator ||| (leftarg = text, rightarg = text, function = glue);
create function rowtext(people) returns text language sql stable as 'select $1.ssn';
create aggregate gather(text) (sfunc = textcat, stype = text, initcond = '');
create function watcher() returns trigger language plpgsql as
  $$ begin raise notice 'row is %', old.ssn; return new; end $$;
create table watched (like people including all);
insert into watched (id, ${columnNames}) select id, ${columnNames} from only people;
create trigger watcher before update on watched for each row execute function watcher();
create function pl_fixed() returns text language plpgsql immutable as
  $$ begin return (select ssn from people where id = 1); end $$;
create domain short as text check (length(value) < 3);
create table refs (ssn text references twins (ssn));
create table checked (v text check (length(v) < 3));
create view checked_view as select * from checked where length(v) < 4 with cascaded check option;
insert into checked values ('a');
create table excluded (span int8range, exclude using gist (span with &&));
create table by_ssn (ssn text) partition by list (ssn);
create table computed (v text, n int generated always as (length(v) / 0) stored);
do $$ declare r record; begin
  for r in select oid::regclass as name, relkind as kind from pg_class
    where relnamespace in ('public'::regnamespace, 'vault'::regnamespace) and relkind in ('r', 'p', 'v', 'm') loop
    execute format('alter table %s owner to app', r.name);
  end loop;
end $$;
alter schema vault owner to app;
alter schema elsewhere owner to app;
grant create on database leaks to app;
grant create on schema public to app;
grant usage on schema vault to app;
grant all on all tables in schema public, vault to app;
grant all on all functions in schema public to app;
`
