// What clients of MySQL find: a table of every type, and a procedure with two results.
export const SHOP = `
create table people (id int primary key, name varchar(80) not null, email varchar(80), born date, balance decimal(12,2),
  active boolean, photo blob, nothing text, seen timestamp(6) null, mood enum('good', 'bad'), tags set('a', 'b'), j json,
  f float, d double, big bigint unsigned, small tinyint, t time(3), y year, bits bit(9));
insert into people (id, name, email, born, balance, active, photo, seen, mood, tags, j, f, d, big, small, t, y, bits) values
  (1, 'Ann', 'ann@example.com', '1990-01-02', 12.50, 1, x'00ff', '2024-02-29 12:34:56.123456', 'good', 'a,b', '{"a": 1}', 1.5, 2.25, 18446744073709551615, -5, '12:34:56.789', 1999, b'101'),
  (2, 'Bob O''Brien', 'bob@example.com', null, -1, 0, null, null, null, '', null, null, null, 0, 127, '-01:02:03', 2155, b'0'),
  (3, 'Çelik "é" 名前 😀', null, '9999-12-31', 99999999.99, null, '', '1970-01-02 00:00:00', 'bad', 'b', '[]', -0.1, 1e300, 1, 0, '00:00:00', 1901, b'111111111');
insert into people (id, name, balance) select seq, concat('Person ', seq), seq / 4 from seq_4_to_20;
create procedure two_results() reads sql data begin select id, name from people order by id limit 2; select count(*) as n from people; end;
create view adults as select id, name from people where born < '2000-01-01';
create table orders (id int primary key auto_increment, person int, note varchar(100), foreign key (person) references people (id));
insert into orders (person, note) select id, concat('order of ', name) from people;
create trigger noted before insert on orders for each row set new.note = coalesce(new.note, 'none');
create function twice(x int) returns int deterministic no sql return x * 2;
`
