// Built-in functions by what they make of values. A list of what is known; any other may do and be anything.

function names(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

/** Made of many rows. */
export const aggregates: ReadonlySet<string> = names(`
  any_value avg bit_and bit_or bit_xor cume_dist dense_rank first_value group_concat json_arrayagg json_objectagg lag
  last_value lead max median min nth_value ntile percent_rank percentile_cont percentile_disc rank row_number std stddev
  stddev_pop stddev_samp sum var_pop var_samp variance`)

/** Without effect, of whatever they are given, and they end no statement by it: NULL and a warning at the most. */
export const total: ReadonlySet<string> = names(`
  acos add_months adddate addtime any_value ascii asin atan atan2 avg bin bit_and bit_count bit_length bit_or bit_xor char
  char_length character_length charset chr coalesce coercibility collation compress concat concat_ws connection_id conv
  convert_tz cos crc32 crc32c cume_dist curdate current_date current_role current_time current_timestamp current_user
  curtime database date date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear degrees
  dense_rank elt export_set field find_in_set first_value format found_rows from_base64 from_days from_unixtime greatest
  group_concat hex hour if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr is_ipv4 is_ipv4_compat
  is_ipv4_mapped is_ipv6 isnull json_array json_arrayagg json_object json_quote json_type json_valid lag last_day
  last_value lcase lead least left length lengthb ln localtime localtimestamp locate log log10 log2 lower lpad ltrim
  make_set makedate maketime max md5 median microsecond mid min minute mod month monthname natural_sort_key now nth_value
  ntile nullif nvl nvl2 oct octet_length ord percent_rank percentile_cont percentile_disc period_add period_diff pi
  position quarter quote radians rank repeat replace reverse right round row row_count row_number rpad
  rtrim schema sec_to_time second session_user sha sha1 sha2 sign sin soundex space sqrt std stddev stddev_pop
  stddev_samp str_to_date strcmp subdate substr substring substring_index subtime sum sysdate system_user tan time
  time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_char to_days to_seconds trim ucase
  uncompress uncompressed_length unhex unix_timestamp upper user utc_date utc_time utc_timestamp var_pop
  var_samp variance version week weekday weekofyear weight_string year yearweek`)

/**
 * Whether one was reached can be told: an argument may end the statement (out of range, no JSON, no XML, no pattern, no
 * geometry), or the next call answers something else.
 */
const failing: ReadonlySet<string> = names(`
  abs aes_decrypt aes_encrypt bin_to_uuid ceil ceiling column_add column_check column_create column_delete column_exists
  column_get column_json column_list cot decode des_decrypt des_encrypt encode encrypt exp extractvalue
  floor format_bytes format_pico_time grouping interval is_uuid json_append json_array_append json_array_insert json_compact json_contains json_contains_path json_depth
  json_detailed json_equals json_exists json_extract json_insert json_keys json_length json_loose json_merge
  json_merge_patch json_merge_preserve json_normalize json_objectagg json_overlaps json_pretty json_query json_remove
  json_replace json_schema_valid json_schema_validation_report json_search json_set json_storage_free json_storage_size
  json_unquote json_value old_password password pow power rand random_bytes sys_guid uuid uuid_short
  regexp_instr regexp_like regexp_replace regexp_substr sformat st_area st_asbinary st_asgeojson st_astext st_aswkb
  st_aswkt st_contains st_distance st_distance_sphere st_equals st_geomfromgeojson st_geomfromtext st_geomfromwkb
  st_intersects st_latitude st_length st_longitude st_pointfromtext st_srid st_within st_x st_y point truncate updatexml
  uuid_to_bin`)

/** They have an effect, but what they answer tells nothing of their arguments. */
export const plain: ReadonlySet<string> = names(`
  benchmark get_lock is_free_lock is_used_lock master_gtid_wait master_pos_wait release_all_locks release_lock sleep
  wait_for_executed_gtid_set wait_until_sql_thread_after_gtids`)

/** Their first argument is a word of theirs: a unit. */
export const unitFirst: ReadonlySet<string> = names(`get_format timestampadd timestampdiff`)

export function isSafe(name: string): boolean {
  return total.has(name) || failing.has(name)
}
