// Variables of the server. Most say how a session reads or computes; those that tell of the server's inside, its files or
// its secrets are for administrators.
import type { Draft } from '../draft.ts'

/** What drivers and tools ask at connect, and what says how a session computes. */
const open: ReadonlySet<string> = new Set(
  `
  aria_sort_buffer_size auto_increment_increment auto_increment_offset autocommit big_tables block_encryption_mode
  character_set_client character_set_collations character_set_connection character_set_database character_set_filesystem
  character_set_results character_set_server character_set_system check_constraint_checks collation_connection
  collation_database collation_server column_compression_threshold default_regex_flags default_storage_engine
  default_tmp_storage_engine default_week_format div_precision_increment error_count event_scheduler
  explicit_defaults_for_timestamp external_user foreign_key_checks group_concat_max_len gtid_mode hostname identity
  idle_transaction_timeout in_transaction init_connect innodb_lock_wait_timeout innodb_strict_mode innodb_version
  insert_id interactive_timeout join_buffer_size last_gtid last_insert_id lc_messages lc_time_names license
  lock_wait_timeout low_priority_updates lower_case_file_system lower_case_table_names max_allowed_packet
  max_error_count max_execution_time max_join_size max_length_for_sort_data max_prepared_stmt_count
  max_recursive_iterations max_sort_length max_statement_time max_user_connections net_buffer_length net_read_timeout
  net_write_timeout note_verbosity old_mode performance_schema port profiling profiling_history_size protocol_version
  proxy_user pseudo_thread_id query_cache_size query_cache_type read_only server_id server_uid server_uuid session_track_schema
  session_track_state_change session_track_system_variables session_track_transaction_info skip_networking
  sort_buffer_size sql_auto_is_null sql_big_selects sql_buffer_result sql_log_bin sql_mode sql_notes
  sql_quote_show_create sql_safe_updates sql_select_limit sql_warnings storage_engine super_read_only
  system_time_zone system_versioning_alter_history system_versioning_asof table_open_cache thread_cache_size time_format time_zone timestamp
  tmp_table_size transaction_alloc_block_size transaction_isolation transaction_read_only tx_isolation tx_read_only
  unique_checks updatable_views_with_limit version version_comment version_compile_machine version_compile_os
  version_malloc_library version_source_revision version_ssl_library wait_timeout warning_count have_innodb have_ssl
  have_openssl have_profiling have_query_cache default_authentication_plugin have_compress have_dynamic_loading
  have_geometry have_rtree_keys have_symlink use_stat_tables optimizer_switch
`.match(/\w+/g),
)

export function isOpenVariable(name: string): boolean {
  return open.has(name)
}

/** `@@global.sql_mode`, `@@sql_mode`: what is read. */
export function systemVariable(written: string, draft: Draft): void {
  const name = written.slice(2).toLowerCase()
  const bare = name.replace(/^(global|session|local|persist|persist_only)\./, '')
  draft.add(isOpenVariable(bare) ? 'connect' : 'administer', 'SHOW', undefined, [], 'settings')
}
