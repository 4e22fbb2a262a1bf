// A database with everything in it that hides what a statement does: views over functions that write, rules,
// triggers, casts and operators of users, row security, partitions, overloads of built-in names.

/** Made by the superuser; owned by `app`, which runs the statements. */
export const WORLD = `
alter role app createrole createdb;
grant pg_read_server_files, pg_write_server_files, pg_execute_server_program to app;
grant all on schema public to app;
create role clerk;
grant clerk to app;
set role app;

create table customers (id int primary key, name text, ssn text, age int, region text, data jsonb, tags text[]);
insert into customers select i, 'name' || i, 'ssn' || i, i, 'r' || i % 3, jsonb_build_object('k', i), array['t' || i]
  from generate_series(1, 9) i;
create table orders (id int primary key, customer_id int references customers on delete cascade, total numeric, note text);
insert into orders select i, i, i * 10, 'note' || i from generate_series(1, 9) i;
create table audit_log (id int, who text, what text);
create table empty_one (id int, name text);
create table parent (id int, name text);
create table child (extra text) inherits (parent);
insert into child values (1, 'a', 'x');
create table measured (id int, name text, at int) partition by range (at);
create table measured_low partition of measured for values from (0) to (100);
create table measured_high partition of measured default;
insert into measured values (1, 'm', 5), (2, 'n', 500);
create table "Odd Name" ("Id" int, "a.b" text, "select" text);
insert into "Odd Name" values (1, 'x', 'y');
create sequence counter;
create table serials (id serial, name text);

-- functions that read, write, or do it through a text
create function f_pure(int) returns int immutable language sql as 'select $1 + 1';
create function f_read() returns bigint stable language sql as 'select count(*) from orders';
create function f_write() returns int volatile language plpgsql as
  $$begin insert into audit_log values (1, current_user, 'f_write'); return 1; end$$;
create function f_write_sql() returns int volatile language sql as
  $$insert into audit_log values (2, 'sql', 'f_write_sql') returning id$$;
create function f_dynamic(text) returns int language plpgsql as $$begin execute $1; return 1; end$$;
create function f_rows() returns setof customers stable language sql as 'select * from customers';
create function f_rowwise(customers) returns text volatile language plpgsql as
  $$begin insert into audit_log values (3, $1.name, 'f_rowwise'); return $1.name; end$$;
create function f_definer() returns int security definer language plpgsql as
  $$begin update customers set age = age where id = 1; return 1; end$$;
-- says that it only reads
create function f_liar() returns text stable language plpgsql as
  $$begin perform f_dynamic('insert into audit_log values (4, null, ''liar'')'); return 'r1'; end$$;
create procedure p_write(n int) language plpgsql as $$begin insert into audit_log values (n, 'p', 'p_write'); end$$;
create function f_state(int, int) returns int language plpgsql as
  $$begin insert into audit_log values (5, 'agg', 'f_state'); return coalesce($1, 0) + $2; end$$;
create aggregate total_of (int) (sfunc = f_state, stype = int, initcond = '0');

-- a type with its own operators, casts and overloads of built-in names
create type pair as (a int, b text);
create type mood as enum ('sad', 'ok');
create function pair_equal(pair, pair) returns boolean language plpgsql as
  $$begin insert into audit_log values (6, 'op', '='); return true; end$$;
create operator = (leftarg = pair, rightarg = pair, procedure = pair_equal);
create operator === (leftarg = text, rightarg = text, procedure = texticlike);
create function pair_text(pair) returns text language plpgsql as
  $$begin insert into audit_log values (7, 'cast', 'text'); return $1.b; end$$;
create cast (pair as text) with function pair_text(pair) as implicit;
create function int_pair(int) returns pair language plpgsql as
  $$begin insert into audit_log values (8, 'cast', 'pair'); return row($1, 'x')::pair; end$$;
create cast (int as pair) with function int_pair(int) as assignment;
create function lower(pair) returns text language plpgsql as
  $$begin insert into audit_log values (9, 'lower', 'pair'); return 'l'; end$$;
create function checked(text) returns boolean language plpgsql as
  $$begin insert into audit_log values (10, $1, 'domain'); return true; end$$;
create domain code as text check (checked(value));
create domain plain_code as text check (value <> '');
create table pairs (id int, p pair, c code, m mood, d plain_code);
insert into pairs values (1, row(1, 'x')::pair, 'c', 'ok', 'd');

-- what runs by itself
create function t_audit() returns trigger language plpgsql as
  $$begin insert into audit_log values (11, 'trigger', tg_op); return coalesce(new, old); end$$;
create table watched (id int primary key, name text);
insert into watched values (1, 'a'), (2, 'b');
create trigger watch before insert or update or delete on watched for each row execute function t_audit();
create table ruled (id int, name text);
create rule ruled_also as on insert to ruled do also insert into audit_log values (12, new.name, 'rule');
create rule ruled_instead as on delete to ruled do instead update ruled set name = 'gone' where id = old.id;
create table defaulted (id int default f_write(), name text, twice int generated always as (f_pure(1) * 2) stored);

create view v_customers as select id, name, ssn from customers where age > 1;
create view v_orders as select o.id, c.name, o.total from orders o join customers c on c.id = o.customer_id;
create view v_nested as select v.name, (select max(total) from orders) as most from v_customers v;
create view v_writes as select id, f_write() as wrote from empty_one union all select 1, f_write();
create view v_reads as select f_read() as n;
create view v_ruled as select id, name from ruled;
create rule v_ruled_insert as on insert to v_ruled do instead insert into ruled values (new.id, new.name);
create view v_triggered as select id, name from watched;
create function t_instead() returns trigger language plpgsql as
  $$begin insert into audit_log values (13, new.name, 'instead'); return new; end$$;
create trigger instead instead of insert on v_triggered for each row execute function t_instead();
create materialized view m_orders as select customer_id, sum(total) as total from orders group by 1;
create materialized view m_writes as select f_pure(1) as n, id from customers;

create table secrets (id int, owner text, body text);
insert into secrets values (1, 'app', 'x');
create function may_see(text) returns boolean language plpgsql as
  $$begin insert into audit_log values (14, $1, 'policy'); return true; end$$;
create policy own on secrets using (may_see(owner) and exists (select 1 from customers where id = secrets.id));
alter table secrets enable row level security;
alter table secrets force row level security;
-- a check that planning may fold, a function that says it may be
create function f_fold(int) returns int immutable language plpgsql as
  $$begin perform f_dynamic('insert into audit_log values (17, null, ''fold'')'); return $1; end$$;
create table guarded (id int, check (id > 0));
create table guarded_child (check (id > f_fold(5))) inherits (guarded);
create table indexed (id int, name text);
create index on indexed (f_pure(id));
insert into indexed select i, 'i' || i from generate_series(1, 9) i;

-- a second schema with the same names
create schema other;
create table other.customers (id int, name text, hidden text);
create table other.only_here (id int, name text);
create view other.v as select * from public.customers;
create function other.upper(text) returns text volatile language plpgsql as
  $$begin insert into public.audit_log values (15, $1, 'upper'); return 'U'; end$$;
create operator other.+ (leftarg = int, rightarg = int, procedure = int4mi);
grant all on all tables in schema public to clerk;
grant all on schema other to clerk;
grant all on all tables in schema other to clerk;
reset role;

-- an order of a type that a user has written
create type rank as (n int);
create function rank_less(rank, rank) returns boolean language plpgsql as
  $$begin insert into audit_log values (18, 'rank', '<'); return $1.n < $2.n; end$$;
create function rank_compare(rank, rank) returns int language plpgsql as
  $$begin insert into audit_log values (19, 'rank', 'compare'); return $1.n - $2.n; end$$;
create operator <<< (leftarg = rank, rightarg = rank, procedure = rank_less);
create operator <<= (leftarg = rank, rightarg = rank, procedure = rank_less);
create operator ==== (leftarg = rank, rightarg = rank, procedure = rank_less);
create operator >>= (leftarg = rank, rightarg = rank, procedure = rank_less);
create operator >>> (leftarg = rank, rightarg = rank, procedure = rank_less);
create operator class rank_order default for type rank using btree as operator 1 <<<, operator 2 <<=,
  operator 3 ====, operator 4 >>=, operator 5 >>>, function 1 rank_compare(rank, rank);
create table ranked (id int, r rank);
insert into ranked values (1, row(2)), (2, row(1));
alter table ranked owner to app;

create function t_event() returns event_trigger language plpgsql as
  $$begin insert into audit_log values (16, 'event', tg_tag); end$$;
create event trigger on_comment on ddl_command_end when tag in ('COMMENT') execute function t_event();
select lo_create(4242);
alter large object 4242 owner to app;
`

/** Made in each session before its statements. */
export const TEMPORARY = [
  'create temp table tmp (id int, name text)',
  'create temp view tmp_view as select id, ssn from customers',
] as const

/** Names that no rollback brings back. */
export const NAMES = [
  'prepare q_read as select name from customers where id = 1',
  'prepare q_write (int) as delete from orders where id = $1',
  'prepare q_view as select * from v_writes',
  'begin; declare held cursor with hold for select id, name from customers; commit',
] as const
