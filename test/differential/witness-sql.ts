// What a server can tell of the statement that has just run in an open transaction, in one row. Made of functions and
// catalogs of its own only, gathered in the order in which asking disturbs least: locks before anything else.
export const WITNESS = `
create schema witness;
create function witness.tell() returns json language plpgsql set search_path = pg_catalog as $$
declare
  locks json;
  told json;
begin
  -- A function takes no lock; each later question may.
  locks := (select json_agg(json_build_array(relation::int8, mode)) from pg_lock_status()
    where pid = pg_backend_pid() and locktype = 'relation' and granted
      and database = (select oid from pg_database where datname = current_database()));
  told := json_build_object(
    'locks', locks,
    'began', now(),
    'wrote', pg_current_xact_id_if_assigned() is not null,
    'advisory', exists (select from pg_lock_status() where pid = pg_backend_pid() and locktype = 'advisory'),
    'changed', (select json_agg(oid::int8) from pg_class where relkind in ('r', 'm', 'p') and oid >= 16384 and
      pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid) +
      pg_stat_get_xact_tuples_deleted(oid) > 0),
    'ran', (select json_agg(p.pronamespace::regnamespace || '.' || p.proname) from pg_proc p where p.oid >= 16384 and
      pg_stat_get_xact_function_calls(p.oid) > 0 and pronamespace <> 'witness'::regnamespace),
    'settings', (select json_object_agg(name, setting) from pg_show_all_settings()
      where source = 'session' and name not in ('transaction_isolation', 'in_hot_standby')),
    'role', current_setting('role'),
    'prepared', (select json_agg(name) from pg_prepared_statement()),
    'cursors', (select json_agg(name) from pg_cursor() where name <> ''),
    'channels', (select json_agg(c) from pg_listening_channels() c),
    'relations', (select json_agg(json_build_array(c.oid::int8, n.nspname, c.relname, c.relkind))
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where c.oid in (select relation from pg_lock_status() where pid = pg_backend_pid() and locktype = 'relation')));
  return told;
end $$;
grant usage on schema witness to public;
`
