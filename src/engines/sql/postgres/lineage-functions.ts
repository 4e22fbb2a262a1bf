// What lineage must know of built-in functions besides their being safe: which aggregate, which answer with several
// columns. From pg_proc of PostgreSQL 15 and 18; what differs between them, or depends on the arguments, is `open`.

function names(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

export const aggregates: ReadonlySet<string> = names(`
  any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank
  every json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique
  json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict
  jsonb_object_agg_unique jsonb_object_agg_unique_strict max min mode percent_rank percentile_cont percentile_disc
  range_agg range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy
  regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg`)

/** Functions that answer with rows whose columns the name does not tell: of the type of an argument, or of a version. */
export const openFunctions: ReadonlySet<string> = names(`
  unnest json_to_record json_to_recordset jsonb_to_record jsonb_to_recordset json_populate_record
  json_populate_recordset jsonb_populate_record jsonb_populate_recordset lag lead first_value last_value nth_value
  percentile_disc mode max min record_larger record_smaller any_value any_value_transfn lower upper pg_stat_get_wal
  pg_stat_get_progress_info pg_stat_get_replication_slot pg_stat_get_archiver pg_stat_get_slru pg_prepared_statement
  pg_timezone_abbrevs pg_timezone_names pg_get_replication_slots pg_get_publication_tables
  pg_stat_get_backend_subxact pg_split_walfile_name pg_timezone_abbrevs_zone pg_timezone_abbrevs_abbrevs`)

const several: Readonly<Record<string, string>> = {
  aclexplode: 'grantor grantee privilege_type is_grantable',
  pg_sequence_parameters:
    'start_value minimum_value maximum_value increment cycle_option cache_size data_type',
  pg_get_keywords: 'word catcode barelabel catdesc baredesc',
  pg_get_catalog_foreign_keys: 'fktable fkcols pktable pkcols is_array is_opt',
  pg_identify_object: 'type schema name identity',
  pg_identify_object_as_address: 'type object_names object_args',
  pg_get_object_address: 'classid objid objsubid',
  pg_walfile_name_offset: 'file_name file_offset',
  json_array_elements: 'value',
  json_array_elements_text: 'value',
  jsonb_array_elements: 'value',
  jsonb_array_elements_text: 'value',
  pg_partition_ancestors: 'relid',
  json_each: 'key value',
  json_each_text: 'key value',
  jsonb_each: 'key value',
  jsonb_each_text: 'key value',
  ts_token_type: 'tokid alias description',
  ts_parse: 'tokid token',
  pg_available_extensions: 'name default_version comment',
  pg_available_extension_versions:
    'name version superuser trusted relocatable schema requires comment',
  pg_extension_update_paths: 'source target path',
  pg_partition_tree: 'relid parentrelid isleaf level',
  ts_debug: 'alias description token dictionaries dictionary lexemes',
}

/** The columns of functions that have more than one, or one of a name of its own, which no alias changes. */
export const severalColumns: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(several).map(([name, text]) => [name, text.split(' ')]),
)

/** They change something, but what they answer tells nothing of a table. */
export const plainFunctions: ReadonlySet<string> = names('nextval setval set_config')
