-- Makes the lists of catalog-names.ts. Run on a fresh server of each supported major version:
--   psql -XAt -F ' ' -f catalog-names.sql postgres
-- One line per name: S = a function that is safe in all its overloads, U = one that is not (but can be
-- called), O = an operator, T = a type. Merge the versions: a function is safe when no version says U.
-- Safe (standards: functions are an allow-list): immutable or stable, or one of the few volatile ones
-- named here; and no word of the deny list: what reads a table, a file, a setting or another
-- session's text by a string or a number.
with f as (
  select p.proname,
    (p.provolatile in ('i', 's') or p.proname = any (array[
      'random', 'random_normal', 'array_sample', 'array_shuffle', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'clock_timestamp', 'timeofday',
      'lastval', 'currval', 'pg_relation_size', 'pg_table_size', 'pg_indexes_size',
      'pg_total_relation_size', 'pg_database_size', 'pg_tablespace_size', 'pg_is_in_recovery',
      'pg_partition_tree', 'pg_partition_ancestors', 'pg_blocking_pids', 'pg_sequence_last_value', 'pg_my_temp_schema']))
    and p.proname !~ '_to_xml'
    and p.proname !~ '^(lo_|loread|lowrite|pg_read_|pg_ls_|pg_stat_file|binary_upgrade_|pg_control_)'
    and p.proname !~ '^(pg_replication_|pg_logical_|pg_event_trigger_|pg_hba_|pg_ident_|pg_show_)'
    and p.proname !~ '^pg_stat_get_(activity|backend_activity|backend_client|wal_senders|wal_receiver|subscription)'
    and p.proname !~ '_validator$'
    and p.proname <> all (array['ts_stat', 'ts_rewrite', 'pg_config', 'current_setting', 'set_config',
      'nextval', 'setval', 'pg_relation_filepath', 'pg_relation_filenode', 'pg_filenode_relation',
      'pg_mcv_list_items', 'pg_options_to_table', 'pg_cursor', 'pg_prepared_xact', 'pg_sleep',
      'pg_get_multixact_members', 'pg_current_logfile', 'pg_lock_status',
      -- They run the input function of a type named by a text: of a domain, its CHECK too.
      'pg_input_is_valid', 'pg_input_error_info'])
    as safe,
    -- Not callable from SQL, or plumbing of the server: left out of both lists, so unknown.
    (p.prorettype = any (array['internal', 'trigger', 'event_trigger', 'language_handler', 'fdw_handler',
       'index_am_handler', 'tsm_handler', 'table_am_handler', 'cstring']::regtype[])
     or array['internal', 'cstring']::regtype[]::oid[] && p.proargtypes::oid[]) as plumbing
  from pg_proc p
  where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'a', 'w')
)
select case when bool_and(safe) then 'S' else 'U' end, proname from f where not plumbing group by proname
union all
select distinct 'O', oprname from pg_operator where oprnamespace = 'pg_catalog'::regnamespace
union all
select 'T', typname from pg_type
where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'd', 'p', 'r', 'm')
  and typname !~ '^_pg_' and typname !~ '(handler|trigger|internal|^unknown)$'
order by 1, 2;
