// The database of the leak suite: canaries in classed columns, beside each a twin of the same type that is no secret;
// and code, views and copies through which they might come out.
import { canary, canaryNumber, Watch } from '../canaries.ts'

export const ROWS = 4
const rows = Array.from({ length: ROWS }, (_, index) => index + 1)

const mail = (row: number) => `${canary('email', row)}@example.com`
const blob = (row: number) => Buffer.from(canary('seal', row)).toString('hex')
const LONG = (row: number) =>
  `${canary('story', row)} ${'lorem ipsum '.repeat(20)}${canary('ending', row)}`

const values = rows
  .map(
    row =>
      `(${row}, 'Name ${row}', '${canary('ssn', row)}', 'open-${row}', '${mail(row)}', ${canaryNumber('pin', row)}, ${1000 + row}, x'${blob(row)}', '${LONG(row)}', '{"k": "${canary('doc', row)}"}')`,
  )
  .join(', ')

export const SCHEMA = `
create table people (id int primary key, name varchar(60), ssn varchar(40), open varchar(40), email varchar(80), pin bigint,
  code bigint, seal varbinary(40), story text, doc json, unique key by_ssn (ssn), key by_email (email));
insert into people values ${values};
create table orders (id int primary key auto_increment, person int, note varchar(300));
insert into orders (person, note) select id, concat('order ', id) from people;
create table notes (id int primary key auto_increment, t varchar(2000), n bigint);
create table ints (n int unique);
create table uniq (t varchar(400) primary key);
create table people2 like people;
create table history (id int, ssn varchar(40)) with system versioning;
insert into history values (1, '${canary('ssn', 1)}');
update history set ssn = '${canary('ssn', 2)}';
create table parted (id int, ssn varchar(40)) partition by hash (id) partitions 2;
insert into parted values (1, '${canary('ssn', 1)}'), (2, '${canary('ssn', 2)}');
create table mine (id int primary key, ssn varchar(40)) engine=myisam;
insert into mine values (1, '${canary('ssn', 1)}'), (2, '${canary('ssn', 2)}');
create table defaults (id int, ssn varchar(40), copied varchar(40) as (ssn) virtual, stored_copy varchar(40) as (concat('x', ssn)) stored);
insert into defaults (id, ssn) values (1, '${canary('ssn', 1)}');
create view v_people as select id, name, ssn, open, email, pin, code, seal, story, doc from people;
create view v_renamed (a, b, c) as select id, ssn, concat(email, '!') from people;
create view v_nested as select b as deeper from v_renamed;
create view v_sum as select count(*) as n, max(ssn) as most from people;
create sql security definer view v_definer as select ssn as hidden from people;
create function f_ssn(x int) returns varchar(40) reads sql data return (select ssn from people where id = x);
create function f_same(x varchar(400)) returns varchar(400) deterministic no sql return x;
create procedure p_people() reads sql data select * from people;
create procedure p_out(out x varchar(40)) reads sql data select ssn into x from people where id = 1;
create procedure p_cursor() reads sql data begin declare v varchar(40); declare c cursor for select ssn from people; open c; fetch c into v; close c; select v as told; end;
create procedure p_note() modifies sql data insert into notes (t) select ssn from people;
create procedure p_prepares() prepare p from 'select concat(ssn, 1) as x from people';
create trigger copies after update on people2 for each row insert into notes (t) values (new.ssn);
insert into people2 select * from people;
`

/** Undoes what a shape may have done to tables; code and views are made anew by those who change them. */
export const RESET = `
set foreign_key_checks = 0;
drop temporary table if exists tmp, tt, t3;
delete from people; insert into people values ${values};
truncate notes; truncate ints; truncate uniq; truncate orders;
insert into orders (person, note) select id, concat('order ', id) from people;
drop table if exists people3, copy1, d2, x1, x2;
create or replace table people2 like people;
create or replace trigger copies after update on people2 for each row insert into notes (t) values (new.ssn);
insert into people2 select * from people;
`

/** Class name to what is hidden, as the configuration has it. */
export const dataClasses = {
  ssn: { columns: ['*.ssn'], mask: 'redact' },
  email: { columns: ['*.email'], mask: 'redact' },
  pin: { columns: ['*.pin'], mask: 'redact' },
  seal: { columns: ['*.seal'], mask: 'redact' },
  story: { columns: ['*.story'], mask: 'redact' },
  doc: { columns: ['*.doc'], mask: 'redact' },
}

/** Sees them in any form. */
export function watch(): Watch {
  const eye = new Watch()
  for (const row of rows) {
    for (const column of ['ssn', 'seal', 'doc', 'story', 'ending'])
      eye.text(canary(column, row), column)
    eye.text(canary('email', row), 'email')
    const pin = canaryNumber('pin', row)
    eye.number(pin, 'pin')
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(pin)
    eye.bytes(bytes, 'pin as bigint')
    const double = Buffer.alloc(8)
    double.writeDoubleLE(Number(pin))
    eye.bytes(double, 'pin as double')
  }
  return eye
}
