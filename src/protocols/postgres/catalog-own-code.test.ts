// What tables run by themselves, as real servers have it: by every way in which a table's definition may hold a user's code.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Analyser, createPostgresAnalyser } from '#engines/sql'
import { hasPostgres, type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts'
import { createCatalog } from './catalog.ts'
import { readCatalog } from './catalog-reader.ts'
import type { Catalog } from './catalog-types.ts'
import { Scope } from './scope.ts'
import { SessionNames } from './session-names.ts'
import { StatementBuilder } from './statement.ts'
import { fakeSession } from './test-doubles.ts'
import { logIn } from './upstream.ts'

const schema = `
create table log (line text);
create table members (id int, name text);
create function pure(int) returns int immutable language sql as 'select $1 + 1';
create function tenant() returns text stable language sql as $$ select current_setting('app.tenant', true) $$;
create function noted(int) returns int language sql as $$ insert into log values ('x'); select 1 $$;
create function spelled(int) returns int language plpgsql as $$ begin insert into log values ('y'); return 1; end $$;
create function says_constant(int) returns int immutable language plpgsql as $$ begin return noted($1); end $$;
create function counted() returns bigint stable language sql as 'select count(*) from members';
create function unclear(text) returns int immutable language plpgsql as $$ begin execute $1; return 1; end $$;
create function owned() returns bigint stable security definer language sql as 'select count(*) from members';
create function touch() returns trigger language plpgsql as
  $$ begin new.at := now(); if tg_op = 'UPDATE' then new.name := old.name; end if; return new; end $$;
create function keep() returns trigger language plpgsql as
  $$ begin insert into log values (tg_table_name); return null; end $$;

create table plain (id int primary key, name text, at timestamptz);
create trigger touched before insert or update on plain for each row execute function touch();
create table watched (id int primary key, name text);
create trigger watch_insert after insert on watched for each row execute function keep();
create trigger watch_truncate after truncate on watched for each statement execute function keep();
create trigger watch_never after delete on watched for each row execute function keep();
alter table watched disable trigger watch_never;
create table whenever (id int);
create trigger sometimes after update on whenever for each row when (new.id > says_constant(1)) execute function touch();

create table parted (id int) partition by range (id);
create trigger parted_when after insert on parted for each row when (new.id > says_constant(1)) execute function touch();
create table parted_low partition of parted for values from (0) to (10) partition by range (id);
create table parted_least partition of parted_low for values from (0) to (5);
create table tenants (id int, tenant text);
create policy own on tenants using (tenant = tenant());
alter table tenants enable row level security;
create table policed (id int);
create policy reading on policed for select using (id < counted());
create policy adding on policed for insert with check (noted(id) = 1);
create policy changing on policed for update using (id = noted(2));
create policy removing on policed for delete using (owned() > 0);
alter table policed enable row level security;
create table unpoliced (id int);
create policy idle on unpoliced using (noted(id) = 1);
create table by_policy (id int);
create policy other on by_policy using (exists (select from policed p where p.id = by_policy.id));
alter table by_policy enable row level security;

create table checked (id int, check (id <> spelled(id)));
create table folded (id int, check (id > says_constant(5)));
create table family (id int);
create table folded_child () inherits (family);
alter table folded_child add check (id > says_constant(6));
create table defaulted (id int default noted(1), name text);
create table constant (id int default says_constant(1));
create table generated (id int, twice int generated always as (pure(id)) stored, bad int generated always as (says_constant(id)) stored);
create table indexed (id int);
create index on indexed (says_constant(id));
create table measured (id int) partition by range (pure(id));
create table measured_low partition of measured for values from (0) to (10);
create table keyed (id int) partition by range (says_constant(id));
create table keyed_low partition of keyed for values from (0) to (10);
create table statistical (id int, name text);
create statistics told on (says_constant(id)), name from statistical;

create function right_code(text) returns boolean language sql as $$ insert into log values ($1); select true $$;
create domain code as text check (right_code(value));
create domain easy as text check (value <> '');
create domain harmless as int check (pure(value) > 0);
create type holder as (a int, c code);
create table coded (id int, c code);
create table arrayed (id int, c code[]);
create table held (id int, h holder);
create table eased (id int, e easy, h harmless);
create type pair as (a int, b int);
create function to_pair(int) returns pair language sql as $$ insert into log values ('cast'); select row($1, 1)::pair $$;
create cast (int as pair) with function to_pair(int) as assignment;
create table paired (id int, p pair);

create table parent (id int primary key);
create table child (id int references parent on delete cascade on update set null);
create trigger gone after delete on child for each row execute function keep();
create table kin (id int primary key);
create table kin_child (note text) inherits (kin);
create trigger kin_watch after update on kin_child for each row execute function keep();
create view shown as select * from watched;
create view shown_policed as select * from policed;
create materialized view stored as select * from policed;
create table ruled (id int);
create rule also as on insert to ruled do also insert into log values ('rule');
create view v_ruled as select * from ruled;
`

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(
    `what PostgreSQL ${version} runs by itself`,
    () => {
      let server: PostgresServer
      let catalog: Catalog
      let analyser: Analyser

      beforeAll(async () => {
        analyser = await createPostgresAnalyser()
        server = await startPostgres({ version, init: schema })
        catalog = createCatalog(read, () => performance.now())
        await catalog.fresh()
      })
      afterAll(() => server?.stop())

      const read = async () => {
        const session = fakeSession(
          { host: server.host, port: server.port },
          { user: server.user, secrets: { password: server.password } },
        )
        const request = {
          database: server.database,
          settings: new Map<string, string>(),
          applicationName: 'test',
        }
        return await readCatalog(await logIn(session, request, { upstreamLoginMs: 5_000 }))
      }
      const build = (text: string, parameterTypes: readonly number[] = []) => {
        const analysis = analyser.analyse(text)
        if (!analysis.readable) throw new Error(analysis.message)
        const scope = new Scope(['public'], 'app')
        return new StatementBuilder(analyser, catalog, scope, new SessionNames()).build(
          analysis,
          text,
          {
            phase: 'prepare',
            inTransaction: false,
            segment: 0,
            catalogDirty: false,
            parameterTypes,
          },
        )
      }
      /** What it does besides what its own words say. */
      const besides = (text: string) =>
        build(text)
          .operations.filter(({ flags }) => flags.includes('indirect'))
          .map(
            ({ action, object, flags }) =>
              `${action} ${object.name.replace('public.', '')}${flags.includes('definer') ? ' as owner' : ''}${flags.includes('dynamic') ? ' dynamic' : ''}`,
          )
          .sort()

      const LOG = ['write log']
      it.each([
        [
          'a trigger that changes its own row asks for nothing',
          'insert into plain (id) values (1)',
          [],
        ],
        ['a trigger fires', 'insert into watched values (1)', LOG],
        ['a trigger is for its events', 'update watched set id = 1 where id = 2', []],
        ['a trigger of the whole statement', 'truncate watched', LOG],
        ['a trigger that is off', 'delete from watched where id = 1', []],
        ['what a trigger waits for', 'update whenever set id = 1 where id = 2', LOG],
        ['what the trigger of a partition waits for', 'insert into parted_least values (1)', LOG],
        ['a lock on the table starts nothing', 'lock table watched in share mode', []],
        ['COPY fires it, too', 'copy watched from stdin', LOG],
        ['ON CONFLICT does', 'insert into watched values (1) on conflict do nothing', LOG],
        ['a policy that asks a setting asks for nothing', 'select * from tenants', []],
        ['a policy for reading', 'select * from policed', ['read members']],
        ['a policy that row security leaves out', 'select * from unpoliced', []],
        ['a policy for new rows', 'insert into policed values (1)', ['read members', 'write log']],
        ['a policy for changes', 'update policed set id = 1', ['read members', 'write log']],
        [
          'a policy for changes, of rows to be locked',
          'select * from policed for update',
          ['read members', 'write log'],
        ],
        ['a policy for removal', 'delete from policed', ['read members', 'read members as owner']],
        ['a policy that reads another table', 'select * from by_policy', ['read members']],
        ['a check', 'insert into checked values (1)', LOG],
        ['a check that may not be folded', 'select * from checked', []],
        ['a check that planning folds', 'select * from folded', LOG],
        ['a check that planning folds, only explained', 'explain select * from folded', LOG],
        ['a check of a child', 'select * from family', LOG],
        ['a default', 'insert into defaulted (name) values (1)', LOG],
        ['a default, when it is read', 'select * from defaulted', []],
        ['a default that EXPLAIN computes', 'explain insert into constant values (default)', LOG],
        ['a generated column', 'insert into generated (id) values (1)', LOG],
        ['an index', 'insert into indexed values (1)', LOG],
        ['an index, planned with', 'select * from indexed', LOG],
        ['a harmless key of partitions', 'insert into measured values (1)', []],
        ['a key of partitions', 'insert into keyed values (1)', LOG],
        ['a key of the parent', 'insert into keyed_low values (1)', LOG],
        ['statistics', 'select * from statistical', LOG],
        ['a domain', 'insert into coded values (1)', LOG],
        ['a domain in an array', "update arrayed set c = '{x}' where id = 1", LOG],
        ['a domain in a row', "update held set h = '(1,x)' where id = 1", LOG],
        ['domains whose checks compute', 'insert into eased values (1)', []],
        [
          'a cast that storing asks for',
          'insert into paired values (1, 2)',
          ['execute pair', 'write log'],
        ],
        ['a cast that reading does not', 'select * from paired', []],
        ['a key that takes others with it', 'delete from parent where id = 1', LOG],
        ['a key that changes others', 'update parent set id = 1 where id = 2', []],
        ['a child', 'update kin set id = 1 where id = 2', LOG],
        ['a view that is written through', 'insert into shown values (1)', LOG],
        ['a view over policies', 'select * from shown_policed', ['read members']],
        ['a stored view', 'select * from stored', []],
        ['a stored view that is made anew', 'refresh materialized view stored', ['read members']],
        ['a rule of what a view shows', 'insert into v_ruled values (1)', ['write log as owner']],
      ])('says what runs with it: %s', (_, text, expected) => {
        expect(besides(text)).toEqual(expected)
      })

      it('names what runs, and asks for the right to call only what cannot be told', async () => {
        expect(build('select * from tenants').functions).toContain('public.tenant')
        await server.query('create table unsure (id int, check (id > unclear($$ select 1 $$)))')
        await catalog.refresh()
        expect(build('select * from unsure').operations).toContainEqual(
          expect.objectContaining({
            action: 'execute',
            object: { name: 'public.unclear', kind: 'function' },
            flags: ['dynamic', 'indirect'],
          }),
        )
      })

      it('knows that a parameter of a domain runs its checks when it is bound', async () => {
        const [row] = await server.query(
          "select 'code'::regtype::oid as code, 'code[]'::regtype::oid as codes, 'harmless'::regtype::oid as harmless",
        )
        const bound = (type: string) => build('select $1', [Number(row?.[type])])
        for (const type of ['code', 'codes']) {
          const { operations, phase } = bound(type)
          expect(operations.map(({ object }) => object.name)).toContain('public.log')
          // A person is asked before, not when it is too late.
          expect(phase).toBe('execute')
        }
        expect(bound('harmless')).toMatchObject({
          phase: 'prepare',
          operations: [{ action: 'connect' }],
        })
        expect(build('select $1', [23]).phase).toBe('prepare')
      })

      it('knows casts of users’ types, wherever their values are: code may answer with anything', async () => {
        await server.query(`
          create type sort as enum ('a');
          create function sort_text(sort) returns text language sql as 'select name from public.members';
          create cast (sort as text) with function sort_text(sort);
          create type sorted as (s sort);
          create table of_sort (s sort);
          create table of_sorted (x sorted, l sort[]);
          create table rowed (id int);
          create function row_text(rowed) returns text language sql as 'select name from public.members';
          create cast (rowed as text) with function row_text(rowed) as implicit;
          create type calm as enum ('a');
          create function calm_text(calm) returns text language sql as $$ select case when $1 = 'a' then 'b' end $$;
          create cast (calm as text) with function calm_text(calm);
          create table of_calm (c calm)`)
        await catalog.refresh()
        const how = (text: string, types: readonly number[] = []) => {
          const outputs = build(text, types).lineage?.[0]?.outputs
          return outputs === 'unknown' ? outputs : outputs?.map(each => each.how).join()
        }
        for (const text of [
          'select s::text from of_sort',
          'select max(s::text) from of_sort',
          'select (x).s::text from of_sorted',
          'select l[1]::text from of_sorted',
          'select r::text from rowed r',
          'select upper(r) from rowed r',
          'select x.r::text from (select r from rowed r) x',
        ]) {
          expect(besides(text), text).toEqual(['read members'])
          expect(how(text), text).toBe('unknown')
        }
        expect(how('select s from of_sort')).toBe('identity')
        expect(build('select id from of_sort where s::text = $1').lineage?.[0]?.probes).toBe(
          'unknown',
        )
        expect(build('insert into log select s from of_sort').lineage?.[0]?.transfers).toEqual([
          expect.objectContaining({ how: 'unknown' }),
        ])
        expect(build("select 'a'::sort::text").operations).toContainEqual(
          expect.objectContaining({ action: 'execute', object: { name: 'sort', kind: 'type' } }),
        )
        const [row] = await server.query("select 'sort'::regtype::oid as oid")
        expect(how('select $1::text', [Number(row?.['oid'])])).toBe('unknown')
        // What is made of the value alone is that.
        expect(how('select c::text from of_calm')).toBe('transformed')
      })

      it('knows casts that the server applies to built-in types unasked', async () => {
        await server.query(
          `create function as_int(text) returns int language sql as $$ insert into log values ($1); select 1 $$`,
        )
        await server.query('create cast (text as int) with function as_int(text) as implicit')
        await catalog.refresh()
        expect(besides("select 1 + 'x'::text")).toEqual(LOG)
        await server.query('drop cast (text as int)')
        await catalog.refresh()
        expect(besides("select 1 + 'x'::text")).toEqual([])
      })
    },
  )
}
